//! The agent as a user has it: the real binary, real files, nginx as the target, promtool and Prometheus from Debian.
//!
//! What is not installed is said and skipped; `tests/run` installs it.

mod api;
mod metrics;
mod reload;
mod restart;
mod support;
