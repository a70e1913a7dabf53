//! Which change did it? Every change is tried as the culprit: how well does it explain which journeys moved **and** which
//! did not?

use std::collections::{BTreeMap, BTreeSet};

use super::robust::ln_add;
use crate::model::{ChangeId, JourneyName, Metric, ServiceName};

/// A change that may have done it.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// Its id.
    pub id: ChangeId,
    /// The services it touches; none for the whole environment.
    pub services: Vec<ServiceName>,
    /// When it started, in seconds since 1970.
    pub started_at_s: f64,
    /// When it was done, in seconds since 1970, where that is known.
    pub finished_at_s: Option<f64>,
}

/// What one metric of one journey says.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// The journey.
    pub journey: JourneyName,
    /// The services it names.
    pub services: Vec<ServiceName>,
    /// The metric.
    pub metric: Metric,
    /// The largest gated log-evidence so far.
    pub log_e: f64,
    /// When its shift began, in seconds since 1970: the first probe affected.
    pub onset_s: f64,
    /// How many milliseconds slower it is than before; only positive ones of latency count.
    pub added_ms: f64,
}

/// Who did it, as far as can be told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Blame {
    /// Every change with its probability, most probable first; what is missing to 1 is "none of these".
    pub candidates: Vec<(ChangeId, f64)>,
    /// The one that is probable enough to be named.
    pub named: Option<ChangeId>,
}

/// Probability from which a change is named.
pub const NAMED_FROM: f64 = 0.6;

/// Probability that a journey moves, given its place relative to the culprit. Fitted on recorded rollouts of one shop;
/// the order of the figures matters more than the figures.
mod moves {
    /// It names the culprit.
    pub(super) const OWN: f64 = 0.65;
    /// It depends on the culprit.
    pub(super) const PATH: f64 = 0.35;
    /// It depends on nearly everything, the culprit included.
    pub(super) const PAGE: f64 = 0.25;
    /// It has nothing to do with it.
    pub(super) const OUTSIDE: f64 = 0.03;
    /// The culprit slows its whole environment, and it names the culprit.
    pub(super) const WIDE_OWN: f64 = 0.9;
    /// The culprit slows its whole environment.
    pub(super) const WIDE: f64 = 0.75;
    /// No logged change did it.
    pub(super) const NONE: f64 = 0.08;
}

/// Prior probability that a change slows a whole environment.
const WIDE_PRIOR: f64 = 0.1;
/// Prior probability that no logged change did it.
const NONE_PRIOR: f64 = 0.1;
/// A journey depends on nearly everything when it reaches more than this share of the services.
const NEARLY_ALL: f64 = 0.6;
/// Weight of a share of the added milliseconds that each change has beforehand.
const ADDED_PRIOR: f64 = 0.25;
/// Seconds by which clocks may differ, and within which an onset follows its cause at once.
const CLOCKS_S: f64 = 60.0;
/// How fast a change becomes less suspect, in seconds.
const FADING_S: f64 = 250.0;
/// Log prior of an onset before its cause.
const TOO_EARLY: f64 = -4.0;
/// Log prior of an onset after the end of a change rather than after its start.
const AT_THE_END: f64 = -1.0;

/// Ranks the changes. `depends_on` says which services call which.
pub fn blame(
    suspects: &[Suspect],
    signals: &[Signal],
    depends_on: &BTreeMap<ServiceName, Vec<ServiceName>>,
) -> Blame {
    if suspects.is_empty() {
        return Blame::default();
    }
    let strongest = strongest(signals);
    let services: BTreeSet<&ServiceName> =
        depends_on.iter().flat_map(|(s, calls)| std::iter::once(s).chain(calls)).collect();
    let mut scores: Vec<Score> = suspects.iter().map(|_| Score::default()).collect();
    let mut none = NONE_PRIOR.ln();
    for signal in strongest.values() {
        let moved = moved(signal.log_e);
        let reach: BTreeSet<&ServiceName> =
            signal.services.iter().flat_map(|s| reached(s, depends_on)).collect();
        let page = reach.len() as f64 > NEARLY_ALL * services.len() as f64;
        for (suspect, score) in suspects.iter().zip(&mut scores) {
            let own = suspect.services.iter().any(|s| signal.services.contains(s));
            let reaches =
                suspect.services.is_empty() || suspect.services.iter().any(|s| reach.contains(s));
            let near = match (own, reaches) {
                (true, _) => moves::OWN,
                (false, true) if page && !suspect.services.is_empty() => moves::PAGE,
                (false, true) => moves::PATH,
                (false, false) => moves::OUTSIDE,
            };
            score.near += explains(moved, near);
            score.wide += explains(moved, if own { moves::WIDE_OWN } else { moves::WIDE });
        }
        none += explains(moved, moves::NONE);
    }
    let onset = strongest.values().filter(|s| moved(s.log_e) > 0.5).map(|s| s.onset_s);
    let onset = onset.filter(|s| s.is_finite()).min_by(f64::total_cmp);
    let shares = added_shares(suspects, signals);
    let likelihoods: Vec<f64> = suspects
        .iter()
        .zip(scores)
        .zip(shares)
        .map(|((suspect, score), share)| {
            let wide = WIDE_PRIOR.ln() + score.wide + share;
            let pattern = ln_add((1.0 - WIDE_PRIOR).ln() + score.near, wide);
            let timing = onset.map_or(0.0, |onset| timing(suspect, onset));
            pattern - (suspects.len() as f64).ln() + timing
        })
        .collect();
    rank(suspects, &likelihoods, none)
}

/// Log-likelihoods of the pattern of moved and unmoved journeys.
#[derive(Debug, Clone, Copy, Default)]
struct Score {
    near: f64,
    wide: f64,
}

/// Of each journey the metric that says most.
fn strongest(signals: &[Signal]) -> BTreeMap<&JourneyName, &Signal> {
    let mut strongest: BTreeMap<&JourneyName, &Signal> = BTreeMap::new();
    for signal in signals.iter().filter(|s| !s.log_e.is_nan()) {
        let most = strongest.entry(&signal.journey).or_insert(signal);
        if signal.log_e > most.log_e {
            *most = signal;
        }
    }
    strongest
}

/// Probability that a series moved, from its log-evidence.
fn moved(log_e: f64) -> f64 {
    1.0 / (1.0 + (2.0 - log_e.clamp(-6.0, 12.0)).exp())
}

/// Log-likelihood of a journey that moved with probability `moved`, where it would with probability `expected`.
fn explains(moved: f64, expected: f64) -> f64 {
    (moved * expected + (1.0 - moved) * (1.0 - expected)).ln()
}

/// A service and all that it depends on, directly or not.
fn reached<'s>(
    root: &'s ServiceName,
    depends_on: &'s BTreeMap<ServiceName, Vec<ServiceName>>,
) -> BTreeSet<&'s ServiceName> {
    let mut seen = BTreeSet::from([root]);
    let mut open = vec![root];
    while let Some(service) = open.pop() {
        for called in depends_on.get(service).into_iter().flatten() {
            if seen.insert(called) {
                open.push(called);
            }
        }
    }
    seen
}

/// For each change the log weight of its share of all added milliseconds: in a general slowdown the one that adds most is
/// the most suspect. Zero where nothing was added.
fn added_shares(suspects: &[Suspect], signals: &[Signal]) -> Vec<f64> {
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
    added.into_iter().map(|ms| if total > 0.0 { weight(ms) } else { 0.0 }).collect()
}

/// Log prior of an onset at that time: hardly before the change started, most likely within a minute after, then less and
/// less. A change whose last part came long after its first can also have done it with its last.
fn timing(suspect: &Suspect, onset_s: f64) -> f64 {
    let fading = |lag: f64| -(lag - CLOCKS_S).max(0.0) / FADING_S;
    let lag = onset_s - suspect.started_at_s;
    if lag < -CLOCKS_S {
        return TOO_EARLY;
    }
    let at_start = fading(lag);
    match suspect.finished_at_s {
        Some(end) if end > suspect.started_at_s && onset_s >= end => {
            at_start.max(AT_THE_END + fading(onset_s - end))
        }
        _ => at_start,
    }
}

/// Probabilities from likelihoods, most probable first.
fn rank(suspects: &[Suspect], likelihoods: &[f64], none: f64) -> Blame {
    let total = likelihoods.iter().copied().fold(none, ln_add);
    let mut candidates: Vec<(ChangeId, f64)> = suspects
        .iter()
        .zip(likelihoods)
        .map(|(s, likelihood)| (s.id.clone(), (likelihood - total).exp()))
        .collect();
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named = candidates.first().filter(|(_, p)| *p >= NAMED_FROM).map(|(id, _)| id.clone());
    Blame { candidates, named }
}

#[cfg(test)]
mod tests;
