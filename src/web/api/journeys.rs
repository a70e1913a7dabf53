//! Journeys as they are configured, with how they stand.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::{
    daemon::Handle,
    model::{Journey, Measure, Run, Step},
    web::{ApiError, views},
};

/// `GET /api/v1/journeys`: one row for each journey and environment.
pub(crate) async fn list(State(handle): State<Handle>) -> Result<Json<Value>, ApiError> {
    let setup = handle.setup();
    let latest = handle.store().latest_runs().await?;
    let now = handle.now();
    let mut rows = Vec::new();
    for scheduled in setup.journeys.values() {
        let journey = &scheduled.journey;
        for environment in &journey.environments {
            let last = latest.iter().find(|run| {
                run.journey == journey.name
                    && run.environment == *environment
                    && run.location == setup.settings.agent.location
            });
            rows.push(json!({
                "journey": journey.name,
                "environment": environment,
                "description": journey.description,
                "services": journey.services,
                "owner": journey.owner,
                "runbook": journey.runbook,
                "steps": journey.steps.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
                "interval_ms": views::ms(scheduled.plan.interval(now)),
                "revision": journey.revision,
                "measures": measures(journey, last),
                "last_run": last.map(|run| json!({
                    "id": run.id.to_string(),
                    "started_at": run.started_at,
                    "duration_ms": views::ms(run.duration),
                    "result": run.outcome.label(),
                })),
            }));
        }
    }
    Ok(Json(json!({ "journeys": rows })))
}

/// What a journey measures and how that is judged, with what its last run found.
fn measures(journey: &Journey, last: Option<&Run>) -> Vec<Value> {
    let found = last.map(Run::measured).unwrap_or_default();
    let of = |step: &Step, measure: &Measure| {
        let value = found.iter().find(|(s, m, _)| (*s, *m) == (&step.name, &measure.name));
        json!({
            "step": step.name,
            "name": measure.name,
            "unit": measure.judged.unit,
            "worse": measure.judged.worse,
            "last": value.map(|(_, _, value)| value),
        })
    };
    let steps = journey.steps.iter();
    steps.flat_map(|step| step.measures.iter().map(|m| of(step, m)).collect::<Vec<_>>()).collect()
}
