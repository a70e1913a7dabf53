//! The other question: is there evidence that nothing shifted by as much as matters? Absence of alarm is not that evidence.
//!
//! An e-value for "no shift" against "the smallest shift that matters"; above [`needed`] a watch may end `unchanged`. The noise model is
//! the detector's: AR(1) scores with innovations of Student's t, the level known only up to its natural wander.

use crate::model::Metric;

use super::innovation::{self, Innovation};

/// Evidence needed to say `unchanged` of success: 20 to 1.
const NEEDED_SUCCESS: f64 = 2.995_732_273_553_991; // ln 20

/// The same of latency, whose level is let wander in the test itself: 12 to 1. Measured on usual noise with 60 runs this leaves
/// one harmless change in five open and passes one true +20% in sixty, fewer than the bound says; 20 to 1 leaves one in four open.
const NEEDED_LATENCY: f64 = 2.484_906_649_788; // ln 12

/// Log-evidence needed to say `unchanged` of a metric.
pub(super) fn needed(metric: Metric) -> f64 {
    match metric {
        Metric::Latency | Metric::Measure => NEEDED_LATENCY,
        Metric::Success => NEEDED_SUCCESS,
    }
}

/// Nodes and weights of the five-point Gauss-Hermite rule for a standard normal variable (Abramowitz & Stegun, table 25.10).
const NODES: [(f64, f64); 5] = [
    (-2.856_970_013_872_806, 0.011_257_411_327_720_69),
    (-1.355_626_179_974_266, 0.222_075_922_005_612_6),
    (0.0, 0.533_333_333_333_333_3),
    (1.355_626_179_974_266, 0.222_075_922_005_612_6),
    (2.856_970_013_872_806, 0.011_257_411_327_720_69),
];

/// How a quiet series moves, in units of its own noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Noise {
    /// Memory from one base interval to the next.
    pub(super) phi: f64,
    /// Standard deviation of the natural wander of its level.
    pub(super) wander: f64,
    /// The base interval, in seconds.
    pub(super) interval_s: f64,
    /// Degrees of freedom of its innovations.
    pub(super) tail: f64,
}

/// One score at its time, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// When, in seconds since 1970.
    pub at_s: f64,
    /// Its score.
    pub z: f64,
}

/// A score as a step from the one before it.
pub(super) fn step(now: Score, last: Option<Score>, noise: &Noise) -> Innovation {
    let memory = innovation::Noise { phi: noise.phi, tail: noise.tail, spike: 0.0 };
    let gap = |p: Score| ((now.at_s - p.at_s) / noise.interval_s.max(1e-3)).max(0.0);
    memory.innovation(now.z, last.map(|p| (p.z, gap(p))))
}

/// Log-evidence for "no shift" against "a shift of `smallest`" (in units of the noise), the level in both known up to the wander.
/// The later half must not speak against it on its own: a shift that came late would hide among the runs before it.
pub(super) fn latency(scores: &[Score], smallest: f64, noise: &Noise) -> f64 {
    let whole = stretch(scores, smallest, noise);
    let late = stretch(&scores[scores.len() / 2..], smallest, noise);
    if late < 0.0 { whole.min(late) } else { whole }
}

fn stretch(scores: &[Score], smallest: f64, noise: &Noise) -> f64 {
    let mut none = NODES.map(|(_, w)| w.ln());
    let mut shift = none;
    let mut last = None;
    for &score in scores {
        let step = step(score, last, noise);
        for (i, (x, _)) in NODES.iter().enumerate() {
            let stray = x * noise.wander;
            none[i] += step.ln_density(stray, stray);
            shift[i] += step.ln_density(smallest + stray, smallest + stray);
        }
        last = Some(score);
    }
    sum_of_logs(&none) - sum_of_logs(&shift)
}

/// Log-evidence that failures are as frequent as before (`usual`) against the drops of the success rate that the detector looks
/// for, from the smallest that matters up to nearly all, each as likely as the next.
pub(super) fn success(outcomes: &[bool], usual: f64, drops: &[f64]) -> f64 {
    let usual = usual.clamp(1e-4, 0.9);
    let (good, bad) = outcomes
        .iter()
        .fold((0.0, 0.0), |(g, b), ok| if *ok { (g + 1.0, b) } else { (g, b + 1.0) });
    let of = |q: f64| bad * q.ln() + good * (-q).ln_1p();
    let even = super::figures::count(drops.len()).ln();
    let fallen: Vec<f64> = drops.iter().map(|d| of((usual + d).min(0.98)) - even).collect();
    of(usual) - sum_of_logs(&fallen)
}

/// The smallest drop that so many runs exclude with 95% confidence: the upper end of Wilson's interval less the usual rate.
pub(super) fn excluded_drop(good: u32, runs: u32, usual: f64) -> f64 {
    let (low, _) = super::figures::wilson((good, runs));
    (1.0 - low - usual).clamp(0.0, 1.0)
}

/// `ln(sum(exp))`, safely.
pub(super) fn sum_of_logs(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + values.iter().map(|v| (v - top).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    const DROPS: [f64; 8] = [0.04, 0.08, 0.12, 0.2, 0.3, 0.45, 0.65, 0.9];

    /// AR(1) scores one a minute around `mean`.
    fn scores(seed: u64, n: usize, phi: f64, mean: f64) -> Vec<Score> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut x: f64 = StandardNormal.sample(&mut rng);
        (0..n)
            .map(|i| {
                let e: f64 = StandardNormal.sample(&mut rng);
                x = phi * x + (1.0 - phi * phi).sqrt() * e;
                Score { at_s: 60.0 * super::super::figures::count(i), z: mean + x }
            })
            .collect()
    }

    #[test]
    fn quiet_series_pass_and_shifted_ones_do_not() {
        let noise = Noise { phi: 0.4, wander: 0.15, interval_s: 60.0, tail: 6.0 };
        let passes = |mean: f64| {
            (0..200)
                .filter(|s| latency(&scores(*s, 60, 0.4, mean), 1.2, &noise) >= NEEDED_SUCCESS)
                .count()
        };
        assert!(passes(0.0) >= 170, "{}", passes(0.0));
        assert!(passes(1.2) <= 4, "{}", passes(1.2));
    }

    #[test]
    fn a_shift_in_the_later_half_does_not_pass() {
        let noise = Noise { phi: 0.2, wander: 0.1, interval_s: 60.0, tail: 6.0 };
        let mut s = scores(7, 60, 0.2, 0.0);
        s[40..].iter_mut().for_each(|x| x.z += 3.0);
        assert!(latency(&s, 1.5, &noise) < NEEDED_SUCCESS);
    }

    #[test]
    fn clean_runs_pass_and_failures_take_the_evidence_away() {
        let runs = |good: usize, bad: usize| [vec![true; good], vec![false; bad]].concat();
        assert!(success(&runs(60, 0), 0.005, &DROPS) >= NEEDED_SUCCESS);
        assert!(success(&runs(20, 0), 0.005, &DROPS) < NEEDED_SUCCESS);
        assert!(success(&runs(58, 2), 0.005, &DROPS) < NEEDED_SUCCESS);
        assert!(success(&runs(54, 6), 0.005, &DROPS) < 0.0);
        assert!(success(&runs(54, 6), 0.10, &DROPS) > success(&runs(54, 6), 0.005, &DROPS));
        assert!((excluded_drop(60, 60, 0.0) - 0.043).abs() < 0.01);
    }

    #[test]
    fn nothing_says_nothing() {
        let noise = Noise { phi: 0.4, wander: 0.1, interval_s: 60.0, tail: 6.0 };
        assert!(latency(&[], 1.0, &noise).abs() < 1e-9 && success(&[], 0.01, &DROPS).abs() < 1e-9);
    }
}
