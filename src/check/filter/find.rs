//! Filters that look into a value as a query looks into a body.

use jiff::Timestamp;
use scraper::Html;
use serde_json::Value;

use super::{Refusal, text_of, told};
use crate::{
    check::{
        find::{css_fault as selector_fault, css_within, json_within, regex as compile},
        node::Node,
    },
    model::Argument,
};

/// Why a path can never do.
pub(super) fn json_path_fault(argument: &Argument) -> Option<String> {
    crate::check::find::json_path_fault(told(argument)?)
}

/// Of JSON, or of text that holds JSON.
pub(super) fn json_path(
    argument: &Argument,
    node: &Node,
    _: Timestamp,
) -> Result<Vec<Node>, Refusal> {
    let path = told(argument).unwrap_or("$");
    let parsed;
    let value = match node {
        Node::Text(text) | Node::Json(Value::String(text)) => {
            parsed = serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}'))
                .map_err(|_| "JSON".to_owned())?;
            &parsed
        }
        Node::Json(value) => value,
        _ => return Err("JSON".to_owned()),
    };
    json_within(path, value)
}

/// The first group, or the whole match where there is none; text that does not match gives nothing.
pub(super) fn regex(argument: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    let text = text_of(node)?;
    let regex = compile(told(argument).unwrap_or_default())
        .map_err(|error| format!("a pattern that compiles ({error})"))?;
    let found = regex.captures(&text).and_then(|groups| groups.get(usize::from(groups.len() > 1)));
    Ok(found.map(|found| Node::Text(found.as_str().to_owned())).into_iter().collect())
}

/// Why a selector can never do.
pub(super) fn css_fault(argument: &Argument) -> Option<String> {
    let attribute = match argument {
        Argument::Pair(_, attribute) => Some(attribute.as_str()),
        _ => None,
    };
    selector_fault(told(argument)?, attribute)
}

/// Of text as HTML.
pub(super) fn css(argument: &Argument, node: &Node, _: Timestamp) -> Result<Vec<Node>, Refusal> {
    let html = Html::parse_document(&text_of(node)?);
    let (selector, attribute) = match argument {
        Argument::Pair(selector, attribute) => (selector.as_str(), Some(attribute.as_str())),
        other => (told(other).unwrap_or("*"), None),
    };
    css_within(selector, attribute, &html)
}
