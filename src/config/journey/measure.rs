//! `[step.measure]`: numbers taken out of an answer, and how they are judged.

use super::query;
use crate::{
    config::{
        names::NameOf,
        page::Note,
        reader::Reader,
        value::{At, Entry},
    },
    model::{Measure, MeasureRule, Text, Worse},
};

/// Most numbers of a step: each is a series of its own, stored, exported and judged.
pub(in crate::config) const MOST: usize = 20;

/// Longest unit, in characters.
pub(in crate::config) const UNIT: usize = 20;

/// Which way is for the worse.
pub(in crate::config) const WORSE: [(&str, Worse); 3] =
    [("higher", Worse::Higher), ("lower", Worse::Lower), ("either", Worse::Either)];

/// All measures of a step.
pub(super) fn lower(step: &Reader<'_>, templates: &mut Vec<At<Text>>) -> Vec<Measure> {
    let entries = step.table("measure").map(|table| table.entries()).unwrap_or_default();
    if let Some(entry) = entries.get(MOST) {
        let note =
            Note::new(entry.key_span.clone(), format!("a step measures at most {MOST} numbers"));
        step.note(note.label("one too many"));
    }
    entries.iter().take(MOST).filter_map(|entry| measure(entry, templates)).collect()
}

fn measure(entry: &Entry<'_>, templates: &mut Vec<At<Text>>) -> Option<Measure> {
    let name = entry.key_name(NameOf::Thing);
    let table = entry.table(format!("step.measure.{}", entry.key))?;
    let required = table.boolean("required").is_some_and(|required| required.value);
    let judged = MeasureRule {
        worse: worse(&table),
        relative: table.take("relative").and_then(|e| e.percent(10.0)).map(|at| at.value),
        absolute: absolute(&table),
        unit: unit(&table),
    };
    let query = query::of_table(&table, templates);
    table.finish();
    Some(Measure { name: name?.into(), query: query?, required, judged })
}

fn worse(table: &Reader<'_>) -> Option<Worse> {
    let word = table.text("worse")?;
    match WORSE.iter().find(|(known, _)| *known == word.value) {
        Some((_, worse)) => Some(*worse),
        None => {
            let said = word.value.escape_debug();
            let note = Note::new(word.span, format!("`worse` cannot be `{said}`"));
            table.note(note.label("not a direction").help(
                "`higher`, `lower`, or `either` for a number that should stay as it is; without it a shift is only suspected",
            ));
            None
        }
    }
}

fn absolute(table: &Reader<'_>) -> Option<f64> {
    let number = table.number("absolute")?;
    if number.value > 0.0 {
        return Some(number.value);
    }
    table.note(Note::new(number.span, "`absolute` must be above 0").label("impossible"));
    None
}

fn unit(table: &Reader<'_>) -> Option<String> {
    let unit = table.text("unit")?;
    let good = unit.value.chars().count() <= UNIT && !unit.value.chars().any(char::is_control);
    if good {
        return Some(unit.value.trim().to_owned());
    }
    let note = Note::new(unit.span, format!("`unit` is a short text of at most {UNIT} characters"));
    table.note(note.label("too long"));
    None
}
