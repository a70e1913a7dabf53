//! What stands in an environment: its services, what is deployed of each, and whether a journey would notice.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    filter::Filter,
    words::{When, change_link, shortened},
};
use crate::{
    daemon::Setup,
    model::{Deployment, EnvironmentName, ServiceName},
    render::review::digest::service_link,
};

/// An environment on the first page.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    /// Its name.
    name: String,
    /// Where it is.
    base_url: String,
    /// Its services.
    services: Vec<ServiceChip>,
    /// How many of them no journey covers.
    uncovered: usize,
}

/// A service in an environment.
#[derive(Debug, Serialize)]
pub(super) struct ServiceChip {
    /// Its name.
    name: String,
    /// Its page, from the root.
    page: String,
    /// The version that is deployed; empty where nobody said.
    version: String,
    /// Since when.
    since: Option<When>,
    /// The change that deployed it; empty where nobody said.
    link: String,
    /// Whether a journey touches it here.
    covered: bool,
    /// How many journeys do.
    journeys: usize,
}

/// The environments that a reader wants, with their services; only those of their services that the reader wants.
pub(super) fn places(
    setup: &Setup,
    filter: &Filter,
    deployed: &BTreeMap<EnvironmentName, BTreeMap<ServiceName, Deployment>>,
) -> Vec<Place> {
    let wanted = setup.environments.values().filter(|e| filter.wants_environment(e.name.as_str()));
    wanted
        .map(|environment| {
            let nothing = BTreeMap::new();
            let here = deployed.get(&environment.name).unwrap_or(&nothing);
            let mut touched: BTreeMap<ServiceName, usize> = BTreeMap::new();
            for scheduled in setup.journeys_in(&environment.name) {
                let own = scheduled.journey.services.iter().cloned();
                let named = scheduled.journey.step_services().into_values();
                let all: Vec<ServiceName> = own.chain(named).collect();
                for service in setup.reach(&all).into_iter().collect::<BTreeSet<_>>() {
                    *touched.entry(service).or_default() += 1;
                }
            }
            let mut names: BTreeSet<&ServiceName> = touched.keys().collect();
            names.extend(setup.settings.services.keys());
            names.extend(here.keys());
            let chip = |name: &ServiceName| {
                let deployment = here.get(name);
                let journeys = touched.get(name).copied().unwrap_or_default();
                ServiceChip {
                    page: service_link(name.as_str()),
                    name: name.to_string(),
                    version: deployment.map(|d| shortened(&d.version)).unwrap_or_default(),
                    since: deployment.map(|d| When::minute(d.at)),
                    link: deployment.map(|d| change_link(d.change.as_str())).unwrap_or_default(),
                    covered: journeys > 0,
                    journeys,
                }
            };
            let of_reader = names.into_iter().filter(|name| filter.wants_service(setup, name));
            let services: Vec<ServiceChip> = of_reader.map(chip).collect();
            Place {
                name: environment.name.to_string(),
                base_url: environment.vars.get("base_url").cloned().unwrap_or_default(),
                uncovered: services.iter().filter(|s| !s.covered).count(),
                services,
            }
        })
        .collect()
}
