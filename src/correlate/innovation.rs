//! The noise model: scores follow each other as a first-order autoregression whose innovations are Student t.

use super::baseline::SCORE_BOUND;

/// Shortest time between two probes that counts, in base intervals: nearer ones would be taken for exact copies.
const GAP_LEAST: f64 = 0.02;

/// Memory and tail of the scores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    pub(super) phi: f64,
    pub(super) tail: f64,
}

/// One score, the one before, and how much of that is still in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Innovation {
    score: f64,
    previous: f64,
    kept: f64,
    variance: f64,
    tail: f64,
}

impl Noise {
    /// The innovation of `score`, `gap` base intervals after the score `previous`, or without one.
    pub(super) fn innovation(&self, score: f64, previous: Option<(f64, f64)>) -> Innovation {
        let (previous, kept) = match previous {
            Some((previous, gap)) => (previous, self.phi.powf(gap.max(GAP_LEAST))),
            None => (0.0, 0.0),
        };
        Innovation { score, previous, kept, variance: 1.0 - kept * kept, tail: self.tail }
    }
}

impl Innovation {
    /// Logarithm of what the scale of the innovation divides its density by.
    pub(super) fn ln_scale(&self) -> f64 {
        0.5 * self.variance.ln()
    }

    /// Log density, without constants, when the mean is `now` and was `then` at the probe before. The probe before is bounded: a spike
    /// says little about the next probe.
    pub(super) fn ln_density(&self, now: f64, then: f64) -> f64 {
        let carried = self.kept * (self.previous - then).clamp(-SCORE_BOUND, SCORE_BOUND);
        let e = self.score - now - carried;
        -0.5 * (self.tail + 1.0) * (e * e / (self.tail * self.variance)).ln_1p()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_at_one_instant_are_no_infinity() {
        let noise = Noise { phi: 0.9, tail: 6.0 };
        for gap in [0.0, -1.0, 1e-300, 1e300] {
            let innovation = noise.innovation(2.0, Some((-2.0, gap)));
            assert!(innovation.ln_density(0.0, 0.0).is_finite(), "{gap}");
        }
        assert!(noise.innovation(1e6, None).ln_density(0.0, 0.0).is_finite());
    }
}
