//! `wayfarer simulate`: writes histories with known truth in the back-test format.

use std::{fmt::Write as _, path::Path};

use super::{Context, Exit, Failed, args::SimulateArguments, nearly, say};
use crate::{
    simulate::{self, Scenario},
    source::histories::{self, HistoryError},
};

/// Writes the cases, or lists the scenarios.
pub(super) fn run(arguments: &SimulateArguments, context: &Context) -> Result<Exit, Failed> {
    let (Some(name), Some(dir)) = (&arguments.scenario, &arguments.dir) else {
        say(&list())?;
        return Ok(Exit::Good);
    };
    if arguments.list {
        say(&list())?;
        return Ok(Exit::Good);
    }
    let scenario = simulate::find(name).ok_or_else(|| {
        let near = nearly(name, simulate::scenarios().map(|s| s.name));
        let message = format!("there is no scenario `{name}`{near}; --list shows all");
        Failed::new(Exit::Usage, message)
    })?;
    let count = u64::from(arguments.count);
    let Some(last) = arguments.seed.checked_add(count - 1) else {
        let message = format!("--seed {} leaves no room for {count} seeds", arguments.seed);
        return Err(Failed::new(Exit::Usage, message));
    };
    write(scenario, dir, arguments.seed..=last).map_err(failed)?;
    let cases = if count == 1 { "case" } else { "cases" };
    let shown = super::verdicts::paragraph(context, &format!("{name}: {}", scenario.about));
    say(&format!(
        "{shown}\nwrote {count} {cases} to {dir}\n\nNext:\n  wayfarer backtest {dir}\n",
        dir = dir.display()
    ))?;
    Ok(Exit::Good)
}

fn write(
    scenario: &Scenario,
    dir: &Path,
    seeds: std::ops::RangeInclusive<u64>,
) -> Result<(), HistoryError> {
    // A case is ours when its name is one that we give.
    histories::clear(dir, |source, id| {
        simulate::find(source).is_some()
            && id
                .strip_prefix(source)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|seed| seed.parse::<u64>().is_ok())
    })?;
    histories::write(dir, seeds.map(|seed| simulate::case(scenario, seed)))?;
    Ok(())
}

fn failed(e: HistoryError) -> Failed {
    let exit = match &e {
        HistoryError::Occupied { .. } => Exit::Usage,
        HistoryError::Impossible { .. } => Exit::Bug,
        _ => Exit::Trouble,
    };
    Failed::new(exit, e)
}

/// All scenarios, a line each.
fn list() -> String {
    let width = simulate::scenarios().map(|s| s.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for scenario in simulate::scenarios() {
        // Writing to a string cannot fail.
        let _written = writeln!(text, "{:<width$}  {}", scenario.name, scenario.about);
    }
    text
}
