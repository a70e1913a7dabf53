//! Figures of a review in words, the same wherever they are shown.

use super::{Judgement, Review};
use crate::{
    model::{Conclusion, Effect, Metric, Quantiles, amounts},
    render::words::maybe_ms,
};

/// A metric before or after: `216 ms · p95 300 ms`, `99.2 %`.
pub(super) fn figure(metric: Metric, q: &Quantiles) -> String {
    match (metric, q.p95_ms) {
        (Metric::Latency, Some(p95)) if q.p50_ms.is_some() => {
            format!("{} · p95 {}", middle(metric, q), maybe_ms(Some(p95)))
        }
        _ => middle(metric, q),
    }
}

/// The same without its tail.
pub(super) fn middle(metric: Metric, q: &Quantiles) -> String {
    let dash = || "–".to_owned();
    match metric {
        Metric::Latency => maybe_ms(q.p50_ms),
        Metric::Success => q.success.map_or_else(dash, |s| format!("{:.1} %", s * 100.0)),
        Metric::Measure => q.p50.map_or_else(dash, |value| amounts([value], None).concat()),
    }
}

/// A shift with its interval: `× 1.40 (1.30 to 1.50)`.
pub(super) fn effect(metric: Metric, e: &Effect) -> String {
    match metric {
        Metric::Latency => format!("× {:.2} ({:.2} to {:.2})", e.estimate, e.low, e.high),
        Metric::Success => format!(
            "{:+.1} points ({:+.1} to {:+.1})",
            e.estimate * 100.0,
            e.low * 100.0,
            e.high * 100.0
        ),
        Metric::Measure => {
            let [estimate, low, high] = amounts([e.estimate, e.low, e.high], None);
            format!("{estimate} ({low} to {high})")
        }
    }
}

/// A share of 1 in whole percent.
pub(super) fn share(probability: f64) -> String {
    format!("{:.0} %", (probability * 100.0).clamp(0.0, 100.0))
}

impl Judgement {
    /// Before and after, and the effect, in words.
    pub(super) fn figures(&self) -> [String; 3] {
        [
            middle(self.metric, &self.before),
            middle(self.metric, &self.after),
            self.effect.as_ref().map(|e| effect(self.metric, e)).unwrap_or_default(),
        ]
    }

    /// Whether nothing moved that anybody must look at.
    pub(super) fn is_calm(&self) -> bool {
        use Conclusion::{Improved, InsufficientData, Unchanged, Watching};
        let quiet = matches!(self.verdict, Unchanged | InsufficientData | Watching)
            || self.verdict == Improved && self.metric == Metric::Success;
        quiet && self.parts.is_empty()
    }
}

impl Review {
    /// What it is, in a line: "deploy of shop 2.4.1 in production".
    pub fn title(&self) -> String {
        let place = if self.change.environments.is_empty() {
            String::new()
        } else {
            format!(" in {}", self.change.environments.join(", "))
        };
        format!("{} of {}{place}", self.change.kind, self.change.what)
    }

    /// The word of its verdict.
    pub fn word(&self) -> &'static str {
        match self.verdict {
            Some(verdict) => verdict.as_str(),
            None if self.open => Conclusion::Watching.as_str(),
            None => "not watched",
        }
    }

    /// What is missing to one: that none of the suspects did it.
    pub fn nobody(&self) -> Option<f64> {
        let sum: f64 = self.suspects.iter().map(|s| s.share).sum();
        Some(1.0 - sum).filter(|rest| !self.suspects.is_empty() && *rest >= 0.05)
    }
}
