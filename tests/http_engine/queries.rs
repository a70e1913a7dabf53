//! Every subject of a query over a real server, filters, and files that hold schemas.

use std::time::Duration;

use wayfarer::{
    config::{self, Attached, SourceFile},
    model::{
        Argument, CertificateField, CookieAttribute, FaultKind, Limit, Literal, Predicate, Query,
        Subject, Text,
    },
};

use crate::{
    authority::Authority,
    journey::{With, engine, failed, get, passed, status, walk},
    site::{Asked, Site, answer},
};

fn text(text: &str) -> Predicate {
    Predicate::Equals(Literal::Text(Text::from(text)))
}

fn certificate(field: CertificateField) -> Query {
    Subject::Certificate(field).into()
}

async fn shop(authority: &Authority) -> Site {
    let tls = authority.acceptor(&["shop.test", "www.shop.test"], 2085, &["http/1.1"]);
    Site::start(Some(tls), |asked: &Asked| match asked.path.as_str() {
        "/item/7" => answer(200, &["content-type: image/png"], b"\x89PNG\xff\x00"),
        _ => answer(
            200,
            &[
                "content-type: application/json",
                "server-timing: db;dur=12.5, cache;desc=\"hit\";dur=1",
                "set-cookie: sid=abc; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600",
                "set-cookie: theme=dark",
                "last-modified: Sat, 21 Nov 2026 07:28:00 GMT",
            ],
            r#"{"items":[{"href":"/item/3"},{"href":"/item/7"}],"total":"12.50 EUR","ids":[4,5]}"#,
        ),
    })
    .await
}

#[tokio::test]
async fn every_subject_is_filled_by_the_engine() {
    use Predicate as P;
    let authority = Authority::new();
    let site = shop(&authority).await;
    let url = format!("https://shop.test:{}/", site.port());
    let ms = |ms| Limit::Time(Duration::from_millis(ms));
    let cookie = Query::cookie_attribute;
    let mut step = get(url);
    for (query, predicate) in [
        (Query::from(Subject::Version), text("HTTP/1.1")),
        (Query::from(Subject::Ip), text("127.0.0.1")),
        (Query::from(Subject::Bytes), P::Between(50.0.into(), 500.0.into())),
        (Query::from(Subject::Sha256), P::Matches("^[0-9a-f]{64}$".to_owned())),
        (Query::from(Subject::Phase("tls".into())), P::Above(ms(0))),
        (Query::from(Subject::Phase("transfer".into())), P::Below(ms(5000))),
        (Query::from(Subject::ServerTiming("db".into())), P::Between(ms(12), ms(13))),
        (cookie("sid", CookieAttribute::Secure), P::Equals(Literal::Bool(true))),
        (cookie("sid", CookieAttribute::HttpOnly), P::Equals(Literal::Bool(true))),
        (cookie("sid", CookieAttribute::SameSite), text("Lax")),
        (cookie("sid", CookieAttribute::MaxAge), P::Equals(Literal::Number(3600.0))),
        (cookie("sid", CookieAttribute::Path), text("/")),
        (cookie("theme", CookieAttribute::Secure), P::Equals(Literal::Bool(false))),
        (cookie("theme", CookieAttribute::MaxAge), P::Exists(false)),
        (certificate(CertificateField::San), text("www.shop.test")),
        (certificate(CertificateField::San), text("other.test").negated()),
        (certificate(CertificateField::ExpiresInDays), P::Above(1000.0.into())),
        (certificate(CertificateField::ChainLength), P::AtLeast(1.0.into())),
        (certificate(CertificateField::Serial), P::Matches("^[0-9a-f]+$".to_owned())),
        (
            certificate(CertificateField::NotAfter)
                .then_with("date_format", Argument::Text("%Y".into())),
            text("2085"),
        ),
        (Query::header("last-modified").then("to_date"), text("2026-11-21T07:28:00Z")),
        (Query::json_path("$.items").then("count"), P::Equals(Literal::Number(2.0))),
        (Query::variable("environment"), text("production")),
    ] {
        step = step.expect(query, predicate);
    }
    // A second request over the same connection has the same certificate, though no handshake.
    let again = get(format!("https://shop.test:{}/", site.port()))
        .named("again")
        .expect(certificate(CertificateField::San), text("shop.test"));
    let run = walk(&engine(vec![authority.root()]), vec![step, again]).await;
    passed(&run);
    assert!(run.steps[1].hops[0].reused);
}

#[tokio::test]
async fn what_was_filtered_is_what_later_steps_use() {
    let authority = Authority::new();
    let site = shop(&authority).await;
    let base = format!("https://shop.test:{}", site.port());
    let first = get(format!("{base}/"))
        .capture("next", Query::json_path("$.items[*].href").then("last"), false)
        .capture("ids", Query::json_path("$.ids"), false)
        .capture("hrefs", Query::json_path("$.items[*].href").then("all"), false)
        .capture(
            "price",
            Query::json_path("$.total")
                .then_with("regex", Argument::Text("^[0-9.]+".into()))
                .then("to_number"),
            false,
        )
        // What an earlier capture of the step kept can be looked into.
        .capture(
            "second_id",
            Query::variable("ids").then_with("jsonpath", Argument::Text("$[1]".into())),
            false,
        );
    let second = get(format!("{base}{{{{next}}}}"))
        .named("second")
        .expect(Query::url(), Predicate::EndsWith(Text::from("/item/7")))
        .expect(Query::variable("second_id"), text("5"))
        .expect(Query::variable("price"), Predicate::Between(12.5.into(), 12.5.into()))
        .expect(Query::from(Subject::Bytes), Predicate::StartsWith(Text::from("89504e47ff00")))
        .expect(Query::from(Subject::Bytes), status(6.0))
        .expect(Query::from(Subject::Sha256), text("e5a3b1f0"));
    let run = walk(&engine(vec![authority.root()]), vec![first, second]).await;
    let captured: Vec<_> =
        run.steps[0].captures.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        captured,
        [
            ("next", "/item/7"),
            ("ids", "[4,5]"),
            ("hrefs", "[\"/item/3\",\"/item/7\"]"),
            ("price", "12.5"),
            ("second_id", "5")
        ]
    );
    // The bytes themselves are digested, not the text they read as.
    let failure = failed(&run, FaultKind::Assertion);
    assert_eq!(failure.check.as_deref(), Some("sha256 equals \"e5a3b1f0\""));
    let digest = "\"854e4b5f04c08dd7a8df75e0c0c9ce444f353bf1385a8a7ddbc9c73c4181ce0b\"";
    assert_eq!(failure.actual.as_deref(), Some(digest));
}

#[tokio::test]
async fn a_filter_that_takes_something_else_names_both_types() {
    let site = Site::start(None, |_| answer(200, &[], r#"{"total":"twelve","items":[1]}"#)).await;
    let url = format!("http://shop.test:{}/", site.port());
    let steps =
        vec![get(url.clone()).expect(Query::json_path("$.total").then("to_number"), status(12.0))];
    let run = walk(&engine(vec![]), steps).await;
    let failure = failed(&run, FaultKind::Assertion);
    assert_eq!(
        failure.message,
        "expected jsonpath $.total | to_number equals 12, got the filter `to_number` takes text that reads as a number, got text \"twelve\""
    );
    let steps = vec![get(url).capture("n", Query::json_path("$.items").then("trim"), false)];
    let run = walk(&engine(vec![]), steps).await;
    let failure = failed(&run, FaultKind::Capture);
    assert_eq!(failure.message, "n has no value: the filter `trim` takes text, got an array [1]");
}

#[tokio::test]
async fn what_a_secret_was_made_of_is_as_secret() {
    let site = Site::start(None, |_| {
        answer(200, &[], r#"{"token":"Hunter-Twenty-Two","pin":"abcdefgh"}"#)
    })
    .await;
    let url = format!("http://shop.test:{}/", site.port());
    let step = get(url.clone())
        .capture("token", Query::json_path("$.token").then("upper"), true)
        .expect(Query::body(), text("x"));
    let run = walk(&engine(vec![]), vec![step]).await;
    failed(&run, FaultKind::Assertion);
    let json = serde_json::to_string(&run).unwrap();
    assert!(!json.contains("Hunter-Twenty-Two") && !json.contains("HUNTER-TWENTY-TWO"), "{json}");
    let step =
        get(url).capture("pin", Query::json_path("$.pin").then("upper").then("to_number"), true);
    let run = walk(&engine(vec![]), vec![step]).await;
    let failure = failed(&run, FaultKind::Capture);
    assert_eq!(
        failure.message,
        "pin has no value: the filter `to_number` takes text that reads as a number"
    );
    let json = serde_json::to_string(&run).unwrap();
    assert!(!json.contains("abcdefgh") && !json.contains("ABCDEFGH"), "{json}");
}

/// Files that a test has in its hand.
struct Files(&'static [(&'static str, &'static str)]);

impl Attached for Files {
    fn read(&self, beside: &str, name: &str) -> Result<Vec<u8>, String> {
        assert_eq!(beside, "journeys/api.toml");
        let found = self.0.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, text)| text.as_bytes().to_vec())
            .ok_or_else(|| "there is no such file".to_owned())
    }
}

fn load(step: &str, files: &dyn Attached) -> Result<wayfarer::model::Journey, String> {
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    let main = "[environments.production]\nbase_url = \"http://shop.test\"\n".to_owned();
    let journey = format!(
        "name = \"api\"\nenvironments = [\"production\"]\nevery = \"60s\"\n[[step]]\nname = \"list\"\nhttp.url = \"{{{{base_url}}}}/\"\n{step}"
    );
    config::load_with(&file("wayfarer.toml", main), &[file("journeys/api.toml", journey)], files)
        .map(|mut config| config.journeys.remove(0))
        .map_err(|faults| faults.to_string())
}

#[tokio::test]
async fn a_schema_in_a_file_is_part_of_the_journey() {
    let step =
        "[[step.assert]]\nquery = { jsonpath = \"$.items\" }\nschema = \"schemas/items.json\"\n";
    let one = Files(&[("schemas/items.json", r#"{"type":"array","items":{"type":"integer"}}"#)]);
    let other = Files(&[("schemas/items.json", r#"{"type":"array","items":{"type":"string"}}"#)]);
    let (one, other) = (load(step, &one).unwrap(), load(step, &other).unwrap());
    assert_ne!(one.revision, other.revision, "an altered schema is another journey");
    let site = Site::start(None, |_| answer(200, &[], r#"{"items":[1,2]}"#)).await;
    for (journey, holds) in [(one, true), (other, false)] {
        let mut step = get(format!("http://shop.test:{}/", site.port()));
        step.assertions.clone_from(&journey.steps[0].assertions);
        let run = walk(&engine(vec![]), vec![step]).await;
        if holds {
            passed(&run);
        } else {
            let failure = failed(&run, FaultKind::Assertion);
            assert_eq!(failure.expected.as_deref(), Some("schema schemas/items.json"));
            assert_eq!(
                failure.actual.as_deref(),
                Some("/0: 1 is not of type \"string\"; /1: 2 is not of type \"string\"")
            );
        }
    }
    for (files, part) in [
        (Files(&[]), "the file `schemas/items.json` cannot be read: there is no such file"),
        (Files(&[("schemas/items.json", "{")]), "the file `schemas/items.json` is not JSON"),
        (Files(&[("schemas/items.json", r#"{"type":"x"}"#)]), "the schema cannot be used"),
    ] {
        let faults = load(step, &files).unwrap_err();
        assert!(faults.contains(part), "{faults}");
    }
}

#[test]
fn the_short_forms_of_every_subject() {
    let step = r#"
[step.capture]
first = { css = "a", attribute = "href", filter = ["first", { split = "/" }, "last"] }
[step.expect]
status = 200
version = ["HTTP/1.1", "HTTP/2"]
bytes = { below = "1MiB", not_is_empty = true }
sha256 = { matches = "^[0-9a-f]+$" }
ip = { not_starts_with = "10." }
phase.tls = { below = "300ms" }
server_timing.db = { at_most = "50ms" }
certificate.expires_in_days = { above = 14 }
certificate.not_before = { below = 2030-01-01 }
certificate.san = "shop.test"
cookie.sid = { attribute = "secure", equals = true }
header.last-modified = { filter = "to_date", above = "2026-01-31" }
jsonpath."$.items" = { filter = ["count"], between = [1, 100] }
variable.first = { not = { equals = "x", contains = "y" } }
[[step.assert]]
query = { duration = true }
between = ["1ms", "2s"]
"#;
    let journey = load(step, &Files(&[])).unwrap();
    let step = &journey.steps[0];
    assert_eq!(step.captures[0].query.filters.len(), 3);
    let said: Vec<String> = step.assertions.iter().map(wayfarer::check::describe).collect();
    assert_eq!(
        said,
        [
            "status equals 200",
            "version one_of [\"HTTP/1.1\", \"HTTP/2\"]",
            "bytes is_empty false and below 1048576",
            "ip not_starts_with \"10.\"",
            "sha256 matches /^[0-9a-f]+$/",
            "header last-modified | to_date above 2026-01-31T00:00:00Z",
            "cookie sid attribute secure equals true",
            "jsonpath $.items | count between [1, 100]",
            "phase tls below 300ms",
            "server_timing db at_most 50ms",
            "certificate expires_in_days above 14",
            "certificate not_before below 2030-01-01T00:00:00Z",
            "certificate san equals \"shop.test\"",
            "variable first not_equals \"x\" and not_contains \"y\"",
            "duration between [1ms, 2s]",
        ]
    );
}
