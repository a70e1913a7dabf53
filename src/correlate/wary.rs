//! A second opinion where a baseline is short: a dozen runs cannot show whether the level of a journey creeps about. The evidence
//! must hold as well if it does, unless those runs themselves speak against it.

use super::{
    Baseline, Tuning,
    evidence::{Evidence, Gaps, Onset, Side},
};

/// How far such a level may be from where the baseline has seen it, in units of its noise.
const STRAYS: f64 = 0.5;

/// The evidence under strong memory.
#[derive(Debug, Clone)]
pub(super) struct Wary {
    evidence: Evidence,
    /// Noise of a series that creeps, as a log ratio, and that of one that does not.
    scales: (f64, f64),
    /// Log-odds that this one does, by its baseline.
    odds: f64,
    /// Log-likelihoods of both models so far that are in the odds already.
    bases: (f64, f64),
}

impl Wary {
    /// Weighs strong memory against the memory of the baseline, by its `residuals` (log ratios, oldest first, NaN for none). None
    /// where the baseline is long enough to speak for itself.
    pub(super) fn new(
        baseline: &Baseline,
        residuals: &[f64],
        plain: &Evidence,
        tuning: &Tuning,
    ) -> Option<Self> {
        let (memory, prior) = tuning.memory_doubt;
        if baseline.few <= 0.0 || prior <= 0.0 || memory <= baseline.phi {
            return None;
        }
        let least = tuning.noise_floor() * (1.0 - memory * memory).sqrt();
        let (steady, _) = fits(residuals, baseline.phi);
        let (creeping, n) = fits(residuals, memory);
        let odds =
            (prior / (1.0 - prior)).ln() + n * (steady.max(least).ln() - creeping.max(least).ln());
        // The mean of absolute innovations is 0.8 of their standard deviation.
        let scale = (creeping * 1.2533 / (1.0 - memory * memory).sqrt()).max(baseline.se);
        let noise = tuning.noise_of(memory);
        let mut evidence = Evidence::new(noise, STRAYS, tuning.shifts_in(scale), tuning);
        if let Some(last) = residuals.iter().rev().find(|r| r.is_finite()) {
            let none = Onset { side: Side::Edge, mass: 0.0, tau: -1.0, since: -2.0 };
            evidence.push(last / scale, Gaps { score: 1.0, probe: 1.0 }, none);
        }
        let bases = (plain.base(), evidence.base());
        Some(Self { evidence, scales: (scale, baseline.se), odds, bases })
    }

    /// Takes in the residual (log ratio) of a run.
    pub(super) fn push(&mut self, residual: f64, gaps: Gaps, onset: Onset) {
        self.evidence.push(residual / self.scales.0, gaps, onset);
        // Densities of the residual, not of the scores.
        self.odds += self.scales.1.ln() - self.scales.0.ln();
    }

    /// The log-evidence of a mixture of both memories; `plain` is that under the memory of the baseline.
    pub(super) fn weigh(&self, plain: &Evidence) -> f64 {
        let since = self.evidence.base() - self.bases.1 - (plain.base() - self.bases.0);
        plain.mixed_with(&self.evidence, self.odds + since)
    }
}

/// Mean absolute innovation for this memory, and of how many.
fn fits(residuals: &[f64], memory: f64) -> (f64, f64) {
    let pairs = residuals.windows(2).filter(|w| w[0].is_finite() && w[1].is_finite());
    let (sum, n) =
        pairs.fold((0.0, 0.0), |(sum, n), w| (sum + (w[1] - memory * w[0]).abs(), n + 1.0));
    (sum / f64::max(n, 1.0), n)
}
