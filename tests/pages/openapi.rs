//! The OpenAPI document says what is so: of the router, of the queries that handlers read, and of what they answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Map, Value, json};

use super::access::House;

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const OUTSIDE: (&str, &str) = ("x-forwarded-for", "192.0.2.7");
const READ: (&str, &str) = ("authorization", "Bearer the-read-token");
const ADMIN: (&str, &str) = ("authorization", "Bearer the-admin-token");

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web").join(path)).unwrap()
}

async fn document(house: &House, headers: &[(&str, &str)]) -> Value {
    let answer = house.ask("GET", "/api/openapi.json", headers, "").await;
    assert_eq!(answer.0, 200, "{}", answer.2);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(&answer.2).unwrap()
}

fn paths(document: &Value) -> &Map<String, Value> {
    document["paths"].as_object().unwrap()
}

/// The methods of a path in the document, with what is said of each.
fn operations(item: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    METHODS.iter().filter_map(|method| Some((*method, item.get(method)?)))
}

/// A path with something in the place of each parameter.
fn plain(path: &str) -> String {
    let parts = path.split(['{', '}']).enumerate();
    parts.map(|(n, part)| if n % 2 == 0 { part } else { "1" }).collect()
}

/// The paths of the router that the document speaks of, as they are written there.
fn routed() -> BTreeSet<String> {
    let (router, hooks) = (source("router.rs"), source("api/hooks.rs"));
    let quoted = |text: &str| text.split_once('"').map(|(inner, _)| inner.to_owned());
    let bases: Vec<String> = router.split("grafana(\"").skip(1).filter_map(quoted).collect();
    let (_, vendors) = hooks.split_once("VENDORS:").unwrap();
    let (vendors, _) = vendors.split_once("];").unwrap();
    let starts: Vec<String> = vendors.split("(\"").skip(1).filter_map(quoted).collect();
    assert!(bases.len() == 2 && starts.len() > 3, "{bases:?} {starts:?}");
    let mut found = Vec::new();
    for piece in router.split(".route(").skip(1).map(str::trim_start) {
        if let Some(rest) = piece.strip_prefix('"') {
            found.extend(quoted(rest));
        } else if piece.starts_with("base,") {
            found.extend(bases.iter().cloned());
        } else {
            let pattern = piece.strip_prefix("&format!(\"").and_then(quoted).unwrap();
            let known = [("{base}", &bases), ("{start}", &starts)];
            let (name, all) = *known.iter().find(|(name, _)| pattern.starts_with(name)).unwrap();
            let rest = pattern.replacen(name, "", 1).replace("{{", "{").replace("}}", "}");
            found.extend(all.iter().map(|start| format!("{start}{rest}")));
        }
    }
    let told = |path: &String| {
        path.starts_with("/api/") || ["/healthz", "/readyz", "/metrics"].contains(&path.as_str())
    };
    found.into_iter().filter(told).map(|path| path.replace("{*", "{")).collect()
}

#[tokio::test]
async fn the_document_has_the_routes_and_queries_of_the_router() {
    let house = House::new().await;
    let document = document(&house, &[OUTSIDE, READ]).await;
    let told: BTreeSet<String> = paths(&document).keys().cloned().collect();
    assert_eq!(told, routed());
    let mut faults = Vec::new();
    for (path, item) in paths(&document) {
        // A method that no route has is answered with those it has (RFC 9110, section 15.5.6).
        let refused = house.ask("TRACE", &plain(path), &[OUTSIDE, ADMIN], "").await;
        assert_eq!(refused.0, 405, "{path}");
        let allowed = refused.header("allow").unwrap().split(',').map(str::trim);
        let allowed: BTreeSet<String> =
            allowed.filter(|method| *method != "HEAD").map(str::to_lowercase).collect();
        let told: BTreeSet<String> =
            operations(item).map(|(method, _)| method.to_owned()).collect();
        assert_eq!(told, allowed, "{path}");
        // Grafana's callers may say what they like.
        if let Some(get) = item.get("get").filter(|_| !path.starts_with("/api/annotations")) {
            let asked = format!("{}?no-such=1", plain(path));
            let answer = house.ask("GET", &asked, &[OUTSIDE, READ], "").await;
            let queried = parameters(&document, get, "query");
            if queried != read_by(&answer.2) {
                faults.push(format!("{path}: {queried:?}, but {}", answer.2));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// The names of an operation's parameters of a sort.
fn parameters(document: &Value, operation: &Value, sort: &str) -> BTreeSet<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let all = all.map(|one| followed(document, one));
    all.filter(|one| one["in"] == sort).map(|one| text(&one["name"])).collect()
}

/// What a reference leads to; anything else is itself.
fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|pointer| pointer.strip_prefix('#'));
    pointer.map_or(value, |pointer| document.pointer(pointer).unwrap())
}

/// The names that a handler reads, by its own word on one that it does not.
fn read_by(answer: &str) -> BTreeSet<String> {
    let Some((_, known)) = answer.split_once("unknown field `no-such`, expected") else {
        return BTreeSet::new();
    };
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_document_is_whole_and_knows_where_it_is() {
    let house = House::new().await;
    let open = house.ask("GET", "/api/openapi.json", &[OUTSIDE], "").await;
    assert_eq!(open.0, 401);
    let below = document(&house, &[OUTSIDE, READ, ("x-forwarded-prefix", "/way/")]).await;
    assert_eq!(below["servers"], json!([{ "url": "/way" }]));
    let elsewhere = [OUTSIDE, READ, ("x-forwarded-prefix", "//evil.example")];
    assert_eq!(document(&house, &elsewhere).await["servers"], json!([{ "url": "/" }]));
    let document = document(&house, &[OUTSIDE, READ]).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(document["servers"], json!([{ "url": "/" }]));
    let mut pointed = 0;
    walk(&document, &mut |pointer| {
        let found = pointer.strip_prefix('#').and_then(|path| document.pointer(path));
        assert!(found.is_some(), "{pointer} leads nowhere");
        pointed += 1;
    });
    assert!(pointed > 100, "{pointed}");
    let mut names = BTreeMap::new();
    for (path, item) in paths(&document) {
        let inside = path.split(['{', '}']).skip(1).step_by(2);
        let inside: BTreeSet<String> = inside.map(str::to_owned).collect();
        for (method, operation) in operations(item) {
            let before = names.insert(text(&operation["operationId"]), path);
            assert_eq!(before, None, "{method} {path}: an operationId twice");
            let said = parameters(&document, operation, "path");
            assert_eq!(said, inside, "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
            // Whatever needs a token can be refused.
            let open = ["/healthz", "/readyz"].contains(&path.as_str()) || method == "options";
            assert_eq!(operation["responses"].get("401").is_none(), open, "{method} {path}");
        }
    }
}

fn walk(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(pointer)) = map.get("$ref") {
                found(pointer);
            }
            map.values().for_each(|inner| walk(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| walk(inner, found)),
        _ => {}
    }
}

#[tokio::test]
async fn answers_are_what_the_document_says() {
    let house = House::new().await;
    let write = ("authorization", "Bearer the-write-token");
    for (path, body) in [
        ("/api/v1/changes/c1/notes", r#"{"text":"a note"}"#),
        ("/api/v1/changes/c1/outcome", r#"{"failed":true,"why":"orders were lost"}"#),
        ("/api/annotations?environment=production", r#"{"text":"shop 3","tags":["deploy"]}"#),
    ] {
        let answer = house.ask("POST", path, &[OUTSIDE, write], body).await;
        assert_eq!(answer.0, 200, "{path}: {}", answer.2);
    }
    let document = document(&house, &[OUTSIDE, READ]).await;
    let mut fits = 0;
    for (path, item) in paths(&document) {
        let Some(get) = item.get("get") else { continue };
        let mut asked = path.replace("{id}", "c1").replace("{name}", "shop");
        asked = asked.replace("/annotations/c1", "/annotations/1").replace("{journey}", "home");
        match path.as_str() {
            "/api/v1/series" => asked += "?journey=home&environment=production",
            "/api/v1/gate" => asked += "?change=c1",
            _ => {}
        }
        let answer = house.ask("GET", &asked, &[OUTSIDE, READ], "").await;
        let status = answer.0.to_string();
        let said = followed(&document, &get["responses"][&status]);
        assert!(said.is_object(), "GET {asked}: {status} is not in the document: {}", answer.2);
        let Some(schema) = said.pointer("/content/application~1json/schema") else { continue };
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        let answer: Value = serde_json::from_str(&answer.2).unwrap();
        let faults: Vec<String> = schema
            .iter_errors(&answer)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "GET {asked}: {faults:#?}\n{answer:#}");
        fits += 1;
    }
    assert!(fits > 20, "{fits}");
}
