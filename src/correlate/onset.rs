//! When did it begin? What the runs of a series say of every possible onset, with no belief put in beforehand.

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
    use super::robust::ln_sum;
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
