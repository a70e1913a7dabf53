//! Which change did it? Every change is tried as the culprit: how well does it explain which journeys moved, when, and which
//! did **not** move?
//!
//! A candidate is a story: something went wrong at a moment `t`, likely soon after the change; each journey was affected from
//! then on or not, with a probability that depends on its place relative to the culprit. The probability of all runs under that
//! story is the sum over `t` of the prior of `t` and the product over the journeys of `p R(t) + 1 - p`, where `R(t)` is the
//! likelihood ratio of a shift that begins at `t`. So a journey counts for as much as its runs could have said so far, the onset
//! enters with all its uncertainty, and "none of the logged changes" is a story like the others.

mod grid;
mod growth;
mod marks;
mod place;
mod timing;

use std::collections::BTreeMap;

use super::{onset::Heard, pass::Score, robust::ln_add};
use crate::model::{ChangeId, ChangeKind, JourneyName, Metric, ServiceName};

use grid::Grid;
use place::Map;

/// A change that may have done it.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    /// Its id.
    pub id: ChangeId,
    /// What sort of change.
    pub kind: ChangeKind,
    /// The services it touches; none for the whole environment.
    pub services: Vec<ServiceName>,
    /// When it started, in seconds since 1970.
    pub started_at_s: f64,
    /// When it was done, in seconds since 1970, where that is known.
    pub finished_at_s: Option<f64>,
    /// What became of the trouble when it was taken back.
    pub undone: Undone,
    /// The share of runs it is meant for, where it says so: a flag for some.
    pub share: Option<f64>,
}

/// What became of a trouble when a change was taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Undone {
    /// It was not taken back.
    #[default]
    No,
    /// The trouble ended then.
    Recovered,
    /// It went on for so many runs.
    WentOn(u32),
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
    /// What its runs say of every onset, in order of time.
    pub heard: Vec<Heard>,
    /// Evidence that it owes for its own excursions: a journey that wanders like this by itself says less.
    pub owed: f64,
    /// How much worse it is since its onset: a log ratio for latency, a difference of the failure rate for success.
    pub effect: f64,
    /// How many milliseconds slower it is than before; only positive ones of latency count.
    pub added_ms: f64,
    /// Services whose steps failed since the change, with the number of such failures.
    pub failing: Vec<(ServiceName, u32)>,
    /// Services that the errors of these failures name, be it by a host, with the number of such failures.
    pub told: Vec<(ServiceName, u32)>,
    /// Failed and all runs since its onset; zeros for latency.
    pub failed: (u32, u32),
    /// Times and scores of its runs since the change; of success 1 for a failure and 0 for none.
    pub scores: Vec<Score>,
    /// Memory of those scores from one run to the next.
    pub memory: f64,
    /// How often it failed before the change, as a share; 0 for latency.
    pub usual: f64,
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
pub const NAMED_FROM: f64 = 0.7;

/// Prior probability that a change affects a whole environment.
const WIDE_PRIOR: f64 = 0.1;
/// How much the fading of effects with the distance counts then.
const WIDE_FADES: f64 = 0.5;
/// Prior probability that no logged change did it.
const NONE_PRIOR: f64 = 0.15;
/// Of that, the share of troubles that affect a whole environment.
const NONE_WIDE: f64 = 0.2;

/// Ranks the changes. `depends_on` says which services call which.
pub fn blame(
    suspects: &[Suspect],
    signals: &[Signal],
    depends_on: &BTreeMap<ServiceName, Vec<ServiceName>>,
) -> Blame {
    if suspects.is_empty() {
        return Blame::default();
    }
    let grid = Grid::over(suspects, signals);
    let voices = grid.voices(signals);
    let map = Map::new(depends_on, &voices);
    let usual: f64 = suspects.iter().map(|s| kind_weight(s.kind)).sum();
    let shares = marks::added_shares(suspects, signals);
    let likelihoods: Vec<f64> = suspects
        .iter()
        .zip(shares)
        .map(|(suspect, share)| {
            let places: Vec<_> = voices.iter().map(|v| map.place(suspect, v)).collect();
            let near = grid.tell(&voices, |i| places[i].near());
            let wide = grid.tell(&voices, |i| places[i].wide());
            let when = timing::masses(suspect, &grid);
            let marks = marks::all(suspect, signals, &voices, &map);
            let story = grid.sum(&when, |cell| {
                let near = (1.0 - WIDE_PRIOR).ln() + marks.near + near[cell];
                ln_add(near, WIDE_PRIOR.ln() + share + WIDE_FADES * marks.near + wide[cell])
            });
            story + (kind_weight(suspect.kind) / usual).ln() + marks.any
        })
        .map(|l| if l.is_finite() { l + (1.0 - NONE_PRIOR).ln() } else { -1e3 })
        .collect();
    let nobody = place::nobody(voices.iter().filter(|v| v.spoke).count());
    let (near, wide) = (grid.tell(&voices, |_| nobody), grid.tell(&voices, |_| place::NOBODY_WIDE));
    let none = grid.sum(&timing::any_time(&grid), |cell| {
        ln_add((1.0 - NONE_WIDE).ln() + near[cell], NONE_WIDE.ln() + wide[cell])
    });
    let none = if none.is_finite() { none } else { -1e3 };
    rank(suspects, &likelihoods, none + NONE_PRIOR.ln())
}

/// How often a change of a kind does harm, against a deployment. A guess, not a measurement: what goes back to what was well
/// seldom breaks, and what is meant for some is tried on some.
fn kind_weight(kind: ChangeKind) -> f64 {
    match kind {
        ChangeKind::Deploy | ChangeKind::Config | ChangeKind::Schema | ChangeKind::Infra => 1.0,
        ChangeKind::Flag | ChangeKind::Drift => 0.8,
        ChangeKind::Experiment => 0.6,
        ChangeKind::Rollback => 0.3,
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
