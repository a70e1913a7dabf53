//! Log lines: on standard error, as text or JSON; lines of a run carry run id, journey, environment and watched changes.

use std::{collections::BTreeMap, io::IsTerminal};

use tracing::Level;
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use super::args::{Arguments, LogFormat, Verb};

/// Starts logging. The agent says `info`; the other verbs speak for themselves and log warnings.
pub(super) fn start(
    arguments: &Arguments,
    variables: &BTreeMap<String, String>,
) -> Result<(), String> {
    let usual = match arguments.verb {
        Verb::Agent(_) => "warn,wayfarer=info",
        Verb::Demo(_) => "off",
        _ => "warn",
    };
    let said = arguments.log_level.as_deref().or(variables.get("WAYFARER_LOG").map(String::as_str));
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    if let Some(said) = said
        && !said.contains('=')
        && !said.split(',').all(|word| LEVELS.contains(&word.trim()))
    {
        return Err(format!(
            "--log-level: `{said}` is no level; write one of {}",
            LEVELS.join(", ")
        ));
    }
    let filter = EnvFilter::try_new(said.unwrap_or(usual))
        .map_err(|e| format!("--log-level: {e}; write warn, info, debug or wayfarer=debug"))?;
    // What other crates say below `info` is never shown: it may hold URLs, headers and cookies, and nobody masks it there.
    // The client of Kubernetes warns with whole bodies, and those of Secrets are among them: what matters of it we say ourselves.
    let ours = filter_fn(|metadata| {
        let from = metadata.target();
        from.starts_with("wayfarer")
            || (*metadata.level() <= Level::INFO && !from.starts_with("kube"))
    });
    let registry = tracing_subscriber::registry().with(filter).with(ours);
    let started = match arguments.log_format {
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
        LogFormat::Text => registry
            .with(
                fmt::layer()
                    .compact()
                    .with_target(false)
                    .with_ansi(std::io::stderr().is_terminal())
                    .with_writer(std::io::stderr),
            )
            .try_init(),
    };
    started.map_err(|e| e.to_string())
}
