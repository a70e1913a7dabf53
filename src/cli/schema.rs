//! `wayfarer schema`: what editors need to know of the files that people write.

use serde_json::Value;

use super::{
    Exit, Failed,
    args::{SchemaArguments, SchemaOf},
    say,
};
use crate::config::schema;

/// Prints one schema.
pub(super) fn run(arguments: &SchemaArguments) -> Result<Exit, Failed> {
    let schema = match arguments.of {
        SchemaOf::Journey => schema::journey(),
        SchemaOf::Part => schema::part(),
        SchemaOf::Wayfarer => schema::settings(),
    };
    say(&written(&schema))?;
    Ok(Exit::Good)
}

/// A schema as its file holds it.
pub(super) fn written(schema: &Value) -> String {
    format!("{schema:#}\n")
}
