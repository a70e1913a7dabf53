//! No secret in a run, wherever the target puts it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use wayfarer::model::{Body, FaultKind, Literal, Predicate, Query, Text};

use crate::{
    journey::{Values, With, engine, failed, get, walk_with},
    site::{Asked, Site, answer},
};

const PASSWORD: &str = "p&ss \"wörd\"/+%41";

/// All that a target can do with what it was sent.
fn echo(asked: &Asked) -> String {
    let decoded: Vec<(String, String)> =
        url::form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
    let raw = decoded.first().map(|(_, v)| v.clone()).unwrap_or_default();
    [
        raw.clone(),
        raw.to_uppercase(),
        serde_json::to_string(&raw).unwrap(),
        BASE64_STANDARD.encode(&raw),
        BASE64_STANDARD.encode(format!("user:{raw}")),
        percent_encoding::utf8_percent_encode(&raw, percent_encoding::NON_ALPHANUMERIC).to_string(),
        asked.body.clone(),
        asked.head.clone(),
        "session-t0ken-42".to_owned(),
    ]
    .join("\n")
}

#[tokio::test]
async fn secrets_are_masked_in_every_corner_of_a_run() {
    let site = Site::start(None, |asked| {
        if asked.path == "/token" {
            return answer(200, &[], "{\"token\":\"session-t0ken-42\"}");
        }
        let back = url::form_urlencoded::byte_serialize(PASSWORD.as_bytes()).collect::<String>();
        if !asked.path.contains("again") {
            let location = format!("location: /again?p={back}&t=session-t0ken-42");
            return answer(307, &[&location, "set-cookie: sid=c00kie-value; Path=/"], "");
        }
        let header = format!("x-echo: {back}");
        answer(500, &[&header, "set-cookie: sid=c00kie-value; Path=/"], echo(asked))
    })
    .await;
    let base = format!("http://shop.test:{}", site.port());
    let token = get(format!("{base}/token")).capture("token", Query::json_path("$.token"), true);
    let text = |text: &str| Literal::Text(Text::from(text));
    let sign_in = get(format!("{base}/in/{{{{urlencode password}}}}?pin={{{{pin}}}}"))
        .named("sign in")
        .header("Authorization", "Basic {{base64 \"user:\" password}}")
        .header("X-Token", "{{token}}")
        .header("X-Pin", "{{pin}}")
        .post(Body::Form(vec![
            ("password".to_owned(), Text::from("{{password}}")),
            ("token".to_owned(), Text::from("{{token}}")),
        ]))
        .capture("seen", Query::regex("(?s)^.*$"), false)
        .expect(Query::body(), Predicate::Equals(text("{{password}}{{token}}")))
        .expect(Query::header("x-echo"), Predicate::Equals(text("{{token}}")))
        .expect(Query::header("set-cookie"), Predicate::Equals(text("x")))
        .expect(Query::url(), Predicate::Equals(text("x")))
        .expect(Query::status(), Predicate::Equals(Literal::Number(200.0)));
    let values = Values { secrets: &[("password", PASSWORD), ("pin", "42")], ..Values::default() };
    let run = walk_with(&engine(vec![]), vec![token, sign_in], &values).await;
    failed(&run, FaultKind::Assertion);
    assert_eq!(run.steps[1].hops.len(), 2);
    let json = serde_json::to_string(&run).unwrap();
    let escaped = serde_json::to_string(PASSWORD).unwrap();
    let mut forms = vec![
        PASSWORD.to_owned(),
        PASSWORD.to_uppercase(),
        escaped[1..escaped.len() - 1].to_owned(),
        url::form_urlencoded::byte_serialize(PASSWORD.as_bytes()).collect::<String>(),
        percent_encoding::utf8_percent_encode(PASSWORD, percent_encoding::NON_ALPHANUMERIC)
            .to_string(),
        "session-t0ken-42".to_owned(),
        "c00kie-value".to_owned(),
        "pin=42".to_owned(),
        "wörd".to_owned(),
        "w%C3%B6rd".to_owned(),
    ];
    for before in ["", "user:", "x", "xy"] {
        let encoded = BASE64_STANDARD.encode(format!("{before}{PASSWORD}"));
        forms.push(encoded[encoded.len() - 12..encoded.len() - 4].to_owned());
    }
    for form in forms {
        assert!(!json.contains(&form), "{form}");
    }
    assert!(json.matches("***").count() > 20);
}

#[tokio::test]
async fn a_secret_that_is_not_secret_enough_hides_only_words() {
    let site = Site::start(None, |_| answer(500, &[], "1 12 a1 pin=1")).await;
    let values = Values { secrets: &[("pin", "1")], ..Values::default() };
    let step = get(format!("http://shop.test:{}/", site.port()));
    let run = walk_with(&engine(vec![]), vec![step], &values).await;
    let body = run.evidence.unwrap().exchanges[0].response_body.clone().unwrap();
    assert_eq!(body, "*** 12 a1 pin=***");
}
