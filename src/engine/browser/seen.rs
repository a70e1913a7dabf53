//! What is measured of browser steps: what a run's pages asked for, how they felt, and what they said.
//!
//! A step begins with [`Seen::begin`] and ends with [`Seen::end`], which gives its documents as hops, its traffic and its measures. In between
//! [`Seen::hear`] reads the logs that came since. Nobody else may read them: the driver gives each entry once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    console,
    session::{Browser, Refused},
    timing::span,
    traffic::{self, Asked, Ledger, Request},
    vitals::{OBSERVE, READ, Said, Vitals},
};
use crate::{
    clock::{Clock, Stopwatch},
    engine::http::{Session, Trail},
    model::{
        BROWSER_MEASURES, ConsoleMessage, DoneAction, Hop, MeasureName, Measured, ResourceType,
        Step, StepName, Traffic,
    },
};

/// How long a page may take to answer what it is asked about itself; a page that hangs tells nothing.
const ANSWER: Duration = Duration::from_millis(1_500);

/// Clocks this near to each other are taken for one, in milliseconds.
const SAME_CLOCK: f64 = 250.0;

/// What the browser of a run has shown so far.
pub(super) struct Seen {
    pub(super) trail: Trail,
    pub(super) clock: Clock,
    watch: Stopwatch,
    ledger: Ledger,
    /// The present step, and when it began: milliseconds since 1970 by our clock.
    pub(super) step: StepName,
    since: f64,
    /// How far the browser's clock is ahead of ours, in milliseconds: a browser may run elsewhere.
    ahead: f64,
    /// The host of the document that is shown.
    site: Option<String>,
    /// Errors of scripts in the present step.
    errors: u32,
    /// Whether the page gave no answer in the present step: then nothing more is asked of it.
    silent: bool,
}

/// What a document tells of itself now.
pub(super) struct Look {
    said: Said,
    pub(super) vitals: Vitals,
}

/// A step as it was measured.
#[derive(Debug, Default)]
pub(super) struct StepSeen {
    /// Documents that were opened, redirects included, in order.
    pub(super) hops: Vec<Hop>,
    pub(super) traffic: Traffic,
    /// The built-in measures that could be had, without those that the step measures by itself.
    pub(super) measures: Vec<Measured>,
}

impl Seen {
    /// Nothing seen yet.
    pub(super) fn new(session: &Session) -> Self {
        Self {
            trail: session.trail.clone(),
            clock: session.clock,
            watch: session.watch,
            ledger: Ledger::default(),
            step: "".into(),
            since: 0.0,
            ahead: 0.0,
            site: None,
            errors: 0,
            silent: false,
        }
    }

    /// Has each new document watched from its beginning, once after the browser was started. Where that cannot be had, documents are looked at
    /// from the first question on, which misses short interactions only.
    pub(super) async fn install(&self, browser: &Browser) -> Result<(), Refused> {
        if browser.chromium {
            let script = json!({ "source": OBSERVE });
            browser.cdp("Page.addScriptToEvaluateOnNewDocument", script).await?;
        }
        Ok(())
    }

    /// Begins a step. What came before it from the network is not its own.
    pub(super) fn begin(&mut self, step: &StepName) {
        self.step = step.clone();
        self.since = self.now();
        self.errors = 0;
        self.silent = false;
    }

    /// Whether the page gave no answer in this step.
    pub(super) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Notes that the page gives no answer: each further question would only be waited for.
    pub(super) fn hush(&mut self) {
        self.silent = true;
    }

    /// Notes an action that is over.
    pub(super) fn did(&self, what: String, began: Instant, failure: Option<String>) {
        let offset = began.saturating_duration_since(self.watch.origin());
        let duration = self.clock.instant().saturating_duration_since(began);
        let step = self.step.clone();
        self.trail.see(|pages| pages.action(DoneAction { step, what, offset, duration, failure }));
    }

    /// Reads what came since: requests and messages. Nothing where the browser keeps no logs.
    pub(super) async fn hear(&mut self, browser: &Browser) -> Result<(), Refused> {
        if !browser.chromium {
            return Ok(());
        }
        let entries = browser.log("performance").await?;
        self.ledger.read(&entries);
        let entries = browser.log("browser").await?;
        let messages = console::read(&entries, &self.step, self.origin());
        let errors = messages.iter().filter(|message| console::is_script_error(message)).count();
        self.errors = self.errors.saturating_add(u32::try_from(errors).unwrap_or(u32::MAX));
        self.trail.see(|pages| pages.say(messages));
        Ok(())
    }

    /// The requests of the step that were heard of, and those before it that had not ended.
    pub(super) fn requests(&self) -> &[Request] {
        self.ledger.requests()
    }

    /// The step's messages that were heard of.
    pub(super) fn messages(&self) -> Vec<ConsoleMessage> {
        self.trail.see(|pages| pages.messages(&self.step).cloned().collect())
    }

    /// Asks the document of the window (not of the present frame, where that can be had) what it knows of itself. None where it gives no answer.
    pub(super) async fn look(
        &mut self,
        browser: &Browser,
        until: Instant,
    ) -> Result<Option<Look>, Refused> {
        let until = until.min(self.clock.instant() + ANSWER);
        let body = format!("{OBSERVE}\nconst wanted = {};\n{READ}", !browser.chromium);
        let answer = self.ask(browser, &body, until).await?;
        let Some(said) = Said::read(answer) else { return Ok(None) };
        let ahead = said.origin + said.now - self.now();
        self.ahead = if ahead.is_finite() && ahead.abs() > SAME_CLOCK { ahead } else { 0.0 };
        let vitals = said.vitals(self.since_of(&said));
        Ok(Some(Look { said, vitals }))
    }

    /// Runs a function's body in the window's own document (Chromium) or in the present frame (others), and waits for what it promises. A page
    /// that was silent once in this step is not asked again.
    pub(super) async fn ask(
        &mut self,
        browser: &Browser,
        body: &str,
        until: Instant,
    ) -> Result<Value, Refused> {
        let left = until.saturating_duration_since(self.clock.instant());
        if self.silent || left.is_zero() {
            return Err(Refused::Late);
        }
        let answer = if browser.chromium {
            let parameters = json!({
                "expression": format!("(async function () {{\n{body}\n}})()"),
                "awaitPromise": true,
                "returnByValue": true,
            });
            let asked = browser.cdp("Runtime.evaluate", parameters);
            let answer = tokio::time::timeout(left, asked).await.unwrap_or(Err(Refused::Late));
            answer.map(|mut answer| answer["result"]["value"].take())
        } else {
            browser.script(body, Vec::new(), until).await
        };
        self.silent = matches!(answer, Err(Refused::Late));
        answer
    }

    /// Ends the step: reads what is left, and gives what was measured. What cannot be had any more (the tab crashed) is left out.
    pub(super) async fn end(&mut self, browser: &Browser, step: &Step, until: Instant) -> StepSeen {
        let look = self.look(browser, until).await.ok().flatten();
        // What could not be read is not there: the step has its own reason by then.
        let patience = if self.silent { ANSWER / 5 } else { ANSWER * 2 };
        tokio::time::timeout(patience, self.hear(browser)).await.ok();
        let asked = match &look {
            Some(look) if !browser.chromium => self.by_entries(&look.said),
            _ => {
                let at = (self.origin() / 1e3, self.site.as_deref());
                self.ledger.take(&self.step, at.0, at.1)
            }
        };
        if let Some(look) = &look {
            self.note(&look.said);
        }
        let vitals = look.as_ref().map(|look| look.vitals).unwrap_or_default();
        let counted = browser.chromium.then_some(self.errors);
        let measures = measures(step, &vitals, &asked, counted);
        let Asked { hops, traffic, requests, left_out, .. } = asked;
        self.trail.see(|pages| pages.asked(requests, left_out));
        StepSeen { hops, traffic, measures }
    }

    /// Notes where the page is and when it was busy, and of which site the next step's requests are.
    fn note(&mut self, said: &Said) {
        let since = self.since_of(said);
        let begun = said.origin - self.origin();
        let tasks = said.long.iter().filter(|(at, _)| *at >= since);
        let tasks = tasks.map(|(at, length)| (span(begun + at), span(*length)));
        self.trail.see(|pages| {
            pages.at(said.url.clone(), said.title.clone());
            pages.busy(tasks);
        });
        self.site = traffic::host(&said.url);
    }

    fn by_entries(&self, said: &Said) -> Asked {
        let begun = (said.origin - self.origin()) / 1e3;
        let since = self.since_of(said);
        let place = (&self.step, since);
        traffic::from_entries(said.document().as_ref(), &said.resources(), place, (begun, said.now))
    }

    /// When the step began, by a document's clock; 0 and below where it opened the document.
    fn since_of(&self, said: &Said) -> f64 {
        self.since + self.ahead - said.origin
    }

    /// When the run began, in milliseconds since 1970 by the browser's clock.
    fn origin(&self) -> f64 {
        wall(self.watch) + self.ahead
    }

    /// Milliseconds since 1970, never set back.
    fn now(&self) -> f64 {
        wall(self.watch) + self.watch.elapsed().as_secs_f64() * 1e3
    }

    /// Time since the run began.
    pub(super) fn elapsed(&self) -> Duration {
        self.watch.elapsed()
    }
}

fn wall(watch: Stopwatch) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 are below 2^53")]
    let micros = watch.started_at().as_microsecond() as f64;
    micros / 1e3
}

/// The built-in measures of a step in the order of [`BROWSER_MEASURES`], without those that it measures by itself.
fn measures(step: &Step, vitals: &Vitals, asked: &Asked, errors: Option<u32>) -> Vec<Measured> {
    let sorts = &asked.traffic.by_type;
    // Questions of a browser whether it may ask are no requests of a page.
    let pages = || sorts.iter().filter(|sort| sort.kind != ResourceType::Preflight);
    let value = |name: &str| match name {
        "requests" => Some(f64::from(pages().map(|sort| sort.requests).sum::<u32>())),
        "failed_requests" => Some(f64::from(pages().map(|sort| sort.failed).sum::<u32>())),
        "third_party_requests" => Some(f64::from(asked.third_party_requests)),
        #[expect(clippy::cast_precision_loss, reason = "bytes of a page")]
        "transferred" => Some(sorts.iter().map(|sort| sort.bytes).sum::<u64>() as f64),
        "console_errors" => errors.map(f64::from),
        // Shares of a microsecond, and of a thousandth of a score, are noise.
        "cls" => vitals.cls.map(|score| (score * 1e4).round() / 1e4),
        time => vitals.get(time).map(|ms| (ms * 10.0).round() / 10.0),
    };
    let own = |name: &str| step.measures.iter().any(|measure| measure.name.as_str() == name);
    let known = BROWSER_MEASURES.iter().filter(|measure| !own(measure.name));
    let told = known.filter_map(|measure| Some((measure, value(measure.name)?)));
    told.map(|(measure, value)| Measured {
        name: MeasureName::from(measure.name),
        unit: measure.unit.map(ToOwned::to_owned),
        value: Some(value),
        note: None,
    })
    .collect()
}
