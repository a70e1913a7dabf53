//! The files in `deploy/grafana` and `deploy/prometheus`: every metric and label they ask for is one that the exporter has, their expressions are
//! PromQL by promtool, and the dashboards have the shape that Grafana imports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use wayfarer::export::{Declared, declared};

use crate::promql::asked;

/// Labels that Prometheus adds to whatever it scrapes.
const ADDED: [&str; 2] = ["job", "instance"];

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

fn boards() -> Vec<(String, Value)> {
    let mut boards = Vec::new();
    for file in fs::read_dir(deploy("grafana")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|end| end == "json") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            boards.push((name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()));
        }
    }
    assert_eq!(boards.len(), 5);
    boards
}

/// The labels of a metric, `le` among those of a histogram's buckets.
fn labels_of(all: &[Declared], name: &str) -> Option<BTreeSet<String>> {
    if name == "up" {
        return Some(ADDED.map(str::to_owned).into());
    }
    let mut labels: BTreeSet<String> = ADDED.map(str::to_owned).into();
    for one in all {
        let ends: &[&str] = if one.histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
        if let Some(end) = ends.iter().find(|end| format!("{}{end}", one.name) == name) {
            labels.extend(one.labels.iter().map(|label| (*label).to_owned()));
            labels.extend((*end == "_bucket").then(|| "le".to_owned()));
            return Some(labels);
        }
    }
    None
}

/// What is wrong with an expression; `more` are labels that are wanted of its answer.
fn faults(all: &[Declared], expression: &str, more: &[String]) -> Vec<String> {
    let found = asked(expression);
    let mut faults = Vec::new();
    let mut any = BTreeSet::new();
    if found.metrics.is_empty() {
        faults.push(format!("no metric in `{expression}`"));
    }
    for (name, labels) in &found.metrics {
        let Some(known) = labels_of(all, name) else {
            faults.push(format!("there is no metric `{name}`"));
            continue;
        };
        for label in labels.iter().filter(|label| !known.contains(*label)) {
            faults.push(format!("`{name}` has no label `{label}`"));
        }
        any.extend(known);
    }
    for label in found.labels.iter().chain(more).filter(|label| !any.contains(*label)) {
        faults.push(format!("no label `{label}` in `{expression}`"));
    }
    faults
}

/// The labels between double braces.
fn braced(text: &str) -> Vec<String> {
    let parts = text.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
    parts.map(|name| name.trim().to_owned()).collect()
}

/// Every expression of a board, with the labels that are shown of it.
fn expressions(board: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for panel in board["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            all.push((text(&target["expr"]), braced(&text(&target["legendFormat"]))));
        }
    }
    for note in board["annotations"]["list"].as_array().unwrap() {
        if note["expr"].is_string() {
            let mut shown = braced(&text(&note["titleFormat"]));
            shown.extend(braced(&text(&note["textFormat"])));
            shown.extend(text(&note["tagKeys"]).split(',').map(str::to_owned));
            all.push((text(&note["expr"]), shown));
        }
    }
    for variable in board["templating"]["list"].as_array().unwrap() {
        let query = text(&variable["query"]["query"]);
        if let Some(inside) = query.strip_prefix("label_values(").and_then(|q| q.strip_suffix(')'))
        {
            let (metric, label) = inside.rsplit_once(',').unwrap();
            all.push((metric.to_owned(), vec![label.trim().to_owned()]));
        }
    }
    all
}

#[test]
fn dashboards_ask_for_what_there_is() {
    let all = declared();
    let mut found = Vec::new();
    let mut count = 0;
    for (name, board) in boards() {
        for (expression, shown) in expressions(&board) {
            count += 1;
            found.extend(
                faults(&all, &expression, &shown).into_iter().map(|f| format!("{name}: {f}")),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(count > 70, "{count} expressions");
    // That it would find something.
    assert_eq!(faults(&all, "sum by (nothing) (wayfarer_run_total{x=\"1\"})", &[]).len(), 2);
    assert_eq!(faults(&all, "probe_success{step=\"1\"}", &["kind".to_owned()]).len(), 2);
}

#[test]
fn rules_ask_for_what_there_is() {
    let all = declared();
    let text = fs::read_to_string(deploy("prometheus/wayfarer.rules.yml")).unwrap();
    let (mut found, mut count, mut lines) = (Vec::new(), 0, text.lines().peekable());
    while let Some(line) = lines.next() {
        let Some(mut expression) = line.trim().strip_prefix("expr: ").map(str::to_owned) else {
            continue;
        };
        if expression == "|" {
            expression.clear();
            let deep = |l: &&str| l.starts_with("          ") || l.trim().is_empty();
            while let Some(more) = lines.next_if(deep) {
                expression += more;
                expression.push('\n');
            }
        }
        count += 1;
        // `reason` and its like are in annotations: promtool's test compares these.
        found.extend(faults(&all, &expression, &[]));
    }
    assert!(found.is_empty() && count == 18, "{count}: {found:#?}");
}

#[test]
fn dashboards_have_the_shape_that_grafana_imports() {
    let mut titles = BTreeSet::new();
    for (name, board) in boards() {
        assert!(board["schemaVersion"].as_u64().is_some_and(|v| v >= 36), "{name}");
        assert!(board["id"].is_null() && board["uid"].is_null(), "{name}: an id of its own");
        assert!(titles.insert(board["title"].as_str().unwrap().to_owned()), "{name}");
        let text = board.to_string();
        for uid in text.split("\"uid\":\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(["${datasource}", "-- Grafana --"].contains(&uid), "{name}: {uid}");
        }
        let variables = board["templating"]["list"].as_array().unwrap();
        assert_eq!(variables[0]["type"], "datasource", "{name}");
        let names: Vec<&str> = variables.iter().map(|v| v["name"].as_str().unwrap()).collect();
        for used in text.split('$').skip(1) {
            let used: String = used
                .chars()
                .skip_while(|c| *c == '{')
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            let own = ["__rate_interval", "__range", "__interval"];
            assert!(
                names.contains(&used.as_str()) || own.contains(&used.as_str()),
                "{name}: ${used}"
            );
        }
        let (mut ids, mut spots) = (BTreeSet::new(), BTreeMap::new());
        for panel in board["panels"].as_array().unwrap() {
            let title = panel["title"].as_str().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {title}");
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("x") + at("w") <= 24, "{name}: {title}");
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    let other = spots.insert((x, y), title);
                    assert!(other.is_none(), "{name}: {title} lies on {other:?}");
                }
            }
            if panel["type"] == "row" {
                continue;
            }
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {title}");
            let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap();
            let known = ["s", "percentunit", "short", "ops"];
            assert!(known.contains(&unit), "{name}: {title} is in {unit}");
            let expressions = panel["targets"].to_string();
            let seconds = expressions.contains("_seconds") && !expressions.contains("_timestamp_");
            let ratio = expressions.contains("_remaining_ratio");
            assert!(
                !seconds || unit == "s" || panel["type"] == "table",
                "{name}: {title} in {unit}"
            );
            assert!(!ratio || unit == "percentunit" || panel["type"] == "table", "{name}: {title}");
            let refs: BTreeSet<_> = panel["targets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|t| t["refId"].to_string())
                .collect();
            assert_eq!(refs.len(), panel["targets"].as_array().unwrap().len(), "{name}: {title}");
        }
    }
}

/// Runs promtool; false where there is none.
#[expect(clippy::print_stdout, reason = "a test says what it skips")]
fn promtool(arguments: &[&str], folder: &Path) -> bool {
    let Ok(said) = Command::new("promtool").args(arguments).current_dir(folder).output() else {
        println!("skipped: promtool is not installed");
        return false;
    };
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.status.success(),
        "{arguments:?}: {text}{}",
        String::from_utf8_lossy(&said.stderr)
    );
    true
}

#[test]
fn promtool_is_content_with_rules_and_scrape_job() {
    let folder = deploy("prometheus");
    let _ = promtool(&["check", "rules", "wayfarer.rules.yml"], &folder)
        && promtool(&["test", "rules", "wayfarer.rules_test.yml"], &folder)
        && promtool(&["check", "config", "prometheus.yml"], &folder);
}

#[test]
fn every_expression_of_a_dashboard_is_promql() {
    let folder = tempfile::tempdir().unwrap();
    let mut rules = "groups:\n- name: boards\n  rules:\n".to_owned();
    for (_, board) in boards() {
        for (expression, _) in expressions(&board) {
            let filled = expression
                .replace("$__rate_interval", "5m")
                .replace("$__range", "6h")
                .replace("$__interval", "5m")
                .replace('$', "");
            let number = rules.lines().count();
            rules += &format!("  - record: board:{number}\n    expr: {}\n", Value::from(filled));
        }
    }
    fs::write(folder.path().join("boards.yml"), rules).unwrap();
    promtool(&["check", "rules", "boards.yml"], folder.path());
}
