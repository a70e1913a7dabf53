//! Which changes spent a budget: bad runs beyond the usual share, in the time in which a change is held to have done harm.

use jiff::Timestamp;

use super::Slice;
use crate::model::ChangeId;

/// Who is held to have done it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A change, by its verdict.
    Change(ChangeId),
    /// Trouble that no logged change explains.
    Unexplained,
}

/// A time of trouble.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// Who is held to have done it.
    pub cause: Cause,
    /// Since when.
    pub from: Timestamp,
    /// Until when; now, where it goes on.
    pub to: Timestamp,
}

/// What one cause spent.
#[derive(Debug, Clone, PartialEq)]
pub struct Spent {
    /// Which.
    pub cause: Cause,
    /// Bad runs beyond the usual share.
    pub bad: f64,
    /// How much of the budget that is.
    pub share: f64,
}

/// Everything that was spent, and by whom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spending {
    /// The causes, the largest first; those that spent nothing are left out.
    pub causes: Vec<Spent>,
    /// Bad runs that lie in no trouble, and the usual share of those that do.
    pub usual: f64,
    /// How much of the budget that is.
    pub usual_share: f64,
}

/// Shares the bad runs of a window out. What is usual is the share of bad runs where there was no trouble; where several troubles overlap,
/// each is held to have done as much. `allowed`: bad runs that the objective allows.
pub fn spent_by(
    slices: &[Slice],
    troubles: &[Trouble],
    (from, to): (Timestamp, Timestamp),
    allowed: f64,
) -> Spending {
    let inside = |slice: &&Slice| slice.at >= from && slice.at < to;
    let slices: Vec<&Slice> = slices.iter().filter(inside).collect();
    let hit = |slice: &Slice| -> Vec<usize> {
        let touches = |t: &Trouble| t.from < slice.end() && t.to >= slice.at;
        (0..troubles.len()).filter(|n| touches(&troubles[*n])).collect()
    };
    let covered: Vec<Vec<usize>> = slices.iter().map(|slice| hit(slice)).collect();
    let quiet = slices.iter().zip(&covered).filter(|(_, hit)| hit.is_empty());
    let (bad, known) =
        quiet.fold((0.0, 0.0), |(bad, known), (s, _)| (bad + s.bad, known + s.good + s.bad));
    let usual_rate = if known > 0.0 { bad / known } else { 0.0 };
    let mut beyond = vec![0.0; troubles.len()];
    for (slice, hit) in slices.iter().zip(&covered) {
        let more = slice.bad - usual_rate * (slice.good + slice.bad);
        for n in hit {
            beyond[*n] += more / hit.len() as f64;
        }
    }
    let share = |bad: f64| if allowed > 0.0 { bad / allowed } else { f64::INFINITY };
    let mut causes: Vec<Spent> = Vec::new();
    for (trouble, bad) in troubles.iter().zip(beyond).filter(|(_, bad)| *bad > 1e-9) {
        match causes.iter_mut().find(|spent| spent.cause == trouble.cause) {
            Some(spent) => spent.bad += bad,
            None => causes.push(Spent { cause: trouble.cause.clone(), bad, share: 0.0 }),
        }
    }
    causes.iter_mut().for_each(|spent| spent.share = share(spent.bad));
    causes.sort_by(|a, b| b.bad.total_cmp(&a.bad).then_with(|| a.cause.cmp(&b.cause)));
    let all: f64 = slices.iter().map(|slice| slice.bad).sum();
    let usual = (all - causes.iter().map(|spent| spent.bad).sum::<f64>()).max(0.0);
    let usual_share = if usual > 0.0 { share(usual) } else { 0.0 };
    Spending { causes, usual, usual_share }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn slice(n: i64, good: f64, bad: f64) -> Slice {
        let (length, due) = (Duration::from_secs(300), good + bad);
        Slice { at: at(n * 300), length, due, good, bad, slow: 0.0, unknown: 0.0 }
    }

    fn trouble(change: &str, from: i64, to: i64) -> Trouble {
        let cause =
            if change.is_empty() { Cause::Unexplained } else { Cause::Change(change.into()) };
        Trouble { cause, from: at(from * 300), to: at(to * 300 - 1) }
    }

    #[test]
    fn a_change_spent_what_was_bad_beyond_the_usual() {
        // One run in ten is bad anyway; in spans 4 and 5 half of them are.
        let slices: Vec<_> = (0..10)
            .map(|n| if (4..6).contains(&n) { slice(n, 5.0, 5.0) } else { slice(n, 9.0, 1.0) })
            .collect();
        let spending = spent_by(&slices, &[trouble("c1", 4, 6)], (at(0), at(3000)), 20.0);
        assert_eq!(spending.causes.len(), 1);
        assert!((spending.causes[0].bad - 8.0).abs() < 1e-9, "{spending:?}");
        assert!((spending.causes[0].share - 0.4).abs() < 1e-9);
        assert!((spending.usual - 10.0).abs() < 1e-9);
    }

    #[test]
    fn two_that_overlap_share_and_one_that_did_nothing_is_not_named() {
        let slices: Vec<_> = (0..10)
            .map(|n| slice(n, 10.0 - f64::from(n == 5) * 6.0, f64::from(n == 5) * 6.0))
            .collect();
        let troubles = [trouble("c1", 5, 6), trouble("", 4, 7), trouble("c3", 8, 9)];
        let spending = spent_by(&slices, &troubles, (at(0), at(3000)), 6.0);
        let said: Vec<_> = spending.causes.iter().map(|s| (s.cause.clone(), s.bad)).collect();
        assert_eq!(said, [(Cause::Change("c1".into()), 3.0), (Cause::Unexplained, 3.0)]);
        assert_eq!(spending.usual, 0.0);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_invented(
            counts in prop::collection::vec((0_u8..9, 0_u8..9), 1..40),
            spans in prop::collection::vec((0_i64..40, 0_i64..40, 0_u8..3), 0..6),
        ) {
            let slices: Vec<_> =
                (0..).zip(&counts).map(|(n, (g, b))| slice(n, f64::from(*g), f64::from(*b))).collect();
            let troubles: Vec<_> =
                spans.iter().map(|(a, b, c)| trouble(["", "x", "y"][usize::from(*c)], *a, a + b)).collect();
            let spending = spent_by(&slices, &troubles, (at(0), at(99_999)), 10.0);
            let all: f64 = counts.iter().map(|(_, b)| f64::from(*b)).sum();
            let named: f64 = spending.causes.iter().map(|s| s.bad).sum();
            prop_assert!(spending.usual >= 0.0 && spending.causes.iter().all(|s| s.bad > 0.0));
            prop_assert!(named + spending.usual >= all - 1e-6, "{spending:?} {all}");
        }
    }
}
