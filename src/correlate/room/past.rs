//! Watches that were over when the agent stopped: taken up again as what they were, so that they go on being looked after.
//!
//! Nothing of them is told twice, and none is opened again by being taken up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::model::{Change, ChangeId, Conclusion, Metric, Part, SeriesKey, Verdict};

use super::{
    super::{
        report::{Suspects, Told},
        watch::{METRICS, Scene},
    },
    Members, Room, Watched, in_order, stirs, tell,
};

/// A watch that is over.
#[derive(Debug, Clone)]
pub struct Past {
    /// Of which change.
    pub change: Change,
    /// The series it was judged by, with their probes known so far, those after its end included.
    pub members: Members,
    /// When it was over.
    pub closed_at: Timestamp,
    /// The last word on each of its series.
    pub told: Vec<Verdict>,
}

/// What one verdict is about.
type Subject = (ChangeId, SeriesKey, Part, Metric);

impl Room {
    /// Takes up what an earlier life left: watches that are open, as [`Room::restore`] does, and watches that are over. Of the open
    /// ones all verdicts are returned; of the others those that runs since their end made others than was told.
    pub fn resume(
        &mut self,
        open: Vec<(Change, Members)>,
        past: Vec<Past>,
        now: Timestamp,
    ) -> Vec<Verdict> {
        let (mut anew, mut places) = (BTreeSet::new(), BTreeSet::new());
        let (mut over, mut told) = (BTreeMap::new(), Vec::new());
        for Past { change, members, closed_at, told: words } in past {
            self.admit(&change, members, now, &mut anew);
            over.insert(change.id, closed_at);
            told.extend(words);
        }
        for (change, members) in open {
            let keys = self.admit(&change, members, now, &mut anew);
            places.extend(keys.into_iter().map(|k| k.environment));
        }
        for series in &anew {
            self.judge_anew(series);
        }
        for id in in_order(&self.watches) {
            if let Some(closed_at) = over.get(&id) {
                self.close_again(&id, *closed_at);
            }
        }
        told.iter().for_each(|verdict| self.recall(verdict));
        let mut news = self.since_the_end(over.keys(), &told);
        news.extend(places.iter().flat_map(|place| self.report(place, None)));
        news
    }

    fn close_again(&mut self, id: &ChangeId, closed_at: Timestamp) {
        let tracks = self.watches.get(id).map(|w| w.tracks.keys().cloned().collect::<Vec<_>>());
        for key in tracks.unwrap_or_default() {
            let (troubles, part_troubles) = self.troubles_before(id, &key);
            let stirs = stirs(&self.watches, &key.environment);
            let Some(line) = self.lines.get(&key) else { continue };
            let Some(watched) = self.watches.get_mut(id) else { continue };
            let Watched { change, tracks, shares, mapped, controls, fleet, .. } = watched;
            let Some(track) = tracks.get_mut(&key) else { continue };
            let scene = Scene {
                rules: &self.rules,
                change,
                line,
                shares: *shares,
                mapped: mapped.contains(&key),
                controls,
                fleet: *fleet,
                troubles: &troubles,
                part_troubles: &part_troubles,
                stirs: &stirs,
            };
            track.close_again(scene, closed_at);
            for (slot, metric) in METRICS.into_iter().enumerate() {
                let now = Told::now(track, &Part::Whole, metric, Arc::new(Suspects::default()));
                track.told[slot] = Some(now);
            }
        }
        if let Some(watched) = self.watches.get_mut(id) {
            watched.closed_at = Some(closed_at);
        }
    }

    /// What the runs since the end of these watches made of their verdicts, as far as that was not told. Where a verdict is another
    /// one by other settings alone, what was told stands.
    fn since_the_end<'a>(
        &mut self,
        over: impl Iterator<Item = &'a ChangeId>,
        told: &[Verdict],
    ) -> Vec<Verdict> {
        let mut before: BTreeMap<Subject, Conclusion> = BTreeMap::new();
        let mut series = BTreeSet::new();
        for id in over {
            for (key, track) in self.watches.get(id).iter().flat_map(|w| &w.tracks) {
                series.insert(key.clone());
                before.extend(tell::subjects(track, true).into_iter().map(|(part, metric)| {
                    let conclusion = track.conclusion_of(&part, metric);
                    ((id.clone(), key.clone(), part, metric), conclusion)
                }));
            }
        }
        let told: BTreeMap<Subject, &Verdict> = told.iter().map(|v| (subject(v), v)).collect();
        let mut news: Vec<Verdict> = series.iter().flat_map(|key| self.look_after(key)).collect();
        news.retain(|verdict| {
            let subject = subject(verdict);
            let became = before.get(&subject) != Some(&verdict.conclusion);
            let known = told.get(&subject).is_some_and(|t| {
                let same = t.conclusion == verdict.conclusion;
                same && (t.recovered_at == verdict.recovered_at || verdict.recovered_at.is_none())
            });
            !known && (became || verdict.recovered_at.is_some())
        });
        news
    }
}

fn subject(verdict: &Verdict) -> Subject {
    let series = SeriesKey {
        journey: verdict.journey.clone(),
        environment: verdict.environment.clone(),
        location: verdict.location.clone(),
    };
    (verdict.change.clone(), series, verdict.part.clone(), verdict.metric)
}
