use proptest::prelude::*;

use super::*;
use crate::slo::{Counted, measure};

const DAY: i64 = 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// What a journey of a minute with this objective is told after 30 days, by the bad ones of five runs, counted from the end.
fn told(
    objective_percent: f64,
    paged_until: Option<i64>,
    bad: impl Fn(i64) -> u64,
) -> [(bool, bool); 2] {
    let spans = 30 * DAY / 300;
    let counted: Vec<Counted> = (0..spans)
        .map(|n| {
            let bad = bad(spans - 1 - n).min(5);
            Counted { at: at(n * 300), good: 5 - bad, bad, ..Counted::default() }
        })
        .collect();
    let due: Vec<_> = (0..spans).map(|n| (at(n * 300), 5)).collect();
    let (now, window) = (at(30 * DAY), Duration::from_secs(30 * 86_400));
    let ledger = Ledger::new(Duration::from_secs(60), &due, &counted, None, now);
    let slo = Slo { objective_percent, latency: None, window };
    let standing = measure(&slo, &ledger, now);
    let until = paged_until.map(|before| at(30 * DAY - before));
    signals(&slo, &ledger, &standing, until, now).map(|signal| {
        assert!(!(signal.fires && signal.over), "{signal:?}");
        (signal.fires, signal.over)
    })
}

const CALM: (bool, bool) = (false, true);
const FIRES: (bool, bool) = (true, false);
const LINGERS: (bool, bool) = (false, false);

#[test]
fn a_single_bad_run_pages_nobody() {
    assert_eq!(told(99.9, None, |_| 0), [CALM, CALM]);
    // 1.7% of an hour: 17 times too fast by the Workbook alone.
    assert_eq!(told(99.9, None, |n| u64::from(n == 0))[0], LINGERS);
    assert_eq!(told(99.9, None, |n| 2 * u64::from(n == 0))[0], LINGERS);
    assert_eq!(told(99.9, None, |n| 3 * u64::from(n == 0))[0], FIRES);
}

#[test]
fn pages_come_above_the_factors_of_the_workbook() {
    // 99%: 14.4% of an hour's 60 runs are 8.64, 6% of the 360 of six hours are 21.6.
    let hour = |bad: u64| {
        move |n: i64| {
            let told = u64::try_from(n).unwrap_or(0) * 5;
            if n < 12 { bad.saturating_sub(told).min(5) } else { 0 }
        }
    };
    assert_eq!(told(99.0, None, hour(8))[0], LINGERS);
    assert_eq!(told(99.0, None, hour(9))[0], FIRES);
    let spread = |bad: i64| move |n: i64| u64::from(n < 72 && (n * bad) % 72 < bad);
    assert!(!told(99.0, None, spread(21))[0].0);
    assert!(told(99.0, None, spread(22))[0].0);
}

#[test]
fn a_leak_is_a_ticket() {
    // 3.5% for a day: 3.5 times too fast. 1.33% for three days: 1.33 times.
    let [page, ticket] = told(99.0, None, |n| u64::from(n < 288 && n % 6 == 0));
    assert_eq!((page.0, ticket), (false, FIRES));
    let [page, ticket] = told(99.0, None, |n| u64::from(n < 864 && n % 15 == 0));
    assert_eq!((page.0, ticket), (false, FIRES));
    // What the objective allows is nobody's business: 0.8%.
    let [page, ticket] = told(99.0, None, |n| u64::from(n % 25 == 0));
    assert!(!page.0 && !ticket.0);
}

#[test]
fn what_is_over_ends_once_the_short_spans_are_clean() {
    let outage = |ago: i64| move |n: i64| if (ago..ago + 3).contains(&n) { 5 } else { 0 };
    assert_eq!(told(99.9, None, outage(0))[0], FIRES);
    // Fifteen minutes of outage are 4.2% of six hours; the half hour of its short span still knows of it.
    assert_eq!(told(99.9, None, outage(4))[0], FIRES);
    assert_eq!(told(99.9, None, outage(6))[0], CALM);
    // 99%: the five minutes are clean at once, but it is said to be over after half an hour.
    assert_eq!(told(99.0, None, outage(2))[0], LINGERS);
    assert_eq!(told(99.0, None, outage(6))[0], CALM);
}

#[test]
fn a_page_leaves_no_ticket_behind() {
    let outage = |n: i64| if (9..12).contains(&n) { 5 } else { 0 };
    assert_eq!(told(99.9, None, outage)[1], FIRES);
    assert_eq!(told(99.9, Some(900), outage)[1], CALM);
    // What is bad after it, does.
    let again = |n: i64| if n < 2 { 5 } else { outage(n) };
    assert_eq!(told(99.9, Some(900), again)[1], FIRES);
}

#[test]
fn it_says_what_and_how_long_it_lasts() {
    let counted: Vec<_> = (0..12)
        .map(|n| Counted { at: at(n * 300), good: 3, bad: 2, ..Counted::default() })
        .collect();
    let due: Vec<_> = (0..12).map(|n| (at(n * 300), 5)).collect();
    let ledger = Ledger::new(Duration::from_secs(60), &due, &counted, None, at(3600));
    let slo =
        Slo { objective_percent: 99.0, latency: None, window: Duration::from_secs(30 * 86_400) };
    let standing = measure(&slo, &ledger, at(3600));
    let [page, _] = signals(&slo, &ledger, &standing, None, at(3600));
    assert_eq!(
        page.summary,
        "24 of 60 runs in 60 min were bad, 40 times as many as the objective of 99% allows; the error budget of 30 days is spent"
    );
    assert_eq!(page.began_at, Some(at(0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_holds_is_never_over(
        marks in prop::collection::vec(0_u64..4, 90), objective in 90.0..99.95_f64, ago in prop::option::of(0_i64..40_000)
    ) {
        told(objective, ago, |n| usize::try_from(n).ok().and_then(|n| marks.get(n / 2).copied()).map_or(0, |b| b.saturating_sub(1)));
    }
}

#[test]
fn a_young_agent_pages_no_sooner_than_an_old_one() {
    // Ten minutes old, every two seconds: twelve bad runs are 4% of what it saw, and a two-thousandth of the budget.
    let counted = [
        Counted { at: at(0), good: 150, ..Counted::default() },
        Counted { at: at(300), good: 138, bad: 12, ..Counted::default() },
    ];
    let due: Vec<_> = (-8638..2).map(|n| (at(n * 300), 150)).collect();
    let ledger = Ledger::new(Duration::from_secs(2), &due, &counted, None, at(600));
    let window = Duration::from_secs(30 * 86_400);
    let slo = Slo { objective_percent: 99.5, latency: None, window };
    let standing = measure(&slo, &ledger, at(600));
    assert!(standing.rate(Duration::from_secs(3600)).unwrap() > 7.0);
    let [page, ticket] = signals(&slo, &ledger, &standing, None, at(600));
    assert!(!page.fires && !ticket.fires, "{page:?} {ticket:?}");
}

#[test]
fn a_single_bad_run_does_not_show_that_it_still_goes_on() {
    // Ten bad runs two days ago are 2.3 times what three days allow; in the six hours since one was bad, or two.
    let then = |n: i64| if (576..578).contains(&n) { 5 } else { 0 };
    assert_eq!(told(99.9, None, |n| if n == 3 { 1 } else { then(n) })[1], LINGERS);
    assert_eq!(told(99.9, None, |n| if n == 3 { 2 } else { then(n) })[1], FIRES);
}
