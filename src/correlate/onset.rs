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
    let masses: Vec<f64> = weights.iter().map(|(_, _, ln)| (ln - most).exp()).collect();
    let needed = WITHIN * masses.iter().sum::<f64>();
    let (mut best, mut low, mut sum) = (None::<(f64, f64)>, 0, 0.0);
    for high in 0..weights.len() {
        sum += masses[high];
        while low < high && sum - masses[low] >= needed {
            sum -= masses[low];
            low += 1;
        }
        let span = (weights[low].0, weights[high].1);
        if sum >= needed && best.is_none_or(|b| span.1 - span.0 < b.1 - b.0) {
            best = Some(span);
        }
    }
    best.unwrap_or((weights[0].0, weights[weights.len() - 1].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_the_shortest_that_is_probable_enough() {
        let ln = |masses: &[f64]| -> Vec<(f64, f64, f64)> {
            let at = |i: usize| super::super::figures::count(i);
            masses.iter().enumerate().map(|(i, m)| (at(i) - 1.0, at(i), m.ln() - 40.0)).collect()
        };
        assert_eq!(interval(&ln(&[0.01, 0.01, 0.96, 0.02])), (1.0, 2.0));
        assert_eq!(interval(&ln(&[0.1, 0.45, 0.45, 0.0])), (0.0, 2.0));
        assert_eq!(interval(&ln(&[0.3, 0.2, 0.2, 0.3])), (-1.0, 3.0));
        assert_eq!(interval(&[]), (0.0, 0.0));
        assert_eq!(interval(&[(1.0, 2.0, f64::NEG_INFINITY)]), (2.0, 2.0));
        assert!(interval(&[(1.0, 2.0, f64::NAN), (2.0, 3.0, 0.0)]).1.is_finite());
    }

    #[test]
    fn onsets_keep_their_odds_and_together_weigh_what_they_weigh() {
        let weight =
            |tau: f64, shifted: f64, usual: f64| Weight { since: tau - 1.0, tau, shifted, usual };
        let found = heard(&[weight(0.0, 5.0, 1.0), weight(1.0, 3.0, 2.0)], |t| 60.0 * t);
        assert!((found[0].ln_ratio - found[1].ln_ratio - 2.0).abs() < 1e-12);
        let mean = ln_sum(found.iter().map(|h| h.ln_ratio));
        assert!((mean - (4.0_f64.exp() + 1.0_f64.exp()).ln()).abs() < 1e-12);
        assert_eq!((found[1].since_s, found[1].at_s), (0.0, 60.0));
        assert!(heard(&[weight(0.0, f64::NAN, 0.0)], |t| t).is_empty());
    }
}
