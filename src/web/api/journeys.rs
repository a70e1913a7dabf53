//! Journeys as they are configured, with how they stand.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::changes::known;
use crate::{
    daemon::Handle,
    model::{Journey, JourneyName, Measure, Run, SeriesKey, Step},
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
                "steps": journey.every_step().iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
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

/// The query of the last good run.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GoodQuery {
    /// Of which environment; may be left out where the journey has but one.
    environment: Option<String>,
    /// From which location; the agent's by default.
    location: Option<String>,
}

/// `GET /api/v1/journeys/{journey}/last-good`: what the last good run sent and got, secrets masked.
pub(crate) async fn last_good(
    State(handle): State<Handle>,
    Path(journey): Path<String>,
    query: Result<Query<GoodQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let setup = handle.setup();
    let journey = JourneyName::from(journey.as_str());
    let environments =
        setup.journeys.get(&journey).map(|s| s.journey.environments.as_slice()).unwrap_or_default();
    let environment = match (query.environment, environments) {
        (Some(environment), _) => environment.into(),
        (None, [only]) => only.clone(),
        (None, _) => {
            return Err(ApiError::bad_request(
                "`environment` is not said",
                "add ?environment=NAME",
            ));
        }
    };
    let location = query.location.map(Into::into);
    let location = location.unwrap_or_else(|| setup.settings.agent.location.clone());
    let series = SeriesKey { journey, environment, location };
    match handle.last_good(&series).await? {
        Some(good) => Ok(Json(json!(good))),
        None => Err(ApiError::not_found(
            format!("no good run of {} in {} is known", series.journey, series.environment),
            "exchanges of good runs are known since the agent started, and of those before a failure",
        )),
    }
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
