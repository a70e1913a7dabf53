//! Blocks of runs, and what they are expected to be from the same blocks of the days before.

use super::super::{Direction, Point, figures::median_of};

/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

/// Days that are looked back on.
const DAYS: usize = 7;

/// A block lasts so long, in seconds, and holds so many runs at least.
const BLOCK_S: f64 = 900.0;
const RUNS: f64 = 5.0;

/// Fewest blocks of a day: fewer know no time of day.
const OF_DAY: f64 = 24.0;

/// Fewest runs whose median counts.
const LEAST: usize = 3;

/// Blocks right before a change that say where the level is: three hours at the usual length.
pub(super) const REFERENCE: usize = 12;

/// The history in blocks, oldest first; the last ends with the change. NaN where there were too few runs.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    medians: Vec<f64>,
    of_day: usize,
    block_s: f64,
}

/// What is expected of the blocks after a change.
#[derive(Debug, Clone)]
pub(super) struct Ahead {
    pub(super) block_s: f64,
    /// By block of the day since the change.
    expected: Vec<f64>,
}

impl Blocks {
    /// Lays runs before `at_s` on blocks that end there. None where runs are too rare.
    pub(super) fn lay(points: &[Point], at_s: f64, interval_s: f64) -> Option<Self> {
        let least_s = BLOCK_S.max(RUNS * interval_s);
        let of_day = (DAY_S / least_s).floor();
        if !(OF_DAY..=1e4).contains(&of_day) || !at_s.is_finite() {
            return None;
        }
        let block_s = DAY_S / of_day;
        let of_day = of_day as usize;
        let most = (DAYS + 1) * of_day + REFERENCE;
        let mut runs: Vec<Vec<f64>> = Vec::new();
        for point in points.iter().filter(|p| p.is_good() && p.at_s < at_s) {
            let back = ((at_s - point.at_s) / block_s).ceil() as usize;
            if (1..=most).contains(&back) {
                if runs.len() < back {
                    runs.resize(back, Vec::new());
                }
                runs[back - 1].push(point.level(Direction::Worse));
            }
        }
        let medians = runs.into_iter().rev().map(median).collect();
        Some(Self { medians, of_day, block_s })
    }

    pub(super) fn len(&self) -> usize {
        self.medians.len()
    }

    /// What is expected after a change at the start of block `at`. None without a day before it.
    pub(super) fn ahead(&self, at: usize) -> Option<Ahead> {
        let level = self.reference(at)?;
        let days: Vec<(usize, f64)> = (1..=DAYS)
            .map_while(|day| at.checked_sub(day * self.of_day))
            .filter_map(|from| Some((from, self.reference(from)?)))
            .collect();
        if days.is_empty() {
            return None;
        }
        let moved = |block: usize| {
            let of_days = days.iter().map(|(from, was)| self.smooth(from + block, at) - was);
            median_of(of_days.filter(|v| v.is_finite()).collect()).unwrap_or(f64::NAN)
        };
        let expected = (0..self.of_day).map(|block| level + moved(block)).collect();
        Some(Ahead { block_s: self.block_s, expected })
    }

    /// The median of the blocks right before one.
    fn reference(&self, at: usize) -> Option<f64> {
        let blocks = self.medians.get(at.checked_sub(REFERENCE)?..at)?;
        let there: Vec<f64> = blocks.iter().copied().filter(|v| v.is_finite()).collect();
        if 2 * there.len() >= REFERENCE { median_of(there) } else { None }
    }

    /// A block with its neighbours, none of them from `end` on.
    fn smooth(&self, block: usize, end: usize) -> f64 {
        let near = block.saturating_sub(1)..(block + 2).min(end);
        let there: Vec<f64> =
            self.medians[near].iter().copied().filter(|v| v.is_finite()).collect();
        if there.is_empty() { f64::NAN } else { there.iter().sum::<f64>() / there.len() as f64 }
    }

    /// Variance of a block's median, from the steps between neighbours; it is little disturbed by those that moved for good.
    pub(super) fn noise(&self) -> f64 {
        let steps: Vec<f64> = self
            .medians
            .windows(2)
            .map(|w| (w[1] - w[0]).abs())
            .filter(|step| step.is_finite())
            .collect();
        // A median of absolute steps is 0.6745 standard deviations, and a step has the variance of two blocks.
        median_of(steps).map_or(0.0, |step| 0.5 * (step / 0.6745).powi(2))
    }
}

impl Ahead {
    /// How far the runs of a block lie above what is expected of it; NaN where that is not known.
    pub(super) fn residual(&self, block: usize, runs: &[f64]) -> f64 {
        let runs = runs.iter().copied().filter(|v| v.is_finite()).collect();
        median(runs) - self.expected[block % self.expected.len()]
    }

    /// The residuals of a day of history after a pseudo-change at block `at`.
    pub(super) fn residuals(&self, blocks: &Blocks, at: usize) -> Vec<f64> {
        let after = blocks.medians[at..].iter().zip(&self.expected);
        after.map(|(block, expected)| block - expected).collect()
    }
}

fn median(runs: Vec<f64>) -> f64 {
    if runs.len() < LEAST { f64::NAN } else { median_of(runs).unwrap_or(f64::NAN) }
}
