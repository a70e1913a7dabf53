//! When did it begin? What the runs of a series say of every possible onset, with no belief put in beforehand.

use super::robust::ln_sum;

/// Probability within the interval of the onset.
const WITHIN: f64 = 0.9;

/// What the runs say of a shift that began between two of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// The last run before it, in seconds since 1970.
    pub since_s: f64,
    /// The first run affected, in seconds since 1970.
    pub at_s: f64,
    /// Log ratio of the likelihood of all runs under that shift to that under no more than usual.
    pub ln_ratio: f64,
}

/// An onset of a fold's evidence: its span in the fold's own time, the log-likelihood of a shift from it on, and that of what is
/// usual from it on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weight {
    pub(super) since: f64,
    pub(super) tau: f64,
    pub(super) shifted: f64,
    pub(super) usual: f64,
}

/// Brings the onsets of a fold onto one scale. They are compared with each other by their likelihoods; with "nothing" all of them
/// together are compared by the mean of their ratios, as every onset has its own account of what is usual.
pub(super) fn heard(weights: &[Weight], at_s: impl Fn(f64) -> f64) -> Vec<Heard> {
    let known = |w: &&Weight| w.shifted.is_finite() && w.usual.is_finite();
    let shifted = ln_sum(weights.iter().filter(known).map(|w| w.shifted));
    let ratios = ln_sum(weights.iter().filter(known).map(|w| w.shifted - w.usual));
    let usual = shifted - ratios;
    weights
        .iter()
        .filter(known)
        .map(|w| Heard { since_s: at_s(w.since), at_s: at_s(w.tau), ln_ratio: w.shifted - usual })
        .collect()
}

/// The 90% interval of the onset: of all that are probable enough the shortest, from the run before its first to its last first
/// run affected. `weights` are onsets in order of time (the run before, the first affected, log posterior weight). It is never
/// shorter than the time between two runs, so that where a shift is plain it holds the truth more often than nine times in ten.
pub(super) fn interval(weights: &[(f64, f64, f64)]) -> (f64, f64) {
    let most = weights.iter().map(|w| w.2).fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        return weights.last().map_or((0.0, 0.0), |w| (w.1, w.1));
    }
    let mass = |(_, _, ln): &(f64, f64, f64)| (ln - most).exp();
    let needed = WITHIN * weights.iter().map(mass).sum::<f64>();
    let (mut best, mut low, mut sum) = (None::<(f64, f64)>, 0, 0.0);
    for high in 0..weights.len() {
        sum += mass(&weights[high]);
        while low < high && sum - mass(&weights[low]) >= needed {
            sum -= mass(&weights[low]);
            low += 1;
        }
        let span = (weights[low].0, weights[high].1);
        if sum >= needed && best.is_none_or(|b| span.1 - span.0 < b.1 - b.0) {
            best = Some(span);
        }
    }
    best.unwrap_or((weights[0].0, weights[weights.len() - 1].1))
}
