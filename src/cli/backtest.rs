//! `wayfarer backtest`: judges recorded histories with known truth by the code that judges live ones, or the changes in the agent's
//! own data file by other settings.

mod compare;
mod own;
mod settings;

use std::{fmt::Write as _, path::Path, thread};

use super::{Context, Exit, Failed, args::BacktestArguments, say};
use crate::{
    correlate::replay::{self, CaseResult, Report, Summary},
    model::{Case, Detect, Watch},
    source::histories::{self, HistoryError},
};

/// Why a back-test could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The histories cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A `--set` makes no sense.
    #[error("`--set {argument}`: {message}")]
    Set {
        /// As it was written.
        argument: String,
        /// What is wrong.
        message: String,
    },
    /// The results cannot be written as JSON.
    #[error("results cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<BacktestError> for Failed {
    fn from(e: BacktestError) -> Self {
        let exit = match &e {
            BacktestError::History(_) => Exit::Config,
            BacktestError::Set { .. } => Exit::Usage,
            BacktestError::Json(_) => Exit::Bug,
        };
        Self::new(exit, e)
    }
}

/// The verb: a folder where one is named, else the agent's own data file.
pub(super) async fn verb(arguments: &BacktestArguments, context: &Context) -> Result<Exit, Failed> {
    let text = match &arguments.dir {
        Some(dir) => run(dir, arguments.json, &arguments.set)?,
        None => own::run(arguments, context).await?,
    };
    say(&text)?;
    Ok(Exit::Good)
}

/// Reads the histories of a folder, judges all of them and returns the text to print: one JSON object, or a table by source.
///
/// # Errors
/// Histories that cannot be read, and settings that make no sense.
pub fn run(dir: &Path, json: bool, set: &[String]) -> Result<String, BacktestError> {
    let (detect, watch) = settings::altered((Detect::default(), Watch::default()), set)?;
    let cases = histories::read(dir)?;
    let results = judge(&cases, &detect, &watch);
    let report = replay::report(&cases, results);
    if json {
        let mut text = serde_json::to_string_pretty(&report)?;
        text.push('\n');
        Ok(text)
    } else {
        Ok(table(&report))
    }
}

/// Judges the cases on all processors, each case on its own; the results stand in the order of the cases.
fn judge(cases: &[Case], detect: &Detect, watch: &Watch) -> Vec<CaseResult> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(cases.len().max(1));
    // Every n-th case for each worker: neighbouring cases are alike, and so is the work.
    let mut shares: Vec<Vec<(usize, Vec<CaseResult>)>> = thread::scope(|scope| {
        let started: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn(move || {
                    let own = cases.iter().enumerate().skip(worker).step_by(workers);
                    own.map(|(i, case)| (i, replay::replay(case, detect, watch))).collect()
                })
            })
            .collect();
        // A worker that panicked takes the whole back-test with it: half a table would lie.
        started
            .into_iter()
            .map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut all: Vec<(usize, Vec<CaseResult>)> = shares.drain(..).flatten().collect();
    all.sort_by_key(|(i, _)| *i);
    all.into_iter().flat_map(|(_, results)| results).collect()
}

/// A table by source, within 80 columns.
fn table(report: &Report) -> String {
    let mut text = format!("{} cases\n\n", report.cases);
    let line = |text: &mut String, cells: [&str; 9]| {
        let [source, rest @ ..] = cells;
        // Writing to a string cannot fail.
        let _written = write!(text, "{source:<16}");
        for cell in rest {
            let _written = write!(text, "{cell:>8}");
        }
        while text.ends_with(' ') {
            text.pop();
        }
        text.push('\n');
    };
    line(&mut text, ["", "false", "alarms", "", "power", "", "delay", "", "culprit"]);
    line(&mut text, ["source", "of", "susp", "regr", "of", "susp", "regr", "probes", "first"]);
    for (source, summary) in &report.summary {
        let source: String = source.chars().take(15).collect();
        let cells = cells(summary);
        let [a, b, c, d, e, f, g, h] = cells.each_ref().map(String::as_str);
        line(&mut text, [&source, a, b, c, d, e, f, g, h]);
    }
    text.push_str(
        "\nof: how many there are. susp, regr: share called suspected, regressed.\n\
         delay: runs from the change to `suspected`, median/p90 of those found.\n\
         culprit: share of those found whose culprit stood first at the end.\n",
    );
    text
}

fn cells(summary: &Summary) -> [String; 8] {
    let share = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{:.1}%", 100.0 * v));
    let delay = match (summary.delay_probes.median, summary.delay_probes.p90) {
        (Some(median), Some(p90)) => format!("{median:.0}/{p90:.0}"),
        _ => "-".to_owned(),
    };
    [
        summary.counted.none.to_string(),
        share(summary.false_alarm_rate.suspected),
        share(summary.false_alarm_rate.regressed),
        summary.counted.regressed.to_string(),
        share(summary.power.suspected),
        share(summary.power.regressed),
        delay,
        share(summary.attribution.top1_at_end),
    ]
}
