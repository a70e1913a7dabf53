//! One browser under way: its driver's session, and what the present run knows of it.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use fantoccini::{
    error::{CmdError, NewSessionError},
    wd::WebDriverCompatibleCommand,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use super::{
    capabilities::{Wanted, capabilities},
    driver::{self, Guarded, Kind, Start},
};
use crate::{
    clock::Clock,
    engine::{fault::Trouble, settings::Parts, vars::Variables},
    model::{Device, Driver},
};

/// How long a command may take that waits for nothing.
const COMMAND: Duration = Duration::from_secs(15);

/// How long a browser may take to be there.
const START: Duration = Duration::from_secs(60);

/// How long a session may take to end in peace before its processes are killed.
const PEACE: Duration = Duration::from_secs(3);

/// By how much the driver's own deadline for a script may pass ours before it is set anew.
const SLACK: Duration = Duration::from_secs(2);

/// A browser for one run. [`Browser::close`] must be called; where it is not (a panic), the guard ends the processes when this is dropped.
#[derive(Debug)]
pub(in crate::engine) struct Browser {
    /// The WebDriver session.
    pub(super) client: fantoccini::Client,
    /// Whether it is Chromium: then [`cdp`](Self::cdp) and the performance log are there.
    pub(super) chromium: bool,
    clock: Clock,
    /// The driver's own deadline for scripts, in milliseconds.
    script_timeout: AtomicU64,
    /// The driver's process; none where it runs elsewhere.
    driver: Option<Guarded>,
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

impl Browser {
    /// Starts a browser for a run: waits for its turn, then starts driver and browser.
    pub(in crate::engine) async fn start(
        parts: &Parts,
        vars: &Variables,
        device: &Device,
    ) -> Result<Self, Trouble> {
        let started = tokio::time::timeout(START, Self::start_now(parts, vars, device)).await;
        let late = || Trouble::ours("no browser: it was not there in 60s");
        started.map_err(|_| late())?.map_err(|e| Trouble::ours(format!("no browser: {e}")))
    }

    async fn start_now(parts: &Parts, vars: &Variables, device: &Device) -> Result<Self, String> {
        let host = &parts.browsers;
        let (program, kind) = match &host.settings.driver {
            Driver::Found => driver::find(&host.path)
                .ok_or("neither chromedriver nor geckodriver is in the PATH")?,
            Driver::Program(program) => {
                let program = PathBuf::from(program);
                let kind = driver::kind_of(&program);
                (program, kind)
            }
            Driver::Remote(_) => return Err("a remote driver is not spoken to yet".to_owned()),
        };
        let guard = host.guard()?;
        let start = Start {
            guard: &guard,
            base: &host.base,
            program: &program,
            arguments: vec!["--port=0".into()],
        };
        let driver = start.start().await?;
        let wanted = Wanted {
            kind,
            settings: &host.settings,
            device,
            headed: false,
            root: rustix::process::geteuid().is_root(),
            insecure: vars.environment().transport.insecure,
        };
        let client = fantoccini::ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&wanted))
            .connect(&format!("http://127.0.0.1:{}/", driver.port))
            .await
            .map_err(|e| not_created(&e))?;
        Ok(Self {
            client,
            chromium: kind == Kind::Chromium,
            clock: parts.clock,
            script_timeout: AtomicU64::new(30_000),
            driver: Some(driver),
        })
    }

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
        let mut told = self.post("execute/async", &command, left + grace).await?;
        if told.get("late").is_some() {
            return Err(Refused::Late);
        }
        if let Some(thrown) = told.get("thrown") {
            let message = one_line(thrown.as_str().unwrap_or_default());
            return Err(Refused::Page { code: "javascript error".to_owned(), message });
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
            Ok(result) => result.map_err(refused),
            Err(_) => Err(Refused::Late),
        }
    }

    /// Ends session, driver and browser, and waits until no process and no folder is left.
    pub(in crate::engine) async fn close(self) -> Result<(), Trouble> {
        let Self { client, driver, .. } = self;
        // Where it does not end in peace it is killed, which is as good: nothing of it is kept.
        drop(tokio::time::timeout(PEACE, client.close()).await);
        match driver {
            Some(driver) => driver.end().await.map_err(Trouble::ours),
            None => Ok(()),
        }
    }

    async fn post(
        &self,
        path: &'static str,
        body: &Value,
        within: Duration,
    ) -> Result<Value, Refused> {
        let command = Post { path, body: body.to_string() };
        match tokio::time::timeout(within, self.client.issue_cmd(command)).await {
            Ok(result) => result.map_err(refused),
            Err(_) => Err(Refused::Late),
        }
    }

    /// Has the driver give up a script soon after we do, so that a page that never answers does not block what comes after.
    async fn bound_scripts(&self, left: Duration) -> Result<(), Refused> {
        let set = Duration::from_millis(self.script_timeout.load(Ordering::Relaxed));
        if left <= set && set <= left + SLACK {
            return Ok(());
        }
        let wanted = whole_millis(left + SLACK / 2);
        self.post("timeouts", &json!({ "script": wanted }), COMMAND).await?;
        self.script_timeout.store(wanted, Ordering::Relaxed);
        Ok(())
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The first line; drivers add their build and a stack.
fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// Whose doing it is that a command gave nothing.
fn refused(error: CmdError) -> Refused {
    match error {
        CmdError::Standard(error) => by_words(error.error.description(), &error.message),
        other => Refused::Driver(one_line(&other.to_string())),
    }
}

/// By the code of WebDriver and chromedriver's words.
fn by_words(code: &str, message: &str) -> Refused {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let message_line = one_line(message);
    if says(&["tab crashed", "page crash", "Target crashed"]) {
        return Refused::Crashed(message_line);
    }
    let gone = ["not reachable", "disconnected", "not connected to DevTools", "unable to connect"];
    if code == "invalid session id" || says(&gone) {
        return Refused::Driver(format!("the browser is gone: {message_line}"));
    }
    match code {
        "timeout" | "script timeout" => Refused::Late,
        "unknown command" | "unknown method" | "session not created" => {
            Refused::Driver(format!("{code}: {message_line}"))
        }
        code => Refused::Page { code: code.to_owned(), message: message_line },
    }
}

/// Why there is no session, in one line.
fn not_created(error: &NewSessionError) -> String {
    match error {
        NewSessionError::SessionNotCreated(error) => one_line(&error.message),
        other => one_line(&other.to_string()),
    }
}

#[cfg(test)]
mod tests;
