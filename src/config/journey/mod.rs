//! A journey file, table by table.

pub(super) mod auth;
pub(super) mod body;
mod expect;
pub(super) mod filter;
pub(super) mod flow;
pub(super) mod http;
pub(super) mod matrix;
pub(super) mod measure;
pub(super) mod part;
pub(super) mod predicate;
pub(super) mod query;
mod revision;
mod schedule;
mod setup;
pub(super) mod steps;

pub(in crate::config) use http::check_header;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    hint,
    names::NameOf,
    page::Note,
    reader::Reader,
    scope::{Place, Places, Scope},
    settings::variable,
    value::At,
};
use crate::model::{Action, Connection, EnvironmentName, Journey, ServiceName, Slo, Step, Variant};

use part::Parts;

/// The deadline of a run unless told otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Deadlines of runs and steps, both included.
const TIMEOUTS: std::ops::Range<Duration> = Duration::from_millis(1)..Duration::from_secs(3600);

/// Over how long a promise is kept unless told otherwise.
pub(super) const SLO_WINDOW: Duration = Duration::from_secs(30 * 86_400);

/// What could be read of a journey file.
pub(super) struct Draft {
    /// The names of its journeys, to be compared with those of other files.
    pub(super) names: Vec<At<String>>,
    /// The journeys, as far as their parts are there; faults noted keep them from being used. Several where there is a matrix.
    pub(super) journeys: Vec<Journey>,
}

/// Lowers one file.
pub(super) fn lower(top: &Reader<'_>, places: &Places, parts: &Parts) -> Draft {
    top.require("name", "name = \"checkout\"");
    let name = top.name("name", NameOf::Thing);
    let description = top.text("description").map(|text| text.value);
    let services = top.names("services", NameOf::Service).unwrap_or_default();
    let environments = environments(top, places);
    let schedule = schedule::lower(top);
    let timeout = top.duration("timeout", TIMEOUTS).map_or(TIMEOUT, |timeout| timeout.value);
    let owner = top.text("owner").map(|text| text.value);
    let runbook = runbook(top);
    let slo = slo(top);
    let (mut names, values) = vars(top, &environments, places);
    let matrix = matrix::lower(top, &mut names);
    let mut scope = Scope { environments, vars: names, ..Scope::new(top.page, places) };
    let setup = setup::lower(top, &mut scope, parts);
    let connection = http::connection(top);
    let (mut steps, scope) = steps::lower(top, timeout, scope, parts);
    if let Some(connection) = connection {
        connect(&mut steps, connection);
    }
    top.finish();
    let Some(name) = name else { return Draft { names: Vec::new(), journeys: Vec::new() } };
    let variants = matrix::variants(&name, matrix.as_ref());
    let named = |(text, _): &(String, _)| At { value: text.clone(), span: name.span.clone() };
    let names = variants.iter().map(named).collect();
    let Some(schedule) = schedule else { return Draft { names, journeys: Vec::new() } };
    let journey = |(name, variant): (String, Option<Variant>)| {
        let vars = matrix::vars(&values, variant.as_ref());
        Journey {
            name: name.into(),
            description: description.clone(),
            services: touched(&services, &steps),
            environments: scope.environments.iter().cloned().map(EnvironmentName::from).collect(),
            schedule: schedule.clone(),
            timeout,
            owner: owner.clone(),
            runbook: runbook.clone(),
            slo,
            revision: revision::of(&steps, &vars, timeout, setup.as_deref()),
            vars,
            setup: setup.clone(),
            variant,
            steps: steps.clone(),
        }
    };
    Draft { names, journeys: variants.into_iter().map(journey).collect() }
}

/// The journey's `connection` for all steps that do not say it themselves, those of its parts included.
fn connect(steps: &mut [Step], connection: Connection) {
    for step in steps {
        match &mut step.action {
            Action::Http(http) => {
                http.connection.get_or_insert(connection);
            }
            Action::Part(part) => connect(&mut part.steps, connection),
        }
    }
}

/// The services a journey touches: those listed, and those of its steps.
fn touched(listed: &[At<String>], steps: &[Step]) -> Vec<ServiceName> {
    let mut services: Vec<ServiceName> =
        listed.iter().map(|service| service.value.as_str().into()).collect();
    let mut every = Vec::new();
    steps.iter().for_each(|step| step.leaves(&mut every));
    for service in every.into_iter().filter_map(|step| step.service.clone()) {
        if !services.contains(&service) {
            services.push(service);
        }
    }
    services
}

fn runbook(top: &Reader<'_>) -> Option<String> {
    let entry = top.take("runbook")?;
    let text = entry.text()?;
    let good =
        url::Url::parse(&text.value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if good {
        return Some(text.value);
    }
    entry.refuse(entry.fault("`runbook` must be a link").label("not an http address"))
}

/// The environments that are said and exist.
fn environments(top: &Reader<'_>, places: &Places) -> Vec<String> {
    top.require("environments", "environments = [\"production\"]");
    let Some(names) = top.names("environments", NameOf::Thing) else { return Vec::new() };
    if names.is_empty()
        && top
            .take("environments")
            .is_some_and(|e| e.value.as_array().is_some_and(|a| a.is_empty()))
    {
        let span = top.take("environments").map_or(0..0, |entry| entry.span);
        top.note(
            Note::new(span, "`environments` is empty: the journey would run nowhere")
                .label("nowhere"),
        );
    }
    let mut known = Vec::new();
    for name in names {
        if places.by_name.contains_key(&name.value) {
            known.push(name.value);
        } else if !places.incomplete {
            let all = places.by_name.keys().map(String::as_str);
            let advice = hint::advice(&name.value, all)
                .unwrap_or_else(|| format!("add `[environments.{}]` to wayfarer.toml", name.value));
            let note = Note::new(name.span, format!("there is no environment `{}`", name.value));
            top.note(note.label("nobody defines this").help(advice));
        }
    }
    known
}

/// `vars`: the names, and those that could be read with their values.
fn vars(
    top: &Reader<'_>,
    environments: &[String],
    places: &Places,
) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let mut names = BTreeSet::new();
    let mut vars = BTreeMap::new();
    for entry in top.table("vars").map(|table| table.entries()).unwrap_or_default() {
        names.insert(entry.key.to_owned());
        vars.extend(variable(&entry));
        let secret_in = environments.iter().find(|environment| {
            places
                .by_name
                .get(*environment)
                .is_some_and(|place: &Place| place.secrets.contains(entry.key))
        });
        if let Some(environment) = secret_in {
            top.note(
                Note::new(
                    entry.key_span.clone(),
                    format!("`{}` is both a variable and a secret", entry.key),
                )
                .label(format!("also a secret of environment `{environment}`"))
                .help("which would a template mean? rename one"),
            );
        }
    }
    (names, vars)
}

/// `[slo]`.
fn slo(top: &Reader<'_>) -> Option<Slo> {
    let table = top.table("slo")?;
    table.require("objective", "objective = 99.9");
    let objective = table.number("objective");
    let latency = table.duration("latency", TIMEOUTS).map(|at| at.value);
    let day = Duration::from_secs(86_400);
    let window = table.duration("window", Duration::from_secs(3600)..day * 366);
    table.finish();
    let objective = objective?;
    if objective.value <= 0.0 || objective.value >= 100.0 {
        let note = Note::new(objective.span, "`objective` must be above 0 and below 100 percent");
        table.note(
            note.label("impossible")
                .help("99.9 leaves one run in a thousand to fail; 100 would leave none"),
        );
    }
    Some(Slo {
        objective_percent: objective.value,
        latency,
        window: window.map_or(SLO_WINDOW, |window| window.value),
    })
}
