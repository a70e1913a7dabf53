use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    check::{Cookie, capture, fault_of_assertion},
    model::Literal,
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
            "big":9007199254740993,"yes":true,"name":"tea","o":{"a":1}}"#
            .to_owned(),
    );
    answer.headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("vary".to_owned(), "Accept".to_owned()),
        ("vary".to_owned(), "Cookie".to_owned()),
        ("x-count".to_owned(), "41".to_owned()),
    ];
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

proptest! {
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
