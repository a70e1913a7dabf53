//! What every journey says of every moment at which the trouble may have begun.

use std::collections::BTreeMap;

use super::{Signal, Suspect, timing::CLOCKS_S};
use crate::{
    correlate::{onset::Heard, robust::ln_add},
    model::{JourneyName, Metric, ServiceName},
};

/// Most cells of the grid.
const CELLS: usize = 160;
/// Most seconds before the first change, so that one journey walked once a day does not blur the others.
const REACH_S: f64 = 7200.0;
/// Largest log ratio: what a model of noise says beyond it is the model's, not the runs'.
const LN_BOUND: f64 = 30.0;
/// Share of journeys that feel a trouble with their next run after it began; the others do later, by a few runs.
const AT_ONCE: f64 = 0.75;
/// Runs by which the others are late, on average.
const LATE_RUNS: f64 = 3.0;
/// Journeys multiplied before a logarithm is taken; a factor is at most `e^60` times two.
const PRODUCT: usize = 8;
/// What a journey that moved does: it gets slower, or fails, or both.
const MOVES: (f64, f64, f64) = (0.45, 0.35, 0.2);

/// Equal cells of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) from_s: f64,
    pub(super) width_s: f64,
    pub(super) cells: usize,
}

/// A journey, and the likelihood ratio of "affected by what began in this cell" by cell.
#[derive(Debug, Clone)]
pub(super) struct Voice<'a> {
    pub(super) journey: &'a JourneyName,
    pub(super) services: &'a [ServiceName],
    pub(super) ratio: Vec<f64>,
    /// Whether it was walked at all.
    pub(super) spoke: bool,
    /// The probability that it moved, whoever did it and whenever.
    pub(super) moved: f64,
}

impl Grid {
    /// From before the first change and the first onset looked for to the newest run.
    pub(super) fn over(suspects: &[Suspect], signals: &[Signal]) -> Self {
        let finite = |t: &f64| t.is_finite();
        let started = suspects.iter().map(|s| s.started_at_s).filter(finite);
        let first = started.fold(f64::INFINITY, f64::min) - 2.0 * CLOCKS_S;
        let heard = || signals.iter().flat_map(|s| &s.heard).filter(|h| h.ln_ratio.is_finite());
        let newest = heard().map(|h| h.at_s).filter(finite).fold(f64::NEG_INFINITY, f64::max);
        let oldest = heard().map(|h| h.since_s).filter(finite).fold(f64::INFINITY, f64::min);
        let first = if first.is_finite() { first } else { oldest };
        let from_s = first.min(oldest.max(first - REACH_S));
        let to_s = newest.max(from_s + 1.0);
        if !(from_s.is_finite() && to_s.is_finite()) {
            return Self { from_s: 0.0, width_s: 1.0, cells: 1 };
        }
        Self { from_s, width_s: (to_s - from_s) / CELLS as f64, cells: CELLS }
    }

    /// The ends of a cell.
    pub(super) fn cell(&self, index: usize) -> (f64, f64) {
        let from = self.from_s + index as f64 * self.width_s;
        (from, from + self.width_s)
    }

    /// What each journey says.
    pub(super) fn voices<'a>(&self, signals: &'a [Signal]) -> Vec<Voice<'a>> {
        let mut by_journey: BTreeMap<&JourneyName, Vec<&Signal>> = BTreeMap::new();
        for signal in signals {
            by_journey.entry(&signal.journey).or_default().push(signal);
        }
        by_journey.into_iter().map(|(journey, of)| self.voice(journey, &of)).collect()
    }

    fn voice<'a>(&self, journey: &'a JourneyName, signals: &[&'a Signal]) -> Voice<'a> {
        let of = |metric: Metric| -> Option<Vec<f64>> {
            // Of several places the one that says most: a trouble of one place is trouble.
            let loud = |s: &&&Signal| s.heard.iter().map(|h| h.ln_ratio).fold(-1e9, f64::max);
            let said = signals.iter().filter(|s| s.metric == metric && !s.heard.is_empty());
            said.max_by(|a, b| loud(a).total_cmp(&loud(b))).map(|s| self.laid(s))
        };
        let ratio: Vec<f64> = match (of(Metric::Latency), of(Metric::Success)) {
            (Some(slow), Some(fails)) => {
                let moved = |(s, f): (&f64, &f64)| MOVES.0 * s + MOVES.1 * f + MOVES.2 * s * f;
                slow.iter().zip(&fails).map(moved).collect()
            }
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => vec![1.0; self.cells],
        };
        let mean = ratio.iter().sum::<f64>() / self.cells as f64;
        let spoke = signals.iter().any(|s| !s.heard.is_empty());
        let services = signals.first().map_or(&[][..], |s| &s.services);
        Voice { journey, services, spoke, moved: mean / (1.0 + mean), ratio }
    }

    /// Spreads the onsets of a signal over the cells: the mean of the ratios over the moments of a cell, and of what follows for a
    /// journey that feels it late.
    fn laid(&self, signal: &Signal) -> Vec<f64> {
        let heard: Vec<&Heard> = signal
            .heard
            .iter()
            .filter(|h| h.ln_ratio.is_finite() && h.since_s.is_finite() && h.at_s.is_finite())
            .collect();
        // The bound is on the whole, not on each: which onset is likelier than which must stay.
        let most = heard.iter().map(|h| h.ln_ratio).fold(f64::NEG_INFINITY, f64::max);
        let less = signal.owed.max(0.0).max(most - LN_BOUND);
        let ratio = |h: &Heard| (h.ln_ratio - less).max(-2.0 * LN_BOUND);
        let mut first = 0;
        let mut cells = Vec::with_capacity(self.cells);
        for index in 0..self.cells {
            let (from, to) = self.cell(index);
            while heard.get(first).is_some_and(|h| h.at_s <= from) {
                first += 1;
            }
            let (mut sum, mut covered) = (0.0, 0.0);
            for h in heard[first..].iter().take_while(|h| h.since_s < to) {
                let span = (h.at_s.min(to) - h.since_s.max(from)).max(0.0);
                sum += span * ratio(h).exp();
                covered += span;
            }
            // Where no onset is looked for, the runs say nothing.
            let rest = (self.width_s - covered).max(0.0);
            cells.push((sum + rest) / (covered + rest).max(1e-9));
        }
        let gap = typical_gap(&heard).max(1e-3);
        let kept = (-self.width_s / (LATE_RUNS * gap)).exp();
        let mut late = 1.0;
        for cell in cells.iter_mut().rev() {
            let now = *cell;
            *cell = AT_ONCE * now + (1.0 - AT_ONCE) * late;
            late = kept * late + (1.0 - kept) * now;
        }
        cells
    }

    /// By cell the log-likelihood of all journeys when journey `i` is affected with probability `p(i)`.
    pub(super) fn tell(&self, voices: &[Voice<'_>], p: impl Fn(usize) -> f64) -> Vec<f64> {
        let (mut ln, mut product) = (vec![0.0; self.cells], vec![1.0_f64; self.cells]);
        for (i, voice) in voices.iter().enumerate() {
            let p = p(i);
            for (product, ratio) in product.iter_mut().zip(&voice.ratio) {
                *product *= p * ratio + 1.0 - p;
            }
            // A logarithm now and then is enough to stay within what a number can hold.
            if i % PRODUCT == PRODUCT - 1 {
                for (ln, product) in ln.iter_mut().zip(&mut product) {
                    *ln += std::mem::replace(product, 1.0).ln();
                }
            }
        }
        ln.iter().zip(&product).map(|(ln, product)| ln + product.ln()).collect()
    }

    /// The log of the sum over the cells of a prior mass times a likelihood.
    pub(super) fn sum(&self, masses: &[f64], ln: impl Fn(usize) -> f64) -> f64 {
        masses
            .iter()
            .enumerate()
            .filter(|(_, m)| **m > 0.0)
            .map(|(cell, m)| m.ln() + ln(cell))
            .fold(f64::NEG_INFINITY, ln_add)
    }
}

/// The median time between two runs.
fn typical_gap(heard: &[&Heard]) -> f64 {
    let mut gaps: Vec<f64> = heard.iter().map(|h| h.at_s - h.since_s).collect();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(1.0)
}
