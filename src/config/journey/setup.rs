//! `setup`: a part that is walked once for all journeys of an environment.

use std::sync::Arc;

use super::{
    part::{self, Parts},
    revision,
};
use crate::{
    config::{page::Note, reader::Reader, scope::Scope, value::At},
    model::{PartUse, SharedSetup, Text},
};

/// Lowers `setup = "login"` or `setup = { use = "login", with = { … } }`; its outputs are captured before the first step.
pub(super) fn lower(
    top: &Reader<'_>,
    scope: &mut Scope<'_>,
    parts: &Parts,
) -> Option<Arc<SharedSetup>> {
    let entry = top.take("setup")?;
    let table = entry.value.is_table().then(|| entry.table("setup")).flatten();
    let named = match &table {
        Some(table) => {
            table.require("use", "use = \"login\"");
            table.take("use")?
        }
        None if entry.value.is_str() => entry.clone(),
        None => return entry.wrong_type("the name of a part, or { use = \"login\", with = {…} }"),
    };
    let found = parts.find(&named);
    let given = table.as_ref().and_then(|table| table.table("with"));
    if let Some(table) = &table {
        table.finish();
    }
    let (name, part) = found?;
    let mut templates: Vec<At<Text>> = Vec::new();
    let with = part::with(given.as_ref(), (&name, table.is_none()), part, &mut templates, top.page);
    for template in &templates {
        scope.check(template, "setup");
        if template.value.0.contains("run_id") {
            let note =
                Note::new(template.span.clone(), "a shared session cannot depend on one run");
            top.note(note.label("another one for each run").help("leave `run_id` out"));
        }
    }
    for (output, doubt) in &part.outputs {
        let said = format!("setup `{}`", name.value);
        let output = At { value: output.clone(), span: named.span.clone() };
        super::steps::claim(&output, &said, scope);
        if let Some(doubt) = doubt {
            scope.doubts.insert(output.value, doubt.in_part(&name.value));
        }
    }
    let part_use = PartUse {
        steps: part::renamed(&part.steps, &name.value),
        outputs: part.outputs.iter().map(|(name, _)| name.clone()).collect(),
        part: name.value,
        with,
    };
    let revision = revision::of_part(&part_use);
    Some(Arc::new(SharedSetup { part: part_use, expires_after: part.expires_after, revision }))
}
