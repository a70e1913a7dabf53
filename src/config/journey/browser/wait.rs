//! `{ wait = { … } }`: what must come, and how long it may take.

use std::{ops::Range, time::Duration};

use serde_json::Value;

use super::{Words, locator, schema};
use crate::{
    config::{hint, journey::predicate, page::Note, reader::Reader, value::Entry},
    model::{Condition, PageQuery, Predicate, Query, Subject, WaitFor},
};

type Lower = fn(&Entry<'_>, &mut Words<'_>) -> Option<Condition>;

/// A condition: its key, how it is read, and what editors are told of it.
type Row = (&'static str, Lower, fn() -> Value);

/// What is waited for besides an element that shows.
pub(super) const CONDITIONS: &[Row] = &[
    ("hidden", hidden, schema::element),
    ("url", url, schema::url),
    ("title", title, schema::title),
    ("network", network, schema::network),
    ("script", script, schema::condition),
    ("time", time, schema::rest),
];

/// What people call some of these elsewhere, and what to write here.
const MEANT: &[(&str, &str)] = &[
    ("visible", "an element that shows is waited for by itself: { wait = { text = \"1 item\" } }"),
    ("gone", "write `hidden = { … }`"),
    ("timeout", "write `for = \"10s\"`"),
];

/// How long may be waited, both included.
const TIMES: Range<Duration> = Duration::from_millis(1)..Duration::from_secs(3600);

pub(super) fn lower(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<WaitFor> {
    if let Some(text) = entry.value.as_str() {
        let quoted = text.escape_debug();
        let meant = if crate::config::units::duration(text).is_ok() {
            format!("{{ wait = {{ time = \"{quoted}\" }} }}")
        } else {
            format!("{{ wait = {{ text = \"{quoted}\" }} }}")
        };
        let note = entry.fault("`wait` does not say what it waits for");
        return entry.refuse(note.label("a text, not a table").help(format!("write `{meant}`")));
    }
    let table = entry.table("wait")?;
    let at_most = table.take("for");
    let said: Vec<(Entry<'_>, &Lower)> = CONDITIONS
        .iter()
        .filter_map(|(key, lower, _)| table.take(key).map(|entry| (entry, lower)))
        .collect();
    for (word, help) in MEANT {
        if let Some(entry) = table.take(word) {
            let note = Note::new(entry.key_span, format!("`wait` has no `{word}`"));
            table.note(note.label("not known here").help(*help));
            return None;
        }
    }
    let condition = match &said[..] {
        [] if table.holds_only(&["for"]) => {
            let note = table.fault("`wait` does not say what it waits for").label("no condition");
            let help = "an element such as `text = \"1 item\"`, or one of hidden, url, title, network, script, time";
            table.note(note.help(help).derived());
            None
        }
        [] => locator::of_table(&table, &["for"], words).map(Condition::Visible),
        [(first, _), (second, _), ..] => two(&table, first, second),
        [(entry, _)] if locator::is_said(&table) => {
            // The locator's keys are looked at, so that only the fault that matters is told.
            let _element = locator::of_table(&table, &["for"], words);
            let note = Note::new(entry.key_span.clone(), "`wait` waits for one thing");
            table.note(note.label("besides an element").help("write two actions"));
            None
        }
        [(entry, lower)] => lower(entry, words),
    };
    let at_most = match at_most {
        Some(entry) if matches!(condition, Some(Condition::Time(_))) => {
            let note = Note::new(entry.key_span.clone(), "`for` says nothing beside `time`");
            return entry.refuse(note.label("no condition").help("remove it"));
        }
        Some(entry) => Some(words.within(&entry, TIMES)),
        None => None,
    };
    table.finish();
    Some(WaitFor {
        condition: condition?,
        at_most: match at_most {
            Some(time) => Some(time?),
            None => None,
        },
    })
}

fn two<T>(table: &Reader<'_>, first: &Entry<'_>, second: &Entry<'_>) -> Option<T> {
    let note = Note::new(second.key_span.clone(), "`wait` waits for one thing");
    table.note(note.label(format!("besides `{}`", first.key)).help("write two actions"));
    None
}

fn hidden(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<Condition> {
    locator::entry_alone(entry, words).map(Condition::Hidden)
}

fn url(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<Condition> {
    predicate(entry, Query::url(), words).map(Condition::Url)
}

fn title(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<Condition> {
    let title = Query::from(Subject::Page(PageQuery::Title));
    predicate(entry, title, words).map(Condition::Title)
}

/// A text that must be contained, or a table with one predicate.
fn predicate(entry: &Entry<'_>, query: Query, words: &mut Words<'_>) -> Option<Predicate> {
    if !entry.value.is_table() {
        return words.text(entry).map(Predicate::Contains);
    }
    let table = entry.table(format!("wait.{}", entry.key))?;
    let (placed, _) = predicate::of_table(&table, Some(&query), words.templates);
    if table.take("count").is_some() || placed.len() > 1 {
        let note = table.fault(format!("`{}` waits for one predicate", table.name));
        table.note(note.label("several here").help("write two actions"));
        return None;
    }
    table.finish();
    if placed.is_empty() {
        if table.holds_only(&[]) {
            let note = table.fault(format!("`{}` asserts nothing", table.name));
            table.note(note.label("no predicate in it").help("such as `ends_with = \"/account\"`"));
        }
        return None;
    }
    let judged = predicate::judge(&table, query, placed, Vec::new())?;
    judged.predicates.into_iter().next()
}

fn network(entry: &Entry<'_>, _: &mut Words<'_>) -> Option<Condition> {
    let text = entry.text()?;
    if text.value == "quiet" {
        return Some(Condition::NetworkQuiet);
    }
    let note = entry.fault(format!("`network` cannot be `{}`", text.value.escape_debug()));
    let near = ["idle", "networkidle", "silent"].contains(&text.value.as_str())
        || hint::nearest(&text.value, ["quiet"]).is_some();
    let help = if near { "did you mean `quiet`?" } else { "known here: quiet" };
    entry.refuse(note.label("not known here").help(help))
}

fn script(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<Condition> {
    words.text(entry).map(Condition::Script)
}

fn time(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<Condition> {
    words.within(entry, TIMES).map(Condition::Time)
}
