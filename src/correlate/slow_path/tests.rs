use super::{
    super::{
        made::{Make, REAL, slow},
        series::{point, seconds},
    },
    *,
};
use crate::model::Probe;

const DAY: usize = 1440;

/// When a slow path over `probes`, of which `known` are history, first suspects; in runs after the change.
fn first(probes: &[Probe], known: usize) -> Option<usize> {
    let before: Vec<Point> = probes[..known].iter().map(point).collect();
    let at_s = seconds(probes[known].at);
    let mut path = SlowPath::freeze(&before, at_s, 60.0, &Tuning::default())?;
    probes[known..].iter().position(|p| path.push(&point(p)).is_some_and(|l| l.suspected()))
}

fn made(make: Make, seed: u64) -> Vec<Probe> {
    make.probes(seed, 4 * DAY + 400, 60.0)
}

#[test]
fn a_slow_path_that_begins_hours_later_is_found() {
    let known = 2 * DAY + 200;
    let seen = |seed: u64| {
        let mut probes = made(REAL, 60_000 + seed);
        slow(&mut probes, known + 420, 1.6);
        first(&probes, known)
    };
    let all: Vec<usize> = (0..20).filter_map(seen).collect();
    assert!(all.len() >= 19 && all.iter().all(|at| *at >= 420), "{all:?}");
    let soon = all.iter().filter(|at| **at < 420 + 300).count();
    assert!(soon >= 15, "{all:?}");
}

#[test]
fn a_ramp_over_hours_is_found() {
    let known = 2 * DAY + 200;
    let mut soon = 0;
    for seed in 0..20 {
        let mut probes = made(REAL, 61_000 + seed);
        for (age, p) in probes[known..].iter_mut().enumerate() {
            let times = 1.8_f64.powf((age as f64 / 480.0).min(1.0));
            p.latency_ms = p.latency_ms.map(|ms| ms * times);
        }
        soon += usize::from(first(&probes, known).is_some_and(|at| at < 600));
    }
    assert!(soon >= 18, "{soon} of 20");
}

#[test]
fn days_like_the_ones_before_are_left_alone() {
    let makes = [
        REAL,
        Make { diurnal: 0.4, ..REAL },
        Make { phi: 0.9, ..REAL },
        Make { bursts: 1.0 / 200.0, ..REAL },
        Make { diurnal: 0.1, ramp: 0.35, ..REAL },
    ];
    for make in makes {
        for seed in 0..4 {
            let found = first(&made(make, 62_000 + seed), 2 * DAY + 200);
            assert_eq!(found, None, "{make:?} {seed}");
        }
    }
}

#[test]
fn without_a_day_of_history_nothing_is_said() {
    let probes = made(REAL, 5);
    assert_eq!(first(&probes, DAY), None);
    let before: Vec<Point> = probes[..DAY].iter().map(point).collect();
    let at_s = seconds(probes[DAY].at);
    assert!(SlowPath::freeze(&before, at_s, 60.0, &Tuning::default()).is_none());
    assert!(SlowPath::freeze(&[], at_s, 60.0, &Tuning::default()).is_none());
    let rare = SlowPath::freeze(&before, at_s, 7200.0, &Tuning::default());
    assert!(rare.is_none());
    for (at_s, interval_s) in [(f64::NAN, 60.0), (at_s, f64::NAN), (at_s, 0.0), (1e300, -1.0)] {
        let path = SlowPath::freeze(&before, at_s, interval_s, &Tuning::default());
        if let Some(mut path) = path {
            let odd = [f64::NAN, at_s, 1e300, -1e300];
            odd.iter().for_each(|at| {
                path.push(&Point::measured(*at, Some(5.0), Some(true)));
            });
            assert!(path.look().log_e.is_finite());
        }
    }
}

#[test]
fn gaps_and_failures_are_no_slowness() {
    let known = 2 * DAY + 200;
    let mut probes = made(REAL, 9);
    for (i, p) in probes[known..].iter_mut().enumerate() {
        if i % 3 == 0 {
            (p.success, p.latency_ms) = (Some(false), Some(30_000.0));
        }
    }
    probes.drain(known + 100..known + 300);
    assert_eq!(first(&probes, known), None);
}
