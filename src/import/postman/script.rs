//! The common lines of test scripts: nothing is run, known patterns are read.

use std::sync::LazyLock;

use regex::Regex;

use crate::import::{
    draft::{Capture, Draft, Expect, Query, Step},
    names, secrets,
    tree::Tree,
};

/// A pattern, or none if it were wrong; a test compiles them all.
type Pattern = LazyLock<Option<Regex>>;

const fn pattern(build: fn() -> Option<Regex>) -> Pattern {
    LazyLock::new(build)
}

/// `const data = pm.response.json();`
static BODY: Pattern = pattern(|| {
    Regex::new(r"(?:var|let|const)?\s*(\w+)\s*=\s*(?:pm\.response\.json\(\)|JSON\.parse\(responseBody\))\s*;?$").ok()
});
/// `pm.environment.set("name", expression)`
static SET: Pattern = pattern(|| {
    Regex::new(r#"(?:pm\.(?:environment|collectionVariables|globals|variables)\.set|postman\.set(?:Environment|Global)Variable)\(\s*["'`]([^"'`]+)["'`]\s*,\s*(.+?)\s*\)\s*;?$"#).ok()
});
static STATUS: Pattern = pattern(|| {
    Regex::new(r"(?:to\.have\.status\(\s*(\d{3})\s*\)|pm\.response\.code\)\.to\.(?:be\.)?(?:equal|eql|eq)\(\s*(\d{3})\s*\)|responseCode\.code\s*===?\s*(\d{3}))").ok()
});
static ONE_OF: Pattern =
    pattern(|| Regex::new(r"pm\.response\.code\)\.to\.be\.oneOf\(\s*\[([\d\s,]+)\]\s*\)").ok());
static GOOD: Pattern = pattern(|| Regex::new(r"pm\.response\.to\.be\.(?:ok|success)\b").ok());
static TIME: Pattern = pattern(|| {
    Regex::new(
        r"(?:pm\.response\.responseTime|responseTime)\)\.to\.be\.(?:below|lessThan)\(\s*(\d+)\s*\)",
    )
    .ok()
});
static HEADER: Pattern = pattern(|| {
    Regex::new(
        r#"pm\.response\.to\.have\.header\(\s*["']([^"']+)["']\s*(?:,\s*["']([^"']*)["']\s*)?\)"#,
    )
    .ok()
});
static HEADER_VALUE: Pattern = pattern(|| {
    Regex::new(r#"pm\.response\.headers\.get\(\s*["']([^"']+)["']\s*\)\)\.to\.(?:be\.)?(equal|eql|eq|include|contain)\(\s*["']([^"']*)["']\s*\)"#).ok()
});
static TEXT: Pattern = pattern(|| {
    Regex::new(r#"(?:pm\.response\.text\(\)|responseBody)\)\.to\.(?:include|contain)\(\s*["']([^"']*)["']\s*\)"#).ok()
});
static MEMBER: Pattern = pattern(|| {
    Regex::new(r#"pm\.expect\(\s*([\w.$\[\]"'()]+?)\s*\)\.(?:to|is)\.(not\.)?(?:be\.)?(?:an?\.)?(equal|eql|equals|eq|include|contain|exist|a|an|true|false|above|below|empty)(?:\(\s*(.*?)\s*\))?\s*;?\s*(?:\}\s*\)\s*;?)?$"#).ok()
});
/// Lines that say nothing by themselves.
static FRAME: Pattern = pattern(|| {
    Regex::new(r#"^(?:pm\.test\(.*(?:function\s*\(\)|=>)\s*\{|\}\s*\)?\s*;?|\{|console\..*|//.*|["']use strict["'];?|/\*.*\*/|\*.*|/\*.*|)$"#).ok()
});

/// Reads a test script into expectations and captures; the lines that are not understood are named.
pub(super) fn read(script: &str, step: &mut Step, draft: &mut Draft) {
    let mut bodies = vec!["pm.response.json()".to_owned(), "JSON.parse(responseBody)".to_owned()];
    for line in statements(script) {
        let groups =
            |pattern: &Pattern| pattern.as_ref().and_then(|pattern| pattern.captures(&line));
        let group =
            |found: &regex::Captures<'_>, at: usize| found.get(at).map(|m| m.as_str().to_owned());
        if let Some(found) = groups(&BODY) {
            bodies.extend(group(&found, 1));
        } else if let Some(found) = groups(&SET) {
            let (Some(name), Some(value)) = (group(&found, 1), group(&found, 2)) else { continue };
            set(&name, &value, &bodies, step, draft);
        } else if let Some(found) = groups(&STATUS) {
            let status = [1, 2, 3].iter().find_map(|at| group(&found, *at)).unwrap_or_default();
            step.expects.push(Expect::new(Query::plain("status"), "equals", Tree::number(status)));
        } else if let Some(found) = groups(&ONE_OF) {
            let all = group(&found, 1).unwrap_or_default();
            let all = all.split(',').map(|one| Tree::number(one.trim())).filter(Tree::is_toml);
            step.expects.push(Expect::new(
                Query::plain("status"),
                "one_of",
                Tree::List(all.collect()),
            ));
        } else if groups(&GOOD).is_some() {
            let between = Tree::List(vec![Tree::number(200), Tree::number(299)]);
            step.expects.push(Expect::new(Query::plain("status"), "between", between));
        } else if let Some(found) = groups(&TIME) {
            let limit = Tree::text(format!("{}ms", group(&found, 1).unwrap_or_default()));
            step.expects.push(Expect::new(Query::plain("duration"), "below", limit));
        } else if let Some(found) = groups(&HEADER) {
            let query = Query::named("header", group(&found, 1).unwrap_or_default().to_lowercase());
            step.expects.push(match group(&found, 2) {
                Some(value) => Expect::new(query, "equals", Tree::text(value)),
                None => Expect::new(query, "exists", Tree::Bool(true)),
            });
        } else if let Some(found) = groups(&HEADER_VALUE) {
            let query = Query::named("header", group(&found, 1).unwrap_or_default().to_lowercase());
            let contains =
                group(&found, 2).is_some_and(|word| matches!(word.as_str(), "include" | "contain"));
            let key = if contains { "contains" } else { "equals" };
            step.expects.push(Expect::new(
                query,
                key,
                Tree::text(group(&found, 3).unwrap_or_default()),
            ));
        } else if let Some(found) = groups(&TEXT) {
            let value = Tree::text(group(&found, 1).unwrap_or_default());
            step.expects.push(Expect::new(Query::plain("body"), "contains", value));
        } else if let Some(expect) = groups(&MEMBER).and_then(|found| member(&found, &bodies)) {
            step.expects.push(expect);
        } else if groups(&FRAME).is_none() {
            let shown: String = line.chars().take(70).collect();
            draft.unsupported(format!("a test of `{}`: {shown}", step.name), "scripts are not run");
        }
    }
}

/// One statement a line, also where a test stands on one line whole.
fn statements(script: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in script.lines().map(str::trim) {
        let inner = line.strip_prefix("pm.test(").and_then(|rest| {
            let at = rest.find('{')?;
            let end = rest.rfind('}').filter(|end| *end > at)?;
            Some(rest[at + 1..end].trim().to_owned())
        });
        match inner {
            Some(inner) => {
                all.extend(inner.split(';').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()))
            }
            None => all.push(line.trim_end_matches(';').to_owned()),
        }
    }
    all
}

/// `data.a.b[0]['c-d']` as JSONPath, if it reads the body.
fn jsonpath(expression: &str, bodies: &[String]) -> Option<String> {
    let body = bodies.iter().filter(|body| expression.starts_with(body.as_str()));
    let body = body.max_by_key(|body| body.len())?;
    let rest = &expression[body.len()..];
    let sound = Regex::new(r#"^(?:\.[A-Za-z_]\w*|\[\d+\]|\[(?:"[^"\\]*"|'[^'\\]*')\])*$"#).ok()?;
    sound.is_match(rest).then(|| format!("${rest}"))
}

fn set(name: &str, value: &str, bodies: &[String], step: &mut Step, draft: &mut Draft) {
    let header = Regex::new(r#"^pm\.response\.headers\.get\(\s*["']([^"']+)["']\s*\)$"#).ok();
    let header =
        header.and_then(|pattern| Some(pattern.captures(value)?.get(1)?.as_str().to_lowercase()));
    let query = match (jsonpath(value, bodies), header) {
        (Some(path), _) => Query::named("jsonpath", path),
        (None, Some(header)) => Query::named("header", header),
        (None, None) => {
            let name: String = name.chars().take(40).collect();
            return draft.unsupported(
                format!("a script of `{}` that sets `{name}`", step.name),
                "scripts are not run",
            );
        }
    };
    let secret = secrets::is_secret_key(name);
    let name = names::variable(name);
    let earlier = draft.steps.iter().flat_map(|s| &s.captures).any(|capture| capture.name == name);
    if earlier {
        return draft.look(
            format!("`{name}` in `{}`", step.name),
            "an earlier step captures it already, and a name is captured once",
        );
    }
    step.captures.retain(|capture| capture.name != name);
    step.captures.push(Capture { name, query, secret });
}

/// `pm.expect(data.x).to.eql(1)`.
fn member(found: &regex::Captures<'_>, bodies: &[String]) -> Option<Expect> {
    let path = jsonpath(found.get(1)?.as_str(), bodies)?;
    let query = Query::named("jsonpath", path);
    let value = found.get(4).map(|m| m.as_str()).unwrap_or_default();
    let literal = || -> Option<Tree> {
        let quoted =
            value.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\'']));
        match quoted {
            Some(text) if !text.contains('\\') => Some(Tree::text(text)),
            _ => serde_json::from_str(value)
                .ok()
                .map(|json| Tree::of_json(&json))
                .filter(|tree| matches!(tree, Tree::Number(_) | Tree::Bool(_)) && tree.is_toml()),
        }
    };
    let (key, value) = match found.get(3)?.as_str() {
        "equal" | "eql" | "equals" | "eq" => ("equals", literal()?),
        "include" | "contain" => {
            ("contains", literal().filter(|tree| matches!(tree, Tree::Text(_)))?)
        }
        "above" => ("above", literal()?),
        "below" => ("below", literal()?),
        "exist" => ("exists", Tree::Bool(true)),
        "empty" => ("is_empty", Tree::Bool(true)),
        "true" => ("equals", Tree::Bool(true)),
        "false" => ("equals", Tree::Bool(false)),
        "a" | "an" => {
            let key = match value.trim_matches(['"', '\'']) {
                "string" => "is_text",
                "number" => "is_number",
                "boolean" => "is_boolean",
                "array" => "is_list",
                "object" => "is_object",
                _ => return None,
            };
            (key, Tree::Bool(true))
        }
        _ => return None,
    };
    let (key, value) = match found.get(2) {
        Some(_) => Expect::negated(key, value),
        None => (key.to_owned(), value),
    };
    Some(Expect::new(query, &key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_lines_are_read_and_others_named() {
        let script = "pm.test(\"Status\", function () {\n    pm.response.to.have.status(200);\n});\n\
            pm.test('fast', () => { pm.expect(pm.response.responseTime).to.be.below(500); });\n\
            const data = pm.response.json();\n\
            pm.environment.set(\"token\", data.access_token);\n\
            pm.collectionVariables.set('first', pm.response.json().items[0]['the-id']);\n\
            pm.test(\"x\", function () {\n  pm.expect(data.name).to.eql('Jo');\n  pm.expect(data.n).to.not.equal(3);\n});\n\
            // a comment\nfor (const x of data) { check(x); }\n";
        let (mut step, mut draft) = (Step::default(), Draft::default());
        read(script, &mut step, &mut draft);
        let shown: Vec<String> = step
            .expects
            .iter()
            .map(|e| {
                format!(
                    "{} {}={}",
                    e.query.of.clone().unwrap_or(e.query.subject.clone()),
                    e.predicates[0].0,
                    e.predicates[0].1.inline()
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "status equals=200",
                "duration below=\"500ms\"",
                "$.name equals=\"Jo\"",
                "$.n not_equals=3"
            ]
        );
        let captures: Vec<_> = step
            .captures
            .iter()
            .map(|c| (c.name.as_str(), c.query.of.clone().unwrap(), c.secret))
            .collect();
        assert_eq!(
            captures,
            [
                ("token", "$.access_token".to_owned(), true),
                ("first", "$.items[0]['the-id']".to_owned(), false)
            ]
        );
        assert_eq!(draft.notes.len(), 1, "{:?}", draft.notes);
    }

    #[test]
    fn all_patterns_compile() {
        for pattern in [
            &BODY,
            &SET,
            &STATUS,
            &ONE_OF,
            &GOOD,
            &TIME,
            &HEADER,
            &HEADER_VALUE,
            &TEXT,
            &MEMBER,
            &FRAME,
        ] {
            assert!(pattern.is_some());
        }
    }
}
