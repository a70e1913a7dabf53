//! Webhooks: whatever a sender sends, by the name of its hook.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{annotations, changes::known, query};
use crate::{
    daemon::{Handle, HearError, Hearing, Posted},
    intake::{Headers, SENDERS},
    store::{FactFilter, RecordOutcome},
    web::{ApiError, auth::Standing, views::deliveries_view},
};

/// Largest body of a webhook that is read; the largest ones (a push of thousands of commits) have some mebibytes.
pub(crate) const LARGEST_HOOK: usize = 5 << 20;

/// `POST /hooks/NAME`.
pub(crate) async fn receive(
    state: State<Handle>,
    standing: Extension<Standing>,
    Path(hook): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    receive_below(state, standing, Path((hook, String::new())), uri, headers, body).await
}

/// `POST /hooks/NAME/…`: what follows the name is a token, or a part of the sender's own address.
pub(crate) async fn receive_below(
    State(handle): State<Handle>,
    Extension(standing): Extension<Standing>,
    Path((hook, rest)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let mut posted = posted(hook, rest, &uri, &headers, body)?;
    posted.rest = proven(&handle, standing, &posted)?;
    let below = posted.rest.trim_matches('/');
    if below.ends_with("annotations") || below.ends_with("annotations/graphite") {
        // Whoever adds the path of Grafana's API to an address expects its answer, too.
        return annotations::added(&handle, &posted).await;
    }
    heard(&handle, &posted).await
}

/// Takes in what a sender says whose proof holds, and answers as its callers expect.
async fn heard(handle: &Handle, posted: &Posted) -> Result<Response, ApiError> {
    let hearing = handle.hear(posted).await.map_err(refused)?;
    Ok(match handle.answer(posted, &hearing) {
        Some((status, body)) => {
            (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), Json(body)).into_response()
        }
        None => Json(answer(&hearing)).into_response(),
    })
}

/// The own paths of vendors whose deploy markers pipelines write already: only the host of such a call has to be changed.
pub(crate) const VENDORS: &[(&str, &str)] = &[
    ("/api/v2/dora/", "datadog"),
    ("/api/0/", "sentry"),
    ("/plugins/webhook/", "devlake"),
    ("/api/plugins/webhook/", "devlake"),
    ("/api/rest/plugins/webhook/", "devlake"),
    ("/1/markers/", "honeycomb"),
];

/// A call of a vendor's API, by the settings of the hook of the vendor's name.
pub(crate) async fn vendor(
    State(handle): State<Handle>,
    Extension(standing): Extension<Standing>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let path = uri.path();
    let found = VENDORS.iter().find_map(|(start, hook)| Some((path.strip_prefix(start)?, *hook)));
    let (rest, hook) = found.unwrap_or((path, "wayfarer"));
    let posted = posted(hook.to_owned(), rest.to_owned(), &uri, &headers, body)?;
    proven(&handle, standing, &posted)?;
    heard(&handle, &posted).await
}

/// `POST /api/v1/events`: CloudEvents, by the settings of the hook `cloudevents`.
pub(crate) async fn events(
    state: State<Handle>,
    standing: Extension<Standing>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    receive(state, standing, Path("cloudevents".to_owned()), uri, headers, body).await
}

/// A request as the daemon takes it.
pub(crate) fn posted(
    hook: String,
    rest: String,
    uri: &Uri,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Posted, ApiError> {
    let body = body.map_err(|e| match e.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(LARGEST_HOOK),
        _ => ApiError::bad_request("the body could not be read", "send it whole"),
    })?;
    Ok(Posted { hook, rest, query: pairs(uri), headers: plain(headers), body: body.into() })
}

/// The query by names, the last value of each.
pub(crate) fn pairs(uri: &Uri) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn plain(headers: &HeaderMap) -> Headers {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pairs: Vec<(String, String)> =
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Headers::from(pairs)
}

/// What follows a token in the path, if the sender proves itself.
pub(crate) fn proven(
    handle: &Handle,
    standing: Standing,
    posted: &Posted,
) -> Result<String, ApiError> {
    match handle.proven(posted) {
        Ok(rest) => Ok(rest),
        Err(HearError::Open) => {
            standing.0.inspect_err(|_| {
                tracing::warn!(hook = %posted.hook, "hook.refused: this hook asks for no proof, and no token was shown");
            })?;
            Ok(posted.rest.clone())
        }
        Err(e) => {
            tracing::warn!(hook = %posted.hook, "hook.refused: {e}");
            Err(refused(e))
        }
    }
}

pub(crate) fn refused(error: HearError) -> ApiError {
    match error {
        HearError::NoHook(name) => {
            let known: Vec<&str> = SENDERS.iter().map(|sender| sender.name).collect();
            ApiError::not_found(
                format!("there is no hook `{name}`"),
                format!(
                    "write [hooks.{name}] with `sender = \"…\"`; senders: {}",
                    known.join(", ")
                ),
            )
        }
        HearError::NotProven => ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            error.to_string(),
            "the sender signs with the `secret` of the hook's table in wayfarer.toml, or shows its `token` as `Authorization: Bearer`",
        ),
        HearError::Open => ApiError::unauthorized(error.to_string()),
        HearError::Broken(fault) => fault.into(),
        HearError::Handle(e) => e.into(),
    }
}

/// What a sender is told: 200 and what became of it.
pub(crate) fn answer(hearing: &Hearing) -> Value {
    let changes: Vec<Value> = hearing
        .changes
        .iter()
        .map(|(change, outcome)| {
            let outcome = match outcome {
                RecordOutcome::New => "new",
                RecordOutcome::Merged => "merged",
                RecordOutcome::Same => "same",
            };
            json!({ "id": change.id.as_str(), "outcome": outcome })
        })
        .collect();
    let unplaced: Vec<&str> = hearing.unplaced.iter().map(|id| id.as_str()).collect();
    let mut answer = json!({
        "changes": changes,
        "unplaced": unplaced,
        "facts": hearing.facts,
        "ignored": hearing.ignored,
    });
    if !unplaced.is_empty() {
        answer["hint"] = json!(
            "say ?environment= in the hook's address, `environment` in its [hooks] table, or a [[place]] rule"
        );
    }
    answer
}

/// `OPTIONS`: the handshake of the CloudEvents webhook profile, section 4.
pub(crate) async fn handshake(headers: HeaderMap) -> Response {
    let mut response = StatusCode::OK.into_response();
    let answer = response.headers_mut();
    answer.insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    if let Some(origin) = headers.get("webhook-request-origin") {
        answer.insert("webhook-allowed-origin", origin.clone());
        answer.insert("webhook-allowed-rate", HeaderValue::from_static("*"));
    }
    response
}

/// `GET /hooks/NAME`: some senders look whether anybody is there before they are saved.
pub(crate) async fn look(Path(hook): Path<String>) -> Json<Value> {
    Json(json!({ "hook": hook, "hint": "send events by POST" }))
}

/// The query of a list of deliveries.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Of this hook.
    hook: Option<String>,
    /// Most rows.
    limit: Option<usize>,
}

/// `GET /api/v1/deliveries`: what came to the hooks lately, newest first, with bodies cut and masked.
pub(crate) async fn list(
    State(handle): State<Handle>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let limit = query::limit(query.limit)?;
    let rows = deliveries_view(&handle.store().deliveries(query.hook, limit).await?);
    Ok(Json(json!({ "deliveries": rows })))
}

/// The query of a list of facts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FactQuery {
    /// Of this service.
    service: Option<String>,
    /// From this time on.
    since: Option<String>,
    /// Before this time.
    until: Option<String>,
    /// Most rows.
    limit: Option<usize>,
}

impl FactQuery {
    fn filter(self) -> Result<FactFilter, ApiError> {
        Ok(FactFilter {
            service: self.service.map(Into::into),
            since: query::time("since", self.since.as_deref())?,
            until: query::time("until", self.until.as_deref())?,
            limit: query::limit(self.limit)?,
        })
    }
}

/// `GET /api/v1/pipelines`: what pipelines did, newest first.
pub(crate) async fn pipelines(
    State(handle): State<Handle>,
    query: Result<Query<FactQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let facts = handle.store().pipeline_facts(known(query)?.filter()?).await?;
    Ok(Json(json!({ "pipelines": facts })))
}

/// `GET /api/v1/incidents`: incidents that others keep, newest first.
pub(crate) async fn incidents(
    State(handle): State<Handle>,
    query: Result<Query<FactQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let facts = handle.store().incident_facts(known(query)?.filter()?).await?;
    Ok(Json(json!({ "incidents": facts })))
}
