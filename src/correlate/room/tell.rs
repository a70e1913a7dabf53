//! What a room tells: the verdicts that are news, and who is suspected.

use crate::model::{ChangeId, EnvironmentName, Metric, Part, SeriesKey, Verdict};

use super::{
    super::{
        culprit::{self, View},
        parts,
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
            let troubled = watched.tracks.iter().any(|(key, t)| here(&key) && t.troubled());
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
            for (part, metric) in subjects(track, true) {
                let stirred = stirred(track, &part, metric);
                let known = if stirred { &suspects } else { &Suspects::default() };
                let now = Told::now(track, &part, metric, known);
                if all || now.is_news(told(track, &part, metric)) {
                    verdicts.extend(self.verdict(watched, key, (&part, metric), &suspects));
                    notes.push((key.clone(), part, metric, now));
                }
            }
        }
        if let Some(watched) = self.watches.get_mut(id) {
            for (key, part, metric, now) in notes {
                let Some(track) = watched.tracks.get_mut(&key) else { continue };
                if part.is_whole() {
                    track.told[slot(metric)] = Some(now);
                } else {
                    track.parts.told.insert(part, Some(now));
                }
            }
        }
        verdicts
    }

    pub(super) fn verdict(
        &self,
        watched: &Watched,
        key: &SeriesKey,
        (part, metric): (&Part, Metric),
        suspects: &Suspects,
    ) -> Option<Verdict> {
        let line = self.lines.get(key)?;
        let track = watched.tracks.get(key)?;
        let change = &watched.change;
        let reach = parts::reach(change.started_at);
        let alone = match (part, track.parts.axis(part)) {
            (Part::Whole, _) => None,
            (_, Some(axis)) => Some(axis.values(line, part, reach)),
            (_, None) => Some(line.of(part, reach)),
        };
        let scene = Scene {
            rules: &self.rules,
            change,
            line: alone.as_ref().unwrap_or(line),
            shares: watched.shares,
            mapped: watched.mapped.contains(key),
            controls: &watched.controls,
            fleet: watched.fleet,
            troubles: &[],
            part_troubles: &[],
            stirs: &[],
        };
        let none = Suspects::default();
        let known = if stirred(track, part, metric) { suspects } else { &none };
        Some(report::verdict(scene, track, (part, metric), known))
    }
}

/// What is told of a track: the metrics of the whole, the time of each part that stands as suspected or worse, or did, and each
/// measure that does or became better; with those that were `told` to, before an earlier change turned out to have moved them.
pub(super) fn subjects(track: &Track, told: bool) -> Vec<(Part, Metric)> {
    let whole = METRICS.into_iter().map(|metric| (Part::Whole, metric));
    let mut parts: Vec<&Part> = track.parts.stirred().map(|(part, _)| part).collect();
    parts.extend(track.parts.bettered());
    let known = track.parts.told.keys().filter(|_| told);
    parts.extend(known.filter(|part| track.parts.judge(part).is_some()));
    parts.sort();
    parts.dedup();
    let metric = |part: &Part| match part {
        Part::Measure(..) => Metric::Measure,
        _ => Metric::Latency,
    };
    whole.chain(parts.into_iter().map(|part| (part.clone(), metric(part)))).collect()
}

/// Whether somebody is to be named for it.
fn stirred(track: &Track, part: &Part, metric: Metric) -> bool {
    track.judge_of(part, metric).is_some_and(|j| j.suspected_since.is_some())
}

fn told<'a>(track: &'a Track, part: &Part, metric: Metric) -> Option<&'a Told> {
    if part.is_whole() {
        track.told[slot(metric)].as_ref()
    } else {
        track.parts.told.get(part)?.as_ref()
    }
}

fn slot(metric: Metric) -> usize {
    METRICS.iter().position(|m| *m == metric).unwrap_or(0)
}
