use super::{
    super::made::{Make, REAL, fail, member, slow},
    *,
};

const DAY: usize = 1440;

/// Series to which nothing happens, each hard in its own way.
fn nulls() -> [(&'static str, Make); 11] {
    let quiet = Make { diurnal: 0.0, spikes: 0.0, ..REAL };
    [
        ("real", REAL),
        ("iid", Make { phi: 0.0, sd: 0.15, ..quiet }),
        ("diurnal", Make { diurnal: 0.3, phi: 0.0, sd: 0.15, spikes: 0.0, ..REAL }),
        ("ar7", Make { phi: 0.7, ..quiet }),
        ("ar9", Make { phi: 0.9, ..quiet }),
        ("noisy", Make { sd: 0.5, ..REAL }),
        ("bursts", Make { bursts: 1.0 / 200.0, ..REAL }),
        ("drift", Make { drift: 0.006, ..REAL }),
        ("mornings", Make { diurnal: 0.1, ramp: 0.35, ..REAL }),
        ("flaky97", Make { ok: 0.97, ..REAL }),
        ("rows", Make { rows: 1.0 / 480.0, ..REAL }),
    ]
}

/// Alarms of latency and success while the runs after the first `known` come in.
fn alarms(probes: &[Probe], known: usize) -> Vec<(usize, Alarm)> {
    let mut sentinel = Sentinel::new(member("j", &["s"], 60), &probes[..known], Detect::default());
    let after = probes.iter().enumerate().skip(known);
    after.filter_map(|(i, p)| sentinel.push(p).map(|a| (i, a))).collect()
}

#[test]
fn trouble_that_nothing_explains_is_found_once() {
    let known = DAY;
    for (name, metric, within, alter) in [
        (
            "twice as slow",
            Metric::Latency,
            40,
            Box::new(|p: &mut [Probe]| slow(p, DAY + 20, 2.0)) as Box<dyn Fn(&mut [Probe])>,
        ),
        ("all fail", Metric::Success, 8, Box::new(|p: &mut [Probe]| fail(p, DAY + 20, 1.1, 1))),
        ("half fail", Metric::Success, 30, Box::new(|p: &mut [Probe]| fail(p, DAY + 20, 0.5, 1))),
    ] {
        let mut probes = REAL.probes(77, known + 240, 60.0);
        alter(&mut probes);
        let found = alarms(&probes, known);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        let (index, alarm) = &found[0];
        assert_eq!(alarm.metric, metric, "{name}");
        assert!(*index <= DAY + 20 + within, "{name}: {index}");
        let off = alarm.onset.at.duration_since(probes[DAY + 20].at).as_secs().abs();
        assert!(off <= 300, "{name}: {off} s");
        assert!(alarm.onset.earliest <= alarm.onset.at && alarm.onset.at <= alarm.onset.latest);
        assert!(alarm.effect.is_some() && alarm.before.runs > 0 && alarm.after.runs > 0);
    }
}

#[test]
fn a_known_change_is_not_unexplained() {
    let mut probes = REAL.probes(78, DAY + 200, 60.0);
    slow(&mut probes, DAY + 20, 2.0);
    let mut sentinel = Sentinel::new(member("j", &["s"], 60), &probes[..DAY], Detect::default());
    let mut found = 0;
    for (i, p) in probes.iter().enumerate().skip(DAY) {
        if i == DAY + 20 {
            sentinel.rebase(p.at);
        }
        found += usize::from(sentinel.push(p).is_some());
    }
    assert_eq!(found, 0);
}

#[test]
fn series_without_trouble_are_left_alone() {
    // A day of each of eleven kinds of series; months of each are the long measurement below.
    for (name, make) in nulls() {
        let found = alarms(&make.probes(31, DAY * 3 / 2, 60.0), DAY / 2);
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn hostile_runs_do_no_harm() {
    let mut probes = REAL.probes(5, 400, 60.0);
    for (i, p) in probes.iter_mut().enumerate() {
        p.latency_ms = [Some(f64::NAN), Some(-1.0), Some(1e308), Some(1e-308), None][i % 5];
        p.success = [Some(true), None, Some(false)][i % 3];
        p.late_ms = f64::NAN;
    }
    let mut sentinel = Sentinel::new(member("j", &[], 0), &probes[..200], Detect::default());
    for p in probes[200..].iter().rev().chain(&probes[200..]) {
        if let Some(alarm) = sentinel.push(p) {
            assert!(!alarm.summary.is_empty());
        }
    }
    sentinel.rebase(Timestamp::MAX);
    sentinel.push(&probes[0]);
}

#[test]
#[ignore = "a long measurement: months of many journeys"]
fn false_alarms_per_journey_month() {
    let months = 4;
    for (name, make) in nulls() {
        let (mut slow, mut failing) = (0, 0);
        for seed in 0..months {
            for (_, alarm) in alarms(&make.probes(1000 + seed, 32 * DAY, 60.0), 2 * DAY) {
                match alarm.metric {
                    Metric::Measure => panic!("a sentinel looks at no measure"),
                    Metric::Latency => slow += 1,
                    Metric::Success => failing += 1,
                }
            }
        }
        println!("{name:<10} {months} months: latency {slow}, success {failing}");
    }
    type Alter = fn(&mut [Probe], usize, u64);
    let ways: [(&str, Alter); 6] = [
        ("+30%", |p, k, _| slow(p, k, 1.3)),
        ("+50%", |p, k, _| slow(p, k, 1.5)),
        ("+100%", |p, k, _| slow(p, k, 2.0)),
        ("fail 20%", |p, k, s| fail(p, k, 0.2, s)),
        ("fail 50%", |p, k, s| fail(p, k, 0.5, s)),
        ("fail all", |p, k, s| fail(p, k, 1.1, s)),
    ];
    for (name, alter) in ways {
        let mut delays: Vec<usize> = (0..50)
            .filter_map(|seed| {
                let mut probes = REAL.probes(5000 + seed, 2 * DAY + 200, 60.0);
                alter(&mut probes, 2 * DAY + 20, seed);
                alarms(&probes, 2 * DAY).first().map(|(i, _)| i + 1 - (2 * DAY + 20))
            })
            .collect();
        delays.sort_unstable();
        println!("{name}: {} of 50, median {:?}", delays.len(), delays.get(delays.len() / 2));
    }
}
