//! What the faces may ask of a running agent: the only way in which they write.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use thiserror::Error;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::{
    books::Budgets,
    budget::Budget,
    delivery::{DeliveryAsk, DeliveryReport, KnownLines, delivered},
    goods::Goods,
    live::{Event, Live},
    outlook::{Before, Intent, before},
    pipeline::Input,
    setup::Setup,
};
use crate::{
    clock::Clock,
    correlate,
    export::Exporter,
    model::{
        Acknowledgement, Change, ChangeId, ChangeState, Conclusion, Dismissal, EnvironmentName,
        Finding, FindingId, FindingState, Gate, GateStatus, JourneyName, SeriesKey, Verdict,
        Witness,
    },
    store::{ChangeFilter, FindingFilter, RecordOutcome, Standing, Store, StoreError},
};

/// How long a write waits for its watch to open; the change is on disk all the same.
const OPENING: Duration = Duration::from_secs(5);
/// Longest wait for a verdict in one question.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// Most dismissed findings of one change that are looked at.
const DISMISSED: usize = 1000;

/// A running agent, as its faces see it. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) exporter: Exporter,
    pub(super) live: Live,
    pub(super) goods: Goods,
    pub(super) setup: watch::Receiver<Arc<Setup>>,
    pub(super) inputs: mpsc::WeakSender<Input>,
    pub(super) budgets: watch::Receiver<Arc<Budgets>>,
    /// Rung when facts of pipelines were told.
    pub(super) told: Arc<Notify>,
    /// Pipelines as the last report saw them.
    pub(super) lines: Arc<KnownLines>,
}

/// Why a question could not be answered.
#[derive(Debug, Error)]
pub enum HandleError {
    /// Nobody logged this change.
    #[error("no change has the id `{0}`")]
    UnknownChange(ChangeId),
    /// A change that is new, and says neither what was changed nor where.
    #[error("no change has the id `{0}` yet, and neither `service` nor `environment` is said")]
    Nowhere(ChangeId),
    /// There is no such finding.
    #[error("no finding has the id `{0}`")]
    UnknownFinding(FindingId),
    /// There is no such note, or it was removed.
    #[error("the change `{0}` has no note {1}")]
    UnknownNote(ChangeId, i64),
    /// A change that cannot be undone, and why.
    #[error("{0}")]
    NotUndone(String),
    /// The agent is ending and takes nothing in any more.
    #[error("the agent is ending")]
    Ending,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a logged change.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The change as it is now, merged with what was known.
    pub change: Change,
    /// Whether it was new, added something, or was known already.
    pub outcome: RecordOutcome,
    /// Where it is watched.
    pub environments: Vec<EnvironmentName>,
    /// The journeys that touch its services: walked soon and probed denser.
    pub journeys: Vec<JourneyName>,
    /// What the sender should know, a sentence each.
    pub notes: Vec<String>,
}

/// A change with its verdicts and the answer for a pipeline.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The change.
    pub change: Change,
    /// The worst of its verdicts, without the harm that people dismissed.
    pub overall: Option<Conclusion>,
    /// Whether it is still being watched.
    pub open: bool,
    /// May it go on?
    pub gate: Gate,
    /// All verdicts.
    pub verdicts: Vec<Verdict>,
    /// The findings of it that people dismissed.
    pub dismissed: Vec<Finding>,
}

impl Handle {
    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The metrics.
    pub fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// The live stream.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// What the last good run of a series sent and got: the newest one since the agent started, or the newest that is stored.
    ///
    /// # Errors
    /// The store failed.
    pub async fn last_good(&self, series: &SeriesKey) -> Result<Option<Witness>, HandleError> {
        match self.goods.last(series) {
            Some(good) => Ok(Some(good)),
            None => Ok(self.store.last_good(series, self.now()).await?),
        }
    }

    /// The configuration that holds now.
    pub fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.setup.borrow())
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether runs are still taken in.
    pub fn is_ready(&self) -> bool {
        self.inputs.upgrade().is_some()
    }

    /// Writes a change to disk and opens its watch.
    ///
    /// # Errors
    /// The store failed; then nothing was logged.
    pub async fn record_change(&self, mut change: Change) -> Result<Logged, HandleError> {
        // Where there is but one environment, that one is meant: so it is the same change as one that a webhook tells.
        if change.environments.is_empty() && !change.services.is_empty() {
            let setup = self.setup();
            if let [only] = setup.environments.keys().collect::<Vec<_>>()[..] {
                change.environments.push(only.clone());
            }
        }
        if is_bare(&change) && self.store.change(&change.id).await?.is_none() {
            return Err(HandleError::Nowhere(change.id));
        }
        let recorded = self.store.record_change(change).await?;
        if let Some(inputs) = self.inputs.upgrade() {
            let (reply, opened) = oneshot::channel();
            if inputs.send(Input::Logged(Some(reply))).await.is_ok() {
                // Late is not lost: the watch opens when its history has been read.
                drop(tokio::time::timeout(OPENING, opened).await);
            }
        }
        Ok(touched(&self.setup(), recorded.change, recorded.outcome, self.now()))
    }

    /// Closes a finding that a person says is nothing; when this returns it is on disk.
    ///
    /// # Errors
    /// No such finding, the agent is ending, or the store failed.
    pub async fn dismiss(
        &self,
        id: FindingId,
        dismissal: Dismissal,
    ) -> Result<Finding, HandleError> {
        let inputs = self.inputs.upgrade().ok_or(HandleError::Ending)?;
        let (reply, answer) = oneshot::channel();
        let sent = inputs.send(Input::Dismiss(id, dismissal, reply)).await;
        sent.map_err(|_| HandleError::Ending)?;
        answer.await.unwrap_or(Err(HandleError::Ending))
    }

    /// Notes on findings that a person has taken them on; when this returns it is on disk.
    ///
    /// # Errors
    /// No such finding, the agent is ending, or the store failed.
    pub async fn acknowledge(
        &self,
        ids: Vec<FindingId>,
        by: Acknowledgement,
    ) -> Result<Vec<Finding>, HandleError> {
        let inputs = self.inputs.upgrade().ok_or(HandleError::Ending)?;
        let (reply, answer) = oneshot::channel();
        let sent = inputs.send(Input::Acknowledge(ids, by, reply)).await;
        sent.map_err(|_| HandleError::Ending)?;
        answer.await.unwrap_or(Err(HandleError::Ending))
    }

    /// What the settings promise of false verdicts, and what was seen of it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn budget(&self) -> Result<Budget, HandleError> {
        Ok(Budget::read(&self.store, &self.setup().settings.detect, self.now()).await?)
    }

    /// How all error budgets stood a few seconds ago.
    pub fn budgets(&self) -> Arc<Budgets> {
        Arc::clone(&self.budgets.borrow())
    }

    /// A change, its verdicts and its gate, as they stand.
    ///
    /// # Errors
    /// No such change, or the store failed.
    pub async fn judged(&self, id: &ChangeId) -> Result<Judged, HandleError> {
        let judged = look_up(&self.store, id).await?;
        let mut judged = judged.ok_or_else(|| HandleError::UnknownChange(id.clone()))?;
        if judged.change.started_at > self.now() {
            judged.gate.reason =
                format!("it has not started yet: it starts at {}", judged.change.started_at);
        }
        Ok(judged)
    }

    /// The same, where whoever makes the change waits for the answer before it can finish.
    pub fn so_far(&self, judged: Judged) -> Judged {
        let (setup, now) = (self.setup(), self.now());
        let watch = &setup.settings.watch;
        let limits = (watch.window, watch.min_runs);
        let standing = correlate::standing(&judged.verdicts, &judged.dismissed);
        let gate = correlate::so_far(judged.gate.clone(), &judged.change, &standing, limits, now);
        Judged { gate, ..judged }
    }

    /// Waits until the gate of a change is decided, at most `wait`.
    ///
    /// # Errors
    /// No such change, or the store failed.
    pub async fn wait_for(&self, id: &ChangeId, wait: Duration) -> Result<Judged, HandleError> {
        let mut events = self.live.listen();
        let id = &self.judged(id).await?.change.id;
        let deadline = tokio::time::sleep(wait.min(LONGEST_WAIT));
        tokio::pin!(deadline);
        loop {
            let judged = self.judged(id).await?;
            if judged.gate.status != GateStatus::Pending {
                return Ok(judged);
            }
            loop {
                tokio::select! {
                    () = &mut deadline => return self.judged(id).await,
                    event = events.recv() => match event {
                        Ok(Event::Verdict(verdict)) if verdict.change == *id => break,
                        Ok(Event::Finding(finding)) if finding.change.as_ref() == Some(id) => break,
                        Ok(_) => {}
                        Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => break,
                        Err(_) => return self.judged(id).await,
                    }
                }
            }
        }
    }

    /// How software was delivered in a span.
    ///
    /// # Errors
    /// The store failed.
    pub async fn delivered(&self, ask: DeliveryAsk) -> Result<DeliveryReport, HandleError> {
        let known = Arc::clone(&self.lines);
        Ok(delivered(&self.store, Some(&self.setup()), known, (ask, self.now())).await?)
    }

    /// May this be deployed now?
    ///
    /// # Errors
    /// The store failed.
    pub async fn before(&self, intent: Intent) -> Result<Before, HandleError> {
        Ok(before(&self.store, &self.setup(), intent, self.now()).await?)
    }

    /// The newest change of a service, of an environment, or of both, that has started.
    ///
    /// # Errors
    /// The store failed.
    pub async fn newest(
        &self,
        service: Option<&str>,
        environment: Option<&str>,
    ) -> Result<Option<Change>, HandleError> {
        let filter = ChangeFilter {
            service: service.map(Into::into),
            environment: environment.map(Into::into),
            until: self.now().checked_add(Duration::from_secs(1)).ok(),
            limit: 1,
            ..ChangeFilter::default()
        };
        Ok(self.store.changes(filter).await?.into_iter().next())
    }
}

/// Whether a change says neither what was changed nor where: the second call for a known one.
pub fn is_bare(change: &Change) -> bool {
    change.services.is_empty() && change.environments.is_empty()
}

/// A change with everything the store knows of it; none if nobody logged it.
///
/// # Errors
/// The store failed.
pub async fn look_up(store: &Store, id: &ChangeId) -> Result<Option<Judged>, StoreError> {
    let Some(change) = store.change(id).await? else { return Ok(None) };
    // It may have been asked for by the id that another sender gave it.
    let id = &change.id.clone();
    // First whether it is open, then the verdicts: both are written together, so that what is closed is read with its last word.
    let mut open = is_watched(store, id).await?;
    if !open {
        // Logged, but no agent has dealt with it yet: its verdicts are still to come. Or one has since we looked.
        let unseen = store.changes_since(store.change_cursor().await?).await?;
        open = unseen.iter().any(|(_, change)| change.id == *id) || is_watched(store, id).await?;
    }
    let standing = Standing { worst: None, open, dismissed: true };
    Ok(Some(judged(store, change, standing).await?))
}

/// The same of a change of which is known how it stands.
///
/// # Errors
/// The store failed.
pub(super) async fn judged(
    store: &Store,
    change: Change,
    Standing { open, dismissed: any, .. }: Standing,
) -> Result<Judged, StoreError> {
    let verdicts = store.verdicts(&change.id).await?;
    let dismissed = if any { dismissed(store, &change.id).await? } else { Vec::new() };
    let gate = correlate::gate(&verdicts, &dismissed, open);
    let overall = gate.verdict;
    Ok(Judged { change, overall, open, gate, verdicts, dismissed })
}

/// Whether a watch of a change is open.
async fn is_watched(store: &Store, id: &ChangeId) -> Result<bool, StoreError> {
    Ok(store.watches(id).await?.iter().any(|watch| watch.closed_at.is_none()))
}

/// What people dismissed of a change.
async fn dismissed(store: &Store, id: &ChangeId) -> Result<Vec<Finding>, StoreError> {
    let filter = FindingFilter {
        state: Some(FindingState::Dismissed),
        change: Some(id.clone()),
        limit: DISMISSED,
        ..FindingFilter::default()
    };
    store.findings(filter).await
}

/// Which journeys a change touches, and what its sender should know.
pub fn touched(setup: &Setup, change: Change, outcome: RecordOutcome, now: Timestamp) -> Logged {
    let environments = setup.environments_of(&change);
    let mut journeys = Vec::new();
    for environment in &environments {
        for scheduled in setup.journeys_in(environment) {
            let name = &scheduled.journey.name;
            if setup.maps_to(&change, &scheduled.journey) && !journeys.contains(name) {
                journeys.push(name.clone());
            }
        }
    }
    let mut notes = unmapped(setup, &change);
    if journeys.is_empty() && !environments.is_empty() {
        notes.push("the journeys of the environment are judged at their usual pace".to_owned());
    }
    if change.started_at > now {
        notes.push(format!("it starts in the future; its watch opens at {}", change.started_at));
    }
    if let Some(finished) = change.finished_at.filter(|at| *at > now) {
        notes.push(format!(
            "it is said to finish at {finished}: it is watched until well after that"
        ));
    }
    if change.state == ChangeState::Started {
        notes.push(format!(
            "it is watched from its start; say when it has finished, with the same id (`{}`)",
            change.id
        ));
    }
    Logged { change, outcome, environments, journeys, notes }
}

/// What of a change nothing here knows: environments that are not configured, services that no journey touches.
pub fn unmapped(setup: &Setup, change: &Change) -> Vec<String> {
    let mut notes = Vec::new();
    for name in change.environments.iter().filter(|name| !setup.environments.contains_key(*name)) {
        notes.push(format!(
            "no environment is called `{name}` here: the change is kept but not watched there"
        ));
    }
    for service in &change.services {
        let watched = setup
            .journeys
            .values()
            .any(|scheduled| setup.reach(&scheduled.journey.services).contains(service));
        if !watched {
            notes.push(format!(
                "no journey touches the service `{service}`: name it in `services` of a journey or of a step"
            ));
        }
    }
    notes
}
