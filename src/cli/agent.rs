//! `wayfarer agent`: the long-lived agent. SIGHUP or an altered file reloads, SIGTERM drains.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{Context, Exit, Failed, args::AgentArguments};
use crate::{
    daemon::{Agent, LoadError, Parts, Setup},
    engine::Engine,
    export::Exporter,
    source::watch::Changes,
    store::{Claim, Store, StoreOptions},
    web::Server,
};

/// Runs until a signal; exit 0 after an orderly stop.
pub(super) async fn run(arguments: &AgentArguments, context: &Context) -> Result<Exit, Failed> {
    let path = arguments.path.as_deref().unwrap_or(&context.config);
    let setup = load(path, context)?;
    let trouble = |e: &dyn std::fmt::Display| Failed::new(Exit::Trouble, e.to_string());
    let server = Server::bind(setup.settings.agent.listen).await.map_err(|e| trouble(&e))?;
    let claim = Claim::take(&setup.data_file()).map_err(|e| trouble(&e))?;
    let store = Store::open(&setup.data_file(), &StoreOptions::default())?;
    let exporter = Exporter::new(env!("CARGO_PKG_VERSION"))
        .map_err(|e| Failed::new(Exit::Bug, format!("metrics cannot be set up: {e}")))?;
    let engine = Engine::new(context.engine(&setup.settings.browser))?;
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
    let parts = Parts { clock: context.clock, store, engine, exporter };
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
            _ = hangup.recv() => reload(path, context, &agent, "SIGHUP").await,
            () = files.changed() => reload(path, context, &agent, "a file").await,
            _ = terminate.recv() => break Exit::Good,
            _ = interrupt.recv() => break Exit::Good,
        }
    };
    info!(drain_ms = drain.as_millis(), "agent.stopping");
    agent.stop(drain).await;
    drop(claim);
    stop.cancel();
    if exit == Exit::Good {
        // Questions that wait for a verdict would hold us up: they get a moment.
        drop(tokio::time::timeout(std::time::Duration::from_secs(2), serving).await);
    }
    Ok(exit)
}

/// Reads everything anew. Secrets may be asked of programs, which takes its time: the runtime is told.
fn load(path: &Path, context: &Context) -> Result<Setup, LoadError> {
    tokio::task::block_in_place(|| Setup::load(path, &context.variables))
}

/// Takes over a new configuration, or says what is wrong with it and goes on with the old one.
async fn reload(path: &Path, context: &Context, agent: &Agent, why: &str) {
    let handle = agent.handle();
    match load(path, context) {
        Ok(setup) => {
            let old = handle.setup();
            if old.settings.agent.listen != setup.settings.agent.listen
                || old.data_file() != setup.data_file()
            {
                warn!("reload: `listen` and `data` take effect at the next start");
            }
            if old.settings.browser != setup.settings.browser {
                warn!("reload: [browser] takes effect at the next start");
            }
            info!(
                journeys = setup.journeys.len(),
                "reload: {why} asked for it, the new configuration holds"
            );
            handle.exporter().reloaded(true, context.clock.now());
            agent.configure(setup).await;
        }
        Err(e) => {
            handle.exporter().reloaded(false, context.clock.now());
            error!("reload: refused, the old configuration goes on\n{e}");
        }
    }
}
