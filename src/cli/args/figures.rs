//! What may be written of error budgets, delivery and reports.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Place;

/// `wayfarer slo`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
  wayfarer slo                                       what is left of every error budget\n\
  wayfarer slo --rules prometheus -o slo.yml         rules in Sloth's naming, and slo_test.yml for promtool beside them\n\
  wayfarer slo --openslo > objectives.yaml           the objectives as OpenSLO v1 documents\n\
  wayfarer slo --import objectives.yaml              such documents as [slo] tables for journeys")]
pub(in crate::cli) struct SloArguments {
    /// Only these journeys
    #[arg(value_name = "JOURNEY")]
    pub(in crate::cli) journeys: Vec<String>,
    /// Only this environment
    #[arg(long = "env", short = 'e', value_name = "ENVIRONMENT")]
    pub(in crate::cli) environment: Option<String>,
    /// Recording and alert rules instead of the table
    #[arg(long, value_enum, value_name = "FORM")]
    pub(in crate::cli) rules: Option<RuleForm>,
    /// `OpenSLO` v1 documents instead of the table
    #[arg(long, conflicts_with = "rules")]
    pub(in crate::cli) openslo: bool,
    /// Read `OpenSLO` v1 documents (`-` is standard input) and print them as [slo] tables
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rules", "openslo", "output"])]
    pub(in crate::cli) import: Option<PathBuf>,
    /// Write rules or documents there instead of to standard output
    #[arg(long, short = 'o', value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Where the runs are
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}

/// For whom rules are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RuleForm {
    /// Recording and alerting rules for Prometheus, and a test of them for promtool.
    Prometheus,
}

/// `wayfarer delivery`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wayfarer delivery --env production --span 90d\n  wayfarer delivery --service shop --json\n\n\
Deployments come from the change log, pipelines from webhooks. What could not be observed is said, never counted as good."
)]
pub(in crate::cli) struct DeliveryArguments {
    /// Of this service; of all by default
    #[arg(long)]
    pub(in crate::cli) service: Option<String>,
    /// Deployments there; everywhere by default
    #[arg(long = "env", short = 'e', value_name = "ENVIRONMENT")]
    pub(in crate::cli) environment: Option<String>,
    /// The last 7, 30 or 90 days
    #[arg(long, default_value = "30d", value_parser = ["7d", "30d", "90d"])]
    pub(in crate::cli) span: String,
    /// Where to look
    #[command(flatten)]
    pub(in crate::cli) place: Place,
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
pub(in crate::cli) struct ReportArguments {
    /// The change's id
    #[arg(required_unless_present_any = ["week", "service"])]
    pub(in crate::cli) id: Option<String>,
    /// Of a week: 2026-W47, this one by default
    #[arg(long, value_name = "WEEK", conflicts_with_all = ["id", "service"])]
    pub(in crate::cli) week: Option<Option<String>>,
    /// Of a service
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    pub(in crate::cli) service: Option<String>,
    /// How far back a service is looked at: 24h, 7d, 4w
    #[arg(long, value_name = "SPAN", default_value = "7d", requires = "service")]
    pub(in crate::cli) since: String,
    /// As one HTML file, there or on standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["md", "json"])]
    pub(in crate::cli) html: Option<Option<PathBuf>>,
    /// As Markdown for a pull request
    #[arg(long, conflicts_with = "json")]
    pub(in crate::cli) md: bool,
    /// Where to ask
    #[command(flatten)]
    pub(in crate::cli) place: Place,
}
