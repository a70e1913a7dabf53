//! Slower answers: one cumulative sum for each size of shift, over scores that have level, noise, memory and season taken out.

use std::collections::VecDeque;

use crate::model::Metric;

use super::{
    super::{
        Baseline, Direction, Point, Tuning,
        pace::Pace,
        reach::EVER,
        rebase,
        robust::median,
        rows::History,
        series::{Line, moment},
    },
    Found,
};

/// Base intervals until level and noise are learnt anew.
const RELEARNT: f64 = 30.0;

/// The shifts looked for, as latency ratios: smaller ones need a change to be believed.
const SHIFTS: [f64; 5] = [1.35, 1.55, 2.0, 3.0, 6.0];

/// The level is let wander by this many of its standard deviations without anything being said.
const WANDER: f64 = 1.5;

/// Log-evidence needed. By Lorden's bound a chart of a true model alarms less than once in `exp(h)` runs: two years at one a minute,
/// over all charts. The rest is for what the model does not know.
const THRESHOLD: f64 = 17.0;

/// How much more than the largest excursion the journey has shown without trouble, and the most that is asked for.
const MARGIN: f64 = 4.0;
const MOST: f64 = 40.0;

/// Base intervals that a shift must last: what is over sooner is a spell.
const LASTS: f64 = 15.0;

/// Fewest slow runs.
const RUNS: usize = 8;

/// Residuals kept.
const KEPT: usize = 240;

/// What is known of the level, from the runs up to some moment.
#[derive(Debug, Clone)]
struct Frozen {
    baseline: Baseline,
    pace: Pace,
    at_s: f64,
    stray: f64,
}

/// One cumulative sum.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    log_e: f64,
    /// The last run at zero, and the first above it, in seconds since 1970.
    between_s: (f64, f64),
}

/// Looks for slower answers.
#[derive(Debug, Clone)]
pub(super) struct Slows {
    interval_s: f64,
    tuning: Tuning,
    frozen: Option<Frozen>,
    sums: [Sum; SHIFTS.len()],
    last: Option<(f64, f64)>,
    residuals: VecDeque<(f64, f64)>,
    /// The largest excursion that ended without an alarm; it fades.
    largest: f64,
    excursion: f64,
}

impl Slows {
    pub(super) fn new(interval_s: f64, tuning: Tuning) -> Self {
        Self {
            interval_s,
            tuning,
            frozen: None,
            sums: [Sum::default(); SHIFTS.len()],
            last: None,
            residuals: VecDeque::new(),
            largest: 0.0,
            excursion: 0.0,
        }
    }

    /// The memory of the noise, where known.
    pub(super) fn memory(&self) -> f64 {
        self.frozen.as_ref().map_or(0.3, |f| f.baseline.phi)
    }

    /// Starts again, as after a known shift.
    pub(super) fn forget(&mut self) {
        self.frozen = None;
        self.sums = [Sum::default(); SHIFTS.len()];
        self.last = None;
        self.residuals.clear();
        self.excursion = 0.0;
    }

    /// Takes the newest run of the line.
    pub(super) fn push(&mut self, line: &Line, point: &Point) -> Option<Found> {
        let calm = self.sums.iter().all(|s| s.log_e < 0.5 * THRESHOLD);
        let stale = self.frozen.as_ref().is_none_or(|f| {
            let age = (point.at_s - f.at_s) / self.interval_s;
            // What may be the beginning of trouble must not become the level, nor wait for ever to be.
            age >= if calm { RELEARNT } else { 4.0 * RELEARNT }
        });
        if stale {
            self.learn(line, point.at_s);
        }
        let frozen = self.frozen.as_mut()?;
        let beat = frozen.pace.beat(point.at_s)?;
        if !point.is_good() {
            return None;
        }
        let expected = frozen.baseline.centre + frozen.baseline.season.after(beat.tau);
        let residual = point.level(Direction::Worse) - expected;
        let score = frozen.baseline.score.of(residual + frozen.baseline.centre);
        let noise = self.tuning.noise_of(frozen.baseline.phi);
        let gap = |(at_s, _): (f64, f64)| ((point.at_s - at_s) / self.interval_s).max(0.0);
        let innovation = noise.innovation(score, self.last.map(|l| (l.1, gap(l))));
        let quiet_s = self.last.map_or(point.at_s, |(at_s, _)| at_s);
        let none = innovation.ln_density(frozen.stray, frozen.stray);
        for (sum, ratio) in self.sums.iter_mut().zip(SHIFTS) {
            let shift = ratio.ln() / frozen.baseline.se;
            if shift < 2.0 * frozen.stray + 0.3 {
                continue;
            }
            let begins = innovation.ln_density(shift, 0.0) - none;
            let goes_on = sum.log_e + innovation.ln_density(shift, shift) - none;
            if sum.log_e > 0.0 && goes_on >= begins {
                sum.log_e = goes_on;
            } else {
                *sum = Sum { log_e: begins, between_s: (quiet_s, point.at_s) };
            }
            if sum.log_e <= 0.0 {
                *sum = Sum::default();
            }
        }
        self.last = Some((point.at_s, score));
        self.residuals.push_back((point.at_s, residual));
        self.residuals.drain(..self.residuals.len().saturating_sub(KEPT));
        self.remember();
        self.found(point.at_s)
    }

    /// Notes the size of excursions that ended by themselves.
    fn remember(&mut self) {
        let now = self.sums.iter().map(|s| s.log_e).fold(0.0, f64::max);
        if now > 0.0 {
            self.excursion = self.excursion.max(now);
        } else {
            self.largest = self.largest.max(self.excursion);
            self.excursion = 0.0;
        }
        // Half forgotten after some 7000 runs.
        self.largest *= 0.9999;
    }

    fn found(&self, now_s: f64) -> Option<Found> {
        let needed = (self.largest + MARGIN).clamp(THRESHOLD, MOST);
        let sure = self.sums.iter().zip(SHIFTS).filter(|(s, ratio)| {
            s.log_e >= needed && self.lasting(s.between_s.1, now_s, ratio.ln())
        });
        let (sum, _) = sure.max_by(|(a, _), (b, _)| a.log_e.total_cmp(&b.log_e))?;
        Some(Found { log_e: sum.log_e, between_s: sum.between_s, row: None })
    }

    /// Whether the runs since `from_s` are slow as a whole, and still are.
    fn lasting(&self, from_s: f64, now_s: f64, shift: f64) -> bool {
        let since: Vec<f64> =
            self.residuals.iter().filter(|(at, _)| *at >= from_s).map(|(_, r)| *r).collect();
        if now_s - from_s < LASTS * self.interval_s || since.len() < RUNS {
            return false;
        }
        let least = self.tuning.effect.max(0.5 * shift);
        let now = &since[since.len() - 5..];
        median(&since) >= least && now.iter().filter(|r| **r >= 0.5 * least).count() >= 4
    }

    /// Learns level, noise and season from the runs before now.
    fn learn(&mut self, line: &Line, at_s: f64) {
        let before = rebase::before(line, (moment(at_s), &[EVER]), Metric::Latency, &[]);
        let history =
            History::lay(&before.points, at_s, self.interval_s, Direction::Worse, &self.tuning);
        let horizon = (4.0 * RELEARNT) as usize + 1;
        let Some(mut baseline) = Baseline::freeze(&history, horizon, 1.0, &self.tuning) else {
            self.frozen = None;
            return;
        };
        baseline.rest_on(before.level);
        let pace = Pace::new(&history, at_s, self.interval_s);
        let stray = WANDER * baseline.om;
        self.frozen = Some(Frozen { baseline, pace, at_s, stray });
    }
}
