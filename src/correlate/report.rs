//! From a standing to a verdict: figures, candidates and notes. Nothing is decided here.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::model::{
    Candidate, ChangeId, Conclusion, Effect, Metric, Onset, Part, Probe, Quantiles, Revision,
    Verdict,
};

use super::{
    figures::{count, latency_effect, median_of, quantiles, success_effect, tally},
    judge::Judge,
    measure::{Axis, Shares, figures as measured},
    parts, sentence,
    series::{foreign, latency_of, seconds},
    watch::{Scene, Track, within},
};

/// Runs before the change that are shown as "before" of a latency.
const SHOWN: usize = 180;

/// Runs before the change that are shown as "before" of success: failures are rare.
const SHOWN_SUCCESS: usize = 2880;

/// Which changes may have done what is seen for one change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Suspects {
    pub(super) candidates: Vec<(ChangeId, f64)>,
    pub(super) named: Option<ChangeId>,
}

impl Suspects {
    /// Whether another is named than `then`, or the odds are others.
    fn moved(&self, then: &Self) -> bool {
        if std::ptr::eq(self, then) {
            return false;
        }
        let odds: BTreeMap<&ChangeId, f64> = then.candidates.iter().map(|(c, p)| (c, *p)).collect();
        let moved = |(id, p): &(ChangeId, f64)| odds.get(id).is_none_or(|q| (p - q).abs() >= 0.1);
        self.named != then.named
            || self.candidates.len() != then.candidates.len()
            || self.candidates.iter().any(moved)
    }
}

/// The figures of one metric before the change and since the shift.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    pub(super) before: Quantiles,
    pub(super) after: Quantiles,
    pub(super) effect: Option<Effect>,
    pub(super) onset: Option<Onset>,
    /// The parts that the time was lost in: for a sentence, and one by one.
    pub(super) place: Option<(String, String)>,
    /// The unit of a measure, and whether its growth is meant.
    pub(super) unit: Option<String>,
    pub(super) growth: bool,
    /// How many of its runs are unusual.
    pub(super) shares: Option<Shares>,
}

/// The verdict as it stands on one metric of the whole, or on the time of a part; then the scene's line is that of the part.
pub(super) fn verdict(
    scene: Scene<'_>,
    track: &Track,
    (part, metric): (&Part, Metric),
    suspects: &Suspects,
) -> Verdict {
    let conclusion = track.conclusion_of(part, metric);
    let judge = track.judge_of(part, metric);
    let axis = track.parts.axis(part).filter(|_| metric == Metric::Measure);
    let subject = (conclusion, metric, axis);
    let mut shown = judge.map(|j| shown(&scene, j, subject)).unwrap_or_default();
    if metric == Metric::Measure {
        shown.unit = scene.line.member.measures.get(part).and_then(|rule| rule.unit.clone());
        shown.growth = axis.is_some_and(Axis::grows);
    }
    let look = judge.and_then(Judge::telling);
    let series = &scene.line.member.series;
    let told = (metric, conclusion);
    let summary = sentence::summary(&scene, track, judge, told, &shown, suspects);
    let lost = shown.place.as_ref().map(|(_, list)| format!("time was added by {list}"));
    let undeclared = (metric == Metric::Measure && conclusion == Conclusion::Suspected)
        .then(|| scene.line.member.measures.get(part).is_none_or(|rule| rule.worse.is_none()))
        .filter(|undeclared| *undeclared)
        .map(|_| "its journey does not say which way is for the worse (`worse`): the shift is told, and stops nothing".to_owned());
    let notes = lost.into_iter().chain(undeclared);
    let notes = notes.chain(notes_of(&scene, track, judge, metric)).collect();
    // What shows after the end of the watch is concluded when it shows.
    let late = || judge.and_then(|j| j.events.last()).map(|e| e.known_at);
    let decided_at = track
        .closed_at
        .map(|closed| late().map_or(closed, |at| closed.max(at)))
        .or_else(|| judge.and_then(|j| j.seen_at))
        .unwrap_or(scene.change.started_at);
    Verdict {
        change: scene.change.id.clone(),
        journey: series.journey.clone(),
        environment: series.environment.clone(),
        location: series.location.clone(),
        metric,
        part: part.clone(),
        conclusion,
        summary: if part.is_whole() { summary } else { format!("{part}: {summary}") },
        log_e: look
            .map(|l| if l.log_e_regressed >= l.regressed_at { l.log_e_regressed } else { l.log_e }),
        suspected_at_log_e: look.map(|l| l.suspected_at),
        regressed_at_log_e: look.map(|l| l.regressed_at),
        before: shown.before,
        after: shown.after,
        effect: shown.effect,
        onset: shown.onset,
        probes: judge.map_or(0, |j| j.seen),
        baseline_probes: shown.before.runs,
        notes,
        candidates: suspects
            .candidates
            .iter()
            .map(|(change, p)| Candidate { change: change.clone(), probability: *p })
            .collect(),
        named: suspects.named.clone(),
        suspected_since: judge.and_then(|j| j.suspected_since),
        regressed_since: judge
            .and_then(|j| j.regressed_since)
            .filter(|_| metric != Metric::Measure || conclusion == Conclusion::Regressed),
        recovered_at: judge.and_then(|j| j.ending.as_ref()).map(|e| e.recovered.at),
        decided_at,
    }
}

/// Runs of the line that the judge took after the change, from `from` until `to`.
fn taken<'a>(
    scene: &'a Scene<'a>,
    revision: Option<&'a Revision>,
    (from, to): (Timestamp, Timestamp),
) -> impl Iterator<Item = &'a Probe> {
    let line = scene.line;
    line.probes[line.from(from.max(scene.change.started_at))..]
        .iter()
        .take_while(move |p| p.at < to)
        .filter(move |p| within(scene, p.at) && !foreign(p, revision))
}

/// Runs before the change that are shown, newest last.
fn compared<'a>(scene: &'a Scene<'a>, judge: &'a Judge, metric: Metric) -> Vec<&'a Probe> {
    let before = &judge.before;
    let most = if metric == Metric::Success { SHOWN_SUCCESS } else { SHOWN };
    let mut probes: Vec<&Probe> = scene
        .line
        .between(before.present)
        .iter()
        .rev()
        .filter(|p| !foreign(p, before.revision.as_ref()))
        .filter(|p| match metric {
            Metric::Latency => latency_of(p).is_some(),
            Metric::Success => p.success.is_some(),
            Metric::Measure => p.latency_ms.is_some(),
        })
        .take(most)
        .collect();
    probes.reverse();
    probes
}

fn shown(
    scene: &Scene<'_>,
    judge: &Judge,
    (conclusion, metric, axis): (Conclusion, Metric, Option<&Axis>),
) -> Shown {
    use Conclusion as C;
    let shifted = matches!(
        conclusion,
        C::Regressed | C::Suspected | C::Transient | C::Improved | C::PreExisting
    );
    let onset = judge.onset_told().filter(|_| shifted).map(|(at, earliest, latest)| Onset {
        at,
        earliest: earliest.min(at),
        latest: latest.max(at),
    });
    let until =
        judge.ending.as_ref().filter(|_| shifted).map_or(Timestamp::MAX, |e| e.recovered.at);
    let from = onset.map_or(scene.change.started_at, |o| o.at);
    let revision = judge.before.revision.as_ref();
    let mut after: Vec<&Probe> = taken(scene, revision, (from, until)).collect();
    if after.is_empty() {
        after = taken(scene, revision, (scene.change.started_at, Timestamp::MAX)).collect();
    }
    let before = compared(scene, judge, metric);
    if metric == Metric::Measure {
        return Shown {
            effect: measured::effect(&before, &after, judge.memory()),
            before: measured::quantiles(&before),
            after: measured::quantiles(&after),
            shares: axis.and_then(|axis| axis.shares(&before, &after)),
            onset,
            ..Shown::default()
        };
    }
    let effect = match judge.metric {
        Metric::Latency | Metric::Measure => {
            let times = |probes: &[&Probe]| -> Vec<f64> {
                probes.iter().filter_map(|p| latency_of(p)).collect()
            };
            latency_effect(&times(&before), &times(&after), judge.memory())
        }
        Metric::Success => {
            success_effect(tally(before.iter().copied()), tally(after.iter().copied()))
        }
    };
    let harmed = matches!(conclusion, C::Regressed | C::Suspected | C::Transient);
    let place = (harmed && judge.metric == Metric::Latency)
        .then(|| parts::place(&before, &after))
        .flatten();
    Shown {
        before: quantiles(before.into_iter()),
        after: quantiles(after.into_iter()),
        effect,
        onset,
        place,
        ..Shown::default()
    }
}

fn notes_of(
    scene: &Scene<'_>,
    track: &Track,
    judge: Option<&Judge>,
    metric: Metric,
) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(judge) = judge else { return notes };
    let before = &judge.before;
    if let Some(health) = track.prober().filter(|h| h.broken > 0) {
        notes.push(format!(
            "left out: {} that broke or that our self-check explains, our own trouble",
            runs(health.broken as usize, "run")
        ));
    }
    if let Some(reason) = track.sick() {
        notes.push(format!("our prober is in doubt: {reason}"));
    }
    if track.shared != 0.0 && metric == Metric::Latency {
        let percent = 100.0 * track.shared.exp_m1();
        notes.push(format!(
            "taken out: what {} in other environments shared at the time (up to {percent:+.0}%)",
            runs(scene.controls.keys().count(), "control")
        ));
    }
    if track.excused > 0 && metric == Metric::Success {
        let n = runs(track.excused as usize, "failure");
        notes.push(format!(
            "left out: {n}, while the controls in other environments failed as well"
        ));
    }
    if track.foreign > 0 {
        let n = runs(track.foreign as usize, "run");
        notes.push(format!(
            "the journey was edited within the watch: {n} of another revision left out"
        ));
    }
    if before.foreign > 0 {
        let n = runs(before.foreign, "run");
        notes.push(format!("left out of the baseline: {n} of other revisions of the journey"));
    }
    if let Some(at) = before.rebased_at {
        let n = before.level;
        notes.push(format!(
            "compared with the level since the shift of {at}, {} of it",
            runs(n, "run")
        ));
    }
    if let Some(from) = before.clouded_from {
        let whose = before.clouded_by.as_ref().map_or(String::new(), |c| format!(" by {c}"));
        notes.push(format!("left out of the baseline: runs from {from} on, in which a shift{whose} is not yet decided"));
    }
    let newest = scene.line.probes.last().map_or(scene.change.started_at, |p| p.at);
    notes.extend(judge.aftermath(newest));
    if metric == Metric::Latency && judge.improved_since.is_some() && failing(track) {
        notes.push("faster only beside failing runs: not counted as better".to_owned());
    }
    let touched = scene.change.services.is_empty()
        || scene.line.member.services.iter().any(|s| scene.change.services.contains(s));
    if !touched {
        notes.push("the journey touches no service of the change by itself".to_owned());
    }
    notes.extend(cadence(scene, judge, metric));
    notes
}

fn failing(track: &Track) -> bool {
    track.judge(Metric::Success).is_some_and(Judge::in_trouble)
}

/// Says when the runs after the change are denser or sparser than those before it, and what was done about it.
fn cadence(scene: &Scene<'_>, judge: &Judge, metric: Metric) -> Option<String> {
    let usual = |at: Vec<f64>| median_of(at.windows(2).map(|w| w[1] - w[0]).collect());
    let recent = compared(scene, judge, metric);
    let from = recent.len().saturating_sub(SHOWN);
    let before = usual(recent[from..].iter().map(|p| seconds(p.at)).collect())?;
    let span = (scene.change.started_at, Timestamp::MAX);
    let revision = judge.before.revision.as_ref();
    let after: Vec<f64> = taken(scene, revision, span).map(|p| seconds(p.at)).collect();
    let few = count(after.len()) < 4.0;
    let after = usual(after)?;
    let ratio = after / before.max(1e-3);
    (!few && !(0.67..=1.5).contains(&ratio)).then(|| {
        format!(
            "probed every {} before and every {} after the change: runs closer together count for less, and a cold start is \
             allowed the same time, not the same number of runs",
            sentence::span(before),
            sentence::span(after)
        )
    })
}

/// "1 run", "2 runs".
fn runs(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// What was told of a verdict, as far as it takes to see whether there is something new.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) conclusion: Conclusion,
    suspects: Arc<Suspects>,
    pub(super) regressed_since: Option<Timestamp>,
    log_e: f64,
    seen: u32,
    excused: u32,
}

impl Told {
    /// What would be told now.
    pub(super) fn now(track: &Track, part: &Part, metric: Metric, suspects: Arc<Suspects>) -> Self {
        let judge = track.judge_of(part, metric);
        Self {
            conclusion: track.conclusion_of(part, metric),
            suspects,
            regressed_since: judge.and_then(|j| j.regressed_since),
            log_e: judge.and_then(Judge::telling).map_or(0.0, |l| l.log_e),
            seen: judge.map_or(0, |j| j.seen),
            excused: track.excused,
        }
    }

    /// Whether this is worth storing after `old`: another conclusion or name, evidence that moved by a factor of e, other odds, or
    /// ten more runs or failures that are nobody's.
    pub(super) fn is_news(&self, old: Option<&Self>) -> bool {
        old.is_none_or(|old| {
            old.conclusion != self.conclusion
                || old.regressed_since != self.regressed_since
                || (old.log_e - self.log_e).abs() >= 1.0
                || self.seen.abs_diff(old.seen) >= 10
                || self.excused.abs_diff(old.excused) >= 10
                || (self.excused > 0) != (old.excused > 0)
                || self.suspects.moved(&old.suspects)
        })
    }
}
