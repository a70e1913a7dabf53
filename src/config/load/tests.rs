use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::{
    Action, Body, HttpStep, Literal, Predicate, Query, Schedule, Scope, SecretSource, Text,
};

const MAIN: &str = r#"
[agent]
location = "fra1"
listen = "0.0.0.0:9464"
data = "data/wayfarer.db"
workers = 8
drain = "5s"

[environments.production]
base_url = "https://shop.example.com/"
vars = { user = "probe", tries = 3, strict = true }
secrets = { password = { env = "P" }, key = { file = "k" }, pin = { command = ["pass", "pin"] } }
max_rate = 2.5

[watch]
window = "1h"
min_runs = 30
smoke = false
burst = false
settle = "0s"

[detect]
latency = { relative = "50%", absolute = "20ms" }
success = { drop = "0.5%" }
confidence = 0.99

[services.payments]
depends_on = ["ledger", "bank"]
owner = "team"

[retention]
runs = "3d"

[[token]]
name = "pipeline"
scope = "write"
secret = { env = "T" }
"#;

const JOURNEY: &str = r#"
name = "checkout"
services = ["shop"]
environments = ["production"]
every = "1m30s"

[[step]]
name = "send"
service = "auth"
[step.http]
method = "post"
url = "{{base_url}}/x"
query = { z = "1", a = ["2", "3"], m = 4 }
headers = { x-b = "{{user}}", x-a = "y" }
json = { b = [1, 2.5, true, "{{password}}"], a = { when = 2026-01-01 } }
max_body = "1KiB"
[step.capture]
id = { css = "input", attribute = "value", secret = true }
[step.expect]
status = 303
duration = { below = "2s", above = "1ms" }
header.location = { ends_with = "/x" }
jsonpath."$.a" = 5

[[step]]
name = "look"
timeout = "2s"
effect = true
[step.http]
url = "{{base_url}}/{{id}}"
[[step.assert]]
query = { jsonpath = "$[*]" }
count = { at_least = 1 }
one_of = ["a", 2, true]
"#;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn good(main: &str, journey: &str) -> Config {
    load(&file("wayfarer.toml", main), &[file("journeys/x.toml", journey)])
        .unwrap_or_else(|f| panic!("{f}"))
}

fn text(text: &str) -> Text {
    Text(text.to_owned())
}

#[test]
fn settings_are_lowered() {
    let settings = good(MAIN, JOURNEY).settings;
    assert_eq!(settings.agent.location.as_str(), "fra1");
    assert_eq!(settings.agent.listen.to_string(), "0.0.0.0:9464");
    assert_eq!((settings.agent.workers, settings.agent.drain), (8, Duration::from_secs(5)));
    let production = &settings.environments["production"];
    let vars: Vec<_> = production.vars.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(vars, ["base_url=https://shop.example.com", "strict=true", "tries=3", "user=probe"]);
    assert_eq!(production.secrets["password"], SecretSource::Env("P".into()));
    assert_eq!(production.secrets["pin"], SecretSource::Command(vec!["pass".into(), "pin".into()]));
    assert!((production.max_rate - 2.5).abs() < f64::EPSILON);
    assert_eq!(settings.watch.burst, None);
    assert_eq!((settings.watch.min_runs, settings.watch.smoke), (30, false));
    assert!((settings.detect.latency_relative - 0.5).abs() < 1e-12);
    assert!((settings.detect.success_drop - 0.005).abs() < 1e-12);
    assert_eq!(settings.detect.latency_absolute, Some(Duration::from_millis(20)));
    assert_eq!(settings.services["payments"].depends_on.len(), 2);
    assert_eq!(settings.retention.runs, Duration::from_secs(3 * 86_400));
    assert_eq!(settings.retention.evidence, settings.retention.runs, "not longer than the runs");
    assert_eq!(settings.tokens[0].scope, Scope::Write);
}

#[test]
fn an_empty_file_is_all_defaults() {
    let settings = load(&file("wayfarer.toml", ""), &[]).unwrap().settings;
    assert_eq!(settings.agent.listen.to_string(), "127.0.0.1:9464");
    assert_eq!(settings.watch, crate::model::Watch::default());
    assert_eq!(settings.detect, crate::model::Detect::default());
    assert_eq!(settings.retention, crate::model::Retention::default());
}

#[test]
fn a_journey_is_lowered() {
    let journey = good(MAIN, JOURNEY).journeys.remove(0);
    assert_eq!(journey.schedule, Schedule::Every(Duration::from_secs(90)));
    assert_eq!(journey.timeout, Duration::from_secs(30));
    let services: Vec<_> = journey.services.iter().map(|s| s.as_str()).collect();
    assert_eq!(services, ["shop", "auth"], "a step's own service counts");
    let [send, look] = &journey.steps[..] else { panic!() };
    let Action::Http(http) = &send.action else { panic!() };
    let HttpStep { method, url, query, headers, body, redirects, max_body_bytes, .. } = http;
    assert_eq!((method.as_str(), url), ("POST", &text("{{base_url}}/x")));
    let pair = |k: &str, v: &str| (k.to_owned(), text(v));
    assert_eq!(
        *query,
        [pair("z", "1"), pair("a", "2"), pair("a", "3"), pair("m", "4")],
        "as in the file"
    );
    assert_eq!(*headers, [pair("x-b", "{{user}}"), pair("x-a", "y")]);
    let json =
        serde_json::json!({ "b": [1, 2.5, true, "{{password}}"], "a": { "when": "2026-01-01" } });
    assert_eq!(*body, Some(Body::Json(json)));
    assert_eq!((*redirects, *max_body_bytes), (0, 1024), "a 3xx that is expected is not followed");
    assert_eq!(send.captures[0].query, Query::css_attribute("input", "value"));
    assert!(send.captures[0].secret);
    let asserted: Vec<_> = send.assertions.iter().map(|a| (&a.query, &a.predicates[..])).collect();
    assert_eq!(asserted[0], (&Query::status(), &[Predicate::Equals(Literal::Number(303.0))][..]));
    assert_eq!(
        asserted[1].1,
        [
            Predicate::Above(Duration::from_millis(1).into()),
            Predicate::Below(Duration::from_secs(2).into())
        ]
    );
    assert_eq!(asserted[2].0, &Query::header("location"));
    assert_eq!(asserted[3].0, &Query::json_path("$.a"));
    let Action::Http(http) = &look.action else { panic!() };
    assert_eq!(
        (http.method.as_str(), http.redirects, http.max_body_bytes),
        ("GET", 10, 10 * 1024 * 1024)
    );
    assert_eq!((look.timeout, look.effect), (Some(Duration::from_secs(2)), true));
    assert_eq!(look.assertions[0].count, [Predicate::AtLeast(1.0.into())]);
    assert_eq!(
        look.assertions[0].predicates,
        [Predicate::OneOf(vec![
            Literal::Text(text("a")),
            Literal::Number(2.0),
            Literal::Bool(true)
        ])]
    );
}

#[test]
fn redirects_are_followed_unless_one_is_expected() {
    let redirects = |expect: &str| {
        let journey = format!(
            "name = 'x'\nenvironments = ['production']\nevery = '1s'\n[[step]]\nname = 's'\n[step.http]\nurl = '{{{{base_url}}}}'\n[step.expect]\n{expect}\n"
        );
        let Action::Http(http) = good(MAIN, &journey).journeys.remove(0).steps.remove(0).action
        else {
            panic!()
        };
        http.redirects
    };
    for (expect, count) in [
        ("status = 200", 10),
        ("status = [200, 301]", 0),
        ("status = { at_least = 300, below = 400 }", 0),
        ("status = { above = 299, below = 400 }", 0),
        ("status = { below = 400 }", 10),
        ("body = '301'", 10),
    ] {
        assert_eq!(redirects(expect), count, "{expect}");
    }
}

#[test]
fn the_revision_follows_the_walk_and_nothing_else() {
    let revision = |text: &str| good(MAIN, text).journeys.remove(0).revision.to_string();
    let first = revision(JOURNEY);
    assert_eq!(first.len(), 12);
    assert!(first.bytes().all(|b| b.is_ascii_hexdigit()));
    for (old, new) in [
        ("every = \"1m30s\"", "every = '5s' # a comment"),
        (
            "name = \"checkout\"",
            "name = \"checkout\"\nowner = 'me'\ndescription = 'x'\nrunbook = 'https://x.example'",
        ),
        ("service = \"auth\"\n", ""),
        ("services = [\"shop\"]", "services = []"),
        ("effect = true\n", ""),
        ("method = \"post\"", "method = 'POST'"),
    ] {
        assert!(JOURNEY.contains(old));
        assert_eq!(revision(&JOURNEY.replacen(old, new, 1)), first, "{new}");
    }
    for (old, new) in [
        ("status = 303", "status = 302"),
        ("timeout = \"2s\"", "timeout = \"3s\""),
        ("every", "timeout = \"9s\"\nevery"),
        ("every", "vars = { a = \"b\" }\nevery"),
        ("name = \"look\"", "name = \"see\""),
        ("at_least = 1", "at_least = 2"),
        ("x-a = \"y\"", "x-a = \"z\""),
    ] {
        assert!(JOURNEY.contains(old));
        assert_ne!(revision(&JOURNEY.replacen(old, new, 1)), first, "{new}");
    }
}

#[test]
fn faults_can_be_read_by_scripts() {
    let faults = load(&file("wayfarer.toml", "agnt = 1\n"), &[]).unwrap_err();
    let json = serde_json::to_value(faults.iter().collect::<Vec<_>>()).unwrap();
    let expected = serde_json::json!([{
        "path": "wayfarer.toml", "line": 1, "column": 1, "message": "unknown key `agnt`",
        "label": "not known here", "help": "did you mean `agent`?"
    }]);
    assert_eq!(json, expected);
    assert_eq!(faults.iter().next().unwrap().to_string(), "wayfarer.toml:1:1: unknown key `agnt`");
    assert!(faults.render(true, 80).contains('\u{1b}') && !faults.to_string().contains('\u{1b}'));
    assert!(!faults.render(false, 0).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever is typed into a good file, it is read or refused, and the faults can be drawn.
    #[test]
    fn no_edit_makes_it_panic(
        which in any::<bool>(),
        cut in 0_usize..900,
        length in 0_usize..40,
        typed in "[\\[\\]{}\"'=.#a-zé0-9\n\t -]{0,12}",
    ) {
        let edit = |text: &str| {
            let mut chars: Vec<char> = text.chars().collect();
            let from = cut.min(chars.len());
            let to = (from + length).min(chars.len());
            chars.splice(from..to, typed.chars());
            chars.into_iter().collect::<String>()
        };
        let (main, journey) = if which { (edit(MAIN), JOURNEY.to_owned()) } else { (MAIN.to_owned(), edit(JOURNEY)) };
        if let Err(faults) = load(&file("wayfarer.toml", &main), &[file("x.toml", &journey)]) {
            prop_assert!(faults.iter().len() > 0);
            let drawn = faults.to_string();
            for fault in faults.iter() {
                prop_assert!(fault.line >= 1 && fault.column >= 1);
            }
            prop_assert!(!drawn.contains("Failed to read"), "{}", drawn);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        if let Err(faults) = load(&file("wayfarer.toml", &text), &[file("x.toml", &text)]) {
            prop_assert!(!faults.to_string().is_empty());
        }
    }
}

#[test]
fn an_assertion_knows_what_its_own_step_captured() {
    let journey = JOURNEY.replace("jsonpath.\"$.a\" = 5", "jsonpath.\"$.a\" = \"{{id}}\"");
    assert_ne!(journey, JOURNEY);
    good(MAIN, &journey);
}

#[test]
fn files_of_other_systems() {
    good(&MAIN.replace('\n', "\r\n"), &JOURNEY.replace('\n', "\r\n"));
    good(&format!("\u{feff}{MAIN}"), &format!("\u{feff}{JOURNEY}"));
    let broken = JOURNEY.replace("303", "999").replace('\n', "\r\n");
    let faults = load(&file("wayfarer.toml", MAIN), &[file("x.toml", &broken)]).unwrap_err();
    let first = faults.iter().next().unwrap();
    assert_eq!((first.line, first.column, faults.iter().len()), (20, 10, 1), "{faults}");
}

#[test]
fn what_is_allowed_and_not_to_be_overlooked() {
    let warnings = |main: &str| {
        load(&file("wayfarer.toml", main), &[file("x.toml", JOURNEY)]).unwrap().settings.warnings()
    };
    assert!(warnings(MAIN).is_empty());
    let [hasty] = &warnings(&MAIN.replace("settle = \"0s\"", "settle = \"1h\""))[..] else {
        panic!("one warning")
    };
    assert!(hasty.starts_with("`[watch] window` (3600s) is not longer than `settle`"), "{hasty}");
}

#[test]
fn traces_are_looked_at_where_the_environment_says_or_else_the_agent() {
    let main = |agent: &str, environment: &str| SourceFile {
        path: "wayfarer.toml".to_owned(),
        text: format!(
            "[agent]\n{agent}\n[environments.production]\nbase_url = \"https://x.example\"\n{environment}\n"
        ),
    };
    const COMMON: &str = "trace_url = \"https://tempo.example/?id={trace_id}&from={from_ms}\"";
    const OWN: &str = "trace_url = \"https://jaeger.example/trace/{trace_id}\"";
    for (agent, environment, on, begins) in [
        ("", "", false, None),
        (COMMON, "", true, Some("https://tempo")),
        (COMMON, OWN, true, Some("https://jaeger")),
        (COMMON, "traceparent = false", false, Some("https://tempo")),
        ("", "traceparent = true", true, None),
    ] {
        let config = load(&main(agent, environment), &[]).unwrap();
        let tracing = &config.settings.environments["production"].transport.tracing;
        assert_eq!(tracing.is_on(), on, "{agent} {environment}");
        let fits = tracing.url.as_deref().zip(begins).map(|(url, begins)| url.starts_with(begins));
        assert_eq!(fits, begins.map(|_| true), "{agent} {environment}");
    }
    for bad in [
        "trace_url = \"https://jaeger.example/trace/\"",
        "trace_url = \"jaeger/{trace_id}\"",
        "trace_url = \"https://me:secret@jaeger.example/{trace_id}\"",
    ] {
        for (agent, environment) in [(bad, ""), ("", bad)] {
            let told = load(&main(agent, environment), &[]).unwrap_err().to_string();
            assert!(told.contains("trace_url") && !told.contains("secret@"), "{told}");
        }
    }
}
