//! The parts of one series watched for one change: its steps, their phases, what they measure.
//!
//! A part is judged by the same machinery as its journey, on a line of its own, for the worse only; a measure
//! both ways. There are many parts and most of them never move, so a part's judge is made when its times first look as if it could matter: a cumulative sum (Page 1954) is at
//! most of the evidence needed, and two of the last three times are long enough. The judge is then shown every run since the
//! change. Its own demands are higher, so that hardly anything is seen later for that.

mod measured;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::model::{Conclusion, Metric, Part, Probe, Revision};

use super::{
    controls::Shared,
    figures::{count, median_of},
    judge::{Around, BEFORE_NEEDS, Closing, Judge},
    measure::{Axis, Harm},
    rebase::Trouble,
    report::Told,
    robust::{median, spread},
    series::{foreign, latency_of},
    watch::{Scene, freeze, replayed},
};

use measured::{Measured, measures};

/// How far back the times of parts are looked at, before a change: further back only those of the whole journey are. Three days
/// show what the same hour of a day is like, and cost a fifth of a gigabyte for a thousand journeys.
pub const PARTS_REACH: Duration = Duration::from_secs(3 * 86_400);

/// Runs before the change that say how long a part usually takes, and the newest of them.
const RECENT: (usize, usize) = (180, 60);

/// A phase that usually takes less than so many milliseconds, or less than this share of its journey, is not judged by itself: its
/// step is.
const PHASE_LEAST: (f64, f64) = (2.0, 0.01);

/// A part that slows its journey down by less than this share of it does it no harm.
const MATTERS: f64 = 0.05;

/// Shares of the smallest relative and absolute effect from which on a part is judged; the gates of the evidence ask for more.
const STIRS: (f64, f64) = (0.5, 0.75);

/// The shift, in units of the noise, that the cumulative sum looks for; scores beyond the bound count as the bound; and the
/// share of the evidence needed at which a part is judged.
const SHIFT: f64 = 1.0;
const BOUND: f64 = 4.0;
const NEAR: f64 = 0.7;

/// The parts of one series watched for one change.
#[derive(Debug, Clone, Default)]
pub(super) struct PartTracks {
    /// Chosen at the first run after the change.
    watched: Option<Vec<PartTrack>>,
    /// What was last told of each part; none where that was in an earlier life.
    pub(super) told: BTreeMap<Part, Option<Told>>,
    /// Where in the layout of the newest run the parts stand.
    slots: (Option<Arc<[Part]>>, Vec<Option<usize>>),
}

/// One part.
#[derive(Debug, Clone)]
pub(super) struct PartTrack {
    pub(super) part: Part,
    /// From this time on it looks as if it could matter.
    bar: f64,
    /// The smallest slow-down that matters, in ms.
    least_ms: f64,
    recent: [f64; 3],
    /// The logarithm of its usual time, and the noise of that.
    usual: (f64, f64),
    sum: f64,
    pub(super) judge: Option<Judge>,
    basis: Vec<Trouble>,
    /// How it is looked at, where it is a measure.
    measured: Option<Measured>,
}

impl PartTracks {
    /// Forgets what was judged; what was told stays told.
    pub(super) fn restart(&mut self) {
        *self = Self { told: std::mem::take(&mut self.told), ..Self::default() };
    }

    /// The parts that ever stood as suspected or worse, with their judges.
    pub(super) fn stirred(&self) -> impl Iterator<Item = (&Part, &Judge)> {
        let judged = self.watched.iter().flatten().filter(|w| w.harm() != Harm::No);
        judged
            .filter_map(|w| Some((&w.part, w.judge.as_ref()?)))
            .filter(|(_, judge)| judge.suspected_since.is_some())
    }

    /// The measures that became better beyond doubt.
    pub(super) fn bettered(&self) -> impl Iterator<Item = &Part> {
        let gains = self.watched.iter().flatten().filter(|w| w.harm() == Harm::No);
        gains.filter(|w| w.moved()).map(|w| &w.part)
    }

    /// The judge of a part, where it has one.
    pub(super) fn judge(&self, part: &Part) -> Option<&Judge> {
        self.speaking(part)?.judge.as_ref()
    }

    /// How the runs of a measure are read by the judge that speaks for it.
    pub(super) fn axis(&self, part: &Part) -> Option<&Axis> {
        self.speaking(part)?.measured.as_ref()?.axis.as_ref()
    }

    /// What is concluded of a part.
    pub(super) fn conclusion(&self, part: &Part, closing: Option<&Closing>) -> Conclusion {
        use Conclusion as C;
        let Some(track) = self.speaking(part) else { return C::Watching };
        let Some(judge) = &track.judge else { return C::Watching };
        match (track.harm(), judge.conclusion(false, closing)) {
            (Harm::Yes, conclusion) => conclusion,
            (Harm::Unknown, C::Regressed) => C::Suspected,
            (Harm::Unknown, conclusion) => conclusion,
            (Harm::No, C::Regressed) => C::Improved,
            (Harm::No, C::Suspected | C::Transient) if closing.is_some() => C::Inconclusive,
            (Harm::No, C::Suspected | C::Transient) => C::Watching,
            (Harm::No, conclusion) => conclusion,
        }
    }

    /// Of the judges of a part the one that has something to say: of harm, of betterment, or the one with the most evidence.
    fn speaking(&self, part: &Part) -> Option<&PartTrack> {
        let own = self.watched.iter().flatten().filter(|w| w.part == *part);
        own.max_by(|a, b| a.loudness().total_cmp(&b.loudness()))
    }

    /// How many parts are judged, once that is known.
    #[cfg(test)]
    pub(super) fn counted(&self) -> Option<usize> {
        self.watched.as_ref().map(Vec::len)
    }

    /// What later changes must know.
    pub(super) fn events(&self) -> impl Iterator<Item = (&Part, &Trouble)> {
        let judged =
            self.watched.iter().flatten().filter_map(|w| Some((&w.part, w.judge.as_ref()?)));
        judged.flat_map(|(part, judge)| judge.events.iter().map(move |event| (part, event)))
    }

    /// Takes the run at `index` of the line, which is one after the change, without what it shares with the controls.
    pub(super) fn take(
        &mut self,
        scene: Scene<'_>,
        (index, shared): (usize, Shared),
        revision: Option<&Revision>,
        around: Around<'_>,
    ) {
        let watched = self.watched.get_or_insert_with(|| choose(&scene, revision));
        let probe = &scene.line.probes[index];
        if watched.is_empty() {
            return;
        }
        find(&mut self.slots, watched, probe);
        let parts = watched.len();
        let raise = scene.shares.part(scene.mapped, parts);
        let near = NEAR * (scene.rules.tuning.latency_suspected + raise.suspected);
        for (track, slot) in watched.iter_mut().zip(&self.slots.1) {
            let value = slot.and_then(|s| probe.parts.values().get(s)).map(|v| f64::from(*v));
            if track.measured.is_some() {
                // A number that is no time shares nothing with the times of the controls.
                track.measure(scene, index, value, (parts, around));
                continue;
            }
            let value = value.and_then(|ms| shared.relieve_ms(ms));
            if let Some(value) = value {
                track.see(value);
            }
            if track.judge.is_none() && !(track.stirs() && track.sum >= near) {
                continue;
            }
            track.rest_on(scene, index, parts);
            if let Some(judge) = &mut track.judge {
                judge.push(&probe.with(value), around);
            }
        }
    }

    /// Freezes anew what rests on levels that are known better now, of the runs before the index `seen`.
    pub(super) fn settle(&mut self, scene: Scene<'_>, seen: usize) {
        let Some(watched) = &mut self.watched else { return };
        let parts = watched.len();
        for track in watched.iter_mut().filter(|t| t.judge.is_some()) {
            if track.measured.is_some() {
                track.rest_measure(scene, seen, parts);
            } else {
                track.rest_on(scene, seen, parts);
            }
        }
    }
}

impl PartTrack {
    fn see(&mut self, value: f64) {
        self.recent.rotate_left(1);
        self.recent[2] = value;
        let (usual, noise) = self.usual;
        let score = ((value.ln() - usual) / noise).clamp(-BOUND, BOUND);
        self.sum = (self.sum + SHIFT * score - 0.5 * SHIFT * SHIFT).max(0.0);
    }

    /// Whether two of the last three times are so long that it could matter.
    fn stirs(&self) -> bool {
        self.recent.iter().filter(|v| **v > self.bar).count() >= 2
    }

    /// Makes the judge, or makes it anew where an earlier change turned out to have moved the level.
    fn rest_on(&mut self, scene: Scene<'_>, index: usize, parts: usize) {
        let started = scene.change.started_at;
        let now = scene.line.probes.get(index).map_or(Timestamp::MAX, |p| p.at);
        let own = scene.part_troubles.iter().filter(|(p, _)| *p == self.part).map(|(_, t)| t);
        let whole = scene.troubles.iter().filter(|t| t.metric == Metric::Latency);
        let known = |t: &&Trouble| t.latest < started && t.known_at <= now;
        let basis: Vec<Trouble> = whole.chain(own).filter(known).cloned().collect();
        if self.judge.is_some() && self.basis == basis {
            return;
        }
        let mut tuning = scene.rules.tuning.raised(scene.shares.part(scene.mapped, parts));
        tuning.effect_ms = tuning.effect_ms.max(self.least_ms);
        let line = scene.line.of(&self.part, reach(started));
        let alone = Scene { line: &line, ..scene };
        let judge = freeze(&alone, Metric::Latency, &basis, &tuning);
        let seen = |index: usize| {
            let probe = &scene.line.probes[index];
            let value = probe.parts.get(&self.part);
            probe.with(value.and_then(|ms| scene.shared(probe).relieve_ms(ms)))
        };
        self.judge = Some(replayed(judge, &scene, index, &seen));
        self.basis = basis;
    }
}

/// From when on the times of parts are looked at, for a change that started then.
pub(super) fn reach(started: Timestamp) -> Timestamp {
    started.checked_sub(PARTS_REACH).unwrap_or(Timestamp::MIN)
}

/// Finds the parts in a run's layout, unless it is that of the run before.
fn find(
    (last, slots): &mut (Option<Arc<[Part]>>, Vec<Option<usize>>),
    watched: &[PartTrack],
    probe: &Probe,
) {
    let layout = probe.parts.layout();
    let same = match (&*last, layout) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => slots.len() == watched.len(),
        _ => false,
    };
    if !same {
        let layout_of = |part: &Part| layout.and_then(|l| l.iter().position(|p| p == part));
        *slots = watched.iter().map(|w| layout_of(&w.part)).collect();
        *last = layout.cloned();
    }
}

/// The parts that enough of the newest runs before the change have, and that are large enough to matter.
fn choose(scene: &Scene<'_>, revision: Option<&Revision>) -> Vec<PartTrack> {
    let (line, started) = (scene.line, scene.change.started_at);
    let (from, to) = (line.from(reach(started)), line.from(started));
    let recent: Vec<&Probe> = line.probes[from.min(to)..to]
        .iter()
        .rev()
        .filter(|p| latency_of(p).is_some() && !foreign(p, revision))
        .take(RECENT.0)
        .collect();
    let Some(whole) = median_of(recent.iter().filter_map(|p| latency_of(p)).collect()) else {
        return Vec::new();
    };
    let mut times: BTreeMap<&Part, Vec<f64>> = BTreeMap::new();
    for probe in &recent {
        for (part, value) in probe.parts.iter() {
            times.entry(part).or_default().push(value);
        }
    }
    let enough = BEFORE_NEEDS.max(recent.len() / 2);
    times.retain(|_, values| values.len() >= enough);
    let steps = times.keys().filter(|part| matches!(part, Part::Step(_))).count();
    let rules = scene.rules;
    let measures: Vec<PartTrack> = times
        .iter()
        .filter(|(part, _)| matches!(part, Part::Measure(..)))
        .flat_map(|(part, values)| measures(scene, part, values))
        .collect();
    times
        .into_iter()
        .filter_map(|(part, values)| {
            let newest = median_of(values[..values.len().min(RECENT.1)].to_vec())?;
            let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
            let noise = spread(&logs, median(&logs)).max(rules.tuning.noise_floor());
            let usual = median_of(values)?;
            let judged = match part {
                Part::Whole => false,
                // Alone it is the journey.
                Part::Step(_) => steps > 1,
                Part::Phase(..) => usual >= PHASE_LEAST.0.max(PHASE_LEAST.1 * whole),
                Part::Measure(..) => false,
            };
            let least_ms = MATTERS * whole;
            let usual = usual.min(newest);
            let relative = (STIRS.0 * rules.tuning.effect).exp();
            judged.then(|| PartTrack {
                part: part.clone(),
                bar: (usual * relative).max(usual + STIRS.1 * least_ms),
                least_ms,
                recent: [0.0; 3],
                usual: (usual.ln(), noise),
                sum: 0.0,
                judge: None,
                basis: Vec::new(),
                measured: None,
            })
        })
        .chain(measures)
        .collect()
}

/// Where a journey lost its time: the steps, and within the first of them the phases, that more than half of the added milliseconds
/// came from; by medians, whether or not the parts moved beyond doubt. As text for people, and the largest shares one by one.
pub(super) fn place(before: &[&Probe], after: &[&Probe]) -> Option<(String, String)> {
    let usual =
        |probes: &[&Probe]| median_of(probes.iter().filter_map(|p| latency_of(p)).collect());
    let whole = usual(after)? - usual(before)?;
    let (then, now) = (medians(before), medians(after));
    let mut added: Vec<(&Part, f64)> = now
        .iter()
        .filter_map(|(part, ms)| Some((*part, ms - then.get(part)?)))
        .filter(|(part, _)| !matches!(part, Part::Measure(..)))
        .collect();
    added.sort_by(|a, b| b.1.total_cmp(&a.1));
    let of_steps: Vec<(&Part, f64)> =
        added.iter().filter(|(p, _)| matches!(p, Part::Step(_))).copied().collect();
    let total = of_steps.iter().map(|(_, ms)| ms.max(0.0)).sum::<f64>().max(whole);
    let (first, most) = *of_steps.first()?;
    if whole <= 0.0 || most <= 0.0 {
        return None;
    }
    let phase = added
        .iter()
        .find(|(p, _)| matches!(p, Part::Phase(..)) && p.step() == first.step())
        .filter(|(_, ms)| *ms >= 0.5 * most);
    let phase_name = |part: &Part| match part {
        Part::Phase(_, phase) => phase.to_string(),
        _ => String::new(),
    };
    let second = of_steps.get(1).filter(|(_, ms)| *ms > 0.0);
    let text = match (most / total, second) {
        (share, _) if share >= 0.5 => {
            let within = phase.map_or(String::new(), |(p, _)| format!(", {}", phase_name(p)));
            match (of_steps.len(), phase) {
                (1, Some((p, _))) => format!("mostly {}", phase_name(p)),
                (1, None) => return None,
                _ => format!("mostly {first}{within}"),
            }
        }
        (share, Some((next, ms))) if share + ms / total >= 0.7 => {
            format!("mostly {first} and {next}")
        }
        _ => format!("spread over {} steps", of_steps.iter().filter(|(_, ms)| *ms > 0.0).count()),
    };
    let largest = added.iter().filter(|(_, ms)| *ms >= 0.1 * total).take(5);
    let list: Vec<String> = largest.map(|(part, ms)| format!("{part} {ms:+.0} ms")).collect();
    Some((text, list.join(", ")))
}

/// The median of each part that at least three of the runs have.
fn medians<'a>(probes: &[&'a Probe]) -> BTreeMap<&'a Part, f64> {
    let mut times: BTreeMap<&Part, Vec<f64>> = BTreeMap::new();
    for probe in probes {
        for (part, value) in probe.parts.iter() {
            times.entry(part).or_default().push(value);
        }
    }
    let known = times.into_iter().filter(|(_, values)| count(values.len()) >= 3.0);
    known.filter_map(|(part, values)| Some((part, median_of(values)?))).collect()
}
