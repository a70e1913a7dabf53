//! `wayfarer.toml`, table by table.

pub(super) mod agent;
pub(super) mod browser;
pub(super) mod environments;
mod freeze;
mod hooks;
pub(super) mod hours;
pub(super) mod kubernetes;
mod limits;
mod network;
mod pipelines;
pub(super) mod receiver;
pub(super) mod rollback;
pub(super) mod secret;
mod transport;
mod view;
pub(super) mod way;

use std::collections::BTreeMap;

pub(super) use environments::{variable, variable_name};

use super::{names::NameOf, reader::Reader, scope::Places, value::Entry};
use crate::model::{Service, ServiceName, Settings, TRACE_ID};

/// Lowers the settings file. What could not be read is replaced by its default: the faults noted keep it from being used.
pub(super) fn lower(top: &Reader<'_>) -> (Settings, Places) {
    let (mut environments, places) = environments::lower(top);
    let (tokens, has_token) = secret::tokens(top);
    let agent = agent::lower(top, has_token, &environments);
    for environment in environments.values_mut() {
        let url = &mut environment.transport.tracing.url;
        *url = url.take().or_else(|| agent.trace_url.clone());
    }
    let settings = Settings {
        agent,
        browser: browser::lower(top),
        receivers: receiver::lower(top, &environments),
        maintenance: hours::maintenance(top, &environments),
        freezes: freeze::lower(top, &environments),
        views: view::lower(top, &environments),
        rollbacks: rollback::rollbacks(top, &environments),
        writebacks: rollback::writebacks(top, &environments),
        environments,
        watch: limits::watch(top),
        detect: limits::detect(top),
        services: services(top),
        retention: limits::retention(top),
        tokens,
        hooks: hooks::hooks(top),
        kubernetes: kubernetes::kubernetes(top),
        pipelines: pipelines::lower(top),
        place: hooks::places(top),
    };
    top.finish();
    (settings, places)
}

/// The address of a trace, with a place for its id.
fn trace_url(entry: &Entry<'_>) -> Option<String> {
    let url = receiver::address(entry)?;
    if url.contains(TRACE_ID) {
        return Some(url);
    }
    let note = entry.fault("`trace_url` has no place for the id of the trace");
    entry.refuse(
        note.label("no `{trace_id}`")
            .help("write it as `https://jaeger.example.com/trace/{trace_id}`"),
    )
}

/// The address of a commit, with a place for its hash.
fn commit_url(entry: &Entry<'_>) -> Option<String> {
    let url = receiver::address(entry)?;
    if url.contains("{commit}") {
        return Some(url);
    }
    let note = entry.fault("`commit_url` has no place for the commit");
    entry.refuse(
        note.label("no `{commit}`")
            .help("write it as `https://git.example.com/shop/commit/{commit}`"),
    )
}

/// `[services.NAME]`.
fn services(top: &Reader<'_>) -> BTreeMap<ServiceName, Service> {
    let mut services = BTreeMap::new();
    for entry in top.table("services").map(|table| table.entries()).unwrap_or_default() {
        let name = entry.key_name(NameOf::Service);
        let Some(reader) = entry.table(format!("services.{}", entry.key)) else { continue };
        let depends_on = reader.names("depends_on", NameOf::Service).unwrap_or_default();
        let owner = reader.text("owner").map(|owner| owner.value);
        let hosts = network::destinations(&reader, "hosts");
        let commit_url = reader.take("commit_url").and_then(|entry| commit_url(&entry));
        reader.finish();
        for other in depends_on.iter().filter(|other| other.value == entry.key) {
            let note = super::page::Note::new(
                other.span.clone(),
                format!("`{}` depends on itself", other.value),
            );
            reader.note(note.label("this very service"));
        }
        if let Some(name) = name {
            let depends_on = depends_on.into_iter().map(|other| other.value.into()).collect();
            services.insert(name.into(), Service { depends_on, owner, hosts, commit_url });
        }
    }
    services
}
