//! A measure in figures, in its own unit.

use crate::model::{Effect, Probe, Quantiles, amounts};

use super::super::{
    figures::{median, rank, shift},
    measure::Shares,
    report::Shown,
};

/// Quantiles of the values: those of runs whose time is the measure.
pub(in crate::correlate) fn quantiles(probes: &[&Probe]) -> Quantiles {
    let mut values = values(probes);
    values.sort_by(f64::total_cmp);
    Quantiles {
        runs: super::super::figures::narrow(values.len()),
        p50: median(&values),
        p5: rank(&values, 0.05),
        p95: rank(&values, 0.95),
        ..Quantiles::default()
    }
}

/// By how much the value is another one now, in its own unit.
pub(in crate::correlate) fn effect(
    before: &[&Probe],
    after: &[&Probe],
    memory: f64,
) -> Option<Effect> {
    let (estimate, low, high) = shift(&values(before), &values(after), memory)?;
    Some(Effect { estimate, low, high })
}

fn values(probes: &[&Probe]) -> Vec<f64> {
    probes.iter().filter_map(|p| p.latency_ms).filter(|v| v.is_finite()).collect()
}

/// Before and after for people: "12.00 to 0.00 EUR".
pub(in crate::correlate) fn moved(shown: &Shown) -> String {
    let unit = shown.unit.as_deref();
    let (before, after) = (shown.before.p50, shown.after.p50);
    let [a, b] = amounts([before.unwrap_or(0.0), after.unwrap_or(0.0)], unit);
    let or = |known: bool, text: String| if known { text } else { "?".to_owned() };
    let (a, b) = (or(before.is_some(), a), or(after.is_some(), b));
    let unit = unit.map_or(String::new(), |u| format!(" {u}"));
    if shown.growth {
        return format!("grew by {a}{unit} a minute, now by {b}");
    }
    match shown.shares.filter(|_| a == b) {
        Some(Shares { from, above, before, after }) => {
            let [from] = amounts([from], shown.unit.as_deref());
            let side = if above { "above" } else { "below" };
            format!(
                "{side} {from}{unit} in {:.0}% to {:.0}% of runs",
                100.0 * before,
                100.0 * after
            )
        }
        None => format!("{a} to {b}{unit}"),
    }
}
