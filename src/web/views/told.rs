//! Findings, what is done about them, and what waits to be told.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    daemon::Budget,
    model::{Acknowledgement, Dismissal, Finding, Parcel, Part, PipelineConcern},
    store::OutboxMessage,
};

/// A finding.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the model's Finding")]
pub struct FindingView<'a> {
    pub id: &'a str,
    pub kind: &'static str,
    pub state: &'static str,
    pub change: Option<&'a str>,
    pub journey: &'a str,
    pub environment: &'a str,
    pub location: &'a str,
    pub metric: &'static str,
    #[serde(skip_serializing_if = "Part::is_whole")]
    pub part: &'a Part,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<&'a PipelineConcern>,
    pub summary: &'a str,
    pub onset_at: Option<Timestamp>,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dismissal: Option<&'a Dismissal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<&'a Acknowledgement>,
}

/// A message of the outbox; what it says, without who gets it.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the store")]
pub struct OutboxView {
    pub id: i64,
    pub key: String,
    pub receiver: String,
    /// What it is: `incident.opened`, with its title.
    pub what: String,
    pub state: &'static str,
    pub attempts: u32,
    pub created_at: Timestamp,
    pub next_try_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// The message itself.
    pub parcel: serde_json::Value,
}

impl From<&OutboxMessage> for OutboxView {
    fn from(message: &OutboxMessage) -> Self {
        let what = match Parcel::from_body(&message.body) {
            Ok(Parcel::Notice(notice)) => {
                format!("{}: {}", notice.happening.as_str(), notice.title)
            }
            Ok(Parcel::ChangeNews(news)) => news.change.words.clone(),
            Ok(Parcel::Rollback(order)) => format!("rollback of {}", order.change.id),
            Ok(Parcel::Status(report)) => {
                format!("{} of {}", report.gate.as_str(), report.change)
            }
            Err(_) => message.key.clone(),
        };
        Self {
            id: message.id,
            key: message.key.clone(),
            receiver: message.receiver.clone(),
            what,
            state: message.state.as_str(),
            attempts: message.attempts,
            created_at: message.created_at,
            next_try_at: message.next_try_at,
            last_error: message.last_error.clone(),
            settled_at: message.settled_at,
            parcel: serde_json::from_str(&message.body).unwrap_or_default(),
        }
    }
}

/// What the settings promise of false verdicts, and what was seen of it.
#[derive(Debug, Serialize)]
pub struct BudgetView {
    /// `100 (1 - confidence)`.
    pub expected_per_100_changes: f64,
    /// By the last 30 and 90 days.
    pub windows: Vec<BudgetWindowView>,
}

/// What was seen in the last days.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the daemon's Observed and the store's Judged")]
pub struct BudgetWindowView {
    pub days: u32,
    pub changes_judged: u64,
    pub changes_regressed: u64,
    pub dismissed_as_false: u64,
    pub expected_false: f64,
}

impl From<&Budget> for BudgetView {
    fn from(budget: &Budget) -> Self {
        // A budget is written in decimals, and shown so.
        let rounded = |x: f64| (x * 1e6).round() / 1e6;
        Self {
            expected_per_100_changes: rounded(budget.expected_per_hundred),
            windows: budget
                .windows
                .iter()
                .map(|seen| BudgetWindowView {
                    days: seen.days,
                    changes_judged: seen.judged.changes,
                    changes_regressed: seen.judged.regressed,
                    dismissed_as_false: seen.judged.dismissed,
                    expected_false: rounded(seen.expected),
                })
                .collect(),
        }
    }
}

impl<'a> From<&'a Finding> for FindingView<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            id: finding.id.as_str(),
            kind: finding.kind.as_str(),
            state: finding.state.as_str(),
            change: finding.change.as_ref().map(|c| c.as_str()),
            journey: finding.journey.as_str(),
            environment: finding.environment.as_str(),
            location: finding.location.as_str(),
            metric: finding.metric.as_str(),
            part: &finding.part,
            pipeline: finding.pipeline.as_ref(),
            summary: &finding.summary,
            onset_at: finding.onset_at,
            opened_at: finding.opened_at,
            updated_at: finding.updated_at,
            closed_at: finding.closed_at,
            dismissal: finding.dismissal.as_ref(),
            acknowledged: finding.acknowledged.as_ref(),
        }
    }
}

/// A rollback.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the model's RollbackRecord")]
pub struct RollbackView<'a> {
    pub id: &'a str,
    pub hook: &'a str,
    pub change: &'a str,
    pub service: &'a str,
    pub environments: Vec<&'a str>,
    pub state: &'static str,
    pub reason: &'a str,
    pub by: &'a str,
    pub automatic: bool,
    pub to_version: Option<&'a str>,
    pub ordered_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    pub error: Option<&'a str>,
}

impl<'a> From<&'a crate::model::RollbackRecord> for RollbackView<'a> {
    fn from(record: &'a crate::model::RollbackRecord) -> Self {
        let order = &record.order;
        Self {
            id: order.id.as_str(),
            hook: &order.hook,
            change: order.change.id.as_str(),
            service: order.service.as_str(),
            environments: order.environments.iter().map(|e| e.as_str()).collect(),
            state: record.state.as_str(),
            reason: &order.reason,
            by: &order.by,
            automatic: order.automatic,
            to_version: order.change.previous_version.as_deref(),
            ordered_at: order.at,
            settled_at: record.settled_at,
            error: record.error.as_deref(),
        }
    }
}
