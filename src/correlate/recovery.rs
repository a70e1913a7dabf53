//! Does an open trouble still hold? Evidence that the metric is back, not merely the absence of evidence that it is not.
//!
//! A CUSUM of the likelihood ratio of "back to the baseline" against "still at least half the shift", begun anew at any run.
//! It must reach 100 to 1, and the last three runs must be clean: one quick answer ends no trouble.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Detect, Metric, Probe};

use super::{
    Tuning,
    figures::{count, tally},
    pass::{Noise, Score, step},
    robust,
    series::{moment, point},
};

/// Evidence needed: 100 to 1.
const NEEDED: f64 = 4.605_170_185_988_091; // ln 100

/// Runs in a row that must be clean.
const CLEAN: u32 = 3;

/// Most runs of the baseline that are looked at: more would only tell of older days.
const RECENT: usize = 180;

/// The moment from which on the metric is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// The first run of the stretch that proves it.
    pub at: Timestamp,
}

/// Watches an open trouble for its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    metric: Metric,
    /// Level and noise of the logarithm before the trouble.
    usual: (f64, f64),
    end: Back,
}

impl Recovery {
    /// For a trouble of `metric`: the runs before it, the runs since it began, the usual distance of two runs. Without runs before
    /// it nothing is ever known to be as before.
    pub fn new(
        metric: Metric,
        baseline: &[Probe],
        shifted: &[Probe],
        interval: Duration,
        detect: Detect,
    ) -> Self {
        let tuning = Tuning::of(&detect);
        let before = recent(baseline);
        let level = robust::median(&before);
        let scale = robust::spread(&before, level).max(tuning.noise_floor());
        let end = match metric {
            Metric::Latency => {
                let scores: Vec<f64> =
                    before.iter().map(|y| ((y - level) / scale).clamp(-3.0, 3.0)).collect();
                let margin = tuning.memory_margin / count(scores.len().max(1)).sqrt();
                let phi = (robust::autocorrelation(&scores) + margin).clamp(0.0, 0.9);
                let interval_s = interval.as_secs_f64();
                let noise = Noise { phi, wander: 0.0, interval_s, tail: tuning.tail };
                let shift = robust::median(&recent(shifted)) - level;
                Back::latency(noise, shift.max(tuning.effect) / scale)
            }
            Metric::Success => {
                let (good, runs) = tally(baseline.iter());
                let (still, since) = tally(shifted.iter());
                let (fails, passes) = tuning.failure_prior;
                let usual = (fails + f64::from(runs - good)) / (fails + passes + f64::from(runs));
                let rate = (0.5 + f64::from(since - still)) / (1.0 + f64::from(since));
                Back::success(usual, rate - usual)
            }
        };
        Self { metric, usual: (level, scale), end }
    }

    /// Takes the next run; says when the trouble is over.
    pub fn push(&mut self, probe: &Probe) -> Option<Recovered> {
        let point = point(probe);
        let (level, scale) = self.usual;
        let since = match self.metric {
            Metric::Latency => {
                let z = (point.ln_ms? - level) / scale;
                self.end.push_score(Score { at_s: point.at_s, z })
            }
            Metric::Success => self.end.push_outcome(point.at_s, point.ok?),
        };
        since.map(|at_s| Recovered { at: moment(at_s) })
    }
}

/// The logarithms of the newest usable times.
fn recent(probes: &[Probe]) -> Vec<f64> {
    let from = probes.len().saturating_sub(RECENT);
    probes[from..].iter().filter_map(|p| point(p).ln_ms).collect()
}

/// The CUSUM itself, for either metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Back {
    model: Model,
    evidence: f64,
    since_s: Option<f64>,
    clean: u32,
    last: Option<Score>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Model {
    /// Scores about 0 against scores about `half`.
    Latency { noise: Noise, half: f64 },
    /// Failures at the usual rate against failures at `half` of the way to what it became.
    Success { usual: f64, half: f64 },
}

/// The smallest half of a shift that is told from none, in units of the noise.
const HALF_LEAST: f64 = 0.25;

impl Back {
    /// For times: how the scores move, and by how much they shifted.
    pub(super) fn latency(noise: Noise, shift: f64) -> Self {
        let half = if shift.is_finite() { (0.5 * shift).max(HALF_LEAST) } else { f64::MAX };
        Self::of(Model::Latency { noise, half })
    }

    /// For success: the usual failure rate and by how much it rose.
    pub(super) fn success(usual: f64, rise: f64) -> Self {
        let usual = usual.clamp(1e-3, 0.9);
        let half = (usual + 0.5 * rise.max(0.04)).clamp(usual + 0.01, 0.98);
        Self::of(Model::Success { usual, half })
    }

    fn of(model: Model) -> Self {
        Self { model, evidence: 0.0, since_s: None, clean: 0, last: None }
    }

    /// The same test for a shift of another size: what was gathered stays.
    pub(super) fn resized(self, other: &Self) -> Self {
        Self { model: other.model, ..self }
    }

    /// Takes a score; the time of the first run of the proof once it is complete.
    pub(super) fn push_score(&mut self, score: Score) -> Option<f64> {
        let Model::Latency { noise, half } = self.model else { return None };
        let last = self.last.replace(score);
        let step = step(score, last, &noise);
        let gain = step.ln_density(0.0, 0.0) - step.ln_density(half, half);
        self.gather(score.at_s, gain, score.z <= half)
    }

    /// Takes a known success or failure; as for scores.
    pub(super) fn push_outcome(&mut self, at_s: f64, ok: bool) -> Option<f64> {
        let Model::Success { usual, half } = self.model else { return None };
        let gain = if ok { (-usual).ln_1p() - (-half).ln_1p() } else { usual.ln() - half.ln() };
        self.gather(at_s, gain, ok)
    }

    fn gather(&mut self, at_s: f64, gain: f64, clean: bool) -> Option<f64> {
        self.clean = if clean { self.clean + 1 } else { 0 };
        self.evidence += gain;
        if self.evidence <= 0.0 || !self.evidence.is_finite() {
            (self.evidence, self.since_s) = (0.0, None);
            return None;
        }
        let since = *self.since_s.get_or_insert(at_s);
        (self.evidence >= NEEDED && self.clean >= CLEAN).then_some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::made::{REAL, fail, slow},
        *,
    };

    const MINUTE: Duration = Duration::from_secs(60);

    /// Runs after the end of a trouble until its end is seen; the trouble lasts 30 runs, and 60 follow it.
    fn delays(metric: Metric, worsen: impl Fn(&mut [Probe], u64), ends: bool) -> Vec<usize> {
        let seen = |seed: u64| {
            let mut probes = REAL.probes(40_000 + seed, 400 + 90, 60.0);
            let well = probes.clone();
            worsen(&mut probes[400..], seed);
            if ends {
                probes[430..].clone_from_slice(&well[430..]);
            }
            let mut recovery =
                Recovery::new(metric, &probes[..400], &probes[400..430], MINUTE, Detect::default());
            probes[430..].iter().position(|p| recovery.push(p).is_some()).map(|i| i + 1)
        };
        let mut all: Vec<usize> = (0..60).filter_map(seen).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn the_end_of_a_trouble_is_seen_soon() {
        for (times, within) in [(1.5, 25), (2.0, 12), (4.0, 8)] {
            let d = delays(Metric::Latency, |p, _| slow(p, 0, times), true);
            assert!(d.len() >= 45, "x{times}: only {} of 60", d.len());
            assert!(d[d.len() / 2] <= within, "x{times}: {d:?}");
        }
        for (share, within, least) in [(0.2, 55, 30), (0.5, 25, 50), (1.1, 9, 50)] {
            let d = delays(Metric::Success, |p, s| fail(p, 0, share, s), true);
            assert!(d.len() >= least, "{share}: only {} of 60", d.len());
            assert!(d[d.len() / 2] <= within, "{share}: {d:?}");
        }
    }

    #[test]
    fn a_trouble_that_goes_on_is_hardly_ever_called_over() {
        for times in [1.5, 2.0] {
            let d = delays(Metric::Latency, |p, _| slow(p, 0, times), false);
            assert!(d.len() <= 2, "x{times}: {d:?}");
        }
        for share in [0.3, 0.5] {
            let d = delays(Metric::Success, |p, s| fail(p, 0, share, s), false);
            assert!(d.len() <= 3, "{share}: {d:?}");
        }
    }

    #[test]
    fn one_quick_answer_ends_nothing_and_nothing_known_ends_nothing() {
        let mut probes = REAL.probes(7, 440, 60.0);
        slow(&mut probes, 400, 8.0);
        let of = |before: &[Probe]| {
            Recovery::new(Metric::Latency, before, &probes[400..430], MINUTE, Detect::default())
        };
        let mut recovery = of(&probes[..400]);
        assert_eq!(recovery.push(&probes[0]), None);
        assert_eq!(recovery.push(&probes[430]), None);
        let mut blind = of(&[]);
        assert!(probes.iter().all(|p| blind.push(p).is_none()));
    }
}
