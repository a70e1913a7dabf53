//! The open watches of the agent: what [`Room`] judges, fed from the store's change log.
//!
//! Everything that decides is in `correlate`; here is only what must be read from the store to feed it, and what follows for
//! the dispatcher (denser probing, smoke walks).

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    agenda::Key,
    history::{self, series_of},
    setup::Setup,
};
use crate::{
    alert::Decision,
    correlate::{OpenWatch, Past, REMEMBERED, Room},
    model::{
        Change, ChangeId, ChangeState, EnvironmentName, Finding, Part, Probe, SeriesKey,
        ServiceName, Verdict,
    },
    store::{ClosedChange, OpenChange, Store, StoreError, WatchRecord},
};

/// Smoke walks follow a finish that is not older than this; a change logged late is past it.
const SMOKE_WITHIN: Duration = Duration::from_secs(120);

/// Most watches that are over and looked after again when the agent starts: the last ones.
const MOST_REMEMBERED: usize = 200;

/// The open watches.
pub(super) struct Watches {
    room: Room,
    /// The change log has been dealt with up to here.
    cursor: i64,
    saved_cursor: i64,
    /// Changes that turned out to be others have been let go up to here.
    absorbed: i64,
    /// Changes that start in the future.
    ahead: Vec<Change>,
    changes: BTreeMap<ChangeId, Change>,
    /// What the store knows of the open watches.
    saved: BTreeMap<(ChangeId, EnvironmentName), WatchRecord>,
    smoked: BTreeSet<ChangeId>,
}

/// What a look at the change log brought.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Changes that turned out to be others: which, and what they are now.
    pub(super) absorbed: Vec<(ChangeId, ChangeId)>,
    /// New or altered changes.
    pub(super) changes: Vec<Change>,
    /// Verdicts of the watches opened for them.
    pub(super) verdicts: Vec<Verdict>,
    /// Walks to be made soon, with their spacing.
    pub(super) smoke: Vec<(Vec<Key>, Duration)>,
}

impl Looked {
    /// Whether there was nothing new.
    pub(super) fn is_empty(&self) -> bool {
        self.absorbed.is_empty() && self.changes.is_empty() && self.verdicts.is_empty()
    }
}

impl Watches {
    /// No watches yet.
    pub(super) fn new(setup: &Setup) -> Self {
        let settings = &setup.settings;
        Self {
            room: Room::new(settings.watch.clone(), settings.detect, settings.services.clone()),
            cursor: 0,
            saved_cursor: 0,
            absorbed: 0,
            ahead: Vec::new(),
            changes: BTreeMap::new(),
            saved: BTreeMap::new(),
            smoked: BTreeSet::new(),
        }
    }

    /// Settings for watches that open from now on.
    pub(super) fn configure(&mut self, setup: &Setup) {
        let settings = &setup.settings;
        self.room.configure(settings.watch.clone(), settings.detect, settings.services.clone());
        self.room.retain(|series| {
            setup.settings.agent.location == series.location
                && setup.journeys.get(&series.journey).is_some_and(|scheduled| {
                    scheduled.journey.environments.contains(&series.environment)
                })
        });
    }

    /// Reopens what was open when the agent last stopped, and goes on looking after what was over; changes logged meanwhile are found
    /// by the next look.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn resume(
        &mut self,
        store: &Store,
        setup: &Setup,
        now: Timestamp,
    ) -> Result<Vec<Verdict>, StoreError> {
        let open = store.open_changes().await?;
        self.cursor = store.change_cursor().await?;
        self.saved_cursor = self.cursor;
        self.absorbed = store.absorbed_since(0).await?.last().map_or(0, |(seq, ..)| *seq);
        for shift in history::shifts(store, now).await? {
            match shift.part {
                Part::Whole => self.room.shifted(&shift.series, shift.metric, shift.at),
                part => self.room.part_shifted(&shift.series, &part, shift.at),
            }
        }
        for (service, spells) in history::spells(store, None).await? {
            self.room.learn_transients(service, spells);
        }
        let since = now.checked_sub(REMEMBERED).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut past = store.closed_changes(since, None, MOST_REMEMBERED).await?;
        past.sort_by_key(|p| p.change.started_at);
        let mut past = past.into_iter().peekable();
        let (mut reopened, mut over) = (Vec::new(), Vec::new());
        let mut read = history::Read::new();
        for OpenChange { change, watches } in open {
            // In the order they started, so that each history is read once, from where it is first needed.
            while let Some(closed) = past.next_if(|p| p.change.started_at <= change.started_at) {
                over.push(self.past(store, setup, closed, now, &mut read).await?);
            }
            for watch in watches {
                self.saved.insert((watch.change.clone(), watch.environment.clone()), watch);
            }
            if change.started_at > now {
                self.ahead.push(change);
                continue;
            }
            if change.finished_at.is_some() {
                self.smoked.insert(change.id.clone());
            }
            let members = history::members(store, setup, &change, now, &mut read).await?;
            self.changes.insert(change.id.clone(), change.clone());
            reopened.push((change, members));
        }
        for closed in past {
            over.push(self.past(store, setup, closed, now, &mut read).await?);
        }
        // Judging a long history takes a while: the runtime is told, so that walks are not delayed.
        let ids: Vec<ChangeId> = reopened.iter().map(|(change, _)| change.id.clone()).collect();
        let verdicts = tokio::task::block_in_place(|| self.room.resume(reopened, over, now));
        for id in ids {
            store.verdicts(&id).await?.iter().for_each(|verdict| self.room.recall(verdict));
        }
        Ok(verdicts)
    }

    /// A watch that was over when the agent last stopped, and is looked after further on.
    async fn past(
        &mut self,
        store: &Store,
        setup: &Setup,
        closed: ClosedChange,
        now: Timestamp,
        read: &mut history::Read,
    ) -> Result<Past, StoreError> {
        let ClosedChange { change, closed_at, verdicts: told } = closed;
        let members = history::members(store, setup, &change, now, read).await?;
        self.changes.insert(change.id.clone(), change.clone());
        Ok(Past { change, members, closed_at, told })
    }

    /// Learns from the changes of these verdicts whose watch is over.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn learn(
        &mut self,
        store: &Store,
        verdicts: &[Verdict],
    ) -> Result<(), StoreError> {
        let open: BTreeSet<ChangeId> =
            self.room.open_watches().into_iter().map(|watch| watch.change).collect();
        let over: BTreeSet<&ChangeId> =
            verdicts.iter().map(|v| &v.change).filter(|id| !open.contains(*id)).collect();
        let over = over.into_iter().filter_map(|id| self.changes.get(id));
        let services: BTreeSet<ServiceName> = over.flat_map(|c| c.services.clone()).collect();
        if services.is_empty() {
            return Ok(());
        }
        for (service, spells) in history::spells(store, Some(services)).await? {
            self.room.learn_transients(service, spells);
        }
        Ok(())
    }

    /// Looks for changes that are new in the log, and for announced ones whose time has come.
    ///
    /// # Errors
    /// The store could not be read.
    pub(super) async fn look(
        &mut self,
        store: &Store,
        setup: &Setup,
        now: Timestamp,
    ) -> Result<Looked, StoreError> {
        let mut looked = Looked::default();
        for (seq, id, into) in store.absorbed_since(self.absorbed).await? {
            self.absorbed = seq;
            self.room.let_go(&id);
            self.changes.remove(&id);
            self.ahead.retain(|change| change.id != id);
            self.saved.retain(|(change, _), _| *change != id);
            if !into.as_str().is_empty() {
                looked.absorbed.push((id, into));
            }
        }
        let fresh = store.changes_since(self.cursor).await?;
        let (ready, ahead): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ahead).into_iter().partition(|c| c.started_at <= now);
        self.ahead = ahead;
        let mut due = ready;
        for (seq, change) in fresh {
            self.cursor = self.cursor.max(seq);
            looked.changes.push(change.clone());
            self.ahead.retain(|c| c.id != change.id);
            due.retain(|c: &Change| c.id != change.id);
            if change.started_at > now {
                self.ahead.push(change);
            } else {
                due.push(change);
            }
        }
        for change in due {
            if let Some(smoke) = self.smoke(setup, &change, now) {
                looked.smoke.extend(smoke);
            }
            looked.verdicts.extend(self.open_watch(store, setup, change, now).await?);
        }
        Ok(looked)
    }

    async fn open_watch(
        &mut self,
        store: &Store,
        setup: &Setup,
        change: Change,
        now: Timestamp,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut read = history::Read::new();
        let members = history::members(store, setup, &change, now, &mut read).await?;
        let verdicts = tokio::task::block_in_place(|| self.room.open(&change, members, now));
        self.changes.insert(change.id.clone(), change);
        Ok(verdicts)
    }

    /// The walks that follow a finish: once a change, only while the finish is fresh.
    fn smoke(
        &mut self,
        setup: &Setup,
        change: &Change,
        now: Timestamp,
    ) -> Option<Vec<(Vec<Key>, Duration)>> {
        let finished = change.finished_at.filter(|_| change.state != ChangeState::Started)?;
        let fresh = now.duration_since(finished).unsigned_abs() <= SMOKE_WITHIN;
        if !setup.settings.watch.smoke || !fresh || !self.smoked.insert(change.id.clone()) {
            return None;
        }
        let mut smoke = Vec::new();
        for environment in setup.environments_of(change) {
            let keys: Vec<Key> = setup
                .journeys_in(&environment)
                .filter(|s| !s.journey.has_effect() && setup.maps_to(change, &s.journey))
                .map(|s| (s.journey.name.clone(), environment.clone()))
                .collect();
            smoke.push((keys, rate_gap(setup, &environment)));
        }
        Some(smoke)
    }

    /// Folds one probe into every watch of its series.
    pub(super) fn push(
        &mut self,
        series: &SeriesKey,
        probe: &Probe,
        now: Timestamp,
    ) -> Vec<Verdict> {
        self.room.push(series, probe, now)
    }

    /// Ends the watches whose time is over.
    pub(super) fn close_due(&mut self, now: Timestamp) -> Vec<Verdict> {
        self.room.close_due(now)
    }

    /// Whether a series is being watched for any change.
    pub(super) fn covers(&self, series: &SeriesKey) -> bool {
        self.room.covers(series)
    }

    /// Trouble that no change explains has moved the level: later baselines begin after it.
    pub(super) fn shifted(&mut self, decision: &Decision, at: Timestamp) {
        let finding = &decision.finding;
        self.room.shifted(&series_of(finding), finding.metric, at);
    }

    /// A finding is over: the level has moved back.
    pub(super) fn recovered(&mut self, finding: &Finding, now: Timestamp) {
        match &finding.part {
            Part::Whole => self.room.shifted(&series_of(finding), finding.metric, now),
            part => self.room.part_shifted(&series_of(finding), part, now),
        }
    }

    /// How many changes are being watched.
    pub(super) fn open(&self) -> usize {
        self.room.open_watches().len()
    }

    /// A change this room knows, its verdicts, and whether it is still being watched.
    pub(super) fn of(&self, id: &ChangeId) -> Option<(Change, Vec<Verdict>, bool)> {
        let change = self.changes.get(id)?.clone();
        let open = self.room.open_watches().iter().any(|watch| watch.change == *id);
        Some((change, self.room.verdicts(id), open))
    }

    /// The changes being watched, by environment.
    pub(super) fn watched(&self) -> BTreeMap<EnvironmentName, Vec<ChangeId>> {
        let mut watched: BTreeMap<EnvironmentName, Vec<ChangeId>> = BTreeMap::new();
        for watch in self.room.open_watches() {
            for environment in places(&watch) {
                watched.entry(environment).or_default().push(watch.change.clone());
            }
        }
        watched
    }

    /// What is probed denser while these watches are open: mapped journeys that may be, as often as the setting says but together not more often
    /// than the environment's rate allows. Browsers stand in one queue: theirs are not walked more often than it has time for.
    pub(super) fn burst(&self, setup: &Setup, now: Timestamp) -> BTreeMap<Key, Duration> {
        let Some(wanted) = setup.settings.watch.burst else { return BTreeMap::new() };
        let mut dense: BTreeMap<EnvironmentName, BTreeSet<Key>> = BTreeMap::new();
        let mut queued: BTreeMap<Key, Duration> = BTreeMap::new();
        for watch in self.room.open_watches() {
            let Some(change) = self.changes.get(&watch.change) else { continue };
            for series in &watch.series {
                let Some(scheduled) = setup.journeys.get(&series.journey) else { continue };
                let denser = scheduled.plan.interval(now) > wanted;
                if denser
                    && scheduled.journey.may_burst()
                    && setup.maps_to(change, &scheduled.journey)
                {
                    let key = (series.journey.clone(), series.environment.clone());
                    if scheduled.journey.has_browser() {
                        queued.insert(key.clone(), scheduled.journey.timeout);
                    }
                    dense.entry(series.environment.clone()).or_default().insert(key);
                }
            }
        }
        let queue: Duration = queued.values().sum();
        let mut burst = BTreeMap::new();
        for (environment, keys) in dense {
            let many = u32::try_from(keys.len()).unwrap_or(u32::MAX);
            let every = wanted.max(rate_gap(setup, &environment).saturating_mul(many));
            burst.extend(keys.into_iter().filter_map(|key| {
                if !queued.contains_key(&key) {
                    return Some((key, every));
                }
                let usual = setup.journeys.get(&key.0)?.plan.interval(now);
                in_queue(every, queue, usual).map(|every| (key, every))
            }));
        }
        burst
    }

    /// What the store does not know yet of the watches, for the next start: opened, prolonged, closed; and how far the change
    /// log has been dealt with. It is stored together with the verdicts, so that a crash in between misses no change.
    pub(super) fn take_records(
        &mut self,
        setup: &Setup,
        now: Timestamp,
    ) -> (Vec<WatchRecord>, Option<i64>) {
        let mut open = BTreeMap::new();
        for watch in self.room.open_watches() {
            for environment in places(&watch) {
                let key = (watch.change.clone(), environment.clone());
                let opened_at = self.saved.get(&key).map_or(now, |w| w.opened_at);
                let record = WatchRecord {
                    change: watch.change.clone(),
                    environment,
                    opened_at,
                    until: watch.until,
                    closed_at: None,
                };
                open.insert(key, record);
            }
        }
        for change in &self.ahead {
            for environment in setup.environments_of(change) {
                let key = (change.id.clone(), environment.clone());
                let (change, until) = (change.id.clone(), change.settled_at());
                let record =
                    WatchRecord { change, environment, opened_at: now, until, closed_at: None };
                open.insert(key, record);
            }
        }
        let mut records: Vec<WatchRecord> = open
            .iter()
            .filter(|(key, w)| self.saved.get(*key) != Some(*w))
            .map(|(_, w)| w.clone())
            .collect();
        let closed = self.saved.iter().filter(|(key, _)| !open.contains_key(*key));
        records.extend(closed.map(|(_, w)| WatchRecord { closed_at: Some(now), ..w.clone() }));
        self.saved = open;
        let known: BTreeSet<&ChangeId> = self.saved.keys().map(|(change, _)| change).collect();
        self.smoked.retain(|id| known.contains(id));
        let moved = (self.cursor != self.saved_cursor).then_some(self.cursor);
        self.saved_cursor = self.cursor;
        (records, moved)
    }
}

/// The environments in which a watch still has something to judge.
fn places(watch: &OpenWatch) -> BTreeSet<EnvironmentName> {
    watch.series.iter().map(|series| series.environment.clone()).collect()
}

/// How often a journey that needs a browser is walked denser, where all that do take `queue` together for one round each; none where its
/// usual distance is no longer than that.
fn in_queue(every: Duration, queue: Duration, usual: Duration) -> Option<Duration> {
    let every = every.max(queue);
    (usual > every).then_some(every)
}

/// The least time between two extra walks in an environment.
fn rate_gap(setup: &Setup, environment: &EnvironmentName) -> Duration {
    let rate = setup.settings.environments.get(environment).map_or(5.0, |e| e.max_rate);
    Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::from_millis(200))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_walked_denser_as_far_as_their_queue_goes() {
        let s = Duration::from_secs;
        for (every, queue, usual, expected) in [
            (s(10), s(30), s(300), Some(s(30))),
            (s(60), s(30), s(300), Some(s(60))),
            (s(10), s(300), s(300), None),
            (s(10), s(600), s(300), None),
        ] {
            assert_eq!(in_queue(every, queue, usual), expected, "{every:?} {queue:?} {usual:?}");
        }
    }
}
