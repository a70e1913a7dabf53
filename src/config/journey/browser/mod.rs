//! `[step.browser]`: what a visitor does, action by action; and `[browser]` of a journey, as what the browser appears.
//!
//! An action is an inline table with one word of [`action::WORDS`]: a new one is a function and a line there.

mod action;
mod device;
mod key;
mod locator;
mod role;
pub(in crate::config) mod schema;
mod wait;

use std::{ops::Range, time::Duration};

use super::http;
use crate::{
    config::{
        page::Note,
        reader::Reader,
        units,
        value::{At, Entry},
    },
    model::{BrowserAction, BrowserStep, Text},
};

pub(super) use device::{Said, lower as device};
pub(super) use locator::alone as locator;

/// How long an action waits for its element unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long it may be told to wait, both included.
const PATIENCES: Range<Duration> = Duration::from_millis(1)..Duration::from_secs(600);

/// What every action may need while it is read.
struct Words<'w> {
    /// How long the step may take.
    timeout: Duration,
    /// The templates met so far, for their names to be looked up.
    templates: &'w mut Vec<At<Text>>,
}

impl Words<'_> {
    /// Keeps a template and gives its text.
    fn keep(&mut self, text: At<Text>) -> Text {
        self.templates.push(text.clone());
        text.value
    }

    /// A template with something in it.
    fn text(&mut self, entry: &Entry<'_>) -> Option<Text> {
        let text = entry.text()?;
        Some(self.keep(At { value: Text(text.value), span: text.span }))
    }

    /// A template that may be empty, or a number or truth value written as one.
    fn scalar(&mut self, entry: &Entry<'_>) -> Option<Text> {
        entry.template().map(|text| self.keep(text))
    }

    /// A time within the step's own.
    fn within(&self, entry: &Entry<'_>, limits: Range<Duration>) -> Option<Duration> {
        let time = entry.duration(limits)?.value;
        if time <= self.timeout {
            return Some(time);
        }
        let timeout = units::spell(self.timeout);
        let note = entry.fault(format!("`{}` is longer than the step may take", entry.key));
        entry.refuse(
            note.label("would never be reached")
                .help(format!("the deadline here is {timeout}: raise `timeout` or lower this")),
        )
    }
}

/// Lowers the table of a step that may take `timeout`; `looks` says that something of the page is captured or asserted.
pub(super) fn lower(
    table: &Reader<'_>,
    timeout: Duration,
    looks: bool,
    templates: &mut Vec<At<Text>>,
) -> Option<BrowserStep> {
    let mut words = Words { timeout, templates };
    let patience = table
        .take("patience")
        .map(|entry| words.within(&entry, PATIENCES))
        .unwrap_or(Some(PATIENCE));
    let mut actions: Vec<Option<BrowserAction>> = Vec::new();
    if let Some(entry) = table.take("open") {
        let url = http::url(&entry);
        actions.push(url.map(|url| BrowserAction::Open(words.keep(url))));
    }
    if let Some(entry) = table.take("do") {
        let wanted = "a list of actions such as { click = { text = \"Buy\" } }";
        let items = entry.elements(wanted).unwrap_or_else(|| {
            actions.push(None);
            Vec::new()
        });
        actions.extend(items.iter().map(|item| action::lower(item, &mut words)));
    }
    table.finish();
    if actions.is_empty() && !looks && table.holds_only(&["open", "do", "patience"]) {
        let note = table.fault("the step does nothing").label("no `open`, no `do`");
        let help = "add `open = \"{{base_url}}/\"`, or `do = [ { click = { text = \"Buy\" } } ]`";
        table.note(note.help(help).derived());
        return None;
    }
    let actions = actions.into_iter().collect::<Option<Vec<_>>>()?;
    Some(BrowserStep { actions, patience: patience? })
}

/// Notes that the first browser step of a journey opens no page.
pub(super) fn opens(browser: &BrowserStep, span: &Range<usize>, top: &Reader<'_>) {
    let before = |action: &&BrowserAction| matches!(action, BrowserAction::Wait(_));
    if let Some(BrowserAction::Open(_)) = browser.actions.iter().find(|action| !before(action)) {
        return;
    }
    let note = Note::new(span.clone(), "the first browser step of the journey opens no page");
    top.note(
        note.label("begins with an empty window")
            .help("add `open = \"{{base_url}}/\"` to its `[step.browser]`"),
    );
}

#[cfg(test)]
mod tests;
