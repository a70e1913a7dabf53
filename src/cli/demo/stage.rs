//! What the story plays on: the shop, and an agent built from the same parts as any other.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Context, Exit, Failed},
    config::{self, SourceFile},
    daemon::{Agent, Handle, Judged, Parts, Setup},
    demo::{JOURNEYS, SETTINGS, Shop},
    engine::Engine,
    export::Exporter,
    model::{Change, FindingState},
    store::{FindingFilter, Store, StoreOptions},
    web::{ServeError, Server},
};

/// A chapter that takes longer than this has gone wrong.
const LONGEST_CHAPTER: Duration = Duration::from_secs(40);
/// How often the stage looks whether something has happened.
const LOOK: Duration = Duration::from_millis(100);
/// What the demo's sign-in wants; a secret like any other, so that masking is shown too.
const PASSWORD: &str = "demo-correct-horse";

/// Shop and agent.
pub(super) struct Stage {
    /// The shop with its knobs.
    pub(super) shop: Shop,
    /// Where the dashboard is.
    pub(super) address: SocketAddr,
    agent: Agent,
    handle: Handle,
    stop: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
    folder: Folder,
}

/// A folder of our own, removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's folder for such things.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

impl Stage {
    /// Opens the shop and starts the agent. `keep`: on the usual port, if it is free.
    #[expect(clippy::disallowed_methods, reason = "the server's task is joined by `leave`")]
    pub(super) async fn build(seed: u64, keep: bool, context: &Context) -> Result<Self, Failed> {
        let trouble = |e: &dyn std::fmt::Display| Failed::new(Exit::Trouble, e.to_string());
        let shop = Shop::open(seed, PASSWORD).await.map_err(|e| trouble(&e))?;
        let folder = Folder(
            std::env::temp_dir().join(format!("wayfarer-demo-{}-{seed:x}", std::process::id())),
        );
        std::fs::create_dir_all(&folder.0).map_err(|e| trouble(&e))?;
        let setup = settings(&shop, &folder.0)?;
        let usual = SocketAddr::from(([127, 0, 0, 1], 9464));
        let server = match Server::bind(usual).await {
            Ok(server) if keep => server,
            _ => Server::bind(setup.settings.agent.listen).await.map_err(|e| trouble(&e))?,
        };
        let store = Store::open(&setup.data_file(), &StoreOptions::default())?;
        let exporter = Exporter::new(env!("CARGO_PKG_VERSION"))
            .map_err(|e| Failed::new(Exit::Bug, format!("metrics cannot be set up: {e}")))?;
        let engine = Engine::new(context.engine(&setup.settings.browser))?;
        let agent = Agent::start(Parts { clock: context.clock, store, engine, exporter }, setup);
        let handle = agent.handle();
        let stop = CancellationToken::new();
        let address = server.address();
        let serving = tokio::spawn(server.serve(handle.clone(), stop.clone()));
        Ok(Self { shop, address, agent, handle, stop, serving, folder })
    }

    /// Lets the journeys walk for a while.
    pub(super) async fn warm_up(&self, length: Duration) -> Result<(), Failed> {
        tokio::time::sleep(length).await;
        let runs = self.handle.store().latest_runs().await?;
        match runs.iter().find(|run| !matches!(run.outcome, crate::model::Outcome::Passed)) {
            None if runs.is_empty() => Err(Failed::new(Exit::Bug, "no journey was walked")),
            _ => Ok(()),
        }
    }

    /// Logs a change and waits until its watch has closed.
    pub(super) async fn watch(&self, change: Change) -> Result<Judged, Failed> {
        let id = change.id.clone();
        let failed = |e: crate::daemon::HandleError| Failed::new(Exit::Trouble, e);
        self.handle.record_change(change).await.map_err(failed)?;
        let mut waited = Duration::ZERO;
        loop {
            let judged = self.handle.judged(&id).await.map_err(failed)?;
            if (!judged.open && !judged.verdicts.is_empty()) || waited >= LONGEST_CHAPTER {
                return Ok(judged);
            }
            tokio::time::sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// Waits until no finding is open, at most so long.
    pub(super) async fn recovery(&self, most: Duration) -> Result<(), Failed> {
        let mut waited = Duration::ZERO;
        while waited < most && !self.open_findings().await?.is_empty() {
            tokio::time::sleep(LOOK).await;
            waited += LOOK;
        }
        Ok(())
    }

    /// The findings that are open, a line each.
    pub(super) async fn open_findings(&self) -> Result<Vec<String>, Failed> {
        let filter = FindingFilter {
            state: Some(FindingState::Open),
            limit: 100,
            ..FindingFilter::default()
        };
        let open = self.handle.store().findings(filter).await?;
        Ok(open
            .iter()
            .map(|f| format!("{} {} {}: {}", f.kind.as_str(), f.journey, f.metric, f.summary))
            .collect())
    }

    /// Stops the agent and closes the shop.
    pub(super) async fn leave(self) {
        let Self { shop, agent, handle, stop, serving, folder, .. } = self;
        stop.cancel();
        drop(handle);
        agent.stop(Duration::from_secs(5)).await;
        drop(tokio::time::timeout(Duration::from_secs(1), serving).await);
        shop.close().await;
        drop(folder);
    }
}

fn settings(shop: &Shop, root: &Path) -> Result<Setup, Failed> {
    let mut text = SETTINGS.to_owned();
    for (name, address) in shop.addresses() {
        text = text.replace(&name.to_uppercase(), &address.to_string());
    }
    let main = SourceFile { path: "wayfarer.toml".to_owned(), text };
    let journeys: Vec<SourceFile> = JOURNEYS
        .iter()
        .map(|(name, text)| SourceFile {
            path: format!("journeys/{name}"),
            text: (*text).to_owned(),
        })
        .collect();
    let config = config::load(&main, &journeys).map_err(|e| Failed::new(Exit::Bug, e))?;
    let variables = BTreeMap::from([("DEMO_PASSWORD".to_owned(), PASSWORD.to_owned())]);
    Ok(Setup::resolve(root.to_owned(), config, &variables)?)
}
