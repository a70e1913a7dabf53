//! Predicates: what must hold of a value; and `[[step.assert]]`.

mod keys;

use std::ops::Range;

pub(in crate::config) use keys::{KEYS, Key, Takes};

use super::query;
use crate::{
    check::{self, Kind},
    config::{
        expressions,
        page::Note,
        reader::Reader,
        units,
        value::{At, Entry},
    },
    model::{Assertion, Limit, Literal, Predicate, Query, Schema, Subject, Text, Type},
};

/// A predicate and where it stands.
pub(super) type Placed = (Predicate, Range<usize>);

/// One `[[step.assert]]`.
pub(super) fn assertion(table: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Option<Assertion> {
    table.require("query", "query = { jsonpath = \"$.items\" }");
    let query = table.table("query").and_then(|reader| {
        let query = query::of_table(&reader, templates);
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
        table.note(note.help(format!("add one of {}, or `count`", words(|_| true))).derived());
        return None;
    }
    judge(table, query, predicates, count)
}

/// The positive keys, as a list for people.
fn words(wanted: fn(&Key) -> bool) -> String {
    KEYS.iter().filter(|key| wanted(key)).map(|key| key.key).collect::<Vec<_>>().join(", ")
}

/// The predicates and the predicates on `count` that a table says; the caller finishes the table.
pub(super) fn of_table(
    table: &Reader<'_>,
    query: Option<&Query>,
    templates: &mut Vec<At<Text>>,
) -> (Vec<Placed>, Vec<Placed>) {
    let kind = query.map_or(Kind::Any, check::kind_of);
    let mut predicates = below(table, kind, templates);
    if let Some(not) = table.table("not") {
        let inner = below(&not, kind, templates);
        not.finish();
        if inner.is_empty() && not.holds_only(&[]) {
            let note = not.fault("`not` negates nothing").label("no predicate in it");
            not.note(note.help(format!("add one of {}", words(|_| true))).derived());
        }
        predicates.extend(inner.into_iter().map(|(predicate, at)| (predicate.negated(), at)));
    }
    let count = table.take("count").map(|entry| count(&entry, templates)).unwrap_or_default();
    (predicates, count)
}

/// The predicates that stand in a table itself.
fn below(table: &Reader<'_>, kind: Kind, templates: &mut Vec<At<Text>>) -> Vec<Placed> {
    let mut placed = Vec::new();
    for Key { key: positive, negated: negative, .. } in KEYS {
        if let Some(entry) = table.take(positive) {
            let read = predicate(positive, &entry, kind, templates);
            placed.extend(read.map(|predicate| (predicate, entry.span.clone())));
        }
        if let Some(entry) = table.take(negative) {
            let read = predicate(positive, &entry, kind, templates);
            placed.extend(read.map(|predicate| (predicate.negated(), entry.span.clone())));
        }
    }
    placed
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
        let help = status_help(&query, &placed.0);
        Some(Note::new(placed.1.clone(), fault).label("cannot hold").maybe_help(help))
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

/// What to write for `2xx` or `200-299`.
fn status_help(query: &Query, predicate: &Predicate) -> Option<String> {
    let literals = match predicate {
        Predicate::Equals(one) => std::slice::from_ref(one),
        Predicate::OneOf(all) => all,
        _ => return None,
    };
    if query.subject != Subject::Status {
        return None;
    }
    let (from, to) = literals.iter().find_map(|literal| {
        let Literal::Text(Text(text)) = literal else { return None };
        let text = text.trim().to_ascii_lowercase();
        let class = text.strip_suffix("xx").filter(|class| class.len() == 1);
        let span = class.map(|class| (format!("{class}00"), format!("{class}99")));
        span.or_else(|| {
            text.split_once('-').map(|(a, b)| (a.trim().to_owned(), b.trim().to_owned()))
        })
    })?;
    let number = |text: &str| text.parse::<u16>().is_ok_and(|n| (100..600).contains(&n));
    (number(&from) && number(&to)).then(|| {
        format!(
            "write `status = {{ between = [{from}, {to}] }}`; where nothing is said of the status, it must be 2xx"
        )
    })
}

/// One predicate by its positive key; the entry may stand under the negated one.
fn predicate(
    key: &str,
    entry: &Entry<'_>,
    kind: Kind,
    templates: &mut Vec<At<Text>>,
) -> Option<Predicate> {
    if kind == Kind::Time
        && !matches!(key, "exists" | "above" | "below" | "at_least" | "at_most" | "between")
    {
        let note =
            Note::new(entry.key_span.clone(), format!("`{}` does not fit a duration", entry.key));
        return entry.refuse(
            note.label("only limits do").help("write `below = \"2s\"` or `above = \"2s\"`"),
        );
    }
    let is = Type::ALL.iter().find(|(word, _)| *word == key).map(|(_, kind)| *kind);
    if let Some(is) = is {
        let wanted = entry.boolean()?.value;
        return Some(if wanted { Predicate::Is(is) } else { Predicate::Is(is).negated() });
    }
    Some(match key {
        "equals" => Predicate::Equals(literal(entry, templates)?),
        "contains" => Predicate::Contains(text(entry, templates)?),
        "starts_with" => Predicate::StartsWith(text(entry, templates)?),
        "ends_with" => Predicate::EndsWith(text(entry, templates)?),
        "matches" => Predicate::Matches(entry.text()?.value),
        "exists" => Predicate::Exists(entry.boolean()?.value),
        "is_empty" => Predicate::IsEmpty(entry.boolean()?.value),
        "above" => Predicate::Above(limit(entry, kind, templates)?),
        "below" => Predicate::Below(limit(entry, kind, templates)?),
        "at_least" => Predicate::AtLeast(limit(entry, kind, templates)?),
        "at_most" => Predicate::AtMost(limit(entry, kind, templates)?),
        "between" => {
            let wanted = "two limits: [low, high]";
            let limits = entry.elements(wanted)?;
            let [low, high] = &limits[..] else { return entry.wrong_type(wanted) };
            let (low, high) = (limit(low, kind, templates), limit(high, kind, templates));
            Predicate::Between(low?, high?)
        }
        "one_of" => one_of(entry, templates)?,
        "schema" => Predicate::Schema(schema(entry)?),
        _ => return None,
    })
}

/// A limit in the way of what it is compared with.
fn limit(entry: &Entry<'_>, kind: Kind, templates: &mut Vec<At<Text>>) -> Option<Limit> {
    if kind == Kind::Time {
        return entry.any_duration().map(|time| Limit::Time(time.value));
    }
    let written = match entry.value {
        value if value.is_datetime() => value.as_datetime().map(ToString::to_string),
        value => value.as_str().map(ToOwned::to_owned),
    };
    let Some(written) = written else {
        if kind == Kind::Date {
            return entry.wrong_type("a date such as \"2026-01-31\"");
        }
        return entry.number().map(|number| Limit::Number(number.value));
    };
    if written.contains("{{") {
        return text(entry, templates).map(Limit::Text);
    }
    match kind {
        Kind::Bytes => units::size(&written).map_or_else(
            |_| entry.wrong_type("a number of bytes, or a size such as \"500KiB\""),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a size that is written has few digits"
            )]
            |size| Some(Limit::Number(size as f64)),
        ),
        Kind::Any | Kind::Text | Kind::Date => match check::read_date(&written) {
            Some(date) => Some(Limit::Date(date)),
            None if kind == Kind::Date => entry.wrong_type("a date such as \"2026-01-31\""),
            None => entry.wrong_type("a number"),
        },
        _ => entry.wrong_type("a number"),
    }
}

/// A JSON schema: a table, or a file below the folder of the journey.
fn schema(entry: &Entry<'_>) -> Option<Schema> {
    if entry.value.is_table() {
        return Some(Schema { file: None, json: entry.json()? });
    }
    if !entry.value.is_str() {
        return entry.wrong_type("a schema, or the file that holds one");
    }
    let At { value: (file, text), .. } = entry.attached_text()?;
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(json) => Some(Schema { file: Some(file), json }),
        Err(error) => {
            let name = file.escape_debug().to_string();
            let note = entry.fault(format!("the file `{name}` is not JSON: {error}"));
            entry.refuse(note.label("no schema in it"))
        }
    }
}

/// What must hold of the number of answers: a number, or a table of predicates.
fn count(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Vec<Placed> {
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
    let mut predicates: Vec<Placed> = Vec::new();
    for Key { key, negated, .. } in KEYS.into_iter().filter(|key| key.counts) {
        for (word, opposite) in [(key, false), (negated, true)] {
            let Some(entry) = table.take(word) else { continue };
            let Some(read) = predicate(key, &entry, Kind::Number, templates) else { continue };
            let numbers = match &read {
                Predicate::Equals(literal) => is_number(literal),
                Predicate::OneOf(all) => all.iter().all(is_number),
                _ => true,
            };
            if numbers {
                let read = if opposite { read.negated() } else { read };
                predicates.push((read, entry.span.clone()));
            } else {
                predicates.extend(entry.wrong_type::<Placed>("a number"));
            }
        }
    }
    table.finish();
    if table.holds_only(&[]) {
        let note = table.fault("`count` asserts nothing").label("no predicate in it");
        table.note(note.help(format!("add one of {}", words(|key| key.counts))).derived());
    }
    predicates
}

/// A number, or a template that gives one.
fn is_number(literal: &Literal) -> bool {
    match literal {
        Literal::Number(_) => true,
        Literal::Text(text) => !text.is_plain(),
        Literal::Bool(_) => false,
    }
}

/// A value to compare with.
pub(super) fn literal(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Literal> {
    if entry.value.is_integer() || entry.value.is_float() {
        return entry.number().map(|number| Literal::Number(number.value));
    }
    if entry.value.is_bool() {
        return entry.boolean().map(|truth| Literal::Bool(truth.value));
    }
    if let Some(date) = entry.value.as_datetime() {
        return Some(Literal::Text(Text(date.to_string())));
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
