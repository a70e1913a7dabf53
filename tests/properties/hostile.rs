//! Recordings that nobody would make by intent, all the way from the file: never a panic, never a verdict without enough to stand on.

use std::{fmt::Write as _, fs};

use jiff::SignedDuration;
use proptest::prelude::*;
use wayfarer::{
    correlate::replay::{CaseResult, replay},
    model::{Case, Change, Conclusion, Detect, Metric, Watch},
    source::histories,
};

/// Baseline runs without which nothing may be said of times.
const LEAST: usize = 10;

/// A case of one series with these rows, its change at `change`.
fn case(rows: &str, interval_s: f64, change: f64) -> Case {
    let dir = tempfile::tempdir().unwrap();
    let index = format!(
        r#"[{{"id":"h","source":"h","interval_s":{interval_s},"series":[{{"journey":"j","environment":"e","services":["s"],"file":"h.csv"}}],
           "changes":[{{"id":"c","kind":"deploy","service":"s","environment":"e","at":{change},"finished_at":null}}],
           "truth":[{{"journey":"j","metric":"latency","label":"none","change":null}},{{"journey":"j","metric":"success","label":"none","change":null}}]}}]"#
    );
    fs::write(dir.path().join("cases.json"), index).unwrap();
    fs::write(dir.path().join("h.csv"), format!("ts,latency_ms,success,failed_step,error\n{rows}"))
        .unwrap();
    histories::read(dir.path()).unwrap().remove(0)
}

fn rows(count: usize, step_s: f64, row: impl Fn(usize) -> (String, &'static str)) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let (ms, ok) = row(n);
        writeln!(text, "{},{ms},{ok},,", n as f64 * step_s).unwrap();
        text
    })
}

fn judged(case: &Case) -> Vec<CaseResult> {
    replay(case, &Detect::default(), &Watch::default())
}

fn of(results: &[CaseResult], metric: Metric) -> &CaseResult {
    results.iter().find(|r| r.metric == metric).unwrap()
}

/// Holds of every judged case: harm to times is never said on fewer baseline runs than it takes.
fn sound(case: &Case) {
    let results = judged(case);
    let start = case.changes.iter().map(|c| c.started_at).max().unwrap();
    let usable =
        case.series[0].probes.iter().filter(|p| p.at < start && p.latency_ms.is_some()).count();
    let latency = of(&results, Metric::Latency);
    if usable < LEAST {
        assert!(latency.suspected.is_none(), "{usable} runs before the change: {latency:?}");
        assert!(
            !matches!(latency.conclusion, Conclusion::Unchanged | Conclusion::Improved),
            "{latency:?}"
        );
    }
    for hit in results.iter().flat_map(|r| [&r.suspected, &r.regressed]).flatten() {
        assert!(hit.at.is_finite() && hit.probes_after > 0, "{hit:?}");
        assert!(hit.candidates.iter().all(|c| (0.0..=1.0).contains(&c.probability)), "{hit:?}");
    }
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (50.0..500.0_f64).prop_map(|ms| format!("{ms:.1}")),
        1 => prop::sample::select(vec!["", "NaN", "inf", "-inf", "-5", "0", "1e-300", "1e300", "31557600000"])
            .prop_map(str::to_owned),
    ]
}

fn time() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => (0..300_u32).prop_map(|n| f64::from(n) * 60.0),
        2 => 0.0..18_000.0_f64,
        1 => prop::sample::select(vec![-1e9, 0.0, 1e9, 2e11, 59.999_999]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(5), ..ProptestConfig::default() })]

    #[test]
    fn any_rows_with_any_clock(
        cells in prop::collection::vec((time(), cell(), prop::sample::select(vec!["1", "1", "1", "1", "0", ""])), 0..250),
        change in time(),
        interval in prop::sample::select(vec![60.0, 60.0, 1.0, 86_400.0, 0.001]),
    ) {
        let mut text = String::new();
        for (at, ms, ok) in &cells {
            writeln!(text, "{at},{ms},{ok},,").unwrap();
        }
        sound(&case(&text, interval, change));
    }
}

#[test]
fn one_value_or_none_at_all() {
    let fixed = |ms: &'static str, ok: &'static str| move |_: usize| (ms.to_owned(), ok);
    for (ms, ok) in [("100", "1"), ("", "0"), ("", ""), ("0", "1"), ("-3", "1"), ("NaN", "1")] {
        let case = case(&rows(360, 60.0, fixed(ms, ok)), 60.0, 18_000.0);
        sound(&case);
        for result in judged(&case) {
            assert!(result.suspected.is_none(), "{ms},{ok}: {result:?}");
        }
    }
    // Twelve failures and nothing else: no level was ever known.
    let always = case(&rows(24, 60.0, fixed("", "0")), 60.0, 720.0);
    assert!(judged(&always).iter().all(|r| r.suspected.is_none()));
}

#[test]
fn a_year_is_a_time_too() {
    let year = case(
        &rows(360, 60.0, |n| (if n < 300 { "100" } else { "31557600000" }.to_owned(), "1")),
        60.0,
        18_000.0,
    );
    assert_eq!(of(&judged(&year), Metric::Latency).conclusion, Conclusion::Regressed);
}

#[test]
fn one_run_a_day() {
    let noise = |n: usize| 100 + n * 7919 % 17;
    for shift in [1, 2] {
        let text =
            rows(60, 86_400.0, |n| ((noise(n) * if n < 30 { 1 } else { shift }).to_string(), "1"));
        let case = case(&text, 86_400.0, 30.0 * 86_400.0);
        sound(&case);
        let found = of(&judged(&case), Metric::Latency).regressed.is_some();
        assert!(!found || shift == 2, "nothing happened, and it was called harm");
    }
}

#[test]
fn clocks_that_jump() {
    let noise = |n: usize| (100 + n * 7919 % 37).to_string();
    let mut jumping = String::new();
    for n in 0..360_i64 {
        // An hour forwards, an hour back, twice the same second.
        let at = 60 * n
            + match n % 40 {
                13 => 3600,
                29 => -3600,
                31 => -60,
                _ => 0,
            };
        writeln!(jumping, "{at},{},1,,", noise(n.unsigned_abs() as usize)).unwrap();
    }
    let case = case(&jumping, 60.0, 18_000.0);
    sound(&case);
    assert!(judged(&case).iter().all(|r| r.regressed.is_none()));
}

#[test]
fn changes_logged_for_any_time() {
    let noise = |n: usize| (100 + n * 7919 % 37).to_string();
    let text = rows(360, 60.0, |n| (noise(n), "1"));
    for at in [-1e9, 0.0, 59.0, 18_000.0 - 3600.0, 21_600.0, 21_600.0 + 3600.0, 2e11] {
        let case = case(&text, 60.0, at);
        sound(&case);
        for result in judged(&case) {
            assert!(result.suspected.is_none(), "{at}: {result:?}");
        }
    }
}

#[test]
fn many_changes_in_one_minute() {
    in_one_minute(150);
}

#[test]
#[ignore = "takes minutes in a debug build"]
fn a_thousand_changes_in_one_minute() {
    in_one_minute(1000);
}

fn in_one_minute(changes: u32) {
    let noise = |n: usize| 100 + n * 7919 % 37;
    let text = rows(75, 60.0, |n| ((noise(n) * if n < 60 { 1 } else { 3 }).to_string(), "1"));
    let mut case = case(&text, 60.0, 3_600.0);
    let first = case.changes[0].clone();
    case.changes = (0..changes)
        .map(|n| {
            let at =
                first.started_at + SignedDuration::from_millis(i64::from(n * 60_000 / changes));
            let id = format!("c-{n:04}").as_str().into();
            Change { id, started_at: at, finished_at: Some(at), ..first.clone() }
        })
        .collect();
    let results = judged(&case);
    for hit in results.iter().filter_map(|r| r.suspected.as_ref()) {
        // Of so many nobody can be named.
        assert!(hit.change.is_none(), "{:?}", hit.change);
        let sum: f64 = hit.candidates.iter().map(|c| c.probability).sum();
        assert!(sum <= 1.0 + 1e-6);
    }
}
