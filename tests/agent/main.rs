//! The agent as a user has it: the real binary, real files, nginx as the target, promtool and Prometheus from Debian.
//!
//! What is not installed is said and skipped; `tests/run` installs it.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]
#![expect(clippy::disallowed_methods, reason = "a test waits by the real clock")]

mod after;
mod api;
mod consumers;
mod elsewhere;
mod findings;
mod forges;
mod gates;
mod measures;
mod metrics;
mod parts;
mod reload;
mod restart;
mod secrets;
mod shared;
mod support;
mod undo;
