//! JSON schemas (draft 2020-12, by the `jsonschema` crate). Nothing is fetched: a reference must lead within the schema.

use jsonschema::{Validator, draft202012, error::ValidationErrorKind};
use serde_json::Value;

/// How many violations are told.
const TOLD: usize = 3;

/// Compiles a schema. `format` is asserted, not only noted: whoever writes it means it. The error is lower case.
fn compile(schema: &Value) -> Result<Validator, String> {
    draft202012::options().should_validate_formats(true).build(schema).map_err(|error| {
        if let ValidationErrorKind::Referencing(_) = error.kind() {
            return "a reference leads nowhere within it (`#/$defs/…`), and nothing outside of it is fetched".to_owned();
        }
        let at = error.instance_path().to_string();
        let place = if at.is_empty() { String::new() } else { format!(" at {at}") };
        format!("{error}{place}")
    })
}

/// Why a schema can never be asked: it is none, or refers to something outside of it.
pub(super) fn fault(schema: &Value) -> Option<String> {
    compile(schema).err().map(|error| format!("the schema cannot be used: {error}"))
}

/// Whether a value is as a schema says; the error tells the first violations with their places.
pub(super) fn violation(schema: &Value, value: &Value) -> Option<String> {
    let validator = match compile(schema) {
        Ok(validator) => validator,
        Err(error) => return Some(error),
    };
    let mut errors = validator.iter_errors(value);
    let told: Vec<String> = errors
        .by_ref()
        .take(TOLD)
        .map(|error| {
            let at = error.instance_path().to_string();
            if at.is_empty() { error.to_string() } else { format!("{at}: {error}") }
        })
        .collect();
    if told.is_empty() {
        return None;
    }
    let more = errors.count();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Some(format!("{}{more}", told.join("; ")))
}
