//! When, how often and how strictly a step is walked: `when`, `repeat`, `retry`, `delay`, `optional`, `always`.

use std::{ops::Range, time::Duration};

use super::predicate;
use crate::{
    config::{names::NameOf, page::Note, reader::Reader, value::At},
    model::{Assertion, Flow, Over, Predicate, Repeat, Retry, Text},
};

/// Attempts after the first one, both included.
pub(in crate::config) const COUNTS: Range<u64> = 1..100;

/// Waits, both included.
const DELAYS: Range<Duration> = Duration::ZERO..Duration::from_secs(600);

/// The wait before a second attempt unless told otherwise.
pub(in crate::config) const RETRY_DELAY: Duration = Duration::from_secs(1);

/// By how much a wait may be longer than the one before.
pub(in crate::config) const BACKOFFS: std::ops::RangeInclusive<f64> = 1.0..=10.0;

/// Rounds unless told otherwise, and the most that may be said.
pub(in crate::config) const ROUNDS: u64 = 20;
pub(in crate::config) const MOST_ROUNDS: u64 = 500;

/// What a step says of its flow, and the names in it that must be looked up.
#[derive(Default)]
pub(super) struct FlowDraft {
    pub(super) flow: Flow,
    /// Templates that know what earlier steps captured.
    pub(super) before: Vec<At<Text>>,
    /// Templates that know what this step captured as well.
    pub(super) after: Vec<At<Text>>,
    /// The variable that `when` asks for.
    pub(super) asked: Option<At<String>>,
    /// The variable that holds the element of a round.
    pub(super) element: Option<At<String>>,
}

/// Lowers the keys of a step.
pub(super) fn lower(step: &Reader<'_>) -> FlowDraft {
    let mut draft = FlowDraft::default();
    draft.flow.when = when(step, &mut draft);
    draft.flow.repeat = repeat(step, &mut draft);
    draft.flow.retry = retry(step, &mut draft);
    draft.flow.delay = step.duration("delay", DELAYS).map_or(Duration::ZERO, |delay| delay.value);
    draft.flow.optional = step.boolean("optional").is_some_and(|optional| optional.value);
    draft.flow.always = step.boolean("always").is_some_and(|always| always.value);
    draft
}

/// `when = { query = { variable = "plan" }, equals = "pro" }`.
fn when(step: &Reader<'_>, draft: &mut FlowDraft) -> Option<Assertion> {
    let entry = step.take("when")?;
    let table = entry.table(step.below("when"))?;
    let condition = predicate::assertion(&table, &mut draft.before);
    let query = table.take("query").filter(|query| query.value.is_table())?;
    // Looked at again only for the name in it: what is wrong with it was noted above.
    let name = query.table("query")?.take("variable");
    let Some(name) = name else {
        let note = Note::new(query.span.clone(), "`when` asks of a step that was not walked yet");
        let note = note.label("no answer to look at");
        return query.refuse(
            note.help(
                "ask for a variable or an earlier capture: `query = { variable = \"name\" }`",
            ),
        );
    };
    if name.value.is_str() {
        draft.asked = name.text();
    }
    condition
}

/// `repeat = { over = "{{ids}}", as = "id", most = 20 }`.
fn repeat(step: &Reader<'_>, draft: &mut FlowDraft) -> Option<Repeat> {
    let table = step.table("repeat")?;
    table.require("over", "over = \"{{ids}}\"");
    table.require("as", "as = \"id\"");
    let over = table.take("over").and_then(|entry| {
        if entry.value.is_array() {
            let items = entry.elements("a list of texts")?;
            if items.is_empty() {
                let note = entry.fault("`over` is empty: the step would never be walked");
                return entry.refuse(note.label("nothing in it"));
            }
            let texts: Vec<At<Text>> = items.iter().filter_map(|item| item.template()).collect();
            draft.before.extend(texts.clone());
            return Some(Over::List(texts.into_iter().map(|text| text.value).collect()));
        }
        if !entry.value.is_str() {
            return entry.wrong_type("a list, or a template that gives one: \"{{ids}}\"");
        }
        let text = entry.text()?;
        if !text.value.contains("{{") {
            let note = entry.fault("`over` is no list").label("not a list and not a template");
            return entry.refuse(
                note.help("write `[\"a\", \"b\"]`, or `\"{{ids}}\"` where `ids` was captured"),
            );
        }
        let text = At { value: Text(text.value), span: text.span };
        draft.before.push(text.clone());
        Some(Over::Json(text.value))
    });
    let name = table.take("as").and_then(|entry| {
        let name = entry.name(NameOf::Variable)?;
        if crate::config::BUILT_INS.contains(&name.value.as_str()) {
            let note = entry.fault(format!("`{}` cannot be the name of a variable", name.value));
            return entry
                .refuse(note.label("taken").help("every run has a variable of this name already"));
        }
        Some(name)
    });
    draft.element = name.clone();
    let most = table.count("most", 1..MOST_ROUNDS).map_or(ROUNDS, |most| most.value);
    table.finish();
    Some(Repeat { over: over?, name: name?.value, most: u32::try_from(most).unwrap_or(1) })
}

/// `retry = { count = 5, delay = "1s", backoff = 2.0, until = { … } }`.
fn retry(step: &Reader<'_>, draft: &mut FlowDraft) -> Option<Retry> {
    let table = step.table("retry")?;
    table.require("count", "count = 5");
    let count = table.count("count", COUNTS);
    let delay = table.duration("delay", DELAYS).map_or(RETRY_DELAY, |delay| delay.value);
    let backoff = table.number("backoff").map_or(1.0, |backoff| {
        if !BACKOFFS.contains(&backoff.value) {
            let note = Note::new(backoff.span, "`backoff` must be from 1 to 10");
            table.note(note.label("out of bounds").help("2 doubles the wait each time"));
        }
        backoff.value
    });
    let until =
        table.table("until").and_then(|until| predicate::assertion(&until, &mut draft.after));
    table.finish();
    let count = count?.value;
    Some(Retry { count: u32::try_from(count).unwrap_or(1), delay, backoff, until })
}

/// Whether a condition can only hold where the variable it asks for has a value.
pub(super) fn affirms(condition: &Assertion) -> bool {
    !condition.predicates.is_empty()
        && condition.predicates.iter().all(|predicate| {
            !matches!(
                predicate,
                Predicate::Exists(false) | Predicate::IsEmpty(true) | Predicate::Not(_)
            )
        })
}
