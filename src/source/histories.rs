//! Recorded histories with known truth: a folder with `cases.json` and a CSV file for each series; read, and written.
//!
//! Recorded data is dirty, and what can be read is read: rows out of order are sorted, rows with one time are one row, a cell that
//! is empty or `nan` is unknown. What cannot mean anything is an error that names the file and the line.

mod series;

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use self::series::{moment, rows, seconds, series_of};
use crate::model::{Case, Change, Label, Metric, Recorded, SeriesKey, ServiceName, Truth};

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

#[cfg(test)]
mod tests;
