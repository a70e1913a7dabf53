//! Deployments that took unusually long, each against the history of its own service and environment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::Deployed;
use crate::model::{ChangeId, EnvironmentName, ServiceName};

/// Fewest deployments before that say what is usual, and most that are looked at.
const HISTORY: (usize, usize) = (8, 100);
/// So many robust standard deviations of the logarithms above the median; 1.4826 makes one of a median absolute deviation
/// (Hampel 1974).
const DEVIATIONS: f64 = 3.5;
const SCALE: f64 = 1.4826;
/// The logarithms of lengths scatter by this at least: a service that always takes the same time is not unusual at a second more.
const LEAST: f64 = 0.1;
/// And longer by this much at least: as a ratio, and in seconds.
const MATTERS: (f64, f64) = (1.5, 30.0);

/// A deployment that took unusually long.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lengthy {
    /// The change.
    pub change: ChangeId,
    /// Of which service.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// When it was done.
    pub at: Timestamp,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// The median of those before, in seconds.
    pub usual_s: f64,
    /// Of how many.
    pub n: usize,
}

/// Those of a span, newest first; `all` oldest first.
pub(super) fn lengthy(all: &[&Deployed], (from, to): (Timestamp, Timestamp)) -> Vec<Lengthy> {
    let mut lines: BTreeMap<(&ServiceName, &EnvironmentName), Vec<f64>> = BTreeMap::new();
    let mut found = Vec::new();
    for one in all.iter().filter(|d| d.is_deploy()) {
        let Some(took_s) = one.took_s else { continue };
        let before = lines.entry((&one.service, &one.environment)).or_default();
        let recent = &before[before.len().saturating_sub(HISTORY.1)..];
        if one.at >= from
            && one.at < to
            && let Some(usual_s) = unusual(recent, took_s)
        {
            found.push(Lengthy {
                change: one.change.clone(),
                service: one.service.clone(),
                environment: one.environment.clone(),
                at: one.at,
                took_s,
                usual_s,
                n: recent.len(),
            });
        }
        before.push(took_s);
    }
    found.reverse();
    found
}

/// The usual length, where this one is unusual.
pub(super) fn unusual(before: &[f64], took_s: f64) -> Option<f64> {
    if before.len() < HISTORY.0 {
        return None;
    }
    let logs: Vec<f64> = before.iter().map(|s| s.max(1e-3).ln()).collect();
    let centre = median(logs.clone());
    let deviation = median(logs.iter().map(|l| (l - centre).abs()).collect());
    let bound = centre + DEVIATIONS * (SCALE * deviation).max(LEAST);
    let usual = centre.exp();
    let matters = took_s >= MATTERS.0 * usual && took_s - usual >= MATTERS.1;
    (took_s.max(1e-3).ln() > bound && matters).then_some(usual)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
