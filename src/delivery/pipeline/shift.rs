//! Whether a pipeline is what it was: its figures through the very detectors that watch journeys.
//!
//! Runs come in bursts and not at all at night, so a run is a step of time: the n-th one stands at minute n, and what the detectors know of a journey walked once
//! a minute holds of it. Of irregular times nothing is left that could be taken for a season. Where too few runs were told nothing is said: the
//! detectors need some 30 runs to know what is usual, and some 15 to be sure of a shift.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Line, PipelineRun, Proof, Strand,
    locate::{median, splits},
    proofs, strands,
};
use crate::{
    correlate::{Alarm, Member, Recovery, Sentinel},
    model::{Detect, Effect, Metric, Parts, PipelineConcern, PipelineSignal, Probe, SeriesKey},
};

/// The distance of two runs, as the detectors see them.
const STEP: Duration = Duration::from_secs(60);
/// Fewest runs that say what was usual: a pipeline whose third run fails has not become worse.
const USUAL: usize = 10;
/// Fewest runs by which a stage is watched.
const OWN: usize = 30;
/// Most stages that are watched.
const STAGES: usize = 20;
/// Shifts of less than this, in seconds, are nobody's business: of durations, and of waits.
const MATTERS: (f64, f64) = (5.0, 20.0);
/// Added to waits, of which many are none: shifts are seen in logarithms.
const WAIT: f64 = 10.0;
/// Newest results of tests that are looked at.
const PROOFS: usize = 2000;

/// A shift of a pipeline for the worse.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// What of which pipeline.
    pub concern: PipelineConcern,
    /// When the first run of the new level began.
    pub onset_at: Timestamp,
    /// When the last one before it did.
    pub before_at: Timestamp,
    /// When the run was over by which it was sure.
    pub seen_at: Timestamp,
    /// When the first run began that was as before again; none while it goes on.
    pub over_at: Option<Timestamp>,
    /// Median of the runs before, in seconds; of shares the share that was good.
    pub before: f64,
    /// The same since.
    pub after: f64,
    /// By how much, as a ratio (durations) or a difference (shares), with its interval.
    pub effect: Option<(f64, f64, f64)>,
    /// Runs since the onset.
    pub runs: usize,
    /// Whether enough runs before it say what was usual.
    pub usual: bool,
    /// The commits of the runs with which it may have begun, the likeliest first.
    pub suspects: Vec<Suspect>,
    /// Whether the first run of the new level had a commit that the one before had not.
    pub new_commit: bool,
    /// The stage that grew most, with its medians before and after in seconds.
    pub mostly: Option<(String, f64, f64)>,
    /// Whether it is told with another one: the same on another branch, or the whole of which it is a stage.
    pub aside: bool,
}

/// A commit with which a shift may have begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suspect {
    /// Its hash.
    pub commit: String,
    /// Its first line.
    pub message: Option<String>,
    /// By whom.
    pub author: Option<String>,
}

/// A value of a run, or of a test.
#[derive(Debug, Clone)]
struct Reading<'a> {
    at: Timestamp,
    over_at: Timestamp,
    /// Seconds; of a share none.
    value: Option<f64>,
    good: bool,
    run: Option<&'a PipelineRun>,
}

/// All shifts of a pipeline for the worse, those that are over as well.
pub fn shifts(line: &Line, detect: Detect) -> Vec<Shift> {
    let mut found = Vec::new();
    for strand in strands(line) {
        let whole = readings(&strand, |run| run.took_s.filter(|_| run.good() == Some(true)));
        let mut slower = times(line, &strand, PipelineSignal::Duration, &whole, detect);
        slower.iter_mut().for_each(|shift| shift.mostly = mostly(&strand, shift));
        found.extend(slower);
        found.extend(stages(line, &strand, detect));
        let waits = readings(&strand, |run| run.waited_s.map(|s| s + WAIT));
        found.extend(times(line, &strand, PipelineSignal::Queue, &waits, detect));
        let ends: Vec<Reading<'_>> =
            strand.runs.iter().filter_map(|run| reading(run, None, run.good()?)).collect();
        found.extend(shares(line, Some(&strand), PipelineSignal::Success, &ends, detect));
    }
    // The first strand is that of the main branch, and a whole comes before its stages: what follows is the same trouble.
    for at in 1..found.len() {
        let (before, rest) = found.split_at_mut(at);
        rest[0].aside =
            before.iter().any(|first| !first.aside && first.usual && same(first, &rest[0]));
    }
    let (all, _) = proofs(&line.results);
    let told: Vec<Reading<'_>> =
        all[all.len().saturating_sub(PROOFS)..].iter().map(of_proof).collect();
    found.extend(shares(line, None, PipelineSignal::Flaky, &told, detect));
    found
}

/// Whether two shifts are one trouble: of the same sort, and at about the same time.
fn same(first: &Shift, other: &Shift) -> bool {
    let sort = |shift: &Shift| match shift.concern.signal {
        PipelineSignal::Duration | PipelineSignal::Stage(_) => 0,
        PipelineSignal::Success => 1,
        PipelineSignal::Queue => 2,
        PipelineSignal::Flaky => 3,
    };
    let stages = (&first.concern.signal, &other.concern.signal);
    let two_stages =
        matches!(stages, (PipelineSignal::Stage(a), PipelineSignal::Stage(b)) if a != b);
    let near = |a: &Shift, b: &Shift| a.onset_at >= b.before_at && a.onset_at <= b.seen_at;
    sort(first) == sort(other) && !two_stages && (near(first, other) || near(other, first))
}

fn reading(run: &PipelineRun, value: Option<f64>, good: bool) -> Option<Reading<'_>> {
    Some(Reading { at: run.at, over_at: run.finished_at?, value, good, run: Some(run) })
}

fn of_proof(proof: &Proof<'_>) -> Reading<'static> {
    Reading { at: proof.at, over_at: proof.at, value: None, good: !proof.flaky, run: None }
}

fn readings<'a>(strand: &Strand<'a>, of: impl Fn(&PipelineRun) -> Option<f64>) -> Vec<Reading<'a>> {
    strand.runs.iter().filter_map(|run| reading(run, Some(of(run)?), true)).collect()
}

fn concern(line: &Line, strand: Option<&Strand<'_>>, signal: PipelineSignal) -> PipelineConcern {
    PipelineConcern {
        pipeline: line.key.clone(),
        service: line.service.clone(),
        signal,
        branch: strand.and_then(|s| s.branch.clone()),
        trigger: strand.and_then(|s| s.trigger.clone()),
        objective: false,
    }
}

/// Shifts of every stage with runs enough.
fn stages(line: &Line, strand: &Strand<'_>, detect: Detect) -> Vec<Shift> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for stage in strand.runs.iter().flat_map(|run| &run.stages) {
        *seen.entry(&stage.name).or_insert(0) += 1;
    }
    let names = seen.into_iter().filter(|(_, n)| *n >= OWN).map(|(name, _)| name).take(STAGES);
    let of = |name: &str| {
        let took = |run: &PipelineRun| {
            let stage = run.stages.iter().find(|s| s.name == name)?;
            stage.took_s.filter(|_| stage.good == Some(true))
        };
        let values = readings(strand, took);
        times(line, strand, PipelineSignal::Stage(name.to_owned()), &values, detect)
    };
    names.flat_map(of).collect()
}

/// The stage that grew most since a shift.
fn mostly(strand: &Strand<'_>, shift: &Shift) -> Option<(String, f64, f64)> {
    let mut sides: BTreeMap<&str, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for run in strand.runs.iter().filter(|r| r.at <= shift.seen_at) {
        for stage in run.stages.iter().filter(|s| s.good == Some(true)) {
            let (before, after) = sides.entry(&stage.name).or_default();
            let side = if run.at < shift.onset_at { before } else { after };
            side.extend(stage.took_s);
        }
    }
    sides
        .into_iter()
        .filter_map(|(name, (before, after))| {
            Some((name.to_owned(), median(&before)?, median(&after)?))
        })
        .filter(|(_, before, after)| after - before > 0.3 * (shift.after - shift.before))
        .max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)))
}

/// Shifts of times.
fn times(
    line: &Line,
    strand: &Strand<'_>,
    signal: PipelineSignal,
    readings: &[Reading<'_>],
    detect: Detect,
) -> Vec<Shift> {
    let values: Vec<f64> = readings.iter().filter_map(|r| r.value).collect();
    let matters = if signal == PipelineSignal::Queue { MATTERS.1 } else { MATTERS.0 };
    let plain = if signal == PipelineSignal::Queue { WAIT } else { 0.0 };
    let mut found = Vec::new();
    for spell in spells(Metric::Latency, readings, detect) {
        let likely = splits(&values[..=spell.seen], spell.onset);
        let onset = likely.first().copied().unwrap_or(spell.onset).clamp(1, spell.seen);
        let end = spell.over.unwrap_or(readings.len());
        let sides = (
            median(&values[onset.saturating_sub(100)..onset]),
            median(&values[onset..end.max(onset + 1)]),
        );
        let (Some(before), Some(after)) = sides else { continue };
        if onset < USUAL
            || after - before < matters
            || after < before * (1.0 + detect.latency_relative)
        {
            continue;
        }
        let mut shift = told(concern(line, Some(strand), signal.clone()), readings, &spell, onset);
        (shift.before, shift.after) = (before - plain, after - plain);
        (shift.suspects, shift.new_commit) = suspects(strand, readings, &likely);
        found.push(shift);
    }
    found
}

/// Shifts of the share that is good.
fn shares(
    line: &Line,
    strand: Option<&Strand<'_>>,
    signal: PipelineSignal,
    readings: &[Reading<'_>],
    detect: Detect,
) -> Vec<Shift> {
    let mut found = Vec::new();
    for spell in spells(Metric::Success, readings, detect) {
        let onset = spell.onset.clamp(1, spell.seen);
        let end = spell.over.unwrap_or(readings.len()).max(onset + 1);
        let share = |of: &[Reading<'_>]| {
            let good = of.iter().filter(|r| r.good).count();
            crate::delivery::sample::count(good) / crate::delivery::sample::count(of.len().max(1))
        };
        let mut shift = told(concern(line, strand, signal.clone()), readings, &spell, onset);
        shift.before = share(&readings[onset.saturating_sub(200)..onset]);
        shift.after = share(&readings[onset..end]);
        if let Some(strand) = strand {
            (shift.suspects, shift.new_commit) = suspects(strand, readings, &[onset]);
        }
        found.push(shift);
    }
    found
}

fn told(concern: PipelineConcern, readings: &[Reading<'_>], spell: &Spell, onset: usize) -> Shift {
    let end = spell.over.unwrap_or(readings.len());
    Shift {
        concern,
        onset_at: readings[onset].at,
        before_at: readings[onset.saturating_sub(1)].at,
        seen_at: readings[spell.seen].over_at,
        over_at: spell.over.map(|i| readings[i].at),
        before: 0.0,
        after: 0.0,
        effect: spell.effect.map(|e| (e.estimate, e.low, e.high)),
        runs: end.saturating_sub(onset),
        usual: onset >= USUAL,
        suspects: Vec::new(),
        new_commit: false,
        mostly: None,
        aside: false,
    }
}

/// The commits with which it may have begun, those of the likeliest split first, and whether one of them was new then. A run that failed has no
/// time, but its commit may well be the one: all that came after the last run of the old level are named.
fn suspects(
    strand: &Strand<'_>,
    readings: &[Reading<'_>],
    likely: &[usize],
) -> (Vec<Suspect>, bool) {
    let mut suspects: Vec<Suspect> = Vec::new();
    let mut new = false;
    for (rank, &i) in likely.iter().enumerate() {
        let (Some(first), Some(last)) =
            (readings.get(i), i.checked_sub(1).and_then(|i| readings.get(i)))
        else {
            continue;
        };
        let old = last.run.and_then(|run| run.commit.as_ref());
        let between = strand.runs.iter().filter(|run| run.at > last.at && run.at <= first.at);
        for run in between.filter(|run| run.commit.as_ref() != old) {
            let Some(id) = run.commit.clone() else { continue };
            new |= rank == 0;
            if !suspects.iter().any(|known| known.commit == id) {
                let (message, author) = (run.message.clone(), run.author.clone());
                suspects.push(Suspect { commit: id, message, author });
            }
        }
    }
    suspects.truncate(4);
    (suspects, new)
}

/// A stretch of readings that is worse than usual: by index.
struct Spell {
    onset: usize,
    seen: usize,
    over: Option<usize>,
    effect: Option<Effect>,
}

/// Folds readings through a sentinel, and each alarm through the test for its end.
fn spells(metric: Metric, readings: &[Reading<'_>], detect: Detect) -> Vec<Spell> {
    let member = Member {
        series: SeriesKey {
            journey: "pipeline".into(),
            environment: "pipelines".into(),
            location: "here".into(),
        },
        services: Vec::new(),
        steps: BTreeMap::new(),
        interval: STEP,
        revision: None,
        measures: BTreeMap::new(),
    };
    let mut sentinel = Sentinel::new(member, &[], detect);
    let mut probes: Vec<Probe> = Vec::with_capacity(readings.len());
    let mut spells: Vec<Spell> = Vec::new();
    let mut open: Option<Recovery> = None;
    for (i, reading) in readings.iter().enumerate() {
        let probe = probe(i, reading);
        probes.push(probe.clone());
        if let Some(end) = &mut open
            && let Some(recovered) = end.push(&probe)
        {
            if let Some(spell) = spells.last_mut() {
                spell.over = Some(place(recovered.at).clamp(spell.onset + 1, i));
            }
            open = None;
            sentinel.rebase(recovered.at);
        }
        let alarm = sentinel.push(&probe).filter(|alarm| alarm.metric == metric);
        if let (Some(alarm), true) = (alarm, open.is_none()) {
            let onset = place(alarm.onset.at).min(i);
            let (before, since) = probes.split_at(onset);
            open = Some(Recovery::new(metric, before, since, STEP, detect));
            let Alarm { effect, .. } = alarm;
            spells.push(Spell { onset, seen: i, over: None, effect });
        }
    }
    spells
}

/// A reading as the detectors take it, at the minute of its number.
fn probe(number: usize, reading: &Reading<'_>) -> Probe {
    let second = i64::try_from(number).unwrap_or(i64::MAX / 61).saturating_mul(60);
    Probe {
        at: Timestamp::from_second(second).unwrap_or(Timestamp::MAX),
        latency_ms: reading.value.map(|s| s.max(0.05) * 1000.0),
        success: Some(reading.good),
        late_ms: 0.0,
        signature: None,
        revision: None,
        parts: Parts::default(),
    }
}

/// The number of the reading at a minute.
fn place(at: Timestamp) -> usize {
    usize::try_from(at.as_second() / 60).unwrap_or(0)
}
