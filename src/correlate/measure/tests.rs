use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};

use super::*;
use crate::{
    correlate::{
        Member, Recovery, Room,
        figures::count,
        made::{change, key, member},
        series::later,
    },
    model::{Conclusion, Detect, Verdict, Watch, amounts},
};

fn series(values: impl IntoIterator<Item = f64>) -> Vec<(f64, f64)> {
    values.into_iter().enumerate().map(|(i, v)| (60.0 * count(i), v)).collect()
}

fn axis(values: impl IntoIterator<Item = f64>, way: Way) -> Axis {
    Axis::learn(&series(values), way, &MeasureRule::default(), 60.0).unwrap()
}

/// Deterministic values that look random, between 0 and 1.
fn noise(n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(|i| (count(i) * 0.618_033_988_7).fract())
}

fn level(axis: &Axis, value: f64) -> f64 {
    let probe = Probe {
        at: Timestamp::UNIX_EPOCH,
        latency_ms: None,
        success: None,
        late_ms: 0.0,
        signature: None,
        revision: None,
        parts: Default::default(),
    };
    axis.judged(&probe, Some(value)).latency_ms.unwrap().ln()
}

#[test]
fn ratios_count_far_from_zero_and_noise_near_it() {
    let price = axis(noise(100).map(|u| 100.0 + u), Way::Up);
    let Reading::Level { effect, .. } = price.reading else { panic!("{price:?}") };
    assert!((level(&price, 110.0) - level(&price, 100.0) - effect).abs() < 0.01);
    assert!((0.08..0.11).contains(&effect), "{effect}");
    // Zero is far below, but not infinitely far; below zero is farther.
    assert!((-3.0..-1.5).contains(&(level(&price, 0.0) - level(&price, 100.0))));
    assert!(level(&price, -100.0) < level(&price, 0.0));
    let around = axis(noise(100).map(|u| u - 0.5), Way::Up);
    let Reading::Level { effect, .. } = around.reading else { panic!("{around:?}") };
    assert!((level(&around, 0.5) - level(&around, 0.0)) < 2.0 * effect);
    // What is up one way is down the other.
    let down = axis(noise(100).map(|u| 100.0 + u), Way::Down);
    assert!(level(&down, 50.0) > level(&down, 100.0));
}

#[test]
fn what_hardly_moves_is_counted() {
    let from = |values: Vec<f64>, way| match axis(values, way).reading {
        Reading::Beyond { from, .. } => from,
        level => panic!("{level:?}"),
    };
    assert!((from(vec![12.0; 50], Way::Up) - 13.2).abs() < 1e-4);
    assert!((from(vec![12.0; 50], Way::Down) - 12.0 / 1.1).abs() < 1e-4);
    assert!(from(vec![0.0; 50], Way::Up).abs() < 1e-9);
    let coins: Vec<f64> = noise(100).map(|u| f64::from(u8::from(u < 0.3))).collect();
    assert_eq!((from(coins.clone(), Way::Up), from(coins, Way::Down)), (0.5, 0.5));
    let rare: Vec<f64> = noise(100).map(|u| f64::from(u8::from(u < 0.03))).collect();
    assert_eq!(from(rare, Way::Up), 0.0);
    let rule = MeasureRule { absolute: Some(5.0), ..MeasureRule::default() };
    let axis = Axis::learn(&series(vec![12.0; 50]), Way::Up, &rule, 60.0).unwrap();
    assert!(matches!(axis.reading, Reading::Beyond { from, .. } if (from - 17.0).abs() < 1e-4));
}

#[test]
fn a_counter_is_read_as_its_growth() {
    let counter = series((0..100).map(|i| 1e6 + 3.0 * f64::from(i)));
    assert!(counts(&counter) && !counts(&series(noise(100))) && !counts(&series([5.0; 100])));
    assert!((grown(&counter, 50, 45.0).unwrap() - 3.0).abs() < 1e-9);
    // Begun anew.
    assert_eq!(grown(&[(0.0, 9.0), (60.0, 2.0)], 1, 45.0), None);
    // Of dense runs only some tell, each of another stretch.
    let dense: Vec<(f64, f64)> = (0..60).map(|i| (10.0 * f64::from(i), f64::from(i))).collect();
    let told: Vec<f64> = (0..60).filter_map(|i| grown(&dense, i, 45.0)).collect();
    assert!((10..=14).contains(&told.len()), "{}", told.len());
    assert!(told.iter().all(|g| (g - 6.0).abs() < 1e-9));
}

#[test]
fn hostile_values_make_finite_levels() {
    let wild = [f64::MAX, -f64::MAX, 0.0, 1e-300, -1e-300, 1e300, 3.4e38, 1.0, 2.0, 5.0];
    for way in Way::BOTH {
        let axis = axis(wild.into_iter().cycle().take(60), way);
        for value in wild {
            if let Reading::Level { effect, .. } = axis.reading {
                assert!(effect.is_finite() && level(&axis, value).is_finite(), "{value}");
            }
        }
    }
    assert!(Axis::learn(&[], Way::Up, &MeasureRule::default(), 60.0).is_none());
}

#[test]
fn who_says_which_way_is_for_the_worse() {
    use Harm::{No, Unknown, Yes};
    let of = |worse, way: Way| way.harm(&MeasureRule { worse, ..MeasureRule::default() });
    for (worse, up, down) in [
        (None, Unknown, Unknown),
        (Some(Worse::Higher), Yes, No),
        (Some(Worse::Lower), No, Yes),
        (Some(Worse::Either), Yes, Yes),
    ] {
        assert_eq!((of(worse, Way::Up), of(worse, Way::Down)), (up, down));
    }
}

/// A measure's runs, one a minute, beside those of an ordinary journey.
fn walk(seed: u64, n: usize, mut value: impl FnMut(usize, &mut StdRng) -> f64) -> Vec<Probe> {
    let mut rng = StdRng::seed_from_u64(seed);
    let part = part();
    let mut probes = crate::correlate::made::REAL.probes(seed, n, 60.0);
    for (index, probe) in probes.iter_mut().enumerate() {
        (probe.latency_ms, probe.success) = (Some(100.0), Some(true));
        probe.parts = [(part.clone(), value(index, &mut rng))].into_iter().collect();
    }
    probes
}

fn part() -> Part {
    Part::Measure("cart".into(), "total".into())
}

/// What is concluded of the measure for a change after so many runs.
fn judged(probes: Vec<Probe>, index: usize, worse: Option<Worse>) -> Vec<Verdict> {
    let at = probes[index].at;
    let change = change("c", "shop", at);
    let rule = MeasureRule { worse, unit: Some("EUR".to_owned()), ..MeasureRule::default() };
    let member = Member { measures: [(part(), rule)].into(), ..member("buy", &["shop"], 60) };
    let mut room = Room::new(Watch::default(), Detect::default(), Default::default());
    let (before, after) = probes.split_at(index);
    room.open(&change, vec![(member, before.to_vec())], at);
    for probe in after {
        room.push(&key("buy"), probe, probe.at);
    }
    let end = later(at, std::time::Duration::from_secs(3 * 86_400));
    room.close_due(end).into_iter().filter(|v| v.part == part()).collect()
}

#[test]
fn a_price_that_moves_is_told_with_its_unit_and_by_its_direction() {
    use Conclusion::{Improved, Regressed, Suspected};
    for (worse, to, expected) in [
        (Some(Worse::Lower), 0.0, Some(Regressed)),
        (Some(Worse::Lower), 24.0, Some(Improved)),
        (Some(Worse::Higher), 24.0, Some(Regressed)),
        (Some(Worse::Higher), 6.0, Some(Improved)),
        (Some(Worse::Either), 6.0, Some(Regressed)),
        (None, 6.0, Some(Suspected)),
        // Less than a tenth does not matter.
        (Some(Worse::Either), 12.5, None),
    ] {
        let price = |i, _: &mut StdRng| if i < 300 { 12.0 } else { to };
        let verdicts = judged(walk(1, 360, price), 300, worse);
        assert_eq!(
            verdicts.first().map(|v| v.conclusion),
            expected,
            "{worse:?} {to} {verdicts:#?}"
        );
        assert!(verdicts.len() <= 1);
        for verdict in verdicts {
            let [a, b] = amounts([12.0, to], Some("EUR"));
            assert!(verdict.summary.contains(&format!("{a} to {b} EUR")), "{}", verdict.summary);
            assert_eq!(verdict.metric, Metric::Measure);
        }
    }
}

#[test]
fn quiet_measures_are_not_told() {
    type Value = Box<dyn FnMut(usize, &mut StdRng) -> f64>;
    type Make = fn() -> Value;
    let kinds: [(&str, Make); 8] = [
        ("constant", || Box::new(|_, _| 12.0)),
        ("zero", || Box::new(|_, _| 0.0)),
        ("counter", || {
            let mut sum = 0.0;
            Box::new(move |_, rng| {
                sum += f64::from(rng.random_range(0..7_u8));
                sum
            })
        }),
        ("rare ones", || Box::new(|_, rng| f64::from(u8::from(rng.random_bool(0.02))))),
        ("coins", || Box::new(|_, rng| f64::from(u8::from(rng.random_bool(0.3))))),
        ("heavy tail", || Box::new(|_, rng| rng.random::<f64>().max(1e-9).powf(-1.0))),
        ("around zero", || Box::new(|_, rng| StandardNormal.sample(rng))),
        ("a clock", || Box::new(|i, _| f64::from(u32::try_from(i % 30).unwrap()) * 60.0)),
    ];
    for (name, make) in kinds {
        for seed in 0..4 {
            let verdicts = judged(walk(seed, 400, make()), 340, Some(Worse::Either));
            assert!(verdicts.is_empty(), "{name} {seed}: {verdicts:#?}");
        }
    }
}

#[test]
fn a_counter_that_stops_and_a_flag_that_turns_are_told() {
    let mut sum = 0.0;
    let counter = move |i, rng: &mut StdRng| {
        sum += if i < 340 { f64::from(rng.random_range(20..30_u8)) } else { 0.0 };
        sum
    };
    let told = judged(walk(3, 400, counter), 340, Some(Worse::Lower));
    assert_eq!(told[0].conclusion, Conclusion::Regressed);
    assert!(told[0].summary.contains("EUR a minute, now by 0"), "{}", told[0].summary);
    let flag =
        |i, rng: &mut StdRng| f64::from(u8::from(rng.random_bool(if i < 340 { 0.1 } else { 0.9 })));
    let told = judged(walk(4, 400, flag), 340, Some(Worse::Higher));
    assert_eq!(told[0].conclusion, Conclusion::Regressed);
}

#[test]
fn the_end_of_a_trouble_is_seen() {
    let value = |i: usize, _: &mut StdRng| if (300..360).contains(&i) { 0.0 } else { 12.0 };
    let probes: Vec<Probe> = walk(5, 420, value).iter().map(|p| p.of(&part())).collect();
    let minute = std::time::Duration::from_secs(60);
    let mut recovery = Recovery::new(
        Metric::Measure,
        &probes[..300],
        &probes[300..320],
        minute,
        Detect::default(),
    );
    let over = probes[320..].iter().position(|p| recovery.push(p).is_some()).unwrap();
    assert!((40..50).contains(&over), "{over}");
}

#[test]
fn a_number_that_is_no_time_waits_for_no_cold_start() {
    // Runs ten seconds apart, where the settings let a cold start last four minutes.
    let seen = |unit: &str| {
        let mut probes = walk(7, 480, |i, rng| {
            let noise: f64 = StandardNormal.sample(rng);
            (100.0 + noise) * if i < 420 { 1.0 } else { 1.5 }
        });
        let start = probes[0].at;
        for (n, probe) in probes.iter_mut().enumerate() {
            probe.at = later(start, std::time::Duration::from_secs(10 * n as u64));
        }
        let at = probes[420].at;
        let rule = MeasureRule {
            worse: Some(Worse::Higher),
            unit: Some(unit.to_owned()),
            ..MeasureRule::default()
        };
        let member = Member { measures: [(part(), rule)].into(), ..member("buy", &["shop"], 10) };
        let mut room = Room::new(Watch::default(), Detect::default(), Default::default());
        room.open(&change("c", "shop", at), vec![(member, probes[..420].to_vec())], at);
        probes[420..].iter().position(|probe| {
            let told = room.push(&key("buy"), probe, probe.at);
            told.iter().any(|v| v.part == part() && v.conclusion == Conclusion::Regressed)
        })
    };
    let (rows, age) = (seen("rows").unwrap(), seen("ms").unwrap());
    assert!(rows < 14 && age >= 20, "{rows} {age}");
}
