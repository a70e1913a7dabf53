//! YAML 1.2 read into the values that JSON has; aliases and depth are bounded, so that a small text stays a small value.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value as Json};

/// Deepest nesting, as `serde_json` has it.
const DEEPEST: usize = 128;

/// Most values, those that aliases repeat counted each time.
const MOST: usize = 2_000_000;

/// A value that is not finished.
enum Open {
    List(Vec<Json>, usize),
    Table(Map<String, Json>, Option<String>, usize),
}

/// Reads the first document of a text.
///
/// # Errors
/// What is wrong, with the line where that is known; never a part of the text.
pub(super) fn read(text: &str) -> Result<Json, String> {
    read_all(text, 1)?.pop().ok_or_else(|| "it is empty".to_owned())
}

/// Reads the first documents of a text, `most` of them; what is more is an error, unless only one is wanted. Empty ones are left out.
///
/// # Errors
/// As [`read`] has them.
pub(super) fn read_all(text: &str, most: usize) -> Result<Vec<Json>, String> {
    let mut reader = Reader { stack: Vec::new(), anchors: HashMap::new(), count: 0, done: None };
    let mut all = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| format!("line {} cannot be read as YAML", error.marker().line()))?;
        let at = |reason: String| format!("line {}: {reason}", span.start.line());
        if matches!(event, Event::DocumentEnd) {
            all.extend(reader.done.take());
            reader.anchors.clear();
            if most == 1 {
                break;
            }
            if all.len() > most {
                return Err(format!("it holds more than {most} documents"));
            }
            continue;
        }
        reader.take(event).map_err(at)?;
    }
    all.extend(reader.done);
    if all.is_empty() { Err("it is empty".to_owned()) } else { Ok(all) }
}

struct Reader {
    stack: Vec<Open>,
    anchors: HashMap<usize, (Json, usize)>,
    count: usize,
    done: Option<Json>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                // A key is a text, whatever it looks like: `200:`, `on:`.
                let key = matches!(self.stack.last(), Some(Open::Table(_, None, _)));
                let value =
                    if plain && !key { scalar(&text) } else { Json::String(text.into_owned()) };
                self.finish(value, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(Open::List(Vec::new(), anchor)),
            Event::MappingStart(anchor, _) => self.open(Open::Table(Map::new(), None, anchor)),
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Open::List(items, anchor)) => self.finish(Json::Array(items), anchor),
                Some(Open::Table(members, _, anchor)) => self.finish(Json::Object(members), anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let (value, size) = known.ok_or("an alias stands for what holds it")?;
                self.count += size;
                self.finish(value, 0)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open) -> Result<(), String> {
        if self.stack.len() >= DEEPEST {
            return Err(format!("it is nested deeper than {DEEPEST} levels"));
        }
        self.stack.push(open);
        Ok(())
    }

    fn finish(&mut self, value: Json, anchor: usize) -> Result<(), String> {
        self.count += 1;
        if self.count > MOST {
            return Err("its aliases make it too large".to_owned());
        }
        if anchor > 0 {
            let size = size(&value);
            self.anchors.insert(anchor, (value.clone(), size));
        }
        match self.stack.last_mut() {
            None => self.done = Some(value),
            Some(Open::List(items, _)) => items.push(value),
            Some(Open::Table(members, key, _)) => match key.take() {
                None => {
                    *key = Some(match value {
                        Json::String(text) => text,
                        other => other.to_string(),
                    });
                }
                Some(name) if name == "<<" => merge(members, value),
                Some(name) => {
                    members.insert(name, value);
                }
            },
        }
        Ok(())
    }
}

/// `<<: *base`: what is not said already is taken over.
fn merge(members: &mut Map<String, Json>, value: Json) {
    match value {
        Json::Object(base) => {
            for (key, value) in base {
                members.entry(key).or_insert(value);
            }
        }
        Json::Array(bases) => bases.into_iter().for_each(|base| merge(members, base)),
        _ => {}
    }
}

fn size(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Json::Object(members) => 1 + members.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// A scalar without quotes, by YAML's core schema.
fn scalar(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    let number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if number {
        if let Ok(whole) = text.trim_start_matches('+').parse::<i64>() {
            return Json::Number(whole.into());
        }
        let decimal = text.contains(|c: char| c.is_ascii_digit());
        if let Some(float) =
            text.parse::<f64>().ok().filter(|f| decimal && f.is_finite()).and_then(Number::from_f64)
        {
            return Json::Number(float);
        }
    }
    Json::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_json() {
        let text = "a: &x {n: 1, s: '1', f: 1.5, v: 1.2.3, t: true, z: ~}\nb: [*x, \"q\"]\n200: on\nc:\n  <<: *x\n  n: 2\nd: |\n  text\n";
        let x = json!({"n": 1, "s": "1", "f": 1.5, "v": "1.2.3", "t": true, "z": null});
        let mut c = x.clone();
        c["n"] = json!(2);
        assert_eq!(
            read(text).unwrap(),
            json!({"a": x, "b": [x, "q"], "200": "on", "c": c, "d": "text\n"})
        );
    }

    #[test]
    fn hostile_texts_are_refused() {
        let bomb: String = (1..12)
            .map(|n| {
                let before = format!("*a{}, ", n - 1).repeat(10);
                format!("a{n}: &a{n} [{}]\n", before.trim_end_matches(", "))
            })
            .fold("a0: &a0 [x]\n".to_owned(), |all, line| all + &line);
        for (text, expected) in [
            (bomb.as_str(), "aliases make it too large"),
            (&"[".repeat(100_000), "cannot be read"),
            (&"- ".repeat(5_000), "nested deeper"),
            ("a: &a [*a]", "stands for what holds it"),
            ("a: [1", "cannot be read"),
            ("", "empty"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{}: {error}", &text[..text.len().min(20)]);
        }
    }
}
