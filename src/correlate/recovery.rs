//! Does an open trouble still hold? Evidence that the metric is back, not merely the absence of evidence that it is not.
//!
//! A CUSUM (Page 1954) of the likelihood ratio of "back to the baseline" against "much of the shift still holds", begun anew at
//! any run. It must reach 100 to 1, and more the longer the trouble has lasted: what has held for hours ends in no given
//! minute. The last three runs must be clean as well: one quick answer ends no trouble.
//!
//! How much of the shift: a trouble that goes on is at its whole size, so against a share `s` of it the CUSUM strays up to `h`
//! with a chance of about `exp(-h (2 / s - 1))`, while an end takes `h / s^2` to be seen. For a given chance the delay is
//! as `1 / (s (2 - s))`: three quarters are better than a half, and hardly worse than all. It is the shift less half of the
//! smallest effect, since its size is known no better. What is left when an end is called is half of that at most; of a large
//! shift that would still matter, and its end is seen soon anyway: there it is half of the shift.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Detect, Metric, Probe};

use super::{
    Point, Tuning,
    figures::{count, tally},
    footing::Footing,
    measure::Reader,
    pass::{Noise, Score, step},
    robust,
    series::{moment, point, seconds},
};

/// Evidence needed: 100 to 1.
const NEEDED: f64 = 4.605_170_185_988_091; // ln 100

/// Runs in a row that must be clean.
const CLEAN: u32 = 3;

/// Base intervals that a trouble lasts before its end needs more evidence, and the power of that: where its end is looked for `n`
/// times as long, `n` squared times as much is asked for. A level and a season are known the worse the longer ago they were
/// learnt.
const LASTED: (f64, f64) = (120.0, 2.0);

/// The moment from which on the metric is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// The first run of the stretch that proves it.
    pub at: Timestamp,
}

/// Watches an open trouble for its end.
#[derive(Debug, Clone)]
pub struct Recovery {
    metric: Metric,
    /// What times are expected without the trouble; none where nothing is known of them.
    footing: Option<Footing>,
    end: Back,
    /// How runs are read, where the trouble is one of a measure.
    measure: Option<Reader>,
}

impl Recovery {
    /// For a trouble of `metric`: the runs before it, the runs since it began, the usual distance of two runs. Without runs before
    /// it nothing is ever known to be as before. Of a measure the runs have its value as their time.
    pub fn new(
        metric: Metric,
        baseline: &[Probe],
        shifted: &[Probe],
        interval: Duration,
        detect: Detect,
    ) -> Self {
        if metric == Metric::Measure {
            return Self::of_measure((baseline, shifted), interval, detect);
        }
        let tuning = &Tuning::of(&detect);
        let before: Vec<Point> = baseline.iter().map(point).collect();
        let interval_s = interval.as_secs_f64().max(1e-3);
        let began = shifted.first().map(|p| seconds(p.at)).or(before.last().map(|p| p.at_s));
        let (footing, end) = match metric {
            Metric::Latency | Metric::Measure => {
                // A level that two runs know is better than a trouble that never ends.
                let few = Tuning { baseline_min: 2, ..tuning.clone() };
                let footing = began.and_then(|at_s| Footing::lay(&before, at_s, interval_s, &few));
                let end = footing.clone().map_or(Back::never(), |mut footing| {
                    let moved: Vec<f64> =
                        shifted.iter().filter_map(|p| footing.score(&point(p))).collect();
                    let least = tuning.effect / footing.scale();
                    let shift = robust::median(&moved).max(least);
                    Back::latency(footing.noise(interval_s, tuning.tail), shift, least)
                });
                (footing, end)
            }
            Metric::Success => {
                let good = before.iter().filter(|p| p.ok == Some(true)).count();
                let runs = before.iter().filter(|p| p.ok.is_some()).count();
                let (still, since) = tally(shifted.iter());
                let (fails, passes) = tuning.failure_prior;
                let usual = (fails + count(runs - good)) / (fails + passes + count(runs));
                (None, Back::success(usual, (since - still, since), interval_s))
            }
        };
        Self { metric, footing, end: end.begun(began), measure: None }
    }

    fn of_measure(
        (baseline, shifted): (&[Probe], &[Probe]),
        interval: Duration,
        detect: Detect,
    ) -> Self {
        let Some(mut reader) = Reader::new(baseline, shifted, interval.as_secs_f64()) else {
            let end = Back::never();
            return Self { metric: Metric::Latency, footing: None, end, measure: None };
        };
        let mut read =
            |probes: &[Probe]| -> Vec<Probe> { probes.iter().map(|p| reader.read(p)).collect() };
        let (before, since) = (read(baseline), read(shifted));
        let inner = Self::new(reader.metric(), &before, &since, interval, detect);
        Self { measure: Some(reader), ..inner }
    }

    /// Goes on with a test that a watch began, once that is over: `before` are the runs its times are compared with.
    pub(super) fn resume(
        metric: Metric,
        before: &[Point],
        at_s: f64,
        end: Back,
        tuning: &Tuning,
    ) -> Self {
        let wanted = metric == Metric::Latency;
        let lay = || Footing::lay(before, at_s, end.interval_s, tuning);
        Self { metric, footing: wanted.then(lay).flatten(), end, measure: None }
    }

    /// Takes the next run; says when the trouble is over.
    pub fn push(&mut self, probe: &Probe) -> Option<Recovered> {
        let read = self.measure.as_mut().map(|reader| reader.read(probe));
        let point = point(read.as_ref().unwrap_or(probe));
        let since = match self.metric {
            Metric::Latency | Metric::Measure => {
                let z = self.footing.as_mut()?.score(&point)?;
                self.end.push_score(Score { at_s: point.at_s, z })
            }
            Metric::Success => self.end.push_outcome(point.at_s, point.ok?),
        };
        since.map(|at_s| Recovered { at: moment(at_s) })
    }
}

/// The CUSUM itself, for either metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Back {
    model: Model,
    interval_s: f64,
    /// When the trouble began, where known; else the first run counts.
    began_s: Option<f64>,
    evidence: f64,
    since_s: Option<f64>,
    clean: u32,
    last: Option<Score>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Model {
    /// Scores about 0 against scores about `still`.
    Latency { noise: Noise, still: f64 },
    /// Failures at the usual rate against failures at the rate `still`, which follows from the failed and all runs since it began.
    Success { usual: f64, still: f64, seen: (u32, u32) },
    /// Nothing is known of what was before.
    Unknown,
}

/// The smallest part of a shift that is told from none, in units of the noise.
const STILL_LEAST: f64 = 0.25;

/// In smallest effects: by how much less than the whole shift still is its going on, and the most that this may be of itself, where
/// half of the shift is not more.
const STILL: (f64, f64) = (0.5, 1.7);

/// The share of a rise of the failure rate that counts as its going on, and the smallest rise.
const STILL_RISE: (f64, f64) = (0.5, 0.04);

/// Good runs that are taken to be among those since a trouble began: when it is first seen, by a few failures in a row, its rate looks
/// higher than it is, and a few good runs in a row would end what goes on.
const STILL_WELL: f64 = 4.0;

/// The failure rate that counts as the trouble's going on, of the failed and all runs since it began.
fn still_failing(usual: f64, (failed, runs): (u32, u32)) -> f64 {
    let rate = f64::from(failed) / (f64::from(runs) + STILL_WELL);
    (usual + STILL_RISE.0 * (rate - usual).max(STILL_RISE.1)).clamp(usual + 0.01, 0.98)
}

impl Back {
    /// For times: how the scores move, by how much they shifted, and the smallest shift that matters (both in units of the noise).
    pub(super) fn latency(noise: Noise, shift: f64, least: f64) -> Self {
        let share = (shift - STILL.0 * least).min(STILL.1 * least).max(0.5 * shift);
        let still = if share.is_finite() { share.max(STILL_LEAST) } else { f64::MAX };
        Self::of(Model::Latency { noise, still }, noise.interval_s)
    }

    /// For success: the usual failure rate, the failed and all runs since the trouble began, and the base interval in seconds.
    pub(super) fn success(usual: f64, seen: (u32, u32), interval_s: f64) -> Self {
        let usual = usual.clamp(1e-3, 0.9);
        let still = still_failing(usual, seen);
        Self::of(Model::Success { usual, still, seen }, interval_s)
    }

    fn never() -> Self {
        Self::of(Model::Unknown, 1.0)
    }

    fn of(model: Model, interval_s: f64) -> Self {
        let interval_s = interval_s.max(1e-3);
        Self {
            model,
            interval_s,
            began_s: None,
            evidence: 0.0,
            since_s: None,
            clean: 0,
            last: None,
        }
    }

    /// With the moment the trouble began.
    pub(super) fn begun(self, at_s: Option<f64>) -> Self {
        Self { began_s: at_s, ..self }
    }

    /// The same test for a shift of another size: what was gathered stays. A failure rate is learnt as the runs come.
    pub(super) fn resized(self, other: &Self) -> Self {
        match self.model {
            Model::Success { .. } => self,
            _ => Self { model: other.model, ..self },
        }
    }

    /// Takes a score; the time of the first run of the proof once it is complete.
    pub(super) fn push_score(&mut self, score: Score) -> Option<f64> {
        let Model::Latency { noise, still } = self.model else { return None };
        let last = self.last.replace(score);
        let step = step(score, last, &noise);
        let gain = step.ln_density(0.0, 0.0) - step.ln_density(still, still);
        self.gather(score.at_s, gain, score.z <= still)
    }

    /// Takes a known success or failure; as for scores.
    pub(super) fn push_outcome(&mut self, at_s: f64, ok: bool) -> Option<f64> {
        let Model::Success { usual, still, mut seen } = self.model else { return None };
        seen = (seen.0 + u32::from(!ok), seen.1 + 1);
        let gain = if ok { (-usual).ln_1p() - (-still).ln_1p() } else { usual.ln() - still.ln() };
        let over = self.gather(at_s, gain, ok);
        // While the trouble goes on, its size is known better; while its end is looked for, that must not shrink what is to end.
        let still = if self.since_s.is_none() { still_failing(usual, seen) } else { still };
        self.model = Model::Success { usual, still, seen };
        over
    }

    fn gather(&mut self, at_s: f64, gain: f64, clean: bool) -> Option<f64> {
        let began = *self.began_s.get_or_insert(at_s);
        self.clean = if clean { self.clean + 1 } else { 0 };
        self.evidence += gain;
        if self.evidence <= 0.0 || !self.evidence.is_finite() {
            (self.evidence, self.since_s) = (0.0, None);
            return None;
        }
        let since = *self.since_s.get_or_insert(at_s);
        let lasted = ((since - began) / self.interval_s / LASTED.0).max(0.0);
        let needed = NEEDED + LASTED.1 * lasted.ln_1p();
        (self.evidence >= needed && self.clean >= CLEAN).then_some(since)
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
        for (share, within, least) in [(0.2, 58, 20), (0.5, 25, 50), (1.1, 10, 50)] {
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
