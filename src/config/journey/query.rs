//! Queries: where in a response a value is found and what is made of it; and captures, which keep it.

mod subjects;

use std::ops::Range;

pub(in crate::config) use subjects::{NAMED, PLAIN};

use super::filter;
use crate::{
    config::{
        expressions, hint,
        names::{self, NameOf},
        page::{Note, Page},
        reader::Reader,
        settings::variable_name,
        value::{At, Entry},
    },
    model::{Capture, CertificateField, CookieAttribute, Query, Subject, Text},
};

/// One entry of `[step.capture]`.
pub(super) fn capture(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Capture> {
    let name = variable_name(entry);
    let table = entry.table(format!("step.capture.{}", entry.key))?;
    let secret = table.boolean("secret").is_some_and(|secret| secret.value);
    let query = of_table(&table, templates);
    table.finish();
    Some(Capture { name: name?, query: query?, secret })
}

/// The query that a table says with one subject, its modifiers and `filter`; the caller finishes the table. A variable that it looks at is
/// noted like a template that uses it.
pub(super) fn of_table(table: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Query> {
    let keys = || PLAIN.iter().map(|row| row.0).chain(NAMED.iter().map(|row| row.key));
    let entries: Vec<Entry<'_>> = keys().filter_map(|key| table.take(key)).collect();
    let attribute = table.take("attribute");
    let filters = table.take("filter");
    let [entry] = &entries[..] else {
        let what = if entries.is_empty() { "no query" } else { "several queries" };
        let note =
            table.fault(format!("`{}` has {what}", table.name)).label("exactly one belongs here");
        let all: Vec<&str> = keys().collect();
        table.note(note.help(format!("one of {}", all.join(", "))));
        return None;
    };
    let subject = match PLAIN.iter().find(|(key, ..)| *key == entry.key) {
        Some((key, subject, _)) => {
            if !entry.boolean()?.value {
                let note =
                    entry.fault(format!("`{key}` cannot be false")).label("asks for nothing");
                return entry.refuse(note.help(format!("write `{key} = true`")));
            }
            misplaced(attribute.as_ref());
            subject.clone()
        }
        None => {
            let name = entry.text()?;
            let name =
                Named { key: entry.key, name: &name.value, span: name.span, page: entry.page };
            name.subject(attribute.as_ref(), templates)?
        }
    };
    filter::with(Query::from(subject), filters.as_ref())
}

/// `attribute` beside a subject that has none.
fn misplaced(attribute: Option<&Entry<'_>>) {
    if let Some(attribute) = attribute {
        let note =
            Note::new(attribute.key_span.clone(), "`attribute` goes with `css` and `cookie` only");
        attribute.page.note(note.label("not an attribute of anything"));
    }
}

/// One of [`NAMED`] with its name, and where that stands.
pub(super) struct Named<'a> {
    pub(super) key: &'a str,
    pub(super) name: &'a str,
    pub(super) span: Range<usize>,
    pub(super) page: &'a Page<'a>,
}

impl Named<'_> {
    /// The subject, if it can be asked; if not, that is noted.
    pub(super) fn subject(
        &self,
        attribute: Option<&Entry<'_>>,
        templates: &mut Vec<At<Text>>,
    ) -> Option<Subject> {
        if !matches!(self.key, "css" | "cookie") {
            misplaced(attribute);
        }
        // In a pattern two braces may be meant; the others would silently find nothing.
        if self.name.contains("{{") && self.key != "regex" {
            return self.refuse(
                Note::new(self.span.clone(), format!("`{}` cannot hold a template", self.key))
                    .label("would not be filled in")
                    .help("queries are compiled when the file is read; compare with a template instead"),
            );
        }
        let name = self.name.to_owned();
        let subject = match self.key {
            "header" => Subject::Header(name),
            "cookie" => {
                let attribute = match attribute {
                    Some(entry) => cookie_attribute(entry)?,
                    None => CookieAttribute::Value,
                };
                Subject::Cookie { name, attribute }
            }
            "jsonpath" => Subject::JsonPath(name),
            "css" => {
                let attribute = match attribute {
                    Some(entry) => Some(entry.text()?.value),
                    None => None,
                };
                Subject::Css { selector: name, attribute }
            }
            "regex" => Subject::Regex(name),
            "phase" => Subject::Phase(name),
            "server_timing" => Subject::ServerTiming(name),
            "certificate" => Subject::Certificate(self.certificate_field()?),
            "variable" => {
                if names::fault(NameOf::Variable, self.name).is_some() {
                    let said = format!("`{}` cannot be a variable", self.name.escape_debug());
                    return self.refuse(Note::new(self.span.clone(), said).label("not a name"));
                }
                // It must be known, but need not have a value: whether it has one can be asked.
                templates.push(At {
                    value: Text(format!("{{{{default {} ''}}}}", self.name)),
                    span: self.span.clone(),
                });
                Subject::Variable(name)
            }
            _ => return None,
        };
        let Some(fault) = expressions::query_fault(&Query::from(subject.clone())) else {
            return Some(subject);
        };
        self.refuse(Note::new(self.span.clone(), fault).label("cannot be asked"))
    }

    fn certificate_field(&self) -> Option<CertificateField> {
        let words = CertificateField::ALL;
        if let Some((_, field)) = words.iter().find(|(word, _)| *word == self.name) {
            return Some(*field);
        }
        let words = words.map(|(word, _)| word);
        let advice = hint::advice(self.name, words)
            .unwrap_or_else(|| format!("one of {}", words.join(", ")));
        let said = format!("a certificate has no `{}`", self.name.escape_debug());
        self.refuse(Note::new(self.span.clone(), said).label("not a field").help(advice))
    }

    fn refuse<T>(&self, note: Note) -> Option<T> {
        self.page.note(note);
        None
    }
}

fn cookie_attribute(entry: &Entry<'_>) -> Option<CookieAttribute> {
    let text = entry.text()?;
    let words = CookieAttribute::ALL;
    if let Some((_, attribute)) = words.iter().find(|(word, _)| *word == text.value) {
        return Some(*attribute);
    }
    let words = words.map(|(word, _)| word);
    let advice =
        hint::advice(&text.value, words).unwrap_or_else(|| format!("one of {}", words.join(", ")));
    let note = entry.fault(format!("a cookie has no `{}`", text.value.escape_debug()));
    entry.refuse(note.label("not an attribute").help(advice))
}
