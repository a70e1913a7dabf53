//! All routes on one page.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    routing::{get, post, put},
};
use tokio_util::sync::CancellationToken;
use tower_http::{
    CompressionLevel, catch_panic::CatchPanicLayer, compression::CompressionLayer,
    set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

use super::{
    ApiError,
    api::{
        annotations, changes, delivery, findings, flagger, gate, health, hooks, journeys, openapi,
        outbox, review, rollback, runs, said, series, slo,
    },
    auth::{self, Access, login},
    inflate,
    pages::{
        self, assets, budgets, change, changes as change_log, compare, delivery as delivery_page,
        live, note, problem, reports, rollback as button,
    },
};
use crate::{
    daemon::{Handle, LONGEST_WAIT},
    render::page::Pages,
};

/// Largest body that is read: a change is small.
pub(super) const LARGEST_BODY: usize = 1 << 20;

/// What every route may ask for.
#[derive(Clone)]
pub struct Face {
    /// The agent.
    pub handle: Handle,
    /// The pages.
    pub pages: Arc<Pages>,
    /// Who may do what.
    pub access: Arc<Access>,
    /// Ends what would otherwise never end: live streams.
    pub stop: CancellationToken,
}

impl FromRef<Face> for Handle {
    fn from_ref(face: &Face) -> Self {
        face.handle.clone()
    }
}

/// The whole face.
pub fn router(access: Access, pages: Arc<Pages>, stop: CancellationToken) -> Router {
    let access = Arc::new(access);
    let face = Face { handle: access.handle.clone(), pages, access: Arc::clone(&access), stop };
    Router::new()
        .route("/", get(pages::overview))
        .route("/assets/{name}", get(assets::asset))
        .route("/live", get(live::live))
        .route("/journeys/{journey}", get(pages::journey))
        .route("/journeys/{journey}/compare", get(compare::compare))
        .route("/budgets", get(budgets::budgets))
        .route("/changes", get(change_log::changes))
        .route("/changes/{id}", get(change::change))
        .route("/changes/{id}/rollback", post(button::press))
        .route("/changes/{id}/notes", post(note::write))
        .route("/changes/{id}/notes/{note}", post(note::rewrite))
        .route("/changes/{id}/outcome", post(note::say))
        .route("/reports/week", get(reports::week))
        .route("/services/{name}", get(reports::service))
        .route("/login", get(login::show).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/delivery", get(delivery_page::delivery))
        .route("/delivery/pipelines/{name}", get(delivery_page::pipeline))
        .route("/runs/{id}", get(pages::run))
        .route("/runs/{id}/evidence", get(pages::evidence))
        .route("/runs/{id}/pictures/{which}", get(pages::picture))
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/api/openapi.json", get(openapi::document))
        .route("/api/v1/changes", get(changes::list).post(changes::record))
        .route("/api/v1/changes/{id}", get(changes::show))
        .route("/api/v1/changes/{id}/verdict", get(changes::verdict))
        .route("/api/v1/changes/{id}/review", get(review::show))
        .route("/api/v1/changes/{id}/notes", get(said::notes).post(said::note))
        .route("/api/v1/changes/{id}/notes/{note}", put(said::rewrite).delete(said::remove))
        .route("/api/v1/changes/{id}/outcome", get(said::outcome).post(said::say))
        .route("/api/v1/reports/week", get(review::week))
        .route("/api/v1/reports/service/{name}", get(review::service))
        .route("/api/v1/changes/{id}/rollback", get(rollback::show).post(rollback::order))
        .route("/api/v1/changes/{id}/place", post(changes::place))
        .route("/api/v1/releases/{id}", get(changes::release))
        .route("/api/v1/gate", get(gate::ask).post(gate::post))
        .route("/api/v1/journeys", get(journeys::list))
        .route("/api/v1/journeys/{journey}/last-good", get(journeys::last_good))
        .route("/api/v1/series", get(series::show))
        .route("/api/v1/slo", get(slo::list))
        .route("/api/v1/runs", get(runs::list))
        .route("/api/v1/runs/{id}", get(runs::show))
        .route("/api/v1/runs/{id}/evidence", get(runs::evidence))
        .route("/api/v1/runs/{id}/har", get(runs::har))
        .route("/api/v1/findings", get(findings::list))
        .route("/api/v1/findings/{id}/dismiss", post(findings::dismiss))
        .route("/api/v1/delivery", get(delivery::show))
        .route("/api/v1/deliveries", get(hooks::list))
        .route("/api/v1/pipelines", get(hooks::pipelines))
        .route("/api/v1/incidents", get(hooks::incidents))
        .merge(senders())
        .route("/api/v1/findings/{id}/acknowledge", post(findings::acknowledge))
        .route("/api/v1/changes/{id}/acknowledge", post(findings::acknowledge_change))
        .route("/api/v1/outbox", get(outbox::list))
        .route("/api/v1/outbox/{id}/retry", post(outbox::retry))
        .fallback(nothing_here)
        .with_state(face.clone())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(access, auth::guard))
        .layer(middleware::from_fn_with_state(face, problem::explained))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            LONGEST_WAIT + Duration::from_secs(10),
        ))
        .layer(CatchPanicLayer::new())
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Nothing to other sites; but forms of ours must say where they come from, or they would be taken for those of another site.
        .layer(fixed(header::REFERRER_POLICY, "same-origin"))
        .layer(fixed(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        // A page is a tenth of its size then; what is live is not held back for it. The first level: more would take longer than it saves.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
}

/// What senders of changes call: larger bodies than our own API takes.
fn senders() -> Router<Face> {
    let vendors = hooks::VENDORS.iter().fold(Router::new(), |router, (start, _)| {
        let call = post(hooks::vendor).patch(hooks::vendor);
        router.route(&format!("{start}{{*rest}}"), call)
    });
    vendors
        .route("/hooks/{hook}", get(hooks::look).post(hooks::receive).options(hooks::handshake))
        .route("/hooks/flagger/{token}/{hook}", post(flagger::receive))
        .route("/hooks/{hook}/{*rest}", post(hooks::receive_below).options(hooks::handshake))
        .route("/api/v1/events", post(hooks::events).options(hooks::handshake))
        .merge(grafana("/api/annotations"))
        .merge(grafana("/grafana/api/annotations"))
        .layer(middleware::from_fn(inflate::inflated))
        .layer(DefaultBodyLimit::max(hooks::LARGEST_HOOK))
}

/// Grafana's annotations API, wherever a pipeline looks for it.
fn grafana(base: &str) -> Router<Face> {
    let one = get(annotations::show)
        .put(annotations::alter)
        .patch(annotations::alter)
        .delete(annotations::remove);
    Router::new()
        .route(base, get(annotations::list).post(annotations::add))
        .route(&format!("{base}/graphite"), post(annotations::add))
        .route(&format!("{base}/tags"), get(annotations::tags))
        .route(&format!("{base}/{{id}}"), one)
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn nothing_here(uri: axum::http::Uri) -> ApiError {
    ApiError::not_found(
        format!("there is nothing at {}", uri.path()),
        "the dashboard is at /, the API below /api/v1",
    )
}
