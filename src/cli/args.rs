//! What may be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Walks user journeys and says which change made which one slower or less reliable.
#[derive(Debug, Parser)]
#[command(name = "wayfarer", version, max_term_width = 100, after_help = EXITS)]
pub(super) struct Arguments {
    /// The folder with `wayfarer.toml`, or that file
    #[arg(long, short = 'c', global = true, value_name = "PATH", default_value = ".")]
    pub(super) config: PathBuf,
    /// Log lines as text or as JSON, on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
    /// What is logged: `warn`, `info`, `debug`, or a filter such as `wayfarer=debug`
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(super) log_level: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub(super) verb: Verb,
}

const EXITS: &str = "Example: wayfarer init monitoring && wayfarer agent monitoring\n\n\
Exit codes: 0 good, 1 our own bug, 2 bad arguments, 3 bad configuration or journey, \
4 a journey failed, 5 a change was judged harmful, 6 no verdict could be reached, 7 storage or network trouble.";

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Show the whole story on loopback: a shop, its journeys, good and bad changes, verdicts
    Demo(DemoArguments),
    /// Write a commented wayfarer.toml, a first journey and deploy files
    Init(InitArguments),
    /// Turn a browser's recording, a curl command, a hurl file, an OpenAPI operation or a Postman collection into a journey
    Import(ImportArguments),
    /// Check configuration and journeys: all faults at once
    Check(CheckArguments),
    /// Walk journeys now
    Run(RunArguments),
    /// Walk journeys on schedule, watch changes, serve the API
    Agent(AgentArguments),
    /// The change log: record, list, show
    Change(ChangeArguments),
    /// How software is delivered: the five DORA figures, failed deployments, pipelines
    Delivery(DeliveryArguments),
    /// Wait for the verdict of a change: exits 0, 5 or 6
    Gate(GateArguments),
    /// Error budgets: what is left, how fast it burns, what spent it; as rules for Prometheus and as `OpenSLO`
    Slo(SloArguments),
    /// The review of a change, or the summary of a week or a service
    Report(ReportArguments),
    /// Show or send what receivers would get
    Notify(NotifyArguments),
    /// What waits for receivers, and why
    Outbox(OutboxArguments),
    /// What was found; take findings on, or say that they are nothing
    Findings(super::findings::FindingsArguments),
    /// Have a change undone by the [[rollback]] of its service
    Rollback(RollbackArguments),
    /// Judge recorded histories with known truth by the agent's own code
    Backtest(BacktestArguments),
    /// Write histories with known truth, to back-test by
    Simulate(SimulateArguments),
    /// Print a JSON Schema of the files you write, for your editor
    Schema(SchemaArguments),
    /// Stand between the agent and a browser's driver; only the agent starts it
    #[command(hide = true)]
    GuardBrowser(GuardArguments),
}

/// `wayfarer guard-browser FOLDER -- DRIVER ARGUMENT…`.
#[derive(Debug, Args)]
pub(super) struct GuardArguments {
    /// Where all files of driver and browser go; removed at the end
    pub(super) folder: PathBuf,
    /// The driver and its arguments
    #[arg(last = true, required = true)]
    pub(super) driver: Vec<std::ffi::OsString>,
}

/// `wayfarer demo`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer demo --keep")]
pub(super) struct DemoArguments {
    /// Leave the shop and the dashboard up at the end
    #[arg(long)]
    pub(super) keep: bool,
    /// The seed of the shop's latencies; a fresh one each time by default
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// The verdicts as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `wayfarer init`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer init monitoring && wayfarer check -c monitoring")]
pub(super) struct InitArguments {
    /// Where to; the folder of --config by default
    pub(super) dir: Option<PathBuf>,
}

/// `wayfarer import`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer import checkout.har -o journeys/checkout.toml\n\
  wayfarer import \"curl https://shop.example.com/api/cart -H 'authorization: Bearer abc'\"\n\
  wayfarer import openapi.yaml --operation getPet\n\
  wayfarer import openapi.yaml POST /pets\n\n\
The journey goes to standard output, what should be known about it to standard error. Secrets never stand in it: they are\n\
references, and the lines that wayfarer.toml lacks for them are said.")]
pub(super) struct ImportArguments {
    /// A file, `-` for standard input, or a whole `curl …` command in quotes
    #[arg(value_name = "FILE|-|'curl …'")]
    pub(super) input: String,
    /// Of an API description: the method of an operation
    #[arg(requires = "path")]
    pub(super) method: Option<String>,
    /// Of an API description: the path of an operation
    pub(super) path: Option<String>,
    /// Of an API description: the operationId of an operation; may be repeated
    #[arg(long = "operation", value_name = "ID")]
    pub(super) operations: Vec<String>,
    /// Write the journey there instead of to standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "output")]
    pub(super) force: bool,
    /// The journey's name; made from the input by default
    #[arg(long)]
    pub(super) name: Option<String>,
    /// The environment it runs in; by default the one with the same site, else a new one is proposed
    #[arg(long = "environment", visible_alias = "env", short = 'e', value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// har, postman, openapi, curl or hurl; detected by default
    #[arg(long)]
    pub(super) format: Option<String>,
    /// A host of a recording that is kept though it is not the site's; may be repeated
    #[arg(long = "host", value_name = "HOST")]
    pub(super) hosts: Vec<String>,
}

/// `wayfarer check`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer check monitoring")]
pub(super) struct CheckArguments {
    /// Folders with wayfarer.toml; the one of --config by default
    pub(super) paths: Vec<PathBuf>,
    /// Faults as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `wayfarer run`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer run checkout --env staging --var user=jo@example.com\n\
Example: wayfarer run --show 019a3c5e-7b1f-7c2a-9d4e-1f2a3b4c5d6e")]
pub(super) struct RunArguments {
    /// Which journeys; all of the environment by default
    pub(super) journeys: Vec<String>,
    /// In which environment; may be left out if there is only one
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// The whole runs as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Write a JUnit report as well; `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Walk each so many times
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) repeat: u32,
    /// Show what was sent and got, of a failure beside the last good run; with the id of a stored run, show that one and walk nothing
    #[arg(long, value_name = "RUN_ID", num_args = 0..=1)]
    pub(super) show: Option<Option<String>>,
    /// Write what a browser showed (pictures, console, requests, document) and what was sent and got there: one HTML file a run
    #[arg(long, value_name = "DIR")]
    pub(super) evidence: Option<PathBuf>,
    /// Write what was asked for as HAR 1.2
    #[arg(long, value_name = "FILE")]
    pub(super) har: Option<PathBuf>,
    /// The agent that knows stored and good runs, http://HOST:PORT (or WAYFARER_URL); else its data file
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// The data file with stored and good runs; the one of --config by default
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub(super) data: Option<PathBuf>,
    /// A variable that wins over the files'; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) vars: Vec<(String, String)>,
    /// Show the browser; needs a display
    #[arg(long)]
    pub(super) headed: bool,
    /// Wait before each action of a browser, such as 500ms; deadlines wait with it
    #[arg(long, value_name = "TIME", value_parser = wait, default_value = "0s", hide_default_value = true)]
    pub(super) slow_motion: std::time::Duration,
    /// Keep the browser as it is when a step fails, say how to look at it, and wait for Enter
    #[arg(long)]
    pub(super) pause_on_failure: bool,
}

/// `wayfarer agent`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer agent /etc/wayfarer --log-format json\n\
SIGHUP or an altered file reloads, SIGTERM drains.")]
pub(super) struct AgentArguments {
    /// The folder with wayfarer.toml, or that file; the one of --config by default
    pub(super) path: Option<PathBuf>,
}

/// Where changes are read and written.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// A running agent, http://HOST:PORT (or WAYFARER_URL, with a token in WAYFARER_TOKEN); else the data file
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// The data file, where no agent is asked; the one of --config by default
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub(super) data: Option<PathBuf>,
    /// The answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// `wayfarer slo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer slo                                       what is left of every error budget\n\
  wayfarer slo --rules prometheus -o slo.yml         rules in Sloth's naming, and slo_test.yml for promtool beside them\n\
  wayfarer slo --openslo > objectives.yaml           the objectives as OpenSLO v1 documents\n\
  wayfarer slo --import objectives.yaml              such documents as [slo] tables for journeys")]
pub(super) struct SloArguments {
    /// Only these journeys
    #[arg(value_name = "JOURNEY")]
    pub(super) journeys: Vec<String>,
    /// Only this environment
    #[arg(long = "env", short = 'e', value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// Recording and alert rules instead of the table
    #[arg(long, value_enum, value_name = "FORM")]
    pub(super) rules: Option<RuleForm>,
    /// `OpenSLO` v1 documents instead of the table
    #[arg(long, conflicts_with = "rules")]
    pub(super) openslo: bool,
    /// Read `OpenSLO` v1 documents (`-` is standard input) and print them as [slo] tables
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "openslo", "output"])]
    pub(super) import: Option<PathBuf>,
    /// Write rules or documents there instead of to standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Where the runs are
    #[command(flatten)]
    pub(super) place: Place,
}

/// For whom rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RuleForm {
    /// Recording and alerting rules for Prometheus, and a test of them for promtool.
    Prometheus,
}

/// `wayfarer change`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer change record --service shop --env production --version 2.4.1"
)]
pub(super) struct ChangeArguments {
    /// What to do with the change log
    #[command(subcommand)]
    pub(super) verb: ChangeVerb,
}

/// The verbs of the change log.
#[derive(Debug, Subcommand)]
pub(super) enum ChangeVerb {
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
}

/// `wayfarer change record`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer change record --service shop --env production --version 2.4.1 --commit abc123\n\
A change that takes a while is logged twice under one id: --state started, then --state finished."
)]
pub(super) struct RecordArguments {
    /// Which service; may be repeated. None means the whole environment
    #[arg(long = "service")]
    pub(super) services: Vec<String>,
    /// In which environment; may be repeated
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(super) environments: Vec<String>,
    /// deploy, rollback, config, flag, infra, schema, experiment or drift
    #[arg(long, default_value = "deploy")]
    pub(super) kind: String,
    /// Its id; the same id twice is one change
    #[arg(long)]
    pub(super) id: Option<String>,
    /// What is deployed now
    #[arg(long)]
    pub(super) version: Option<String>,
    /// What was deployed before
    #[arg(long)]
    pub(super) previous_version: Option<String>,
    /// The build that made it
    #[arg(long)]
    pub(super) build: Option<String>,
    /// A commit of it; may be repeated
    #[arg(long = "commit")]
    pub(super) commits: Vec<String>,
    /// Who did it
    #[arg(long)]
    pub(super) author: Option<String>,
    /// The release it belongs to
    #[arg(long)]
    pub(super) release: Option<String>,
    /// A line for people
    #[arg(long)]
    pub(super) title: Option<String>,
    /// Where to read more
    #[arg(long, value_name = "URL")]
    pub(super) link: Option<String>,
    /// It was announced
    #[arg(long)]
    pub(super) planned: bool,
    /// Anything else; may be repeated
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) labels: Vec<(String, String)>,
    /// Take nothing from the CI job this runs in; else commit, author, branch, build and the run's address are filled in from
    /// the variables of GitHub Actions, GitLab CI, Jenkins, Buildkite or CircleCI where they are not said here
    #[arg(long)]
    pub(super) no_ci: bool,
    /// started, finished or failed
    #[arg(long)]
    pub(super) state: Option<String>,
    /// RFC 3339, or seconds since 1970; now by default
    #[arg(long, value_name = "TIME")]
    pub(super) started_at: Option<String>,
    /// RFC 3339, or seconds since 1970; now by default
    #[arg(long, value_name = "TIME")]
    pub(super) finished_at: Option<String>,
    /// Where to log it
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer change list`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer change list --service shop --limit 5")]
pub(super) struct ListArguments {
    /// Of this service
    #[arg(long)]
    pub(super) service: Option<String>,
    /// In this environment
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// Only those that have no place yet: nobody knows their environment
    #[arg(long)]
    pub(super) unplaced: bool,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) limit: u32,
    /// Where to look
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer change hooks`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer change hooks --hook github --limit 5")]
pub(super) struct HooksArguments {
    /// Of this hook
    #[arg(long)]
    pub(super) hook: Option<String>,
    /// With their bodies, cut and without secrets
    #[arg(long)]
    pub(super) bodies: bool,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) limit: u32,
    /// Where to look
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer delivery`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wayfarer delivery --env production --span 90d\n  wayfarer delivery --service shop --json\n\n\
Deployments come from the change log, pipelines from webhooks. What could not be observed is said, never counted as good."
)]
pub(super) struct DeliveryArguments {
    /// Of this service; of all by default
    #[arg(long)]
    pub(super) service: Option<String>,
    /// Deployments there; everywhere by default
    #[arg(long = "env", short = 'e', value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// The last 7, 30 or 90 days
    #[arg(long, default_value = "30d", value_parser = ["7d", "30d", "90d"])]
    pub(super) span: String,
    /// Where to look
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer change place`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer change place gitlab:gitlab.example.com:acme/shop:flag:6:on:1 --env production\n\
A rule in wayfarer.toml does it for all that are alike: [[place]]. Through an agent this needs an admin token."
)]
pub(super) struct PlaceArguments {
    /// Its id, as `wayfarer change list --unplaced` shows it
    pub(super) id: String,
    /// The service
    #[arg(long)]
    pub(super) service: Option<String>,
    /// The environment
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// Where it is
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer change show`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer change show 4711")]
pub(super) struct ShowArguments {
    /// Its id
    pub(super) id: String,
    /// Where to look
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer gate`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer gate 4711 --wait 45m --url http://127.0.0.1:9464\n\
Example: wayfarer gate --before --service shop --env production && ./deploy\n\
Exits 0 (go on), 5 (harmful, or something stands in the way) or 6 (no verdict: still pending, inconclusive, or too little data).\n\
With --on-inconclusive no verdict is 0 or 5 as you say; an agent that does not answer is 7 all the same.")]
pub(super) struct GateArguments {
    /// The change's id; without it the newest of --service and --env
    #[arg(conflicts_with_all = ["service", "environment"])]
    pub(super) id: Option<String>,
    /// The newest change of this service; with --before the service that will be deployed
    #[arg(long)]
    pub(super) service: Option<String>,
    /// In this environment
    #[arg(long = "env", short = 'e', alias = "environment", value_name = "ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// Ask before a deployment: is a freeze in force, a finding open, an error budget spent?
    #[arg(long, conflicts_with = "id")]
    pub(super) before: bool,
    /// With --before: what will be deployed; a rollback is always allowed
    #[arg(long, requires = "before")]
    pub(super) kind: Option<String>,
    /// With --before: freeze, finding or budget shall not stand in the way; may be repeated
    #[arg(long, requires = "before", value_name = "OBSTACLE", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// What no verdict means for the exit code
    #[arg(long, value_enum, value_name = "pass|fail")]
    pub(super) on_inconclusive: Option<OnInconclusive>,
    /// How long to wait while the answer is pending
    #[arg(long, default_value = "0s", value_parser = wait)]
    pub(super) wait: std::time::Duration,
    /// Where to ask
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer rollback`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer rollback 4711 --reason 'checkout fails' --url http://127.0.0.1:9464\n\
A change is undone at most once: asked again, this says what became of the first order. An agent asked by --url wants an admin token."
)]
pub(super) struct RollbackArguments {
    /// The change's id
    pub(super) id: String,
    /// Why
    #[arg(long)]
    pub(super) reason: Option<String>,
    /// Even though something newer was deployed since
    #[arg(long)]
    pub(super) force: bool,
    /// Only say what would be done
    #[arg(long, conflicts_with = "status")]
    pub(super) dry_run: bool,
    /// Order nothing, show what was ordered
    #[arg(long)]
    pub(super) status: bool,
    /// Where to ask
    #[command(flatten)]
    pub(super) place: Place,
}

/// What no verdict means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnInconclusive {
    /// Go on.
    Pass,
    /// Stop.
    Fail,
}

/// `wayfarer report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer report 4711\n\
  wayfarer report 4711 --html review.html\n\
  wayfarer report 4711 --md >> $GITHUB_STEP_SUMMARY\n\
  wayfarer report --week\n\
  wayfarer report --service shop --since 30d --md\n\n\
The HTML is one file that needs nothing else and asks nobody for anything.")]
pub(super) struct ReportArguments {
    /// The change's id
    #[arg(required_unless_present_any = ["week", "service"])]
    pub(super) id: Option<String>,
    /// Of a week: 2026-W47, this one by default
    #[arg(long, value_name = "WEEK", conflicts_with_all = ["id", "service"])]
    pub(super) week: Option<Option<String>>,
    /// Of a service
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    pub(super) service: Option<String>,
    /// How far back a service is looked at: 24h, 7d, 4w
    #[arg(long, value_name = "SPAN", default_value = "7d", requires = "service")]
    pub(super) since: String,
    /// As one HTML file, there or on standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["md", "json"])]
    pub(super) html: Option<Option<PathBuf>>,
    /// As Markdown for a pull request
    #[arg(long, conflicts_with = "json")]
    pub(super) md: bool,
    /// Where to ask
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer notify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer notify --preview                     what every receiver would get; needs no secrets\n\
  wayfarer notify --preview ops --json          the notice that its templates are filled with\n\
  wayfarer notify --test ops --event failed     sends a sample, marked as a test")]
pub(super) struct NotifyArguments {
    /// Show what would be sent, to one receiver or to all
    #[arg(long, value_name = "RECEIVER", num_args = 0..=1, conflicts_with = "test", required_unless_present = "test")]
    pub(super) preview: Option<Option<String>>,
    /// Send a sample to this receiver; exits 7 where it does not take it
    #[arg(long, value_name = "RECEIVER")]
    pub(super) test: Option<String>,
    /// Of what
    #[arg(long, value_parser = ["regressed", "recovered", "dismissed", "unexplained", "failed"], default_value = "regressed")]
    pub(super) event: Option<String>,
    /// With --preview the notice itself, with --test the outcome, as JSON
    #[arg(long)]
    pub(super) json: bool,
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
pub(super) struct OutboxArguments {
    /// Do something with a message
    #[command(subcommand)]
    pub(super) verb: Option<OutboxVerb>,
    /// Only such: waiting, pending, delivered, `given_up`, superseded, begun, unknown
    #[arg(long, conflicts_with = "all")]
    pub(super) state: Option<String>,
    /// Delivered ones, too
    #[arg(long)]
    pub(super) all: bool,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) limit: u32,
    /// Where to look
    #[command(flatten)]
    pub(super) place: Place,
}

/// The verbs of the outbox.
#[derive(Debug, Subcommand)]
pub(super) enum OutboxVerb {
    /// Try a message that waits or was given up at once
    Retry(RetryArguments),
}

/// `wayfarer outbox retry`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer outbox retry 17")]
pub(super) struct RetryArguments {
    /// Its number, as `wayfarer outbox` shows it
    pub(super) id: i64,
    /// Where it is
    #[command(flatten)]
    pub(super) place: Place,
}

/// `wayfarer backtest`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer backtest histories --json --set detect.latency.relative=10%\n\
What would other settings have said of the changes of one's own agent:\n\
  wayfarer backtest --since 60d -c monitoring --set detect.latency.relative=10%"
)]
pub(super) struct BacktestArguments {
    /// A folder with cases.json and its CSV files; without it, the changes in the agent's own data file
    pub(super) dir: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// A setting that differs from the shipped one, or from those of --config; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(super) set: Vec<String>,
    /// The changes of so long ago until now; 60d by default
    #[arg(long, value_name = "SPAN", conflicts_with = "dir", value_parser = span)]
    pub(super) since: Option<std::time::Duration>,
    /// The data file; the one of --config by default
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub(super) data: Option<PathBuf>,
}

/// `wayfarer simulate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: wayfarer simulate step20 histories --count 100 && wayfarer backtest histories\n\
The same scenario and seed give the same case everywhere. What was simulated into DIR before is replaced."
)]
pub(super) struct SimulateArguments {
    /// What happens in the histories; --list shows all
    #[arg(required_unless_present = "list")]
    pub(super) scenario: Option<String>,
    /// The folder to write to: a new one, an empty one, or one that was simulated into before
    #[arg(required_unless_present = "list")]
    pub(super) dir: Option<PathBuf>,
    /// How many cases
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) count: u32,
    /// The seed of the first case; the others follow it
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// The names of all scenarios, with a line on each
    #[arg(long)]
    pub(super) list: bool,
}

/// `wayfarer schema`.
#[derive(Debug, Args)]
#[command(after_help = "Example: wayfarer schema journey > .wayfarer/schema/journey.json\n\
An editor with TOML support (Even Better TOML, Taplo) completes and checks a file whose first line names its schema, such as\n\
  #:schema ../.wayfarer/schema/journey.json\n\
`wayfarer init` writes all three schemas and these lines. Print them anew after an update.")]
pub(super) struct SchemaArguments {
    /// Of which file
    #[arg(value_enum, default_value_t = SchemaOf::Journey)]
    pub(super) of: SchemaOf,
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// A journey: journeys/NAME.toml
    Journey,
    /// A part of journeys: journeys/parts/NAME.toml
    Part,
    /// The settings: wayfarer.toml
    Wayfarer,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn wait(text: &str) -> Result<std::time::Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|d| d.try_into().ok())
        .ok_or_else(|| "write a duration such as 30s or 30m".to_owned())
}

/// A span of time, in days too (which a plain duration does not know: here one is 24 hours).
fn span(text: &str) -> Result<std::time::Duration, String> {
    let fault = || "write a span such as 60d or 36h".to_owned();
    let days = text.trim().strip_suffix('d').and_then(|n| n.trim().parse::<u32>().ok());
    let span = match days {
        Some(days) => std::time::Duration::from_secs(86_400 * u64::from(days)),
        None => wait(text).map_err(|_| fault())?,
    };
    let most = std::time::Duration::from_secs(86_400 * 3650);
    if span.is_zero() || span > most { Err(fault()) } else { Ok(span) }
}
