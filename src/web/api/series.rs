//! What is behind a chart: figures of a journey over a span, as columns of numbers.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::changes::known;
use crate::{
    daemon::Handle,
    model::SeriesKey,
    render::chart::Window,
    store::{Band, ChangeFilter},
    web::{
        ApiError,
        figures::{Asked, Figures, step},
    },
};

/// Most stretches in one answer.
const MOST: u32 = 720;

/// The query of a series.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SeriesQuery {
    journey: String,
    environment: String,
    /// The agent's by default.
    location: String,
    /// `1h`, `6h`, `24h`, `7d`, `30d` or `90d`; or `from` and `to`.
    span: String,
    from: String,
    to: String,
    /// At most so many stretches; 360 by default, 720 at most.
    points: Option<u32>,
}

/// `GET /api/v1/series`: stretches of equal length with counts and quantiles (in ms), and the changes of the environment.
pub(crate) async fn show(
    State(handle): State<Handle>,
    query: Result<Query<SeriesQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    if query.journey.is_empty() || query.environment.is_empty() {
        return Err(ApiError::bad_request(
            "`journey` or `environment` is not said",
            "add ?journey=NAME&environment=NAME",
        ));
    }
    let location = match query.location.as_str() {
        "" => handle.setup().settings.agent.location.clone(),
        said => said.into(),
    };
    let series = SeriesKey {
        journey: query.journey.as_str().into(),
        environment: query.environment.as_str().into(),
        location,
    };
    let store = handle.store();
    let (first, now) = (store.first_run(&series).await?, handle.now());
    let asked = Asked::read((&query.span, &query.from, &query.to), first, now)?;
    let window = asked.window;
    let length = step(&window, query.points.unwrap_or(360).clamp(1, MOST));
    let figures = Figures::read(store, &series, &window, (length, now)).await?;
    let filter = ChangeFilter {
        environment: Some(series.environment.clone()),
        since: Some(window.from),
        until: Some(window.to),
        limit: 200,
        ..ChangeFilter::default()
    };
    let changes = store.changes(filter).await?;
    let standings = store.standings(changes.iter().map(|c| c.id.clone()).collect()).await?;
    let changes: Vec<Value> = changes
        .iter()
        .zip(standings)
        .map(|(change, standing)| {
            json!({
                "id": change.id,
                "kind": change.kind.as_str(),
                "services": change.services,
                "version": change.deployed_version(),
                "started_at": change.started_at,
                "verdict": standing.worst.map(crate::model::Conclusion::as_str),
            })
        })
        .collect();
    let mut shown = columns(&figures.bands, &window);
    shown["journey"] = json!(series.journey);
    shown["environment"] = json!(series.environment);
    shown["location"] = json!(series.location);
    shown["step_s"] = json!(length.as_secs());
    shown["changes"] = json!(changes);
    Ok(Json(shown))
}

/// Columns of equal length; a quantile is null where no run passed.
fn columns(bands: &[Band], window: &Window) -> Value {
    let quantile = |share: f64| -> Vec<Option<f64>> {
        let of = |band: &Band| {
            band.latency.quantiles_ms([share]).map(|[ms]| (ms * 100.0).round() / 100.0)
        };
        bands.iter().map(of).collect()
    };
    let count = |of: fn(&Band) -> u64| bands.iter().map(of).collect::<Vec<u64>>();
    json!({
        "from": window.from,
        "to": window.to,
        "at": bands.iter().map(|b| b.at.as_second()).collect::<Vec<_>>(),
        "passed": count(|b| b.passed),
        "failed": count(|b| b.failed),
        "broken": count(|b| b.broken),
        "p5_ms": quantile(0.05),
        "p50_ms": quantile(0.5),
        "p95_ms": quantile(0.95),
    })
}
