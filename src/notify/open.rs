//! From settings to channels.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use super::{
    Channel, Http,
    alertmanager::Alertmanager,
    cloudevents::CloudEvents,
    command::{Command, Surroundings},
    email::Email,
    grafana::Grafana,
    pagerduty::PagerDuty,
    slack::Slack,
    teams::Teams,
    webhook::Webhook,
};
use crate::{
    model::{Address, Given, Login, ReceiverSettings, Secret, SecretSource, Way},
    render::message::Words,
};

/// What channels know of the agent they belong to.
#[derive(Debug, Clone)]
pub struct Around {
    /// The folder of the settings: where commands run.
    pub root: PathBuf,
    /// The agent's own environment, of which commands get next to nothing.
    pub variables: BTreeMap<String, String>,
    /// Who speaks: an address of ours, or a name.
    pub source: String,
}

/// `Authorization`, ready to be sent.
#[derive(Clone)]
pub(super) enum Credentials {
    Token(Secret),
    Basic(String, Secret),
}

impl Credentials {
    /// The value of the header.
    pub(super) fn header(&self) -> String {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        match self {
            Self::Token(token) => format!("Bearer {}", token.expose()),
            Self::Basic(user, password) => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", password.expose())))
            }
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// The channel of a receiver. `secret` gives the value of a reference, or none after it has noted why there is none.
///
/// # Errors
/// Settings that cannot be used, in words. None without an error where a secret is missing.
pub fn open(
    receiver: &ReceiverSettings,
    around: &Around,
    mut secret: impl FnMut(&SecretSource) -> Option<Secret>,
) -> Result<Option<Arc<dyn Channel>>, String> {
    let kind = receiver.way.kind();
    let words = Words::new(kind, &receiver.templates).map_err(|e| e.to_string())?;
    let timeout = receiver.timeout;
    let mut found = Vec::new();
    let mut all = true;
    for source in sources(&receiver.way) {
        match secret(source) {
            Some(value) => found.push(value),
            None => all = false,
        }
    }
    if !all {
        return Ok(None);
    }
    if let Some(url) = secret_address(&receiver.way, &found) {
        let url = url::Url::parse(url.expose()).ok().filter(|url| url.has_host());
        if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err("its `url` is not an http address".to_owned());
        }
    }
    let http = Http::through(receiver.proxy.as_deref(), timeout, &found)?;
    let mut found = found.into_iter();
    // In the order of `sources`.
    let mut next = || found.next().unwrap_or_else(|| Secret::new(""));
    Ok(Some(match &receiver.way {
        Way::Alertmanager { urls, login, resend, labels } => {
            let login = login.as_ref().map(|login| credentials(login, next()));
            Arc::new(Alertmanager {
                http,
                words,
                urls: urls.clone(),
                login,
                resend: *resend,
                labels: labels.clone(),
            })
        }
        Way::Slack { .. } => Arc::new(Slack { http, words, url: next() }),
        Way::Teams { .. } => Arc::new(Teams { http, words, url: next() }),
        Way::PagerDuty { url, .. } => {
            Arc::new(PagerDuty { http, words, url: url.clone(), key: next() })
        }
        Way::Email { host, port, tls, login, from, to } => {
            let login = login.as_ref().map(|(user, _)| (user.clone(), next()));
            let server = (host.as_str(), *port, *tls);
            Arc::new(Email::new(server, login, from, to, words, around.source.clone(), timeout)?)
        }
        Way::Webhook { url, secrets, headers, .. } => {
            let url = address(url, &mut next);
            let keys: Result<Vec<_>, _> =
                secrets.iter().map(|_| super::signing_key(&next())).collect();
            let headers = headers.iter().map(|(name, given)| match given {
                Given::Open(text) => (name.clone(), Secret::new(text.as_str())),
                Given::Secret(_) => (name.clone(), next()),
            });
            let (headers, source) = (headers.collect(), around.source.clone());
            Arc::new(Webhook { http, words, url, keys: keys?, headers, source })
        }
        Way::CloudEvents { url, login, binary, cdevents, .. } => {
            let url = address(url, &mut next);
            let login = login.as_ref().map(|login| credentials(login, next()));
            let (binary, cdevents) = (*binary, *cdevents);
            Arc::new(CloudEvents {
                http,
                words,
                url,
                login,
                binary,
                cdevents,
                source: around.source.clone(),
            })
        }
        Way::Command { words: command, env, .. } => Arc::new(Command {
            program: super::Program {
                words: command.clone(),
                folder: around.root.clone(),
                timeout,
            },
            surroundings: Surroundings::new(&around.variables, env, |_| Some(next()))
                .unwrap_or_default(),
            words,
        }),
        Way::Grafana { url, tags, .. } => {
            Arc::new(Grafana { http, url: url.clone(), token: next(), tags: tags.clone() })
        }
    }))
}

/// The address of a way, where that is a secret: the first of them.
fn secret_address<'a>(way: &Way, found: &'a [Secret]) -> Option<&'a Secret> {
    let secret = match way {
        Way::Slack { .. } | Way::Teams { .. } => true,
        Way::Webhook { url, .. } | Way::CloudEvents { url, .. } => {
            matches!(url, Address::Secret(_))
        }
        _ => false,
    };
    found.first().filter(|_| secret)
}

/// The references to secrets of a way, in the order in which they are used.
fn sources(way: &Way) -> Vec<&SecretSource> {
    fn address(url: &Address) -> Option<&SecretSource> {
        match url {
            Address::Secret(source) => Some(source),
            Address::Open(_) => None,
        }
    }
    fn login(login: &Login) -> &SecretSource {
        match login {
            Login::Token(source) | Login::Basic { password: source, .. } => source,
        }
    }
    fn kept(given: &BTreeMap<String, Given>) -> impl Iterator<Item = &SecretSource> {
        given.values().filter_map(|given| match given {
            Given::Secret(source) => Some(source),
            Given::Open(_) => None,
        })
    }
    match way {
        Way::Alertmanager { login: known, .. } => known.iter().map(login).collect(),
        Way::Slack { url } | Way::Teams { url } => vec![url],
        Way::PagerDuty { key, .. } => vec![key],
        Way::Email { login, .. } => login.iter().map(|(_, password)| password).collect(),
        Way::Webhook { url, secrets, headers, .. } => {
            address(url).into_iter().chain(secrets).chain(kept(headers)).collect()
        }
        Way::CloudEvents { url, login: known, .. } => {
            address(url).into_iter().chain(known.iter().map(login)).collect()
        }
        Way::Command { env, .. } => kept(env).collect(),
        Way::Grafana { token, .. } => vec![token],
    }
}

fn address(url: &Address, next: &mut impl FnMut() -> Secret) -> Secret {
    match url {
        Address::Open(url) => Secret::new(url.as_str()),
        Address::Secret(_) => next(),
    }
}

fn credentials(login: &Login, secret: Secret) -> Credentials {
    match login {
        Login::Token(_) => Credentials::Token(secret),
        Login::Basic { user, .. } => Credentials::Basic(user.clone(), secret),
    }
}
