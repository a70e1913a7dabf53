//! Undoing a change: an order by a person, and what became of it.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    daemon::{Handle, RollbackAsk},
    web::{ApiError, auth::Caller, views::RollbackView},
};

/// Longest reason that is kept, in bytes.
const LONGEST_REASON: usize = 1000;

/// What may be said with it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    /// Why.
    reason: Option<String>,
    /// Even though something newer was deployed.
    force: bool,
    /// Only say what would be done.
    dry_run: bool,
}

/// `POST /api/v1/changes/{id}/rollback`: answers when the order is on disk. Needs an `admin` token. The same change is undone at most once
/// by each hook: asked again it answers with the first order.
pub(crate) async fn order(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    const HINT: &str = r#"send nothing, or {"reason":"…","force":true,"dry_run":true}"#;
    let body =
        body.map_err(|_| ApiError::bad_request("the body could not be read", "send it whole"))?;
    let said = if body.iter().all(u8::is_ascii_whitespace) {
        Said::default()
    } else {
        serde_json::from_slice(&body).map_err(|e| {
            ApiError::bad_request(format!("the body is not what is asked: {e}"), HINT)
        })?
    };
    let reason = said.reason.filter(|reason| !reason.trim().is_empty());
    if reason.as_ref().is_some_and(|reason| reason.len() > LONGEST_REASON) {
        let message = format!("the reason is longer than {LONGEST_REASON} bytes");
        return Err(ApiError::bad_request(message, "say it in fewer words"));
    }
    let ask = RollbackAsk { by: caller.name, reason, force: said.force, dry_run: said.dry_run };
    let answers = handle.roll_back(&id.into(), ask).await?;
    let rollbacks: Vec<Value> = answers
        .iter()
        .map(|answer| {
            let mut row = json!(RollbackView::from(&answer.record));
            row["new"] = json!(answer.new);
            row
        })
        .collect();
    Ok(Json(json!({ "rollbacks": rollbacks })))
}

/// `GET /api/v1/changes/{id}/rollback`: what was ordered, and what became of it.
pub(crate) async fn show(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let judged = handle.judged(&id.into()).await?;
    let records = handle.store().rollbacks(&judged.change.id).await?;
    let rollbacks: Vec<_> = records.iter().map(RollbackView::from).collect();
    Ok(Json(json!({ "rollbacks": rollbacks })))
}
