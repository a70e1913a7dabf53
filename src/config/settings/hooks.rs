//! `[hooks.NAME]` and `[[place]]`.

use std::collections::BTreeMap;

use super::secret;
use crate::{
    config::{hint, names::NameOf, reader::Reader, value::Entry},
    intake,
    model::{ForwardSettings, HookDefaults, HookSettings, PlaceRule},
};

/// All of `[hooks.NAME]`.
pub(super) fn hooks(top: &Reader<'_>) -> BTreeMap<String, HookSettings> {
    let mut hooks = BTreeMap::new();
    for entry in top.table("hooks").map(|table| table.entries()).unwrap_or_default() {
        let name = entry.key_name(NameOf::Thing);
        let Some(reader) = entry.table(format!("hooks.{}", entry.key)) else { continue };
        let sender = sender(&reader, &entry);
        let source = |key: &'static str| {
            reader
                .take(key)
                .and_then(|given| secret::source(&given, &format!("hooks.{}.{key}", entry.key)))
        };
        let (shared, token) = (source("secret"), source("token"));
        let defaults = HookDefaults {
            service: reader.name("service", NameOf::Service).map(|name| name.value.into()),
            environment: reader.name("environment", NameOf::Thing).map(|name| name.value.into()),
            services: names(&reader, "services", NameOf::Service)
                .into_iter()
                .map(|(theirs, ours)| (theirs, ours.into()))
                .collect(),
            environments: names(&reader, "environments", NameOf::Thing)
                .into_iter()
                .map(|(theirs, ours)| (theirs, ours.into()))
                .collect(),
        };
        let forward = forward(&reader, entry.key);
        reader.finish();
        if let (Some(name), Some(sender)) = (name, sender) {
            let hook = HookSettings { sender, secret: shared, token, defaults, forward };
            hooks.insert(name, hook);
        }
    }
    hooks
}

/// Whose bodies come there.
fn sender(reader: &Reader<'_>, hook: &Entry<'_>) -> Option<String> {
    let known = || intake::SENDERS.iter().map(|sender| sender.name);
    let said = reader.take("sender");
    let text = match &said {
        Some(entry) => entry.text()?.value,
        None => hook.key.to_owned(),
    };
    if intake::sender(&text).is_some() {
        return Some(text);
    }
    let advice = hint::advice(&text, known());
    let note = match &said {
        Some(entry) => entry
            .fault(format!("no sender is called `{}`", text.escape_debug()))
            .label("not a sender"),
        None => reader
            .fault(format!("no sender is called `{}`", text.escape_debug()))
            .label("say whose bodies come there: `sender = \"github\"`"),
    };
    hook.refuse(note.maybe_help(advice))
}

/// Their names and ours.
pub(super) fn names(reader: &Reader<'_>, key: &'static str, kind: NameOf) -> Vec<(String, String)> {
    let entries = reader.table(key).map(|table| table.entries()).unwrap_or_default();
    let named = |entry: &Entry<'_>| Some((entry.key.to_owned(), entry.name(kind)?.value));
    entries.iter().filter_map(named).collect()
}

/// `forward = { url = "https://grafana.example.com", token = { env = "GRAFANA_TOKEN" } }`.
fn forward(reader: &Reader<'_>, hook: &str) -> Option<ForwardSettings> {
    let table = reader.table("forward")?;
    table.require("url", "url = \"https://grafana.example.com\"");
    let url = table.take("url");
    let token = table
        .take("token")
        .and_then(|entry| secret::source(&entry, &format!("hooks.{hook}.forward.token")));
    table.finish();
    let entry = url?;
    let text = entry.text()?.value;
    let good = url::Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.password().is_none()
            && url.username().is_empty()
            && url.query().is_none()
    });
    if !good {
        if text.contains('@') {
            entry.page.hide(entry.span.clone());
        }
        let note = entry.fault("`url` must be an http or https address without user and query");
        return entry.refuse(note.label("not such an address"));
    }
    Some(ForwardSettings { url: text.trim_end_matches('/').to_owned(), token })
}

/// All of `[[place]]`.
pub(super) fn places(top: &Reader<'_>) -> Vec<PlaceRule> {
    let mut rules = Vec::new();
    for reader in top.tables("place") {
        reader.require("when", "when = { sender = \"grafana\" }");
        let mut when = BTreeMap::new();
        for entry in reader.table("when").map(|table| table.entries()).unwrap_or_default() {
            if let Some(text) = entry.scalar() {
                when.insert(entry.key.to_owned(), text.value);
            }
        }
        let service = reader.name("service", NameOf::Service);
        let environment = reader.name("environment", NameOf::Thing);
        let replace = reader.boolean("replace").is_some_and(|truth| truth.value);
        let ignore = reader.boolean("ignore").is_some_and(|truth| truth.value);
        reader.finish();
        if service.is_none() && environment.is_none() && !ignore {
            let note = reader.fault("this rule says nothing");
            let help = "add `service`, `environment`, or `ignore = true`";
            reader.note(note.label("what then?").help(help).derived());
        }
        rules.push(PlaceRule {
            when,
            service: service.map(|name| name.value.into()),
            environment: environment.map(|name| name.value.into()),
            replace,
            ignore,
        });
    }
    rules
}
