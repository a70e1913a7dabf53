//! The evidence of another failure rate: the history says how often a journey fails and how failures cluster.

use super::{
    Direction, Tuning,
    evidence::{Onset, Side, Weighed},
    onset::{Weight, interval},
    robust::{ln_add, ln_sum},
};

/// Points of the grid of failure rates.
const GRID: usize = 28;
/// Ends of what a failure rate after a failure, and an alternative rate, may be.
const MEMORY_MOST: f64 = 0.95;
const RATE_MOST: f64 = 0.98;
const GRID_MOST: f64 = 0.7;
/// Probability left for "no shift yet", at least.
const REST_LEAST: f64 = 1e-12;

/// What is believed of the failure rate.
#[derive(Debug, Clone)]
pub(super) struct Rates {
    /// Rates that need no change, evenly spaced in their logarithm, and the log of how probable each is.
    usual: [f64; GRID],
    ln_usual: [f64; GRID],
    /// Their mean.
    pub(super) mean: f64,
    /// Chance to fail one interval after a failure.
    memory: f64,
    /// Rates looked for, equally probable.
    others: Vec<f64>,
    /// Other rates that the user does not mind, as good as usual.
    minor: Vec<f64>,
    /// Failures in the history.
    pub(super) failures: usize,
}

impl Rates {
    /// Learns from history, oldest first; true is a failure.
    pub(super) fn learn(history: &[Option<bool>], direction: Direction, tuning: &Tuning) -> Self {
        let known: Vec<bool> = history.iter().copied().flatten().collect();
        let failures = known.iter().filter(|failed| **failed).count();
        let (a, b) = tuning.failure_prior;
        let (failed, passed) = (failures as f64, (known.len() - failures) as f64);
        let (least, most) = (tuning.failure_least.ln(), GRID_MOST.ln());
        let usual: [f64; GRID] =
            std::array::from_fn(|i| (least + (most - least) * i as f64 / (GRID - 1) as f64).exp());
        // A Beta density times the rate: its density in the logarithm of the rate.
        let density = usual.map(|q| (a + failed) * q.ln() + (b + passed - 1.0) * (-q).ln_1p());
        let total = ln_sum(density.into_iter());
        let ln_usual = density.map(|d| d - total);
        let mean: f64 = ln_usual.iter().zip(&usual).map(|(ln, q)| ln.exp() * q).sum();
        let pairs = known.windows(2).filter(|w| w[0]);
        let (again, after) = pairs
            .fold((0.0, 0.0), |(again, after), w| (again + f64::from(u8::from(w[1])), after + 1.0));
        let (chance, weight) = tuning.failure_memory;
        let memory = ((again + chance * weight) / (after + weight)).max(mean).min(MEMORY_MOST);
        let others = others(mean, direction, tuning);
        let sign = direction.sign();
        let minor = tuning.drops_minor.iter().map(|d| mean + sign * d);
        let minor = minor.filter(|q| (tuning.failure_least..RATE_MOST).contains(q)).collect();
        Self { usual, ln_usual, mean, memory, others, minor, failures }
    }

    /// How surely failures are rare and come alone, 0 to 1. The rates that are considered end at [`Tuning::failure_least`]: the evidence
    /// against one below is weaker than it looks, so its thresholds may be lower for the same rate of false alarms (measured).
    pub(super) fn rare(&self, tuning: &Tuning) -> f64 {
        let (surely, no_more) = tuning.rare;
        let rare = (no_more / self.mean).ln() / (no_more / surely).ln();
        let alone = (0.5 - self.memory) / 0.2;
        rare.clamp(0.0, 1.0) * alone.clamp(0.0, 1.0)
    }

    /// The chance to fail `gap` intervals after a failure: it fades to the mean, and is the learnt one an interval after.
    fn after_failure(&self, gap: f64) -> f64 {
        let fading = ((self.memory - self.mean) / (1.0 - self.mean)).clamp(0.0, 1.0);
        let chance = self.mean + (1.0 - self.mean) * fading.powf(gap.clamp(0.0, 1.0));
        chance.min(MEMORY_MOST.max(self.memory))
    }
}

/// The rates looked for.
fn others(mean: f64, direction: Direction, tuning: &Tuning) -> Vec<f64> {
    match direction {
        Direction::Worse => tuning.drops.iter().map(|d| (mean + d).min(RATE_MOST)).collect(),
        Direction::Better => {
            let least = tuning.failure_least;
            let mut rates: Vec<f64> =
                tuning.drops.iter().map(|d| mean - d).filter(|q| *q > least).collect();
            // All well again is an improvement that matters where the smallest drop fits in.
            if tuning.drops.first().is_some_and(|d| mean - least >= *d) {
                rates.push(least);
            }
            rates
        }
    }
}

/// Log-likelihoods of the outcomes under each usual rate, each other rate, each minor rate.
#[derive(Debug, Clone)]
struct Sums {
    usual: [f64; GRID],
    others: Vec<f64>,
    minor: Vec<f64>,
    /// Under the mean rate: what compares onsets with each other.
    mean: f64,
}

impl Sums {
    /// What came after `until`.
    fn since(&self, until: &Self) -> Self {
        let less = |all: &[f64], then: &[f64]| all.iter().zip(then).map(|(a, t)| a - t).collect();
        Self {
            usual: std::array::from_fn(|i| self.usual[i] - until.usual[i]),
            others: less(&self.others, &until.others),
            minor: less(&self.minor, &until.minor),
            mean: self.mean - until.mean,
        }
    }
}

#[derive(Debug, Clone)]
struct Hypothesis {
    onset: Onset,
    ln_mass: f64,
    /// The sums of all outcomes before the onset: what came since is the difference.
    until: Sums,
}

/// The running evidence of one series.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    pub(super) rates: Rates,
    failed_last: bool,
    sums: Sums,
    hypotheses: Vec<Hypothesis>,
    weights: Vec<(f64, f64, f64)>,
}

impl Failing {
    /// `failed_last`: whether the last known probe before the first one pushed had failed.
    pub(super) fn new(rates: Rates, failed_last: bool) -> Self {
        let sums = Sums {
            usual: [0.0; GRID],
            others: vec![0.0; rates.others.len()],
            minor: vec![0.0; rates.minor.len()],
            mean: 0.0,
        };
        Self { rates, failed_last, sums, hypotheses: Vec::new(), weights: Vec::new() }
    }

    /// Takes in an outcome `gap` intervals after the probe before it, and opens the onset that it would be the first of.
    pub(super) fn push(&mut self, failed: bool, gap: f64, onset: Onset) {
        let floor = if self.failed_last { self.rates.after_failure(gap) } else { 0.0 };
        let ln = |rate: f64| {
            let rate = rate.max(floor);
            if failed { rate.ln() } else { (-rate).ln_1p() }
        };
        if onset.mass > 0.0 {
            let (ln_mass, until) = (onset.mass.ln(), self.sums.clone());
            self.hypotheses.push(Hypothesis { onset, ln_mass, until });
        }
        let (sums, rates) = (&mut self.sums, &self.rates);
        sums.usual.iter_mut().zip(&rates.usual).for_each(|(s, q)| *s += ln(*q));
        sums.others.iter_mut().zip(&rates.others).for_each(|(s, q)| *s += ln(*q));
        sums.minor.iter_mut().zip(&rates.minor).for_each(|(s, q)| *s += ln(*q));
        sums.mean += ln(rates.mean);
        self.failed_last = failed;
    }

    /// What every onset weighs by itself, in order of time, whatever its prior.
    pub(super) fn onsets(&self) -> Vec<Weight> {
        let ln_uniform = -(self.rates.others.len() as f64).ln();
        self.hypotheses
            .iter()
            .map(|h| {
                let sums = self.sums.since(&h.until);
                let usual = sums.usual.iter().zip(&self.rates.ln_usual).map(|(s, ln)| s + ln);
                Weight {
                    since: h.onset.since,
                    tau: h.onset.tau,
                    shifted: ln_sum(sums.others.iter().copied()) + ln_uniform - sums.mean,
                    usual: ln_sum(usual) - sums.mean,
                }
            })
            .collect()
    }

    /// Weighs all onsets against each other and against none. The shift is a difference of rates.
    pub(super) fn weigh(&mut self) -> Weighed {
        if self.rates.others.is_empty() {
            return Weighed::default();
        }
        let ln_uniform = -(self.rates.others.len() as f64).ln();
        let (mut evidence, mut rest) = (f64::NEG_INFINITY, 1.0);
        let (mut before, mut now) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        let (mut shift, mut onset) = (0.0, 0.0);
        self.weights.clear();
        for hypothesis in &self.hypotheses {
            let sums = self.sums.since(&hypothesis.until);
            let shifted = ln_sum(sums.others.iter().copied());
            let weight = shifted + ln_uniform + hypothesis.ln_mass - sums.mean;
            if hypothesis.onset.side == Side::Before {
                before = ln_add(before, weight);
                continue;
            }
            let all = ln_add(now, weight);
            let share = (weight - all).exp();
            let moved = sums.others.iter().zip(&self.rates.others);
            let moved: f64 =
                moved.map(|(ln, q)| (ln - shifted).exp() * (q - self.rates.mean)).sum();
            shift += share * (moved - shift);
            onset += share * (hypothesis.onset.tau - onset);
            now = all;
            self.weights.push((hypothesis.onset.since, hypothesis.onset.tau, weight));
            if hypothesis.onset.side == Side::After {
                let usual = sums.usual.iter().zip(&self.rates.ln_usual).map(|(s, ln)| s + ln);
                let minor = ln_sum(sums.minor.iter().copied());
                let usual =
                    ln_add(ln_sum(usual), minor - (self.rates.minor.len() as f64).max(1.0).ln());
                evidence = ln_add(evidence, hypothesis.ln_mass + shifted + ln_uniform - usual);
                rest -= hypothesis.onset.mass;
            }
        }
        Weighed {
            log_e: ln_add(evidence, rest.max(REST_LEAST).ln()),
            before: if before > f64::NEG_INFINITY {
                (before - ln_add(before, now)).exp()
            } else {
                0.0
            },
            shift,
            onset,
            interval: interval(&self.weights),
        }
    }
}
