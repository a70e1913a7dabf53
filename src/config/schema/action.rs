//! `[[freeze]]`, `[[rollback]]` and `[[writeback]]`.

use serde_json::{Value, json};

use super::{
    receiver::days,
    words::{any, default, defined, limited, list, name, set, table, text, time_or, word},
};
use crate::{
    config::{names::NameOf, settings::rollback::TIMEOUT},
    model::{Forge, RollbackMode},
};

fn places() -> (&'static str, Value) {
    ("environments", set("Only there.", name("An environment.", NameOf::Thing)))
}

fn services() -> (&'static str, Value) {
    ("services", set("Only of these.", name("A service.", NameOf::Service)))
}

/// When nothing shall be deployed.
pub(super) fn freeze() -> Value {
    let from = "A date with a time, a time of the week such as `fri 16:00`, or a time of day such as `22:00`.";
    let mut keys = vec![
        ("reason", text("Why, for whoever is stopped by it.")),
        places(),
        services(),
        ("from", json!({ "description": from })),
        ("to", json!({ "description": "As `from`." })),
    ];
    keys.extend(days());
    let about = "When nothing shall be deployed: the gate before a deployment says no.";
    table(about, &["reason", "from", "to"], keys)
}

fn address(about: &str) -> Value {
    json!({ "type": "string", "description": about, "pattern": "^[hH][tT][tT][pP][sS]?://" })
}

/// How a change is undone.
pub(super) fn rollback() -> Value {
    let modes: Vec<&str> = RollbackMode::ALL.iter().map(|(word, _)| *word).collect();
    let mode = "Who may fire it: nobody, nobody but it is said when it would be, people, or the agent itself where it is sure.";
    let command = "A program and its arguments, without a shell; it reads the order as JSON.";
    let keys = vec![
        ("name", name("What the log calls it; the service by default.", NameOf::Service)),
        ("service", name("Whose changes it undoes.", NameOf::Service)),
        places(),
        ("mode", default(word(mode, &modes), json!("manual"))),
        (
            "url",
            any("Where the order is posted to.", vec![address("An open one."), defined("secret")]),
        ),
        ("secret", defined("secret")),
        ("token", defined("secret")),
        ("command", limited(list(command, text("A word.")), json!({ "minItems": 1 }))),
        ("env", super::receiver::env()),
        ("timeout", time_or("How long it may take.", TIMEOUT)),
    ];
    table("How the changes of a service are undone, by `url` or by `command`.", &["service"], keys)
}

/// Which forges are told of changes.
pub(super) fn writeback() -> Value {
    let forges: Vec<&str> = Forge::ALL.iter().map(|(word, ..)| *word).collect();
    let keys = vec![
        ("name", name("What the log calls it; its kind by default.", NameOf::Thing)),
        ("kind", word("Which forge.", &forges)),
        ("url", address("Where its API begins, where it is one of one's own.")),
        ("repository", text("Where a change does not say its own: `owner/name`.")),
        services(),
        places(),
        ("token", defined("secret")),
        ("timeout", time_or("How long one try may take.", TIMEOUT)),
    ];
    let about =
        "A forge that is told how changes fare: the status of their deployments or commits.";
    table(about, &["kind", "token"], keys)
}
