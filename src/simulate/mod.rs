//! Histories with known truth, made from a seed: what a detector is measured and tuned by.
//!
//! A [`Scenario`] draws a [`Case`]: one or more series with days, memory, spikes, bursts and failures, one or more changes, and
//! what is true of them. The same scenario and seed give the same case on every machine. Scenarios stand in three lists: those in
//! which nothing happened that a change is to blame for ([`quiet`]), those in which one did harm to one journey ([`harm`]), and
//! those with several changes, journeys or ends of a trouble ([`rollout`]).
//!
//! The noise follows the usual picture of probes of a web journey: a logarithm with a daily wave, first-order memory, a few
//! heavy-tailed spikes, now and then a burst of slow runs, and a small chance to fail.

mod harm;
mod noise;
mod quiet;
mod rollout;
mod scenario;
mod trace;

pub use noise::Noise;
pub use scenario::{Scenario, case, find, scenarios};
