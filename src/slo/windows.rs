//! Over which spans a burn rate is measured, and above which rate people are told.
//!
//! The pairs are those of the SRE Workbook, chapter 5 "Alerting on SLOs", approach 6 "multiwindow, multi-burn-rate alerts"
//! (<https://sre.google/workbook/alerting-on-slos/>), for an objective over 30 days: the long span says that enough is spent, the short one,
//! a twelfth of it, that it still goes on. For other objectives the spans are as much longer or shorter as its window is, so that each pair
//! still stands for the same share of the budget: 2% and 5% for a page, 10% for a ticket.

use std::time::Duration;

/// How soon somebody must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Within days: the budget leaks.
    Ticket,
    /// Now: the budget is gone soon.
    Page,
}

impl Urgency {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Page, Self::Ticket];

    /// The word that Sloth and its dashboards use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// A long span, a short one, and the burn rate that both must exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Says that enough is spent to be worth somebody's time.
    pub long: Duration,
    /// Says that it still goes on.
    pub short: Duration,
    /// How many times faster than allowed: at 1 the budget lasts exactly as long as its window.
    pub factor: f64,
    /// Whom it concerns.
    pub urgency: Urgency,
}

/// Long and short span in minutes, factor, for 30 days.
const MONTHLY: [(u64, u64, f64, Urgency); 4] = [
    (60, 5, 14.4, Urgency::Page),
    (360, 30, 6.0, Urgency::Page),
    (1440, 120, 3.0, Urgency::Ticket),
    (4320, 360, 1.0, Urgency::Ticket),
];

/// The window that these are for.
const MONTH: f64 = 30.0 * 86_400.0;
/// Windows so near to a month keep its spans (4 weeks, a month of 31 days), so that dashboards find the names they look for.
const NEAR: std::ops::RangeInclusive<f64> = 0.9..=1.1;
/// What the store counts by: nothing is told apart that is shorter.
const STEP: f64 = 300.0;
/// The shortest long span: three of the shortest short ones.
const SHORTEST: f64 = 900.0;
/// Where nearly every run is bad it is told, though a loose objective allows no such factor: at 90% the budget burns 10 times too fast at most.
const MOST: f64 = 0.9;

/// The pairs for an objective over this window, the most urgent first.
pub fn pairs(window: Duration) -> [Pair; 4] {
    let scale = window.as_secs_f64() / MONTH;
    let scale = if NEAR.contains(&scale) { 1.0 } else { scale };
    MONTHLY.map(|(long, short, factor, urgency)| Pair {
        long: stepped(long as f64 * 60.0 * scale, SHORTEST),
        short: stepped(short as f64 * 60.0 * scale, STEP),
        factor,
        urgency,
    })
}

/// All spans of the pairs, shortest first, each once.
pub fn lengths(window: Duration) -> Vec<Duration> {
    let mut all: Vec<Duration> = pairs(window).iter().flat_map(|p| [p.long, p.short]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

impl Pair {
    /// The share of bad runs above which it holds, for an objective that allows `budget` of them.
    pub fn threshold(&self, budget: f64) -> f64 {
        (self.factor * budget).min(MOST)
    }

    /// The share of an objective's budget that is spent when the long span has burnt at this rate.
    pub fn share(&self, window: Duration) -> f64 {
        self.factor * self.long.as_secs_f64() / window.as_secs_f64()
    }
}

fn stepped(seconds: f64, least: f64) -> Duration {
    Duration::from_secs_f64(((seconds / STEP).round() * STEP).max(least))
}

/// A span as Prometheus writes it: `5m`, `2h`, `3d`.
pub fn name_of(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => "0s".to_owned(),
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn named(days: u64) -> Vec<(String, String, f64)> {
        let of = |p: &Pair| (name_of(p.long), name_of(p.short), p.factor);
        pairs(Duration::from_secs(days * DAY)).iter().map(of).collect()
    }

    #[test]
    fn the_pairs_are_those_of_the_workbook() {
        // Its recommended parameters for 99.9%, and the pair of a day that its rules have beside them.
        let month = [("1h", "5m", 14.4), ("6h", "30m", 6.0), ("1d", "2h", 3.0), ("3d", "6h", 1.0)];
        let month: Vec<_> = month.map(|(l, s, f)| (l.to_owned(), s.to_owned(), f)).into();
        for days in [28, 30, 31] {
            assert_eq!(named(days), month, "{days} days");
        }
        // Budget consumed by each when it begins to hold: 2%, 5%, 10%, 10%.
        let month = Duration::from_secs(30 * DAY);
        for (pair, share) in pairs(month).iter().zip([0.02, 0.05, 0.10, 0.10]) {
            assert!((pair.share(month) - share).abs() < 1e-12, "{pair:?}");
        }
    }

    #[test]
    fn other_windows_keep_the_shares() {
        assert_eq!(
            named(90).iter().map(|(l, s, _)| format!("{l}/{s}")).collect::<Vec<_>>(),
            ["3h/15m", "18h/90m", "3d/6h", "9d/18h"]
        );
        assert_eq!(
            named(7).iter().map(|(l, s, _)| format!("{l}/{s}")).collect::<Vec<_>>(),
            ["15m/5m", "85m/5m", "335m/30m", "1010m/85m"]
        );
        for days in [1, 2, 3, 7, 14, 60, 90, 366] {
            let window = Duration::from_secs(days * DAY);
            for pair in pairs(window) {
                assert!(pair.short * 2 < pair.long && pair.long < window, "{days}: {pair:?}");
            }
            assert!(lengths(window).is_sorted());
        }
    }

    #[test]
    fn a_loose_objective_can_still_be_broken() {
        let page = pairs(Duration::from_secs(30 * DAY))[0];
        assert!((page.threshold(0.001) - 0.0144).abs() < 1e-12);
        assert_eq!(page.threshold(0.10), 0.9);
    }
}
