//! The figures by the week, for a small chart.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Deployed, Fate};
use crate::delivery::sample::Sample;

/// A week, in seconds.
const WEEK: i64 = 604_800;
/// 1970-01-05 was a Monday.
const MONDAY: i64 = 4 * 86_400;
/// Most weeks of a span.
const MOST: usize = 120;

/// The figures of a week, Monday to Sunday of UTC.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Week {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
    /// Whether the span covers only a part of it.
    pub partial: bool,
    /// Deployments.
    pub deployments: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those of which that can be said.
    pub judged: usize,
    /// Median lead time of commits, in seconds.
    pub lead_time_p50_s: Option<f64>,
    /// Median recovery time, in seconds.
    pub recovery_p50_s: Option<f64>,
    /// Deployments and rollbacks.
    pub all: usize,
    /// Those that repaired another one.
    pub rework: usize,
}

/// The weeks of a span, oldest first, empty ones as well.
pub fn weeks(all: &[&Deployed], (from, to): (Timestamp, Timestamp)) -> Vec<Week> {
    let start = (from.as_second() - MONDAY).div_euclid(WEEK) * WEEK + MONDAY;
    let mut weeks = Vec::new();
    let mut begin = Timestamp::from_second(start).unwrap_or(from);
    while begin < to && weeks.len() < MOST {
        let Ok(end) = begin.checked_add(SignedDuration::from_secs(WEEK)) else { break };
        let own: Vec<&Deployed> =
            all.iter().filter(|d| d.at >= begin && d.at < end && !d.given_up).copied().collect();
        let deploys: Vec<&&Deployed> = own.iter().filter(|d| d.is_deploy()).collect();
        let median = |values: Vec<f64>| Sample::of(values).map(|s| s.p50);
        weeks.push(Week {
            from: begin,
            to: end,
            partial: begin < from || end > to,
            deployments: deploys.len(),
            failed: deploys.iter().filter(|d| d.failure().is_some()).count(),
            judged: deploys.iter().filter(|d| !matches!(d.fate, Fate::Unseen(_))).count(),
            lead_time_p50_s: median(
                deploys.iter().flat_map(|d| d.lead_s.iter().copied()).collect(),
            ),
            recovery_p50_s: median(deploys.iter().filter_map(|d| d.recovery_s()).collect()),
            all: own.len(),
            rework: own.iter().filter(|d| d.rework.is_some()).count(),
        });
        begin = end;
    }
    weeks
}
