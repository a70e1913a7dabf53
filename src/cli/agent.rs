//! `wayfarer agent`: the long-lived agent. SIGHUP or an altered file reloads, SIGTERM drains.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{Context, Exit, Failed};
use crate::{
    daemon::{Agent, Parts, Setup},
    engine::{Engine, EngineSettings},
    export::Exporter,
    source::watch::Changes,
    store::{Store, StoreOptions},
    web::Server,
};

/// Runs until a signal; exit 0 after an orderly stop.
pub(super) async fn run(context: &Context) -> Result<Exit, Failed> {
    let setup = Setup::load(&context.config, &context.variables)?;
    let trouble = |e: &dyn std::fmt::Display| Failed::new(Exit::Trouble, e.to_string());
    let server = Server::bind(setup.settings.agent.listen).await.map_err(|e| trouble(&e))?;
    let store = Store::open(&setup.data_file(), &StoreOptions::default())?;
    let exporter = Exporter::new(env!("CARGO_PKG_VERSION"))
        .map_err(|e| Failed::new(Exit::Bug, format!("metrics cannot be set up: {e}")))?;
    let engine = Engine::new(EngineSettings { clock: context.clock, ..EngineSettings::default() })?;
    let mut hangup = signal(SignalKind::hangup()).map_err(|e| trouble(&e))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| trouble(&e))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| trouble(&e))?;
    let mut files = Changes::start(&setup.root).map_err(|e| trouble(&e))?;
    let drain = setup.settings.agent.drain;
    info!(
        journeys = setup.journeys.len(),
        environments = setup.environments.len(),
        "agent.started: http://{}",
        server.address(),
    );
    let parts = Parts { clock: context.clock, store, engine, exporter: exporter.clone() };
    let agent = Agent::start(parts, setup);
    let stop = CancellationToken::new();
    let serving = server.serve(agent.handle(), stop.clone());
    tokio::pin!(serving);
    let exit = loop {
        tokio::select! {
            ended = &mut serving => {
                let reason = ended.err().map_or_else(|| "the server ended".to_owned(), |e| e.to_string());
                error!("{reason}");
                break Exit::Trouble;
            }
            _ = hangup.recv() => reload(context, &agent, &exporter, "SIGHUP").await,
            () = files.changed() => reload(context, &agent, &exporter, "a file").await,
            _ = terminate.recv() => break Exit::Good,
            _ = interrupt.recv() => break Exit::Good,
        }
    };
    info!(drain_ms = drain.as_millis(), "agent.stopping");
    agent.stop(drain).await;
    stop.cancel();
    if exit == Exit::Good {
        // Questions that wait for a verdict would hold us up: they get a moment.
        drop(tokio::time::timeout(std::time::Duration::from_secs(2), serving).await);
    }
    Ok(exit)
}

/// Takes over a new configuration, or says what is wrong with it and goes on with the old one.
async fn reload(context: &Context, agent: &Agent, exporter: &Exporter, why: &str) {
    match Setup::load(&context.config, &context.variables) {
        Ok(setup) => {
            let old = agent.handle().setup();
            if old.settings.agent.listen != setup.settings.agent.listen
                || old.data_file() != setup.data_file()
            {
                warn!("reload: `listen` and `data` take effect at the next start");
            }
            info!(
                journeys = setup.journeys.len(),
                "reload: {why} asked for it, the new configuration holds"
            );
            exporter.reloaded(true, context.clock.now());
            agent.configure(setup).await;
        }
        Err(e) => {
            exporter.reloaded(false, context.clock.now());
            error!("reload: refused, the old configuration goes on\n{e}");
        }
    }
}
