//! Nothing a prober, a clock or a file can hand over makes the core panic or leave the numbers.

use proptest::prelude::*;
use wayfarer::correlate::{Direction, LatencyFold, Look, Point, SuccessFold, Tuning};
use wayfarer::model::Detect;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 4.0..7.0_f64,
        1 => prop::sample::select(vec![
            f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -5.0, 24.2, 1e300, -1e300, f64::MIN_POSITIVE,
        ]),
    ]
}

fn time() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => (0..400_u32).prop_map(|i| f64::from(i) * 60.0),
        3 => 0.0..24_000.0_f64,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, -1e300, 1e300, -1.0, 3e10]),
    ]
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    let ok = prop_oneof![6 => Just(Some(true)), 2 => Just(Some(false)), 1 => Just(None)];
    let point = (time(), prop::option::weighted(0.8, number()), ok)
        .prop_map(|(at_s, ln_ms, ok)| Point { at_s, ln_ms, ok, kind: None });
    prop::collection::vec(point, 0..300)
}

fn sane(look: &Look) {
    for value in [
        look.log_e,
        look.log_e_regressed,
        look.raw,
        look.shift,
        look.suspected_at,
        look.regressed_at,
    ] {
        assert!(value.is_finite(), "{look:?}");
    }
    assert!((0.0..=1.0).contains(&look.before), "{look:?}");
    assert!(look.onset_low <= look.onset_lag && look.onset_lag <= look.onset_high, "{look:?}");
    assert!(look.log_e_regressed <= look.log_e && look.regressed_at > look.suspected_at);
}

fn fold_all(
    before: &[Point],
    after: &[Point],
    change: f64,
    interval: f64,
    horizon: usize,
    tuning: &Tuning,
) {
    for direction in [Direction::Worse, Direction::Better] {
        if let Some(mut fold) =
            LatencyFold::freeze(before, change, interval, horizon, direction, tuning)
        {
            let b = fold.baseline();
            assert!(b.se > 0.0 && b.om.is_finite() && (0.0..=0.9).contains(&b.phi), "{b:?}");
            after.iter().for_each(|point| sane(&fold.push(point)));
        }
        let mut fold = SuccessFold::freeze(before, change, interval, horizon, direction, tuning);
        assert!((0.0..=1.0).contains(&fold.q0()));
        after.iter().for_each(|point| sane(&fold.push(point)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_points_in_any_order(
        before in points(),
        after in points(),
        change in time(),
        interval in prop_oneof![5 => Just(60.0), 1 => prop::sample::select(vec![0.0, -1.0, f64::NAN, 1e-9, 1e300, 10.0])],
        horizon in prop_oneof![4 => Just(60_usize), 1 => prop::sample::select(vec![0, 1, 2, 3000])],
        relative in prop_oneof![3 => Just(0.2), 1 => prop::sample::select(vec![0.0, 0.01, 3.0, 1e9, f64::NAN])],
    ) {
        let detect = Detect { latency_relative: relative, ..Detect::default() };
        fold_all(&before, &after[..after.len().min(60)], change, interval, horizon, &Tuning::of(&detect));
    }
}

/// 300 probes a minute apart, then 60 more, each made by `make`.
fn even(make: impl Fn(usize) -> (Option<f64>, Option<bool>)) -> (Vec<Point>, Vec<Point>) {
    let point = |i: usize| {
        let (ms, ok) = make(i);
        Point::measured(i as f64 * 60.0, ms, ok)
    };
    ((0..300).map(point).collect(), (300..360).map(point).collect())
}

#[test]
fn series_without_any_noise_or_any_success() {
    let tuning = Tuning::default();
    let year = 365.25 * 86_400e3;
    for make in [
        |_: usize| (Some(100.0), Some(true)),
        |_: usize| (None, Some(false)),
        |_: usize| (None, None),
        |i: usize| (Some(if i < 300 { 100.0 } else { 365.25 * 86_400e3 }), Some(true)),
        |i: usize| (Some(if i.is_multiple_of(2) { 1e-6 } else { 1e12 }), Some(i.is_multiple_of(3))),
        |i: usize| (Some(if i < 300 { f64::NAN } else { 5.0 }), None),
    ] {
        let (before, after) = even(make);
        fold_all(&before, &after, 18_000.0, 60.0, 60, &tuning);
    }
    let (before, after) = even(|i| (Some(if i < 300 { 100.0 } else { year }), Some(true)));
    let mut fold =
        LatencyFold::freeze(&before, 18_000.0, 60.0, 60, Direction::Worse, &tuning).unwrap();
    assert!(after.iter().map(|p| fold.push(p)).last().unwrap().regressed());
}

#[test]
fn too_little_is_said_to_be_too_little() {
    let (before, _) = even(|_| (Some(100.0), Some(true)));
    let freeze = |points: &[Point], change: f64| {
        LatencyFold::freeze(points, change, 60.0, 60, Direction::Worse, &Tuning::default())
    };
    assert!(freeze(&[], 18_000.0).is_none());
    assert!(freeze(&before[..9], 18_000.0).is_none());
    assert!(freeze(&before[..10], 601.0).is_some());
    assert!(freeze(&before, 0.0).is_none(), "nothing was before");
}

#[test]
fn the_order_of_the_history_does_not_matter() {
    let (before, after) = even(|i| (Some(100.0 + (i * 7919 % 97) as f64), Some(i % 50 != 0)));
    let mut shuffled: Vec<Point> = before.iter().rev().copied().collect();
    shuffled.extend_from_slice(&before[100..150]);
    let run = |points: &[Point]| {
        let mut fold =
            LatencyFold::freeze(points, 18_000.0, 60.0, 60, Direction::Worse, &Tuning::default())
                .unwrap();
        after.iter().map(|p| fold.push(p)).last().unwrap()
    };
    assert_eq!(run(&before), run(&shuffled));
}
