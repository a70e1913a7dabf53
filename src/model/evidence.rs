//! What was sent and got, for people: the exchanges of a run that failed, and of a good one beside it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Phases, RunId, StepName};

/// What the failing step and those before it sent and got, masked, for people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The exchanges in order, redirects included; the last one is where it failed.
    pub exchanges: Vec<Exchange>,
    /// A `curl` line that repeats the last request, secrets masked.
    pub curl: String,
    /// How many exchanges before the first one are not here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u32,
}

/// One request and response in full.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The step it belongs to; not known of evidence from before version 0.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepName>,
    /// `METHOD URL`.
    pub request_line: String,
    /// Headers sent.
    pub request_headers: Vec<(String, String)>,
    /// Body sent, capped.
    pub request_body: Option<String>,
    /// Status got.
    pub status: Option<u16>,
    /// The protocol of the answer: `HTTP/1.1`, `HTTP/2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Headers got.
    pub response_headers: Vec<(String, String)>,
    /// Body got, decoded, as text, capped.
    pub response_body: Option<String>,
    /// Whether a body is only its beginning.
    pub truncated: bool,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
}

/// When an exchange was, and where its time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Millis", into = "Millis")]
pub struct Timing {
    /// When it began, after the run's beginning.
    pub offset: Duration,
    /// Its whole length.
    pub duration: Duration,
    /// Where the time went.
    pub phases: Phases,
}

/// The exchanges of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// Which run.
    pub run: RunId,
    /// When it began.
    pub started_at: Timestamp,
    /// What it sent and got.
    pub evidence: Evidence,
}

/// What is kept of a failed run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptEvidence {
    /// Its own exchanges, or those of a run before it that failed in the same way: of a long outage not every copy is kept.
    pub failing: Witness,
    /// Those of the last run before it that passed, if they were kept.
    pub last_good: Option<Witness>,
}

/// [`Timing`] as it leaves as JSON: in milliseconds, to a microsecond.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Millis {
    offset_ms: f64,
    duration_ms: f64,
    phases_ms: PhaseMillis,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct PhaseMillis {
    resolve: f64,
    connect: f64,
    tls: f64,
    processing: f64,
    transfer: f64,
}

impl From<Timing> for Millis {
    fn from(timing: Timing) -> Self {
        let ms = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e3;
        let phases = timing.phases;
        Self {
            offset_ms: ms(timing.offset),
            duration_ms: ms(timing.duration),
            phases_ms: PhaseMillis {
                resolve: ms(phases.resolve),
                connect: ms(phases.connect),
                tls: ms(phases.tls),
                processing: ms(phases.processing),
                transfer: ms(phases.transfer),
            },
        }
    }
}

impl From<Millis> for Timing {
    fn from(millis: Millis) -> Self {
        // A year is more than any exchange takes; what is not a number is none.
        const LONGEST: f64 = 365.0 * 86_400_000.0;
        let span = |ms: f64| {
            let micros = (ms.clamp(0.0, LONGEST) * 1e3).round();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between nothing and a year"
            )]
            let micros = if micros.is_nan() { 0 } else { micros as u64 };
            Duration::from_micros(micros)
        };
        let phases = millis.phases_ms;
        Self {
            offset: span(millis.offset_ms),
            duration: span(millis.duration_ms),
            phases: Phases {
                resolve: span(phases.resolve),
                connect: span(phases.connect),
                tls: span(phases.tls),
                processing: span(phases.processing),
                transfer: span(phases.transfer),
            },
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_of_before_is_still_read() {
        let old = r#"{"exchanges":[{"request_line":"GET https://a/","request_headers":[["accept","*/*"]],"request_body":null,
            "status":500,"response_headers":[],"response_body":"oops","truncated":false}],"curl":"curl -i https://a/"}"#;
        let evidence: Evidence = serde_json::from_str(old).unwrap();
        assert_eq!((evidence.left_out, evidence.exchanges[0].status), (0, Some(500)));
        assert_eq!(evidence.exchanges[0].timing, None);
    }

    #[test]
    fn times_leave_as_milliseconds_and_come_back() {
        let timing = Timing {
            offset: Duration::from_micros(1_500),
            duration: Duration::from_micros(123_457),
            phases: Phases { tls: Duration::from_micros(7), ..Phases::default() },
        };
        let json = serde_json::to_value(timing).unwrap();
        assert_eq!((&json["offset_ms"], &json["phases_ms"]["tls"]), (&1.5.into(), &0.007.into()));
        assert_eq!(serde_json::from_value::<Timing>(json).unwrap(), timing);
    }
}
