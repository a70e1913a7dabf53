//! Pipelines: what their runs, stages and tests do, whether that is what it was, and whether it is what it should be.

mod flaky;
mod judge;
mod line;
mod locate;
mod objective;
mod shift;
mod stats;
mod strand;

#[cfg(test)]
mod tests;

pub use flaky::{Flaky, FlakyTests, Proof, proofs};
pub use judge::{Rules, judge};
pub use line::{Line, Lines, PipelineRun, StageRun, TestResult, lines, result, trigger};
pub use objective::{Kept, Objective, objectives};
pub use shift::{Shift, Suspect, shifts};
pub use stats::{Part, StageStats, Stats, Waits};
pub use strand::{Strand, strands};
