//! Sleeps until something is due and gives it to a worker; the owner of the [`Agenda`].

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, info_span, warn};

use super::{
    agenda::{Agenda, Due, Key},
    pipeline::Input,
    pulse::SelfCheck,
    setup::Setup,
};
use crate::{
    clock::Clock,
    engine::{Engine, Ticket},
    export::Exporter,
    model::{ChangeId, Deployed, EnvironmentName, RunId, ServiceName},
};

/// How far wall clock and monotonic clock may part before the wall clock counts as set.
const CLOCK_SET: Duration = Duration::from_secs(2);

/// What the dispatcher is told.
#[derive(Debug)]
pub(super) enum Order {
    /// A new configuration holds.
    Setup(Arc<Setup>),
    /// These are probed denser from now on, all others are not.
    Burst(BTreeMap<Key, Duration>),
    /// Walk these once, soon, spread by this.
    Smoke(Vec<Key>, Duration),
}

/// What is known of an environment when a walk begins: written onto the run and its log lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Situation {
    /// The version of each service.
    pub(super) deployed: BTreeMap<ServiceName, String>,
    /// The changes being watched.
    pub(super) watched: Vec<ChangeId>,
}

/// The situation of every environment.
pub(super) type Situations = BTreeMap<EnvironmentName, Situation>;

/// The parts a dispatcher works with.
pub(super) struct Dispatcher {
    /// The time.
    pub(super) clock: Clock,
    /// What walks.
    pub(super) engine: Engine,
    /// Our own health.
    pub(super) self_check: SelfCheck,
    /// What counts.
    pub(super) exporter: Exporter,
    /// The configuration it begins with.
    pub(super) setup: Arc<Setup>,
    /// What the pipeline knows of the environments.
    pub(super) situations: watch::Receiver<Arc<Situations>>,
    /// Where finished runs go.
    pub(super) runs: mpsc::Sender<Input>,
    /// The tasks that a stop waits for.
    pub(super) tasks: TaskTracker,
    /// Raised when nothing new may begin.
    pub(super) stop: CancellationToken,
    /// Raised when walks under way are given up.
    pub(super) abandon: CancellationToken,
}

impl Dispatcher {
    /// Runs until told to stop. Walks under way go on; the tracker knows them.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut agenda = Agenda::default();
        let mut waiting: VecDeque<Due> = VecDeque::new();
        let mut under_way = 0_usize;
        let (done, mut finished) = mpsc::unbounded_channel::<Key>();
        agenda.replan(&self.setup, self.clock.now());
        let mut watchdog = ClockWatch::new(self.clock);
        loop {
            let now = self.clock.now();
            if let Some(shift) = watchdog.set(now) {
                warn!(
                    shift_ms = shift,
                    "clock.set: the wall clock was set, the schedule is planned anew"
                );
                agenda.reset(now);
            }
            waiting.extend(agenda.take_due(now));
            while under_way < self.setup.settings.agent.workers
                && let Some(due) = waiting.pop_front()
            {
                if self.begin(&agenda, &due, now, done.clone()) {
                    under_way += 1;
                } else {
                    agenda.finished(&due.key);
                }
            }
            self.count(&mut agenda, waiting.len(), under_way);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause(agenda.next_wake(), self.clock.now())) => {}
                Some(key) = finished.recv() => {
                    under_way = under_way.saturating_sub(1);
                    agenda.finished(&key);
                }
                order = orders.recv() => match order {
                    None => return,
                    Some(Order::Setup(setup)) => {
                        self.setup = setup;
                        agenda.replan(&self.setup, self.clock.now());
                        waiting.retain(|due| agenda.journey(&due.key).is_some());
                    }
                    Some(Order::Burst(wanted)) => agenda.burst(&wanted, self.clock.now()),
                    Some(Order::Smoke(keys, spacing)) => agenda.smoke(&keys, spacing, self.clock.now()),
                },
            }
        }
    }

    fn count(&self, agenda: &mut Agenda, waiting: usize, under_way: usize) {
        let skipped = agenda.take_skipped();
        self.exporter.ticks_skipped(skipped.overlap, skipped.late);
        self.exporter.queue(waiting as u64, under_way as u64);
    }

    /// Starts one walk; false if its journey or environment is gone.
    fn begin(
        &self,
        agenda: &Agenda,
        due: &Due,
        now: Timestamp,
        done: mpsc::UnboundedSender<Key>,
    ) -> bool {
        let Some(journey) = agenda.journey(&due.key) else { return false };
        let Some(environment) = self.setup.environments.get(&due.key.1) else { return false };
        let situation =
            self.situations.borrow().get(&environment.name).cloned().unwrap_or_default();
        let services = &journey.services;
        let deployed = situation
            .deployed
            .into_iter()
            .filter(|(service, _)| services.contains(service))
            .map(|(service, version)| Deployed { service, version })
            .collect();
        let watched = situation.watched.iter().map(ChangeId::as_str).collect::<Vec<_>>().join(",");
        let id = RunId::at(now);
        let span = info_span!(
            "run", run = %id, journey = %journey.name, environment = %environment.name, change = watched,
        );
        let ticket = Ticket {
            id,
            journey,
            environment: Arc::clone(environment),
            location: self.setup.settings.agent.location.clone(),
            due: due.at,
            trigger: due.trigger,
            deployed,
            vars: BTreeMap::new(),
        };
        let (engine, runs, abandon) =
            (self.engine.clone(), self.runs.clone(), self.abandon.clone());
        let self_check = self.self_check.clone();
        let finished = Finished { key: due.key.clone(), done };
        let walk = async move {
            let walked = async {
                let (run, trace) = engine.walk_traced(ticket).await;
                (self_check.note(run).await, trace)
            };
            let (run, trace) = tokio::select! {
                walked = walked => walked,
                () = abandon.cancelled() => {
                    warn!("run.abandoned: the agent stops and this walk took too long");
                    return;
                }
            };
            drop(finished);
            log(&run);
            // The pipeline outlives the workers; it is gone only when the agent is being torn down.
            drop(runs.send(Input::Run(Arc::new(run), trace.map(Box::new))).await);
        };
        self.tasks.spawn(walk.instrument(span));
        true
    }
}

/// One line for each run, at the level its outcome deserves.
fn log(run: &crate::model::Run) {
    use crate::model::Outcome;
    let duration_ms = run.duration.as_secs_f64() * 1000.0;
    match &run.outcome {
        Outcome::Passed => tracing::debug!(duration_ms, "run.passed"),
        Outcome::Failed(failure) => {
            tracing::info!(duration_ms, step = %failure.step, reason = failure.message, "run.failed");
        }
        Outcome::Broken { reason } => warn!(duration_ms, reason, "run.broken: our own trouble"),
    }
}

/// Says that a walk is over, also when its task panics.
struct Finished {
    key: Key,
    done: mpsc::UnboundedSender<Key>,
}

impl Drop for Finished {
    fn drop(&mut self) {
        // The dispatcher is gone only at the very end.
        drop(self.done.send(self.key.clone()));
    }
}

/// How long to sleep: until the next tick, at most a second, so that a set clock is noticed.
fn pause(next: Option<Timestamp>, now: Timestamp) -> Duration {
    const MOST: Duration = Duration::from_secs(1);
    match next {
        Some(at) if at <= now => Duration::ZERO,
        Some(at) => at.duration_since(now).unsigned_abs().min(MOST),
        None => MOST,
    }
}

/// Notices that the wall clock was set, by the monotonic one.
struct ClockWatch {
    clock: Clock,
    wall: Timestamp,
    steady: std::time::Instant,
}

impl ClockWatch {
    fn new(clock: Clock) -> Self {
        Self { clock, wall: clock.now(), steady: clock.instant() }
    }

    /// By how many ms the wall clock was set since the last question, if it was.
    fn set(&mut self, now: Timestamp) -> Option<i128> {
        let steady = self.clock.instant();
        let passed = steady.saturating_duration_since(self.steady);
        let shift = now.duration_since(self.wall).as_millis()
            - i128::try_from(passed.as_millis()).unwrap_or(i128::MAX);
        (self.wall, self.steady) = (now, steady);
        let limit = i128::try_from(CLOCK_SET.as_millis()).unwrap_or(i128::MAX);
        (shift.abs() > limit).then_some(shift)
    }
}
