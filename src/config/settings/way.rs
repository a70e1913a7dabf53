//! How a receiver of each kind is reached.

use std::{collections::BTreeMap, time::Duration};

use super::{
    receiver::{address, login},
    secret::source,
};
use crate::{
    config::{hint, page::Note, reader::Reader, value::Entry},
    model::{Address, Given, MailTls, SecretSource, Way},
};

/// How often Alertmanager is told that it goes on, unless told otherwise.
pub(in crate::config) const RESEND: Duration = Duration::from_secs(60);
/// Where PagerDuty takes events.
pub(in crate::config) const PAGERDUTY: &str = "https://events.pagerduty.com";

/// Words for the protection of a connection to a mail server, with the port that goes with each.
pub(in crate::config) const TLS: &[(&str, MailTls, u16)] = &[
    ("starttls", MailTls::StartTls, 587),
    ("implicit", MailTls::Implicit, 465),
    ("none", MailTls::None, 25),
];

/// Where the attributes of CloudEvents stand.
pub(in crate::config) const MODES: &[(&str, bool)] = &[("structured", false), ("binary", true)];

/// A receiver whose keys were asked for.
pub(super) struct Draft<'r, 't> {
    /// Its name.
    pub(super) called: &'r str,
    pub(super) kind: &'static str,
    /// Those of its keys that not every kind has.
    pub(super) own: BTreeMap<&'r str, Entry<'t>>,
}

/// The way of a receiver; none where something is wrong with it, which is noted.
pub(super) fn lower(draft: &Draft<'_, '_>) -> Option<Way> {
    let changes = draft.own.get("changes").and_then(Entry::boolean).is_some_and(|at| at.value);
    Some(match draft.kind {
        "alertmanager" => alertmanager(draft)?,
        "slack" => Way::Slack { url: draft.secret("url")? },
        "teams" => Way::Teams { url: draft.secret("url")? },
        "pagerduty" => {
            let url = draft.own.get("url").map_or_else(|| Some(PAGERDUTY.to_owned()), address);
            Way::PagerDuty { url: url?, key: draft.secret("key")?, changes }
        }
        "email" => email(draft)?,
        "webhook" => {
            let headers = match draft.own.get("headers") {
                Some(entry) => headers(entry, &format!("receiver.{}", draft.called))?,
                None => BTreeMap::new(),
            };
            let (url, secrets) = (draft.address("url")?, draft.secrets("secret")?);
            Way::Webhook { url, secrets, headers, changes }
        }
        "cloudevents" | "cdevents" => {
            let login = login(draft);
            Way::CloudEvents {
                url: draft.address("url")?,
                login: draft.maybe_login(login)?,
                binary: draft.own.get("mode").is_some_and(|entry| mode(entry).unwrap_or_default()),
                cdevents: draft.kind == "cdevents",
                changes,
            }
        }
        "command" => Way::Command {
            words: command(draft.own.get("command")?)?,
            env: match draft.own.get("env") {
                Some(entry) => given(entry, &format!("receiver.{}", draft.called))?,
                None => BTreeMap::new(),
            },
            changes,
        },
        _ => Way::Grafana {
            url: address(draft.own.get("url")?)?,
            token: draft.secret("token")?,
            tags: match draft.own.get("tags") {
                Some(entry) => texts(entry, "a list of tags")?,
                None => Vec::new(),
            },
        },
    })
}

impl Draft<'_, '_> {
    fn secret(&self, key: &str) -> Option<SecretSource> {
        source(self.own.get(key)?, &format!("receiver.{}.{key}", self.called))
    }

    /// One secret, several, or none.
    fn secrets(&self, key: &str) -> Option<Vec<SecretSource>> {
        let Some(entry) = self.own.get(key) else { return Some(Vec::new()) };
        let name = format!("receiver.{}.{key}", self.called);
        if !entry.value.is_array() {
            return Some(vec![source(entry, &name)?]);
        }
        let items = entry.elements("a secret or a list of them")?;
        items.iter().map(|item| source(item, &name)).collect()
    }

    /// An open address, or a secret one.
    fn address(&self, key: &str) -> Option<Address> {
        let entry = self.own.get(key)?;
        if entry.is_text() {
            return address(entry).map(Address::Open);
        }
        self.secret(key).map(Address::Secret)
    }

    /// A login that was read, none where none was wanted, nothing where it was faulty.
    fn maybe_login<T>(&self, read: Option<T>) -> Option<Option<T>> {
        let wanted = ["user", "password", "token"].iter().any(|key| self.own.contains_key(key));
        if wanted && read.is_none() { None } else { Some(read) }
    }
}

fn alertmanager(draft: &Draft<'_, '_>) -> Option<Way> {
    let entry = draft.own.get("url")?;
    let urls: Option<Vec<String>> = if entry.is_text() {
        Some(vec![address(entry)?])
    } else {
        let items = entry.elements("an address, or a list of them")?;
        if items.is_empty() {
            return entry.refuse(entry.fault("`url` has no address").label("nothing in it"));
        }
        items.iter().map(address).collect()
    };
    let login = login(draft);
    let resend = draft
        .own
        .get("resend")
        .and_then(|entry| entry.duration(Duration::from_secs(1)..Duration::from_secs(3600)));
    let mut labels = BTreeMap::new();
    for entry in draft
        .own
        .get("labels")
        .and_then(|e| e.table("receiver.labels"))
        .iter()
        .flat_map(Reader::entries)
    {
        let good = entry.key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && entry.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !good {
            let note = entry.fault(format!("`{}` cannot be a label", entry.key.escape_debug()));
            entry.page.note(note.label("not a label").help("letters, digits and `_`"));
        } else if let Some(value) = entry.text() {
            labels.insert(entry.key.to_owned(), value.value);
        }
    }
    Some(Way::Alertmanager {
        urls: urls?,
        login: draft.maybe_login(login)?,
        resend: resend.map_or(RESEND, |at| at.value),
        labels,
    })
}

fn email(draft: &Draft<'_, '_>) -> Option<Way> {
    let (tls, usual) = match draft.own.get("tls") {
        Some(entry) => tls(entry)?,
        None => (MailTls::StartTls, 587),
    };
    let (host, port) = server(draft.own.get("server")?, usual)?;
    let login = match login(draft) {
        Some(crate::model::Login::Basic { user, password }) => Some((user, password)),
        _ => None,
    };
    if let (true, MailTls::None, Some(entry)) = (login.is_some(), tls, draft.own.get("password"))
        && !matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1")
    {
        let note = entry.fault("the password would go over an open connection");
        entry
            .page
            .note(note.label("with `tls = \"none\"`").help("take \"starttls\" or \"implicit\""));
    }
    let wanted = draft.own.contains_key("user") || draft.own.contains_key("password");
    if wanted && login.is_none() {
        return None;
    }
    let from = mailbox(draft.own.get("from")?)?;
    let entry = draft.own.get("to")?;
    let to: Vec<String> = if entry.is_text() {
        vec![mailbox(entry)?]
    } else {
        entry.elements("a list of addresses")?.iter().map(mailbox).collect::<Option<_>>()?
    };
    if to.is_empty() {
        return entry.refuse(entry.fault("`to` has no address").label("nothing in it"));
    }
    Some(Way::Email { host, port, tls, login, from, to })
}

fn tls(entry: &Entry<'_>) -> Option<(MailTls, u16)> {
    let text = entry.text()?.value;
    let known = TLS.iter().find(|(word, ..)| *word == text).map(|(_, tls, port)| (*tls, *port));
    known.or_else(|| {
        let note = entry.fault(format!("`tls` cannot be `{}`", text.escape_debug()));
        let advice = hint::advice(&text, TLS.iter().map(|(word, ..)| *word));
        entry.refuse(note.label("not known").maybe_help(advice))
    })
}

fn mode(entry: &Entry<'_>) -> Option<bool> {
    let text = entry.text()?.value;
    let known = MODES.iter().find(|(word, _)| *word == text).map(|(_, binary)| *binary);
    known.or_else(|| {
        let note = entry.fault(format!("`mode` cannot be `{}`", text.escape_debug()));
        let advice = hint::advice(&text, MODES.iter().map(|(word, _)| *word));
        entry.refuse(note.label("not known").maybe_help(advice))
    })
}

/// `mail.example.com`, `mail.example.com:2525`, `[::1]:25`.
fn server(entry: &Entry<'_>, usual: u16) -> Option<(String, u16)> {
    let text = entry.text()?.value;
    let url = url::Url::parse(&format!("smtp://{text}")).ok();
    let plain = url.as_ref().is_some_and(|url| {
        url.username().is_empty()
            && url.password().is_none()
            && url.path().is_empty()
            && url.query().is_none()
    });
    let host = url.as_ref().filter(|_| plain).and_then(|url| url.host_str());
    let Some(host) = host.filter(|host| !host.is_empty() && !text.contains("//")) else {
        if text.contains('@') {
            entry.page.hide(entry.span.clone());
        }
        let note = entry.fault("`server` is not a host with a port");
        return entry.refuse(note.label("not a server").help("write it as `mail.example.com:587`"));
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((host, url.as_ref().and_then(url::Url::port).unwrap_or(usual)))
}

/// An address, alone or as `Name <address>`; what it really is the channel says when it is made.
fn mailbox(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?.value;
    let inner = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(""),
        None => &text,
    };
    let good = inner.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !inner.contains([' ', '<', '>', ',', '\r', '\n'])
    });
    if good && !text.contains(['\r', '\n']) {
        return Some(text);
    }
    let note = entry.fault(format!("`{}` is not an e-mail address", text.escape_debug()));
    entry.refuse(
        note.label("not an address").help("write `ops@example.com` or `Ops <ops@example.com>`"),
    )
}

fn command(entry: &Entry<'_>) -> Option<Vec<String>> {
    let words = texts(entry, "a list of words: the program and its arguments")?;
    if words.is_empty() {
        return entry.refuse(entry.fault("`command` is empty").label("no program to run"));
    }
    Some(words)
}

fn texts(entry: &Entry<'_>, wanted: &str) -> Option<Vec<String>> {
    entry.elements(wanted)?.iter().map(|item| item.text().map(|text| text.value)).collect()
}

/// `env = { REGION = "eu-1", TOKEN = { env = "DEPLOY_TOKEN" } }` of a command: what it is given besides what every program gets.
pub(super) fn given(entry: &Entry<'_>, whose: &str) -> Option<BTreeMap<String, Given>> {
    let table = entry.table(format!("{whose}.env"))?;
    let mut all = BTreeMap::new();
    for variable in table.entries() {
        let name = variable.key;
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !good {
            let note = Note::new(
                variable.key_span.clone(),
                format!("`{}` is no name of a variable", name.escape_debug()),
            );
            table.note(note.label("letters, digits and `_`"));
            continue;
        }
        let value = one(&variable, &format!("{whose}.env.{name}"));
        all.extend(value.map(|value| (name.to_owned(), value)));
    }
    Some(all)
}

/// A text that anybody may see, or a secret.
fn one(entry: &Entry<'_>, called: &str) -> Option<Given> {
    if entry.value.is_table() {
        return source(entry, called).map(Given::Secret);
    }
    entry.scalar().map(|text| Given::Open(text.value))
}

/// Headers that are of the request itself, and what we say in them.
const TAKEN: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// `headers = { Authorization = { env = "…" }, Priority = "high" }` of a webhook.
fn headers(entry: &Entry<'_>, whose: &str) -> Option<BTreeMap<String, Given>> {
    let table = entry.table(format!("{whose}.headers"))?;
    let mut all = BTreeMap::new();
    for header in table.entries() {
        let name = header.key;
        // RFC 9110, section 5.6.2.
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let fault = if name.is_empty() || !name.chars().all(token) {
            Some("is no name of a header")
        } else if TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(name)) {
            Some("is not yours to set")
        } else {
            None
        };
        if let Some(fault) = fault {
            let text = format!("`{}` {fault}", name.escape_debug());
            let note = Note::new(header.key_span.clone(), text).label("here");
            let typed = name.eq_ignore_ascii_case("content-type");
            let advice =
                typed.then(|| "it stands in `template = { content_type = \"…\" }`".to_owned());
            table.note(note.maybe_help(advice));
            continue;
        }
        let value = one(&header, &format!("{whose}.headers.{name}"));
        if let Some(Given::Open(text)) = &value
            && !text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
        {
            let note = header.fault(format!("the header `{name}` cannot hold that"));
            table.note(note.label("only what ASCII can show, in one line"));
            continue;
        }
        all.extend(value.map(|value| (name.to_owned(), value)));
    }
    Some(all)
}
