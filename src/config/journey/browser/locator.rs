//! How an element is found: `{ role = "button", name = "Buy" }`.

use super::{Words, role};
use crate::{
    check,
    config::{
        page::Note,
        reader::Reader,
        value::{At, Entry},
    },
    model::{By, Locator, Text},
};

/// The words that say by what an element is known; exactly one of them is said.
pub(super) const BY: [&str; 8] =
    ["role", "label", "placeholder", "test_id", "text", "link", "css", "xpath"];

/// The words that go with each of them.
const MORE: [&str; 4] = ["name", "nth", "within", "exact"];

/// An element has at most so many others of its kind before it.
const MOST: f64 = 10_000.0;

/// The locator of a query, where nothing but the locator stands in the table.
pub(in crate::config::journey) fn alone(
    entry: &Entry<'_>,
    templates: &mut Vec<At<Text>>,
) -> Option<Locator> {
    let mut words = Words { timeout: std::time::Duration::MAX, templates };
    entry_alone(entry, &mut words)
}

/// An entry that is a locator and nothing else.
pub(super) fn entry_alone(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<Locator> {
    let table = table_of(entry)?;
    let locator = of_table(&table, &[], words);
    table.finish();
    locator
}

/// The table of a locator; a text in its place is told what to write.
pub(super) fn table_of<'t>(entry: &Entry<'t>) -> Option<Reader<'t>> {
    let Some(text) = entry.value.as_str() else { return entry.table(entry.key) };
    let quoted = text.escape_debug();
    let meant = if text.starts_with("//") || text.starts_with("(//") {
        format!("{{ xpath = \"{quoted}\" }}")
    } else if text.starts_with(['#', '.', '[']) {
        format!("{{ css = \"{quoted}\" }}")
    } else if entry.key == "click" {
        format!("{{ role = \"button\", name = \"{quoted}\" }}` or `{{ text = \"{quoted}\" }}")
    } else if matches!(entry.key, "check" | "uncheck" | "upload" | "select" | "type") {
        format!("{{ label = \"{quoted}\", … }}")
    } else {
        format!("{{ text = \"{quoted}\" }}")
    };
    let note = entry.fault(format!("`{}` does not say how the element is found", entry.key));
    entry.refuse(note.label("a text, not a table").help(format!("write `{meant}`")))
}

/// Whether a table says how an element is found.
pub(super) fn is_said(table: &Reader<'_>) -> bool {
    BY.iter().chain(&MORE).any(|key| table.has(key))
}

/// The locator that a table says besides the keys `others` (of which `text` may be one that means something else); the caller finishes the table.
pub(super) fn of_table(
    table: &Reader<'_>,
    others: &[&str],
    words: &mut Words<'_>,
) -> Option<Locator> {
    let ways: Vec<&'static str> = BY.into_iter().filter(|key| !others.contains(key)).collect();
    let found: Vec<Entry<'_>> = ways.iter().filter_map(|key| table.take(key)).collect();
    let name = table.take("name");
    let nth = table.take("nth").map(|entry| nth(&entry));
    let within = table.take("within").map(|entry| entry_alone(&entry, words).map(Box::new));
    let exact = table.boolean("exact").is_some_and(|exact| exact.value);
    if let [first, second, ..] = &found[..] {
        let note = Note::new(second.key_span.clone(), "two ways to find one element");
        table.note(
            note.label(format!("besides `{}`", first.key))
                .help("keep one of them; `within = { … }` says in which other element it lies"),
        );
        return None;
    }
    if let (Some(name), false) = (&name, found.first().is_some_and(|entry| entry.key == "role")) {
        let note = Note::new(name.key_span.clone(), "`name` goes with `role` only");
        let help = match (found.first(), name.value.as_str()) {
            (Some(other), _) => format!("remove it, or say a `role` instead of `{}`", other.key),
            (None, text) => format!(
                "write `role = \"button\", name = \"{}\"`",
                text.unwrap_or("Buy").escape_debug()
            ),
        };
        table.note(note.label("the name of what?").help(help));
        return None;
    }
    let Some(entry) = found.into_iter().next() else {
        if table.holds_only(&[&MORE[..], others].concat()) {
            let note =
                table.fault(format!("`{}` does not say how the element is found", table.name));
            table.note(
                note.label("no way to find it")
                    .help(format!("add one of {}", ways.join(", ")))
                    .derived(),
            );
        }
        return None;
    };
    let by = by(&entry, name.as_ref(), words);
    Some(Locator { by: by?, nth: flat(nth)?, within: flat(within)?, exact })
}

/// What was not said, or was said well; none where it was said badly.
fn flat<T>(said: Option<Option<T>>) -> Option<Option<T>> {
    match said {
        Some(None) => None,
        Some(good) => Some(good),
        None => Some(None),
    }
}

fn by(entry: &Entry<'_>, name: Option<&Entry<'_>>, words: &mut Words<'_>) -> Option<By> {
    if entry.key == "role" {
        let role = role::lower(entry);
        let name = flat(name.map(|name| words.text(name)));
        return Some(By::Role { role: role?, name: name? });
    }
    let text = words.text(entry)?;
    let fault = |fault: fn(&str) -> Option<check::Misread>| {
        text.is_plain().then(|| fault(&text.0)).flatten()
    };
    let misread = match entry.key {
        "css" => fault(check::selector_fault),
        "xpath" => fault(check::xpath_fault),
        _ => None,
    };
    if let Some(misread) = misread {
        let note = entry.fault(misread.message).label("finds nothing");
        return entry.refuse(note.maybe_help(misread.help));
    }
    Some(match entry.key {
        "label" => By::Label(text),
        "placeholder" => By::Placeholder(text),
        "test_id" => By::TestId(text),
        "text" => By::Text(text),
        "link" => By::Link(text),
        "css" => By::Css(text),
        _ => By::XPath(text),
    })
}

/// `nth = 0` is the first, `nth = -1` the last.
fn nth(entry: &Entry<'_>) -> Option<i32> {
    let number = entry.value.is_integer().then(|| entry.number()).flatten();
    match number.map(|at| at.value).filter(|nth| nth.abs() <= MOST) {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within bounds")]
        Some(nth) => Some(nth as i32),
        None => entry.wrong_type("a whole number: 0 is the first, -1 the last"),
    }
}
