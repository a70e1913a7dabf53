//! Queries: where in a response a value is found; and captures, which keep it.

use crate::{
    config::{expressions, page::Note, reader::Reader, settings::variable_name, value::Entry},
    model::{Capture, Query, Subject},
};

/// The keys of a query, of which a table has exactly one.
const KEYS: [&str; 10] = [
    "status",
    "header",
    "cookie",
    "body",
    "jsonpath",
    "css",
    "regex",
    "duration",
    "url",
    "redirects",
];

/// One entry of `[step.capture]`.
pub(super) fn capture(entry: &Entry<'_>) -> Option<Capture> {
    let name = variable_name(entry);
    let table = entry.table(format!("step.capture.{}", entry.key))?;
    let secret = table.boolean("secret").is_some_and(|secret| secret.value);
    let query = of_table(&table);
    table.finish();
    Some(Capture { name: name?, query: query?, secret })
}

/// The query a table says with one of [`KEYS`]; the caller finishes the table.
pub(super) fn of_table(table: &Reader<'_>) -> Option<Query> {
    let entries: Vec<Entry<'_>> = KEYS.into_iter().filter_map(|key| table.take(key)).collect();
    let attribute = table.take("attribute");
    let [entry] = &entries[..] else {
        let what = if entries.is_empty() { "no query" } else { "several queries" };
        let note =
            table.fault(format!("`{}` has {what}", table.name)).label("exactly one belongs here");
        table.note(note.help(format!("one of {}", KEYS.join(", "))));
        return None;
    };
    if let Some(attribute) = attribute.as_ref().filter(|_| entry.key != "css") {
        let note = Note::new(attribute.key_span.clone(), "`attribute` goes with `css` only");
        table.note(note.label("not an attribute of anything"));
    }
    let attribute = match attribute {
        Some(attribute) => Some(attribute.text()?.value),
        None => None,
    };
    let subject = match entry.key {
        "header" | "cookie" | "jsonpath" | "css" | "regex" => {
            named(entry.key, entry.text()?.value, attribute)?
        }
        _ => {
            if !entry.boolean()?.value {
                let note = entry
                    .fault(format!("`{}` cannot be false", entry.key))
                    .label("asks for nothing");
                return entry.refuse(note.help(format!("write `{} = true`", entry.key)));
            }
            plain(entry.key)?
        }
    };
    let query = Query::from(subject);
    check(&query, entry.page, entry.span.clone()).then_some(query)
}

/// A query that needs no more words.
pub(super) fn plain(key: &str) -> Option<Subject> {
    Some(match key {
        "status" => Subject::Status,
        "body" => Subject::Body,
        "duration" => Subject::Duration,
        "url" => Subject::Url,
        "redirects" => Subject::Redirects,
        _ => return None,
    })
}

/// A query with a name, path, selector or pattern.
pub(super) fn named(key: &str, text: String, attribute: Option<String>) -> Option<Subject> {
    Some(match key {
        "header" => Subject::Header(text),
        "cookie" => Subject::Cookie(text),
        "jsonpath" => Subject::JsonPath(text),
        "css" => Subject::Css { selector: text, attribute },
        "regex" => Subject::Regex(text),
        _ => return None,
    })
}

/// Whether a query can be asked; if not, that is noted at `span`.
pub(super) fn check(
    query: &Query,
    page: &crate::config::page::Page<'_>,
    span: std::ops::Range<usize>,
) -> bool {
    let (kind, text) = match &query.subject {
        Subject::Header(text) => ("header", text),
        Subject::Cookie(text) => ("cookie", text),
        Subject::JsonPath(text) => ("jsonpath", text),
        Subject::Css { selector, .. } => ("css", selector),
        Subject::Regex(text) => ("regex", text),
        _ => return true,
    };
    // In a pattern two braces may be meant; the others would silently find nothing.
    if text.contains("{{") && kind != "regex" {
        let note = Note::new(span, format!("`{kind}` cannot hold a template"))
            .label("would not be filled in");
        page.note(
            note.help(
                "queries are compiled when the file is read; compare with a template instead",
            ),
        );
        return false;
    }
    let Some(fault) = expressions::query_fault(query) else { return true };
    page.note(Note::new(span, fault).label("cannot be asked"));
    false
}
