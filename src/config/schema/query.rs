//! Queries, filters and predicates: what captures, measures, assertions and conditions share.

use serde_json::{Map, Value, json};

use super::words::{
    Key, any, count, default, defined, exactly_one, free, limited, list, map, name, named, number,
    percent, table, template, text, time, truth, word, yes,
};
use crate::{
    check::{self, Kind, Takes as FilterTakes},
    config::{
        journey::{
            browser, filter, measure,
            predicate::{self, KEYS, Takes},
            query::{ELEMENT, NAMED, PLAIN},
        },
        names::NameOf,
    },
    model::{CookieAttribute, Query},
};

/// What stands below `definitions`.
pub(super) fn definitions() -> Vec<Key> {
    vec![
        (
            "query",
            query(
                "Where a value is found: exactly one subject, perhaps with `filter`.",
                Vec::new(),
            ),
        ),
        ("filter", one_filter()),
        ("filters", filters()),
        ("predicates", table("Predicates.", &[], predicates(|_| true))),
        ("count", number_of_values()),
        ("assertion", whole_assertion()),
        ("expected", expected(false)),
        ("expected_with_attribute", expected(true)),
        ("expected_time", expected_time()),
    ]
    .into_iter()
    .chain(browser::schema::definitions(awaited()))
    .collect()
}

/// The predicates that a page is waited for with.
fn awaited() -> Vec<Key> {
    predicates(|_| true).into_iter().chain([("not", defined("predicates"))]).collect()
}

/// `[[step.assert]]`, `until`.
pub(super) fn assertion() -> Value {
    defined("assertion")
}

/// A table of one subject, with keys of its own.
fn query(about: &str, own: Vec<Key>) -> Value {
    let plain = PLAIN.iter().map(|(key, _, about)| (*key, yes(about)));
    let with_name = NAMED.iter().map(|row| (row.key, (row.name)(row.about)));
    let element = (ELEMENT, defined("locator"));
    let subjects: Vec<Key> = plain.chain(with_name).chain([element]).collect();
    let keys: Vec<&str> = subjects.iter().map(|(key, _)| *key).collect();
    let more = [("attribute", attribute()), ("filter", defined("filters"))];
    let whole = table(about, &[], subjects.into_iter().chain(more).chain(own).collect());
    let of = json!({ "attribute": { "anyOf": [{ "required": ["css"] }, { "required": ["cookie"] }, { "required": [ELEMENT] }] } });
    let rules = json!({
        "dependencies": of,
        "if": { "required": ["cookie"] },
        "then": of_a_cookie(),
    });
    limited(exactly_one(whole, &keys), rules)
}

/// What `attribute` may be beside a cookie.
fn of_a_cookie() -> Value {
    json!({ "properties": { "attribute": { "enum": CookieAttribute::ALL.map(|(word, _)| word) } } })
}

/// Which words are right depends on what it stands beside.
fn attribute() -> Value {
    let words = CookieAttribute::ALL.map(|(word, _)| word).join("`, `");
    text(&format!(
        "With `css` and `element` an attribute of the elements, instead of their text; with `cookie` one of `{words}`."
    ))
}

fn filters() -> Value {
    let about = "What is made of the value: one filter, or several in order.";
    let several = limited(
        list("Filters, in order.", defined("filter")),
        json!({ "minItems": 1, "maxItems": filter::MOST }),
    );
    any(about, vec![several, defined("filter")])
}

fn one_filter() -> Value {
    let takes = |wanted: &str| check::filters().find(|(name, _)| *name == wanted).map(|row| row.1);
    let mut words = Vec::new();
    let mut tables: Vec<Key> = Vec::new();
    for (name, about) in check::filters_explained() {
        let schema = match takes(name) {
            Some(FilterTakes::Number) => count(about, 0..1_000_000),
            Some(FilterTakes::Pair) => limited(
                list(about, json!({ "type": "string" })),
                json!({ "minItems": 2, "maxItems": 2 }),
            ),
            Some(FilterTakes::Nothing) => yes(about),
            _ => json!({ "type": "string", "description": about }),
        };
        if matches!(takes(name), Some(FilterTakes::Nothing | FilterTakes::MaybeText)) {
            words.push(json!({ "const": name, "description": about }));
        }
        tables.push((name, schema));
    }
    let names: Vec<&str> = tables.iter().map(|(name, _)| *name).collect();
    tables.push((
        "attribute",
        text("With `css`: an attribute of the elements, instead of their text."),
    ));
    let with_value = exactly_one(table("A filter that is told something.", &[], tables), &names);
    let with_value = limited(with_value, json!({ "dependencies": { "attribute": ["css"] } }));
    any("What is made of the value.", [words, vec![with_value]].concat())
}

/// The keys of a predicate table and their negations.
fn predicates(wanted: fn(&predicate::Key) -> bool) -> Vec<Key> {
    let mut keys = Vec::new();
    for key in KEYS.iter().filter(|key| wanted(key)) {
        keys.push((key.key, predicate(key.takes, key.about)));
        keys.push((key.negated, predicate(key.takes, &format!("The opposite of `{}`.", key.key))));
    }
    keys
}

fn predicate(takes: Takes, about: &str) -> Value {
    let limit = |about: &str| json!({ "type": ["number", "string"], "description": about, "pattern": "\\S" });
    match takes {
        Takes::Literal => template(about),
        Takes::Text => json!({ "type": "string", "description": about }),
        Takes::Pattern => text(about),
        Takes::Truth => truth(about),
        Takes::Limit => limit(&format!(
            "{about} A number, a time (`\"2s\"`), a date, a size of `bytes`, or a template."
        )),
        Takes::Limits => limited(list(about, limit("")), json!({ "minItems": 2, "maxItems": 2 })),
        Takes::Literals => limited(list(about, template("A value.")), json!({ "minItems": 1 })),
        Takes::Schema => any(about, vec![free("The schema."), text("Its file.")]),
    }
}

/// Predicates with `not` and `count`, and keys of their own.
fn judged(about: &str, own: Vec<Key>) -> Value {
    let more = [("not", defined("predicates")), ("count", defined("count"))];
    table(about, &[], predicates(|_| true).into_iter().chain(more).chain(own).collect())
}

fn number_of_values() -> Value {
    let numbers = table("What must hold of their number.", &[], predicates(|key| key.counts));
    let numbers = limited(numbers, json!({ "minProperties": 1 }));
    let exactly = json!({ "type": "integer", "minimum": 0, "description": "Exactly so many." });
    any(
        "How many values there are; one JSON array alone counts its elements.",
        vec![exactly, numbers],
    )
}

fn whole_assertion() -> Value {
    let about = "What must hold of what a query finds: all of it, and of every value.";
    let whole = judged(about, vec![("query", defined("query"))]);
    limited(whole, json!({ "required": ["query"], "minProperties": 2 }))
}

/// A value of `[step.expect]` that is a table.
fn expected(with_attribute: bool) -> Value {
    let mut own = vec![("filter", defined("filters"))];
    own.extend(with_attribute.then(|| ("attribute", attribute())));
    limited(judged("What must hold: all of it.", own), json!({ "minProperties": 1 }))
}

/// A time is compared with times, unless a filter makes something else of it.
fn expected_time() -> Value {
    let limits = |takes: Takes| KEYS.iter().filter(move |key| key.takes == takes);
    let times = |key: &str, schema: &Value| (key.to_owned(), schema.clone());
    let mut only: Map<String, Value> = Map::new();
    for key in limits(Takes::Limit) {
        only.extend([times(key.key, &time("")), times(key.negated, &time(""))]);
    }
    for key in limits(Takes::Limits) {
        let both = json!({ "items": time("") });
        only.extend([times(key.key, &both), times(key.negated, &both)]);
    }
    let rule =
        json!({ "if": { "not": { "required": ["filter"] } }, "then": { "properties": only } });
    limited(expected(false), rule)
}

/// `[step.expect]`.
pub(super) fn expect() -> Value {
    let value = |gives: Kind, about: &str, table: &str| match gives {
        Kind::Time => defined("expected_time"),
        _ => any(about, vec![template("Equal to this."), defined(table)]),
    };
    let mut keys: Vec<Key> = Vec::new();
    for (key, subject, about) in &PLAIN {
        let mut schema = value(check::kind_of(&Query::from(subject.clone())), about, "expected");
        let forms = schema.get_mut("anyOf").and_then(Value::as_array_mut);
        if let (true, Some(forms)) = (matches!(*key, "status" | "version"), forms) {
            let one_of = list("One of these.", template("A value."));
            forms.push(limited(one_of, json!({ "minItems": 1 })));
        }
        keys.push((key, schema));
    }
    for row in &NAMED {
        let table = if matches!(row.key, "css" | "cookie") {
            "expected_with_attribute"
        } else {
            "expected"
        };
        let mut of = value(row.gives, "A value that must be equal, or what must hold.", table);
        if row.key == "cookie" {
            of = limited(of, json!({ "allOf": [of_a_cookie()] }));
        }
        keys.push((row.key, named(row.about, (row.name)(""), of)));
    }
    table(
        "What must hold of the answer: a value that must be equal, or a table of predicates.",
        &[],
        keys,
    )
}

/// `[step.capture]`.
pub(super) fn captures() -> Value {
    let secret = truth("Masked in the whole run like any secret, also in the page it came from.");
    let about = "A value kept under this name: exactly one subject, perhaps with `filter`.";
    let one = query(about, vec![("secret", default(secret, json!(false)))]);
    named("Values kept for later steps, by the names they get.", name("", NameOf::Variable), one)
}

/// `[step.measure]`.
pub(super) fn measures() -> Value {
    let worse = "Which way is for the worse. Without it a shift is only ever suspected.";
    let words = measure::WORSE.map(|(word, _)| word);
    let absolute = limited(
        number("The smallest shift that matters, in the measure's own unit. Default: any."),
        json!({ "exclusiveMinimum": 0 }),
    );
    let relative =
        percent("The smallest shift that matters, as a share of the usual value. Default: `10%`.");
    let own = vec![
        (
            "unit",
            limited(
                text("What it is counted in, such as `EUR`."),
                json!({ "maxLength": measure::UNIT }),
            ),
        ),
        ("worse", word(worse, &words)),
        ("required", default(truth("The step fails where there is no number."), json!(false))),
        ("relative", relative),
        ("absolute", absolute),
    ];
    let one = query("A number in the answer: exactly one subject, perhaps with `filter`.", own);
    let all = map("Numbers that are kept, shown and judged, by the names they get.", one);
    limited(
        all,
        json!({ "propertyNames": name("", NameOf::Thing), "maxProperties": measure::MOST }),
    )
}
