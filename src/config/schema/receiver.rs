//! `[[receiver]]` and `[[maintenance]]`.

use serde_json::{Value, json};

use super::words::{
    any, default, defined, limited, list, map, name, named, set, table, template, text, time,
    time_or, truth, word,
};
use crate::{
    config::{
        names::NameOf,
        settings::{
            hours::DAYS,
            receiver::{KINDS, REPEAT, TIMEOUT},
            way::{MODES, PAGERDUTY, RESEND, TLS},
        },
        units,
    },
    model::{Gravity, Happening},
};

/// A receiver of messages.
pub(super) fn receiver() -> Value {
    let kinds: Vec<&str> = KINDS.iter().map(|(word, ..)| *word).collect();
    let mut keys = vec![
        ("name", name("What the outbox and the log call it; unique.", NameOf::Thing)),
        ("kind", word("What it is.", &kinds)),
    ];
    keys.extend(reached());
    keys.extend(told());
    limited(table("Who is told of findings and changes.", &["name", "kind"], keys), needed())
}

/// The keys that a kind must have.
fn needed() -> Value {
    let rule = |(kind, needed, _): &(&str, &[&str], &[&str])| {
        json!({
            "if": { "required": ["kind"], "properties": { "kind": { "const": kind } } },
            "then": { "required": needed },
        })
    };
    json!({ "allOf": KINDS.iter().map(rule).collect::<Vec<_>>() })
}

fn reached() -> Vec<(&'static str, Value)> {
    let plain = || json!({ "type": "string", "description": "An address that anybody may see.", "pattern": "^[hH][tT][tT][pP][sS]?://" });
    let url = any(
        "Where it is; of Slack and Teams a secret. Of Alertmanager all instances.",
        vec![plain(), list("All instances.", plain()), defined("secret")],
    );
    let people = any("Who gets the mails.", vec![text("One."), list("Several.", text("One."))]);
    let secrets = any(
        "What webhooks are signed with: `whsec_` and base64. While one takes the place of another, both.",
        vec![defined("secret"), list("Several.", defined("secret"))],
    );
    let tls: Vec<&str> = TLS.iter().map(|(word, ..)| *word).collect();
    let modes: Vec<&str> = MODES.iter().map(|(word, _)| *word).collect();
    let command =
        list("A program and its arguments, without a shell; it reads JSON.", text("A word."));
    vec![
        ("url", limited(url, json!({ "examples": [PAGERDUTY] }))),
        ("key", defined("secret")),
        ("server", text("Host and port of the mail server.")),
        ("from", text("The sender of the mails.")),
        ("to", people),
        ("tls", default(word("How the connection is protected.", &tls), json!("starttls"))),
        ("user", text("How it knows us, with `password`.")),
        ("password", defined("secret")),
        ("token", defined("secret")),
        ("secret", secrets),
        ("headers", headers()),
        ("mode", default(word("Where attributes of events stand.", &modes), json!("structured"))),
        ("command", limited(command, json!({ "minItems": 1 }))),
        ("env", env()),
        ("resend", time_or("How often Alertmanager hears of what goes on.", RESEND)),
        ("labels", map("Labels of every alert.", text("A value."))),
        ("tags", list("Tags of every annotation; few.", text("A tag."))),
        ("changes", default(truth("Tell it of every change as well."), json!(false))),
        ("proxy", plain()),
        ("timeout", time_or("How long one try may take.", TIMEOUT)),
    ]
}

/// What a command is given.
pub(super) fn env() -> Value {
    let value = any("A value.", vec![template("A text that anybody may see."), defined("secret")]);
    let name = json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" });
    named(
        "Variables of the command's environment, which else has only PATH, HOME, LANG and TZ of the agent's.",
        name,
        value,
    )
}

/// What a webhook is sent besides.
fn headers() -> Value {
    let value = any("A value.", vec![text("A text that anybody may see."), defined("secret")]);
    let name = json!({ "type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" });
    named("Headers beside ours.", name, value)
}

fn told() -> Vec<(&'static str, Value)> {
    let gravities: Vec<&str> = Gravity::ALL.iter().map(|g| g.as_str()).collect();
    let happenings: Vec<&str> = Happening::ALL.iter().map(|h| h.as_str()).collect();
    let repeat = any(
        "How often it is told again of what goes on and nobody has taken on; false for never.",
        vec![time("How often."), json!({ "const": false, "description": "Never." })],
    );
    let mut quiet = hours();
    quiet.push(("except", list("What is told all the same.", word("A finding.", &gravities))));
    let quiet = table("When it is not disturbed.", &["from", "to"], quiet);
    let template = table(
        "Words of one's own: handlebars.",
        &[],
        vec![
            ("title", text("The one line.")),
            ("text", text("What stands below it.")),
            (
                "body",
                text(
                    "The whole body, of chats, webhooks and commands. JSON unless `content_type` says otherwise; `{{json change}}` writes a value whole.",
                ),
            ),
            (
                "change_body",
                text(
                    "The whole body of what is told of a change itself, of webhooks and commands with `changes`.",
                ),
            ),
            (
                "content_type",
                default(
                    text("What bodies of webhooks and commands are."),
                    json!("application/json"),
                ),
            ),
            ("html", text("The page of a mail.")),
        ],
    );
    vec![
        ("findings", list("Only such; all by default.", word("A finding.", &gravities))),
        ("events", list("Only when this happens.", word("What is new.", &happenings))),
        ("environments", set("Only there.", name("An environment.", NameOf::Thing))),
        ("services", set("Only of these.", name("A service.", NameOf::Service))),
        ("journeys", set("Only of these.", name("A journey.", NameOf::Thing))),
        ("owners", set("Only what they look after.", text("An owner."))),
        ("repeat", default(repeat, json!(units::spell(REPEAT)))),
        ("quiet", list("Quiet hours: what goes on is told after them.", quiet)),
        ("template", template),
    ]
}

fn hours() -> Vec<(&'static str, Value)> {
    let clock = |about: &str| json!({ "type": "string", "description": about, "pattern": "^[0-2][0-9]:[0-5][0-9]$" });
    let mut keys =
        vec![("from", clock("Such as `22:00`.")), ("to", clock("It may be past midnight."))];
    keys.extend(days());
    keys
}

pub(super) fn days() -> Vec<(&'static str, Value)> {
    let words: Vec<&str> = DAYS.iter().map(|(word, _)| *word).collect();
    let day = json!({ "type": "string", "description": "A day.", "enum": words });
    vec![
        ("days", list("Only these; a night belongs to the day it begins on.", day)),
        ("timezone", default(text("Whose clock: `Europe/Berlin`."), json!("UTC"))),
    ]
}

/// When nobody is told.
pub(super) fn maintenance() -> Value {
    let moment = |about: &str| json!({ "description": about });
    let mut keys = vec![
        ("name", text("Why nobody is told.")),
        ("environments", set("Only there.", name("An environment.", NameOf::Thing))),
        ("services", set("Only of these.", name("A service.", NameOf::Service))),
        ("from", moment("A date with a time, or an hour such as `22:00` for every week.")),
        ("to", moment("As `from`.")),
    ];
    keys.extend(days());
    table(
        "When nobody is told and no error budget is spent; what goes on is told afterwards.",
        &["name", "from", "to"],
        keys,
    )
}
