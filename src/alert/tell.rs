//! Whether there is anything new to tell one receiver of one incident.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    incident::{Incident, gravity},
    policy::{Knowledge, change_concerns, concerns, quiet},
};
use crate::model::{
    Finding, FindingId, FindingKind, FindingState, Gravity, Happening, Notice, Policy,
};

/// What one receiver was told last of one incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The gravest that was told since it began.
    pub gravity: Gravity,
    /// Whether it goes on, as far as was told.
    pub firing: bool,
    /// The findings in it.
    pub findings: BTreeSet<FindingId>,
    /// The journeys that were told, each with its environment.
    pub journeys: BTreeSet<String>,
    /// Whether somebody has taken all of it on.
    pub acknowledged: bool,
    /// How many messages were made.
    pub count: u32,
    /// When the last one was.
    pub at: Timestamp,
    /// What tells it from others, as it was when it began.
    pub labels: BTreeMap<String, String>,
    /// The last message, for receivers that must be told again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Box<Notice>>,
}

/// Something to remember for a receiver, and mostly to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling<'a> {
    /// What is new.
    pub happening: Happening,
    /// How grave it is, or was.
    pub gravity: Gravity,
    /// How grave it was when it was told last, while that went on.
    pub was: Option<Gravity>,
    /// Whether it is worth a message; else it is only remembered.
    pub said: bool,
    /// The findings that concern the receiver: those that go on, or all when it is over.
    pub findings: Vec<&'a Finding>,
    /// What the receiver has been told then; labels and notice are filled in with the message.
    pub told: Told,
}

/// What is to be told now; none while there is nothing new, or the receiver is not to be disturbed.
pub fn tell<'a>(
    incident: &'a Incident,
    told: Option<&Told>,
    policy: &Policy,
    knowledge: &Knowledge,
    now: Timestamp,
) -> Option<Telling<'a>> {
    let view = View::of(incident, policy, knowledge, now);
    let before = told.filter(|told| told.firing);
    let Some(now_grave) = view.gravity else {
        let before = before.filter(|_| !view.veiled)?;
        return end(incident, &view, before, policy, now);
    };
    if quiet(policy, now_grave, now) {
        return None;
    }
    let journeys: BTreeSet<String> = view.active.iter().map(|finding| journey(finding)).collect();
    let findings: BTreeSet<FindingId> = view.active.iter().map(|f| f.id.clone()).collect();
    let Some(before) = before else {
        let told = Told {
            gravity: now_grave,
            firing: true,
            findings,
            journeys,
            acknowledged: view.acknowledged,
            count: told.map_or(0, |told| told.count).saturating_add(1),
            at: now,
            labels: BTreeMap::new(),
            notice: None,
        };
        let said = policy.events.contains(&Happening::Opened);
        let (happening, findings) = (Happening::Opened, view.active);
        return Some(Telling { happening, gravity: now_grave, was: None, said, findings, told });
    };
    let due =
        policy.repeat.is_some_and(|every| before.at.checked_add(every).is_ok_and(|due| due <= now));
    // Another environment is hit: what was told of one says nothing of the other.
    let spread = view.active.iter().any(|finding| {
        let place = format!("{}/", finding.environment);
        !before.journeys.is_empty() && !before.journeys.iter().any(|told| told.starts_with(&place))
    });
    let happening = if now_grave > before.gravity || spread {
        Some(Happening::Worsened)
    } else if !journeys.is_subset(&before.journeys) && policy.events.contains(&Happening::Joined) {
        Some(Happening::Joined)
    } else if view.acknowledged && !before.acknowledged {
        Some(Happening::Acknowledged)
    } else if due && !view.acknowledged && !view.active.is_empty() {
        Some(Happening::Repeated)
    } else {
        None
    };
    let said = happening.is_some_and(|happening| policy.events.contains(&happening));
    let mut next = before.clone();
    next.gravity = next.gravity.max(now_grave);
    next.findings.extend(findings);
    next.journeys.extend(journeys);
    next.acknowledged = view.acknowledged;
    if said {
        next.count = next.count.saturating_add(1);
        next.at = now;
    }
    (next != *before).then(|| Telling {
        happening: happening.unwrap_or(Happening::Joined),
        gravity: now_grave,
        was: (now_grave > before.gravity).then_some(before.gravity),
        said,
        findings: view.active,
        told: next,
    })
}

/// Its end, where that was told to go on.
fn end<'a>(
    incident: &'a Incident,
    view: &View<'a>,
    before: &Told,
    policy: &Policy,
    now: Timestamp,
) -> Option<Telling<'a>> {
    if !policy.keeps_state && quiet(policy, before.gravity, now) {
        return None;
    }
    let last = view.all.iter().max_by_key(|finding| finding.updated_at);
    let happening = match last.map(|finding| finding.state) {
        Some(FindingState::Dismissed) => Happening::Dismissed,
        Some(FindingState::Explained) => Happening::Explained,
        _ => Happening::Recovered,
    };
    // What a change explains is told with that change; a failed deployment of long ago is nobody's news.
    let passed = view.all.is_empty()
        && incident.change.as_ref().is_some_and(|c| c.state != crate::model::ChangeState::Finished);
    let told_elsewhere = happening == Happening::Explained || passed;
    let said = policy.events.contains(&happening) && (policy.keeps_state || !told_elsewhere);
    let mut told = before.clone();
    told.firing = false;
    if said {
        told.count = told.count.saturating_add(1);
        told.at = now;
    }
    // Where what it did to budgets lingers, the rest is what is over.
    let open = incident.findings.iter().any(|f| f.state == FindingState::Open);
    let rest = view.all.iter().map(|f| gravity(f.kind)).max().filter(|_| open);
    Some(Telling {
        happening,
        gravity: rest.unwrap_or(before.gravity),
        was: None,
        said,
        findings: view.all.clone(),
        told,
    })
}

/// An incident as one receiver sees it.
struct View<'a> {
    /// What goes on and is not under maintenance.
    active: Vec<&'a Finding>,
    /// Everything that concerns the receiver, whether it goes on or not.
    all: Vec<&'a Finding>,
    /// How grave it is; none when nothing goes on.
    gravity: Option<Gravity>,
    /// Whether something goes on under maintenance.
    veiled: bool,
    /// Whether somebody has taken all of it on.
    acknowledged: bool,
}

impl<'a> View<'a> {
    fn of(incident: &'a Incident, policy: &Policy, knowledge: &Knowledge, now: Timestamp) -> Self {
        let change = incident.change.as_ref();
        let mut all: Vec<&Finding> = incident
            .findings
            .iter()
            .filter(|f| policy.findings.contains(&gravity(f.kind)))
            .filter(|f| concerns(policy, knowledge, f, change))
            .collect();
        let known = all.clone();
        all.retain(|f| !lingers(f, &known, now));
        let open = all.iter().copied().filter(|f| f.state == FindingState::Open);
        let (under, active): (Vec<&Finding>, Vec<&Finding>) =
            open.partition(|f| knowledge.maintained(f, change, now));
        let mut veiled = !under.is_empty();
        let mut grave = active.iter().map(|f| gravity(f.kind)).max();
        if let (Some(trouble), Some(change)) = (incident.trouble, change)
            // What it did to journeys speaks for it; once that is over, so is this.
            && all.is_empty()
            && policy.findings.contains(&trouble.gravity())
            && change_concerns(policy, knowledge, change)
        {
            if knowledge.change_maintained(change, now) {
                veiled = true;
            } else {
                grave = Some(trouble.gravity());
            }
        }
        // Who takes on the harm of a change takes on what began with it.
        let own = |f: &&&Finding| change.is_none() || f.change.is_some();
        let acknowledged = active.iter().any(|f| own(&f))
            && active.iter().filter(own).all(|f| f.acknowledged.is_some());
        Self { active, all, gravity: grave, veiled, acknowledged }
    }
}

/// Whether a budget is still called burning only because what burnt it is not forgotten yet: the trouble of its journey is over, and the shorter windows
/// of the burn rates hold it for a while (30 minutes and 6 hours, as the SRE workbook has them). Nobody should wait that long to hear that it is over;
/// what burns on is told after it.
fn lingers(finding: &Finding, known: &[&Finding], now: Timestamp) -> bool {
    let memory = match finding.kind {
        FindingKind::BudgetFast => SignedDuration::from_mins(40),
        FindingKind::BudgetSlow => SignedDuration::from_mins(390),
        _ => return false,
    };
    let same = |f: &&&Finding| {
        !f.kind.is_budget()
            && (&f.journey, &f.environment, &f.location)
                == (&finding.journey, &finding.environment, &finding.location)
    };
    let harm = || known.iter().filter(same);
    if finding.state != FindingState::Open || harm().any(|f| f.state == FindingState::Open) {
        return false;
    }
    let over = harm().filter(|f| f.state == FindingState::Recovered).filter_map(|f| f.closed_at);
    let Some(over) = over.max() else { return false };
    // What was found long after it was over is of something else.
    let own = finding.opened_at <= over.checked_add(SPENT).unwrap_or(over);
    own && now < over.checked_add(memory).unwrap_or(over)
}

/// So long after trouble is over it may still be found that it spends a budget: books are kept by the minute.
const SPENT: SignedDuration = SignedDuration::from_mins(5);

/// A journey where it is walked.
fn journey(finding: &Finding) -> String {
    format!("{}/{}", finding.environment, finding.journey)
}

#[cfg(test)]
pub(super) mod tests;
