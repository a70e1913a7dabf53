//! ConfigMaps and Secrets: what was altered, unless the roll-out that it belongs to says it.
//!
//! Tools write a ConfigMap and the Deployment that uses it within the same second, and the two watches bring them in any order. So an
//! altered one waits a little: a roll-out of a workload that uses it, begun at about that time, takes it up as a label. What no roll-out
//! follows is a change of its own: pods see mounted files without being made anew, and the next pod sees the rest.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::object::Object;

/// How long an altered one waits for a roll-out.
pub(super) const WAIT: SignedDuration = SignedDuration::from_secs(15);
/// How much earlier the roll-out may have begun.
pub(super) const BEFORE: SignedDuration = SignedDuration::from_secs(30);

/// What is remembered of a ConfigMap or Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settled {
    hash: String,
    /// Since when it is so, as far as known.
    since: Timestamp,
    /// What it is here, where its own labels say so.
    pub(super) service: Option<String>,
    pub(super) environment: Option<String>,
    /// What was altered and is not told yet.
    pub(super) waits: Option<Waiting>,
}

/// An altered ConfigMap or Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// What makes its id another one each time.
    pub(super) version: String,
    /// When it was altered.
    pub(super) at: Timestamp,
    /// When that was seen.
    pub(super) seen: Timestamp,
    /// The hash of what is in it now; none where it is gone.
    pub(super) hash: Option<String>,
    pub(super) manager: Option<String>,
}

/// Secrets that nobody configures: tokens of service accounts, the records of Helm, what machines join with.
pub(super) fn of_machines(object: Object<'_>) -> bool {
    object.body.at("type").text().is_some_and(|kind| {
        kind.starts_with("helm.sh/")
            || kind == "kubernetes.io/service-account-token"
            || kind == "bootstrap.kubernetes.io/token"
    })
}

impl Settled {
    pub(super) fn first(object: Object<'_>, now: Timestamp) -> Self {
        let since = object.body.at("changed_at").time().or_else(|| object.created_at());
        Self {
            hash: object.body.at("hash").text().unwrap_or_default().to_owned(),
            since: since.unwrap_or(now).min(now),
            service: None,
            environment: None,
            waits: None,
        }
    }

    /// The object as it is now.
    pub(super) fn look(&mut self, object: Object<'_>, now: Timestamp) {
        let hash = object.body.at("hash").text().unwrap_or_default();
        if hash == self.hash {
            return;
        }
        hash.clone_into(&mut self.hash);
        let noted = object.body.at("changed_at").time();
        let second = SignedDuration::from_secs(1);
        let at = noted.filter(|at| *at + second > self.since && *at <= now).unwrap_or(now);
        let before = self.waits.take();
        self.waits = Some(Waiting {
            version: object.body.at("metadata.resourceVersion").word().unwrap_or_default(),
            // Altered twice while it waits: one change, from its beginning.
            at: before.as_ref().map_or(at, |w| w.at),
            seen: before.map_or(now, |w| w.seen),
            hash: Some(hash.to_owned()),
            manager: object.body.at("manager").text().map(str::to_owned),
        });
        self.since = at;
    }

    /// It is gone.
    pub(super) fn gone(&mut self, now: Timestamp) {
        let gone = Waiting {
            version: format!("gone-{}", now.as_second()),
            at: now,
            seen: now,
            hash: None,
            manager: None,
        };
        self.waits = Some(gone);
    }
}
