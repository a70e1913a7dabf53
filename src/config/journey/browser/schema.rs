//! What editors are told of browser steps.

use serde_json::{Value, json};

use super::{
    PATIENCE, action,
    device::{FACTORS, SIDES},
    locator::BY,
    role::ROLES,
    wait::CONDITIONS,
};
use crate::{
    config::{
        names::NameOf,
        schema::words::{
            Key, address, any, at_most_one, count, default, defined, exactly_one, limited, list,
            map, name, number, one_key, table, template, text, time, time_or, truth, word, yes,
        },
        units,
    },
    model::Device,
};

/// `[step.browser]`.
pub(in crate::config) fn step() -> Value {
    let actions = action::schemas();
    let action = one_key(table("One thing that a visitor does.", &[], actions));
    let keys = vec![
        ("open", open()),
        ("do", list("What is done, in order.", action)),
        (
            "patience",
            time_or(
                "How long an action waits for its element, and an assertion until it holds.",
                PATIENCE,
            ),
        ),
    ];
    table("What a visitor does in a real browser.", &[], keys)
}

/// What stands below `definitions`.
pub(in crate::config) fn definitions(predicates: Vec<Key>) -> Vec<Key> {
    let predicates = table("What must hold of it: one predicate.", &[], predicates);
    vec![
        ("locator", locator("How an element is found.", &[], Vec::new())),
        ("awaited", limited(predicates, json!({ "minProperties": 1, "maxProperties": 1 }))),
    ]
}

/// A table that says how an element is found, with further keys; `without` are ways that mean something else there.
fn locator(about: &str, without: &[&str], more: Vec<Key>) -> Value {
    let ways: Vec<&str> = BY.into_iter().filter(|key| !without.contains(key)).collect();
    let keys = found_by(&ways).into_iter().chain(more).collect();
    exactly_one(of_role(table(about, &[], keys)), &ways)
}

fn of_role(table: Value) -> Value {
    limited(table, json!({ "dependencies": { "name": ["role"] } }))
}

/// The keys of a locator.
fn found_by(ways: &[&'static str]) -> Vec<Key> {
    let way = |key: &&'static str| {
        let schema = match *key {
            "role" => word("Its role (WAI-ARIA), given or implied.", &ROLES),
            "label" => text("The field with this label."),
            "placeholder" => text("The field with this placeholder."),
            "test_id" => text("Its attribute `data-testid`."),
            "text" => text("The text that is seen of it."),
            "link" => text("A link by its text."),
            "css" => text("A CSS selector; open shadow trees are looked into."),
            _ => text("An XPath (1.0)."),
        };
        (*key, schema)
    };
    let nth = json!({ "type": "integer", "description": "Which one of several: 0 is the first, -1 the last." });
    let exact =
        truth("Names and texts are equal, with case; else they may be part of longer ones.");
    let mut keys: Vec<Key> = ways.iter().map(way).collect();
    keys.extend([
        ("name", text("With `role`: its accessible name.")),
        ("nth", nth),
        ("within", defined("locator")),
        ("exact", default(exact, json!(false))),
    ]);
    keys
}

/// An element and nothing else.
pub(super) fn element() -> Value {
    defined("locator")
}

pub(super) fn open() -> Value {
    address("Goes there and waits until the page is loaded: `{{base_url}}/shop`.")
}

pub(super) fn click() -> Value {
    let button = word("With which button.", &["left", "middle", "right"]);
    let often = count("How often in quick succession.", 1..3);
    let more =
        vec![("button", default(button, json!("left"))), ("count", default(often, json!(1)))];
    locator("Clicks an element.", &[], more)
}

pub(super) fn type_text() -> Value {
    let append = truth("What stands in the field stays.");
    let more = vec![
        ("text", template("What is typed, a template; an empty text clears the field.")),
        ("append", default(append, json!(false))),
    ];
    let table = locator("Types into a field, in the place of what stands there.", &["text"], more);
    limited(table, json!({ "required": ["text"] }))
}

fn key(about: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "description": about })
}

pub(super) fn press() -> Value {
    let about = "Presses a key: `Enter`, `ArrowDown`, `Control+a`.";
    let mut keys = found_by(&BY);
    keys.push(("key", key("The key, and those that are held: `Control+a`.")));
    let there = at_most_one(of_role(table("A key, in a field.", &["key"], keys)), &BY);
    any(about, vec![key(about), there])
}

pub(super) fn select() -> Value {
    let more = vec![
        ("option", template("The option by what people read.")),
        ("value", template("The option by what is sent.")),
    ];
    let either = json!({ "anyOf": [{ "required": ["option"] }, { "required": ["value"] }] });
    let table = locator("Chooses an option of a list.", &[], more);
    limited(table, json!({ "allOf": [either] }))
}

pub(super) fn scroll() -> Value {
    let ends = word("To the top or the bottom of the page.", &["top", "bottom"]);
    any("Scrolls until an element is in view, or to an end of the page.", vec![ends, element()])
}

pub(super) fn upload() -> Value {
    let file = || text("A file below the folder of this one, of at most 16 MiB.");
    let files = limited(list("Several files.", file()), json!({ "minItems": 1 }));
    let either = json!({ "anyOf": [{ "required": ["file"] }, { "required": ["files"] }] });
    let more = vec![("file", file()), ("files", files)];
    limited(locator("Gives files to a file input.", &[], more), json!({ "allOf": [either] }))
}

pub(super) fn wait() -> Value {
    let conditions = CONDITIONS.iter().map(|(key, _, schema)| (*key, schema()));
    let mut keys: Vec<Key> = conditions.collect();
    let mut one: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
    one.extend(BY);
    keys.extend(found_by(&BY));
    keys.push(("for", time("How long at most. Default: the step's `patience`.")));
    let about = "Waits for an element that is seen, or for one of the other conditions.";
    exactly_one(of_role(table(about, &[], keys)), &one)
}

fn awaited(about: &str) -> Value {
    any(about, vec![template("A text that is part of it."), defined("awaited")])
}

pub(super) fn url() -> Value {
    awaited("The address of the page.")
}

pub(super) fn title() -> Value {
    awaited("The title of the page.")
}

pub(super) fn network() -> Value {
    word("No request has been under way for 500 ms.", &["quiet"])
}

pub(super) fn condition() -> Value {
    text("A function's body gives something true: `return window.ready`.")
}

pub(super) fn rest() -> Value {
    time("Nothing but time, which counts.")
}

pub(super) fn frame() -> Value {
    let top = word("Back to the page itself.", &["top"]);
    any("The next actions happen in a frame.", vec![top, element()])
}

pub(super) fn window() -> Value {
    let about = "The window that was opened last, the first one, or: closes this one.";
    word(about, &["new", "first", "close"])
}

pub(super) fn dialog() -> Value {
    let answer = table(
        "What is written into a prompt.",
        &["answer"],
        vec![("answer", template("The answer, a template."))],
    );
    let about = "Deals with a dialog that is open or about to open.";
    any(about, vec![word(about, &["accept", "dismiss"]), answer])
}

pub(super) fn script() -> Value {
    text("Runs a function's body in the page; a promise is waited for.")
}

pub(super) fn screenshot() -> Value {
    name("Keeps a picture of the page under this name, with the run's evidence.", NameOf::Step)
}

pub(super) fn back() -> Value {
    yes("Goes back to the page before.")
}

pub(super) fn forward() -> Value {
    yes("Goes forward again.")
}

pub(super) fn reload() -> Value {
    yes("Loads the page again.")
}

pub(super) fn cookie() -> Value {
    let keys = vec![
        ("name", text("Its name.")),
        ("value", template("Its value.")),
        ("domain", text("Its domain. Default: the host of the present page.")),
        ("path", text("Its path. Default: `/`.")),
    ];
    table("Sets a cookie.", &["name", "value"], keys)
}

pub(super) fn storage() -> Value {
    let about = "Writes into the storage of the present page's site: names and values.";
    limited(map(about, template("A value.")), json!({ "minProperties": 1 }))
}

/// `[browser]` of a journey.
pub(in crate::config) fn device() -> Value {
    let usual = Device::default();
    let factor = |about: &str, key: &str, usual: f64| {
        let found = FACTORS.iter().find(|(known, ..)| *known == key);
        let (low, high) = found.map_or((0.0, f64::MAX), |(_, low, high)| (*low, *high));
        let number = limited(number(about), json!({ "minimum": low, "maximum": high }));
        default(number, json!(usual))
    };
    let (width, height) = usual.window;
    let window = format!(
        "Width and height in CSS pixels, from {} to {} each. Default: {width}x{height}, or a phone's.",
        SIDES.start(),
        SIDES.end()
    );
    let keys = vec![
        (
            "window",
            limited(text(&window), json!({ "pattern": "^\\s*[0-9]+\\s*[xX×]\\s*[0-9]+\\s*$" })),
        ),
        ("mobile", default(truth("A phone: touch, its viewport and user agent."), json!(false))),
        (
            "scale",
            factor("Device pixels for each CSS pixel; a phone has 2.625.", "scale", usual.scale),
        ),
        ("user_agent", text("`User-Agent`. Default: the browser's own.")),
        ("locale", text("Its language: `de-DE`. Default: `en-US`.")),
        ("timezone", text("An IANA name: `Europe/Berlin`. Default: the machine's.")),
        ("network", slower()),
        (
            "cpu_slowdown",
            factor("How many times slower the processor is.", "cpu_slowdown", usual.cpu_slowdown),
        ),
    ];
    table("As what the browser of the journey appears.", &[], keys)
}

fn slower() -> Value {
    let rate = |about: &str| limited(text(about), json!({ "pattern": units::RATE_PATTERN }));
    let keys = vec![
        ("latency", time("Added to each request.")),
        ("down", rate("Most bytes a second from the servers: `1.5MB/s`, `4Mbit/s`.")),
        ("up", rate("Most bytes a second to the servers.")),
    ];
    limited(table("A slower network.", &[], keys), json!({ "minProperties": 1 }))
}
