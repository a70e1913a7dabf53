//! Queries over what a browser shows: the engine asked the page, this only looks the answers up.

use std::time::Duration;

use serde_json::Value;

use super::{kind::Kind, node::Node};
use crate::model::{By, Locator, PageQuery, StorageArea};

/// What a page said to each [`PageQuery`] of a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The values found, in the order of the page, or why the page could not be asked.
    pub found: Vec<(PageQuery, Result<Vec<Value>, String>)>,
}

impl Page {
    /// The answer to a query.
    pub(super) fn answer(&self, query: &PageQuery) -> Result<Vec<Value>, String> {
        let found = self.found.iter().find(|(asked, _)| asked == query);
        found.map_or_else(|| Err("the page was not asked".to_owned()), |(_, values)| values.clone())
    }
}

/// A value that a page gave. What it shows is text without a type, like what stands in a document; what a script gives is JSON.
pub(super) fn node(query: &PageQuery, value: Value) -> Node {
    match (query, value) {
        (PageQuery::Script(_), value) => Node::Json(value),
        (PageQuery::Vital(name), Value::Number(ms)) if name != "cls" => {
            let ms = ms.as_f64().unwrap_or_default();
            Node::Time(Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default())
        }
        (_, Value::String(text)) => Node::Text(text),
        (_, value) => Node::Json(value),
    }
}

/// A query in words: `element role button "Buy"`.
pub(super) fn query(query: &PageQuery) -> String {
    match query {
        PageQuery::Element { locator, attribute: None } => format!("element {}", words(locator)),
        PageQuery::Element { locator, attribute: Some(name) } => {
            format!("element {} attribute {name}", words(locator))
        }
        PageQuery::Title => "title".to_owned(),
        PageQuery::Storage { area: StorageArea::Local, key } => format!("local_storage {key}"),
        PageQuery::Storage { area: StorageArea::Session, key } => format!("session_storage {key}"),
        PageQuery::Script(_) => "script".to_owned(),
        PageQuery::Console(level) => format!("console {level}"),
        PageQuery::Vital(name) => format!("vital {name}"),
    }
}

/// A locator in words: `role button "Buy"`, `label "Email" within css "form"`.
pub fn words(locator: &Locator) -> String {
    let mut said = match &locator.by {
        By::Role { role, name: None } => format!("role {role}"),
        By::Role { role, name: Some(name) } => format!("role {role} \"{name}\""),
        By::Label(text) => format!("label \"{text}\""),
        By::Placeholder(text) => format!("placeholder \"{text}\""),
        By::TestId(text) => format!("test_id \"{text}\""),
        By::Text(text) => format!("text \"{text}\""),
        By::Link(text) => format!("link \"{text}\""),
        By::Css(text) => format!("css \"{text}\""),
        By::XPath(text) => format!("xpath \"{text}\""),
    };
    if let Some(nth) = locator.nth {
        said += &format!(" nth {nth}");
    }
    if let Some(within) = &locator.within {
        said += &format!(" within {}", words(within));
    }
    said
}

/// What is found, of which kind, whether it is always there, and whether there may be several.
pub(super) fn facts(query: &PageQuery) -> (&'static str, Kind, bool, bool) {
    match query {
        PageQuery::Element { attribute: Some(name), .. }
            if PageQuery::STATES.contains(&name.as_str()) =>
        {
            ("the state", Kind::Boolean, false, true)
        }
        PageQuery::Element { .. } => ("the value", Kind::Text, false, true),
        PageQuery::Title => ("the title", Kind::Text, true, false),
        PageQuery::Storage { .. } => ("the value", Kind::Text, false, false),
        PageQuery::Script(_) => ("the value", Kind::Any, false, false),
        PageQuery::Console(_) => ("the message", Kind::Text, false, true),
        PageQuery::Vital(name) if name == "cls" => ("the shift", Kind::Number, false, false),
        PageQuery::Vital(_) => ("a time", Kind::Time, false, false),
    }
}
