//! Starts the parts of an agent, keeps them in step, and stops them in order.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info, warn};

use super::{
    alerts::{Alerts, Board},
    books::Bookkeeper,
    burning::Burns,
    deliver::Deliverer,
    dispatcher::{Dispatcher, Order, Situations},
    goods::Goods,
    handle::Handle,
    live::Live,
    overseer::Overseer,
    pipeline::{Input, Pipeline},
    prune,
    pulse::SelfCheck,
    rollback::Undo,
    setup::Setup,
    trouble::Trouble,
    watches::Watches,
    writeback::Writebacks,
};
use crate::{clock::Clock, engine::Engine, export::Exporter, store::Store};

/// What an agent is built from; whoever builds it owns nothing of it afterwards.
pub struct Parts {
    /// The time.
    pub clock: Clock,
    /// Where everything is kept.
    pub store: Store,
    /// What walks.
    pub engine: Engine,
    /// What counts.
    pub exporter: Exporter,
}

/// A running agent.
pub struct Agent {
    handle: Handle,
    setup: watch::Sender<Arc<Setup>>,
    orders: mpsc::Sender<Order>,
    inputs: mpsc::Sender<Input>,
    workers: TaskTracker,
    stop: CancellationToken,
    abandon: CancellationToken,
    dispatcher: JoinHandle<()>,
    pipeline: JoinHandle<()>,
    pruner: JoinHandle<()>,
    deliverer: JoinHandle<()>,
    /// Told after everything else has ended: what the last runs led to is still delivered.
    last: CancellationToken,
}

impl Agent {
    /// Starts walking. Must be called inside a tokio runtime.
    #[expect(
        clippy::disallowed_methods,
        reason = "the long tasks of an agent are joined by `stop`, in their order"
    )]
    pub fn start(parts: Parts, setup: Setup) -> Self {
        let setup = Arc::new(setup);
        let (setup_sender, setup_receiver) = watch::channel(Arc::clone(&setup));
        let (orders, orders_receiver) = mpsc::channel(64);
        let (inputs, inputs_receiver) = mpsc::channel(4096);
        let (situations, situations_receiver) = watch::channel(Arc::new(Situations::new()));
        let (workers, stop, abandon) =
            (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
        let (live, goods) = (Live::default(), Goods::default());
        let bell = Arc::new(Notify::new());
        let told = Arc::new(Notify::new());
        let (board, board_receiver) = watch::channel(Arc::new(Board::new()));
        let (budgets, budgets_receiver) = watch::channel(Arc::default());
        let mut alerts = Alerts::default();
        alerts.configure(&setup);
        introduce(&parts.exporter, &setup);
        let pipeline = Pipeline {
            clock: parts.clock,
            store: parts.store.clone(),
            exporter: parts.exporter.clone(),
            live: live.clone(),
            setup: Arc::clone(&setup),
            orders: orders.clone(),
            situations,
            watches: Watches::new(&setup),
            trouble: Trouble::new(&setup),
            burns: Burns::default(),
            alerts,
            board,
            bell: Arc::clone(&bell),
            goods: goods.clone(),
            undo: Undo::default(),
            writebacks: Writebacks::default(),
            unstored: Vec::new(),
        };
        let self_check = SelfCheck::new(
            parts.clock,
            parts.engine.clone(),
            parts.exporter.clone(),
            setup_receiver.clone(),
        );
        workers.spawn(self_check.clone().run(stop.clone()));
        let dispatcher = Dispatcher {
            clock: parts.clock,
            engine: parts.engine,
            self_check,
            exporter: parts.exporter.clone(),
            setup,
            situations: situations_receiver,
            runs: inputs.clone(),
            tasks: workers.clone(),
            stop: stop.clone(),
            abandon: abandon.clone(),
        };
        let handle = Handle {
            clock: parts.clock,
            store: parts.store.clone(),
            exporter: parts.exporter.clone(),
            live,
            goods,
            setup: setup_receiver.clone(),
            inputs: inputs.downgrade(),
            budgets: budgets_receiver,
            told: Arc::clone(&told),
            lines: Arc::default(),
        };
        let bookkeeper = Bookkeeper {
            clock: parts.clock,
            store: parts.store.clone(),
            exporter: parts.exporter.clone(),
            setup: setup_receiver.clone(),
            inputs: inputs.downgrade(),
            shown: budgets,
        };
        workers.spawn(bookkeeper.run(stop.clone()));
        workers.spawn(place_waiting(handle.clone()));
        #[cfg(feature = "kubernetes")]
        workers.spawn(super::kubernetes::run(handle.clone(), stop.clone()));
        let overseer = Overseer {
            clock: parts.clock,
            store: parts.store.clone(),
            exporter: parts.exporter.clone(),
            setup: setup_receiver.clone(),
            inputs: inputs.downgrade(),
            told,
        };
        workers.spawn(overseer.run(stop.clone()));
        let last = CancellationToken::new();
        let deliverer = Deliverer {
            clock: parts.clock,
            store: parts.store.clone(),
            exporter: parts.exporter.clone(),
            setup: setup_receiver.clone(),
            inputs: inputs.downgrade(),
            bell,
            board: board_receiver,
        };
        Self {
            handle,
            setup: setup_sender,
            orders,
            inputs,
            workers,
            dispatcher: tokio::spawn(dispatcher.run(orders_receiver)),
            pipeline: tokio::spawn(pipeline.run(inputs_receiver)),
            deliverer: tokio::spawn(deliverer.run(last.clone())),
            last,
            pruner: tokio::spawn(prune::run(
                parts.clock,
                parts.store,
                setup_receiver,
                stop.clone(),
            )),
            stop,
            abandon,
        }
    }

    /// The agent as its faces see it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes over a new configuration; walks under way finish as they began.
    pub async fn configure(&self, setup: Setup) {
        let setup = Arc::new(setup);
        let old = self.setup.send_replace(Arc::clone(&setup));
        let moved = old.settings.agent.location != setup.settings.agent.location;
        for name in old.journeys.keys() {
            if moved {
                self.handle.exporter.forget_journey(name);
            }
            let Some(kept) = setup.journeys.get(name) else {
                self.handle.exporter.forget_journey(name);
                continue;
            };
            let before = &old.journeys[name].journey.environments;
            if before.iter().any(|e| !kept.journey.environments.contains(e)) {
                self.handle.exporter.forget_journey(name);
            }
        }
        introduce(&self.handle.exporter, &setup);
        // Both are gone only when the agent stops.
        drop(self.orders.send(Order::Setup(Arc::clone(&setup))).await);
        drop(self.inputs.send(Input::Setup(setup)).await);
        place_waiting(self.handle()).await;
    }

    /// Stops in order: nothing new begins, walks under way get `drain` to end, everything they brought is stored.
    pub async fn stop(self, drain: Duration) {
        let Self {
            handle,
            orders,
            inputs,
            workers,
            stop,
            abandon,
            dispatcher,
            pipeline,
            pruner,
            deliverer,
            last,
            ..
        } = self;
        stop.cancel();
        join("dispatcher", dispatcher).await;
        workers.close();
        if tokio::time::timeout(drain, workers.wait()).await.is_err() {
            warn!(
                under_way = workers.len(),
                "agent.drain: the deadline has passed, walks are given up"
            );
            abandon.cancel();
            workers.wait().await;
        }
        drop((orders, inputs));
        join("pipeline", pipeline).await;
        join("pruner", pruner).await;
        last.cancel();
        join("delivery", deliverer).await;
        handle.store.close().await;
        info!("agent.stopped");
    }
}

/// Rules may know a place now for changes that had none.
async fn place_waiting(handle: Handle) {
    if let Err(e) = handle.place_waiting().await {
        warn!(error = %e, "change.unplaced: what waits for a place could not be looked at");
    }
}

async fn join(what: &str, task: JoinHandle<()>) {
    if let Err(e) = task.await {
        error!(error = %e, "agent.panic: the {what} ended abnormally");
    }
}

fn introduce(exporter: &Exporter, setup: &Setup) {
    exporter.maintenance(setup.settings.maintenance.clone());
    for scheduled in setup.journeys.values() {
        exporter.journey_info(&scheduled.journey);
    }
}
