//! One channel after the other.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use wayfarer::{
    model::{
        Address, Given, Gravity, Happening, Login, Notice, Parcel, Policy, ReceiverSettings,
        Secret, SecretSource, Templates, Way,
    },
    notify::{Again, Around, Channel, Message, Refused, open, sign, signing_key},
    render::message::sample,
};

use super::server::{Answer, Server};

/// The secret behind every reference of these tests.
const SECRET: &str = "s3cr3t-0f-the-receiver";

pub(crate) fn now() -> jiff::Timestamp {
    "2026-01-05T10:05:00Z".parse().unwrap()
}

fn secret() -> SecretSource {
    SecretSource::Env("SECRET".to_owned())
}

pub(crate) fn settings(way: Way) -> ReceiverSettings {
    let policy = Policy {
        findings: Gravity::ALL.to_vec(),
        events: Happening::ALL.to_vec(),
        environments: vec![],
        services: vec![],
        journeys: vec![],
        owners: vec![],
        repeat: None,
        quiet: vec![],
        keeps_state: false,
    };
    let timeout = Duration::from_millis(700);
    let templates = Templates::default();
    ReceiverSettings { name: "r".into(), way, timeout, proxy: None, policy, templates }
}

pub(crate) fn channel_with(way: Way, secret: &str) -> Arc<dyn Channel> {
    let around = Around {
        root: std::env::temp_dir(),
        variables: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
        source: "https://w.example".to_owned(),
    };
    open(&settings(way), &around, |_| Some(Secret::new(secret))).unwrap().unwrap()
}

pub(crate) fn message(parcel: Parcel) -> Message {
    Message {
        key: "r/change:sample-4711/1".to_owned(),
        receiver: "r".to_owned(),
        thread: Some("change:sample-4711".to_owned()),
        parcel,
        attempt: 1,
        created_at: now(),
        now: now(),
        earlier: None,
    }
}

pub(crate) fn notice(notice: Notice) -> Parcel {
    Parcel::Notice(Box::new(notice))
}

/// Every way that goes to one address, with the path it asks for.
fn ways(server: &Server) -> Vec<(Way, String, &'static str)> {
    let url = server.url("");
    let open = || Address::Open(server.url("/in"));
    let webhook =
        Way::Webhook { url: open(), secrets: vec![secret()], headers: [].into(), changes: false };
    let events = |binary, cdevents| Way::CloudEvents {
        url: open(),
        login: Some(Login::Token(secret())),
        binary,
        cdevents,
        changes: false,
    };
    let labels = [("team".to_owned(), "shop".to_owned())].into();
    let resend = Duration::from_secs(60);
    let login = Some(Login::Basic { user: "w".into(), password: secret() });
    let hook = server.url(&format!("/{SECRET}"));
    vec![
        (
            Way::Alertmanager { urls: vec![url.clone()], login, resend, labels },
            SECRET.into(),
            "/api/v2/alerts",
        ),
        (Way::Slack { url: secret() }, hook.clone(), "/s3cr3t-0f-the-receiver"),
        (Way::Teams { url: secret() }, hook, "/s3cr3t-0f-the-receiver"),
        (Way::PagerDuty { url, key: secret(), changes: true }, SECRET.into(), "/v2/enqueue"),
        (webhook, SECRET.into(), "/in"),
        (events(false, false), SECRET.into(), "/in"),
        (events(true, false), SECRET.into(), "/in"),
        (events(false, true), SECRET.into(), "/in"),
    ]
}

#[tokio::test]
async fn every_receiver_gets_what_it_understands() {
    let server = Server::start();
    for (way, secret, path) in ways(&server) {
        let kind = way.kind();
        let channel = channel_with(way, &secret);
        for told in sample::all() {
            channel.deliver(&message(notice(told))).await.unwrap();
        }
        let got = server.got();
        let first = &got[got.len() - sample::all().len()];
        assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", path), "{kind}");
        let body = first.json();
        match kind {
            "alertmanager" => {
                assert_eq!(body[0]["labels"]["team"], "shop");
                assert_eq!(body[0]["endsAt"], "2026-01-05T10:09:00Z");
                assert!(first.headers["authorization"].starts_with("Basic "));
            }
            "slack" => assert_eq!(body["blocks"][0]["type"], "header"),
            "teams" => assert_eq!(body["attachments"][0]["content"]["type"], "AdaptiveCard"),
            "pagerduty" => {
                assert_eq!(body["routing_key"], SECRET);
                assert_eq!(body["event_action"], "trigger");
                assert_eq!(got.last().unwrap().json()["event_action"], "trigger");
            }
            "webhook" => {
                let key = signing_key(&Secret::new(SECRET)).unwrap();
                let id = &first.headers["webhook-id"];
                let signature = sign(&key, id, now(), first.body.as_bytes());
                assert_eq!(first.headers["webhook-signature"], signature);
                assert_eq!(first.headers["webhook-timestamp"], now().as_second().to_string());
                assert_eq!(body["type"], "incident.opened");
                assert!(first.body.len() < 20_000, "{}", first.body.len());
            }
            "cloudevents" | "cdevents" => {
                assert_eq!(first.headers["authorization"], format!("Bearer {SECRET}"));
                let kind = first.headers.get("ce-type").cloned();
                let kind = kind.unwrap_or_else(|| body["type"].as_str().unwrap().to_owned());
                let one = ["dev.wayfarer.incident.opened", "dev.cdevents.incident.detected.0.3.0"];
                assert!(one.contains(&kind.as_str()), "{kind}");
            }
            other => panic!("{other} is not tested"),
        }
    }
}

#[tokio::test]
async fn the_same_message_has_the_same_id_at_each_try() {
    let server = Server::start();
    let url = Address::Open(server.url("/in"));
    let way =
        Way::Webhook { url, secrets: vec![secret(), secret()], headers: [].into(), changes: false };
    let channel = channel_with(way, SECRET);
    let mut again = message(notice(sample::regressed()));
    channel.deliver(&again).await.unwrap();
    again.attempt = 2;
    again.now = "2026-01-05T11:00:00Z".parse().unwrap();
    channel.deliver(&again).await.unwrap();
    again.key.push('0');
    channel.deliver(&again).await.unwrap();
    let got = server.got();
    assert_eq!(got[0].headers["webhook-id"], got[1].headers["webhook-id"]);
    assert_ne!(got[0].headers["webhook-signature"], got[1].headers["webhook-signature"]);
    assert_ne!(got[1].headers["webhook-id"], got[2].headers["webhook-id"]);
    assert_eq!(got[0].headers["webhook-signature"].split(' ').count(), 2);
}

#[tokio::test]
async fn refusals_say_whether_to_ask_again_and_never_a_secret() {
    let server = Server::start();
    for (way, secret, _) in ways(&server) {
        let channel = channel_with(way, &secret);
        for (answer, again) in [
            (Answer(400, "", "invalid_payload s3cr3t-0f-the-receiver"), Again::Never),
            (Answer(401, "", "who are you"), Again::Never),
            (Answer(404, "", "no_service"), Again::Never),
            (Answer(410, "", ""), Again::Never),
            (Answer(302, "location: /elsewhere\r\n", ""), Again::Never),
            (Answer(429, "retry-after: 7\r\n", "slow"), Again::After(Duration::from_secs(7))),
            (Answer(429, "", "slow"), Again::BackOff),
            (Answer(500, "", "oh"), Again::BackOff),
            (Answer(503, "", ""), Again::BackOff),
        ] {
            server.next(std::slice::from_ref(&answer));
            let told = message(notice(sample::regressed()));
            let refused = channel.deliver(&told).await.unwrap_err();
            assert_eq!(refused.again, again, "{}: {answer:?}", channel.kind());
            assert!(!refused.text.contains("s3cr3t"), "{}", refused.text);
            assert!(refused.text.contains(&answer.0.to_string()), "{}", refused.text);
        }
    }
    // Nobody was sent elsewhere.
    assert!(server.got().iter().all(|got| got.path != "/elsewhere"));
}

#[tokio::test]
async fn who_does_not_answer_is_asked_again() {
    let server = Server::start();
    server.silent();
    let channel = channel_with(Way::Slack { url: secret() }, &server.url("/x"));
    let refused = channel.deliver(&message(notice(sample::regressed()))).await.unwrap_err();
    assert_eq!(refused, Refused::back_off("did not answer in time"));
    let nobody = format!("http://127.0.0.1:{}/x", super::free_port());
    let channel = channel_with(Way::Slack { url: secret() }, &nobody);
    let refused = channel.deliver(&message(notice(sample::regressed()))).await.unwrap_err();
    assert_eq!(refused.again, Again::BackOff);
    assert!(refused.text.starts_with("could not be reached: "), "{}", refused.text);
}

#[tokio::test]
async fn an_old_connector_of_teams_that_lies_is_not_believed() {
    let server = Server::start();
    let said = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429";
    server.next(&[Answer(200, "", said)]);
    let channel = channel_with(Way::Teams { url: secret() }, &server.url("/x"));
    let refused = channel.deliver(&message(notice(sample::regressed()))).await.unwrap_err();
    assert_eq!(refused.again, Again::BackOff);
}

#[test]
fn a_secret_that_is_no_address_is_said_at_once_and_not_shown() {
    let around = Around { root: ".".into(), variables: [].into(), source: "w".into() };
    for bad in ["hooks.slack.example/x", "ftp://x", "http://", "T0/B0/x"] {
        let settings = settings(Way::Slack { url: secret() });
        let fault = open(&settings, &around, |_| Some(Secret::new(bad))).unwrap_err();
        assert_eq!(fault, "its `url` is not an http address");
    }
}

#[tokio::test]
async fn a_proxy_is_gone_through() {
    let proxy = Server::start();
    let url = Address::Open("http://nowhere.example/in".to_owned());
    let mut settings =
        settings(Way::Webhook { url, secrets: vec![], headers: [].into(), changes: false });
    settings.proxy = Some(proxy.url(""));
    let around = Around { root: ".".into(), variables: [].into(), source: "w".into() };
    let channel = open(&settings, &around, |_| None).unwrap().unwrap();
    channel.deliver(&message(notice(sample::regressed()))).await.unwrap();
    assert_eq!(proxy.got()[0].path, "http://nowhere.example/in");
}

#[tokio::test]
async fn one_of_several_alertmanagers_is_enough() {
    let (server, dead) = (Server::start(), super::free_port());
    let way = |urls| Way::Alertmanager {
        urls,
        login: None,
        resend: Duration::from_secs(60),
        labels: [].into(),
    };
    let nobody = format!("http://127.0.0.1:{dead}");
    let channel = channel_with(way(vec![nobody.clone(), server.url("")]), "");
    channel.deliver(&message(notice(sample::regressed()))).await.unwrap();
    channel.remind(&[sample::regressed(), sample::recovered()], now()).await.unwrap();
    assert_eq!(server.got()[1].json().as_array().unwrap().len(), 2);
    let channel = channel_with(way(vec![nobody]), "");
    assert_eq!(
        channel.deliver(&message(notice(sample::regressed()))).await.unwrap_err().again,
        Again::BackOff
    );
}

#[tokio::test]
async fn grafana_gets_one_region_for_a_change() {
    let server = Server::start();
    let way = Way::Grafana { url: server.url(""), token: secret(), tags: vec!["shop".into()] };
    let channel = channel_with(way, SECRET);
    let news = || message(Parcel::ChangeNews(Box::new(sample::news())));
    server.next(&[Answer(200, "", r#"{"message":"Annotation added","id":17}"#)]);
    let receipt = channel.deliver(&news()).await.unwrap();
    assert_eq!(receipt.keep.as_deref(), Some("17"));
    let later = Message { earlier: receipt.keep, ..news() };
    assert_eq!(channel.deliver(&later).await.unwrap().keep.as_deref(), Some("17"));
    // Somebody deleted it: it is made anew.
    server.next(&[Answer(404, "", "{}"), Answer(200, "", r#"{"id":18}"#)]);
    assert_eq!(channel.deliver(&later).await.unwrap().keep.as_deref(), Some("18"));
    let asked: Vec<(String, String)> =
        server.got().into_iter().map(|got| (got.method, got.path)).collect();
    let expected = [
        ("POST", "/api/annotations"),
        ("PATCH", "/api/annotations/17"),
        ("PATCH", "/api/annotations/17"),
        ("POST", "/api/annotations"),
    ];
    assert_eq!(asked, expected.map(|(m, p)| (m.to_owned(), p.to_owned())));
    assert_eq!(server.got()[0].headers["authorization"], format!("Bearer {SECRET}"));
    // An incident is no change.
    let refused = channel.deliver(&message(notice(sample::regressed()))).await.unwrap_err();
    assert_eq!(refused.again, Again::Never);
}

#[tokio::test]
async fn pagerduty_hears_of_changes_too() {
    let server = Server::start();
    let way = Way::PagerDuty { url: server.url("/"), key: secret(), changes: true };
    let news = message(Parcel::ChangeNews(Box::new(sample::news())));
    channel_with(way, SECRET).deliver(&news).await.unwrap();
    let got = &server.got()[0];
    assert_eq!(got.path, "/v2/change/enqueue");
    assert_eq!(got.json()["payload"]["summary"], json!("deploy of shop 2.4.1"));
}

#[tokio::test]
async fn a_command_is_told_on_its_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    let script = format!("cat > {0}; echo $WAYFARER_EVENT >> {0}", heard.display());
    let way = |script: String| Way::Command {
        words: vec!["sh".into(), "-c".into(), script],
        env: [].into(),
        changes: true,
    };
    channel_with(way(script), "").deliver(&message(notice(sample::regressed()))).await.unwrap();
    let text = std::fs::read_to_string(&heard).unwrap();
    let (body, event) = text.rsplit_once('}').unwrap();
    assert_eq!(event.trim(), "incident.opened");
    let body: serde_json::Value = serde_json::from_str(&format!("{body}}}")).unwrap();
    assert_eq!(body["data"]["change"]["author"], "jane.doe");
    for (script, again) in [
        ("exit 1", Again::BackOff),
        ("exit 75", Again::BackOff),
        ("exit 64", Again::Never),
        ("sleep 30", Again::BackOff),
    ] {
        let channel = channel_with(way(script.to_owned()), "");
        let refused = channel.deliver(&message(notice(sample::failed()))).await.unwrap_err();
        assert_eq!(refused.again, again, "{script}: {}", refused.text);
    }
}

/// What the agent itself is given is none of a command's business; what it is given in confidence does not come back in its words.
#[tokio::test]
async fn a_command_gets_a_clean_environment() {
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    let ours = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/h"),
        ("TZ", "UTC"),
        ("LANG", "C"),
        ("AWS_SECRET", "hunter2"),
    ];
    let around = Around {
        root: std::env::temp_dir(),
        variables: ours.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        source: "w".to_owned(),
    };
    let env = [
        ("REGION".to_owned(), Given::Open("eu-1".to_owned())),
        ("TOKEN".to_owned(), Given::Secret(secret())),
    ];
    let script = format!("env > {}; echo the token is $TOKEN >&2; exit 1", heard.display());
    let words = vec!["sh".into(), "-c".into(), script];
    let way = Way::Command { words, env: env.into(), changes: true };
    let channel =
        open(&settings(way), &around, |_| Some(Secret::new("s3cr3t-t0ken"))).unwrap().unwrap();
    let refused = channel.deliver(&message(notice(sample::regressed()))).await.unwrap_err();
    assert!(refused.text.contains("the token is ***"), "{}", refused.text);
    let text = std::fs::read_to_string(&heard).unwrap();
    for line in [
        "HOME=/h",
        "TZ=UTC",
        "LANG=C",
        "REGION=eu-1",
        "TOKEN=s3cr3t-t0ken",
        "WAYFARER_EVENT=incident.opened",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    assert!(!text.contains("hunter2") && !text.contains("AWS_SECRET"), "{text}");
}
