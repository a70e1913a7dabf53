//! Readers of the gate as its consumers are: each takes its own file of `deploy/gates` and reads statuses and bodies as that program does.

use std::{fs, path::Path};

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value, json};

use super::support::Site;

/// A file of `deploy/gates`.
pub(crate) fn snippet(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/gates").join(name))
        .unwrap()
}

/// Documents of YAML as JSON; no anchors, no tags: none of the files has any.
pub(crate) fn yaml(text: &str) -> Vec<Value> {
    let mut parser = Parser::new_from_str(text);
    let mut documents = Vec::new();
    while let Some(event) = parser.next() {
        if matches!(event.unwrap().0, Event::DocumentStart(_)) {
            let first = parser.next().unwrap().unwrap().0;
            documents.push(node(&mut parser, first));
        }
    }
    documents
}

fn node<'a>(
    parser: &mut impl Iterator<
        Item = Result<(Event<'a>, saphyr_parser::Span), saphyr_parser::ScanError>,
    >,
    event: Event<'a>,
) -> Value {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => match text.as_ref() {
            "true" => json!(true),
            "false" => json!(false),
            number if number.parse::<i64>().is_ok() => json!(number.parse::<i64>().unwrap()),
            text => json!(text),
        },
        Event::Scalar(text, ..) => json!(text.as_ref()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match parser.next().unwrap().unwrap().0 {
                    Event::SequenceEnd => return Value::Array(items),
                    event => items.push(node(parser, event)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut members = Map::new();
            loop {
                match parser.next().unwrap().unwrap().0 {
                    Event::MappingEnd => return Value::Object(members),
                    event => {
                        let key = node(parser, event).as_str().unwrap().to_owned();
                        let event = parser.next().unwrap().unwrap().0;
                        members.insert(key, node(parser, event));
                    }
                }
            }
        }
        other => panic!("{other:?}"),
    }
}

/// The path and query of an address of a snippet, asked at this agent.
fn path_of(url: &str) -> String {
    url.splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap()
}

/// Argo Rollouts: `metricproviders/webmetric/webmetric.go` and `utils/evaluate`. Anything but 2xx is an error; a JSON body is reduced by
/// `jsonPath`; both conditions are tried, and neither is inconclusive.
pub(crate) fn argo(site: &Site, service: &str, token: &str) -> &'static str {
    let template = &yaml(&snippet("argo-rollouts.yaml"))[0];
    let metric = &template["spec"]["metrics"][0];
    let web = &metric["provider"]["web"];
    let fill = |text: &Value| {
        let text = text.as_str().unwrap().replace("{{args.service}}", service);
        text.replace("{{args.environment}}", "production")
            .replace("{{args.token}}", token)
            .replace("wait=20s", "wait=0s")
    };
    let header = &web["headers"][0];
    let headers = [(header["key"].as_str().unwrap(), &*fill(&header["value"]))];
    let answer = site.ask("GET", &path_of(&fill(&web["url"])), &headers, "");
    let Some((200..300, body)) = answer else { return "Error" };
    assert_eq!(web["jsonPath"], "{$}");
    // An empty or other body would be taken for a success whatever the conditions say: there must be none.
    let result: Value = serde_json::from_str(&body).expect("JSON, never empty");
    let holds = |condition: &Value| {
        let condition = condition.as_str().unwrap().strip_prefix("result.").unwrap().to_owned();
        let (field, wanted) = condition.split_once(" == ").unwrap();
        result[field] == json!(wanted.trim_matches('"'))
    };
    match (holds(&metric["successCondition"]), holds(&metric["failureCondition"])) {
        (true, false) => "Successful",
        (false, true) => "Failed",
        (false, false) => "Inconclusive",
        (true, true) => panic!("both"),
    }
}

/// Spinnaker: `MonitorWebhookTask` and `WebhookStage` of orca. It posts, then polls by GET what stands in the file; a missing path ends the
/// stage, unknown words mean that it still runs, words are compared in capitals.
pub(crate) fn spinnaker(site: &Site, service: &str, token: &str) -> &'static str {
    let stage: Value = serde_json::from_str(&snippet("spinnaker.json")).unwrap();
    let url = stage["url"].as_str().unwrap();
    let path = path_of(
        &url.replace("${trigger.parameters.service}", service).replace("wait=3s", "wait=0s"),
    );
    let bearer =
        stage["customHeaders"]["Authorization"][0].as_str().unwrap().replace("TOKEN", token);
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(stage["statusUrlResolution"], "getMethod");
    for method in [stage["method"].as_str().unwrap(), "GET"] {
        let Some((status, body)) = site.ask(method, &path, &headers, "") else { return "RUNNING" };
        match status {
            200..300 => {}
            429 | 500.. => return "RUNNING",
            _ => return "TERMINAL",
        }
        if method == "POST" {
            continue;
        }
        let document: Value = serde_json::from_str(&body).unwrap();
        let at = |path: &str| document[path.strip_prefix("$.").unwrap()].clone();
        let progress = at(stage["progressJsonPath"].as_str().unwrap());
        assert!(progress.is_string(), "Spinnaker takes a text only: {progress}");
        let Value::String(word) = at(stage["statusJsonPath"].as_str().unwrap()) else {
            return "TERMINAL";
        };
        let listed = |key: &str| {
            let words = stage[key].as_str().unwrap().to_uppercase();
            words.split(',').any(|listed| listed.trim() == word.to_uppercase())
        };
        return match (listed("successStatuses"), listed("terminalStatuses")) {
            (true, _) => "SUCCEEDED",
            (_, true) => "TERMINAL",
            _ => "RUNNING",
        };
    }
    "TERMINAL"
}

/// Flagger: `pkg/controller/webhook.go`. The body has the canary's name, namespace, phase, checksum and the hook's metadata; above 202 is no,
/// and the text of 429 and 5xx is lost.
pub(crate) fn flagger(site: &Site, hook: &str, canary: &str, token: &str) -> (bool, String) {
    let file = &yaml(&snippet("flagger.yaml"))[0];
    let hooks = file["spec"]["analysis"]["webhooks"].as_array().unwrap();
    let hook = hooks.iter().find(|h| h["name"] == hook).unwrap();
    let path = path_of(&hook["url"].as_str().unwrap().replace("TOKEN", token));
    let body = json!({
        "name": canary, "namespace": "production", "phase": "Progressing", "checksum": "85d557f47b",
        "metadata": hook.get("metadata").cloned().unwrap_or(json!({})),
    });
    let headers = [("content-type", "application/json")];
    let (status, text) = site.ask("POST", &path, &headers, &body.to_string()).unwrap();
    assert!(matches!(status, 200 | 403 | 409), "{status} {text}");
    assert!(!text.trim().is_empty(), "a reason");
    (status <= 202, text)
}

/// The value of `wayfarer_gate` as Prometheus reads it; Keptn and Flagger's metrics compare it.
pub(crate) fn by_metric(site: &Site, service: &str) -> Option<f64> {
    let begin = format!("wayfarer_gate{{service=\"{service}\",environment=\"production\"}} ");
    let metrics = site.metrics();
    let line = metrics.lines().find(|line| {
        line.starts_with("wayfarer_gate{") && {
            line.contains(&format!("service=\"{service}\""))
                && line.contains("environment=\"production\"")
        }
    })?;
    line.strip_prefix(&begin).or_else(|| line.rsplit(' ').next())?.parse().ok()
}

/// Keptn: `evaluationTarget` of its definition; a metric that is no number meets none.
pub(crate) fn keptn(value: Option<f64>) -> bool {
    let documents = yaml(&snippet("keptn.yaml"));
    let definition = documents.iter().find(|d| d["kind"] == "KeptnEvaluationDefinition").unwrap();
    let target = definition["spec"]["objectives"][0]["evaluationTarget"].as_str().unwrap();
    let least: f64 = target.strip_prefix('>').unwrap().parse().unwrap();
    let metric = documents.iter().find(|d| d["kind"] == "KeptnMetric").unwrap();
    assert_eq!(
        metric["spec"]["query"],
        "wayfarer_gate{service=\"shop\",environment=\"production\"}"
    );
    value.is_some_and(|value| value > least)
}

/// The exit code of the command as a snippet calls it.
pub(crate) fn exit_code(site: &Site, call: &str, url: Option<&str>) -> i32 {
    let words: Vec<&str> = call.split_whitespace().skip(1).collect();
    let mut command = site.command(&words);
    if let Some(url) = url {
        command.env("WAYFARER_URL", url).env("WAYFARER_TOKEN", "secret-of-the-pipeline");
    }
    command.output().unwrap().status.code().unwrap()
}

/// The lines of a snippet that call `wayfarer gate`.
pub(crate) fn calls(name: &str) -> Vec<String> {
    let text = snippet(name);
    let calls = text.match_indices("wayfarer gate").map(|(at, _)| {
        let line = text[at..].lines().next().unwrap();
        line.split(['\'', ',']).next().unwrap().replace('"', "").trim_end().to_owned()
    });
    calls.filter(|call| call.contains("--")).collect()
}
