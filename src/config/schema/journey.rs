//! `journeys/NAME.toml`, and the parts that journeys share.

use serde_json::{Value, json};

use super::{
    query, request,
    step::step,
    words::{
        Key, any, default, document, either, limited, link, list, map, name, named, number, plain,
        set, table, template, text, time, time_or, truth,
    },
};
use crate::config::{
    journey::{SLO_WINDOW, TIMEOUT, browser::schema as browser},
    names::NameOf,
};

/// The schema of a journey.
pub fn journey() -> Value {
    let keys = vec![
        ("name", name("What it is called, everywhere; unique in an agent.", NameOf::Thing)),
        ("description", text("A sentence for people.")),
        (
            "services",
            set(
                "The services it touches besides those of its steps: a change of one of them is blamed for a shift.",
                name("A service.", NameOf::Service),
            ),
        ),
        (
            "environments",
            limited(
                set(
                    "Where it runs: names of `[environments]` in wayfarer.toml.",
                    name("An environment.", NameOf::Thing),
                ),
                json!({ "minItems": 1 }),
            ),
        ),
        ("every", time("How often it is walked, such as `60s`. Either this or `cron`.")),
        (
            "cron",
            text(
                "When it is walked, as in crontab(5): minute, hour, day, month, weekday. `*/5 8-18 * * MON-FRI`",
            ),
        ),
        (
            "timezone",
            default(text("The time zone of `cron`, such as `Europe/Berlin`."), json!("UTC")),
        ),
        ("timeout", time_or("The deadline of a whole run.", TIMEOUT)),
        (
            "burst",
            truth(
                "Whether it is walked oftener while a change is watched. Default: yes, but not with a browser, and never where a step has an effect.",
            ),
        ),
        ("browser", browser::device()),
        ("owner", text("Who looks after it.")),
        ("runbook", link("What to do when it breaks: an http address.")),
        ("connection", request::connection()),
        (
            "vars",
            named(
                "Variables for templates; they win over the environment's.",
                name("", NameOf::Variable),
                plain("A value."),
            ),
        ),
        ("matrix", matrix()),
        ("setup", setup()),
        ("slo", slo()),
        ("step", steps()),
    ];
    let root = table(
        "A journey: what a user does, step by step.",
        &["name", "environments", "step"],
        keys,
    );
    let root = either(root, "every", "cron");
    let root = limited(root, json!({ "dependencies": { "timezone": ["cron"] } }));
    document("A journey of Wayfarer", definitions(), root)
}

/// The schema of a part: `journeys/parts/NAME.toml`.
pub fn part() -> Value {
    let names = |about| set(about, name("A name.", NameOf::Variable));
    let keys = vec![
        ("description", text("A sentence for people.")),
        (
            "inputs",
            names("What its templates may use; whoever uses the part gives each by `with`."),
        ),
        (
            "outputs",
            names(
                "Those of its captures that whoever uses it may use. Of a `setup`, `expires` says when the session ends.",
            ),
        ),
        (
            "expires_after",
            time("As a `setup`: how long a session lasts. Default: until it is refused."),
        ),
        ("step", steps()),
    ];
    let about = "Steps that several journeys share; its name is that of the file.";
    document("A part of journeys of Wayfarer", definitions(), table(about, &["step"], keys))
}

fn definitions() -> Vec<Key> {
    query::definitions()
}

fn steps() -> Value {
    limited(list("What is done, in order.", step()), json!({ "minItems": 1 }))
}

fn matrix() -> Value {
    let values = set("The values of this variable.", plain("A value."));
    let values = limited(values, json!({ "minItems": 1 }));
    named(
        "Several journeys of one file: one for each combination of these values, at most 100.",
        name("", NameOf::Variable),
        values,
    )
}

fn setup() -> Value {
    let about = "A part that is walked once for all journeys of an environment: they share its cookies and outputs.";
    let part = || name("The name of the part.", NameOf::Thing);
    let keys = vec![("use", part()), ("with", with())];
    any(about, vec![part(), table(about, &["use"], keys)])
}

/// The inputs of a part.
pub(super) fn with() -> Value {
    map("The inputs of the part, all of them.", template("A template."))
}

fn slo() -> Value {
    let objective = limited(
        number("The share of good runs in percent, such as 99.9."),
        json!({ "exclusiveMinimum": 0, "exclusiveMaximum": 100 }),
    );
    table(
        "What the journey promises.",
        &["objective"],
        vec![
            ("objective", objective),
            ("latency", time("A slower run is not a good one, even if it passed.")),
            ("window", time_or("Over how long the promise is kept.", SLO_WINDOW)),
        ],
    )
}
