//! Every key is explained to people.

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use wayfarer::config::schema;

use super::root;

/// Every key of every table of a schema.
fn keys(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            // In other places than beside `type` this word only adds conditions.
            if let (true, Some(table)) =
                (map.contains_key("type"), map.get("properties").and_then(Value::as_object))
            {
                found.extend(table.keys().cloned());
            }
            map.values().for_each(|value| keys(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// The words that stand in code on a page: between backticks, or in a TOML block.
fn words(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut take = |code: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        found.extend(code.split(|c| !is_part(c)).map(str::to_owned));
    };
    for (number, part) in page.split("```").enumerate() {
        match part.strip_prefix("toml\n") {
            Some(block) if number % 2 == 1 => {
                block.lines().for_each(|line| take(line.split(" # ").next().unwrap_or(line)));
            }
            _ if number % 2 == 0 => part.split('`').skip(1).step_by(2).for_each(&mut take),
            _ => {}
        }
    }
    found
}

fn unexplained(schema: &Value, pages: &[&str]) -> Vec<String> {
    let mut all = BTreeSet::new();
    keys(schema, &mut all);
    assert!(all.len() > 5);
    let texts = pages.iter().map(|page| fs::read_to_string(root().join(page)).unwrap());
    let known: BTreeSet<String> = texts.flat_map(|text| words(&text)).collect();
    let negated = |key: &String| key.strip_prefix("not_").is_some_and(|key| known.contains(key));
    all.into_iter().filter(|key| !known.contains(key) && !negated(key)).collect()
}

#[test]
fn every_key_is_documented() {
    let page = ["journeys/README.md"];
    assert_eq!(unexplained(&schema::journey(), &page), Vec::<String>::new());
    assert_eq!(unexplained(&schema::part(), &page), Vec::<String>::new());
    let pages = ["README.md", "journeys/README.md"];
    assert_eq!(unexplained(&schema::settings(), &pages), Vec::<String>::new());
}

/// Whoever hovers over a key must be told something.
#[test]
fn every_key_has_a_sentence() {
    fn look(schema: &Value, root: &Value, place: &str, silent: &mut Vec<String>) {
        match schema {
            Value::Object(map) => {
                let table = map.get("properties").and_then(Value::as_object);
                for (key, inner) in table.into_iter().flatten().filter(|_| map.contains_key("type"))
                {
                    let target = inner["$ref"].as_str().and_then(|r| root.pointer(&r[1..]));
                    let about = target.unwrap_or(inner)["description"].as_str().unwrap_or_default();
                    if about.len() < 8 {
                        silent.push(format!("{place}.{key}"));
                    }
                }
                for (key, inner) in map {
                    look(inner, root, &format!("{place}/{key}"), silent);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| look(item, root, place, silent)),
            _ => {}
        }
    }
    let mut silent = Vec::new();
    for (name, schema) in schema::all() {
        look(&schema, &schema, name, &mut silent);
    }
    assert!(silent.is_empty(), "\n{}\n", silent.join("\n"));
}
