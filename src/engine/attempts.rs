//! One step until it is good enough: attempts, and a shared session that has expired.

use std::time::Duration;

use super::{
    flow::Walker,
    http::{End, WalkedStep, walk_step},
    limits::Limits,
};
use crate::model::{Attempt, HttpStep, Retry, Step, StepRun};

/// The answer to whom a session means nothing (RFC 9110, section 15.5.2).
const UNAUTHORIZED: u16 = 401;

/// The longest wait between two attempts, however often it was lengthened.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

impl Walker<'_> {
    /// Walks a step with an exchange, again and again if that is said, under one deadline. The attempts before the last one are kept with it,
    /// and its duration is the sum of all their durations, without the waits between them.
    pub(super) async fn attempts(
        &mut self,
        step: &Step,
        http: &HttpStep,
        limits: &Limits,
    ) -> Option<End> {
        let mut deadline = limits.deadline(step.timeout, self.session.clock.instant());
        let mut before = Vec::new();
        let mut wait = Waits::new(step.flow.retry.as_ref());
        let mut renewed = None;
        let (mut walked, why_last) = loop {
            self.forget(step, &format!("step `{}` did not come to it", step.name));
            let walked =
                walk_step(&mut self.session, step, http, &mut self.vars, &mut deadline).await;
            if renewed.is_none() && is_unauthorized(&walked) && self.held.is_some() {
                let from = self.session.clock.instant();
                let refused = self.renew().await;
                // Opening a session is no part of the journey.
                deadline.at += self.session.clock.instant().saturating_duration_since(from);
                renewed = Some(refused.is_none());
                if let Some(reason) = refused {
                    break (walked, Some(reason));
                }
                let reason = "status 401: the shared session had expired and was renewed";
                before.push(attempt(&walked, reason.to_owned()));
                continue;
            }
            let Some(reason) = not_enough(step, &walked) else { break (walked, None) };
            let now = self.session.clock.instant();
            match wait.next(deadline.at.saturating_duration_since(now)) {
                Next::Again(pause) => {
                    before.push(attempt(&walked, reason));
                    tokio::time::sleep(pause).await;
                }
                Next::TooLate => {
                    let why = format!("{} leaves no time for another attempt", deadline.name);
                    break (walked, Some(why));
                }
                Next::Enough => break (walked, None),
            }
        };
        if renewed == Some(true) {
            self.renewal_helped(!is_unauthorized(&walked));
        }
        note(&mut walked, before.len(), why_last.as_deref());
        self.record(walked.run, before);
        if walked.end.is_some() {
            self.settle_captures(step);
        }
        walked.end
    }

    /// Takes a step with its attempts into the record.
    fn record(&mut self, mut run: StepRun, before: Vec<Attempt>) {
        if let Some(first) = before.first() {
            run.offset = first.offset;
        }
        run.duration =
            before.iter().map(|attempt| attempt.duration).sum::<Duration>() + run.duration;
        run.retries = before;
        run.iteration = self.round();
        self.steps.push(run);
    }

    /// Says of what a failed step did not capture why it is not there.
    fn settle_captures(&mut self, step: &Step) {
        let why = format!("step `{}` failed", step.name);
        for capture in &step.captures {
            if self.vars.value(&capture.name).is_none() {
                self.vars.forget(&capture.name, &why);
            }
        }
    }
}

/// When the next attempt may begin.
enum Next {
    Again(Duration),
    /// The deadline would pass before it.
    TooLate,
    /// There is none.
    Enough,
}

/// The waits between attempts.
struct Waits {
    left: u32,
    pause: Duration,
    backoff: f64,
}

impl Waits {
    fn new(retry: Option<&Retry>) -> Self {
        retry.map_or(Self { left: 0, pause: Duration::ZERO, backoff: 1.0 }, |retry| Self {
            left: retry.count,
            pause: retry.delay,
            backoff: retry.backoff,
        })
    }

    fn next(&mut self, time_left: Duration) -> Next {
        if self.left == 0 {
            return Next::Enough;
        }
        let pause = self.pause;
        if pause >= time_left {
            return Next::TooLate;
        }
        self.left -= 1;
        let longer = pause.as_secs_f64() * self.backoff;
        self.pause = Duration::try_from_secs_f64(longer).map_or(LONGEST_WAIT, |longer| {
            // A wait that was said to be long stays so.
            longer.min(LONGEST_WAIT.max(pause))
        });
        Next::Again(pause)
    }
}

fn is_unauthorized(walked: &WalkedStep) -> bool {
    let status = walked.run.hops.last().and_then(|hop| hop.status);
    matches!(walked.end, Some(End::Failed(..))) && status == Some(UNAUTHORIZED)
}

/// Why an attempt calls for another one, where it does: `until` does not hold, or without one the step did not pass.
fn not_enough(step: &Step, walked: &WalkedStep) -> Option<String> {
    step.flow.retry.as_ref().filter(|_| walked.until != Some(true))?;
    match &walked.end {
        Some(End::Failed(failure, _)) => Some(failure.message.clone()),
        Some(End::Broken(..)) | None => None,
    }
}

fn attempt(walked: &WalkedStep, reason: String) -> Attempt {
    Attempt {
        offset: walked.run.offset,
        duration: walked.run.duration,
        status: walked.run.hops.last().and_then(|hop| hop.status),
        reason,
    }
}

/// Says with a failure how many attempts there were, and why there was no further one.
fn note(walked: &mut WalkedStep, before: usize, note: Option<&str>) {
    let Some(End::Failed(failure, _)) = &mut walked.end else { return };
    if before > 0 {
        failure.message += &format!(" (the last of {} attempts)", before + 1);
    }
    if let Some(note) = note {
        failure.message += &format!("; {note}");
    }
}
