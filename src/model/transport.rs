//! How the hosts of an environment are reached.

use std::{collections::BTreeMap, net::IpAddr};

use super::{Attachment, Text, Tracing};

/// What `[environments.NAME]` says of connections and TLS. Nothing in it is secret; the key of the client's certificate stands beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transport {
    /// The HTTP proxy all requests go through.
    pub proxy: Option<Proxy>,
    /// Authorities (PEM) that are trusted besides those of the system.
    pub ca: Option<Attachment>,
    /// The client's certificate and the chain above it (PEM), shown to servers that ask for one.
    pub client_certificate: Option<Attachment>,
    /// Names that are answered from here instead of being looked up; lower case.
    pub resolve: BTreeMap<String, IpAddr>,
    /// Whether any certificate is taken. Runs, `check` and the log say so.
    pub insecure: bool,
    /// Headers of every request; a step's own wins.
    pub headers: Vec<(String, Text)>,
    /// How its runs are found in its own tracing.
    pub tracing: Tracing,
}

/// `proxy = "http://user:{{secret}}@proxy:3128"`, taken apart: what is filled in is never read as a part of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// `http://host:port`.
    pub address: Text,
    /// The user's name.
    pub user: Option<Text>,
    /// Their password.
    pub password: Option<Text>,
}
