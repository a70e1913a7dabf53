//! The outbox: what waits for receivers, why, and what was given up.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changes::known, query};
use crate::{
    daemon::Handle,
    store::MessageState,
    web::{ApiError, views::OutboxView},
};

/// The query of a list of messages.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// `pending`, `delivered`, `given_up`, `superseded`, `begun`, `unknown`, or `waiting`: all that are not settled well.
    state: Option<String>,
    /// Most rows.
    limit: Option<usize>,
}

/// `GET /api/v1/outbox`: newest first.
pub(crate) async fn list(
    State(handle): State<Handle>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let states = match &query.state {
        None => Vec::new(),
        Some(word) => MessageState::named(word).ok_or_else(|| {
            ApiError::bad_request(
                format!("`state` is `{word}`"),
                "one of waiting, pending, delivered, given_up, superseded, begun, unknown",
            )
        })?,
    };
    let messages = handle.store().outbox_of(states, query::limit(query.limit)?).await?;
    let messages: Vec<_> = messages.iter().map(OutboxView::from).collect();
    Ok(Json(json!({ "messages": messages })))
}

/// `POST /api/v1/outbox/{id}/retry`: tries a message that waits or was given up at once. Needs an `admin` token.
pub(crate) async fn retry(
    State(handle): State<Handle>,
    Path(id): Path<i64>,
) -> Result<Json<Value>, ApiError> {
    if handle.store().outbox_again(id, handle.now()).await? {
        return Ok(Json(json!({ "id": id, "state": "pending" })));
    }
    Err(ApiError::not_found(
        format!("no message {id} waits or was given up"),
        "GET /api/v1/outbox?state=waiting lists those that do",
    ))
}
