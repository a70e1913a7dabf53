//! Runs a query over an answer.

use jsonpath_rust::JsonPath;
use regex::{Regex, RegexBuilder};
use scraper::Selector;
use serde_json::Value;

use super::{answer::Answer, node::Node};
use crate::model::{Query, Subject};

/// What a query found.
pub(super) struct Found {
    /// The values, in the order of the answer.
    pub(super) nodes: Vec<Node>,
    /// How many there are for `count`; a regular expression has one node, its first match, but counts all.
    pub(super) count: usize,
    /// Whether it is enough that a predicate holds of one of them.
    pub(super) any: bool,
}

/// Why a capture has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CaptureFault {
    /// What was missing: lower case. May hold an excerpt of the answer, so it must be masked.
    pub message: String,
}

/// The value of the first node, as text: JSON text without quotes, other JSON in its compact form, a duration in milliseconds.
///
/// # Errors
///
/// Nothing was found, it is `null`, or the body is not what the query reads.
pub fn capture(query: &Query, answer: &Answer) -> Result<String, CaptureFault> {
    let fault = |message: String| CaptureFault { message };
    let found = find(query, answer).map_err(fault)?;
    match found.nodes.into_iter().next() {
        None => Err(fault("nothing was found".to_owned())),
        Some(Node::Json(Value::Null)) => Err(fault("null was found".to_owned())),
        Some(Node::Json(Value::String(text)) | Node::Text(text)) => Ok(text),
        Some(Node::Json(value)) => Ok(value.to_string()),
        Some(Node::Number(number)) => Ok(number.to_string()),
        Some(Node::Time(time)) => Ok(format!("{:.3}", time.as_secs_f64() * 1000.0)),
    }
}

/// Runs the query. The error is a sentence about the answer, or about an expression that was not checked at load.
pub(super) fn find(query: &Query, answer: &Answer) -> Result<Found, String> {
    let one = |node: Node| Found { nodes: vec![node], count: 1, any: false };
    let many = |nodes: Vec<Node>| Found { count: nodes.len(), nodes, any: false };
    Ok(match &query.subject {
        Subject::Status => one(Node::Number(f64::from(answer.status))),
        Subject::Redirects => one(Node::Number(f64::from(answer.redirects))),
        Subject::Duration => one(Node::Time(answer.duration)),
        Subject::Url => one(Node::Text(answer.url.clone())),
        Subject::Body => one(Node::Text(answer.body.clone())),
        Subject::Header(name) => {
            let values = answer.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
            let nodes = values.map(|(_, value)| Node::Text(value.clone())).collect();
            Found { any: true, ..many(nodes) }
        }
        Subject::Cookie(name) => {
            let value = answer.cookies.iter().find(|(n, _)| n == name);
            many(value.map(|(_, value)| Node::Text(value.clone())).into_iter().collect())
        }
        Subject::JsonPath(path) => {
            let mut found = many(json_nodes(path, answer)?);
            if let [Node::Json(Value::Array(items))] = found.nodes.as_slice() {
                found.count = items.len();
            }
            found
        }
        Subject::Css { selector, attribute } => {
            many(css_nodes(selector, attribute.as_deref(), answer)?)
        }
        Subject::Regex(pattern) => {
            let regex = regex(pattern)?;
            let first = regex.captures(&answer.body).and_then(|groups| {
                groups.get(usize::from(groups.len() > 1)).map(|m| m.as_str().to_owned())
            });
            let nodes = first.map(Node::Text).into_iter().collect();
            Found { count: regex.find_iter(&answer.body).count(), nodes, any: false }
        }
    })
}

fn json_nodes(path: &str, answer: &Answer) -> Result<Vec<Node>, String> {
    let nodes = answer.json()?.query(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(nodes.into_iter().cloned().map(Node::Json).collect())
}

fn css_nodes(css: &str, attribute: Option<&str>, answer: &Answer) -> Result<Vec<Node>, String> {
    let selector = selector(css)?;
    let elements = answer.html().select(&selector);
    Ok(match attribute {
        Some(name) => {
            elements.filter_map(|e| e.attr(name)).map(|v| Node::Text(v.to_owned())).collect()
        }
        // White space is collapsed as a browser shows it, or every line break of a template would be part of the value.
        None => elements
            .map(|e| {
                let text: String = e.text().collect();
                Node::Text(text.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect(),
    })
}

/// Compiles a selector; the error is lower case.
pub(super) fn selector(css: &str) -> Result<Selector, String> {
    Selector::parse(css).map_err(|error| {
        let text = error.to_string();
        let mut chars = text.chars();
        let first = chars.next().map(|c| c.to_ascii_lowercase());
        first.into_iter().chain(chars).collect()
    })
}

/// Compiles a regular expression, which may take 1 MiB: a pattern is a user's, and repeats of repeats grow without bound.
pub(super) fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("it is too big: compiled it takes more than {limit} bytes")
        }
        regex::Error::Syntax(text) => {
            // The last line says what is wrong, the lines before it draw the pattern.
            let line = text.lines().last().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
        other => other.to_string(),
    })
}
