//! Where the change log is asked: a running agent, or the data file.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Context, Exit, Failed, args::Place};
use crate::{
    config,
    daemon::{DeliveryAsk, Setup, call_in, delivery, is_bare, look_up, release, touched},
    intake::native,
    model::{ChangeId, Secret},
    source::{
        agent::{AgentClient, AgentError},
        attached::Beside,
        files,
    },
    store::{ChangeFilter, MessageState, Store, StoreOptions},
    web::views::{
        ChangeView, JudgedView, LoggedView, OutboxView, ReleaseView, deliveries_view, voices_view,
    },
};

/// How often the data file is asked while waiting.
pub(super) const POLL: Duration = Duration::from_millis(500);

/// A change log.
pub(super) enum Log {
    /// Of a running agent.
    Agent(AgentClient),
    /// In a file; an agent that has it open sees what is written here.
    File(Store, Option<Box<Setup>>),
}

impl Log {
    /// Opens what the arguments say, to read: a data file must be there.
    pub(super) fn open(place: &Place, context: &Context) -> Result<Self, Failed> {
        Self::open_for(place, context, false)
    }

    /// Opens what the arguments say, to write: a data file is made where there is none.
    pub(super) fn open_to_write(place: &Place, context: &Context) -> Result<Self, Failed> {
        Self::open_for(place, context, true)
    }

    fn open_for(place: &Place, context: &Context, write: bool) -> Result<Self, Failed> {
        let url = place.url.clone().or_else(|| {
            // A data file that is named wins over an address that is only in the air.
            place.data.is_none().then(|| context.variables.get("WAYFARER_URL").cloned()).flatten()
        });
        if let Some(url) = url.filter(|u| !u.is_empty()) {
            let token = context.variables.get("WAYFARER_TOKEN").filter(|t| !t.is_empty());
            return Ok(Self::Agent(AgentClient::new(&url, token.map(Secret::new))?));
        }
        let (path, setup) = match &place.data {
            Some(path) => (path.clone(), None),
            None => {
                let found = files::find(&context.config).map_err(|e| {
                    Failed::new(Exit::Config, format!("{e}; or say --url or --data"))
                })?;
                let config = config::load_with(&found.main, &found.journeys, &Beside)
                    .map_err(|e| Failed::new(Exit::Config, e))?;
                let setup = Setup::outline(found.root, config);
                (setup.data_file(), Some(Box::new(setup)))
            }
        };
        if !write && !path.exists() {
            return Err(Failed::new(
                Exit::Trouble,
                format!(
                    "there is no data file {}: no agent has run there yet; say --url or --data",
                    path.display()
                ),
            ));
        }
        Ok(Self::File(Store::open(&path, &StoreOptions::default())?, setup))
    }

    /// Logs a change given as JSON.
    pub(super) async fn record(&self, body: &Value, context: &Context) -> Result<Value, Failed> {
        let bytes = body.to_string().into_bytes();
        match self {
            Self::Agent(agent) => Ok(agent.post("api/v1/changes", bytes).await?),
            Self::File(store, setup) => {
                let now = context.clock.now();
                let change = native::parse(&bytes, "cli", now)
                    .map_err(|e| Failed::new(Exit::Usage, format!("{e} ({})", e.hint)))?;
                if is_bare(&change) && store.change(&change.id).await?.is_none() {
                    let message =
                        "neither a service nor an environment is said: --service or --env";
                    return Err(Failed::new(Exit::Usage, message));
                }
                let recorded = store.record_change(change).await?;
                let Some(setup) = setup else {
                    return Ok(json!({ "change": ChangeView::from(&recorded.change) }));
                };
                let logged = touched(setup, recorded.change, recorded.outcome, now);
                Ok(json!(LoggedView::from(&logged)))
            }
        }
    }

    /// The newest changes.
    pub(super) async fn list(
        &self,
        service: Option<&str>,
        environment: Option<&str>,
        limit: u32,
        unplaced: bool,
    ) -> Result<Value, Failed> {
        match self {
            Self::File(store, _) if unplaced => {
                let limit = usize::try_from(limit).unwrap_or(20);
                let rows: Vec<Value> = store
                    .unplaced(None, limit)
                    .await?
                    .iter()
                    .map(|w| json!({ "change": ChangeView::from(&w.change), "hook": w.hook }))
                    .collect();
                Ok(json!({ "changes": rows }))
            }
            Self::Agent(agent) => {
                let mut path = format!("api/v1/changes?limit={limit}");
                if unplaced {
                    path.push_str("&unplaced=true");
                }
                for (name, value) in [("service", service), ("environment", environment)] {
                    if let Some(value) = value {
                        path = format!("{path}&{name}={}", encoded(value));
                    }
                }
                Ok(agent.get(&path, Duration::ZERO).await?)
            }
            Self::File(store, _) => {
                let filter = ChangeFilter {
                    service: service.map(Into::into),
                    environment: environment.map(Into::into),
                    limit: usize::try_from(limit).unwrap_or(20),
                    ..ChangeFilter::default()
                };
                let mut rows = Vec::new();
                for change in store.changes(filter).await? {
                    let Some(judged) = look_up(store, &change.id).await? else { continue };
                    rows.push(json!({
                        "change": ChangeView::from(&judged.change),
                        "verdict": judged.overall.map(|c| c.as_str()),
                        "open": judged.open,
                    }));
                }
                Ok(json!({ "changes": rows }))
            }
        }
    }

    /// What came to the hooks lately.
    pub(super) async fn deliveries(&self, hook: Option<&str>, limit: u32) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let of = hook.map_or(String::new(), |hook| format!("&hook={}", encoded(hook)));
                let path = format!("api/v1/deliveries?limit={limit}{of}");
                Ok(agent.get(&path, Duration::ZERO).await?)
            }
            Self::File(store, _) => {
                let limit = usize::try_from(limit).unwrap_or(20);
                let kept = store.deliveries(hook.map(str::to_owned), limit).await?;
                Ok(json!({ "deliveries": deliveries_view(&kept) }))
            }
        }
    }

    /// Gives a change its place that waits for one.
    pub(super) async fn place(
        &self,
        id: &str,
        service: Option<&str>,
        environment: Option<&str>,
    ) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let path = format!("api/v1/changes/{}/place", encoded(id));
                let body = json!({ "service": service, "environment": environment });
                Ok(agent.post(&path, body.to_string().into_bytes()).await?)
            }
            Self::File(store, _) => {
                let services: Vec<_> = service.map(Into::into).into_iter().collect();
                let environments: Vec<_> = environment.map(Into::into).into_iter().collect();
                let placed = call_in(store, &id.into(), &services, &environments).await?;
                let Some(placed) = placed else {
                    let message = format!("no change waits for a place under the id `{id}`");
                    return Err(Failed::new(Exit::Usage, message));
                };
                Ok(json!({ "change": ChangeView::from(&placed.change) }))
            }
        }
    }

    /// One change with everything concluded of it, who told of it, and its release.
    pub(super) async fn shown(&self, id: &str, context: &Context) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let path = format!("api/v1/changes/{}", encoded(id));
                Ok(agent.get(&path, Duration::ZERO).await?)
            }
            Self::File(store, _) => {
                let mut answer = self.judged(id, Duration::ZERO, context).await?;
                answer["told"] = json!(voices_view(&store.voices(&id.into()).await?));
                let of = answer["change"]["release"].as_str().map(str::to_owned);
                if let Some(of) = of
                    && let Some(whole) = release(store, &of).await?
                {
                    answer["release"] = json!(ReleaseView::from(&whole));
                }
                Ok(answer)
            }
        }
    }

    /// How software was delivered in a span such as `30d`.
    pub(super) async fn delivery(
        &self,
        (service, environment, span): (Option<&str>, Option<&str>, &str),
        context: &Context,
    ) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let mut path = format!("api/v1/delivery?span={span}");
                for (name, value) in [("service", service), ("environment", environment)] {
                    if let Some(value) = value {
                        path = format!("{path}&{name}={}", encoded(value));
                    }
                }
                Ok(agent.get(&path, Duration::ZERO).await?)
            }
            Self::File(store, setup) => {
                let now = context.clock.now();
                let days: i64 = span.trim_end_matches('d').parse().unwrap_or(30);
                let back = jiff::SignedDuration::from_secs(days * 86_400);
                let ask = DeliveryAsk {
                    service: service.map(Into::into),
                    environment: environment.map(Into::into),
                    from: now.checked_sub(back).unwrap_or(now),
                    to: now,
                };
                let mut report = delivery(store, setup.as_deref(), ask, now).await?;
                report.pipelines.iter_mut().for_each(|one| one.runs.clear());
                Ok(json!(report))
            }
        }
    }

    /// Messages of the outbox.
    pub(super) async fn outbox(&self, state: Option<&str>, limit: u32) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let mut path = format!("api/v1/outbox?limit={limit}");
                if let Some(state) = state {
                    path = format!("{path}&state={}", encoded(state));
                }
                Ok(agent.get(&path, Duration::ZERO).await?)
            }
            Self::File(store, _) => {
                let states = match state {
                    None => Vec::new(),
                    Some(word) => MessageState::named(word).ok_or_else(|| {
                        Failed::new(Exit::Usage, format!("there is no state `{word}`: waiting, pending, delivered, given_up, superseded, begun or unknown"))
                    })?,
                };
                let messages =
                    store.outbox_of(states, usize::try_from(limit).unwrap_or(100)).await?;
                let messages: Vec<_> = messages.iter().map(OutboxView::from).collect();
                Ok(json!({ "messages": messages }))
            }
        }
    }

    /// Has a message tried again at once.
    pub(super) async fn outbox_again(&self, id: i64, context: &Context) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                Ok(agent.post(&format!("api/v1/outbox/{id}/retry"), Vec::new()).await?)
            }
            Self::File(store, _) => {
                if store.outbox_again(id, context.clock.now()).await? {
                    return Ok(json!({ "id": id, "state": "pending" }));
                }
                let message = format!("no message {id} waits or was given up");
                Err(Failed::new(Exit::NoVerdict, message))
            }
        }
    }

    /// One change with its verdicts; waits up to `wait` while its gate is pending.
    pub(super) async fn judged(
        &self,
        id: &str,
        wait: Duration,
        context: &Context,
    ) -> Result<Value, Failed> {
        match self {
            Self::Agent(agent) => {
                let path =
                    format!("api/v1/changes/{}/verdict?wait={}ms", encoded(id), wait.as_millis());
                let until = context.clock.instant() + wait;
                loop {
                    // An agent that is restarted is worth waiting for.
                    match agent.get(&path, wait).await {
                        Err(AgentError::Unreachable { .. }) if context.clock.instant() < until => {
                            tokio::time::sleep(POLL).await;
                        }
                        answer => return Ok(answer?),
                    }
                }
            }
            Self::File(store, _) => {
                let until = context.clock.instant() + wait;
                loop {
                    let Some(judged) = look_up(store, &ChangeId::from(id)).await? else {
                        return Err(Failed::new(
                            Exit::NoVerdict,
                            format!("no change has the id `{id}`"),
                        ));
                    };
                    let pending = judged.gate.status == crate::model::GateStatus::Pending;
                    if !pending || context.clock.instant() >= until {
                        return Ok(json!(JudgedView::from(&judged)));
                    }
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }
}

/// A text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
