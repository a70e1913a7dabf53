//! How well changes are judged: every scenario by our detector, beside what others use, on the same cases.
//!
//! `cargo bench --bench detect` (`-- --seeds 100 --only step,success` for a glance)
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]

mod arguments;
mod around;
mod baseline;
mod cost;
mod figures;
mod limit;
mod outcome;
mod recorded;
mod row;
mod table;
mod target;

use wayfarer::{clock::Clock, model::Conclusion};

use arguments::Arguments;
use figures::{Share, delays, quantile};
use outcome::{About, Blamed};
use row::Row;
use table::Table;
use target::Target;

fn main() {
    let arguments = match Arguments::read() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return,
        Err(e) => {
            eprintln!("{e}");
            std::process::exit(2);
        }
    };
    println!(
        "{} cases of each scenario, salt {}, 60 runs after the change unless said otherwise, a look after each.\n\
         S suspected, R regressed, in % with exact 95% bounds; runs until then: median/p90 of those found.\n\
         Baselines: % alarmed, median runs.",
        arguments.seeds, arguments.salt
    );
    let rows = scenarios(&arguments);
    if !rows.is_empty() {
        totals(&rows);
        attribution(&arguments, &rows);
        transients(&arguments, &rows);
        onsets(&arguments, &rows);
    }
    if arguments.recorded() {
        recorded::report(arguments.markdown);
    }
    if arguments.cost() {
        cost::report();
    }
}

fn scenarios(arguments: &Arguments) -> Vec<Row> {
    let scenarios = arguments.scenarios();
    if scenarios.is_empty() {
        return Vec::new();
    }
    let mut columns = vec![
        ("scenario", 18),
        ("S %", 18),
        ("runs", 6),
        ("R %", 18),
        ("runs", 6),
        ("else S/R", 9),
        ("target", 24),
    ];
    columns.extend(baseline::ALL.map(|(name, _)| (name, 8)));
    columns.extend([("limit", 11), ("ratio S/R", 9)]);
    let table = Table::begin(arguments.markdown, "Scenarios", &columns);
    let mut rows = Vec::new();
    for (n, scenario) in scenarios.iter().enumerate() {
        let watch = Clock.start();
        let row = Row::measure(scenario, arguments.seeds, arguments.salt);
        table.row(cells(&row));
        eprintln!(
            "  [{}/{}] {} in {:.1} s",
            n + 1,
            scenarios.len(),
            scenario.name,
            watch.elapsed().as_secs_f64()
        );
        rows.push(row);
    }
    rows
}

fn cells(row: &Row) -> Vec<String> {
    let elsewhere = |hits| Share { hits, of: row.cases }.short();
    let mut cells = vec![
        row.name.to_owned(),
        row.suspected().shown(),
        delays(&row.delays_s),
        row.regressed().shown(),
        delays(&row.delays_r),
        match row.about {
            About::Nothing => String::new(),
            _ => format!("{}/{}", elsewhere(row.elsewhere.0), elsewhere(row.elsewhere.1)),
        },
        Target::of(row.name, row.about).held_against(row),
    ];
    for alarmed in &row.baselines {
        let share = Share { hits: alarmed.len(), of: row.cases }.short();
        let median = quantile(alarmed, 0.5).map_or_else(String::new, |m| format!(" {m:.0}"));
        cells.push(share + &median);
    }
    let limit = limit::shift_of(row.name).map(limit::measure);
    cells.push(limit.as_ref().map_or_else(String::new, |(runs, share)| {
        format!("{:.0}% {}", 100.0 * share, delays(runs))
    }));
    let ratio = |ours: &[f64]| {
        let limit = quantile(&limit.as_ref()?.0, 0.5)?;
        Some(format!("{:.1}", quantile(ours, 0.5)? / limit))
    };
    cells.push(match (ratio(&row.delays_s), ratio(&row.delays_r)) {
        (Some(s), Some(r)) => format!("{s}/{r}"),
        _ => String::new(),
    });
    cells
}

/// False alarms over all scenarios in which there is nothing to find.
fn totals(rows: &[Row]) {
    let quiet: Vec<&Row> = rows.iter().filter(|r| r.about == About::Nothing).collect();
    let of = quiet.iter().map(|r| r.cases).sum();
    if of == 0 {
        return;
    }
    let total = |hits: usize| Share { hits, of };
    let regressed = total(quiet.iter().map(|r| r.delays_r.len()).sum());
    let suspected = total(quiet.iter().map(|r| r.delays_s.len()).sum());
    println!(
        "\nfalse over all {} scenarios without harm: R {} of {of}, {:.3}%, at most {:.3}% (95%; target 0.2% {}); S {:.2}%, at most {:.2}%",
        quiet.len(),
        regressed.hits,
        100.0 * regressed.value(),
        100.0 * regressed.at_most(),
        if regressed.at_most() <= 0.002 { "ok" } else { "MISS" },
        100.0 * suspected.value(),
        100.0 * suspected.at_most(),
    );
    for (b, (name, _)) in baseline::ALL.iter().enumerate() {
        let alarms = total(quiet.iter().map(|r| r.baselines[b].len()).sum());
        println!("  {name}: {}%", alarms.short());
    }
}

/// Who did it: only where there was more than one who might have.
fn attribution(arguments: &Arguments, rows: &[Row]) {
    let several = |name: &str| name.starts_with("overlap") || name.starts_with("two-");
    let mine: Vec<&Row> = rows.iter().filter(|r| several(r.name) && !r.blamed.is_empty()).collect();
    if mine.is_empty() {
        return;
    }
    println!("\n{}Who did it\n", if arguments.markdown { "### " } else { "== " });
    for row in &mine {
        println!("{}: of {} found, {}", row.name, row.blamed.len(), recorded::shares(&row.blamed));
    }
    let all: Vec<Blamed> = mine.iter().flat_map(|r| r.blamed.iter().copied()).collect();
    println!("together: of {} found, {}", all.len(), recorded::shares(&all));
}

/// How troubles that end by themselves end.
fn transients(arguments: &Arguments, rows: &[Row]) {
    let mine: Vec<&Row> = rows.iter().filter(|r| r.about == About::Transient).collect();
    if mine.is_empty() {
        return;
    }
    let mut columns = vec![("ends as, %", 18)];
    columns.extend(Conclusion::ALL.iter().map(|c| (c.as_str(), 12)));
    columns.push(("ever regressed", 14));
    let table = Table::begin(arguments.markdown, "Troubles that end by themselves", &columns);
    for row in mine {
        let mut cells = vec![row.name.to_owned()];
        cells.extend(Conclusion::ALL.iter().map(|c| row.ended(*c).short()));
        cells.push(row.regressed().short());
        table.row(cells);
    }
}

/// How well the begin of the harm is told.
fn onsets(arguments: &Arguments, rows: &[Row]) {
    let mine: Vec<&Row> =
        rows.iter().filter(|r| r.about == About::Harm && !r.onset[0].is_empty()).collect();
    if mine.is_empty() {
        return;
    }
    let columns = [
        ("onset", 18),
        ("error S, runs", 14),
        ("in 90% interval", 18),
        ("error R, runs", 14),
        ("in 90% interval", 18),
    ];
    let table =
        Table::begin(arguments.markdown, "When it began (targets: 2 runs, 85 to 95%)", &columns);
    let cells = |name: &str, onset: [Vec<(f64, bool)>; 2]| {
        let mut cells = vec![name.to_owned()];
        for tier in onset {
            let errors: Vec<f64> = tier.iter().map(|(error, _)| *error).collect();
            let held = tier.iter().filter(|(_, held)| *held).count();
            cells.push(match (quantile(&errors, 0.5), quantile(&errors, 0.9)) {
                (Some(median), Some(p90)) => format!("{median:.1}/{p90:.1}"),
                _ => "-".to_owned(),
            });
            cells.push(Share { hits: held, of: tier.len() }.shown());
        }
        cells
    };
    for row in &mine {
        table.row(cells(row.name, row.onset.clone()));
    }
    let all = [0, 1].map(|tier| mine.iter().flat_map(|r| r.onset[tier].iter().copied()).collect());
    table.row(cells("all", all));
}
