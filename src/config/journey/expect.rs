//! `[step.expect]`: the short form of assertions. Each is a literal, which must be equal, or a table of predicates.

use super::{predicate, query};
use crate::{
    config::{
        reader::Reader,
        value::{At, Entry},
    },
    model::{Assertion, Predicate, Query, Subject, Text},
};

/// Keys that are asked as they are.
const PLAIN: [&str; 5] = ["status", "duration", "body", "url", "redirects"];

/// Keys below which names, paths, selectors or patterns stand.
const NAMED: [&str; 5] = ["header", "cookie", "jsonpath", "css", "regex"];

/// Lowers the table of a step; none is no assertion.
pub(super) fn lower(step: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Vec<Assertion> {
    let mut assertions = Vec::new();
    let Some(table) = step.table("expect") else { return assertions };
    for key in PLAIN {
        let Some((entry, query)) = table.take(key).zip(query::plain(key).map(Query::from)) else {
            continue;
        };
        assertions.extend(assertion(&table, &entry, table.below(key), query, templates));
    }
    for key in NAMED {
        for entry in table.table(key).map(|table| table.entries()).unwrap_or_default() {
            let Some(query) = query::named(key, entry.key.to_owned(), None).map(Query::from) else {
                continue;
            };
            if query::check(&query, entry.page, entry.key_span.clone()) {
                let name = table.below(&format!("{key}.{}", entry.key));
                assertions.extend(assertion(&table, &entry, name, query, templates));
            }
        }
    }
    table.finish();
    assertions
}

fn assertion(
    table: &Reader<'_>,
    entry: &Entry<'_>,
    name: String,
    query: Query,
    templates: &mut Vec<At<Text>>,
) -> Option<Assertion> {
    if entry.value.is_table() {
        let reader = entry.table(name)?;
        let (predicates, count) = predicate::of_table(&reader, Some(&query), templates);
        reader.finish();
        if predicates.is_empty() && count.is_empty() {
            if reader.holds_only(&[]) {
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
    if query.subject == Subject::Duration {
        let note = entry.fault("no run takes exactly a given time").label("not a limit");
        return entry.refuse(note.help("write `duration = { below = \"2s\" }`"));
    }
    let equals = if entry.value.is_array() && query.subject == Subject::Status {
        predicate::one_of(entry, templates)?
    } else if entry.value.is_array() {
        return entry.wrong_type("a value, or a table such as { one_of = [...] }");
    } else {
        Predicate::Equals(predicate::literal(entry, templates)?)
    };
    predicate::judge(table, query, vec![(equals, entry.span.clone())], Vec::new())
}
