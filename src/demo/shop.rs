//! The four services, each on a port of its own; checkout asks payments before it answers.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use axum::{
    Form, Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Latency, pages};

/// The shop could not open.
#[derive(Debug, Error)]
#[error("the shop cannot listen on loopback: {0}")]
pub struct ShopError(#[from] std::io::Error);

/// A running shop.
pub struct Shop {
    floor: Arc<Floor>,
    addresses: BTreeMap<&'static str, SocketAddr>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What the services share.
struct Floor {
    accounts: Latency,
    catalogue: Latency,
    checkout: Latency,
    payments: Latency,
    /// How many of the five instances behind accounts have a broken setting.
    broken: AtomicU32,
    /// Sign-ins so far: they go to the instances in turn.
    sign_ins: AtomicU32,
    password: String,
    rng: Mutex<StdRng>,
    tokens: Mutex<BTreeMap<String, Option<String>>>,
    carts: AtomicU64,
}

/// Sessions remembered at once.
const SESSIONS: usize = 500;
/// Instances of accounts, asked in turn.
const INSTANCES: u32 = 5;
const ITEMS: &[(&str, &str, u32)] =
    &[("tea", "Green tea", 600), ("cup", "Cup", 900), ("pot", "Tea pot", 2400)];

impl Shop {
    /// Opens the shop; `password` is what sign-in wants.
    ///
    /// # Errors
    /// No port on loopback can be had.
    pub async fn open(seed: u64, password: &str) -> Result<Self, ShopError> {
        let floor = Arc::new(Floor {
            accounts: Latency::new(9.0, seed ^ 1),
            catalogue: Latency::new(14.0, seed ^ 2),
            checkout: Latency::new(12.0, seed ^ 3),
            payments: Latency::new(20.0, seed ^ 4),
            broken: AtomicU32::new(0),
            sign_ins: AtomicU32::new(0),
            password: password.to_owned(),
            rng: Mutex::new(StdRng::seed_from_u64(seed ^ 5)),
            tokens: Mutex::new(BTreeMap::new()),
            carts: AtomicU64::new(1),
        });
        let accounts = Router::new()
            .route("/login", get(login_page).post(login))
            .route("/account", get(account));
        let catalogue = Router::new().route("/items", get(items)).route("/items/{id}", get(item));
        let checkout = Router::new().route("/cart", post(cart)).route("/pay", post(pay));
        let payments = Router::new().route("/charge", post(charge));
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let mut addresses = BTreeMap::new();
        for (name, router) in [
            ("accounts", accounts),
            ("catalogue", catalogue),
            ("checkout", checkout),
            ("payments", payments),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            addresses.insert(name, listener.local_addr()?);
            let service = router.with_state(Arc::clone(&floor));
            let closing = stop.clone().cancelled_owned();
            tasks.spawn(async move {
                if let Err(e) = axum::serve(listener, service).with_graceful_shutdown(closing).await
                {
                    tracing::error!(error = %e, "demo.shop: {name} ended");
                }
            });
        }
        Ok(Self { floor, addresses, tasks, stop })
    }

    /// Where each service listens.
    pub fn addresses(&self) -> &BTreeMap<&'static str, SocketAddr> {
        &self.addresses
    }

    /// Payments takes this many percent of its usual time.
    pub fn slow_payments(&self, percent: u32) {
        self.floor.payments.scale(percent);
    }

    /// So many of the five instances of accounts turn sign-ins away.
    pub fn break_accounts(&self, instances: u32) {
        self.floor.broken.store(instances, Ordering::Relaxed);
    }

    /// Closes the shop.
    pub async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        // Kept-alive connections end with their clients; nobody waits for them.
        drop(tokio::time::timeout(std::time::Duration::from_secs(1), self.tasks.wait()).await);
    }
}

impl Floor {
    fn token(&self) -> String {
        let token: u128 = self.rng.lock().unwrap_or_else(PoisonError::into_inner).random();
        format!("{token:032x}")
    }

    fn remember(&self, token: String, user: Option<String>) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= SESSIONS {
            tokens.pop_first();
        }
        tokens.insert(token, user);
    }

    fn known(&self, token: &str) -> Option<Option<String>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}

async fn login_page(State(floor): State<Arc<Floor>>) -> Html<String> {
    floor.accounts.pass().await;
    let csrf = floor.token();
    floor.remember(csrf.clone(), None);
    Html(pages::login(&csrf))
}

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
    csrf: String,
}

async fn login(State(floor): State<Arc<Floor>>, Form(form): Form<Login>) -> Response {
    floor.accounts.pass().await;
    if floor.known(&form.csrf) != Some(None) {
        return (StatusCode::FORBIDDEN, "the form is stale").into_response();
    }
    if form.password != floor.password {
        return (StatusCode::UNAUTHORIZED, "wrong password").into_response();
    }
    let instance = floor.sign_ins.fetch_add(1, Ordering::Relaxed) % INSTANCES;
    if instance < floor.broken.load(Ordering::Relaxed) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "session backend: no such host")
            .into_response();
    }
    let session = floor.token();
    floor.remember(session.clone(), Some(form.user));
    let cookie = format!("session={session}; Path=/; HttpOnly; SameSite=Lax");
    (
        StatusCode::SEE_OTHER,
        [(header::SET_COOKIE, cookie), (header::LOCATION, "/account".to_owned())],
    )
        .into_response()
}

async fn account(State(floor): State<Arc<Floor>>, headers: HeaderMap) -> Response {
    floor.accounts.pass().await;
    let cookies = headers.get(header::COOKIE).and_then(|c| c.to_str().ok()).unwrap_or_default();
    let session = cookies.split("; ").find_map(|c| c.strip_prefix("session=")).unwrap_or_default();
    match floor.known(session) {
        Some(Some(user)) => Html(pages::account(&user)).into_response(),
        _ => (StatusCode::UNAUTHORIZED, "sign in first").into_response(),
    }
}

async fn items(State(floor): State<Arc<Floor>>) -> Json<Value> {
    floor.catalogue.pass().await;
    let items: Vec<Value> = ITEMS
        .iter()
        .map(|(id, name, cents)| json!({ "id": id, "name": name, "price_cents": cents }))
        .collect();
    Json(json!({ "items": items }))
}

async fn item(State(floor): State<Arc<Floor>>, Path(id): Path<String>) -> Response {
    floor.catalogue.pass().await;
    match ITEMS.iter().find(|(known, _, _)| *known == id) {
        Some((id, name, cents)) => {
            Json(json!({ "id": id, "name": name, "price_cents": cents })).into_response()
        }
        None => (StatusCode::NOT_FOUND, "no such thing").into_response(),
    }
}

async fn cart(State(floor): State<Arc<Floor>>, Json(wanted): Json<Value>) -> Response {
    floor.checkout.pass().await;
    let known = ITEMS.iter().any(|(id, _, _)| wanted["item"] == json!(id));
    if !known {
        return (StatusCode::UNPROCESSABLE_ENTITY, "no such thing").into_response();
    }
    let cart = floor.carts.fetch_add(1, Ordering::Relaxed);
    Json(json!({ "cart": format!("cart-{cart}"), "items": [wanted] })).into_response()
}

async fn pay(State(floor): State<Arc<Floor>>, Json(order): Json<Value>) -> Response {
    floor.checkout.pass().await;
    if order["cart"].as_str().is_none_or(|cart| !cart.starts_with("cart-")) {
        return (StatusCode::UNPROCESSABLE_ENTITY, "no such cart").into_response();
    }
    // Checkout and payments share this process; what matters is that one waits for the other.
    let receipt = charge(State(floor)).await;
    Json(json!({ "status": "paid", "receipt": receipt.0["receipt"] })).into_response()
}

async fn charge(State(floor): State<Arc<Floor>>) -> Json<Value> {
    floor.payments.pass().await;
    Json(json!({ "receipt": floor.token() }))
}
