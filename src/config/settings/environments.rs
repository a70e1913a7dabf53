//! `[environments.NAME]`.

use std::collections::BTreeMap;

use url::Url;

use super::{network, secret, transport};
use crate::{
    config::{
        expressions,
        names::NameOf,
        page::Note,
        reader::Reader,
        scope::{BUILT_INS, Place, Places},
        value::Entry,
    },
    model::{EnvironmentName, EnvironmentSettings, SecretSource, Text},
};

/// Probes a second that a watch may add unless told otherwise.
pub(in crate::config) const MAX_RATE: f64 = 5.0;

/// Most that can be said.
pub(in crate::config) const HIGHEST_RATE: f64 = 1000.0;

/// Lowers all environments, and gathers which names each defines, readable or not.
pub(super) fn lower(top: &Reader<'_>) -> (BTreeMap<EnvironmentName, EnvironmentSettings>, Places) {
    let mut settings = BTreeMap::new();
    let mut places = Places { incomplete: top.page.is_torn(), ..Places::default() };
    for entry in top.table("environments").map(|table| table.entries()).unwrap_or_default() {
        let name = entry.key_name(NameOf::Thing);
        let mut place = Place::default();
        if let Some(reader) = entry.table(format!("environments.{}", entry.key)) {
            let environment = environment(&reader, &mut place);
            if let Some(name) = name {
                settings.insert(name.into(), environment);
            }
        }
        places.by_name.insert(entry.key.to_owned(), place);
    }
    (settings, places)
}

fn environment(reader: &Reader<'_>, place: &mut Place) -> EnvironmentSettings {
    let mut vars = BTreeMap::new();
    if let Some(entry) = reader.take("base_url") {
        place.vars.insert("base_url".to_owned());
        vars.extend(base_url(&entry).map(|url| ("base_url".to_owned(), url)));
    }
    for entry in reader.table("vars").map(|table| table.entries()).unwrap_or_default() {
        if entry.key == "base_url" {
            entry.page.note(
                Note::new(entry.key_span.clone(), "`base_url` is not one of `vars`")
                    .label("has a key of its own")
                    .help(format!("write `base_url` directly below `[{}]`", reader.name)),
            );
            place.vars.insert("base_url".to_owned());
            continue;
        }
        vars.extend(variable(&entry));
        place.vars.insert(entry.key.to_owned());
    }
    let secrets = secrets(reader, place);
    let max_rate = reader.number("max_rate").map_or(MAX_RATE, |rate| {
        if rate.value <= 0.0 || rate.value > HIGHEST_RATE {
            let note =
                Note::new(rate.span, "`max_rate` must be above 0 and at most 1000 runs a second");
            reader.note(note.label("out of bounds"));
        }
        rate.value
    });
    let network = reader.table("network").map(|table| network::lower(&table)).unwrap_or_default();
    let (transport, client_key) = transport::lower(reader, place);
    reader.finish();
    EnvironmentSettings { vars, secrets, max_rate, network, transport, client_key }
}

fn secrets(reader: &Reader<'_>, place: &mut Place) -> BTreeMap<String, SecretSource> {
    let mut secrets = BTreeMap::new();
    for entry in reader.table("secrets").map(|table| table.entries()).unwrap_or_default() {
        if place.vars.contains(entry.key) {
            entry.page.note(
                Note::new(
                    entry.key_span.clone(),
                    format!("`{}` is both a variable and a secret", entry.key),
                )
                .label("also in `vars`")
                .help("which would a template mean? rename one"),
            );
        }
        place.secrets.insert(entry.key.to_owned());
        let name = variable_name(&entry);
        let name_of_table = reader.below(&format!("secrets.{}", entry.key));
        if let (Some(name), Some(source)) = (name, secret::source(&entry, &name_of_table)) {
            secrets.insert(name, source);
        }
    }
    secrets
}

/// One of `vars`: a name and a plain text, which is not a template itself.
pub(in crate::config) fn variable(entry: &Entry<'_>) -> Option<(String, String)> {
    let name = variable_name(entry);
    let text = entry.scalar()?;
    if text.value.contains("{{") {
        entry.page.note(
            entry
                .fault(format!("the variable `{}` holds a template", entry.key))
                .label("would not be filled in")
                .help("variables are plain texts; put the template where it is used"),
        );
    }
    Some((name?, text.value))
}

/// The key as a name that templates can use.
pub(in crate::config) fn variable_name(entry: &Entry<'_>) -> Option<String> {
    let name = entry.key_name(NameOf::Variable)?;
    let taken = if BUILT_INS.contains(&name.as_str()) {
        Some("every run has a variable of this name already")
    } else {
        let alone = expressions::names_of(&Text(format!("{{{{{name}}}}}")));
        let usable = alone.is_ok_and(|names| names.all.contains(&name));
        (!usable).then_some("templates mean something else by this word")
    };
    match taken {
        None => Some(name),
        Some(why) => {
            let note = Note::new(
                entry.key_span.clone(),
                format!("`{name}` cannot be the name of a variable"),
            );
            entry.refuse(note.label("taken").help(why))
        }
    }
}

fn base_url(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let url = Url::parse(&text.value).ok().filter(|url| url.has_host());
    let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        let note = entry.fault(format!(
            "`base_url`: `{}` is not the address of a site",
            text.value.escape_debug()
        ));
        return entry.refuse(
            note.label("not an http address").help("write it as `https://shop.example.com`"),
        );
    };
    if url.password().is_some() {
        entry.page.hide(entry.span.clone());
        let note = entry.fault("`base_url` holds a password");
        return entry.refuse(
            note.label("a secret in the file")
                .help("refer to it in `secrets` and send it in `headers`: `authorization = 'Basic {{base64 user \":\" password}}'`"),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        let note = entry.fault("`base_url` has a query or a fragment");
        return entry.refuse(
            note.label("paths are written behind it").help("leave out what follows `?` or `#`"),
        );
    }
    Some(text.value.trim_end_matches('/').to_owned())
}
