//! What may be written of the change log, its gate and its rollbacks.

use clap::{Args, Subcommand, ValueEnum};

use super::{FailedArguments, NoteArguments, Place, pair, wait};

/// `wayfarer change`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer change record --service shop --env production --version 2.4.1"
)]
pub(in crate::cli) struct ChangeArguments {
    /// What to do with the change log
    #[command(subcommand)]
    pub(in crate::cli) verb: ChangeVerb,
}

/// The verbs of the change log.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ChangeVerb {
    /// Log a change
    Record(Box<RecordArguments>),
    /// The newest changes with their verdicts
    List(ListArguments),
    /// One change with everything concluded of it
    Show(ShowArguments),
    /// What came to the webhooks lately, and what became of it
    Hooks(HooksArguments),
    /// Say where a change belongs that does not say it itself
    Place(PlaceArguments),
    /// Say that a change failed, or did not
    Failed(FailedArguments),
    /// Write a note on a change, alter or remove one
    Note(NoteArguments),
}

/// `wayfarer change record`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer change record --service shop --env production --version 2.4.1 --commit abc123\n\
A change that takes a while is logged twice under one id: --state started, then --state finished."
)]
pub(in crate::cli) struct RecordArguments {
    /// Which service; may be repeated. None means the whole environment
    #[arg(long = "service")]
    pub(in crate::cli) services: Vec<String>,
    /// In which environment; may be repeated
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(in crate::cli) environments: Vec<String>,
    /// deploy, rollback, config, flag, infra, schema, experiment or drift
    #[arg(long, default_value = "deploy")]
    pub(in crate::cli) kind: String,
    /// Its id; the same id twice is one change
    #[arg(long)]
    pub(in crate::cli) id: Option<String>,
    /// What is deployed now
    #[arg(long)]
    pub(in crate::cli) version: Option<String>,
    /// What was deployed before
    #[arg(long)]
    pub(in crate::cli) previous_version: Option<String>,
    /// The build that made it
    #[arg(long)]
    pub(in crate::cli) build: Option<String>,
    /// A commit of it; may be repeated
    #[arg(long = "commit")]
    pub(in crate::cli) commits: Vec<String>,
    /// Who did it
    #[arg(long)]
    pub(in crate::cli) author: Option<String>,
    /// The release it belongs to
    #[arg(long)]
    pub(in crate::cli) release: Option<String>,
    /// A line for people
    #[arg(long)]
    pub(in crate::cli) title: Option<String>,
    /// Where to read more
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) link: Option<String>,
    /// It was announced
    #[arg(long)]
    pub(in crate::cli) planned: bool,
    /// Anything else; may be repeated
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    pub(in crate::cli) labels: Vec<(String, String)>,
    /// Take nothing from the CI job this runs in; else commit, author, branch, build and the run's address are filled in from
    /// the variables of GitHub Actions, GitLab CI, Jenkins, Buildkite or CircleCI where they are not said here
    #[arg(long)]
    pub(in crate::cli) no_ci: bool,
    /// started, finished or failed
    #[arg(long)]
    pub(in crate::cli) state: Option<String>,
    /// RFC 3339, or seconds since 1970; now by default
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) started_at: Option<String>,
    /// RFC 3339, or seconds since 1970; now by default
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) finished_at: Option<String>,
    /// Where to log it
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// `wayfarer change list`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer change list --service shop --limit 5")]
pub(in crate::cli) struct ListArguments {
    /// Of this service
    #[arg(long)]
    pub(in crate::cli) service: Option<String>,
    /// In this environment
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(in crate::cli) environment: Option<String>,
    /// Only those that have no place yet: nobody knows their environment
    #[arg(long)]
    pub(in crate::cli) unplaced: bool,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(in crate::cli) limit: u32,
    /// Where to look
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// `wayfarer change hooks`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer change hooks --hook github --limit 5")]
pub(in crate::cli) struct HooksArguments {
    /// Of this hook
    #[arg(long)]
    pub(in crate::cli) hook: Option<String>,
    /// With their bodies, cut and without secrets
    #[arg(long)]
    pub(in crate::cli) bodies: bool,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(in crate::cli) limit: u32,
    /// Where to look
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// `wayfarer change place`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer change place gitlab:gitlab.example.com:acme/shop:flag:6:on:1 --env production\n\
A rule in wayfarer.toml does it for all that are alike: [[place]]. Through an agent this needs an admin token."
)]
pub(in crate::cli) struct PlaceArguments {
    /// Its id, as `wayfarer change list --unplaced` shows it
    pub(in crate::cli) id: String,
    /// The service
    #[arg(long)]
    pub(in crate::cli) service: Option<String>,
    /// The environment
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(in crate::cli) environment: Option<String>,
    /// Where it is
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// `wayfarer change show`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer change show 4711")]
pub(in crate::cli) struct ShowArguments {
    /// Its id
    pub(in crate::cli) id: String,
    /// Where to look
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// `wayfarer gate`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer gate 4711 --wait 45m --url http://127.0.0.1:9464\n\
Example: wayfarer gate --before --service shop --env production && ./deploy\n\
Exits 0 (go on), 5 (harmful, or something stands in the way) or 6 (no verdict: still pending, inconclusive, or too little data).\n\
With --on-inconclusive no verdict is 0 or 5 as you say; an agent that does not answer is 7 all the same.")]
pub(in crate::cli) struct GateArguments {
    /// The change's id; without it the newest of --service and --env
    #[arg(conflicts_with_all = ["service", "environment"])]
    pub(in crate::cli) id: Option<String>,
    /// The newest change of this service; with --before the service that will be deployed
    #[arg(long)]
    pub(in crate::cli) service: Option<String>,
    /// In this environment
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(in crate::cli) environment: Option<String>,
    /// Ask before a deployment: is a freeze in force, a finding open, an error budget spent?
    #[arg(long, conflicts_with = "id")]
    pub(in crate::cli) before: bool,
    /// With --before: what will be deployed; a rollback is always allowed
    #[arg(long, requires = "before")]
    pub(in crate::cli) kind: Option<String>,
    /// With --before: freeze, finding or budget shall not stand in the way; may be repeated
    #[arg(long, requires = "before", value_name = "OBSTACLE", value_delimiter = ',')]
    pub(in crate::cli) ignore: Vec<String>,
    /// What no verdict means for the exit code
    #[arg(long, value_enum, value_name = "pass|fail")]
    pub(in crate::cli) on_inconclusive: Option<OnInconclusive>,
    /// How long to wait while the answer is pending
    #[arg(long, default_value = "0s", value_parser = wait)]
    pub(in crate::cli) wait: std::time::Duration,
    /// Where to ask
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// `wayfarer rollback`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer rollback 4711 --reason 'checkout fails' --url http://127.0.0.1:9464\n\
A change is undone at most once: asked again, this says what became of the first order. An agent asked by --url wants an admin token."
)]
pub(in crate::cli) struct RollbackArguments {
    /// The change's id
    pub(in crate::cli) id: String,
    /// Why
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    /// Even though something newer was deployed since
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Only say what would be done
    #[arg(long, conflicts_with = "status")]
    pub(in crate::cli) dry_run: bool,
    /// Order nothing, show what was ordered
    #[arg(long)]
    pub(in crate::cli) status: bool,
    /// Where to ask
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// What no verdict means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OnInconclusive {
    /// Go on.
    Pass,
    /// Stop.
    Fail,
}
