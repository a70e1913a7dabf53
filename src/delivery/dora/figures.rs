//! The figures of some deployments.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{Deployed, Fate};
use crate::delivery::sample::{Gap, Rate, Sample, Share, Timed, count, lacks};

/// A week, in seconds.
const WEEK_S: f64 = 604_800.0;

/// How often is deployed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frequency {
    /// Deployments.
    pub n: usize,
    /// The same in a week.
    pub per_week: f64,
    /// Days (of UTC) with at least one.
    pub days: usize,
    /// How that is called on DORA's scale.
    pub scale: &'static str,
}

/// The five figures and what stands beside them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// How often something new is deployed.
    pub frequency: Frequency,
    /// From a commit until it is deployed; every commit counts once.
    pub lead_time: Timed,
    /// Of the deployments of which that can be said, how many failed.
    pub failure_rate: Rate,
    /// From the end of a failed deployment until it was over.
    pub recovery: Timed,
    /// Of all deployments and rollbacks, how many repaired another one.
    pub rework: Rate,
    /// From the onset of a failure to the first message.
    pub detect: Timed,
    /// From its onset until somebody took it on.
    pub react: Timed,
    /// From its onset until it was over.
    pub resolve: Timed,
    /// Rollbacks.
    pub rollbacks: usize,
    /// Deployments that were given up before they finished: they are in none of these.
    pub given_up: usize,
    /// Those of which people said that what was found is nothing, or is meant so.
    pub dismissed: usize,
}

/// The figures of these deployments; a change of several services is one deployment of each.
pub fn figures(all: &[&Deployed], (from, to): (Timestamp, Timestamp)) -> Figures {
    let deploys: Vec<&Deployed> = all.iter().filter(|d| d.is_deploy()).copied().collect();
    let rollbacks = all.iter().filter(|d| !d.is_deploy() && !d.given_up).count();
    let span_s = to.duration_since(from).as_secs_f64().max(1.0);
    let days: BTreeSet<i64> = deploys.iter().map(|d| d.at.as_second().div_euclid(86_400)).collect();
    let per_week = count(deploys.len()) / span_s * WEEK_S;
    Figures {
        frequency: Frequency {
            n: deploys.len(),
            per_week,
            days: days.len(),
            scale: often(per_week),
        },
        lead_time: lead_time(&deploys),
        failure_rate: failure_rate(&deploys),
        recovery: times(&deploys, Deployed::recovery_s, not_over),
        rework: rework(all),
        detect: times(
            &deploys,
            |d| d.failure()?.detect_s(),
            |d| {
                Some(match d.failure()? {
                    f if f.onset_at.is_none() => "it is not known when it began",
                    _ => "no message was made: nobody is to be told, or it is no longer kept",
                })
            },
        ),
        react: times(
            &deploys,
            |d| d.failure()?.react_s(),
            |d| {
                Some(match d.failure()? {
                    f if f.onset_at.is_none() => "it is not known when it began",
                    _ => "nobody took it on",
                })
            },
        ),
        resolve: times(
            &deploys,
            |d| d.failure()?.resolve_s(),
            |d| {
                let failure = d.failure()?;
                if failure.onset_at.is_none() {
                    return Some("it is not known when it began");
                }
                not_over(d)
            },
        ),
        rollbacks,
        given_up: all.iter().filter(|d| d.given_up).count(),
        dismissed: deploys.iter().filter(|d| d.dismissed.is_some()).count(),
    }
}

fn not_over(one: &Deployed) -> Option<&'static str> {
    let failure = one.failure()?;
    failure.recovered_at.is_none().then_some(if failure.unseen_end {
        "nobody saw when it was over"
    } else {
        "it is not over"
    })
}

/// DORA's words for so many in a week.
fn often(per_week: f64) -> &'static str {
    match per_week {
        n if n <= 0.0 => "none",
        n if n > 14.0 => "several times a day",
        n if n >= 5.0 => "about daily",
        n if n >= 1.0 => "between daily and weekly",
        n if n >= 0.23 => "between weekly and monthly",
        _ => "rarer than monthly",
    }
}

fn lead_time(deploys: &[&Deployed]) -> Timed {
    let mut missing = Vec::new();
    for why in deploys.iter().filter_map(|d| d.no_lead) {
        lacks(&mut missing, why);
    }
    Timed { seconds: Sample::of(deploys.iter().flat_map(|d| d.lead_s.iter().copied())), missing }
}

fn failure_rate(deploys: &[&Deployed]) -> Rate {
    let (mut failed, mut known, mut missing) = (0, 0, Vec::new());
    let blind = deploys.iter().any(|d| matches!(d.fate, Fate::Unseen(_)));
    for one in deploys {
        match &one.fate {
            Fate::Good => known += 1,
            // Where good ones are not seen, bad ones that only people know of would make it look as if most were bad.
            Fate::Failed(failure) if blind && !failure.judged => {
                lacks(
                    &mut missing,
                    "failed, as others say; no journey could judge it, or its like that went well",
                );
            }
            Fate::Failed(_) => {
                known += 1;
                failed += 1;
            }
            Fate::Unseen(why) => lacks(&mut missing, why.words()),
        }
    }
    Rate { of: Share::of(failed, known), missing }
}

fn rework(all: &[&Deployed]) -> Rate {
    let counted: Vec<&&Deployed> = all.iter().filter(|d| !d.given_up).collect();
    let hits = counted.iter().filter(|d| d.rework.is_some()).count();
    // Without a word on it only what we saw failing shows that a deployment is a repair.
    let silent = counted.iter().filter(|d| d.rework.is_none() && !d.planned_said).count();
    let why = "not said whether it was planned: taken for planned".to_owned();
    let missing = if silent > 0 { vec![Gap { count: silent, why }] } else { Vec::new() };
    Rate { of: Share::of(hits, counted.len()), missing }
}

fn times(
    deploys: &[&Deployed],
    of: impl Fn(&Deployed) -> Option<f64>,
    lacking: impl Fn(&Deployed) -> Option<&'static str>,
) -> Timed {
    let failed: Vec<&&Deployed> = deploys.iter().filter(|d| d.failure().is_some()).collect();
    let mut missing = Vec::new();
    let mut known = Vec::new();
    for one in failed {
        match of(one) {
            Some(seconds) => known.push(seconds),
            None => {
                if let Some(why) = lacking(one) {
                    lacks(&mut missing, why);
                }
            }
        }
    }
    Timed { seconds: Sample::of(known), missing }
}
