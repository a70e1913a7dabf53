//! Runs that somebody looks at: `--headed`, `--slow-motion`, `--pause-on-failure`.

use std::{
    io::{BufRead, Write},
    sync::Arc,
    time::Duration,
};

use tokio::sync::mpsc;

use super::args::RunArguments;
use crate::{
    engine::{Paused, Trace, Watched},
    model::{Action, Journey, Run, Step},
};

/// How the browsers of these runs behave, and where failures are told that wait to be looked at.
pub(super) fn watched(arguments: &RunArguments) -> (Watched, Option<mpsc::Receiver<Paused>>) {
    let (pause, pauses) = if arguments.pause_on_failure {
        let (teller, told) = mpsc::channel(1);
        (Some(teller), Some(told))
    } else {
        (None, None)
    };
    let (headed, slow_motion) = (arguments.headed, arguments.slow_motion);
    (Watched { headed, slow_motion, pause }, pauses)
}

/// The journey with as much more time as slow motion takes.
pub(super) fn slowed(journey: &Arc<Journey>, by: Duration) -> Arc<Journey> {
    if by.is_zero() {
        return Arc::clone(journey);
    }
    let mut journey = Journey::clone(journey);
    journey.timeout = journey.timeout.saturating_add(lengthen(&mut journey.steps, by));
    Arc::new(journey)
}

/// Lengthens the deadlines of steps with actions of a browser, and gives by how much in all.
fn lengthen(steps: &mut [Step], by: Duration) -> Duration {
    let mut all = Duration::ZERO;
    for step in steps {
        let more = match &mut step.action {
            Action::Http(_) => Duration::ZERO,
            Action::Browser(browser) => {
                by.saturating_mul(u32::try_from(browser.actions.len()).unwrap_or(u32::MAX))
            }
            Action::Part(part) => lengthen(&mut part.steps, by),
        };
        step.timeout = step.timeout.map(|timeout| timeout.saturating_add(more));
        all = all.saturating_add(more);
    }
    all
}

/// Walks; where it fails and waits, tells why and how to look, and lets it go on after Enter.
pub(super) async fn walk(
    walk: impl Future<Output = (Run, Option<Trace>)>,
    pauses: &mut Option<mpsc::Receiver<Paused>>,
) -> (Run, Option<Trace>) {
    let Some(pauses) = pauses else { return walk.await };
    tokio::pin!(walk);
    loop {
        tokio::select! {
            walked = &mut walk => return walked,
            Some(paused) = pauses.recv() => {
                let told = tell(&paused);
                // Nobody reads what cannot be written: then there is nothing to wait for.
                if told.is_ok() {
                    drop(tokio::task::spawn_blocking(enter).await);
                }
                paused.go_on.send(()).ok();
            }
        }
    }
}

/// Waits for a line on standard input, or for its end.
fn enter() {
    let mut line = String::new();
    drop(std::io::stdin().lock().read_line(&mut line));
}

fn tell(paused: &Paused) -> std::io::Result<()> {
    let mut out = std::io::stderr().lock();
    writeln!(out, "Step `{}` failed: {}", paused.step, paused.message)?;
    if let Some(at) = &paused.tools {
        writeln!(
            out,
            "The browser is kept. To look at its page from another Chromium, open chrome://inspect/#devices there, add {at} under \"Configure…\" and click \"inspect\"."
        )?;
    }
    writeln!(out, "Press Enter to go on.")
}
