use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

const L: Metric = Metric::Latency;
const S: Metric = Metric::Success;
/// The newest run.
const NOW: f64 = 3600.0;

fn names(names: &[&str]) -> Vec<ServiceName> {
    names.iter().map(ServiceName::new).collect()
}

fn suspect(id: &str, services: &[&str], started_at_s: f64) -> Suspect {
    Suspect {
        id: ChangeId::new(id),
        kind: ChangeKind::Deploy,
        services: names(services),
        started_at_s,
        finished_at_s: Some(started_at_s),
        undone: Undone::No,
        share: None,
    }
}

/// What runs a minute apart say of a shift at `onset_s`: `strength` for it, and as much less as the onset is off. None: quiet.
fn heard(onset_s: Option<f64>, strength: f64) -> Vec<Heard> {
    (0..90)
        .map(|i| {
            let at_s = NOW - 60.0 * f64::from(89 - i);
            let ln_ratio = onset_s
                .map_or(-strength, |o| strength - 2.0 * ((at_s - o) / 60.0).max((o - at_s) / 60.0));
            Heard { since_s: at_s - 60.0, at_s, ln_ratio: ln_ratio.max(-strength) }
        })
        .collect()
}

fn signal(journey: &str, services: &[&str], onset_s: Option<f64>) -> Signal {
    Signal {
        journey: JourneyName::new(journey),
        services: names(services),
        metric: L,
        heard: heard(onset_s, 8.0),
        owed: 0.0,
        effect: if onset_s.is_some() { 0.4 } else { 0.0 },
        added_ms: 0.0,
        failing: Vec::new(),
        told: Vec::new(),
        failed: (0, 0),
        scores: Vec::new(),
        memory: 0.3,
        usual: 0.0,
    }
}

fn shop() -> BTreeMap<ServiceName, Vec<ServiceName>> {
    BTreeMap::from([
        (ServiceName::new("front"), names(&["cart", "ad", "checkout"])),
        (ServiceName::new("checkout"), names(&["cart", "pay"])),
        (ServiceName::new("pay"), names(&["ledger"])),
    ])
}

fn odds(blame: &Blame, id: &str) -> f64 {
    blame.candidates.iter().find(|(c, _)| c.as_str() == id).unwrap().1
}

fn none(blame: &Blame) -> f64 {
    1.0 - blame.candidates.iter().map(|(_, p)| p).sum::<f64>()
}

/// Twins, of which no evidence prefers one: what each journey of a shop says when checkout fails.
fn twins() -> (Vec<Suspect>, Vec<Signal>) {
    let suspects = vec![suspect("c1", &["pay"], 1000.0), suspect("c2", &["cart"], 1000.0)];
    let signals = vec![signal("buy", &["checkout"], Some(1061.0)), signal("see", &["ad"], None)];
    (suspects, signals)
}

#[test]
fn twins_are_equally_suspect_and_none_is_named() {
    let (suspects, signals) = twins();
    let found = blame(&suspects, &signals, &shop());
    assert!((odds(&found, "c1") - odds(&found, "c2")).abs() < 1e-9, "{found:?}");
    assert!(found.named.is_none() && none(&found) < 0.1, "{found:?}");
}

#[test]
fn every_kind_of_evidence_moves_the_right_way() {
    type Turn = fn(&mut Vec<Suspect>, &mut Vec<Signal>);
    let guilty: &[(&str, Turn)] = &[
        ("its own journey moved", |_, s| s.push(signal("pay", &["pay"], Some(1061.0)))),
        ("the other's journey did not move", |_, s| s.push(signal("add", &["cart"], None))),
        ("it is nearer", |c, _| c[1].services = names(&["ledger"])),
        ("the other has no way to what moved", |c, _| c[1].services = names(&["mail"])),
        ("the other came later than the trouble", |c, _| c[1].started_at_s = 1400.0),
        ("the other was long over", |c, _| {
            (c[1].started_at_s, c[1].finished_at_s) = (-800.0, Some(-800.0));
        }),
        ("the trouble ended as it was taken back", |c, _| c[0].undone = Undone::Recovered),
        ("the trouble went on as the other was", |c, _| c[1].undone = Undone::WentOn(20)),
        ("the other is a rollback", |c, _| c[1].kind = ChangeKind::Rollback),
        ("a step of its service fails", |_, s| s[0].failing = vec![(ServiceName::new("pay"), 5)]),
        ("a step that needs its service fails", |c, s| {
            c[1].services = names(&["ad"]);
            c[0].services = names(&["ledger"]);
            s[0].services = names(&["front"]);
            s[0].failing = vec![(ServiceName::new("pay"), 5)];
            s.truncate(1);
        }),
        ("an error names its service", |_, s| s[0].told = vec![(ServiceName::new("pay"), 5)]),
        ("an error names what calls its service", |c, s| {
            c[0].services = names(&["ledger"]);
            c[1].services = names(&["mail"]);
            s[0].services = names(&["pay", "mail"]);
            s[0].told = vec![(ServiceName::new("pay"), 5)];
        }),
        ("the other is a flag for fewer than fail", |c, s| {
            c[1].share = Some(0.05);
            (s[0].metric, s[0].failed) = (S, (12, 20));
        }),
        ("the other is a flag for fewer than are slow", |c, s| {
            c[1].share = Some(0.1);
            s[0].scores =
                (0..20).map(|i| Score { at_s: 1061.0 + 60.0 * f64::from(i), z: 2.0 }).collect();
        }),
        ("failures grow with its roll-out", |c, s| {
            c[0].finished_at_s = Some(2800.0);
            s[0].metric = S;
            s[0].scores = failures(|share| share);
            s[0].failed = (12, 40);
        }),
        ("its journey moved more", |_, s| {
            s.push(Signal { effect: 0.9, ..signal("pay", &["pay"], Some(1061.0)) });
            s.push(Signal { effect: 0.2, ..signal("add", &["cart"], Some(1061.0)) });
        }),
    ];
    for (what, turn) in guilty {
        let (mut suspects, mut signals) = twins();
        turn(&mut suspects, &mut signals);
        let found = blame(&suspects, &signals, &shop());
        let (one, other) = (odds(&found, "c1"), odds(&found, "c2"));
        assert!(one > 1.2 * other, "{what}: {one} {other}");
    }
}

#[test]
fn errors_alone_turn_none_into_nobody_named() {
    // At even odds between the one change and none, errors of five journeys name its service.
    for onset in (900..2000).step_by(20).map(f64::from) {
        let one = [suspect("c1", &["pay"], 2000.0)];
        let quiet: Vec<Signal> =
            (0..5).map(|i| signal(&format!("j{i}"), &["pay"], Some(onset))).collect();
        let mut told = quiet.clone();
        told.iter_mut().for_each(|s| s.told = vec![(ServiceName::new("pay"), 50)]);
        let (before, after) = (blame(&one, &quiet, &shop()), blame(&one, &told, &shop()));
        assert!(odds(&after, "c1") >= odds(&before, "c1"), "{before:?} {after:?}");
        if odds(&before, "c1") <= none(&before) {
            assert!(after.named.is_none(), "{before:?} {after:?}");
        }
    }
}

#[test]
fn an_error_that_names_somebody_else_clears_only_so_far() {
    let (suspects, signals) = twins();
    let mut told = signals.clone();
    told[0].told = vec![(ServiceName::new("stock"), 40)];
    let (before, after) = (blame(&suspects, &signals, &shop()), blame(&suspects, &told, &shop()));
    assert!((odds(&after, "c1") - odds(&after, "c2")).abs() < 1e-9);
    assert!(none(&after) > none(&before) && none(&after) < 4.0 * none(&before), "{after:?}");
}

#[test]
fn in_a_general_slowdown_who_adds_most_is_most_suspect() {
    let suspects = [suspect("c1", &["pay"], 1000.0), suspect("c2", &["cart"], 1000.0)];
    let of = |journey: &str, service: &str, added_ms: f64| Signal {
        added_ms,
        ..signal(journey, &[service], Some(1061.0))
    };
    let all = [of("a", "pay", 80.0), of("b", "cart", 10.0), of("c", "ad", 10.0), of("d", "x", 9.0)];
    let found = blame(&suspects, &all, &BTreeMap::new());
    assert!(odds(&found, "c1") > 1.5 * odds(&found, "c2"), "{found:?}");
}

#[test]
fn an_onset_before_the_change_speaks_for_none() {
    let of = |onset: f64| {
        blame(&[suspect("c1", &["pay"], 2000.0)], &[signal("pay", &["pay"], Some(onset))], &shop())
    };
    let (during, just, long) = (of(2061.0), of(1800.0), of(1000.0));
    assert!(odds(&during, "c1") > 0.9, "{during:?}");
    assert!(none(&just) > 10.0 * none(&during) && odds(&just, "c1") < 0.6, "{just:?}");
    assert!(just.named.is_none() && long.named.is_none() && none(&long) > 0.6, "{long:?}");
}

#[test]
fn an_uncertain_onset_says_little_of_the_time() {
    let vague = |onset: f64| Signal {
        heard: heard(Some(onset), 8.0)
            .into_iter()
            .map(|h| Heard { ln_ratio: 8.0 - ((h.at_s - onset) / 900.0).powi(2), ..h })
            .collect(),
        ..signal("pay", &["pay"], Some(onset))
    };
    let suspects = [suspect("c1", &["pay"], 2000.0)];
    let sharp = blame(&suspects, &[signal("pay", &["pay"], Some(1700.0))], &shop());
    let soft = blame(&suspects, &[vague(1700.0)], &shop());
    assert!(odds(&soft, "c1") > 1.5 * odds(&sharp, "c1"), "{soft:?} {sharp:?}");
}

#[test]
fn a_journey_without_runs_says_nothing() {
    let (suspects, mut signals) = twins();
    let before = blame(&suspects, &signals, &shop());
    signals.push(Signal { heard: Vec::new(), ..signal("pay", &["pay"], None) });
    signals.push(Signal { heard: Vec::new(), ..signal("add", &["cart"], None) });
    let after = blame(&suspects, &signals, &shop());
    for id in ["c1", "c2"] {
        assert!((odds(&before, id) - odds(&after, id)).abs() < 1e-9, "{before:?} {after:?}");
    }
}

#[test]
fn a_long_rollout_can_do_it_with_its_end_and_while_it_lasts() {
    let of = |end: Option<f64>, onset: f64| {
        let one = Suspect { finished_at_s: end, ..suspect("c1", &["pay"], 0.0) };
        odds(&blame(&[one], &[signal("pay", &["pay"], Some(onset))], &shop()), "c1")
    };
    assert!(of(Some(2800.0), 2861.0) > 1.1 * of(Some(0.0), 2861.0));
    assert!(of(Some(2800.0), 1800.0) > 1.1 * of(Some(0.0), 1800.0));
    assert!(of(Some(2800.0), 61.0) < of(Some(0.0), 61.0) + 0.01);
}

#[test]
fn a_shift_that_grows_with_a_rollout_is_of_that_rollout() {
    let scores = |shape: &dyn Fn(f64) -> f64| -> Vec<Score> {
        (0..50)
            .map(|i| {
                let at_s = 1000.0 + 60.0 * f64::from(i);
                Score { at_s, z: shape(at_s) + 0.5 * (f64::from(i) * 2.4).sin() }
            })
            .collect()
    };
    let stages = (1000.0, 2200.0);
    let ramp = scores(&|t| 3.0 * ((t - 1000.0) / 1200.0).clamp(0.0, 1.0));
    let step = scores(&|_| 3.0);
    assert!(growth::ln_factor(&ramp, 0.3, 1000.0, stages) > 1.0);
    let against = growth::ln_factor(&step, 0.3, 1000.0, stages);
    assert!((-0.4..0.0).contains(&against), "{against}");
    assert!(growth::ln_factor(&ramp, 0.3, 1000.0, (1000.0, 1000.0)).abs() < 1e-12);
    assert!(growth::ln_factor(&[], 0.3, 1000.0, stages).abs() < 1e-12);
}

/// Runs from 1000 s on, half a minute apart, of which so many fail by the share of a roll-out that ends at 2800 s.
fn failures(rate: impl Fn(f64) -> f64) -> Vec<Score> {
    let (mut owed, mut scores) = (0.0, Vec::new());
    for i in 0..80 {
        let at_s = 1000.0 + 30.0 * f64::from(i);
        owed += 0.6 * rate(((at_s - 1000.0) / 1800.0).clamp(0.0, 1.0));
        let failed = owed >= 1.0;
        owed -= f64::from(u8::from(failed));
        scores.push(Score { at_s, z: f64::from(u8::from(failed)) });
    }
    scores
}

#[test]
fn failures_that_grow_with_a_rollout_are_of_that_rollout() {
    let stages = (1000.0, 2800.0);
    let of = |scores: &[Score]| growth::ln_factor_of_failures(scores, 0.002, 1000.0, stages);
    assert!(of(&failures(|share| share)) > 0.5, "{}", of(&failures(|share| share)));
    let steady = of(&failures(|_| 1.0));
    assert!((-0.4..0.0).contains(&steady), "{steady}");
    assert!(of(&failures(|_| 0.0)).abs() < 1e-12 && of(&[]).abs() < 1e-12);
    let odd = growth::ln_factor_of_failures(&failures(|s| s), f64::NAN, f64::NAN, stages);
    assert!(odd.is_finite(), "{odd}");
}

#[test]
fn a_change_of_the_whole_environment_can_move_any_journey() {
    let moved: Vec<Signal> = [("a", "ad"), ("b", "cart"), ("c", "pay")]
        .iter()
        .map(|(j, s)| signal(j, &[s], Some(1061.0)))
        .collect();
    let suspects = [suspect("infra", &[], 1000.0), suspect("c1", &["mail"], 1000.0)];
    let found = blame(&suspects, &moved, &shop());
    assert_eq!(found.candidates[0].0.as_str(), "infra");
}

#[test]
fn nothing_and_nonsense_are_harmless() {
    assert_eq!(blame(&[], &[], &BTreeMap::new()), Blame::default());
    let one = |started_at_s, end, share| Suspect {
        finished_at_s: Some(end),
        share,
        ..suspect("c1", &["pay"], started_at_s)
    };
    let odd = |ln_ratio, since_s, at_s, x: f64| Signal {
        heard: vec![Heard { since_s, at_s, ln_ratio }],
        owed: x,
        effect: x,
        added_ms: x,
        failed: (9, 0),
        scores: vec![Score { at_s: x, z: x }; 9],
        memory: x,
        ..signal("a", &["pay"], None)
    };
    let circle = BTreeMap::from([
        (ServiceName::new("pay"), names(&["ledger"])),
        (ServiceName::new("ledger"), names(&["pay", "ledger"])),
    ]);
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 0.0];
    for x in bad {
        for y in bad {
            let signals = [odd(x, y, x, y), odd(9.0, 1000.0, 1060.0, x)];
            for suspect in [one(x, y, None), one(1000.0, y, Some(x))] {
                let found = blame(&[suspect], &signals, &circle);
                let p = found.candidates[0].1;
                assert!((0.0..=1.0).contains(&p), "{x} {y} {found:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn relabelling_permutes(order in Just((0..4).collect::<Vec<usize>>()).prop_shuffle(), seed in 0_u64..500) {
        let (suspects, signals, depends_on, _) = rollout(seed);
        let found = blame(&suspects, &signals, &depends_on);
        let mut turned: Vec<Suspect> =
            order.iter().filter_map(|i| suspects.get(*i).cloned()).collect();
        turned.extend(suspects.iter().skip(4).cloned());
        let mut heard = signals.clone();
        heard.reverse();
        heard.iter_mut().for_each(|s| s.journey = JourneyName::new(format!("z{}", s.journey)));
        let again = blame(&turned, &heard, &depends_on);
        for suspect in &suspects {
            let id = suspect.id.as_str();
            prop_assert!((odds(&found, id) - odds(&again, id)).abs() < 1e-9);
        }
        prop_assert!(found.candidates.windows(2).all(|w| w[0].1 >= w[1].1));
        prop_assert!(none(&found) > -1e-9);
    }
}

/// Overlapping roll-outs in a made-up shop whose map is wrong here and there, and the culprit.
fn rollout(
    seed: u64,
) -> (Vec<Suspect>, Vec<Signal>, BTreeMap<ServiceName, Vec<ServiceName>>, usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let name = |i: usize| ServiceName::new(format!("s{i}"));
    let services = 8;
    let calls: Vec<Vec<usize>> = (0..services)
        .map(|i| (i + 1..services).filter(|_| rng.random::<f64>() < 0.3).collect())
        .collect();
    let depends_on = (0..services)
        .map(|i| {
            let known = calls[i].iter().filter(|_| rng.random::<f64>() < 0.9);
            let mut known: Vec<ServiceName> = known.map(|c| name(*c)).collect();
            if rng.random::<f64>() < 0.15 && i + 1 < services {
                known.push(name(rng.random_range(i + 1..services)));
            }
            (name(i), known)
        })
        .collect();
    let changes = rng.random_range(2..7);
    let mut changed: Vec<usize> = (0..services).collect();
    for i in 0..services {
        changed.swap(i, rng.random_range(i..services));
    }
    let suspects: Vec<Suspect> = (0..changes)
        .map(|i| {
            let service = format!("s{}", changed[i]);
            suspect(&format!("c{i}"), &[service.as_str()], rng.random_range(1000.0..1600.0))
        })
        .collect();
    let culprit = rng.random_range(0..changes);
    let onset = suspects[culprit].started_at_s + rng.random_range(10.0..250.0);
    let signals = (0..services)
        .map(|journey| {
            let mut reach = vec![journey];
            let mut next = 0;
            while let Some(at) = reach.get(next).copied() {
                reach.extend(
                    calls[at].iter().filter(|c| !reach.contains(c)).copied().collect::<Vec<_>>(),
                );
                next += 1;
            }
            let p = match reach.iter().position(|s| *s == changed[culprit]) {
                Some(0) => 1.0,
                Some(_) => 0.4,
                None => 0.02,
            };
            let moved = (rng.random::<f64>() < p).then_some(onset);
            let own = format!("s{journey}");
            signal(&format!("j{journey}"), &[own.as_str()], moved)
        })
        .collect();
    (suspects, signals, depends_on, culprit)
}

#[test]
fn over_many_rollouts_the_culprit_stands_first_and_odds_mean_what_they_say() {
    let (mut first, mut named, mut wrong, mut said, mut seen) = (0, 0, 0, 0.0, 0);
    for seed in 0..400 {
        let (suspects, signals, depends_on, culprit) = rollout(seed);
        if signals.iter().all(|s| s.effect == 0.0) {
            continue;
        }
        seen += 1;
        let found = blame(&suspects, &signals, &depends_on);
        let guilty = &suspects[culprit].id;
        first += usize::from(found.candidates[0].0 == *guilty);
        said += found.candidates[0].1;
        named += usize::from(found.named.is_some());
        wrong += usize::from(found.named.as_ref().is_some_and(|n| n != guilty));
    }
    let share = |n: usize, of: usize| n as f64 / of as f64;
    assert!(share(first, seen) > 0.85, "{first} of {seen}");
    assert!(share(wrong, named) < 0.08, "{wrong} of {named}");
    assert!((said / seen as f64 - share(first, seen)).abs() < 0.08, "{said} {first}");
}
