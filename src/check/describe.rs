//! Assertions and captures in words, close to how they are written in a journey.

use crate::model::{Assertion, Capture, Literal, Measure, Predicate, Query, Subject, Text};

use super::node::span;

/// The assertion as written: `status equals 303`, `jsonpath $.items[*] count at_least 1`.
pub fn describe(assertion: &Assertion) -> String {
    let query = query(&assertion.query);
    let values = assertion.predicates.iter().map(predicate);
    let counts = assertion.count.iter().map(|p| format!("count {}", predicate(p)));
    let parts: Vec<String> = values.chain(counts).collect();
    if parts.is_empty() { query } else { format!("{query} {}", parts.join(" and ")) }
}

/// The capture as written: `capture csrf = css input[name=csrf] attribute value`.
pub fn describe_capture(capture: &Capture) -> String {
    format!("capture {} = {}", capture.name, query(&capture.query))
}

/// The measure as written: `measure price = jsonpath $.price`.
pub fn describe_measure(measure: &Measure) -> String {
    format!("measure {} = {}", measure.name, query(&measure.query))
}

/// The query in words.
pub(super) fn query(query: &Query) -> String {
    match &query.subject {
        Subject::Status => "status".to_owned(),
        Subject::Header(name) => format!("header {name}"),
        Subject::Cookie(name) => format!("cookie {name}"),
        Subject::Body => "body".to_owned(),
        Subject::JsonPath(path) => format!("jsonpath {path}"),
        Subject::Css { selector, attribute: None } => format!("css {selector}"),
        Subject::Css { selector, attribute: Some(name) } => {
            format!("css {selector} attribute {name}")
        }
        Subject::Regex(pattern) => format!("regex /{pattern}/"),
        Subject::Duration => "duration".to_owned(),
        Subject::Url => "url".to_owned(),
        Subject::Redirects => "redirects".to_owned(),
    }
}

/// The predicate in words, with its key first.
pub(super) fn predicate(predicate: &Predicate) -> String {
    let quoted = |text: &Text| format!("\"{text}\"");
    let value = match predicate {
        Predicate::Equals(literal) | Predicate::NotEquals(literal) => show(literal),
        Predicate::Contains(text)
        | Predicate::NotContains(text)
        | Predicate::StartsWith(text)
        | Predicate::EndsWith(text) => quoted(text),
        Predicate::Matches(pattern) => format!("/{pattern}/"),
        Predicate::Exists(yes) | Predicate::IsEmpty(yes) => yes.to_string(),
        Predicate::Above(limit)
        | Predicate::Below(limit)
        | Predicate::AtLeast(limit)
        | Predicate::AtMost(limit) => limit.to_string(),
        Predicate::Faster(limit) | Predicate::Slower(limit) => span(*limit),
        Predicate::OneOf(literals) => {
            format!("[{}]", literals.iter().map(show).collect::<Vec<_>>().join(", "))
        }
    };
    format!("{} {value}", key(predicate))
}

/// The key a journey writes for the predicate.
pub(super) fn key(predicate: &Predicate) -> &'static str {
    match predicate {
        Predicate::Equals(_) => "equals",
        Predicate::NotEquals(_) => "not_equals",
        Predicate::Contains(_) => "contains",
        Predicate::NotContains(_) => "not_contains",
        Predicate::StartsWith(_) => "starts_with",
        Predicate::EndsWith(_) => "ends_with",
        Predicate::Matches(_) => "matches",
        Predicate::Exists(_) => "exists",
        Predicate::IsEmpty(_) => "is_empty",
        Predicate::Above(_) | Predicate::Slower(_) => "above",
        Predicate::Below(_) | Predicate::Faster(_) => "below",
        Predicate::AtLeast(_) => "at_least",
        Predicate::AtMost(_) => "at_most",
        Predicate::OneOf(_) => "one_of",
    }
}

fn show(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("\"{text}\""),
        Literal::Number(number) => number.to_string(),
        Literal::Bool(value) => value.to_string(),
    }
}
