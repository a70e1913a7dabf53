//! Which change made which journey slower or less reliable? Pure functions of (data, now).
//!
//! The numeric core: [`LatencyFold`] and [`SuccessFold`] take in the probes after a change one by one and say after each
//! how strong the evidence of a shift is ([`Look`]); [`blame`] says which of several changes explains the pattern of
//! moved and unmoved journeys best. All of it is f64 and natural logarithms; times are seconds since 1970, or base
//! intervals (the series' own usual cadence) since the change. Nothing panics, whatever the numbers.

mod baseline;
pub mod blame;
mod evidence;
mod excursion;
mod failing;
mod innovation;
mod latency;
mod look;
mod pace;
mod point;
mod prior;
mod robust;
mod rows;
mod season;
mod success;
mod tuning;
mod wander;

pub use baseline::Baseline;
pub use blame::{Blame, Signal, Suspect};
pub use latency::LatencyFold;
pub use look::Look;
pub use point::{Direction, Point};
pub use success::SuccessFold;
pub use tuning::Tuning;
