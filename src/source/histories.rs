//! Recorded histories with known truth: a folder with `cases.json` and a CSV file for each series.
//!
//! Recorded data is dirty, and what can be read is read: rows out of order are sorted, rows with one time are one row, a cell that
//! is empty or `nan` is unknown. What cannot mean anything is an error that names the file and the line.

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::{
    Case, Change, FaultKind, Label, Metric, Probe, Recorded, SeriesKey, ServiceName, Signature,
    Truth,
};

/// The file that lists the cases.
const INDEX: &str = "cases.json";

/// Longest usual distance of two runs that makes sense: a month.
const INTERVAL_MAX_S: f64 = 31.0 * 86_400.0;

/// Why histories could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A file cannot be opened or read.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The list of cases is not what it should be.
    #[error("{}, line {line}: {message}", file.display())]
    Faulty {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// A case says something impossible.
    #[error("{}, case `{case}`: {message}", file.display())]
    Impossible {
        /// The list of cases.
        file: PathBuf,
        /// The case.
        case: String,
        /// What is wrong.
        message: String,
    },
}

/// Reads all cases of a folder.
///
/// # Errors
/// The first file that cannot be read or that says something impossible.
pub fn read(dir: &Path) -> Result<Vec<Case>, HistoryError> {
    let file = dir.join(INDEX);
    let text = text_of(&file)?;
    let cases: Vec<RawCase> =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| {
            let line = u64::try_from(e.line()).unwrap_or(0);
            HistoryError::Faulty { file: file.clone(), line, message: e.to_string() }
        })?;
    let mut seen = std::collections::BTreeSet::new();
    cases
        .into_iter()
        .map(|raw| {
            if !seen.insert(raw.id.clone()) {
                return Err(impossible(&file, &raw.id, "there are two cases with this id"));
            }
            raw.lower(dir, &file)
        })
        .collect()
}

#[derive(Debug, Deserialize)]
struct RawCase {
    id: String,
    source: String,
    interval_s: f64,
    series: Vec<RawSeries>,
    changes: Vec<RawChange>,
    #[serde(default)]
    depends_on: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    truth: Vec<RawTruth>,
}

#[derive(Debug, Deserialize)]
struct RawSeries {
    journey: String,
    environment: String,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    services: Vec<String>,
    file: String,
}

#[derive(Debug, Deserialize)]
struct RawChange {
    id: String,
    kind: String,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    at: f64,
    #[serde(default)]
    finished_at: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct RawTruth {
    journey: String,
    metric: Metric,
    label: RawLabel,
    #[serde(default)]
    change: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawLabel {
    Regressed,
    Improved,
    Transient,
    None,
}

impl RawCase {
    fn lower(self, dir: &Path, file: &Path) -> Result<Case, HistoryError> {
        let fault = |message: &str| impossible(file, &self.id, message);
        if !(self.interval_s.is_finite()
            && self.interval_s > 0.0
            && self.interval_s <= INTERVAL_MAX_S)
        {
            return Err(fault(
                "`interval_s` must be a positive number of seconds, a month at most",
            ));
        }
        let mut series = Vec::new();
        for raw in &self.series {
            let path = inside(dir, &raw.file)
                .ok_or_else(|| fault(&format!("`{}` is not a file within the folder", raw.file)))?;
            series.push(Recorded {
                key: SeriesKey {
                    journey: raw.journey.as_str().into(),
                    environment: raw.environment.as_str().into(),
                    location: raw.location.as_deref().unwrap_or("local").into(),
                },
                services: raw.services.iter().map(|s| s.as_str().into()).collect(),
                probes: series_of(&path)?,
            });
        }
        let changes: Result<Vec<Change>, String> =
            self.changes.iter().map(RawChange::lower).collect();
        let depends_on = self.depends_on.iter().flatten().map(|(service, on)| {
            let on: Vec<ServiceName> = on.iter().map(|s| s.as_str().into()).collect();
            (ServiceName::from(service.as_str()), on)
        });
        Ok(Case {
            interval: Duration::from_secs_f64(self.interval_s),
            changes: changes.map_err(|message| fault(&message))?,
            depends_on: depends_on.collect(),
            truth: self.truth.iter().map(RawTruth::lower).collect(),
            series,
            id: self.id,
            source: self.source,
        })
    }
}

impl RawChange {
    fn lower(&self) -> Result<Change, String> {
        let at = |seconds: f64| {
            moment(seconds).ok_or_else(|| format!("change `{}`: {seconds} is no time", self.id))
        };
        let kind = self.kind.parse().map_err(|e| format!("change `{}`: {e}", self.id))?;
        Ok(Change {
            services: self.service.iter().map(|s| s.as_str().into()).collect(),
            environments: self.environment.iter().map(|e| e.as_str().into()).collect(),
            finished_at: self.finished_at.map(at).transpose()?,
            source: "history".to_owned(),
            ..Change::new(self.id.as_str().into(), kind, at(self.at)?)
        })
    }
}

impl RawTruth {
    fn lower(&self) -> Truth {
        Truth {
            journey: self.journey.as_str().into(),
            metric: self.metric,
            label: match self.label {
                RawLabel::Regressed => Label::Regressed,
                RawLabel::Improved => Label::Improved,
                RawLabel::Transient => Label::Transient,
                RawLabel::None => Label::None,
            },
            change: self.change.as_deref().map(Into::into),
        }
    }
}

/// The path of a file that lies within the folder, by its name.
fn inside(dir: &Path, name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let plain = path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    (plain && !name.is_empty()).then(|| dir.join(path))
}

fn text_of(file: &Path) -> Result<String, HistoryError> {
    fs::read(file)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(|error| HistoryError::Unreadable { file: file.to_owned(), error })
}

fn impossible(file: &Path, case: &str, message: &str) -> HistoryError {
    HistoryError::Impossible {
        file: file.to_owned(),
        case: case.to_owned(),
        message: message.to_owned(),
    }
}

/// Reads one series: in order of time, each time once (the first row of it).
fn series_of(file: &Path) -> Result<Vec<Probe>, HistoryError> {
    let text = text_of(file)?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let faulty =
        |line: u64, message: String| HistoryError::Faulty { file: file.to_owned(), line, message };
    let unreadable = |e: csv::Error| {
        let line = e.position().map_or(1, csv::Position::line);
        faulty(line, e.to_string())
    };
    let columns = reader.headers().map_err(unreadable)?.clone();
    let column = |name: &str| columns.iter().position(|c| c == name);
    let must =
        |name: &str| column(name).ok_or_else(|| faulty(1, format!("there is no column `{name}`")));
    let cells = Cells {
        ts: must("ts")?,
        latency: must("latency_ms")?,
        success: must("success")?,
        step: column("failed_step"),
        error: column("error"),
    };
    let mut probes = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        probes.push(cells.probe(&record).map_err(|message| faulty(line, message))?);
    }
    probes.sort_by_key(|p: &Probe| p.at);
    probes.dedup_by_key(|p| p.at);
    Ok(probes)
}

/// Where in a row what stands.
struct Cells {
    ts: usize,
    latency: usize,
    success: usize,
    step: Option<usize>,
    error: Option<usize>,
}

impl Cells {
    fn probe(&self, record: &csv::StringRecord) -> Result<Probe, String> {
        let cell = |index: usize| record.get(index).unwrap_or("");
        let ts = cell(self.ts);
        let at = ts.parse().ok().and_then(moment).ok_or_else(|| format!("`{ts}` is no time"))?;
        let latency = number(cell(self.latency))
            .ok_or_else(|| format!("`{}` is no latency in ms", cell(self.latency)))?;
        let success = match cell(self.success).to_ascii_lowercase().as_str() {
            "" | "nan" => None,
            "1" | "1.0" | "true" => Some(true),
            "0" | "0.0" | "false" => Some(false),
            other => return Err(format!("`{other}` is no success: 1, 0 or empty")),
        };
        let step = self.step.map_or("", cell);
        let error = self.error.map_or("", cell);
        Ok(Probe {
            at,
            latency_ms: latency.filter(|ms| *ms > 0.0 && success != Some(false)),
            success,
            late_ms: 0.0,
            signature: (success == Some(false) && !(step.is_empty() && error.is_empty()))
                .then(|| Signature { step: Arc::from(step), kind: kind_of(error) }),
            revision: None,
            parts: Default::default(),
        })
    }
}

/// A number, where the cell holds one: inner none for an empty or unknowable cell, outer none for a word.
fn number(cell: &str) -> Option<Option<f64>> {
    if cell.is_empty() {
        return Some(None);
    }
    cell.parse::<f64>().ok().map(|x| Some(x).filter(|x| x.is_finite()))
}

/// The kind of an error, where its word is one of ours.
fn kind_of(word: &str) -> Option<FaultKind> {
    serde_json::from_value(serde_json::Value::String(word.to_ascii_lowercase())).ok()
}

/// The moment so many seconds after 1970; none where no calendar holds it.
fn moment(seconds: f64) -> Option<Timestamp> {
    // The years 1 to 9999 are what the calendar holds; a recording is of the last of them.
    (seconds.is_finite() && seconds.abs() < 2.5e11)
        .then(|| Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = r#"[{"id":"a","source":"s","interval_s":60,"series":[{"journey":"j","environment":"e","services":["x"],"file":"a.csv"}],
 "changes":[{"id":"c","kind":"deploy","service":"x","environment":"e","at":200,"finished_at":null}],
 "truth":[{"journey":"j","metric":"latency","label":"none","change":null}]}]"#;

    fn folder(index: &str, csv: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(INDEX), index).unwrap();
        fs::write(dir.path().join("a.csv"), csv).unwrap();
        dir
    }

    #[test]
    fn dirty_rows_are_read_as_far_as_they_mean_something() {
        let csv = "\u{feff}ts, latency_ms,success,failed_step,error\r\n120,NaN,1\n60,10.5,1,,\n60,99,1,,\n\n180,,0,pay,timeout\n240.5,-3,\n";
        let cases = read(folder(CASE, csv).path()).unwrap();
        let probes = &cases[0].series[0].probes;
        assert_eq!(probes.len(), 4);
        assert_eq!(probes[0].latency_ms, Some(10.5));
        assert_eq!((probes[1].latency_ms, probes[1].success), (None, Some(true)));
        let signature = probes[2].signature.clone().unwrap();
        assert_eq!((&*signature.step, signature.kind), ("pay", Some(FaultKind::Timeout)));
        assert_eq!((probes[3].latency_ms, probes[3].success), (None, None));
        assert_eq!(probes[3].at.as_millisecond(), 240_500);
        assert_eq!(cases[0].series[0].key.location.as_str(), "local");
    }

    #[test]
    fn what_means_nothing_is_named_with_file_and_line() {
        let csv = |row: &str| format!("ts,latency_ms,success\n60,1,1\n{row}\n");
        for (index, text, expected) in [
            (CASE.to_owned(), csv("soon,1,1"), "a.csv, line 3: `soon` is no time"),
            (CASE.to_owned(), csv("NaN,1,1"), "a.csv, line 3: `NaN` is no time"),
            (CASE.to_owned(), csv("1e300,1,1"), "a.csv, line 3: `1e300` is no time"),
            (CASE.to_owned(), csv("120,fast,1"), "a.csv, line 3: `fast` is no latency"),
            (CASE.to_owned(), csv("120,1,maybe"), "a.csv, line 3: `maybe` is no success"),
            (
                CASE.to_owned(),
                "ts,success\n1,1\n".to_owned(),
                "line 1: there is no column `latency_ms`",
            ),
            (
                CASE.replace("a.csv", "../a.csv"),
                csv(""),
                "case `a`: `../a.csv` is not a file within",
            ),
            (CASE.replace("a.csv", "b.csv"), csv(""), "cannot read"),
            (
                CASE.replace("deploy", "deplyo"),
                csv(""),
                "case `a`: change `c`: unknown kind `deplyo`",
            ),
            (CASE.replace(":60,", ":0,"), csv(""), "case `a`: `interval_s` must be"),
            (CASE.replace("\"none\"", "\"nothing\""), csv(""), "cases.json, line 3:"),
            ("{".to_owned(), csv(""), "cases.json, line 1:"),
        ] {
            let error = read(folder(&index, &text).path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\nexpected: {expected}");
        }
    }

    #[test]
    fn an_empty_folder_is_no_history() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(dir.path()), Err(HistoryError::Unreadable { .. })));
        fs::write(dir.path().join(INDEX), "[]").unwrap();
        assert!(read(dir.path()).unwrap().is_empty());
    }
}
