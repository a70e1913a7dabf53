//! The schemas and the code say the same: whatever file is read, every table is asked for the keys that its schema has, and for no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::{journey, part, settings};
use crate::config::{
    Attached, SourceFile,
    journey::{
        lower,
        part::{Opened, Parts, is_part},
    },
    page::Page,
    reader::Reader,
    settings as settings_file,
};

/// Keys that a table is asked for only to say that they do not belong there.
const REFUSED: [(&str, &str); 7] = [
    ("#/definitions/expected", "attribute"),
    ("#/definitions/expected_time", "attribute"),
    ("#/definitions/awaited", "count"),
    (".step[].expect", "element"),
    (".step[].browser.do[].wait", "visible"),
    (".step[].browser.do[].wait", "gone"),
    (".step[].browser.do[].wait", "timeout"),
];

/// Settings in which every table stands.
const SETTINGS: &str = r#"
[agent]
location = "fra1"
[environments.production]
base_url = "https://shop.example.com"
vars = { user = "probe" }
secrets = { password = { env = "P" } }
client_certificate = { certificate = "client.pem", key = { file = "client.key" } }
resolve = { "shop.example.com" = "10.0.0.7" }
headers = { x-probe = "wayfarer" }
network = { allow = ["10.0.0.0/8"] }
[browser]
at_once = 1
[watch]
burst = false
[detect]
latency = { relative = "50%" }
success = { drop = "0.5%" }
[services.payments]
owner = "team"
[retention]
runs = "3d"
[hooks.ci]
sender = "grafana"
secret = { env = "A" }
token = { env = "B" }
service = "shop"
environment = "production"
services = { "acme/shop" = "shop" }
environments = { prod = "production" }
forward = { url = "https://grafana.example.com", token = { env = "C" } }
[kubernetes.eu-1]
kubeconfig = "kube.config"
services = { "shop/web" = "shop" }
environments = { shop-prod = "production" }
[[place]]
when = { sender = "ci" }
service = "shop"
environment = "production"
replace = true
ignore = false
[[token]]
name = "pipeline"
scope = "write"
secret = { env = "T" }
[[receiver]]
name = "ops"
kind = "slack"
url = { env = "SLACK" }
template = { title = "{{title}}" }
[[receiver.quiet]]
from = "22:00"
to = "07:00"
[[receiver]]
name = "am"
kind = "alertmanager"
url = ["http://127.0.0.1:9093"]
labels = { team = "shop" }
[[maintenance]]
name = "upgrade"
from = 2026-12-01T22:00:00Z
to = 2026-12-02T02:00:00Z
[[freeze]]
reason = "the week-end"
environments = ["production"]
from = "fri 16:00"
to = "mon 08:00"
timezone = "Europe/Berlin"
[[view]]
name = "my team"
view = "developer"
service = "shop"
environment = "production"
owner = "team-shop"
[[rollback]]
service = "shop"
mode = "automatic"
url = "https://deploy.example.com/undo"
secret = { env = "X" }
[[rollback]]
name = "shop-staging"
service = "shop"
environments = ["production"]
command = ["./undo"]
timeout = "60s"
[[writeback]]
kind = "github"
token = { env = "X" }
repository = "acme/shop"
[pipelines]
success = "95%"
flaky = false
[pipelines.for."acme/shop CI"]
build = "20m"
"#;

/// A journey in which those tables stand that no example has.
const JOURNEY: &str = r#"
name = "whole"
environments = ["production"]
every = "60s"
vars = { size = 3 }
matrix = { country = ["de", "fr"] }
[slo]
objective = 99.9
[[step]]
name = "all"
when = { query = { variable = "size" }, not = { equals = 4 } }
retry = { count = 1, until = { query = { status = true }, equals = 200 } }
repeat = { over = ["a"], as = "item" }
[step.http]
url = "{{base_url}}/"
multipart = { title = { text = "tea" } }
auth = { digest = { user = "a", password = "{{password}}" } }
[step.expect]
duration = { below = "2s" }
cookie.sid = { attribute = "secure", equals = true }
header.via = { filter = { split = "," }, exists = true }
header.age = { not = { equals = "0" }, count = { at_least = 1 } }
[[step]]
name = "browse"
[step.browser]
open = "{{base_url}}/"
do = [
  { click = { role = "button", name = "Buy", within = { css = "form" } } },
  { type = { label = "Name", text = "Jo" } },
  { press = { key = "Enter", label = "Name" } },
  { select = { label = "Colour", option = "Blue" } },
  { upload = { label = "Photo", file = "photo.png" } },
  { wait = { text = "1 item" } },
  { wait = { url = { not = { ends_with = "/" } } } },
  { dialog = { answer = "Jo" } },
  { cookie = { name = "consent", value = "yes" } },
]
[browser]
network = { latency = "100ms" }
"#;

struct Beside;

impl Attached for Beside {
    fn read(&self, beside: &str, name: &str) -> Result<Vec<u8>, String> {
        let folder = Path::new(beside).parent().unwrap_or(Path::new("."));
        Ok(fs::read(folder.join(name)).unwrap_or_else(|_| b"sample".to_vec()))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every `.toml` file below a folder.
fn files(folder: &Path, found: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            found.push(SourceFile { path: path.display().to_string(), text });
        }
    }
}

/// The examples, the pieces of the README made whole, and all files with mistakes.
fn corpus() -> Vec<SourceFile> {
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    let mut found =
        vec![file("wayfarer.toml", SETTINGS.to_owned()), file("whole", JOURNEY.to_owned())];
    for folder in ["journeys", "tests/bad_journeys", "src/cli/init", "src/demo"] {
        files(&root().join(folder), &mut found);
    }
    let page = fs::read_to_string(root().join("journeys/README.md")).unwrap();
    for block in page.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap_or_default();
        let path = match text.lines().next().unwrap_or_default() {
            "# wayfarer.toml" => "wayfarer.toml",
            line if line.starts_with("# journeys/parts/") => "journeys/parts/block.toml",
            _ => "block",
        };
        let whole = path != "block" || text.lines().any(|line| line.starts_with("environments"));
        let head = if whole {
            ""
        } else {
            "name = \"x\"\nenvironments = [\"production\"]\nevery = \"60s\"\n"
        };
        found.push(file(path, format!("{head}{text}")));
    }
    found
}

/// What the code asked of one table of a schema, over all files.
#[derive(Default)]
struct Asked {
    keys: BTreeSet<&'static str>,
    finished: bool,
}

/// A table of a file, and what it was asked for.
type Tables = BTreeMap<usize, Asked>;

struct Survey<'a> {
    schema: &'a Value,
    seen: BTreeMap<String, Asked>,
    faults: BTreeSet<String>,
}

impl<'a> Survey<'a> {
    fn new(schema: &'a Value) -> Self {
        Self { schema, seen: BTreeMap::new(), faults: BTreeSet::new() }
    }

    /// The forms that a schema allows, with their places: references followed, alternatives side by side.
    fn forms(&self, schema: &'a Value, place: &str) -> Vec<(String, &'a Value)> {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.schema.pointer(&reference[1..]).unwrap();
            return self.forms(target, reference);
        }
        if schema.get("properties").is_none() || schema.get("type").is_none() {
            for key in ["anyOf", "allOf"] {
                if let Some(forms) = schema[key].as_array() {
                    return forms.iter().flat_map(|form| self.forms(form, place)).collect();
                }
            }
        }
        vec![(place.to_owned(), schema)]
    }

    /// Goes through a file beside its schema.
    fn walk(&mut self, value: &DeValue<'_>, schema: &'a Value, place: &str, tables: &Tables) {
        let forms = self.forms(schema, place);
        match value {
            DeValue::Table(table) => self.table(table, &forms, tables),
            DeValue::Array(items) => {
                for (place, form) in forms.iter().filter(|(_, form)| form["items"].is_object()) {
                    for item in items.iter() {
                        self.walk(item.get_ref(), &form["items"], &format!("{place}[]"), tables);
                    }
                }
            }
            _ => {}
        }
    }

    fn table(&mut self, table: &DeTable<'_>, forms: &[(String, &'a Value)], tables: &Tables) {
        let none = Asked::default();
        let asked = tables.get(&std::ptr::from_ref(table).addr()).unwrap_or(&none);
        let with = |key: &str| {
            let is = |form: &Value| form["type"] == "object" && form[key].is_object();
            forms.iter().filter(move |(_, form)| is(form)).collect::<Vec<_>>()
        };
        let closed = with("properties");
        if let [(place, form)] = closed[..] {
            let keys = form["properties"].as_object().unwrap();
            for key in &asked.keys {
                if !keys.contains_key(*key) && !REFUSED.contains(&(place.as_str(), key)) {
                    self.faults.insert(format!("the code asks `{place}` for `{key}`"));
                }
            }
            let seen = self.seen.entry(place.clone()).or_default();
            seen.keys.extend(&asked.keys);
            seen.finished |= asked.finished;
            for (key, value) in table.iter() {
                if let Some(schema) = keys.get(&**key.get_ref()) {
                    let below = format!("{place}.{}", key.get_ref());
                    self.walk(value.get_ref(), schema, &below, tables);
                }
            }
            return;
        }
        assert!(closed.is_empty(), "several tables are possible at {}", closed[0].0);
        if !asked.keys.is_empty() {
            self.faults.insert(format!("no table for {:?} at {forms:?}", asked.keys));
        }
        for (place, form) in with("additionalProperties") {
            for (_, value) in table.iter() {
                let below = format!("{place}.*");
                self.walk(value.get_ref(), &form["additionalProperties"], &below, tables);
            }
        }
    }

    /// All tables of the schema, with their keys.
    fn all(&self) -> BTreeMap<String, BTreeSet<&'a str>> {
        let mut found = BTreeMap::new();
        let mut next = vec![(String::new(), self.schema)];
        while let Some((place, schema)) = next.pop() {
            for (place, form) in self.forms(schema, &place) {
                if let (true, Some(keys)) =
                    (form["type"] == "object", form["properties"].as_object())
                {
                    let names = keys.keys().map(String::as_str).collect();
                    if found.insert(place.clone(), names).is_none() {
                        next.extend(keys.iter().map(|(key, v)| (format!("{place}.{key}"), v)));
                    }
                }
                for (key, mark) in [("additionalProperties", ".*"), ("items", "[]")] {
                    next.extend(form.get(key).map(|below| (format!("{place}{mark}"), below)));
                }
            }
        }
        found
    }

    /// What differs between the schema and all that the code asked for.
    fn differences(mut self, name: &str) -> BTreeSet<String> {
        for (place, keys) in self.all() {
            let Some(seen) = self.seen.get(&place) else {
                self.faults.insert(format!("no file has a table `{place}`"));
                continue;
            };
            for key in keys.iter().filter(|key| !seen.keys.contains(*key)) {
                self.faults.insert(format!("the code never asks `{place}` for `{key}`"));
            }
            if !seen.finished {
                self.faults.insert(format!("`{place}` takes unknown keys"));
            }
        }
        self.faults.into_iter().map(|fault| format!("{name}: {fault}")).collect()
    }
}

/// What the tables of a file were asked for.
fn asked(page: &Page<'_>) -> Tables {
    let mut tables = Tables::new();
    for (table, key) in page.asked.borrow().iter() {
        let asked = tables.entry(*table).or_default();
        match key {
            Some(key) => drop(asked.keys.insert(key)),
            None => asked.finished = true,
        }
    }
    tables
}

fn open(file: &SourceFile) -> Opened<'_> {
    Page::open(file, &Beside)
}

#[test]
fn the_code_asks_for_the_keys_of_the_schemas() {
    let (journeys, parts, mains) = (journey(), part(), settings());
    let (mut of_journeys, mut of_parts, mut of_mains) =
        (Survey::new(&journeys), Survey::new(&parts), Survey::new(&mains));
    let corpus = corpus();
    let is_main = |file: &&SourceFile| {
        file.path.ends_with("wayfarer.toml") || file.path.ends_with("_settings.toml")
    };
    let (main, others): (Vec<&SourceFile>, Vec<&SourceFile>) = corpus.iter().partition(is_main);
    let mut places = None;
    for file in main {
        let (page, table) = Page::open(file, &Beside);
        let (_, found) = settings_file::lower(&Reader::top(&page, &table));
        // The first one has what the journey of this test needs.
        places.get_or_insert(found);
        let tables = asked(&page);
        of_mains.table(&table, &of_mains.forms(&mains, ""), &tables);
    }
    let places = places.unwrap();
    let (of_part, of_journey): (Vec<&SourceFile>, Vec<&SourceFile>) =
        others.into_iter().partition(|file| is_part(&file.path));
    let of_part: Vec<Opened<'_>> = of_part.into_iter().map(open).collect();
    let of_journey: Vec<Opened<'_>> = of_journey.into_iter().map(open).collect();
    let known = Parts::lower(&of_part, &of_journey, &places);
    for (page, table) in &of_journey {
        lower(&Reader::top(page, table), &places, &known);
        of_journeys.table(table, &of_journeys.forms(&journeys, ""), &asked(page));
    }
    for (page, table) in &of_part {
        of_parts.table(table, &of_parts.forms(&parts, ""), &asked(page));
    }
    // A part's steps are read by the same code as a journey's.
    let below_steps = |place: &String| place.starts_with(".step[]") || place.starts_with('#');
    for (place, seen) in &of_journeys.seen {
        if below_steps(place) {
            let other = of_parts.seen.entry(place.clone()).or_default();
            other.keys.extend(&seen.keys);
            other.finished |= seen.finished;
        }
    }
    let mut differences = of_journeys.differences("journey");
    differences.extend(of_parts.differences("part"));
    differences.extend(of_mains.differences("wayfarer"));
    assert!(differences.is_empty(), "\n{}\n", Vec::from_iter(differences).join("\n"));
}
