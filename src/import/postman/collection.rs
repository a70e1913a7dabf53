//! Postman's collection format v2.1 (<https://schema.postman.com/json/collection/v2.1.0/docs/index.html>), as far as journeys need it.

use serde::Deserialize;
use serde_json::Value as Json;

/// A collection, or a folder or request within one.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Item {
    pub(super) info: Option<Info>,
    pub(super) name: Option<String>,
    pub(super) item: Option<Vec<Item>>,
    pub(super) request: Option<Json>,
    pub(super) event: Option<Vec<Event>>,
    pub(super) auth: Option<Auth>,
    pub(super) variable: Option<Vec<Pair>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Info {
    pub(super) name: Option<String>,
    pub(super) schema: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Event {
    pub(super) listen: Option<String>,
    pub(super) script: Option<Script>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Script {
    /// Lines, or one text.
    pub(super) exec: Json,
}

impl Script {
    /// The whole script.
    pub(super) fn text(&self) -> String {
        match &self.exec {
            Json::String(text) => text.clone(),
            Json::Array(lines) => {
                lines.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }
}

/// How requests sign in: `type`, and below its name a list of pairs, or an object in older files.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Auth {
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(flatten)]
    pub(super) kinds: serde_json::Map<String, Json>,
}

impl Auth {
    /// One parameter of the kind that is chosen.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        match self.kinds.get(self.kind.as_deref()?)? {
            Json::Array(pairs) => {
                let pair = pairs.iter().find(|pair| pair["key"] == name)?;
                scalar(&pair["value"])
            }
            Json::Object(members) => scalar(members.get(name)?),
            _ => None,
        }
    }
}

/// `{ key, value }` of headers, queries, forms and variables.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Pair {
    pub(super) key: Option<String>,
    pub(super) id: Option<String>,
    pub(super) value: Json,
    pub(super) disabled: bool,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) src: Json,
    #[serde(rename = "contentType")]
    pub(super) media: Option<String>,
}

impl Pair {
    /// Key and value as texts.
    pub(super) fn texts(&self) -> Option<(String, String)> {
        let key = self.key.clone().or_else(|| self.id.clone())?;
        Some((key, scalar(&self.value).unwrap_or_default()))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Request {
    pub(super) method: Option<String>,
    pub(super) url: Json,
    /// Pairs, or lines of one text in old files.
    pub(super) header: Json,
    pub(super) body: Option<Body>,
    pub(super) auth: Option<Auth>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Body {
    pub(super) mode: Option<String>,
    pub(super) raw: Option<String>,
    pub(super) urlencoded: Option<Vec<Pair>>,
    pub(super) formdata: Option<Vec<Pair>>,
    pub(super) graphql: Json,
    pub(super) file: Json,
    pub(super) options: Json,
    pub(super) disabled: bool,
}

/// A text, number or truth value as text.
pub(super) fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A list of pairs, whatever else stands there; those that are switched off are left out.
pub(super) fn pairs(json: &Json) -> Vec<Pair> {
    match json {
        Json::Array(items) => items
            .iter()
            .filter_map(|item| serde_json::from_value::<Pair>(item.clone()).ok())
            .filter(|pair| !pair.disabled)
            .collect(),
        Json::String(lines) => lines
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(key, value)| Pair {
                key: Some(key.trim().to_owned()),
                value: Json::String(value.trim().to_owned()),
                ..Pair::default()
            })
            .collect(),
        _ => Vec::new(),
    }
}
