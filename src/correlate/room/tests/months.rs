//! A room that is never empty: a change a day, for weeks.

use super::*;
use crate::model::{Part, Parts, StepName};

/// Runs of a day.
const A_DAY: usize = 144;

#[test]
fn what_no_change_needs_any_more_is_let_go_although_one_is_always_watched() {
    const DAYS: usize = 40;
    let mut runs = CALM.probes(5, DAYS * A_DAY, 600.0);
    let layout: std::sync::Arc<[Part]> = vec![Part::Step(StepName::from("load"))].into();
    runs.iter_mut().for_each(|run| run.parts = Parts::new(layout.clone(), &[300.0]));
    let last = (DAYS - 1) * A_DAY;
    slow(&mut runs, last + 1, 1.8);
    let mut room = Room::new(Watch::default(), Detect::default(), BTreeMap::new());
    let member = member("pay", &["pay"], 600);
    let mut most = 0;
    for (index, run) in runs.iter().enumerate() {
        if index % A_DAY == 0 {
            let change = change(&format!("d{}", index / A_DAY), "pay", run.at);
            let known = runs[index.saturating_sub(A_DAY)..index].to_vec();
            room.open(&change, vec![(member.clone(), known)], run.at);
        }
        room.push(&member.series, run, run.at);
        room.close_due(run.at);
        most = most.max(room.lines[&member.series].probes.len());
    }
    assert!((16 * A_DAY..20 * A_DAY).contains(&most), "{most}");
    let line = &room.lines[&member.series];
    let whole = line.probes.iter().filter(|run| !run.parts.is_empty()).count();
    assert!(whole < 8 * A_DAY, "{whole}");
    let told = room.verdicts(&format!("d{}", DAYS - 1).as_str().into());
    let latency = told.iter().find(|v| v.part.is_whole() && v.metric == Metric::Latency).unwrap();
    assert_eq!(latency.conclusion, Conclusion::Regressed, "{}", latency.summary);
    assert!(latency.baseline_probes > 100, "{}", latency.baseline_probes);
}

#[test]
fn an_hour_of_another_week_that_is_read_later_moves_nothing() {
    let runs = CALM.probes(6, 20 * 24 * 60, 60.0);
    let start = 16 * 24 * 60;
    let mut slowed = runs.clone();
    slow(&mut slowed, start, 1.5);
    let change = deploy("d1", "pay", start);
    let member = member("pay", &["pay"], 60);
    let mut verdicts = Vec::new();
    for late in [false, true] {
        let mut room = Room::new(Watch::default(), Detect::default(), BTreeMap::new());
        let week = slowed[start - 8 * 1440..start].to_vec();
        room.open(&change, vec![(member.clone(), week)], change.started_at);
        for (index, run) in slowed[start..start + 50].iter().enumerate() {
            if late && index == 20 {
                let other = slowed[start - 14 * 1440..start - 14 * 1440 + 300].to_vec();
                let also = deploy("d2", "pay", start + 20);
                room.open(&also, vec![(member.clone(), other)], run.at);
            }
            room.push(&member.series, run, run.at);
        }
        let told = room.verdicts(&"d1".into());
        let of = told.iter().find(|v| v.metric == Metric::Latency && v.part.is_whole()).unwrap();
        verdicts.push((of.conclusion, of.log_e, of.probes, of.before.p50_ms));
    }
    assert_eq!(verdicts[0], verdicts[1]);
}
