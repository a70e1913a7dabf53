//! Objectives as documents of `OpenSLO` v1 (<https://github.com/OpenSLO/OpenSLO>), for tools that read these.
//!
//! Alerts are left out: an `AlertCondition` knows one span, and the rule of two spans cannot be said in it.

use std::collections::BTreeSet;

use super::{
    promise::{Promise, quoted},
    windows::name_of,
};

/// The annotations that carry what `OpenSLO` has no word for; reading them back gives the same objective.
pub const JOURNEY: &str = "wayfarer.io/journey";
/// Where it is walked.
pub const ENVIRONMENT: &str = "wayfarer.io/environment";
/// How long a good run may take.
pub const LATENCY: &str = "wayfarer.io/latency";

/// Longest name of a document, as DNS has it.
const LONGEST: usize = 63;

/// A document for each journey, as a service, and one for each of its objectives.
pub fn documents(promises: &[Promise]) -> String {
    let mut out = String::new();
    let mut services = BTreeSet::new();
    let mut names = BTreeSet::new();
    for promise in promises {
        let service = label(promise.journey.as_str());
        if services.insert(service.clone()) {
            out += &format!(
                "---\napiVersion: openslo/v1\nkind: Service\nmetadata:\n  name: {service}\n  displayName: {}\nspec:\n  description: {}\n",
                quoted(promise.journey.as_str()),
                quoted("A journey that Wayfarer walks as a user would")
            );
        }
        let mut name = label(&promise.id());
        for n in 2.. {
            if names.insert(name.clone()) {
                break;
            }
            let tail = format!("-{n}");
            name = label(&promise.id());
            name.truncate(LONGEST - tail.len());
            name += &tail;
        }
        document(&mut out, promise, &name, &service);
    }
    out
}

fn document(out: &mut String, promise: &Promise, name: &str, service: &str) {
    let (journey, environment) = (promise.journey.as_str(), promise.environment.as_str());
    let labels = format!("journey={},environment={}", quoted(journey), quoted(environment));
    let mut line = |text: String| {
        *out += &text;
        out.push('\n');
    };
    line(format!("---\napiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: {name}"));
    line(format!("  displayName: {}", quoted(&format!("{journey} in {environment}"))));
    line(format!("  annotations:\n    {JOURNEY}: {}", quoted(journey)));
    line(format!("    {ENVIRONMENT}: {}", quoted(environment)));
    let latency = promise.slo.latency.map(|limit| format!("{}ms", limit.as_millis()));
    if let Some(latency) = &latency {
        line(format!("    {LATENCY}: {}", quoted(latency)));
    }
    let within = latency.map_or(String::new(), |limit| format!(" within {limit}"));
    line(format!(
        "spec:\n  description: {}\n  service: {service}",
        quoted(&format!("The share of runs of {journey} in {environment} that pass{within}"))
    ));
    line(format!(
        "  indicator:\n    metadata:\n      name: {name}\n    spec:\n      ratioMetric:\n        counter: true"
    ));
    for (part, result) in [("good", ",result=\"good\""), ("total", "")] {
        let query = format!("sum(wayfarer_slo_runs_total{{{labels}{result}}})");
        line(format!(
            "        {part}:\n          metricSource:\n            type: Prometheus\n            spec:\n              query: {}",
            quoted(&query)
        ));
    }
    line(format!(
        "  timeWindow:\n    - duration: {}\n      isRolling: true\n  budgetingMethod: Occurrences\n  objectives:\n    - displayName: {}\n      target: {}",
        name_of(promise.slo.window),
        quoted("good runs"),
        promise.objective()
    ));
}

/// A name that DNS takes: small letters, digits and hyphens, 63 of them at most.
fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = name.chars().map(plain).collect();
    let text: String = text.trim_matches('-').chars().take(LONGEST).collect();
    let text = text.trim_end_matches('-');
    if text.is_empty() { "journey".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_of_dns() {
        for (name, label) in
            [("Check_out.v2", "check-out-v2"), ("--", "journey"), ("käse", "k-se"), ("a", "a")]
        {
            assert_eq!(self::label(name), label);
        }
        assert_eq!(self::label(&"x".repeat(99)).len(), 63);
    }
}
