//! How fast a budget burns, and when nothing of it is left.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    ErrorBudget, Ledger,
    budget::{allowed, budget_of},
    windows::{lengths, pairs},
};
use crate::model::Slo;

/// Fewer runs than this say nothing of the present rate: a longer span is looked at.
const SPEAK: f64 = 30.0;

/// What a span came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burn {
    /// How long the span is; it ends now.
    pub window: Duration,
    /// Runs of which is known what came of them, weighed.
    pub known: f64,
    /// Bad ones.
    pub bad: f64,
    /// How many times faster than allowed the budget was spent: the share of bad runs by the share that the objective allows. Without end
    /// where it allows none; 0 where no run is known.
    pub rate: f64,
}

/// How the objective of one series stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The budget over the objective's window.
    pub budget: ErrorBudget,
    /// The spans of the pairs, shortest first.
    pub burns: Vec<Burn>,
    /// The present rate: over the long span of the second pair (6 hours for 30 days), or the first longer one with enough runs.
    pub present: Option<Burn>,
    /// When nothing is left, at the present rate; none where that lasts.
    pub ends_at: Option<Timestamp>,
}

impl Standing {
    /// The burn rate over a span, where it is one of the pairs'.
    pub fn rate(&self, window: Duration) -> Option<f64> {
        self.burns.iter().find(|burn| burn.window == window).map(|burn| burn.rate)
    }
}

/// Reads all figures out of the books of a series.
pub fn measure(slo: &Slo, ledger: &Ledger, now: Timestamp) -> Standing {
    let budget = budget_of(slo, ledger, now);
    let burns: Vec<Burn> =
        lengths(slo.window).into_iter().map(|window| burn(slo, ledger, window, now)).collect();
    let [_, second, ..] = pairs(slo.window);
    let present =
        burns.iter().find(|b| b.window >= second.long && b.known >= SPEAK).copied().or_else(|| {
            // So rare a journey that even the longest span has few: better than nothing.
            burns.last().filter(|b| b.known > 0.0).copied()
        });
    let ends_at = present.and_then(|burn| end(slo, &budget, ledger, burn, now));
    Standing { budget, burns, present, ends_at }
}

/// What a span that ends now came to.
pub(super) fn burn(slo: &Slo, ledger: &Ledger, window: Duration, now: Timestamp) -> Burn {
    let sum = ledger.sum(now.checked_sub(window).unwrap_or(Timestamp::UNIX_EPOCH), now);
    let known = sum.good + sum.bad;
    let share = if known > 0.0 { sum.bad / known } else { 0.0 };
    let allowed = allowed(slo);
    let rate = match (share > 0.0, allowed > 0.0) {
        (false, _) => 0.0,
        (true, true) => share / allowed,
        (true, false) => f64::INFINITY,
    };
    Burn { window, known, bad: sum.bad, rate }
}

/// When as many runs are bad as may be, if they go on to be bad at a present rate: what is bad now leaves the window as time goes on.
fn end(
    slo: &Slo,
    budget: &ErrorBudget,
    ledger: &Ledger,
    present: Burn,
    now: Timestamp,
) -> Option<Timestamp> {
    if budget.is_spent() || present.bad <= 0.0 {
        return None;
    }
    // Bad runs a second, where as many are due as were on the average of the window.
    let share = present.bad / present.known.max(1e-9);
    let pace = share * budget.due as f64 / slo.window.as_secs_f64();
    let mut bad = budget.bad;
    let mut passed = 0.0;
    for slice in ledger.slices() {
        // Until it leaves, nothing does.
        let until = slice.end().duration_since(now).as_secs_f64() + slo.window.as_secs_f64();
        if until > passed {
            let needed = (budget.allowed - bad) / pace;
            if passed + needed <= until {
                return later(now, passed + needed.max(0.0));
            }
            bad += pace * (until - passed) - slice.bad;
            passed = until;
        }
    }
    None
}

fn later(now: Timestamp, seconds: f64) -> Option<Timestamp> {
    now.checked_add(Duration::try_from_secs_f64(seconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::Counted;

    const DAY: i64 = 86_400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// A journey walked each minute for 30 days; `bad` says how many of the five runs of a span are bad, counted from the end.
    fn month(bad: impl Fn(i64) -> u64) -> Ledger {
        let spans = 30 * DAY / 300;
        let counted: Vec<Counted> = (0..spans)
            .map(|n| {
                let bad = bad(spans - 1 - n).min(5);
                Counted { at: at(n * 300), good: 5 - bad, bad, ..Counted::default() }
            })
            .collect();
        let due: Vec<_> = (0..spans).map(|n| (at(n * 300), 5)).collect();
        Ledger::new(Duration::from_secs(60), &due, &counted, None, at(30 * DAY))
    }

    fn slo(objective_percent: f64) -> Slo {
        Slo { objective_percent, latency: None, window: Duration::from_secs(30 * 86_400) }
    }

    fn measured(objective: f64, bad: impl Fn(i64) -> u64) -> Standing {
        measure(&slo(objective), &month(bad), at(30 * DAY))
    }

    fn hours(standing: &Standing) -> Option<f64> {
        standing.ends_at.map(|end| end.duration_since(at(30 * DAY)).as_secs_f64() / 3600.0)
    }

    #[test]
    fn burn_rates_are_those_of_the_workbook() {
        let steady = measured(90.0, |n| u64::from(n % 2 == 0));
        assert!((steady.present.unwrap().rate - 1.0).abs() < 1e-9, "{steady:?}");
        let tenfold = measured(98.0, |_| 1);
        assert!((tenfold.present.unwrap().rate - 10.0).abs() < 1e-9);
        assert!(tenfold.budget.is_spent() && tenfold.ends_at.is_none());
        let gone = measured(99.9, |n| if n < 6 { 5 } else { 0 });
        let hour = gone.rate(Duration::from_secs(3600)).unwrap();
        assert!((hour - 500.0).abs() < 1e-6, "half of the hour's runs at 1000: {hour}");
        assert!((gone.rate(Duration::from_secs(1800)).unwrap() - 1000.0).abs() < 1e-6);
        // 43.2 may fail, 30 have: 69% is spent.
        assert!((gone.budget.allowed - 43.2).abs() < 1e-6);
        assert!((gone.budget.spent() - 30.0 / 43.2).abs() < 1e-9);
    }

    #[test]
    fn a_whole_budget_lasts_as_long_as_the_table_of_the_workbook_says() {
        // 99.9% over 30 days. Rate of errors, burn rate, time to exhaustion: 0.2%, 2, 15 days; 1%, 10, 3 days; 1.44%, 14.4, 50 hours; 100%,
        // 1,000, 43.2 minutes. At 0.1% and 1 it is exactly the window.
        let ledger = month(|_| 0);
        let slo = slo(99.9);
        let budget = budget_of(&slo, &ledger, at(30 * DAY));
        let window = Duration::from_secs(3600);
        for (share, rate, minutes) in [
            (0.002, 2.0, 21_600.0),
            (0.01, 10.0, 4_320.0),
            (0.0144, 14.4, 3_000.0),
            (1.0, 1000.0, 43.2),
        ] {
            let present = Burn { window, known: 60.0, bad: 60.0 * share, rate };
            assert!((share / allowed(&slo) - rate).abs() < 1e-6);
            let end = end(&slo, &budget, &ledger, present, at(30 * DAY)).unwrap();
            let lasts = end.duration_since(at(30 * DAY)).as_secs_f64() / 60.0;
            assert!((lasts / minutes - 1.0).abs() < 1e-6, "{rate}: {lasts} minutes");
        }
    }

    #[test]
    fn a_budget_ends_when_its_rate_says() {
        // Nothing was bad until six hours ago; since then every fifth run of 99% is: a burn rate of 20. 432 may be bad, 72 are, 12 more
        // come each hour: 30 hours.
        let standing = measured(99.0, |n| u64::from(n < 72));
        assert!((standing.present.unwrap().rate - 20.0).abs() < 1e-9);
        assert!((hours(&standing).unwrap() - 30.0).abs() < 0.01, "{:?}", hours(&standing));
        let burning = measured(99.9, |n| if n == 0 { 5 } else { 0 });
        assert!(burning.ends_at.is_some());
    }

    #[test]
    fn a_budget_that_is_given_back_as_fast_as_it_is_spent_never_ends() {
        // One run in two hundred for ever, with an objective of 99%.
        let steady = measured(99.0, |n| u64::from(n % 40 == 0));
        assert!((steady.present.unwrap().rate - 0.5).abs() < 0.1);
        assert_eq!(steady.ends_at, None);
        assert_eq!(measured(99.0, |_| 0).ends_at, None);
    }

    #[test]
    fn rare_journeys_speak_by_longer_spans() {
        let counted: Vec<_> =
            (0..30).map(|n| Counted { at: at(n * DAY), good: 1, ..Counted::default() }).collect();
        let due: Vec<_> = (0..30).map(|n| (at(n * DAY), 1)).collect();
        let day = Duration::from_secs(86_400);
        let ledger = Ledger::new(day, &due, &counted, None, at(30 * DAY));
        let standing = measure(&slo(90.0), &ledger, at(30 * DAY));
        assert_eq!(standing.present.unwrap().window, day * 3);
    }
}
