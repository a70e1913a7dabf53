//! One browser step: its actions, then what its page is asked until it is as wanted.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use super::{
    act::{Around, words},
    clock::PageClock,
    evidence::{self, Why, leave_room},
    query::{Questions, Said, can_change},
    seen::Seen,
    session::Browser,
    tab::{Tab, Windows},
    timing::Entry,
    watch::Watch,
};
use crate::{
    check::Answer,
    engine::{
        fault::Trouble,
        http::{Crumb, Session},
        judge::{End, Unwritten, WalkedStep, bare, judge},
        limits::Deadline,
        vars::Variables,
    },
    model::{
        AssertionResult, BrowserAction, BrowserStep, FaultKind, Hop, Step, StepOutcome, StepRun,
    },
};

/// How long is waited before a page is asked again, unless it changes sooner.
const AGAIN: Duration = Duration::from_millis(100);

/// How long a page that failed is waited for, where it may hang.
const SOON: Duration = Duration::from_millis(1_500);

/// A run's browser, and what the run remembers of it.
pub(in crate::engine) struct Visit {
    pub(super) browser: Browser,
    windows: Windows,
    /// The cookies that the browser has.
    given: Vec<Crumb>,
    /// The status of the document in front.
    status: Option<u16>,
    /// What is measured and kept; from the first browser step on.
    seen: Option<Seen>,
    /// Whether somebody was asked to look at a failure.
    pub(super) paused: bool,
}

impl Visit {
    /// With a browser that was just started.
    pub(in crate::engine) fn new(browser: Browser) -> Self {
        let (windows, given) = (Windows::default(), Vec::new());
        Self { browser, windows, given, status: None, seen: None, paused: false }
    }

    /// What looks at browser and machine while the run is under way.
    pub(in crate::engine) fn watch(&self) -> Watch {
        self.browser.watch()
    }

    /// Why what the run says means nothing, where our machine had too little left for its browser.
    pub(in crate::engine) fn starved(&self) -> Option<String> {
        self.browser.starved()
    }

    /// Ends the browser.
    pub(in crate::engine) async fn close(self) -> Result<(), Trouble> {
        self.browser.close().await
    }
}

/// What the engine walks a step with.
pub(super) struct Walk<'a> {
    pub(super) session: &'a mut Session,
    pub(super) vars: &'a mut Variables,
    pub(super) visit: &'a mut Visit,
}

/// Walks a step once: never fails, whatever page and browser do.
pub(super) async fn walk_step(
    walk: Walk<'_>,
    step: &Step,
    browser: &BrowserStep,
    deadline: &Deadline,
) -> WalkedStep {
    let Walk { session, vars, visit } = walk;
    let began = session.clock.instant();
    let mut run = blank(step, session.watch.elapsed());
    let mut until = None;
    let mut hops = Vec::new();
    let Visit { browser: driven, windows, given, status, seen, .. } = visit;
    let fresh = seen.is_none();
    let seen = seen.get_or_insert_with(|| Seen::new(session));
    seen.begin(&step.name);
    let document = windows.document;
    let mut tab = Tab {
        browser: driven,
        windows,
        seen,
        clock: PageClock::after(document),
        cause: super::clock::Cause::Page,
        wall: session.clock,
        stop: leave_room(began, deadline.at),
        deadline: deadline.clone(),
        patience: browser.patience,
    };
    let mut around = Around { session, vars, given };
    let acted = act_all(&mut tab, (browser, fresh), &mut around, (&mut hops, status)).await;
    let end = match acted {
        Err(trouble) => ended(step, trouble),
        Ok(()) => {
            let place = (&hops[..], *status, began);
            look(&mut tab, step, &mut around, place, (&mut run, &mut until)).await
        }
    };
    let passed = session.clock.instant().saturating_duration_since(began);
    run.duration = tab.clock.duration(passed);
    tab.windows.document = tab.clock.document();
    let failed = matches!(end, Some(End::Failed(..)));
    if failed && tokio::time::timeout(SOON, tab.dismiss()).await.is_err() {
        tab.seen.hush();
    }
    let why = if failed { Why::Failure } else { Why::End };
    let told = match end {
        Some(End::Broken(..)) => None,
        _ => {
            evidence::take(driven, tab.seen, why, vars.mask(), deadline.at).await;
            Some(tab.seen.end(driven, step, deadline.at).await)
        }
    };
    if failed && !tab.seen.is_silent() {
        drop(tab.take_cookies(&mut session.jar, given).await);
    }
    run.hops = hops;
    if let Some(told) = told {
        if !told.hops.is_empty() {
            run.hops = told.hops;
        }
        run.traffic = Some(Box::new(told.traffic));
        if !failed {
            run.measures.extend(told.measures);
        }
    }
    let end = match end {
        Some(End::Failed(failure, _)) => {
            Some(End::Failed(failure, session.trail.so_far(vars.mask())))
        }
        end => end,
    };
    run.outcome = match end {
        None => StepOutcome::Passed,
        Some(End::Failed(..)) => StepOutcome::Failed,
        Some(End::Broken(..)) => StepOutcome::Broken,
    };
    WalkedStep { run, end, until }
}

/// How a step ends with a trouble.
fn ended(step: &Step, trouble: Trouble) -> Option<End> {
    Some(match trouble {
        Trouble::Ours(reason) => End::Broken(reason, step.name.clone()),
        Trouble::Target(kind, message) => End::Failed(Box::new(bare(step, kind, message)), None),
    })
}

/// A record that is still to be filled.
fn blank(step: &Step, offset: Duration) -> StepRun {
    StepRun {
        name: step.name.clone(),
        offset: Duration::from_micros(u64::try_from(offset.as_micros()).unwrap_or(u64::MAX)),
        duration: Duration::ZERO,
        outcome: StepOutcome::Passed,
        hops: Vec::new(),
        assertions: Vec::new(),
        captures: Vec::new(),
        iteration: None,
        retries: Vec::new(),
        failure: None,
        measures: Vec::new(),
        traffic: None,
    }
}

/// Does everything that the step says, in order.
async fn act_all(
    tab: &mut Tab<'_>,
    (step, fresh): (&BrowserStep, bool),
    around: &mut Around<'_>,
    (hops, status): (&mut Vec<Hop>, &mut Option<u16>),
) -> Result<(), Trouble> {
    tab.bound_loads().await?;
    if fresh {
        let told = tab.seen.install(tab.browser).await;
        told.map_err(|refused| tab.trouble(refused, "the browser cannot be watched"))?;
    }
    tab.begin().await?;
    tab.give_cookies(&around.session.jar, around.given).await?;
    if !matches!(step.actions.first(), Some(BrowserAction::Open(_))) {
        // What the page did since the step before is not this step's.
        tab.touch().await;
        let now = tab.clock.last().now;
        tab.clock = PageClock::after(tab.clock.document());
        tab.clock.pass(now);
    }
    for action in &step.actions {
        let began = tab.wall.instant();
        let what = words(action, around.vars);
        if !tab.browser.slow_motion.is_zero() {
            tokio::time::sleep(tab.browser.slow_motion).await;
        }
        let done = tab.act(action, around).await;
        around.vars.learn();
        let failure = match &done {
            Ok(()) => None,
            Err(Trouble::Ours(why) | Trouble::Target(_, why)) => Some(why.clone()),
        };
        tab.seen.did(what, began, failure);
        documents(tab, around.session, hops, status).await;
        done?;
    }
    guarded(tab, around.session).await
}

/// Fails where a page was led to an address that may not be reached: by its name, or by a redirect.
async fn guarded(tab: &mut Tab<'_>, session: &Session) -> Result<(), Trouble> {
    let heard = tab.seen.hear(tab.browser).await;
    heard.map_err(|refused| tab.trouble(refused, "the browser's log cannot be read"))?;
    for request in tab.seen.requests() {
        let Some(peer) = request.peer else { continue };
        let name = super::traffic::host(&request.url).unwrap_or_default();
        let allowed = session.may_connect(&name, peer.ip());
        allowed.map_err(|why| Trouble::target(FaultKind::Guard, why))?;
    }
    Ok(())
}

/// Takes a note of the document in front, where it is another one than before.
async fn documents(
    tab: &mut Tab<'_>,
    session: &Session,
    hops: &mut Vec<Hop>,
    status: &mut Option<u16>,
) {
    let Some(began) = tab.clock.fresh().last().copied() else { return };
    if tab.windows.in_frame {
        return;
    }
    let limit = tab.limit(Duration::from_millis(500));
    let Ok(entry) = tab.ask("navigation", json!({}), &limit).await else { return };
    let ago = (tab.clock.last().now - began).max(0.0) / 1e3;
    let ago = Duration::try_from_secs_f64(ago).unwrap_or_default();
    let Ok(entry) = serde_json::from_value::<Entry>(entry) else { return };
    let hop = entry.hop(session.watch.elapsed().saturating_sub(ago), ago.as_secs_f64() * 1e3);
    *status = hop.status;
    hops.push(hop);
}

/// Asks the page until captures and assertions hold, or patience ends: what was judged last counts.
async fn look(
    tab: &mut Tab<'_>,
    step: &Step,
    around: &mut Around<'_>,
    (hops, status, began): (&[Hop], Option<u16>, Instant),
    (run, until): (&mut StepRun, &mut Option<bool>),
) -> Option<End> {
    let questions = Questions::of(step);
    let limit = tab.limit(tab.patience);
    let mut before: Option<f64> = None;
    loop {
        let said = match tab.answers(&questions, around.vars).await {
            Ok(said) => said,
            Err(trouble) => return ended(step, trouble),
        };
        let over = tab.left(&limit).is_zero();
        // Cookies cost two commands, so they are taken when they are looked at, and at the end.
        if (questions.cookies || before.is_none() || over)
            && let Err(trouble) = tab.take_cookies(&mut around.session.jar, around.given).await
        {
            return ended(step, trouble);
        }
        let tick = tab.clock.last().clone();
        // What is so now has been since the page changed last, for all that is known; but not since it was seen not to be so.
        let at = before.map_or(tick.changed.min(tick.now), |before| {
            if tick.changed > before { tick.changed } else { tick.now }
        });
        let mut counted = tab.clock.clone();
        if questions.any {
            counted.held(at);
        }
        let passed = tab.wall.instant().saturating_duration_since(began);
        run.duration = counted.duration(passed);
        let url = match address(tab).await {
            Ok(url) => url,
            Err(trouble) => return ended(step, trouble),
        };
        run.assertions.clear();
        run.captures.clear();
        *until = None;
        let end = {
            // Not beyond the next wait: what is parsed of a document stays in its thread.
            let answer = answer(around.session, said, url, (hops, status, run.duration));
            judge(step, &answer, unwritten(hops), around.vars, (&mut *run, &mut *until))
        };
        let Some(end) = end else {
            tab.clock = counted;
            return None;
        };
        if over || !may_come(step, run, &end) {
            tab.clock.held(tick.now);
            return Some(end);
        }
        before = Some(tick.now);
        let round = tab.limit(AGAIN.min(tab.left(&limit)));
        if let Err(trouble) = tab.ask("change", json!({}), &round).await {
            return ended(step, trouble);
        }
    }
}

/// Whether what does not hold may do so a moment later. What only time alters (`duration`) is not waited for.
fn may_come(step: &Step, run: &StepRun, end: &End) -> bool {
    match end {
        End::Broken(..) => false,
        End::Failed(failure, _) if failure.kind == FaultKind::Status => false,
        End::Failed(failure, _) if failure.kind != FaultKind::Assertion => true,
        End::Failed(..) => {
            let own = usize::from(!crate::check::looks_at_status(&step.assertions));
            let results = run.assertions.iter().skip(own).zip(&step.assertions);
            let mut failing = results.filter(|(result, _)| !result.passed);
            failing.any(|(_, assertion)| can_change(&assertion.query.subject))
        }
    }
}

/// Where the window is.
async fn address(tab: &mut Tab<'_>) -> Result<String, Trouble> {
    if !tab.windows.in_frame {
        return Ok(tab.clock.last().url.clone());
    }
    let told = tab.command(Method::GET, "url", None).await;
    let told = told.map_err(|refused| tab.trouble(refused, "the address cannot be told"))?;
    Ok(told.as_str().unwrap_or_default().to_owned())
}

/// The page as the checks see it.
fn answer(
    session: &Session,
    said: Said,
    url: String,
    (hops, status, duration): (&[Hop], Option<u16>, Duration),
) -> Answer {
    let mut answer = Answer::new(status.unwrap_or_default(), said.body);
    answer.cookies = url::Url::parse(&url).map(|url| session.jar.cookies(&url)).unwrap_or_default();
    answer.url = url;
    answer.duration = duration;
    hops.iter().for_each(|hop| answer.phases.add(&hop.phases));
    answer.at = session.clock.now();
    answer.page = Some(said.page);
    answer
}

/// What is asserted where a step says nothing of the status: no document that it opened is an error.
fn unwritten(hops: &[Hop]) -> Unwritten {
    let error = hops.iter().find(|hop| hop.status.is_some_and(|status| status >= 400));
    let actual = error.map(|hop| hop.status.unwrap_or_default().to_string());
    let message = error.map(|hop| {
        format!(
            "expected a status below 400, got {} of {}",
            hop.status.unwrap_or_default(),
            hop.url
        )
    });
    let result = AssertionResult {
        check: "status".to_owned(),
        passed: error.is_none(),
        expected: error.map(|_| "below 400".to_owned()),
        actual,
    };
    Unwritten { result, message: message.unwrap_or_default() }
}
