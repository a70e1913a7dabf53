//! `GET /api/v1/slo`: objectives, error budgets, burn rates, and what spent them.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::changes::known;
use crate::{
    daemon::{Budgets, Handle},
    web::{ApiError, views::SloView},
};

/// The query of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SloQuery {
    /// Of this journey only.
    journey: Option<String>,
    /// Of this environment only.
    environment: Option<String>,
}

/// The list.
pub(crate) async fn list(
    State(handle): State<Handle>,
    query: Result<Query<SloQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let mut all = Budgets::clone(&handle.budgets());
    let fits = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|w| w == name);
    all.rows.retain(|row| {
        fits(&query.journey, row.series.journey.as_str())
            && fits(&query.environment, row.series.environment.as_str())
    });
    Ok(Json(json!(SloView::from(&all))))
}
