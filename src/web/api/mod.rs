//! The API, one file a resource.

pub(super) mod annotations;
pub(super) mod changes;
pub(super) mod delivery;
pub(super) mod findings;
pub(super) mod flagger;
pub(super) mod gate;
pub(super) mod health;
pub(super) mod hooks;
pub(super) mod journeys;
pub(super) mod openapi;
pub(super) mod outbox;
pub(super) mod query;
pub(super) mod review;
pub(super) mod rollback;
pub(super) mod runs;
pub(super) mod said;
pub(super) mod series;
pub(super) mod slo;
