//! `GET /runs/{id}`: one walk, step by step, and the evidence of it.

use axum::{
    extract::{OriginalUri, Path, State},
    http::header,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    shell::{Shell, page},
    waterfall::{self, Row, Tick},
    words::{Badge, When, journey_link, maybe_ms},
};
use crate::{
    model::{Evidence, KeptEvidence, Outcome, Run, StepRun, amounts},
    render::evidence_page,
    store::RunFilter,
    web::{ApiError, api::runs, router::Face, views},
};

#[derive(Debug, Serialize)]
struct RunPage {
    shell: Shell,
    journey: String,
    journey_link: String,
    environment: String,
    location: String,
    badge: Badge,
    at: When,
    took: String,
    /// Against the median of the runs around it.
    usual: String,
    facts: Vec<(String, String)>,
    /// What failed: step, sentence, and what was checked.
    failure: Option<FailureRow>,
    /// Our own trouble.
    broken: String,
    ticks: Vec<Tick>,
    rows: Vec<Row>,
    checks: Vec<StepChecks>,
    captures: Vec<[String; 3]>,
    measures: Vec<[String; 3]>,
    /// The pictures that are kept: address from the root, caption.
    pictures: Vec<(String, String)>,
    evidence: bool,
    /// Of which other run the evidence is; empty where it is its own.
    alike: String,
    curl: String,
    /// Whether it is only the last request's line.
    curl_short: bool,
    deployed: Vec<(String, String)>,
    /// Of the trace that its requests belong to, and where that is looked at; empty where there is none.
    trace_id: String,
    trace: String,
    id: String,
    earlier: String,
    later: String,
}

#[derive(Debug, Serialize)]
struct FailureRow {
    step: String,
    message: String,
    check: String,
    expected: String,
    actual: String,
}

#[derive(Debug, Serialize)]
struct StepChecks {
    step: String,
    passed: usize,
    failed: usize,
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    badge: Badge,
    check: String,
    expected: String,
    actual: String,
}

/// The page.
pub(in crate::web) async fn run(
    State(face): State<Face>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = runs::run_id(&id)?;
    let store = face.handle.store();
    let Some(run) = store.run(&id).await? else { return Err(runs::unknown(&id)) };
    let kept = match &run.outcome {
        Outcome::Failed(_) => store.evidence(&id).await?,
        _ => None,
    };
    let (earlier, later, usual) = neighbours(&face, &run).await?;
    let shown = kept.as_ref().map(|kept| &kept.failing.evidence).or(run.evidence.as_ref());
    let (curl, curl_short) = curl(&run, shown);
    let title = format!("{} {}", run.journey, run.outcome.label());
    let data = RunPage {
        shell: Shell::new(&face, &uri, "journeys", &title),
        journey: run.journey.to_string(),
        journey_link: journey_link(
            run.journey.as_str(),
            run.environment.as_str(),
            Some(run.location.as_str()),
        ),
        environment: run.environment.to_string(),
        location: run.location.to_string(),
        badge: Badge::of(run.outcome.label()),
        at: When::second(run.started_at),
        took: maybe_ms(Some(run.duration.as_secs_f64() * 1000.0)),
        usual,
        facts: facts(&run),
        failure: failure(&run),
        broken: match &run.outcome {
            Outcome::Broken { reason } => reason.clone(),
            _ => String::new(),
        },
        ticks: waterfall::ticks(&run),
        rows: waterfall::rows(&run),
        checks: run.steps.iter().filter_map(checks).collect(),
        captures: captures(&run),
        measures: measures(&run),
        pictures: pictures(&run, kept.as_ref()),
        evidence: shown.is_some(),
        alike: kept
            .as_ref()
            .filter(|kept| kept.failing.run != run.id)
            .map(|kept| kept.failing.run.to_string())
            .unwrap_or_default(),
        curl,
        curl_short,
        deployed: run
            .deployed
            .iter()
            .map(|d| (d.service.to_string(), super::words::shortened(&d.version)))
            .collect(),
        trace_id: if run.traced { run.id.trace_id() } else { String::new() },
        trace: face.handle.setup().trace_of(&run).unwrap_or_default(),
        id: run.id.to_string(),
        earlier,
        later,
    };
    page(&face, "run", data).await
}

/// `GET /runs/{id}/evidence`: a page of what is kept of a failed run, that may also be saved and sent on.
pub(in crate::web) async fn evidence(
    State(face): State<Face>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = runs::run_id(&id)?;
    let store = face.handle.store();
    let Some(run) = store.run(&id).await? else { return Err(runs::unknown(&id)) };
    let kept = store.evidence(&id).await?;
    let trace = face.handle.setup().trace_of(&run);
    let run = views::run_with_evidence(&run, kept.as_ref(), trace);
    let made = evidence_page(&face.pages, &run).map_err(|e| {
        tracing::error!(error = %e, "page.failed");
        ApiError::internal("this page could not be made")
    })?;
    let made = made.ok_or_else(|| runs::not_kept(&id))?;
    Ok(([(header::CONTENT_SECURITY_POLICY, made.policy)], Html(made.html)).into_response())
}

/// `GET /runs/{id}/pictures/{which}`: a picture of the evidence, by its place in it from 0.
pub(in crate::web) async fn picture(
    State(face): State<Face>,
    Path((id, which)): Path<(String, usize)>,
) -> Result<Response, ApiError> {
    let id = runs::run_id(&id)?;
    let missing = || {
        ApiError::not_found(
            "there is no such picture",
            "evidence is kept as long as [retention] says",
        )
    };
    let kept = face.handle.store().evidence(&id).await?.ok_or_else(missing)?;
    let page = kept.failing.evidence.page.as_ref().ok_or_else(missing)?;
    let picture = page.pictures.get(which).ok_or_else(missing)?;
    let known = ["image/jpeg", "image/png", "image/webp"];
    let kind = known.into_iter().find(|k| *k == picture.media_type).ok_or_else(missing)?;
    let bytes = STANDARD.decode(&picture.data).map_err(|_| missing())?;
    let keep = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, max-age=3600")];
    Ok((keep, bytes).into_response())
}

/// The runs before and after it, and how long the last dozen before it took.
async fn neighbours(face: &Face, run: &Run) -> Result<(String, String, String), ApiError> {
    let store = face.handle.store();
    let series = run.series();
    let just_after = run.started_at.checked_add(jiff::SignedDuration::from_micros(1));
    let after = (just_after.unwrap_or(run.started_at), jiff::Timestamp::MAX);
    let before = store.points(&series, (jiff::Timestamp::MIN, run.started_at), 12).await?;
    let filter = RunFilter {
        journey: Some(series.journey.clone()),
        environment: Some(series.environment.clone()),
        location: Some(series.location.clone()),
        limit: 1,
        ..RunFilter::default()
    };
    let newest = store.runs(filter).await?;
    let is_newest = newest.first().is_none_or(|newest| newest.id == run.id);
    let next = if is_newest { None } else { store.next_run(&series, after.0).await? };
    let mut times: Vec<f64> = before.iter().filter_map(|p| p.probe.latency_ms).collect();
    times.sort_by(f64::total_cmp);
    let usual = times.get(times.len() / 2).map_or(String::new(), |median| {
        format!("the {} before it: {}", times.len(), maybe_ms(Some(*median)))
    });
    let link =
        |id: Option<crate::model::RunId>| id.map(|id| format!("runs/{id}")).unwrap_or_default();
    Ok((link(before.last().map(|p| p.id)), link(next), usual))
}

fn facts(run: &Run) -> Vec<(String, String)> {
    let trigger = match run.trigger {
        crate::model::Trigger::Schedule => "on schedule",
        crate::model::Trigger::Burst => "while a change is watched",
        crate::model::Trigger::Smoke => "after a change",
        crate::model::Trigger::Manual => "by hand",
    };
    let late = run.late_by.as_secs_f64() * 1000.0;
    let mut facts = vec![("walked".to_owned(), trigger.to_owned())];
    if late >= 50.0 {
        facts.push(("late by".to_owned(), maybe_ms(Some(late))));
    }
    if run.insecure {
        facts.push(("certificates".to_owned(), "not verified".to_owned()));
    }
    let peers: std::collections::BTreeSet<String> = run
        .steps
        .iter()
        .flat_map(|s| &s.hops)
        .filter_map(|hop| hop.peer.map(|peer| peer.to_string()))
        .collect();
    if !peers.is_empty() {
        let some: Vec<String> = peers.into_iter().take(4).collect();
        facts.push(("answered by".to_owned(), some.join(", ")));
    }
    facts
}

fn failure(run: &Run) -> Option<FailureRow> {
    let Outcome::Failed(failure) = &run.outcome else { return None };
    Some(FailureRow {
        step: failure.step.to_string(),
        message: failure.message.clone(),
        check: failure.check.clone().unwrap_or_default(),
        expected: failure.expected.clone().unwrap_or_default(),
        actual: failure.actual.clone().unwrap_or_default(),
    })
}

fn checks(step: &StepRun) -> Option<StepChecks> {
    let check = |a: &crate::model::AssertionResult| Check {
        badge: Badge::of(if a.passed { "passed" } else { "failed" }),
        check: a.check.clone(),
        expected: a.expected.clone().unwrap_or_default(),
        actual: a.actual.clone().unwrap_or_default(),
    };
    let failed = step.assertions.iter().filter(|a| !a.passed).count();
    (!step.assertions.is_empty()).then(|| StepChecks {
        step: step.name.to_string(),
        passed: step.assertions.len() - failed,
        failed,
        checks: step.assertions.iter().map(check).collect(),
    })
}

fn captures(run: &Run) -> Vec<[String; 3]> {
    let of = |step: &StepRun| -> Vec<[String; 3]> {
        let row =
            |(name, value): &(String, String)| [step.name.to_string(), name.clone(), value.clone()];
        step.captures.iter().map(row).collect()
    };
    run.steps.iter().flat_map(of).collect()
}

fn measures(run: &Run) -> Vec<[String; 3]> {
    let of = |step: &StepRun| -> Vec<[String; 3]> {
        let row = |m: &crate::model::Measured| {
            let unit = m.unit.as_deref();
            let value = match m.value {
                Some(value) if unit == Some("ms") => maybe_ms(Some(value)),
                Some(value) => {
                    let unit_text = unit.map_or(String::new(), |unit| format!(" {unit}"));
                    format!("{}{unit_text}", amounts([value], unit).concat())
                }
                None => m.note.clone().unwrap_or_else(|| "none".to_owned()),
            };
            [step.name.to_string(), m.name.to_string(), value]
        };
        step.measures.iter().map(row).collect()
    };
    run.steps.iter().flat_map(of).collect()
}

fn pictures(run: &Run, kept: Option<&KeptEvidence>) -> Vec<(String, String)> {
    let Some(page) = kept.and_then(|kept| kept.failing.evidence.page.as_ref()) else {
        return Vec::new();
    };
    // The last ones are those of the failure.
    let from = page.pictures.len().saturating_sub(2);
    let pictures = page.pictures.iter().enumerate().skip(from);
    pictures
        .map(|(at, picture)| {
            (
                format!("runs/{}/pictures/{at}", run.id),
                format!("{}: step “{}”", picture.name, picture.step),
            )
        })
        .collect()
}

/// The command that repeats the last request; where nothing is kept of it, its line alone.
fn curl(run: &Run, evidence: Option<&Evidence>) -> (String, bool) {
    if let Some(evidence) = evidence.filter(|e| !e.curl.is_empty()) {
        return (evidence.curl.clone(), false);
    }
    let walked = run.steps.iter().rev().filter(|s| s.traffic.is_none());
    let Some(hop) = walked.flat_map(|step| step.hops.last()).next() else {
        return (String::new(), true);
    };
    let url = hop.url.replace('\'', "%27");
    (format!("curl -sS -i -X {} '{url}'", hop.method), true)
}
