//! The metrics, as text for Prometheus: the only user of `prometheus`.
//!
//! [`Exporter`] is told what happened and remembers what a scrape shall show. It must never read a store or a clock, and
//! must never fail or delay whoever tells it something. What a run looked like carries the names of `blackbox_exporter`,
//! so that existing boards and rules work; they speak of the last run, not of the scrape, and
//! `wayfarer_run_last_timestamp_seconds` tells when that was. Everything else begins with `wayfarer_`. Series of journeys
//! that are gone and of old changes disappear.
//!
//! The crate's `*Vec` types are not used: they tell series apart by a hash of the label values run together, so that
//! `("ab", "c")` and `("a", "bc")` would be one series. The families here keep the values themselves.

mod agent;
mod browser;
mod changes;
mod declared;
mod delivery;
mod exporter;
mod family;
mod hooks;
mod kubernetes;
mod pipelines;
mod runs;
mod slo;
mod turns;

#[cfg(test)]
mod tests;

pub use declared::{Declared, declared};
pub use exporter::{ExportError, Exporter};
pub use pipelines::PipelineRunSeen;
