//! All routes on one page.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    routing::{get, post},
};
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

use super::{
    ApiError,
    api::{changes, findings, gate, health, journeys, runs, series},
    auth::{self, Access},
    pages::{self, assets, change, changes as change_log, compare, live, problem},
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
    let face = Face { handle: access.handle.clone(), pages, stop };
    Router::new()
        .route("/", get(pages::overview))
        .route("/assets/{name}", get(assets::asset))
        .route("/live", get(live::live))
        .route("/journeys/{journey}", get(pages::journey))
        .route("/journeys/{journey}/compare", get(compare::compare))
        .route("/changes", get(change_log::changes))
        .route("/changes/{id}", get(change::change))
        .route("/runs/{id}", get(pages::run))
        .route("/runs/{id}/evidence", get(pages::evidence))
        .route("/runs/{id}/pictures/{which}", get(pages::picture))
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/api/v1/changes", get(changes::list).post(changes::record))
        .route("/api/v1/changes/{id}", get(changes::show))
        .route("/api/v1/changes/{id}/verdict", get(changes::verdict))
        .route("/api/v1/gate", get(gate::ask).post(gate::ask))
        .route("/api/v1/journeys", get(journeys::list))
        .route("/api/v1/journeys/{journey}/last-good", get(journeys::last_good))
        .route("/api/v1/series", get(series::show))
        .route("/api/v1/runs", get(runs::list))
        .route("/api/v1/runs/{id}", get(runs::show))
        .route("/api/v1/runs/{id}/evidence", get(runs::evidence))
        .route("/api/v1/runs/{id}/har", get(runs::har))
        .route("/api/v1/findings", get(findings::list))
        .route("/api/v1/findings/{id}/dismiss", post(findings::dismiss))
        .fallback(nothing_here)
        .with_state(face.clone())
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(Arc::new(access), auth::guard))
        .layer(middleware::from_fn_with_state(face, problem::explained))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            LONGEST_WAIT + Duration::from_secs(10),
        ))
        .layer(CatchPanicLayer::new())
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(fixed(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
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
