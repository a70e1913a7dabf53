//! Who did it? Gathers what the series of one change say and asks [`blame`] which of the changes explains the pattern.

mod naming;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use crate::model::{Change, ChangeKind, Metric, SeriesKey, ServiceName, Signature};

use super::{
    blame::{Signal, Suspect, Undone, blame},
    figures::{median_of, narrow, tally},
    judge::Judge,
    report::Suspects,
    series::{Line, latency_of, later, seconds},
    watch::{METRICS, Track},
};
pub(super) use naming::Hosts;
use naming::Naming;

/// Newest runs that say how many milliseconds a journey takes now.
const NOW: usize = 10;

/// Runs before the change that say how many it took.
const THEN: usize = 180;

/// Onsets no farther apart than this, and than so many runs, are of one trouble.
const SAME_TROUBLE: Duration = Duration::from_secs(600);
const SAME_TROUBLE_RUNS: u32 = 10;

/// What is seen from one change: the series of its environment, and the changes that may have moved them.
pub(super) struct View<'a> {
    pub(super) tracks: Vec<(&'a Line, &'a Track)>,
    /// The series as seen from the other changes, in the order these started.
    pub(super) beside: Vec<&'a BTreeMap<SeriesKey, Track>>,
    pub(super) changes: Vec<&'a Change>,
    pub(super) depends_on: &'a BTreeMap<ServiceName, Vec<ServiceName>>,
    pub(super) hosts: &'a Hosts,
}

/// The changes by how probable they are; nobody, while nothing is suspected anywhere.
pub(super) fn suspects(view: &View<'_>) -> Suspects {
    if !view.tracks.iter().any(|(_, track)| track.ever_troubled()) {
        return Suspects::default();
    }
    let began = began(view);
    let naming = Naming::new(view);
    let suspects: Vec<Suspect> = view.changes.iter().map(|c| suspect(view, c)).collect();
    let signals: Vec<Signal> = view
        .tracks
        .iter()
        .flat_map(|(line, track)| {
            // Where the journey as a whole hardly moved, the part that moved most speaks for its time; a measure whose stray runs are
            // counted speaks for its success.
            let loudest = |metric: Metric| {
                let own = track.parts.stirred().map(|(_, judge)| judge);
                own.filter(|j| j.metric == metric && !track.stirred(metric)).max_by(|a, b| {
                    let of = |j: &Judge| j.peak.map_or(0.0, |p| p.log_e);
                    of(a).total_cmp(&of(b))
                })
            };
            let told = |metric: &Metric| {
                let judge = loudest(*metric).or(track.judge(*metric))?;
                signal(&naming, line, telling(view, line, judge, began))
            };
            METRICS.iter().filter_map(told).collect::<Vec<_>>()
        })
        .collect();
    let blamed = blame(&suspects, &signals, view.depends_on);
    Suspects { candidates: blamed.candidates, named: blamed.named }
}

/// When the trouble seen from here began: the earliest onset of what is suspected.
fn began(view: &View<'_>) -> Option<Timestamp> {
    let judges = view.tracks.iter().flat_map(|(_, t)| METRICS.iter().filter_map(|m| t.judge(*m)));
    judges.filter(|j| j.suspected_since.is_some()).filter_map(|j| Some(j.onset()?.0)).min()
}

/// The judge that tells of a series. An earlier change may have its trouble on record already, so that the one in question takes
/// the new level for granted: then what that one saw of the same trouble is what is to be explained.
fn telling<'v>(
    view: &View<'v>,
    line: &Line,
    own: &'v Judge,
    began: Option<Timestamp>,
) -> &'v Judge {
    let Some(began) = began.filter(|_| own.suspected_since.is_none()) else { return own };
    let apart = SAME_TROUBLE.max(line.member.interval.saturating_mul(SAME_TROUBLE_RUNS));
    let same = |j: &&Judge| {
        let near = |(at, ..): (Timestamp, Timestamp, Timestamp)| {
            began <= later(at, apart) && at <= later(began, apart)
        };
        j.suspected_since.is_some() && j.onset().is_some_and(near)
    };
    let seen = view.beside.iter().filter_map(|t| t.get(&line.member.series)?.judge(own.metric));
    seen.filter(same).min_by_key(|j| j.onset().map(|(at, ..)| at)).unwrap_or(own)
}

fn suspect(view: &View<'_>, change: &Change) -> Suspect {
    Suspect {
        id: change.id.clone(),
        kind: change.kind,
        services: change.services.clone(),
        started_at_s: seconds(change.started_at),
        finished_at_s: change.finished_at.map(seconds),
        undone: undone(view, change),
        share: share(change),
    }
}

/// What became of the trouble when a change was rolled back: a rollback of one of its services that began after it.
fn undone(view: &View<'_>, change: &Change) -> Undone {
    let back = view
        .changes
        .iter()
        .filter(|r| r.kind == ChangeKind::Rollback && r.id != change.id)
        .filter(|r| r.started_at > change.started_at)
        .filter(|r| r.services.iter().any(|s| change.services.contains(s)))
        .min_by_key(|r| r.started_at);
    let Some(back) = back else { return Undone::No };
    let judges = view.tracks.iter().flat_map(|(line, track)| {
        METRICS.iter().filter_map(move |m| Some((*line, track.judge(*m)?)))
    });
    let troubled = judges.filter(|(_, j)| {
        let begun = j.onset().is_some_and(|(at, ..)| at < back.started_at);
        j.suspected_since.is_some() && begun
    });
    let (mut ended, mut on) = (0, 0);
    let mut runs = u32::MAX;
    for (line, judge) in troubled {
        match &judge.ending {
            Some(end) if end.recovered.at >= back.started_at => ended += 1,
            // It was over before.
            Some(_) => {}
            None => {
                let since = line.from(back.settled_at().min(line.newest()));
                // An end takes many runs to be sure of: until then what looks like one does not speak for going on.
                if judge.metric == Metric::Success && fails_less(line, judge, since) {
                    continue;
                }
                on += 1;
                runs = runs.min(narrow(line.probes.len() - since));
            }
        }
    }
    match (ended, on) {
        (0, 0) => Undone::No,
        (ended, on) if ended >= on => Undone::Recovered,
        _ => Undone::WentOn(runs),
    }
}

/// Whether runs fail less than half as often from this one on as from the onset of the trouble until then.
fn fails_less(line: &Line, judge: &Judge, since: usize) -> bool {
    let Some((onset, ..)) = judge.onset() else { return false };
    let share = |from: usize, to: usize| {
        let (good, all) = tally(line.probes[from.min(to)..to].iter());
        1.0 - f64::from(good) / f64::from(all.max(1))
    };
    since < line.probes.len()
        && share(since, line.probes.len()) < 0.5 * share(line.from(onset), since)
}

/// The share of runs a change is meant for, as its sender put it: a label in percent (`percent`, `percentage`, `rollout`) or as a
/// share of one (`share`).
fn share(change: &Change) -> Option<f64> {
    let read = |name: &str| change.labels.get(name)?.trim().trim_end_matches('%').parse().ok();
    let percent = ["percent", "percentage", "rollout"].into_iter().find_map(read);
    let share: f64 = percent.map(|p: f64| p / 100.0).or_else(|| read("share"))?;
    (share > 0.0 && share <= 1.0).then_some(share)
}

/// What one metric of one series says; none before its first look.
fn signal(naming: &Naming<'_>, line: &Line, judge: &Judge) -> Option<Signal> {
    let look = judge.telling().or(judge.harm)?;
    let latency = judge.metric == Metric::Latency;
    let from = judge.onset().map_or(judge.frame.after(0.0), |(at, ..)| at);
    let (good, all) = tally(line.probes[line.from(from)..].iter());
    let Pointing { failing, told } =
        if latency { Pointing::default() } else { pointing(naming, line, judge) };
    Some(Signal {
        journey: line.member.series.journey.clone(),
        services: line.member.services.clone(),
        metric: judge.metric,
        heard: judge.heard().to_vec(),
        owed: (look.suspected_at - judge.suspected_at()).max(0.0),
        effect: look.shift,
        added_ms: if latency { added(line, judge) } else { 0.0 },
        failing,
        told,
        failed: if latency { (0, 0) } else { (all - good, all) },
        scores: if latency { judge.scores().to_vec() } else { judge.failures() },
        memory: judge.memory(),
        usual: judge.usual_failures().unwrap_or(0.0),
    })
}

/// The services that failures since the change point at, each with the number of such failures.
#[derive(Default)]
struct Pointing {
    /// By the step that failed.
    failing: Vec<(ServiceName, u32)>,
    /// By what its error says.
    told: Vec<(ServiceName, u32)>,
}

/// What the failures since the change point at. A step's service is what the journey says, or whose host it asked, or what
/// the step's name names; an error names a service by its name or by its host.
fn pointing(naming: &Naming<'_>, line: &Line, judge: &Judge) -> Pointing {
    let (mut failing, mut told) = (BTreeMap::new(), BTreeMap::new());
    // Most failures are like the one before: what each names is looked for once.
    let mut known: BTreeMap<&Signature, (Option<&ServiceName>, BTreeSet<&ServiceName>)> =
        BTreeMap::new();
    let probes = &line.probes[line.from(judge.frame.after(0.0))..];
    for signature in probes.iter().filter_map(|p| p.signature.as_ref()) {
        let (place, names) = known.entry(signature).or_insert_with(|| {
            let host = signature.host.as_deref();
            let place = line.member.steps.get(&*signature.step);
            let place =
                place.or_else(|| naming.owner(host?)).or_else(|| naming.within(&signature.step));
            let mut names = naming.told(signature);
            // What the place says is not said twice.
            names.retain(|name| Some(*name) != place);
            (place, names)
        });
        place.iter().for_each(|s| *failing.entry((*s).clone()).or_default() += 1);
        names.iter().for_each(|s| *told.entry((*s).clone()).or_default() += 1);
    }
    Pointing { failing: failing.into_iter().collect(), told: told.into_iter().collect() }
}

/// By how many milliseconds a journey is slower now than before the change, by medians; 0 where that is not known.
fn added(line: &Line, judge: &Judge) -> f64 {
    let newest = |span: (Timestamp, Timestamp), most: usize| -> Option<f64> {
        let times = line.between(span).iter().rev().filter_map(latency_of);
        median_of(times.take(most).collect())
    };
    let then = newest(judge.before.present, THEN);
    let now = newest((judge.frame.after(0.0), Timestamp::MAX), NOW);
    match (then, now) {
        (Some(then), Some(now)) => now - then,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests;
