//! Metrics, and whether the agent lives and is ready.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::daemon::Handle;

/// `GET /metrics` in the Prometheus text format, version 0.0.4.
pub(crate) async fn metrics(State(handle): State<Handle>) -> Response {
    let text = handle.exporter().text();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: runs are taken in and the store can be read.
pub(crate) async fn ready(State(handle): State<Handle>) -> Response {
    if !handle.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match handle.store().counts().await {
        Ok(_) => "ready\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read\n").into_response(),
    }
}
