use std::{collections::BTreeMap, time::Duration};

use super::{
    super::super::{
        Past,
        figures::count,
        made::{Make, REAL, START_S, change, key, member, slow},
        series::moment,
    },
    *,
};
use crate::model::{Conclusion, Detect, Metric, Probe, Watch};

const CALM: Make = Make { sd: 0.1, spikes: 0.0, diurnal: 0.0, ok: 1.0, ..REAL };
const DAY: usize = 1440;

fn at(index: usize) -> Timestamp {
    moment(START_S + 60.0 * count(index) - 1.0)
}

/// Lives through the runs, closing what is due; what was told of the latency of `d1`, in order, and its last word.
fn live(probes: &[Probe], changes: &[Change], taught: &[Option<Duration>]) -> Vec<Verdict> {
    lives(probes, changes, taught, &[])
}

fn newborn(taught: &[Option<Duration>]) -> Room {
    let watch = Watch { window: Duration::from_secs(3600), ..Watch::default() };
    let mut room = Room::new(watch, Detect::default(), BTreeMap::new());
    let spell = |lasted: &Option<Duration>| Spell { known_at: at(0), lasted: *lasted };
    room.learn_transients("payments".into(), taught.iter().map(spell).collect());
    room
}

/// The same with a restart before each of the runs at `stops`: what follows must be what would have followed without.
fn lives(
    probes: &[Probe],
    changes: &[Change],
    taught: &[Option<Duration>],
    stops: &[usize],
) -> Vec<Verdict> {
    let mut room = newborn(taught);
    let (mut told, mut closed): (Vec<Verdict>, BTreeMap<_, Timestamp>) = Default::default();
    for (i, probe) in probes.iter().enumerate() {
        let members = || vec![(member("pay", &["payments"], 60), probes[..i].to_vec())];
        if stops.contains(&i) {
            room = newborn(taught);
            let begun = changes.iter().filter(|c| c.started_at < probe.at);
            let (over, open): (Vec<_>, Vec<_>) = begun.partition(|c| closed.contains_key(&c.id));
            let past = over.into_iter().map(|c| Past {
                change: c.clone(),
                members: members(),
                closed_at: closed[&c.id],
                told: last_words(&told, &c.id),
            });
            let past = past.collect();
            let open = open.into_iter().map(|c| (c.clone(), members())).collect();
            let again: Vec<Verdict> = room.resume(open, past, probe.at);
            assert!(again.iter().all(|v| !closed.contains_key(&v.change)), "told twice: {again:?}");
            told.extend(again);
        }
        for change in changes.iter().filter(|c| c.started_at == at(i)) {
            told.extend(room.open(change, members(), change.started_at));
        }
        told.extend(room.push(&key("pay"), probe, probe.at));
        let open = room.open_watches();
        told.extend(room.close_due(probe.at));
        let still = room.open_watches();
        let over = open.iter().filter(|w| still.iter().all(|s| s.change != w.change));
        closed.extend(over.map(|w| (w.change.clone(), probe.at)));
    }
    told.retain(|v| v.change.as_str() == "d1" && v.metric == Metric::Latency);
    told
}

/// The last word on each metric of a change, as a store keeps it.
fn last_words(told: &[Verdict], change: &ChangeId) -> Vec<Verdict> {
    let mut last = BTreeMap::new();
    for verdict in told.iter().filter(|v| v.change == *change) {
        last.insert((verdict.metric, verdict.part.clone()), verdict.clone());
    }
    last.into_values().collect()
}

fn deploy(id: &str, index: usize) -> Change {
    let mut deploy = change(id, "payments", at(index));
    deploy.finished_at = Some(deploy.started_at);
    deploy
}

fn rollback(index: usize) -> Change {
    Change { kind: ChangeKind::Rollback, ..deploy("back", index) }
}

fn last(told: &[Verdict]) -> &Verdict {
    told.last().unwrap()
}

#[test]
fn late_harm_opens_a_closed_watch_again() {
    let start = 2 * DAY + 200;
    let mut probes = CALM.probes(71, start + 700, 60.0);
    slow(&mut probes, start + 300, 1.6);
    let told = live(&probes, &[deploy("d1", start)], &[]);
    let conclusions: Vec<Conclusion> = told.iter().map(|v| v.conclusion).collect();
    assert!(conclusions.contains(&Conclusion::Unchanged), "{conclusions:?}");
    let verdict = last(&told);
    assert_eq!(verdict.conclusion, Conclusion::Regressed, "{}", verdict.summary);
    let onset = verdict.onset.unwrap();
    let off = onset.at.duration_since(at(start + 300)).as_secs().abs();
    assert!(off <= 3600, "{off} s");
}

#[test]
fn late_harm_belongs_to_the_next_change_of_the_service() {
    let start = 2 * DAY + 200;
    let mut probes = CALM.probes(72, start + 700, 60.0);
    slow(&mut probes, start + 300, 1.6);
    let told = live(&probes, &[deploy("d1", start), deploy("d2", start + 299)], &[]);
    assert_eq!(last(&told).conclusion, Conclusion::Unchanged, "{}", last(&told).summary);
}

#[test]
fn what_ends_soon_after_the_watch_is_transient_and_what_takes_hours_is_not() {
    let start = DAY + 200;
    for (rows, expected) in [(50, Conclusion::Transient), (300, Conclusion::Regressed)] {
        let mut probes = CALM.probes(73, start + 500, 60.0);
        slow(&mut probes, start, 1.5);
        slow(&mut probes, start + rows, 1.0 / 1.5);
        let told = live(&probes, &[deploy("d1", start)], &[]);
        assert_eq!(last(&told).conclusion, expected, "{}", last(&told).summary);
        let noted = last(&told).notes.iter().any(|n| n.contains("but it took long"));
        assert_eq!(noted, expected == Conclusion::Regressed, "{:?}", last(&told).notes);
    }
}

#[test]
fn a_rollback_confirms_its_suspect_or_is_said_not_to_help() {
    let start = DAY + 200;
    for (helps, word) in [(true, "recovered after rollback back"), (false, "back did not help")] {
        let mut probes = CALM.probes(74, start + 300, 60.0);
        slow(&mut probes, start, 1.5);
        if helps {
            slow(&mut probes, start + 100, 1.0 / 1.5);
        }
        let told = live(&probes, &[deploy("d1", start), rollback(start + 100)], &[]);
        let verdict = last(&told);
        assert_eq!(verdict.conclusion, Conclusion::Regressed, "{}", verdict.summary);
        assert!(verdict.notes.iter().any(|n| n.contains(word)), "{word}: {:?}", verdict.notes);
    }
}

#[test]
fn a_habit_of_slow_spells_is_no_alarm() {
    let spell = Some(Duration::from_secs(600));
    let alarmed = |seed: u64, taught: &[Option<Duration>]| {
        let mut probes = REAL.probes(7500 + seed, 400 + 60, 60.0);
        slow(&mut probes, 400, 2.0);
        slow(&mut probes, 410, 0.5);
        let told = live(&probes, &[deploy("d1", 400)], taught);
        told.iter().any(|v| v.suspected_since.is_some())
    };
    let untaught = (0..15).filter(|seed| alarmed(*seed, &[])).count();
    let taught = (0..15).filter(|seed| alarmed(*seed, &[spell; 5])).count();
    assert!(untaught >= 12 && taught <= 3, "{untaught} {taught}");
}

#[test]
fn a_restart_after_the_watch_changes_nothing_of_what_is_told() {
    let start = 2 * DAY + 200;
    let mut late = CALM.probes(71, start + 700, 60.0);
    slow(&mut late, start + 300, 1.6);
    let mut spell = CALM.probes(73, start + 500, 60.0);
    slow(&mut spell, start, 1.5);
    slow(&mut spell, start + 70, 1.0 / 1.5);
    let mut helped = CALM.probes(74, start + 300, 60.0);
    slow(&mut helped, start, 1.5);
    slow(&mut helped, start + 100, 1.0 / 1.5);
    let calm = CALM.probes(75, start + 300, 60.0);
    let one = vec![deploy("d1", start)];
    let two = vec![deploy("d1", start), rollback(start + 100)];
    for (probes, changes) in [(&late, &one), (&spell, &one), (&helped, &two), (&calm, &one)] {
        let brief = |told: &[Verdict]| -> Vec<(Conclusion, Option<Timestamp>)> {
            let closing = told.iter().map(|v| (v.conclusion, v.recovered_at));
            let mut brief: Vec<_> = closing.collect();
            brief.dedup();
            brief
        };
        let whole = live(probes, changes, &[]);
        for stops in [vec![start + 62], vec![start + 68, start + 260], vec![start + 290]] {
            let broken = lives(probes, changes, &[], &stops);
            assert_eq!(brief(&broken), brief(&whole), "{stops:?}");
            assert_eq!(last(&broken).decided_at, last(&whole).decided_at);
        }
    }
}

#[test]
fn harm_that_came_while_nobody_looked_is_told_after_the_restart() {
    let start = 2 * DAY + 200;
    let mut probes = CALM.probes(71, start + 700, 60.0);
    slow(&mut probes, start + 300, 1.6);
    let members = |to: usize| vec![(member("pay", &["payments"], 60), probes[..to].to_vec())];
    let change = deploy("d1", start);
    let calm = live(&probes[..start + 100], std::slice::from_ref(&change), &[]);
    let mut room = newborn(&[]);
    let told = vec![last(&calm).clone()];
    let past = Past { change, members: members(start + 600), closed_at: at(start + 62), told };
    let news = room.resume(Vec::new(), vec![past], at(start + 600));
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!(news[0].conclusion, Conclusion::Regressed, "{}", news[0].summary);
    assert!(news[0].decided_at > at(start + 300), "{}", news[0].decided_at);
}

#[test]
fn a_deployment_teaches_how_long_it_was_slow() {
    let start = DAY + 200;
    let mut probes = CALM.probes(73, start + 300, 60.0);
    slow(&mut probes, start, 1.5);
    slow(&mut probes, start + 50, 1.0 / 1.5);
    let change = deploy("d1", start);
    assert_eq!(Spell::of(&change, &[]), None, "nothing was told");
    let verdict = last(&live(&probes, std::slice::from_ref(&change), &[])).clone();
    let spell = Spell::of(&change, std::slice::from_ref(&verdict)).unwrap();
    let minutes = spell.lasted.unwrap().as_secs() / 60;
    assert!((45..=55).contains(&minutes), "{minutes}");
    assert!(spell.known_at > verdict.recovered_at.unwrap());
    let of = |conclusion| Spell::of(&change, &[Verdict { conclusion, ..verdict.clone() }]);
    assert_eq!(of(Conclusion::Unchanged).unwrap().lasted, None);
    assert_eq!((of(Conclusion::Regressed), of(Conclusion::ProberFault)), (None, None));
    let flag = Change { kind: ChangeKind::Flag, ..change.clone() };
    assert_eq!(Spell::of(&flag, &[verdict]), None);
}

#[test]
fn what_is_learnt_later_alters_no_watch_that_was_open() {
    let mut probes = REAL.probes(7501, 460, 60.0);
    slow(&mut probes, 400, 2.0);
    slow(&mut probes, 410, 0.5);
    let change = deploy("d1", 400);
    let members = || vec![(member("pay", &["payments"], 60), probes.clone())];
    let verdicts = |known_at: Timestamp| {
        let mut room = newborn(&[]);
        let lasted = Some(Duration::from_secs(600));
        room.learn_transients("payments".into(), vec![Spell { known_at, lasted }; 5]);
        room.open(&change, members(), probes[459].at)
    };
    assert_eq!(verdicts(at(401)), {
        let mut room = newborn(&[]);
        room.open(&change, members(), probes[459].at)
    });
    assert_ne!(verdicts(at(399)), verdicts(at(401)));
}
