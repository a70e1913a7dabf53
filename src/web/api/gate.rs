//! May this change go on? Always 200 with a JSON document, because pipelines read status codes each in their own way:
//! Argo Rollouts takes any other status for a failed measurement, and an empty body for success.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changes::known, query};
use crate::{
    daemon::Handle,
    web::{ApiError, views::JudgedView},
};

/// Which change is meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GateQuery {
    /// By its id.
    change: Option<String>,
    /// Or the newest of this service.
    service: Option<String>,
    /// In this environment.
    environment: Option<String>,
    /// How long to wait while the answer is pending.
    wait: Option<String>,
}

/// `GET /api/v1/gate?change=ID`, or `?service=&environment=` for the newest change there.
pub(crate) async fn ask(
    State(handle): State<Handle>,
    query: Result<Query<GateQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let wait = query::duration("wait", query.wait.as_deref())?;
    let id = match (query.change, query.service, query.environment) {
        (Some(id), None, None) => id.into(),
        (None, None, None) | (Some(_), _, _) => {
            return Err(ApiError::bad_request(
                "the gate needs to know which change is meant",
                "ask with change=ID, or with service= and environment= for the newest one",
            ));
        }
        (None, service, environment) => {
            match handle.newest(service.as_deref(), environment.as_deref()).await? {
                Some(change) => change.id,
                None => return Ok(Json(nothing_logged(&handle))),
            }
        }
    };
    let judged = handle.wait_for(&id, wait).await?;
    let view = JudgedView::from(&judged);
    let looked = judged.verdicts.iter().map(|v| v.probes).max().unwrap_or(0);
    let least = handle.setup().settings.watch.min_runs;
    let journeys: Vec<Value> = view
        .verdicts
        .iter()
        .map(|v| {
            let mut row = json!({ "journey": v.journey, "environment": v.environment,
                "metric": v.metric, "verdict": v.verdict, "summary": v.summary });
            if !v.part.is_whole() {
                row["part"] = json!(v.part);
            }
            if v.dismissed.is_some() {
                row["dismissed"] = json!(v.dismissed);
            }
            row
        })
        .collect();
    Ok(Json(json!({
        "status": judged.gate.status.as_str(),
        "pass": judged.gate.status == crate::model::GateStatus::Pass,
        "reason": judged.gate.reason,
        "verdict": view.verdict,
        "progress": format!("{looked}/{least} runs"),
        "change": view.change,
        "journeys": journeys,
        "evaluated_at": handle.now(),
    })))
}

fn nothing_logged(handle: &Handle) -> Value {
    json!({
        "status": "inconclusive", "pass": false, "reason": "no such change was logged",
        "verdict": null, "progress": "0/0 runs", "change": null, "journeys": [],
        "evaluated_at": handle.now(),
    })
}
