//! Verdicts as a table of one line each: before, after, effect.

use comfy_table::{ContentArrangement, Table, presets};

use super::Context;
use crate::model::{Metric, Verdict, amounts};

/// A text wrapped to the terminal.
pub(super) fn paragraph(context: &Context, text: &str) -> String {
    let mut table = plain(context);
    table.add_row([text]);
    table.trim_fmt()
}

/// A table without lines, as wide as the terminal at most.
pub(super) fn plain(context: &Context) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(context.width).unwrap_or(80));
    table
}

/// The table, as wide as the terminal at most.
pub(super) fn table(context: &Context, verdicts: &[Verdict]) -> String {
    let mut table = plain(context);
    for verdict in verdicts {
        let (before, after) = (figure(verdict, true), figure(verdict, false));
        table.add_row([
            verdict.journey.to_string(),
            verdict.subject(),
            badge(context, verdict.conclusion.as_str()),
            format!("{before} -> {after}"),
            effect(verdict),
        ]);
    }
    table.trim_fmt()
}

/// A verdict's word, in its colour on a terminal.
pub(super) fn badge(context: &Context, word: &str) -> String {
    let code = match word {
        "regressed" => "31",
        "suspected" | "prober_fault" => "33",
        "unchanged" | "improved" => "32",
        _ => "0",
    };
    if context.colour { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.to_owned() }
}

fn figure(verdict: &Verdict, before: bool) -> String {
    let side = if before { &verdict.before } else { &verdict.after };
    match verdict.metric {
        Metric::Latency => side.p50_ms.map_or_else(|| "?".to_owned(), |ms| format!("{ms:.0} ms")),
        Metric::Success => {
            side.success.map_or_else(|| "?".to_owned(), |share| format!("{:.1} %", share * 100.0))
        }
        Metric::Measure => side.p50.map_or_else(|| "?".to_owned(), |v| amounts([v], None).concat()),
    }
}

fn effect(verdict: &Verdict) -> String {
    let Some(effect) = &verdict.effect else { return String::new() };
    match verdict.metric {
        Metric::Latency => {
            format!("x{:.2} ({:.2} to {:.2})", effect.estimate, effect.low, effect.high)
        }
        Metric::Success => format!(
            "{:+.1} pp ({:+.1} to {:+.1})",
            effect.estimate * 100.0,
            effect.low * 100.0,
            effect.high * 100.0
        ),
        Metric::Measure => {
            let [by, low, high] = amounts([effect.estimate, effect.low, effect.high], None);
            let sign = if effect.estimate >= 0.0 { "+" } else { "" };
            format!("{sign}{by} ({low} to {high})")
        }
    }
}
