//! The noise model: scores follow each other as a first-order autoregression whose innovations are Student t.

use super::{baseline::SCORE_BOUND, robust::ln_add};

/// Shortest time between two probes that counts, in base intervals: nearer ones would be taken for exact copies.
const GAP_LEAST: f64 = 0.02;

/// A score this many standard deviations from what the one before it leads to expect may be a spike: nothing lasts of it.
const OUTLYING: f64 = 2.5;

/// Memory and tail of the scores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noise {
    pub(super) phi: f64,
    pub(super) tail: f64,
    /// How probable it is that an outlying score says nothing of the next one; 0: what is carried on is only bounded.
    pub(super) spike: f64,
}

/// An earlier score and how much of it is still in the next.
#[derive(Debug, Clone, Copy)]
struct Source {
    previous: f64,
    kept: f64,
    variance: f64,
}

/// One score, the one before, and how much of that is still in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Innovation {
    score: f64,
    source: Source,
    /// Where the score before may be a spike: what the score comes from if it was one, and the logarithms of how probable it is that it
    /// was none and one.
    spike: Option<(Source, f64, f64)>,
    tail: f64,
}

impl Noise {
    /// The innovation of `score`, `gap` base intervals after the score `previous`, or without one.
    pub(super) fn innovation(&self, score: f64, previous: Option<(f64, f64)>) -> Innovation {
        Innovation { score, source: self.source(previous), spike: None, tail: self.tail }
    }

    fn source(&self, previous: Option<(f64, f64)>) -> Source {
        let (previous, kept) = match previous {
            Some((previous, gap)) => (previous, self.phi.powf(gap.max(GAP_LEAST))),
            None => (0.0, 0.0),
        };
        Source { previous, kept, variance: 1.0 - kept * kept }
    }
}

/// The scores so far, as far as the next one depends on them: the newest, and, where that one may be a spike, the newest that is none.
/// Dense probes depend so much on the one before that a spike, told of as a level, would speak against every shift.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    noise: Noise,
    last: Option<f64>,
    /// The newest score that is no spike, and the base intervals from it to the last.
    before: Option<(f64, f64)>,
}

impl Trail {
    pub(super) fn new(noise: Noise) -> Self {
        Self { noise, last: None, before: None }
    }

    /// The innovation of the next score, `gap` base intervals after the last, which it becomes.
    pub(super) fn next(&mut self, score: f64, gap: f64) -> Innovation {
        let Some(last) = self.last.replace(score) else {
            return self.noise.innovation(score, None);
        };
        let mut innovation = self.noise.innovation(score, Some((last, gap)));
        if self.noise.spike <= 0.0 {
            return innovation;
        }
        if let Some((before, since)) = self.before {
            let other = self.noise.source(Some((before, since + gap)));
            let share = self.noise.spike;
            innovation.spike = Some((other, (1.0 - share).ln(), share.ln()));
        }
        let scale = innovation.source.variance.sqrt();
        let astray = |from: Source| (score - from.carried(0.0)).abs() > OUTLYING * scale;
        let outlying =
            astray(innovation.source) && innovation.spike.is_none_or(|(other, _, _)| astray(other));
        self.before = match (outlying, self.before) {
            (true, Some((before, since))) => Some((before, since + gap)),
            (true, None) => Some((last, gap)),
            (false, _) => None,
        };
        innovation
    }
}

impl Source {
    /// What is left of the score, had the mean been `then`. It is bounded: a spike says little about the next probe.
    fn carried(&self, then: f64) -> f64 {
        self.kept * (self.previous - then).clamp(-SCORE_BOUND, SCORE_BOUND)
    }

    fn ln_density(&self, score: f64, tail: f64, now: f64, then: f64) -> f64 {
        let e = score - now - self.carried(then);
        -0.5 * (tail + 1.0) * (e * e / (tail * self.variance)).ln_1p()
    }
}

impl Innovation {
    /// Logarithm of what the scale of the innovation divides its density by.
    pub(super) fn ln_scale(&self) -> f64 {
        0.5 * self.source.variance.ln()
    }

    /// Log density, without constants, when the mean is `now` and was `then` at the probe before.
    pub(super) fn ln_density(&self, now: f64, then: f64) -> f64 {
        let plain = self.source.ln_density(self.score, self.tail, now, then);
        let Some((other, none, spike)) = self.spike else { return plain };
        let wider = 0.5 * (self.source.variance / other.variance).ln();
        ln_add(none + plain, spike + wider + other.ln_density(self.score, self.tail, now, then))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_at_one_instant_are_no_infinity() {
        let noise = Noise { phi: 0.9, tail: 6.0, spike: 0.0 };
        for gap in [0.0, -1.0, 1e-300, 1e300] {
            let innovation = noise.innovation(2.0, Some((-2.0, gap)));
            assert!(innovation.ln_density(0.0, 0.0).is_finite(), "{gap}");
        }
        assert!(noise.innovation(1e6, None).ln_density(0.0, 0.0).is_finite());
    }

    /// The log-likelihood ratio of a shift of one against none that the last of these scores gives, ten seconds from one to the next.
    fn says(scores: &[f64], spike: f64) -> f64 {
        let mut trail = Trail::new(Noise { phi: 0.4, tail: 6.0, spike });
        let last = scores.iter().map(|score| trail.next(*score, 1.0 / 6.0)).last().unwrap();
        last.ln_density(1.0, 1.0) - last.ln_density(0.0, 0.0)
    }

    #[test]
    fn a_spike_does_not_speak_against_a_shift() {
        let calm = says(&[1.0, 1.0, 1.0], 0.5);
        assert!((calm - says(&[1.0, 1.0, 1.0], 0.0)).abs() < 1e-12, "{calm}");
        // After a spike a usual score says what it would have said without one, or hardly less, and not that nothing shifted.
        let (told, untold) = (says(&[1.0, 9.0, 1.0], 0.5), says(&[1.0, 9.0, 1.0], 0.0));
        assert!(untold < -0.2 && told > calm - 0.1, "{calm} {told} {untold}");
        // What stays up was no spike.
        let stays = says(&[0.0, 3.0, 3.0, 3.0], 0.5);
        assert!((stays - says(&[0.0, 3.0, 3.0, 3.0], 0.0)).abs() < 1e-12, "{stays}");
    }
}
