//! What a change is compared with: the runs before it, made to stand on one level.
//!
//! A shift that is already known (an earlier change's, a recovery, unexplained trouble) is no noise and no news. The level is
//! that of the runs after the last known shift; older runs still teach how noisy the journey is, how it wanders and what its
//! days look like, so each stretch between two shifts is moved by its own median onto the present level. Where an earlier change
//! is only suspected, its runs are left out: they are neither the old level nor surely a new one.

use jiff::Timestamp;

use crate::model::{ChangeId, Metric, Probe, Revision};

use super::{
    Point,
    figures::median_of,
    reach::Span,
    series::{KnownShift, Line, foreign, point},
};

/// Fewest runs after a known shift that say where the level is now: older runs still teach the noise of times, but nothing of a
/// failure rate.
fn level_needs(metric: Metric) -> usize {
    match metric {
        Metric::Latency | Metric::Measure => 3,
        Metric::Success => super::judge::BEFORE_NEEDS,
    }
}

/// Something an earlier change did to a series, as far as was known at a moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trouble {
    pub(super) change: ChangeId,
    pub(super) metric: Metric,
    /// When it was known.
    pub(super) known_at: Timestamp,
    /// When it began.
    pub(super) onset: Timestamp,
    /// Not later than this: a change that started before may have done it as well, and must not take it for granted.
    pub(super) latest: Timestamp,
    pub(super) kind: TroubleKind,
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TroubleKind {
    /// Suspected only.
    Suspected,
    /// The level moved beyond doubt, for the worse, for the better, or back.
    Moved,
}

/// The runs that a change is compared with.
#[derive(Debug, Clone, Default)]
pub(super) struct Before {
    /// The runs, in order of time, on one level.
    pub(super) points: Vec<Point>,
    /// How many of the last of them show the present level; all of them when no shift is known.
    pub(super) level: usize,
    /// The revision they were walked as.
    pub(super) revision: Option<Revision>,
    /// The runs of the line that stand on the present level by themselves: from then, and before then.
    pub(super) present: (Timestamp, Timestamp),
    /// Runs of other revisions, left out.
    pub(super) foreign: usize,
    /// The last known shift, where there was one.
    pub(super) rebased_at: Option<Timestamp>,
    /// The change whose runs were left out because it is suspected.
    pub(super) clouded_by: Option<ChangeId>,
    /// Where the runs left out for that begin.
    pub(super) clouded_from: Option<Timestamp>,
    /// Whether only harm is looked for.
    pub(super) only_worse: bool,
}

/// The runs of `line` within these spans and before `at`, for a change that started then. `troubles` are those of earlier changes, begun
/// before `at`. What else the line holds, for another change or because it was not forgotten yet, must not matter.
pub(super) fn before(
    line: &Line,
    (at, spans): (Timestamp, &[Span]),
    metric: Metric,
    troubles: &[Trouble],
) -> Before {
    let mut end = line.from(at);
    let revision = line.probes[..end]
        .iter()
        .rev()
        .find_map(|p| p.revision.clone())
        .or_else(|| line.member.revision.clone());
    let mut shifts = known_shifts(line, at, metric, troubles);
    let mut clouded = suspicion(metric, troubles, &shifts);
    let good = |from: usize, to: usize| {
        line.probes[from..to.max(from)]
            .iter()
            .filter(|p| !foreign(p, revision.as_ref()))
            .filter(|p| match metric {
                Metric::Latency | Metric::Measure => super::series::latency_of(p).is_some(),
                Metric::Success => p.success.is_some(),
            })
            .count()
    };
    // Too few runs since the last shift to know the level: compare with the level before it, and say so.
    while let Some(last) = shifts.last() {
        let stop = clouded.as_ref().map_or(end, |(_, from)| line.from(*from).min(end));
        if good(line.from(last.at), stop) >= level_needs(metric) {
            break;
        }
        let cause = troubles.iter().rfind(|t| t.onset == last.at).map(|t| t.change.clone());
        clouded = Some((cause, last.at));
        shifts.pop();
    }
    let until = clouded.as_ref().map_or(at, |(_, from)| at.min(*from));
    end = end.min(line.from(until));
    let rebased_at = shifts.last().map(|s| s.at);
    let wanted = |p: &Probe| spans.iter().any(|(from, to)| (*from..*to).contains(&p.at));
    let own = |p: &&Probe| wanted(p) && !foreign(p, revision.as_ref());
    let (points, level) = level_out(line, &shifts, end, metric, &own);
    let (clouded_by, clouded_from) = clouded.map_or((None, None), |(c, from)| (c, Some(from)));
    Before {
        foreign: line.probes[..end].iter().filter(|p| wanted(p) && !own(p)).count(),
        present: (rebased_at.unwrap_or(Timestamp::MIN), until),
        points,
        level,
        revision,
        rebased_at,
        clouded_by,
        clouded_from,
        only_worse: line.alone,
    }
}

/// Shifts of the metric that are known for sure and began before `at`, in order of time, each once.
fn known_shifts(
    line: &Line,
    at: Timestamp,
    metric: Metric,
    troubles: &[Trouble],
) -> Vec<KnownShift> {
    let told = line.shifts.iter().filter(|s| s.metric == metric && s.at < at).copied();
    let found = troubles
        .iter()
        .filter(|t| t.metric == metric && t.kind == TroubleKind::Moved && t.onset < at)
        .map(|t| KnownShift { at: t.onset, metric });
    let mut all: Vec<KnownShift> = told.chain(found).collect();
    all.sort();
    all.dedup();
    all
}

/// The earliest suspicion that no known shift has settled: whose it is and where it begins.
fn suspicion(
    metric: Metric,
    troubles: &[Trouble],
    shifts: &[KnownShift],
) -> Option<(Option<ChangeId>, Timestamp)> {
    let settled = |t: &Trouble| {
        troubles
            .iter()
            .any(|o| o.kind == TroubleKind::Moved && o.metric == metric && o.change == t.change)
            || shifts.iter().any(|s| s.at > t.onset)
    };
    troubles
        .iter()
        .filter(|t| t.metric == metric && t.kind == TroubleKind::Suspected && !settled(t))
        .min_by_key(|t| t.onset)
        .map(|t| (Some(t.change.clone()), t.onset))
}

/// The points before `end` with each stretch between shifts moved onto the level of the last one, and how many that one has.
/// A share of successes cannot be moved like a time: there only the last stretch counts.
fn level_out(
    line: &Line,
    shifts: &[KnownShift],
    end: usize,
    metric: Metric,
    own: &dyn Fn(&&Probe) -> bool,
) -> (Vec<Point>, usize) {
    let mut bounds: Vec<usize> = vec![0];
    bounds.extend(shifts.iter().map(|s| line.from(s.at).min(end)));
    bounds.push(end);
    let mut stretches: Vec<Vec<Point>> = bounds
        .windows(2)
        .map(|w| line.probes[w[0]..w[1].max(w[0])].iter().filter(own).map(point).collect())
        .collect();
    let times = |points: &[Point]| points.iter().filter_map(|p| p.ln_ms).collect::<Vec<f64>>();
    let last = stretches.last().map(|s| times(s)).unwrap_or_default();
    let level = if metric == Metric::Latency {
        last.len()
    } else {
        stretches.last().map_or(0, |s| s.iter().filter(|p| p.ok.is_some()).count())
    };
    let Some(present) = median_of(last).filter(|_| metric == Metric::Latency) else {
        return (stretches.pop().unwrap_or_default(), level);
    };
    let whole = stretches.len() == 1;
    for stretch in &mut stretches {
        let Some(own) = median_of(times(stretch)) else { continue };
        for p in stretch.iter_mut() {
            p.ln_ms = p.ln_ms.map(|y| y - own + present);
        }
    }
    let points: Vec<Point> = stretches.concat();
    (points, if whole { usize::MAX } else { level })
}
