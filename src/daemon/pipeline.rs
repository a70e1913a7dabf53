//! What happens to a run: stored, counted, shown, judged. One consumer, one order; all waiting runs are one transaction.
//!
//! Trouble in storing never delays or fails a run: what could not be stored is kept (up to a limit) and tried again with the
//! next ones, counted and logged here, once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::MissedTickBehavior,
};
use tracing::{error, info, warn};

use super::{
    alerts::{Alerts, BoardSender, Outgoing},
    budget,
    burning::Burns,
    deliver::Settled,
    dispatcher::{Order, Situation, Situations},
    goods::Goods,
    handle::{HandleError, Judged, look_up},
    live::{Event, Live},
    rollback::Undo,
    setup::Setup,
    trouble::Trouble,
    watches::Watches,
    writeback::Writebacks,
};
use crate::{
    alert::{Burning, Decision, Reason},
    clock::Clock,
    engine::Trace,
    export::Exporter,
    model::{
        Acknowledgement, Dismissal, Finding, FindingId, FindingState, Outcome, Probe, Run, RunId,
        Verdict, Witness,
    },
    store::{ChangeFilter, Conclusions, Store, StoreError, kept},
};

/// Most runs that are kept while the store refuses them.
const KEPT: usize = 20_000;
/// Most inputs taken as one transaction.
const BATCH: usize = 512;
/// Changes older than this leave the metrics.
const SHOWN: Duration = Duration::from_secs(7 * 86_400);
/// Most changes in the metrics: each is a series of its own.
const MOST_SHOWN: usize = 500;
/// How often old changes are looked for.
const REFRESH: Duration = Duration::from_secs(600);

/// What the pipeline is given.
#[derive(Debug)]
pub(super) enum Input {
    /// A finished run; of one that passed, what it sent and got.
    Run(Arc<Run>, Option<Box<Trace>>),
    /// A change was written to the store: look, and say when its watch is open.
    Logged(Option<oneshot::Sender<()>>),
    /// A new configuration holds.
    Setup(Arc<Setup>),
    /// How all error budgets burn.
    Burning(Vec<Burning>),
    /// A message was delivered, or given up.
    Settled(Box<Settled>),
    /// A person takes findings on.
    Acknowledge(
        Vec<FindingId>,
        Acknowledgement,
        oneshot::Sender<Result<Vec<Finding>, HandleError>>,
    ),
    /// What opens and what is over of pipelines.
    Pipelines(Vec<Decision>),
    /// A person says that a finding is nothing.
    Dismiss(FindingId, Dismissal, oneshot::Sender<Result<Finding, HandleError>>),
}

/// The parts a pipeline works with.
pub(super) struct Pipeline {
    /// The time.
    pub(super) clock: Clock,
    /// Where everything is kept.
    pub(super) store: Store,
    /// What counts.
    pub(super) exporter: Exporter,
    /// Who listens.
    pub(super) live: Live,
    /// The configuration that holds.
    pub(super) setup: Arc<Setup>,
    /// The dispatcher.
    pub(super) orders: mpsc::Sender<Order>,
    /// What the dispatcher writes onto runs.
    pub(super) situations: watch::Sender<Arc<Situations>>,
    /// The open watches.
    pub(super) watches: Watches,
    /// The open findings and what looks for new ones.
    pub(super) trouble: Trouble,
    /// The open findings of error budgets.
    pub(super) burns: Burns,
    /// Who is told what.
    pub(super) alerts: Alerts,
    /// What is told again and again, for the delivery.
    pub(super) board: BoardSender,
    /// Tells the delivery that there is something in the outbox.
    pub(super) bell: Arc<Notify>,
    /// What the last good runs sent and got.
    pub(super) goods: Goods,
    /// What is undone without asking anybody.
    pub(super) undo: Undo,
    /// What forges were told.
    pub(super) writebacks: Writebacks,
    /// Runs that the store has refused so far.
    pub(super) unstored: Vec<Arc<Run>>,
}

impl Pipeline {
    /// Takes up where the agent stopped, then folds inputs until every sender is gone.
    pub(super) async fn run(mut self, mut inputs: mpsc::Receiver<Input>) {
        self.resume().await;
        self.resume_rollbacks().await;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                taken = inputs.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        break;
                    }
                    self.fold(&mut batch).await;
                }
                _ = second.tick() => self.tick().await,
                _ = refresh.tick() => {
                    self.show_budget().await;
                    if let Err(e) = self.show_changes().await {
                        self.store_failed("the changes to show could not be read", &e);
                    }
                }
            }
        }
        if !self.unstored.is_empty() {
            self.store_runs(Vec::new()).await;
        }
    }

    /// Reopens the watches and findings that were open when the agent last stopped.
    async fn resume(&mut self) {
        let now = self.clock.now();
        // First of all: whatever is concluded next is compared with what was told.
        if let Err(e) = self.alerts.resume(&self.store, now).await {
            self.store_failed("what was told could not be read", &e);
        }
        match self.store.latest_runs().await {
            Ok(runs) => {
                let configured = |run: &&Run| self.setup.journeys.contains_key(&run.journey);
                runs.iter().filter(configured).for_each(|run| self.exporter.restore(run));
            }
            Err(e) => self.store_failed("the latest runs could not be read", &e),
        }
        if let Err(e) = self.trouble.resume(&self.store, &self.setup, now).await {
            self.store_failed("findings could not be read", &e);
        }
        if let Err(e) = self.burns.resume(&self.store, now).await {
            self.store_failed("findings of error budgets could not be read", &e);
        }
        match self.watches.resume(&self.store, &self.setup, now).await {
            Ok(verdicts) => self.conclude(verdicts, Vec::new(), now).await,
            Err(e) => self.store_failed("open watches could not be read", &e),
        }
        self.watches_altered(now).await;
    }

    /// The metrics of the newest changes; those of older ones go.
    async fn show_changes(&self) -> Result<(), StoreError> {
        let since = self.clock.now().checked_sub(SHOWN).ok();
        let filter = ChangeFilter { since, limit: MOST_SHOWN, ..ChangeFilter::default() };
        let changes = self.store.changes(filter).await?;
        self.exporter.keep_changes(&changes.iter().map(|c| c.id.clone()).collect());
        // Oldest first, so that the newest change of a service has the last word on its gate.
        let now = self.clock.now();
        for change in changes.iter().rev().filter(|c| c.started_at <= now) {
            self.exporter.change(change);
            if let Some(judged) = look_up(&self.store, &change.id).await? {
                self.show_judged(&judged);
            }
        }
        Ok(())
    }

    pub(super) fn show_judged(&self, judged: &Judged) {
        let Judged { change, verdicts, dismissed, open, .. } = judged;
        self.exporter.verdicts(change, verdicts, dismissed, *open);
    }

    async fn fold(&mut self, batch: &mut Vec<Input>) {
        let mut runs = Vec::new();
        let mut replies = Vec::new();
        let mut logged = false;
        let (mut taken, mut dismissed, mut settled) = (Vec::new(), Vec::new(), Vec::new());
        let (mut goods, mut overseen, mut burning) = (Vec::new(), Vec::new(), None);
        for input in batch.drain(..) {
            match input {
                Input::Run(run, trace) => {
                    goods.extend(self.beside(&run));
                    if let Some(trace) = trace {
                        self.goods.keep(&run, *trace);
                    }
                    runs.push(run);
                }
                Input::Logged(reply) => {
                    logged = true;
                    replies.extend(reply);
                }
                Input::Settled(done) => settled.push(*done),
                Input::Burning(all) => burning = Some(all),
                Input::Pipelines(more) => overseen.extend(more),
                Input::Acknowledge(ids, by, reply) => taken.push((ids, by, reply)),
                Input::Dismiss(id, dismissal, reply) => dismissed.push((id, dismissal, reply)),
                Input::Setup(setup) => {
                    self.setup = setup;
                    self.alerts.configure(&self.setup);
                    self.watches.configure(&self.setup);
                    self.trouble.configure(&self.setup);
                }
            }
        }
        if !runs.is_empty() {
            self.store_runs(runs.clone()).await;
            self.store_goods(goods).await;
            self.judge(&runs).await;
        }
        if let Some(burning) = burning {
            let now = self.clock.now();
            let decisions = self.burns.decide(&burning, now);
            self.conclude(Vec::new(), decisions, now).await;
        }
        if logged {
            self.changes_logged().await;
        }
        if !overseen.is_empty() {
            self.oversee(overseen).await;
        }
        for done in settled {
            self.settled(done).await;
        }
        for (ids, by, reply) in taken {
            // Whoever asked may have gone.
            reply.send(self.acknowledge(ids, by).await).ok();
        }
        for (id, dismissal, reply) in dismissed {
            // Whoever asked may have gone.
            reply.send(self.dismiss(&id, dismissal).await).ok();
        }
        for reply in replies {
            // Whoever asked may have gone.
            reply.send(()).ok();
        }
    }

    /// What the last good run before a failed one sent and got.
    fn beside(&self, run: &Run) -> Option<(RunId, Witness)> {
        run.evidence.as_ref()?;
        let mut good = tokio::task::block_in_place(|| self.goods.last(&run.series()))?;
        if let (Outcome::Failed(failure), Some(page)) = (&run.outcome, &mut good.evidence.page) {
            page.keep_beside(&failure.step);
        }
        Some((run.id, good))
    }

    async fn store_goods(&self, goods: Vec<(RunId, Witness)>) {
        if goods.is_empty() {
            return;
        }
        if let Err(e) = self.store.record_good(goods).await {
            self.store_failed("a good run could not be stored beside a failed one", &e);
        }
    }

    async fn store_runs(&mut self, runs: Vec<Arc<Run>>) {
        self.unstored.extend(runs);
        let started = self.clock.instant();
        match self.store.record_runs(self.unstored.clone()).await {
            Ok(_) => {
                self.exporter.store_commit(self.clock.instant() - started);
                self.unstored.clear();
            }
            Err(e) => {
                self.store_failed("runs could not be stored, they are tried again", &e);
                if self.unstored.len() > KEPT {
                    let lost = self.unstored.len() - KEPT;
                    self.unstored.drain(..lost);
                    error!(
                        lost,
                        "store.lost: too many runs wait for the store, the oldest are given up"
                    );
                }
            }
        }
    }

    pub(super) fn store_failed(&self, what: &str, e: &StoreError) {
        self.exporter.store_error();
        error!(error = %e, "store.failed: {what}");
    }

    /// Writes and tells what opens and what is over of pipelines. Whoever looked may have done so before a person dismissed something.
    async fn oversee(&mut self, decisions: Vec<Decision>) {
        let now = self.clock.now();
        let mut fresh = Vec::new();
        for mut decision in decisions {
            match self.store.finding(&decision.finding.id).await {
                Ok(stored) => {
                    let stands = match &stored {
                        Some(finding) => {
                            // Somebody may have taken it on since it was looked at.
                            decision.finding.acknowledged.clone_from(&finding.acknowledged);
                            finding.state == FindingState::Open
                        }
                        None => !self.trouble.is_open_of(decision.finding.pipeline.as_ref()),
                    };
                    if stands {
                        fresh.push(decision);
                    }
                }
                Err(e) => self.store_failed("a finding could not be read", &e),
            }
        }
        self.trouble.oversee(&fresh);
        if !fresh.is_empty() {
            self.conclude(Vec::new(), fresh, now).await;
        }
    }

    /// Counts, shows and judges runs, in their order.
    async fn judge(&mut self, runs: &[Arc<Run>]) {
        let now = self.clock.now();
        let (verdicts, decisions) = tokio::task::block_in_place(|| self.fold_runs(runs, now));
        if let Err(e) = self.trouble.track_opened(&self.store, &self.setup, &decisions, now).await {
            self.store_failed("the history of a finding could not be read", &e);
        }
        for decision in &decisions {
            if let Some(at) = decision.finding.onset_at
                && decision.finding.change.is_none()
            {
                self.watches.shifted(decision, at);
            }
        }
        self.conclude(verdicts, decisions, now).await;
    }

    /// Every run through metrics, live stream, watches, recoveries and sentinels; pure work, some of it long.
    fn fold_runs(&mut self, runs: &[Arc<Run>], now: Timestamp) -> (Vec<Verdict>, Vec<Decision>) {
        let (mut verdicts, mut decisions) = (Vec::new(), Vec::new());
        for run in runs {
            self.exporter.observe(run);
            self.live.publish(Event::Run(Arc::clone(run)));
            // As the store will give it back, so that a restart reaches the same verdicts.
            let (series, probe) = (run.series(), Probe::from(&kept(run)));
            verdicts.extend(self.watches.push(&series, &probe, now));
            let watched = self.watches.covers(&series);
            decisions.extend(self.trouble.push(&series, &probe, watched, now));
        }
        (verdicts, decisions)
    }

    /// Once a second: watches whose time is over, changes that other processes logged.
    async fn tick(&mut self) {
        let now = self.clock.now();
        let verdicts = self.watches.close_due(now);
        if !verdicts.is_empty() {
            self.conclude(verdicts, Vec::new(), now).await;
            self.watches_altered(now).await;
            self.show_budget().await;
        }
        self.changes_logged().await;
        self.tell(now).await;
    }

    /// Opens the watches of what is new in the change log.
    pub(super) async fn changes_logged(&mut self) {
        let now = self.clock.now();
        match self.watches.look(&self.store, &self.setup, now).await {
            Ok(looked) if looked.is_empty() => {}
            Ok(looked) => {
                for (from, to) in &looked.absorbed {
                    let moved = self.trouble.hand_over(from, to);
                    self.alerts.hand_over(from, &moved, now);
                }
                for change in &looked.changes {
                    self.alerts.change(change);
                    info!(change = %change.id, kind = %change.kind, "change.logged: {}", describe(change));
                    if change.started_at <= now {
                        self.exporter.change(change);
                    }
                    self.live.publish(Event::Change(Arc::new(change.clone())));
                }
                self.conclude(looked.verdicts, Vec::new(), now).await;
                self.watches_altered(now).await;
                for (keys, spacing) in looked.smoke {
                    drop(self.orders.send(Order::Smoke(keys, spacing)).await);
                }
            }
            Err(e) => self.store_failed("the change log could not be read", &e),
        }
    }

    /// The budget of false verdicts in the metrics.
    pub(super) async fn show_budget(&self) {
        let (detect, now) = (self.setup.settings.detect, self.clock.now());
        if let Err(e) = budget::show(&self.store, &self.exporter, &detect, now).await {
            self.store_failed("the judged changes could not be counted", &e);
        }
    }

    /// Tells the dispatcher what is probed denser now, and what to write onto runs.
    async fn watches_altered(&mut self, now: Timestamp) {
        let watched = self.watches.watched();
        let mut situations = Situations::new();
        for name in self.setup.environments.keys() {
            let mut situation = Situation {
                watched: watched.get(name).cloned().unwrap_or_default(),
                ..Situation::default()
            };
            match self.store.deployed(name, now).await {
                Ok(deployed) => {
                    self.exporter.deployed(name, &deployed);
                    for (service, deployment) in deployed {
                        situation.deployed.insert(service, deployment.version);
                    }
                }
                Err(e) => self.store_failed("deployed versions could not be read", &e),
            }
            situations.insert(name.clone(), situation);
        }
        self.situations.send_replace(Arc::new(situations));
        drop(self.orders.send(Order::Burst(self.watches.burst(&self.setup, now))).await);
        self.exporter.watches_open(self.watches.open());
    }

    /// Writes verdicts and findings in one transaction, then shows them.
    async fn conclude(
        &mut self,
        verdicts: Vec<Verdict>,
        mut decisions: Vec<Decision>,
        now: Timestamp,
    ) {
        let (watches, change_cursor) = self.watches.take_records(&self.setup, now);
        if verdicts.is_empty()
            && decisions.is_empty()
            && watches.is_empty()
            && change_cursor.is_none()
        {
            return;
        }
        let recovered: Vec<Finding> = decisions.iter().map(|d| d.finding.clone()).collect();
        match self.trouble.settle(&self.store, &self.setup, &verdicts, now).await {
            Ok(more) => decisions.extend(more),
            Err(e) => self.store_failed("findings could not be settled", &e),
        }
        let shifted = |f: &&Finding| f.closed_at.is_some() && !f.kind.is_budget();
        for finding in recovered.iter().filter(shifted) {
            self.watches.recovered(finding, now);
        }
        let findings: Vec<Finding> = decisions.iter().map(|d| d.finding.clone()).collect();
        findings.iter().for_each(|finding| self.alerts.finding(finding));
        verdicts.iter().for_each(|verdict| self.alerts.judged(&verdict.change));
        watches.iter().for_each(|watch| self.alerts.judged(&watch.change));
        let outgoing = self.alerts.look(&self.store, &verdicts, now).await;
        let mut outgoing = outgoing.unwrap_or_else(|e| {
            self.store_failed("what is told could not be looked up, it is looked up again", &e);
            Outgoing::default()
        });
        let conclusions = Conclusions {
            verdicts: verdicts.clone(),
            findings: findings.clone(),
            messages: std::mem::take(&mut outgoing.messages),
            told: std::mem::take(&mut outgoing.records),
            watches,
            change_cursor,
        };
        match self.store.conclude(conclusions).await {
            Ok(()) => {
                self.alerts.stored(outgoing);
                self.bell.notify_one();
            }
            Err(e) => self.store_failed("verdicts could not be written", &e),
        }
        if let Err(e) = self.watches.learn(&self.store, &verdicts).await {
            self.store_failed("what earlier deployments taught could not be read", &e);
        }
        self.show(&verdicts, &decisions);
        let changes = verdicts.into_iter().map(|verdict| verdict.change).collect();
        self.act(&changes, now).await;
    }

    pub(super) fn show(&self, verdicts: &[Verdict], decisions: &[Decision]) {
        let mut changes = BTreeSet::new();
        for verdict in verdicts {
            changes.insert(verdict.change.clone());
            self.live.publish(Event::Verdict(Arc::new(verdict.clone())));
        }
        for id in &changes {
            if let Some((change, verdicts, open)) = self.watches.of(id) {
                self.exporter.verdicts(&change, &verdicts, &self.trouble.dismissed(id), open);
            }
        }
        for decision in decisions.iter().filter(|d| d.reason != Reason::Updated) {
            let finding = &decision.finding;
            let change = finding.change.as_ref().map_or("none", |c| c.as_str());
            warn!(
                finding = %finding.id, change, journey = %finding.journey, environment = %finding.environment,
                kind = finding.kind.as_str(), state = finding.state.as_str(),
                "finding.{:?}: {}", decision.reason, finding.summary,
            );
            self.live.publish(Event::Finding(Arc::new(finding.clone())));
        }
        let open: Vec<Finding> = self.trouble.open().into_iter().chain(self.burns.open()).collect();
        self.exporter.findings(&open);
    }
}

fn describe(change: &crate::model::Change) -> String {
    let services: Vec<_> = change.services.iter().map(|s| s.as_str()).collect();
    let what = if services.is_empty() { "the environment".to_owned() } else { services.join(", ") };
    match change.deployed_version() {
        Some(version) => format!("{} of {what} {version}", change.kind),
        None => format!("{} of {what}", change.kind),
    }
}
