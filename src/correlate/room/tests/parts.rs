//! Steps and phases of a journey as series of their own.

use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};

use crate::model::Part;

use super::{super::super::made::START_S, *};

/// Steps of made-up journeys, with the usual milliseconds of their phases.
const SHOP: &[(&str, &[(&str, f64)])] = &[
    ("open", &[("resolve", 4.0), ("connect", 12.0), ("tls", 25.0), ("processing", 80.0)]),
    ("search", &[("processing", 140.0), ("transfer", 12.0)]),
    ("sign in", &[("processing", 45.0), ("transfer", 3.0)]),
    ("pay", &[("processing", 210.0), ("transfer", 6.0)]),
    ("leave", &[("processing", 30.0), ("transfer", 1.0)]),
];

/// What is made slower: the step, its phase, how many times, and the runs.
type Slower<'a> = (&'a str, &'a str, f64, std::ops::Range<usize>);

/// Runs a minute whose phases are log-normal by themselves; the journey is their sum.
fn walk(seed: u64, n: usize, slower: Option<&Slower<'_>>) -> Vec<Probe> {
    let mut rng = StdRng::seed_from_u64(seed ^ 0x9a7);
    let mut probes = CALM.probes(seed, n, 60.0);
    for (index, probe) in probes.iter_mut().enumerate() {
        let (mut whole, mut parts) = (0.0, Vec::new());
        for (step, phases) in SHOP {
            let (mut sum, mut of_step) = (0.0, Vec::new());
            for (phase, usual) in *phases {
                let noise: f64 = StandardNormal.sample(&mut rng);
                let spike = if rng.random::<f64>() < 0.01 { 2.5 } else { 1.0 };
                let times = slower
                    .filter(|(s, p, _, runs)| s == step && p == phase && runs.contains(&index))
                    .map_or(1.0, |(_, _, times, _)| *times);
                let ms = usual * (0.15 * noise).exp() * spike * times;
                sum += ms;
                of_step.push((Part::Phase((*step).into(), (*phase).into()), ms));
            }
            parts.push((Part::Step((*step).into()), sum));
            parts.extend(of_step);
            whole += sum;
        }
        probe.latency_ms = Some(whole);
        probe.parts = parts.into_iter().collect();
    }
    probes
}

fn parts_of(verdicts: &[Verdict]) -> Vec<(String, Conclusion)> {
    let parts = verdicts.iter().filter(|v| !v.part.is_whole());
    parts.map(|v| (v.part.to_string(), v.conclusion)).collect()
}

fn closed(probes: Vec<Probe>, index: usize) -> Vec<Verdict> {
    let stage = Stage::new(&[("buy", "shop", probes)], vec![deploy("d1", "shop", index)]);
    let (mut room, _) = stage.live(Timestamp::MAX);
    room.close_due(moment(START_S + 1e7))
}

#[test]
fn a_step_that_doubles_is_found_where_the_journey_hardly_moves() {
    let mut found = 0;
    for seed in 0..10 {
        // 45 of 568 ms more: 8% of the journey.
        let probes = walk(seed, 470, Some(&("sign in", "processing", 2.0, 400..470)));
        let verdicts = closed(probes, 400);
        let whole = &verdicts[0];
        assert!(whole.part.is_whole() && whole.conclusion != Conclusion::Regressed);
        let step = verdicts.iter().find(|v| v.part == Part::Step("sign in".into()));
        found += usize::from(step.is_some_and(|v| v.conclusion == Conclusion::Regressed));
        if let Some(step) = step {
            assert!(step.summary.starts_with("step `sign in`: p50 "), "{}", step.summary);
            assert!((1.7..2.3).contains(&step.effect.unwrap().estimate), "{:?}", step.effect);
            assert_eq!(step.named.as_ref().map(ChangeId::as_str), Some("d1"));
        }
        let others =
            verdicts.iter().filter(|v| v.part.step().is_some_and(|s| s.as_str() != "sign in"));
        assert_eq!(others.count(), 0);
        let answer = gate(&verdicts, &[], false);
        assert_eq!(answer.status == GateStatus::Fail, step.is_some(), "{}", answer.reason);
    }
    assert!(found >= 9, "{found} of 10");
}

#[test]
fn a_journey_says_in_which_step_and_phase_it_lost_its_time() {
    let verdicts = closed(walk(21, 470, Some(&("pay", "processing", 2.2, 400..470))), 400);
    let whole = &verdicts[0];
    assert_eq!(whole.conclusion, Conclusion::Regressed, "{}", whole.summary);
    assert!(whole.summary.contains(", mostly step `pay`, processing, "), "{}", whole.summary);
    assert!(whole.notes[0].starts_with("time was added by step `pay` +2"), "{:?}", whole.notes);
    let moved = parts_of(&verdicts);
    assert_eq!(moved.len(), 2, "{moved:?}");
    assert!(moved.contains(&("processing of step `pay`".to_owned(), Conclusion::Regressed)));
}

#[test]
fn what_a_part_did_and_took_back_is_transient() {
    let verdicts = closed(walk(22, 470, Some(&("pay", "processing", 1.8, 400..425))), 400);
    let moved = parts_of(&verdicts);
    assert!(
        moved.iter().all(|(_, c)| *c == Conclusion::Transient) && !moved.is_empty(),
        "{moved:?}"
    );
}

#[test]
fn parts_that_do_not_move_say_nothing_and_are_hardly_ever_wrong() {
    let mut wrong = 0;
    for seed in 100..130 {
        wrong += usize::from(!parts_of(&closed(walk(seed, 461, None), 400)).is_empty());
    }
    assert!(wrong <= 1, "{wrong} of 30");
}

#[test]
fn the_steps_of_another_revision_are_no_slower_steps() {
    let mut probes = walk(23, 520, None);
    for (index, probe) in probes.iter_mut().enumerate() {
        let new = index >= 440;
        probe.revision = Some(Revision::new(if new { "b" } else { "a" }));
        if new {
            // `search` is gone, and `pay` waits for a page that is new.
            let kept: Vec<(Part, f64)> = probe
                .parts
                .iter()
                .filter(|(part, _)| part.step().is_none_or(|s| s.as_str() != "search"))
                .map(|(part, ms)| {
                    let pay = part.step().is_some_and(|s| s.as_str() == "pay");
                    (part.clone(), if pay { 3.0 * ms } else { ms })
                })
                .collect();
            probe.parts = kept.into_iter().chain([(Part::Step("new".into()), 50.0)]).collect();
        }
    }
    // Edited within the watch, and edited before it.
    for index in [400, 470] {
        let verdicts = closed(probes.clone(), index);
        assert!(parts_of(&verdicts).is_empty(), "{:?}", parts_of(&verdicts));
    }
    // A step that fails has no time.
    for probe in &mut probes[420..] {
        probe.parts = probe.parts.iter().take(3).map(|(p, ms)| (p.clone(), ms)).collect();
        (probe.success, probe.latency_ms) = (Some(false), None);
    }
    assert!(parts_of(&closed(probes, 400)).is_empty());
}

#[test]
fn later_changes_stand_on_the_level_that_an_earlier_one_left_a_part_at() {
    let probes = walk(24, 520, Some(&("sign in", "processing", 2.2, 400..520)));
    let changes = vec![deploy("d1", "shop", 400), deploy("d2", "shop", 440)];
    let stage = Stage::new(&[("buy", "shop", probes)], changes);
    let (mut room, told) = stage.live(Timestamp::MAX);
    let closed = room.close_due(moment(START_S + 1e7));
    let of = |id: &str| {
        let all: Vec<Verdict> =
            closed.iter().filter(|v| v.change.as_str() == id).cloned().collect();
        parts_of(&all)
    };
    assert!(of("d1").iter().all(|(_, c)| *c == Conclusion::Regressed), "{:?}", of("d1"));
    assert!(!of("d1").is_empty() && of("d2").is_empty(), "{:?}", of("d2"));
    assert!(told.iter().any(|v| !v.part.is_whole()));
    // The same from what an earlier life of the agent remembers.
    let second = &stage.changes[1];
    let mut again = stage.room();
    again.part_shifted(&key("buy"), &Part::Step("sign in".into()), at(400));
    let phase = Part::Phase("sign in".into(), "processing".into());
    again.part_shifted(&key("buy"), &phase, at(400));
    again.open(second, stage.members(second, Timestamp::MAX), at(520));
    assert!(parts_of(&again.verdicts(&"d2".into())).is_empty());
}

#[test]
fn a_room_rebuilt_holds_the_same_verdicts_of_parts() {
    for seed in 0..12 {
        let stop = 405 + 5 * usize::try_from(seed).unwrap();
        let slower = ("search", "processing", 1.7, 410..470);
        let probes = walk(200 + seed, 470, Some(&slower));
        let other = walk(300 + seed, 470, None);
        let changes = vec![deploy("d1", "shop", 400), deploy("d2", "auth", 408)];
        let journeys = [("buy", "shop", probes), ("look", "auth", other)];
        let stage = Stage::new(&journeys, changes);
        let (live, _) = stage.live(at(stop));
        let mut again = stage.room();
        let known = stage.changes.iter().rev().filter(|c| c.started_at <= at(stop));
        again.restore(known.map(|c| (c.clone(), stage.members(c, at(stop)))).collect(), at(stop));
        for id in ["d1", "d2"] {
            assert_eq!(live.verdicts(&id.into()), again.verdicts(&id.into()), "{id} {stop}");
        }
    }
}

#[test]
fn more_journeys_ask_for_more_evidence_and_all_pay_when_one_joins() {
    let probes = |seed| walk(seed, 430, None);
    let journeys =
        [("a", "shop", probes(30)), ("b", "shop", probes(31)), ("c", "auth", probes(32))];
    let stage = Stage::new(&journeys, vec![deploy("d1", "shop", 400)]);
    let alone = Stage::new(&journeys[..1], vec![deploy("d1", "shop", 400)]);
    let needed = |stage: &Stage| {
        let (room, _) = stage.live(Timestamp::MAX);
        let all = room.verdicts(&"d1".into());
        ["a", "c"].map(|j| {
            let of = all.iter().find(|v| v.journey.as_str() == j);
            of.and_then(|v| v.regressed_at_log_e).unwrap_or(0.0)
        })
    };
    let ([one, _], [mapped, unmapped]) = (needed(&alone), needed(&stage));
    assert!((mapped - one - 2f64.ln()).abs() < 1e-9, "{mapped} {one}");
    assert!((unmapped - mapped - 5f64.ln()).abs() < 0.5, "{unmapped}");
    // Journeys that are met later, when the change is told again, count from the start.
    let (mut room, _) = alone.live(at(410));
    room.open(&stage.changes[0], stage.members(&stage.changes[0], at(410)), at(410));
    let (whole, _) = stage.live(at(410));
    assert_eq!(room.verdicts(&"d1".into()), whole.verdicts(&"d1".into()));
    let track = &room.watches[&ChangeId::from("d1")].tracks[&key("a")];
    // Five steps, and the phases that take two milliseconds and a hundredth of the journey.
    assert_eq!(track.parts.counted(), Some(14));
}
