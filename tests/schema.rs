//! The schemas that editors read: they are good schemas, take every good file, refuse typical mistakes, and every key in them is explained
//! to people. (That they have the keys which the code reads, and no others, is tested beside them, in `src/config/schema`.)
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[path = "schema/defaults.rs"]
mod defaults;
#[path = "schema/examples.rs"]
mod examples;
#[path = "schema/keys.rs"]
mod keys;
#[path = "schema/mistakes.rs"]
mod mistakes;

use std::path::PathBuf;

use jsonschema::Validator;
use serde_json::Value;
use wayfarer::config::schema;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft7::new(schema).unwrap()
}

/// A TOML text as editors see it: dates are texts.
fn json(text: &str) -> Value {
    fn plain(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(date) => Value::String(date.to_string()),
            toml::Value::Array(items) => items.into_iter().map(plain).collect(),
            toml::Value::Table(table) => table.into_iter().map(|(k, v)| (k, plain(v))).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    let table: toml::Table = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    plain(toml::Value::Table(table))
}

/// What a schema has against a text, a line for each.
fn faults(validator: &Validator, text: &str) -> Vec<String> {
    let value = json(text);
    validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn the_schemas_are_good_schemas() {
    for (name, schema) in schema::all() {
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        if let Err(error) = jsonschema::draft7::meta::validate(&schema) {
            panic!("{name}: {}: {error}", error.instance_path());
        }
    }
}
