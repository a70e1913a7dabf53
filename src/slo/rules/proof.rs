//! A test for `promtool test rules` beside the rules: what they record and whom they tell when all is well, when a budget leaks, and when
//! everything fails.

use super::{
    super::{
        promise::{Promise, decimal, quoted},
        windows::{Urgency, lengths, name_of, pairs},
    },
    ALERT, alert_labels, annotations, labels, runs, shortest,
};

/// Minutes that are made up, and looked at at their end.
const MINUTES: u32 = 60;
/// Runs a minute in a leak: so many that the share of bad ones is exact.
const RUNS: f64 = 1000.0;

/// What goes on in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Quiet,
    Leak,
    Outage,
}

/// The test of the rules in a file of that name: one case holds all objectives, so that it stays quick with many of them.
pub fn proof(promises: &[Promise], rules_file: &str, version: &str) -> String {
    let mut out = format!(
        "# Written by wayfarer {version}; run it with: promtool test rules THIS_FILE\nrule_files:\n  - {}\nevaluation_interval: 1m\n",
        quoted(rules_file)
    );
    let mut tests = String::new();
    for case in [Case::Quiet, Case::Leak, Case::Outage] {
        let fit: Vec<&Promise> = promises.iter().filter(|p| case.runs(p).is_some()).collect();
        if !fit.is_empty() {
            write(&mut tests, &fit, case);
        }
    }
    out += &if tests.is_empty() { "tests: []\n".to_owned() } else { format!("tests:\n{tests}") };
    out
}

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::Quiet => "all is well",
            Self::Leak => "the budget leaks",
            Self::Outage => "every run is bad",
        }
    }

    /// Good and bad runs a minute; none where the objective cannot come to it.
    fn runs(self, promise: &Promise) -> Option<(f64, f64)> {
        // Four times too fast: above the 3 of the third pair, below the 6 of the second.
        let budget = 1.0 - promise.slo.objective_percent / 100.0;
        let share = 4.0 * budget;
        let mut pages = pairs(promise.slo.window).into_iter();
        let below = pages.all(|p| p.urgency == Urgency::Ticket || p.threshold(budget) > share);
        match self {
            Self::Quiet => Some((1.0, 0.0)),
            Self::Leak => (below && share < 1.0).then_some((RUNS * (1.0 - share), RUNS * share)),
            Self::Outage => Some((0.0, 1.0)),
        }
    }

    fn told(self) -> &'static [Urgency] {
        match self {
            Self::Quiet => &[],
            Self::Leak => &[Urgency::Ticket],
            Self::Outage => &Urgency::ALL,
        }
    }
}

fn write(out: &mut String, promises: &[&Promise], case: Case) {
    let mut line = |text: &str| {
        *out += text;
        out.push('\n');
    };
    line(&format!("  - name: {}\n    interval: 1m\n    input_series:", quoted(case.name())));
    let made = promises.iter().filter_map(|promise| Some((*promise, case.runs(promise)?)));
    let made: Vec<(&Promise, (f64, f64))> = made.collect();
    for (promise, (good, bad)) in &made {
        for (result, each) in [("good", good), ("bad", bad)] {
            line(&format!("      - series: {}", single(&runs(promise, Some(result)))));
            line(&format!("        values: \"0+{}x{MINUTES}\"", decimal(*each)));
        }
    }
    line("    promql_expr_test:");
    for (promise, (good, bad)) in &made {
        for (name, value, span) in figures(promise, bad / (good + bad)) {
            // Rounded, or what binary leaves behind would make it fail.
            let of = format!("{name}{{sloth_id={}}}", quoted(&promise.id()));
            line(&format!("      - expr: {}", single(&format!("round({of}, 0.000001)"))));
            let all = labels(promise).into_iter();
            let all = all.chain(span.map(|span| ("sloth_window", span)));
            let all: Vec<String> = all.map(|(n, v)| format!("{n}={}", quoted(&v))).collect();
            line(&format!("        eval_time: {MINUTES}m\n        exp_samples:"));
            line(&format!("          - labels: {}", single(&format!("{{{}}}", all.join(", ")))));
            line(&format!("            value: {}", rounded(value)));
        }
    }
    line("    alert_rule_test:");
    line(&format!("      - alertname: {ALERT}\n        eval_time: {MINUTES}m"));
    if case.told().is_empty() {
        line("        exp_alerts: []");
        return;
    }
    line("        exp_alerts:");
    for (promise, urgency) in promises.iter().flat_map(|p| case.told().iter().map(move |u| (p, u)))
    {
        line("          - exp_labels:");
        for (name, value) in labels(promise).into_iter().chain(alert_labels(promise, *urgency)) {
            line(&format!("              {name}: {}", quoted(&value)));
        }
        line("            exp_annotations:");
        for (name, value) in annotations(promise, *urgency) {
            line(&format!("              {name}: {}", quoted(&value)));
        }
    }
}

/// What is recorded where that share of the runs is bad, each with its span.
fn figures(promise: &Promise, share: f64) -> Vec<(String, f64, Option<String>)> {
    let budget = 1.0 - promise.slo.objective_percent / 100.0;
    let (short, window) = (shortest(promise), name_of(promise.slo.window));
    let burns = share / budget;
    let mut figures = vec![
        ("slo:objective:ratio".to_owned(), 1.0 - budget, None),
        ("slo:error_budget:ratio".to_owned(), budget, None),
        ("slo:current_burn_rate:ratio".to_owned(), burns, Some(short)),
        ("slo:period_burn_rate:ratio".to_owned(), burns, Some(window.clone())),
        ("slo:period_error_budget_remaining:ratio".to_owned(), 1.0 - burns, Some(window.clone())),
    ];
    let spans = lengths(promise.slo.window).into_iter().map(name_of).chain([window]);
    figures
        .extend(spans.map(|span| (format!("slo:sli_error:ratio_rate{span}"), share, Some(span))));
    figures
}

/// As `round(…, 0.000001)` gives it.
fn rounded(value: f64) -> String {
    decimal((value * 1e6).round() / 1e6)
}

/// Between single quotes, as YAML takes it.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
