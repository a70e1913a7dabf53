//! A harmed journey in detail: its runs around the change, the last good one and the first bad one.

use jiff::{SignedDuration, Timestamp};

use super::Desk;
use crate::{
    model::{
        Change, Conclusion, Evidence, Exchange, KeptEvidence, Metric, Outcome, Part, Run, RunId,
        SeriesKey, StepOutcome, StepRun,
    },
    render::{
        review::{Case, Flag, Judgement, Moment, Stretch, Walk, WalkStep},
        words::what,
    },
    store::{ChangeFilter, Point, StoreError},
};

/// Stretches of the chart.
const STRETCHES: f64 = 72.0;
/// Most runs that are read for it.
const RUNS: usize = 4000;
/// Most failures that are marked one by one.
const FAILURES: usize = 120;
/// Most changes on it.
const FLAGS: usize = 60;
/// Longest text of an exchange, in bytes.
const TEXT: usize = 4 << 10;
/// Largest picture, in characters of base64.
const PICTURE: usize = 120 << 10;
/// Lengths of a stretch, in seconds.
const STEPS: &[i64] = &[1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600];

/// The case; none where no run of it is kept.
pub(super) async fn case(
    desk: &Desk<'_>,
    change: &Change,
    of: usize,
    judgement: &Judgement,
) -> Result<Option<Case>, StoreError> {
    let series = SeriesKey {
        journey: judgement.journey.as_str().into(),
        environment: judgement.environment.as_str().into(),
        location: judgement.location.as_str().into(),
    };
    let first = desk.store.first_run(&series).await?;
    let (from, to) = span(change, judgement, first, desk.now);
    let points = desk.store.points(&series, (from, to), RUNS).await?;
    if points.is_empty() {
        return Ok(None);
    }
    let step = step((from, to));
    let failed = points.iter().rev().filter(|p| p.probe.success == Some(false)).take(FAILURES);
    let failures = failed.map(|p| Moment {
        at: p.probe.at,
        run: p.id.to_string(),
        step: p.probe.signature.as_ref().map(|s| s.step.to_string()),
    });
    let (good, bad) = both(&points, change, judgement);
    let walk = async |id: Option<RunId>| match id {
        Some(id) => desk.store.run(&id).await,
        None => Ok(None),
    };
    let (good, bad) = (walk(good).await?, walk(bad).await?);
    let kept = match &bad {
        Some(run) => desk.store.evidence(&run.id).await?,
        None => None,
    };
    let mut case = Case {
        of,
        from,
        to,
        #[expect(clippy::cast_precision_loss, reason = "at most an hour")]
        step_s: step as f64,
        stretches: stretches(&points, step),
        failures: failures.collect(),
        changes: flags(desk, change, &series, (from, to)).await?,
        good: good.as_ref().map(walked),
        bad: bad.as_ref().map(walked),
        step: None,
        phase: None,
        bad_exchange: None,
        good_exchange: None,
        picture: None,
    };
    (case.step, case.phase) = moved(judgement, bad.as_ref(), &case);
    if let Some(kept) = kept {
        evidence(desk, &mut case, &series, kept);
    }
    Ok(Some(case))
}

/// The span around change and onset: as much before as after, from half an hour to two hours of each.
fn span(
    change: &Change,
    judgement: &Judgement,
    first: Option<Timestamp>,
    now: Timestamp,
) -> (Timestamp, Timestamp) {
    let onset = judgement.onset.map_or(change.started_at, |onset| onset.at);
    let (early, late) = (change.started_at.min(onset), change.settled_at().max(onset));
    let half = now.duration_since(late).as_secs().clamp(1800, 7200);
    let half = SignedDuration::from_secs(half);
    let from = early.checked_sub(half).unwrap_or(early);
    let from = first.filter(|first| *first > from && *first < early).unwrap_or(from);
    let to = late.checked_add(half).unwrap_or(late).min(now);
    let to =
        if to > from { to } else { from.checked_add(SignedDuration::from_mins(1)).unwrap_or(from) };
    (from, to)
}

fn step((from, to): (Timestamp, Timestamp)) -> i64 {
    let wanted = to.duration_since(from).as_secs_f64() / STRETCHES;
    #[expect(clippy::cast_precision_loss, reason = "at most an hour")]
    let found = STEPS.iter().copied().find(|step| *step as f64 >= wanted);
    found.unwrap_or(3600)
}

fn stretches(points: &[Point], step: i64) -> Vec<Stretch> {
    let mut found: Vec<(Stretch, Vec<f64>)> = Vec::new();
    for point in points {
        let second = point.probe.at.as_second();
        let Ok(at) = Timestamp::from_second(second - second.rem_euclid(step)) else { continue };
        if found.last().is_none_or(|(last, _)| last.at != at) {
            found.push((Stretch { at, ms: None, passed: 0, failed: 0 }, Vec::new()));
        }
        let Some((stretch, times)) = found.last_mut() else { continue };
        match point.probe.success {
            Some(true) => stretch.passed += 1,
            Some(false) => stretch.failed += 1,
            None => {}
        }
        times.extend(point.probe.latency_ms.filter(|ms| ms.is_finite()));
    }
    let done = |(stretch, mut times): (Stretch, Vec<f64>)| {
        times.sort_by(f64::total_cmp);
        Stretch { ms: quantiles(&times), ..stretch }
    };
    found.into_iter().map(done).collect()
}

/// Of sorted values the 5th, 50th and 95th percentile, by the nearest rank.
fn quantiles(sorted: &[f64]) -> Option<[f64; 3]> {
    let at = |per_cent: usize| sorted.get((sorted.len().saturating_sub(1) * per_cent + 50) / 100);
    Some([*at(5)?, *at(50)?, *at(95)?])
}

/// The last good run before, and the first bad one.
fn both(
    points: &[Point],
    change: &Change,
    judgement: &Judgement,
) -> (Option<RunId>, Option<RunId>) {
    let (start, earliest) = judgement
        .onset
        .map_or((change.started_at, change.started_at), |o| (o.at, o.earliest.min(o.at)));
    let middle = match (judgement.before.p50_ms, judgement.after.p50_ms) {
        (Some(before), Some(after)) => f64::midpoint(before, after),
        _ => f64::INFINITY,
    };
    let slow = |p: &&Point| p.probe.latency_ms.is_some_and(|ms| ms >= middle);
    let quick = |p: &&Point| p.probe.latency_ms.is_some_and(|ms| ms <= middle);
    let (bad, good) = match judgement.metric {
        Metric::Success => {
            let failed = |p: &&Point| p.probe.success == Some(false);
            let since = earliest.max(change.started_at.min(start));
            let bad = points.iter().filter(failed).find(|p| p.probe.at >= since);
            let bad = bad.or_else(|| points.iter().rev().find(failed));
            let until = bad.map_or(start, |p| p.probe.at);
            let passed = |p: &&Point| p.probe.success == Some(true) && p.probe.at < until;
            (bad, points.iter().rev().find(passed))
        }
        Metric::Latency => {
            let bad = points.iter().filter(slow).find(|p| p.probe.at >= start);
            let good = points.iter().rev().filter(quick).find(|p| p.probe.at < earliest);
            (bad, good)
        }
        Metric::Measure => {
            let passed = |p: &&Point| p.probe.success == Some(true);
            let bad = points.iter().filter(passed).find(|p| p.probe.at >= start);
            let good = points.iter().rev().filter(passed).find(|p| p.probe.at < earliest);
            (bad, good)
        }
    };
    (good.map(|p| p.id), bad.map(|p| p.id))
}

fn walked(run: &Run) -> Walk {
    let message = match &run.outcome {
        Outcome::Failed(failure) => {
            let mut message = format!("step “{}”: {}", failure.step, failure.message);
            if let (Some(expected), Some(actual)) = (&failure.expected, &failure.actual) {
                message += &format!("; expected {expected}, was {actual}");
            }
            Some(shortened(&message))
        }
        Outcome::Broken { reason } => Some(shortened(reason)),
        Outcome::Passed => None,
    };
    Walk {
        run: run.id.to_string(),
        at: run.started_at,
        ms: ms(run.duration),
        result: run.outcome.label().to_owned(),
        message,
        steps: run.steps.iter().take(80).map(walk_step).collect(),
    }
}

fn walk_step(step: &StepRun) -> WalkStep {
    let outcome = match step.outcome {
        StepOutcome::Passed => "passed",
        StepOutcome::Failed => "failed",
        StepOutcome::Broken => "broken",
        StepOutcome::Skipped => "skipped",
    };
    let mut phases = crate::model::Phases::default();
    step.hops.iter().for_each(|hop| phases.add(&hop.phases));
    let named = phases.named().into_iter().filter(|(_, took)| !took.is_zero());
    let round = step.iteration.map_or(String::new(), |round| format!(" ({round})"));
    // A browser's step is told by its pages, whose requests overlap: their phases add up to more than it took.
    let told = phases.total() <= step.duration.saturating_mul(2) && step.traffic.is_none();
    WalkStep {
        name: format!("{}{round}", step.name),
        outcome: outcome.to_owned(),
        ms: ms(step.duration),
        phases: if told {
            named.map(|(name, took)| (name.to_owned(), ms(took))).collect()
        } else {
            Vec::new()
        },
    }
}

/// The step and the phase of it that moved most: as the verdicts on parts say, or as the two runs differ, or where it failed.
fn moved(
    judgement: &Judgement,
    bad: Option<&Run>,
    case: &Case,
) -> (Option<String>, Option<String>) {
    if let Some(Outcome::Failed(failure)) = bad.map(|run| &run.outcome) {
        return (Some(failure.step.to_string()), None);
    }
    let harmed = |j: &&Judgement| {
        matches!(j.verdict, Conclusion::Regressed | Conclusion::Suspected | Conclusion::Transient)
    };
    let parts: Vec<&Judgement> = judgement.parts.iter().filter(harmed).collect();
    if let Some(step) = parts.iter().find_map(|j| j.part.step()).or(judgement.part.step()) {
        let phase = parts.iter().find_map(|j| match &j.part {
            Part::Phase(of, phase) if of == step => Some(phase.to_string()),
            _ => None,
        });
        return (Some(step.to_string()), phase);
    }
    let (Some(good), Some(bad)) = (&case.good, &case.bad) else { return (None, None) };
    let longer = bad.steps.iter().filter_map(|step| {
        let was = good.steps.iter().find(|s| s.name == step.name)?;
        Some((step, was, step.ms - was.ms))
    });
    let most = longer.max_by(|a, b| a.2.total_cmp(&b.2));
    let Some((step, was, _)) = most.filter(|(_, _, more)| *more > 0.0) else { return (None, None) };
    let phase = step
        .phases
        .iter()
        .map(|(name, ms)| {
            let before = was.phases.iter().find(|(n, _)| n == name).map_or(0.0, |(_, ms)| *ms);
            (name, ms - before)
        })
        .max_by(|a, b| a.1.total_cmp(&b.1));
    (Some(step.name.clone()), phase.filter(|(_, more)| *more > 0.0).map(|(name, _)| name.clone()))
}

/// What the bad run's failing step sent and got last, and the same of a good one.
fn evidence(desk: &Desk<'_>, case: &mut Case, series: &SeriesKey, kept: KeptEvidence) {
    let failing = kept.failing.evidence;
    let good = kept.last_good.or_else(|| desk.good.last(series)).map(|witness| witness.evidence);
    let Some(last) = failing.exchanges.last() else { return };
    let step = last.step.clone();
    let same = |e: &&Exchange| e.step == step && e.request_line == last.request_line;
    let of_step = |evidence: &Evidence| {
        let all = &evidence.exchanges;
        all.iter().rev().find(same).or_else(|| all.iter().rev().find(|e| e.step == step)).cloned()
    };
    case.good_exchange = good.as_ref().and_then(of_step).map(cut);
    case.bad_exchange = Some(cut(last.clone()));
    let pictures = failing.page.map(|page| page.pictures).unwrap_or_default();
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
    let picture = pictures.into_iter().rev().find(|p| p.data.len() <= PICTURE && plain(&p.data));
    case.picture = picture
        .filter(|p| ["image/jpeg", "image/png", "image/webp"].contains(&p.media_type.as_str()))
        .map(|p| format!("data:{};base64,{}", p.media_type, p.data));
}

fn cut(mut exchange: Exchange) -> Exchange {
    for body in [&mut exchange.request_body, &mut exchange.response_body].into_iter().flatten() {
        if body.len() > TEXT {
            body.truncate(body.floor_char_boundary(TEXT));
            exchange.truncated = true;
        }
    }
    let headers = [&mut exchange.request_headers, &mut exchange.response_headers];
    for (_, value) in headers.into_iter().flat_map(|all| {
        all.truncate(40);
        all.iter_mut()
    }) {
        value.truncate(value.floor_char_boundary(400));
    }
    exchange.request_line = shortened(&exchange.request_line);
    exchange
}

/// The changes of the span, in the environment of the series.
async fn flags(
    desk: &Desk<'_>,
    own: &Change,
    series: &SeriesKey,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Flag>, StoreError> {
    let filter = ChangeFilter {
        environment: Some(series.environment.clone()),
        since: Some(from),
        until: to.checked_add(SignedDuration::from_secs(1)).ok(),
        limit: FLAGS,
        ..ChangeFilter::default()
    };
    let changes = desk.store.changes(filter).await?;
    let ids = changes.iter().map(|change| change.id.clone()).collect();
    let standings = desk.store.standings(ids).await?;
    let flag = |(change, standing): (&Change, crate::store::Standing)| Flag {
        at: change.started_at,
        what: format!("{} of {}", change.kind, what(change)),
        verdict: standing.worst,
        own: change.id == own.id,
        change: change.id.clone(),
    };
    Ok(changes.iter().zip(standings).map(flag).collect())
}

fn shortened(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(1000)];
    if cut.len() < text.len() { format!("{cut}…") } else { cut.to_owned() }
}

fn ms(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
