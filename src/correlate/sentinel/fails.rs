//! Failures: too many in a row, or too many.

use crate::model::Metric;

use super::{
    super::{
        Point, Tuning,
        series::{Line, moment},
    },
    Found,
};

/// Base intervals until the usual rate is learnt anew.
const RELEARNT: f64 = 30.0;

/// Rises of the failure rate looked for: smaller ones need a change to be believed.
const RISES: [f64; 4] = [0.1, 0.2, 0.45, 0.9];

/// Log-evidence needed for "too many": see the latency's.
const THRESHOLD: f64 = 15.0;
const MARGIN: f64 = 4.0;
const MOST: f64 = 40.0;

/// Failures in a row that are trouble in any journey, and the most that are asked for.
const ROW: (u32, u32) = (4, 30);

/// Longer than the longest row that ended by itself by so many.
const ROW_MARGIN: u32 = 3;

/// Chance of a false alarm by failures in a row, for each run: less than one in three months at one a minute.
const ROW_CHANCE: f64 = 7e-6;

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    log_e: f64,
    between_s: (f64, f64),
}

/// Looks for failures.
#[derive(Debug, Clone)]
pub(super) struct Fails {
    interval_s: f64,
    tuning: Tuning,
    learnt_s: Option<f64>,
    /// Chance to fail after a success, and after a failure.
    usual: (f64, f64),
    known: usize,
    sums: [Sum; RISES.len()],
    row: u32,
    row_s: f64,
    last: Option<(f64, bool)>,
    longest: f64,
    largest: f64,
    excursion: f64,
}

impl Fails {
    pub(super) fn new(interval_s: f64, tuning: Tuning) -> Self {
        Self {
            interval_s,
            tuning,
            learnt_s: None,
            usual: (0.01, 0.3),
            known: 0,
            sums: [Sum::default(); RISES.len()],
            row: 0,
            row_s: 0.0,
            last: None,
            longest: 0.0,
            largest: 0.0,
            excursion: 0.0,
        }
    }

    /// Starts again, as after a known shift.
    pub(super) fn forget(&mut self) {
        self.learnt_s = None;
        self.sums = [Sum::default(); RISES.len()];
        (self.row, self.excursion) = (0, 0.0);
    }

    /// Takes the newest run of the line.
    pub(super) fn push(&mut self, line: &Line, point: &Point) -> Option<Found> {
        let ok = point.ok?;
        let calm = self.row == 0 && self.sums.iter().all(|s| s.log_e < 0.3 * THRESHOLD);
        let age = |at: f64| (point.at_s - at) / self.interval_s;
        let wait = if calm { RELEARNT } else { 4.0 * RELEARNT };
        if self.learnt_s.is_none_or(|at| age(at) >= wait) {
            self.learn(line, point.at_s);
        }
        let (at_s, failed_last) = self.last.unwrap_or((point.at_s, false));
        self.last = Some((point.at_s, !ok));
        self.count_row(ok, point.at_s);
        let (after_success, after_failure) = self.usual;
        let usual = if failed_last { after_failure } else { after_success };
        for (sum, rise) in self.sums.iter_mut().zip(RISES) {
            let risen = (usual.max(after_success + rise)).min(0.98);
            let gain =
                if ok { (-risen).ln_1p() - (-usual).ln_1p() } else { risen.ln() - usual.ln() };
            if sum.log_e <= 0.0 {
                sum.between_s = (at_s, point.at_s);
            }
            sum.log_e = (sum.log_e + gain).max(0.0);
        }
        let now = self.sums.iter().map(|s| s.log_e).fold(0.0, f64::max);
        if now > 0.0 {
            self.excursion = self.excursion.max(now);
        } else {
            self.largest = self.largest.max(self.excursion);
            self.excursion = 0.0;
        }
        self.largest *= 0.9999;
        self.longest *= 0.9999;
        if ok { None } else { self.found(at_s) }
    }

    fn count_row(&mut self, ok: bool, at_s: f64) {
        if ok {
            self.longest = self.longest.max(f64::from(self.row));
            self.row = 0;
            return;
        }
        if self.row == 0 {
            self.row_s = at_s;
        }
        self.row += 1;
    }

    fn found(&self, well_s: f64) -> Option<Found> {
        let (q, pi) = self.usual;
        // q pi^(k-1) below the chance allowed.
        let rare = 1.0 + (ROW_CHANCE / q).ln() / pi.ln();
        let seen = f64::from(ROW_MARGIN) + self.longest;
        // A long past says more than the model: nothing like it was ever seen.
        let needed = if self.known >= 1000 { rare.min(seen) } else { rare };
        let needed = needed.ceil().clamp(f64::from(ROW.0), f64::from(ROW.1));
        if f64::from(self.row) >= needed {
            let log_e = f64::from(self.row - 1) * (0.98 / pi).ln() + (0.98 / q).ln();
            let well_s = if self.row == 1 { well_s } else { self.row_s - self.interval_s };
            return Some(Found { log_e, between_s: (well_s, self.row_s), row: Some(self.row) });
        }
        let needed = (self.largest + MARGIN).clamp(THRESHOLD, MOST);
        let most = self.sums.iter().max_by(|a, b| a.log_e.total_cmp(&b.log_e))?;
        (most.log_e >= needed).then_some(Found {
            log_e: most.log_e,
            between_s: most.between_s,
            row: None,
        })
    }

    /// Learns the usual rate and how failures follow each other, since the last known shift.
    fn learn(&mut self, line: &Line, at_s: f64) {
        self.learnt_s = Some(at_s);
        let shift = line.shifts.iter().rfind(|s| s.metric == Metric::Success);
        let to = line.from(moment(at_s));
        let from = shift.map_or(0, |s| line.from(s.at)).min(to);
        let (fails, passes) = self.tuning.failure_prior;
        let (pairs, weight) = self.tuning.failure_memory;
        let (mut known, mut failed, mut again, mut last) = (0.0, 0.0, 0.0, None);
        let recent = to.saturating_sub(self.tuning.success_history).max(from);
        let mut followed = 0.0;
        for ok in line.probes[recent..to].iter().filter_map(|p| p.success) {
            known += 1.0;
            failed += if ok { 0.0 } else { 1.0 };
            if last == Some(false) {
                followed += 1.0;
                again += if ok { 0.0 } else { 1.0 };
            }
            last = Some(ok);
        }
        self.known = known as usize;
        let mean = (fails + failed) / (fails + passes + known);
        // Half as much again: the rate itself is only known so well.
        let q = (1.5 * mean).clamp(2.0 * self.tuning.failure_least, 0.7);
        let pi = ((again + pairs * weight) / (followed + weight)).clamp(q, 0.95);
        self.usual = (q, pi);
    }
}
