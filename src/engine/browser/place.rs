//! Where browsers are had: what the engine was told, whose turn it is, and where on this machine they live.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Once,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::folder;
use crate::{check::span, engine::settings::EngineSettings, model::BrowserSettings};

/// The environment variables that a driver and its browser are handed; no other, for the agent's own may hold secrets.
const VARIABLES: [&str; 14] = [
    "PATH",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "TZ",
    "TZDIR",
];

/// Where programs are looked for when nobody says.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What all runs share of browsers.
#[derive(Debug)]
pub(in crate::engine) struct Browsers {
    pub(super) settings: BrowserSettings,
    /// For whoever writes a journey and looks on.
    pub(super) watched: Watched,
    /// Our own program, that guards drivers.
    guard: Option<PathBuf>,
    /// What drivers and browsers know of our environment.
    pub(super) variables: BTreeMap<String, String>,
    /// Below which the folders of runs are.
    pub(super) base: PathBuf,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Whether it was said that browsers have no sandbox.
    unsandboxed: Once,
}

/// How a browser runs for somebody who looks on.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// Whether it shows its window.
    pub headed: bool,
    /// How long each action is waited before.
    pub slow_motion: std::time::Duration,
    /// Who is told of a failure while the page is still there; the run goes on when they say so.
    pub pause: Option<tokio::sync::mpsc::Sender<super::Paused>>,
}

impl Browsers {
    /// Sweeps what browsers of agents that were killed left behind.
    pub(in crate::engine) fn new(settings: &EngineSettings) -> Self {
        let base = std::env::temp_dir()
            .join(format!("wayfarer-browsers-{}", rustix::process::geteuid().as_raw()));
        if base.exists() {
            let swept = folder::sweep(&base);
            if swept > 0 {
                tracing::warn!(swept, "browsers of agents that were killed are removed");
            }
        }
        let known =
            settings.variables.iter().filter(|(name, _)| VARIABLES.contains(&name.as_str()));
        let mut variables: BTreeMap<String, String> =
            known.map(|(name, value)| (name.clone(), value.clone())).collect();
        variables.entry("PATH".to_owned()).or_insert_with(|| PATH.to_owned());
        // Where X looks by itself is not where it will look once the home is another.
        if let Some(home) = settings.variables.get("HOME") {
            let authority = Path::new(home).join(".Xauthority");
            if authority.is_file() {
                let authority = authority.display().to_string();
                variables.entry("XAUTHORITY".to_owned()).or_insert(authority);
            }
        }
        Self {
            settings: settings.browser.clone(),
            watched: settings.watched.clone(),
            guard: settings.guard.clone(),
            variables,
            base,
            turns: Arc::new(Semaphore::new(settings.browser.at_once.max(1) as usize)),
            waiting: AtomicUsize::new(0),
            unsandboxed: Once::new(),
        }
    }

    /// Says in the log, once, that Chromium has no sandbox.
    pub(super) fn say_unsandboxed(&self) {
        self.unsandboxed.call_once(|| {
            tracing::info!(
                "browser.unsandboxed: Chromium refuses its sandbox to root; as another user it has one"
            );
        });
    }

    /// Waits for a turn: first come, first served.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, String> {
        let most = self.settings.queue;
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        let turn = tokio::time::timeout(most, Arc::clone(&self.turns).acquire_owned()).await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        match turn {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) => Err("there are no turns any more".to_owned()),
            Err(_) => Err(format!(
                "its turn did not come in {}: {waiting} runs waited for {} at once; `at_once` and `queue` of [browser] alter that",
                span(most),
                match self.settings.at_once {
                    0 | 1 => "one browser".to_owned(),
                    more => format!("{more} browsers"),
                }
            )),
        }
    }

    /// The folders in which programs are looked for.
    pub(super) fn path(&self) -> Vec<PathBuf> {
        self.variables
            .get("PATH")
            .map(|path| path.split(':').map(PathBuf::from).collect())
            .unwrap_or_default()
    }

    /// The program that guards: the one we were told, or the one that we are.
    pub(super) fn guard(&self) -> Result<PathBuf, String> {
        match &self.guard {
            Some(guard) => Ok(guard.clone()),
            None => {
                std::env::current_exe().map_err(|e| format!("our own program is not found: {e}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn browsers(at_once: u32) -> Browsers {
        let queue = Duration::from_secs(2);
        let browser = BrowserSettings { at_once, queue, ..BrowserSettings::default() };
        let variables = [("SHOP_PASSWORD", "hush"), ("PATH", "/opt/bin:/bin"), ("LANG", "C.UTF-8")];
        let variables = variables.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        Browsers::new(&EngineSettings { browser, variables, ..EngineSettings::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_order_and_a_queue_that_is_too_long_says_so() {
        let browsers = browsers(1);
        let first = browsers.turn().await.unwrap();
        let order = std::sync::Mutex::new(Vec::new());
        let visit = async |nth: u32, stay: Duration| {
            tokio::time::sleep(Duration::from_millis(u64::from(nth))).await;
            let turn = browsers.turn().await;
            order.lock().unwrap().push((nth, turn.is_ok()));
            tokio::time::sleep(stay).await;
            turn.map(drop)
        };
        let second = Duration::from_secs(1);
        let leave = async {
            tokio::time::sleep(second).await;
            drop(first);
        };
        let (_, one, two, three) =
            tokio::join!(leave, visit(1, second * 9), visit(2, second), visit(3, second));
        assert_eq!(*order.lock().unwrap(), [(1, true), (2, false), (3, false)]);
        assert!(one.is_ok() && three.is_err());
        assert_eq!(
            two.unwrap_err(),
            "its turn did not come in 2s: 2 runs waited for one browser at once; `at_once` and `queue` of [browser] alter that"
        );
    }

    #[test]
    fn a_browser_is_not_told_what_may_be_secret() {
        let browsers = browsers(1);
        assert!(!browsers.variables.contains_key("SHOP_PASSWORD"));
        assert_eq!(browsers.path(), [PathBuf::from("/opt/bin"), PathBuf::from("/bin")]);
        assert_eq!(browsers.variables.get("LANG").map(String::as_str), Some("C.UTF-8"));
    }
}
