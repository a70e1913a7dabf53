//! Objectives of `OpenSLO` v1 documents (<https://github.com/OpenSLO/OpenSLO>) as `[slo]` tables, and what of them cannot be said there.
//!
//! How something is measured is never taken over: here a journey is. What a document does not say, or says in a form that no roll of runs has,
//! is named, never guessed.

use std::time::Duration;

use serde_json::Value as Json;

use super::{toml_text, yaml};

/// Most documents that are read of one file.
const MOST: usize = 10_000;
/// Longest name that is shown.
const SHOWN: usize = 80;
/// What a window may be: as `[slo]` has it.
const WINDOWS: std::ops::RangeInclusive<u64> = 3600..=366 * 86_400;

/// What a document says.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// Its name.
    pub name: String,
    /// The service it is of.
    pub service: Option<String>,
    /// The journey, where we wrote the document ourselves.
    pub journey: Option<String>,
    /// `[slo]` and what stands below it; none where nothing could be taken over.
    pub toml: Option<String>,
    /// What is not taken over, and why, a sentence each.
    pub left_out: Vec<String>,
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objectives {
    /// Its objectives.
    pub all: Vec<Objective>,
    /// What else stands there, a sentence each.
    pub notes: Vec<String>,
}

/// Reads all documents of a text.
///
/// # Errors
/// It is no YAML, or none of its documents is an objective of `OpenSLO` v1.
pub fn read(text: &str) -> Result<Objectives, String> {
    let mut found = Objectives::default();
    let mut others: Vec<(String, usize)> = Vec::new();
    for document in yaml::read_all(text, MOST)? {
        let version = document["apiVersion"].as_str().unwrap_or_default();
        let kind = document["kind"].as_str().unwrap_or("document without a kind");
        match (version, kind) {
            ("openslo/v1", "SLO") => found.all.push(objective(&document)),
            ("openslo/v1", kind) => count(&mut others, kind),
            (version, _) if version.starts_with("openslo/") => {
                let version = shown(version);
                found.notes.push(format!("a document of {version} is left out: v1 is read"));
            }
            (_, kind) => count(&mut others, kind),
        }
    }
    for (kind, n) in others {
        let why = match kind.as_str() {
            "Service" => "services are named in journeys",
            "SLI" | "DataSource" => "what is measured is the journey itself",
            "AlertPolicy" | "AlertCondition" => {
                "budgets are watched by the pairs of the SRE Workbook"
            }
            "AlertNotificationTarget" => "who is told stands in [[receiver]]",
            _ => "it is nothing of OpenSLO",
        };
        found.notes.push(format!("{n} × {kind} left out: {why}"));
    }
    if found.all.is_empty() {
        let why = found.notes.first().map_or(String::new(), |note| format!(" ({note})"));
        return Err(format!("there is no `kind: SLO` of `apiVersion: openslo/v1` in it{why}"));
    }
    Ok(found)
}

fn count(others: &mut Vec<(String, usize)>, kind: &str) {
    let kind = shown(kind);
    let room = others.len() < 20;
    match others.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, n)) => *n += 1,
        None if room => others.push((kind, 1)),
        None => {}
    }
}

fn objective(document: &Json) -> Objective {
    let (metadata, spec) = (&document["metadata"], &document["spec"]);
    let own = |name: &str| metadata["annotations"][format!("wayfarer.io/{name}")].as_str();
    let mut left_out = Vec::new();
    let target = target(spec, &mut left_out);
    let window = window(spec, &mut left_out);
    let latency = own("latency").and_then(|text| {
        let limit = text.strip_suffix("ms").and_then(|n| n.parse::<u64>().ok());
        if limit.is_none() {
            left_out.push("its annotation of a latency is not like `800ms`".to_owned());
        }
        limit.filter(|ms| *ms > 0)
    });
    method(spec, &mut left_out);
    indicator(spec, own("journey").is_some(), &mut left_out);
    if spec["alertPolicies"].as_array().is_some_and(|all| !all.is_empty()) {
        let why = "its alertPolicies: budgets are watched by the pairs of the SRE Workbook";
        left_out.push(why.to_owned());
    }
    let toml = target.map(|percent| {
        let mut toml = format!("[slo]\nobjective = {}\n", number(percent));
        if let Some(ms) = latency {
            toml += &format!("latency = {}\n", toml_text::quoted(&format!("{ms}ms")));
        }
        if let Some(window) = window {
            toml += &format!("window = {}\n", toml_text::quoted(&window));
        }
        toml
    });
    let name = metadata["name"].as_str().map_or_else(|| "(without a name)".to_owned(), shown);
    Objective {
        name,
        service: spec["service"].as_str().map(shown),
        journey: own("journey").map(shown),
        toml,
        left_out,
    }
}

/// The share of good runs, as a percentage.
fn target(spec: &Json, left_out: &mut Vec<String>) -> Option<f64> {
    let all = spec["objectives"].as_array().map(Vec::as_slice).unwrap_or_default();
    let percent = |one: &Json| {
        let share = one["target"].as_f64().map(|share| share * 100.0);
        share.or_else(|| one["targetPercent"].as_f64())
    };
    let mut targets: Vec<f64> = all.iter().filter_map(percent).collect();
    targets.sort_by(f64::total_cmp);
    // What a decimal share times a hundred leaves behind is no digit of it.
    let Some(last) = targets.last() else {
        left_out.push("it has no target".to_owned());
        return None;
    };
    let strictest = (last * 1e8).round() / 1e8;
    if targets.len() > 1 {
        left_out.push(format!(
            "{} further objectives: a journey promises one thing, the strictest is taken",
            targets.len() - 1
        ));
    }
    if !(strictest > 0.0 && strictest < 100.0) {
        left_out
            .push(format!("its target of {strictest}%: `objective` must be above 0 and below 100"));
        return None;
    }
    for key in ["op", "value"] {
        if all.iter().any(|one| !one[key].is_null()) {
            left_out.push(format!(
                "`{key}` of its objectives: say how long a good run may take with `latency`, its unit is not in the document"
            ));
            break;
        }
    }
    if all.iter().any(|one| !one["compositeWeight"].is_null()) {
        left_out.push("its composite weights: each journey has a budget of its own".to_owned());
    }
    Some(strictest)
}

/// Its window, as `[slo]` writes it.
fn window(spec: &Json, left_out: &mut Vec<String>) -> Option<String> {
    let all = &spec["timeWindow"];
    let first = if all.is_array() { &all[0] } else { all };
    let said = first["duration"].as_str();
    let Some(said) = said else {
        left_out.push("it says no window: 30 days are taken".to_owned());
        return None;
    };
    if !first["calendar"].is_null() || first["isRolling"].as_bool() == Some(false) {
        left_out
            .push("its calendar: windows roll here, one of the same length is taken".to_owned());
    }
    let Some(window) = duration(said).filter(|d| WINDOWS.contains(&d.as_secs())) else {
        left_out.push(format!(
            "its window `{}`: from an hour to 366 days can be promised; 30 days are taken",
            shown(said)
        ));
        return None;
    };
    let seconds = window.as_secs();
    Some(match seconds {
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s => format!("{s}s"),
    })
}

/// A duration in the shorthand of `OpenSLO`; months, quarters and years have 30, 90 and 365 days.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'M' => 30 * 86_400,
        'Q' => 90 * 86_400,
        'Y' => 365 * 86_400,
        _ => return None,
    };
    count.checked_mul(seconds).map(Duration::from_secs)
}

fn method(spec: &Json, left_out: &mut Vec<String>) {
    match spec["budgetingMethod"].as_str() {
        None | Some("Occurrences") => {}
        Some(other) => left_out.push(format!(
            "its budgetingMethod {}: runs are counted, each as much as another; at a fixed interval that is one slice a run",
            shown(other)
        )),
    }
}

fn indicator(spec: &Json, ours: bool, left_out: &mut Vec<String>) {
    if ours {
        return;
    }
    let what = match (spec["indicatorRef"].as_str(), &spec["indicator"]) {
        (Some(name), _) => format!("its indicator `{}`", shown(name)),
        (None, Json::Object(_)) => "its indicator".to_owned(),
        _ => return,
    };
    left_out.push(format!("{what}: what is measured is the journey itself"));
}

fn number(value: f64) -> String {
    let text = format!("{value:.8}");
    let text = text.trim_end_matches('0');
    if text.ends_with('.') { format!("{text}0") } else { text.to_owned() }
}

fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
