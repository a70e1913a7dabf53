//! What a room tells: the verdicts that are news, and who is suspected.

use crate::model::{ChangeId, EnvironmentName, Metric, SeriesKey, Verdict};

use super::{
    super::{
        culprit::{self, View},
        report::{self, Suspects, Told},
        series::{Line, later},
        watch::{METRICS, Scene, Track},
    },
    Room, Watched, in_order,
};

impl Room {
    /// Which changes may have done what is seen in an environment since a change.
    pub(super) fn suspects(&self, watched: &Watched, place: &EnvironmentName) -> Suspects {
        let tracks: Vec<(&Line, &Track)> = watched
            .tracks
            .iter()
            .filter(|(key, _)| key.environment == *place)
            .filter_map(|(key, track)| Some((self.lines.get(key)?, track)))
            .collect();
        let newest = tracks.iter().filter_map(|(line, _)| line.probes.last()).map(|p| p.at).max();
        let window = self.rules.watch.window;
        let changes = self
            .watches
            .values()
            .filter(|w| w.change.id == watched.change.id || w.change.touches(place))
            .map(|w| &w.change)
            .filter(|c| newest.is_none_or(|now| c.started_at <= now))
            .filter(|c| later(c.settled_at(), window) >= watched.change.started_at)
            .collect();
        let beside = in_order(&self.watches)
            .iter()
            .filter(|id| **id != watched.change.id)
            .filter_map(|id| Some(&self.watches.get(id)?.tracks))
            .collect();
        culprit::suspects(&View { tracks, beside, changes, depends_on: &self.depends_on })
    }

    /// The verdicts of an environment that altered; `pushed` is the series whose looks are new, none for all.
    pub(super) fn report(
        &mut self,
        place: &EnvironmentName,
        pushed: Option<&SeriesKey>,
    ) -> Vec<Verdict> {
        let mut told = Vec::new();
        for id in in_order(&self.watches) {
            let Some(watched) = self.watches.get(&id).filter(|w| w.closed_at.is_none()) else {
                continue;
            };
            let here = |key: &&SeriesKey| key.environment == *place;
            let troubled = watched
                .tracks
                .iter()
                .any(|(key, t)| here(&key) && METRICS.iter().any(|m| t.in_trouble(*m)));
            let keys: Vec<SeriesKey> = watched
                .tracks
                .keys()
                .filter(here)
                .filter(|key| troubled || pushed.is_none_or(|p| p == *key))
                .cloned()
                .collect();
            if keys.is_empty() {
                continue;
            }
            told.extend(self.tell_some(&id, place, &keys, false));
        }
        told
    }

    pub(super) fn tell(&mut self, id: &ChangeId, key: &SeriesKey, all: bool) -> Vec<Verdict> {
        self.tell_some(id, &key.environment, std::slice::from_ref(key), all)
    }

    /// The verdicts of these series that are news (or all of them), noted as told.
    pub(super) fn tell_some(
        &mut self,
        id: &ChangeId,
        place: &EnvironmentName,
        keys: &[SeriesKey],
        all: bool,
    ) -> Vec<Verdict> {
        let Some(watched) = self.watches.get(id) else { return Vec::new() };
        let suspects = self.suspects(watched, place);
        let (mut verdicts, mut notes) = (Vec::new(), Vec::new());
        for key in keys {
            let Some(track) = watched.tracks.get(key) else { continue };
            if track.closed_at.is_some() && !all {
                continue;
            }
            for (slot, metric) in METRICS.into_iter().enumerate() {
                let known = if track.stirred(metric) { &suspects } else { &Suspects::default() };
                let now = Told::now(track, metric, known);
                if all || now.is_news(track.told[slot].as_ref()) {
                    verdicts.extend(self.verdict(watched, key, metric, &suspects));
                    notes.push((key.clone(), slot, now));
                }
            }
        }
        if let Some(watched) = self.watches.get_mut(id) {
            for (key, slot, now) in notes {
                if let Some(track) = watched.tracks.get_mut(&key) {
                    track.told[slot] = Some(now);
                }
            }
        }
        verdicts
    }

    pub(super) fn verdict(
        &self,
        watched: &Watched,
        key: &SeriesKey,
        metric: Metric,
        suspects: &Suspects,
    ) -> Option<Verdict> {
        let line = self.lines.get(key)?;
        let track = watched.tracks.get(key)?;
        let scene =
            Scene { rules: &self.rules, change: &watched.change, line, troubles: &[], stirs: &[] };
        let none = Suspects::default();
        let known = if track.stirred(metric) { suspects } else { &none };
        Some(report::verdict(scene, track, metric, known))
    }
}
