//! Does an open trouble still hold? Evidence that the metric is back, not merely the absence of evidence that it is not.
//!
//! A CUSUM of the likelihood ratio of "back to the baseline" against "still at least half the shift", begun anew at any run.
//! It must reach 100 to 1, and the last three runs must be clean: one quick answer ends no trouble.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Detect, Metric, Probe};

use super::{
    Point, Tuning,
    figures::{count, tally},
    pass::{Noise, Score, innovation},
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
    end: Back,
}

impl Recovery {
    /// For a trouble of `metric`: the runs before it, the runs since it began, the usual distance of two runs.
    pub fn new(
        metric: Metric,
        baseline: &[Probe],
        shifted: &[Probe],
        interval: Duration,
        detect: Detect,
    ) -> Self {
        let tuning = Tuning::of(&detect);
        let recent = |probes: &[Probe]| -> Vec<f64> {
            let from = probes.len().saturating_sub(RECENT);
            probes[from..].iter().filter_map(|p| point(p).ln_ms).collect()
        };
        let end = match metric {
            Metric::Latency => {
                let before = recent(baseline);
                let after = recent(shifted);
                let level = if before.is_empty() { 0.0 } else { robust::median(&before) };
                let noise = if before.is_empty() { 0.0 } else { robust::spread(&before, level) };
                let scale = noise.max(0.5 * tuning.effect);
                let scores: Vec<f64> =
                    before.iter().map(|y| ((y - level) / scale).clamp(-3.0, 3.0)).collect();
                let phi = (robust::autocorrelation(&scores)
                    + tuning.memory_margin / count(scores.len().max(1)).sqrt())
                .clamp(0.0, 0.9);
                let shift =
                    if after.is_empty() { 0.0 } else { robust::median(&after) - level };
                let noise = Noise { phi, wander: 0.0, interval_s: interval.as_secs_f64() };
                Back::latency(level, scale, noise, shift.max(tuning.effect))
            }
            Metric::Success => {
                let (good, runs) = tally(baseline.iter());
                let (still, since) = tally(shifted.iter());
                let usual = (0.3 + f64::from(runs - good)) / (60.3 + f64::from(runs));
                let rate = (0.5 + f64::from(since - still)) / (1.0 + f64::from(since));
                Back::success(usual, rate - usual)
            }
        };
        Self { end }
    }

    /// Takes the next run; says when the trouble is over.
    pub fn push(&mut self, probe: &Probe) -> Option<Recovered> {
        self.end.push(&point(probe)).map(|at_s| Recovered { at: moment(at_s) })
    }
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
    Latency { level: f64, scale: f64, noise: Noise, half: f64 },
    /// Failures at the usual rate against failures at `half` of the way to what it became.
    Success { usual: f64, half: f64 },
}

impl Back {
    /// For times: the level and scale of the logarithm before, and by how much it shifted.
    pub(super) fn latency(level: f64, scale: f64, noise: Noise, shift: f64) -> Self {
        let scale = scale.max(1e-6);
        Self::of(Model::Latency { level, scale, noise, half: 0.5 * shift.max(0.05) / scale })
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

    /// Takes a run; the time of the first run of the proof once it is complete.
    pub(super) fn push(&mut self, point: &Point) -> Option<f64> {
        let (gain, clean) = match self.model {
            Model::Latency { level, scale, noise, half } => {
                let score = Score { at_s: point.at_s, z: (point.ln_ms? - level) / scale };
                let last = self.last.replace(score);
                let gain = innovation(score, last, 0.0, &noise)
                    - innovation(score, last, half, &noise);
                (gain, score.z <= half)
            }
            Model::Success { usual, half } => {
                let ok = point.ok?;
                let gain = if ok {
                    (-usual).ln_1p() - (-half).ln_1p()
                } else {
                    usual.ln() - half.ln()
                };
                (gain, ok)
            }
        };
        self.clean = if clean { self.clean + 1 } else { 0 };
        self.evidence += gain;
        if self.evidence <= 0.0 || !self.evidence.is_finite() {
            (self.evidence, self.since_s) = (0.0, None);
            return None;
        }
        let since = *self.since_s.get_or_insert(point.at_s);
        (self.evidence >= NEEDED && self.clean >= CLEAN).then_some(since)
    }
}
