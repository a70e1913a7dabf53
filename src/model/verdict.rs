//! Verdicts: what a change did to a journey, with the evidence.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChangeId, EnvironmentName, JourneyName, LocationName, Part};

/// What is judged of a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The time of successful runs.
    Latency,
    /// The share of successful runs.
    Success,
    /// A number that a step measures.
    Measure,
}

impl Metric {
    /// The word used in JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Success => "success",
            Self::Measure => "measure",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is concluded. The order of the variants is the order in which one of many speaks for a change: worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Harmful beyond doubt: stop pipelines.
    Regressed,
    /// Harmful in all likelihood: tell people.
    Suspected,
    /// Still being watched.
    Watching,
    /// Our own host or path was sick.
    ProberFault,
    /// The watch ended and neither harm nor harmlessness could be shown.
    Inconclusive,
    /// Too few runs to say anything.
    InsufficientData,
    /// It was slow for a short while and recovered by itself.
    Transient,
    /// It began before the change.
    PreExisting,
    /// Better than before.
    Improved,
    /// No shift that matters.
    Unchanged,
}

impl Conclusion {
    /// All conclusions, worst first.
    pub const ALL: &[Self] = &[
        Self::Regressed,
        Self::Suspected,
        Self::Watching,
        Self::ProberFault,
        Self::Inconclusive,
        Self::InsufficientData,
        Self::Transient,
        Self::PreExisting,
        Self::Improved,
        Self::Unchanged,
    ];

    /// The word used in JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Suspected => "suspected",
            Self::Watching => "watching",
            Self::ProberFault => "prober_fault",
            Self::Inconclusive => "inconclusive",
            Self::InsufficientData => "insufficient_data",
            Self::Transient => "transient",
            Self::PreExisting => "pre_existing",
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
        }
    }

    /// The one that speaks for several: the worst. None of none.
    pub fn overall(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter().min()
    }
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Conclusion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|c| c.as_str() == text)
            .ok_or_else(|| format!("unknown conclusion `{text}`"))
    }
}

/// What a change did to one metric of one journey in one environment, as far as is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The change judged.
    pub change: ChangeId,
    /// The journey.
    pub journey: JourneyName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The location the runs were made from.
    pub location: LocationName,
    /// The metric.
    pub metric: Metric,
    /// Which part of the journey; the figures are those of the part.
    #[serde(default, skip_serializing_if = "Part::is_whole")]
    pub part: Part,
    /// What is concluded now.
    pub conclusion: Conclusion,
    /// A sentence for people with the figures in it.
    pub summary: String,
    /// Log-evidence (natural) for a harmful shift at or after the change, behind the gates; none when it could not be computed.
    pub log_e: Option<f64>,
    /// Log-evidence needed for `suspected`, raised by the journey's own history.
    pub suspected_at_log_e: Option<f64>,
    /// Log-evidence needed for `regressed`.
    pub regressed_at_log_e: Option<f64>,
    /// Before the change.
    pub before: Quantiles,
    /// After the onset.
    pub after: Quantiles,
    /// How much it moved.
    pub effect: Option<Effect>,
    /// When it began.
    pub onset: Option<Onset>,
    /// Runs after the change that were looked at.
    pub probes: u32,
    /// Runs before the change that the baseline was made of.
    pub baseline_probes: u32,
    /// What was left out or treated specially, a sentence each: broken runs, other revisions, denser probing.
    pub notes: Vec<String>,
    /// Every change that may have done it, with its probability, most probable first; what is missing to 1 is "none of these".
    pub candidates: Vec<Candidate>,
    /// The change named as the cause, where one is probable enough; else the answer is ambiguous.
    pub named: Option<ChangeId>,
    /// When `suspected` was first reached.
    pub suspected_since: Option<Timestamp>,
    /// When `regressed` was first reached.
    pub regressed_since: Option<Timestamp>,
    /// When the trouble was over, where it is: the first run that was as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_at: Option<Timestamp>,
    /// When this was concluded.
    pub decided_at: Timestamp,
}

impl Verdict {
    /// What is judged, for people: `latency`, or "latency of step" with the name of the step.
    pub fn subject(&self) -> String {
        match &self.part {
            Part::Whole => self.metric.to_string(),
            part => subject(self.metric, part),
        }
    }
}

/// What is judged of a part, for people: "latency of step `pay`", "`price` of step `pay`".
pub fn subject(metric: Metric, part: &Part) -> String {
    match (metric, part) {
        (_, Part::Whole) => metric.to_string(),
        (Metric::Measure, part) => part.to_string(),
        (_, part) => format!("{metric} of {part}"),
    }
}

/// The metric in figures: latency in milliseconds over successful runs, success as a share of known runs, a measure in its own unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many runs.
    pub runs: u32,
    /// Median latency, in ms.
    pub p50_ms: Option<f64>,
    /// 95th percentile of the latency, in ms.
    pub p95_ms: Option<f64>,
    /// Share of successful runs, 0 to 1.
    pub success: Option<f64>,
    /// Median of a measure, in its own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// 5th percentile of a measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p5: Option<f64>,
    /// 95th percentile of a measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
}

/// A shift and its 90% interval: a ratio for latency (1.4 is 40% slower), a difference of shares for success (-0.2) and of the medians,
/// in its own unit, for a measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The estimate.
    pub estimate: f64,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// When a shift began, with its 90% interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Onset {
    /// The estimate.
    pub at: Timestamp,
    /// Not earlier than this.
    pub earliest: Timestamp,
    /// Not later than this.
    pub latest: Timestamp,
}

/// A change that may have done it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub change: ChangeId,
    /// How probable, 0 to 1.
    pub probability: f64,
}
