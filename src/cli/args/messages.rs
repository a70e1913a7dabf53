//! What may be written of receivers and what waits for them.

use clap::{Args, Subcommand};

use super::Place;

/// `wayfarer notify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer notify --preview                     what every receiver would get; needs no secrets\n\
  wayfarer notify --preview ops --json          the notice that its templates are filled with\n\
  wayfarer notify --test ops --event failed     sends a sample, marked as a test")]
pub(in crate::cli) struct NotifyArguments {
    /// Show what would be sent, to one receiver or to all
    #[arg(long, value_name = "RECEIVER", num_args = 0..=1, conflicts_with = "test", required_unless_present = "test")]
    pub(in crate::cli) preview: Option<Option<String>>,
    /// Send a sample to this receiver; exits 7 where it does not take it
    #[arg(long, value_name = "RECEIVER")]
    pub(in crate::cli) test: Option<String>,
    /// Of what
    #[arg(long, value_parser = ["regressed", "recovered", "dismissed", "unexplained", "failed"], default_value = "regressed")]
    pub(in crate::cli) event: Option<String>,
    /// With --preview the notice itself, with --test the outcome, as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// `wayfarer outbox`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n\
  wayfarer outbox                  what waits or was given up, and why\n\
  wayfarer outbox --all --json\n\
  wayfarer outbox retry 17         try it now"
)]
pub(in crate::cli) struct OutboxArguments {
    /// Do something with a message
    #[command(subcommand)]
    pub(in crate::cli) verb: Option<OutboxVerb>,
    /// Only such: waiting, pending, delivered, `given_up`, superseded, begun, unknown
    #[arg(long, conflicts_with = "all")]
    pub(in crate::cli) state: Option<String>,
    /// Delivered ones, too
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(in crate::cli) limit: u32,
    /// Where to look
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// The verbs of the outbox.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OutboxVerb {
    /// Try a message that waits or was given up at once
    Retry(RetryArguments),
}

/// `wayfarer outbox retry`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer outbox retry 17")]
pub(in crate::cli) struct RetryArguments {
    /// Its number, as `wayfarer outbox` shows it
    pub(in crate::cli) id: i64,
    /// Where it is
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}
