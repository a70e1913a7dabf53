//! OAuth2 tokens (RFC 6749): fetched when there is none, kept by the engine until they expire.
//!
//! A fetch is our preparation, not the user's path: it has its own client, so that it leaves no warm connection behind, and its time is in
//! no step. Else one run in many would be slower for a reason that is ours. Only a fetch that fails is part of its step.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::header_value;
use crate::{
    engine::{
        fault::Trouble,
        http::{
            body::Sent,
            error::place,
            hop::{Head, Walked},
            request::{self, Request, read_url},
            session::Session,
        },
        limits::{Deadline, later},
        vars::Variables,
    },
    model::{FaultKind, OAuth2, SecretStyle, Text},
};

/// How long before its end a token is no longer used; half its life where that is shorter.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a token is kept whose server does not say how long it lives.
const UNTOLD: Duration = Duration::from_secs(5 * 60);

/// How long nobody tries again to replace a token that is refused with 403, once a new one was refused alike: then it is not the token.
const IN_VAIN: Duration = Duration::from_secs(3600);

/// Longest life that is believed.
const LONGEST: Duration = Duration::from_secs(86_400);

/// Largest answer of a token endpoint, in bytes.
const LARGEST: u64 = 256 * 1024;

/// How many tokens are kept; when there are more, all are forgotten.
const TOKENS: usize = 1024;

/// The tokens of all runs, by environment and everything that was asked with.
#[derive(Default)]
pub(in crate::engine) struct Tokens(Mutex<HashMap<[u8; 32], Arc<tokio::sync::Mutex<Slot>>>>);

/// The place of one token. Whoever holds it fetches; all others wait for what comes of it.
#[derive(Default)]
struct Slot {
    token: Option<(String, Instant)>,
    /// The refresh token that the server gave in the place of the one that is configured.
    refresh: Option<String>,
    /// Until when a 403 is taken as it is.
    forbidden_until: Option<Instant>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    fn slot(&self, key: [u8; 32]) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= TOKENS && !slots.contains_key(&key) {
            slots.clear();
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

/// What a fetch needs of the step that it is for.
pub(super) struct Asked<'a> {
    pub(super) session: &'a Session,
    pub(super) vars: &'a Variables,
    pub(super) deadline: &'a mut Deadline,
}

/// A client's own credentials, filled.
struct Client {
    url: Url,
    id: String,
    secret: Option<String>,
    scope: Option<String>,
    audience: Option<String>,
    refresh: Option<String>,
    style: SecretStyle,
}

/// The token of a step.
pub(super) struct Bearer {
    client: Client,
    slot: Arc<tokio::sync::Mutex<Slot>>,
    token: String,
    /// Whether it was fetched for another step: then it may have been revoked since.
    kept: bool,
    /// Whether it took the place of one that was refused.
    replaced: bool,
}

impl Bearer {
    pub(super) async fn begin(
        wanted: &OAuth2,
        mut asked: Asked<'_>,
        walked: &mut Vec<Walked>,
    ) -> Result<Self, Trouble> {
        let client = Client::of(wanted, asked.vars)?;
        let guarded = asked.session.guard.asks(&client.url);
        guarded.map_err(|why| asked.vars.blame(&wanted.token_url, FaultKind::Guard, why))?;
        let slot =
            asked.vars.parts().tokens.slot(client.key(asked.vars.environment().name.as_str()));
        let (token, kept) = obtain(&client, &slot, &mut asked, None, walked).await?;
        Ok(Self { client, slot, token, kept, replaced: false })
    }

    pub(super) fn value(&self) -> Result<HeaderValue, Trouble> {
        header_value("Bearer", &self.token)
    }

    /// Whether the server refused a token that was kept, and there is a new one now.
    pub(super) async fn refused(
        &mut self,
        head: &Head,
        mut asked: Asked<'_>,
    ) -> Result<bool, Trouble> {
        let forbidden = is_forbidden(head);
        let kept = std::mem::take(&mut self.kept);
        if !(kept || self.replaced) || !(forbidden || head.status == StatusCode::UNAUTHORIZED) {
            return Ok(false);
        }
        let now = asked.session.clock.instant();
        if self.replaced {
            if forbidden {
                self.slot.lock().await.forbidden_until = Some(later(now, IN_VAIN));
            }
            return Ok(false);
        }
        if forbidden && self.slot.lock().await.forbidden_until.is_some_and(|until| now < until) {
            return Ok(false);
        }
        let mut failed = Vec::new();
        let old = self.token.clone();
        let (token, _) =
            obtain(&self.client, &self.slot, &mut asked, Some(&old), &mut failed).await?;
        self.token = token;
        self.replaced = true;
        Ok(true)
    }
}

/// Whether a token may have been refused with 403: RFC 6750 (section 3.1) wants 401 for that and 403 for a scope that does not reach, but
/// some servers answer a dead token with a bare 403 (django-oauth-toolkit is one).
fn is_forbidden(head: &Head) -> bool {
    let narrow = head.headers.get_all(header::WWW_AUTHENTICATE).iter().any(|value| {
        value.as_bytes().windows(18).any(|word| word.eq_ignore_ascii_case(b"insufficient_scope"))
    });
    head.status == StatusCode::FORBIDDEN && !narrow
}

/// A token that holds, and whether it was there already. `refused` is one that no longer does, whatever its server said.
async fn obtain(
    client: &Client,
    slot: &tokio::sync::Mutex<Slot>,
    asked: &mut Asked<'_>,
    refused: Option<&str>,
    walked: &mut Vec<Walked>,
) -> Result<(String, bool), Trouble> {
    let clock = asked.session.clock;
    let began = clock.instant();
    let patience = asked.deadline.at.saturating_duration_since(began);
    let Ok(mut slot) = tokio::time::timeout(patience, slot.lock()).await else {
        let message = format!("{} passed while another run fetched the token", asked.deadline.name);
        return Err(Trouble::target(FaultKind::Timeout, message));
    };
    if slot.token.as_ref().is_some_and(|(token, _)| refused == Some(token.as_str())) {
        slot.token = None;
    }
    let held = slot.token.as_ref().filter(|(_, until)| clock.instant() < *until);
    let (token, kept) = match held {
        Some((token, _)) => (token.clone(), true),
        None => (client.renew(&mut slot, asked, walked).await?, false),
    };
    asked.vars.hide(&token);
    // Neither the fetch nor the wait for somebody else's is the step's time.
    asked.deadline.at += clock.instant().saturating_duration_since(began);
    Ok((token, kept))
}

impl Client {
    fn of(wanted: &OAuth2, vars: &Variables) -> Result<Self, Trouble> {
        let fill = |text: &Option<Text>| text.as_ref().map(|t| vars.fill_to_send(t)).transpose();
        let kept = |text: &Option<Text>| text.as_ref().map(|t| super::kept(t, vars)).transpose();
        let address = vars.fill_to_send(&wanted.token_url)?;
        let url = read_url(address.trim(), None).map_err(|reason| {
            let message =
                format!("\"{}\" is not the URL of a token endpoint: {reason}", address.trim());
            vars.impossible(&wanted.token_url, message)
        })?;
        Ok(Self {
            url,
            id: vars.fill_to_send(&wanted.client_id)?,
            secret: kept(&wanted.client_secret)?,
            scope: fill(&wanted.scope)?,
            audience: fill(&wanted.audience)?,
            refresh: kept(&wanted.refresh_token)?,
            style: wanted.style,
        })
    }

    /// Under which a token is kept: another secret is another client, and environments share nothing.
    fn key(&self, environment: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        let parts = [
            Some(environment),
            Some(self.url.as_str()),
            Some(&self.id),
            self.secret.as_deref(),
            self.scope.as_deref(),
            self.audience.as_deref(),
            self.refresh.as_deref(),
        ];
        for part in parts {
            hash.update([u8::from(part.is_some())]);
            hash.update(part.map_or(0, str::len).to_be_bytes());
            hash.update(part.unwrap_or_default());
        }
        hash.finalize().into()
    }

    /// Fetches a token. A refresh token that the server gave us may have been used up by somebody else: then the configured one is tried.
    async fn renew(
        &self,
        slot: &mut Slot,
        asked: &mut Asked<'_>,
        walked: &mut Vec<Walked>,
    ) -> Result<String, Trouble> {
        let rotated = slot.refresh.take();
        let mut answer = self.fetch(rotated.as_deref().or(self.refresh.as_deref()), asked).await;
        if answer.is_err() && rotated.is_some() {
            answer = self.fetch(self.refresh.as_deref(), asked).await;
        }
        match answer {
            Ok(answer) => {
                slot.refresh = answer.refresh;
                let until = later(asked.session.clock.instant(), answer.life);
                slot.token = Some((answer.token.clone(), until));
                Ok(answer.token)
            }
            Err(failed) => {
                walked.extend(failed.walked.map(|walked| *walked));
                Err(failed.trouble)
            }
        }
    }

    async fn fetch(&self, refresh: Option<&str>, asked: &mut Asked<'_>) -> Result<Granted, Failed> {
        let request = self.request(refresh, asked.vars)?;
        let mut session = asked.session.apart()?;
        let mut walked = session.hop(&request, LARGEST, asked.deadline).await;
        let whose = format!("no token from {}{}", place(&self.url), self.url.path());
        let granted = match walked.trouble.take() {
            Some(Trouble::Target(kind, why)) => {
                Err(Trouble::target(kind, format!("{whose}: {why}")))
            }
            Some(Trouble::Ours(why)) => Err(Trouble::ours(format!("{whose}: {why}"))),
            None => {
                let status = walked.head.as_ref().map_or(0, |head| head.status.as_u16());
                read(status, &walked.body, asked.vars)
                    .map_err(|why| Trouble::target(FaultKind::Status, format!("{whose}: {why}")))
            }
        };
        granted.map_err(|trouble| Failed { trouble, walked: Some(Box::new(walked)) })
    }

    fn request(&self, refresh: Option<&str>, vars: &Variables) -> Result<Request, Trouble> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        match refresh {
            Some(token) => {
                vars.hide(token);
                form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token);
            }
            None => {
                form.append_pair("grant_type", "client_credentials");
            }
        }
        for (name, value) in [("scope", &self.scope), ("audience", &self.audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        let mut headers = HeaderMap::new();
        match (&self.secret, self.style) {
            (Some(secret), SecretStyle::Basic) => {
                // Both are form-encoded first: RFC 6749, section 2.3.1.
                let encode = |text: &str| {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
                };
                let pair = format!("{}:{}", encode(&self.id), encode(secret));
                let value = header_value("Basic", &BASE64_STANDARD.encode(pair))?;
                headers.insert(header::AUTHORIZATION, value);
            }
            (secret, _) => {
                form.append_pair("client_id", &self.id);
                if let Some(secret) = secret {
                    form.append_pair("client_secret", secret);
                }
            }
        }
        for (name, value) in [
            (header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
            (header::ACCEPT, "application/json"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        request::add_environment(&mut headers, vars)?;
        request::add_defaults(&mut headers);
        Ok(Request {
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body: Some(form.finish().into()),
            sent: Sent::Text,
            traced: false,
        })
    }
}

/// Why there is no token, and the exchange that says so.
struct Failed {
    trouble: Trouble,
    walked: Option<Box<Walked>>,
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self { trouble, walked: None }
    }
}

/// What a server gave.
#[derive(Debug, PartialEq, Eq)]
struct Granted {
    token: String,
    refresh: Option<String>,
    /// How long it is used.
    life: Duration,
}

/// Reads the answer of a token endpoint (RFC 6749, sections 5.1 and 5.2); what is secret in it is masked, whatever comes of it.
fn read(status: u16, body: &[u8], vars: &Variables) -> Result<Granted, String> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    for name in ["access_token", "refresh_token", "id_token"] {
        if let Some(token) = answer.get(name).and_then(Value::as_str) {
            vars.hide(token);
        }
    }
    granted(status, &answer)
}

fn granted(status: u16, answer: &Value) -> Result<Granted, String> {
    let text =
        |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(error) = text("error") {
        let more = text("error_description").map(|d| format!(" ({d})")).unwrap_or_default();
        return Err(format!("status {status}: {error}{more}"));
    }
    if status != 200 {
        return Err(format!("expected status 200, got {status}"));
    }
    let Some(token) = text("access_token") else {
        let what = if answer.is_null() { "is not JSON" } else { "holds no access_token" };
        return Err(format!("the answer {what}"));
    };
    if let Some(kind) = text("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(format!("it is of the type {kind}, not Bearer"));
    }
    let told = answer.get("expires_in").and_then(|value| match value {
        // Some servers write the number as text.
        Value::String(text) => text.trim().parse::<f64>().ok(),
        other => other.as_f64(),
    });
    let life = told
        .filter(|seconds| *seconds >= 0.0)
        .map_or(UNTOLD, |seconds| Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64())));
    Ok(Granted {
        token: token.to_owned(),
        refresh: text("refresh_token").map(str::to_owned),
        life: life - MARGIN.min(life / 2),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_of_token_endpoints() {
        let good = |answer: Value| granted(200, &answer).unwrap();
        let granted_now =
            good(json!({"access_token": "a", "token_type": "bearer", "expires_in": 3600}));
        assert_eq!(granted_now.life, Duration::from_secs(3570));
        assert_eq!(good(json!({"access_token": "a", "expires_in": "40"})).life.as_secs(), 20);
        assert_eq!(good(json!({"access_token": "a"})).life, UNTOLD - MARGIN);
        assert_eq!(good(json!({"access_token": "a", "expires_in": -5})).life, UNTOLD - MARGIN);
        assert_eq!(good(json!({"access_token": "a", "expires_in": 1e300})).life, LONGEST - MARGIN);
        assert_eq!(
            good(json!({"access_token": "a", "refresh_token": "r"})).refresh.as_deref(),
            Some("r")
        );
        for (status, answer, why) in [
            (
                401,
                json!({"error": "invalid_client", "error_description": "no such client"}),
                "status 401: invalid_client (no such client)",
            ),
            (503, Value::Null, "expected status 200, got 503"),
            (200, Value::Null, "the answer is not JSON"),
            (200, json!({"access_token": ""}), "the answer holds no access_token"),
            (
                200,
                json!({"access_token": "a", "token_type": "DPoP"}),
                "it is of the type DPoP, not Bearer",
            ),
        ] {
            assert_eq!(granted(status, &answer).unwrap_err(), why);
        }
    }

    #[test]
    fn tokens_are_kept_apart() {
        let client = |secret: &str, scope: Option<&str>| Client {
            url: Url::parse("https://x.example/token").unwrap(),
            id: "probe".to_owned(),
            secret: Some(secret.to_owned()),
            scope: scope.map(str::to_owned),
            audience: None,
            refresh: None,
            style: SecretStyle::Basic,
        };
        let key = client("a", None).key("production");
        assert_eq!(key, client("a", None).key("production"));
        for other in [
            client("a", None).key("staging"),
            client("b", None).key("production"),
            client("a", Some("read")).key("production"),
            client("a", Some("")).key("production"),
        ] {
            assert_ne!(key, other);
        }
    }
}
