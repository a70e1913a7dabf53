use super::*;
use crate::correlate::figures::count;

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
        Reading::Beyond { from } => from,
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
    assert!(matches!(axis.reading, Reading::Beyond { from } if (from - 17.0).abs() < 1e-4));
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
