//! What may not matter does not matter.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use wayfarer::{
    correlate::{
        Member, Room,
        replay::{CaseResult, replay},
    },
    model::{Case, Conclusion, Detect, JourneyName, Metric, Probe, Service, Verdict, Watch},
    simulate,
};

pub(crate) fn case(scenario: &str, seed: u64) -> Case {
    simulate::case(simulate::find(scenario).unwrap(), seed)
}

fn judged(case: &Case, detect: Detect) -> Vec<CaseResult> {
    replay(case, &detect, &Watch::default())
}

/// What of a result must stay the same.
fn gist(result: &CaseResult) -> (JourneyName, Metric, Conclusion, Option<u32>, Option<u32>) {
    (
        result.journey.clone(),
        result.metric,
        result.conclusion,
        result.suspected.as_ref().map(|hit| hit.probes_after),
        result.regressed.as_ref().map(|hit| hit.probes_after),
    )
}

#[test]
fn the_unit_of_time_does_not_matter() {
    let floor = Duration::from_millis(40);
    for scenario in
        ["null-usual", "step20", "step50", "success90", "null-cold-start", "null-bimodal"]
    {
        for seed in 1..4 {
            let usual = case(scenario, seed);
            let detect = |times: f64| Detect {
                latency_absolute: Some(floor.mul_f64(times)),
                ..Detect::default()
            };
            let expected: Vec<_> = judged(&usual, detect(1.0)).iter().map(gist).collect();
            for times in [0.125, 64.0] {
                let mut scaled = usual.clone();
                for probe in scaled.series.iter_mut().flat_map(|s| &mut s.probes) {
                    probe.latency_ms = probe.latency_ms.map(|ms| ms * times);
                }
                let found: Vec<_> = judged(&scaled, detect(times)).iter().map(gist).collect();
                assert_eq!(found, expected, "{scenario} {seed}, times {times}");
            }
        }
    }
}

#[test]
fn names_of_journeys_do_not_matter() {
    for (scenario, seed) in [("overlap", 1), ("overlap", 2), ("two-culprits", 3)] {
        let usual = case(scenario, seed);
        // The order of the names is turned round.
        let mut names: Vec<JourneyName> =
            usual.series.iter().map(|s| s.key.journey.clone()).collect();
        names.sort();
        let count = names.len();
        let renamed: BTreeMap<JourneyName, JourneyName> = names
            .into_iter()
            .enumerate()
            .map(|(n, name)| (name, format!("j{}", count - n).as_str().into()))
            .collect();
        let mut other = usual.clone();
        for recorded in &mut other.series {
            recorded.key.journey = renamed[&recorded.key.journey].clone();
        }
        for truth in &mut other.truth {
            truth.journey = renamed[&truth.journey].clone();
        }
        let of = |results: &[CaseResult]| {
            results
                .iter()
                .map(|r| ((r.journey.clone(), r.metric), r.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let (before, after) =
            (of(&judged(&usual, Detect::default())), of(&judged(&other, Detect::default())));
        assert_eq!(before.len(), after.len());
        for ((journey, metric), result) in &before {
            let same = &after[&(renamed[journey].clone(), *metric)];
            assert_eq!(
                (result.conclusion, result.suspected.as_ref().map(|h| h.probes_after)),
                (same.conclusion, same.suspected.as_ref().map(|h| h.probes_after)),
                "{scenario} {seed} {journey} {metric}"
            );
            for candidate in &result.candidates {
                let twin = same.candidates.iter().find(|c| c.change == candidate.change).unwrap();
                assert!((twin.probability - candidate.probability).abs() < 1e-6, "{journey}");
            }
        }
    }
}

#[test]
fn without_a_shift_there_is_no_verdict() {
    let (mut suspected, mut regressed) = (0, 0);
    for scenario in ["null-white", "null-usual", "null-memory7", "null-flaky"] {
        for seed in 1..26 {
            for result in judged(&case(scenario, seed), Detect::default()) {
                suspected += usize::from(result.suspected.is_some());
                regressed += usize::from(result.regressed.is_some());
            }
        }
    }
    // A hundred changes: at the stated rates none is regressed, and one or two are suspected.
    assert!(regressed == 0 && suspected <= 2, "{suspected} {regressed}");
}

#[test]
fn a_clear_shift_is_clear_at_every_seed() {
    for seed in 1..16 {
        let results = judged(&case("step100", seed), Detect::default());
        let latency = results.iter().find(|r| r.metric == Metric::Latency).unwrap();
        assert_eq!(latency.conclusion, Conclusion::Regressed, "seed {seed}");
    }
}

/// A room with the change of a case open, which was told these runs in this order.
fn told(case: &Case, runs: &[Probe], now: Timestamp) -> Vec<Verdict> {
    let services: BTreeMap<_, Service> = BTreeMap::new();
    let watch = Watch { window: Duration::from_secs(3600), ..Watch::default() };
    let mut room = Room::new(watch, Detect::default(), services);
    let (recorded, change) = (&case.series[0], &case.changes[0]);
    let before = recorded.probes.iter().filter(|p| p.at < change.started_at).cloned().collect();
    let member = Member {
        series: recorded.key.clone(),
        services: recorded.services.clone(),
        steps: std::collections::BTreeMap::new(),
        interval: case.interval,
        revision: None,
        measures: std::collections::BTreeMap::new(),
    };
    room.open(change, vec![(member, before)], change.started_at);
    for run in runs {
        room.push(&recorded.key, run, now);
    }
    room.verdicts(&change.id)
}

#[test]
fn runs_told_twice_or_out_of_order_change_nothing() {
    let mut rng = StdRng::seed_from_u64(7);
    for scenario in ["step50", "null-usual", "success90", "null-cold-start"] {
        let case = case(scenario, 2);
        let start = case.changes[0].started_at;
        let after: Vec<Probe> =
            case.series[0].probes.iter().filter(|p| p.at >= start).cloned().collect();
        let now = after.last().unwrap().at;
        let expected = told(&case, &after, now);
        assert_eq!(expected.len(), 2);
        let twice: Vec<Probe> = after.iter().flat_map(|p| [p.clone(), p.clone()]).collect();
        let again: Vec<Probe> = after.iter().chain(&after).cloned().collect();
        let mut shuffled = after.clone();
        shuffled.shuffle(&mut rng);
        let mut late = after.clone();
        let held_back = late.remove(10);
        late.push(held_back);
        for (how, runs) in
            [("twice", twice), ("again", again), ("shuffled", shuffled), ("late", late)]
        {
            for (found, expected) in told(&case, &runs, now).iter().zip(&expected) {
                let gist = |v: &Verdict| {
                    (v.metric, v.conclusion, v.log_e.map(f64::to_bits), v.probes, v.effect, v.onset)
                };
                assert_eq!(gist(found), gist(expected), "{scenario} {how}");
            }
        }
    }
}
