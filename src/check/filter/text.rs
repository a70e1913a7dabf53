//! Filters of text.

use jiff::Timestamp;
use serde_json::Value;

use super::{Refusal, text_of, told};
use crate::{
    check::{find::regex, node::Node},
    model::Argument,
};

/// Longest text a replacement may give, in bytes: a short one for every character of a large body grows without bound.
const LONGEST: usize = 64 << 20;

/// Most parts of a split text: each takes far more memory than its characters.
const PARTS: usize = 100_000;

/// Why a text to look for can never do.
pub(super) fn empty(argument: &Argument) -> Option<String> {
    let empty = told(argument).is_some_and(str::is_empty);
    empty.then(|| "the text to look for is empty".to_owned())
}

/// Why a pattern can never do.
pub(super) fn pattern(argument: &Argument) -> Option<String> {
    let pattern = told(argument)?;
    if pattern.is_empty() {
        return Some("the regular expression is empty".to_owned());
    }
    regex(pattern).err().map(|error| format!("the regular expression does not compile: {error}"))
}

/// The parts between the separators, as a list.
pub(super) fn split(argument: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    let text = text_of(node)?;
    let separator = told(argument).filter(|separator| !separator.is_empty()).unwrap_or(",");
    if text.matches(separator).count() >= PARTS {
        return Err(format!("text of at most {PARTS} parts"));
    }
    let parts = text.split(separator).map(|part| Value::String(part.to_owned())).collect();
    Ok(vec![Node::Json(Value::Array(parts))])
}

/// Every occurrence.
pub(super) fn replace(
    argument: &Argument,
    node: &Node,
    _: Timestamp,
) -> Result<Vec<Node>, Refusal> {
    let text = text_of(node)?;
    let Argument::Pair(old, new) = argument else { return Ok(vec![Node::Text(text)]) };
    if old.is_empty() {
        return Ok(vec![Node::Text(text)]);
    }
    within_bounds(&text, text.matches(old.as_str()).count(), new.len())?;
    Ok(vec![Node::Text(text.replace(old.as_str(), new))])
}

/// Every match; `$1` and `${name}` stand for groups.
pub(super) fn replace_regex(
    argument: &Argument,
    node: &Node,
    _: Timestamp,
) -> Result<Vec<Node>, Refusal> {
    let text = text_of(node)?;
    let Argument::Pair(pattern, new) = argument else { return Ok(vec![Node::Text(text)]) };
    let regex = regex(pattern).map_err(|error| format!("a pattern that compiles ({error})"))?;
    // Each reference gives at most the whole match, and all matches together at most the text.
    let references = new.matches('$').count().max(1);
    within_bounds(&text, regex.find_iter(&text).count(), new.len())?;
    within_bounds(&text, references, text.len())?;
    Ok(vec![Node::Text(regex.replace_all(&text, new.as_str()).into_owned())])
}

fn within_bounds(text: &str, times: usize, length: usize) -> Result<(), Refusal> {
    if times.saturating_mul(length).saturating_add(text.len()) > LONGEST {
        return Err("text that stays below 64 MiB".to_owned());
    }
    Ok(())
}

/// Without the white space around it.
pub(super) fn trim(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    Ok(vec![Node::Text(text_of(node)?.trim().to_owned())])
}

/// In lower case.
pub(super) fn lower(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    Ok(vec![Node::Text(text_of(node)?.to_lowercase())])
}

/// In upper case.
pub(super) fn upper(_: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    Ok(vec![Node::Text(text_of(node)?.to_uppercase())])
}
