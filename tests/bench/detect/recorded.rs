//! Recorded histories of real roll-outs and incidents, where they are at hand: each metric of each journey is held against its
//! truth by itself.

use std::{collections::BTreeMap, path::Path};

use wayfarer::{
    correlate::replay::{self, CaseResult},
    model::{Case, Detect, JourneyName, Label, Metric, Watch},
    source::histories,
};

use crate::{
    around::Around,
    baseline,
    figures::{Share, delays},
    outcome::Blamed,
    row::parallel,
    table::Table,
};

/// One metric of one journey of one case.
struct Judged {
    label: Label,
    drop: bool,
    hits: [Option<f64>; 2],
    baselines: [Option<u32>; 5],
    blamed: Option<Blamed>,
}

/// Judges the histories of a folder and prints what came of it.
pub(crate) fn report(markdown: bool) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/cases"));
    if !folder.join("cases.json").exists() {
        println!("\nrecorded histories: skipped, they are not here");
        return;
    }
    let cases = match histories::read(folder) {
        Ok(cases) => cases,
        Err(e) => {
            println!("\nrecorded histories: skipped, {e}");
            return;
        }
    };
    let judged: Vec<Judged> =
        parallel(cases.len(), |n| judge(&cases[n])).into_iter().flatten().collect();
    let mut columns =
        vec![("recorded", 26), ("n", 5), ("S %", 18), ("R %", 18), ("runs S", 7), ("target", 12)];
    columns.extend(baseline::ALL.map(|(name, _)| (name, 8)));
    let table = Table::begin(markdown, "Recorded histories (development part)", &columns);
    type Wanted = fn(&Judged) -> bool;
    let rows: [(&str, Wanted, &str); 3] = [
        ("nothing happened", |j| j.label == Label::None, "R <=0.3"),
        ("regressed", |j| j.label == Label::Regressed, "S >=76"),
        ("success drops in roll-outs", |j| j.label == Label::Regressed && j.drop, "10 of 11, 10"),
    ];
    for (name, wanted, target) in rows {
        let mine: Vec<&Judged> = judged.iter().filter(|j| wanted(j)).collect();
        let share = |hits: usize| Share { hits, of: mine.len() };
        let [s, r] = [0, 1].map(|t| mine.iter().filter_map(|j| j.hits[t]).collect::<Vec<f64>>());
        let mut cells = vec![
            name.to_owned(),
            mine.len().to_string(),
            share(s.len()).shown(),
            share(r.len()).shown(),
            delays(&s),
            target.to_owned(),
        ];
        cells.extend(
            (0..5).map(|b| share(mine.iter().filter(|j| j.baselines[b].is_some()).count()).short()),
        );
        table.row(cells);
    }
    let blamed: Vec<Blamed> = judged.iter().filter_map(|j| j.blamed).collect();
    println!("\nwho did it, of {} found with a known culprit: {}", blamed.len(), shares(&blamed));
}

/// The shares of attribution in words.
pub(crate) fn shares(blamed: &[Blamed]) -> String {
    let of = |holds: fn(&Blamed) -> bool| Share {
        hits: blamed.iter().filter(|b| holds(b)).count(),
        of: blamed.len(),
    };
    let named = of(|b| b.named);
    let wrong = Share { hits: of(|b| b.named_wrong).hits, of: named.hits };
    format!(
        "first at the hit {} (>=65), at the end {} (>=88), named {}, wrong of these {} (<=10)",
        of(|b| b.first_at_hit).short(),
        of(|b| b.first_at_end).short(),
        named.short(),
        wrong.short(),
    )
}

fn judge(case: &Case) -> Vec<Judged> {
    let results = replay::replay(case, &Detect::default(), &Watch::default());
    let of: BTreeMap<(&JourneyName, Metric), &CaseResult> =
        results.iter().map(|r| ((&r.journey, r.metric), r)).collect();
    case.truth
        .iter()
        .filter_map(|truth| {
            let result = of.get(&(&truth.journey, truth.metric))?;
            let runs = |hit: &Option<replay::Hit>| hit.as_ref().map(|h| f64::from(h.probes_after));
            let series = case.series.iter().find(|s| s.key.journey == truth.journey)?;
            let around = Around::of(case, series)?;
            let culprit = truth.change.as_ref().filter(|_| truth.label == Label::Regressed);
            let blamed = match (&result.suspected, culprit) {
                (Some(hit), Some(culprit)) => Some(Blamed::of(hit, result, culprit)),
                _ => None,
            };
            Some(Judged {
                label: truth.label,
                drop: case.source == "changerca" && truth.metric == Metric::Success,
                hits: [runs(&result.suspected), runs(&result.regressed)],
                baselines: baseline::ALL.map(|(_, rule)| rule(&around, truth.metric)),
                blamed,
            })
        })
        .collect()
}
