//! What becomes of a finding when a verdict alters; pure: (what is open, verdict, now) in, what to store out.

mod decide;

pub use decide::{Decision, Reason, decide, dismissed, explained, recovered, unexplained};
