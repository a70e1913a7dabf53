//! The slow tail of a journey: runs far slower than usual, as often as ever or more often?
//!
//! A shift of some runs only (a cache that misses more often, a flag for one user in five) leaves the median where it was. Here a
//! run is slow or not, and slow runs are counted like failures: how often they were slow in the history, and whether they came in
//! bursts, is known from days of it, so that a journey with two answers is judged by its own mixture. Counting how many runs
//! exceed the 90th percentile of the baseline instead raises 2 to 8 false alarms in 100 changes on drifting levels (measured): the
//! bound here lies where a level that strays a little does not reach.

use super::{
    Baseline, Direction, Tuning,
    evidence::{Onset, Side, Weighed},
    failing::{Failing, Rates},
    prior,
    robust::median,
    rows::History,
    success,
};

/// Rows between two estimates of the running median, and half the rows it looks at.
const STRIDE: usize = 15;
const HALF: usize = 60;
/// Shorter histories say too little on how often a run is slow.
const ENOUGH: usize = 400;
/// A run is slow beyond this many units of the noise, and beyond this log ratio.
const FAR: f64 = 3.0;
const SLOW: f64 = 0.47; // ln 1.6
/// What strong memory adds to the price: slow runs then come in spells longer than the memory of failures knows.
const CREEPING: f64 = 12.0;
/// Fewest slow runs that say anything.
const RUNS: usize = 3;

/// How often runs are slow after a change.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    /// Log ratio to the expected time from which on a run is slow.
    bound: f64,
    failing: Failing,
    /// Base intervals after a change in which nothing is counted: caches are cold.
    settling: f64,
    /// What the evidence pays for being a second look at the same times, more where levels creep.
    pub(super) price: f64,
    slow: usize,
    /// Sum of the log ratios of slow runs.
    excess: f64,
    runs: usize,
}

impl Tail {
    /// Learns from the history how often a run is slow; none where it is short.
    pub(super) fn learn(history: &History, baseline: &Baseline, tuning: &Tuning) -> Option<Self> {
        let levels = history.good_levels(tuning.history);
        if levels.iter().filter(|v| v.is_finite()).count() < ENOUGH
            || !tuning.tail_bound.is_finite()
        {
            return None;
        }
        let bound = (FAR * baseline.se).max(SLOW).max(tuning.tail_bound);
        let outcomes: Vec<Option<bool>> = flattened(&levels)
            .into_iter()
            .map(|residual| residual.is_finite().then_some(residual > bound))
            .collect();
        let rates = Rates::learn(&outcomes, Direction::Worse, tuning);
        let recent = tuning.pre.min(outcomes.len());
        let (past, before) = outcomes.split_at(outcomes.len() - recent);
        let was = past.iter().rev().copied().flatten().next().unwrap_or(false);
        let mut failing = Failing::new(rates, was);
        success::replay(&mut failing, before, &prior::before(recent, tuning.pre_taper));
        let settling = tuning.transient.len() as f64;
        let price = tuning.tail_price + CREEPING * (baseline.phi - 0.5).max(0.0);
        Some(Self { bound, failing, settling, price, slow: 0, excess: 0.0, runs: 0 })
    }

    /// Takes in the log ratio of a run to what was expected of it.
    pub(super) fn push(&mut self, residual: f64, gap: f64, onset: Onset) {
        if onset.tau < self.settling {
            return;
        }
        let slow = residual > self.bound;
        self.failing.push(slow, gap, Onset { side: Side::After, ..onset });
        self.runs += 1;
        if slow {
            self.slow += 1;
            self.excess += residual;
        }
    }

    /// The evidence that runs are slow more often; none where that would not matter: it must make the mean time longer by `effect`.
    pub(super) fn weigh(&mut self, effect: f64) -> Option<Weighed> {
        if self.slow < RUNS {
            return None;
        }
        let more = self.slow as f64 / self.runs as f64 - self.failing.rates.mean;
        let times = (self.excess / self.slow as f64).min(5.0).exp();
        (more * (times - 1.0) >= effect.exp_m1()).then(|| self.failing.weigh())
    }
}

/// The levels less their running median.
fn flattened(levels: &[f64]) -> Vec<f64> {
    let middles: Vec<f64> = (0..levels.len())
        .step_by(STRIDE)
        .map(|at| {
            let centre = at + STRIDE / 2;
            median(&levels[centre.saturating_sub(HALF)..(centre + HALF).min(levels.len())])
        })
        .collect();
    levels.iter().enumerate().map(|(row, v)| v - middles[row / STRIDE]).collect()
}
