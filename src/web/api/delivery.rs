//! How software is delivered: the DORA figures and what pipelines do.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changes::known, query};
use crate::{
    daemon::{DeliveryAsk, Handle},
    web::{ApiError, figures::Asked},
};

/// Where nobody says a span.
const USUAL: &str = "30d";

/// The query of the figures.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DeliveryQuery {
    /// Of this service; of all by default.
    service: String,
    /// Of deployments there; everywhere by default.
    environment: String,
    /// `7d`, `30d`, `90d`; or `from` and `to`.
    span: String,
    from: String,
    to: String,
    /// This pipeline alone, with its runs: by repository and name.
    pipeline: String,
}

/// `GET /api/v1/delivery`: the five figures with n and with what could not be observed, by service and environment and by the week; failed deployments
/// with their times; pipelines. Lengths of time are seconds.
pub(crate) async fn show(
    State(handle): State<Handle>,
    query: Result<Query<DeliveryQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let now = handle.now();
    for (name, text) in [("from", &query.from), ("to", &query.to)] {
        query::time(name, Some(text.as_str()).filter(|t| !t.is_empty()))?;
    }
    let bare = query.span.is_empty() && query.from.is_empty() && query.to.is_empty();
    let span = if bare { USUAL } else { &query.span };
    let window = Asked::read((span, &query.from, &query.to), None, now)?.window;
    let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let ask = DeliveryAsk {
        service: named(&query.service).map(Into::into),
        environment: named(&query.environment).map(Into::into),
        from: window.from,
        to: window.to,
    };
    let mut report = handle.delivered(ask).await?;
    match named(&query.pipeline) {
        None => report.pipelines.iter_mut().for_each(|one| one.runs.clear()),
        Some(name) => {
            report.pipelines.retain(|one| one.label == name || one.key.name == name);
            if report.pipelines.is_empty() {
                let message = format!("no pipeline `{name}` ran in that time");
                return Err(ApiError::not_found(message, "GET /api/v1/delivery lists them"));
            }
        }
    }
    Ok(Json(json!(report)))
}
