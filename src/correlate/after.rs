//! What is still looked for once the watch of a change is over: harm that shows late, the end of a trouble that was found, and whether
//! a rollback helped.

use jiff::{SignedDuration, Timestamp};

use crate::model::{ChangeId, ChangeKind, Probe, ServiceName};

use super::{Look, Recovery, SlowPath, recovery::Recovered, series::point, slow_path::LASTS_S};

/// A change that began: what it may have stirred, or ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stir {
    pub(super) change: ChangeId,
    pub(super) began: Timestamp,
    pub(super) kind: ChangeKind,
    pub(super) services: Vec<ServiceName>,
}

impl Stir {
    /// Whether it takes back a change of these services.
    pub(super) fn reverts(&self, services: &[ServiceName]) -> bool {
        self.kind == ChangeKind::Rollback
            && (self.services.is_empty()
                || services.is_empty()
                || self.services.iter().any(|s| services.contains(s)))
    }
}

/// Of the changes that began after `onset` and not after `until` the one that ended a trouble of a change of these services: its
/// rollback, or else the newest.
pub(super) fn ended_by<'a>(
    stirs: &'a [Stir],
    own: (&ChangeId, &[ServiceName]),
    (onset, until): (Timestamp, Timestamp),
) -> Option<&'a Stir> {
    stirs
        .iter()
        .filter(|s| s.change != *own.0 && s.began > onset && s.began <= until)
        .max_by_key(|s| (s.reverts(own.1), s.began))
}

/// Looks after one metric of one series once its watch is over.
#[derive(Debug, Clone)]
pub(super) struct After {
    /// Harm that shows late; not where harm was found already.
    pub(super) path: Option<SlowPath>,
    /// The end of harm that was found.
    pub(super) recovery: Option<Recovery>,
    /// The newest run that was taken.
    pub(super) newest: Option<Timestamp>,
}

/// What a run after the watch showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Seen {
    /// Nothing new.
    Nothing,
    /// A block ended, and this is what it looks like now.
    Late(Look),
    /// The trouble is over.
    Over(Recovered),
}

impl After {
    /// Whether anything is still looked for at `now`, for a change that started then.
    pub(super) fn lasts(&self, started_at: Timestamp, now: Timestamp) -> bool {
        let age = now.duration_since(started_at);
        (self.path.is_some() || self.recovery.is_some())
            && age <= SignedDuration::from_secs(LASTS_S as i64)
    }

    /// Takes the next run; one that was taken already says nothing.
    pub(super) fn push(&mut self, probe: &Probe) -> Seen {
        if self.newest.is_some_and(|newest| probe.at <= newest) {
            return Seen::Nothing;
        }
        self.newest = Some(probe.at);
        if let Some(recovery) = &mut self.recovery {
            return recovery.push(probe).map_or(Seen::Nothing, Seen::Over);
        }
        let look = self.path.as_mut().and_then(|path| path.push(&point(probe)));
        look.map_or(Seen::Nothing, Seen::Late)
    }
}
