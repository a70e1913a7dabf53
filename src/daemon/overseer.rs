//! Watches pipelines: when facts were told it looks at all of them anew, and hands what opens and what is over to whoever writes findings.
//!
//! It has a task of its own, as a look takes up to a second where many pipelines are told: no run waits for it. A look is a function of what is
//! stored, so a restart knows what was known before.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    delivery::{facts, pipeline_findings},
    pipeline::Input,
    setup::Setup,
};
use crate::{
    alert::Decision,
    clock::Clock,
    delivery::pipeline::{Lines, Rules, judge, lines, proofs, result},
    export::{Exporter, PipelineRunSeen},
    model::{Change, PipelineOutcome},
    store::{ChangeFilter, Store, StoreError},
};

/// How far back runs are looked at.
const BACK: SignedDuration = SignedDuration::from_secs(35 * 86_400);
/// Without anything new a look is due after this: objectives are judged over a span that moves.
const ROUND: Duration = Duration::from_secs(600);
/// Facts come in bursts: this is waited for the rest of one.
const GATHER: Duration = Duration::from_millis(1500);
/// After a look that took so long it rests so many times as long.
const REST: u32 = 10;
/// Findings and changes that are looked at.
const FINDINGS: usize = 2000;
const CHANGES: usize = 500;
/// Results of tests are shown for so long.
const RESULTS: SignedDuration = SignedDuration::from_secs(7 * 86_400);

/// What watches pipelines.
pub(super) struct Overseer {
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) exporter: Exporter,
    pub(super) setup: watch::Receiver<Arc<Setup>>,
    pub(super) inputs: mpsc::WeakSender<Input>,
    /// Rung when facts were told.
    pub(super) told: Arc<Notify>,
}

/// What is counted in the metrics already.
#[derive(Debug, Default)]
struct Counted {
    begun: bool,
    runs: HashSet<String>,
    stages: HashSet<(String, String)>,
    flaky: HashSet<(String, String, String)>,
}

impl Overseer {
    /// Looks at the start, when facts were told, and now and then, until told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut counted = Counted::default();
        loop {
            let started = self.clock.instant();
            counted = match self.look(counted).await {
                Ok(counted) => counted,
                Err(e) => {
                    self.exporter.store_error();
                    error!(error = %e, "store.failed: pipelines could not be looked at");
                    Counted::default()
                }
            };
            let rest = (self.clock.instant() - started) * REST;
            let told = Arc::clone(&self.told);
            let due = async {
                tokio::time::sleep(rest).await;
                tokio::select! {
                    () = told.notified() => tokio::time::sleep(GATHER).await,
                    _ = self.setup.changed() => {}
                    () = tokio::time::sleep(ROUND) => {}
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = due => {}
            }
        }
    }

    async fn look(&self, mut counted: Counted) -> Result<Counted, StoreError> {
        let now = self.clock.now();
        let since = now.checked_sub(BACK).unwrap_or(Timestamp::UNIX_EPOCH);
        let facts = facts(&self.store, since, Timestamp::MAX).await?;
        let known = pipeline_findings(&self.store, FINDINGS).await?;
        if facts.is_empty() && known.is_empty() {
            counted.begun = true;
            return Ok(counted);
        }
        let filter = ChangeFilter { since: Some(since), limit: CHANGES, ..ChangeFilter::default() };
        let changes: Vec<Change> = self.store.changes(filter).await?;
        let setup = Arc::clone(&self.setup.borrow());
        let exporter = self.exporter.clone();
        let work = move || {
            let lines = lines(&facts);
            counted.show(&lines, &exporter, now);
            let rules = Rules {
                settings: &setup.settings.pipelines,
                detect: setup.settings.detect,
                location: &setup.settings.agent.location,
                changes: &changes,
            };
            (judge(&lines, &known, &rules, now), counted)
        };
        let (decisions, counted): (Vec<Decision>, Counted) =
            match tokio::task::spawn_blocking(work).await {
                Ok(done) => done,
                Err(e) => std::panic::resume_unwind(e.into_panic()),
            };
        if !decisions.is_empty()
            && let Some(inputs) = self.inputs.upgrade()
        {
            drop(inputs.send(Input::Pipelines(decisions)).await);
        }
        Ok(counted)
    }
}

impl Counted {
    /// Shows what is new since the last look. What was there when the agent started is not counted again: counters begin with the agent.
    fn show(&mut self, lines: &Lines, exporter: &Exporter, now: Timestamp) {
        let mut seen = Self { begun: true, ..Self::default() };
        for line in lines.all.values() {
            let name = line.key.to_string();
            for run in line.runs.iter().filter(|run| run.finished_at.is_some()) {
                let Some(outcome) = run.outcome else { continue };
                if self.begun && !self.runs.contains(&run.id) {
                    exporter.pipeline_run(&PipelineRunSeen {
                        pipeline: &name,
                        result: result(outcome),
                        trigger: run.trigger,
                        took_s: run.took_s,
                        waited_s: run.waited_s,
                    });
                }
                for stage in &run.stages {
                    let Some(took_s) = stage.took_s else { continue };
                    let key = (run.id.clone(), stage.name.clone());
                    if self.begun && !self.stages.contains(&key) {
                        exporter.pipeline_stage(&name, &stage.name, took_s);
                    }
                    seen.stages.insert(key);
                }
                seen.runs.insert(run.id.clone());
            }
            for proof in proofs(&line.results).0.iter().filter(|proof| proof.flaky) {
                let test = format!("{}\n{}", proof.suite.unwrap_or_default(), proof.name);
                let key = (name.clone(), test, proof.commit.to_owned());
                if self.begun && !self.flaky.contains(&key) {
                    exporter.flaky_test(&name);
                }
                seen.flaky.insert(key);
            }
        }
        *self = seen;
        results(lines, exporter, now);
    }
}

/// Shows how the tests of the last days ended, by suite.
fn results(lines: &Lines, exporter: &Exporter, now: Timestamp) {
    let since = now.checked_sub(RESULTS).unwrap_or(Timestamp::UNIX_EPOCH);
    let all = lines.all.values().flat_map(|line| &line.results).chain(&lines.loose);
    let told = all.filter(|r| !r.job && r.at.is_some_and(|at| at >= since));
    let ended = told.filter_map(|r| {
        let outcome: PipelineOutcome = r.outcome?;
        Some((r.suite.as_deref().unwrap_or(&r.name), result(outcome)))
    });
    exporter.test_results(ended);
}
