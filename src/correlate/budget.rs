//! What it costs to look at many series at once: how much more evidence each must show, so that a change without any effect is
//! falsely `regressed` as rarely as one that is seen by a single journey.
//!
//! The evidence of a series is a likelihood ratio whose mean under "nothing happened" is at most one, whenever it is looked at: it
//! passes `1 / a` with a chance of at most `a` over all looks (Ville 1939; Ramdas and others, Statistical Science 38, 2023). By
//! the union bound the chances of several series add up, whatever they have to do with each other, so a series that is given the
//! share `w` of the whole chance needs `ln(1 / w)` more log-evidence (a weighted Bonferroni procedure: Holm 1979). The journeys
//! that a change maps to are the ones it can harm: they share the whole chance among themselves, and all others share a tenth of
//! it, so that a change of one journey's service is judged as if that were alone, however many run beside it. The thresholds of
//! a journey that is judged alone are measured ones, and stay as they are.

use crate::model::Detect;

/// The share of all journeys together that the change does not map to, against that of those it does.
const UNMAPPED: f64 = 0.1;

/// The share of all parts of a journey together, against that of the journey itself.
const PARTS: f64 = 0.5;

/// What only tells people is cheaper: so many journeys are looked at for the price of one (more
/// pay more and more of the bound), and the others have this share. The promise
/// is about verdicts that stop pipelines, and each nat more costs recorded regressions.
const TOLD_FREE: f64 = 8.0;
const TOLD_UNMAPPED: f64 = 0.5;

/// How much of the bound over the parts of a journey is really paid: 1 as the inequality says; more where the evidence of real noise
/// has a heavier tail than promised.
const PART_SLOPE: f64 = 1.0;

/// By how much the thresholds of a series rise, in natural logarithms of evidence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Raise {
    /// That of `suspected`.
    pub suspected: f64,
    /// That of `regressed`.
    pub regressed: f64,
}

/// How many journeys a change is judged by, in all its environments and from all locations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shares {
    /// Those that touch what was changed.
    pub mapped: usize,
    /// The others.
    pub unmapped: usize,
}

impl Shares {
    /// By how much the thresholds of a whole journey rise; not at all where it is the only one.
    pub fn whole(&self, mapped: bool) -> Raise {
        let many = if mapped { self.mapped } else { self.unmapped };
        let first = mapped || self.mapped == 0;
        let bound = |share: f64| (count(many.max(1)) / if first { 1.0 } else { share }).ln();
        let paid = (1.0 - TOLD_FREE / count(many.max(1))).max(0.0);
        let told = paid * bound(TOLD_UNMAPPED);
        Raise { suspected: told, regressed: bound(UNMAPPED) }
    }

    /// By how much the thresholds of a part rise, where that many parts of its journey are judged.
    pub fn part(&self, mapped: bool, parts: usize) -> Raise {
        let more = PART_SLOPE * (count(parts.max(1)) / PARTS).ln();
        let whole = self.whole(mapped).regressed;
        Raise { suspected: whole + more, regressed: whole + more }
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
        let of = |mapped| (-shares.whole(mapped).regressed).exp();
        count(shares.mapped) * of(true) + count(shares.unmapped) * of(false)
    }

    #[test]
    fn one_journey_pays_nothing_and_all_together_spend_what_one_would() {
        for (mapped, unmapped) in [(1, 0), (0, 1)] {
            assert!(Shares { mapped, unmapped }.whole(mapped == 1).regressed.abs() < 1e-12);
        }
        assert_eq!(Shares::default().whole(true), Raise::default());
        for (mapped, unmapped) in [(1, 0), (5, 0), (3, 40), (0, 12), (1, 999)] {
            let shares = Shares { mapped, unmapped };
            let others = if mapped > 0 && unmapped > 0 { UNMAPPED } else { 0.0 };
            assert!((spent(shares) - 1.0 - others).abs() < 1e-9, "{shares:?}");
        }
        // The only journey that a change maps to pays nothing for those beside it.
        assert!(Shares { mapped: 1, unmapped: 49 }.whole(true).regressed.abs() < 1e-12);
        let fifty = Shares { mapped: 50, unmapped: 1 };
        assert!((fifty.whole(true).regressed - 50f64.ln()).abs() < 1e-9);
        assert!((0.7 * 50f64.ln()..50f64.ln()).contains(&fifty.whole(true).suspected));
        assert_eq!(Shares { mapped: 8, unmapped: 0 }.whole(true).suspected, 0.0);
        assert!((fifty.whole(false).regressed - 10f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn the_parts_of_a_journey_spend_their_share_together() {
        let shares = Shares { mapped: 4, unmapped: 10 };
        for parts in [1, 6, 30] {
            let spent = count(parts)
                * (-(shares.part(true, parts).regressed - shares.whole(true).regressed)
                    / PART_SLOPE)
                    .exp();
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
