//! Predicates: what must hold of a value; and `[[step.assert]]`.

use std::ops::Range;

use super::query;
use crate::{
    config::{
        expressions,
        page::Note,
        reader::Reader,
        value::{At, Entry},
    },
    model::{Assertion, Literal, Predicate, Query, Subject, Text},
};

/// The keys of a predicate table.
const KEYS: [&str; 14] = [
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "matches",
    "exists",
    "is_empty",
    "above",
    "below",
    "at_least",
    "at_most",
    "one_of",
];

/// Those that fit a number of answers.
const COUNT_KEYS: [&str; 7] =
    ["equals", "not_equals", "above", "below", "at_least", "at_most", "one_of"];

/// A predicate and where it stands.
pub(super) type Placed = (Predicate, Range<usize>);

/// One `[[step.assert]]`.
pub(super) fn assertion(table: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Assertion> {
    table.require("query", "query = { jsonpath = \"$.items\" }");
    let query = table.table("query").and_then(|reader| {
        let query = query::of_table(&reader);
        reader.finish();
        query
    });
    let (predicates, count) = of_table(table, query.as_ref(), templates);
    table.finish();
    let query = query?;
    if predicates.is_empty() && count.is_empty() {
        if !table.holds_only(&["query"]) {
            return None;
        }
        let note = table.fault("the assertion asserts nothing").label("no predicate in it");
        table.note(note.help(format!("add one of {}, or `count`", KEYS.join(", "))).derived());
        return None;
    }
    judge(table, query, predicates, count)
}

/// The predicates and the predicates on `count` that a table says; the caller finishes the table.
pub(super) fn of_table(
    table: &Reader<'_>,
    query: Option<&Query>,
    templates: &mut Vec<At<Text>>,
) -> (Vec<Placed>, Vec<Placed>) {
    let timed = query.is_some_and(|query| query.subject == Subject::Duration);
    let read = |entry: &Entry<'_>, templates: &mut Vec<At<Text>>| {
        if timed { time(entry) } else { predicate(entry, templates) }
    };
    let predicates = KEYS
        .into_iter()
        .filter_map(|key| table.take(key))
        .filter_map(|entry| Some((read(&entry, templates)?, entry.span.clone())))
        .collect();
    let count = table.take("count").map(|entry| count(&entry)).unwrap_or_default();
    (predicates, count)
}

/// Puts an assertion together and has it checked, predicate by predicate first, so that the caret finds the culprit.
pub(super) fn judge(
    table: &Reader<'_>,
    query: Query,
    predicates: Vec<Placed>,
    count: Vec<Placed>,
) -> Option<Assertion> {
    let alone = |placed: &Placed, counts: bool| {
        let one = vec![placed.0.clone()];
        let (predicates, count) = if counts { (Vec::new(), one) } else { (one, Vec::new()) };
        let fault =
            expressions::assertion_fault(&Assertion { query: query.clone(), predicates, count })?;
        Some(Note::new(placed.1.clone(), fault).label("cannot hold"))
    };
    let mut notes: Vec<Note> =
        predicates.iter().filter_map(|placed| alone(placed, false)).collect();
    notes.extend(count.iter().filter_map(|placed| alone(placed, true)));
    let whole = Assertion {
        query: query.clone(),
        predicates: predicates.into_iter().map(|placed| placed.0).collect(),
        count: count.into_iter().map(|placed| placed.0).collect(),
    };
    if notes.is_empty() {
        let fault = expressions::assertion_fault(&whole);
        notes.extend(fault.map(|fault| table.fault(fault).label("cannot hold")));
    }
    let good = notes.is_empty();
    notes.into_iter().for_each(|note| table.note(note));
    good.then_some(whole)
}

fn predicate(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Predicate> {
    Some(match entry.key {
        "equals" => Predicate::Equals(literal(entry, templates)?),
        "not_equals" => Predicate::NotEquals(literal(entry, templates)?),
        "contains" => Predicate::Contains(text(entry, templates)?),
        "not_contains" => Predicate::NotContains(text(entry, templates)?),
        "starts_with" => Predicate::StartsWith(text(entry, templates)?),
        "ends_with" => Predicate::EndsWith(text(entry, templates)?),
        "matches" => Predicate::Matches(entry.text()?.value),
        "exists" => Predicate::Exists(entry.boolean()?.value),
        "is_empty" => Predicate::IsEmpty(entry.boolean()?.value),
        "above" => Predicate::Above(entry.number()?.value),
        "below" => Predicate::Below(entry.number()?.value),
        "at_least" => Predicate::AtLeast(entry.number()?.value),
        "at_most" => Predicate::AtMost(entry.number()?.value),
        "one_of" => one_of(entry, templates)?,
        _ => return None,
    })
}

/// What must hold of the number of answers: a number, or a table of predicates.
fn count(entry: &Entry<'_>) -> Vec<Placed> {
    if !entry.value.is_table() {
        let number = if entry.value.is_integer() {
            entry.number()
        } else {
            entry.wrong_type("a number, or a table such as { at_least = 1 }")
        };
        return number
            .map(|n| (Predicate::Equals(Literal::Number(n.value)), n.span))
            .into_iter()
            .collect();
    }
    let Some(table) = entry.table("count") else { return Vec::new() };
    let predicates: Vec<Placed> = COUNT_KEYS
        .into_iter()
        .filter_map(|key| table.take(key))
        .filter_map(|entry| {
            let read = predicate(&entry, &mut Vec::new())?;
            let numbers = match &read {
                Predicate::Equals(Literal::Text(_) | Literal::Bool(_))
                | Predicate::NotEquals(Literal::Text(_) | Literal::Bool(_)) => false,
                Predicate::OneOf(all) => all.iter().all(|one| matches!(one, Literal::Number(_))),
                _ => true,
            };
            if numbers { Some((read, entry.span.clone())) } else { entry.wrong_type("a number") }
        })
        .collect();
    table.finish();
    if table.holds_only(&[]) {
        let note = table.fault("`count` asserts nothing").label("no predicate in it");
        table.note(note.help(format!("add one of {}", COUNT_KEYS.join(", "))).derived());
    }
    predicates
}

/// A predicate on the duration, which is compared with times.
pub(super) fn time(entry: &Entry<'_>) -> Option<Predicate> {
    let instead = match entry.key {
        "below" => return Some(Predicate::Faster(entry.any_duration()?.value)),
        "above" => return Some(Predicate::Slower(entry.any_duration()?.value)),
        "at_least" => "above",
        _ => "below",
    };
    let note =
        Note::new(entry.key_span.clone(), format!("`{}` does not fit a duration", entry.key));
    entry.refuse(
        note.label("only `below` and `above` do").help(format!("write `{instead} = \"2s\"`")),
    )
}

/// A value to compare with.
pub(super) fn literal(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Literal> {
    if entry.value.is_integer() || entry.value.is_float() {
        return entry.number().map(|number| Literal::Number(number.value));
    }
    if entry.value.is_bool() {
        return entry.boolean().map(|truth| Literal::Bool(truth.value));
    }
    if !entry.value.is_str() {
        return entry.wrong_type("a text, a number, true or false");
    }
    text(entry, templates).map(Literal::Text)
}

fn text(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Text> {
    let text = entry.any_text()?;
    let text = At { value: Text(text.value), span: text.span };
    templates.push(text.clone());
    Some(text.value)
}

/// A list of values to compare with, one of which must be equal.
pub(super) fn one_of(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Predicate> {
    let items = entry.elements("a list of values")?;
    if items.is_empty() {
        return entry.refuse(
            entry
                .fault(format!("`{}` is empty: nothing could be one of them", entry.key))
                .label("no values"),
        );
    }
    let all = items.iter().map(|item| literal(item, templates)).collect::<Option<_>>()?;
    Some(Predicate::OneOf(all))
}
