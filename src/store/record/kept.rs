//! What is kept of a run: the run as the store will give it back.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;

use crate::model::{
    AssertionResult, Attempt, Failure, Hop, Measured, Outcome, Phases, Run, StepOutcome, StepRun,
};

/// Longest message, expected or actual value and reason, in bytes.
pub(super) const MESSAGE_BYTES: usize = 1 << 10;
/// Longest assertion as written, in bytes.
pub(super) const CHECK_BYTES: usize = 512;
/// Longest URL of a hop, in bytes.
pub(super) const URL_BYTES: usize = 2 << 10;
/// Longest method, protocol, unit or name of a server's timing, in bytes.
pub(super) const WORD_BYTES: usize = 32;
/// Most timings of a server that are kept of a hop.
pub(super) const TIMINGS: usize = 32;

/// The run as the store will give it back: times in whole microseconds, certificate ends in seconds, texts cut at a
/// kibibyte (URLs at two), captures only where the run did not pass (they are for finding a fault, and may be personal).
/// Evidence is untouched: it has a cap and a retention of its own. Whoever judges runs judges these, so that a verdict
/// after a restart is the one it would have been.
pub fn kept(run: &Run) -> Run {
    let passed = matches!(run.outcome, Outcome::Passed);
    Run {
        started_at: whole_micros(run.started_at),
        late_by: floor(run.late_by),
        duration: floor(run.duration),
        outcome: outcome(&run.outcome),
        steps: run.steps.iter().map(|s| step(s, passed)).collect(),
        ..run.clone()
    }
}

fn outcome(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Passed => Outcome::Passed,
        Outcome::Broken { reason } => {
            Outcome::Broken { reason: clip(reason, MESSAGE_BYTES).into_owned() }
        }
        Outcome::Failed(found) => Outcome::Failed(failure(found)),
    }
}

fn failure(failure: &Failure) -> Failure {
    Failure {
        step: failure.step.clone(),
        kind: failure.kind,
        message: clip(&failure.message, MESSAGE_BYTES).into_owned(),
        check: clipped(failure.check.as_deref()),
        expected: clipped(failure.expected.as_deref()),
        actual: clipped(failure.actual.as_deref()),
    }
}

fn step(step: &StepRun, run_passed: bool) -> StepRun {
    let capture = |(name, value): &(String, String)| {
        (clip(name, MESSAGE_BYTES).into_owned(), clip(value, MESSAGE_BYTES).into_owned())
    };
    let captures =
        if run_passed { Vec::new() } else { step.captures.iter().map(capture).collect() };
    StepRun {
        name: step.name.clone(),
        offset: floor(step.offset),
        duration: floor(step.duration),
        outcome: step.outcome,
        hops: step.hops.iter().map(hop).collect(),
        assertions: step.assertions.iter().map(assertion).collect(),
        captures,
        iteration: step.iteration,
        retries: step.retries.iter().map(attempt).collect(),
        failure: step.failure.as_deref().map(|f| Box::new(failure(f))),
        measures: step.measures.iter().map(measured).collect(),
    }
}

fn attempt(attempt: &Attempt) -> Attempt {
    Attempt {
        offset: floor(attempt.offset),
        duration: floor(attempt.duration),
        status: attempt.status,
        reason: clip(&attempt.reason, MESSAGE_BYTES).into_owned(),
    }
}

fn measured(measured: &Measured) -> Measured {
    let value = measured.value.filter(|v| v.is_finite());
    Measured {
        name: measured.name.clone(),
        unit: measured.unit.as_deref().map(|u| clip(u, WORD_BYTES).into_owned()),
        value,
        note: clipped(measured.note.as_deref().filter(|_| value.is_none())),
    }
}

fn assertion(assertion: &AssertionResult) -> AssertionResult {
    let value = |v: &Option<String>| clipped(v.as_deref().filter(|_| !assertion.passed));
    AssertionResult {
        check: clip(&assertion.check, CHECK_BYTES).into_owned(),
        passed: assertion.passed,
        expected: value(&assertion.expected),
        actual: value(&assertion.actual),
    }
}

fn hop(hop: &Hop) -> Hop {
    Hop {
        method: clip(&hop.method, WORD_BYTES).into_owned(),
        url: clip(&hop.url, URL_BYTES).into_owned(),
        status: hop.status,
        version: hop.version.as_deref().map(|v| clip(v, WORD_BYTES).into_owned()),
        offset: floor(hop.offset),
        duration: floor(hop.duration),
        phases: phases(&hop.phases),
        reused: hop.reused,
        // A flow label or a scope is of this host only.
        peer: hop.peer.map(|p| std::net::SocketAddr::new(p.ip(), p.port())),
        body_bytes: hop.body_bytes,
        certificate_expires_at: hop
            .certificate_expires_at
            .and_then(|t| Timestamp::from_second(seconds(t)).ok()),
        server_timing: hop
            .server_timing
            .iter()
            .take(TIMINGS)
            .map(|(name, took)| (clip(name, WORD_BYTES).into_owned(), floor(*took)))
            .collect(),
    }
}

/// Whole microseconds phase by phase, cut so that they still add up to the hop: boundaries are rounded, not lengths.
pub(super) fn phases(phases: &Phases) -> Phases {
    let mut end = Duration::ZERO;
    let mut rounded = |length: Duration| {
        let start = floor(end);
        end = end.saturating_add(length);
        floor(end).saturating_sub(start)
    };
    Phases {
        resolve: rounded(phases.resolve),
        connect: rounded(phases.connect),
        tls: rounded(phases.tls),
        processing: rounded(phases.processing),
        transfer: rounded(phases.transfer),
    }
}

/// Microseconds of a duration; what does not fit is the longest that does.
pub(super) fn length(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn floor(duration: Duration) -> Duration {
    Duration::from_micros(length(duration))
}

fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(crate::store::session::micros(at)).unwrap_or(at)
}

/// Seconds of a time, rounded towards the past. X.509 knows no smaller ones (RFC 5280, section 4.1.2.5).
pub(super) fn seconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond().div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
}

fn clipped(text: Option<&str>) -> Option<String> {
    text.map(|t| clip(t, MESSAGE_BYTES).into_owned())
}

/// A text of at most `bytes`, with an ellipsis where something is missing.
pub(super) fn clip(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(bytes.saturating_sub('…'.len_utf8()));
    Cow::Owned(format!("{}…", &text[..end]))
}

/// The number of a step's outcome, for ever.
pub(super) fn outcome_code(outcome: StepOutcome) -> u64 {
    match outcome {
        StepOutcome::Passed => 0,
        StepOutcome::Failed => 1,
        StepOutcome::Broken => 2,
        StepOutcome::Skipped => 3,
    }
}
