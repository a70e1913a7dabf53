//! A JSON API behind django-oauth-toolkit: the token is fetched once, replaced when it is dead, and seen by nobody.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use serde_json::Value;

use super::{
    Running,
    django::{Django, django, settings},
    folder, free_port, get, told, wayfarer,
};

/// The secret of the site's client.
const SECRET: &str = "client-secret-of-the-probe";
/// Long enough that no test sees a token expire by itself.
const LONG: u32 = 600;

/// Every token that the site ever gave out.
fn tokens(django: &Django) -> Vec<String> {
    let answer: Value = serde_json::from_str(&get(&django.base, "/behind/tokens/")).unwrap();
    let tokens = answer["tokens"].as_array().unwrap();
    tokens.iter().map(|token| token.as_str().unwrap().to_owned()).collect()
}

/// The ways in which a secret could be written down: as it is, each byte in percent or hexadecimal, and base64 wherever it begins in the text.
fn spellings(secret: &str) -> Vec<String> {
    let each = |form: &dyn Fn(u8) -> String| secret.bytes().map(form).collect::<String>();
    let mut all = vec![
        secret.to_owned(),
        secret.chars().rev().collect(),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
    ];
    for before in 0..3 {
        let text = format!("{}{secret}", "x".repeat(before));
        let base64 = BASE64_STANDARD_NO_PAD.encode(&text);
        // What is before the secret and after it alters the characters at both ends.
        all.push(base64[4..base64.len() - 4].to_owned());
    }
    all
}

/// Nothing of these secrets is in what was written, whatever its name.
fn unseen(what: &str, written: &[u8], secrets: &[String]) {
    for secret in secrets {
        for spelling in spellings(secret) {
            let found = written.windows(spelling.len()).any(|w| w == spelling.as_bytes());
            assert!(!found, "{spelling} is in {what}");
        }
    }
}

fn unseen_in_files(folder: &Path, secrets: &[String]) -> usize {
    let mut looked_at = 0;
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            looked_at += unseen_in_files(&entry.path(), secrets);
        } else {
            let bytes = fs::read(entry.path()).unwrap();
            unseen(&entry.path().display().to_string(), &bytes, secrets);
            looked_at += 1;
        }
    }
    looked_at
}

/// Both streams of a run, as they were printed and as JSON.
fn hidden(output: &std::process::Output, secrets: &[String]) {
    unseen("standard output", &output.stdout, secrets);
    unseen("standard error", &output.stderr, secrets);
}

#[test]
fn one_token_serves_every_step_and_run_and_is_never_seen() {
    let Some(django) = django(LONG) else { return };
    let dir = folder(&settings(&django.base), &["orders.toml"]);
    let run = |more: &[&str]| {
        let arguments = [&["run", "orders", "--repeat", "3", "--junit", "report.xml"], more];
        wayfarer(dir.path(), SECRET, &arguments.concat())
    };
    let (plain, json, shown) = (run(&[]), run(&["--json"]), run(&["--show"]));
    let tokens = tokens(&django);
    assert_eq!(tokens.len(), 3, "one for each process, whatever it walked");
    let secrets = [&tokens[..], &[SECRET.to_owned()]].concat();
    for output in [&plain, &json, &shown] {
        let (text, code) = told(output);
        assert_eq!(code, Some(0), "{text}");
        hidden(output, &secrets);
    }
    unseen_in_files(dir.path(), &secrets);
    let runs: Value = serde_json::from_slice(&json.stdout).unwrap();
    let hops = |step: usize| runs["runs"][2]["steps"][step]["hops"].as_array().unwrap().clone();
    assert_eq!(hops(1).len(), 1, "the fetch is in nobody's time");
    assert_eq!(hops(1)[0]["reused"], true, "and on a connection of its own");
}

#[test]
fn a_wrong_client_secret_fails_with_what_the_server_says() {
    let Some(django) = django(LONG) else { return };
    let dir = folder(&settings(&django.base), &["orders.toml"]);
    let wrong = "not/the+client secret";
    for more in [&["--show"][..], &["--json"], &["--junit", "-"]] {
        let output = wayfarer(dir.path(), wrong, &[&["run", "orders"], more].concat());
        let (text, code) = told(&output);
        assert_eq!(code, Some(4), "{text}");
        let why = format!("no token from {}/o/token/: status 401: invalid_client", django.base);
        assert!(text.contains(&why), "{text}");
        hidden(&output, &[wrong.to_owned(), "not%2Fthe%2Bclient+secret".to_owned()]);
    }
    assert!(tokens(&django).is_empty());
}

#[test]
fn a_token_that_was_taken_back_is_replaced() {
    let Some(django) = django(LONG) else { return };
    let dir = folder(&settings(&django.base), &["orders-revoked.toml"]);
    let output = wayfarer(dir.path(), SECRET, &["run", "--repeat", "2", "--json"]);
    let (text, code) = told(&output);
    assert_eq!(code, Some(0), "{text}");
    let all = tokens(&django);
    assert_eq!(all.len(), 3, "the first, and one each time that it was taken back");
    hidden(&output, &all);
    let runs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let hops = runs["runs"][0]["steps"][2]["hops"].as_array().unwrap();
    let statuses: Vec<_> = hops.iter().map(|hop| hop["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [403, 200], "the refusal is the step's, and it is shown");
}

#[test]
fn a_token_that_ends_is_not_used_up_to_its_end() {
    // A token of 2 s serves for one, and the journey waits longer than that.
    let Some(django) = django(2) else { return };
    let dir = folder(&settings(&django.base), &["orders-later.toml"]);
    let (text, code) = told(&wayfarer(dir.path(), SECRET, &["run"]));
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("403"), "nothing was refused: {text}");
    assert_eq!(tokens(&django).len(), 2);
}

/// What an agent does: walks again and again, stores, answers.
#[test]
fn an_agent_fetches_once_and_stores_nothing_of_it() {
    let Some(django) = django(LONG) else { return };
    let port = free_port();
    let listen = format!("[agent]\nlisten = \"127.0.0.1:{port}\"\n{}", settings(&django.base));
    let dir = folder(&listen, &["orders.toml", "orders-dear.toml"]);
    let child = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
        .args(["agent", "--log-level", "debug"])
        .current_dir(dir.path())
        .env("PROBE_SECRET", SECRET)
        .stdout(fs::File::create(dir.path().join("out.txt")).unwrap())
        .stderr(fs::File::create(dir.path().join("err.txt")).unwrap())
        .spawn()
        .unwrap();
    let mut agent = Running(child);
    let api = format!("http://127.0.0.1:{port}");
    let mut failed = String::new();
    let enough = (0..300).any(|_| {
        thread::sleep(Duration::from_millis(100));
        let Ok(runs) = serde_json::from_str::<Value>(&get(&api, "/api/v1/runs")) else {
            return false;
        };
        let of = |result: &str| {
            let all = runs["runs"].as_array().into_iter().flatten();
            all.filter(|run| run["outcome"]["result"] == result).cloned().collect::<Vec<_>>()
        };
        let bad = of("failed");
        failed = bad.first().map(|run| run["id"].as_str().unwrap().to_owned()).unwrap_or_default();
        of("passed").len() > 1 && bad.len() > 1
    });
    let log = || fs::read_to_string(dir.path().join("err.txt")).unwrap();
    assert!(enough, "no runs: {}\n{}", get(&api, "/api/v1/runs"), log());
    let given = tokens(&django);
    assert_eq!(given.len(), 1, "one for all runs of the agent");
    let secrets = [&given[..], &[SECRET.to_owned()]].concat();
    let evidence = format!("/api/v1/runs/{failed}/evidence");
    assert!(get(&api, &evidence).contains("Bearer ***"), "{}", get(&api, &evidence));
    for path in ["/", "/metrics", "/api/v1/runs", "/api/v1/journeys", &evidence] {
        unseen(path, get(&api, path).as_bytes(), &secrets);
    }
    let pid = rustix::process::Pid::from_raw(agent.0.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(agent.0.wait().unwrap().success(), "{}", log());
    assert!(unseen_in_files(dir.path(), &secrets) >= 6, "settings, journeys, log, data");
    let shown = wayfarer(dir.path(), SECRET, &["run", "--show", &failed]);
    let (text, _) = told(&shown);
    assert!(text.contains("Bearer ***") && text.contains("orders"), "{text}");
    hidden(&shown, &secrets);
}
