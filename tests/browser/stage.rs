//! Short ways to serve pages and walk journeys over them.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{Mutex, MutexGuard};
use wayfarer::{
    clock::Clock,
    config::{self, Attached, SourceFile},
    engine::{Engine, EngineSettings, Ticket},
    model::{
        BrowserSettings, Driver, Environment, Failure, FaultKind, Journey, Network, Outcome, Run,
        RunId, Secret, Transport, Trigger,
    },
};

use super::site::{Asked, Reply, Site, answer};

/// Only one browser at a time.
pub(crate) static TURN: Mutex<()> = Mutex::const_new(());

/// A site with pages, and an engine with browsers.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) engine: Engine,
    /// Beside `base_url` and `password`.
    pub(crate) network: Network,
    _turn: MutexGuard<'static, ()>,
}

/// What a run says that waited for a processor most of the time: on a busy machine that is right, and it is walked again.
pub(crate) const BUSY: &str = "our machine is too busy";

/// How often at most.
pub(crate) const AGAIN: usize = 10;

/// A page as a server sends it.
pub(crate) fn page(body: &str) -> Reply {
    answer(200, &["content-type: text/html; charset=utf-8"], body)
}

/// The same, after a while.
pub(crate) fn later(pause: Duration, body: &str) -> Reply {
    match page(body) {
        Reply::Bytes(bytes) => Reply::Later(pause, bytes),
        other => other,
    }
}

pub(crate) fn not_found() -> Reply {
    answer(404, &["content-type: text/html"], "<h1>Not here</h1>")
}

impl Stage {
    /// Serves one page under every path but the icon's.
    pub(crate) async fn with_page(body: &'static str) -> Option<Self> {
        Self::new(move |_| page(body)).await
    }

    /// None, and a word about it, where there is no driver.
    #[expect(clippy::print_stdout, reason = "who skips says so")]
    pub(crate) async fn new(
        pages: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Option<Self> {
        let driver = std::process::Command::new("chromedriver").arg("--version").output();
        if driver.is_err() {
            println!("skipped: there is no chromedriver");
            return None;
        }
        let turn = TURN.lock().await;
        let site = Site::start(None, move |asked| match asked.path.as_str() {
            "/favicon.ico" => answer(204, &[], ""),
            _ => pages(asked),
        })
        .await;
        let browser = BrowserSettings {
            driver: Driver::Program("chromedriver".to_owned()),
            ..BrowserSettings::default()
        };
        let guard = Some(PathBuf::from(env!("CARGO_BIN_EXE_wayfarer")));
        let engine =
            Engine::new(EngineSettings { browser, guard, ..EngineSettings::default() }).unwrap();
        Some(Self { site, engine, network: Network::default(), _turn: turn })
    }

    /// Walks a journey that is written like a file without its head.
    pub(crate) async fn walk(&self, steps: &str) -> Run {
        self.walk_within(steps, Duration::from_secs(30)).await
    }

    pub(crate) async fn walk_within(&self, steps: &str, timeout: Duration) -> Run {
        self.walk_with(&[], steps, timeout).await
    }

    /// With parts: name and text of each.
    pub(crate) async fn walk_with(
        &self,
        parts: &[(&str, &str)],
        steps: &str,
        timeout: Duration,
    ) -> Run {
        let journey = Arc::new(self.journey(parts, steps, timeout));
        let own = |name: &str, value: String| (name.to_owned(), value);
        let port = self.site.port();
        let environment = Environment {
            name: "production".into(),
            vars: BTreeMap::from([
                own("base_url", format!("http://127.0.0.1:{port}")),
                own("other_url", format!("http://localhost:{port}")),
            ]),
            network: self.network.clone(),
            secrets: BTreeMap::from([("password".to_owned(), Secret::new("open sesame 42"))]),
            transport: Transport::default(),
            client_key: None,
        };
        let environment = Arc::new(environment);
        let walk = || {
            self.engine.walk(Ticket {
                id: RunId::at(Clock.now()),
                journey: Arc::clone(&journey),
                environment: Arc::clone(&environment),
                location: "test".into(),
                due: Clock.now(),
                trigger: Trigger::Manual,
                deployed: Vec::new(),
                vars: BTreeMap::new(),
            })
        };
        let mut run = walk().await;
        for _ in 0..AGAIN {
            if !matches!(&run.outcome, Outcome::Broken { reason } if reason.contains(BUSY)) {
                break;
            }
            run = walk().await;
        }
        let json = serde_json::to_string(&run).unwrap();
        assert!(!json.contains("open sesame 42"), "a secret is left: {json}");
        run
    }

    fn journey(&self, parts: &[(&str, &str)], steps: &str, timeout: Duration) -> Journey {
        let file = |path: String, text: String| SourceFile { path, text };
        let settings = "[environments.production]\nbase_url = \"http://a\"\nvars = { other_url = \"http://b\" }\nsecrets = { password = { env = \"P\" } }\n";
        let head = format!(
            "name = \"tried\"\nenvironments = [\"production\"]\nevery = \"1h\"\ntimeout = \"{}ms\"\n{steps}",
            timeout.as_millis()
        );
        let mut files = vec![file("journeys/tried.toml".to_owned(), head)];
        files.extend(
            parts.iter().map(|(name, text)| {
                file(format!("journeys/parts/{name}.toml"), (*text).to_owned())
            }),
        );
        let main = file("wayfarer.toml".to_owned(), settings.to_owned());
        let config =
            config::load_with(&main, &files, &Files).unwrap_or_else(|faults| panic!("{faults}"));
        config.journeys.into_iter().next().unwrap()
    }
}

/// Files that journeys name: what is in them is their name.
struct Files;

impl Attached for Files {
    fn read(&self, _: &str, name: &str) -> Result<Vec<u8>, String> {
        Ok(format!("this is {name}").into_bytes())
    }
}

#[track_caller]
pub(crate) fn passed(run: &Run) {
    let told = run.steps.last().map(|step| &step.assertions);
    assert_eq!(run.outcome, Outcome::Passed, "{told:#?}");
}

#[track_caller]
pub(crate) fn failed(run: &Run, kind: FaultKind) -> &Failure {
    match &run.outcome {
        Outcome::Failed(failure) => {
            assert_eq!(failure.kind, kind, "{failure:?}");
            failure
        }
        other => panic!("not failed: {other:?}"),
    }
}

/// A captured value of the last step that captured it.
pub(crate) fn captured<'a>(run: &'a Run, name: &str) -> &'a str {
    let all = run.steps.iter().flat_map(|step| &step.captures);
    all.rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}
