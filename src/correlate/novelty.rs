//! Failures of a kind never seen before: one says more than another of the usual kind.
//!
//! Kinds of failure (a step and what went wrong in it) come as in a Chinese restaurant (Aldous 1985): the next is of
//! a kind in proportion to how often that was seen, or new with a chance that the journey's own history tells: how many of the later
//! half of its failures were of a kind that the earlier half had not shown (a placebo: nothing is to blame for those). A change that
//! breaks something breaks it in its own way: most failures after it are of one new kind. The ratio of both, mixed with "a
//! change may break things in old ways too", is evidence whose mean is at most 1 where nothing changed.

use std::collections::BTreeMap;

use super::{Point, Tuning, robust::ln_add};

/// Share of the failures that a change causes which are of its own new kind.
const OWN: f64 = 0.8;
/// Probability that a harmful change breaks things in a new way.
const NEW_WAYS: f64 = 0.5;
/// Smallest chance of a new kind: histories are finite.
const LEAST: f64 = 0.05;

/// What the kinds of the failures after a change say.
#[derive(Debug, Clone)]
pub(super) struct Novelty {
    /// How often each kind was seen, and whether before the change.
    seen: BTreeMap<u64, (f64, bool)>,
    failures: f64,
    /// Whether the history had any: without, nothing is known of its kinds.
    informed: bool,
    /// Chance that a failure is of a new kind though nothing changed.
    new: f64,
    ln_ratio: f64,
    most: f64,
}

impl Novelty {
    /// Learns the kinds of failure from the probes before a change, in order of time.
    pub(super) fn learn(before: &[Point], change_at_s: f64, tuning: &Tuning) -> Self {
        let kinds: Vec<u64> =
            before.iter().filter(|p| p.at_s < change_at_s).filter_map(Point::failure).collect();
        let mut seen: BTreeMap<u64, (f64, bool)> = BTreeMap::new();
        let (mut late, mut late_new) = (0.0, 0.0);
        for (nth, kind) in kinds.iter().enumerate() {
            let entry = seen.entry(*kind).or_insert((0.0, true));
            if 2 * nth >= kinds.len() {
                late += 1.0;
                late_new += f64::from(u8::from(entry.0 == 0.0));
            }
            entry.0 += 1.0;
        }
        let new = ((late_new + 0.5) / (late + 1.0)).max(LEAST);
        Self {
            seen,
            failures: kinds.len() as f64,
            informed: !kinds.is_empty(),
            new,
            ln_ratio: 0.0,
            most: tuning.novelty_most,
        }
    }

    /// Takes in a failure after the change.
    pub(super) fn push(&mut self, kind: u64) {
        if self.informed {
            let known = self.seen.get(&kind).copied();
            let usual = match known {
                Some((times, _)) => (1.0 - self.new) * times / self.failures,
                None => self.new,
            };
            let broken = match known {
                Some((_, true)) => (1.0 - OWN) * usual,
                _ => OWN + (1.0 - OWN) * usual,
            };
            self.ln_ratio += broken.ln() - usual.max(1e-6).ln();
        }
        let entry = self.seen.entry(kind).or_insert((0.0, false));
        entry.0 += 1.0;
        self.failures += 1.0;
    }

    /// What the kinds add to the log-evidence.
    pub(super) fn log_e(&self) -> f64 {
        ln_add(NEW_WAYS.ln() + self.ln_ratio, (1.0 - NEW_WAYS).ln()).min(self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(kinds: &[u64]) -> Novelty {
        let points: Vec<Point> = kinds
            .iter()
            .enumerate()
            .map(|(i, kind)| Point::measured(i as f64, None, Some(false)).of_kind(*kind))
            .collect();
        Novelty::learn(&points, 1e9, &Tuning::default())
    }

    #[test]
    fn a_new_kind_speaks_and_the_usual_one_speaks_against() {
        let after = |history: &[u64], kinds: &[u64]| {
            let mut novelty = learnt(history);
            kinds.iter().for_each(|k| novelty.push(*k));
            novelty.log_e()
        };
        assert_eq!(after(&[1; 8], &[]), 0.0);
        assert!(after(&[1; 8], &[2]) > 0.8);
        assert!(after(&[1; 8], &[2, 2]) > after(&[1; 8], &[2]));
        assert!(after(&[1; 8], &[2; 30]) <= Tuning::default().novelty_most);
        assert!((-0.7..-0.2).contains(&after(&[1; 8], &[1, 1])));
        // Where every failure is of another kind, one more says little.
        assert!(after(&[1, 2, 3, 4, 5, 6, 7, 8], &[9]) < 0.2);
        assert_eq!(after(&[], &[5, 5]), 0.0);
    }

    #[test]
    fn its_mean_is_at_most_one_where_nothing_changed() {
        // Two kinds, one twice as frequent as the other, in every possible sequence of six failures after six in the history.
        let mut mean = 0.0;
        for sequence in 0..64_u32 {
            let kinds: Vec<u64> = (0..6).map(|i| u64::from(sequence >> i & 1)).collect();
            let probability: f64 =
                kinds.iter().map(|k| if *k == 1 { 1.0 / 3.0 } else { 2.0 / 3.0 }).product();
            let mut novelty = learnt(&[0, 0, 1, 0, 1, 0]);
            kinds.iter().for_each(|k| novelty.push(*k));
            mean += probability * novelty.log_e().exp();
        }
        assert!(mean <= 1.0, "{mean}");
    }
}
