//! A place where journeys run, ready for use: its secrets are resolved.

use std::collections::BTreeMap;

use super::{EnvironmentName, Network, Secret, Transport};

/// An environment as an engine needs it. [`super::EnvironmentSettings`] is what the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// Plain variables for templates, `base_url` among them.
    pub vars: BTreeMap<String, String>,
    /// Which addresses and hosts its steps may reach.
    pub network: Network,
    /// Secret variables for templates; their values are masked in everything an engine returns.
    pub secrets: BTreeMap<String, Secret>,
    /// How its hosts are reached.
    pub transport: Transport,
    /// The private key (PEM) that belongs to [`Transport::client_certificate`].
    pub client_key: Option<Secret>,
}
