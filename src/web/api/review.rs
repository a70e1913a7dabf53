//! The review of a change, and summaries of weeks and services.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{changes::known, gate::base, query};
use crate::{
    daemon::{DigestAsk, Handle, Week},
    render::{
        Layout,
        review::{self, FilePage},
    },
    web::{ApiError, pages::change::file_name, router::Face},
};

/// How far back a service is looked at unless told otherwise.
const SINCE: &str = "7d";
/// Longest span of a service.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);

/// In which form a document is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ReviewQuery {
    /// `json`, `html`, `markdown` or `text`.
    format: Option<String>,
}

/// `GET /api/v1/changes/{id}/review`.
pub(crate) async fn show(
    State(face): State<Face>,
    headers: HeaderMap,
    Path(id): Path<String>,
    query: Result<Query<ReviewQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let query = known(query)?;
    let base = base(&face.handle, &headers);
    let review = face.handle.review(&id.into(), base.as_deref()).await?;
    match query.format.as_deref() {
        None | Some("json") => Ok(json_of(&review)),
        Some("html") => {
            let name = file_name(&review);
            file(review::review_file(&face.pages, &review), &name)
        }
        Some("markdown" | "md") => Ok(markdown(review::markdown::review(&review))),
        Some("text") => Ok(text(review::text::review(&review, PLAIN))),
        Some(other) => Err(unknown(other)),
    }
}

/// Which week.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeekQuery {
    week: Option<String>,
    format: Option<String>,
}

/// `GET /api/v1/reports/week?week=2026-W47`.
pub(crate) async fn week(
    State(face): State<Face>,
    headers: HeaderMap,
    query: Result<Query<WeekQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let query = known(query)?;
    let week = which_week(query.week.as_deref(), &face.handle)?;
    summary(&face, &headers, &DigestAsk::Week(week), query.format.as_deref()).await
}

/// Since when.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServiceQuery {
    since: Option<String>,
    format: Option<String>,
}

/// `GET /api/v1/reports/service/{name}?since=7d`.
pub(crate) async fn service(
    State(face): State<Face>,
    headers: HeaderMap,
    Path(name): Path<String>,
    query: Result<Query<ServiceQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let query = known(query)?;
    let since = how_long(query.since.as_deref())?;
    summary(&face, &headers, &DigestAsk::Service(name, since), query.format.as_deref()).await
}

/// The week that is meant; this one where none is said.
pub(in crate::web) fn which_week(said: Option<&str>, handle: &Handle) -> Result<Week, ApiError> {
    match said.filter(|text| !text.is_empty()) {
        None => Ok(Week::of(handle.now())),
        Some(text) => Week::parse(text).ok_or_else(|| {
            ApiError::bad_request(format!("`week` is `{text}`"), "write it as 2026-W47")
        }),
    }
}

/// How far back a service is looked at.
pub(in crate::web) fn how_long(said: Option<&str>) -> Result<std::time::Duration, ApiError> {
    let said = said.filter(|text| !text.is_empty()).unwrap_or(SINCE);
    span_of(said).map(|since| since.min(LONGEST)).ok_or_else(|| {
        ApiError::bad_request(format!("`since` is `{said}`"), "write it as 24h, 7d or 4w")
    })
}

/// `24h`, `7d`, `4w`.
pub fn span_of(text: &str) -> Option<std::time::Duration> {
    const DAY: u64 = 86_400;
    let days = |text: &str, of: u64| text.parse::<u64>().ok()?.checked_mul(of);
    let seconds = if let Some(number) = text.strip_suffix('d') {
        days(number, DAY)?
    } else if let Some(number) = text.strip_suffix('w') {
        days(number, 7 * DAY)?
    } else {
        query::duration("since", Some(text)).ok()?.as_secs()
    };
    (seconds > 0).then(|| std::time::Duration::from_secs(seconds))
}

async fn summary(
    face: &Face,
    headers: &HeaderMap,
    ask: &DigestAsk,
    format: Option<&str>,
) -> Result<Response, ApiError> {
    let base = base(&face.handle, headers);
    let digest = face.handle.digest(ask, base.as_deref()).await?;
    match format {
        None | Some("json") => Ok(json_of(&digest)),
        Some("html") => {
            let name: String = digest
                .title()
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect();
            file(review::digest_file(&face.pages, &digest), &name)
        }
        Some("markdown" | "md") => Ok(markdown(review::markdown::digest(&digest))),
        Some("text") => Ok(text(review::text::digest(&digest, PLAIN))),
        Some(other) => Err(unknown(other)),
    }
}

const PLAIN: Layout = Layout { width: 80, colour: false };

fn unknown(format: &str) -> ApiError {
    ApiError::bad_request(format!("`format` is `{format}`"), "one of json, html, markdown, text")
}

fn json_of(document: &impl Serialize) -> Response {
    Json(json!(document)).into_response()
}

fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn markdown(text: String) -> Response {
    // As text: a browser shows it instead of saving it, and never takes it for anything else.
    self::text(text)
}

fn file(
    made: Result<FilePage, crate::render::page::PageError>,
    name: &str,
) -> Result<Response, ApiError> {
    let made = made.map_err(|e| {
        tracing::error!(error = %e, "page.failed");
        ApiError::internal("this page could not be made")
    })?;
    let headers: [(HeaderName, String); 3] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, made.policy),
        (header::CONTENT_DISPOSITION, format!("inline; filename=\"{name}.html\"")),
    ];
    Ok((headers, made.html).into_response())
}
