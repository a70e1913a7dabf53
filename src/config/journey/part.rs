//! Parts: steps in files of their own, `journeys/parts/NAME.toml`, walked where a step says `use`.
//!
//! A part is lowered once, whoever uses it, so that its faults are told once. Its templates see its inputs, what it captured before, and the
//! environment: the environments of everybody who uses it, directly or through other parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use toml::de::{DeTable, DeValue};

use super::{TIMEOUTS, steps};
use crate::{
    config::{
        BUILT_INS, hint,
        names::NameOf,
        page::{Note, Page},
        reader::Reader,
        scope::{Doubt, Places, Scope},
        value::{At, Entry},
    },
    model::{Step, Text},
};

/// The folder of the parts, below that of the journeys.
pub(in crate::config) const FOLDER: &str = "parts";

/// How long a shared session may be said to last.
const SESSIONS: std::ops::Range<Duration> =
    Duration::from_millis(1)..Duration::from_secs(366 * 86_400);

/// A part as those see it who use it.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct Part {
    pub(super) steps: Vec<Step>,
    pub(super) inputs: Vec<String>,
    /// What the user gets; some perhaps not.
    pub(super) outputs: Vec<(String, Option<Doubt>)>,
    pub(super) expires_after: Option<Duration>,
}

/// All parts there are.
#[derive(Debug, Default)]
pub(in crate::config) struct Parts {
    by_name: BTreeMap<String, Part>,
}

/// A file while it is read.
pub(in crate::config) type Opened<'a> = (Page<'a>, DeTable<'a>);

/// Whether a file is a part, by where it lies.
pub(in crate::config) fn is_part(path: &str) -> bool {
    Path::new(path).parent().and_then(Path::file_name).is_some_and(|folder| folder == FOLDER)
}

/// The name of a part: that of its file.
fn name_of(path: &str) -> String {
    Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

impl Parts {
    /// Lowers all parts, those first that others use. `journeys` say where each is used.
    pub(in crate::config) fn lower(
        files: &[Opened<'_>],
        journeys: &[Opened<'_>],
        places: &Places,
    ) -> Self {
        let named: BTreeMap<String, &Opened<'_>> =
            files.iter().map(|file| (name_of(file.0.path), file)).collect();
        let mut walk = Walk {
            environments: environments(&named, journeys),
            named,
            places,
            path: Vec::new(),
            done: BTreeSet::new(),
            parts: Self::default(),
        };
        let names: Vec<String> = walk.named.keys().cloned().collect();
        names.iter().for_each(|name| walk.visit(name));
        walk.parts
    }

    /// The part that a text names.
    pub(super) fn find(&self, entry: &Entry<'_>) -> Option<(At<String>, &Part)> {
        let name = entry.name(NameOf::Thing)?;
        if let Some(part) = self.by_name.get(&name.value) {
            return Some((name, part));
        }
        let advice = hint::nearest(&name.value, self.by_name.keys().map(String::as_str))
            .map_or_else(
                || format!("create journeys/{FOLDER}/{}.toml with its steps", name.value),
                |near| format!("did you mean `{near}`?"),
            );
        let note = entry.fault(format!("there is no part `{}`", name.value));
        entry.refuse(note.label("no file of this name").help(advice))
    }
}

/// Where each part is walked: the environments of all journeys that come to it.
fn environments(
    named: &BTreeMap<String, &Opened<'_>>,
    journeys: &[Opened<'_>],
) -> BTreeMap<String, BTreeSet<String>> {
    let mut reached: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, table) in journeys {
        let here = texts(table.get("environments").map(|value| value.get_ref()));
        let mut next: Vec<String> = uses(table).into_iter().map(|at| at.value).collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = next.pop() {
            if seen.insert(name.clone()) {
                let inner = named.get(&name).map(|(_, table)| uses(table)).unwrap_or_default();
                next.extend(inner.into_iter().map(|at| at.value));
                reached.entry(name).or_default().extend(here.clone());
            }
        }
    }
    reached
}

/// The parts that a file uses, and where it says so: `use` of its steps, and `setup`.
fn uses(table: &DeTable<'_>) -> Vec<At<String>> {
    let mut found = Vec::new();
    let mut text = |value: Option<&toml::Spanned<DeValue<'_>>>| {
        if let Some(value) = value
            && let DeValue::String(name) = value.get_ref()
        {
            found.push(At { value: name.to_string(), span: value.span() });
        }
    };
    let setup = table.get("setup");
    text(setup);
    if let Some(DeValue::Table(setup)) = setup.map(|setup| setup.get_ref()) {
        text(setup.get("use"));
    }
    if let Some(DeValue::Array(steps)) = table.get("step").map(|steps| steps.get_ref()) {
        for step in steps.iter() {
            if let DeValue::Table(step) = step.get_ref() {
                text(step.get("use"));
            }
        }
    }
    found
}

fn texts(value: Option<&DeValue<'_>>) -> BTreeSet<String> {
    let Some(DeValue::Array(items)) = value else { return BTreeSet::new() };
    let text = |item: &toml::Spanned<DeValue<'_>>| match item.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// The walk over the parts, depth first.
struct Walk<'a> {
    named: BTreeMap<String, &'a Opened<'a>>,
    environments: BTreeMap<String, BTreeSet<String>>,
    places: &'a Places,
    /// How it came to the part it is at.
    path: Vec<String>,
    done: BTreeSet<String>,
    parts: Parts,
}

impl Walk<'_> {
    fn visit(&mut self, name: &str) {
        let Some(file) = self.named.get(name).copied() else { return };
        if !self.done.insert(name.to_owned()) {
            return;
        }
        self.path.push(name.to_owned());
        for used in uses(&file.1) {
            if let Some(from) = self.path.iter().position(|known| *known == used.value) {
                let circle =
                    [&self.path[from..], std::slice::from_ref(&used.value)].concat().join(" -> ");
                let message = format!("parts use each other in a circle: {circle}");
                file.0.note(
                    Note::new(used.span, message)
                        .label("closes the circle")
                        .help("put what they share into a part of its own"),
                );
                // Known by its name alone: whoever uses it is not told that it does not exist.
                let outputs = texts(file.1.get("outputs").map(|value| value.get_ref()));
                let outputs = outputs.into_iter().map(|name| (name, None)).collect();
                let inputs = texts(file.1.get("inputs").map(|value| value.get_ref()));
                let part =
                    Part { outputs, inputs: inputs.into_iter().collect(), ..Part::default() };
                self.parts.by_name.entry(used.value).or_insert(part);
            } else {
                self.visit(&used.value);
            }
        }
        self.path.pop();
        let environments = self.environments.remove(name).unwrap_or_default();
        let known = |name: &String| self.places.by_name.contains_key(name);
        let environments = environments.into_iter().filter(known).collect();
        let top = Reader::top(&file.0, &file.1);
        let part = lower(&top, environments, self.places, &self.parts);
        self.parts.by_name.insert(name.to_owned(), part);
    }
}

/// Lowers one file.
fn lower(top: &Reader<'_>, environments: Vec<String>, places: &Places, parts: &Parts) -> Part {
    top.text("description");
    let inputs = names(top, "inputs");
    let outputs = names(top, "outputs");
    let expires_after = top.duration("expires_after", SESSIONS).map(|after| after.value);
    let scope = Scope {
        page: top.page,
        places,
        environments,
        vars: inputs.iter().map(|input| input.value.clone()).collect(),
        part: true,
        ..Scope::new(top.page, places)
    };
    let (steps, scope) = steps::lower(top, TIMEOUTS.end, scope, parts);
    let mut given = Vec::new();
    for output in outputs {
        if scope.captured.contains_key(&output.value) {
            let doubt = scope.doubts.get(&output.value).cloned();
            given.push((output.value, doubt));
        } else {
            let message = format!("no step captures `{}`", output.value);
            let note = Note::new(output.span, message).label("nothing to give");
            let near = hint::nearest(&output.value, scope.captured.keys().map(String::as_str));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            top.note(note.maybe_help(help).derived());
            given.push((output.value, None));
        }
    }
    top.finish();
    let inputs = inputs.into_iter().map(|input| input.value).collect();
    Part { steps, inputs, outputs: given, expires_after }
}

/// A list of names that templates can use.
fn names(top: &Reader<'_>, key: &'static str) -> Vec<At<String>> {
    let names = top.names(key, NameOf::Variable).unwrap_or_default();
    for name in names.iter().filter(|name| BUILT_INS.contains(&name.value.as_str())) {
        let message = format!("`{}` cannot be the name of a variable", name.value);
        let note = Note::new(name.span.clone(), message).label("taken");
        top.note(note.help("every run has a variable of this name already"));
    }
    names
}

/// `with`: the inputs of a part, all of them and no others. `bare`: the part is said as `setup = "login"`.
pub(super) fn with(
    table: Option<&Reader<'_>>,
    (place, bare): (&At<String>, bool),
    part: &Part,
    templates: &mut Vec<At<Text>>,
    page: &Page<'_>,
) -> Vec<(String, Text)> {
    let mut given = Vec::new();
    for entry in table.map(|table| table.entries()).unwrap_or_default() {
        if !part.inputs.iter().any(|input| input == entry.key) {
            let message =
                format!("part `{}` has no input `{}`", place.value, entry.key.escape_debug());
            let note = Note::new(entry.key_span.clone(), message).label("not an input");
            let advice = hint::advice(entry.key, part.inputs.iter().map(String::as_str))
                .unwrap_or_else(|| "it has no `inputs`".to_owned());
            page.note(note.help(advice));
            continue;
        }
        if let Some(text) = entry.template() {
            templates.push(text.clone());
            given.push((entry.key.to_owned(), text.value));
        }
    }
    let named = |input: &&String| table.is_none_or(|table| !table.has(input));
    let missing: Vec<&String> = part.inputs.iter().filter(named).collect();
    if !missing.is_empty() {
        let list = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let example: Vec<String> =
            missing.iter().map(|name| format!("{name} = \"{{{{{name}}}}}\"")).collect();
        let note = Note::new(place.span.clone(), format!("part `{}` needs {list}", place.value));
        let with = format!("with = {{ {} }}", example.join(", "));
        let help = if table.is_none() && bare {
            format!("write `setup = {{ use = \"{}\", {with} }}`", place.value)
        } else {
            format!("add `{with}`")
        };
        page.note(note.label("not given").help(help).derived());
    }
    given
}

/// The steps of a part under the names they have where it is used: `login: open page`.
pub(super) fn renamed(steps: &[Step], label: &str) -> Vec<Step> {
    let rename = |step: &Step| {
        let mut step = step.clone();
        rename_within(&mut step, label);
        step
    };
    steps.iter().map(rename).collect()
}

fn rename_within(step: &mut Step, label: &str) {
    step.name = format!("{label}: {}", step.name).into();
    if let crate::model::Action::Part(part) = &mut step.action {
        part.steps.iter_mut().for_each(|inner| rename_within(inner, label));
    }
}
