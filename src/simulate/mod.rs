//! Histories with known truth, made from a seed: what a detector is measured and tuned by.
//!
//! A [`Scenario`] draws a [`Case`](crate::model::Case): one or more series with days, memory, spikes, bursts and failures, one or more changes, and
//! what is true of them. The same scenario and seed give the same case on every machine. Scenarios stand in lists: nothing
//! happened that a change is to blame for (`quiet`); one change did harm to one journey (`harm`); a trouble ends by itself
//! (`spells`); a change goes out in stages, is taken back or shows late (`rollout`); several changes or several places at once
//! (`overlap`); many journeys (`fleet`); a watch with many runs a minute (`dense`).
//!
//! The noise follows the usual picture of probes of a web journey: a logarithm with a daily wave, first-order memory, a few
//! heavy-tailed spikes, now and then a burst of slow runs, and a small chance to fail.

mod dense;
mod fleet;
mod harm;
mod noise;
mod overlap;
mod quiet;
mod rollout;
mod scenario;
mod spells;
mod steps;
mod trace;

pub use noise::Noise;
pub use scenario::{Sample, Scenario, case, find, sample, scenarios};
