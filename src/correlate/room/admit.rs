//! How a room takes in a change with its members: the series it is judged by, and what each of them pays for the others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::{Change, ChangeId, Metric, SeriesKey, ServiceName};

use super::{
    super::{
        Shares,
        controls::Controls,
        fleet::Fleet,
        series::{Line, later},
        watch::Track,
    },
    AHEAD, Calendar, Members, Odds, Room, Watched,
};

impl Room {
    /// Takes a change and its members in; says which series it has, and adds those to `anew` that must be judged from their start.
    pub(super) fn admit(
        &mut self,
        change: &Change,
        members: Members,
        now: Timestamp,
        anew: &mut BTreeSet<SeriesKey>,
    ) -> Vec<SeriesKey> {
        let watched = self.watches.entry(change.id.clone()).or_insert_with(|| Watched {
            change: change.clone(),
            tracks: BTreeMap::new(),
            controls: Controls::default(),
            fleet: Fleet::default(),
            shares: Shares::default(),
            mapped: BTreeSet::new(),
            odds: Odds::default(),
            closed_at: None,
        });
        self.calendar = Calendar::default();
        let moved = watched.change.started_at != change.started_at;
        watched.change = change.clone();
        let mut keys = Vec::new();
        for (member, mut probes) in members {
            probes.retain(|p| p.at <= later(now, AHEAD));
            let key = member.series.clone();
            let line = self.lines.entry(key.clone()).or_insert_with(|| Line::new(member.clone()));
            line.member = member;
            let fresh = line.merge(probes);
            if !change.touches(&key.environment) {
                watched.controls.add(key);
                continue;
            }
            let track = watched.tracks.entry(key.clone()).or_default();
            let (_, due) = Track::due(change, line, &self.rules.watch);
            let reopened = track.closed_at.is_some() && due > now;
            if reopened {
                (track.closed_at, watched.closed_at) = (None, None);
            }
            let behind = line.probes.last().is_some_and(|p| p.at >= change.started_at);
            if fresh || moved || reopened || (behind && track.judge(Metric::Latency).is_none()) {
                anew.insert(key.clone());
            }
            keys.push(key);
        }
        for line in
            watched.controls.keys().filter_map(|key| self.lines.get(key)).collect::<Vec<_>>()
        {
            watched.controls.take(line, change, &self.rules.tuning);
        }
        watched.controls.settle();
        let judged = watched.tracks.keys().filter_map(|key| self.lines.get(key));
        let usual = self.rules.tuning.failure_prior;
        let fleet = Fleet::learn(judged, change.started_at, usual);
        if fleet != watched.fleet {
            watched.fleet = fleet;
            anew.extend(keys.iter().cloned());
        }
        self.share_out(&change.id, anew);
        keys
    }

    /// Counts the series of a change; where there are others than before, all are judged anew: each pays for all.
    fn share_out(&mut self, id: &ChangeId, anew: &mut BTreeSet<SeriesKey>) {
        let Some(watched) = self.watches.get_mut(id) else { return };
        let services = |key: &SeriesKey| self.lines.get(key).map(|line| &line.member.services);
        let mapped: BTreeSet<SeriesKey> = watched
            .tracks
            .keys()
            .filter(|key| {
                services(key).is_some_and(|s| maps(&watched.change.services, s, &self.depends_on))
            })
            .cloned()
            .collect();
        let shares = Shares { mapped: mapped.len(), unmapped: watched.tracks.len() - mapped.len() };
        if (shares, &mapped) == (watched.shares, &watched.mapped) {
            return;
        }
        (watched.shares, watched.mapped) = (shares, mapped);
        let judged = watched.tracks.iter().filter(|(_, t)| t.judge(Metric::Latency).is_some());
        anew.extend(judged.map(|(key, _)| key.clone()));
    }
}

/// Whether a change of these services is one of a journey that touches those, directly or through what they depend on; a change
/// of a whole environment always is.
fn maps(
    changed: &[ServiceName],
    touched: &[ServiceName],
    depends_on: &BTreeMap<ServiceName, Vec<ServiceName>>,
) -> bool {
    let mut reached: Vec<&ServiceName> = touched.iter().collect();
    let mut next = 0;
    while let Some(service) = reached.get(next) {
        for below in depends_on.get(*service).into_iter().flatten() {
            if !reached.contains(&below) {
                reached.push(below);
            }
        }
        next += 1;
    }
    changed.is_empty() || changed.iter().any(|service| reached.contains(&service))
}
