//! Which subjects fit which kind of step: a browser does not tell headers, and an exchange shows no page.

use super::query::PAGE;
use crate::config::{page::Note, reader::Reader, value::Entry};

/// Subjects of HTTP steps alone, and what to do in a browser step instead.
const OF_EXCHANGES: [(&str, &str); 8] = [
    ("header", "a browser does not tell it: ask for it in a step with `[step.http]`"),
    ("version", "a browser does not tell it: ask for it in a step with `[step.http]`"),
    ("bytes", "a page has no bytes: `body` is its HTML as it is now"),
    ("sha256", "a page has no bytes: `body` is its HTML as it is now"),
    ("redirects", "`url` is where they led to"),
    ("ip", "a browser does not tell it: ask for it in a step with `[step.http]`"),
    ("certificate", "a browser does not tell it: ask for it in a step with `[step.http]`"),
    ("server_timing", "a browser does not tell it: ask for it in a step with `[step.http]`"),
];

/// What of a page is asked otherwise in the answer of an exchange.
const OF_PAGES: [(&str, &str); 2] = [
    ("element", "`css` looks into the answer: `query = { css = \"#total\" }`"),
    ("title", "`css` looks into the answer: `query = { css = \"title\" }`"),
];

/// Notes each subject that the step, a browser's or not, cannot be asked for.
pub(super) fn check(step: &Reader<'_>, browser: bool) {
    let mut tables: Vec<Reader<'_>> = Vec::new();
    for key in ["capture", "measure"] {
        let entries = quiet(step, key).map(|table| table.entries()).unwrap_or_default();
        tables.extend(entries.iter().filter(|e| e.value.is_table()).filter_map(|e| e.table(e.key)));
    }
    let retry = quiet(step, "retry").and_then(|retry| quiet(&retry, "until"));
    tables.extend(retry.and_then(|until| quiet(&until, "query")));
    let asserts = step.take("assert").filter(|entry| entry.value.is_array());
    for item in asserts.and_then(|entry| entry.elements("tables")).unwrap_or_default() {
        let table = item.value.is_table().then(|| item.table("assert")).flatten();
        tables.extend(table.and_then(|table| quiet(&table, "query")));
    }
    tables.extend(quiet(step, "expect"));
    tables.iter().flat_map(Reader::entries).for_each(|entry| judge(&entry, browser));
}

/// A table, where there is one: that it is none was noted before.
fn quiet<'t>(table: &Reader<'t>, key: &'static str) -> Option<Reader<'t>> {
    table.take(key).filter(|entry| entry.value.is_table())?.table(key)
}

fn judge(entry: &Entry<'_>, browser: bool) {
    let key = entry.key;
    let (message, label, help) = if browser {
        let Some((_, help)) = OF_EXCHANGES.iter().find(|(known, _)| *known == key) else { return };
        (format!("a browser step has no `{key}`"), "not known of a page", *help)
    } else if PAGE.contains(&key) {
        let help = OF_PAGES.iter().find(|(known, _)| *known == key).map(|(_, help)| *help);
        let help =
            help.unwrap_or("only a browser shows a page: a step with `[step.browser]` has it");
        (format!("a step with `[step.http]` has no `{key}`"), "no page to look at", help)
    } else {
        return;
    };
    entry.page.note(Note::new(entry.key_span.clone(), message).label(label).help(help));
}
