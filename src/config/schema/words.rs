//! The words that schemas are built of.

use std::{ops::Range, time::Duration};

use serde_json::{Map, Value, json};

use crate::config::{
    BUILT_INS,
    names::{self, NameOf},
    units,
};

/// A key of a table and its schema.
pub(in crate::config) type Key = (&'static str, Value);

/// A table with these keys and no others.
pub(in crate::config) fn table(about: &str, required: &[&str], keys: Vec<Key>) -> Value {
    let properties: Map<String, Value> =
        keys.into_iter().map(|(key, schema)| (key.to_owned(), schema)).collect();
    // A plain `false` would do; but Taplo then underlines the whole table, not the key.
    let unknown = refused("a key that is not known here");
    let mut table = json!({
        "type": "object",
        "description": about,
        "properties": properties,
        "additionalProperties": unknown,
    });
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

/// What takes no value at all; editors show why.
pub(in crate::config) fn refused(why: &str) -> Value {
    json!({ "not": { "description": why } })
}

/// A table whose keys are chosen freely.
pub(in crate::config) fn map(about: &str, of: Value) -> Value {
    json!({ "type": "object", "description": about, "additionalProperties": of })
}

/// A table whose keys are names as another schema says.
pub(in crate::config) fn named(about: &str, names: Value, of: Value) -> Value {
    limited(map(about, of), json!({ "propertyNames": names }))
}

/// A table with anything in it.
pub(in crate::config) fn free(about: &str) -> Value {
    json!({ "type": "object", "description": about })
}

/// A list.
pub(in crate::config) fn list(about: &str, of: Value) -> Value {
    json!({ "type": "array", "description": about, "items": of })
}

/// A list in which nothing stands twice.
pub(in crate::config) fn set(about: &str, of: Value) -> Value {
    limited(list(about, of), json!({ "uniqueItems": true }))
}

/// One of several forms.
pub(in crate::config) fn any(about: &str, of: Vec<Value>) -> Value {
    json!({ "description": about, "anyOf": of })
}

/// The same with more conditions.
pub(in crate::config) fn limited(mut schema: Value, more: Value) -> Value {
    if let (Value::Object(schema), Value::Object(more)) = (&mut schema, more) {
        schema.extend(more);
    }
    schema
}

/// The same, and what holds where it is left out: for the editor, and in words.
pub(in crate::config) fn default(mut schema: Value, default: Value) -> Value {
    let said = schema["description"].as_str().unwrap_or_default();
    let value = match &default {
        Value::String(text) => format!("`\"{text}\"`"),
        other => format!("`{other}`"),
    };
    let separate = if said.is_empty() { "" } else { " " };
    schema["description"] = json!(format!("{said}{separate}Default: {value}."));
    schema["default"] = default;
    schema
}

/// A table with exactly one key.
pub(in crate::config) fn one_key(table: Value) -> Value {
    limited(table, json!({ "minProperties": 1, "maxProperties": 1 }))
}

/// A table in which exactly one of these keys stands. For small tables: an editor shows the whole of one that is not so.
pub(in crate::config) fn exactly_one(table: Value, keys: &[&str]) -> Value {
    let each: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
    limited(table, json!({ "oneOf": each }))
}

/// A table in which one of two keys stands, and not both; the first is the one that is said to be missing.
pub(in crate::config) fn either(table: Value, first: &str, second: &str) -> Value {
    let mut not_first = Map::new();
    not_first.insert(first.to_owned(), refused(&format!("besides `{second}`: keep one of them")));
    let rule = json!({
        "if": { "required": [second] },
        "then": { "properties": not_first },
        "else": { "required": [first] },
    });
    limited(table, rule)
}

/// A table in which at most one of these keys stands; an editor underlines the others.
pub(in crate::config) fn at_most_one(table: Value, keys: &[&str]) -> Value {
    let rule = |(at, key): (usize, &&str)| {
        let why = refused(&format!("besides `{key}`: keep one of them"));
        let others: Map<String, Value> =
            keys.iter().skip(at + 1).map(|other| ((*other).to_owned(), why.clone())).collect();
        json!({ "if": { "required": [key] }, "then": { "properties": others } })
    };
    let rules: Vec<Value> = keys.iter().enumerate().map(rule).collect();
    limited(table, json!({ "allOf": rules }))
}

/// A text with something in it.
pub(in crate::config) fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": "\\S" })
}

/// A name.
pub(in crate::config) fn name(about: &str, kind: NameOf) -> Value {
    let pattern = names::pattern(kind);
    let name = json!({ "type": "string", "description": about, "pattern": pattern, "maxLength": names::LONGEST });
    match kind {
        NameOf::Variable => limited(name, json!({ "not": { "enum": BUILT_INS } })),
        _ => name,
    }
}

/// The name of a header (RFC 9110, section 5.6.2).
pub(in crate::config) fn header_name(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })
}

/// A JSONPath.
pub(in crate::config) fn json_path(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": "^\\s*\\$" })
}

/// One of some words.
pub(in crate::config) fn word(about: &str, words: &[&str]) -> Value {
    json!({ "type": "string", "description": about, "enum": words })
}

/// True or false.
pub(in crate::config) fn truth(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

/// True and nothing else: what needs no more words.
pub(in crate::config) fn yes(about: &str) -> Value {
    json!({ "type": "boolean", "description": about, "const": true })
}

/// A number.
pub(in crate::config) fn number(about: &str) -> Value {
    json!({ "type": "number", "description": about })
}

/// A whole number between two limits, both included.
pub(in crate::config) fn count(about: &str, limits: Range<u64>) -> Value {
    json!({ "type": "integer", "description": about, "minimum": limits.start, "maximum": limits.end })
}

/// A time with its unit.
pub(in crate::config) fn time(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": units::TIME_PATTERN })
}

/// A time with its unit, and what holds where it is left out.
pub(in crate::config) fn time_or(about: &str, otherwise: Duration) -> Value {
    default(time(about), json!(units::spell(otherwise)))
}

/// A share of something.
pub(in crate::config) fn percent(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": units::PERCENT_PATTERN })
}

/// A size with its unit.
pub(in crate::config) fn size(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": units::SIZE_PATTERN })
}

/// A whole http address, or a template that begins like one.
pub(in crate::config) fn address(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": "^(https?://|\\{\\{)" })
}

/// An http address without templates.
pub(in crate::config) fn link(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": "^\\s*[hH][tT][tT][pP][sS]?:" })
}

/// A text, a number, or a truth value: what stands for a template or a literal.
pub(in crate::config) fn template(about: &str) -> Value {
    json!({ "type": ["string", "number", "boolean"], "description": about })
}

/// The same where a template would not be filled in.
pub(in crate::config) fn plain(about: &str) -> Value {
    let braces = json!({ "type": "string", "pattern": "\\{\\{" });
    limited(template(about), json!({ "not": braces }))
}

/// Names with templates, or lists of them.
pub(in crate::config) fn pairs(about: &str) -> Value {
    let value = any("", vec![template("A template."), list("Several.", template("A template."))]);
    map(about, value)
}

/// What stands below `definitions`.
pub(in crate::config) fn defined(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

/// A whole schema: a table with what it refers to.
pub(in crate::config) fn document(title: &str, definitions: Vec<Key>, root: Value) -> Value {
    let definitions: Map<String, Value> =
        definitions.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let head = json!({ "$schema": "http://json-schema.org/draft-07/schema#", "title": title });
    limited(limited(head, root), json!({ "definitions": definitions }))
}
