//! Grafana's annotations API, as far as pipelines use it: an existing step works when its address is changed.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::hooks::{answer, pairs, posted, proven};
use crate::{
    daemon::{Handle, HearError, Noted, Passed, Posted},
    store::Annotation,
    web::{ApiError, auth::Standing},
};

/// The hook whose settings hold for `/api/annotations`.
const HOOK: &str = "grafana";

/// `POST /api/annotations`.
pub(crate) async fn add(
    State(handle): State<Handle>,
    Extension(standing): Extension<Standing>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let rest = if uri.path().ends_with("/graphite") { "graphite" } else { "" };
    let posted = posted(HOOK.to_owned(), rest.to_owned(), &uri, &headers, body)?;
    proven(&handle, standing, &posted)?;
    added(&handle, &posted).await
}

/// Takes in an annotation whose sender was checked.
pub(crate) async fn added(handle: &Handle, posted: &Posted) -> Result<Response, ApiError> {
    let noted = handle.annotate(posted).await.map_err(refused)?;
    let what = if noted.graphite { "Graphite annotation added" } else { "Annotation added" };
    Ok(said(what, noted))
}

/// `PUT` and `PATCH /api/annotations/{id}`: a region is closed by its `timeEnd`.
pub(crate) async fn alter(
    State(handle): State<Handle>,
    Extension(standing): Extension<Standing>,
    method: axum::http::Method,
    Path(number): Path<i64>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let posted = posted(HOOK.to_owned(), String::new(), &uri, &headers, body)?;
    proven(&handle, standing, &posted)?;
    let noted = handle
        .patch_annotation(&posted, number, method.as_str())
        .await
        .map_err(refused)?
        .ok_or_else(|| missing(number))?;
    let what =
        if method == axum::http::Method::PUT { "Annotation updated" } else { "Annotation patched" };
    Ok(said(what, noted))
}

/// `DELETE /api/annotations/{id}`: the annotation goes, its change stays in the log.
pub(crate) async fn remove(
    State(handle): State<Handle>,
    Extension(standing): Extension<Standing>,
    Path(number): Path<i64>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let posted = posted(HOOK.to_owned(), String::new(), &uri, &headers, Ok(Bytes::new()))?;
    proven(&handle, standing, &posted)?;
    let gone = handle.drop_annotation(&posted, number).await.map_err(refused)?;
    match gone.ok_or_else(|| missing(number))? {
        Some(passed) => Ok(theirs(passed)),
        None => Ok(Json(json!({ "message": "Annotation deleted" })).into_response()),
    }
}

/// `GET /api/annotations?from=&to=&limit=&tags=`: newest first, times in milliseconds.
pub(crate) async fn list(
    State(handle): State<Handle>,
    Extension(standing): Extension<Standing>,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    standing.0?;
    let query = pairs(&uri);
    let limit = number(&query, "limit")?.unwrap_or(100).clamp(1, 1000);
    let wanted: Vec<String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .filter(|(name, _)| name == "tags")
            .map(|(_, tag)| tag.into_owned())
            .collect();
    let (from, to) = (instant(&query, "from")?, instant(&query, "to")?);
    // Tags are looked for among the newest.
    let read = if wanted.is_empty() { limit } else { 10_000 };
    let found = handle.store().annotations(from, to, usize::try_from(read).unwrap_or(100)).await?;
    let rows: Vec<Value> = found
        .iter()
        .map(view)
        .filter(|row| {
            let tags = row["tags"].as_array().cloned().unwrap_or_default();
            wanted.iter().all(|tag| tags.iter().any(|t| t == tag.as_str()))
        })
        .take(usize::try_from(limit).unwrap_or(100))
        .collect();
    Ok(Json(Value::Array(rows)))
}

/// `GET /api/annotations/{id}`.
pub(crate) async fn show(
    State(handle): State<Handle>,
    Extension(standing): Extension<Standing>,
    Path(number): Path<i64>,
) -> Result<Json<Value>, ApiError> {
    standing.0?;
    let found = handle.store().annotation(number, false).await?;
    Ok(Json(view(&found.ok_or_else(|| missing(number))?)))
}

/// `GET /api/annotations/tags?tag=&limit=`.
pub(crate) async fn tags(
    State(handle): State<Handle>,
    Extension(standing): Extension<Standing>,
    uri: Uri,
) -> Result<Json<Value>, ApiError> {
    standing.0?;
    let query = pairs(&uri);
    let wanted = query.get("tag").map_or("", String::as_str);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for annotation in handle.store().annotations(None, None, 10_000).await? {
        let row = view(&annotation);
        for tag in row["tags"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if tag.contains(wanted) {
                *counts.entry(tag.to_owned()).or_default() += 1;
            }
        }
    }
    let limit = usize::try_from(number(&query, "limit")?.unwrap_or(100)).unwrap_or(100);
    let tags: Vec<Value> = counts
        .into_iter()
        .take(limit)
        .map(|(tag, count)| json!({ "tag": tag, "count": count }))
        .collect();
    Ok(Json(json!({ "result": { "tags": tags } })))
}

fn view(annotation: &Annotation) -> Value {
    let mut row: Value = serde_json::from_str(&annotation.body).unwrap_or_else(|_| json!({}));
    row["id"] = json!(annotation.theirs.unwrap_or(annotation.id));
    row["time"] = json!(annotation.at.as_millisecond());
    if row["timeEnd"].is_null() {
        row["timeEnd"] = row["time"].clone();
    }
    row["change"] = json!(annotation.change.as_str());
    row
}

/// What Grafana would answer, and what we made of it; where it was passed on, Grafana's own words.
fn said(what: &str, noted: Noted) -> Response {
    if let Some(passed) = noted.passed {
        return theirs(passed);
    }
    let mut body = answer(&noted.hearing);
    body["message"] = json!(what);
    body["id"] = json!(noted.id);
    Json(body).into_response()
}

fn theirs(passed: Passed) -> Response {
    let status = StatusCode::from_u16(passed.status).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, [(header::CONTENT_TYPE, "application/json")], passed.body).into_response()
}

fn refused(error: HearError) -> ApiError {
    super::hooks::refused(error)
}

fn missing(number: i64) -> ApiError {
    ApiError::not_found(
        format!("no annotation has the number {number}"),
        "the answer to POST /api/annotations says its `id`",
    )
}

fn number(query: &BTreeMap<String, String>, name: &str) -> Result<Option<i64>, ApiError> {
    let said = query.get(name).filter(|text| !text.is_empty());
    said.map(|text| {
        text.parse().map_err(|_| {
            ApiError::bad_request(format!("`{name}` is not a number"), "send a whole number")
        })
    })
    .transpose()
}

fn instant(query: &BTreeMap<String, String>, name: &str) -> Result<Option<Timestamp>, ApiError> {
    Ok(number(query, name)?.and_then(|ms| Timestamp::from_millisecond(ms).ok()))
}
