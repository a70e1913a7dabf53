//! Which change made which journey slower or less reliable? Pure functions of (data, now).
//!
//! The numeric core: [`LatencyFold`] and [`SuccessFold`] take in the probes after a change one by one and say after each
//! how strong the evidence of a shift is ([`Look`]); [`blame`] says which of several changes explains the pattern of
//! moved and unmoved journeys best. All of it is f64 and natural logarithms; times are seconds since 1970, or base
//! intervals (the series' own usual cadence) since the change. Nothing panics, whatever the numbers.
//!
//! Beside the level of a series stand a count of its slow runs (`tail`), a second opinion on short baselines (`wary`), kinds of failure
//! never seen before (`novelty`), what other journeys teach (`fleet`) and what unaffected environments share (`controls`).
//!
//! The judging layer: a [`Room`] holds the open watches as a fold over runs and turns looks into verdicts; [`Recovery`] says when
//! an open trouble is over; [`Sentinel`] finds trouble that no change explains; [`gate`] answers a pipeline; [`replay`] drives
//! a room over recorded histories, so that a back-test judges by the very code that judges live. None of it reads a clock:
//! every verdict follows from the changes and runs that were told, in whatever order.

mod after;
mod baseline;
mod before;
pub mod blame;
pub mod budget;
mod controls;
mod culprit;
mod evidence;
mod excursion;
mod failing;
mod figures;
mod fleet;
mod fold;
mod footing;
mod gate;
mod innovation;
mod judge;
mod latency;
mod learned;
mod look;
#[cfg(test)]
mod made;
mod measure;
mod novelty;
mod onset;
mod pace;
mod partial;
mod parts;
mod pass;
mod point;
mod prior;
mod prober;
mod pulse;
pub mod reach;
mod rebase;
mod recovery;
mod release;
pub mod replay;
mod report;
mod robust;
mod room;
mod rows;
mod season;
mod sentence;
mod sentinel;
mod series;
mod slow_path;
mod so_far;
mod success;
mod tail;
mod tuning;
mod wander;
mod wary;
mod watch;

pub use baseline::Baseline;
pub use before::{Outlook, before};
pub use blame::{Blame, Signal, Suspect, Undone};
pub use budget::Shares;
pub use gate::{dismissal, gate, standing};
pub use latency::LatencyFold;
pub use learned::Spell;
pub use look::Look;
pub use measure::RELATIVE as MEASURE_RELATIVE;
pub use onset::Heard;
pub use parts::PARTS_REACH;
pub use point::{Direction, Point};
pub use pulse::Pulse;
pub use recovery::{Recovered, Recovery};
pub use release::shares;
pub use room::{Members, OpenWatch, Past, REMEMBERED, Room};
pub use sentinel::{Alarm, Sentinel};
pub use series::Member;
pub use slow_path::SlowPath;
pub use so_far::so_far;
pub use success::SuccessFold;
pub use tuning::Tuning;
