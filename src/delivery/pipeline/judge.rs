//! From shifts and missed objectives to findings: a pure decision in (data, now).

use std::time::Duration;

use jiff::Timestamp;

use super::{Kept, Lines, Objective, Shift, objectives, shifts};
use crate::{
    alert::{self, Decision},
    delivery::length,
    model::{
        Change, ChangeKind, Detect, Finding, FindingState, LocationName, Metric, PipelineConcern,
        PipelineSettings, PipelineSignal,
    },
};

/// A shift that was sure so long ago, and was never told, is what is usual now.
const NEWS: Duration = Duration::from_secs(7 * 86_400);
/// The sentence of what goes on is renewed as often.
const RENEWED: Duration = Duration::from_secs(3600);
/// Logged changes are named with a shift where they began so long before its first run at most.
const LOGGED: Duration = Duration::from_secs(6 * 3600);
/// Most of them.
const NAMED: usize = 3;

/// What is judged by.
#[derive(Debug, Clone)]
pub struct Rules<'a> {
    /// The objectives.
    pub settings: &'a PipelineSettings,
    /// What counts as a shift.
    pub detect: Detect,
    /// Where this agent stands.
    pub location: &'a LocationName,
    /// Changes that were logged lately: one of them may have done it.
    pub changes: &'a [Change],
}

/// What is to be written: findings that open, and those that are over. `known` are the findings of pipelines that were ever opened, in any order.
pub fn judge(lines: &Lines, known: &[Finding], rules: &Rules<'_>, now: Timestamp) -> Vec<Decision> {
    let mut decisions = Vec::new();
    let mut current: Vec<(PipelineConcern, Standing)> = Vec::new();
    for line in lines.all.values() {
        let goals = rules.settings.goals(&line.key);
        let objectives = objectives(line, &goals, rules.settings.window, now);
        current.extend(objectives.into_iter().map(|o| (o.concern.clone(), of_objective(o))));
        if goals.watch {
            let found = shifts(line, rules.detect).into_iter();
            current.extend(found.map(|shift| {
                let standing = of_shift(&shift, rules.changes);
                (shift.concern, standing)
            }));
        }
    }
    for finding in known.iter().filter(|f| f.state == FindingState::Open) {
        let Some(concern) = &finding.pipeline else { continue };
        let own = || current.iter().filter(|(c, _)| c == concern).map(|(_, standing)| standing);
        decisions
            .extend(close(finding, concern, own(), now).or_else(|| renew(finding, own(), now)));
    }
    for (concern, standing) in &current {
        let Standing::Bad { summary, onset_at, seen_at } = standing else { continue };
        let own = || known.iter().filter(|f| f.pipeline.as_ref() == Some(concern));
        // What was told before, is over, or was dismissed, is not told again.
        let told = own().any(|f| {
            f.state == FindingState::Open
                || (!concern.objective && f.closed_at.is_some_and(|end| *seen_at <= end))
                || (concern.objective && dismissed(f, rules.settings.window, now))
        });
        let old = seen_at.checked_add(NEWS).is_ok_and(|end| end < now);
        if !told && !old {
            let metric = match concern.signal {
                PipelineSignal::Success | PipelineSignal::Flaky => Metric::Success,
                _ => Metric::Latency,
            };
            decisions.push(alert::of_pipeline(
                concern,
                metric,
                (summary, *onset_at),
                rules.location,
                now,
            ));
        }
    }
    decisions
}

/// Whether a person said so lately of a missed objective that it is nothing.
fn dismissed(finding: &Finding, window: Duration, now: Timestamp) -> bool {
    finding.state == FindingState::Dismissed
        && finding.closed_at.and_then(|at| at.checked_add(window).ok()).is_some_and(|end| end > now)
}

/// How something stands.
#[derive(Debug, Clone, PartialEq)]
enum Standing {
    /// It is bad.
    Bad {
        /// A sentence.
        summary: String,
        /// Since when.
        onset_at: Timestamp,
        /// When it was sure.
        seen_at: Timestamp,
    },
    /// It is neither bad nor surely good again.
    Between,
    /// It is good again, and why.
    Good(String),
    /// Nothing can be said now.
    Unknown,
}

fn close<'a>(
    finding: &Finding,
    concern: &PipelineConcern,
    mut own: impl Iterator<Item = &'a Standing>,
    now: Timestamp,
) -> Option<Decision> {
    let over = |why: &str| {
        let summary = format!("{}; {why}", finding.summary);
        Some(alert::recovered(finding, &summary, now))
    };
    if concern.objective {
        return match own.next() {
            Some(Standing::Good(why)) => over(why),
            None => over("nobody asks that of it any more"),
            _ => None,
        };
    }
    // The same shift, found again; an older one of the same was over before this began. Runs may be told long after they were, and the finding
    // have been opened later than they began.
    let began = finding.onset_at.unwrap_or(finding.opened_at);
    let mut any = false;
    for standing in own {
        any = true;
        match standing {
            Standing::Good(why) => {
                if let Some((since, why)) = why.split_once('|')
                    && since.parse::<Timestamp>().is_ok_and(|at| at > began)
                {
                    return over(why);
                }
            }
            _ => return None,
        }
    }
    // Its runs are too old to be kept, or its goals say that nobody looks: what holds for so long is usual now.
    let aged = finding.opened_at.checked_add(NEWS * 4).is_ok_and(|end| end < now);
    (!any && aged).then(|| over("it has been so for weeks: that is usual now")).flatten()
}

/// Its sentence with the figures of now, once in a while: it goes on.
fn renew<'a>(
    finding: &Finding,
    own: impl Iterator<Item = &'a Standing>,
    now: Timestamp,
) -> Option<Decision> {
    let due = finding.updated_at.checked_add(RENEWED).is_ok_and(|due| due <= now);
    let bad = own.filter_map(|standing| match standing {
        Standing::Bad { summary, .. } => Some(summary),
        _ => None,
    });
    let summary = bad.last().filter(|summary| due && **summary != finding.summary)?;
    Some(alert::renewed(finding, summary, now))
}

fn of_objective(objective: Objective) -> Standing {
    let Objective { state, summary, onset_at, seen_at, .. } = objective;
    match state {
        Kept::Missed => Standing::Bad { summary, onset_at, seen_at },
        Kept::Nearly => Standing::Between,
        Kept::Kept => Standing::Good(format!("now {summary}")),
        Kept::TooFew => Standing::Unknown,
        Kept::Idle => Standing::Good(summary),
    }
}

fn of_shift(shift: &Shift, changes: &[Change]) -> Standing {
    // Told with another one; or of what was before it hardly anything is known, or no longer.
    if (shift.aside || !shift.usual) && shift.over_at.is_none() {
        return Standing::Between;
    }
    if let Some(at) = shift.over_at {
        return Standing::Good(format!("{at}|as before since {at:.0}"));
    }
    Standing::Bad {
        summary: sentence(shift, changes),
        onset_at: shift.onset_at,
        seen_at: shift.seen_at,
    }
}

/// What happened, since when, and with what.
fn sentence(shift: &Shift, changes: &[Change]) -> String {
    let (before, after) = (shift.before, shift.after);
    let mut text = match &shift.concern.signal {
        PipelineSignal::Duration => format!("runs {}", slower(before, after)),
        PipelineSignal::Stage(stage) => format!("stage `{stage}` {}", slower(before, after)),
        PipelineSignal::Queue => {
            format!("runs wait longer: median {} -> {}", length(before), length(after))
        }
        PipelineSignal::Success => {
            format!("fewer runs end well: {:.0}% -> {:.0}%", 100.0 * before, 100.0 * after)
        }
        PipelineSignal::Flaky => format!(
            "more tests are flaky: {:.1}% -> {:.1}%",
            100.0 * (1.0 - before),
            100.0 * (1.0 - after)
        ),
    };
    let place = [
        shift.concern.branch.as_ref().map(|b| format!("on `{b}`")),
        shift
            .concern
            .trigger
            .as_ref()
            .filter(|t| *t != "unknown")
            .map(|t| format!("set off by {t}")),
    ];
    let mut place: Vec<String> = place.into_iter().flatten().collect();
    if shift.concern.branch.is_none() && shift.concern.signal != PipelineSignal::Flaky {
        place.push("on branches with few runs of their own".to_owned());
    }
    if !place.is_empty() {
        text += &format!(" ({})", place.join(", "));
    }
    text += &format!(" since {:.0}", shift.onset_at);
    if let Some((stage, before, after)) = &shift.mostly {
        text += &format!(", mostly stage `{stage}`: {} -> {}", length(*before), length(*after));
    }
    text + &blame(shift, changes)
}

fn slower(before: f64, after: f64) -> String {
    let by = 100.0 * (after / before.max(1e-3) - 1.0);
    format!("got {by:.0}% slower: median {} -> {}", length(before), length(after))
}

/// The commit that it began with, and what else was changed then.
fn blame(shift: &Shift, changes: &[Change]) -> String {
    let named = |s: &super::Suspect| {
        let hash: String = s.commit.chars().take(10).collect();
        let message = s.message.as_ref().map(|m| {
            let short: String = m.chars().take(72).collect();
            format!(" `{}`", short.replace('`', "'"))
        });
        let author = s.author.as_ref().map(|a| format!(" by {a}")).unwrap_or_default();
        format!("{hash}{}{author}", message.unwrap_or_default())
    };
    let mut text = match shift.suspects.as_slice() {
        [] if shift.concern.signal == PipelineSignal::Flaky => String::new(),
        [] => {
            "; no new commit began with it: look at its machines, its caches and what it downloads"
                .to_owned()
        }
        [one] => format!("; it began with commit {}", named(one)),
        [one, rest @ ..] => {
            let rest: Vec<String> =
                rest.iter().map(|s| s.commit.chars().take(10).collect::<String>()).collect();
            format!("; it began with commit {}, or with {}", named(one), rest.join(" or "))
        }
    };
    let then: Vec<String> = logged(shift, changes);
    if !then.is_empty() {
        text += &format!("; logged at that time: {}", then.join(", "));
    }
    text
}

/// Changes logged between the last run of the old level and the first of the new one, that could touch a pipeline.
fn logged(shift: &Shift, changes: &[Change]) -> Vec<String> {
    let from = shift.before_at.max(shift.onset_at.checked_sub(LOGGED).unwrap_or(shift.before_at));
    let own = |c: &&Change| {
        let service = shift.concern.service.as_ref().is_some_and(|s| c.services.contains(s));
        let machines = matches!(c.kind, ChangeKind::Infra | ChangeKind::Config | ChangeKind::Drift);
        c.started_at >= from && c.started_at <= shift.onset_at && (service || machines)
    };
    let words = |c: &Change| {
        let title = c.title.as_ref().map(|t| t.chars().take(60).collect::<String>());
        let title = title.map(|t| format!(" \"{}\"", t.replace('`', "'"))).unwrap_or_default();
        format!("{} `{}`{title}", c.kind, c.id)
    };
    changes.iter().filter(own).take(NAMED).map(words).collect()
}
