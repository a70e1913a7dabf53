//! Harm that shows hours after a change: a leak, a slow ramp, a path first taken at the next peak of the day.
//!
//! The watch of a change is over by then. What follows is compared in coarse blocks with the same blocks of the days before, all
//! of them against the level right before the change (a difference in differences, with the days before as controls). A level
//! strays by itself within a day, more than within an hour; how far is learnt from the journey's own history, at
//! pseudo-changes that are judged as the true one is. Nothing is said of a journey with less than a day of history.

mod blocks;

use super::{Look, Point, Tuning};

use blocks::{Ahead, Blocks, REFERENCE};

/// How long a change is looked after, in seconds: the next peak of the day, whenever that is, and some hours of it.
pub(super) const LASTS_S: f64 = 36.0 * 3600.0;

/// Windows that are looked at, in blocks, all ending now.
const WINDOWS: [usize; 4] = [3, 6, 12, 24];

/// Blocks between two pseudo-changes.
const STRIDE: usize = 2;

/// Usual straying of the mean of a window (standard deviation of the log), how it grows with the blocks of the window, and the weight
/// of both in independent windows: of a day-long stray a history of two days shows but one.
const USUAL: (f64, f64, f64) = (0.06, 16.0, 3.0);

/// A straying of so many usual ones is counted as no more: one incident of the past must not blind for the next.
const WILD: f64 = 5.0;

/// Share of a window's mean that three quarters of its blocks must reach.
const HIGH: f64 = 0.4;

/// Surprise needed for `suspected` and `regressed`, on the scale of a log-likelihood ratio, and how much more than the greatest at a
/// pseudo-change.
const NEEDED: (f64, f64) = (11.0, 13.0);
const MARGIN: f64 = 1.0;

/// What a window of so many blocks shows while nothing happens.
#[derive(Debug, Clone, Copy)]
struct Usual {
    window: usize,
    /// Variance of its mean.
    variance: f64,
    /// Degrees of freedom that this is known with.
    freedom: f64,
}

/// Looks after one series for a day after one change.
#[derive(Debug, Clone)]
pub struct SlowPath {
    change_at_s: f64,
    interval_s: f64,
    ahead: Ahead,
    usual: Vec<Usual>,
    needed: (f64, f64),
    effect: f64,
    /// What the runs of the block that is going on took, and which it is.
    block: (usize, Vec<f64>),
    residuals: Vec<f64>,
    look: Look,
}

impl SlowPath {
    /// Freezes what is expected from the runs before a change that started at `change_at_s` (seconds since 1970). None where the
    /// history is shorter than a day, or too sparse for blocks.
    pub fn freeze(
        before: &[Point],
        change_at_s: f64,
        interval_s: f64,
        tuning: &Tuning,
    ) -> Option<Self> {
        let blocks = Blocks::lay(before, change_at_s, interval_s)?;
        let ahead = blocks.ahead(blocks.len())?;
        let past = pseudo_changes(&blocks);
        let noise = blocks.noise();
        let usual = learn(&past, noise);
        let effect = tuning.effect;
        // A pseudo-change need not have been large enough to matter.
        let most =
            past.iter().map(|residuals| most_surprising(residuals, &usual)).fold(0.0, f64::max);
        let raise = (most + MARGIN - NEEDED.0).max(0.0) + tuning.latency_suspected
            - Tuning::default().latency_suspected;
        let needed = (NEEDED.0 + raise, NEEDED.1 + raise);
        Some(Self {
            change_at_s,
            interval_s,
            ahead,
            usual,
            needed,
            effect,
            block: (0, Vec::new()),
            residuals: Vec::new(),
            look: Look::quiet(needed.0, needed.1),
        })
    }

    /// Takes a run made after the change, in order of time; a look when it completed a block.
    pub fn push(&mut self, point: &Point) -> Option<Look> {
        let age_s = point.at_s - self.change_at_s;
        if !(0.0..=LASTS_S).contains(&age_s) {
            return None;
        }
        let index = (age_s / self.ahead.block_s) as usize;
        let mut complete = false;
        while self.block.0 < index {
            let runs = std::mem::take(&mut self.block.1);
            self.residuals.push(self.ahead.residual(self.block.0, &runs));
            self.block.0 += 1;
            complete = true;
        }
        if point.is_good() {
            self.block.1.extend(point.ln_ms);
        }
        complete.then(|| {
            self.look = self.judge();
            self.look
        })
    }

    /// The newest look.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// The look after the newest block.
    fn judge(&self) -> Look {
        let mut look = Look::quiet(self.needed.0, self.needed.1);
        let mut best: Option<(f64, usize, f64)> = None;
        for usual in &self.usual {
            let Some(from) = self.residuals.len().checked_sub(usual.window) else { continue };
            let Some(mean) = risen(&self.residuals[from..]) else { continue };
            let surprise = surprise(mean, usual);
            look.raw = look.raw.max(surprise);
            let large = mean >= self.effect && self.still(mean);
            if large && best.is_none_or(|(most, ..)| surprise > most) {
                best = Some((surprise, usual.window, mean));
            }
        }
        (look.log_e, look.log_e_regressed) = (Look::CLOSED, Look::CLOSED);
        if let Some((surprise, window, mean)) = best {
            let per_block = self.ahead.block_s / self.interval_s.max(1e-3);
            let from = (self.residuals.len() - window) as f64;
            (look.log_e, look.log_e_regressed, look.shift) = (surprise, surprise, mean);
            look.onset_lag = from * per_block;
            look.onset_low = (from - window as f64).max(0.0) * per_block;
            look.onset_high = (from + 0.5 * window as f64) * per_block;
        }
        look
    }

    /// Whether the newest block is not back already.
    fn still(&self, mean: f64) -> bool {
        let last = self.residuals.iter().rev().find(|r| r.is_finite());
        last.is_some_and(|r| *r >= 0.5 * self.effect.max(0.5 * mean))
    }
}

/// The residuals after pseudo-changes all over the history.
fn pseudo_changes(blocks: &Blocks) -> Vec<Vec<f64>> {
    let changes = (REFERENCE..blocks.len()).step_by(STRIDE);
    changes.filter_map(|at| Some(blocks.ahead(at)?.residuals(blocks, at))).collect()
}

/// The mean of a window whose blocks are high one and all, or nearly: a burst that fills one block is no slow hour.
fn risen(window: &[f64]) -> Option<f64> {
    let mean = mean(window)?;
    let high = window.iter().filter(|r| **r >= HIGH * mean).count();
    (mean > 0.0 && 4 * high >= 3 * window.len()).then_some(mean)
}

fn mean(values: &[f64]) -> Option<f64> {
    let there = values.iter().filter(|v| v.is_finite());
    let (n, sum) = there.fold((0usize, 0.0), |(n, sum), v| (n + 1, sum + v));
    (4 * n >= 3 * values.len() && n > 0).then(|| sum / n as f64)
}

/// How much the means of windows stray at pseudo-changes, mixed with what is usual.
fn learn(past: &[Vec<f64>], noise: f64) -> Vec<Usual> {
    let (usual, grows, weight) = USUAL;
    let blocks = past.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let seen: Vec<(f64, f64, f64)> = WINDOWS
        .iter()
        .map(|window| {
            let usual = usual * (1.0 + *window as f64 / grows);
            let least = usual * usual + 2.0 * noise / *window as f64;
            let wild = WILD * WILD * least;
            let means = past.iter().flat_map(|r| r.windows(*window)).filter_map(mean);
            let squares: Vec<f64> = means.map(|mean| (mean * mean).min(wild)).collect();
            let n = squares.len() as f64;
            // Windows overlap, and so do pseudo-changes: independent are only as many as fit into a day one after the other.
            let independent = if n > 0.0 { blocks / *window as f64 } else { 0.0 };
            (least, squares.iter().sum::<f64>() / n.max(1.0), independent)
        })
        .collect();
    // What strays for hours is in every window, and known from the few long ones only.
    let (slow, few) = seen.last().map_or((0.0, 0.0), |(_, seen, n)| (*seen, n + weight));
    let of = |(window, (least, seen, independent)): (&usize, &(f64, f64, f64))| {
        let many = weight + independent;
        let (slow, fast) = (slow.min(*seen), (seen - slow).max(0.0));
        // Degrees of freedom of a sum of two variances (Satterthwaite 1946).
        let spread = slow * slow / few.max(1.0) + fast * fast / many;
        let freedom = if spread > 0.0 { (slow + fast).powi(2) / spread } else { weight };
        Usual {
            window: *window,
            variance: (weight * least + independent * seen) / many,
            freedom: freedom.clamp(weight, many),
        }
    };
    WINDOWS.iter().zip(&seen).map(of).collect()
}

/// Log density of a mean of nothing over that of this one, by Student's t: a scale learnt from few windows forgives more.
fn surprise(mean: f64, usual: &Usual) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    0.5 * (usual.freedom + 1.0) * (mean * mean / usual.variance / usual.freedom).ln_1p()
}

fn most_surprising(residuals: &[f64], usual: &[Usual]) -> f64 {
    let of = |u: &Usual| {
        let means = residuals.windows(u.window).filter_map(risen);
        means.map(|mean| surprise(mean, u)).fold(0.0, f64::max)
    };
    usual.iter().map(of).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests;
