//! The change log: record, list, show, and the verdict of one.

use axum::{
    Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::query;
use crate::{
    daemon::{self, Handle, unmapped},
    intake::native,
    store::ChangeFilter,
    web::{
        ApiError,
        router::LARGEST_BODY,
        views::{ChangeView, JudgedView, LoggedView, ReleaseView, voices_view},
    },
};

/// `POST /api/v1/changes`: answers when the change is on disk and its watch is open.
pub(crate) async fn record(
    State(handle): State<Handle>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let body = body.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(LARGEST_BODY),
        _ => ApiError::bad_request("the body could not be read", "send it whole"),
    })?;
    let change = native::parse(&body, "api", handle.now())?;
    let logged = handle.record_change(change).await?;
    Ok(Json(json!(LoggedView::from(&logged))))
}

/// The query of a list of changes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Of this service.
    service: Option<String>,
    /// In this environment.
    environment: Option<String>,
    /// Started at or after this time.
    since: Option<String>,
    /// Started before this time.
    until: Option<String>,
    /// Most rows.
    limit: Option<usize>,
    /// Only those that have no place yet.
    unplaced: bool,
}

/// `GET /api/v1/changes`: newest first, with the overall verdict of each.
pub(crate) async fn list(
    State(handle): State<Handle>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    if query.unplaced {
        return unplaced(&handle, query::limit(query.limit)?).await;
    }
    let filter = ChangeFilter {
        service: query.service.map(Into::into),
        environment: query.environment.map(Into::into),
        since: query::time("since", query.since.as_deref())?,
        until: query::time("until", query.until.as_deref())?,
        limit: query::limit(query.limit)?,
    };
    let mut rows = Vec::new();
    let changes = handle.store().changes(filter).await?;
    let ids = changes.iter().map(|change| change.id.clone()).collect();
    let standings = handle.store().standings(ids).await?;
    for (change, standing) in changes.iter().zip(standings) {
        // What people dismissed counts no more: that takes all verdicts of the change.
        let worst = if standing.dismissed {
            handle.judged(&change.id).await?.overall
        } else {
            standing.worst
        };
        rows.push(json!({
            "change": ChangeView::from(change),
            "verdict": worst.map(crate::model::Conclusion::as_str),
            "open": standing.open,
        }));
    }
    Ok(Json(json!({ "changes": rows })))
}

/// What waits for a place: it is watched nowhere.
async fn unplaced(handle: &Handle, limit: usize) -> Result<Json<Value>, ApiError> {
    let rows: Vec<Value> = handle
        .store()
        .unplaced(None, limit)
        .await?
        .iter()
        .map(|waiting| {
            json!({
                "change": ChangeView::from(&waiting.change),
                "hook": waiting.hook,
                "received_at": waiting.at,
                "verdict": null,
                "open": false,
            })
        })
        .collect();
    Ok(Json(json!({ "changes": rows })))
}

/// Where a change belongs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceBody {
    /// The service; what the change says where none is said here.
    service: Option<String>,
    /// The environment.
    environment: Option<String>,
}

/// `POST /api/v1/changes/{id}/place` with `{"environment":"production","service":"shop"}`: gives a change its place that waits for one.
/// Needs an `admin` token.
pub(crate) async fn place(
    State(handle): State<Handle>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    const HINT: &str = r#"send {"environment":"production"}, with a "service" if it says none"#;
    let body =
        body.map_err(|_| ApiError::bad_request("the body could not be read", "send it whole"))?;
    let said: PlaceBody = serde_json::from_slice(&body)
        .map_err(|e| ApiError::bad_request(format!("the body is not what is asked: {e}"), HINT))?;
    let services: Vec<_> = said.service.into_iter().map(Into::into).collect();
    let environments: Vec<_> = said.environment.into_iter().map(Into::into).collect();
    if services.is_empty() && environments.is_empty() {
        return Err(ApiError::bad_request("neither service nor environment is said", HINT));
    }
    let change = handle.place(&id.into(), &services, &environments).await?;
    Ok(Json(json!({ "change": ChangeView::from(&change) })))
}

/// `GET /api/v1/releases/{id}`: the verdict of a release, and the share of each of its changes.
pub(crate) async fn release(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let release = daemon::release(handle.store(), &id).await?.ok_or_else(|| {
        ApiError::not_found(
            format!("no change belongs to the release `{id}`"),
            "changes say their release in `release`",
        )
    })?;
    Ok(Json(json!(ReleaseView::from(&release))))
}

/// `GET /api/v1/changes/{id}`: the change and everything concluded of it.
pub(crate) async fn show(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let judged = handle.judged(&id.into()).await?;
    let mut answer = json!(JudgedView::from(&judged));
    answer["notes"] = json!(unmapped(&handle.setup(), &judged.change));
    let voices = handle.store().voices(&judged.change.id).await?;
    answer["told"] = json!(voices_view(&voices));
    if let Some(id) = &judged.change.release
        && let Some(release) = daemon::release(handle.store(), id).await?
    {
        answer["release"] = json!(ReleaseView::from(&release));
    }
    Ok(Json(answer))
}

/// The query of a verdict.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WaitQuery {
    /// How long to wait for a decision.
    wait: Option<String>,
}

/// `GET /api/v1/changes/{id}/verdict?wait=30s`: waits until the gate is decided or the time is over.
pub(crate) async fn verdict(
    State(handle): State<Handle>,
    Path(id): Path<String>,
    query: Result<Query<WaitQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let wait = query::duration("wait", known(query)?.wait.as_deref())?;
    let judged = handle.wait_for(&id.into(), wait).await?;
    Ok(Json(json!(JudgedView::from(&judged))))
}

/// The query, or which of its fields is wrong.
pub(crate) fn known<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    query.map(|Query(query)| query).map_err(|e| {
        ApiError::bad_request(
            format!("the query cannot be read: {}", e.body_text()),
            "see the API's parameters in the README",
        )
    })
}
