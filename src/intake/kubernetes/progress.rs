//! How far a roll-out is: the whole check that `kubectl rollout status` makes, and what it leaves to the reader.
//!
//! A status speaks of the generation that its controller has seen; until it has seen the newest one, it says nothing. (That the condition
//! `Progressing` has the reason `NewReplicaSetAvailable` is not enough: it is still that of the roll-out before.)

use jiff::Timestamp;

use super::object::Object;
use crate::model::ObjectKind;

/// How far a roll-out is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// What is wanted is not being rolled out at all: paused, no pods wanted, behind a partition, or left to whoever deletes pods.
    Held,
    /// Under way.
    UnderWay,
    /// Everything that is wanted runs, since about then where it is known.
    Done(Option<Timestamp>),
    /// Given up, in the controller's words.
    Failed { at: Option<Timestamp>, why: String },
}

impl Progress {
    pub(super) fn of(object: Object<'_>) -> Self {
        if object.number("spec.replicas") == Some(0) {
            return Self::Held;
        }
        match object.kind {
            ObjectKind::Deployment => deployment(object),
            ObjectKind::StatefulSet => stateful_set(object),
            _ => daemon_set(object),
        }
    }
}

fn observed(object: Object<'_>) -> bool {
    let seen = object.number("status.observedGeneration").unwrap_or(0);
    seen > 0 && seen >= object.generation()
}

fn count(object: Object<'_>, field: &str) -> i64 {
    object.body.at("status").key(field).0.as_i64().unwrap_or(0)
}

fn deployment(object: Object<'_>) -> Progress {
    if object.body.at("spec.paused").truth() == Some(true) {
        return Progress::Held;
    }
    if !observed(object) {
        return Progress::UnderWay;
    }
    let progressing = object.condition("Progressing");
    let word = |field: &str| progressing.and_then(|c| c.at(field).text());
    let at = progressing.and_then(|c| c.at("lastUpdateTime").time());
    if word("reason") == Some("ProgressDeadlineExceeded") {
        let why = word("message").unwrap_or("it did not progress within its deadline");
        return Progress::Failed { at, why: why.to_owned() };
    }
    let wanted = object.number("spec.replicas").unwrap_or(1);
    let updated = count(object, "updatedReplicas");
    let all = updated >= wanted
        && count(object, "replicas") <= updated
        && count(object, "availableReplicas") >= updated
        && count(object, "unavailableReplicas") == 0;
    if !all {
        return Progress::UnderWay;
    }
    Progress::Done(at.filter(|_| word("reason") == Some("NewReplicaSetAvailable")))
}

/// How many pods of a StatefulSet stay as they are.
pub(super) fn partition(object: Object<'_>) -> i64 {
    object.number("spec.updateStrategy.rollingUpdate.partition").unwrap_or(0).max(0)
}

/// Whether the pods of both revisions of a StatefulSet may run at once.
pub(super) fn is_split(object: Object<'_>) -> bool {
    let revision = |field: &str| object.body.at("status").key(field).text();
    revision("updateRevision") != revision("currentRevision")
}

fn by_hand(object: Object<'_>) -> bool {
    object.body.at("spec.updateStrategy.type").text() == Some("OnDelete")
}

fn stateful_set(object: Object<'_>) -> Progress {
    let wanted = object.number("spec.replicas").unwrap_or(1);
    let updated = count(object, "updatedReplicas");
    let staying = partition(object);
    if staying >= wanted
        || (by_hand(object) && (!observed(object) || (updated == 0 && is_split(object))))
    {
        return Progress::Held;
    }
    if !observed(object) {
        return Progress::UnderWay;
    }
    let ready = count(object, "readyReplicas") >= wanted
        // Older API servers do not count those that are available.
        && object.number("status.availableReplicas").is_none_or(|n| n >= wanted);
    // Of pods that are deleted by hand the controller never says that all are of the new revision.
    let rolled = if staying > 0 || by_hand(object) {
        updated >= wanted - staying
    } else {
        !is_split(object)
    };
    if ready && rolled { Progress::Done(object.status_at()) } else { Progress::UnderWay }
}

fn daemon_set(object: Object<'_>) -> Progress {
    let wanted = count(object, "desiredNumberScheduled");
    let updated = count(object, "updatedNumberScheduled");
    if by_hand(object) && (!observed(object) || (updated == 0 && wanted > 0)) {
        return Progress::Held;
    }
    if !observed(object) {
        return Progress::UnderWay;
    }
    let all = updated >= wanted
        && count(object, "numberAvailable") >= wanted
        && count(object, "numberUnavailable") == 0;
    if all { Progress::Done(object.status_at()) } else { Progress::UnderWay }
}
