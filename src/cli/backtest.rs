//! `wayfarer backtest`: judges recorded histories with known truth by the code that judges live ones.

use std::{fmt::Write as _, path::Path, thread, time::Duration};

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

/// Reads the histories of a folder, judges all of them and returns the text to print: one JSON object, or a table by source.
///
/// # Errors
/// Histories that cannot be read, and settings that make no sense.
pub fn run(dir: &Path, json: bool, set: &[String]) -> Result<String, BacktestError> {
    let (detect, watch) = settings(set)?;
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

/// The shipped settings with those of `--set KEY=VALUE` altered.
fn settings(set: &[String]) -> Result<(Detect, Watch), BacktestError> {
    let (mut detect, mut watch) = (Detect::default(), Watch::default());
    for argument in set {
        apply(argument, &mut detect, &mut watch)
            .map_err(|message| BacktestError::Set { argument: argument.clone(), message })?;
    }
    Ok((detect, watch))
}

fn apply(argument: &str, detect: &mut Detect, watch: &mut Watch) -> Result<(), String> {
    let (key, value) = argument.split_once('=').ok_or("write it as KEY=VALUE")?;
    let value = value.trim().trim_matches('"');
    match key.trim() {
        "detect.latency.relative" => detect.latency_relative = share(value, 0.01, 10.0)?,
        "detect.latency.absolute" => detect.latency_absolute = Some(span(value)?),
        "detect.success.drop" => detect.success_drop = share(value, 0.001, 0.9)?,
        "detect.confidence" => detect.confidence = share(value, 0.5, 0.999_999)?,
        "watch.settle" => watch.settle = span(value)?,
        other => {
            return Err(format!(
                "there is no setting `{other}`; one of detect.latency.relative, detect.latency.absolute, \
                 detect.success.drop, detect.confidence, watch.settle"
            ));
        }
    }
    Ok(())
}

/// A share: `20%` or `0.2`.
fn share(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |n| (n, 0.01));
    let value = number.trim().parse::<f64>().map_err(|_| format!("`{text}` is no share"))? * scale;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("`{text}` is not between {:.3}% and {:.4}%", 100.0 * least, 100.0 * most))
    }
}

/// A span of time: `20ms`, `1.5s`, `4m`.
fn span(text: &str) -> Result<Duration, String> {
    let fault = || format!("`{text}` is no span of time such as 20ms, 1.5s or 4m");
    let cut = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(fault)?;
    let (number, unit) = text.split_at(cut);
    let scale = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(fault()),
    };
    let seconds = number.trim().parse::<f64>().map_err(|_| fault())? * scale;
    if !(0.0..=86_400.0 * 30.0).contains(&seconds) {
        return Err(fault());
    }
    Ok(Duration::from_secs_f64(seconds))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn set(arguments: &[&str]) -> Result<(Detect, Watch), BacktestError> {
        settings(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn settings_are_altered_by_name() {
        let (detect, watch) = set(&[
            "detect.latency.relative=10%",
            "detect.latency.absolute = 20ms",
            "detect.success.drop=0.05",
            "detect.confidence=\"99%\"",
            "watch.settle=2m",
        ])
        .unwrap();
        assert!((detect.latency_relative - 0.1).abs() < 1e-12);
        assert_eq!(detect.latency_absolute, Some(Duration::from_millis(20)));
        assert!((detect.success_drop - 0.05).abs() < 1e-12);
        assert!((detect.confidence - 0.99).abs() < 1e-12);
        assert_eq!(watch.settle, Duration::from_secs(120));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for (argument, expected) in [
            ("detect", "KEY=VALUE"),
            ("detect.speed=1", "there is no setting `detect.speed`"),
            ("detect.confidence=2", "is not between"),
            ("detect.latency.relative=NaN", "is not between"),
            ("detect.latency.relative=fast", "is no share"),
            ("watch.settle=4", "is no span"),
            ("watch.settle=-4s", "is no span"),
            ("detect.latency.absolute=1e30s", "is no span"),
        ] {
            let error = set(&[argument]).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(argument), "{error}");
        }
    }
}
