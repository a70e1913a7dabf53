//! What a look costs.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use wayfarer::{
    clock::Clock,
    correlate::{Member, Members, Room},
    model::{Case, Detect, Probe, SeriesKey, Watch},
    simulate,
};

/// Journeys judged at once.
const MANY: usize = 1000;
/// Rows of history of these: what a baseline needs, for memory's sake.
const ROWS: usize = 600;

/// Measures and prints.
pub(crate) fn report() {
    let Some(scenario) = simulate::find("null-usual") else { return };
    let cases: Vec<Case> = (0..20).map(|seed| simulate::case(scenario, seed)).collect();
    let single: Vec<Cost> =
        cases.iter().map(|case| measure(std::slice::from_ref(case), 0)).collect();
    let mean = |of: fn(&Cost) -> f64| single.iter().map(of).sum::<f64>() / single.len() as f64;
    println!("\n== Cost (one processor)\n");
    println!(
        "one journey, two days of history: {:.1} us a run (<50), {:.1} ms for the baseline",
        mean(|c| c.look_us),
        mean(|c| c.open_ms)
    );
    let many: Vec<Case> = (0..MANY).map(|n| cases[n % cases.len()].clone()).collect();
    let cost = measure(&many, ROWS);
    println!(
        "{MANY} journeys of one change: {:.1} us a run and series, {:.0} ms for a look at all (<100), {:.1} ms for the baseline of each",
        cost.look_us,
        cost.look_us * MANY as f64 / 1e3,
        cost.open_ms
    );
}

struct Cost {
    look_us: f64,
    open_ms: f64,
}

/// Opens the watch of one change over the first series of each case and pushes what comes after it.
fn measure(cases: &[Case], rows: usize) -> Cost {
    let change = cases[0].changes[0].clone();
    let watch = Watch { window: Duration::from_secs(3600), min_runs: 60, ..Watch::default() };
    let mut room = Room::new(watch, Detect::default(), BTreeMap::new());
    let (mut members, mut after): (Members, Vec<(SeriesKey, Vec<Probe>)>) =
        (Vec::new(), Vec::new());
    for (n, case) in cases.iter().enumerate() {
        let recorded = &case.series[0];
        let key = SeriesKey { journey: format!("journey-{n}").into(), ..recorded.key.clone() };
        let (before, behind): (Vec<Probe>, Vec<Probe>) =
            recorded.probes.iter().cloned().partition(|p| p.at < change.started_at);
        let skipped = if rows == 0 { 0 } else { before.len().saturating_sub(rows) };
        let member = Member {
            series: key.clone(),
            services: recorded.services.clone(),
            steps: std::collections::BTreeMap::new(),
            interval: case.interval,
            revision: None,
            measures: std::collections::BTreeMap::new(),
        };
        members.push((member, before[skipped..].to_vec()));
        after.push((key, behind));
    }
    room.open(&change, members, change.started_at);
    let mut push = |looks: std::ops::Range<usize>| {
        let mut count = 0_u32;
        for look in looks {
            for (key, probes) in &after {
                let Some(probe) = probes.get(look) else { continue };
                let at: Timestamp = probe.at;
                room.push(key, probe, at);
                count += 1;
            }
        }
        count
    };
    // The baseline is made with the first run after the change.
    let opening = Clock.start();
    push(0..1);
    let open_ms = opening.elapsed().as_secs_f64() * 1e3 / cases.len() as f64;
    let looking = Clock.start();
    let count = push(1..if cases.len() > 1 { 10 } else { 60 });
    Cost { look_us: looking.elapsed().as_secs_f64() * 1e6 / f64::from(count.max(1)), open_ms }
}
