//! The evidence of a shift: every probe may be the first of it, every size is tried, and what a level does by itself is
//! weighed against each.

use super::{
    Tuning,
    innovation::{Noise, Trail},
    onset::{Weight, interval},
    prior::Spell,
    robust::{ln_add, ln_sum},
};

/// Nodes and weights of Gauss-Hermite quadrature for a standard normal (five points): the natural wander of the level.
const WANDER: [(f64, f64); 5] = [
    (-2.856_970, 0.011_257_4),
    (-1.355_626, 0.222_075_9),
    (0.0, 0.533_333_3),
    (1.355_626, 0.222_075_9),
    (2.856_970, 0.011_257_4),
];
/// Probability left for "no shift yet", at least, so that its logarithm is finite.
const REST_LEAST: f64 = 1e-12;

/// Where an onset lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Clearly before the change: evidence against its guilt.
    Before,
    /// Within the last two rows before it: no evidence either way.
    Edge,
    /// At or after it.
    After,
}

/// A possible onset, opened with the first probe it would affect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Onset {
    pub(super) side: Side,
    /// Prior probability.
    pub(super) mass: f64,
    /// Time of the probe, in base intervals after the first row after the change.
    pub(super) tau: f64,
    /// Time of the probe before it.
    pub(super) since: f64,
}

/// What the times of a probe are to the ones before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaps {
    /// Base intervals since the last score.
    pub(super) score: f64,
    /// Base intervals since the last probe, with or without a score.
    pub(super) probe: f64,
}

/// Log-likelihood ratios against "nothing ever happened" of a level that is off by so much: by shift, and by node of [`WANDER`].
#[derive(Debug, Clone)]
struct Sums {
    shifted: Vec<f64>,
    strayed: [f64; WANDER.len()],
    /// Base intervals that they cover, as far as probes had scores.
    age: f64,
}

/// An onset and what may have followed. A score says the same to every onset that was there before it, so what came since one is
/// the sums of all scores less those until it: nothing of it is touched when the next score comes.
#[derive(Debug, Clone)]
struct Hypothesis {
    onset: Onset,
    ln_mass: f64,
    /// What was said until the onset, less what its own first score says.
    until: Sums,
    /// A slow spell that has ended.
    spell: f64,
}

/// The running evidence of one series.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    trail: Trail,
    shifts: Vec<f64>,
    /// Log prior probability of each.
    ln_prior: Vec<f64>,
    strays: [f64; WANDER.len()],
    /// Log weights of [`WANDER`].
    ln_weights: [f64; WANDER.len()],
    spell: Spell,
    /// Log-likelihood of all scores so far if nothing ever happened, without constants.
    base: f64,
    /// What all scores so far say of a level that was off all the time.
    sums: Sums,
    /// In order of time.
    hypotheses: Vec<Hypothesis>,
    /// By shift the sum over the onsets before the change of prior times likelihood, until each, in logarithms: they differ in
    /// nothing else, so that all of them are weighed at once.
    before: Vec<f64>,
    /// Scratch: log-likelihood of each onset at the edge or after.
    weights: Vec<(f64, f64, f64)>,
}

/// What the evidence says now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weighed {
    /// Log of the mean likelihood ratio: shift against no more than usual.
    pub(super) log_e: f64,
    /// Probability that the onset lies clearly before the change.
    pub(super) before: f64,
    /// Posterior mean of the shift, in units of the noise.
    pub(super) shift: f64,
    /// Posterior mean of the onset, not counting onsets clearly before the change.
    pub(super) onset: f64,
    /// Its 90% interval: the probe before the first one affected, and the first one affected.
    pub(super) interval: (f64, f64),
}

impl Evidence {
    /// `om`: natural wander in units of the noise; `shifts` in the same units.
    pub(super) fn new(noise: Noise, om: f64, shifts: Vec<f64>, tuning: &Tuning) -> Self {
        let nothing = vec![0.0; shifts.len()];
        Self {
            trail: Trail::new(noise),
            ln_prior: ln_prior(shifts.len(), tuning.shift_fading),
            before: vec![f64::NEG_INFINITY; shifts.len()],
            shifts,
            strays: WANDER.map(|(node, _)| node * om),
            ln_weights: WANDER.map(|(_, weight)| weight.ln()),
            spell: Spell::new(tuning),
            base: 0.0,
            sums: Sums { shifted: nothing, strayed: [0.0; WANDER.len()], age: 0.0 },
            hypotheses: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// Takes in the score of a probe, and opens the onset that it would be the first of.
    pub(super) fn push(&mut self, score: f64, gaps: Gaps, onset: Onset) {
        let innovation = self.trail.next(score, gaps.score);
        let level = innovation.ln_density(0.0, 0.0);
        self.base += level - innovation.ln_scale();
        let stays = |shift: f64| innovation.ln_density(shift, shift) - level;
        let begins = |shift: f64| innovation.ln_density(shift, 0.0) - level;
        let ends = |shift: f64| innovation.ln_density(0.0, shift) - level;
        self.end_spells(gaps.probe, ends);
        let sums = &mut self.sums;
        sums.shifted.iter_mut().zip(&self.shifts).for_each(|(s, shift)| *s += stays(*shift));
        sums.strayed.iter_mut().zip(&self.strays).for_each(|(s, stray)| *s += stays(*stray));
        sums.age += gaps.probe;
        if onset.mass > 0.0 {
            let mut until = sums.clone();
            until.shifted.iter_mut().zip(&self.shifts).for_each(|(s, shift)| *s -= begins(*shift));
            until.strayed.iter_mut().zip(&self.strays).for_each(|(s, stray)| *s -= begins(*stray));
            let ln_mass = onset.mass.ln();
            if onset.side == Side::Before {
                let sums = self.before.iter_mut().zip(&until.shifted);
                sums.for_each(|(sum, until)| *sum = ln_add(*sum, ln_mass - until));
            }
            let spell = f64::NEG_INFINITY;
            self.hypotheses.push(Hypothesis { onset, ln_mass, until, spell });
        }
    }

    /// Lets the spells that began with an onset end with a score that comes `gap` intervals after the probe before it; `ends` gives
    /// the log-likelihood ratio of that score where a level that was off is no longer.
    fn end_spells(&mut self, gap: f64, ends: impl Fn(f64) -> f64) {
        let ended: Vec<f64> = self.shifts.iter().map(|s| ends(*s)).collect();
        for hypothesis in self.hypotheses.iter_mut().rev() {
            let from = self.sums.age - hypothesis.until.age;
            if hypothesis.onset.side != Side::After || from >= self.spell.longest() {
                break;
            }
            let ends = self.spell.ends_between(from, from + gap);
            if ends > 0.0 {
                let shifted = self.sums.shifted.iter().zip(&hypothesis.until.shifted);
                let back = shifted.zip(&ended).zip(&self.ln_prior);
                let back = ln_sum(back.map(|(((s, until), e), prior)| s - until + e + prior));
                hypothesis.spell = ln_add(hypothesis.spell, ends.ln() + back);
            }
        }
    }

    /// Believes each shift less, by so much in logarithms.
    pub(super) fn doubt(&mut self, shifts: &[f64]) {
        self.ln_prior.iter_mut().zip(shifts).for_each(|(prior, doubt)| *prior -= doubt);
    }

    /// Log-likelihood, without constants, of all scores so far if nothing ever happened.
    pub(super) fn base(&self) -> f64 {
        self.base
    }

    /// Log-evidence under a mixture of this model and `other`, `odds` (log) being those of the other against this one; both were told
    /// of the same onsets.
    pub(super) fn mixed_with(&self, other: &Self, odds: f64) -> f64 {
        let (mut evidence, mut rest) = (f64::NEG_INFINITY, 1.0);
        for (own, its) in self.after().zip(other.after()) {
            let (shifted, its_shifted) = (self.shifted(own).0, other.shifted(its).0);
            let all = ln_add(shifted, odds + its_shifted);
            let usual = ln_add(self.usual(own, shifted), odds + other.usual(its, its_shifted));
            evidence = ln_add(evidence, own.ln_mass + all - usual);
            rest -= own.onset.mass;
        }
        ln_add(evidence, rest.max(REST_LEAST).ln())
    }

    fn after(&self) -> impl Iterator<Item = &Hypothesis> {
        self.hypotheses.iter().filter(|h| h.onset.side == Side::After)
    }

    /// Weighs all onsets against each other and against none.
    pub(super) fn weigh(&mut self) -> Weighed {
        let (mut evidence, mut rest) = (f64::NEG_INFINITY, 1.0);
        let sums = self.sums.shifted.iter().zip(&self.before).zip(&self.ln_prior);
        let before = ln_sum(sums.map(|((s, before), prior)| s + before + prior));
        let mut now = f64::NEG_INFINITY;
        let (mut shift, mut onset) = (0.0, 0.0);
        self.weights.clear();
        for hypothesis in self.hypotheses.iter().filter(|h| h.onset.side != Side::Before) {
            let (likelihood, mean) = self.shifted(hypothesis);
            let weight = likelihood + hypothesis.ln_mass;
            let all = ln_add(now, weight);
            let share = (weight - all).exp();
            shift += share * (mean - shift);
            onset += share * (hypothesis.onset.tau - onset);
            now = all;
            self.weights.push((hypothesis.onset.since, hypothesis.onset.tau, weight));
            if hypothesis.onset.side == Side::After {
                let usual = self.usual(hypothesis, likelihood);
                evidence = ln_add(evidence, weight - usual);
                rest -= hypothesis.onset.mass;
            }
        }
        let posterior =
            if before > f64::NEG_INFINITY { (before - ln_add(before, now)).exp() } else { 0.0 };
        Weighed {
            log_e: ln_add(evidence, rest.max(REST_LEAST).ln()),
            before: posterior,
            shift,
            onset,
            interval: interval(&self.weights),
        }
    }

    /// What every onset weighs by itself, in order of time, whatever its prior.
    pub(super) fn onsets(&self) -> Vec<Weight> {
        self.hypotheses
            .iter()
            .map(|h| {
                let shifted = self.shifted(h).0;
                let Onset { since, tau, .. } = h.onset;
                Weight { since, tau, shifted, usual: self.usual(h, shifted) }
            })
            .collect()
    }

    /// Log-likelihood ratio of a shift of any size from this onset on, and the posterior mean of its size.
    fn shifted(&self, hypothesis: &Hypothesis) -> (f64, f64) {
        let since = self.sums.shifted.iter().zip(&hypothesis.until.shifted);
        let all = || since.clone().zip(&self.ln_prior).map(|((s, until), prior)| s - until + prior);
        let most = all().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut mean) = (0.0, 0.0);
        for (likelihood, shift) in all().zip(&self.shifts) {
            let weight = (likelihood - most).exp();
            sum += weight;
            mean += weight * shift;
        }
        (most + sum.ln(), mean / sum)
    }

    /// Log-likelihood ratio of what needs no change: the level strays as it does, or a slow spell has ended or goes on.
    fn usual(&self, hypothesis: &Hypothesis, shifted: f64) -> f64 {
        let since = self.sums.strayed.iter().zip(&hypothesis.until.strayed);
        let strays = since.zip(&self.ln_weights).map(|((s, until), weight)| s - until + weight);
        let usual = ln_add(ln_sum(strays), hypothesis.spell);
        let lasts = self.spell.lasts(self.sums.age - hypothesis.until.age);
        if lasts > 1e-9 { ln_add(usual, lasts.ln() + shifted) } else { usual }
    }
}

/// Log prior probabilities of the shifts, smallest first: each is `fading` times as probable as the one before.
fn ln_prior(count: usize, fading: f64) -> Vec<f64> {
    let logs: Vec<f64> = (0..count).map(|i| i as f64 * fading.ln()).collect();
    let all = ln_sum(logs.iter().copied());
    logs.iter().map(|ln| ln - all).collect()
}
