//! Flagger's webhooks: one address for each sort of hook, because Flagger reads nothing but status codes and reads them in two ways.
//!
//! Up to 202 is yes, anything above (204, too) is no (`pkg/controller/webhook.go` of Flagger). Yes means "go on" for confirm-*, pre-rollout
//! and rollout hooks, and "roll back now" for a rollback hook. Its client retries 429 and 5xx and then drops what was said, so that
//! every decided answer here is 200, 403 (no) or 409 (not yet, or nobody can say), with the reason as its text. Flagger can send no
//! header of one's own: the token stands in the path, and neither the path nor the token is ever logged.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{gate, hooks};
use crate::{
    daemon::{Handle, HearError, Intent, Judged},
    intake::same,
    model::{ChangeKind, Gate, GateStatus, Scope},
    web::ApiError,
};

/// Harm that was found longer ago is not that of the canary that is asked about.
const RECENT: Duration = Duration::from_secs(24 * 3600);

/// What Flagger sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    /// The canary.
    name: String,
    /// Its namespace.
    namespace: String,
    /// What stands at the hook in the canary's file.
    metadata: BTreeMap<String, String>,
}

/// An answer that Flagger understands.
type Answer = (StatusCode, String);

/// `POST /hooks/flagger/{token}/{hook}`.
pub(crate) async fn receive(
    State(handle): State<Handle>,
    Path((token, hook)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = match admitted(&handle, &token, hook == "event") {
        false => {
            tracing::warn!(
                "flagger.refused: the token in the address is not known, or may not do that"
            );
            (
                StatusCode::FORBIDDEN,
                "the token in the address is not known, or may not do that".into(),
            )
        }
        true => answer(&handle, &hook, &uri, &headers, body).await.unwrap_or_else(|no| no),
    };
    let (status, text) = answer;
    (status, format!("{text}\n")).into_response()
}

/// Whether a token may ask, or tell.
fn admitted(handle: &Handle, given: &str, tells: bool) -> bool {
    let setup = handle.setup();
    let needed = if tells { Scope::Write } else { Scope::Read };
    let mut known = false;
    // Every token is compared, so that the time says nothing of which one was near.
    for token in &setup.tokens {
        let equal = same(token.value.expose().as_bytes(), given.as_bytes());
        known |= equal && token.scope >= needed;
    }
    if let Some(token) = setup.hooks.get("flagger").and_then(|hook| hook.token.as_ref()) {
        known |= same(token.expose().as_bytes(), given.as_bytes());
    }
    known
}

async fn answer(
    handle: &Handle,
    hook: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer, Answer> {
    if hook == "event" {
        return event(handle, uri, headers, body).await;
    }
    let body = body.map_err(|_| no("the body could not be read"))?;
    let payload: Payload = serde_json::from_slice(&body)
        .map_err(|e| no(format!("the body is not what Flagger sends: {e}")))?;
    let asked = Asked::of(payload, hooks::pairs(uri));
    if asked.service().is_none() {
        return Err(no("the body does not name a canary"));
    }
    let inconclusive = asked.inconclusive()?;
    let gate = match hook {
        "confirm" if asked.said("before") == Some("true") => asked.before(handle).await,
        "confirm" | "analysis" | "rollback" => {
            asked.judged(handle).await.map(|judged| match judged {
                Some(judged) if hook == "rollback" => recent(handle, judged),
                // A canary finishes only after it was confirmed.
                Some(judged) => {
                    let judged = handle.so_far(judged);
                    handle.answered(&judged, None, "flagger");
                    told(judged)
                }
                None => inconclusive_gate("no change of this service was logged yet"),
            })
        }
        _ => return Err((StatusCode::NOT_FOUND, "confirm, analysis, rollback or event".into())),
    };
    // What is wrong with the question is said at once; our own trouble is nobody's verdict.
    let gate = gate.or_else(|e| match e.status() {
        status if status.is_server_error() => {
            Ok(inconclusive_gate("the agent has trouble of its own"))
        }
        _ => Err(no(e.sentence())),
    })?;
    Ok(weigh(hook, &gate, inconclusive))
}

/// What a gate means for a sort of hook.
fn weigh(hook: &str, gate: &Gate, inconclusive: Option<bool>) -> Answer {
    use GateStatus::{Fail, Inconclusive, Pass, Pending};
    let undecided = |usual: bool| {
        if inconclusive.unwrap_or(usual) { StatusCode::OK } else { StatusCode::CONFLICT }
    };
    let status = match (hook, gate.status) {
        ("rollback", Fail) => StatusCode::OK,
        ("rollback", Pass) => StatusCode::FORBIDDEN,
        ("rollback", _) => StatusCode::CONFLICT,
        (_, Pass) => StatusCode::OK,
        (_, Fail) => StatusCode::FORBIDDEN,
        // An analysis counts failed checks: what is not known yet is none.
        ("analysis", Pending) => StatusCode::OK,
        ("analysis", Inconclusive) => undecided(true),
        (_, Pending) => StatusCode::CONFLICT,
        (_, Inconclusive) => undecided(false),
    };
    (status, format!("{}: {}", gate.status.as_str(), gate.reason))
}

fn no(text: impl Into<String>) -> Answer {
    (StatusCode::FORBIDDEN, text.into())
}

fn inconclusive_gate(reason: &str) -> Gate {
    Gate { status: GateStatus::Inconclusive, reason: reason.to_owned(), verdict: None }
}

/// The gate of a change, with its name: people read it in Flagger's events.
fn told(judged: Judged) -> Gate {
    let reason = format!("{}: {}", judged.change.id, judged.gate.reason);
    Gate { reason, ..judged.gate }
}

/// The same, where the change may be the canary that is asked about.
fn recent(handle: &Handle, judged: Judged) -> Gate {
    let since = handle.now().duration_since(judged.change.settled_at()).unsigned_abs();
    if judged.open || since <= RECENT {
        return told(judged);
    }
    inconclusive_gate(
        "the newest change of this service is older than a day: it is not this canary",
    )
}

/// A question about a canary.
struct Asked {
    payload: Payload,
    query: BTreeMap<String, String>,
}

impl Asked {
    fn of(payload: Payload, query: BTreeMap<String, String>) -> Self {
        Self { payload, query }
    }

    /// What the hook's metadata says, or else its address.
    fn said(&self, name: &str) -> Option<&str> {
        let said = self.payload.metadata.get(name).or_else(|| self.query.get(name));
        said.map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn service(&self) -> Option<&str> {
        self.said("service").or_else(|| Some(self.payload.name.as_str()).filter(|n| !n.is_empty()))
    }

    /// The environment: said, or the only one, or the one called as the namespace.
    fn environment(&self, handle: &Handle) -> Result<crate::model::EnvironmentName, ApiError> {
        let namespace = self.payload.namespace.as_str();
        let known = handle.setup().environments.contains_key(namespace);
        let said = self.said("environment").or_else(|| known.then_some(namespace));
        gate::environment(handle, said)
    }

    /// What nobody can say means: yes, no, or as is usual for the hook.
    fn inconclusive(&self) -> Result<Option<bool>, Answer> {
        match self.said("on_inconclusive") {
            None => Ok(None),
            Some("pass") => Ok(Some(true)),
            Some("fail") => Ok(Some(false)),
            Some(_) => Err(no("`on_inconclusive` is pass or fail")),
        }
    }

    async fn before(&self, handle: &Handle) -> Result<Gate, ApiError> {
        let intent = Intent {
            service: self.service().map(Into::into),
            environment: self.environment(handle)?,
            kind: ChangeKind::Deploy,
            ignored: gate::ignored(self.said("ignore").unwrap_or_default())?,
        };
        Ok(handle.before(intent).await?.gate)
    }

    async fn judged(&self, handle: &Handle) -> Result<Option<Judged>, ApiError> {
        let environment = self.environment(handle)?;
        let newest = handle.newest(self.service(), Some(environment.as_str())).await?;
        match newest {
            Some(change) => Ok(Some(handle.judged(&change.id).await?)),
            None => Ok(None),
        }
    }
}

/// An event: a change in most cases. Flagger does not care for the answer, people who read its log do.
async fn event(
    handle: &Handle,
    uri: &Uri,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answer, Answer> {
    let posted = hooks::posted("flagger".to_owned(), String::new(), uri, headers, body);
    let posted = posted.map_err(|e| no(e.sentence()))?;
    match handle.hear(&posted).await {
        Ok(hearing) => Ok((StatusCode::OK, hooks::answer(&hearing).to_string())),
        Err(e @ (HearError::Broken(_) | HearError::NoHook(_))) => Err(no(e.to_string())),
        Err(_) => {
            Err((StatusCode::SERVICE_UNAVAILABLE, "it could not be kept, send it again".into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hook_reads_the_same_gate_in_its_own_way() {
        use GateStatus::{Fail, Inconclusive, Pass, Pending};
        for (hook, status, inconclusive, expected) in [
            ("confirm", Pass, None, 200),
            ("confirm", Fail, None, 403),
            ("confirm", Pending, None, 409),
            ("confirm", Pending, Some(true), 409),
            ("confirm", Inconclusive, None, 409),
            ("confirm", Inconclusive, Some(true), 200),
            ("analysis", Pass, None, 200),
            ("analysis", Fail, None, 403),
            ("analysis", Pending, None, 200),
            ("analysis", Inconclusive, None, 200),
            ("analysis", Inconclusive, Some(false), 409),
            // Yes is "roll back now" here.
            ("rollback", Pass, None, 403),
            ("rollback", Fail, None, 200),
            ("rollback", Pending, None, 409),
            ("rollback", Inconclusive, None, 409),
            ("rollback", Inconclusive, Some(true), 409),
        ] {
            let gate = Gate { status, reason: "why".into(), verdict: None };
            let (code, text) = weigh(hook, &gate, inconclusive);
            assert_eq!(code.as_u16(), expected, "{hook} {status:?} {inconclusive:?}");
            assert!(text.ends_with(": why"), "{text}");
        }
    }
}
