//! Whom a finding or a change concerns, and when nobody is to be told.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{
    Change, EnvironmentName, Finding, Gravity, JourneyName, Maintenance, Policy, ServiceName,
    Tracing,
};

/// What is known of a journey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JourneyFacts {
    /// Who looks after it.
    pub owner: Option<String>,
    /// What to do.
    pub runbook: Option<String>,
    /// What it touches.
    pub services: Vec<ServiceName>,
}

/// What must be known to route and to word messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Knowledge {
    /// The journeys.
    pub journeys: BTreeMap<JourneyName, JourneyFacts>,
    /// Who looks after services.
    pub owners: BTreeMap<ServiceName, String>,
    /// When nobody is told.
    pub maintenance: Vec<Maintenance>,
    /// Where people find this agent.
    pub public_url: Option<String>,
    /// Where traces of runs are looked at.
    pub tracing: BTreeMap<EnvironmentName, Tracing>,
    /// Where this agent stands: others may tell of the same change.
    pub location: String,
}

impl Knowledge {
    /// Who looks after what a finding is about: the journey's owner, else those of the services changed.
    pub fn owners_of(&self, finding: &Finding, change: Option<&Change>) -> Vec<String> {
        if let Some(concern) = &finding.pipeline {
            let service = concern.service.as_ref();
            return service.and_then(|s| self.owners.get(s)).cloned().into_iter().collect();
        }
        match self.journeys.get(&finding.journey).and_then(|facts| facts.owner.clone()) {
            Some(owner) => vec![owner],
            None => change.map(|change| self.owners_of_change(change)).unwrap_or_default(),
        }
    }

    /// Who looks after the services changed.
    pub fn owners_of_change(&self, change: &Change) -> Vec<String> {
        let mut owners: Vec<String> =
            change.services.iter().filter_map(|s| self.owners.get(s).cloned()).collect();
        owners.sort();
        owners.dedup();
        owners
    }

    /// Whether a finding is under maintenance.
    pub fn maintained(&self, finding: &Finding, change: Option<&Change>, now: Timestamp) -> bool {
        let mut services = self.services_of(finding);
        services.extend(change.into_iter().flat_map(|change| change.services.clone()));
        self.windows(now).any(|window| {
            fits(&window.environments, std::slice::from_ref(&finding.environment))
                && fits(&window.services, &services)
        })
    }

    /// Whether a change is under maintenance wherever it is.
    pub fn change_maintained(&self, change: &Change, now: Timestamp) -> bool {
        self.windows(now).any(|window| {
            let everywhere = !change.environments.is_empty()
                && change.environments.iter().all(|e| window.environments.contains(e));
            (window.environments.is_empty() || everywhere)
                && fits(&window.services, &change.services)
        })
    }

    fn windows(&self, now: Timestamp) -> impl Iterator<Item = &Maintenance> {
        self.maintenance.iter().filter(move |window| window.holds(now))
    }

    fn services_of(&self, finding: &Finding) -> Vec<ServiceName> {
        if let Some(concern) = &finding.pipeline {
            return concern.service.iter().cloned().collect();
        }
        self.journeys.get(&finding.journey).map(|facts| facts.services.clone()).unwrap_or_default()
    }
}

/// Whether nothing is wanted in particular, or something of it is there.
fn fits<T: PartialEq>(wanted: &[T], there: &[T]) -> bool {
    wanted.is_empty() || there.iter().any(|one| wanted.contains(one))
}

/// Whether a finding concerns a receiver.
pub(super) fn concerns(
    policy: &Policy,
    knowledge: &Knowledge,
    finding: &Finding,
    change: Option<&Change>,
) -> bool {
    let mut services = knowledge.services_of(finding);
    services.extend(change.into_iter().flat_map(|change| change.services.clone()));
    fits(&policy.environments, std::slice::from_ref(&finding.environment))
        && fits(&policy.journeys, std::slice::from_ref(&finding.journey))
        && fits(&policy.services, &services)
        && fits(&policy.owners, &knowledge.owners_of(finding, change))
}

/// Whether a change itself concerns a receiver.
pub(super) fn change_concerns(policy: &Policy, knowledge: &Knowledge, change: &Change) -> bool {
    let somewhere = |wanted: &[EnvironmentName]| {
        change.environments.is_empty() || fits(wanted, &change.environments)
    };
    somewhere(&policy.environments)
        && policy.journeys.is_empty()
        && fits(&policy.services, &change.services)
        && fits(&policy.owners, &knowledge.owners_of_change(change))
}

/// Whether a receiver is not to be disturbed with this now.
pub(super) fn quiet(policy: &Policy, gravity: Gravity, now: Timestamp) -> bool {
    policy.quiet.iter().any(|quiet| quiet.hours.hold(now) && !quiet.except.contains(&gravity))
}
