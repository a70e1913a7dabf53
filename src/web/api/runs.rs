//! Runs: newest first, and one in full.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changes::known, query};
use crate::{
    daemon::Handle,
    model::RunId,
    render,
    store::{RunFilter, RunResult},
    web::{
        ApiError,
        views::{self, RunView},
    },
};

/// The query of a list of runs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Of this journey.
    journey: Option<String>,
    /// In this environment.
    environment: Option<String>,
    /// With this result: `passed`, `failed` or `broken`.
    result: Option<String>,
    /// Begun at or after this time.
    since: Option<String>,
    /// Begun before this time.
    until: Option<String>,
    /// Most rows.
    limit: Option<usize>,
}

/// `GET /api/v1/runs`: newest first.
pub(crate) async fn list(
    State(handle): State<Handle>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let result = match query.result.as_deref() {
        None => None,
        Some("passed") => Some(RunResult::Passed),
        Some("failed") => Some(RunResult::Failed),
        Some("broken") => Some(RunResult::Broken),
        Some(other) => {
            return Err(ApiError::bad_request(
                format!("`result` is `{other}`"),
                "one of passed, failed, broken",
            ));
        }
    };
    let filter = RunFilter {
        journey: query.journey.map(Into::into),
        environment: query.environment.map(Into::into),
        result,
        from: query::time("since", query.since.as_deref())?,
        to: query::time("until", query.until.as_deref())?,
        limit: query::limit(query.limit)?,
        ..RunFilter::default()
    };
    let runs = handle.store().runs(filter).await?;
    let setup = handle.setup();
    let view = |run| RunView::from(run).traced_at(setup.trace_of(run));
    let runs: Vec<_> = runs.iter().map(view).collect();
    Ok(Json(json!({ "runs": runs })))
}

/// `GET /api/v1/runs/{id}`: with steps, hops, phases and, while it is kept, the evidence: its own, or `alike`, that of a run before it that
/// failed in the same way; with `last_good`, that of the last run before it that passed.
pub(crate) async fn show(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id = run_id(&id)?;
    let Some(run) = handle.store().run(&id).await? else { return Err(unknown(&id)) };
    let kept = handle.store().evidence(&id).await?;
    Ok(Json(views::run_with_evidence(&run, kept.as_ref(), handle.setup().trace_of(&run))))
}

/// `GET /api/v1/runs/{id}/evidence`: what the failed run sent and got, and the last good one before it.
pub(crate) async fn evidence(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id = run_id(&id)?;
    match handle.store().evidence(&id).await? {
        Some(kept) => Ok(Json(json!(kept))),
        None if handle.store().run(&id).await?.is_none() => Err(unknown(&id)),
        None => Err(not_kept(&id)),
    }
}

/// `GET /api/v1/runs/{id}/har`: what it asked for as HAR 1.2.
pub(crate) async fn har(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = run_id(&id)?;
    let Some(run) = handle.store().run(&id).await? else { return Err(unknown(&id)) };
    let Some(kept) = handle.store().evidence(&id).await? else { return Err(not_kept(&id)) };
    let har = render::har([(run.journey.as_str(), &kept.failing)]);
    let name = format!("attachment; filename=\"{id}.har\"");
    Ok(([(header::CONTENT_DISPOSITION, name)], Json(har)).into_response())
}

pub(in crate::web) fn not_kept(id: &RunId) -> ApiError {
    ApiError::not_found(
        format!("no evidence of the run {id} is kept"),
        "only of failed runs, for as long as [retention] says",
    )
}

pub(in crate::web) fn run_id(id: &str) -> Result<RunId, ApiError> {
    id.parse().map_err(|_| {
        ApiError::bad_request(format!("`{id}` is not the id of a run"), "ids are UUIDs")
    })
}

pub(in crate::web) fn unknown(id: &RunId) -> ApiError {
    ApiError::not_found(format!("no run has the id {id}"), "it may be older than the retention")
}
