//! The ConfigMaps of `deploy/`: with values in the place of their templates, their bodies are what the readers understand.

use std::fs;

use regex::Regex;
use serde_json::Value;
use wayfarer::{intake::Said, model::ChangeState};

use super::hear;

/// The bodies in a ConfigMap: every block below `body: |`.
fn bodies(file: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("{}/deploy/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut bodies = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() == "body: |" {
            let depth = line.len() - line.trim_start().len();
            let mut body = String::new();
            while let Some(next) = lines.next_if(|l| l.len() - l.trim_start().len() > depth) {
                body += next;
                body.push('\n');
            }
            bodies.push(body);
        }
    }
    bodies
}

fn filled(body: &str, values: &[(&str, &str)]) -> Value {
    let braces = Regex::new(r"\{\{[^}]*\}\}").unwrap();
    let list = Regex::new(r"\[\{\{ range.*\{\{ end \}\}\]").unwrap();
    let lines = body.lines().map(|line| {
        let value = values.iter().find(|(key, _)| line.contains(&format!("\"{key}\": ")));
        match value {
            Some((key, value)) if line.contains("{{") && *key != "url" => {
                let comma = if line.trim_end().ends_with(',') { "," } else { "" };
                format!("\"{key}\": {value}{comma}")
            }
            _ => braces.replace_all(&list.replace_all(line, "[]"), "x").into_owned(),
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn argo_cd() {
    let bodies = bodies("argocd/notifications.yaml");
    let values = [
        ("app", "\"shop\""),
        ("namespace", "\"apps\""),
        ("server", "\"https://kubernetes.default.svc\""),
        ("project", "\"default\""),
        ("environment", "\"production\""),
        ("repository", "\"https://github.com/acme/shop.git\""),
        ("revision", "\"731f7eaddfb6af01cb2173e18f0f75b0ba780ef1\""),
        ("revisions", "[]"),
        ("images", "[\"registry.example.com/shop:2.4.1\"]"),
        ("phase", "\"\""),
        ("health", "\"\""),
        ("started_at", "\"2026-11-20T10:00:00Z\""),
        ("finished_at", "\"2026-11-20T10:02:00Z\""),
        ("author", "\"jo\""),
        ("message", "\"\""),
    ];
    let states =
        [ChangeState::Started, ChangeState::Finished, ChangeState::Failed, ChangeState::Failed];
    assert_eq!(bodies.len(), states.len());
    for (body, state) in bodies.iter().zip(states) {
        let heard = hear("argocd", &[], filled(body, &values).to_string().as_bytes()).unwrap();
        let [Said::Change(told)] = &heard.said[..] else { panic!("{heard:?}") };
        assert_eq!(told.change.state, state, "{body}");
        assert_eq!(told.change.version.as_deref(), Some("2.4.1"));
        assert_eq!(told.change.environments, ["production".into()]);
        assert_eq!(told.change.labels["repository"], "acme/shop");
    }
}

#[test]
fn argo_rollouts() {
    let bodies = bodies("argo-rollouts/notifications.yaml");
    let values = [
        ("app", "\"shop\""),
        ("namespace", "\"apps\""),
        ("environment", "\"\""),
        ("pod_hash", "\"7d9c\""),
        ("revision", "\"4\""),
        ("images", "[\"registry.example.com/shop:2.4.1\"]"),
        ("phase", "\"Progressing\""),
        ("message", "\"\""),
    ];
    let states = [ChangeState::Started, ChangeState::Finished, ChangeState::Failed];
    assert_eq!(bodies.len(), states.len());
    for (body, state) in bodies.iter().zip(states) {
        let heard =
            hear("argorollouts", &[], filled(body, &values).to_string().as_bytes()).unwrap();
        let [Said::Change(told)] = &heard.said[..] else { panic!("{heard:?}") };
        assert_eq!(told.change.state, state, "{body}");
        assert_eq!(told.change.version.as_deref(), Some("2.4.1"));
    }
}
