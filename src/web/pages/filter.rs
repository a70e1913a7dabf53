//! What a reader wants to see: in the address, so that a view can be kept as a bookmark and sent to others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::words::encoded;
use crate::{
    daemon::Setup,
    model::{Change, Journey, SavedView, ServiceName},
};

/// The part of an address behind `?` that all lists understand. What is empty is not said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Filter {
    /// Journeys and changes of this service.
    pub(super) service: String,
    /// Of this environment.
    pub(super) environment: String,
    /// Of what this owner looks after.
    pub(super) owner: String,
    /// `operator`, `developer` or `product`.
    pub(super) view: String,
    /// Which page of a long list, from 1.
    pub(super) page: usize,
}

/// A choice in a list.
#[derive(Debug, Serialize)]
pub(super) struct Choice {
    /// Its value, and how it is called.
    pub(super) name: String,
    /// Whether it is the one.
    pub(super) chosen: bool,
}

/// A link to another view of the same.
#[derive(Debug, Serialize)]
pub(super) struct ViewLink {
    /// How it is called.
    pub(super) name: &'static str,
    /// What it is for.
    pub(super) text: &'static str,
    /// Behind `?`.
    pub(super) query: String,
    /// Whether it is this one.
    pub(super) chosen: bool,
}

/// A link to a view that is kept by a name.
#[derive(Debug, Serialize)]
pub(super) struct SavedLink {
    name: String,
    query: String,
    chosen: bool,
}

/// The bar above a list.
#[derive(Debug, Serialize)]
pub(super) struct Bar {
    services: Vec<Choice>,
    environments: Vec<Choice>,
    owners: Vec<Choice>,
    views: Vec<ViewLink>,
    /// Those that are kept by a name.
    saved: Vec<SavedLink>,
    /// The view to be kept by the form.
    view: &'static str,
    /// Whether anything is left out.
    narrowed: bool,
    /// The same view of everything.
    all: String,
}

/// The three views: who reads it, and what for.
const VIEWS: [(&str, &str); 3] = [
    ("operator", "is it all right now"),
    ("developer", "what my changes did"),
    ("product", "how it feels to users, by the week"),
];

impl Filter {
    /// The view, the operator's where another word stands.
    pub(super) fn view(&self) -> &'static str {
        let known = VIEWS.iter().find(|(name, _)| *name == self.view);
        known.map_or(VIEWS[0].0, |(name, _)| name)
    }

    /// Whether a journey belongs to it.
    pub(super) fn wants_journey(&self, setup: &Setup, journey: &Journey) -> bool {
        let services = || setup.reach(&journey.services);
        let service = self.service.is_empty()
            || services().iter().any(|service| service.as_str() == self.service);
        let owned = self.owner.is_empty()
            || journey.owner.as_deref() == Some(self.owner.as_str())
            || journey.services.iter().any(|service| self.owns(setup, service));
        service && owned
    }

    /// Whether an environment belongs to it.
    pub(super) fn wants_environment(&self, environment: &str) -> bool {
        self.environment.is_empty() || self.environment == environment
    }

    /// Whether a service belongs to it.
    pub(super) fn wants_service(&self, setup: &Setup, service: &ServiceName) -> bool {
        (self.service.is_empty() || self.service == service.as_str())
            && (self.owner.is_empty() || self.owns(setup, service))
    }

    /// Whether a change belongs to it.
    pub(super) fn wants_change(&self, setup: &Setup, change: &Change) -> bool {
        let place =
            self.environment.is_empty() || change.touches(&self.environment.as_str().into());
        place
            && (change.services.is_empty()
                || change.services.iter().any(|service| self.wants_service(setup, service)))
    }

    fn owns(&self, setup: &Setup, service: &ServiceName) -> bool {
        let known = setup.settings.services.get(service).and_then(|s| s.owner.as_deref());
        known == Some(self.owner.as_str())
    }

    /// As it stands behind `?`, with another view and page.
    pub(super) fn query(&self, view: &str, page: usize) -> String {
        let pairs = [
            ("view", if view == VIEWS[0].0 { "" } else { view }),
            ("service", &self.service),
            ("environment", &self.environment),
            ("owner", &self.owner),
        ];
        let said = pairs.iter().filter(|(_, value)| !value.is_empty());
        let mut parts: Vec<String> =
            said.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if page > 1 {
            parts.push(format!("page={page}"));
        }
        format!("?{}", parts.join("&"))
    }

    fn link(&self, saved: &SavedView) -> SavedLink {
        let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
        let filter = Self {
            service: text(saved.service.as_ref().map(|s| s.as_str())),
            environment: text(saved.environment.as_ref().map(|e| e.as_str())),
            owner: text(saved.owner.as_deref()),
            ..Self::default()
        };
        let query = filter.query(saved.view.as_str(), 1);
        let chosen = query == self.query(self.view(), 1);
        SavedLink { name: saved.name.clone(), query, chosen }
    }

    /// The bar with everything there is to choose from.
    pub(super) fn bar(&self, setup: &Setup) -> Bar {
        let mut services: BTreeSet<&str> =
            setup.settings.services.keys().map(ServiceName::as_str).collect();
        let mut owners: BTreeSet<&str> =
            setup.settings.services.values().filter_map(|s| s.owner.as_deref()).collect();
        for scheduled in setup.journeys.values() {
            services.extend(scheduled.journey.services.iter().map(|s| s.as_str()));
            owners.extend(scheduled.journey.owner.as_deref());
        }
        let environments: BTreeSet<&str> = setup.environments.keys().map(|e| e.as_str()).collect();
        let view = self.view();
        Bar {
            services: choices(services, &self.service),
            environments: choices(environments, &self.environment),
            owners: choices(owners, &self.owner),
            views: VIEWS
                .iter()
                .map(|(name, text)| ViewLink {
                    name,
                    text,
                    query: self.query(name, 1),
                    chosen: *name == view,
                })
                .collect(),
            saved: setup.settings.views.iter().map(|saved| self.link(saved)).collect(),
            view: if view == VIEWS[0].0 { "" } else { view },
            narrowed: !(self.service.is_empty()
                && self.environment.is_empty()
                && self.owner.is_empty()),
            all: Self::default().query(view, 1),
        }
    }
}

fn choices(names: BTreeSet<&str>, chosen: &str) -> Vec<Choice> {
    let choice = |name: &str| Choice { name: name.to_owned(), chosen: name == chosen };
    names.into_iter().map(choice).collect()
}
