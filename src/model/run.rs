//! A run: one walk of one journey, born complete and never changed. The value that travels.

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    EnvironmentName, Evidence, JourneyName, LocationName, MeasureName, Revision, RunId, SeriesKey,
    ServiceName, StepName, Traffic, Unwell,
};

/// One walk of one journey in one environment from one location. Every text in it is already masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Time-ordered and unique: storing a run twice is harmless.
    pub id: RunId,
    /// What was walked.
    pub journey: JourneyName,
    /// Where.
    pub environment: EnvironmentName,
    /// From where.
    pub location: LocationName,
    /// As which version of its file.
    pub revision: Revision,
    /// Why it was walked now.
    pub trigger: Trigger,
    /// Wall-clock time of its beginning.
    pub started_at: Timestamp,
    /// How much later than due it began: our own lateness, not the target's.
    pub late_by: Duration,
    /// Monotonic length of the walk: the sum of the steps' durations, without what we do between them.
    pub duration: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// The steps in order, one for each round of a repeated one; those that were not walked are [`StepOutcome::Skipped`].
    pub steps: Vec<StepRun>,
    /// Which version of which service was deployed, as far as we were told.
    pub deployed: Vec<Deployed>,
    /// Whether certificates were not verified, because the environment says `insecure = true`: whoever answered may not be whom we asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// Whether requests of it carried the header of its trace: [`RunId::trace_id`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub traced: bool,
    /// What the failing step and those before it sent and got; only of a run that failed, be it that our own trouble explains it.
    pub evidence: Option<Evidence>,
    /// What was wrong with our own host or path meanwhile, where anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwell: Option<Unwell>,
}

impl Run {
    /// Whether it says nothing of the target: it broke, or our own trouble explains how it ended.
    pub fn is_ours(&self) -> bool {
        matches!(self.outcome, Outcome::Broken { .. })
            || self.unwell.is_some_and(|unwell| unwell.explains(&self.outcome))
    }

    /// The series this run belongs to.
    pub fn series(&self) -> SeriesKey {
        SeriesKey {
            journey: self.journey.clone(),
            environment: self.environment.clone(),
            location: self.location.clone(),
        }
    }

    /// Where in [`steps`](Self::steps) the run ended early: the step that failed or broke it. None where every step was come to.
    pub fn ended_at(&self) -> Option<usize> {
        let ends = |step: &StepRun| match step.outcome {
            StepOutcome::Failed | StepOutcome::Broken => step.failure.is_none(),
            StepOutcome::Passed | StepOutcome::Skipped => false,
        };
        self.steps.iter().position(ends)
    }

    /// What the steps that passed measured; of several rounds of a step the mean.
    pub fn measured(&self) -> Vec<(&StepName, &MeasureName, f64)> {
        measured(&self.steps)
    }
}

/// What the steps that passed measured; of several rounds of a step the mean.
pub(super) fn measured(steps: &[StepRun]) -> Vec<(&StepName, &MeasureName, f64)> {
    let mut sums: Vec<(&StepName, &MeasureName, f64, f64)> = Vec::new();
    for step in steps.iter().filter(|s| s.outcome == StepOutcome::Passed) {
        for Measured { name, value, .. } in &step.measures {
            let Some(value) = value.filter(|v| v.is_finite()) else { continue };
            match sums.iter_mut().find(|(s, m, ..)| (*s, *m) == (&step.name, name)) {
                Some((_, _, sum, count)) => (*sum, *count) = (*sum + value, *count + 1.0),
                None => sums.push((&step.name, name, value, 1.0)),
            }
        }
    }
    sums.into_iter().map(|(step, name, sum, count)| (step, name, sum / count)).collect()
}

/// Why a run was walked when it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Its schedule.
    Schedule,
    /// Denser probing while a change is watched.
    Burst,
    /// A change had just finished.
    Smoke,
    /// A person asked.
    Manual,
}

/// How a run ended. The target's trouble is `Failed`, our own is `Broken`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// Every step did what it should.
    Passed,
    /// The target's fault.
    Failed(Failure),
    /// The prober's own trouble: never counted against the target.
    Broken {
        /// What was wrong with us.
        reason: String,
    },
}

impl Outcome {
    /// `passed`, `failed` or `broken`: the label in metrics and JSON.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Broken { .. } => "broken",
        }
    }
}

/// What failed, where, and how that was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The failing step.
    pub step: StepName,
    /// The kind of error.
    pub kind: FaultKind,
    /// A sentence for people: lower case, fits after "failed: ".
    pub message: String,
    /// The assertion or capture as written, if one failed: `status`, `jsonpath $.items[*] count`.
    pub check: Option<String>,
    /// What should have been.
    pub expected: Option<String>,
    /// What was.
    pub actual: Option<String>,
}

/// The kind of a failure: with journey and step, the signature by which "never seen before" is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The host name has no address.
    Dns,
    /// No connection: refused, unreachable.
    Connect,
    /// The TLS handshake or the certificate.
    Tls,
    /// The connection broke while in use.
    Reset,
    /// A deadline passed.
    Timeout,
    /// More redirects than allowed, or in a circle, or to nowhere.
    Redirect,
    /// The answer is not HTTP, or its encoding is broken.
    Protocol,
    /// The body is larger than allowed.
    TooLarge,
    /// The status was not the one expected.
    Status,
    /// Another assertion did not hold.
    Assertion,
    /// A capture found nothing.
    Capture,
    /// A template could not be filled from what the target gave, or gave an impossible URL or header.
    Template,
    /// The target led to an address that may not be reached from its environment: by a redirect, by its name, by a captured value.
    Guard,
    /// An element of a page was not found, or could not be used.
    Element,
    /// A page went wrong: its tab crashed, a script of an action failed in it, it asked in an unexpected dialog.
    Page,
}

/// One step as it was walked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRun {
    /// Its name.
    pub name: StepName,
    /// When it began, after the run's beginning (monotonic).
    pub offset: Duration,
    /// First byte asked to last byte read, over all hops of **all attempts**; checks and our own waiting between attempts are not in it. A
    /// poll that needs three attempts instead of one is slower for the user, our own delays are not the target's time.
    pub duration: Duration,
    /// Whether it passed.
    pub outcome: StepOutcome,
    /// The requests made, redirects included, in order.
    pub hops: Vec<Hop>,
    /// What was checked, in order.
    pub assertions: Vec<AssertionResult>,
    /// What was captured: name and masked value.
    pub captures: Vec<(String, String)>,
    /// Which round of a `repeat` this is, from 1.
    pub iteration: Option<u32>,
    /// The attempts before the last one, in order: never merged, never hidden. `hops`, `assertions` and `captures` are the last one's.
    pub retries: Vec<Attempt>,
    /// Why the step failed, where that did not end the run: it is optional, or cleaned up after another one.
    pub failure: Option<Box<Failure>>,
    /// Numbers measured in the answer, in the order of the journey; only of a step whose checks held. Of a browser step also those that it
    /// always has ([`BROWSER_MEASURES`](super::BROWSER_MEASURES)).
    pub measures: Vec<Measured>,
    /// What a browser step's pages asked for; none of an HTTP step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Box<Traffic>>,
}

/// A number taken out of an answer, or why there was none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What the journey calls it.
    pub name: MeasureName,
    /// Its unit, as the journey says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The number, finite; none where nothing was found, or no number.
    pub value: Option<f64>,
    /// Why there is none, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An attempt that was not good enough and was followed by another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, after the run's beginning (monotonic).
    pub offset: Duration,
    /// First byte asked to last byte read, over all hops.
    pub duration: Duration,
    /// The status of its last hop, if an answer came.
    pub status: Option<u16>,
    /// Why it was not good enough, masked.
    pub reason: String,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It did what it should.
    Passed,
    /// The target did not.
    Failed,
    /// We could not.
    Broken,
    /// It was not walked: its `when` did not hold, it repeats over nothing, it cleans up what was never made, or the run ended before it.
    Skipped,
}

/// One request and its response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// Its method.
    pub method: String,
    /// Its URL, masked.
    pub url: String,
    /// The status, if an answer came.
    pub status: Option<u16>,
    /// The protocol of the answer: `HTTP/1.1`, `HTTP/2`.
    pub version: Option<String>,
    /// When it began, after the run's beginning (monotonic).
    pub offset: Duration,
    /// Its whole length: the sum of its phases.
    pub duration: Duration,
    /// Where the time went.
    pub phases: Phases,
    /// Whether a connection of this run served again.
    pub reused: bool,
    /// Who answered.
    pub peer: Option<SocketAddr>,
    /// Size of the body as it came over the wire, in bytes.
    pub body_bytes: u64,
    /// When the first certificate of the chain ends.
    pub certificate_expires_at: Option<Timestamp>,
    /// What the server says of its own time (W3C Server Timing): name and duration, in its order.
    pub server_timing: Vec<(String, Duration)>,
}

/// The five phases of a hop, named as `blackbox_exporter` names them; they add up to the hop. A phase that did not happen is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Looking up the name.
    pub resolve: Duration,
    /// TCP.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// Request sent until the first byte of the answer's head.
    pub processing: Duration,
    /// The rest of the answer.
    pub transfer: Duration,
}

impl Phases {
    /// Names and values, in the order of time.
    pub fn named(&self) -> [(&'static str, Duration); 5] {
        [
            ("resolve", self.resolve),
            ("connect", self.connect),
            ("tls", self.tls),
            ("processing", self.processing),
            ("transfer", self.transfer),
        ]
    }

    /// The sum of all five.
    pub fn total(&self) -> Duration {
        self.named().iter().map(|(_, d)| *d).sum()
    }

    /// Phase by phase addition, for a step of several hops; what no duration can hold is the longest one.
    pub fn add(&mut self, other: &Self) {
        self.resolve = self.resolve.saturating_add(other.resolve);
        self.connect = self.connect.saturating_add(other.connect);
        self.tls = self.tls.saturating_add(other.tls);
        self.processing = self.processing.saturating_add(other.processing);
        self.transfer = self.transfer.saturating_add(other.transfer);
    }
}

/// One assertion and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssertionResult {
    /// The assertion as written.
    pub check: String,
    /// Whether it held.
    pub passed: bool,
    /// What should have been; only where it did not hold.
    pub expected: Option<String>,
    /// What was, masked and shortened; only where it did not hold.
    pub actual: Option<String>,
}

/// A version known to be deployed when a run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// Of which service.
    pub service: ServiceName,
    /// Which version (or commit, where no version was said).
    pub version: String,
}
