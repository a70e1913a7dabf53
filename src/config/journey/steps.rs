//! `[[step]]`: what is done, kept and asserted, in order.

use std::time::Duration;

use super::{TIMEOUTS, expect, http, measure, predicate, query};
use crate::{
    config::{names::NameOf, page::Note, reader::Reader, scope::Scope, units, value::At},
    model::{Action, Assertion, Step, Text},
};

/// A step and the templates in it, before their names are looked up.
struct Draft {
    name: String,
    step: Option<Step>,
    captures: Vec<At<String>>,
    /// Templates of what is sent, which know what earlier steps captured.
    sent: Vec<At<Text>>,
    /// Templates of what is asserted, which know what this step captured as well.
    asserted: Vec<At<Text>>,
}

/// Lowers all steps; the scope grows by what each captures and hands the environments back.
pub(super) fn lower(
    top: &Reader<'_>,
    timeout: Duration,
    mut scope: Scope<'_>,
) -> (Vec<Step>, Vec<String>) {
    if !top.has("step") {
        let note =
            top.fault("a journey needs at least one step").label("no `[[step]]` in this file");
        top.note(
            note.help("add `[[step]]` with a `name` and `[step.http]` with a `url`").derived(),
        );
    }
    let readers = top.tables("step");
    let none =
        top.take("step").filter(|steps| steps.value.as_array().is_some_and(|s| s.is_empty()));
    if let Some(entry) = none {
        top.note(entry.fault("a journey needs at least one step").label("no step in it"));
    }
    let mut drafts: Vec<Draft> = Vec::new();
    for reader in readers {
        let before: Vec<&str> = drafts.iter().map(|draft| draft.name.as_str()).collect();
        let draft = step(&reader, &before, timeout);
        drafts.push(draft);
    }
    for draft in &drafts {
        for capture in &draft.captures {
            scope.ever_captured.entry(capture.value.clone()).or_insert_with(|| draft.name.clone());
        }
    }
    for draft in &drafts {
        for template in &draft.sent {
            scope.check(template, &draft.name);
        }
        for capture in &draft.captures {
            claim(capture, &draft.name, &mut scope);
        }
        for template in &draft.asserted {
            scope.check(template, &draft.name);
        }
    }
    (drafts.into_iter().filter_map(|draft| draft.step).collect(), scope.environments)
}

/// Enters a capture's name, unless it means something else already.
fn claim(capture: &At<String>, step: &str, scope: &mut Scope<'_>) {
    let name = &capture.value;
    let places = || scope.environments.iter().filter_map(|e| scope.places.by_name.get_key_value(e));
    let taken = if let Some(other) = scope.captured.get(name) {
        Some((
            format!("two captures are called `{name}`"),
            format!("step `{other}` has captured it already"),
        ))
    } else if scope.vars.contains(name) {
        Some((
            format!("`{name}` is both captured and a variable"),
            "it stands in `vars` of the journey".to_owned(),
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
            scope.page.note(Note::new(capture.span.clone(), message).label("taken").help(why))
        }
        None => {
            scope.captured.insert(name.clone(), step.to_owned());
        }
    }
}

fn step(reader: &Reader<'_>, before: &[&str], journey_timeout: Duration) -> Draft {
    reader.require("name", "name = \"open login page\"");
    let name = reader.name("name", NameOf::Step);
    if let Some(name) = name.as_ref().filter(|name| before.contains(&name.value.as_str())) {
        let note = Note::new(name.span.clone(), format!("two steps are called `{}`", name.value));
        reader.note(note.label("again").help("figures of steps are told apart by their names"));
    }
    let service = reader.name("service", NameOf::Service).map(|service| service.value.into());
    let timeout = timeout(reader, journey_timeout);
    let effect = reader.boolean("effect").is_some_and(|effect| effect.value);
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
        reader.note(note.help("add `[step.http]` with a `url`").derived());
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
    });
    Draft { name, step, captures: names, sent, asserted }
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
