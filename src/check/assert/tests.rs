use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{
    check::{Certificate, Cookie, capture, fault_of_assertion},
    model::{Argument, CertificateField, CookieAttribute, Limit, Literal, Schema, Type},
};

struct Plain;

impl Wording for Plain {
    fn fill(&self, text: &Text) -> Result<String, String> {
        match text.0.as_str() {
            "{{total}}" => Ok("12.50".to_owned()),
            "{{secret}}" => Ok("hunter22".to_owned()),
            _ => Err("`x` is not defined".to_owned()),
        }
    }
    fn variable(&self, name: &str) -> Option<String> {
        (name == "plan").then(|| "pro".to_owned())
    }
    fn mask(&self, text: &str, cap: usize) -> (String, bool) {
        let end = text.floor_char_boundary(cap.min(text.len()));
        (text[..end].replace("hunter22", "***"), end < text.len())
    }
}

fn answer() -> Answer {
    let mut answer = Answer::new(
        201,
        r#"{"items":[{"price":"12.00","n":2},{"price":"7","n":3}],"one":["a","b"],"none":[],"null":null,
            "big":9007199254740993,"yes":true,"name":"tea","o":{"a":1},"half":0.5,"when":"2026-11-21T08:00:00Z","n":5,
            "id":"0189d0c5-9a4e-7b6c-8f3a-0123456789ab"}"#
            .to_owned(),
    );
    answer.headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("vary".to_owned(), "Accept".to_owned()),
        ("vary".to_owned(), "Cookie".to_owned()),
        ("x-count".to_owned(), "41".to_owned()),
        ("date".to_owned(), "Sat, 21 Nov 2026 07:28:00 GMT".to_owned()),
    ];
    answer.version = "HTTP/2".to_owned();
    answer.ip = Some([10, 0, 0, 7].into());
    answer.phases.tls = Duration::from_millis(20);
    answer.server_timing = vec![("db".to_owned(), Duration::from_millis(5))];
    answer.at = "2026-11-21T07:28:00Z".parse().unwrap();
    answer.cookies = vec![Cookie {
        name: "sid".to_owned(),
        value: "abc".to_owned(),
        secure: true,
        max_age_s: Some(60),
        ..Cookie::default()
    }];
    answer.duration = Duration::from_millis(350);
    answer.url = "https://x.example/account".to_owned();
    answer.redirects = 2;
    answer
}

fn html() -> Answer {
    Answer::new(
        200,
        "<form><input name=csrf value=t0k3n><input name=csrf></form>\n<b id=total> 12.00\n </b><i class=p>1</i><i class=p>2</i>"
            .to_owned(),
    )
}

fn text(text: &str) -> Literal {
    Literal::Text(Text::from(text))
}

fn json(path: &str) -> Query {
    Query::json_path(path)
}

fn css(selector: &str) -> Query {
    Query::css(selector)
}

fn check(query: Query, predicate: Predicate, answer: &Answer) -> AssertionResult {
    assert(&Assertion { query, predicates: vec![predicate], count: vec![] }, answer, &Plain)
}

fn count(query: Query, predicate: Predicate, answer: &Answer) -> AssertionResult {
    assert(&Assertion { query, predicates: vec![], count: vec![predicate] }, answer, &Plain)
}

#[test]
fn what_holds_and_what_does_not() {
    use Predicate as P;
    let header = |name: &str| Query::header(name);
    for (query, predicate, holds) in [
        (Query::status(), P::Equals(Literal::Number(201.0)), true),
        (Query::status(), P::Equals(text("201")), true),
        (Query::status(), P::Equals(Literal::Number(201.0)).negated(), false),
        (Query::status(), P::OneOf(vec![Literal::Number(200.0), Literal::Number(201.0)]), true),
        (Query::status(), P::Below(201.0.into()), false),
        (Query::status(), P::AtMost(201.0.into()), true),
        (header("Content-Type"), P::StartsWith(Text::from("application/")), true),
        (header("x-count"), P::Above(40.5.into()), true),
        (header("vary"), P::Equals(text("Cookie")), true),
        (header("vary"), P::Equals(text("Cookie")).negated(), false),
        (header("nope"), P::Exists(false), true),
        (header("nope"), P::Equals(text("x")).negated(), false),
        (Query::cookie("sid"), P::Equals(text("abc")), true),
        (Query::cookie("no"), P::Exists(true), false),
        (json("$.items[*].price"), P::Above(5.0.into()), true),
        (json("$.items[*].price"), P::Above(7.0.into()), false),
        (json("$.items[*].n"), P::OneOf(vec![Literal::Number(2.0), Literal::Number(3.0)]), true),
        (json("$.items[0].price"), P::Equals(Literal::Number(12.0)), true),
        (json("$.big"), P::Equals(text("9007199254740993")), true),
        (json("$.yes"), P::Equals(Literal::Bool(true)), true),
        (json("$.yes"), P::Equals(Literal::Bool(false)), false),
        (json("$.one"), P::Contains(Text::from("a")), true),
        (json("$.one"), P::Contains(Text::from("c")).negated(), true),
        (json("$.one"), P::Equals(text("[\"a\", \"b\"]")), true),
        (json("$.none"), P::IsEmpty(true), true),
        (json("$.null"), P::IsEmpty(true), true),
        (json("$.nothing"), P::IsEmpty(true), true),
        (json("$.nothing"), P::IsEmpty(false), false),
        (json("$.null"), P::Exists(true), true),
        (json("$.nothing"), P::Exists(false), true),
        (json("$.name"), P::Matches("^t.a$".to_owned()), true),
        (Query::body(), P::Contains(Text::from("\"tea\"")), true),
        (Query::body(), P::IsEmpty(false), true),
        (Query::regex("\"name\":\"(\\w+)\""), P::Equals(text("tea")), true),
        (Query::regex("nope"), P::Exists(false), true),
        (Query::duration(), P::Below(Duration::from_millis(350).into()), false),
        (Query::duration(), P::Below(Duration::from_secs(1).into()), true),
        (Query::duration(), P::Above(Duration::from_millis(1).into()), true),
        (Query::url(), P::EndsWith(Text::from("/account")), true),
        (Query::redirects(), P::Equals(Literal::Number(2.0)), true),
    ] {
        let said = format!("{query:?} {predicate:?}");
        let result = check(query, predicate, &answer());
        assert_eq!(result.passed, holds, "{said}: {result:?}");
        assert_eq!(result.expected.is_none(), holds);
    }
}

#[test]
fn html_is_searched_by_selector() {
    use Predicate as P;
    assert!(check(css("#total"), P::Equals(text("12.00")), &html()).passed);
    assert!(check(css("#total"), P::Equals(Literal::Number(12.0)), &html()).passed);
    assert!(check(css(".p"), P::AtLeast(1.0.into()), &html()).passed);
    assert!(count(css(".p"), P::Equals(Literal::Number(2.0)), &html()).passed);
    let csrf = Query::css_attribute("input[name=csrf]", "value");
    assert_eq!(capture(&csrf, &html(), &Plain).unwrap(), "t0k3n");
    assert!(count(csrf, P::Equals(Literal::Number(1.0)), &html()).passed);
}

#[test]
fn one_array_counts_its_elements() {
    use Predicate as P;
    for (path, n) in [
        ("$.items", 2.0),
        ("$.items[*]", 2.0),
        ("$.none", 0.0),
        ("$.nothing", 0.0),
        ("$.name", 1.0),
    ] {
        let result = count(json(path), P::Equals(Literal::Number(n)), &answer());
        assert!(result.passed, "{path}: {result:?}");
    }
    let result = count(json("$.items[*]"), P::AtLeast(3.0.into()), &answer());
    assert_eq!(result.check, "jsonpath $.items[*] count at_least 3");
    assert_eq!(result.expected.as_deref(), Some("count at_least 3"));
    assert_eq!(result.actual.as_deref(), Some("2"));
    assert!(count(Query::regex("price"), P::Equals(Literal::Number(2.0)), &answer()).passed);
}

#[test]
fn a_mismatch_names_both_types() {
    use Predicate as P;
    let result = check(json("$.name"), P::Above(3.0.into()), &answer());
    assert_eq!(result.expected.as_deref(), Some("above 3 (a number)"));
    assert_eq!(result.actual.as_deref(), Some("text: \"tea\""));
    let result = check(json("$.items"), P::Equals(text("x")), &answer());
    assert_eq!(result.expected.as_deref(), Some("equals \"x\" (text)"));
    assert!(result.actual.unwrap().starts_with("an array: [{"));
    let result = check(css("b"), P::Equals(Literal::Bool(true)), &html());
    assert_eq!(result.expected.as_deref(), Some("equals true (a truth value)"));
}

#[test]
fn a_body_that_is_not_json_says_so() {
    let result = check(json("$.a"), Predicate::Exists(true), &html());
    assert_eq!(result.expected.as_deref(), Some("exists true"));
    assert!(result.actual.unwrap().starts_with("the body is not JSON: "));
    let empty = Answer::new(204, String::new());
    assert_eq!(capture(&json("$.a"), &empty, &Plain).unwrap_err().message, "the body is empty");
}

#[test]
fn templates_are_filled_and_secrets_masked() {
    use Predicate as P;
    let result = check(Query::body(), P::Contains(Text::from("{{secret}}")), &html());
    assert_eq!(result.expected.as_deref(), Some("contains \"***\""));
    assert_eq!(result.check, "body contains \"{{secret}}\"");
    let result = check(json("$.name"), P::Equals(text("{{x}}")), &answer());
    assert_eq!(result.actual.as_deref(), Some("its template cannot be filled: `x` is not defined"));
    let long = Answer::new(200, format!("{}hunter22", "a".repeat(199)));
    let result = check(Query::body(), P::Equals(text("x")), &long);
    let actual = result.actual.unwrap();
    assert!(!actual.contains("hunt") && actual.chars().count() <= 201, "{actual}");
}

#[test]
fn captures_are_text() {
    for (query, value) in [
        (Query::status(), "201"),
        (json("$.items[1].price"), "7"),
        (json("$.big"), "9007199254740993"),
        (json("$.o"), "{\"a\":1}"),
        (Query::duration(), "350.000"),
        (Query::regex("\"n\":(\\d)"), "2"),
    ] {
        assert_eq!(capture(&query, &answer(), &Plain).unwrap(), value, "{query:?}");
    }
    assert_eq!(capture(&json("$.null"), &answer(), &Plain).unwrap_err().message, "null was found");
    assert_eq!(capture(&json("$.x"), &answer(), &Plain).unwrap_err().message, "nothing was found");
}

#[test]
fn faults_at_load() {
    use Predicate as P;
    let n = Literal::Number;
    for (query, predicates, count, part) in [
        (json("$.["), vec![P::Exists(true)], vec![], "the JSONPath does not compile"),
        (css("a["), vec![P::Exists(true)], vec![], "the CSS selector does not compile"),
        (Query::regex("("), vec![P::Exists(true)], vec![], "unclosed group"),
        (Query::regex("(a{1000}){1000}"), vec![P::Exists(true)], vec![], "too big"),
        (Query::body(), vec![P::Matches("[".to_owned())], vec![], "unclosed character class"),
        (Query::header("a b"), vec![P::Exists(true)], vec![], "cannot be the name of a header"),
        (Query::status(), vec![], vec![], "nothing is asserted"),
        (
            Query::status(),
            vec![P::Equals(n(700.0))],
            vec![],
            "whole number from 100 to 599, never 700",
        ),
        (Query::status(), vec![P::Equals(text("ok"))], vec![], "is a number, not \"ok\""),
        (Query::status(), vec![P::Below(100.0.into())], vec![], "the status is never below 100"),
        (
            Query::status(),
            vec![P::Above(300.0.into()), P::Below(301.0.into())],
            vec![],
            "nothing is both `above 300` and `below 301`",
        ),
        (
            Query::status(),
            vec![P::Contains(Text::from("2"))],
            vec![],
            "`contains` does not fit the status",
        ),
        (Query::status(), vec![P::Exists(false)], vec![], "the status always exists"),
        (Query::status(), vec![P::OneOf(vec![])], vec![], "`one_of` is empty"),
        (
            Query::status(),
            vec![P::Equals(n(200.0))],
            vec![P::AtLeast(1.0.into())],
            "there is one status",
        ),
        (json("$.a"), vec![P::Above(5.0.into()), P::AtMost(5.0.into())], vec![], "nothing is both"),
        (json("$.a"), vec![P::Equals(n(5.0)), P::Equals(n(6.0))], vec![], "nothing is both"),
        (json("$.a"), vec![P::Exists(false), P::Equals(n(6.0))], vec![], "does not exist"),
        (
            json("$.a"),
            vec![P::Below(Duration::from_secs(1).into())],
            vec![],
            "fits only a duration",
        ),
        (Query::duration(), vec![P::Below(2.0.into())], vec![], "with a time such as \"2s\""),
        (
            Query::duration(),
            vec![P::Below(Duration::ZERO.into())],
            vec![],
            "no duration is below 0s",
        ),
        (Query::url(), vec![P::Above(2.0.into())], vec![], "the URL is text"),
        (json("$.a"), vec![], vec![P::AtLeast((-1.0).into())], "never -1"),
        (json("$.a"), vec![], vec![P::Equals(n(1.5))], "never 1.5"),
        (json("$.a"), vec![], vec![P::Below(0.0.into())], "no count is below 0"),
        (json("$.a"), vec![], vec![P::Above(1.0.into()), P::Below(2.0.into())], "nothing is both"),
        (json("$.a"), vec![], vec![P::Contains(Text::from("x"))], "does not fit a count"),
    ] {
        let assertion = Assertion { query, predicates, count };
        let fault = fault_of_assertion(&assertion);
        assert!(fault.as_ref().is_some_and(|f| f.contains(part)), "{assertion:?}: {fault:?}");
    }
    for (query, predicates) in [
        (Query::status(), vec![P::AtLeast(200.0.into()), P::Below(300.0.into())]),
        (Query::status(), vec![P::Equals(text("{{x}}"))]),
        (css("#total"), vec![P::Above(3.0.into())]),
        (json("$.a"), vec![P::Above(5.0.into()), P::Below(5.5.into())]),
        (json("$.a[?@.b > 1].c"), vec![P::Exists(false)]),
        (
            Query::duration(),
            vec![
                P::Above(Duration::from_millis(1).into()),
                P::Below(Duration::from_secs(1).into()),
            ],
        ),
        (Query::body(), vec![P::AtLeast(1.0.into())]),
    ] {
        let assertion = Assertion { query, predicates, count: vec![] };
        assert_eq!(fault_of_assertion(&assertion), None, "{assertion:?}");
    }
}

#[test]
fn types_are_those_of_json_or_what_text_reads_as() {
    use Type as T;
    let header = || Query::header("x-count");
    for (query, kinds) in [
        (json("$.items[0].n"), vec![T::Number, T::Integer]),
        (json("$.items[0].price"), vec![T::Text]),
        (json("$.half"), vec![T::Number]),
        (json("$.yes"), vec![T::Boolean]),
        (json("$.null"), vec![T::Null]),
        (json("$.one"), vec![T::List]),
        (json("$.o"), vec![T::Object]),
        (json("$.when"), vec![T::Text, T::Date]),
        (json("$.id"), vec![T::Text, T::Uuid]),
        (header(), vec![T::Text, T::Number, T::Integer]),
        (Query::header("date"), vec![T::Text, T::Date]),
        (Query::status(), vec![T::Number, T::Integer]),
        (json("$.when").then("to_date"), vec![T::Date]),
    ] {
        for (key, kind) in Type::ALL {
            let holds = kinds.contains(&kind);
            assert_eq!(
                check(query.clone(), Predicate::Is(kind), &answer()).passed,
                holds,
                "{query:?} {key}"
            );
            let not = Predicate::Is(kind).negated();
            assert_eq!(check(query.clone(), not, &answer()).passed, !holds, "{query:?} not {key}");
        }
    }
    let result = check(json("$.name"), Predicate::Is(Type::Number), &answer());
    assert_eq!(result.expected.as_deref(), Some("is_number true"));
    assert_eq!(result.actual.as_deref(), Some("text \"tea\""));
}

#[test]
fn limits_of_numbers_times_dates_and_bytes() {
    use Predicate as P;
    let ms = |ms| Limit::Time(Duration::from_millis(ms));
    let day = |text: &str| Limit::Date(crate::check::read_date(text).unwrap());
    let bytes = || Query::from(Subject::Bytes);
    for (query, predicate, holds) in [
        (Query::status(), P::Between(200.0.into(), 299.0.into()), true),
        (Query::status(), P::Between(202.0.into(), 299.0.into()), false),
        (Query::duration(), P::AtMost(ms(350)), true),
        (Query::duration(), P::Between(ms(1), ms(349)), false),
        (Query::from(Subject::Phase("tls".into())), P::Below(ms(30)), true),
        (Query::from(Subject::Phase("connect".into())), P::Above(ms(30)), false),
        (Query::from(Subject::ServerTiming("DB".into())), P::AtLeast(ms(5)), true),
        (json("$.when"), P::Above(day("2026-11-21")), true),
        (json("$.when"), P::Below(day("2026-11-21")), false),
        (json("$.when").then("to_date"), P::Equals(text("2026-11-21T09:00:00+01:00")), true),
        (json("$.when").then("days_from_now"), P::Between(0.0.into(), 1.0.into()), true),
        (json("$.items[1].price"), P::Below(Limit::Text(Text::from("{{total}}"))), true),
        (bytes(), P::Above(100.0.into()), true),
        (bytes(), P::StartsWith(Text::from("7b22")), true),
        (Query::from(Subject::Sha256), P::Matches("^[0-9a-f]{64}$".to_owned()), true),
        (Query::from(Subject::Version), P::Equals(text("HTTP/2")), true),
        (Query::from(Subject::Ip), P::Equals(text("10.0.0.7")), true),
        (Query::variable("plan"), P::Equals(text("pro")), true),
        (Query::variable("other"), P::Exists(false), true),
        (
            Query::cookie_attribute("sid", CookieAttribute::Secure),
            P::Equals(Literal::Bool(true)),
            true,
        ),
        (
            Query::cookie_attribute("sid", CookieAttribute::HttpOnly),
            P::Equals(Literal::Bool(false)),
            true,
        ),
        (Query::cookie_attribute("sid", CookieAttribute::MaxAge), P::AtLeast(60.0.into()), true),
        (Query::cookie_attribute("sid", CookieAttribute::Domain), P::Exists(false), true),
    ] {
        let said = format!("{query:?} {predicate:?}");
        let assertion =
            Assertion { query: query.clone(), predicates: vec![predicate.clone()], count: vec![] };
        assert_eq!(fault_of_assertion(&assertion), None, "{said}");
        let result = check(query, predicate, &answer());
        assert_eq!(result.passed, holds, "{said}: {result:?}");
    }
    let result = check(json("$.name"), P::Above(day("2026-01-01")), &answer());
    assert_eq!(result.expected.as_deref(), Some("above 2026-01-01T00:00:00Z (a date)"));
    let result = check(json("$.n"), P::Above(Limit::Text(Text::from("{{secret}}"))), &answer());
    assert_eq!(
        result.actual.as_deref(),
        Some("its template gives \"***\", which is no number and no date")
    );
}

#[test]
fn certificates() {
    use CertificateField as C;
    use Predicate as P;
    let field = |field| Query::from(Subject::Certificate(field));
    let not_after = "2026-12-01T08:00:00Z".parse().unwrap();
    let mut answer = answer();
    assert!(check(field(C::Subject), P::Exists(false), &answer).passed, "plain HTTP has none");
    answer.certificate = Some(Certificate {
        subject: "CN=x.example".to_owned(),
        issuer: "CN=Authority".to_owned(),
        serial: "01ab".to_owned(),
        names: vec!["x.example".to_owned(), "www.x.example".to_owned()],
        not_before: Timestamp::UNIX_EPOCH,
        not_after,
        chain_ends: not_after,
        chain_length: 2,
    });
    for (query, predicate, holds) in [
        (field(C::Issuer), P::Contains(Text::from("Authority")), true),
        (field(C::San), P::Equals(text("www.x.example")), true),
        (field(C::San), P::Equals(text("www.x.example")).negated(), false),
        (field(C::San), P::Equals(text("y.example")).negated(), true),
        (field(C::ExpiresInDays), P::Between(9.9.into(), 10.1.into()), true),
        (field(C::NotAfter), P::Above(Limit::Date(Timestamp::UNIX_EPOCH)), true),
        (field(C::ChainLength), P::Equals(Literal::Number(2.0)), true),
    ] {
        let result = check(query, predicate, &answer);
        assert_eq!(result.passed, holds, "{result:?}");
    }
    assert!(count(field(C::San), P::Equals(Literal::Number(2.0)), &answer).passed);
}

#[test]
fn schemas() {
    let schema = |json| Predicate::Schema(Schema { file: None, json });
    let item = serde_json::json!({
        "type": "object",
        "required": ["price", "n"],
        "properties": { "price": { "type": "string", "pattern": "^\\d+" }, "n": { "type": "integer", "minimum": 3 } }
    });
    assert!(check(json("$.items[1]"), schema(item.clone()), &answer()).passed);
    let result = check(json("$.items[*]"), schema(item), &answer());
    assert_eq!(result.actual.as_deref(), Some("/n: 2 is less than the minimum of 3"));
    // A body is text, and its JSON is what a schema is for.
    assert!(
        check(Query::body(), schema(serde_json::json!({ "type": "object" })), &answer()).passed
    );
    assert!(check(Query::status(), schema(serde_json::json!({ "const": 201 })), &answer()).passed);
    let date = serde_json::json!({ "format": "date-time" });
    assert!(check(json("$.when"), schema(date.clone()), &answer()).passed);
    assert!(!check(json("$.name"), schema(date.clone()), &answer()).passed, "formats are asserted");
    assert!(check(json("$.name"), schema(date).negated(), &answer()).passed);
    for bad in [
        serde_json::json!({ "type": "objekt" }),
        serde_json::json!({ "$ref": "https://x.example/s.json" }),
        serde_json::json!({ "$ref": "file:///etc/passwd" }),
        serde_json::json!({ "$ref": "#/nowhere" }),
        serde_json::json!(5),
    ] {
        let assertion =
            Assertion { query: json("$"), predicates: vec![schema(bad)], count: vec![] };
        let fault = fault_of_assertion(&assertion).unwrap_or_default();
        assert!(fault.starts_with("the schema cannot be used: "), "{fault}");
    }
}

/// RFC 9535 where other libraries go astray.
#[test]
fn paths_as_the_standard_has_them() {
    let body = r#"{"a":null,"b":[],"c":[[1,2],[3]],"d":[{"k":1},{"k":null},{},{"k":"1"}],"e":{"x":1,"y":2},"f.g":5,"h":[0,1,2,3,4],"i":"é"}"#;
    let answer = Answer::new(200, body.to_owned());
    for (path, found) in [
        ("$.a", serde_json::json!([null])),
        ("$.missing", serde_json::json!([])),
        ("$.a.b", serde_json::json!([])),
        ("$['f.g']", serde_json::json!([5])),
        ("$.b[0]", serde_json::json!([])),
        ("$.b[*]", serde_json::json!([])),
        ("$.h[-1]", serde_json::json!([4])),
        ("$.h[1:3]", serde_json::json!([1, 2])),
        ("$.h[::-2]", serde_json::json!([4, 2, 0])),
        ("$.h[0,0]", serde_json::json!([0, 0])),
        ("$.e.*", serde_json::json!([1, 2])),
        ("$.d[?@.k]", serde_json::json!([{"k":1},{"k":null},{"k":"1"}])),
        ("$.d[?@.k == null]", serde_json::json!([{"k":null}])),
        ("$.d[?@.k == 1]", serde_json::json!([{"k":1}])),
        ("$.d[?!@.k]", serde_json::json!([{}])),
        ("$.d[?@.k != 1]", serde_json::json!([{"k":null},{},{"k":"1"}])),
        ("$.d[?@.k == @.nothing]", serde_json::json!([{}])),
        ("$.h[?@ > 1 && @ < 4]", serde_json::json!([2, 3])),
        ("$[?length(@) == 1].length", serde_json::json!([])),
        ("$.c[?count(@[*]) > 1]", serde_json::json!([[1, 2]])),
        ("$..k", serde_json::json!([1, null, "1"])),
        ("$.d[?match(@.k, '[0-9]')].k", serde_json::json!(["1"])),
        ("$.i[0]", serde_json::json!([])),
    ] {
        let query = json(path).then("all");
        let assertion = Assertion {
            query: json(path),
            predicates: vec![Predicate::Exists(true)],
            count: vec![],
        };
        assert_eq!(fault_of_assertion(&assertion), None, "{path}");
        let nodes: Vec<_> = find(&json(path), &answer, &Plain)
            .unwrap()
            .nodes
            .into_iter()
            .map(Node::into_json)
            .collect();
        assert_eq!(serde_json::Value::Array(nodes), found, "{path} {query:?}");
    }
    let exists = |path| check(json(path), Predicate::Exists(true), &answer).passed;
    assert!(exists("$.a") && !exists("$.missing"), "null is there, what is missing is not");
    assert!(check(json("$.a"), Predicate::Is(Type::Null), &answer).passed);
    assert!(!check(json("$.missing"), Predicate::Is(Type::Null), &answer).passed);
    for (path, n) in [
        ("$.h", 5.0),
        ("$.h[*]", 5.0),
        ("$.c", 2.0),
        ("$.c[*]", 2.0),
        ("$.c[0]", 2.0),
        ("$.a", 1.0),
        ("$.e", 1.0),
    ] {
        assert!(count(json(path), Predicate::Equals(Literal::Number(n)), &answer).passed, "{path}");
    }
}

#[test]
fn more_faults_at_load() {
    use Predicate as P;
    let not = |predicate: Predicate| predicate.negated();
    let starts = |text: &str| P::StartsWith(Text::from(text));
    for (query, predicates, part) in [
        (json("$.a"), vec![P::Equals(text("x")), not(P::Equals(text("x")))], "nothing is both"),
        (json("$.a"), vec![P::Equals(text("x")), P::Equals(text("y"))], "nothing is both"),
        (json("$.a"), vec![P::Equals(text("x")), starts("y")], "nothing is both"),
        (
            json("$.a"),
            vec![P::Equals(text("x")), P::OneOf(vec![text("y"), text("z")])],
            "nothing is both",
        ),
        (
            json("$.a"),
            vec![P::Equals(Literal::Number(5.0)), P::Between(6.0.into(), 7.0.into())],
            "nothing is both",
        ),
        (json("$.a"), vec![not(P::Above(5.0.into())), P::AtLeast(6.0.into())], "nothing is both"),
        (json("$.a"), vec![P::Is(Type::List), P::Is(Type::Text)], "nothing is both"),
        (json("$.a"), vec![P::Between(7.0.into(), 6.0.into())], "the lower limit comes first"),
        (
            json("$.a").then("count"),
            vec![P::Above(1.0.into()), P::Below(2.0.into())],
            "nothing is both",
        ),
        (json("$.a").then("count"), vec![P::Contains(Text::from("x"))], "which is a number"),
        (
            json("$.a").then_with("split", Argument::Text(",".into())),
            vec![P::Above(1.0.into())],
            "add the filter `count`",
        ),
        (
            Query::from(Subject::Version),
            vec![P::Equals(text("2"))],
            "one of HTTP/1.0, HTTP/1.1, HTTP/2",
        ),
        (Query::from(Subject::Bytes), vec![starts("FF")], "lower-case hexadecimal"),
        (
            Query::from(Subject::Phase("dns".into())),
            vec![P::Exists(true)],
            "there is no phase `dns`",
        ),
        (Query::from(Subject::Ip), vec![P::Above(1.0.into())], "is text"),
        (Query::header("x"), vec![P::Is(Type::List)], "which is text"),
        (
            Query::cookie_attribute("a", CookieAttribute::Secure),
            vec![P::Exists(true)],
            "a flag is always there",
        ),
        (
            Query::cookie_attribute("a", CookieAttribute::Expires),
            vec![P::Equals(text("soon"))],
            "is a date",
        ),
        (
            Query::from(Subject::Certificate(CertificateField::NotAfter)),
            vec![P::Above(5.0.into())],
            "is a date",
        ),
        (Query::body(), vec![not(P::Exists(true))], "the body always exists"),
    ] {
        let assertion = Assertion { query, predicates, count: vec![] };
        let fault = fault_of_assertion(&assertion);
        assert!(fault.as_ref().is_some_and(|f| f.contains(part)), "{assertion:?}: {fault:?}");
    }
    for (query, predicates) in [
        // Two headers of one name may do both.
        (Query::header("vary"), vec![P::Equals(text("a")), P::Equals(text("b"))]),
        (json("$.a"), vec![P::Equals(text("{{x}}")), P::Equals(text("y"))]),
        (json("$.a"), vec![P::Equals(Literal::Number(5.0)), P::Is(Type::Text)]),
        (json("$.a"), vec![P::Equals(Literal::Number(5.0)), P::Matches("^5".to_owned())]),
        (json("$.a"), vec![P::Above(5.0.into()), P::Below(Limit::Date(Timestamp::UNIX_EPOCH))]),
        (Query::header("x"), vec![P::Is(Type::Number), P::Above(5.0.into())]),
    ] {
        let assertion = Assertion { query, predicates, count: vec![] };
        assert_eq!(fault_of_assertion(&assertion), None, "{assertion:?}");
    }
}

fn any_predicate() -> impl Strategy<Value = Predicate> {
    let literal = prop_oneof![
        "[a-z0-9.]{0,3}".prop_map(|t| text(&t)),
        (-3.0..3.0_f64).prop_map(|n| Literal::Number(n.round())),
        any::<bool>().prop_map(Literal::Bool),
    ];
    let part = "[a-z0-9]{0,2}".prop_map(Text);
    let number = (-3.0..3.0_f64).prop_map(|n| n.round());
    prop_oneof![
        literal.clone().prop_map(Predicate::Equals),
        prop::collection::vec(literal, 1..3).prop_map(Predicate::OneOf),
        part.clone().prop_map(Predicate::Contains),
        part.clone().prop_map(Predicate::StartsWith),
        part.prop_map(Predicate::EndsWith),
        "[a-z]\\??".prop_map(Predicate::Matches),
        any::<bool>().prop_map(Predicate::IsEmpty),
        (0..Type::ALL.len()).prop_map(|n| Predicate::Is(Type::ALL[n].1)),
        number.clone().prop_map(|n| Predicate::Above(n.into())),
        number.clone().prop_map(|n| Predicate::AtMost(n.into())),
        (number.clone(), number).prop_map(|(a, b)| Predicate::Between(a.into(), b.into())),
    ]
}

fn any_value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        (-3..4_i64).prop_map(serde_json::Value::from),
        "[a-z0-9.]{0,3}".prop_map(serde_json::Value::from),
        prop::collection::vec(0..3_i64, 0..3).prop_map(serde_json::Value::from),
    ]
}

proptest! {
    #[test]
    fn negation_is_the_complement(predicate in any_predicate(), value in any_value()) {
        let answer = Answer::new(200, serde_json::json!({ "v": value }).to_string());
        let positive = check(json("$.v"), predicate.clone(), &answer);
        let negative = check(json("$.v"), predicate.clone().negated(), &answer);
        // The types that do not fit are named behind what was expected.
        let fits = !positive.expected.as_deref().is_some_and(|said| said.ends_with(')'));
        if fits {
            prop_assert_ne!(positive.passed, negative.passed, "{:?} of {}", predicate, value);
        } else {
            prop_assert!(!positive.passed);
        }
        let twice = check(json("$.v"), predicate.clone().negated().negated(), &answer);
        prop_assert_eq!(positive.passed, twice.passed);
    }

    #[test]
    fn what_is_refused_at_load_as_contradiction_never_holds(a in any_predicate(), b in any_predicate(), value in any_value()) {
        let assertion = Assertion { query: json("$.v"), predicates: vec![a, b], count: vec![] };
        let fault = fault_of_assertion(&assertion);
        if fault.is_some_and(|fault| fault.starts_with("nothing is both")) {
            let answer = Answer::new(200, serde_json::json!({ "v": value }).to_string());
            prop_assert!(!assert(&assertion, &answer, &Plain).passed, "{:?} of {}", assertion, value);
        }
    }

    #[test]
    fn hostile_bodies_never_panic(body in "\\PC{0,60}", path in "\\$[.\\[\\]a-z*?@0-9:,'<>() ]{0,12}") {
        let answer = Answer::new(200, body);
        for query in [json(&path), css("a > b"), Query::regex("(a|b)*")] {
            let _captured = capture(&query, &answer, &Plain);
        }
    }

    #[test]
    fn any_json_is_searched(n in any::<i64>(), path in "\\$(\\.a|\\[-?[0-9]{1,3}\\]|\\[[0-9-]{0,2}:[0-9-]{0,2}:[0-9-]{0,2}\\]|\\.\\.\\*){1,3}") {
        let answer = Answer::new(200, format!("{{\"a\":[[{n},1],{{\"a\":{n}}}]}}"));
        let _captured = capture(&json(&path), &answer, &Plain);
    }
}
