//! One browser under way: its driver's session, and what the present run knows of it.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use fantoccini::{error::CmdError, wd::WebDriverCompatibleCommand};
use serde_json::{Value, json};
use tokio::sync::{Mutex, OwnedSemaphorePermit};

use super::{
    driver::Guarded,
    host::Load,
    watch::{Ended, Watch},
};
use crate::{clock::Clock, engine::fault::Trouble, model::Device};

/// How long a command may take that waits for nothing.
const COMMAND: Duration = Duration::from_secs(15);

/// How long it may take behind a command that was not answered in time.
const STUCK: Duration = Duration::from_millis(2500);

/// How long a session may take to end in peace before its processes are killed.
const PEACE: Duration = Duration::from_secs(3);

/// How much later than we the driver gives up a script: at least and at most, before it is told anew.
const SLACK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(1000));

/// A browser for one run. [`Browser::close`] must be called; where it is not (a panic), the guard ends the processes when this is dropped.
#[derive(Debug)]
pub(in crate::engine) struct Browser {
    /// The WebDriver session.
    pub(super) client: fantoccini::Client,
    /// Whether it is Chromium: then [`cdp`](Self::cdp) and the performance log are there.
    pub(super) chromium: bool,
    /// How long to wait before each action, for somebody who looks on.
    pub(super) slow_motion: Duration,
    /// As what it appears.
    pub(super) device: Device,
    pub(super) clock: Clock,
    /// When it was there.
    pub(super) born: Instant,
    /// The driver's own deadline for scripts, in milliseconds.
    pub(super) script_timeout: AtomicU64,
    /// Whether the driver has a command that it has not answered.
    pub(super) stuck: AtomicBool,
    pub(super) watch: Watch,
    /// The driver's process; none where it runs elsewhere.
    pub(super) driver: Option<Mutex<Guarded>>,
    /// Lets the next run have its turn when this one ends.
    pub(super) turn: Option<OwnedSemaphorePermit>,
}

/// How a command to the driver ended that gave nothing.
#[derive(Debug)]
pub(super) enum Refused {
    /// The page's doing: an error that WebDriver has a name for (`no such element`, `stale element reference`, `unexpected alert open`, …), and
    /// what the driver said. What a script throws is a `javascript error`.
    Page {
        /// The error code of WebDriver (section 6.6).
        code: String,
        /// The driver's words, one line.
        message: String,
    },
    /// The tab crashed.
    Crashed(String),
    /// The driver or the browser is gone, or speaks no WebDriver: ours.
    Driver(String),
    /// The deadline passed first.
    Late,
}

/// A command that fantoccini has no words for: a POST below the session.
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: String,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.clone()))
    }
}

/// Runs a body as a function of its own, waits for what it promises, and gives up in time even where that never comes. `arguments` ends with our
/// own two: the milliseconds that are left, and the driver's callback.
const WRAPPER: (&str, &str) = (
    "const given = Array.prototype.slice.call(arguments), done = given.pop(), left = given.pop();
const late = setTimeout(() => done({ late: true }), left);
(async function () {
",
    "
}).apply(null, given).then(
  value => { clearTimeout(late); done({ value: value === undefined ? null : value }); },
  thrown => { clearTimeout(late); done({ thrown: String(thrown && thrown.message ? `${thrown.name}: ${thrown.message}` : thrown) }); });",
);

/// What is said of a script whose document went away before it had ended.
pub(super) const UNLOADED: &str = "document unloaded while a script ran in it";

fn page(code: &str, message: &str) -> Refused {
    Refused::Page { code: code.to_owned(), message: one_line(message) }
}

impl Refused {
    /// In words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Page { message, .. } | Self::Crashed(message) | Self::Driver(message) => {
                message.clone()
            }
            Self::Late => "the browser did not answer in time".to_owned(),
        }
    }
}

impl Browser {
    /// Runs a function's body in the present frame and gives what it returns; promises are waited for, `await` may stand in it.
    pub(super) async fn script(
        &self,
        body: &str,
        mut arguments: Vec<Value>,
        until: Instant,
    ) -> Result<Value, Refused> {
        let left = until.saturating_duration_since(self.clock.instant());
        if left.is_zero() {
            return Err(Refused::Late);
        }
        self.bound_scripts(left).await?;
        let (before, after) = WRAPPER;
        arguments.push(json!(whole_millis(left)));
        let command = json!({ "script": format!("{before}{body}{after}"), "args": arguments });
        // The page says itself that it is late, where it still can.
        let grace = Duration::from_millis(150);
        let told = self.post("execute/async", &command, left + grace).await;
        let mut told = match told {
            Ok(Value::Null) => return Err(page("unexpected alert open", "a dialog opened")),
            Ok(told) => told,
            // The driver gives up at once where the document goes away from below the script.
            Err(Refused::Late) if self.clock.instant() < until => {
                return Err(page("javascript error", UNLOADED));
            }
            Err(refused) => return Err(refused),
        };
        if told.get("late").is_some() {
            return Err(Refused::Late);
        }
        if let Some(thrown) = told.get("thrown") {
            return Err(page("javascript error", thrown.as_str().unwrap_or_default()));
        }
        Ok(told.get_mut("value").map(Value::take).unwrap_or_default())
    }

    /// A command of the Chrome DevTools Protocol, over `goog/cdp/execute`. Chromium only.
    pub(super) async fn cdp(&self, method: &str, parameters: Value) -> Result<Value, Refused> {
        let command = json!({ "cmd": method, "params": parameters });
        self.post("goog/cdp/execute", &command, COMMAND).await
    }

    /// The entries of a log since it was read last: `performance` or `browser`. Chromium only.
    pub(super) async fn log(&self, kind: &str) -> Result<Vec<Value>, Refused> {
        match self.post("se/log", &json!({ "type": kind }), COMMAND).await? {
            Value::Array(entries) => Ok(entries),
            other => Err(Refused::Driver(format!("a log is not a list: {other}"))),
        }
    }

    /// Waits for a command of fantoccini's, but not beyond a deadline.
    pub(super) async fn within<T>(
        &self,
        until: Instant,
        command: impl Future<Output = Result<T, CmdError>>,
    ) -> Result<T, Refused> {
        let left = until.saturating_duration_since(self.clock.instant());
        match tokio::time::timeout(left, command).await {
            Ok(Ok(value)) => {
                self.stuck.store(false, Ordering::Relaxed);
                Ok(value)
            }
            Ok(Err(error)) => Err(self.blame(refused(error)).await),
            Err(_) => {
                let late = self.late();
                self.free().await;
                Err(late)
            }
        }
    }

    /// What looks at browser and machine while the run is under way.
    pub(in crate::engine) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Where the browser's tools can be reached, `127.0.0.1:PORT`.
    pub(in crate::engine) fn tools(&self) -> Option<String> {
        let options = self.client.capabilities()?.get("goog:chromeOptions")?;
        options.get("debuggerAddress")?.as_str().map(str::to_owned)
    }

    /// Why what the run says means nothing, where our machine had too little left for its browser.
    pub(in crate::engine) fn starved(&self) -> Option<String> {
        if let Some(Ended::Starved(why)) = self.watch.ended.get() {
            return Some(why.clone());
        }
        let lived = self.clock.instant().saturating_duration_since(self.born);
        Load::of(self.watch.group?).starved(lived)
    }

    /// Ends session, driver and browser, and waits until no process and no folder is left.
    pub(in crate::engine) async fn close(self) -> Result<(), Trouble> {
        let Self { client, driver, turn, stuck, .. } = self;
        // Where it does not end in peace it is killed, which is as good: nothing of it is kept.
        if driver.is_none() || !stuck.into_inner() {
            drop(tokio::time::timeout(PEACE, client.close()).await);
        }
        let ended = match driver {
            Some(driver) => driver.into_inner().end().await.map_err(Trouble::ours),
            None => Ok(()),
        };
        drop(turn);
        ended
    }

    async fn post(
        &self,
        path: &'static str,
        body: &Value,
        within: Duration,
    ) -> Result<Value, Refused> {
        let command = Post { path, body: body.to_string() };
        // Behind one that is not answered it is not waited for long.
        let stuck = self.stuck.load(Ordering::Relaxed);
        let within = if stuck { within.min(STUCK) } else { within };
        match tokio::time::timeout(within, self.client.issue_cmd(command)).await {
            Ok(Ok(value)) => {
                self.stuck.store(false, Ordering::Relaxed);
                Ok(value)
            }
            Ok(Err(error)) => Err(self.blame(refused(error)).await),
            Err(_) => {
                let late = self.late();
                self.free().await;
                Err(late)
            }
        }
    }

    /// Has the driver stop whatever script the page is busy with, as soon as it listens again; nothing is waited for.
    async fn free(&self) {
        if self.chromium {
            let body = json!({ "cmd": "Runtime.terminateExecution", "params": {} });
            let command = Post { path: "goog/cdp/execute", body: body.to_string() };
            // It is on its way once it was asked for.
            drop(tokio::time::timeout(Duration::ZERO, self.client.issue_cmd(command)).await);
        }
    }

    /// A command that is not answered in time: of one that we ended it is known why.
    fn late(&self) -> Refused {
        self.stuck.store(true, Ordering::Relaxed);
        self.why_ended().unwrap_or(Refused::Late)
    }

    fn why_ended(&self) -> Option<Refused> {
        Some(match self.watch.ended.get()? {
            Ended::Ate(why) => Refused::Crashed(why.clone()),
            Ended::Starved(why) => Refused::Driver(why.clone()),
        })
    }

    /// Where driver or browser are gone, why.
    async fn blame(&self, refused: Refused) -> Refused {
        let Refused::Driver(message) = refused else { return refused };
        if let Some(why) = self.why_ended() {
            return why;
        }
        let Some(driver) = &self.driver else { return Refused::Driver(message) };
        match driver.lock().await.ended().await {
            Some(how) => Refused::Driver(format!("the browser's driver is gone: {how}")),
            None => Refused::Driver(message),
        }
    }

    /// Has the driver give up a script soon after we do, so that a page that never answers does not block what comes after.
    async fn bound_scripts(&self, left: Duration) -> Result<(), Refused> {
        let set = Duration::from_millis(self.script_timeout.load(Ordering::Relaxed));
        let (least, most) = SLACK;
        if left + least <= set && set <= left + most {
            return Ok(());
        }
        let wanted = whole_millis(left + least * 4);
        self.post("timeouts", &json!({ "script": wanted }), COMMAND).await?;
        self.script_timeout.store(wanted, Ordering::Relaxed);
        Ok(())
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The first line; drivers add their build and a stack.
pub(super) fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// Whose doing it is that a command gave nothing.
fn refused(error: CmdError) -> Refused {
    match error {
        CmdError::Standard(error) => by_words(error.error.description(), &error.message),
        // Codes that are chromedriver's own: fantoccini gives no more than the code.
        CmdError::NotW3C(Value::String(code)) => by_words(&code, &code),
        CmdError::FailedC(_) | CmdError::Failed(_) | CmdError::Lost(_) => {
            Refused::Driver("the browser's driver does not answer".to_owned())
        }
        other => Refused::Driver(one_line(&other.to_string())),
    }
}

/// By the code of WebDriver and chromedriver's words.
fn by_words(code: &str, message: &str) -> Refused {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let line = one_line(message);
    if says(&["tab crashed", "page crash", "Target crashed"]) {
        return Refused::Crashed("the tab crashed".to_owned());
    }
    let gone = ["not reachable", "disconnected", "not connected to DevTools", "unable to connect"];
    if code == "invalid session id" || says(&gone) {
        return Refused::Driver(format!("the browser is gone: {line}"));
    }
    match code {
        "timeout" | "script timeout" => Refused::Late,
        "unknown command" | "unknown method" | "session not created" => {
            Refused::Driver(format!("{code}: {line}"))
        }
        code => page(code, &line),
    }
}
