//! A test for `promtool test rules` beside the rules: what they record and whom they tell when all is well, when a budget leaks, and when
//! everything fails.

use std::fmt::Write;

use super::{
    super::{
        promise::{Promise, decimal, quoted},
        windows::{Urgency, lengths, name_of, pairs},
    },
    alert_labels, annotations, labels, runs,
};

/// Minutes that are made up.
const MINUTES: u32 = 420;
/// When it is looked.
const AT: &str = "7h";
/// Runs a minute in a leak: so many that the share of bad ones is exact.
const RUNS: f64 = 1000.0;

/// A case: a name, good and bad runs a minute, and what is told.
struct Case {
    name: &'static str,
    good: f64,
    bad: f64,
    told: Vec<Urgency>,
}

/// The test of the rules in a file of that name.
pub fn proof(promises: &[Promise], rules_file: &str, version: &str) -> String {
    let mut out = format!(
        "# Written by wayfarer {version}; run it with: promtool test rules THIS_FILE\nrule_files:\n  - {}\nevaluation_interval: 1m\ntests:\n",
        quoted(rules_file)
    );
    for promise in promises {
        for case in cases(promise) {
            write(&mut out, promise, &case);
        }
    }
    if promises.is_empty() {
        out.truncate(out.len() - "tests:\n".len());
        out.push_str("tests: []\n");
    }
    out
}

fn cases(promise: &Promise) -> Vec<Case> {
    let budget = 1.0 - promise.slo.objective_percent / 100.0;
    let quiet = Case { name: "all is well", good: 1.0, bad: 0.0, told: Vec::new() };
    let told = Urgency::ALL.to_vec();
    let outage = Case { name: "every run is bad", good: 0.0, bad: 1.0, told };
    // Four times too fast: above the 3 of the third pair, below the 6 of the second.
    let share = 4.0 * budget;
    let leak = Case {
        name: "the budget leaks",
        good: RUNS * (1.0 - share),
        bad: RUNS * share,
        told: vec![Urgency::Ticket],
    };
    let within = pairs(promise.slo.window).iter().all(|pair| match pair.urgency {
        Urgency::Page => pair.threshold(budget) > share,
        Urgency::Ticket => true,
    });
    if within && share < 1.0 { vec![quiet, leak, outage] } else { vec![quiet, outage] }
}

fn write(out: &mut String, promise: &Promise, case: &Case) {
    let mut line = |text: &str| {
        // A string takes everything.
        let _ = writeln!(out, "{text}");
    };
    line(&format!("  - name: {}", quoted(&format!("{}: {}", promise.id(), case.name))));
    line("    interval: 1m\n    input_series:");
    for (result, each) in [("good", case.good), ("bad", case.bad)] {
        line(&format!("      - series: {}", single(&runs(promise, Some(result)))));
        line(&format!("        values: \"0+{}x{MINUTES}\"", decimal(each)));
    }
    line("    promql_expr_test:");
    let share = case.bad / (case.good + case.bad);
    let budget = 1.0 - promise.slo.objective_percent / 100.0;
    let window = name_of(promise.slo.window);
    let mut figures = vec![
        ("slo:objective:ratio".to_owned(), 1.0 - budget, None),
        ("slo:error_budget:ratio".to_owned(), budget, None),
        ("slo:current_burn_rate:ratio".to_owned(), share / budget, None),
        ("slo:period_error_budget_remaining:ratio".to_owned(), 1.0 - share / budget, None),
    ];
    let spans = lengths(promise.slo.window).into_iter().map(name_of).chain([window]);
    figures
        .extend(spans.map(|span| (format!("slo:sli_error:ratio_rate{span}"), share, Some(span))));
    for (name, value, span) in figures {
        // Rounded, or what binary leaves behind would make it fail.
        let of = format!("{name}{{sloth_id={}}}", quoted(&promise.id()));
        line(&format!("      - expr: {}", single(&format!("round({of}, 0.000001)"))));
        let all = labels(promise).into_iter();
        let all = all.chain(span.map(|span| ("sloth_window", span)));
        let all: Vec<String> = all.map(|(n, v)| format!("{n}={}", quoted(&v))).collect();
        line(&format!("        eval_time: {AT}\n        exp_samples:"));
        line(&format!("          - labels: {}", single(&format!("{{{}}}", all.join(", ")))));
        line(&format!("            value: {}", rounded(value)));
    }
    line("    alert_rule_test:");
    line(&format!("      - alertname: WayfarerErrorBudgetBurn\n        eval_time: {AT}"));
    if case.told.is_empty() {
        line("        exp_alerts: []");
        return;
    }
    line("        exp_alerts:");
    for urgency in &case.told {
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

/// As `round(…, 0.000001)` gives it.
fn rounded(value: f64) -> String {
    decimal((value * 1e6).round() / 1e6)
}

/// Between single quotes, as YAML takes it.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
