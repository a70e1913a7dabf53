//! `GET /journeys/{journey}`: how long it takes and how often it works, and since when.

mod latency;

use axum::{
    extract::{OriginalUri, Path, Query, State},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    budgets::{BudgetSection, MARKS, section},
    changes::{self, ChangeRow},
    filter::Filter,
    measures::{MeasureRow, measures},
    shell::{Shell, page},
    steps::{EACH, STRETCHES, Steps, Wanted, steps},
    words::{Badge, Piece, When, change_link, encoded, maybe_ms, percent, prose},
};
use crate::{
    daemon::Setup,
    model::{ChangeId, Finding, FindingState, Journey, Outcome, Run, SeriesKey, Verdict},
    render::chart::{Chart, Window},
    store::{FindingFilter, RunFilter, RunResult},
    web::{
        ApiError,
        figures::{Asked, Figures, SpanLink, step},
        router::Face,
    },
};

/// Stretches of the charts.
const STRETCHES_OF_CHART: u32 = 96;
/// Failures and runs that are listed.
const LISTED: usize = 8;

/// Behind `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct JourneyQuery {
    environment: String,
    location: String,
    span: String,
    from: String,
    to: String,
    /// The step whose phases are shown.
    step: String,
    /// The change whose verdict's baseline is shown, and around which.
    change: String,
}

#[derive(Debug, Serialize)]
struct JourneyPage {
    shell: Shell,
    name: String,
    /// Its address from the root, and behind `?` what stays the same when something is chosen.
    path: String,
    keep: String,
    /// The same with the span.
    keep_span: String,
    series: SeriesText,
    description: String,
    facts: Vec<(String, String, String)>,
    badge: Badge,
    environments: Vec<Link>,
    locations: Vec<Link>,
    spans: Vec<SpanLink>,
    findings: Vec<FindingRow>,
    /// Figures of the span.
    runs: u64,
    success: String,
    p50: String,
    p95: String,
    failed: u64,
    broken: u64,
    from: When,
    to: When,
    latency: Chart,
    strip: Chart,
    /// What a verdict held it against; empty where none did.
    baseline: String,
    baseline_change: String,
    baseline_link: String,
    single: bool,
    /// For the table that tells the same as the charts.
    table: Vec<TableRow>,
    steps: Option<Steps>,
    budget: Option<BudgetSection>,
    measures: Vec<MeasureRow>,
    changes: Vec<ChangeRow>,
    failures: Vec<RunRow>,
    recent: Vec<RunRow>,
}

/// The series, as the script asks for it.
#[derive(Debug, Serialize)]
struct SeriesText {
    journey: String,
    environment: String,
    location: String,
    from: String,
    to: String,
}

/// One of several to choose from.
#[derive(Debug, Serialize)]
struct Link {
    name: String,
    query: String,
    chosen: bool,
}

#[derive(Debug, Serialize)]
struct FindingRow {
    badge: Badge,
    metric: String,
    summary: Vec<Piece>,
    change: String,
    link: String,
    since: When,
}

#[derive(Debug, Serialize)]
struct TableRow {
    at: When,
    runs: u64,
    success: String,
    p5: String,
    p50: String,
    p95: String,
}

/// A run in a list.
#[derive(Debug, Serialize)]
struct RunRow {
    link: String,
    badge: Badge,
    at: When,
    took: String,
    /// What failed, or which step took longest.
    told: String,
    trigger: &'static str,
    /// Whether something is kept to look at.
    evidence: bool,
}

/// The page.
pub(in crate::web) async fn journey(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Path(name): Path<String>,
    Query(query): Query<JourneyQuery>,
) -> Result<Response, ApiError> {
    let (store, setup, now) = (face.handle.store(), face.handle.setup(), face.handle.now());
    let known = store.series().await?;
    let (series, environments, locations) = chosen(&setup, &known, &name, &query)?;
    let first = store.first_run(&series).await?;
    let around = match query.change.as_str() {
        "" => None,
        id => store.change(&id.into()).await?,
    };
    let asked = match &around {
        Some(change) if query.span.is_empty() && query.from.is_empty() => {
            latency::around(change, first, now)
        }
        _ => Asked::read((&query.span, &query.from, &query.to), first, now)?,
    };
    let window = asked.window;
    let length = step(&window, STRETCHES_OF_CHART);
    let figures = Figures::read(store, &series, &window, (length, now)).await?;
    let sample = store.sample(&series, (window.from, window.to), (STRETCHES, EACH)).await?;
    let here = Filter { environment: series.environment.to_string(), ..Filter::default() };
    let mut changes = changes::of_span(&face, &here, &window, 200).await?;
    let journey = setup.journeys.get(&series.journey).map(|s| &s.journey);
    let mapped = mapped(&face, journey.map(|j| &**j), &changes).await?;
    let wanted: Vec<ChangeId> = match &around {
        Some(change) => vec![change.id.clone()],
        None => mapped.clone(),
    };
    let baseline = store.baseline(&series, wanted).await?;
    let order = journey.map(|j| j.every_step().iter().map(|s| s.name.clone()).collect());
    let wanted = Wanted { order: order.unwrap_or_default(), chosen: &query.step };
    let steps = steps(&window, &sample, &wanted);
    let measures = measures(&sample, journey.map(|j| &**j));
    let marks = changes::marks(&window, &changes);
    let all = figures.sum();
    let quantiles = all.latency.quantiles_ms([0.5, 0.95]);
    let findings = findings(&face, &series).await?;
    let recent = runs(&face, &series, None).await?;
    let budget = budget(&face, &series, &here).await?;
    changes.truncate(LISTED);
    let data = JourneyPage {
        shell: Shell::new(&face, &uri, "journeys", &name).live(),
        path: format!("journeys/{}", encoded(&name)),
        keep: keep(&series, &query),
        keep_span: keep(&series, &query) + &kept_span(&query),
        series: SeriesText {
            journey: name.clone(),
            environment: series.environment.to_string(),
            location: series.location.to_string(),
            from: window.from.to_string(),
            to: window.to.to_string(),
        },
        description: journey.and_then(|j| j.description.clone()).unwrap_or_default(),
        facts: journey.map(|j| facts(&setup, j)).unwrap_or_default(),
        badge: badge(&findings, &recent),
        environments,
        // One alone is no choice.
        locations: if locations.len() > 1 { locations } else { Vec::new() },
        spans: asked.links(),
        findings,
        runs: all.passed + all.failed + all.broken,
        success: percent(all.passed, all.passed + all.failed),
        p50: maybe_ms(quantiles.map(|q| q[0])),
        p95: maybe_ms(quantiles.map(|q| q[1])),
        failed: all.failed,
        broken: all.broken,
        from: When::minute(window.from),
        to: When::minute(window.to),
        latency: latency::latency(&window, &figures, marks, baseline.as_ref()),
        strip: latency::strip(&window, &figures),
        baseline: baseline.as_ref().map(told).unwrap_or_default(),
        baseline_change: baseline.as_ref().map(|v| v.change.to_string()).unwrap_or_default(),
        baseline_link: baseline
            .as_ref()
            .map(|v| change_link(v.change.as_str()))
            .unwrap_or_default(),
        single: !figures.points.is_empty(),
        table: table(&figures),
        steps,
        budget,
        measures,
        changes: changes.into_iter().map(|(_, row)| row).collect(),
        failures: runs(&face, &series, Some(RunResult::Failed)).await?,
        recent,
        name,
    };
    page(&face, "journey", data).await
}

/// How it stands: by what is open, or by its last run.
fn badge(findings: &[FindingRow], recent: &[RunRow]) -> Badge {
    let open = ["regressed", "budget_fast", "suspected", "unexplained", "budget_slow"];
    let rank = |badge: &Badge| open.iter().position(|word| *word == badge.class);
    let worst = findings.iter().map(|f| &f.badge).min_by_key(|badge| rank(badge));
    let last = recent.first().map(|run| &run.badge);
    worst.or(last).cloned().unwrap_or_else(|| Badge::of("waiting"))
}

/// The series that is meant, and the environments and locations there are to choose from.
pub(super) fn series_of(
    setup: &Setup,
    known: &[SeriesKey],
    name: &str,
    (environment, location): (&str, &str),
) -> Result<(SeriesKey, Vec<String>, Vec<String>), ApiError> {
    let own: Vec<&SeriesKey> = known.iter().filter(|s| s.journey.as_str() == name).collect();
    let configured = setup.journeys.get(name).map(|s| &s.journey);
    if own.is_empty() && configured.is_none() {
        return Err(ApiError::not_found(
            format!("no journey is called `{name}`"),
            "the first page lists those that are configured",
        ));
    }
    let mut environments: Vec<String> = configured
        .map(|j| j.environments.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    for series in &own {
        if !environments.iter().any(|e| e == series.environment.as_str()) {
            environments.push(series.environment.to_string());
        }
    }
    let environment = if environment.is_empty() {
        environments.first().cloned().unwrap_or_default()
    } else {
        environment.to_owned()
    };
    let here = own.iter().filter(|s| s.environment.as_str() == environment);
    let locations: Vec<String> = here.map(|s| s.location.to_string()).collect();
    let agents = setup.settings.agent.location.to_string();
    let location = match location {
        "" if locations.contains(&agents) => agents,
        "" => locations.first().cloned().unwrap_or(agents),
        said => said.to_owned(),
    };
    let series = SeriesKey {
        journey: name.into(),
        environment: environment.into(),
        location: location.into(),
    };
    Ok((series, environments, locations))
}

fn chosen(
    setup: &Setup,
    known: &[SeriesKey],
    name: &str,
    query: &JourneyQuery,
) -> Result<(SeriesKey, Vec<Link>, Vec<Link>), ApiError> {
    let (series, environments, locations) =
        series_of(setup, known, name, (&query.environment, &query.location))?;
    let span = kept_span(query);
    let environments = environments
        .into_iter()
        .map(|e| Link {
            query: format!("environment={}{span}", encoded(&e)),
            chosen: e == series.environment.as_str(),
            name: e,
        })
        .collect();
    let here = encoded(series.environment.as_str());
    let locations = locations
        .into_iter()
        .map(|l| Link {
            query: format!("environment={here}&location={}{span}", encoded(&l)),
            chosen: l == series.location.as_str(),
            name: l,
        })
        .collect();
    Ok((series, environments, locations))
}

/// The span as it was asked for.
fn kept_span(query: &JourneyQuery) -> String {
    let pairs = [("span", &query.span), ("from", &query.from), ("to", &query.to)];
    let said = pairs.iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| format!("&{name}={}", encoded(value))).collect()
}

fn keep(series: &SeriesKey, query: &JourneyQuery) -> String {
    let mut kept = format!(
        "environment={}&location={}",
        encoded(series.environment.as_str()),
        encoded(series.location.as_str())
    );
    if !query.change.is_empty() {
        kept += &format!("&change={}", encoded(&query.change));
    }
    kept
}

/// Those of these changes that touch the journey, newest first; the others only share its environment.
async fn mapped(
    face: &Face,
    journey: Option<&Journey>,
    changes: &[(jiff::Timestamp, ChangeRow)],
) -> Result<Vec<ChangeId>, ApiError> {
    let setup = face.handle.setup();
    let mut mapped = Vec::new();
    // Of those that did harm one first: its baseline is what a reader looks for.
    let harmful =
        |row: &ChangeRow| row.badge.class == "regressed" || row.badge.class == "suspected";
    let mut order: Vec<&ChangeRow> = changes.iter().map(|(_, row)| row).collect();
    order.sort_by_key(|row| !harmful(row));
    for row in order.into_iter().take(20) {
        let Some(change) = face.handle.store().change(&row.id.as_str().into()).await? else {
            continue;
        };
        if journey.is_none_or(|j| setup.maps_to(&change, j)) {
            mapped.push(change.id);
        }
    }
    Ok(mapped)
}

/// What a verdict held the journey against, in a sentence.
fn told(verdict: &Verdict) -> String {
    format!(
        "median {}, 95th percentile {}, of {} runs",
        maybe_ms(verdict.before.p50_ms),
        maybe_ms(verdict.before.p95_ms),
        verdict.baseline_probes
    )
}

fn facts(setup: &Setup, journey: &Journey) -> Vec<(String, String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String, link: String| {
        if !value.is_empty() {
            facts.push((name.to_owned(), value, link));
        }
    };
    let services: Vec<String> =
        setup.reach(&journey.services).iter().map(ToString::to_string).collect();
    add("services", services.join(", "), String::new());
    add("owner", journey.owner.clone().unwrap_or_default(), String::new());
    let every = match &journey.schedule {
        crate::model::Schedule::Every(every) => {
            format!("every {}", super::words::span(every.as_secs_f64()))
        }
        crate::model::Schedule::Cron { .. } => "by the calendar".to_owned(),
    };
    add("walked", every, String::new());
    if let Some(slo) = &journey.slo {
        let slow = slo.latency.map_or(String::new(), |limit| {
            format!(" within {}", maybe_ms(Some(limit.as_secs_f64() * 1000.0)))
        });
        add("objective", format!("{} % good{slow}", slo.objective_percent), String::new());
    }
    let runbook = journey.runbook.clone().unwrap_or_default();
    add("runbook", runbook.clone(), runbook);
    facts
}

async fn findings(face: &Face, series: &SeriesKey) -> Result<Vec<FindingRow>, ApiError> {
    let wanted = FindingFilter {
        state: Some(FindingState::Open),
        journey: Some(series.journey.clone()),
        environment: Some(series.environment.clone()),
        limit: 20,
        ..FindingFilter::default()
    };
    let found = face.handle.store().findings(wanted).await?;
    let row = |f: &Finding| FindingRow {
        badge: Badge::of(f.kind.as_str()),
        metric: f.subject(),
        summary: prose(&f.summary),
        change: f.change.as_ref().map(ToString::to_string).unwrap_or_default(),
        link: f.change.as_ref().map(|c| change_link(c.as_str())).unwrap_or_default(),
        since: When::minute(f.onset_at.unwrap_or(f.opened_at)),
    };
    Ok(found.iter().filter(|f| f.location == series.location).map(row).collect())
}

/// Its error budget, where it promises anything and was walked.
async fn budget(
    face: &Face,
    series: &SeriesKey,
    here: &Filter,
) -> Result<Option<BudgetSection>, ApiError> {
    let (all, now) = (face.handle.budgets(), face.handle.now());
    let Some(row) = all.of(series).filter(|row| row.since.is_some()) else { return Ok(None) };
    let from = now.checked_sub(row.slo.window).unwrap_or(now);
    let changes = changes::of_span(face, here, &Window { from, to: now }, MARKS).await?;
    let marks = |window: &Window| changes::marks(window, &changes);
    Ok(Some(section(face.handle.store(), row, now, marks).await?))
}

async fn runs(
    face: &Face,
    series: &SeriesKey,
    result: Option<RunResult>,
) -> Result<Vec<RunRow>, ApiError> {
    let filter = RunFilter {
        journey: Some(series.journey.clone()),
        environment: Some(series.environment.clone()),
        location: Some(series.location.clone()),
        result,
        limit: LISTED,
        ..RunFilter::default()
    };
    let found = face.handle.store().runs(filter).await?;
    let mut rows = Vec::new();
    for run in &found {
        let failed = matches!(run.outcome, Outcome::Failed(_));
        let evidence = failed && face.handle.store().evidence(&run.id).await?.is_some();
        rows.push(run_row(run, evidence));
    }
    Ok(rows)
}

fn run_row(run: &Run, evidence: bool) -> RunRow {
    let slowest = || {
        let longest = run.steps.iter().max_by_key(|step| step.duration);
        longest
            .filter(|_| run.steps.len() > 1)
            .map_or(String::new(), |step| format!("most of it in “{}”", step.name))
    };
    RunRow {
        link: format!("runs/{}", run.id),
        badge: Badge::of(run.outcome.label()),
        at: When::second(run.started_at),
        took: maybe_ms(Some(run.duration.as_secs_f64() * 1000.0)),
        told: match &run.outcome {
            Outcome::Failed(failure) => format!("step “{}”: {}", failure.step, failure.message),
            Outcome::Broken { reason } => reason.clone(),
            Outcome::Passed => slowest(),
        },
        trigger: match run.trigger {
            crate::model::Trigger::Schedule => "",
            crate::model::Trigger::Burst => "watch",
            crate::model::Trigger::Smoke => "after a change",
            crate::model::Trigger::Manual => "by hand",
        },
        evidence,
    }
}

fn table(figures: &Figures) -> Vec<TableRow> {
    let row = |band: &crate::store::Band| {
        let q = band.latency.quantiles_ms([0.05, 0.5, 0.95]);
        let of = |at: usize| maybe_ms(q.map(|q| q[at]));
        TableRow {
            at: When::minute(band.at),
            runs: band.passed + band.failed + band.broken,
            success: percent(band.passed, band.passed + band.failed),
            p5: of(0),
            p50: of(1),
            p95: of(2),
        }
    };
    figures.bands.iter().rev().map(row).collect()
}
