//! What a room tells: the verdicts that are news, and who is suspected.

use std::{collections::BTreeSet, sync::Arc};

use crate::model::{ChangeId, EnvironmentName, Metric, Part, SeriesKey, Verdict};

use super::{
    super::{
        culprit::{self, View},
        parts,
        report::{self, Suspects, Told},
        series::{Line, later},
        watch::{METRICS, Scene, Track},
    },
    Room, Watched,
};

impl Room {
    /// Which changes may have done what is seen in an environment since a change; nobody, while nothing is suspected there.
    pub(super) fn suspects(&self, watched: &Watched, place: &EnvironmentName) -> Suspects {
        let here = || watched.tracks.iter().filter(|(key, _)| key.environment == *place);
        if !here().any(|(_, track)| track.ever_troubled()) {
            return Suspects::default();
        }
        let tracks: Vec<(&Line, &Track)> =
            here().filter_map(|(key, track)| Some((self.lines.get(key)?, track))).collect();
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
        let beside = self
            .order()
            .iter()
            .filter(|id| **id != watched.change.id)
            .filter_map(|id| Some(&self.watches.get(id)?.tracks))
            .collect();
        let (depends_on, hosts) = (&self.depends_on, &self.hosts);
        culprit::suspects(&View { tracks, beside, changes, depends_on, hosts })
    }

    /// The verdicts of an environment that altered; `pushed` is the series whose looks are new, none for all.
    pub(super) fn report(
        &mut self,
        place: &EnvironmentName,
        pushed: Option<&SeriesKey>,
    ) -> Vec<Verdict> {
        let mut told = Vec::new();
        for id in self.order().iter() {
            let Some(watched) = self.watches.get(id).filter(|w| w.closed_at.is_none()) else {
                continue;
            };
            let keys = if let Some(pushed) = pushed {
                self.touched(id, pushed)
            } else {
                let here = watched.tracks.keys().filter(|key| key.environment == *place);
                let here = here.cloned().collect();
                self.weigh(id, place);
                here
            };
            told.extend(self.tell_some(id, &keys, false));
        }
        told
    }

    /// The verdicts of these series, as they stand.
    pub(super) fn tell_all(&mut self, id: &ChangeId, keys: &[SeriesKey]) -> Vec<Verdict> {
        let places: BTreeSet<&EnvironmentName> = keys.iter().map(|k| &k.environment).collect();
        for place in places {
            self.weigh(id, place);
        }
        self.tell_some(id, keys, true)
    }

    /// The verdicts of these series that are news (or all of them), with the odds that are known, noted as told.
    fn tell_some(&mut self, id: &ChangeId, keys: &[SeriesKey], all: bool) -> Vec<Verdict> {
        let Some(watched) = self.watches.get(id) else { return Vec::new() };
        let (mut verdicts, mut notes) = (Vec::new(), Vec::new());
        let nobody = Arc::new(Suspects::default());
        for key in keys {
            let Some(track) = watched.tracks.get(key) else { continue };
            if track.closed_at.is_some() && !all {
                continue;
            }
            let suspects = watched.odds.of(&key.environment);
            for (part, metric) in subjects(track, true) {
                let stirred = stirred(track, &part, metric);
                let known = if stirred { &suspects } else { &nobody };
                let now = Told::now(track, &part, metric, known.clone());
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

/// Whether a standing of a track that somebody is to be named for is another than was told.
pub(super) fn alters(track: &Track) -> bool {
    let stirs = |part: &Part, metric| {
        let since = track.judge_of(part, metric).and_then(|j| j.regressed_since);
        let now = (track.conclusion_of(part, metric), since);
        let then = told(track, part, metric).map(|t| (t.conclusion, t.regressed_since));
        stirred(track, part, metric) && then != Some(now)
    };
    subjects(track, true).iter().any(|(part, metric)| stirs(part, *metric))
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
