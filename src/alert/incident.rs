//! Findings and troubles of changes, gathered: one incident for one change, or for one environment.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Change, ChangeId, ChangeState, EnvironmentName, Finding, FindingKind, FindingState, Gravity,
};

/// A failed or overdue change is no longer news after this.
const PASSING: Duration = Duration::from_secs(4 * 3600);
/// A change that began so long before it could be overdue is forgotten, not overdue.
const FORGOTTEN: Duration = Duration::from_secs(86_400);

/// Findings that began so near to each other have one cause.
const TOGETHER: SignedDuration = SignedDuration::from_secs(90);

/// What is wrong with a change itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeTrouble {
    /// It is under way for too long, since then.
    Overdue(Timestamp),
    /// It was given up, at that time.
    Failed(Timestamp),
}

/// Trouble that is told as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id: the same for as long as it goes on.
    pub id: String,
    /// The change that is blamed, failed or overdue.
    pub change: Option<Change>,
    /// What was found, open or closed.
    pub findings: Vec<Finding>,
    /// What is wrong with the change itself.
    pub trouble: Option<ChangeTrouble>,
}

/// What is wrong with a change now; `newer` says that a later change of the same service was finished.
pub fn change_trouble(
    change: &Change,
    newer: bool,
    overdue: Duration,
    now: Timestamp,
) -> Option<ChangeTrouble> {
    match change.state {
        ChangeState::Finished => None,
        ChangeState::Failed => {
            let at = change.settled_at();
            let over = at.checked_add(PASSING).is_ok_and(|end| end <= now);
            (!newer && !over && at <= now).then_some(ChangeTrouble::Failed(at))
        }
        ChangeState::Started => {
            let due = change.started_at.checked_add(overdue).ok()?;
            let over = due.checked_add(FORGOTTEN).is_ok_and(|end| end <= now);
            (due <= now && !newer && !over).then_some(ChangeTrouble::Overdue(due))
        }
    }
}

/// The incident of a change.
pub(super) fn of_change(id: &ChangeId) -> String {
    format!("change:{id}")
}

/// The incidents that go on, and those that ended lately.
#[derive(Debug, Clone, Default)]
pub struct Incidents {
    all: BTreeMap<String, Incident>,
}

impl Incidents {
    /// Takes in a finding as it stands now; gives the id of its incident. `known`: the incident it was told in before a restart.
    pub fn finding(&mut self, finding: &Finding, known: Option<&str>) -> String {
        let id = match (&finding.change, known) {
            (Some(change), _) => of_change(change),
            (None, Some(known)) => known.to_owned(),
            (None, None) if finding.pipeline.is_some() => self.of_pipeline(finding),
            (None, None) => self.unexplained(finding),
        };
        let incident = self.entry(&id);
        match incident.findings.iter_mut().find(|f| f.id == finding.id) {
            Some(old) => old.clone_from(finding),
            None => incident.findings.push(finding.clone()),
        }
        id
    }

    /// Takes in a change and what is wrong with it; gives the id of its incident where there is one.
    pub fn change(&mut self, change: &Change, trouble: Option<ChangeTrouble>) -> Option<String> {
        let id = of_change(&change.id);
        if trouble.is_none() && !self.all.contains_key(&id) {
            return None;
        }
        let incident = self.entry(&id);
        incident.change = Some(change.clone());
        incident.trouble = trouble;
        Some(id)
    }

    /// Whether there is an incident of a change.
    pub fn knows(&self, change: &ChangeId) -> bool {
        self.all.contains_key(&of_change(change))
    }

    /// All incidents.
    pub fn iter(&self) -> impl Iterator<Item = &Incident> {
        self.all.values()
    }

    /// Lets go of what is over and of which nobody is still to be told.
    pub fn retain(&mut self, still_told: impl Fn(&str) -> bool) {
        self.all.retain(|id, incident| incident.goes_on() || still_told(id));
    }

    fn entry(&mut self, id: &str) -> &mut Incident {
        self.all.entry(id.to_owned()).or_insert_with(|| Incident {
            id: id.to_owned(),
            change: None,
            findings: Vec::new(),
            trouble: None,
        })
    }

    /// All that is wrong with one pipeline is one incident, as long as any of it goes on.
    fn of_pipeline(&self, finding: &Finding) -> String {
        let own = |f: &Finding| f.pipeline.is_some() && f.journey == finding.journey;
        let here = |incident: &&Incident| {
            incident.findings.iter().any(|f| f.id == finding.id)
                || incident.goes_on() && incident.findings.iter().any(own)
        };
        match self.all.values().find(here) {
            Some(incident) => incident.id.clone(),
            None => format!("pipeline:{}:{}", finding.journey, finding.id),
        }
    }

    /// What no change explains is one incident for an environment, as long as any of it goes on. What began together with the harm of a change
    /// is told with that.
    fn unexplained(&self, finding: &Finding) -> String {
        let began = |f: &Finding| f.onset_at.unwrap_or(f.opened_at);
        let together = |incident: &&Incident| {
            incident.findings.iter().any(|f| {
                f.change.is_some()
                    && f.state == FindingState::Open
                    && f.environment == finding.environment
                    && began(f).duration_since(began(finding)).abs() <= TOGETHER
            })
        };
        let member = |incident: &&Incident| incident.findings.iter().any(|f| f.id == finding.id);
        // What spends a budget is the trouble of its journey, if any is known: nobody is told of it twice.
        let same = |incident: &&Incident| {
            finding.kind.is_budget()
                && incident.findings.iter().any(|f| {
                    f.state == FindingState::Open
                        && (&f.journey, &f.environment, &f.location)
                            == (&finding.journey, &finding.environment, &finding.location)
                })
        };
        let known = self.all.values().find(member);
        let known = known.or_else(|| self.all.values().find(same));
        if let Some(incident) = known.or_else(|| self.all.values().find(together)) {
            return incident.id.clone();
        }
        let here = |incident: &&Incident| {
            incident.change.is_none()
                && incident.goes_on()
                && incident.environment() == Some(&finding.environment)
                && incident.findings.iter().all(|f| f.change.is_none() && f.pipeline.is_none())
        };
        match self.all.values().find(here) {
            Some(incident) => incident.id.clone(),
            None => format!("unexplained:{}:{}", finding.environment, finding.id),
        }
    }
}

impl Incident {
    /// Whether anything of it is open.
    pub fn goes_on(&self) -> bool {
        self.trouble.is_some() || self.findings.iter().any(|f| f.state == FindingState::Open)
    }

    fn environment(&self) -> Option<&EnvironmentName> {
        self.findings.first().map(|f| &f.environment)
    }
}

impl ChangeTrouble {
    /// How grave it is.
    pub fn gravity(self) -> Gravity {
        match self {
            Self::Overdue(_) => Gravity::Overdue,
            Self::Failed(_) => Gravity::Failed,
        }
    }

    /// Since when.
    pub fn since(self) -> Timestamp {
        match self {
            Self::Overdue(at) | Self::Failed(at) => at,
        }
    }
}

/// How grave a finding is.
pub(super) fn gravity(kind: FindingKind) -> Gravity {
    match kind {
        FindingKind::Suspected => Gravity::Suspected,
        FindingKind::Unexplained => Gravity::Unexplained,
        FindingKind::Pipeline => Gravity::Pipeline,
        FindingKind::Regressed => Gravity::Regressed,
        FindingKind::BudgetFast => Gravity::BudgetFast,
        FindingKind::BudgetSlow => Gravity::BudgetSlow,
    }
}
