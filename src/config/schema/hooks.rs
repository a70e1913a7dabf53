//! `[hooks.NAME]` and `[[place]]`.

use serde_json::Value;

use super::words::{default, defined, link, map, name, named, table, text, truth, word};
use crate::{config::names::NameOf, intake};

pub(super) fn hooks() -> Value {
    let senders: Vec<&str> = intake::SENDERS.iter().map(|sender| sender.name).collect();
    let forward = table(
        "The Grafana that annotations are passed on to; its answer is returned.",
        &["url"],
        vec![
            ("url", link("Where it begins, without query: `https://grafana.example.com`.")),
            ("token", defined("secret")),
        ],
    );
    let hook = table(
        "A webhook, at /hooks/NAME.",
        &[],
        vec![
            ("sender", word("Whose bodies come there. Default: the hook's own name.", &senders)),
            ("secret", defined("secret")),
            ("token", defined("secret")),
            ("service", name("The service, where a body says none.", NameOf::Service)),
            ("environment", name("The environment, where a body says none.", NameOf::Thing)),
            (
                "services",
                map(
                    "The sender's names (repositories, applications) and ours.",
                    name("A service.", NameOf::Service),
                ),
            ),
            (
                "environments",
                map(
                    "The sender's names of environments and ours.",
                    name("An environment.", NameOf::Thing),
                ),
            ),
            ("forward", forward),
        ],
    );
    named("Who tells of changes by webhook.", name("", NameOf::Thing), hook)
}

pub(super) fn place() -> Value {
    table(
        "A rule for changes that do not say what or where.",
        &["when"],
        vec![
            (
                "when",
                map(
                    "What must be so, by the names of fields and labels; `*` stands for any text.",
                    text("A pattern."),
                ),
            ),
            ("service", name("The service it then has.", NameOf::Service)),
            ("environment", name("The environment it then has.", NameOf::Thing)),
            (
                "replace",
                default(
                    truth("Also in the place of what the sender said."),
                    serde_json::json!(false),
                ),
            ),
            ("ignore", default(truth("It is dropped."), serde_json::json!(false))),
        ],
    )
}
