//! Assertions and captures in words, close to how they are written in a journey.

use crate::model::{
    Argument, Assertion, Capture, CookieAttribute, Filter, Limit, Literal, Measure, Predicate,
    Query, Schema, Subject, Text,
};

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

/// The query in words, its filters behind bars: `jsonpath $.items | count`.
pub(super) fn query(query: &Query) -> String {
    let mut words = subject(&query.subject);
    for one in &query.filters {
        words.push_str(" | ");
        words.push_str(&filter(one));
    }
    words
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Status => "status".to_owned(),
        Subject::Version => "version".to_owned(),
        Subject::Header(name) => format!("header {name}"),
        Subject::Cookie { name, attribute: CookieAttribute::Value } => format!("cookie {name}"),
        Subject::Cookie { name, attribute } => {
            format!("cookie {name} attribute {}", attribute.word())
        }
        Subject::Body => "body".to_owned(),
        Subject::Bytes => "bytes".to_owned(),
        Subject::Sha256 => "sha256".to_owned(),
        Subject::JsonPath(path) => format!("jsonpath {path}"),
        Subject::Css { selector, attribute: None } => format!("css {selector}"),
        Subject::Css { selector, attribute: Some(name) } => {
            format!("css {selector} attribute {name}")
        }
        Subject::Regex(pattern) => format!("regex /{pattern}/"),
        Subject::Duration => "duration".to_owned(),
        Subject::Phase(name) => format!("phase {name}"),
        Subject::ServerTiming(name) => format!("server_timing {name}"),
        Subject::Url => "url".to_owned(),
        Subject::Redirects => "redirects".to_owned(),
        Subject::Ip => "ip".to_owned(),
        Subject::Certificate(field) => format!("certificate {}", field.word()),
        Subject::Variable(name) => format!("variable {name}"),
    }
}

fn filter(filter: &Filter) -> String {
    let name = &filter.name;
    match &filter.argument {
        Argument::None => name.clone(),
        Argument::Text(text) => format!("{name} {text:?}"),
        Argument::Number(number) => format!("{name} {number}"),
        Argument::Pair(a, b) => format!("{name} {a:?} {b:?}"),
    }
}

/// The predicate in words, with its key first.
pub(super) fn predicate(predicate: &Predicate) -> String {
    let quoted = |text: &Text| format!("\"{text}\"");
    let value = match predicate {
        Predicate::Not(inner) => return format!("not_{}", self::predicate(inner)),
        Predicate::Is(_) => "true".to_owned(),
        Predicate::Equals(literal) => show(literal),
        Predicate::Contains(text) | Predicate::StartsWith(text) | Predicate::EndsWith(text) => {
            quoted(text)
        }
        Predicate::Matches(pattern) => format!("/{pattern}/"),
        Predicate::Exists(yes) | Predicate::IsEmpty(yes) => yes.to_string(),
        Predicate::Above(limit)
        | Predicate::Below(limit)
        | Predicate::AtLeast(limit)
        | Predicate::AtMost(limit) => bound(limit),
        Predicate::Between(low, high) => format!("[{}, {}]", bound(low), bound(high)),
        Predicate::OneOf(literals) => {
            format!("[{}]", literals.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Predicate::Schema(Schema { file: Some(file), .. }) => file.clone(),
        Predicate::Schema(Schema { json, .. }) => json.to_string(),
    };
    format!("{} {value}", key(predicate))
}

/// The key a journey writes for the predicate; a negated one has `not_` before it.
pub(super) fn key(predicate: &Predicate) -> &'static str {
    match predicate {
        Predicate::Equals(_) => "equals",
        Predicate::Contains(_) => "contains",
        Predicate::StartsWith(_) => "starts_with",
        Predicate::EndsWith(_) => "ends_with",
        Predicate::Matches(_) => "matches",
        Predicate::Exists(_) => "exists",
        Predicate::IsEmpty(_) => "is_empty",
        Predicate::Is(kind) => kind.key(),
        Predicate::Above(_) => "above",
        Predicate::Below(_) => "below",
        Predicate::AtLeast(_) => "at_least",
        Predicate::AtMost(_) => "at_most",
        Predicate::Between(..) => "between",
        Predicate::OneOf(_) => "one_of",
        Predicate::Schema(_) => "schema",
        Predicate::Not(inner) => key(inner),
    }
}

fn show(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("\"{text}\""),
        Literal::Number(number) => number.to_string(),
        Literal::Bool(value) => value.to_string(),
    }
}

/// A limit as written.
fn bound(limit: &Limit) -> String {
    match limit {
        Limit::Number(number) => number.to_string(),
        Limit::Time(time) => span(*time),
        Limit::Date(date) => date.to_string(),
        Limit::Text(text) => format!("\"{text}\""),
    }
}
