//! Findings: what is open, and what was.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{
        Path, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changes::known, query};
use crate::{
    daemon::Handle,
    model::{Acknowledgement, Dismissal, DismissalReason, FindingId, FindingState},
    store::FindingFilter,
    web::{
        ApiError,
        auth::Caller,
        views::{BudgetView, FindingView},
    },
};

/// The query of a list of findings.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// `open`, `recovered`, `explained`, `dismissed`.
    state: Option<String>,
    /// Of this change.
    change: Option<String>,
    /// Most rows.
    limit: Option<usize>,
}

/// `GET /api/v1/findings`: newest first.
pub(crate) async fn list(
    State(handle): State<Handle>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let state = query
        .state
        .map(|text| {
            FindingState::ALL.iter().find(|s| s.as_str() == text).copied().ok_or_else(|| {
                ApiError::bad_request(
                    format!("`state` is `{text}`"),
                    "one of open, recovered, explained, dismissed",
                )
            })
        })
        .transpose()?;
    let filter = FindingFilter {
        state,
        change: query.change.map(Into::into),
        limit: query::limit(query.limit)?,
        ..FindingFilter::default()
    };
    let findings = handle.store().findings(filter).await?;
    let findings: Vec<_> = findings.iter().map(FindingView::from).collect();
    let budget = handle.budget().await?;
    Ok(Json(json!({ "findings": findings, "budget": BudgetView::from(&budget) })))
}

/// Longest note that is kept, in bytes.
const LONGEST_NOTE: usize = 1000;

/// What a person says of a finding.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DismissBody {
    /// `false_alarm` or `accepted`.
    reason: String,
    /// Who says it, where more than one person uses a token.
    by: Option<String>,
    /// In their words.
    note: Option<String>,
}

/// `POST /api/v1/findings/{id}/dismiss` with `{"reason":"false_alarm"}`: answers when it is on disk. Needs an `admin` token.
pub(crate) async fn dismiss(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    const HINT: &str =
        r#"send {"reason":"false_alarm"} or {"reason":"accepted"}, with a "note" if you like"#;
    let body =
        body.map_err(|_| ApiError::bad_request("the body could not be read", "send it whole"))?;
    let said: DismissBody = serde_json::from_slice(&body)
        .map_err(|e| ApiError::bad_request(format!("the body is not what is asked: {e}"), HINT))?;
    let reason = DismissalReason::ALL.iter().find(|r| r.as_str() == said.reason);
    let reason = *reason
        .ok_or_else(|| ApiError::bad_request(format!("`reason` is `{}`", said.reason), HINT))?;
    let (note, by) = (note(said.note)?, who(said.by, caller)?);
    let finding = handle.dismiss(id.into(), Dismissal { reason, note, by }).await?;
    Ok(Json(json!({ "finding": FindingView::from(&finding) })))
}

/// What a person says who takes a finding on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AcknowledgeBody {
    /// Who says it, where more than one person uses a token.
    by: Option<String>,
    /// In their words.
    note: Option<String>,
}

/// `POST /api/v1/findings/{id}/acknowledge`, with `{"note":"…"}` or nothing: nobody is told of it again until something is new. Needs an
/// `admin` token.
pub(crate) async fn acknowledge(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    taken_on(&handle, vec![id.into()], caller, body).await
}

/// `POST /api/v1/changes/{id}/acknowledge`: the same for all open findings of a change.
pub(crate) async fn acknowledge_change(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let filter = FindingFilter {
        state: Some(FindingState::Open),
        change: Some(id.as_str().into()),
        limit: query::MOST,
        ..FindingFilter::default()
    };
    let open = handle.store().findings(filter).await?;
    if open.is_empty() {
        let message = format!("nothing is open of the change `{id}`");
        return Err(ApiError::not_found(message, "GET /api/v1/findings?state=open lists what is"));
    }
    taken_on(&handle, open.into_iter().map(|finding| finding.id).collect(), caller, body).await
}

async fn taken_on(
    handle: &Handle,
    ids: Vec<FindingId>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    const HINT: &str = r#"send nothing, or {"note":"..."}"#;
    let body =
        body.map_err(|_| ApiError::bad_request("the body could not be read", "send it whole"))?;
    let said: AcknowledgeBody = if body.is_empty() {
        AcknowledgeBody::default()
    } else {
        serde_json::from_slice(&body).map_err(|e| {
            ApiError::bad_request(format!("the body is not what is asked: {e}"), HINT)
        })?
    };
    let by =
        Acknowledgement { at: handle.now(), note: note(said.note)?, by: who(said.by, caller)? };
    let findings = handle.acknowledge(ids, by).await?;
    let findings: Vec<_> = findings.iter().map(FindingView::from).collect();
    Ok(Json(json!({ "findings": findings })))
}

/// Who says it: the name they give, and the token that they used, which they cannot choose.
fn who(said: Option<String>, caller: Caller) -> Result<Option<String>, ApiError> {
    let said = said.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if said.as_ref().is_some_and(|name| name.len() > 100 || name.chars().any(char::is_control)) {
        return Err(ApiError::bad_request("`by` is no name", "a name of at most 100 bytes"));
    }
    Ok(match (said, caller.name) {
        (Some(name), Some(token)) if name != token => Some(format!("{name} (token {token})")),
        (said, token) => said.or(token),
    })
}

/// A note that is not too long, if there is anything in it.
fn note(said: Option<String>) -> Result<Option<String>, ApiError> {
    let note = said.filter(|n| !n.trim().is_empty());
    if note.as_ref().is_some_and(|n| n.len() > LONGEST_NOTE) {
        let message = format!("the note is longer than {LONGEST_NOTE} bytes");
        return Err(ApiError::bad_request(message, "say it in fewer words"));
    }
    Ok(note)
}
