//! The file of one series: a row for each run.

use std::path::Path;

use jiff::Timestamp;

use super::{HistoryError, text_of};
use crate::model::{FaultKind, Probe, Signature};

/// Reads one series: in order of time, each time once (the first row of it).
pub(super) fn series_of(file: &Path) -> Result<Vec<Probe>, HistoryError> {
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
pub(super) fn rows(probes: &[Probe]) -> String {
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
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}

/// The moment so many seconds after 1970; none where no calendar holds it.
pub(super) fn moment(seconds: f64) -> Option<Timestamp> {
    // The years 1 to 9999 are what the calendar holds; a recording is of the last of them.
    (seconds.is_finite() && seconds.abs() < 2.5e11)
        .then(|| Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok())
        .flatten()
}
