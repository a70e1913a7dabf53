//! What it costs to look at many series at once: how much more evidence each must show, so that a change without any effect is
//! falsely `regressed` as rarely as one that is seen by a single journey.
//!
//! The evidence of a series is a likelihood ratio whose mean under "nothing happened" is at most one, whenever it is looked at: it
//! passes `1 / a` with a chance of at most `a` over all looks (Ville 1939; Ramdas and others, Statistical Science 38, 2023). By
//! the union bound the chances of several series add up, whatever they have to do with each other, so a series that is given the
//! share `w` of the whole chance needs `ln(1 / w)` more log-evidence (a weighted Bonferroni procedure: Holm 1979). Journeys that a
//! change maps to are the ones it can harm; they get ten times the share of the others. The thresholds of a journey that is
//! judged alone are measured ones, and stay as they are.

use crate::model::Detect;

/// The share of a journey that the change does not map to, against that of one it does.
const UNMAPPED: f64 = 0.1;

/// The share of all parts of a journey together, against that of the journey itself.
const PARTS: f64 = 0.5;

/// How much of the bound over journeys is really paid: 1 as the inequality says. More where the evidence of real noise has a
/// heavier tail than promised, less where the thresholds have room.
const SLOPE: f64 = 1.0;

/// The same of the bound over the parts of a journey.
const PART_SLOPE: f64 = 1.0;

/// How many journeys a change is judged by, in all its environments and from all locations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shares {
    /// Those that touch what was changed.
    pub mapped: usize,
    /// The others.
    pub unmapped: usize,
}

impl Shares {
    /// By how much the thresholds of a whole journey rise, in natural logarithms; 0 where it is the only one.
    pub fn whole(&self, mapped: bool) -> f64 {
        let all = count(self.mapped) + UNMAPPED * count(self.unmapped);
        let own = if mapped { 1.0 } else { UNMAPPED };
        // One that nobody counted is alone.
        SLOPE * (all.max(own) / own).ln()
    }

    /// By how much the thresholds of a part rise, where that many parts of its journey are judged.
    pub fn part(&self, mapped: bool, parts: usize) -> f64 {
        self.whole(mapped) + PART_SLOPE * (count(parts.max(1)) / PARTS).ln()
    }
}

/// How many false verdicts at most are to be expected in a hundred changes: `100 (1 - confidence)`.
pub fn expected_per_hundred(detect: &Detect) -> f64 {
    let error = 1.0 - detect.confidence;
    if error.is_finite() { 100.0 * error.clamp(0.0, 1.0) } else { 100.0 }
}

fn count(n: usize) -> f64 {
    super::figures::count(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is spent in all: the sum over all series of what is left of the chance of one.
    fn spent(shares: Shares) -> f64 {
        let of = |mapped| (-shares.whole(mapped) / SLOPE).exp();
        count(shares.mapped) * of(true) + count(shares.unmapped) * of(false)
    }

    #[test]
    fn one_journey_pays_nothing_and_all_together_spend_what_one_would() {
        for (mapped, unmapped) in [(1, 0), (0, 1)] {
            assert!(Shares { mapped, unmapped }.whole(mapped == 1).abs() < 1e-12);
        }
        assert!(Shares::default().whole(true).abs() < 1e-12);
        for (mapped, unmapped) in [(1, 0), (5, 0), (3, 40), (0, 12), (1, 999)] {
            let shares = Shares { mapped, unmapped };
            assert!((spent(shares) - 1.0).abs() < 1e-9, "{shares:?}");
            let more = shares.whole(false) - shares.whole(true);
            assert!((more - 10f64.ln()).abs() < 1e-9 || mapped == 0, "{shares:?}");
        }
        let fifty = Shares { mapped: 50, unmapped: 0 };
        assert!((fifty.whole(true) - 50f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn the_parts_of_a_journey_spend_their_share_together() {
        let shares = Shares { mapped: 4, unmapped: 10 };
        for parts in [1, 6, 30] {
            let spent = count(parts)
                * (-(shares.part(true, parts) - shares.whole(true)) / PART_SLOPE).exp();
            assert!((spent - PARTS).abs() < 1e-9);
        }
    }

    #[test]
    fn the_budget_is_what_confidence_leaves() {
        let of = |confidence| expected_per_hundred(&Detect { confidence, ..Detect::default() });
        assert!((of(0.995) - 0.5).abs() < 1e-9);
        assert!((of(2.0), of(f64::NAN)) == (0.0, 100.0));
    }
}
