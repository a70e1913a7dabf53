//! Recorded histories with known truth: a folder with `cases.json` and a CSV file for each series; read, and written.
//!
//! Recorded data is dirty, and what can be read is read: rows out of order are sorted, rows with one time are one row, a cell that
//! is empty or `nan` is unknown. What cannot mean anything is an error that names the file and the line.

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// A file cannot be written.
    #[error("cannot write {}: {error}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A folder holds what was not made here.
    #[error("{} holds `{stranger}`, which was not written by a simulation: name a new or an empty folder", dir.display())]
    Occupied {
        /// The folder.
        dir: PathBuf,
        /// What is in the way.
        stranger: String,
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

/// Makes a folder ready to be written to: it is made where there is none, and what was written there by a simulation before is
/// removed. `made` says whether a case of this source and id is one that a simulation makes.
///
/// # Errors
/// A folder that holds anything else; nothing is touched then.
pub fn clear(dir: &Path, made: impl Fn(&str, &str) -> bool) -> Result<(), HistoryError> {
    let unreadable = |error| HistoryError::Unreadable { file: dir.to_owned(), error };
    let unwritable = |file: &Path, error| HistoryError::Unwritable { file: file.to_owned(), error };
    fs::create_dir_all(dir).map_err(|error| unwritable(dir, error))?;
    let mut there: Vec<String> = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        there.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    there.sort();
    if there.is_empty() {
        return Ok(());
    }
    let ours = fs::read_to_string(dir.join(INDEX))
        .ok()
        .and_then(|text| serde_json::from_str::<Vec<RawCase>>(&text).ok())
        .filter(|cases| cases.iter().all(|c| made(&c.source, &c.id)))
        .map(|cases| cases.into_iter().flat_map(|c| c.series).map(|s| s.file).collect::<Vec<_>>());
    let stranger = there.iter().find(|name| match &ours {
        Some(files) => *name != INDEX && !files.contains(name),
        None => true,
    });
    if let Some(stranger) = stranger {
        return Err(HistoryError::Occupied { dir: dir.to_owned(), stranger: stranger.clone() });
    }
    // The list goes last: what a broken-off removal leaves is still known as ours.
    for name in there.iter().filter(|name| *name != INDEX).chain([&INDEX.to_owned()]) {
        let file = dir.join(name);
        fs::remove_file(&file).map_err(|error| unwritable(&file, error))?;
    }
    Ok(())
}

/// Writes cases to a folder, such that [`read`] gives the same ones; cases are made one after the other, and dropped once written.
/// Gives how many there were.
///
/// # Errors
/// Files that cannot be written, and cases that say what the format cannot hold.
pub fn write(dir: &Path, cases: impl Iterator<Item = Case>) -> Result<usize, HistoryError> {
    let index = dir.join(INDEX);
    let put = |file: &Path, text: &[u8]| {
        fs::write(file, text)
            .map_err(|error| HistoryError::Unwritable { file: file.to_owned(), error })
    };
    let mut listed = Vec::new();
    for case in cases {
        let raw = RawCase::raise(&case).map_err(|m| impossible(&index, &case.id, &m))?;
        for (series, recorded) in raw.series.iter().zip(&case.series) {
            put(&dir.join(&series.file), rows(&recorded.probes).as_bytes())?;
        }
        listed.push(raw);
    }
    let text = serde_json::to_string_pretty(&listed).map_err(|e| HistoryError::Unwritable {
        file: index.clone(),
        error: std::io::Error::other(e),
    })?;
    put(&index, (text + "\n").as_bytes())?;
    Ok(listed.len())
}

#[derive(Debug, Serialize, Deserialize)]
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

#[derive(Debug, Serialize, Deserialize)]
struct RawSeries {
    journey: String,
    environment: String,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    services: Vec<String>,
    file: String,
}

#[derive(Debug, Serialize, Deserialize)]
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

#[derive(Debug, Serialize, Deserialize)]
struct RawTruth {
    journey: String,
    metric: Metric,
    label: RawLabel,
    #[serde(default)]
    change: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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

impl RawCase {
    fn raise(case: &Case) -> Result<Self, String> {
        let changes: Result<Vec<RawChange>, String> =
            case.changes.iter().map(RawChange::raise).collect();
        let depends_on: BTreeMap<String, Vec<String>> = case
            .depends_on
            .iter()
            .map(|(service, on)| {
                (service.to_string(), on.iter().map(ToString::to_string).collect())
            })
            .collect();
        let alone = case.series.len() == 1;
        let series = case.series.iter().enumerate().map(|(n, recorded)| {
            let key = &recorded.key;
            let name = if alone {
                plain(&case.id)
            } else {
                // The number keeps apart what looks alike once it is a file name.
                plain(&format!("{}-{n:02}-{}-{}", case.id, key.journey, key.environment))
            };
            RawSeries {
                journey: key.journey.to_string(),
                environment: key.environment.to_string(),
                location: Some(key.location.to_string()),
                services: recorded.services.iter().map(ToString::to_string).collect(),
                file: format!("{name}.csv"),
            }
        });
        Ok(Self {
            id: case.id.clone(),
            source: case.source.clone(),
            interval_s: case.interval.as_secs_f64(),
            series: series.collect(),
            changes: changes?,
            depends_on: (!depends_on.is_empty()).then_some(depends_on),
            truth: case.truth.iter().map(RawTruth::raise).collect(),
        })
    }
}

/// A file name of which every system is sure.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}

impl RawChange {
    fn raise(change: &Change) -> Result<Self, String> {
        if change.services.len() > 1 || change.environments.len() > 1 {
            return Err(format!(
                "change `{}` names several services or environments, the format holds one",
                change.id
            ));
        }
        Ok(Self {
            id: change.id.to_string(),
            kind: change.kind.to_string(),
            service: change.services.first().map(ToString::to_string),
            environment: change.environments.first().map(ToString::to_string),
            at: seconds(change.started_at),
            finished_at: change.finished_at.map(seconds),
        })
    }

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
    fn raise(truth: &Truth) -> Self {
        Self {
            journey: truth.journey.to_string(),
            metric: truth.metric,
            label: match truth.label {
                Label::Regressed => RawLabel::Regressed,
                Label::Improved => RawLabel::Improved,
                Label::Transient => RawLabel::Transient,
                Label::None => RawLabel::None,
            },
            change: truth.change.as_ref().map(ToString::to_string),
        }
    }

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
        host: column("host"),
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
    host: Option<usize>,
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
        let host = self.host.map_or("", cell);
        Ok(Probe {
            at,
            latency_ms: latency.filter(|ms| *ms > 0.0 && success != Some(false)),
            success,
            late_ms: 0.0,
            signature: (success == Some(false)
                && ![step, error, host].iter().all(|c| c.is_empty()))
            .then(|| signature(step, error, host)),
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

/// What a row says of a failure. An error is a word of ours for its kind, a text, or both: `connect: payments.internal refused`.
fn signature(step: &str, error: &str, host: &str) -> Signature {
    let (word, rest) = error.split_once(':').unwrap_or((error, ""));
    let (kind, text) = match kind_of(word.trim()) {
        Some(kind) => (Some(kind), rest),
        None => (None, error),
    };
    let signature = Signature::new(step, kind).saying(text);
    Signature { host: (!host.is_empty()).then(|| host.to_ascii_lowercase().into()), ..signature }
}

/// The kind of an error, where its word is one of ours.
fn kind_of(word: &str) -> Option<FaultKind> {
    serde_json::from_value(serde_json::Value::String(word.to_ascii_lowercase())).ok()
}

/// The word of a kind of error, as [`kind_of`] reads it.
fn word_of(kind: FaultKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Runs as the rows of a file: times to the microsecond, latencies to the last bit.
fn rows(probes: &[Probe]) -> String {
    use std::fmt::Write as _;
    let host = |p: &Probe| p.signature.as_ref().and_then(|s| s.host.clone());
    // A column that few histories need.
    let hosts = probes.iter().any(|p| host(p).is_some());
    let mut text = String::from("ts,latency_ms,success,failed_step,error");
    text.push_str(if hosts { ",host\n" } else { "\n" });
    for probe in probes {
        let at = seconds(probe.at);
        let latency = probe.latency_ms.map_or_else(String::new, |ms| ms.to_string());
        let success = probe.success.map_or("", |ok| if ok { "1" } else { "0" });
        let signature = probe.signature.as_ref();
        let step = signature.map_or_else(String::new, |s| cell(&s.step));
        let error = signature.map_or_else(String::new, |s| cell(&error_of(s)));
        // Writing to a string cannot fail.
        let _written = write!(text, "{at},{latency},{success},{step},{error}");
        if hosts {
            let _written = write!(text, ",{}", cell(host(probe).as_deref().unwrap_or_default()));
        }
        text.push('\n');
    }
    text
}

/// The error of a failure, as [`signature`] reads it.
fn error_of(signature: &Signature) -> String {
    let kind = signature.kind.map_or_else(String::new, word_of);
    match &signature.words {
        None => kind,
        Some(words) if kind.is_empty() => words.to_string(),
        Some(words) => format!("{kind}: {words}"),
    }
}

/// A text as a cell (RFC 4180): in quotes where it must be.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Seconds since 1970, to the microsecond.
fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
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
    fn what_was_written_reads_back_the_same() {
        let csv = "ts,latency_ms,success,failed_step,error,host\n60.25,10.503,1,,,\n120,,0,\"pay, then\",timeout,\n180,,,,,\n\
            240,,0,pay,\"connect: payments.internal, refused\",Pay.example\n300,,0,,payments is down,\n";
        let case = CASE.replace("\"finished_at\":null", "\"finished_at\":200.5");
        let cases = read(folder(&case, csv).path()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("new/deeper");
        clear(&made, |_, _| false).unwrap();
        assert_eq!(write(&made, cases.iter().cloned()).unwrap(), 1);
        assert_eq!(read(&made).unwrap(), cases);
        let mut several = cases.clone();
        several[0].changes[0].services.push("y".into());
        let error = write(&made, several.into_iter()).unwrap_err().to_string();
        assert!(error.contains("change `c` names several"), "{error}");
    }

    #[test]
    fn a_folder_with_anything_of_others_is_left_alone() {
        let ours = |source: &str, id: &str| source == "s" && id == "a";
        let dir = folder(CASE, "ts,latency_ms,success\n");
        let error = clear(dir.path(), |_, _| false).unwrap_err().to_string();
        assert!(error.contains("a.csv"), "{error}");
        fs::write(dir.path().join("notes.txt"), "mine").unwrap();
        let error = clear(dir.path(), ours).unwrap_err().to_string();
        assert!(error.contains("`notes.txt`"), "{error}");
        assert!(dir.path().join("a.csv").exists() && dir.path().join(INDEX).exists());
        fs::remove_file(dir.path().join("notes.txt")).unwrap();
        clear(dir.path(), ours).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_empty_folder_is_no_history() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(dir.path()), Err(HistoryError::Unreadable { .. })));
        fs::write(dir.path().join(INDEX), "[]").unwrap();
        assert!(read(dir.path()).unwrap().is_empty());
    }
}
