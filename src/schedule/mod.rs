//! When a journey is due; pure, the only user of `cron`.
//!
//! [`compile`] turns what a journey file says into a [`Plan`], which answers two questions: when next, and how far apart.
//! `every` is spread stably over its interval; `cron` means the wall clock of its zone, also where the clock is turned.
//! Nothing here asks what time it is.

mod crontab;
mod fault;
mod plan;
mod spread;
mod zoned;

pub use fault::ScheduleFault;
pub use plan::{LONGEST_EVERY, Plan, SHORTEST_EVERY, compile};
