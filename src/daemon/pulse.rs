//! The agent looks after itself: it walks to known-good addresses by the same engine as it walks to targets, and notes on every
//! run what was wrong with us meanwhile.
//!
//! A run that failed waits for one more such walk, three seconds at most: what is wrong now must not be judged by what was well
//! a while ago.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::setup::Setup;
use crate::{
    clock::Clock,
    correlate::Pulse,
    engine::{Engine, Ticket},
    export::Exporter,
    model::{
        Action, Device, Environment, Flow, HttpStep, Journey, LocationName, Network, Outcome, Run,
        RunId, Schedule, Step, Transport, Trigger, Unwell,
    },
    source::host::CpuTimes,
};

/// How often the addresses are walked to.
const EVERY: Duration = Duration::from_secs(20);
/// How often at first, until it is known what is usual.
const AT_FIRST: Duration = Duration::from_secs(1);
/// But not more often than this: an address may never answer.
const LOOKS_AT_FIRST: u32 = 30;
/// How long a walk may take.
const DEADLINE: Duration = Duration::from_secs(3);
/// A failed run is content with a walk that began no earlier than this before it ended: a wave of failures is one walk.
const RECENT: Duration = Duration::from_secs(1);
/// What was seen longer ago says nothing of now.
const STALE: Duration = Duration::from_secs(60);

/// Our own health. Cheap to clone.
#[derive(Clone)]
pub(super) struct SelfCheck {
    clock: Clock,
    engine: Engine,
    exporter: Exporter,
    setup: watch::Receiver<Arc<Setup>>,
    state: Arc<Mutex<State>>,
    /// What was seen last, and when: read without waiting for a walk under way.
    latest: watch::Sender<Option<(Timestamp, Option<Unwell>)>>,
}

#[derive(Default)]
struct State {
    addresses: Vec<String>,
    pulse: Pulse,
    walked_at: Option<Timestamp>,
    cpu: Option<CpuTimes>,
    looks: u32,
}

impl SelfCheck {
    /// Nothing known yet.
    pub(super) fn new(
        clock: Clock,
        engine: Engine,
        exporter: Exporter,
        setup: watch::Receiver<Arc<Setup>>,
    ) -> Self {
        let latest = watch::Sender::new(None);
        Self { clock, engine, exporter, setup, state: Arc::default(), latest }
    }

    /// Looks again and again, until told to stop.
    pub(super) async fn run(self, stop: CancellationToken) {
        loop {
            let pause = {
                let mut state = self.state.lock().await;
                self.look(&mut state).await;
                let settled = state.pulse.is_known() || state.looks > LOOKS_AT_FIRST;
                if settled { EVERY } else { AT_FIRST }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// The run with what was wrong with us while it was made; broken, where that explains why it failed.
    pub(super) async fn note(&self, run: Run) -> Run {
        if matches!(run.outcome, Outcome::Broken { .. }) {
            return run;
        }
        let now = self.clock.now();
        let since = |span: Duration| now.checked_sub(span).unwrap_or(Timestamp::UNIX_EPOCH);
        if matches!(run.outcome, Outcome::Failed(_)) {
            let mut state = self.state.lock().await;
            let known = state.walked_at.is_some_and(|at| at >= since(RECENT));
            if !state.addresses.is_empty() && !known {
                self.walk(&mut state, false).await;
            }
        }
        let latest = *self.latest.borrow();
        let unwell = latest.filter(|(at, _)| *at >= since(STALE)).and_then(|(_, unwell)| unwell);
        match unwell {
            Some(unwell) => run.noting(unwell),
            None => run,
        }
    }

    async fn look(&self, state: &mut State) {
        let wanted = self.setup.borrow().settings.agent.self_check.clone();
        if wanted != state.addresses {
            state.addresses.iter().for_each(|address| self.exporter.forget_self_check(address));
            state.pulse = Pulse::new(wanted.len());
            state.looks = 0;
            state.addresses = wanted;
        }
        let cpu = CpuTimes::read();
        if let (Some(now), Some(before)) = (cpu, state.cpu)
            && let Some(stolen) = now.stolen_since(&before)
        {
            state.pulse.push_steal(stolen);
            self.exporter.cpu_steal(stolen);
        }
        state.cpu = cpu;
        state.looks = state.looks.saturating_add(1);
        self.walk(state, true).await;
    }

    /// One walk to each address, all at once; `due`: in its turn.
    async fn walk(&self, state: &mut State, due: bool) {
        let was = state.pulse.unwell();
        let began = self.clock.now();
        let location = self.setup.borrow().settings.agent.location.clone();
        let walks = state.addresses.iter().map(|address| {
            let walk = self.engine.walk(ticket(address, location.clone(), began));
            async move { (address.clone(), walk.await) }
        });
        let mut took = Vec::new();
        for (address, run) in futures_util::future::join_all(walks).await {
            let answered = run.outcome == Outcome::Passed;
            self.exporter.self_check(&address, answered, run.duration);
            took.push(answered.then_some(run.duration.as_secs_f64() * 1000.0));
        }
        if due {
            state.pulse.push(&took)
        } else {
            state.pulse.push_extra(&took)
        }
        state.walked_at = Some(began);
        let is = state.pulse.unwell();
        self.latest.send_replace(Some((began, is)));
        if is != was
            && let Some(Unwell { failed, slower_percent, steal_percent }) = is
        {
            warn!(
                failed,
                slower_percent,
                steal_percent,
                "agent.unwell: our own checks are in trouble, runs they explain are not judged"
            );
        }
    }
}

/// A walk to one address: one GET, any answer of 2xx after redirects is good.
fn ticket(address: &str, location: LocationName, now: Timestamp) -> Ticket {
    let http = HttpStep { max_body_bytes: 1 << 20, ..HttpStep::get(address) };
    let step = Step {
        name: "self-check".into(),
        service: None,
        timeout: None,
        effect: false,
        action: Action::Http(http),
        captures: Vec::new(),
        assertions: Vec::new(),
        measures: Vec::new(),
        flow: Flow::default(),
    };
    let journey = Journey {
        name: "self-check".into(),
        description: None,
        services: Vec::new(),
        environments: Vec::new(),
        schedule: Schedule::Every(EVERY),
        timeout: DEADLINE,
        owner: None,
        runbook: None,
        slo: None,
        vars: BTreeMap::new(),
        setup: None,
        variant: None,
        device: Device::default(),
        burst: None,
        steps: vec![step],
        revision: "self-check".into(),
    };
    let environment = Environment {
        name: "self-check".into(),
        vars: BTreeMap::new(),
        network: Network::default(),
        secrets: BTreeMap::new(),
        transport: Transport::default(),
        client_key: None,
    };
    Ticket {
        id: RunId::at(now),
        journey: Arc::new(journey),
        environment: Arc::new(environment),
        location,
        due: now,
        trigger: Trigger::Schedule,
        deployed: Vec::new(),
        vars: BTreeMap::new(),
    }
}
