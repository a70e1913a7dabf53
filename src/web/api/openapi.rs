//! What the API is, for programs: `openapi.json` beside this file, an OpenAPI 3.1 document (<https://spec.openapis.org/oas/v3.1.0>).
//!
//! It is kept by hand. `tests/pages/openapi.rs` holds it against the router, the queries that handlers read, and what they answer.

use axum::{Json, extract::State, http::HeaderMap};
use serde_json::{Value, json};

use crate::{
    daemon::Handle,
    web::{ApiError, auth},
};

/// All but the version and the path below which people see us.
const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /api/openapi.json`.
pub(crate) async fn document(
    State(handle): State<Handle>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let mut document: Value = serde_json::from_str(DOCUMENT).map_err(|e| {
        tracing::error!(error = %e, "api.openapi: the document cannot be read");
        ApiError::internal("the document could not be made")
    })?;
    let (path, _) = auth::way(&handle.setup(), &headers);
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["servers"] = json!([{ "url": server(&path) }]);
    Ok(Json(document))
}

/// The path as a server's address: without a slash at its end, and never another host.
fn server(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path if path.starts_with("//") => "/",
        path => path,
    }
}
