//! Who may tell of changes by webhook, and where what they tell belongs: `[hooks.NAME]` and `[[place]]`.

use std::collections::BTreeMap;

use super::{EnvironmentName, SecretSource, ServiceName};

/// `[hooks.NAME]`: the webhook at `/hooks/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookSettings {
    /// Whose bodies come there; the hook's own name by default.
    pub sender: String,
    /// What the sender signs with, or shows where its kind of webhook has a place for it.
    pub secret: Option<SecretSource>,
    /// What the sender shows as `Authorization: Bearer`, as the password of `Basic`, or as the last part of the address.
    pub token: Option<SecretSource>,
    /// What is missing in a body.
    pub defaults: HookDefaults,
    /// The Grafana that annotations are passed on to.
    pub forward: Option<ForwardSettings>,
}

/// What is filled in where a sender does not say it, and its names for things that are called otherwise here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookDefaults {
    /// The service.
    pub service: Option<ServiceName>,
    /// The environment.
    pub environment: Option<EnvironmentName>,
    /// The sender's names of services (repositories, applications) and ours.
    pub services: BTreeMap<String, ServiceName>,
    /// The sender's names of environments and ours.
    pub environments: BTreeMap<String, EnvironmentName>,
}

/// `forward` of a hook: where else a body goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardSettings {
    /// The base address, such as `https://grafana.example.com`.
    pub url: String,
    /// What is shown there as `Authorization: Bearer`; by default what the caller showed us.
    pub token: Option<SecretSource>,
}

/// `[[place]]`: a rule for changes that do not say what or where, or say it in other words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceRule {
    /// What must be so, by the name of a field or label; `*` stands for any text. All of it must hold.
    pub when: BTreeMap<String, String>,
    /// The service it then has.
    pub service: Option<ServiceName>,
    /// The environment it then has.
    pub environment: Option<EnvironmentName>,
    /// Whether this also takes the place of what the sender said.
    pub replace: bool,
    /// Whether it is dropped.
    pub ignore: bool,
}
