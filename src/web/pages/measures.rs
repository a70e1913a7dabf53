//! What the steps of a journey measure, and how a browser's pages felt: over the span, from the same sample as its steps.

use serde::Serialize;

use crate::{
    model::{Action, BROWSER_MEASURES, Journey, MeasureName, Part, Probe, StepName, amounts},
    render::{
        chart::short,
        size,
        words::{Badge, ms},
    },
};

/// Most measures that are shown.
const MOST: usize = 60;

/// A measure over the span.
#[derive(Debug, Serialize)]
pub(super) struct MeasureRow {
    step: String,
    name: String,
    p50: String,
    /// 5th to 95th percentile.
    between: String,
    /// Medians over time, as path data in a box of 480 by 28.
    line: String,
    /// What the line says.
    label: String,
    /// How a visitor finds it, where that is known.
    felt: Option<Badge>,
}

/// Above the first it needs to be better, above the second it is poor: the 75th percentile by <https://web.dev/articles/vitals>, as of 2025.
const VITALS: [(&str, f64, f64); 5] = [
    ("ttfb", 800.0, 1800.0),
    ("fcp", 1800.0, 3000.0),
    ("lcp", 2500.0, 4000.0),
    ("inp", 200.0, 500.0),
    ("cls", 0.1, 0.25),
];

/// The measures of the sampled runs, step by step as the journey has them.
pub(super) fn measures(sample: &[Vec<Probe>], journey: Option<&Journey>) -> Vec<MeasureRow> {
    let mut known: Vec<(StepName, MeasureName)> = Vec::new();
    for probe in sample.iter().flatten() {
        for (part, _) in probe.parts.iter() {
            let Part::Measure(step, name) = part else { continue };
            if !known.iter().any(|(s, n)| (s, n) == (step, name)) {
                known.push((step.clone(), name.clone()));
            }
        }
    }
    let order = |step: &StepName| {
        let steps = journey.map(Journey::every_step).unwrap_or_default();
        steps.iter().position(|s| s.name == *step).unwrap_or(usize::MAX)
    };
    known.sort_by_cached_key(|(step, _)| order(step));
    known.truncate(MOST);
    let rows = known.into_iter().filter_map(|(step, name)| {
        let part = Part::Measure(step.clone(), name.clone());
        let (unit, built_in) = unit(journey, &step, &name);
        let of = |probes: &[Probe]| {
            let mut values: Vec<f64> = probes.iter().filter_map(|p| p.parts.get(&part)).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let mut all: Vec<f64> = sample.iter().flat_map(|probes| of(probes)).collect();
        all.sort_by(f64::total_cmp);
        let [low, middle, high] = [5, 50, 95].map(|share| quantile(&all, share));
        let told =
            |value: Option<f64>| value.map_or_else(String::new, |v| told(v, unit.as_deref()));
        let medians: Vec<Option<f64>> =
            sample.iter().map(|probes| quantile(&of(probes), 50)).collect();
        let felt = built_in.then(|| felt(name.as_str(), quantile(&all, 75)?)).flatten();
        middle?;
        Some(MeasureRow {
            step: step.to_string(),
            name: name.to_string().replace('_', " "),
            p50: told(middle),
            between: format!("{} to {}", told(low), told(high)),
            line: line(&medians),
            label: format!("medians between {} and {}", told(low), told(high)),
            felt,
        })
    });
    rows.collect()
}

/// Its unit, and whether it is one that every browser step has.
fn unit(journey: Option<&Journey>, step: &StepName, name: &MeasureName) -> (Option<String>, bool) {
    let step = journey.and_then(|j| j.every_step().into_iter().find(|s| s.name == *step));
    let own = step.and_then(|s| s.measures.iter().find(|m| m.name == *name));
    if let Some(own) = own {
        return (own.judged.unit.clone(), false);
    }
    let browser = step.is_none_or(|s| matches!(s.action, Action::Browser(_)));
    let known = BROWSER_MEASURES.iter().find(|known| browser && known.name == name.as_str());
    (known.and_then(|known| known.unit).map(str::to_owned), known.is_some())
}

fn quantile(sorted: &[f64], share: usize) -> Option<f64> {
    sorted.get((sorted.len().saturating_sub(1) * share + 50) / 100).copied()
}

fn told(value: f64, unit: Option<&str>) -> String {
    match unit {
        Some("ms") => ms(value),
        Some("bytes") => size(value),
        unit => {
            let text = amounts([value], unit).concat();
            unit.map_or_else(|| text.clone(), |unit| format!("{text} {unit}"))
        }
    }
}

fn felt(name: &str, value: f64) -> Option<Badge> {
    let (_, good, poor) = VITALS.iter().find(|(known, ..)| *known == name)?;
    let (class, sign, word) = match value {
        v if v <= *good => ("passed", "✓", "good"),
        v if v <= *poor => ("broken", "▲", "needs work"),
        _ => ("failed", "✕", "poor"),
    };
    Some(Badge { class: class.to_owned(), sign, word: word.to_owned() })
}

/// Medians as a line from the least of them to the most, broken where there is none.
fn line(medians: &[Option<f64>]) -> String {
    let known: Vec<f64> = medians.iter().flatten().copied().collect();
    let (low, high) = known.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    let range = (high - low).max(high.abs() * 0.02).max(1e-9);
    let mut path = String::new();
    let mut broken = true;
    for (at, value) in medians.iter().enumerate() {
        let Some(value) = value else {
            broken = true;
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "a number of stretches")]
        let x = 480.0 * (at as f64 + 0.5) / medians.len().max(1) as f64;
        let y = 25.0 - 22.0 * ((value - low) / range).clamp(0.0, 1.0);
        let letter = if broken { 'M' } else { 'L' };
        path += &format!("{letter}{x:.0} {}", short((y * 10.0).round() / 10.0));
        if broken {
            // Alone it would be invisible.
            path += "h3";
        }
        broken = false;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_their_unit_and_vitals_are_felt() {
        assert_eq!(told(1230.0, Some("ms")), "1230 ms");
        assert_eq!(told(1_200_000.0, Some("bytes")), "1.2 MB");
        for (name, value, word) in
            [("lcp", 2500.0, "good"), ("lcp", 2501.0, "needs work"), ("cls", 0.3, "poor")]
        {
            assert_eq!(felt(name, value).unwrap().word, word);
        }
        assert!(felt("requests", 3.0).is_none());
    }

    #[test]
    fn a_line_is_broken_where_nothing_was_measured() {
        let path = line(&[Some(1.0), Some(2.0), None, Some(1.0)]);
        assert_eq!(path, "M60 25h3L180 3M420 25h3");
        assert_eq!(line(&[None]), "");
    }
}
