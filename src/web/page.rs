//! The pages, filled from the store.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::header,
    response::{Html, IntoResponse, Response},
};
use jiff::Timestamp;

use super::{ApiError, api::runs, page_rollback, router::Face, views};
use crate::{
    correlate,
    daemon::{Judged, unmapped},
    model::{
        BROWSER_MEASURES, BuiltInMeasure, Change, Effect, Finding, FindingState, Measured, Metric,
        Run, SeriesKey, StepRun, Verdict, amounts, subject,
    },
    render::{
        evidence_page, felt,
        page::{
            ChangePage, ChangeRow, FindingRow, JourneyRow, Overview, PageError, PartRow, STYLE,
            VerdictRow,
        },
    },
    store::{ChangeFilter, FindingFilter, Store},
};

/// The span of the first page's figures.
const HOUR: Duration = Duration::from_secs(3600);
/// Changes on the first page.
const NEWEST: usize = 25;

/// `GET /`.
pub(super) async fn overview(State(face): State<Face>) -> Result<Html<String>, ApiError> {
    let (store, setup, now) = (face.handle.store(), face.handle.setup(), face.handle.now());
    let filter = FindingFilter {
        state: Some(FindingState::Open),
        limit: NEWEST,
        ..FindingFilter::default()
    };
    let findings = store.findings(filter).await?;
    let changes = store.changes(ChangeFilter { limit: NEWEST, ..ChangeFilter::default() }).await?;
    let latest = store.latest_runs().await?;
    let mut journeys = Vec::new();
    for scheduled in setup.journeys.values() {
        for environment in &scheduled.journey.environments {
            let series = SeriesKey {
                journey: scheduled.journey.name.clone(),
                environment: environment.clone(),
                location: setup.settings.agent.location.clone(),
            };
            let last = latest.iter().find(|run| run.series() == series);
            journeys.push(journey_row(store, series, last, &changes, now).await?);
        }
    }
    let mut rows = Vec::new();
    for change in &changes {
        rows.push(change_row(&face.handle.judged(&change.id).await?));
    }
    let page = Overview {
        title: if findings.is_empty() {
            "Wayfarer".into()
        } else {
            format!("({}) Wayfarer", findings.len())
        },
        agent: agent(&face),
        budget: face.handle.budget().await?.sentence(),
        findings: findings.iter().map(finding_row).collect(),
        journeys,
        changes: rows,
    };
    Ok(Html(face.pages.overview(&page)?))
}

/// `GET /changes/{id}`.
pub(super) async fn change(
    State(face): State<Face>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let mut judged = face.handle.judged(&id.into()).await?;
    judged.verdicts.sort_by(|a, b| (a.conclusion, &a.journey).cmp(&(b.conclusion, &b.journey)));
    let row = change_row(&judged);
    let rollback = page_rollback::part(&face.handle, &judged.change).await?;
    let page = ChangePage {
        rollback,
        title: format!("{} of {} · Wayfarer", row.kind, row.what),
        agent: agent(&face),
        facts: facts(&judged.change),
        notes: unmapped(&face.handle.setup(), &judged.change),
        gate: judged.gate.status.as_str().to_owned(),
        reason: judged.gate.reason.clone(),
        verdicts: verdict_rows(&judged.verdicts, &judged.dismissed),
        change: row,
    };
    // A form of this page must say where it comes from, or it would be taken for that of another site.
    let said = [(header::REFERRER_POLICY, "same-origin")];
    Ok((said, Html(face.pages.change(&page)?)).into_response())
}

/// `GET /runs/{id}/evidence`: a page of what is kept of a failed run, that may also be saved and sent on.
pub(super) async fn evidence(
    State(face): State<Face>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = runs::run_id(&id)?;
    let store = face.handle.store();
    let Some(run) = store.run(&id).await? else { return Err(runs::unknown(&id)) };
    let kept = store.evidence(&id).await?;
    let run = views::run_with_evidence(&run, kept.as_ref());
    let page = evidence_page(&face.pages, &run)?.ok_or_else(|| runs::not_kept(&id))?;
    Ok(([(header::CONTENT_SECURITY_POLICY, page.policy)], Html(page.html)).into_response())
}

/// The verdicts on whole journeys, each with the parts of its journey that moved, and those on measures.
fn verdict_rows(verdicts: &[Verdict], dismissed: &[Finding]) -> Vec<VerdictRow> {
    let measured = |v: &Verdict| v.metric == Metric::Measure;
    let whole = verdicts.iter().filter(|v| v.part.is_whole() || measured(v));
    let row = |v: &Verdict| VerdictRow {
        verdict: v.conclusion.to_string(),
        journey: v.journey.to_string(),
        environment: v.environment.to_string(),
        metric: v.subject(),
        summary: v.summary.clone(),
        notes: said(v, dismissed).into_iter().chain(v.notes.iter().cloned()).collect(),
        candidates: v
            .candidates
            .iter()
            .map(|c| format!("{} {:.0} %", c.change, c.probability * 100.0))
            .collect(),
        parts: verdicts
            .iter()
            .filter(|p| {
                !p.part.is_whole()
                    && !measured(p)
                    && (&p.journey, &p.environment, &p.location, p.metric)
                        == (&v.journey, &v.environment, &v.location, v.metric)
            })
            .map(part_row)
            .collect(),
    };
    whole.map(row).collect()
}

/// What a person said of its harm, where they dismissed it.
fn said(verdict: &Verdict, dismissed: &[Finding]) -> Option<String> {
    let why = correlate::dismissal(verdict, dismissed)?.dismissal.as_ref()?;
    let by = why.by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
    let note = why.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
    Some(format!("dismissed as {}{by}{note}", why.reason.as_str()))
}

fn part_row(verdict: &Verdict) -> PartRow {
    let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0} ms"));
    let effect = |e: &Effect| format!("x{:.2} ({:.2} to {:.2})", e.estimate, e.low, e.high);
    PartRow {
        part: verdict.part.to_string(),
        verdict: verdict.conclusion.to_string(),
        before: ms(verdict.before.p50_ms),
        after: ms(verdict.after.p50_ms),
        effect: verdict.effect.as_ref().map(effect).unwrap_or_default(),
        since: verdict.onset.map(|o| short(o.at)).unwrap_or_default(),
    }
}

/// `GET /assets/style.css`.
pub(super) async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=300")],
        STYLE,
    )
        .into_response()
}

impl From<PageError> for ApiError {
    fn from(e: PageError) -> Self {
        tracing::error!(error = %e, "page.failed");
        Self::internal("this page could not be made")
    }
}

fn agent(face: &Face) -> String {
    let setup = face.handle.setup();
    format!("{} · {}", setup.settings.agent.location, env!("CARGO_PKG_VERSION"))
}

fn finding_row(finding: &crate::model::Finding) -> FindingRow {
    FindingRow {
        kind: finding.kind.as_str().to_owned(),
        journey: format!("{} in {}", finding.journey, finding.environment),
        metric: subject(finding.metric, &finding.part),
        change: finding.change.as_ref().map(ToString::to_string).unwrap_or_default(),
        link: finding.change.as_ref().map(|c| link(c.as_str())).unwrap_or_default(),
        summary: match &finding.acknowledged {
            Some(taken) => {
                let who = taken.by.as_deref().unwrap_or("somebody");
                let note = taken.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
                format!("{} ({who} looks after it{note})", finding.summary)
            }
            None => finding.summary.clone(),
        },
        since: short(finding.onset_at.unwrap_or(finding.opened_at)),
    }
}

fn change_row(judged: &Judged) -> ChangeRow {
    let change = &judged.change;
    let services: Vec<_> = change.services.iter().map(|s| s.as_str()).collect();
    let mut what =
        if services.is_empty() { "the whole environment".to_owned() } else { services.join(", ") };
    if let Some(version) = change.deployed_version() {
        what = format!("{what} {version}");
    }
    ChangeRow {
        link: link(change.id.as_str()),
        id: change.id.to_string(),
        kind: change.kind.to_string(),
        what,
        author: change.author.clone().unwrap_or_default(),
        started: short(change.started_at),
        verdict: judged.overall.map_or_else(|| "not watched".to_owned(), |c| c.to_string()),
        watch: if judged.open { "open" } else { "closed" }.to_owned(),
    }
}

fn facts(change: &Change) -> Vec<(String, String)> {
    let mut facts = vec![("id".to_owned(), change.id.to_string())];
    let mut add = |name: &str, value: Option<String>| {
        facts.extend(value.filter(|v| !v.is_empty()).map(|v| (name.to_owned(), v)));
    };
    let places: Vec<_> = change.environments.iter().map(ToString::to_string).collect();
    add("environments", Some(places.join(", ")));
    add("title", change.title.clone());
    add("version", change.version.clone());
    add("before", change.previous_version.clone());
    add(
        "commits",
        Some(change.commits.iter().map(|c| c.id.clone()).collect::<Vec<_>>().join(", ")),
    );
    add("author", change.author.clone());
    add("release", change.release.clone());
    add("build", change.build.clone());
    add("started", Some(change.started_at.to_string()));
    add("finished", change.finished_at.map(|t| t.to_string()));
    add("told by", Some(change.source.clone()));
    add("link", change.url.clone());
    for (name, value) in &change.labels {
        add(name, Some(value.clone()));
    }
    facts
}

fn link(id: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    format!("/changes/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

fn short(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

async fn journey_row(
    store: &Store,
    series: SeriesKey,
    last: Option<&Run>,
    changes: &[Change],
    now: Timestamp,
) -> Result<JourneyRow, ApiError> {
    let from = now.checked_sub(HOUR).unwrap_or(Timestamp::UNIX_EPOCH);
    let probes = store.probes(&series, from, now).await?;
    let known = probes.iter().filter(|p| p.success.is_some()).count();
    let good = probes.iter().filter(|p| p.success == Some(true)).count();
    let points: Vec<(Timestamp, f64)> =
        probes.iter().filter_map(|p| p.latency_ms.map(|ms| (p.at, ms))).collect();
    let mut sorted: Vec<f64> = points.iter().map(|(_, ms)| *ms).collect();
    sorted.sort_by(f64::total_cmp);
    let begin = points.first().map_or(from, |(at, _)| *at);
    let place = |at: Timestamp| {
        let whole = now.duration_since(begin).as_secs_f64().max(1e-3);
        120.0 * at.duration_since(begin).as_secs_f64() / whole
    };
    Ok(JourneyRow {
        success: share(good, known),
        p50: quantile(&sorted, 0.5),
        p95: quantile(&sorted, 0.95),
        runs: probes.len(),
        result: last.map_or("waiting", |run| run.outcome.label()).to_owned(),
        last: last.map(|run| short(run.started_at)).unwrap_or_default(),
        spark: spark(&points, &sorted, &place),
        marks: changes
            .iter()
            .filter(|c| {
                c.touches(&series.environment) && c.started_at >= begin && c.started_at <= now
            })
            .map(|c| format!("{:.1}", place(c.started_at)))
            .collect(),
        measures: last.map(measures).unwrap_or_default(),
        journey: series.journey.to_string(),
        environment: series.environment.to_string(),
    })
}

/// What the last run measured: `total 12.00 EUR`.
fn measures(run: &Run) -> Vec<String> {
    let own = |step: &StepRun, m: &&Measured| {
        let built_in = |known: &BuiltInMeasure| known.name == m.name.as_str();
        step.traffic.is_none() || !BROWSER_MEASURES.iter().any(built_in)
    };
    let text = |m: &Measured| {
        let [value] = amounts([m.value?], m.unit.as_deref());
        let unit = m.unit.as_deref().map_or(String::new(), |unit| format!(" {unit}"));
        Some(format!("{} {value}{unit}", m.name))
    };
    let of = |step: &StepRun| -> Vec<String> {
        let felt = felt(step).map(|felt| format!("{}: {felt}", step.name));
        let own = step.measures.iter().filter(|m| own(step, m)).filter_map(text);
        felt.into_iter().chain(own).collect()
    };
    run.steps.iter().flat_map(of).collect()
}

/// At most 120 points; the scale ends at the 98th percentile so that one slow run does not flatten the rest.
fn spark(points: &[(Timestamp, f64)], sorted: &[f64], place: &impl Fn(Timestamp) -> f64) -> String {
    let Some(top) = at_share(sorted, 0.98) else { return String::new() };
    let stride = points.len().div_ceil(120).max(1);
    let dots: Vec<String> = points
        .iter()
        .step_by(stride)
        .map(|(at, ms)| {
            let height = 22.0 * (ms / top.max(1e-9)).min(1.0);
            format!("{:.1},{:.1}", place(*at), 23.0 - height)
        })
        .collect();
    dots.join(" ")
}

fn at_share(sorted: &[f64], share: f64) -> Option<f64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a list of runs"
    )]
    let index = ((sorted.len().checked_sub(1)? as f64) * share).round() as usize;
    sorted.get(index).copied()
}

fn quantile(sorted: &[f64], share: f64) -> String {
    at_share(sorted, share).map_or_else(|| "–".to_owned(), |ms| format!("{ms:.0} ms"))
}

fn share(good: usize, known: usize) -> String {
    if known == 0 {
        return "–".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    let percent = 100.0 * good as f64 / known as f64;
    format!("{percent:.1} %")
}
