//! Recording and alerting rules for Prometheus, of our own metrics, under the names and labels that Sloth gives its rules
//! (<https://sloth.dev>), so that dashboards and routing trees made for Sloth work on them.
//!
//! What Sloth calls a service is the journey, what it calls an SLO the environment.

mod proof;

use super::{
    LEAST_BAD,
    promise::{Promise, decimal, quoted},
    windows::{Pair, Urgency, lengths, name_of, pairs},
};

pub use proof::proof;

/// What the alerts are called.
const ALERT: &str = "WayfarerErrorBudgetBurn";

/// Half a run less than the least: what `increase` guesses at the edges is not whole.
const SLACK: f64 = 0.5;

/// The rules of these objectives as a file.
pub fn prometheus(promises: &[Promise], version: &str) -> String {
    let mut out = format!(
        "# Written by wayfarer {version}: wayfarer slo --rules prometheus\n# Names and labels are those of Sloth (sloth.dev); spans and factors those of the SRE Workbook.\n# Runs in [[maintenance]] are in no counter: they spend nothing here either (the agent itself leaves out the whole five minutes they lie in).\ngroups:\n"
    );
    for promise in promises {
        Rules { promise, out: &mut out }.all(version);
    }
    if promises.is_empty() {
        out.truncate(out.len() - "groups:\n".len());
        out.push_str("groups: []\n");
    }
    out
}

/// The rules of one objective, as they are written.
struct Rules<'a> {
    promise: &'a Promise,
    out: &'a mut String,
}

/// The short span whose ratio is summed up over a whole window.
fn shortest(promise: &Promise) -> String {
    lengths(promise.slo.window).first().map_or_else(String::new, |span| name_of(*span))
}

/// The runs of an objective: `wayfarer_slo_runs_total{journey="…",environment="…"}`, of one result where one is wanted.
fn runs(promise: &Promise, result: Option<&str>) -> String {
    let result = result.map_or(String::new(), |result| format!(",result={}", quoted(result)));
    format!(
        "wayfarer_slo_runs_total{{journey={},environment={}{result}}}",
        quoted(promise.journey.as_str()),
        quoted(promise.environment.as_str())
    )
}

/// The labels by which a rule of an objective finds another one of it.
fn selector(promise: &Promise) -> String {
    let (id, service, slo) = (promise.id(), promise.journey.as_str(), promise.environment.as_str());
    format!(
        "{{sloth_id={},sloth_service={},sloth_slo={}}}",
        quoted(&id),
        quoted(service),
        quoted(slo)
    )
}

impl Rules<'_> {
    fn all(mut self, version: &str) {
        self.ratios();
        self.meta(version);
        self.alerts();
    }

    fn group(&mut self, what: &str) {
        let name = quoted(&format!("sloth-slo-{what}-{}", self.promise.id()));
        self.line(&format!("- name: {name}\n    rules:"));
    }

    fn ratios(&mut self) {
        self.group("sli-recordings");
        for span in lengths(self.promise.slo.window) {
            let window = name_of(span);
            let of = |result| format!("sum(increase({}[{window}]))", runs(self.promise, result));
            // Without a run there is no ratio: nobody knows.
            let expr = format!("{} / ({} > 0)", of(Some("bad")), of(None));
            self.ratio(&window, &expr);
        }
        let (short, window) = (shortest(self.promise), name_of(self.promise.slo.window));
        let short = format!("slo:sli_error:ratio_rate{short}{}", selector(self.promise));
        let expr = format!(
            "sum_over_time({short}[{window}]) / ignoring(sloth_window) count_over_time({short}[{window}])"
        );
        self.ratio(&window, &expr);
    }

    fn ratio(&mut self, window: &str, expr: &str) {
        self.record(
            &format!("slo:sli_error:ratio_rate{window}"),
            expr,
            &[("sloth_window", window)],
        );
    }

    fn meta(&mut self, version: &str) {
        self.group("meta-recordings");
        let promise = self.promise;
        let (of, window) = (selector(promise), name_of(promise.slo.window));
        let budget = format!("slo:error_budget:ratio{of}");
        let over = |ratio: &str| {
            format!(
                "slo:sli_error:ratio_rate{ratio}{of} / on(sloth_id, sloth_slo, sloth_service) group_left {budget}"
            )
        };
        let days = decimal(promise.slo.window.as_secs_f64() / 86_400.0);
        self.record("slo:objective:ratio", &format!("vector({})", promise.objective()), &[]);
        self.record("slo:error_budget:ratio", &format!("vector({})", promise.budget()), &[]);
        self.record("slo:time_period:days", &format!("vector({days})"), &[]);
        self.record("slo:current_burn_rate:ratio", &over(&shortest(promise)), &[]);
        self.record("slo:period_burn_rate:ratio", &over(&window), &[]);
        let left = format!("1 - slo:period_burn_rate:ratio{of}");
        self.record("slo:period_error_budget_remaining:ratio", &left, &[]);
        let objective = decimal(promise.slo.objective_percent);
        let facts = [
            ("sloth_mode", "wayfarer"),
            ("sloth_objective", objective.as_str()),
            ("sloth_spec", "wayfarer"),
            ("sloth_version", version),
        ];
        self.record("sloth_slo_info", "vector(1)", &facts);
    }

    fn alerts(&mut self) {
        self.group("alerts");
        for urgency in Urgency::ALL {
            let expr = expression(self.promise, urgency);
            self.line(&format!("    - alert: {ALERT}"));
            self.line(&format!("      expr: |\n{}", indented(&expr, 8)));
            self.line("      labels:");
            let own = labels(self.promise).into_iter();
            for (name, value) in own.chain(alert_labels(self.promise, urgency)) {
                self.line(&format!("        {name}: {}", quoted(&value)));
            }
            self.line("      annotations:");
            for (name, value) in annotations(self.promise, urgency) {
                self.line(&format!("        {name}: {}", quoted(&value)));
            }
        }
    }

    fn record(&mut self, name: &str, expr: &str, more: &[(&str, &str)]) {
        self.line(&format!("    - record: {name}\n      expr: {}\n      labels:", quoted(expr)));
        for (label, value) in labels(self.promise) {
            self.line(&format!("        {label}: {}", quoted(&value)));
        }
        for (label, value) in more {
            self.line(&format!("        {label}: {}", quoted(value)));
        }
    }

    fn line(&mut self, text: &str) {
        if text.starts_with('-') {
            *self.out += "  ";
        }
        *self.out += text;
        self.out.push('\n');
    }
}

/// The labels of every rule of an objective.
fn labels(promise: &Promise) -> Vec<(&'static str, String)> {
    vec![
        ("environment", promise.environment.to_string()),
        ("journey", promise.journey.to_string()),
        ("sloth_id", promise.id()),
        ("sloth_service", promise.journey.to_string()),
        ("sloth_slo", promise.environment.to_string()),
    ]
}

/// What an alert has beside them.
fn alert_labels(promise: &Promise, urgency: Urgency) -> Vec<(&'static str, String)> {
    let severity = if urgency == Urgency::Page { "critical" } else { "warning" };
    let mut labels =
        vec![("severity", severity.to_owned()), ("sloth_severity", urgency.as_str().to_owned())];
    labels.extend(promise.owner.clone().map(|owner| ("owner", owner)));
    labels
}

fn annotations(promise: &Promise, urgency: Urgency) -> Vec<(&'static str, String)> {
    let (journey, environment) = (&promise.journey, &promise.environment);
    let how = match urgency {
        Urgency::Page => "is spent so fast that it is soon gone",
        Urgency::Ticket => "is spent faster than it comes back",
    };
    let mut said = vec![
        (
            "summary",
            format!(
                "The error budget of {journey} in {environment} {how} ({}% over {})",
                decimal(promise.slo.objective_percent),
                name_of(promise.slo.window)
            ),
        ),
        ("title", format!("({}) {journey} in {environment}: error budget", urgency.as_str())),
    ];
    said.extend(promise.runbook.clone().map(|runbook| ("runbook_url", runbook)));
    // A template of Prometheus would be read in them.
    said.iter_mut().for_each(|(_, text)| *text = text.replace("{{", "{ {"));
    said
}

/// When an alert fires: any pair of its urgency burns in both spans, with enough bad runs.
fn expression(promise: &Promise, urgency: Urgency) -> String {
    let own = pairs(promise.slo.window).into_iter().filter(|pair| pair.urgency == urgency);
    let all: Vec<String> = own.map(|pair| format!("({})", holds(promise, pair))).collect();
    all.join("\nor\n")
}

fn holds(promise: &Promise, pair: Pair) -> String {
    let of = selector(promise);
    let budget = 1.0 - promise.slo.objective_percent / 100.0;
    // Where nearly every run is bad, people are told whatever the factor.
    let limit = if pair.threshold(budget) < pair.factor * budget - 1e-12 {
        decimal(pair.threshold(budget))
    } else {
        format!("({} * {})", decimal(pair.factor), promise.budget())
    };
    let above = |span| {
        let window = name_of(span);
        format!("max(slo:sli_error:ratio_rate{window}{of} > {limit}) without (sloth_window)")
    };
    format!(
        "\n  {}\n  and\n  {}\n  and on()\n  (sum(increase({}[{}])) > {})\n",
        above(pair.short),
        above(pair.long),
        runs(promise, Some("bad")),
        name_of(pair.long),
        decimal(LEAST_BAD - SLACK)
    )
}

fn indented(text: &str, by: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("{:by$}{line}", "")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Slo;

    fn promise(objective_percent: f64, days: u64) -> Promise {
        let window = Duration::from_secs(days * 86_400);
        let slo = Slo { objective_percent, latency: None, window };
        Promise {
            journey: "checkout".into(),
            environment: "production".into(),
            slo,
            owner: Some("team-pay".into()),
            runbook: Some("https://runbooks.example.com/checkout".into()),
        }
    }

    #[test]
    fn names_and_labels_are_those_of_sloth() {
        let rules = prometheus(&[promise(99.9, 30)], "1.0");
        for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"] {
            assert!(
                rules.contains(&format!("- record: slo:sli_error:ratio_rate{window}\n")),
                "{window}"
            );
            assert!(rules.contains(&format!("sloth_window: \"{window}\"")), "{window}");
        }
        for name in [
            "slo:objective:ratio",
            "slo:error_budget:ratio",
            "slo:time_period:days",
            "slo:current_burn_rate:ratio",
            "slo:period_burn_rate:ratio",
            "slo:period_error_budget_remaining:ratio",
            "sloth_slo_info",
        ] {
            assert!(rules.contains(&format!("- record: {name}\n")), "{name}");
        }
        assert!(rules.contains("> (14.4 * 0.001)) without (sloth_window)"), "{rules}");
        assert!(rules.contains("sloth_id: \"checkout-production\""));
        assert!(
            rules.contains("sloth_severity: \"page\"")
                && rules.contains("sloth_severity: \"ticket\"")
        );
        assert!(rules.contains("expr: \"vector(0.001)\""));
    }

    #[test]
    fn a_loose_objective_and_another_window_have_rules_too() {
        let rules = prometheus(&[promise(90.0, 7)], "1.0");
        assert!(rules.contains("> 0.9) without") && rules.contains("ratio_rate335m"), "{rules}");
        assert_eq!(prometheus(&[], "1.0").lines().last(), Some("groups: []"));
    }
}
