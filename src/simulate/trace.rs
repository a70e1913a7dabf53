//! One simulated series: drawn first, then harmed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rand::{Rng, rngs::StdRng};
use rand_distr::{Distribution, Normal, StudentT};

use crate::model::{FaultKind, Parts, Probe, Signature};

use super::{Noise, quiet::FOREVER, steps::Steps};

/// Base interval, in seconds.
pub(super) const STEP_S: f64 = 60.0;

/// Rows of a day.
pub(super) const DAY: usize = 1440;

/// When simulated histories begin: seconds since 1970, on a Monday.
const START_S: f64 = 1_767_571_200.0;

/// A series on a grid of base intervals, or a denser one: history, then what follows the change.
///
/// A row is drawn as a whole and becomes a run in one place, [`Trace::probe`]: steps would be drawn beside `ln_ms`, their times
/// in shares of it, and handed over there.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    /// Logarithm of the milliseconds of each row.
    pub(super) ln_ms: Vec<f64>,
    /// Why each row failed, where it did.
    pub(super) failed: Vec<Option<Why>>,
    /// What the errors of some of these rows say.
    pub(super) said: BTreeMap<usize, String>,
    /// Whether there was a run at all.
    pub(super) probed: Vec<bool>,
    /// Base intervals before the change.
    pub(super) change: usize,
    /// Rows to a base interval. Before the change only the first of each is a run.
    dense: usize,
    /// How long after the begin of its row each run begins, as a share of a base interval.
    pub(super) phase: f64,
    /// What the parts of each run took, where it has any.
    pub(super) steps: Option<Steps>,
}

/// Where and how a run fails.
pub(super) type Why = (&'static str, FaultKind);

/// What fails now and then in a journey where nothing happened.
pub(super) const USUAL_FAILURE: Why = ("load", FaultKind::Timeout);

impl Trace {
    /// Draws `change` base intervals of history and `after` of what follows; `clock` is the minute of the day it begins at.
    pub(super) fn draw(
        noise: &Noise,
        (change, after): (usize, usize),
        clock: usize,
        rng: &mut StdRng,
    ) -> Self {
        let dense = noise.dense.max(1);
        let noise = &noise.on_rows();
        let rows = (change + after) * dense;
        let mut level = memory(noise, rows, rng);
        let morning = (change + clock) % DAY + 30;
        let mut walk = 0.0;
        for (row, ln) in level.iter_mut().enumerate() {
            let of_day = (row / dense + clock) % DAY;
            walk += noise.drift * normal(rng);
            let wave = (std::f64::consts::TAU * of_day as f64 / DAY as f64).sin();
            *ln += 300_f64.ln() + noise.diurnal * wave + walk;
            *ln += noise.office * office(noise, (row / dense + clock, change + clock));
            if noise.morning > 0.0 && of_day < morning + 600 {
                let since = of_day as f64 - morning as f64;
                *ln += noise.morning / (1.0 + (-since / 8.0).exp());
            }
            if rng.random::<f64>() < noise.spikes {
                *ln += (pareto(rng) + 0.5).ln();
            }
            if rng.random::<f64>() < noise.slow_path {
                *ln += 2.5_f64.ln();
            }
        }
        let mut trace = Self {
            ln_ms: level,
            failed: vec![None; rows],
            said: BTreeMap::new(),
            probed: (0..rows).map(|row| row >= change * dense || row % dense == 0).collect(),
            change,
            dense,
            phase: 0.0,
            steps: None,
        };
        trace.storms(noise, rng);
        trace
    }

    /// Bursts of slow runs, failures alone and in rows.
    fn storms(&mut self, noise: &Noise, rng: &mut StdRng) {
        let rows = self.ln_ms.len();
        for row in 0..rows {
            if rng.random::<f64>() < noise.bursts {
                let end = (row + rng.random_range(3..9) * self.dense).min(rows);
                self.ln_ms[row..end].iter_mut().for_each(|ln| *ln += 3_f64.ln());
            }
            if rng.random::<f64>() < noise.fails {
                self.failed[row] = Some(USUAL_FAILURE);
            }
            if rng.random::<f64>() < noise.failing_rows {
                let end = (row + rng.random_range(2..5) * self.dense).min(rows);
                self.failed[row..end].fill(Some(USUAL_FAILURE));
            }
        }
    }

    /// The rows of base intervals `from` to `to` after the change (negative: before it).
    fn rows(&self, from: i64, to: i64) -> std::ops::Range<usize> {
        let len = self.ln_ms.len();
        let at = |lag: i64| {
            let interval = usize::try_from(lag.saturating_add(self.change as i64)).unwrap_or(0);
            interval.saturating_mul(self.dense).min(len)
        };
        at(from)..at(to).max(at(from))
    }

    /// Makes rows `from` to `to` after the change so many times slower.
    pub(super) fn slow(&mut self, from: i64, to: i64, times: f64) {
        let rows = self.rows(from, to);
        self.ln_ms[rows].iter_mut().for_each(|ln| *ln += times.ln());
    }

    /// Makes row `from` and those after it slower by `times` of how many rows ago that was.
    pub(super) fn slow_by(&mut self, from: i64, times: impl Fn(usize) -> f64) {
        for (age, row) in self.rows(from, FOREVER).enumerate() {
            self.ln_ms[row] += times(age / self.dense).ln();
        }
    }

    /// Rows after the change of the first run at or after a moment, itself given in rows after the change.
    pub(super) fn lag(&self, moment: f64) -> i64 {
        (moment - self.phase).ceil() as i64
    }

    /// Makes a share of rows so many times slower.
    pub(super) fn slow_some(&mut self, from: i64, share: f64, times: f64, rng: &mut StdRng) {
        self.slow_share(from, |_| share, times, rng);
    }

    /// Makes a share of rows so many times slower; `share` says which of how many rows after the first.
    pub(super) fn slow_share(
        &mut self,
        from: i64,
        share: impl Fn(usize) -> f64,
        times: f64,
        rng: &mut StdRng,
    ) {
        for (age, row) in self.rows(from, FOREVER).enumerate() {
            if rng.random::<f64>() < share(age / self.dense) {
                self.ln_ms[row] += times.ln();
            }
        }
    }

    /// As [`Trace::fail`], with a share that depends on how many rows ago the first was.
    pub(super) fn fail_share(
        &mut self,
        from: i64,
        share: impl Fn(usize) -> f64,
        why: Why,
        rng: &mut StdRng,
    ) {
        for (age, row) in self.rows(from, FOREVER).enumerate() {
            if rng.random::<f64>() < share(age / self.dense) {
                self.failed[row] = Some(why);
            }
        }
    }

    /// Lets a share of rows `from` to `to` fail, and no other: what failed there by itself is as rare as before.
    pub(super) fn fail(&mut self, (from, to): (i64, i64), share: f64, why: Why, rng: &mut StdRng) {
        for row in self.rows(from, to) {
            if rng.random::<f64>() < share {
                self.failed[row] = Some(why);
            }
        }
    }

    /// Lets the errors of rows that fail for this reason, from row `from` after the change on, say what `text` draws.
    pub(super) fn tell(&mut self, from: i64, why: Why, mut text: impl FnMut() -> Option<String>) {
        for row in self.rows(from, FOREVER) {
            if self.failed[row] == Some(why)
                && let Some(text) = text()
            {
                self.said.insert(row, text);
            }
        }
    }

    /// Leaves rows out.
    pub(super) fn skip(&mut self, share: f64, rng: &mut StdRng) {
        for probed in &mut self.probed {
            *probed = *probed && rng.random::<f64>() >= share;
        }
    }

    /// Leaves a whole stretch out.
    pub(super) fn hole(&mut self, from: i64, to: i64) {
        let rows = self.rows(from, to);
        self.probed[rows].fill(false);
    }

    /// The runs, oldest first.
    pub(super) fn probes(&self) -> Vec<Probe> {
        (0..self.ln_ms.len()).filter(|row| self.probed[*row]).map(|row| self.probe(row)).collect()
    }

    fn probe(&self, row: usize) -> Probe {
        let failed = self.failed[row];
        Probe {
            at: at(row as f64 / self.dense as f64 + self.phase),
            latency_ms: failed.is_none().then(|| (self.ln_ms[row].exp() * 1e3).round() / 1e3),
            success: Some(failed.is_none()),
            late_ms: 0.0,
            signature: failed.map(|(step, kind)| {
                let signature = Signature::new(step, Some(kind));
                self.said.get(&row).map_or(signature.clone(), |text| signature.saying(text))
            }),
            revision: None,
            parts: match (&self.steps, failed) {
                (Some(steps), None) => steps.of(row),
                _ => Parts::default(),
            },
        }
    }
}

/// The moment of a row.
pub(super) fn at(row: f64) -> Timestamp {
    Timestamp::from_microsecond(((START_S + row * STEP_S) * 1e6) as i64)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// How far a minute lies within office hours, 0 to 1; both minutes count from the same midnight, the second one is the change's.
fn office(noise: &Noise, (minute, change): (usize, usize)) -> f64 {
    const WEEKS: usize = 7 * 1000;
    let weekday = (WEEKS + noise.weekday + minute / DAY - change / DAY) % 7;
    if noise.office <= 0.0 || weekday > 4 {
        return 0.0;
    }
    let of_day = (minute % DAY) as f64;
    let risen = |at: f64| 1.0 / (1.0 + (-(of_day - at) / 12.0).exp());
    risen(480.0) - risen(1080.0)
}

fn normal(rng: &mut StdRng) -> f64 {
    rand_distr::StandardNormal.sample(rng)
}

/// A Pareto value above 1 with exponent 1.5.
fn pareto(rng: &mut StdRng) -> f64 {
    (1.0 - rng.random::<f64>()).powf(-1.0 / 1.5)
}

/// Noise with first-order memory, or with a tail.
fn memory(noise: &Noise, rows: usize, rng: &mut StdRng) -> Vec<f64> {
    if let Some(freedom) = noise.tail {
        return match StudentT::new(freedom) {
            Ok(t) => (0..rows).map(|_| noise.spread * t.sample(rng) / 1.7).collect(),
            Err(_) => vec![0.0; rows],
        };
    }
    let fresh = noise.spread * (1.0 - noise.memory * noise.memory).sqrt();
    let Ok(normal) = Normal::new(0.0, noise.spread) else { return vec![0.0; rows] };
    let mut last = normal.sample(rng);
    (0..rows)
        .map(|row| {
            if row > 0 {
                let step: f64 = rand_distr::StandardNormal.sample(rng);
                last = noise.memory * last + fresh * step;
            }
            last
        })
        .collect()
}
