//! `[[step]]`.

use serde_json::{Value, json};

use super::{
    journey::with,
    query::{assertion, captures, expect, measures},
    request::http,
    words::{
        any, count, default, defined, limited, list, name, number, refused, table, template, text,
        time, time_or, truth,
    },
};
use crate::config::{
    journey::{
        browser::schema as browser,
        flow::{BACKOFFS, COUNTS, MOST_ROUNDS, RETRY_DELAY, ROUNDS},
        steps::OF_AN_EXCHANGE,
    },
    names::NameOf,
};

pub(super) fn step() -> Value {
    let asserts = list("What must hold, where `expect` is too short.", assertion());
    let effect = "It buys, sends or deletes something: the journey is never walked oftener than its schedule says.";
    let keys = vec![
        ("name", name("What it is called; unique in its file.", NameOf::Step)),
        ("service", name("Whose fault a shift in this step would be.", NameOf::Service)),
        ("timeout", time("Its own deadline, over all attempts. Default: that of the journey.")),
        ("effect", default(truth(effect), json!(false))),
        ("http", http()),
        ("browser", browser::step()),
        ("capture", captures()),
        ("measure", measures()),
        ("expect", expect()),
        ("assert", asserts),
        ("retry", retry()),
        ("when", when()),
        ("repeat", repeat()),
        (
            "delay",
            time_or(
                "A wait before the step (before each round of a repeated one); in nobody's time.",
                std::time::Duration::ZERO,
            ),
        ),
        (
            "optional",
            default(truth("A failure is recorded and does not fail the run."), json!(false)),
        ),
        (
            "always",
            default(
                truth("A clean-up: walked also after a failure and after the deadline."),
                json!(false),
            ),
        ),
        (
            "use",
            name("The part whose steps are walked here: journeys/parts/NAME.toml.", NameOf::Thing),
        ),
        ("with", with()),
    ];
    let about = "One request or what a visitor does in a browser, what is kept of it and what must hold; or the steps of a part.";
    let forbidden: serde_json::Map<String, Value> =
        OF_AN_EXCHANGE.iter().map(|(key, help)| ((*key).to_owned(), refused(help))).collect();
    let either = json!({
        "if": { "required": ["use"] },
        "then": { "properties": forbidden },
        "else": {
            "required": ["name"],
            "properties": { "with": refused("goes with `use`") },
            "if": { "required": ["browser"] },
            "then": { "properties": { "http": refused("besides `browser`: make two steps") } },
            "else": { "required": ["http"] },
        },
    });
    limited(table(about, &[], keys), either)
}

/// A condition may only look at what is known before the step.
fn when() -> Value {
    let known = json!({ "properties": { "query": { "required": ["variable"] } } });
    let about = "The step is walked only where this holds of a variable or an earlier capture; else it is skipped.";
    json!({ "description": about, "allOf": [defined("assertion"), known] })
}

fn retry() -> Value {
    let backoff = limited(
        number("By how much each wait is longer than the one before."),
        json!({ "minimum": BACKOFFS.start(), "maximum": BACKOFFS.end() }),
    );
    table(
        "Further attempts; every one is kept with the run, and the step's duration is that of all of them.",
        &["count"],
        vec![
            ("count", count("Most attempts after the first.", COUNTS)),
            ("delay", time_or("The wait before the second attempt.", RETRY_DELAY)),
            ("backoff", default(backoff, json!(1.0))),
            ("until", assertion()),
        ],
    )
}

fn repeat() -> Value {
    let values = limited(list("Values.", template("A template.")), json!({ "minItems": 1 }));
    let captured = limited(
        text("A template that gives a list, such as a capture: `{{ids}}`."),
        json!({ "pattern": "\\{\\{" }),
    );
    table(
        "Walks the step once for each element of a list.",
        &["over", "as"],
        vec![
            ("over", any("The elements.", vec![captured, values])),
            ("as", name("What the element is called in this step's templates.", NameOf::Variable)),
            (
                "most",
                default(
                    count("Most rounds; later elements are left out.", 1..MOST_ROUNDS),
                    json!(ROUNDS),
                ),
            ),
        ],
    )
}
