//! Changes whose watch is over are looked after for a day and a half, or until the next change of the same services.

use jiff::Timestamp;

use crate::model::{Change, ChangeId, ChangeKind, SeriesKey, ServiceName, Verdict};

use super::{
    super::{
        learned::{LAST, Spell},
        watch::{METRICS, Scene},
    },
    Room, Watched, in_order, stirs,
};

impl Room {
    /// Teaches what came of the last deployments of a service, oldest first. Watches of changes that start after that was known
    /// allow for a slow spell that has become a habit: see [`Spell::of`].
    pub fn learn_transients(&mut self, service: ServiceName, mut spells: Vec<Spell>) {
        spells.drain(..spells.len().saturating_sub(LAST));
        self.rules.spells.insert(service, spells);
    }

    /// Whether a series is looked after for any change whose watch is over.
    pub(super) fn is_looked_after(&self, series: &SeriesKey, now: Timestamp) -> bool {
        let tracks = self.watches.values().filter_map(|w| w.tracks.get(series));
        tracks.into_iter().any(|track| track.is_looked_after(now))
    }

    /// Lets the changes whose watch is over take the newest runs of a series; the verdicts that became others.
    pub(super) fn look_after(&mut self, series: &SeriesKey) -> Vec<Verdict> {
        let Some(newest) = self.lines.get(series).and_then(|line| line.probes.last()) else {
            return Vec::new();
        };
        let now = newest.at;
        let stirs = stirs(&self.watches, &series.environment);
        let mut altered = Vec::new();
        for id in in_order(&self.watches) {
            let Some(until) = self.next_of_its_services(&id) else { continue };
            let Some(line) = self.lines.get(series) else { continue };
            let Some(watched) = self.watches.get_mut(&id) else { continue };
            let Watched { change, tracks, shares, mapped, controls, fleet, .. } = watched;
            let Some(track) = tracks.get_mut(series) else { continue };
            if !track.is_looked_after(now) {
                continue;
            }
            let scene = Scene {
                rules: &self.rules,
                change,
                line,
                shares: *shares,
                mapped: mapped.contains(series),
                controls,
                fleet: *fleet,
                troubles: &[],
                part_troubles: &[],
                stirs: &stirs,
            };
            let became = track.look_after(scene, until);
            let told = |slot: usize| track.told[slot].as_ref().map(|told| told.conclusion);
            let mut metrics = METRICS.iter().enumerate();
            if became || metrics.any(|(slot, metric)| told(slot) != Some(track.conclusion(*metric)))
            {
                altered.push(id);
            }
        }
        altered.iter().flat_map(|id| self.tell_all(id, std::slice::from_ref(series))).collect()
    }

    /// When the next change of a service of this one began: what comes then is judged by that one. Its rollback belongs to it.
    fn next_of_its_services(&self, id: &ChangeId) -> Option<Timestamp> {
        let own = &self.watches.get(id)?.change;
        let shares = |other: &Change| {
            let here = own.environments.iter().any(|place| other.touches(place))
                || own.environments.is_empty();
            let same = own.services.iter().any(|s| other.services.contains(s));
            here && same && other.started_at > own.settled_at()
        };
        let rolls_back = |other: &Change| other.kind == ChangeKind::Rollback;
        let others = self.watches.values().map(|w| &w.change);
        let next = others.filter(|c| shares(c) && !rolls_back(c)).map(|c| c.started_at).min();
        Some(next.unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests;
