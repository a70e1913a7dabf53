//! Talks with the page in front: questions to the script in it, commands to the driver, and whose trouble it is where nothing comes back.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    clock::{Cause, PageClock, Tick},
    seen::Seen,
    session::{Browser, Refused},
};
use crate::{
    check::span,
    clock::Clock,
    engine::{fault::Trouble, limits::Deadline},
    model::FaultKind,
};

/// What walks with us inside the page.
pub(super) const PAGE: &str = concat!(
    include_str!("page/begin.js"),
    include_str!("page/clock.js"),
    include_str!("page/traffic.js"),
    include_str!("page/tree.js"),
    include_str!("page/names.js"),
    include_str!("page/find.js"),
    include_str!("page/usable.js"),
    include_str!("page/misses.js"),
    include_str!("page/wait.js"),
    include_str!("page/do.js"),
    include_str!("page/ask.js"),
    include_str!("page/end.js"),
);

/// A question to it; nothing where it is not there yet.
const ASK: &str = "const ask = window[Symbol.for(\"wayfarer.page\")];
return ask ? await ask(...arguments) : null;";

/// WebDriver's word for a dialog in the way.
const DIALOG: &str = "unexpected alert open";

/// How much longer than its patience a page may take to answer: it may be busy.
const BUSY: Duration = Duration::from_secs(5);

/// How long is waited where a document was just replaced.
const REPLACED: Duration = Duration::from_millis(20);

/// How long a command may take that waits for nothing.
const QUICK: Duration = Duration::from_secs(5);

/// Loads end this much before they would take the time that evidence needs.
const LOADS: Duration = Duration::from_millis(50);

/// What a run remembers of its browser's windows.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// The one that the run began with.
    pub(super) first: String,
    /// All that were seen, the latest last.
    pub(super) known: Vec<String>,
    /// Where the script is installed for documents to come.
    pub(super) installed: BTreeSet<String>,
    /// Whether a frame is looked at, and not the whole window.
    pub(super) in_frame: bool,
    /// The document in front, as an earlier step left it.
    pub(super) document: Option<f64>,
    /// When the driver was last told how long loads may take, and how long.
    loads: Option<(Instant, Duration)>,
}

/// A part of time that nothing goes beyond.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub(super) at: Instant,
    /// `in 5s`, `before the step's deadline of 3s`.
    pub(super) said: String,
}

/// The page in front of a step.
pub(super) struct Tab<'a> {
    pub(super) browser: &'a Browser,
    pub(super) windows: &'a mut Windows,
    /// What is measured and kept.
    pub(super) seen: &'a mut Seen,
    pub(super) clock: PageClock,
    /// Who made the documents that the next answer may bring.
    pub(super) cause: Cause,
    pub(super) wall: Clock,
    /// When the step stops, so that there is time for evidence before its deadline.
    pub(super) stop: Instant,
    pub(super) deadline: Deadline,
    pub(super) patience: Duration,
}

/// A command below the session.
#[derive(Debug)]
struct Command {
    method: Method,
    path: String,
    body: Option<String>,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (self.method.clone(), self.body.clone())
    }
}

#[derive(Deserialize)]
struct Reply {
    value: Value,
    clock: Tick,
}

impl Tab<'_> {
    /// The time that an action has, by its patience or the deadline.
    pub(super) fn limit(&self, patience: Duration) -> Limit {
        let by_patience = crate::engine::limits::later(self.wall.instant(), patience);
        if by_patience <= self.stop {
            return Limit { at: by_patience, said: format!("in {}", span(patience)) };
        }
        let said = format!("before {}", self.deadline.name);
        Limit { at: self.stop, said }
    }

    pub(super) fn left(&self, limit: &Limit) -> Duration {
        limit.at.saturating_duration_since(self.wall.instant())
    }

    /// Asks the script in the page, in whatever document there will be. `parameters` gets the patience that is left.
    pub(super) async fn ask(
        &mut self,
        question: &str,
        parameters: Value,
        limit: &Limit,
    ) -> Result<Value, Trouble> {
        self.ask_by(ASK, question, parameters, limit).await
    }

    /// [`ask`](Self::ask) by a function's body of one's own, which ends like [`ASK`].
    pub(super) async fn ask_by(
        &mut self,
        body: &str,
        question: &str,
        mut parameters: Value,
        limit: &Limit,
    ) -> Result<Value, Trouble> {
        let mut whole = String::new();
        loop {
            let left = self.left(limit);
            parameters["patience"] = json!(whole_millis(left));
            // The same for all questions of a step: the driver is told of each other one.
            let now = self.wall.instant();
            let until = (now + self.patience.max(left) + BUSY).min(self.stop.max(now) + BUSY / 5);
            let script = if whole.is_empty() { body } else { &whole };
            let given = vec![json!(question), parameters.clone()];
            match self.browser.script(script, given, until).await {
                Ok(Value::Null) if whole.is_empty() => whole = format!("{PAGE}\n{body}"),
                // The script is there and gave nothing: its document is on its way out.
                Ok(Value::Null) => {
                    if self.left(limit).is_zero() {
                        let message = format!("the page gave no answer {}", limit.said);
                        return Err(Trouble::target(FaultKind::Page, message));
                    }
                    whole.clear();
                    tokio::time::sleep(REPLACED).await;
                }
                Ok(reply) => return self.read(reply),
                Err(Refused::Page { code, message }) if code == DIALOG => {
                    return Err(self.dialog_open(&message).await);
                }
                Err(refused) => {
                    let again = is_replaced(&refused) && self.wall.instant() < until.min(limit.at);
                    if !again {
                        return Err(self.trouble(refused, "the page does not answer"));
                    }
                    whole.clear();
                    tokio::time::sleep(REPLACED).await;
                }
            }
        }
    }

    fn read(&mut self, reply: Value) -> Result<Value, Trouble> {
        let reply: Reply = serde_json::from_value(reply).map_err(|error| {
            // The page has replaced what the script stands on.
            Trouble::target(FaultKind::Page, format!("the page's script does not work: {error}"))
        })?;
        self.clock.note(reply.clock, self.cause);
        self.cause = Cause::Page;
        match &self.clock.last().error {
            Some(error) => Err(network_trouble(error, "")),
            None => Ok(reply.value),
        }
    }

    /// The trouble of an open dialog, with what it says.
    async fn dialog_open(&self, known: &str) -> Trouble {
        let told = self.command(Method::GET, "alert/text", None).await;
        let told = told.ok().and_then(|told| told.as_str().map(ToOwned::to_owned));
        unexpected_dialog(told.as_deref().unwrap_or_else(|| alert_text(known)))
    }

    /// Takes a note of what a click or key did: when it was, and whether another document is there. Trouble shows with the next action.
    pub(super) async fn touch(&mut self) {
        let limit = self.limit(self.patience);
        drop(self.ask("now", json!({}), &limit).await);
    }

    /// A command to the driver.
    pub(super) async fn command(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Refused> {
        // The driver waits for loads before each of them.
        let until = self.stop.max(self.wall.instant()) + QUICK / 5;
        self.command_until(method, path, body, until).await
    }

    pub(super) async fn command_until(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        until: Instant,
    ) -> Result<Value, Refused> {
        let body = match (&method, body) {
            (&Method::POST, None) => Some("{}".to_owned()),
            (_, body) => body.map(|body| body.to_string()),
        };
        let command = Command { method, path: path.to_owned(), body };
        self.browser.within(until, self.browser.client.issue_cmd(command)).await
    }

    /// POST of a command.
    pub(super) async fn post(&self, path: &str, body: Value) -> Result<Value, Refused> {
        self.command(Method::POST, path, Some(body)).await
    }

    /// Has the driver give up loads before the step stops: it waits for a load under way before each command.
    pub(super) async fn bound_loads(&mut self) -> Result<(), Trouble> {
        let now = self.wall.instant();
        let left = self.stop.saturating_duration_since(now).saturating_sub(LOADS);
        if left.is_zero() {
            return Err(self.too_late());
        }
        if let Some((since, set)) = self.windows.loads
            && since + set <= self.stop
            && since + set + Duration::from_secs(1) > self.stop
            && set <= left + Duration::from_millis(500)
        {
            return Ok(());
        }
        let body = json!({ "pageLoad": whole_millis(left).max(1) });
        self.post("timeouts", body)
            .await
            .map_err(|refused| self.trouble(refused, "no deadline for loads"))?;
        self.windows.loads = Some((now, left));
        Ok(())
    }

    /// The trouble of a step whose time is over.
    pub(super) fn too_late(&self) -> Trouble {
        Trouble::target(
            FaultKind::Timeout,
            format!("{} passed before all was done", self.deadline.name),
        )
    }

    /// Whose trouble it is that a command gave nothing. `what` says what did not work.
    pub(super) fn trouble(&self, refused: Refused, what: &str) -> Trouble {
        match refused {
            Refused::Driver(reason) => Trouble::ours(reason),
            Refused::Crashed(why) => Trouble::target(FaultKind::Page, why),
            Refused::Late => {
                Trouble::target(FaultKind::Timeout, format!("{what} before {}", self.deadline.name))
            }
            Refused::Page { code, message } => match code.as_str() {
                DIALOG => unexpected_dialog(alert_text(&message)),
                "no such window" => Trouble::target(FaultKind::Page, "the window was closed"),
                "no such frame" => Trouble::target(FaultKind::Page, "the frame is gone"),
                "insecure certificate" => {
                    Trouble::target(FaultKind::Tls, "the certificate is not valid")
                }
                _ => match net_error(&message) {
                    Some(error) => network_trouble(error, ""),
                    None => Trouble::target(
                        FaultKind::Page,
                        format!("{what}: {}", plain(&message, &code)),
                    ),
                },
            },
        }
    }
}

/// Whether a command gave nothing because the document went away under it.
fn is_replaced(refused: &Refused) -> bool {
    match refused {
        // The driver says so of a frame whose document went away.
        Refused::Late => true,
        Refused::Page { code, message } => {
            let says = |words: &str| message.contains(words);
            code == "stale element reference"
                || says("document unloaded")
                || says("aborted by navigation")
                || says("context with specified id")
                || says("context was destroyed")
                || says("Inspected target navigated")
        }
        Refused::Crashed(_) | Refused::Driver(_) => false,
    }
}

fn unexpected_dialog(text: &str) -> Trouble {
    let message = format!("an unexpected dialog says \"{text}\"; `dialog = \"accept\"` answers it");
    Trouble::target(FaultKind::Page, message)
}

/// `unexpected alert open: {Alert text : boo}`.
fn alert_text(message: &str) -> &str {
    let text = message.split_once("{Alert text :").map_or(message, |(_, text)| text);
    text.trim().trim_end_matches('}').trim()
}

/// A driver's message without the code that it begins with.
pub(super) fn plain<'a>(message: &'a str, code: &str) -> &'a str {
    let mut rest = message;
    while let Some(shorter) = rest.strip_prefix(code) {
        rest = shorter.trim_start_matches(':').trim_start();
    }
    if rest.is_empty() { message } else { rest }
}

/// The browser's own name for what went wrong on the network: `net::ERR_CONNECTION_REFUSED`, `about:neterror?e=connectionFailure`.
pub(super) fn net_error(message: &str) -> Option<&str> {
    let after = |mark: &str| message.split_once(mark).map(|(_, rest)| rest);
    let rest = after("net::")
        .or_else(|| after("about:neterror?e="))
        .or_else(|| after("about:certerror?e="))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(&rest[..end])
}

/// The trouble of a page that was not had. `url` may be empty.
pub(super) fn network_trouble(error: &str, url: &str) -> Trouble {
    let has = |parts: &[&str]| parts.iter().any(|part| error.contains(part));
    let (kind, said) = if has(&["BLOCKED_BY_CLIENT"]) {
        (FaultKind::Guard, "it may not be reached from this environment")
    } else if has(&["NAME_", "DNS", "dnsNotFound"]) {
        (FaultKind::Dns, "its host name has no address")
    } else if has(&["CERT_", "SSL_", "nssFailure", "ssl"]) {
        (FaultKind::Tls, "there is no trusted TLS connection")
    } else if has(&["TIMED_OUT", "netTimeout"]) {
        (FaultKind::Timeout, "it did not answer in time")
    } else if has(&["TOO_MANY_REDIRECTS", "redirectLoop"]) {
        (FaultKind::Redirect, "it redirects without end")
    } else if has(&[
        "CONNECTION_RESET",
        "CONNECTION_CLOSED",
        "EMPTY_RESPONSE",
        "CONNECTION_ABORTED",
        "netReset",
        "netInterrupt",
    ]) {
        (FaultKind::Reset, "the connection broke")
    } else if has(&[
        "CONNECTION_",
        "ADDRESS_",
        "INTERNET_",
        "PROXY_",
        "TUNNEL_",
        "UNSAFE_PORT",
        "connectionFailure",
        "proxy",
    ]) {
        (FaultKind::Connect, "there is no connection")
    } else if has(&["HTTP2_", "QUIC_", "INVALID_", "CONTENT_", "RESPONSE_HEADERS"]) {
        (FaultKind::Protocol, "its answer is not valid")
    } else {
        (FaultKind::Connect, "it could not be had")
    };
    let subject = if url.is_empty() {
        "the page could not be opened".to_owned()
    } else {
        format!("{url} could not be opened")
    };
    Trouble::target(kind, format!("{subject}: {said} ({error})"))
}

pub(super) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_network_did_is_told_by_its_kind() {
        for (message, kind) in [
            ("unknown error: net::ERR_NAME_NOT_RESOLVED", FaultKind::Dns),
            ("unknown error: net::ERR_CONNECTION_REFUSED\n  (Session info)", FaultKind::Connect),
            ("unknown error: net::ERR_CERT_AUTHORITY_INVALID", FaultKind::Tls),
            ("unknown error: net::ERR_CONNECTION_TIMED_OUT", FaultKind::Timeout),
            ("unknown error: net::ERR_TOO_MANY_REDIRECTS", FaultKind::Redirect),
            ("unknown error: net::ERR_EMPTY_RESPONSE", FaultKind::Reset),
            ("unknown error: net::ERR_BLOCKED_BY_CLIENT", FaultKind::Guard),
            ("Reached error page: about:neterror?e=dnsNotFound&u=http%3A//a", FaultKind::Dns),
            ("Reached error page: about:neterror?e=connectionFailure&u=x", FaultKind::Connect),
        ] {
            let error = net_error(message).unwrap();
            let Trouble::Target(found, said) = network_trouble(error, "http://a/") else {
                panic!("{message}")
            };
            assert_eq!(found, kind, "{message}");
            assert!(said.ends_with(&format!("({error})")), "{said}");
        }
        assert_eq!(net_error("javascript error: x"), None);
    }

    #[test]
    fn a_drivers_words_are_taken_apart() {
        assert_eq!(alert_text("unexpected alert open: {Alert text : boo}"), "boo");
        assert_eq!(
            alert_text("Dismissed user prompt dialog: x"),
            "Dismissed user prompt dialog: x"
        );
        let twice = "stale element reference: stale element reference: it is gone";
        assert_eq!(plain(twice, "stale element reference"), "it is gone");
        assert_eq!(plain("timeout", "timeout"), "timeout");
    }
}
