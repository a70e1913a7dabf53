//! May this change go on, may something be deployed? Always 200 with a JSON document, because pipelines read status codes each in
//! their own way: Argo Rollouts takes any other status for a failed measurement, and an empty body for success.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{
        Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{HeaderMap, header},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{changes::known, query};
use crate::{
    daemon::{Handle, HandleError, Intent},
    model::{ChangeId, ChangeKind, EnvironmentName, Gate, GateStatus, Obstacle},
    web::{ApiError, auth::Caller, gate::GateDocument},
};

const WHICH: &str = "ask with change=ID, with service= and environment= for the newest one, or with before=true before a deployment";

/// What is asked.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GateQuery {
    /// Which change, by its id.
    change: Option<String>,
    /// Or the newest of this service.
    service: Option<String>,
    /// In this environment.
    environment: Option<String>,
    /// How long to wait while the answer is pending.
    wait: Option<String>,
    /// Nothing is deployed yet: may it be?
    before: Option<bool>,
    /// A change under way that has done no harm so far may go on: it finishes only after this answer.
    so_far: Option<bool>,
    /// Before a deployment: of what kind it will be.
    kind: Option<String>,
    /// Before a deployment: what shall not stand in its way, such as `finding,budget`.
    ignore: Option<String>,
}

impl GateQuery {
    /// What was asked in the query wins over what stands in a body.
    fn or(self, other: Self) -> Self {
        Self {
            change: self.change.or(other.change),
            service: self.service.or(other.service),
            environment: self.environment.or(other.environment),
            wait: self.wait.or(other.wait),
            before: self.before.or(other.before),
            so_far: self.so_far.or(other.so_far),
            kind: self.kind.or(other.kind),
            ignore: self.ignore.or(other.ignore),
        }
    }
}

/// `GET /api/v1/gate?change=ID`, `?service=&environment=` for the newest change there, `?before=true&service=&environment=`.
pub(crate) async fn ask(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    query: Result<Query<GateQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    answer(&handle, (caller, &headers), known(query)?).await
}

/// The same by POST, for those that cannot GET: the parameters may stand in a JSON body.
pub(crate) async fn post(
    State(handle): State<Handle>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    query: Result<Query<GateQuery>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Value>, ApiError> {
    let query = known(query)?;
    let body =
        body.map_err(|_| ApiError::bad_request("the body could not be read", "send it whole"))?;
    // A pipeline stage without a payload may send one all the same.
    if body.iter().all(u8::is_ascii_whitespace) || body.trim_ascii() == b"null" {
        return answer(&handle, (caller, &headers), query).await;
    }
    let asked: GateQuery = serde_json::from_slice(&body)
        .map_err(|e| ApiError::bad_request(format!("the body is not what is asked: {e}"), WHICH))?;
    answer(&handle, (caller, &headers), query.or(asked)).await
}

async fn answer(
    handle: &Handle,
    (caller, headers): (Caller, &HeaderMap),
    query: GateQuery,
) -> Result<Json<Value>, ApiError> {
    let wait = query::duration("wait", query.wait.as_deref())?;
    let base = base(handle, headers);
    if query.before == Some(true) {
        let intent = intent(handle, query)?;
        let before = handle.before(intent).await?;
        return Ok(Json(json!(GateDocument::before(&before, handle.now(), base.as_deref()))));
    }
    let id: ChangeId = match (query.change, query.service, query.environment) {
        (Some(id), None, None) => id.into(),
        (None, None, None) | (Some(_), _, _) => {
            return Err(ApiError::bad_request(
                "the gate needs to know which change is meant",
                WHICH,
            ));
        }
        (None, service, environment) => {
            match handle.newest(service.as_deref(), environment.as_deref()).await? {
                Some(change) => change.id,
                None => return Ok(nothing(handle, "no such change was logged".to_owned())),
            }
        }
    };
    let judged = match handle.wait_for(&id, wait).await {
        // A pipeline that asks for what nobody logged gets an answer that it can read.
        Err(e @ HandleError::UnknownChange(_)) => return Ok(nothing(handle, e.to_string())),
        judged => judged?,
    };
    let judged = if query.so_far == Some(true) { handle.so_far(judged) } else { judged };
    handle.answered(&judged, caller.name, &program(headers));
    let least = handle.setup().settings.watch.min_runs;
    Ok(Json(json!(GateDocument::of(&judged, least, handle.now(), base.as_deref()))))
}

/// The program that asks, by its own word: `curl`, `argo-rollouts`.
pub(crate) fn program(headers: &HeaderMap) -> String {
    let said = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let name = said.and_then(|agent| agent.split(['/', ' ', '(']).next()).unwrap_or_default();
    let plain = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c));
    let name: String = plain.take(40).collect();
    if name.is_empty() { "api".to_owned() } else { name }
}

fn nothing(handle: &Handle, reason: String) -> Json<Value> {
    let gate = Gate { status: GateStatus::Inconclusive, reason, verdict: None };
    Json(json!(GateDocument::bare(&gate, handle.now())))
}

/// Where people find the agent: as configured, or as whoever asks has found it.
pub(crate) fn base(handle: &Handle, headers: &HeaderMap) -> Option<String> {
    let configured = handle.setup().settings.agent.public_url.clone();
    configured.or_else(|| {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        (!host.is_empty() && host.chars().all(plain)).then(|| format!("http://{host}"))
    })
}

fn intent(handle: &Handle, query: GateQuery) -> Result<Intent, ApiError> {
    if query.change.is_some() {
        return Err(ApiError::bad_request(
            "`change` is said, but before a deployment there is none",
            "ask with before=true, service= and environment=",
        ));
    }
    let kind = query.kind.as_deref().unwrap_or("deploy").parse::<ChangeKind>();
    Ok(Intent {
        service: query.service.filter(|s| !s.is_empty()).map(Into::into),
        environment: environment(handle, query.environment.as_deref())?,
        kind: kind.map_err(|e| ApiError::bad_request(e, "kind=deploy is the usual one"))?,
        ignored: ignored(query.ignore.as_deref().unwrap_or_default())?,
    })
}

/// The environment that is meant: the only one needs no name.
pub(crate) fn environment(
    handle: &Handle,
    said: Option<&str>,
) -> Result<EnvironmentName, ApiError> {
    let setup = handle.setup();
    let names: Vec<&str> = setup.environments.keys().map(|name| name.as_str()).collect();
    match (said, names.as_slice()) {
        (Some(name), _) if names.contains(&name) => Ok(name.into()),
        (Some(name), _) => Err(ApiError::bad_request(
            format!("no environment is called `{name}` here"),
            format!("environments: {}", names.join(", ")),
        )),
        (None, [only]) => Ok((*only).into()),
        (None, _) => Err(ApiError::bad_request(
            "`environment` is not said, and there are several",
            format!("environments: {}", names.join(", ")),
        )),
    }
}

/// What shall not stand in the way.
pub(crate) fn ignored(text: &str) -> Result<Vec<Obstacle>, ApiError> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    let known = words.map(|word| {
        Obstacle::ALL.iter().copied().find(|o| o.as_str() == word).ok_or_else(|| {
            ApiError::bad_request(
                format!("`ignore` names `{word}`"),
                "a list of freeze, finding, budget",
            )
        })
    });
    known.collect()
}
