use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    check::{Answer, Wording, capture, fault_of_query, find::find, query_value},
    model::{Query, Text},
};

struct Plain;

impl Wording for Plain {
    fn fill(&self, text: &Text) -> Result<String, String> {
        Ok(text.0.clone())
    }
    fn variable(&self, name: &str) -> Option<String> {
        (name == "ids").then(|| "[3,1,2]".to_owned())
    }
    fn mask(&self, text: &str, _: usize) -> (String, bool) {
        (text.to_owned(), false)
    }
}

fn answer() -> Answer {
    let mut answer = Answer::new(
        200,
        json!({
            "n": "12.50", "big": "9007199254740993", "half": -3.7, "word": "  Grüße  ", "csv": "a,b,,c", "null": null,
            "items": [{"id": 1}, {"id": 2}, {"id": 3}], "none": [], "yes": true,
            "date": "2026-11-21T07:28:00Z", "german": "21.11.2026", "b64": "aMOkbGxvIQ", "png": "iVBORw==",
            "html": "<b class=x>T&amp;C &eacute;</b>", "url": "a%20b%2Bc+d", "inner": "{\"a\":[1,2]}"
        })
        .to_string(),
    );
    answer.at = "2026-11-20T07:28:00Z".parse().unwrap();
    answer.headers = vec![
        ("vary".into(), "Accept, Cookie".into()),
        ("x".into(), "1".into()),
        ("x".into(), "2".into()),
    ];
    answer
}

fn at(path: &str) -> Query {
    Query::json_path(path)
}

fn text(text: &str) -> Argument {
    Argument::Text(text.to_owned())
}

fn pair(a: &str, b: &str) -> Argument {
    Argument::Pair(a.to_owned(), b.to_owned())
}

#[test]
fn what_filters_make() {
    let items = || at("$.items[*].id");
    for (query, value) in [
        (items().then("count"), json!(3)),
        (at("$.items").then("count"), json!(3)),
        (at("$.none").then("count"), json!(0)),
        (at("$.nothing").then("count"), json!(0)),
        (at("$.items[*]").then("first"), json!({"id": 1})),
        (at("$.items").then("last"), json!({"id": 3})),
        (items().then_with("nth", Argument::Number(1)), json!(2)),
        (items().then("all"), json!([1, 2, 3])),
        (at("$.items").then("all").then("length"), json!(3)),
        (at("$.n").then("to_number"), json!(12.5)),
        (at("$.big").then("to_number"), json!(9_007_199_254_740_993_i64)),
        (at("$.half").then("to_integer"), json!(-3)),
        (at("$.n").then("to_integer"), json!(12)),
        (at("$.items[0]").then("to_text"), json!("{\"id\":1}")),
        (at("$.word").then("length"), json!(9)),
        (at("$.word").then("trim").then("upper"), json!("GRÜSSE")),
        (at("$.word").then("trim").then("lower"), json!("grüße")),
        (at("$.csv").then_with("split", text(",")), json!(["a", "b", "", "c"])),
        (at("$.csv").then_with("split", text(",")).then("count"), json!(4)),
        (at("$.csv").then_with("split", text(",")).then("last"), json!("c")),
        (at("$.csv").then_with("replace", pair(",", "-")), json!("a-b--c")),
        (at("$.csv").then_with("replace_regex", pair(",+(\\w)", "<$1>")), json!("a<b><c>")),
        (at("$.date").then("to_date"), json!("2026-11-21T07:28:00Z")),
        (
            at("$.date").then("to_date").then_with("date_format", text("%d.%m.%Y")),
            json!("21.11.2026"),
        ),
        (at("$.german").then_with("to_date", text("%d.%m.%Y")), json!("2026-11-21T00:00:00Z")),
        (at("$.date").then("days_from_now"), json!(1)),
        (at("$.b64").then("decode_base64"), json!("hällo!")),
        (at("$.png").then("decode_base64"), json!("89504e47")),
        (at("$.png").then("decode_base64").then("encode_base64"), json!("iVBORw==")),
        (at("$.yes").then("encode_base64"), json!("dHJ1ZQ==")),
        (at("$.url").then("decode_url"), json!("a b+c+d")),
        (at("$.url").then("encode_url"), json!("a%2520b%252Bc%2Bd")),
        (at("$.html").then("decode_html"), json!("<b class=x>T&C é</b>")),
        (
            at("$.html").then("encode_html").then("decode_html"),
            json!("<b class=x>T&amp;C &eacute;</b>"),
        ),
        (at("$.html").then_with("css", text("b.x")), json!("T&C é")),
        (at("$.html").then_with("css", pair("b", "class")), json!("x")),
        (at("$.inner").then_with("jsonpath", text("$.a[1]")), json!(2)),
        (at("$.items").then_with("jsonpath", text("$[?@.id > 1].id")).then("count"), json!(2)),
        (at("$.csv").then_with("regex", text("(\\w)$")), json!("c")),
        (Query::header("vary").then_with("split", text(", ")).then("last"), json!("Cookie")),
        (Query::header("x").then("last"), json!("2")),
        (Query::variable("ids").then_with("jsonpath", text("$[0]")), json!(3)),
        (Query::body().then("length").then("to_text").then("length"), json!(3)),
    ] {
        assert_eq!(fault_of_query(&query), None, "{query:?}");
        assert_eq!(query_value(&query, &answer(), &Plain), Ok(value), "{query:?}");
    }
}

#[test]
fn what_filters_refuse() {
    for (query, message) in [
        (
            at("$.html").then("to_number"),
            "the filter `to_number` takes text that reads as a number, got text \"<b class=x>T&amp;C &eacute;</b>\"",
        ),
        (at("$.null").then("trim"), "the filter `trim` takes text, got null"),
        (
            at("$.items").then("to_number"),
            "the filter `to_number` takes text that reads as a number, got an array [{\"id\":1},{\"id\":2},{\"id\":3}]",
        ),
        (
            at("$.csv").then("to_date"),
            "the filter `to_date` takes text that reads as a date, got text \"a,b,,c\"",
        ),
        (
            at("$.csv").then_with("to_date", text("%Y")),
            "the filter `to_date` takes text that reads as a date by `%Y`, got text \"a,b,,c\"",
        ),
        (
            at("$.csv").then("decode_base64"),
            "the filter `decode_base64` takes text in base64, got text \"a,b,,c\"",
        ),
        (
            at("$.csv").then_with("jsonpath", text("$.a")),
            "the filter `jsonpath` takes JSON, got text \"a,b,,c\"",
        ),
        (
            at("$.yes").then("length"),
            "the filter `length` takes text, an array, an object or bytes, got a truth value true",
        ),
        (
            at("$.yes").then("days_from_now"),
            "the filter `days_from_now` takes a date, got a truth value true",
        ),
        (at("$.items[*].id").then_with("nth", Argument::Number(3)), "nothing was found"),
        (at("$.nothing").then("trim"), "nothing was found"),
        (at("$.csv").then_with("regex", text("x")), "nothing was found"),
    ] {
        let said = capture(&query, &answer(), &Plain).unwrap_err().message;
        assert_eq!(said, message, "{query:?}");
    }
}

#[test]
fn what_is_refused_at_load() {
    for (query, part) in [
        (Query::status().then("trim"), "takes text, got a number"),
        (Query::duration().then("lower"), "takes text, got a time"),
        (at("$.a").then("count").then_with("split", text(",")), "takes text, got a number"),
        (at("$.a").then_with("split", text(",")).then("trim"), "takes text, got a list"),
        (at("$.a").then("to_date").then("to_number"), "got a date"),
        (at("$.a").then_with("split", text("")), "is empty"),
        (at("$.a").then_with("regex", text("(")), "unclosed group"),
        (at("$.a").then_with("replace_regex", pair("[", "")), "unclosed"),
        (at("$.a").then_with("jsonpath", text("$.a[")), "the JSONPath does not compile"),
        (at("$.a").then_with("css", text("a[")), "the CSS selector does not compile"),
        (at("$.a").then_with("to_date", text("%")), "is not a pattern of dates"),
        (at("$.a").then_with("date_format", text("")), "is empty"),
        (at("$.a").then("nonsense"), "there is no filter `nonsense`"),
    ] {
        let fault = fault_of_query(&query);
        assert!(fault.as_ref().is_some_and(|fault| fault.contains(part)), "{query:?}: {fault:?}");
    }
}

#[test]
fn a_split_or_replacement_stays_within_bounds() {
    let commas = Answer::new(200, ",".repeat(2 * 100_000));
    let split = Query::body().then_with("split", text(","));
    assert!(capture(&split, &commas, &Plain).unwrap_err().message.contains("at most 100000 parts"));
    let large = Query::body().then_with("replace", pair(",", &"x".repeat(1000)));
    assert!(capture(&large, &commas, &Plain).unwrap_err().message.contains("below 64 MiB"));
    let twice = Query::body().then_with("replace_regex", pair("^.*$", &"$0".repeat(500)));
    assert!(capture(&twice, &commas, &Plain).unwrap_err().message.contains("below 64 MiB"));
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let words = "[a-z.,%$\\[\\]()*<>&;=+ äÿ-]{0,6}";
    (0..TABLE.len(), words, words, 0_u64..5).prop_map(|(row, a, b, n)| {
        let row = &TABLE[row];
        let argument = match row.takes {
            Takes::Nothing => Argument::None,
            Takes::MaybeText if n == 0 => Argument::None,
            Takes::MaybeText | Takes::Text => Argument::Text(a),
            Takes::TextAndAttribute if n == 0 => Argument::Text(a),
            Takes::TextAndAttribute | Takes::Pair => Argument::Pair(a, b),
            Takes::Number => Argument::Number(n),
        };
        Filter { name: row.name.to_owned(), argument }
    })
}

proptest! {
    #[test]
    fn no_body_and_no_filters_panic(body in "\\PC{0,60}", filters in prop::collection::vec(any_filter(), 0..5)) {
        let mut answer = Answer::new(200, body);
        answer.bytes = Some(vec![0xff, 0, 0x80]);
        for mut query in [Query::body(), at("$..*"), Query::css("*"), Query::duration(), crate::model::Subject::Bytes.into()] {
            query.filters.clone_from(&filters);
            // Also where it would be refused at load.
            let _fault = fault_of_query(&query);
            let _found = find(&query, &answer, &Plain);
        }
    }

    #[test]
    fn what_is_encoded_decodes_again(text in "\\PC{0,40}") {
        // Line ends and NUL are not kept by HTML.
        let answer = Answer::new(200, text.clone());
        for (encode, decode) in [("encode_base64", "decode_base64"), ("encode_url", "decode_url"), ("encode_html", "decode_html")] {
            let query = Query::body().then(encode).then(decode);
            prop_assert_eq!(capture(&query, &answer, &Plain).unwrap(), text.clone(), "{}", encode);
        }
    }
}
