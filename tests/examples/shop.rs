//! The shop of the examples: HTTPS and HTTP/2 on loopback, with answers that their checks accept and that would be refused to a client
//! which does not do what the example says.
#![expect(
    clippy::disallowed_methods,
    reason = "a server of a test ends with the test, and tells the time as any server does"
)]

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    body::Body,
    http::{Request, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

/// What whoever signs in must know; base32, so that one-time codes can be made of it.
pub(crate) const PASSWORD: &str = "JBSWY3DPEHPK3PXPJBSWY3DP";
pub(crate) const USER: &str = "probe@example.com";

/// The shop, its address and the authority that vouches for it.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    pub(crate) authority: String,
}

/// What came.
struct Asked {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// What goes back.
struct Answer(u16, Vec<(&'static str, String)>, String);

impl Shop {
    pub(crate) async fn open() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["shop.example.com".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let polls = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, Arc::clone(&polls)));
            }
        });
        Self { address, authority: certificate.pem() }
    }
}

async fn serve(acceptor: TlsAcceptor, stream: tokio::net::TcpStream, polls: Arc<AtomicUsize>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let polls = Arc::clone(&polls);
        async move {
            let asked = read(request).await;
            let Answer(status, headers, body) = answer(&asked, &polls);
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok::<_, Infallible>(response.body(Body::from(body)).unwrap())
        }
    });
    let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // A client that goes away is no trouble.
    builder.serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn read(request: Request<hyper::body::Incoming>) -> Asked {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers: head.headers.iter().map(|(n, v)| (n.to_string(), text(v))).collect(),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn page(html: &str) -> Answer {
    Answer(200, vec![("content-type", "text/html".to_owned())], html.to_owned())
}

fn to(place: &str) -> Answer {
    let cookie = "session=0123456789abcdef; Path=/; HttpOnly".to_owned();
    Answer(303, vec![("location", place.to_owned()), ("set-cookie", cookie)], String::new())
}

fn refused(why: &str) -> Answer {
    Answer(403, Vec::new(), why.to_owned())
}

/// What everything else is answered with: whatever the examples look at is in it.
fn everything(state: &str) -> Value {
    json!({
        "id": 7, "token": "a-token-of-the-shop", "state": state, "items": ["A-100", "A-200"], "code": "SAVE", "reference": "R-7",
        "currency": "EUR", "total": 12.5, "rows": 3, "orders": [{ "id": 1 }, { "id": 2 }], "hits": [{ "id": "A-1" }],
        "access_token": "an-access-token", "token_type": "Bearer", "expires_in": 600,
        "page": "<b id='total'> 1,200 </b><b id='best'>4.50 EUR</b>",
    })
}

fn answer(asked: &Asked, polls: &AtomicUsize) -> Answer {
    let (method, path) = (asked.method.as_str(), asked.path.as_str());
    let header = |name: &str| asked.headers.get(name).map(String::as_str).unwrap_or_default();
    let sent = |text: &str| asked.body.contains(text);
    let signed_in = header("cookie").contains("session=");
    let secret = sent(PASSWORD);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    match (method, path) {
        ("GET", "/login") => page(include_str!("login.html")),
        ("GET", "/teas") if signed_in => page(include_str!("teas.html")),
        ("GET", "/teas/cart") if signed_in => page(include_str!("cart.html")),
        ("GET", "/accounts/login/") => {
            page("<form><input name='csrfmiddlewaretoken' value='0f9e8d7c6b5a'></form>")
        }
        ("POST", "/login" | "/api/login" | "/session" | "/accounts/login/") if !secret => {
            refused("no password")
        }
        ("POST", "/login" | "/accounts/login/") if !sent("0f9e8d7c6b5a") => refused("forged"),
        ("POST", "/login") if sent("user=") => to("/account"),
        ("POST", "/accounts/login/") => to("/accounts/1/account/"),
        ("POST", "/logout") if signed_in => to("/login"),
        ("GET", "/account") if signed_in => {
            page(&include_str!("account.html").replace("USER", USER))
        }
        ("GET", "/account" | "/basket")
            if header("authorization") != "Bearer a-token-of-the-shop" =>
        {
            refused("no token")
        }
        ("GET", "/profile") if header("authorization") != basic => refused("no credentials"),
        ("POST", "/photos") if !(sent("tea.png") && sent("image/png") && sent("a cup of tea")) => {
            refused("no photo")
        }
        ("POST", "/graphql") if !sent("operationName") => refused("no operation"),
        ("POST", "/graphql") => Answer(200, Vec::new(), r#"{"data":{}}"#.to_owned()),
        ("POST", "/factor") if asked.body.len() != "code=123456".len() => refused("no code"),
        ("GET", path) if path.starts_with("/articles/") => page("<p class=price>12 EUR</p>"),
        ("POST", "/api/orders") if header("authorization") != basic => refused("no credentials"),
        ("POST", "/api/orders") => {
            let place = vec![("location", "/api/orders/7".to_owned())];
            Answer(201, place, r#"{"reference": "R-7"}"#.to_owned())
        }
        ("POST", path) if path.ends_with("/api/baskets") => {
            Answer(201, Vec::new(), everything("open").to_string())
        }
        // A price that is not known at once, and an order that is not ready at once.
        ("GET", path) if path.contains("/api/baskets/") || path.starts_with("/orders/") => {
            let ready = polls.fetch_add(1, Ordering::SeqCst) % 2 == 1;
            let mut body = everything(if ready { "ready" } else { "open" });
            if !ready {
                body["total"] = json!(0);
            }
            Answer(200, Vec::new(), body.to_string())
        }
        _ => Answer(
            200,
            vec![
                ("content-type", "application/json".to_owned()),
                ("age", "12".to_owned()),
                (
                    "last-modified",
                    jiff::Timestamp::now().strftime("%a, %d %b %Y %T GMT").to_string(),
                ),
                ("set-cookie", "sid=fedcba9876543210; Secure".to_owned()),
            ],
            everything("open").to_string(),
        ),
    }
}
