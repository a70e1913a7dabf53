//! One series watched for one change: from the change's start until enough runs were seen.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use crate::model::{Change, Conclusion, Detect, Metric, Part, Probe, ServiceName, Watch};

use super::{
    Shares, Tuning,
    after::Stir,
    controls::{Controls, Shared},
    figures::{count, whole},
    fleet::Fleet,
    fold::frame,
    judge::{Around, Closing, Judge},
    learned::{self, Spell},
    parts::PartTracks,
    prober::Prober,
    reach,
    rebase::{self, Trouble},
    report::Told,
    series::{Line, foreign, later},
};

/// How long past its window a watch waits for the runs it lacks.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The metrics, in the order they are judged and shown.
pub(super) const METRICS: [Metric; 2] = [Metric::Latency, Metric::Success];

/// What is judged by.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) watch: Watch,
    pub(super) tuning: Tuning,
    pub(super) latency_relative: f64,
    pub(super) success_drop: f64,
    /// What the last deployments of a service taught.
    pub(super) spells: BTreeMap<ServiceName, Vec<Spell>>,
}

impl Rules {
    /// The rules that settings give.
    pub(super) fn new(watch: Watch, detect: Detect) -> Self {
        Self {
            watch,
            tuning: Tuning::of(&detect),
            latency_relative: detect.latency_relative,
            success_drop: detect.success_drop,
            spells: BTreeMap::new(),
        }
    }
}

/// What a step of a track needs to know of everything else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) rules: &'a Rules,
    pub(super) change: &'a Change,
    pub(super) line: &'a Line,
    /// How many series the change is judged by, and whether it maps to this one.
    pub(super) shares: Shares,
    pub(super) mapped: bool,
    /// Series that the change cannot have touched.
    pub(super) controls: &'a Controls,
    /// What the other journeys teach.
    pub(super) fleet: Fleet,
    /// What earlier changes did to this series.
    pub(super) troubles: &'a [Trouble],
    /// What they did to parts of it.
    pub(super) part_troubles: &'a [(Part, Trouble)],
    /// When the changes of this environment began.
    pub(super) stirs: &'a [Stir],
}

impl<'a> Scene<'a> {
    /// What bears on a look at a run, `sick` being whether our prober is in doubt. It is as well where a failure has just begun that
    /// others may share.
    fn around_run(&self, sick: bool, at: Timestamp) -> Around<'a> {
        self.around(sick || self.controls.stir(at, self.line))
    }

    /// What bears on a look, `doubt` being whether our prober is in doubt.
    fn around(&self, doubt: bool) -> Around<'a> {
        Around { doubt, stirs: self.stirs, services: &self.change.services }
    }

    /// What a run shares with the controls.
    pub(super) fn shared(&self, probe: &Probe) -> Shared {
        self.controls.shared(probe.at, self.line.member.interval.as_secs_f64())
    }
}

/// One series watched for one change.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    judges: Vec<Judge>,
    pub(super) parts: PartTracks,
    prober: Option<Prober>,
    /// Runs of other revisions after the change.
    pub(super) foreign: u32,
    /// Largest shift of the controls that was taken out (log ratio); 0 for none.
    pub(super) shared: f64,
    /// Failures that were nobody's, as the controls failed as well.
    pub(super) excused: u32,
    pub(super) closed_at: Option<Timestamp>,
    /// What was last told of each metric.
    pub(super) told: [Option<Told>; 2],
    /// The troubles of earlier changes that the baselines know of.
    basis: [Vec<Trouble>; 2],
    /// When the newest run that was taken was made.
    taken: Option<Timestamp>,
}

impl Track {
    /// The judge of a metric, once the change has started.
    pub(super) fn judge(&self, metric: Metric) -> Option<&Judge> {
        self.judges.iter().find(|j| j.metric == metric)
    }

    /// What later changes must know.
    pub(super) fn events(&self) -> impl Iterator<Item = &Trouble> {
        self.judges.iter().flat_map(|j| j.events.iter())
    }

    /// What is judged of a part: of the whole one of its metrics, of any other its time.
    pub(super) fn judge_of(&self, part: &Part, metric: Metric) -> Option<&Judge> {
        if part.is_whole() { self.judge(metric) } else { self.parts.judge(part) }
    }

    /// Our own health since the change.
    pub(super) fn prober(&self) -> Option<&Prober> {
        self.prober.as_ref()
    }

    /// Forgets what was judged, to judge it anew; what was told stays told.
    pub(super) fn restart(&mut self) {
        let (told, mut parts) = (std::mem::take(&mut self.told), std::mem::take(&mut self.parts));
        parts.restart();
        *self = Self { told, parts, ..Self::default() };
    }

    /// Takes the runs of the line up to and including `index`.
    pub(super) fn advance(&mut self, scene: Scene<'_>, index: usize) {
        // Runs from before the change may still be coming in: the change may lie ahead.
        let line = scene.line;
        let taken = self.taken.map_or(0, |taken| line.after(taken));
        for at in taken.max(line.from(scene.change.started_at))..line.probes.len().min(index + 1) {
            self.taken = Some(line.probes[at].at);
            self.take(scene, at);
        }
    }

    fn take(&mut self, scene: Scene<'_>, index: usize) {
        let probe = &scene.line.probes[index];
        if self.closed_at.is_some() || !within(&scene, probe.at) {
            return;
        }
        self.rest_on(scene, index);
        let Some(revision) = self.judges.first().map(|j| j.before.revision.clone()) else { return };
        let health = self.prober.get_or_insert_with(|| healthy(&scene));
        health.push(probe);
        if foreign(probe, revision.as_ref()) {
            self.foreign += 1;
            return;
        }
        let around = scene.around_run(health.sick().is_some(), probe.at);
        let shared = scene.shared(probe);
        let relieved = shared.relieve(probe);
        self.excused += u32::from(shared.outage && probe.success == Some(false));
        if shared.slower.abs() > self.shared.abs() {
            self.shared = shared.slower;
        }
        for judge in &mut self.judges {
            judge.push(relieved.as_ref().unwrap_or(probe), around);
        }
        self.parts.take(scene, (index, shared), revision.as_ref(), around);
    }

    /// Freezes the baselines, or freezes them anew where an earlier change turned out to have moved the level.
    fn rest_on(&mut self, scene: Scene<'_>, index: usize) {
        let started = scene.change.started_at;
        let now = scene.line.probes.get(index).map_or(Timestamp::MAX, |p| p.at);
        for (slot, metric) in METRICS.into_iter().enumerate() {
            let basis: Vec<Trouble> = scene
                .troubles
                .iter()
                .filter(|t| t.metric == metric && t.latest < started && t.known_at <= now)
                .cloned()
                .collect();
            if self.judges.len() > slot && self.basis[slot] == basis {
                continue;
            }
            let tuning = scene.rules.tuning.raised(scene.shares.whole(scene.mapped));
            let judge = freeze(&scene, metric, &basis, &tuning);
            let judge = replayed(judge, &scene, index, &|at| {
                let probe = &scene.line.probes[at];
                scene.shared(probe).relieve(probe).unwrap_or_else(|| probe.clone())
            });
            self.basis[slot] = basis;
            if self.judges.len() > slot {
                self.judges[slot] = judge;
            } else {
                self.judges.push(judge);
            }
        }
    }

    /// When the watch of this series ends, as far as can be said now: whether that is certain, and the moment.
    pub(super) fn due(change: &Change, line: &Line, watch: &Watch) -> (bool, Timestamp) {
        let settled = change.settled_at();
        let end = later(settled, watch.window);
        let last = later(end, PATIENCE);
        let from = line.from(settled);
        let needed = watch.min_runs as usize;
        if needed == 0 {
            return (true, end);
        }
        if let Some(probe) = line.probes.get(from + needed - 1) {
            return (true, probe.at.clamp(end, last));
        }
        let missing = needed - (line.probes.len() - from.min(line.probes.len()));
        let wait = line.member.interval.saturating_mul(u32::try_from(missing).unwrap_or(u32::MAX));
        let newest = line.probes.last().map_or(settled, |p| p.at.max(settled));
        (false, later(newest, wait).clamp(end, last))
    }

    /// Whether the watch of this series is open although its time is over.
    pub(super) fn is_due(
        &self,
        change: &Change,
        line: &Line,
        watch: &Watch,
        now: Timestamp,
    ) -> bool {
        let (certain, due) = Self::due(change, line, watch);
        let last = later(later(change.settled_at(), watch.window), PATIENCE);
        self.closed_at.is_none() && now >= if certain { due } else { last }
    }

    /// Ends the watch of this series as it ended at `at`, in an earlier life: with the runs there were when its time was over.
    pub(super) fn close_again(&mut self, scene: Scene<'_>, at: Timestamp) {
        let (certain, due) = Self::due(scene.change, scene.line, &scene.rules.watch);
        let over = if certain { due.min(at) } else { at };
        self.close(scene, at, scene.line.probes.partition_point(|p| p.at <= over));
    }

    /// Ends the watch of this series with the runs before the index `seen`.
    pub(super) fn close(&mut self, scene: Scene<'_>, at: Timestamp, seen: usize) {
        self.rest_on(scene, seen);
        self.parts.settle(scene, seen);
        self.closed_at = Some(at);
        if self.sick().is_none() && self.foreign == 0 {
            let known = &scene.line.probes[..seen];
            self.judges.iter_mut().for_each(|judge| judge.close(known));
        }
        self.judges.iter_mut().for_each(Judge::let_go);
    }

    /// Whether a series whose watch is over is still looked after at `now`.
    pub(super) fn is_looked_after(&self, now: Timestamp) -> bool {
        self.closed_at.is_some() && self.judges.iter().any(|judge| judge.is_looked_after(now))
    }

    /// Takes the runs since the watch was over, up to `until`; whether what became of a trouble is news.
    pub(super) fn look_after(&mut self, scene: Scene<'_>, until: Timestamp) -> bool {
        let around = scene.around(false);
        let mut news = false;
        for judge in &mut self.judges {
            news |= judge.look_after(scene.line, until, around);
        }
        news
    }

    /// What is concluded of a metric.
    pub(super) fn conclusion(&self, metric: Metric) -> Conclusion {
        let Some(judge) = self.judge(metric) else { return Conclusion::Watching };
        let failing = metric == Metric::Latency
            && self.judge(Metric::Success).is_some_and(|s| s.in_trouble());
        let closing = self.closed_at.map(|_| Closing {
            sick: self.sick(),
            edited: self.foreign > 0,
            failing,
        });
        judge.conclusion(failing, closing.as_ref())
    }

    /// What is concluded of a part; of the whole: of one of its metrics.
    pub(super) fn conclusion_of(&self, part: &Part, metric: Metric) -> Conclusion {
        if part.is_whole() {
            return self.conclusion(metric);
        }
        let closing = self.closed_at.map(|_| Closing::default());
        self.parts.conclusion(part, closing.as_ref())
    }

    /// Whether a metric ever stood as suspected or worse, so that somebody is to be named for it.
    pub(super) fn stirred(&self, metric: Metric) -> bool {
        self.judge(metric).is_some_and(|j| j.suspected_since.is_some())
    }

    /// Whether anything of it ever stood so: only then anybody is to be named for what is seen.
    pub(super) fn ever_troubled(&self) -> bool {
        METRICS.iter().any(|m| self.stirred(*m)) || self.parts.stirred().next().is_some()
    }

    /// Why our prober is not to be trusted, where it is not.
    pub(super) fn sick(&self) -> Option<String> {
        self.prober.as_ref().and_then(Prober::sick)
    }
}

/// The judge of a metric of the scene's line, its baseline frozen.
pub(super) fn freeze(
    scene: &Scene<'_>,
    metric: Metric,
    basis: &[Trouble],
    tuning: &Tuning,
) -> Judge {
    frozen(scene, metric, basis, cold(scene, tuning))
}

/// Intervals for which what knows no cold start may stray by itself, at most: as bursts of noise do.
const STRAYS: u32 = 8;

/// The same of what knows no cold start, a number that is no time: it waits for no settling.
pub(super) fn freeze_warm(
    scene: &Scene<'_>,
    metric: Metric,
    basis: &[Trouble],
    tuning: &Tuning,
) -> Judge {
    let interval = scene.line.member.interval;
    let strays = scene.rules.watch.settle.min(interval.saturating_mul(STRAYS));
    frozen(scene, metric, basis, settling(tuning, strays, interval))
}

fn frozen(scene: &Scene<'_>, metric: Metric, basis: &[Trouble], mut tuning: Tuning) -> Judge {
    let Scene { rules, change, line, .. } = *scene;
    let (started, interval) = (change.started_at, line.member.interval);
    let spans = reach::spans(started, interval, rules.watch.window);
    let before = rebase::before(line, (started, &spans), metric, basis);
    let runs = rules.watch.window.as_secs_f64() / interval.as_secs_f64().max(0.001);
    let horizon = whole(count(rules.watch.min_runs as usize).max(runs.ceil()).clamp(1.0, 2000.0));
    let frame = frame(change.started_at, interval, horizon);
    scene.fleet.teach(&mut tuning);
    if scene.controls.enough() {
        tuning.wander_least = tuning.wander_least.hypot(tuning.wander_controls);
    }
    Judge::freeze(metric, change.id.clone(), before, frame, &tuning)
}

/// With how long a cold start after this change may be slow: as the settings say, and as earlier deployments taught.
fn cold(scene: &Scene<'_>, tuning: &Tuning) -> Tuning {
    let Scene { rules, change, line, .. } = *scene;
    let interval = line.member.interval;
    let mut tuning = settling(tuning, rules.watch.settle, interval);
    // Of several services the one whose spells are the longest.
    tuning.transient = change
        .services
        .iter()
        .filter_map(|service| rules.spells.get(service))
        .map(|past| learned::known_at(past, change.started_at))
        .map(|past| learned::spells(&tuning.transient, &past, interval))
        .max_by_key(Vec::len)
        .unwrap_or(tuning.transient);
    tuning
}

/// A fresh judge that has seen the runs after the change up to, not including, `index`; `seen` gives them as it sees them.
pub(super) fn replayed(
    mut judge: Judge,
    scene: &Scene<'_>,
    index: usize,
    seen: &dyn Fn(usize) -> Probe,
) -> Judge {
    let line = scene.line;
    let from = line.from(scene.change.started_at);
    let mut health = healthy(scene);
    let revision = judge.before.revision.clone();
    for at in from..index.clamp(from, line.probes.len()) {
        let probe = &line.probes[at];
        if !within(scene, probe.at) {
            continue;
        }
        health.push(probe);
        if !foreign(probe, revision.as_ref()) {
            let around = scene.around_run(health.sick().is_some(), probe.at);
            judge.push(&seen(at), around);
        }
    }
    judge
}

fn healthy(scene: &Scene<'_>) -> Prober {
    Prober::new(&scene.line.probes[..scene.line.from(scene.change.started_at)])
}

/// Whether a run at `at` is still within the watch.
pub(super) fn within(scene: &Scene<'_>, at: Timestamp) -> bool {
    let settled = scene.change.settled_at();
    let end = later(settled, scene.rules.watch.window);
    if at <= end {
        return true;
    }
    let line = scene.line;
    let seen = line.from(at).saturating_sub(line.from(settled));
    seen < scene.rules.watch.min_runs as usize && at <= later(end, PATIENCE)
}

/// The prior of a slow spell that ends by itself, for a journey walked at this interval: [`Tuning::transient`] is made for four
/// intervals; the same weight is spread over as many as the settle time has, if these are more: noise comes in spells of runs,
/// however far apart these are.
fn settling(tuning: &Tuning, settle: Duration, interval: Duration) -> Tuning {
    let usual = &tuning.transient;
    let spans = settle.as_secs_f64() / interval.as_secs_f64().max(1e-3);
    let n = whole((spans - 1e-6).ceil().clamp(count(usual.len()), 60.0));
    if n == usual.len() || usual.is_empty() {
        return tuning.clone();
    }
    let spread = (0..n).map(|i| usual[(i * usual.len() / n).min(usual.len() - 1)]);
    let drawn: Vec<f64> = spread.collect();
    let keep = usual.iter().sum::<f64>() / drawn.iter().sum::<f64>().max(1e-9);
    Tuning { transient: drawn.iter().map(|w| w * keep).collect(), ..tuning.clone() }
}
