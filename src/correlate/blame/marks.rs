//! What else points at a change: which steps fail, what a rollback did, how many runs a flag could have hit, how the effect grows.

use super::{Signal, Suspect, Undone, grid::Voice, growth, place::Map};
use crate::model::{Metric, ServiceName};

/// Where the failing step's service lies when a change did it: it is changed, it calls what is changed, it has nothing to do
/// with it.
const STEP: (f64, f64, f64) = (0.6, 0.3, 0.1);
/// Where the service that an error names lies when a change did it. Who reports an error often names the one it asked, not the one
/// that broke.
const TOLD: (f64, f64, f64) = (0.5, 0.35, 0.15);
/// Least and most that all errors together say, as factors. With even odds between a change and none of them, the change stays
/// unnamed whatever errors say.
const TOLD_WITHIN: (f64, f64) = (0.35, 1.8);
/// Probability that a trouble ends soon after its cause was taken back, and that it ends just then by itself.
const ENDS: (f64, f64) = (0.85, 0.04);
/// Runs it takes to see that it has ended, on average.
const SEEN_RUNS: f64 = 8.0;
/// Weight of a share of the added milliseconds that each change has beforehand.
const ADDED_PRIOR: f64 = 0.25;
/// Log-likelihood below which a flag for some is not counted out further.
const FLAG_LEAST: f64 = -4.0;
/// By how much the logarithm of an effect falls with every call between a journey and the culprit, the number of calls from which on
/// it falls no more, and the spread of such logarithms around that.
const FADES: f64 = 0.4;
const FAR: f64 = 2.0;
const EFFECTS: f64 = 0.6;
/// Most that it says for or against a change.
const FADES_MOST: f64 = 3.0;
/// A journey counts as moved from this probability on.
const MOVED: f64 = 0.5;

/// The log factors of a change.
pub(super) struct Marks {
    /// Whatever it does.
    pub(super) any: f64,
    /// Where it moves what is near to it: in a slowdown of a whole environment the distance says less.
    pub(super) near: f64,
}

/// All factors of a change.
pub(super) fn all(
    suspect: &Suspect,
    signals: &[Signal],
    voices: &[Voice<'_>],
    map: &Map<'_>,
) -> Marks {
    let moved = |s: &&Signal| voice_of(voices, s).is_some_and(|v| v.moved > MOVED);
    let moved: Vec<&Signal> = signals.iter().filter(moved).collect();
    let steps: f64 = moved.iter().map(|s| points(suspect, &s.failing, STEP, map)).sum();
    let told: f64 = moved.iter().map(|s| points(suspect, &s.told, TOLD, map)).sum();
    let any = steps
        + told.clamp(TOLD_WITHIN.0.ln(), TOLD_WITHIN.1.ln())
        + undone(suspect.undone)
        + targeted(suspect, &moved)
        + grows(suspect, &moved, map, voices);
    Marks { any, near: fades(suspect, &moved, map, voices) }
}

/// What a culprit does fades with the distance: the journeys that moved moved most where they are nearest to it. A normal
/// distribution of the logarithms of the effects around a level that all share, less so much a step; against one level for all.
fn fades(suspect: &Suspect, moved: &[&Signal], map: &Map<'_>, voices: &[Voice<'_>]) -> f64 {
    let one = |metric: Metric| -> f64 {
        let known = |s: &&&Signal| s.metric == metric && s.effect > 0.0 && s.effect.is_finite();
        let points: Vec<(f64, f64)> = moved
            .iter()
            .filter(known)
            .filter_map(|s| {
                let voice = voice_of(voices, s)?;
                Some((s.effect.ln(), -FADES * map.place(suspect, voice).steps().min(FAR)))
            })
            .collect();
        let spread = |value: &dyn Fn(&(f64, f64)) -> f64| -> f64 {
            let mean = points.iter().map(value).sum::<f64>() / (points.len() as f64).max(1.0);
            points.iter().map(|p| (value(p) - mean).powi(2)).sum()
        };
        let (level, faded) = (spread(&|p| p.0), spread(&|p| p.0 - p.1));
        0.5 * (level - faded) / EFFECTS.powi(2)
    };
    (one(Metric::Latency) + one(Metric::Success)).clamp(-FADES_MOST, FADES_MOST)
}

/// The voice of a signal's journey; voices stand in the order of their journeys.
fn voice_of<'v, 'a>(voices: &'v [Voice<'a>], signal: &Signal) -> Option<&'v Voice<'a>> {
    voices.binary_search_by(|v| v.journey.cmp(&signal.journey)).ok().map(|i| &voices[i])
}

/// Failures point at services. Those of one journey repeat each other: together they count once.
fn points(
    suspect: &Suspect,
    failing: &[(ServiceName, u32)],
    (own, below, other): (f64, f64, f64),
    map: &Map<'_>,
) -> f64 {
    let total: f64 = failing.iter().map(|(_, n)| f64::from(*n)).sum();
    if total <= 0.0 || suspect.services.is_empty() {
        return 0.0;
    }
    let sure = 1.0 - 0.5_f64.powf(total);
    let one = |service: &ServiceName| -> f64 {
        let nearest = suspect.services.iter().filter_map(|c| map.calls(service, c)).min();
        match nearest {
            Some(0) => own,
            Some(_) => below,
            None => other,
        }
    };
    let mean: f64 = failing.iter().map(|(s, n)| f64::from(*n) / total * one(s)).sum();
    // Without a word every place is as good as the mean of them.
    let blank = (own + below + other) / 3.0;
    (sure * mean / blank + 1.0 - sure).ln()
}

/// A rollback confirms its suspect or clears it.
fn undone(undone: Undone) -> f64 {
    let (guilty, innocent) = ENDS;
    match undone {
        Undone::No => 0.0,
        Undone::Recovered => (guilty / innocent).ln(),
        Undone::WentOn(runs) => {
            let seen = guilty * (1.0 - (-f64::from(runs) / SEEN_RUNS).exp());
            ((1.0 - seen) / (1.0 - innocent)).ln()
        }
    }
}

/// A change for some of the runs cannot harm more of them: not fail more, and not slow down more than usual noise does.
fn targeted(suspect: &Suspect, moved: &[&Signal]) -> f64 {
    let Some(share) = suspect.share.filter(|s| (0.0..1.0).contains(s)) else { return 0.0 };
    let one = |signal: &&Signal| -> f64 {
        let (failed, runs, usual) = if signal.metric == Metric::Success {
            (f64::from(signal.failed.0), f64::from(signal.failed.1), 0.0)
        } else {
            let (slow, runs) = slow_since(signal);
            (slow, runs, 0.5)
        };
        if runs < 1.0 {
            return 0.0;
        }
        let rate = (failed / runs).min(0.999);
        let most = (usual + (1.0 - usual) * share + 0.02).clamp(0.001, 0.999);
        if rate <= most {
            return 0.0;
        }
        let ln = |q: f64| failed * q.ln() + (runs - failed) * (1.0 - q).max(1e-9).ln();
        ln(most) - ln(rate)
    };
    moved.iter().map(one).sum::<f64>().max(FLAG_LEAST)
}

/// Runs above the usual level since the onset and all since then, as many as their memory leaves: of harmless ones half are.
fn slow_since(signal: &Signal) -> (f64, f64) {
    let onset = likeliest(signal).unwrap_or(f64::NEG_INFINITY);
    let since = signal.scores.iter().filter(|s| s.at_s >= onset);
    let (slow, runs) = since
        .fold((0.0, 0.0), |(slow, runs), s| (slow + f64::from(u8::from(s.z > 0.0)), runs + 1.0));
    let memory = signal.memory.clamp(0.0, 0.9);
    let kept = (1.0 - memory) / (1.0 + memory);
    (kept * slow, kept * runs)
}

/// A shift that grows while the change is rolled out.
fn grows(suspect: &Suspect, moved: &[&Signal], map: &Map<'_>, voices: &[Voice<'_>]) -> f64 {
    let Some(end) = suspect.finished_at_s.filter(|end| end.is_finite()) else { return 0.0 };
    let span = (suspect.started_at_s, end);
    let near = |s: &&&Signal| {
        voice_of(voices, s).is_some_and(|v| map.place(suspect, v).near() > super::place::NOBODY)
    };
    let factor = |s: &&Signal| {
        let onset = likeliest(s).unwrap_or(span.0);
        match s.metric {
            Metric::Success => growth::ln_factor_of_failures(&s.scores, s.usual, onset, span),
            _ => growth::ln_factor(&s.scores, s.memory, onset, span),
        }
    };
    // The journeys of one trouble repeat each other: the clearest one speaks.
    moved.iter().filter(near).map(factor).max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0)
}

fn likeliest(signal: &Signal) -> Option<f64> {
    let best = signal.heard.iter().max_by(|a, b| a.ln_ratio.total_cmp(&b.ln_ratio))?;
    Some(best.at_s)
}

/// For each change the log weight of its share of all added milliseconds: in a general slowdown the one that adds most is
/// the most suspect. Zero where nothing was added.
pub(super) fn added_shares(suspects: &[Suspect], signals: &[Signal]) -> Vec<f64> {
    let slower =
        |s: &&Signal| s.metric == Metric::Latency && s.added_ms > 0.0 && s.added_ms.is_finite();
    let added: Vec<f64> = suspects
        .iter()
        .map(|suspect| {
            let own = |s: &&Signal| suspect.services.iter().any(|c| s.services.contains(c));
            signals.iter().filter(slower).filter(own).map(|s| s.added_ms).sum()
        })
        .collect();
    let total: f64 = added.iter().sum();
    let even = ADDED_PRIOR + 1.0 / suspects.len() as f64;
    let weight = |ms: f64| ((ADDED_PRIOR + ms / total) / even).ln();
    added
        .into_iter()
        .map(|ms| if total > 0.0 && total.is_finite() { weight(ms) } else { 0.0 })
        .collect()
}
