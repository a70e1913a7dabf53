//! More of the same never weakens what is true: a shift that stays is called `regressed` for as long as it is looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use wayfarer::{
    correlate::{Member, Room},
    model::{
        Change, ChangeKind, Conclusion, Detect, Metric, Parts, Probe, SeriesKey, Signature, Watch,
    },
};

/// Runs before the change and after it, a minute apart.
const BEFORE: usize = 1500;
const AFTER: usize = 200;
const START: i64 = 1_700_000_000;

/// A journey that a change harms for good.
#[derive(Debug, Clone, Copy)]
struct World {
    seed: u64,
    /// Times slower, and the share of runs that fail, from the change on.
    times: f64,
    fails: f64,
    /// Memory of the noise.
    memory: f64,
}

fn at(row: usize) -> Timestamp {
    Timestamp::from_second(START + 60 * row as i64).unwrap()
}

impl World {
    fn runs(&self) -> Vec<Probe> {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut noise = 0.0;
        let one = |row: usize| {
            let fresh: f64 = StandardNormal.sample(&mut rng);
            noise = self.memory * noise + 0.12 * (1.0 - self.memory.powi(2)).sqrt() * fresh;
            let spike = if rng.random_bool(0.02) { rng.random_range(0.5..2.0) } else { 0.0 };
            let harmed = row >= BEFORE;
            let ln = 300_f64.ln() + noise + spike + if harmed { self.times.ln() } else { 0.0 };
            let failed = rng.random_bool(if harmed { self.fails.max(0.002) } else { 0.002 });
            Probe {
                at: at(row),
                latency_ms: (!failed).then(|| ln.exp()),
                success: Some(!failed),
                late_ms: 0.0,
                signature: failed.then(|| Signature::new("load", None)),
                revision: None,
                parts: Parts::default(),
            }
        };
        (0..BEFORE + AFTER).map(one).collect()
    }

    /// What is concluded of a metric after each run, and at the end of the watch.
    fn told(&self, metric: Metric, watched: usize) -> Vec<(Conclusion, f64)> {
        let runs = self.runs();
        let watch = Watch {
            window: Duration::from_secs(60 * watched as u64),
            min_runs: 60,
            ..Watch::default()
        };
        let mut room = Room::new(watch, Detect::default(), BTreeMap::new());
        let series = SeriesKey {
            journey: "buy".into(),
            environment: "production".into(),
            location: "local".into(),
        };
        let member = Member {
            series: series.clone(),
            services: vec!["shop".into()],
            steps: BTreeMap::new(),
            interval: Duration::from_secs(60),
            revision: None,
            measures: BTreeMap::new(),
        };
        let change = Change {
            services: vec!["shop".into()],
            ..Change::new("deploy".into(), ChangeKind::Deploy, at(BEFORE))
        };
        room.open(&change, vec![(member, runs[..BEFORE].to_vec())], at(BEFORE));
        let mut told = Vec::new();
        for run in &runs[BEFORE..] {
            room.push(&series, run, run.at);
            room.close_due(run.at);
            let verdicts = room.verdicts(&change.id);
            let verdict =
                verdicts.iter().find(|v| v.metric == metric && v.part.is_whole()).unwrap();
            told.push((verdict.conclusion, verdict.log_e.unwrap_or(0.0)));
        }
        told
    }
}

/// The first run from which on it stood as regressed, and what else it was called after that.
fn weakened(told: &[(Conclusion, f64)]) -> (Option<usize>, BTreeSet<Conclusion>) {
    let first = told.iter().position(|(c, _)| *c == Conclusion::Regressed);
    let after = first.map_or(&[][..], |first| &told[first..]);
    (first, after.iter().map(|(c, _)| *c).filter(|c| *c != Conclusion::Regressed).collect())
}

fn world() -> impl Strategy<Value = (World, Metric)> {
    let slow = (1.5..3.0_f64).prop_map(|times| (times, 0.0, Metric::Latency));
    let fails = (0.15..0.9_f64).prop_map(|share| (1.0, share, Metric::Success));
    (any::<u64>(), prop_oneof![slow, fails], 0.0..0.6_f64).prop_map(
        |(seed, (times, fails, metric), memory)| (World { seed, times, fails, memory }, metric),
    )
}

proptest! {
    #![proptest_config(Config { cases: 12, failure_persistence: None, rng_seed: RngSeed::Fixed(3), ..Config::default() })]

    #[test]
    fn a_shift_that_stays_is_called_so_for_as_long_as_it_is_looked_at((world, metric) in world()) {
        // Within the watch, and beyond its end.
        for watched in [60, AFTER] {
            let told = world.told(metric, watched);
            let (first, else_called) = weakened(&told);
            prop_assert!(first.is_some_and(|first| first < 60), "{watched}: {first:?}");
            prop_assert!(else_called.is_empty(), "{watched}, from {first:?}: {else_called:?}");
        }
    }
}

/// A few failures in a row at first, by chance: what follows is as it will stay, and the good runs between end nothing.
#[test]
fn a_trouble_that_began_with_failures_in_a_row_is_not_over_at_the_first_lull() {
    let lasting = |seed: u64| World { seed, times: 1.0, fails: 0.4, memory: 0.2 };
    let at_once = |seed: &u64| {
        lasting(*seed).runs()[BEFORE..BEFORE + 3].iter().all(|p| p.success == Some(false))
    };
    let lucky: Vec<u64> = (0..400).filter(at_once).take(12).collect();
    assert_eq!(lucky.len(), 12);
    for seed in lucky {
        let (first, else_called) = weakened(&lasting(seed).told(Metric::Success, AFTER));
        assert!(
            first.is_some_and(|first| first < 20) && else_called.is_empty(),
            "{seed}: {else_called:?}"
        );
    }
}
