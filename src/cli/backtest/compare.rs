//! Two kinds of settings side by side, over one's own changes. There is no truth here: only what each would have said.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::own::{Key, Replayed, Said};
use crate::model::{Change, Conclusion};

/// What all verdicts of a change come to.
fn overall(said: &Said, change: &Change) -> Option<Conclusion> {
    Conclusion::overall(said.iter().filter(|((c, ..), _)| *c == change.id).map(|(_, word)| *word))
}

/// How many verdicts there are of each conclusion.
fn counts(said: &Said) -> BTreeMap<Conclusion, usize> {
    let mut counts = BTreeMap::new();
    for word in said.values() {
        *counts.entry(*word).or_default() += 1;
    }
    counts
}

fn harmful(said: &Said, key: &Key) -> bool {
    matches!(said.get(key), Some(Conclusion::Suspected | Conclusion::Regressed))
}

/// The findings that were dismissed, or those that were not: how many there are, and how many of them each says harm to.
fn findings(replayed: &Replayed, dismissed: bool) -> (usize, usize, Option<usize>) {
    let keys: Vec<&Key> =
        replayed.dismissed.iter().filter(|(_, d)| **d == dismissed).map(|(key, _)| key).collect();
    let of = |said: &Said| keys.iter().filter(|key| harmful(said, key)).count();
    (keys.len(), of(&replayed.present), replayed.other.as_ref().map(of))
}

/// The changes of which the settings compared say different things: with others the present ones against these, without them what
/// was recorded against the present ones.
fn differing(replayed: &Replayed) -> Vec<&Change> {
    let (one, two) = match &replayed.other {
        Some(other) => (&replayed.present, other),
        None => (&replayed.recorded, &replayed.present),
    };
    replayed.changes.iter().filter(|c| overall(one, c) != overall(two, c)).collect()
}

/// One JSON object.
pub(super) fn json(replayed: &Replayed, since: Timestamp, set: &[String]) -> Value {
    let word = |said: &Said, key: &Key| said.get(key).map(|c| c.as_str());
    let count = |said: &Said| -> BTreeMap<&str, usize> {
        counts(said).into_iter().map(|(c, n)| (c.as_str(), n)).collect()
    };
    let finding = |dismissed| {
        let (of, present, other) = findings(replayed, dismissed);
        json!({ "of": of, "present": present, "other": other })
    };
    let changes = differing(replayed).into_iter().map(|change| {
        let mut keys: Vec<&Key> = replayed.present.keys().filter(|k| k.0 == change.id).collect();
        keys.extend(replayed.recorded.keys().filter(|k| k.0 == change.id));
        keys.sort();
        keys.dedup();
        let verdicts: Vec<Value> = keys
            .into_iter()
            .map(|key| {
                let mut row = json!({
                    "journey": key.1.journey, "environment": key.1.environment,
                    "location": key.1.location, "metric": key.2,
                    "recorded": word(&replayed.recorded, key),
                    "present": word(&replayed.present, key),
                    "other": replayed.other.as_ref().and_then(|said| word(said, key)),
                    "dismissed": replayed.dismissed.get(key),
                });
                if !key.3.is_whole() {
                    row["part"] = json!(key.3);
                }
                row
            })
            .collect();
        let overall = |said| overall(said, change).map(Conclusion::as_str);
        json!({
            "change": change.id, "services": change.services, "started_at": change.started_at,
            "recorded": overall(&replayed.recorded), "present": overall(&replayed.present),
            "other": replayed.other.as_ref().and_then(overall), "verdicts": verdicts,
        })
    });
    json!({
        "since": since,
        "set": set,
        "changes": replayed.changes.len(),
        "verdicts": {
            "recorded": count(&replayed.recorded),
            "present": count(&replayed.present),
            "other": replayed.other.as_ref().map(count),
        },
        "findings": { "kept": finding(false), "dismissed": finding(true) },
        "differing": changes.collect::<Vec<_>>(),
    })
}

/// Tables within 80 columns.
pub(super) fn table(replayed: &Replayed, since: Timestamp, set: &[String]) -> String {
    let mut text = String::new();
    let mut line = |cells: [&str; 4]| {
        let [first, rest @ ..] = cells;
        let first: String = first.chars().take(25).collect();
        let mut row = format!("{first:<26}");
        for cell in rest {
            // Writing to a string cannot fail.
            let _written = write!(row, "{cell:<18}");
        }
        text.push_str(row.trim_end());
        text.push('\n');
    };
    let other = if set.is_empty() { "" } else { "--set" };
    line(["verdicts", "recorded", "present", other]);
    let all = [Some(&replayed.recorded), Some(&replayed.present), replayed.other.as_ref()];
    let all = all.map(|said| said.map(counts));
    for conclusion in Conclusion::ALL {
        let cells = all.each_ref().map(|counts| {
            let counts = counts.as_ref()?;
            Some(counts.get(conclusion).copied().unwrap_or(0))
        });
        if cells.iter().flatten().any(|n| *n > 0) {
            let [a, b, c] = cells.map(|n| n.map_or_else(String::new, |n| n.to_string()));
            line([conclusion.as_str(), &a, &b, &c]);
        }
    }
    for (name, is_dismissed) in [("of findings kept", false), ("of findings dismissed", true)] {
        let (of, present, other) = findings(replayed, is_dismissed);
        if of > 0 {
            let other = other.map_or_else(String::new, |n| n.to_string());
            line([name, &of.to_string(), &present.to_string(), &other]);
        }
    }
    let differing = differing(replayed);
    if !differing.is_empty() {
        line(["", "", "", ""]);
        line(["changes that differ", "recorded", "present", other]);
        for change in &differing {
            let word = |said| overall(said, change).map_or("-", Conclusion::as_str);
            let other = replayed.other.as_ref().map_or("", word);
            line([change.id.as_str(), word(&replayed.recorded), word(&replayed.present), other]);
        }
    }
    let since = since.strftime("%Y-%m-%d %H:%M");
    let changes = replayed.changes.len();
    let mut head = format!("{changes} changes since {since} UTC, {} differ\n", differing.len());
    if !set.is_empty() {
        let _written = writeln!(head, "--set {}", set.join(" --set "));
    }
    format!(
        "{head}\n{text}\nrecorded: what the agent said then. present: what the settings of now say.\n\
         Nobody knows the truth here; a finding that was dismissed was not meant.\n"
    )
}
