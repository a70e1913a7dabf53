//! Rollbacks: fired at most once, whatever happens to the agent in between; and never by itself unless it is sure.

use std::time::Duration;

use serde_json::Value;

use super::{
    elsewhere::{Answer, Elsewhere},
    support::{Site, Target, eventually, signal},
};

const FAST: &str = "[watch]\nwindow = \"5s\"\nmin_runs = 40\nburst = false\nsettle = \"1s\"\n\n\
    [[token]]\nname = \"ana\"\nscope = \"admin\"\nsecret = { file = \"admin\" }\n\n\
    [[token]]\nname = \"pipeline\"\nscope = \"write\"\nsecret = { file = \"write\" }\n\n";

fn site(target: &Target, rollback: &str) -> Site {
    let site =
        Site::new(&format!("http://127.0.0.1:{}", target.port), &format!("{FAST}{rollback}"));
    site.write("admin", "the-admin");
    site.write("write", "the-pipeline");
    site.write("signing", "whsec_c2lnbmluZyBrZXkgb2YgdGhlIHRlc3Q=");
    site.journey("home", "shop", "100ms", "/");
    site
}

fn deploy(site: &Site, id: &str, version: &str) {
    let body = format!(
        r#"{{"id":"{id}","service":"shop","environment":"production","version":"{version}","previous_version":"1","commit":"abc"}}"#
    );
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], &body).unwrap().0, 200);
}

fn baseline(site: &Site) {
    let runs = || site.json("/api/v1/runs?limit=1000")["runs"].as_array().unwrap().len();
    eventually("a baseline", || (runs() >= 80).then_some(()));
}

fn state(site: &Site, id: &str) -> Option<Value> {
    let rows = site.json(&format!("/api/v1/changes/{id}/rollback"));
    rows["rollbacks"].as_array()?.first().cloned()
}

fn order(site: &Site, id: &str, body: &str) -> (u16, Value) {
    let headers = [("authorization", "Bearer the-admin")];
    let path = format!("/api/v1/changes/{id}/rollback");
    let (status, body) = site.ask("POST", &path, &headers, body).unwrap();
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn the_agent_undoes_what_it_is_sure_of_once_and_judges_that() {
    let target = Target::start();
    target.delay(60);
    let there = Elsewhere::start([]);
    let rollback = format!(
        "[[rollback]]\nservice = \"shop\"\nmode = \"automatic\"\nurl = \"{}/undo\"\nsecret = {{ file = \"signing\" }}\n",
        there.url()
    );
    let site = site(&target, &rollback);
    let mut agent = site.agent();
    baseline(&site);
    target.delay(300);
    deploy(&site, "bad", "2");
    let record =
        eventually("the rollback", || state(&site, "bad").filter(|r| r["state"] == "done"));
    assert_eq!(
        (&record["by"], &record["automatic"]),
        (&"wayfarer".into(), &true.into()),
        "{record:#}"
    );
    let asked = there.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    let data = &asked[0].body["data"];
    assert_eq!(
        (asked[0].path.as_str(), &asked[0].body["type"]),
        ("/undo", &"rollback.ordered".into())
    );
    assert_eq!(
        (&data["change"]["id"], &data["to_version"]),
        (&"bad".into(), &"1".into()),
        "{data:#}"
    );
    assert!(asked[0].header("webhook-signature").starts_with("v1,"), "{asked:?}");
    // It is a change like any other, and is watched.
    let logged = eventually("it to be logged", || {
        let (status, body) = site.get("/api/v1/changes/rollback-shop-bad")?;
        (status == 200).then(|| serde_json::from_str::<Value>(&body).unwrap())
    });
    assert_eq!(
        (&logged["change"]["kind"], &logged["change"]["version"]),
        (&"rollback".into(), &"1".into())
    );
    assert_eq!(logged["change"]["labels"]["rolls_back"], "bad", "{logged:#}");
    target.delay(60);
    let judged = site.json("/api/v1/changes/rollback-shop-bad/verdict?wait=30s");
    assert_ne!(judged["verdict"], Value::Null, "{judged:#}");
    // Neither a kill nor a person fires it again.
    signal(&agent, "KILL");
    agent.0.wait().unwrap();
    let _agent = site.agent();
    let (status, again) = order(&site, "bad", "{\"force\":true}");
    assert_eq!((status, &again["rollbacks"][0]["new"]), (200, &false.into()), "{again:#}");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(there.asked().len(), 1);
}

#[test]
fn what_was_under_way_when_the_agent_died_is_never_fired_again() {
    let target = Target::start();
    let there = Elsewhere::start([Answer::Silence]);
    let rollback = format!(
        "[[rollback]]\nservice = \"shop\"\nurl = \"{}/undo\"\ntimeout = \"100s\"\n",
        there.url()
    );
    let site = site(&target, &rollback);
    let mut agent = site.agent();
    deploy(&site, "c1", "2");
    // Who may not, and what a person is told.
    let path = "/api/v1/changes/c1/rollback";
    assert_eq!(site.ask("POST", path, &[], "").unwrap().0, 401);
    let pipeline = [("authorization", "Bearer the-pipeline")];
    assert_eq!(site.ask("POST", path, &pipeline, "").unwrap().0, 403);
    let (_, said) = order(&site, "c1", "{\"dry_run\":true}");
    assert_eq!(said["rollbacks"][0]["state"], "dry_run", "{said:#}");
    assert!(state(&site, "c1").is_none());
    let (status, ordered) = order(&site, "c1", "{\"reason\":\"it is slow\"}");
    assert_eq!((status, &ordered["rollbacks"][0]["by"]), (200, &"ana".into()), "{ordered:#}");
    eventually("it to be fired", || (there.asked().len() == 1).then_some(()));
    signal(&agent, "KILL");
    agent.0.wait().unwrap();

    let mut agent = site.agent();
    let record =
        eventually("it to be settled", || state(&site, "c1").filter(|r| r["state"] != "ordered"));
    assert_eq!(record["state"], "unknown", "{record:#}");
    // It may have happened: it is a change, given up, and watched.
    let logged = eventually("it to be logged", || {
        let (status, body) = site.get("/api/v1/changes/rollback-shop-c1")?;
        (status == 200).then(|| serde_json::from_str::<Value>(&body).unwrap())
    });
    assert_eq!(logged["change"]["state"], "failed", "{logged:#}");
    let outbox = site.json("/api/v1/outbox?state=unknown");
    let id = outbox["messages"][0]["id"].as_i64().unwrap();
    let admin = [("authorization", "Bearer the-admin")];
    assert_eq!(site.ask("POST", &format!("/api/v1/outbox/{id}/retry"), &admin, "").unwrap().0, 404);
    assert_eq!(order(&site, "c1", "").1["rollbacks"][0]["new"], false);
    assert_eq!(site.run(&["rollback", "c1", "--force"]).0, 0);
    signal(&agent, "TERM");
    agent.0.wait().unwrap();
    let _agent = site.agent();
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(there.asked().len(), 1, "{:?}", there.asked());
}

#[test]
fn an_order_without_an_agent_is_fired_by_the_next_one_and_failures_are_told_apart() {
    let target = Target::start();
    let there = Elsewhere::start([
        Answer::Say(200, "", "{}"),
        Answer::Say(404, "", "no such pipeline"),
        Answer::Say(502, "", "bad gateway"),
    ]);
    let rollback = format!("[[rollback]]\nservice = \"shop\"\nurl = \"{}/undo\"\n", there.url());
    let site = site(&target, &rollback);
    for (id, minute) in [("a", 1), ("b", 2), ("c", 3)] {
        let at = format!("2026-01-01T00:0{minute}:00Z");
        let words = [
            "change",
            "record",
            "--id",
            id,
            "--service",
            "shop",
            "--env",
            "production",
            "--started-at",
            &at,
            "--finished-at",
            &at,
        ];
        assert_eq!(site.run(&words).0, 0);
    }
    let (code, out, err) = site.run(&["rollback", "a"]);
    assert!(
        code == 2 && err.contains("b was deployed since") | err.contains("c was deployed since"),
        "{code} {out} {err}"
    );
    let (code, out, err) = site.run(&["rollback", "a", "--force", "--reason", "back to the roots"]);
    assert!(code == 0 && out.contains("is ordered"), "{out} {err}");
    assert!(site.run(&["rollback", "a", "--force"]).1.contains("was ordered before"));
    assert_eq!(site.run(&["rollback", "never"]).0, 6);
    assert!(there.asked().is_empty());

    let mut agent = site.agent();
    eventually("it to be done", || state(&site, "a").filter(|r| r["state"] == "done"));
    assert_eq!(there.asked().len(), 1);
    assert_eq!(order(&site, "b", "{\"force\":true}").0, 200);
    let failed = eventually("a refusal", || state(&site, "b").filter(|r| r["state"] != "ordered"));
    assert!(
        failed["state"] == "failed" && failed["error"].as_str().unwrap().contains("404"),
        "{failed:#}"
    );
    assert_eq!(site.get("/api/v1/changes/rollback-shop-b").unwrap().0, 404, "nothing was undone");
    assert_eq!(order(&site, "c", "{\"force\":true}").0, 200);
    let unknown =
        eventually("a bad gateway", || state(&site, "c").filter(|r| r["state"] != "ordered"));
    assert_eq!(unknown["state"], "unknown", "{unknown:#}");
    assert_eq!(there.asked().len(), 3);
    assert_eq!(site.run(&["rollback", "c", "--status"]).0, 0);
    signal(&agent, "KILL");
    agent.0.wait().unwrap();
    let _agent = site.agent();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(there.asked().len(), 3);
}

#[test]
fn a_dry_run_says_what_it_would_have_done_and_a_command_reads_its_order() {
    let target = Target::start();
    target.delay(60);
    let rollbacks = "[[rollback]]\nservice = \"shop\"\nmode = \"dry-run\"\ncommand = [\"sh\", \"-c\", \"cat > fired\"]\n\n\
        [[rollback]]\nservice = \"pay\"\ncommand = [\"sh\", \"-c\", \"cat > $WAYFARER_CHANGE\"]\n";
    let site = site(&target, rollbacks);
    let _agent = site.agent();
    baseline(&site);
    let body = r#"{"id":"p1","service":"pay","environment":"production"}"#;
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], body).unwrap().0, 200);
    assert_eq!(order(&site, "p1", "").0, 200);
    eventually("the command", || state(&site, "p1").filter(|r| r["state"] == "done"));
    let heard = std::fs::read_to_string(site.dir.path().join("p1")).unwrap();
    let heard: Value = serde_json::from_str(&heard).unwrap();
    assert_eq!(heard["data"]["change"]["id"], "p1", "{heard:#}");
    let body = r#"{"id":"n1","service":"nobody","environment":"production"}"#;
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], body).unwrap().0, 200);
    let (status, said) = order(&site, "n1", "");
    assert!(status == 409 && said["error"]["code"] == "not_undone", "{said:#}");

    // Long after the rollback of `pay`: it stands in the way of nothing more.
    std::thread::sleep(Duration::from_secs(6));
    target.delay(300);
    deploy(&site, "slow", "2");
    let record = eventually("what it would do", || state(&site, "slow"));
    assert_eq!(record["state"], "dry_run", "{record:#}");
    assert!(!site.dir.path().join("fired").exists());
    assert_eq!(order(&site, "slow", "").1["rollbacks"][0]["state"], "dry_run");
    assert!(!site.dir.path().join("fired").exists());
}

/// Fired and noted as delivered; then the machine fails before what came of it is logged. The next agent logs it, and fires nothing.
#[test]
fn what_was_delivered_and_not_logged_is_logged_by_the_next_agent() {
    let target = Target::start();
    let there = Elsewhere::start([]);
    let rollback = format!("[[rollback]]\nservice = \"shop\"\nurl = \"{}/undo\"\n", there.url());
    let site = site(&target, &rollback);
    let mut agent = site.agent();
    deploy(&site, "c1", "2");
    assert_eq!(order(&site, "c1", "").0, 200);
    eventually("the rollback", || state(&site, "c1").filter(|r| r["state"] == "done"));
    signal(&agent, "KILL");
    agent.0.wait().unwrap();
    // The file as it is between the two writes: the message is delivered, the order still open, its change not there.
    let file = rusqlite::Connection::open(site.dir.path().join("test.db")).unwrap();
    let id = "rollback-shop-c1";
    let altered = file
        .execute("UPDATE rollback SET state = 'ordered', error = NULL, settled_at = NULL", [])
        .unwrap();
    assert_eq!(altered, 1);
    for (table, column) in [
        ("told", "piece"),
        ("change_service", "change"),
        ("change_environment", "change"),
        ("watch", "change"),
        ("change", "id"),
    ] {
        file.execute(&format!("DELETE FROM {table} WHERE {column} = ?1"), [id]).unwrap();
    }
    drop(file);
    let _agent = site.agent();
    let record = eventually("the note", || state(&site, "c1").filter(|r| r["state"] != "ordered"));
    assert_eq!(record["state"], "done", "{record:#}");
    let (status, body) = site.get(&format!("/api/v1/changes/{id}")).unwrap();
    assert_eq!(status, 200, "{body}");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(there.asked().len(), 1);
}
