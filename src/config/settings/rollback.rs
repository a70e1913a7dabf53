//! `[[rollback]]` and `[[writeback]]`: what is done about a change elsewhere.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use super::{
    freeze::{Environments, places},
    receiver::address,
    secret::source,
    way::given,
};
use crate::{
    config::{hint, names::NameOf, reader::Reader, value::Entry},
    model::{
        Address, Forge, RollbackMode, RollbackSettings, RollbackWay, SecretSource,
        WritebackSettings,
    },
};

/// How long a try may take unless told otherwise.
pub(in crate::config) const TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take at all.
const LIMITS: Range<Duration> = Duration::from_secs(1)..Duration::from_secs(150);

/// All of `[[rollback]]`.
pub(super) fn rollbacks(top: &Reader<'_>, environments: &Environments) -> Vec<RollbackSettings> {
    let mut all: Vec<RollbackSettings> = Vec::new();
    for reader in top.tables("rollback") {
        reader.require("service", "service = \"shop\"");
        let service = reader.name("service", NameOf::Service);
        let name = reader.name("name", NameOf::Service);
        let called = name.as_ref().or(service.as_ref()).map(|name| name.value.clone());
        let mode = reader.take("mode").map_or(Some(RollbackMode::Manual), |entry| mode(&entry));
        let places = places(&reader, environments);
        let timeout = reader.duration("timeout", LIMITS).map_or(TIMEOUT, |at| at.value);
        let way = way(&reader, called.as_deref().unwrap_or("rollback"));
        reader.finish();
        let (Some(service), Some(name), Some(mode), Some(way)) = (service, called, mode, way)
        else {
            continue;
        };
        if all.iter().any(|other| other.name == name) {
            let note = reader.fault(format!("two rollbacks are called `{name}`"));
            reader.note(note.label("again").help("give one of them a `name` of its own"));
            continue;
        }
        let service = service.value.into();
        all.push(RollbackSettings { name, service, environments: places, mode, way, timeout });
    }
    all
}

fn mode(entry: &Entry<'_>) -> Option<RollbackMode> {
    let text = entry.text()?.value;
    let known = RollbackMode::ALL.iter().find(|(word, _)| *word == text);
    known.map(|(_, mode)| *mode).or_else(|| {
        let note = entry.fault(format!("there is no mode `{}`", text.escape_debug()));
        let advice = hint::advice(&text, RollbackMode::ALL.iter().map(|(word, _)| *word));
        entry.refuse(note.label("not a mode").maybe_help(advice))
    })
}

/// A webhook or a command, not both.
fn way(reader: &Reader<'_>, called: &str) -> Option<RollbackWay> {
    let (url, command) = (reader.take("url"), reader.take("command"));
    let secret = reader.take("secret");
    let token = reader.take("token");
    let env = reader.take("env");
    let name = |key: &str| format!("rollback.{called}.{key}");
    match (url, command) {
        (Some(url), None) => {
            if let Some(entry) = env {
                let note = entry.fault("`env` goes with `command`");
                return entry.refuse(note.label("a webhook has no environment"));
            }
            let read = |entry: &Option<Entry<'_>>, key: &str| -> Option<Option<SecretSource>> {
                entry.as_ref().map_or(Some(None), |entry| Some(Some(source(entry, &name(key))?)))
            };
            let (secret, token) = (read(&secret, "secret"), read(&token, "token"));
            let url = if url.is_text() {
                Address::Open(address(&url)?)
            } else {
                Address::Secret(source(&url, &name("url"))?)
            };
            Some(RollbackWay::Webhook { url, secret: secret?, token: token? })
        }
        (None, Some(command)) => {
            if let Some(entry) = secret.or(token) {
                let note = entry.fault(format!("`{}` goes with `url`", entry.key));
                return entry.refuse(
                    note.label("a command needs none").help("give it what it needs in `env`"),
                );
            }
            let items = command.elements("a list of words: the program and its arguments")?;
            let words: Option<Vec<String>> =
                items.iter().map(|word| word.any_text().map(|word| word.value)).collect();
            let words = words?;
            if words.first().is_none_or(|program| program.trim().is_empty()) {
                return command.refuse(command.fault("`command` is empty").label("no program"));
            }
            let env = match &env {
                Some(entry) => given(entry, &format!("rollback.{called}"))?,
                None => BTreeMap::new(),
            };
            Some(RollbackWay::Command { words, env })
        }
        (Some(url), Some(_)) => {
            let note = url.fault("a rollback has `url` and `command`");
            url.refuse(note.label("one of them").help("write two tables for two ways"))
        }
        (None, None) => {
            let note = reader.fault("a rollback needs `url` or `command`");
            reader.note(note.label("no way").help("add `command = [\"./roll-back\"]`"));
            None
        }
    }
}

/// All of `[[writeback]]`.
pub(super) fn writebacks(top: &Reader<'_>, environments: &Environments) -> Vec<WritebackSettings> {
    let mut all: Vec<WritebackSettings> = Vec::new();
    for reader in top.tables("writeback") {
        reader.require("kind", "kind = \"github\"");
        reader.require("token", "token = { env = \"GITHUB_TOKEN\" }");
        let forge = reader.take("kind").and_then(|entry| forge(&entry));
        let name = reader.name("name", NameOf::Thing).map(|at| at.value);
        let name = name.or_else(|| forge.map(|(word, ..)| word.to_owned()));
        let called = name.clone().unwrap_or_else(|| "writeback".to_owned());
        let token = reader
            .take("token")
            .and_then(|entry| source(&entry, &format!("writeback.{called}.token")));
        let url = reader.take("url").map(|entry| address(&entry));
        let repository = reader.text("repository").map(|at| at.value);
        let services = reader.names("services", NameOf::Service).unwrap_or_default();
        let places = places(&reader, environments);
        let timeout = reader.duration("timeout", LIMITS).map_or(TIMEOUT, |at| at.value);
        reader.finish();
        let (Some((_, forge, home)), Some(name), Some(token)) = (forge, name, token) else {
            continue;
        };
        let Some(url) = url.unwrap_or_else(|| Some(home.to_owned())) else { continue };
        if all.iter().any(|other| other.name == name) {
            let note = reader.fault(format!("two tables of `writeback` are called `{name}`"));
            reader.note(note.label("again").help("give one of them a `name` of its own"));
            continue;
        }
        all.push(WritebackSettings {
            name,
            forge,
            url: url.trim_end_matches('/').to_owned(),
            repository,
            services: services.into_iter().map(|service| service.value.into()).collect(),
            environments: places,
            token,
            timeout,
        });
    }
    all
}

fn forge(entry: &Entry<'_>) -> Option<(&'static str, Forge, &'static str)> {
    let text = entry.text()?.value;
    let known = Forge::ALL.iter().find(|(word, ..)| *word == text);
    known.copied().or_else(|| {
        let note = entry.fault(format!("there is no kind `{}`", text.escape_debug()));
        let advice = hint::advice(&text, Forge::ALL.iter().map(|(word, ..)| *word));
        entry.refuse(note.label("github or gitlab").maybe_help(advice))
    })
}
