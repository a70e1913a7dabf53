//! `[[receiver]]`: who is told, how, and of what.

use std::{collections::BTreeMap, time::Duration};

use url::Url;

use super::{
    hours,
    secret::source,
    way::{self, Draft},
};
use crate::{
    config::{hint, names::NameOf, page::Note, reader::Reader, value::Entry},
    model::{
        EnvironmentName, EnvironmentSettings, Gravity, Happening, Login, Policy, Quiet,
        ReceiverSettings, Templates, Way,
    },
    render::message::Words,
};

/// Kinds of receivers, with the keys that only they have: required ones first, up to the bar.
pub(in crate::config) const KINDS: &[(&str, &[&str], &[&str])] = &[
    ("alertmanager", &["url"], &["user", "password", "token", "resend", "labels", "proxy"]),
    ("slack", &["url"], &["proxy"]),
    ("teams", &["url"], &["proxy"]),
    ("pagerduty", &["key"], &["url", "changes", "proxy"]),
    ("email", &["server", "from", "to"], &["tls", "user", "password"]),
    ("webhook", &["url"], &["secret", "headers", "changes", "proxy"]),
    ("cloudevents", &["url"], &["user", "password", "token", "mode", "changes", "proxy"]),
    ("cdevents", &["url"], &["user", "password", "token", "mode", "changes", "proxy"]),
    ("command", &["command"], &["env", "changes"]),
    ("grafana", &["url", "token"], &["tags", "proxy"]),
];

/// Every key that only some kinds have.
const OWN: &[&str] = &[
    "url", "key", "server", "from", "to", "tls", "user", "password", "token", "secret", "mode",
    "headers", "command", "env", "resend", "labels", "tags", "changes", "proxy",
];

/// How each key of a kind is written.
fn example(key: &str) -> &'static str {
    match key {
        "key" => "key = { env = \"PAGERDUTY_KEY\" }",
        "server" => "server = \"mail.example.com:587\"",
        "from" => "from = \"wayfarer@example.com\"",
        "to" => "to = [\"ops@example.com\"]",
        "command" => "command = [\"./tell-us\"]",
        "token" => "token = { env = \"GRAFANA_TOKEN\" }",
        _ => "url = { env = \"WEBHOOK_URL\" }",
    }
}

/// How long a try may take unless told otherwise.
pub(in crate::config) const TIMEOUT: Duration = Duration::from_secs(15);
/// How often people are told again of what goes on.
pub(in crate::config) const REPEAT: Duration = Duration::from_secs(4 * 3600);

/// All of `[[receiver]]`.
pub(super) fn lower(
    top: &Reader<'_>,
    environments: &BTreeMap<EnvironmentName, EnvironmentSettings>,
) -> Vec<ReceiverSettings> {
    let mut receivers: Vec<ReceiverSettings> = Vec::new();
    for reader in top.tables("receiver") {
        let Some(receiver) = one(&reader, environments) else { continue };
        if receivers.iter().any(|other| other.name == receiver.name) {
            let note = reader.fault(format!("two receivers are called `{}`", receiver.name));
            reader
                .note(note.label("again").help("the outbox tells receivers apart by their names"));
            continue;
        }
        receivers.push(receiver);
    }
    receivers
}

fn one(
    reader: &Reader<'_>,
    environments: &BTreeMap<EnvironmentName, EnvironmentSettings>,
) -> Option<ReceiverSettings> {
    reader.require("name", "name = \"ops\"");
    reader.require("kind", "kind = \"slack\"");
    let name = reader.name("name", NameOf::Thing);
    let called = name.as_ref().map_or("receiver", |name| &name.value).to_owned();
    let kind = reader.take("kind").and_then(|entry| kind(&entry));
    let own: BTreeMap<&str, Entry<'_>> =
        OWN.iter().filter_map(|key| Some((*key, reader.take(key)?))).collect();
    let timeout = reader.duration("timeout", Duration::from_secs(1)..Duration::from_secs(120));
    let people = matches!(kind, Some(("slack" | "teams" | "email", ..)));
    let state = matches!(kind, Some(("alertmanager" | "pagerduty", ..)));
    let policy = policy(reader, environments, people, state);
    let template = reader.table("template").map(|table| templates(&table)).unwrap_or_default();
    reader.finish();
    let (kind, needed, allowed) = kind?;
    foreign(reader, kind, &own, needed, allowed);
    let proxy = own.get("proxy").and_then(address);
    let draft = Draft { called: &called, kind, own };
    let way = way::lower(&draft);
    if let (Some(way), Some(table)) = (&way, reader.take("template")) {
        check(&table, way, &template);
    }
    Some(ReceiverSettings {
        name: name?.value,
        way: way?,
        timeout: timeout.map_or(TIMEOUT, |timeout| timeout.value),
        proxy,
        policy,
        templates: template,
    })
}

type Kind = (&'static str, &'static [&'static str], &'static [&'static str]);

fn kind(entry: &Entry<'_>) -> Option<Kind> {
    let text = entry.text()?.value;
    let known = KINDS.iter().find(|(word, ..)| *word == text);
    known.copied().or_else(|| {
        let note = entry.fault(format!("there is no kind of receiver `{}`", text.escape_debug()));
        let advice = hint::advice(&text, KINDS.iter().map(|(word, ..)| *word));
        entry.refuse(note.label("not a kind").maybe_help(advice))
    })
}

/// Keys that are missing, and keys of another kind.
fn foreign(
    reader: &Reader<'_>,
    kind: &str,
    own: &BTreeMap<&str, Entry<'_>>,
    needed: &[&str],
    allowed: &[&str],
) {
    for key in needed.iter().filter(|key| !own.contains_key(*key)) {
        let note = reader.fault(format!("a receiver of kind `{kind}` needs `{key}`"));
        reader.note(
            note.label(format!("no `{key}` here"))
                .help(format!("add `{}`", example(key)))
                .derived(),
        );
    }
    for (key, entry) in
        own.iter().filter(|(key, _)| !needed.contains(key) && !allowed.contains(key))
    {
        let all: Vec<String> = needed.iter().chain(allowed).map(|key| format!("`{key}`")).collect();
        let note = Note::new(
            entry.key_span.clone(),
            format!("`{key}` does not belong to a receiver of kind `{kind}`"),
        );
        reader.note(note.label("of another kind").help(format!("it has {}", all.join(", "))));
    }
}

fn policy(
    reader: &Reader<'_>,
    environments: &BTreeMap<EnvironmentName, EnvironmentSettings>,
    people: bool,
    state: bool,
) -> Policy {
    let findings = reader.take("findings").and_then(|entry| words(&entry, "finding", &gravities()));
    let events = reader.take("events").and_then(|entry| words(&entry, "event", &happenings()));
    let places = reader.names("environments", NameOf::Thing).unwrap_or_default();
    for place in places.iter().filter(|place| !environments.contains_key(place.value.as_str())) {
        let note =
            Note::new(place.span.clone(), format!("no environment is called `{}`", place.value));
        let advice = hint::advice(&place.value, environments.keys().map(|name| name.as_str()));
        reader.note(note.label("not known").maybe_help(advice).derived());
    }
    let services = reader.names("services", NameOf::Service).unwrap_or_default();
    let journeys = reader.names("journeys", NameOf::Thing).unwrap_or_default();
    let owners = reader.names("owners", NameOf::Step).unwrap_or_default();
    let repeat = reader.take("repeat").map(|entry| repeat(&entry));
    let quiet = reader.tables("quiet").iter().filter_map(self::quiet).collect();
    let usual = Happening::ALL.iter().copied().filter(|h| state || *h != Happening::Joined);
    Policy {
        findings: findings.unwrap_or_else(|| Gravity::ALL.to_vec()),
        events: events.unwrap_or_else(|| usual.collect()),
        environments: places.into_iter().map(|place| place.value.into()).collect(),
        services: services.into_iter().map(|service| service.value.into()).collect(),
        journeys: journeys.into_iter().map(|journey| journey.value.into()).collect(),
        owners: owners.into_iter().map(|owner| owner.value).collect(),
        repeat: repeat.unwrap_or(people.then_some(REPEAT)),
        quiet,
        keeps_state: state,
    }
}

/// How often, or false for never.
fn repeat(entry: &Entry<'_>) -> Option<Duration> {
    match entry.value.as_bool() {
        Some(false) => None,
        Some(true) => entry.wrong_type("a time such as \"4h\", or false for never again"),
        None => entry
            .duration(Duration::from_secs(60)..Duration::from_secs(30 * 86_400))
            .map(|every| every.value),
    }
}

fn quiet(reader: &Reader<'_>) -> Option<Quiet> {
    let hours = hours::lower(reader);
    let except = reader.take("except").and_then(|entry| words(&entry, "finding", &gravities()));
    reader.finish();
    Some(Quiet { hours: hours?, except: except.unwrap_or_default() })
}

/// Words of a list that are known.
fn words<T: Copy + PartialEq>(
    entry: &Entry<'_>,
    what: &str,
    known: &[(&'static str, T)],
) -> Option<Vec<T>> {
    let mut found = Vec::new();
    for word in entry.elements(&format!("a list of {what}s"))? {
        let Some(text) = word.text() else { continue };
        match known.iter().find(|(name, _)| *name == text.value) {
            Some((_, value)) if !found.contains(value) => found.push(*value),
            Some(_) => {}
            None => {
                let note =
                    word.fault(format!("there is no {what} `{}`", text.value.escape_debug()));
                let advice = hint::advice(&text.value, known.iter().map(|(name, _)| *name));
                entry.page.note(note.label("not known").maybe_help(advice));
            }
        }
    }
    Some(found)
}

fn gravities() -> Vec<(&'static str, Gravity)> {
    Gravity::ALL.iter().map(|gravity| (gravity.as_str(), *gravity)).collect()
}

fn happenings() -> Vec<(&'static str, Happening)> {
    Happening::ALL.iter().map(|happening| (happening.as_str(), *happening)).collect()
}

fn templates(table: &Reader<'_>) -> Templates {
    let text = |key: &'static str| table.text(key).map(|text| text.value);
    let templates = Templates {
        title: text("title"),
        text: text("text"),
        body: text("body"),
        change_body: text("change_body"),
        html: text("html"),
        content_type: text("content_type"),
    };
    table.finish();
    templates
}

/// Templates that only some kinds have.
pub(in crate::config) const LAYOUTS: &[(&str, &[&str])] = &[
    ("body", &["slack", "teams", "webhook", "command"]),
    ("change_body", &["webhook", "command"]),
    ("content_type", &["webhook", "command"]),
    ("html", &["email"]),
];

/// Templates that receivers of this kind have no use for.
fn useless(table: &Reader<'_>, way: &Way, templates: &Templates) {
    for (key, kinds) in LAYOUTS.iter().filter(|(_, kinds)| !kinds.contains(&way.kind())) {
        let Some(entry) = table.take(key) else { continue };
        let text = format!("a receiver of kind `{}` has no use for `{key}`", way.kind());
        let note = Note::new(entry.key_span.clone(), text);
        table.note(note.label("of another kind").help(format!("it is for {}", kinds.join(", "))));
    }
    let silent = matches!(way, Way::Webhook { .. } | Way::Command { .. }) && !way.tells_changes();
    if let Some(entry) = table.take("change_body").filter(|_| silent) {
        let note = entry.fault("this receiver is not told of changes");
        table.note(note.label("never used").help("add `changes = true` beside `kind`"));
    }
    let typed = templates.content_type.as_deref();
    let good = |kind: &str| {
        let plain = kind.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        plain && kind.split_once('/').is_some_and(|(a, b)| !a.trim().is_empty() && !b.is_empty())
    };
    if let Some(entry) = table.take("content_type").filter(|_| !typed.is_none_or(good)) {
        let note = entry.fault("`content_type` is no type of content");
        table.note(note.label("not a type").help("write it as `text/plain; charset=utf-8`"));
    }
}

/// Fills every template with notices of all sorts, so that a message never fails because of its words.
fn check(entry: &Entry<'_>, way: &Way, templates: &Templates) {
    let Some(table) = entry.table("receiver.template") else { return };
    useless(&table, way, templates);
    if let Err(fault) = Words::new(way.kind(), templates) {
        let at = table.take(fault.key).map_or(entry.span.clone(), |entry| entry.span);
        let note = Note::new(at, format!("the template cannot be used: {}", fault.message));
        table.note(note.label("here").help(
            "it is filled with a notice; `wayfarer notify --preview NAME --json` shows what stands in one",
        ));
    }
}

/// A plain http address without user and password.
pub(super) fn address(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?.value;
    let url = Url::parse(&text).ok().filter(|url| url.has_host());
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let open = |url: &Url| url.username().is_empty() && url.password().is_none();
    if !url.as_ref().map_or(!text.contains('@'), open) {
        // Whatever stands before the sign may be a password.
        entry.page.hide(entry.span.clone());
        let note = entry.fault(format!("`{}` holds a user or a password", entry.key));
        return entry.refuse(
            note.label("a secret in the file")
                .help("write the whole address as `{ env = \"NAME\" }`"),
        );
    }
    if url.is_none() {
        let note = entry.fault(format!("`{}` is not an http address", entry.key));
        return entry.refuse(note.label("not an address").help("write it as `https://host/path`"));
    }
    Some(text)
}

/// `token`, or `user` with `password`.
pub(super) fn login(draft: &Draft<'_, '_>) -> Option<Login> {
    let secret = |key: &str| {
        let entry = draft.own.get(key)?;
        source(entry, &format!("receiver.{}.{key}", draft.called))
    };
    let user = draft.own.get("user");
    if let (Some(entry), true) = (user, draft.own.contains_key("token")) {
        let note = entry.fault("a `token` and a `user` are two ways to be known");
        return entry.refuse(note.label("besides a `token`").help("keep one of them"));
    }
    if let Some(entry) = user.filter(|_| !draft.own.contains_key("password")) {
        let note = entry.fault("a `user` needs a `password`");
        return entry.refuse(note.label("alone").help("add `password = { env = \"PASSWORD\" }`"));
    }
    if let Some(entry) = draft.own.get("password").filter(|_| user.is_none()) {
        let note = Note::new(entry.key_span.clone(), "a `password` needs a `user`");
        return entry.refuse(note.label("alone").help("add `user = \"wayfarer\"`"));
    }
    match user {
        Some(entry) => {
            let user = entry.text()?.value;
            Some(Login::Basic { user, password: secret("password")? })
        }
        None => Some(Login::Token(secret("token")?)),
    }
}
