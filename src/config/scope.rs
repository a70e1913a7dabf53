//! Which names a template may use where.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    expressions, hint,
    page::{Note, Page},
    value::At,
};
use crate::model::{Assertion, Flow, Over, Text};

/// Names that an engine fills in for every run: the journey's, the environment's and the location's name, and the run's id.
pub const BUILT_INS: &[&str] = &["environment", "journey", "location", "run_id"];

/// The names that `wayfarer.toml` defines for one environment.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) vars: BTreeSet<String>,
    pub(super) secrets: BTreeSet<String>,
}

/// All environments, by name.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) by_name: BTreeMap<String, Place>,
    /// Whether there may be more: the settings file is damaged.
    pub(super) incomplete: bool,
}

/// A capture that may not have been made, and what must be known to use it all the same.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    /// Why it may not be there: `step "pay" is optional`.
    why: String,
    /// The condition under which it is there, if that is all there is to it.
    when: Option<Assertion>,
}

impl Doubt {
    /// A step may be left out, or may fail without an end.
    pub(super) fn of(step: &str, flow: &Flow) -> Option<Self> {
        let why = |what: &str| format!("step `{step}` {what}");
        let dynamic = flow.repeat.as_ref().is_some_and(|r| matches!(r.over, Over::Json(_)));
        if flow.optional {
            return Some(Self { why: why("is optional"), when: None });
        }
        if dynamic {
            return Some(Self { why: why("may be repeated over nothing"), when: None });
        }
        let when = flow.when.clone()?;
        Some(Self { why: why("is walked only when its condition holds"), when: Some(when) })
    }

    /// The same seen from outside of a part.
    pub(super) fn in_part(&self, part: &str) -> Self {
        Self { why: format!("in part `{part}`, {}", self.why), when: None }
    }
}

/// What is known while a step is looked at.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Its own condition.
    pub(super) when: Option<Assertion>,
    /// The variable that must have a value for it to be walked.
    pub(super) has: Option<String>,
    /// It is left out where a capture is missing.
    pub(super) lenient: bool,
}

/// What a journey may use, step by step.
pub(super) struct Scope<'a> {
    pub(super) page: &'a Page<'a>,
    pub(super) places: &'a Places,
    /// The environments it runs in, as far as they exist.
    pub(super) environments: Vec<String>,
    pub(super) vars: BTreeSet<String>,
    /// What the steps so far captured, and in which step.
    pub(super) captured: BTreeMap<String, String>,
    /// What any step captures, and in which step first.
    pub(super) ever_captured: BTreeMap<String, String>,
    /// Which of these may not have been made.
    pub(super) doubts: BTreeMap<String, Doubt>,
    /// What is known in the step being looked at.
    pub(super) guard: Guard,
    /// Whether it is a part.
    pub(super) part: bool,
}

impl<'a> Scope<'a> {
    /// Nothing but the built-in names.
    pub(super) fn new(page: &'a Page<'a>, places: &'a Places) -> Self {
        Self {
            page,
            places,
            environments: Vec::new(),
            vars: BTreeSet::new(),
            captured: BTreeMap::new(),
            ever_captured: BTreeMap::new(),
            doubts: BTreeMap::new(),
            guard: Guard::default(),
            part: false,
        }
    }

    /// Notes what is wrong with a template: that it does not compile, or each name it cannot have.
    pub(super) fn check(&self, text: &At<Text>, step: &str) {
        if text.value.is_plain() {
            return;
        }
        match expressions::names_of(&text.value) {
            Err(fault) => {
                let span =
                    fault.offset.map_or_else(|| text.span.clone(), |at| self.byte_of(text, at));
                let note = Note::new(span, format!("not a template: {}", fault.message));
                self.page.note(note.help(expressions::template_advice(&text.value)));
            }
            Ok(names) => {
                for name in &names.all {
                    self.check_name(name, text, step);
                    if names.needed.contains(name) {
                        self.check_doubt(name, text);
                    }
                }
            }
        }
    }

    fn check_name(&self, name: &str, text: &At<Text>, step: &str) {
        if BUILT_INS.contains(&name) || self.vars.contains(name) || self.captured.contains_key(name)
        {
            return;
        }
        let lacking = self.lacking(name);
        let captured_later = self.ever_captured.contains_key(name);
        let untold = self.environments.is_empty() || self.places.incomplete;
        if lacking.is_empty() && !(captured_later && untold) {
            return;
        }
        let span = self.span_of(text, name);
        self.page.note(self.undefined(span, name, step, &lacking).derived());
    }

    /// Notes that a capture may not have been made, unless the step is only walked where it was.
    fn check_doubt(&self, name: &str, text: &At<Text>) {
        let Some(doubt) = self.doubts.get(name) else { return };
        let same = doubt.when.is_some() && doubt.when == self.guard.when;
        if same || self.guard.lenient || self.guard.has.as_deref() == Some(name) {
            return;
        }
        let note = Note::new(self.span_of(text, name), format!("`{name}` may have no value here"));
        let help = match doubt.when {
            Some(_) => {
                format!("give this step the same `when`, or write `{{{{default {name} '…'}}}}`")
            }
            None => format!(
                "add `when = {{ query = {{ variable = \"{name}\" }}, exists = true }}` to this step, or write `{{{{default {name} '…'}}}}`"
            ),
        };
        self.page.note(note.label(doubt.why.clone()).help(help).derived());
    }

    /// The environments that lack a name; none where all have it, or where that cannot be told.
    fn lacking(&self, name: &str) -> Vec<&str> {
        let has = |place: &Place| place.vars.contains(name) || place.secrets.contains(name);
        if self.places.incomplete {
            return Vec::new();
        }
        if self.environments.is_empty() {
            // Nobody knows where it runs: it is enough that some environment has the name.
            let everywhere = self.places.by_name.iter();
            let some = self.places.by_name.values().any(has);
            return everywhere.filter(|_| !some).map(|(name, _)| name.as_str()).collect();
        }
        let lacks =
            |environment: &&String| self.places.by_name.get(*environment).is_some_and(|p| !has(p));
        self.environments.iter().filter(lacks).map(String::as_str).collect()
    }

    fn undefined(&self, span: Range<usize>, name: &str, step: &str, lacking: &[&str]) -> Note {
        if let Some(later) = self.ever_captured.get(name) {
            let note = Note::new(span, format!("`{name}` is used before it is captured"))
                .label("not known yet");
            return if later == step {
                note.help(
                    "what a step captures can be used in its assertions and from the next step on",
                )
            } else {
                note.help(format!("step `{later}` captures it, which comes later"))
            };
        }
        if !lacking.is_empty() && lacking.len() < self.environments.len() {
            let places = lacking.iter().map(|e| format!("`{e}`")).collect::<Vec<_>>().join(", ");
            return Note::new(span, format!("`{name}` is not defined in environment {places}"))
                .label("not defined everywhere")
                .help("the journey runs there too: define it in its `vars` or `secrets`");
        }
        let known: BTreeSet<&str> = self.known().collect();
        let otherwise = if self.part {
            "a part sees its `inputs`, the environment and what it captured itself: make it one of `inputs`"
        } else {
            "define it in `vars` or `secrets` of the environment, in `vars` of the journey, or capture it in an earlier step"
        };
        let help = hint::nearest(name, known.iter().copied())
            .map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"));
        Note::new(span, format!("`{name}` is not defined")).label("nobody defines this").help(help)
    }

    /// Every name that could be meant.
    fn known(&self) -> impl Iterator<Item = &str> {
        let places = self.environments.iter().filter_map(|e| self.places.by_name.get(e));
        places
            .flat_map(|place| place.vars.iter().chain(&place.secrets))
            .chain(&self.vars)
            .chain(self.captured.keys())
            .map(String::as_str)
            .chain(BUILT_INS.iter().copied())
    }

    /// Where a name stands inside a template, or the whole text where that cannot be told.
    fn span_of(&self, text: &At<Text>, name: &str) -> Range<usize> {
        let raw = self.page.text.get(text.span.clone()).unwrap_or_default();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let mut from = 0;
        while let Some(open) = raw[from..].find("{{").map(|at| from + at) {
            let close = raw[open..].find("}}").map_or(raw.len(), |at| open + at);
            for (at, _) in raw[open..close].match_indices(name) {
                let (begin, end) = (open + at, open + at + name.len());
                let bounded = !raw[..begin].ends_with(word) && !raw[end..].starts_with(word);
                if bounded {
                    return text.span.start + begin..text.span.start + end;
                }
            }
            from = close;
        }
        text.span.clone()
    }

    /// The place of a byte of the text in the file; the whole text where escapes stand between them.
    fn byte_of(&self, text: &At<Text>, offset: usize) -> Range<usize> {
        let raw = self.page.text.get(text.span.clone()).unwrap_or_default();
        match raw.find(text.value.0.as_str()) {
            Some(begin) if offset <= text.value.0.len() => {
                let at = text.span.start + begin + offset;
                at..at
            }
            _ => text.span.clone(),
        }
    }
}
