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
    let mut sentinel =
        Sentinel::new(member("j", &["s"], 60), &probes[..known], Detect::default());
    let after = probes.iter().enumerate().skip(known);
    after.filter_map(|(i, p)| sentinel.push(p).map(|a| (i, a))).collect()
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
