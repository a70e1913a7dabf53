//! Whether one predicate holds of one value.

use std::cmp::Ordering;

use serde_json::Value;

use super::{
    date::read_date,
    find::regex,
    node::{Node, read_number},
    schema,
};
use crate::model::{Limit, Literal, Predicate, Text, Type};

/// A predicate without its negation, and whether it had one.
pub(super) fn peel(mut predicate: &Predicate) -> (&Predicate, bool) {
    let mut negated = false;
    while let Predicate::Not(inner) = predicate {
        predicate = inner;
        negated = !negated;
    }
    (predicate, negated)
}

/// Whether the (filled) predicate holds of a node; the error is the type it would take.
pub(super) fn holds(predicate: &Predicate, node: &Node) -> Result<bool, &'static str> {
    let text = || node.text().ok_or("text");
    Ok(match predicate {
        Predicate::Not(inner) => !holds(inner, node)?,
        Predicate::Equals(literal) => equal(node, literal)?,
        Predicate::OneOf(literals) => literals.iter().any(|l| equal(node, l) == Ok(true)),
        Predicate::Contains(part) => contains(node, &part.0)?,
        Predicate::StartsWith(part) => text()?.starts_with(&part.0),
        Predicate::EndsWith(part) => text()?.ends_with(&part.0),
        Predicate::Matches(pattern) => {
            regex(pattern).map_err(|_| "a pattern that compiles")?.is_match(&text()?)
        }
        Predicate::Exists(wanted) => *wanted,
        Predicate::IsEmpty(wanted) => {
            node.is_empty().ok_or("text, an array or an object")? == *wanted
        }
        Predicate::Is(kind) => is(node, *kind),
        Predicate::Above(limit) => compare(node, limit)?.is_gt(),
        Predicate::Below(limit) => compare(node, limit)?.is_lt(),
        Predicate::AtLeast(limit) => compare(node, limit)?.is_ge(),
        Predicate::AtMost(limit) => compare(node, limit)?.is_le(),
        Predicate::Between(low, high) => {
            compare(node, low)?.is_ge() && compare(node, high)?.is_le()
        }
        Predicate::Schema(schema) => schema::violation(&schema.json, &as_json(node)).is_none(),
    })
}

/// How a node lies to a limit; the error is the type the limit would take.
fn compare(node: &Node, limit: &Limit) -> Result<Ordering, &'static str> {
    match limit {
        Limit::Number(limit) => {
            let number = node.number().ok_or("a number")?;
            number.partial_cmp(limit).ok_or("a number")
        }
        Limit::Time(limit) => match node {
            Node::Time(time) => Ok(time.cmp(limit)),
            _ => Err("a time"),
        },
        Limit::Date(limit) => node.date().map(|date| date.cmp(limit)).ok_or("a date"),
        // A filled template is one of the others.
        Limit::Text(_) => Err("a number or a date"),
    }
}

/// Whether a node is of a type. JSON has types; text without one is what it reads as.
fn is(node: &Node, kind: Type) -> bool {
    let number = match node {
        Node::Number(number) => Some(*number),
        Node::Json(Value::Number(number)) => number.as_f64(),
        Node::Text(text) => read_number(text),
        _ => None,
    };
    match kind {
        Type::Number => number.is_some(),
        Type::Integer => number.is_some_and(|number| number.fract() == 0.0),
        Type::Boolean => match node {
            Node::Json(value) => value.is_boolean(),
            Node::Text(text) => matches!(text.trim(), "true" | "false"),
            _ => false,
        },
        Type::Text => matches!(node, Node::Text(_) | Node::Json(Value::String(_))),
        Type::List => matches!(node, Node::Json(Value::Array(_))),
        Type::Object => matches!(node, Node::Json(Value::Object(_))),
        Type::Null => matches!(node, Node::Json(Value::Null)),
        Type::Date => node.date().is_some(),
        Type::Uuid => match node {
            Node::Text(text) | Node::Json(Value::String(text)) => is_uuid(text),
            _ => false,
        },
    }
}

/// RFC 9562, section 4.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A node as a schema sees it: text that holds a JSON array or object is taken for it.
pub(super) fn as_json(node: &Node) -> Value {
    if let Node::Text(text) = node {
        let parsed = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok();
        if let Some(value @ (Value::Array(_) | Value::Object(_))) = parsed {
            return value;
        }
    }
    node.clone().into_json()
}

fn contains(node: &Node, part: &str) -> Result<bool, &'static str> {
    if let Node::Json(Value::Array(items)) = node {
        let literal = Literal::Text(Text(part.to_owned()));
        return Ok(items.iter().any(|i| equal(&Node::Json(i.clone()), &literal) == Ok(true)));
    }
    node.text().map(|text| text.contains(part)).ok_or("text or an array")
}

fn equal(node: &Node, literal: &Literal) -> Result<bool, &'static str> {
    match literal {
        #[expect(clippy::float_cmp, reason = "equality is what was asked for")]
        Literal::Number(wanted) => node.number().map(|got| got == *wanted).ok_or("a number"),
        Literal::Bool(wanted) => match node.text().as_deref() {
            Some("true") => Ok(*wanted),
            Some("false") => Ok(!*wanted),
            _ => Err("a truth value"),
        },
        Literal::Text(Text(wanted)) => match (node, node.text()) {
            (Node::Number(_) | Node::Json(Value::Number(_)), Some(got)) => {
                // The text first: a 64-bit id does not survive becoming a float.
                Ok(got == *wanted || read_number(wanted).is_some_and(|w| node.number() == Some(w)))
            }
            (Node::Date(date), Some(_)) => {
                read_date(wanted).map(|wanted| *date == wanted).ok_or("a date")
            }
            (_, Some(got)) => Ok(got == *wanted),
            (Node::Json(value), None) => match serde_json::from_str::<Value>(wanted) {
                Ok(wanted) if wanted.is_array() || wanted.is_object() => Ok(*value == wanted),
                _ => Err("text"),
            },
            _ => Err("text"),
        },
    }
}
