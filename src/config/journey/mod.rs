//! A journey file, table by table.

mod auth;
mod body;
mod expect;
mod filter;
mod http;
mod measure;
mod predicate;
mod query;
mod revision;
mod schedule;
mod steps;

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
use crate::model::{Action, EnvironmentName, Journey, ServiceName, Slo};

/// The deadline of a run unless told otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Deadlines of runs and steps, both included.
const TIMEOUTS: std::ops::Range<Duration> = Duration::from_millis(1)..Duration::from_secs(3600);

/// Over how long a promise is kept unless told otherwise.
const SLO_WINDOW: Duration = Duration::from_secs(30 * 86_400);

/// What could be read of a journey file.
pub(super) struct Draft {
    /// Its name, to be compared with those of other files.
    pub(super) name: Option<At<String>>,
    /// The journey, as far as its parts are there; faults noted keep it from being used.
    pub(super) journey: Option<Journey>,
}

/// Lowers one file.
pub(super) fn lower(top: &Reader<'_>, places: &Places) -> Draft {
    top.require("name", "name = \"checkout\"");
    let name = top.name("name", NameOf::Thing);
    let description = top.text("description").map(|text| text.value);
    let services = top.names("services", NameOf::Service).unwrap_or_default();
    let environments = environments(top, places);
    let schedule = schedule::lower(top);
    let timeout = top.duration("timeout", TIMEOUTS).map_or(TIMEOUT, |timeout| timeout.value);
    let owner = top.text("owner").map(|text| text.value);
    let runbook = top.take("runbook").and_then(|entry| {
        let text = entry.text()?;
        let good =
            url::Url::parse(&text.value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if good {
            return Some(text.value);
        }
        entry.refuse(entry.fault("`runbook` must be a link").label("not an http address"))
    });
    let slo = slo(top);
    let vars = vars(top, &environments, places);
    let scope = Scope {
        page: top.page,
        places,
        environments,
        vars: vars.0,
        captured: BTreeMap::new(),
        ever_captured: BTreeMap::new(),
    };
    let connection = http::connection(top);
    let (mut steps, environments) = steps::lower(top, timeout, scope);
    for step in &mut steps {
        let Action::Http(http) = &mut step.action;
        http.connection = http.connection.or(connection);
    }
    top.finish();
    let journey = name.clone().zip(schedule).map(|(name, schedule)| {
        let mut services: Vec<ServiceName> = services.into_iter().map(|s| s.value.into()).collect();
        // A step's own service is touched by the journey too, whether it was listed or not.
        for service in steps.iter().filter_map(|step| step.service.clone()) {
            if !services.contains(&service) {
                services.push(service);
            }
        }
        Journey {
            name: name.value.into(),
            description,
            services,
            environments: environments.into_iter().map(EnvironmentName::from).collect(),
            schedule,
            timeout,
            owner,
            runbook,
            slo,
            revision: revision::of(&steps, &vars.1, timeout),
            vars: vars.1,
            steps,
        }
    });
    Draft { name, journey }
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
