//! The API, one file a resource.

pub(super) mod changes;
pub(super) mod findings;
pub(super) mod gate;
pub(super) mod health;
pub(super) mod journeys;
pub(super) mod query;
pub(super) mod runs;
pub(super) mod series;
