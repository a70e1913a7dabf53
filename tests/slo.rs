//! Error budgets as their users have them: the command, an agent that counts, finds and tells, and what Prometheus and Grafana are given. What
//! needs promtool is skipped, with a word, where there is none.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[path = "slo/agent.rs"]
mod agent;
#[path = "slo/boards.rs"]
mod boards;
#[path = "slo/command.rs"]
mod command;
#[path = "slo/promql.rs"]
mod promql;
#[path = "slo/stage.rs"]
mod stage;
