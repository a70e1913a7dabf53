//! Hooks: who may tell what, and what becomes of it.

use std::collections::BTreeMap;

use thiserror::Error;
use tracing::{info, warn};

use super::{
    handle::{Handle, HandleError},
    pipeline::Input,
    setup::{HookSecrets, Setup},
};
use crate::{
    intake::{
        self, Delivery, Headers, Heard, IntakeFault, Known, Placing, Proof, Said, Sender, Tidings,
    },
    model::{Change, ChangeId, EnvironmentName, HookDefaults, Secret, ServiceName},
    render::Mask,
    store::{KeptDelivery, RecordOutcome, Recorded, Store, StoreError, Telling},
};

/// Most bytes of a body that are kept.
const KEPT: usize = 32 * 1024;
/// Most changes without a place that one rule is tried on at once.
const WAITING: usize = 10_000;

/// A request to a hook.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The hook's name.
    pub hook: String,
    /// What follows it in the path.
    pub rest: String,
    /// Its query.
    pub query: BTreeMap<String, String>,
    /// Its headers.
    pub headers: Headers,
    /// Its body, as it came.
    pub body: Vec<u8>,
}

/// Why a request to a hook came to nothing.
#[derive(Debug, Error)]
pub enum HearError {
    /// There is no such hook, and no sender of that name.
    #[error("there is no hook `{0}`")]
    NoHook(String),
    /// The signature or token is missing or wrong.
    #[error("the signature or token is missing or wrong")]
    NotProven,
    /// The hook asks for nothing, so the caller must show a token of the API.
    #[error("this hook has no secret")]
    Open,
    /// The body is not what its sender would send.
    #[error(transparent)]
    Broken(#[from] IntakeFault),
    /// The store failed.
    #[error(transparent)]
    Handle(#[from] HandleError),
}

/// What became of a delivery.
#[derive(Debug, Clone, Default)]
pub struct Hearing {
    /// Changes as they stand now, and whether they were new.
    pub changes: Vec<(Change, RecordOutcome)>,
    /// The ids under which they were told.
    pub told: Vec<ChangeId>,
    /// Changes that wait for a place.
    pub unplaced: Vec<ChangeId>,
    /// How many facts of pipelines and incidents.
    pub facts: usize,
    /// What was passed over, and why.
    pub ignored: Vec<String>,
}

impl Hearing {
    /// What became of it, in a word and in a sentence.
    pub(super) fn outcome(&self) -> (&'static str, String) {
        if let Some((change, outcome)) = self.changes.first() {
            let how = match outcome {
                RecordOutcome::New => "new",
                RecordOutcome::Merged => "added to",
                RecordOutcome::Same => "known",
            };
            return ("change", format!("{how}: {}", change.id));
        }
        if let Some(id) = self.unplaced.first() {
            return ("unplaced", format!("neither service and environment nor a rule: {id}"));
        }
        if self.facts > 0 {
            return ("fact", String::new());
        }
        ("ignored", self.ignored.first().cloned().unwrap_or_default())
    }
}

/// The hook of a name: its settings, or a sender of that name with none.
struct Hook<'s> {
    sender: &'static Sender,
    defaults: HookDefaults,
    secrets: Option<&'s HookSecrets>,
}

fn hook<'s>(setup: &'s Setup, name: &str) -> Option<Hook<'s>> {
    match setup.settings.hooks.get(name) {
        Some(settings) => Some(Hook {
            sender: intake::sender(&settings.sender)?,
            defaults: settings.defaults.clone(),
            secrets: setup.hooks.get(name),
        }),
        None => Some(Hook {
            sender: intake::sender(name)?,
            defaults: HookDefaults::default(),
            secrets: None,
        }),
    }
}

impl Handle {
    /// Whether the sender of a request to a hook proves itself, and what follows a token in its path. `Open` where the hook asks for
    /// no proof: whoever asks then needs what any write needs.
    ///
    /// # Errors
    /// No such hook, no proof, or none asked for.
    pub fn proven(&self, posted: &Posted) -> Result<String, HearError> {
        let setup = self.setup();
        let hook =
            hook(&setup, &posted.hook).ok_or_else(|| HearError::NoHook(posted.hook.clone()))?;
        let (secret, token) = hook
            .secrets
            .map_or((None, None), |secrets| (secrets.secret.as_ref(), secrets.token.as_ref()));
        if secret.is_none() && token.is_none() {
            return Err(HearError::Open);
        }
        let now = self.now();
        if let Some(rest) = token.and_then(|token| behind(token, &posted.rest)) {
            return Ok(rest);
        }
        let holds = |proof: &Proof, secret: &Secret| {
            proof.holds(secret.expose(), &posted.headers, &posted.body, now)
        };
        let signed =
            secret.is_some_and(|secret| hook.sender.proofs.iter().any(|p| holds(p, secret)));
        let shown = token.is_some_and(|token| {
            let places = hook.sender.proofs.iter().filter(|p| matches!(p, Proof::Plain(_)));
            places.chain(&[Proof::Authorization]).any(|proof| holds(proof, token))
        });
        if signed || shown {
            return Ok(posted.rest.clone());
        }
        self.exporter.hook_delivery(&posted.hook, "refused");
        Err(HearError::NotProven)
    }

    /// Takes in what a sender says; when this returns it is on disk. Who sent it was checked before.
    ///
    /// # Errors
    /// No such hook, a body that cannot be read, or the store failed.
    pub async fn hear(&self, posted: &Posted) -> Result<Hearing, HearError> {
        let setup = self.setup();
        let hook =
            hook(&setup, &posted.hook).ok_or_else(|| HearError::NoHook(posted.hook.clone()))?;
        let known = known(&setup, hook.defaults, &posted.query);
        let delivery = self.delivery(posted, &known);
        let heard = match (hook.sender.read)(&delivery) {
            Ok(heard) => heard,
            Err(fault) => {
                warn!(hook = %posted.hook, "hook.broken: {fault}");
                self.keep(posted, None, ("broken", fault.to_string()));
                return Err(fault.into());
            }
        };
        let event = heard.event.clone();
        let hearing = self.take_in(heard, &known, &posted.hook).await?;
        self.keep(posted, event, hearing.outcome());
        Ok(hearing)
    }

    /// What the callers of this sender's API expect to be answered; none where our own answer will do.
    pub fn answer(&self, posted: &Posted, hearing: &Hearing) -> Option<(u16, serde_json::Value)> {
        let setup = self.setup();
        let hook = hook(&setup, &posted.hook)?;
        let known = known(&setup, hook.defaults, &posted.query);
        let told: Vec<ChangeId> = hearing.told.iter().chain(&hearing.unplaced).cloned().collect();
        (hook.sender.answer)(&self.delivery(posted, &known), &told)
    }

    /// A request as readers take it.
    pub(super) fn delivery<'a>(&self, posted: &'a Posted, known: &'a Known) -> Delivery<'a> {
        Delivery {
            hook: &posted.hook,
            headers: &posted.headers,
            query: &posted.query,
            rest: posted.rest.trim_matches('/'),
            body: &posted.body,
            known,
            received_at: self.now(),
        }
    }

    /// Takes in what was read elsewhere.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take_in(
        &self,
        heard: Heard,
        known: &Known,
        hook: &str,
    ) -> Result<Hearing, HandleError> {
        let now = self.now();
        let mut hearing = Hearing::default();
        for said in heard.said {
            match said {
                Said::Change(tidings) => {
                    self.change_heard(*tidings, known, hook, &mut hearing).await?;
                }
                Said::Pipeline(mut fact) => {
                    fact.service = fact.service.or_else(|| known.defaults.service.clone());
                    self.store.record_pipeline(*fact, now).await?;
                    hearing.facts += 1;
                }
                Said::Incident(mut fact) => {
                    fact.service = fact.service.or_else(|| known.defaults.service.clone());
                    fact.environment =
                        fact.environment.or_else(|| known.defaults.environment.clone());
                    self.store.record_incident(*fact, now).await?;
                    hearing.facts += 1;
                }
                Said::Ignored(reason) => hearing.ignored.push(reason),
            }
        }
        if hearing.facts > 0 {
            self.told.notify_one();
        }
        if !hearing.changes.is_empty()
            && let Some(inputs) = self.inputs.upgrade()
        {
            // The watch opens soon; a sender does not wait for it. A full queue looks at the log once a second anyway.
            drop(inputs.try_send(Input::Logged(None)));
        }
        Ok(hearing)
    }

    async fn change_heard(
        &self,
        tidings: Tidings,
        known: &Known,
        hook: &str,
        hearing: &mut Hearing,
    ) -> Result<(), HandleError> {
        let Tidings { mut change, reports, loose, replaces, follows } = tidings;
        if follows && self.store.change(&change.id).await?.is_none() {
            hearing.ignored.push("it failed before it changed anything".to_owned());
            return Ok(());
        }
        let as_told = change.clone();
        let setup = self.setup();
        match intake::place(&mut change, known, &setup.settings.place) {
            Placing::Dropped => {
                hearing.ignored.push("a rule of [[place]] says that it is none of ours".to_owned());
                return Ok(());
            }
            // What is known under this id has its place already.
            Placing::Unplaced if self.store.change(&change.id).await?.is_none() => {
                info!(hook, change = %change.id, "change.unplaced");
                if replaces {
                    self.store.drop_unplaced(change.id.to_string()).await?;
                }
                self.store.keep_unplaced(hook.to_owned(), as_told, self.now()).await?;
                hearing.unplaced.push(change.id);
                return Ok(());
            }
            Placing::Unplaced | Placing::Placed => {}
        }
        let id = change.id.clone();
        let (services, environments) = (change.services.clone(), change.environments.clone());
        let told = Telling { change, reports, loose, replaces };
        let mut recorded = self.store.record_telling(told).await?;
        if let Some(late) = call_in(&self.store, &id, &services, &environments).await? {
            recorded = late;
        }
        hearing.told.push(id);
        hearing.changes.push((recorded.change, recorded.outcome));
        Ok(())
    }

    /// Gives a change its place by hand.
    ///
    /// # Errors
    /// Nothing waits under this id, or the store failed.
    pub async fn place(
        &self,
        id: &ChangeId,
        services: &[ServiceName],
        environments: &[EnvironmentName],
    ) -> Result<Change, HandleError> {
        let recorded = call_in(&self.store, id, services, environments).await?;
        let recorded = recorded.ok_or_else(|| HandleError::UnknownChange(id.clone()))?;
        if let Some(inputs) = self.inputs.upgrade() {
            drop(inputs.try_send(Input::Logged(None)));
        }
        Ok(recorded.change)
    }

    /// Tries the rules of the configuration on everything that has no place; how many changes have one now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn place_waiting(&self) -> Result<usize, HandleError> {
        let setup = self.setup();
        let mut placed = std::collections::BTreeSet::new();
        for waiting in self.store.unplaced(None, WAITING).await? {
            let defaults = hook(&setup, &waiting.hook).map(|hook| hook.defaults);
            let known = known(&setup, defaults.unwrap_or_default(), &BTreeMap::new());
            let mut change = waiting.change;
            let id = change.id.clone();
            match intake::place(&mut change, &known, &setup.settings.place) {
                Placing::Unplaced => {}
                Placing::Dropped => {
                    self.store.drop_unplaced(id.to_string()).await?;
                }
                Placing::Placed => {
                    call_in(&self.store, &id, &change.services, &change.environments).await?;
                    placed.insert(id);
                }
            }
        }
        if !placed.is_empty() {
            info!(changes = placed.len(), "change.placed: rules found a place for what waited");
        }
        Ok(placed.len())
    }

    /// Keeps a delivery for a while, so that people can see what came. That this fails delays nobody.
    pub(super) fn keep(&self, posted: &Posted, event: Option<String>, outcome: (&str, String)) {
        let (word, note) = outcome;
        self.exporter.hook_delivery(&posted.hook, word);
        let kept = KeptDelivery {
            id: 0,
            at: self.now(),
            hook: posted.hook.clone(),
            event,
            outcome: word.to_owned(),
            note,
            bytes: posted.body.len(),
            body: self.without_secrets(&intake::masked(&posted.body, KEPT)),
        };
        if let Err(e) = self.store.keep_delivery(kept) {
            warn!(error = %e, "hook.unkept: what came could not be kept");
        }
    }

    /// A text without any secret that is configured here.
    fn without_secrets(&self, text: &str) -> String {
        let setup = self.setup();
        let hooks = setup.hooks.values();
        let shown = hooks.flat_map(|hook| [&hook.secret, &hook.token, &hook.forward]).flatten();
        let secrets = shown
            .chain(setup.tokens.iter().map(|token| &token.value))
            .chain(setup.environments.values().flat_map(|e| e.secrets.values()));
        Mask::new(secrets.map(Secret::expose)).apply(text)
    }

    /// What is known here that helps to read a sender without a hook of its own.
    pub fn known(&self, hook_name: &str, query: &BTreeMap<String, String>) -> Known {
        let setup = self.setup();
        let defaults = hook(&setup, hook_name).map(|hook| hook.defaults).unwrap_or_default();
        known(&setup, defaults, query)
    }
}

/// What was told before under this id and had no place, has this one now. None where nothing waits.
///
/// # Errors
/// The store failed.
pub async fn call_in(
    store: &Store,
    id: &ChangeId,
    services: &[ServiceName],
    environments: &[EnvironmentName],
) -> Result<Option<Recorded>, StoreError> {
    let mut last = None;
    for waiting in store.unplaced(Some(id.to_string()), WAITING).await? {
        let mut change = waiting.change;
        if change.services.is_empty() {
            change.services = services.to_vec();
        }
        if change.environments.is_empty() {
            change.environments = environments.to_vec();
        }
        last = Some(store.record_telling(change.into()).await?);
    }
    if last.is_some() {
        store.drop_unplaced(id.to_string()).await?;
    }
    Ok(last)
}

/// What is known here; the query of a request wins over what its hook fills in.
pub(super) fn known(
    setup: &Setup,
    mut defaults: HookDefaults,
    query: &BTreeMap<String, String>,
) -> Known {
    let mut known = Known {
        services: setup
            .journeys
            .values()
            .flat_map(|scheduled| scheduled.journey.services.iter().cloned())
            .chain(setup.settings.services.keys().cloned())
            .collect(),
        environments: setup.environments.keys().cloned().collect(),
        defaults: defaults.clone(),
    };
    let said = |name: &str| query.get(name).filter(|text| !text.trim().is_empty());
    if let Some(service) = said("service").and_then(|text| known.service(text)) {
        defaults.service = Some(service);
    }
    if let Some(environment) = said("environment").and_then(|text| known.environment(text)) {
        defaults.environment = Some(environment);
    }
    known.defaults = defaults;
    known
}

/// What follows a token at the beginning or end of a path; senders that cannot set a header show it there.
fn behind(token: &Secret, rest: &str) -> Option<String> {
    let rest = rest.trim_matches('/');
    let parts: Vec<&str> = rest.split('/').collect();
    let at = parts.iter().position(|part| {
        let plain = percent_encoding::percent_decode_str(part).decode_utf8_lossy();
        intake::same(plain.as_bytes(), token.expose().as_bytes())
    })?;
    let others = parts.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, part)| *part);
    Some(others.collect::<Vec<_>>().join("/"))
}
