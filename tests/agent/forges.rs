//! GitHub and GitLab are told how changes fare, as often as it takes, and we know our own words when they come back.

use super::{
    elsewhere::{Answer, Elsewhere},
    support::{Site, Target, eventually},
};

const FAST: &str = "[watch]\nwindow = \"4s\"\nmin_runs = 40\nburst = false\nsettle = \"1s\"\n\n";

#[test]
fn forges_hear_of_a_change_in_spite_of_their_failures() {
    let target = Target::start();
    // What a busy machine adds to a millisecond would be a shift.
    target.delay(60);
    let (hub, lab) = (
        Elsewhere::start([
            Answer::Say(
                403,
                "retry-after: 1\r\n",
                r#"{"message":"You have exceeded a secondary rate limit"}"#,
            ),
            Answer::Say(502, "", "bad gateway"),
        ]),
        Elsewhere::start([
            Answer::Say(429, "retry-after: 1\r\n", "slow down"),
            Answer::Say(201, "", "{}"),
            Answer::Say(
                400,
                "",
                r#"{"message":"Cannot transition status via :succeed from :success"}"#,
            ),
        ]),
    );
    let more = format!(
        "{FAST}[[writeback]]\nkind = \"github\"\nurl = \"{}\"\nrepository = \"acme/shop\"\ntoken = {{ file = \"token\" }}\n\n\
         [[writeback]]\nkind = \"gitlab\"\nurl = \"{}\"\nrepository = \"acme/shop\"\ntoken = {{ file = \"token\" }}\n",
        hub.url(),
        lab.url()
    );
    let site = Site::new(&format!("http://127.0.0.1:{}", target.port), &more);
    site.write("token", "forge-secret");
    site.journey("home", "shop", "100ms", "/");
    let agent = site.agent();
    let runs = || site.json("/api/v1/runs?limit=1000")["runs"].as_array().unwrap().len();
    eventually("a baseline", || (runs() >= 60).then_some(()));
    let sha = "0123456789abcdef0123456789abcdef01234567";
    let body =
        format!(r#"{{"id":"c1","service":"shop","environment":"production","commit":"{sha}"}}"#);
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], &body).unwrap().0, 200);
    assert_eq!(site.json("/api/v1/gate?change=c1&wait=30s")["status"], "pass");
    let last = eventually("GitHub to hear the end", || {
        hub.asked().into_iter().rev().find(|asked| asked.body["state"] == "success")
    });
    assert_eq!(last.path, format!("/repos/acme/shop/statuses/{sha}"));
    assert_eq!(last.header("authorization"), "Bearer forge-secret");
    assert_eq!(last.body["context"], "wayfarer/production");
    assert!(last.body["description"].as_str().unwrap().starts_with("wayfarer: "), "{last:?}");
    let last = eventually("GitLab to hear the end", || {
        lab.asked().into_iter().rev().find(|asked| asked.body["state"] == "success")
    });
    assert_eq!(last.path, format!("/api/v4/projects/acme%2Fshop/statuses/{sha}"));
    assert_eq!(
        (last.header("private-token"), &last.body["name"]),
        ("forge-secret", &"wayfarer/production".into())
    );

    // GitHub may have heard the end in a call that it answered with a failure: then it is told again, which is not yet about
    // the next change.
    eventually("nothing to be left to tell", || {
        let outbox = site.json("/api/v1/outbox?state=pending");
        outbox["messages"].as_array()?.is_empty().then_some(())
    });

    // A deployment of GitHub's own is told at the deployment, once it is known, and nothing before.
    let deployment = format!(
        r#"{{"id":"c2","service":"shop","environment":"production","commit":"{sha}","labels":{{"repository":"acme/other","github_deployment":"77"}}}}"#
    );
    let before = hub.asked().len();
    hub.will(Answer::Say(422, "", r#"{"message":"Validation Failed"}"#));
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], &deployment).unwrap().0, 200);
    eventually("the deployment to be told", || (hub.asked().len() > before).then_some(()));
    let told = hub.asked().split_off(before);
    assert_eq!(told[0].path, "/repos/acme/other/deployments/77/statuses");
    assert_eq!(
        (&told[0].body["state"], &told[0].body["auto_inactive"]),
        (&"success".into(), &false.into())
    );
    // What will never be taken is given up and shown.
    let given_up = eventually("it to be given up", || {
        let outbox = site.json("/api/v1/outbox?state=given_up");
        outbox["messages"].as_array()?.first().cloned()
    });
    assert_eq!(given_up["receiver"], "writeback:github", "{given_up:#}");
    assert!(given_up["last_error"].as_str().unwrap().contains("422"), "{given_up:#}");

    // Our own word comes back as a webhook, and is no change.
    let echo = format!(
        r#"{{"action":"created","deployment":{{"id":78,"sha":"{sha}","ref":"main","task":"deploy","environment":"production","created_at":"2026-01-01T00:00:00Z","creator":{{"login":"bot"}}}},"deployment_status":{{"state":"failure","description":{},"created_at":"2026-01-01T00:00:00Z","creator":{{"login":"bot"}}}},"repository":{{"full_name":"acme/shop"}}}}"#,
        told[0].body["description"]
    );
    let headers = [("x-github-event", "deployment_status"), ("content-type", "application/json")];
    let (status, answer) = site.ask("POST", "/hooks/github", &headers, &echo).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert!(status == 200 && answer["changes"] == serde_json::json!([]), "{answer:#}");
    assert!(answer["ignored"][0].as_str().unwrap().contains("our own"), "{answer:#}");
    drop(agent);
    assert!(!site.log().contains("forge-secret"));
}
