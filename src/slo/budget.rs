//! The error budget of one journey in one environment, by the method of the SRE Workbook's chapter on alerting on objectives
//! (<https://sre.google/workbook/alerting-on-slos/>): of all runs that a rolling window should have, the share `1 - objective` may be bad.
//!
//! A prober's traffic is known in advance, so three things differ from counting requests. What is due but was not walked is unknown: it
//! neither spends the budget nor counts as good. So is a run that broke by our own fault. And where a watch walks a journey denser than its
//! schedule says, its runs weigh less, or a bad deployment would spend six times what its users felt.

use std::time::Duration;

use jiff::Timestamp;

use super::Ledger;
use crate::model::Slo;

/// What was counted from a moment on, in at most five minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Since when.
    pub at: Timestamp,
    /// Runs that passed in time.
    pub good: u64,
    /// Runs that failed, or passed too slowly.
    pub bad: u64,
    /// Those of the bad ones that passed, but too slowly.
    pub slow: u64,
    /// Runs that broke by our own fault.
    pub broken: u64,
}

impl Counted {
    /// Runs of which is known what came of them.
    pub(super) fn walked(&self) -> u64 {
        self.good.saturating_add(self.bad)
    }

    pub(super) fn add(&mut self, more: &Self) {
        self.good = self.good.saturating_add(more.good);
        self.bad = self.bad.saturating_add(more.bad);
        self.slow = self.slow.saturating_add(more.slow);
        self.broken = self.broken.saturating_add(more.broken);
    }
}

/// How much of what may fail has failed. Runs are weighed, so that they need not be whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorBudget {
    /// The share of runs that should be good, as a percentage.
    pub objective_percent: f64,
    /// Over how long.
    pub window: Duration,
    /// Runs of the schedule in the window, walked or not.
    pub due: u64,
    /// Good ones.
    pub good: f64,
    /// Bad ones.
    pub bad: f64,
    /// Those of the bad ones that passed, but too slowly.
    pub slow: f64,
    /// Those of which nobody knows: broken, or not walked since the first that was.
    pub unknown: f64,
    /// Bad runs that the objective allows in the window.
    pub allowed: f64,
}

impl ErrorBudget {
    /// How much of it is spent, as a share: 1 is all of it.
    pub fn spent(&self) -> f64 {
        if self.bad <= 0.0 {
            return 0.0;
        }
        if self.allowed > 0.0 { self.bad / self.allowed } else { f64::INFINITY }
    }

    /// How much of it is left, as a share: below 0 where more than all is spent, without end where nothing may fail and something did.
    pub fn left(&self) -> f64 {
        1.0 - self.spent()
    }

    /// Whether nothing of it is left.
    pub fn is_spent(&self) -> bool {
        self.spent() >= 1.0
    }

    /// In words.
    pub fn sentence(&self) -> String {
        let days = self.window.as_secs_f64() / 86_400.0;
        let spent = self.spent();
        let share = if spent.is_finite() {
            format!("{:.0}%", spent * 100.0)
        } else {
            "more than all".to_owned()
        };
        format!(
            "{share} of the error budget of {days:.0} days is spent: {:.1} bad runs, {:.1} are allowed by an objective of {}%",
            self.bad, self.allowed, self.objective_percent
        )
    }
}

/// The budget at a moment: `due` says how many times of the schedule lie at or shortly after a moment in the window up to it, `counted` what was
/// walked there, both in any order.
/// `interval` is the usual distance of two times of the schedule.
pub fn error_budget(
    slo: &Slo,
    interval: Duration,
    due: &[(Timestamp, u64)],
    counted: &[Counted],
    now: Timestamp,
) -> ErrorBudget {
    budget_of(slo, &Ledger::new(interval, due, counted, None, now), now)
}

/// The budget that books show.
pub(super) fn budget_of(slo: &Slo, ledger: &Ledger, now: Timestamp) -> ErrorBudget {
    let sum = ledger.sum(now.checked_sub(slo.window).unwrap_or(Timestamp::UNIX_EPOCH), now);
    let objective_percent = slo.objective_percent;
    ErrorBudget {
        objective_percent,
        window: slo.window,
        // Whole times: only the edges of spans are not.
        due: sum.due.round() as u64,
        good: sum.good,
        bad: sum.bad,
        slow: sum.slow,
        unknown: sum.unknown,
        allowed: sum.due * allowed(slo),
    }
}

/// The share of runs that may be bad.
pub(super) fn allowed(slo: &Slo) -> f64 {
    (1.0 - slo.objective_percent / 100.0).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// A time each minute of a day.
    fn minutes() -> Vec<(Timestamp, u64)> {
        (0..DAY / 60).map(|n| (at(n * 60), 1)).collect()
    }

    fn of(second: i64, good: u64, bad: u64, broken: u64) -> Counted {
        Counted { at: at(second), good, bad, slow: 0, broken }
    }

    fn slo(objective_percent: f64) -> Slo {
        Slo { objective_percent, latency: None, window: Duration::from_secs(86_400) }
    }

    fn judged(objective: f64, counted: &[Counted]) -> ErrorBudget {
        error_budget(&slo(objective), Duration::from_secs(60), &minutes(), counted, at(DAY))
    }

    #[test]
    fn bad_runs_spend_what_the_objective_allows() {
        // 1,440 runs a day, 99% of them good: 14.4 may be bad.
        let budget = judged(99.0, &[of(0, 4, 1, 0), of(300, 0, 5, 0)]);
        assert_eq!((budget.due, budget.bad, budget.good), (1440, 6.0, 4.0));
        assert!((budget.allowed - 14.4).abs() < 1e-9);
        assert!((budget.spent() - 6.0 / 14.4).abs() < 1e-9);
        assert!(!budget.is_spent());
        assert!(judged(99.0, &[of(0, 0, 5, 0), of(300, 0, 5, 0), of(600, 0, 5, 0)]).is_spent());
        assert!(budget.sentence().starts_with("42% of the error budget"), "{}", budget.sentence());
    }

    #[test]
    fn nobody_knows_of_what_broke_or_was_not_walked() {
        let budget = judged(99.0, &[of(DAY - 600, 2, 0, 3), of(DAY - 300, 0, 0, 0)]);
        // Three broke, and five of the last five minutes were not walked; what was due before the first run was nobody's.
        assert_eq!((budget.good, budget.bad, budget.unknown), (2.0, 0.0, 8.0));
        assert_eq!(budget.spent(), 0.0);
        assert_eq!(judged(99.0, &[]).unknown, 0.0);
    }

    #[test]
    fn an_objective_of_everything_has_no_budget() {
        assert_eq!(judged(100.0, &[of(0, 5, 0, 0)]).spent(), 0.0);
        let budget = judged(100.0, &[of(0, 4, 1, 0)]);
        assert!(budget.is_spent() && budget.sentence().contains("more than all"));
    }

    #[test]
    fn rare_runs_are_weighed_by_their_own_spans() {
        // Once an hour; a watch walked it thirty times within five minutes, all bad: that is one bad hour.
        let due: Vec<_> = (0..24).map(|n| (at(n * 3600), 1)).collect();
        let hour = Duration::from_secs(3600);
        let budget =
            error_budget(&slo(90.0), hour, &due, &[of(3600, 0, 30, 0), of(7200, 1, 0, 0)], at(DAY));
        assert_eq!((budget.bad, budget.good, budget.due), (1.0, 1.0, 24));
    }

    proptest! {
        #[test]
        fn walking_denser_spends_no_more(bad in 0_u64..6, dense in 1_u64..20) {
            let once = judged(99.0, &[of(0, 5 - bad.min(5), bad.min(5), 0)]);
            let often = judged(99.0, &[of(0, dense * (5 - bad.min(5)), dense * bad.min(5), 0)]);
            prop_assert!((once.spent() - often.spent()).abs() < 1e-9);
        }

        #[test]
        fn the_sums_never_exceed_what_was_due(
            counts in prop::collection::vec((0_i64..288, 0_u64..40, 0_u64..40, 0_u64..40), 0..80)
        ) {
            let counted: Vec<_> = counts.iter().map(|(n, g, b, x)| of(n * 300, *g, *b, *x)).collect();
            let budget = judged(99.9, &counted);
            let all = budget.good + budget.bad + budget.unknown;
            prop_assert!(all <= budget.due as f64 + 1e-6, "{budget:?}");
            prop_assert!(budget.spent() >= 0.0);
        }
    }
}
