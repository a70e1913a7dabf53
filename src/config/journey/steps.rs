//! `[[step]]`: what is done, kept and asserted, in order.

use std::time::Duration;

use super::{
    TIMEOUTS, expect,
    flow::{self, FlowDraft},
    http, measure,
    part::{self, Parts},
    predicate, query,
};
use crate::{
    config::{
        names::NameOf,
        page::Note,
        reader::Reader,
        scope::{Doubt, Guard, Scope},
        units,
        value::At,
    },
    model::{Action, Assertion, PartUse, Step, Text},
};

/// A step and the templates in it, before their names are looked up.
struct Draft {
    name: String,
    step: Option<Step>,
    /// What is captured, and what is not sure of it for another reason than the step's own flow.
    captures: Vec<(At<String>, Option<Doubt>)>,
    flow: FlowDraft,
    /// Templates of what is sent, which know what earlier steps captured.
    sent: Vec<At<Text>>,
    /// Templates of what is asserted, which know what this step captured as well.
    asserted: Vec<At<Text>>,
}

/// Lowers all steps; the scope grows by what each captures and is handed back.
pub(super) fn lower<'a>(
    top: &Reader<'_>,
    timeout: Duration,
    mut scope: Scope<'a>,
    parts: &Parts,
) -> (Vec<Step>, Scope<'a>) {
    let whose = if scope.part { "a part" } else { "a journey" };
    if !top.has("step") {
        let note = top
            .fault(format!("{whose} needs at least one step"))
            .label("no `[[step]]` in this file");
        top.note(
            note.help("add `[[step]]` with a `name` and `[step.http]` with a `url`").derived(),
        );
    }
    let readers = top.tables("step");
    let none =
        top.take("step").filter(|steps| steps.value.as_array().is_some_and(|s| s.is_empty()));
    if let Some(entry) = none {
        let note = entry.fault(format!("{whose} needs at least one step"));
        top.note(note.label("no step in it"));
    }
    let mut drafts: Vec<Draft> = Vec::new();
    for reader in readers {
        let before: Vec<&str> = drafts.iter().map(|draft| draft.name.as_str()).collect();
        let draft = step(&reader, &before, timeout, parts);
        drafts.push(draft);
    }
    for draft in &drafts {
        for (capture, _) in &draft.captures {
            scope.ever_captured.entry(capture.value.clone()).or_insert_with(|| draft.name.clone());
        }
    }
    for draft in &drafts {
        look_up(draft, &mut scope);
    }
    scope.guard = Guard::default();
    (drafts.into_iter().filter_map(|draft| draft.step).collect(), scope)
}

/// Looks up every name that a step uses, and enters those it captures.
fn look_up(draft: &Draft, scope: &mut Scope<'_>) {
    let step = draft.name.as_str();
    let flow = &draft.flow.flow;
    // A condition and a list are looked at before anything is known of the step.
    scope.guard = Guard { lenient: flow.always, ..Guard::default() };
    draft.flow.before.iter().for_each(|template| scope.check(template, step));
    let affirmed = flow.when.as_ref().is_some_and(flow::affirms);
    scope.guard.when.clone_from(&flow.when);
    scope.guard.has = draft.flow.asked.as_ref().filter(|_| affirmed).map(|at| at.value.clone());
    let element = draft.flow.element.as_ref().filter(|element| claim(element, step, scope));
    draft.sent.iter().for_each(|template| scope.check(template, step));
    let mut doubts = Vec::new();
    for (capture, doubt) in &draft.captures {
        if claim(capture, step, scope) {
            let doubt = doubt.clone().or_else(|| Doubt::of(step, flow));
            doubts.extend(doubt.map(|doubt| (capture.value.clone(), doubt)));
        }
    }
    let after = draft.asserted.iter().chain(&draft.flow.after);
    after.for_each(|template| scope.check(template, step));
    scope.doubts.extend(doubts);
    if let Some(element) = element {
        scope.captured.remove(&element.value);
    }
}

/// Enters a capture's name, unless it means something else already.
pub(super) fn claim(capture: &At<String>, step: &str, scope: &mut Scope<'_>) -> bool {
    let name = &capture.value;
    let places = || scope.environments.iter().filter_map(|e| scope.places.by_name.get_key_value(e));
    let taken = if let Some(other) = scope.captured.get(name) {
        Some((
            format!("two captures are called `{name}`"),
            if other.starts_with("setup ") {
                format!("{other} gives it already")
            } else {
                format!("step `{other}` has captured it already")
            },
        ))
    } else if scope.vars.contains(name) {
        Some((
            format!("`{name}` is both captured and a variable"),
            if scope.part {
                "it is one of the part's `inputs`".to_owned()
            } else {
                "it stands in `vars` or `matrix` of the journey".to_owned()
            },
        ))
    } else if let Some((place, _)) = places().find(|(_, place)| place.vars.contains(name)) {
        Some((
            format!("`{name}` is both captured and a variable"),
            format!("it is a variable of environment `{place}`"),
        ))
    } else if let Some((place, _)) = places().find(|(_, place)| place.secrets.contains(name)) {
        Some((
            format!("`{name}` is both captured and a secret"),
            format!("it is a secret of environment `{place}`"),
        ))
    } else {
        None
    };
    match taken {
        Some((message, why)) => {
            scope.page.note(Note::new(capture.span.clone(), message).label("taken").help(why));
            false
        }
        None => {
            scope.captured.insert(name.clone(), step.to_owned());
            true
        }
    }
}

fn step(reader: &Reader<'_>, before: &[&str], journey_timeout: Duration, parts: &Parts) -> Draft {
    let uses = reader.take("use");
    if uses.is_none() {
        reader.require("name", "name = \"open login page\"");
    }
    let name = reader.name("name", NameOf::Step);
    if let Some(uses) = uses {
        return part_step(reader, (name, uses), before, (journey_timeout, parts));
    }
    if let Some(name) = &name {
        unique(name, before, reader, "figures of steps are told apart by their names");
    }
    let service = reader.name("service", NameOf::Service).map(|service| service.value.into());
    let timeout = timeout(reader, journey_timeout);
    let effect = reader.boolean("effect").is_some_and(|effect| effect.value);
    let flow = flow_of(reader, journey_timeout);
    let mut sent = Vec::new();
    let mut asserted = Vec::new();
    let mut captures = Vec::new();
    let mut names = Vec::new();
    for entry in reader.table("capture").map(|table| table.entries()).unwrap_or_default() {
        let Some(capture) = query::capture(&entry, &mut asserted) else { continue };
        names.push(At { value: capture.name.clone(), span: entry.key_span.clone() });
        captures.push(capture);
    }
    let mut assertions = expect::lower(reader, &mut asserted);
    for table in reader.tables("assert") {
        assertions.extend(predicate::assertion(&table, &mut asserted));
    }
    let measures = measure::lower(reader, &mut asserted);
    if !reader.has("http") {
        let note = reader.fault("the step does nothing").label("no `[step.http]` in it");
        reader.note(note.help("add `[step.http]` with a `url`, or `use` a part").derived());
    }
    let action = reader
        .table("http")
        .and_then(|table| http::lower(&table, expects_redirect(&assertions), &mut sent));
    reader.finish();
    let name = name.map_or(String::new(), |name| name.value);
    let step = action.map(|action| Step {
        name: name.as_str().into(),
        service,
        timeout,
        effect,
        action: Action::Http(action),
        captures,
        assertions,
        measures,
        flow: flow.flow.clone(),
    });
    let captures = names.into_iter().map(|name| (name, None)).collect();
    Draft { name, step, captures, flow, sent, asserted }
}

/// Notes that a name stands twice.
fn unique(name: &At<String>, before: &[&str], reader: &Reader<'_>, help: &str) {
    if before.contains(&name.value.as_str()) {
        let note = Note::new(name.span.clone(), format!("two steps are called `{}`", name.value));
        reader.note(note.label("again").help(help));
    }
}

fn flow_of(reader: &Reader<'_>, journey_timeout: Duration) -> FlowDraft {
    let draft = flow::lower(reader);
    if draft.flow.delay >= journey_timeout
        && let Some(delay) = reader.take("delay")
    {
        let note = delay.fault("the step would wait as long as the whole journey may take");
        reader.note(note.label("would never be walked").help(format!(
            "the journey's `timeout` is {}: raise that or lower this",
            units::spell(journey_timeout)
        )));
    }
    draft
}

/// Keys that say what is done, which the part does, and what to do about them.
pub(in crate::config) const OF_AN_EXCHANGE: [(&str, &str); 7] = [
    ("http", "a step either uses a part or sends a request"),
    ("capture", "name it in `outputs` of the part"),
    ("expect", "assert it in the part"),
    ("assert", "assert it in the part"),
    ("measure", "measure it in the part"),
    ("effect", "say it of the step in the part that has it"),
    ("retry", "say it of the step in the part that may be tried again"),
];

/// A step that uses a part.
fn part_step(
    reader: &Reader<'_>,
    (name, uses): (Option<At<String>>, crate::config::value::Entry<'_>),
    before: &[&str],
    (journey_timeout, parts): (Duration, &Parts),
) -> Draft {
    for (key, help) in OF_AN_EXCHANGE {
        if let Some(entry) = reader.take(key) {
            let note = Note::new(entry.key_span, format!("`{key}` does not go with `use`"));
            reader.note(note.label("belongs to the steps of the part").help(help));
        }
    }
    let service: Option<crate::model::ServiceName> =
        reader.name("service", NameOf::Service).map(|service| service.value.into());
    let timeout = timeout(reader, journey_timeout);
    let mut flow = flow_of(reader, journey_timeout);
    flow.flow.retry = None;
    let with = reader.table("with");
    reader.finish();
    let mut sent = Vec::new();
    let found = parts.find(&uses);
    let label = name.or_else(|| found.as_ref().map(|(part, _)| part.clone()));
    if let Some(label) = &label {
        unique(label, before, reader, "give each use of a part a `name` of its own");
    }
    let label = label.map_or(String::new(), |label| label.value);
    let mut captures = Vec::new();
    let action = found.map(|(name, part)| {
        let with = part::with(with.as_ref(), (&name, false), part, &mut sent, reader.page);
        for (output, doubt) in &part.outputs {
            let doubt = doubt.as_ref().map(|doubt| doubt.in_part(&name.value));
            captures.push((At { value: output.clone(), span: uses.span.clone() }, doubt));
        }
        let mut steps = part::renamed(&part.steps, &label);
        steps.iter_mut().for_each(|step| served_by(step, service.as_ref()));
        let outputs = part.outputs.iter().map(|(name, _)| name.clone()).collect();
        Action::Part(PartUse { part: name.value, with, steps, outputs })
    });
    let step = action.map(|action| Step {
        name: label.as_str().into(),
        service: service.clone(),
        timeout,
        effect: false,
        action,
        captures: Vec::new(),
        assertions: Vec::new(),
        measures: Vec::new(),
        flow: flow.flow.clone(),
    });
    Draft { name: label, step, captures, flow, sent, asserted: Vec::new() }
}

/// Says whose the steps of a part are that do not say it themselves.
fn served_by(step: &mut Step, service: Option<&crate::model::ServiceName>) {
    step.service = step.service.take().or_else(|| service.cloned());
    if let Action::Part(part) = &mut step.action {
        part.steps.iter_mut().for_each(|inner| served_by(inner, service));
    }
}

fn timeout(reader: &Reader<'_>, journey: Duration) -> Option<Duration> {
    let timeout = reader.duration("timeout", TIMEOUTS)?;
    if timeout.value > journey {
        let note =
            Note::new(timeout.span.clone(), "the step may take longer than the whole journey");
        reader.note(note.label("would never be reached").help(format!(
            "the journey's `timeout` is {}: raise that or lower this",
            units::spell(journey)
        )));
    }
    Some(timeout.value)
}

/// Whether the status asserted is a redirect, which then must not be followed.
fn expects_redirect(assertions: &[Assertion]) -> bool {
    use crate::model::{Limit, Literal, Predicate as P};
    let redirect = |status: f64| (300.0..400.0).contains(&status);
    let literal =
        |literal: &Literal| matches!(literal, Literal::Number(status) if redirect(*status));
    assertions.iter().filter(|assertion| crate::check::is_status(&assertion.query)).any(
        |assertion| {
            assertion.predicates.iter().any(|predicate| match predicate {
                P::Equals(status) => literal(status),
                P::OneOf(all) => all.iter().any(literal),
                P::AtLeast(Limit::Number(status)) | P::Between(Limit::Number(status), _) => {
                    redirect(*status)
                }
                P::Above(Limit::Number(status)) => redirect(*status + 1.0),
                _ => false,
            })
        },
    )
}
