use std::collections::BTreeMap;

use super::{
    super::super::{
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
    let watch = Watch { window: Duration::from_secs(3600), ..Watch::default() };
    let mut room = Room::new(watch, Detect::default(), BTreeMap::new());
    room.learn_transients("payments".into(), taught.to_vec());
    let mut told = Vec::new();
    for (i, probe) in probes.iter().enumerate() {
        for change in changes.iter().filter(|c| c.started_at == at(i)) {
            let members = vec![(member("pay", &["payments"], 60), probes[..i].to_vec())];
            told.extend(room.open(change, members, change.started_at));
        }
        told.extend(room.push(&key("pay"), probe, probe.at));
        told.extend(room.close_due(probe.at));
    }
    told.retain(|v| v.change.as_str() == "d1" && v.metric == Metric::Latency);
    told
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
