//! What is due when. Pure in (state, now); the dispatcher only sleeps and obeys.
//!
//! Rules: a journey never overlaps itself in one environment; a tick that comes while its journey is still under way, or
//! that we are too late for, is counted and skipped, never bunched; denser probing and smoke walks come on top of the
//! schedule and never move it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::setup::{Scheduled, Setup};
use crate::model::{EnvironmentName, JourneyName, Trigger};

/// A journey in an environment: what is scheduled on its own.
pub(super) type Key = (JourneyName, EnvironmentName);

/// A walk that is due now.
#[derive(Debug, Clone)]
pub(super) struct Due {
    /// Which journey, where.
    pub(super) key: Key,
    /// When it should begin.
    pub(super) at: Timestamp,
    /// Why.
    pub(super) trigger: Trigger,
}

/// Ticks that were not walked, by reason, since the last question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Skipped {
    /// The walk before was still under way or waiting for a worker.
    pub(super) overlap: u64,
    /// We woke too late for it.
    pub(super) late: u64,
}

/// Everything that is due.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BTreeMap<Key, Entry>,
    order: BTreeSet<(Timestamp, Key)>,
    skipped: Skipped,
}

#[derive(Debug)]
struct Entry {
    scheduled: Scheduled,
    /// The next tick, and what it is for.
    next: Option<(Timestamp, Trigger)>,
    /// A walk of it is under way or waits for a worker.
    busy: bool,
    /// Denser probing, while a change is watched.
    burst: Option<Duration>,
    /// A walk asked for soon after a change.
    smoke: Option<Timestamp>,
}

impl Entry {
    /// The earliest of schedule, burst and smoke after `now`.
    fn plan(&self, key: &Key, now: Timestamp) -> Option<(Timestamp, Trigger)> {
        let spread = format!("{}/{}", key.0, key.1);
        let schedule =
            self.scheduled.plan.next_after(&spread, now).map(|at| (at, Trigger::Schedule));
        let burst =
            self.burst.and_then(|every| Some((now.checked_add(every).ok()?, Trigger::Burst)));
        let smoke = self.smoke.map(|at| (at.max(now), Trigger::Smoke));
        [smoke, schedule, burst].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

impl Agenda {
    /// Takes over a new setup: journeys come and go; what stays keeps its next tick unless its schedule altered.
    pub(super) fn replan(&mut self, setup: &Setup, now: Timestamp) {
        let mut old = std::mem::take(&mut self.entries);
        self.order.clear();
        for scheduled in setup.journeys.values() {
            for environment in &scheduled.journey.environments {
                let key = (scheduled.journey.name.clone(), environment.clone());
                let before = old.remove(&key);
                let same_plan = before
                    .as_ref()
                    .is_some_and(|e| e.scheduled.journey.schedule == scheduled.journey.schedule);
                let mut entry = Entry {
                    scheduled: scheduled.clone(),
                    next: None,
                    busy: before.as_ref().is_some_and(|e| e.busy),
                    burst: before.as_ref().and_then(|e| e.burst),
                    smoke: before.as_ref().and_then(|e| e.smoke),
                };
                entry.next = match before {
                    Some(before) if same_plan => before.next,
                    _ => entry.plan(&key, now),
                };
                self.insert(key, entry);
            }
        }
    }

    /// Plans every entry anew: the wall clock was set.
    pub(super) fn reset(&mut self, now: Timestamp) {
        self.order.clear();
        for (key, entry) in std::mem::take(&mut self.entries) {
            let next = entry.plan(&key, now);
            self.insert(key, Entry { next, ..entry });
        }
    }

    /// Sets which entries are probed denser, and how often; all others go back to their schedule.
    pub(super) fn burst(&mut self, wanted: &BTreeMap<Key, Duration>, now: Timestamp) {
        let keys: Vec<Key> = self.entries.keys().cloned().collect();
        for key in keys {
            let every = wanted.get(&key).copied();
            self.alter(&key, now, |entry| {
                let changed = entry.burst != every;
                entry.burst = every;
                changed
            });
        }
    }

    /// Asks for one walk of each, spread by `spacing` from `now` on.
    pub(super) fn smoke(&mut self, keys: &[Key], spacing: Duration, now: Timestamp) {
        for (nth, key) in keys.iter().enumerate() {
            let after = spacing.saturating_mul(u32::try_from(nth).unwrap_or(u32::MAX));
            let at = now.checked_add(after).unwrap_or(now);
            self.alter(key, now, |entry| {
                entry.smoke = Some(at);
                true
            });
        }
    }

    fn alter(&mut self, key: &Key, now: Timestamp, change: impl FnOnce(&mut Entry) -> bool) {
        let Some(mut entry) = self.entries.remove(key) else { return };
        if change(&mut entry) {
            if let Some((at, _)) = entry.next {
                self.order.remove(&(at, key.clone()));
            }
            entry.next = entry.plan(key, now);
            self.insert(key.clone(), entry);
        } else {
            self.entries.insert(key.clone(), entry);
        }
    }

    fn insert(&mut self, key: Key, entry: Entry) {
        if let Some((at, _)) = entry.next {
            self.order.insert((at, key.clone()));
        }
        self.entries.insert(key, entry);
    }

    /// When something is due next.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Everything that is due by `now` and may begin; the rest of what was due is counted as skipped.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<Due> {
        let mut due = Vec::new();
        while let Some((at, key)) = self.order.first().cloned()
            && at <= now
        {
            self.order.pop_first();
            let Some(mut entry) = self.entries.remove(&key) else { continue };
            let trigger = entry.next.map_or(Trigger::Schedule, |(_, trigger)| trigger);
            if trigger == Trigger::Smoke {
                entry.smoke = None;
            }
            let interval = entry.burst.unwrap_or_else(|| entry.scheduled.plan.interval(now));
            let late = now.duration_since(at).unsigned_abs();
            if entry.busy {
                self.skipped.overlap += 1;
            } else if late >= interval.max(Duration::from_secs(1)) {
                self.skipped.late += 1;
            } else {
                entry.busy = true;
                due.push(Due { key: key.clone(), at, trigger });
            }
            entry.next = entry.plan(&key, now);
            self.insert(key, entry);
        }
        due
    }

    /// The walk of a key is over: its next tick may begin.
    pub(super) fn finished(&mut self, key: &Key) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.busy = false;
        }
    }

    /// The journey of a key, if it is still configured.
    pub(super) fn journey(&self, key: &Key) -> Option<Arc<crate::model::Journey>> {
        self.entries.get(key).map(|entry| Arc::clone(&entry.scheduled.journey))
    }

    /// Ticks skipped since the last question.
    pub(super) fn take_skipped(&mut self) -> Skipped {
        std::mem::take(&mut self.skipped)
    }
}
