//! Findings: what is open, and what was.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changes::known, query};
use crate::{
    daemon::Handle,
    model::FindingState,
    store::FindingFilter,
    web::{ApiError, views::FindingView},
};

/// The query of a list of findings.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// `open`, `recovered`, `explained`, `dismissed`.
    state: Option<String>,
    /// Most rows.
    limit: Option<usize>,
}

/// `GET /api/v1/findings`: newest first.
pub(crate) async fn list(
    State(handle): State<Handle>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    const STATES: [FindingState; 4] = [
        FindingState::Open,
        FindingState::Recovered,
        FindingState::Explained,
        FindingState::Dismissed,
    ];
    let query = known(query)?;
    let state = query
        .state
        .map(|text| {
            STATES.into_iter().find(|s| s.as_str() == text).ok_or_else(|| {
                ApiError::bad_request(
                    format!("`state` is `{text}`"),
                    "one of open, recovered, explained, dismissed",
                )
            })
        })
        .transpose()?;
    let filter =
        FindingFilter { state, limit: query::limit(query.limit)?, ..FindingFilter::default() };
    let findings = handle.store().findings(filter).await?;
    let findings: Vec<_> = findings.iter().map(FindingView::from).collect();
    Ok(Json(json!({ "findings": findings })))
}
