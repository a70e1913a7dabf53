//! Schemas: a value that fits one, and one without references to hold answers against.

use serde_json::{Map, Value as Json, json};

use super::document::Document;

/// How deep examples are made, and how deep answers are held against their schema.
const DEEP: usize = 6;
const SHOWN: usize = 2;

/// A value for a parameter or body: what the document gives as one, else one that fits the type. None where only a person knows.
pub(super) fn example(document: &Document, holder: &Json) -> Option<Json> {
    given(document, holder).or_else(|| of_schema(document, holder.get("schema")?, DEEP))
}

/// `example`, or the first of `examples`.
fn given(document: &Document, holder: &Json) -> Option<Json> {
    if let Some(example) = holder.get("example") {
        return Some(example.clone());
    }
    match holder.get("examples")? {
        Json::Object(named) => {
            let first = document.follow(named.values().next()?)?;
            first.get("value").cloned()
        }
        Json::Array(all) => all.first().cloned(),
        _ => None,
    }
}

/// A value that fits a schema.
pub(super) fn of_schema(document: &Document, schema: &Json, depth: usize) -> Option<Json> {
    let schema = document.follow(schema)?;
    if let Some(value) = given(document, schema) {
        return Some(value);
    }
    for key in ["default", "const"] {
        if let Some(value) = schema.get(key) {
            return Some(value.clone());
        }
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return Some(first.clone());
    }
    if depth == 0 {
        return None;
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut merged = Map::new();
        for part in all {
            if let Some(Json::Object(members)) = of_schema(document, part, depth - 1) {
                merged.extend(members);
            }
        }
        if schema.get("properties").is_none() {
            return Some(Json::Object(merged));
        }
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(first) = schema[key].as_array().and_then(|all| all.first()) {
            return of_schema(document, first, depth - 1);
        }
    }
    match type_of(schema)? {
        "object" => {
            let required: Vec<&str> = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Json::as_str)
                .collect();
            let mut members = Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let property = document.follow(property).unwrap_or(property);
                // Whoever writes an example of what may be left out wants it to be seen.
                let shown = ["example", "examples"].iter().any(|key| property.get(*key).is_some());
                let wanted = shown || required.contains(&name.as_str());
                if property["readOnly"] == json!(true) || !wanted {
                    continue;
                }
                members.insert(name.clone(), of_schema(document, property, depth - 1)?);
            }
            Some(Json::Object(members))
        }
        "array" => {
            let item = schema.get("items").and_then(|items| of_schema(document, items, depth - 1));
            Some(Json::Array(item.into_iter().collect()))
        }
        "integer" | "number" => {
            let minimum = schema.get("minimum").filter(|minimum| minimum.is_number());
            minimum.cloned().or(Some(json!(1)))
        }
        "boolean" => Some(json!(true)),
        "string" => text(schema).map(Json::String),
        _ => None,
    }
}

/// The type, of several the first that is not null; guessed where only members say it.
fn type_of(schema: &Json) -> Option<&str> {
    match &schema["type"] {
        Json::String(one) => Some(one),
        Json::Array(all) => all.iter().filter_map(Json::as_str).find(|one| *one != "null"),
        _ if schema.get("properties").is_some() => Some("object"),
        _ if schema.get("items").is_some() => Some("array"),
        _ => None,
    }
}

/// A text of a known format; a free text only a person knows.
fn text(schema: &Json) -> Option<String> {
    Some(
        match schema["format"].as_str()? {
            "date" => "2026-01-31",
            "date-time" => "2026-01-31T12:00:00Z",
            "email" => "probe@example.com",
            "uuid" => "00000000-0000-4000-8000-000000000001",
            "uri" | "url" => "https://example.com",
            "ipv4" => "192.0.2.1",
            _ => return None,
        }
        .to_owned(),
    )
}

/// A schema to hold answers against: types, required members and their types, without references; none where it says nothing.
pub(super) fn shape(document: &Document, schema: &Json) -> Option<Json> {
    let shape = shape_at(document, schema, SHOWN)?;
    let says = shape.as_object().is_some_and(|members| !members.is_empty());
    says.then_some(shape)
}

fn shape_at(document: &Document, schema: &Json, depth: usize) -> Option<Json> {
    let schema = document.follow(schema)?;
    let combined = ["oneOf", "anyOf", "not"].iter().any(|key| schema.get(*key).is_some());
    let mut out = Map::new();
    if combined {
        return Some(Json::Object(out));
    }
    let mut required: Vec<Json> = Vec::new();
    let mut properties = Map::new();
    let parts =
        schema["allOf"].as_array().into_iter().flatten().filter_map(|part| document.follow(part));
    let mut kind = type_of(schema).map(str::to_owned);
    for part in parts.chain([schema]) {
        kind = kind.or_else(|| type_of(part).map(str::to_owned));
        required.extend(part["required"].as_array().into_iter().flatten().cloned());
        for (name, property) in part["properties"].as_object().into_iter().flatten() {
            if depth > 0 && !property["writeOnly"].as_bool().unwrap_or_default() {
                let inner = shape_at(document, property, depth - 1).unwrap_or_else(|| json!({}));
                if inner.as_object().is_some_and(|members| !members.is_empty()) {
                    properties.insert(name.clone(), inner);
                }
            }
        }
    }
    let kind = kind?;
    // 3.0 says `nullable`, 3.1 lists "null".
    let nullable = schema["nullable"] == json!(true)
        || schema["type"].as_array().is_some_and(|all| all.contains(&json!("null")));
    let listed = schema["type"].as_array().filter(|all| all.len() > 2);
    out.insert(
        "type".to_owned(),
        match (listed, nullable) {
            (Some(all), _) => Json::Array(all.clone()),
            (None, true) => json!([kind, "null"]),
            (None, false) => json!(kind),
        },
    );
    if kind == "object" {
        required.dedup();
        if !required.is_empty() {
            out.insert("required".to_owned(), Json::Array(required));
        }
        if !properties.is_empty() {
            out.insert("properties".to_owned(), Json::Object(properties));
        }
    }
    if kind == "array" && depth > 0 {
        let items = schema.get("items").and_then(|items| shape_at(document, items, depth - 1));
        if let Some(items) = items.filter(|items| items.as_object().is_some_and(|m| !m.is_empty()))
        {
            out.insert("items".to_owned(), items);
        }
    }
    Some(Json::Object(out))
}
