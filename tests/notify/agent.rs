//! The whole agent: from a change that failed to its receivers, and what survives a kill.

use std::{fs, process::Command};

use super::{
    agent, ask, folder, free_port, log, secrets,
    server::{Answer, Server},
    until, wayfarer,
};

const FAILED: &str = r#"{"id":"dep-1","service":"shop","environment":"production","version":"2.4.1","author":"jane.doe","state":"failed"}"#;
const NEXT: &str =
    r#"{"id":"dep-2","service":"shop","environment":"production","version":"2.4.2"}"#;

fn hook(name: &str, url: &str, more: &str) -> String {
    format!(
        "[[receiver]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"{url}\"\nsecret = {{ env = \"HOOK_SECRET\" }}\n{more}\n"
    )
}

fn outbox(port: u16, state: &str) -> serde_json::Value {
    let answer = ask(port, "GET", &format!("/api/v1/outbox?state={state}"), None, "");
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or("null");
    serde_json::from_str(body).unwrap_or_default()
}

#[test]
fn a_failed_change_is_told_once_and_a_dead_receiver_delays_nobody() {
    let (good, port) = (Server::start(), free_port());
    let dead = format!("http://127.0.0.1:{}/x", free_port());
    let hung = Server::start();
    hung.silent();
    let receivers = [
        hook("dead", &dead, ""),
        hook("hung", &hung.url("/x"), ""),
        hook("good", &good.url("/in"), "changes = true"),
        hook(
            "elsewhere",
            &good.url("/elsewhere"),
            "environments = [\"production\"]\nservices = [\"search\"]",
        ),
    ];
    let dir = folder(port, &receivers.concat());
    let running = agent(dir.path(), port, &secrets());
    log(port, FAILED);
    let opened = until("the message", || {
        good.got().into_iter().find(|got| got.body.contains("incident.opened"))
    });
    let body = opened.json();
    assert_eq!(body["data"]["gravity"], "failed");
    assert_eq!(body["data"]["change"]["author"], "jane.doe");
    assert_eq!(body["data"]["page"], "https://w.example/changes/dep-1");
    // The same news again is no news; a newer change ends it.
    log(port, FAILED);
    log(port, NEXT);
    until("its end", || {
        let got = good.got();
        got.iter()
            .any(|got| got.body.contains("change.updated") && got.body.contains("dep-2"))
            .then_some(())
    });
    let told: Vec<String> = good
        .got()
        .iter()
        .map(|got| got.json()["type"].as_str().unwrap().to_owned())
        .filter(|kind| kind.starts_with("incident."))
        .collect();
    assert_eq!(
        told,
        ["incident.opened"],
        "a failed deployment that was superseded is nobody's news"
    );
    assert!(good.got().iter().all(|got| got.path == "/in"));
    // What waits says why, and where it goes is nobody's business.
    let waiting = until("the dead receiver's message", || {
        let all = outbox(port, "pending");
        let dead = all["messages"].as_array()?.iter().find(|m| m["receiver"] == "dead")?.clone();
        dead["last_error"].is_string().then_some(dead)
    });
    assert!(waiting["last_error"].as_str().unwrap().contains("Connection refused"));
    assert!(!waiting.to_string().contains("127.0.0.1"), "{waiting}");
    drop(running);
    let listed = wayfarer(dir.path(), &secrets(), &["outbox"]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("dead") && listed.contains("Connection refused"), "{listed}");
}

#[test]
fn a_kill_loses_and_repeats_nothing() {
    let (server, port) = (Server::start(), free_port());
    server.usually(Answer(503, "", "down"));
    let dir = folder(port, &hook("hook", &server.url("/in"), ""));
    let mut running = agent(dir.path(), port, &secrets());
    log(port, FAILED);
    until("a try", || (!server.got().is_empty()).then_some(()));
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    server.usually(Answer(200, "", "{}"));
    let before = server.got().len();
    let running = agent(dir.path(), port, &secrets());
    let got = until("the message", || server.got().get(before).cloned());
    assert_eq!(got.headers["webhook-id"], server.got()[0].headers["webhook-id"]);
    until("its note", || {
        let all = outbox(port, "delivered");
        (all["messages"].as_array()?.len() == 1).then_some(())
    });
    drop(running);
    let again = agent(dir.path(), port, &secrets());
    std::thread::sleep(std::time::Duration::from_millis(2500));
    assert_eq!(server.got().len(), before + 1, "a restart repeats nothing");
    drop(again);
    // No secret is in the data file or in the log.
    for name in ["wayfarer.db", "wayfarer.db-wal", "log"] {
        let bytes = fs::read(dir.path().join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        for secret in secrets().values() {
            assert!(!text.contains(secret.as_str()), "{name} holds a secret");
        }
    }
}

#[test]
fn a_receiver_says_when_and_a_gone_one_is_let_be() {
    let (busy, gone, port) = (Server::start(), Server::start(), free_port());
    busy.next(&[Answer(429, "retry-after: 2\r\n", "slow down")]);
    gone.usually(Answer(410, "", ""));
    let receivers = [hook("busy", &busy.url("/in"), ""), hook("gone", &gone.url("/in"), "")];
    let dir = folder(port, &receivers.concat());
    let _running = agent(dir.path(), port, &secrets());
    let begin = super::begin();
    log(port, FAILED);
    until("the second try", || (busy.got().len() == 2).then_some(()));
    assert!(begin.elapsed() >= std::time::Duration::from_secs(2));
    let given_up = until("the end of it", || {
        outbox(port, "given_up")["messages"].as_array()?.first().cloned()
    });
    assert_eq!(given_up["receiver"], "gone");
    assert_eq!(given_up["attempts"], 1);
    assert_eq!(gone.got().len(), 1);
    // A person may have it tried again, with an admin token.
    let path = format!("/api/v1/outbox/{}/retry", given_up["id"]);
    assert!(ask(port, "POST", &path, None, "").contains(" 401 "));
    let token = secrets()["ADMIN"].clone();
    assert!(ask(port, "POST", &path, Some(&token), "").contains(" 200 "));
    until("another try", || (gone.got().len() == 2).then_some(()));
}

#[test]
fn faulty_receivers_are_named_with_their_lines() {
    let receivers = "[[receiver]]\nname = \"a\"\nkind = \"slak\"\nurl = \"https://hooks.example/secret\"\n\
        [[receiver]]\nname = \"b\"\nkind = \"slack\"\nurl = \"https://hooks.example/secret\"\n\
        [[receiver]]\nname = \"c\"\nkind = \"pagerduty\"\ntoken = { env = \"PD\" }\n\
        [[receiver]]\nname = \"d\"\nkind = \"command\"\ncommand = [\"tell\"]\nevents = [\"open\"]\nrepeat = \"1s\"\n\
        template = { title = \"{{titel}}\" }\nquiet = [{ from = \"22\", to = \"07:00\", timezone = \"Mars/Base\" }]\n\
        [[maintenance]]\nname = \"x\"\nfrom = 2026-01-02T00:00:00Z\nto = 2026-01-01T00:00:00Z\nenvironments = [\"prodution\"]\n";
    let dir = folder(free_port(), receivers);
    let output = wayfarer(dir.path(), &secrets(), &["check"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for fault in [
        "there is no kind of receiver `slak`",
        "did you mean `slack`?",
        "the secret `receiver.b.url` stands in the file itself",
        "a receiver of kind `pagerduty` needs `key`",
        "`token` does not belong to a receiver of kind `pagerduty`",
        "there is no event `open`",
        "`repeat` must be at least 1m",
        "a notice has no `titel`",
        "`22` is not a time of day",
        "there is no time zone `Mars/Base`",
        "it ends before it begins",
        "no environment is called `prodution`",
    ] {
        assert!(said.contains(fault), "{fault} is not in:\n{said}");
    }
    assert!(!said.contains("hooks.example/secret"), "{said}");
}

#[test]
fn a_preview_needs_no_secrets_and_no_agent() {
    let receivers = "[[receiver]]\nname = \"ops\"\nkind = \"slack\"\nurl = { env = \"NOT_SET\" }\n\
        template = { title = \"{{severity}}: {{title}}\" }\n";
    let dir = folder(free_port(), receivers);
    let run = |arguments: &[&str]| {
        let mut command: Command = wayfarer(dir.path(), &Default::default(), arguments);
        let output = command.output().unwrap();
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    };
    let (shown, code) = run(&["notify", "--preview"]);
    assert_eq!(code, Some(0));
    assert!(shown.contains("critical: production: checkout regressed"), "{shown}");
    assert_eq!(run(&["notify", "--preview", "opps"]).1, Some(2));
    assert_eq!(run(&["notify", "--test", "ops"]).1, Some(3), "its secret is missing");
}
