//! What may be written on the command line.

mod changes;
mod figures;
mod messages;
mod said;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::{
    changes::{
        ChangeArguments, ChangeVerb, GateArguments, HooksArguments, ListArguments, OnInconclusive,
        PlaceArguments, RecordArguments, RollbackArguments, ShowArguments,
    },
    figures::{DeliveryArguments, ReportArguments, RuleForm, SloArguments},
    messages::{NotifyArguments, OutboxArguments, OutboxVerb},
    said::{FailedArguments, NoteArguments},
};

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
