//! The agent's own changes judged once more: by the present settings, and by others.
//!
//! The changes are replayed in the order of time through one room for each kind of settings, with the very runs that the agent had
//! by then. A change counts as told when it started, however late it was logged. What only the store knows is taken from it: where
//! levels moved without a change, and where trouble was over.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{compare, settings};
use crate::{
    cli::{Context, Exit, Failed, args::BacktestArguments},
    config,
    correlate::{Member, Members, PARTS_REACH, Room, Spell, reach},
    daemon::Setup,
    model::{
        Change, ChangeId, Conclusion, Detect, Finding, FindingKind, FindingState, MeasureRule,
        Metric, Part, Probe, SeriesKey, Service, ServiceName, StepName, Verdict, Watch,
    },
    source::{attached::Beside, files},
    store::{ChangeFilter, FindingFilter, Store, StoreError, StoreOptions},
};

/// How far back, where it is not said.
const SINCE: Duration = Duration::from_secs(60 * 86_400);
/// How long after the end of a watch its runs are still shown to the room: harm that comes late, and ends of trouble.
const AFTERWARDS: Duration = Duration::from_secs(40 * 3600);
/// The usual distance of two runs where nothing says it.
const A_MINUTE: Duration = Duration::from_secs(60);
/// Runs are read in pieces of this length.
const PIECE: Duration = Duration::from_secs(6 * 3600);
/// More changes or findings than this are not looked at.
const MOST: usize = 100_000;

/// Whose verdict it is.
pub(super) type Key = (ChangeId, SeriesKey, Metric, Part);

/// What is concluded in the end of each metric of each series of each change.
pub(super) type Said = BTreeMap<Key, Conclusion>;

/// What was found out.
pub(super) struct Replayed {
    /// The changes, oldest first.
    pub(super) changes: Vec<Change>,
    /// What the agent itself said.
    pub(super) recorded: Said,
    /// What the present settings say.
    pub(super) present: Said,
    /// What the others say, where there are any.
    pub(super) other: Option<Said>,
    /// Whether a person dismissed what was blamed on a change; only where something was.
    pub(super) dismissed: BTreeMap<Key, bool>,
}

/// Reads the data file, replays it and returns the text to print.
pub(super) async fn run(
    arguments: &BacktestArguments,
    context: &Context,
) -> Result<String, Failed> {
    let (store, own) = Own::open(arguments, context)?;
    let now = context.clock.now();
    let since = now.checked_sub(arguments.since.unwrap_or(SINCE));
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    let other = if arguments.set.is_empty() {
        None
    } else {
        Some(settings::altered((own.detect, own.watch.clone()), &arguments.set)?)
    };
    let replayed = own.replay(&store, since..now, other).await?;
    if arguments.json {
        Ok(format!("{:#}\n", compare::json(&replayed, since, &arguments.set)))
    } else {
        Ok(compare::table(&replayed, since, &arguments.set))
    }
}

/// What is known of the agent beside its data file.
struct Own {
    setup: Option<Setup>,
    detect: Detect,
    watch: Watch,
    services: BTreeMap<ServiceName, Service>,
}

impl Own {
    fn open(arguments: &BacktestArguments, context: &Context) -> Result<(Store, Self), Failed> {
        let (path, setup) = if let Some(path) = &arguments.data {
            (path.clone(), None)
        } else {
            let found = files::find(&context.config).map_err(|e| {
                Failed::new(Exit::Config, format!("{e}; or name a folder of histories, or --data"))
            })?;
            let config = config::load_with(&found.main, &found.journeys, &Beside)
                .map_err(|e| Failed::new(Exit::Config, e))?;
            let setup = Setup::outline(found.root, config);
            (setup.data_file(), Some(setup))
        };
        if !path.exists() {
            let message = format!("there is no data file {}", path.display());
            return Err(Failed::new(Exit::Trouble, message));
        }
        let store = Store::open(&path, &StoreOptions::default())?;
        let (detect, watch, services) = setup.as_ref().map_or_else(
            || (Detect::default(), Watch::default(), BTreeMap::new()),
            |s| (s.settings.detect, s.settings.watch.clone(), s.settings.services.clone()),
        );
        Ok((store, Self { setup, detect, watch, services }))
    }

    async fn replay(
        &self,
        store: &Store,
        span: std::ops::Range<Timestamp>,
        other: Option<(Detect, Watch)>,
    ) -> Result<Replayed, StoreError> {
        let (since, until) = (Some(span.start), Some(span.end));
        let filter = ChangeFilter { since, until, limit: MOST, ..ChangeFilter::default() };
        let mut changes = store.changes(filter).await?;
        changes.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        let filter = FindingFilter { limit: MOST, ..FindingFilter::default() };
        let findings = store.findings(filter).await?;
        let room = |(detect, watch): (Detect, Watch)| Judging {
            room: Room::new(watch, detect, self.services.clone()),
            said: Said::new(),
            heard: BTreeMap::new(),
        };
        let mut rooms = vec![room((self.detect, self.watch.clone()))];
        rooms.extend(other.map(room));
        let mut walk = Walk {
            own: self,
            store,
            series: self.series(store).await?,
            rooms,
            met: Vec::new(),
            cursor: Timestamp::MIN,
            care: Timestamp::MIN,
        };
        for (at, event) in events(&changes, &findings, span.end) {
            walk.runs(at).await?;
            walk.meet(at, &event).await?;
        }
        walk.runs(span.end).await?;
        walk.close(span.end);
        let mut rooms = walk.rooms.into_iter().map(|judging| judging.said);
        let mut recorded = Said::new();
        for change in &changes {
            let verdicts = store.verdicts(&change.id).await?;
            recorded.extend(verdicts.iter().filter(|v| is_compared(v.metric, &v.part)).map(said));
        }
        Ok(Replayed {
            present: rooms.next().unwrap_or_default(),
            other: rooms.next(),
            dismissed: findings.iter().filter_map(dismissed).collect(),
            recorded,
            changes,
        })
    }

    /// The series that a change may be judged by, each with its services and its usual interval, as far as these are known.
    async fn series(&self, store: &Store) -> Result<Vec<Known>, StoreError> {
        let Some(setup) = &self.setup else {
            let bare = |key| Known {
                key,
                services: Vec::new(),
                steps: BTreeMap::new(),
                interval: None,
                measures: BTreeMap::new(),
            };
            return Ok(store.series().await?.into_iter().map(bare).collect());
        };
        let mut known = Vec::new();
        for environment in setup.environments.keys() {
            for scheduled in setup.journeys_in(environment) {
                known.push(Known {
                    key: SeriesKey {
                        journey: scheduled.journey.name.clone(),
                        environment: environment.clone(),
                        location: setup.settings.agent.location.clone(),
                    },
                    services: scheduled.journey.services.clone(),
                    steps: scheduled.journey.step_services(),
                    interval: Some(scheduled.plan.interval(Timestamp::UNIX_EPOCH)),
                    measures: scheduled.journey.measures(),
                });
            }
        }
        Ok(known)
    }

    /// Whether a change is watched in the environment of a series.
    fn watches(&self, change: &Change, series: &SeriesKey) -> bool {
        self.setup.as_ref().map_or_else(
            || change.touches(&series.environment),
            |setup| setup.environments_of(change).contains(&series.environment),
        )
    }
}

/// A series and what is known of it.
struct Known {
    key: SeriesKey,
    services: Vec<ServiceName>,
    steps: BTreeMap<StepName, ServiceName>,
    interval: Option<Duration>,
    measures: BTreeMap<Part, MeasureRule>,
}

/// Something that happened beside runs.
enum Event<'a> {
    Changed(Box<Change>),
    Moved(&'a Finding, Timestamp),
}

/// What happened, in order of time: changes start and finish, levels move without one, trouble is over.
fn events<'a>(
    changes: &[Change],
    findings: &'a [Finding],
    end: Timestamp,
) -> Vec<(Timestamp, Event<'a>)> {
    let mut all = Vec::new();
    for change in changes {
        let later = change.finished_at.filter(|at| *at > change.started_at);
        let mut begun = change.clone();
        if later.is_some() {
            begun.finished_at = None;
        }
        all.push((change.started_at, Event::Changed(Box::new(begun))));
        if let Some(at) = later.filter(|at| *at < end) {
            all.push((at, Event::Changed(Box::new(change.clone()))));
        }
    }
    for finding in findings {
        if let (FindingKind::Unexplained, Some(onset)) = (finding.kind, finding.onset_at) {
            all.push((finding.opened_at, Event::Moved(finding, onset)));
        }
        if let (FindingState::Recovered, Some(over)) = (finding.state, finding.closed_at) {
            all.push((over, Event::Moved(finding, over)));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    all
}

/// A room and what it said last.
struct Judging {
    room: Room,
    said: Said,
    /// The last word on the times of each journey: what deployments teach.
    heard: BTreeMap<ChangeId, BTreeMap<SeriesKey, Verdict>>,
}

impl Judging {
    fn hear(&mut self, verdicts: &[Verdict]) {
        self.said.extend(verdicts.iter().filter(|v| is_compared(v.metric, &v.part)).map(said));
        for verdict in verdicts.iter().filter(|v| v.part.is_whole() && v.metric == Metric::Latency)
        {
            let ((change, series, ..), _) = said(verdict);
            self.heard.entry(change).or_default().insert(series, verdict.clone());
        }
    }

    /// Teaches the room what the deployments before a change showed, as the agent does: those whose watch is over by now.
    fn learn(&mut self, change: &Change, earlier: &[Change]) {
        let open = self.room.open_watches();
        for service in &change.services {
            let over = earlier.iter().filter(|c| {
                c.services.contains(service) && open.iter().all(|watch| watch.change != c.id)
            });
            let mut spells: Vec<Spell> = over
                .filter_map(|c| {
                    let verdicts: Vec<Verdict> = self.heard.get(&c.id)?.values().cloned().collect();
                    Spell::of(c, &verdicts)
                })
                .collect();
            spells.sort_by_key(|spell| spell.known_at);
            self.room.learn_transients(service.clone(), spells);
        }
    }
}

/// A walk through the data file in order of time.
struct Walk<'a> {
    own: &'a Own,
    store: &'a Store,
    series: Vec<Known>,
    rooms: Vec<Judging>,
    /// The changes met so far.
    met: Vec<Change>,
    /// Runs before this were shown to the rooms, where anybody cared.
    cursor: Timestamp,
    /// Runs up to here matter to a change met so far.
    care: Timestamp,
}

impl Walk<'_> {
    /// Shows the rooms the runs that began before `to`.
    async fn runs(&mut self, to: Timestamp) -> Result<(), StoreError> {
        while self.cursor < to.min(self.care) {
            let end = later(self.cursor, PIECE).min(to);
            let mut piece: Vec<(usize, Probe)> = Vec::new();
            for (index, known) in self.series.iter().enumerate() {
                let span = (self.cursor, end);
                let probes = self.store.probes_with_parts(&known.key, span, self.cursor).await?;
                piece.extend(probes.into_iter().map(|probe| (index, probe)));
            }
            piece.sort_by_key(|(_, probe)| probe.at);
            for (index, probe) in &piece {
                for judging in &mut self.rooms {
                    let verdicts = judging.room.push(&self.series[*index].key, probe, probe.at);
                    judging.hear(&verdicts);
                }
                self.close(probe.at);
            }
            self.cursor = end;
            self.close(end);
        }
        Ok(())
    }

    /// Ends the watches whose time is over; what is still open is cared for.
    fn close(&mut self, now: Timestamp) {
        for judging in &mut self.rooms {
            let open = judging.room.open_watches();
            if open.iter().any(|watch| watch.until <= now) {
                let verdicts = judging.room.close_due(now);
                judging.hear(&verdicts);
            }
            let until = open.iter().map(|watch| later(watch.until, AFTERWARDS)).max();
            self.care = until.map_or(self.care, |until| self.care.max(until));
        }
    }

    async fn meet(&mut self, at: Timestamp, event: &Event<'_>) -> Result<(), StoreError> {
        match event {
            Event::Changed(change) => {
                let members = self.members(change, at).await?;
                for judging in &mut self.rooms {
                    judging.learn(change, &self.met);
                    let verdicts = judging.room.open(change, members.clone(), at);
                    judging.hear(&verdicts);
                }
                self.met.retain(|c| c.id != change.id);
                self.met.push((**change).clone());
                self.cursor = self.cursor.max(at);
                self.close(at);
            }
            Event::Moved(finding, moment) => {
                let series = SeriesKey {
                    journey: finding.journey.clone(),
                    environment: finding.environment.clone(),
                    location: finding.location.clone(),
                };
                for judging in &mut self.rooms {
                    match &finding.part {
                        Part::Whole => judging.room.shifted(&series, finding.metric, *moment),
                        part => judging.room.part_shifted(&series, part, *moment),
                    }
                }
            }
        }
        Ok(())
    }

    /// The series of a change with the runs that there were by then.
    async fn members(&self, change: &Change, now: Timestamp) -> Result<Members, StoreError> {
        let mut members = Vec::new();
        for known in &self.series {
            if !self.own.watches(change, &known.key) {
                continue;
            }
            let started = change.started_at;
            let parts_from = started.checked_sub(PARTS_REACH).unwrap_or(Timestamp::UNIX_EPOCH);
            let interval = known.interval.unwrap_or(A_MINUTE);
            let mut probes = Vec::new();
            for (from, to) in reach::spans(started, interval, self.own.watch.window) {
                let span = (from, if to == started { now } else { to });
                probes.extend(self.store.probes_with_parts(&known.key, span, parts_from).await?);
            }
            if probes.is_empty() {
                continue;
            }
            let member = Member {
                series: known.key.clone(),
                services: known.services.clone(),
                steps: known.steps.clone(),
                interval: known.interval.unwrap_or_else(|| pace(&probes)),
                revision: probes.last().and_then(|p| p.revision.clone()),
                measures: known.measures.clone(),
            };
            members.push((member, probes));
        }
        Ok(members)
    }
}

/// The usual distance of two runs: the median one; a minute where there are not two.
fn pace(probes: &[Probe]) -> Duration {
    let mut gaps: Vec<Duration> =
        probes.windows(2).map(|w| w[1].at.duration_since(w[0].at).unsigned_abs()).collect();
    gaps.sort();
    let median = gaps.get(gaps.len() / 2).copied().filter(|gap| !gap.is_zero());
    median.unwrap_or(A_MINUTE)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// What is compared: whole journeys, and each of their measures. The parts of a journey's time are told with it.
fn is_compared(metric: Metric, part: &Part) -> bool {
    part.is_whole() || metric == Metric::Measure
}

fn said(verdict: &Verdict) -> (Key, Conclusion) {
    let series = SeriesKey {
        journey: verdict.journey.clone(),
        environment: verdict.environment.clone(),
        location: verdict.location.clone(),
    };
    ((verdict.change.clone(), series, verdict.metric, verdict.part.clone()), verdict.conclusion)
}

fn dismissed(finding: &Finding) -> Option<(Key, bool)> {
    if !is_compared(finding.metric, &finding.part) {
        return None;
    }
    let series = SeriesKey {
        journey: finding.journey.clone(),
        environment: finding.environment.clone(),
        location: finding.location.clone(),
    };
    let key = (finding.change.clone()?, series, finding.metric, finding.part.clone());
    Some((key, finding.state == FindingState::Dismissed))
}
