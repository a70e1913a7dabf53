//! Runs: newest first, and one in full.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changes::known, query};
use crate::{
    daemon::Handle,
    model::RunId,
    store::{RunFilter, RunResult},
    web::{ApiError, views::RunView},
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
    let runs: Vec<_> = runs.iter().map(RunView::from).collect();
    Ok(Json(json!({ "runs": runs })))
}

/// `GET /api/v1/runs/{id}`: with steps, hops, phases and, while it is kept, the evidence.
pub(crate) async fn show(
    State(handle): State<Handle>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let id: RunId = id.parse().map_err(|_| {
        ApiError::bad_request(format!("`{id}` is not the id of a run"), "ids are UUIDs")
    })?;
    match handle.store().run(&id).await? {
        Some(run) => Ok(Json(json!(RunView::from(&run)))),
        None => Err(ApiError::not_found(
            format!("no run has the id {id}"),
            "it may be older than the retention",
        )),
    }
}
