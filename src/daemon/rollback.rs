//! Rollbacks: who may order one, when the agent does it by itself, and what follows from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use tracing::{info, warn};

use super::{
    handle::{Handle, HandleError, look_up},
    setup::Setup,
};
use crate::{
    alert::{Circumstances, sure},
    correlate,
    model::{
        Change, ChangeId, ChangeKind, ChangeState, Commit, Conclusion, Finding, OUR_WORD, Parcel,
        RollbackMode, RollbackOrder, RollbackRecord, RollbackSettings, RollbackState, Verdict,
    },
    store::{ChangeFilter, NewMessage, Ordered, Store, StoreError},
};

/// Most changes that are looked at for one that is in the way.
const MOST: usize = 1000;
/// A change may be under way for so long before it stops being in the way.
const UNDER_WAY: Duration = Duration::from_secs(24 * 3600);

/// What a person asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollbackAsk {
    /// Who: the name of their token.
    pub by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// Even though something newer was deployed.
    pub force: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What was done about it, one for each hook.
#[derive(Debug, Clone, PartialEq)]
pub struct RollbackAnswer {
    /// The order, and how it stands.
    pub record: RollbackRecord,
    /// Whether it is new; an old one is not fired again.
    pub new: bool,
}

impl Handle {
    /// Orders that a change be undone; when this returns the order is on disk, and it is fired within a second.
    ///
    /// # Errors
    /// No such change, nothing that undoes it, something newer in its place, or the store failed.
    pub async fn roll_back(
        &self,
        id: &ChangeId,
        ask: RollbackAsk,
    ) -> Result<Vec<RollbackAnswer>, HandleError> {
        roll_back(&self.store, &self.setup(), id, ask, self.now()).await
    }
}

/// Orders that a change be undone.
///
/// # Errors
/// As [`Handle::roll_back`].
pub async fn roll_back(
    store: &Store,
    setup: &Setup,
    id: &ChangeId,
    ask: RollbackAsk,
    now: Timestamp,
) -> Result<Vec<RollbackAnswer>, HandleError> {
    let judged = look_up(store, id).await?;
    let judged = judged.ok_or_else(|| HandleError::UnknownChange(id.clone()))?;
    let change = &judged.change;
    let hooks: Vec<&RollbackSettings> =
        setup.settings.rollbacks.iter().filter(|hook| hook.undoes(change)).collect();
    let refuse = |why: String| Err(HandleError::NotUndone(why));
    if hooks.is_empty() {
        return refuse(format!(
            "no [[rollback]] undoes {}: none is of its service and environment",
            change.id
        ));
    }
    if hooks.iter().all(|hook| hook.mode == RollbackMode::Off) {
        return refuse("its [[rollback]] is switched off".to_owned());
    }
    let earlier = store.rollbacks(&change.id).await?;
    let mut answers = Vec::new();
    for hook in hooks.into_iter().filter(|hook| hook.mode != RollbackMode::Off) {
        let fired =
            |r: &&RollbackRecord| r.order.hook == hook.name && r.state != RollbackState::DryRun;
        if let Some(record) = earlier.iter().find(fired) {
            answers.push(RollbackAnswer { record: record.clone(), new: false });
            continue;
        }
        if !ask.force {
            if change.kind == ChangeKind::Rollback {
                return refuse("it is a rollback itself; say `force` to undo it".to_owned());
            }
            if let Some(newer) = newer(store, change, hook).await? {
                return refuse(format!(
                    "{newer} was deployed since; say `force` to go back all the same"
                ));
            }
        }
        let by = ask.by.clone().unwrap_or_else(|| "somebody".to_owned());
        let reason = ask.reason.clone().unwrap_or_else(|| judged.gate.reason.clone());
        let mut order = order(hook, change, reason, by, now);
        if order.environments.is_empty() {
            order.environments = setup.environments_of(change);
        }
        lead_back(store, &mut order).await?;
        let only_said = ask.dry_run || hook.mode == RollbackMode::DryRun;
        let state = if only_said { RollbackState::DryRun } else { RollbackState::Ordered };
        let record = RollbackRecord { order: order.clone(), state, error: None, settled_at: None };
        let answer = if ask.dry_run {
            RollbackAnswer { record, new: true }
        } else {
            match store.order_rollback(order.clone(), message(&order, only_said)).await? {
                Ordered::New => {
                    warn!(change = %change.id, hook = hook.name, by = order.by, state = state.as_str(), "rollback.ordered: {}", order.reason);
                    RollbackAnswer { record, new: true }
                }
                Ordered::Known(record) => RollbackAnswer { record: *record, new: false },
            }
        };
        answers.push(answer);
    }
    Ok(answers)
}

/// What was deployed of the service after a change.
async fn newer(
    store: &Store,
    change: &Change,
    hook: &RollbackSettings,
) -> Result<Option<ChangeId>, StoreError> {
    let filter = ChangeFilter {
        service: Some(hook.service.clone()),
        since: Some(change.started_at),
        limit: MOST,
        ..ChangeFilter::default()
    };
    let places = hook.places(change);
    let newer = store.changes(filter).await?.into_iter().find(|other| {
        other.id != change.id
            && other.started_at > change.started_at
            && matches!(other.kind, ChangeKind::Deploy | ChangeKind::Rollback)
            && (places.is_empty() || places.iter().any(|place| other.touches(place)))
    });
    Ok(newer.map(|other| other.id))
}

fn order(
    hook: &RollbackSettings,
    change: &Change,
    reason: String,
    by: String,
    at: Timestamp,
) -> RollbackOrder {
    RollbackOrder {
        id: ChangeId::new(format!("rollback-{}-{}", hook.name, change.id)),
        hook: hook.name.clone(),
        change: change.clone(),
        service: hook.service.clone(),
        to_commit: None,
        environments: hook.places(change),
        reason,
        automatic: by == OUR_WORD,
        by,
        at,
    }
}

/// Says what to go back to: what the log has as deployed before the change, where all the environments had the same and nobody said it before.
async fn lead_back(store: &Store, order: &mut RollbackOrder) -> Result<(), StoreError> {
    let Ok(before) = order.change.started_at.checked_sub(Duration::from_micros(1)) else {
        return Ok(());
    };
    let mut found = BTreeSet::new();
    for place in &order.environments {
        let deployed = store.deployed(place, before).await?.remove(&order.service);
        found.insert(
            deployed.map(|d| (Some(d.version).filter(|v| d.commit.as_ref() != Some(v)), d.commit)),
        );
    }
    let (Some(Some((version, commit))), None) = (found.pop_first(), found.pop_first()) else {
        return Ok(());
    };
    let change = &mut order.change;
    // The same deployed once more tells nothing of what was before.
    if version.is_some() && version == change.version {
        return Ok(());
    }
    match &change.previous_version {
        Some(said) if version.as_ref() != Some(said) => {}
        _ => {
            change.previous_version = version;
            let again = change.commits.last().map(|newest| &newest.id) == commit.as_ref();
            order.to_commit = commit.filter(|_| !again);
        }
    }
    Ok(())
}

/// The message that carries an order: its key is that of the change and the hook, so that there is never a second one.
fn message(order: &RollbackOrder, only_said: bool) -> Option<NewMessage> {
    if only_said {
        return None;
    }
    let body = Parcel::Rollback(Box::new(order.clone())).to_body().ok()?;
    Some(NewMessage {
        key: format!("rollback/{}/{}", order.hook, order.change.id),
        receiver: format!("{}{}", crate::model::ROLLBACK_RECEIVER, order.hook),
        thread: None,
        body,
        created_at: order.at,
        next_try_at: order.at,
    })
}

/// What the agent undoes by itself.
#[derive(Default)]
pub(super) struct Undo {
    /// By change and hook: nothing is left to think of.
    settled: BTreeSet<(ChangeId, String)>,
    /// Why not, as it was last said.
    held: BTreeMap<(ChangeId, String), String>,
}

impl Undo {
    /// Orders a rollback where a change did harm and the agent is sure; gives whether there is a message now.
    ///
    /// # Errors
    /// The store failed: it is thought of again with the next run.
    pub(super) async fn look(
        &mut self,
        store: &Store,
        setup: &Setup,
        change: &Change,
        (verdicts, dismissed): (&[Verdict], &[Finding]),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let alone = |hook: &&RollbackSettings| {
            matches!(hook.mode, RollbackMode::Automatic | RollbackMode::DryRun)
        };
        let harmful = verdicts.iter().any(|v| v.conclusion == Conclusion::Regressed);
        let hooks =
            setup.settings.rollbacks.iter().filter(alone).filter(|hook| hook.undoes(change));
        let mut ordered = false;
        for hook in hooks.filter(|_| harmful) {
            let key = (change.id.clone(), hook.name.clone());
            if self.settled.contains(&key) {
                continue;
            }
            let since = change.started_at.checked_sub(UNDER_WAY).ok();
            let filter = ChangeFilter { since, limit: MOST, ..ChangeFilter::default() };
            let others = store.changes(filter).await?;
            let standing = correlate::standing(verdicts, dismissed);
            let places = hook.places(change);
            let circumstances = Circumstances {
                change,
                verdicts: &standing,
                environments: &places,
                others: &others,
                window: setup.settings.watch.window,
            };
            match sure(circumstances, now) {
                Err(why) => {
                    if self.held.get(&key) != Some(&why) {
                        info!(change = %change.id, hook = hook.name, "rollback.held: {why}");
                        self.held.insert(key, why);
                    }
                }
                Ok(sure) => {
                    let mut order = order(hook, change, sure.reason, OUR_WORD.to_owned(), now);
                    order.environments = sure.environments;
                    lead_back(store, &mut order).await?;
                    let only_said = hook.mode == RollbackMode::DryRun;
                    let message = message(&order, only_said);
                    if store.order_rollback(order.clone(), message).await? == Ordered::New {
                        let what = if only_said {
                            "rollback.dry_run: would undo it"
                        } else {
                            "rollback.ordered"
                        };
                        warn!(change = %change.id, hook = hook.name, "{what}: {}", order.reason);
                        ordered |= !only_said;
                    }
                    self.settled.insert(key);
                }
            }
        }
        Ok(ordered)
    }
}

/// The change that a rollback is; none where nothing was undone for certain.
pub(super) fn as_change(
    order: &RollbackOrder,
    state: RollbackState,
    now: Timestamp,
) -> Option<Change> {
    let state = match state {
        RollbackState::Done => ChangeState::Finished,
        // It may have altered things all the same, and is watched.
        RollbackState::Unknown => ChangeState::Failed,
        RollbackState::DryRun | RollbackState::Ordered | RollbackState::Failed => return None,
    };
    let undone = &order.change;
    let mut change = Change::new(order.id.clone(), ChangeKind::Rollback, order.at.min(now));
    change.services = vec![order.service.clone()];
    change.environments.clone_from(&order.environments);
    change.version.clone_from(&undone.previous_version);
    change.previous_version.clone_from(&undone.version);
    change.commits.extend(order.to_commit.clone().map(|id| Commit {
        id,
        at: None,
        author: None,
        message: None,
    }));
    change.author = Some(order.by.clone());
    change.release.clone_from(&undone.release);
    change.title = Some(format!("rollback of {}: {}", undone.id, order.reason));
    change.labels.insert("rolls_back".to_owned(), undone.id.to_string());
    change.state = state;
    change.finished_at = Some(now);
    change.source = OUR_WORD.to_owned();
    Some(change)
}
