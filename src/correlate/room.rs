//! All open watches: a pure fold over runs. The agent and the back-test both judge by it.
//!
//! Its state is a function of the changes and the runs it was told, not of the order in which they came: a room rebuilt after a
//! restart holds the verdicts it would have had. A run that comes late, or a change that is logged late, has the series it
//! touches judged anew.

mod admit;
mod after;
mod calendar;
mod odds;
mod past;
mod tell;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;

use crate::model::{
    Change, ChangeId, ChangeKind, Detect, EnvironmentName, Metric, Part, Probe, SeriesKey, Service,
    ServiceName, Verdict, Watch,
};

use super::{
    Shares,
    after::Stir,
    controls::Controls,
    culprit::Hosts,
    fleet::Fleet,
    rebase::{Trouble, TroubleKind},
    report::Suspects,
    series::{Added, KnownShift, Line, Member, later},
    watch::{Rules, Scene, Track},
};
use calendar::Calendar;
use odds::Odds;

/// How far ahead of us a run's clock may be before it is not believed.
const AHEAD: Duration = Duration::from_secs(300);

/// How long a watch is remembered after its end: as a suspect, for what it taught of the levels, and to be looked after.
pub const REMEMBERED: Duration = Duration::from_secs(36 * 3600);

pub use past::Past;

/// The series that a change is judged by, each with its probes known so far.
pub type Members = Vec<(Member, Vec<Probe>)>;

/// A watch that is open.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenWatch {
    /// Of which change.
    pub change: ChangeId,
    /// What sort of change.
    pub kind: ChangeKind,
    /// The services changed.
    pub services: Vec<ServiceName>,
    /// Where.
    pub environments: Vec<EnvironmentName>,
    /// The series still watched.
    pub series: Vec<SeriesKey>,
    /// When the change started.
    pub started_at: Timestamp,
    /// When the clock of the watch started.
    pub settled_at: Timestamp,
    /// When the last of its series will be done, at the present pace.
    pub until: Timestamp,
}

/// All open watches, and those closed lately.
#[derive(Debug, Clone)]
pub struct Room {
    rules: Rules,
    depends_on: BTreeMap<ServiceName, Vec<ServiceName>>,
    hosts: Hosts,
    lines: BTreeMap<SeriesKey, Line>,
    watches: BTreeMap<ChangeId, Watched>,
    calendar: Calendar,
}

/// A change and its tracks, one a series.
#[derive(Debug, Clone)]
struct Watched {
    change: Change,
    tracks: BTreeMap<SeriesKey, Track>,
    /// How many series it is judged by, and which of them it maps to.
    shares: Shares,
    mapped: BTreeSet<SeriesKey>,
    controls: Controls,
    fleet: Fleet,
    /// Who is suspected of what is seen from here.
    odds: Odds,
    closed_at: Option<Timestamp>,
}

impl Room {
    /// An empty room that judges by these settings.
    pub fn new(watch: Watch, detect: Detect, services: BTreeMap<ServiceName, Service>) -> Self {
        let rules = Rules::new(watch, detect);
        let (depends_on, hosts) = landscape(services);
        let (lines, watches) = (BTreeMap::new(), BTreeMap::new());
        Self { rules, depends_on, hosts, lines, watches, calendar: Calendar::default() }
    }

    /// Judges by these settings from now on; baselines frozen before stay as they were frozen.
    pub fn configure(
        &mut self,
        watch: Watch,
        detect: Detect,
        services: BTreeMap<ServiceName, Service>,
    ) {
        let spells = std::mem::take(&mut self.rules.spells);
        self.rules = Rules { spells, ..Rules::new(watch, detect) };
        (self.depends_on, self.hosts) = landscape(services);
    }

    /// Opens the watch of a change, or takes in what is new of it. Each member comes with all its probes known so far, in any
    /// order: those before the change make the baseline, those after it are looked at one by one. Returns the verdicts that
    /// altered, at first all of them.
    pub fn open(&mut self, change: &Change, members: Members, now: Timestamp) -> Vec<Verdict> {
        self.restore(vec![(change.clone(), members)], now)
    }

    /// Opens many watches at once, as after a restart: the same as [`Room::open`] for each, but every series is judged only once.
    pub fn restore(&mut self, changes: Vec<(Change, Members)>, now: Timestamp) -> Vec<Verdict> {
        let (mut anew, mut places) = (BTreeSet::new(), BTreeSet::new());
        for (change, members) in changes {
            let keys = self.admit(&change, members, now, &mut anew);
            places.extend(keys.into_iter().map(|k| k.environment));
        }
        for series in &anew {
            self.judge_anew(series);
        }
        places.iter().flat_map(|place| self.report(place, None)).collect()
    }

    /// Takes a run; returns every verdict that altered in a way worth storing.
    pub fn push(&mut self, series: &SeriesKey, probe: &Probe, now: Timestamp) -> Vec<Verdict> {
        let watched = self
            .watches
            .values()
            .any(|w| w.tracks.get(series).is_some_and(|t| t.closed_at.is_none()));
        let looked_after = self.is_looked_after(series, probe.at);
        let open = |w: &&Watched| w.closed_at.is_none();
        let control = self.watches.values().filter(open).any(|w| w.controls.holds(series));
        if !(watched || looked_after || control) || probe.at > later(now, AHEAD) {
            return Vec::new();
        }
        let Some(line) = self.lines.get_mut(series) else { return Vec::new() };
        let added = line.add(probe);
        let mut told = if control { self.control(series) } else { Vec::new() };
        match added {
            Added::Known => return told,
            _ if !(watched || looked_after) => return told,
            Added::Inside => self.judge_anew(series),
            Added::Last => self.advance(series),
        }
        told.extend(self.report(&series.environment, Some(series)));
        if looked_after {
            told.extend(self.look_after(series));
        }
        told
    }

    /// Lets the watches that are open take the newest run of a control. Where that shows an outage, what was judged before it was known
    /// is judged anew.
    fn control(&mut self, series: &SeriesKey) -> Vec<Verdict> {
        let Some(line) = self.lines.get(series) else { return Vec::new() };
        let mut anew = BTreeSet::new();
        let open = self.watches.values_mut().filter(|w| w.closed_at.is_none());
        for watched in open.filter(|w| w.controls.holds(series)) {
            watched.controls.take(line, &watched.change, &self.rules.tuning);
            if watched.controls.settle() {
                anew.extend(watched.tracks.keys().cloned());
            }
        }
        anew.iter().for_each(|series| self.judge_anew(series));
        let places: BTreeSet<EnvironmentName> = anew.into_iter().map(|k| k.environment).collect();
        places.iter().flat_map(|place| self.report(place, None)).collect()
    }

    /// Judges a series from its start for every watch that is still open.
    fn judge_anew(&mut self, series: &SeriesKey) {
        for watched in self.watches.values_mut() {
            if let Some(track) = watched.tracks.get_mut(series)
                && track.closed_at.is_none()
            {
                track.restart();
            }
        }
        self.advance(series);
    }

    /// Lets every watch of a series take the runs it has not seen, in the order the changes started: later ones must know what
    /// earlier ones did.
    fn advance(&mut self, series: &SeriesKey) {
        let (order, stirs) = (self.order(), self.stirs_in(&series.environment));
        let Some(line) = self.lines.get(series) else { return };
        let mut troubles: Vec<Trouble> = Vec::new();
        let mut part_troubles: Vec<(Part, Trouble)> = Vec::new();
        for id in order.iter() {
            let Some(watched) = self.watches.get_mut(id) else { continue };
            let Watched { change, tracks, shares, mapped, controls, fleet, .. } = watched;
            let Some(track) = tracks.get_mut(series) else { continue };
            let scene = Scene {
                rules: &self.rules,
                change,
                line,
                shares: *shares,
                mapped: mapped.contains(series),
                controls,
                fleet: *fleet,
                troubles: &troubles,
                part_troubles: &part_troubles,
                stirs: &stirs,
            };
            if track.closed_at.is_none() && !line.probes.is_empty() {
                track.advance(scene, line.probes.len() - 1);
            }
            troubles.extend(track.events().cloned());
            part_troubles.extend(track.parts.events().map(|(p, t)| (p.clone(), t.clone())));
        }
    }

    /// Watches whose time is over get their final verdicts; those long closed are forgotten.
    pub fn close_due(&mut self, now: Timestamp) -> Vec<Verdict> {
        let mut closed = Vec::new();
        for id in self.order().iter() {
            closed.extend(self.close_tracks(id, now));
        }
        self.forget(now);
        closed
    }

    fn close_tracks(&mut self, id: &ChangeId, now: Timestamp) -> Vec<Verdict> {
        let due = self.due(id, now);
        for key in &due {
            let (troubles, part_troubles) = self.troubles_before(id, key);
            let stirs = self.stirs_in(&key.environment);
            let Some(line) = self.lines.get(key) else { continue };
            let Some(watched) = self.watches.get_mut(id) else { continue };
            let Watched { change, tracks, shares, mapped, controls, fleet, .. } = watched;
            let Some(track) = tracks.get_mut(key) else { continue };
            let scene = Scene {
                rules: &self.rules,
                change,
                line,
                shares: *shares,
                mapped: mapped.contains(key),
                controls,
                fleet: *fleet,
                troubles: &troubles,
                part_troubles: &part_troubles,
                stirs: &stirs,
            };
            track.close(scene, now, line.probes.len());
        }
        let verdicts = self.tell_all(id, &due);
        if let Some(watched) = self.watches.get_mut(id).filter(|w| w.closed_at.is_none()) {
            let over = later(watched.change.settled_at(), self.rules.watch.window) <= now;
            if over && watched.tracks.values().all(|t| t.closed_at.is_some()) {
                watched.closed_at = Some(now);
            }
        }
        verdicts
    }

    /// The series of a change whose watch is open although its time is over.
    fn due(&self, id: &ChangeId, now: Timestamp) -> Vec<SeriesKey> {
        let Some(w) = self.watches.get(id).filter(|w| w.closed_at.is_none()) else {
            return Vec::new();
        };
        let over = |key: &SeriesKey, track: &Track| {
            let line = self.lines.get(key);
            line.is_some_and(|line| track.is_due(&w.change, line, &self.rules.watch, now))
        };
        w.tracks.iter().filter(|(key, t)| over(key, t)).map(|(key, _)| key.clone()).collect()
    }

    /// What the changes that started earlier did to a series and its parts.
    fn troubles_before(
        &self,
        id: &ChangeId,
        series: &SeriesKey,
    ) -> (Vec<Trouble>, Vec<(Part, Trouble)>) {
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        for other in self.order().iter().take_while(|other| *other != id) {
            let Some(track) = self.watches.get(other).and_then(|w| w.tracks.get(series)) else {
                continue;
            };
            whole.extend(track.events().cloned());
            parts.extend(track.parts.events().map(|(p, t)| (p.clone(), t.clone())));
        }
        (whole, parts)
    }

    /// Forgets watches closed long ago, but not the levels they moved, and the runs that no watch needs.
    fn forget(&mut self, now: Timestamp) {
        let known = self.watches.len();
        let lines = &mut self.lines;
        self.watches.retain(|_, watched| {
            let keep = watched.closed_at.is_none_or(|at| later(at, REMEMBERED) > now);
            if !keep {
                for (key, track) in &watched.tracks {
                    let moved = track.events().filter(|e| e.kind == TroubleKind::Moved);
                    for event in moved {
                        if let Some(line) = lines.get_mut(key) {
                            line.shift(KnownShift { at: event.onset, metric: event.metric });
                        }
                    }
                    for (part, event) in track.parts.events() {
                        if let (TroubleKind::Moved, Some(line)) = (event.kind, lines.get_mut(key)) {
                            line.shift_part(part, event.onset);
                        }
                    }
                }
            }
            keep
        });
        if self.watches.len() != known {
            self.calendar = Calendar::default();
        }
        // Of each series that is needed, since when.
        let mut needed: BTreeMap<&SeriesKey, Timestamp> = BTreeMap::new();
        for watched in self.watches.values() {
            let open = watched.closed_at.is_none();
            let controls = watched.controls.keys().filter(|_| open);
            for key in watched.tracks.keys().chain(controls) {
                let since = needed.entry(key).or_insert(watched.change.started_at);
                *since = watched.change.started_at.min(*since);
            }
        }
        for (key, line) in lines.iter_mut() {
            match needed.get(key) {
                Some(since) => line.forget(*since),
                None => line.probes = Vec::new(),
            }
        }
    }

    /// The watches that are open.
    pub fn open_watches(&self) -> Vec<OpenWatch> {
        let open = self.watches.values().filter(|w| w.closed_at.is_none());
        open.map(|w| {
            let series: Vec<SeriesKey> = w
                .tracks
                .iter()
                .filter(|(_, t)| t.closed_at.is_none())
                .map(|(key, _)| key.clone())
                .collect();
            let end = later(w.change.settled_at(), self.rules.watch.window);
            let until = series
                .iter()
                .filter_map(|key| self.lines.get(key))
                .map(|line| Track::due(&w.change, line, &self.rules.watch).1)
                .fold(end, Timestamp::max);
            OpenWatch {
                change: w.change.id.clone(),
                kind: w.change.kind,
                services: w.change.services.clone(),
                environments: w.change.environments.clone(),
                series,
                started_at: w.change.started_at,
                settled_at: w.change.settled_at(),
                until,
            }
        })
        .collect()
    }

    /// Lets go of series that are walked no more: an open watch does not wait for them.
    pub fn retain(&mut self, walked: impl Fn(&SeriesKey) -> bool) {
        for watched in self.watches.values_mut().filter(|w| w.closed_at.is_none()) {
            watched.tracks.retain(|series, track| track.closed_at.is_some() || walked(series));
        }
    }

    /// Lets go of a change that turned out to be another one: it is a suspect of nothing any more.
    pub fn let_go(&mut self, change: &ChangeId) {
        self.watches.remove(change);
    }

    /// Whether a series is being watched for any change.
    pub fn covers(&self, series: &SeriesKey) -> bool {
        self.watches
            .values()
            .filter(|w| w.closed_at.is_none())
            .any(|w| w.tracks.get(series).is_some_and(|track| track.closed_at.is_none()))
    }

    /// All verdicts on a change as they stand.
    pub fn verdicts(&self, change: &ChangeId) -> Vec<Verdict> {
        let Some(watched) = self.watches.get(change) else { return Vec::new() };
        let mut all = Vec::new();
        let mut known: BTreeMap<&EnvironmentName, Suspects> = BTreeMap::new();
        for key in watched.tracks.keys() {
            let suspects = known
                .entry(&key.environment)
                .or_insert_with(|| self.suspects(watched, &key.environment));
            let subjects =
                watched.tracks.get(key).map(|t| tell::subjects(t, false)).unwrap_or_default();
            all.extend(
                subjects.iter().filter_map(|(p, m)| self.verdict(watched, key, (p, *m), suspects)),
            );
        }
        all
    }

    /// Remembers that a verdict on a part was told in an earlier life: should it not hold, that is told as well.
    pub fn recall(&mut self, verdict: &Verdict) {
        let series = SeriesKey {
            journey: verdict.journey.clone(),
            environment: verdict.environment.clone(),
            location: verdict.location.clone(),
        };
        let watched = self.watches.get_mut(&verdict.change);
        if let Some(track) = watched.and_then(|w| w.tracks.get_mut(&series))
            && !verdict.part.is_whole()
        {
            track.parts.told.entry(verdict.part.clone()).or_default();
        }
    }

    /// As [`Room::shifted`], of the time of a part; of the whole journey where the part is all of it.
    pub fn part_shifted(&mut self, series: &SeriesKey, part: &Part, at: Timestamp) {
        if part.is_whole() {
            return self.shifted(series, Metric::Latency, at);
        }
        let line = self.lines.entry(series.clone()).or_insert_with(|| unknown(series));
        line.shift_part(part, at);
        let bears = self.watches.values().any(|w| {
            w.change.started_at > at
                && w.tracks.get(series).is_some_and(|t| t.parts.judge(part).is_some())
        });
        if bears {
            self.judge_anew(series);
        }
    }

    /// Remembers that the level of a metric moved for good at a known moment (an unexplained shift, a recovery, the verdict of a
    /// watch of an earlier life): baselines of changes after it stand on the new level.
    pub fn shifted(&mut self, series: &SeriesKey, metric: Metric, at: Timestamp) {
        let line = self.lines.entry(series.clone()).or_insert_with(|| unknown(series));
        line.shift(KnownShift { at, metric });
        let bears = self.watches.values().any(|w| {
            w.change.started_at > at
                && w.tracks.get(series).is_some_and(|t| t.judge(metric).is_some())
        });
        if bears {
            self.judge_anew(series);
        }
    }
}

/// Who calls whom, and which hosts are whose.
fn landscape(
    services: BTreeMap<ServiceName, Service>,
) -> (BTreeMap<ServiceName, Vec<ServiceName>>, Hosts) {
    let hosts = services.iter().map(|(name, s)| (name.clone(), s.hosts.clone()));
    let hosts = hosts.filter(|(_, of)| !of.is_empty()).collect();
    (services.into_iter().map(|(name, s)| (name, s.depends_on)).collect(), hosts)
}

/// The line of a series whose member comes with the first change: until then only its shifts are known.
fn unknown(series: &SeriesKey) -> Line {
    Line::new(Member {
        series: series.clone(),
        services: Vec::new(),
        steps: BTreeMap::new(),
        interval: Duration::from_secs(60),
        revision: None,
        measures: BTreeMap::new(),
    })
}

/// The changes in the order they started.
fn in_order(watches: &BTreeMap<ChangeId, Watched>) -> Vec<ChangeId> {
    let mut order: Vec<(Timestamp, &ChangeId)> =
        watches.iter().map(|(id, w)| (w.change.started_at, id)).collect();
    order.sort();
    order.into_iter().map(|(_, id)| id.clone()).collect()
}

/// When the changes of an environment began.
fn stirs(watches: &BTreeMap<ChangeId, Watched>, place: &EnvironmentName) -> Vec<Stir> {
    watches
        .values()
        .filter(|w| w.change.touches(place))
        .map(|w| Stir {
            change: w.change.id.clone(),
            began: w.change.started_at,
            kind: w.change.kind,
            services: w.change.services.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
