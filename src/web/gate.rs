//! The gate document: one answer in which every consumer finds what it reads.
//!
//! Argo Rollouts and Spinnaker read `status` by a JSON path, scripts `pass`, people `reason` and `url`; `progress` is a text because
//! Spinnaker wants one. It is sent with 200 whatever it says: consumers read status codes each in their own way.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::views::{ChangeView, JudgedView};
use crate::{
    daemon::{Before, Judged},
    model::{Conclusion, FindingState, Gate, GateStatus},
    slo::ErrorBudget,
};

/// May it go on?
#[derive(Debug, Serialize)]
pub struct GateDocument<'a> {
    /// `pass`, `fail`, `pending` or `inconclusive`.
    pub status: &'static str,
    /// Whether it is `pass`.
    pub pass: bool,
    /// The share of what was looked at that speaks for going on; null where nothing was.
    pub score: Option<f64>,
    /// Why, in a sentence.
    pub reason: &'a str,
    /// How far the looking is, as a text: `12/30 runs`.
    pub progress: String,
    /// The change that is judged; null before a deployment.
    pub change: Option<ChangeView<'a>>,
    /// The overall verdict; null where nothing is judged.
    pub verdict: Option<&'static str>,
    /// Whether it is still being watched.
    pub open: bool,
    /// What was looked at: a row for each verdict, or for each journey before a deployment.
    pub journeys: Vec<Value>,
    /// Freezes in force, before a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freezes: Option<Vec<Value>>,
    /// When it was answered.
    pub evaluated_at: Timestamp,
    /// The page that shows more; null where nobody knows under which address people find the agent.
    pub url: Option<String>,
}

impl<'a> GateDocument<'a> {
    /// Of a change. A journey is looked at `least` times at least; `base` is where people find the agent.
    pub fn of(judged: &'a Judged, least: u32, now: Timestamp, base: Option<&str>) -> Self {
        let looked = judged.verdicts.iter().map(|v| v.probes).max().unwrap_or(0);
        let view = JudgedView::from(judged);
        let counting = view.verdicts.iter().filter(|v| v.dismissed.is_none());
        let good = |word: &str| {
            let known = Conclusion::ALL.iter().find(|c| c.as_str() == word);
            known.is_some_and(|c| GateStatus::of(*c, false) == GateStatus::Pass)
        };
        let score = share(counting.map(|v| good(v.verdict)));
        let rows = view.verdicts.iter().map(|v| {
            let mut row = json!({ "journey": v.journey, "environment": v.environment,
                "metric": v.metric, "verdict": v.verdict, "summary": v.summary });
            if !v.part.is_whole() {
                row["part"] = json!(v.part);
            }
            if v.dismissed.is_some() {
                row["dismissed"] = json!(v.dismissed);
            }
            row
        });
        let rows = rows.collect();
        let page =
            base.map(|base| format!("{base}/changes/{}", encoded(judged.change.id.as_str())));
        Self {
            score,
            progress: format!("{looked}/{least} runs"),
            change: Some(view.change),
            verdict: view.verdict,
            open: judged.open,
            journeys: rows,
            url: page,
            ..Self::bare(&judged.gate, now)
        }
    }

    /// Before a deployment.
    pub fn before(before: &'a Before, now: Timestamp, base: Option<&str>) -> Self {
        let spent = |budget: &Option<ErrorBudget>| budget.is_some_and(|b| b.is_spent());
        let well = |j: &crate::daemon::JourneyBefore| j.findings.is_empty() && !spent(&j.budget);
        let rows = before.journeys.iter().map(|j| {
            let open: Vec<Value> = j
                .findings
                .iter()
                .filter(|f| f.state == FindingState::Open)
                .map(|f| json!({ "id": f.id.as_str(), "kind": f.kind.as_str(), "change": f.change, "summary": f.summary }))
                .collect();
            json!({
                "journey": j.journey,
                "environment": before.intent.environment,
                "findings": open,
                "budget": j.budget.map(budget),
                "seen_at": j.seen_at,
            })
        });
        let freezes = before.freezes.iter();
        let freezes =
            freezes.map(|(why, until)| json!({ "reason": why, "until": until })).collect();
        Self {
            score: share(before.journeys.iter().map(well)),
            progress: match before.journeys.len() {
                1 => "1 journey looked at".to_owned(),
                count => format!("{count} journeys looked at"),
            },
            journeys: rows.collect(),
            freezes: Some(freezes),
            url: base.map(|base| format!("{base}/")),
            ..Self::bare(&before.gate, now)
        }
    }

    /// An answer about nothing.
    pub fn bare(gate: &'a Gate, now: Timestamp) -> Self {
        Self {
            status: gate.status.as_str(),
            pass: gate.status == GateStatus::Pass,
            score: None,
            reason: &gate.reason,
            progress: "0/0 runs".to_owned(),
            change: None,
            verdict: None,
            open: false,
            journeys: Vec::new(),
            freezes: None,
            evaluated_at: now,
            url: None,
        }
    }
}

/// An error budget as JSON. Shares are of 1; a budget of nothing that is spent all the same is null.
fn budget(budget: ErrorBudget) -> Value {
    json!({
        "objective_percent": budget.objective_percent,
        "window_seconds": budget.window.as_secs(),
        "due": budget.due,
        "good": budget.good,
        "bad": budget.bad,
        "unknown": budget.unknown,
        "allowed": budget.allowed,
        "spent": Some(budget.spent()).filter(|spent| spent.is_finite()),
        "is_spent": budget.is_spent(),
    })
}

fn share(all: impl Iterator<Item = bool>) -> Option<f64> {
    let (good, n) = all.fold((0_u32, 0_u32), |(good, n), is| (good + u32::from(is), n + 1));
    (n > 0).then(|| (f64::from(good) / f64::from(n) * 1000.0).round() / 1000.0)
}

/// An id as a part of an address.
fn encoded(text: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
