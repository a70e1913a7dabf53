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
    /// Whose walk is under way or waits for a worker: also those whose file has gone meanwhile, and may come back.
    busy: BTreeSet<Key>,
    skipped: Skipped,
}

#[derive(Debug)]
struct Entry {
    scheduled: Scheduled,
    /// The next tick, and what it is for.
    next: Option<(Timestamp, Trigger)>,
    /// Denser probing, while a change is watched: how often, and when next.
    burst: Option<(Duration, Timestamp)>,
    /// A walk asked for soon after a change.
    smoke: Option<Timestamp>,
}

impl Entry {
    /// The earliest of schedule, burst and smoke after `now`.
    fn plan(&self, key: &Key, now: Timestamp) -> Option<(Timestamp, Trigger)> {
        let spread = format!("{}/{}", key.0, key.1);
        let schedule =
            self.scheduled.plan.next_after(&spread, now).map(|at| (at, Trigger::Schedule));
        let burst = self.burst.map(|(_, at)| (at.max(now), Trigger::Burst));
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

    /// Sets which entries are probed denser, and how often; all others go back to their schedule. Those that begin now are
    /// spread over their interval, so that they do not walk in one blow.
    pub(super) fn burst(&mut self, wanted: &BTreeMap<Key, Duration>, now: Timestamp) {
        let fresh =
            |entry: &Entry, every: Duration| entry.burst.is_none_or(|(was, _)| was != every);
        let starting = wanted
            .iter()
            .filter(|(key, every)| {
                self.entries.get(*key).is_some_and(|entry| fresh(entry, **every))
            })
            .count();
        let starting = u32::try_from(starting.max(1)).unwrap_or(u32::MAX);
        let mut nth = 0;
        let keys: Vec<Key> = self.entries.keys().cloned().collect();
        for key in keys {
            let every = wanted.get(&key).copied();
            self.alter(&key, now, |entry| match every {
                Some(every) if fresh(entry, every) => {
                    nth += 1;
                    let first = now.checked_add(every / starting * nth).unwrap_or(now);
                    entry.burst = Some((every, first));
                    true
                }
                Some(_) => false,
                None => entry.burst.take().is_some(),
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
            if let (Trigger::Burst, Some((every, next))) = (trigger, entry.burst.as_mut()) {
                let following = at.checked_add(*every).unwrap_or(now);
                *next = if following > now {
                    following
                } else {
                    now.checked_add(*every).unwrap_or(now)
                };
            }
            let interval =
                entry.burst.map_or_else(|| entry.scheduled.plan.interval(now), |(every, _)| every);
            let late = now.duration_since(at).unsigned_abs();
            if self.busy.contains(&key) {
                self.skipped.overlap += 1;
            } else if late >= interval.max(Duration::from_secs(1)) {
                self.skipped.late += 1;
            } else {
                self.busy.insert(key.clone());
                due.push(Due { key: key.clone(), at, trigger });
            }
            entry.next = entry.plan(&key, now);
            self.insert(key, entry);
        }
        due
    }

    /// The walk of a key is over: its next tick may begin.
    pub(super) fn finished(&mut self, key: &Key) {
        self.busy.remove(key);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, SourceFile};

    fn setup(every: &str, journeys: &[&str]) -> Setup {
        let main = SourceFile {
            path: "wayfarer.toml".into(),
            text: "[environments.production]\nbase_url = \"http://127.0.0.1:1\"\n".into(),
        };
        let files: Vec<SourceFile> = journeys
            .iter()
            .map(|name| SourceFile {
                path: format!("journeys/{name}.toml"),
                text: format!(
                    "name = \"{name}\"\nservices = [\"s\"]\nenvironments = [\"production\"]\n{every}\n\
                     [[step]]\nname = \"a\"\n[step.http]\nurl = \"{{{{base_url}}}}\"\n"
                ),
            })
            .collect();
        let config = config::load(&main, &files).unwrap();
        Setup::resolve("/".into(), config, &BTreeMap::new()).unwrap()
    }

    fn at(second: f64) -> Timestamp {
        let base: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        base + jiff::SignedDuration::from_secs_f64(second)
    }

    fn key(name: &str) -> Key {
        (name.into(), "production".into())
    }

    /// Walks the clock in steps of 100 ms and gives what was due, finishing every walk at once.
    fn walk(agenda: &mut Agenda, from: f64, to: f64) -> Vec<(f64, Trigger)> {
        let mut seen = Vec::new();
        let mut now = from;
        while now < to {
            for due in agenda.take_due(at(now)) {
                seen.push((now, due.trigger));
                agenda.finished(&due.key);
            }
            now += 0.1;
        }
        seen
    }

    #[test]
    fn a_journey_is_due_once_an_interval_and_keeps_its_phase_over_a_restart() {
        let setup = setup("every = \"10s\"", &["a"]);
        let phase = |start: f64| {
            let mut agenda = Agenda::default();
            agenda.replan(&setup, at(start));
            let seen = walk(&mut agenda, start, start + 60.0);
            assert_eq!(seen.len(), 6, "{seen:?}");
            (seen[0].0 * 10.0).round().rem_euclid(100.0)
        };
        assert!((phase(0.0) - phase(33.0)).abs() < 1.5);
    }

    #[test]
    fn journeys_of_one_interval_are_spread() {
        let names: Vec<String> = (0..20).map(|n| format!("j{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut agenda = Agenda::default();
        agenda.replan(&setup("every = \"60s\"", &names), at(0.0));
        let mut seconds: Vec<f64> =
            walk(&mut agenda, 0.0, 60.0).into_iter().map(|(s, _)| s).collect();
        seconds.dedup();
        assert!(seconds.len() > 15, "{seconds:?}");
    }

    #[test]
    fn a_journey_never_overlaps_itself_and_skipped_ticks_are_counted() {
        let mut agenda = Agenda::default();
        agenda.replan(&setup("every = \"1s\"", &["a"]), at(0.0));
        let mut begun = 0;
        for tenth in 0..100 {
            begun += agenda.take_due(at(f64::from(tenth) / 10.0)).len();
        }
        assert_eq!(begun, 1, "the first walk is still under way");
        let skipped = agenda.take_skipped();
        assert!((8..=9).contains(&skipped.overlap), "{skipped:?}");
        agenda.finished(&key("a"));
        assert_eq!(walk(&mut agenda, 10.0, 12.0).len(), 2);
    }

    #[test]
    fn ticks_missed_in_a_standstill_are_skipped_not_bunched() {
        let mut agenda = Agenda::default();
        agenda.replan(&setup("every = \"1s\"", &["a"]), at(0.0));
        walk(&mut agenda, 0.0, 3.0);
        let due = agenda.take_due(at(60.0));
        assert!(due.len() <= 1);
        assert_eq!(walk(&mut agenda, 60.0, 63.0).len(), 3);
    }

    #[test]
    fn denser_probing_and_smoke_do_not_move_the_schedule() {
        let setup = setup("every = \"60s\"", &["a"]);
        let mut agenda = Agenda::default();
        agenda.replan(&setup, at(0.0));
        let quiet = walk(&mut agenda, 0.0, 120.0);
        agenda.replan(&setup, at(120.0));
        agenda.smoke(&[key("a")], Duration::from_millis(200), at(120.0));
        assert_eq!(walk(&mut agenda, 120.0, 121.0)[0].1, Trigger::Smoke);
        agenda.burst(&BTreeMap::from([(key("a"), Duration::from_secs(10))]), at(121.0));
        let dense = walk(&mut agenda, 121.0, 240.0);
        assert!((10..=14).contains(&dense.len()), "{dense:?}");
        let scheduled: Vec<f64> =
            dense.iter().filter(|(_, t)| *t == Trigger::Schedule).map(|(s, _)| s - 120.0).collect();
        assert_eq!(scheduled.len(), 2, "{dense:?}");
        for (was, is) in quiet.iter().map(|(s, _)| *s).zip(scheduled) {
            assert!((was - is).abs() < 0.2, "{was} {is}");
        }
        agenda.burst(&BTreeMap::new(), at(240.0));
        assert_eq!(walk(&mut agenda, 240.0, 360.0).len(), 2);
    }

    #[test]
    fn denser_walks_of_many_journeys_are_spread() {
        let setup = setup("every = \"60s\"", &["a", "b", "c", "d"]);
        let mut agenda = Agenda::default();
        agenda.replan(&setup, at(0.0));
        let wanted = ["a", "b", "c", "d"].map(|name| (key(name), Duration::from_secs(8)));
        agenda.burst(&BTreeMap::from(wanted), at(0.0));
        let seen = walk(&mut agenda, 0.0, 24.1);
        let burst: Vec<f64> =
            seen.iter().filter(|(_, t)| *t == Trigger::Burst).map(|(s, _)| *s).collect();
        assert_eq!(burst.len(), 12, "{seen:?}");
        assert!(burst.windows(2).all(|w| w[1] - w[0] > 1.5), "{burst:?}");
    }

    #[test]
    fn a_journey_that_goes_and_comes_back_does_not_overlap_itself() {
        let (with, without) =
            (setup("every = \"1s\"", &["a", "b"]), setup("every = \"1s\"", &["b"]));
        let mut agenda = Agenda::default();
        agenda.replan(&with, at(0.0));
        let due = (0..20).flat_map(|tenth| agenda.take_due(at(f64::from(tenth) / 10.0)));
        assert!(due.into_iter().any(|d| d.key == key("a")));
        agenda.replan(&without, at(2.0));
        agenda.replan(&with, at(2.5));
        let again = (25..60).flat_map(|tenth| agenda.take_due(at(f64::from(tenth) / 10.0)));
        assert!(again.into_iter().all(|d| d.key != key("a")));
        agenda.finished(&key("a"));
        assert!(!walk(&mut agenda, 6.0, 8.0).is_empty());
    }

    #[test]
    fn a_removed_journey_is_due_no_more_and_a_new_one_is() {
        let mut agenda = Agenda::default();
        agenda.replan(&setup("every = \"1s\"", &["a", "b"]), at(0.0));
        agenda.replan(&setup("every = \"1s\"", &["b", "c"]), at(0.5));
        assert!(agenda.journey(&key("a")).is_none());
        assert_eq!(walk(&mut agenda, 0.5, 3.5).len(), 6);
    }

    #[test]
    fn a_clock_set_back_does_not_silence_a_journey() {
        let mut agenda = Agenda::default();
        agenda.replan(&setup("every = \"10s\"", &["a"]), at(3600.0));
        agenda.reset(at(0.0));
        assert_eq!(walk(&mut agenda, 0.0, 30.0).len(), 3);
    }
}
