//! What a schema says of defaults and limits is what happens.

use serde_json::{Value, json};
use wayfarer::config::{self, Config, Faults, SourceFile, schema};

use super::json;

const MAIN: &str = r#"
[agent]
[browser]
[environments.production]
base_url = "https://shop.example.com"
secrets = { password = { env = "P" } }
[watch]
[detect]
latency = {}
success = {}
[retention]
[pipelines]
"#;

const JOURNEY: &str = r#"
name = "x"
environments = ["production"]
every = "60s"
slo = { objective = 99.9 }
[[step]]
name = "a"
retry = { count = 1 }
repeat = { over = ["a"], as = "b" }
[step.http]
url = "{{base_url}}/"
auth = { oauth2 = { token_url = "{{base_url}}/", client_id = "a", client_secret = "{{password}}" } }
[step.capture]
c = { status = true }
[step.measure]
d = { status = true }
"#;

/// Keys whose default depends on what else stands there, or is remembered as not said.
const LEFT_OUT: [&str; 2] = ["connection", "timezone"];

fn load(main: &Value, journey: &Value) -> Result<Config, Faults> {
    let file = |path: &str, value: &Value| SourceFile {
        path: path.to_owned(),
        text: toml::to_string(value).unwrap(),
    };
    config::load(&file("wayfarer.toml", main), &[file("journeys/x.toml", journey)])
}

/// Writes every default into the tables that are there; how many there were.
fn fill(value: &mut Value, schema: &Value, root: &Value) -> usize {
    if let Some(reference) = schema["$ref"].as_str() {
        return fill(value, root.pointer(&reference[1..]).unwrap(), root);
    }
    let mut filled = 0;
    for form in schema["anyOf"].as_array().into_iter().flatten() {
        filled += fill(value, form, root);
    }
    match value {
        Value::Object(table) => {
            for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(value) = table.get_mut(key) {
                    filled += fill(value, inner, root);
                } else if let (Some(default), false) =
                    (inner.get("default"), LEFT_OUT.contains(&key.as_str()))
                {
                    table.insert(key.clone(), default.clone());
                    filled += 1;
                }
            }
            if schema["additionalProperties"].is_object() {
                for value in table.values_mut() {
                    filled += fill(value, &schema["additionalProperties"], root);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                filled += fill(item, &schema["items"], root);
            }
        }
        _ => {}
    }
    filled
}

#[test]
fn what_is_left_out_is_as_the_schema_says() {
    let (main, journey) = (json(MAIN), json(JOURNEY));
    let plain = load(&main, &journey).unwrap_or_else(|f| panic!("{f}"));
    let (mut full_main, mut full_journey) = (main, journey);
    let (of_main, of_journey) = (schema::settings(), schema::journey());
    assert!(fill(&mut full_main, &of_main, &of_main) >= 18);
    assert!(fill(&mut full_journey, &of_journey, &of_journey) >= 14);
    let full = load(&full_main, &full_journey).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(plain.settings, full.settings);
    assert_eq!(plain.journeys, full.journeys);
}

/// The smallest and the largest number of a key are good, those beyond are not.
#[test]
fn limits_are_the_limits() {
    let (of_main, of_journey) = (schema::settings(), schema::journey());
    for (schema, place, at) in [
        (&of_main, "/properties/agent/properties/workers", "/agent/workers"),
        (&of_main, "/properties/watch/properties/min_runs", "/watch/min_runs"),
        (
            &of_journey,
            "/properties/step/items/properties/retry/properties/count",
            "/step/0/retry/count",
        ),
        (
            &of_journey,
            "/properties/step/items/properties/repeat/properties/most",
            "/step/0/repeat/most",
        ),
        (
            &of_journey,
            "/properties/step/items/properties/http/properties/redirects",
            "/step/0/http/redirects",
        ),
    ] {
        let limits = schema.pointer(place).unwrap_or_else(|| panic!("{place}"));
        let (least, most) =
            (limits["minimum"].as_i64().unwrap(), limits["maximum"].as_i64().unwrap());
        for (number, good) in [(least, true), (most, true), (least - 1, false), (most + 1, false)] {
            let (mut main, mut journey) = (json(MAIN), json(JOURNEY));
            let (table, key) = at.rsplit_once('/').unwrap();
            let file =
                if std::ptr::eq(schema, &raw const of_main) { &mut main } else { &mut journey };
            file.pointer_mut(table).unwrap()[key] = json!(number);
            assert_eq!(load(&main, &journey).is_ok(), good, "{at} = {number}");
        }
    }
}
