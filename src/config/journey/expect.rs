//! `[step.expect]`: the short form of assertions. Each is a literal, which must be equal, or a table of predicates.

use super::{
    filter, predicate,
    query::{NAMED, Named, PLAIN},
};
use crate::{
    check::{self, Kind},
    config::{
        reader::Reader,
        value::{At, Entry},
    },
    model::{Assertion, Predicate, Query, Subject, Text},
};

/// Lowers the table of a step; none is no assertion.
pub(super) fn lower(step: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Vec<Assertion> {
    let mut assertions = Vec::new();
    let Some(table) = step.table("expect") else { return assertions };
    for (key, subject, _) in &PLAIN {
        let Some(entry) = table.take(key) else { continue };
        let name = table.below(key);
        assertions.extend(assertion(&table, &entry, name, subject.clone(), templates));
    }
    for key in NAMED.iter().map(|row| row.key) {
        for entry in table.table(key).map(|table| table.entries()).unwrap_or_default() {
            let named =
                Named { key, name: entry.key, span: entry.key_span.clone(), page: entry.page };
            // A cookie's attribute stands beside the predicates.
            let reader = entry.value.is_table().then(|| entry.table(entry.key)).flatten();
            let attribute = reader.as_ref().and_then(|reader| reader.take("attribute"));
            let Some(subject) = named.subject(attribute.as_ref(), templates) else { continue };
            let name = table.below(&format!("{key}.{}", entry.key));
            assertions.extend(assertion(&table, &entry, name, subject, templates));
        }
    }
    table.finish();
    assertions
}

fn assertion(
    table: &Reader<'_>,
    entry: &Entry<'_>,
    name: String,
    subject: Subject,
    templates: &mut Vec<At<Text>>,
) -> Option<Assertion> {
    let query = Query::from(subject);
    if entry.value.is_table() {
        let reader = entry.table(name)?;
        if PLAIN.iter().all(|(_, plain, _)| *plain != query.subject) {
            // Read already, with the subject.
            let _read = reader.take("attribute");
        }
        let query = filter::with(query, reader.take("filter").as_ref())?;
        let (predicates, count) = predicate::of_table(&reader, Some(&query), templates);
        reader.finish();
        if predicates.is_empty() && count.is_empty() {
            if reader.holds_only(&["attribute", "filter"]) {
                let note = reader
                    .fault(format!("`{}` asserts nothing", reader.name))
                    .label("no predicate in it");
                reader.note(
                    note.help("write a value, or a table such as { contains = \"text\" }")
                        .derived(),
                );
            }
            return None;
        }
        return predicate::judge(&reader, query, predicates, count);
    }
    if check::kind_of(&query) == Kind::Time {
        let note = entry.fault("no run takes exactly a given time").label("not a limit");
        return entry.refuse(note.help(format!("write `{} = {{ below = \"2s\" }}`", entry.key)));
    }
    let equals =
        if entry.value.is_array() && matches!(query.subject, Subject::Status | Subject::Version) {
            predicate::one_of(entry, templates)?
        } else if entry.value.is_array() {
            return entry.wrong_type("a value, or a table such as { one_of = [...] }");
        } else {
            Predicate::Equals(predicate::literal(entry, templates)?)
        };
    predicate::judge(table, query, vec![(equals, entry.span.clone())], Vec::new())
}
