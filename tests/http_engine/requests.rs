//! What is sent: bodies of every kind, as servers read them.

use axum::{Router, extract::Multipart, routing::post};
use serde_json::json;
use wayfarer::model::{Attachment, Body, FaultKind, Field, FieldContent, Predicate, Query, Text};

use crate::{
    journey::{Values, With, engine, failed, get, passed, walk, walk_with},
    served::serve,
    site::{Site, answer},
};

fn field(name: &str, content: FieldContent) -> Field {
    Field { name: name.to_owned(), content, media_type: None, file_name: None }
}

/// Every field as one line: name, file name, type, length, text.
async fn fields(mut form: Multipart) -> String {
    let mut lines = Vec::new();
    while let Some(field) = form.next_field().await.unwrap() {
        let (name, file) = (field.name().map(str::to_owned), field.file_name().map(str::to_owned));
        let kind = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        lines.push(format!("{name:?} {file:?} {kind:?} {} {text:?}", bytes.len()));
    }
    lines.join("\n")
}

#[tokio::test]
async fn a_server_reads_a_form_with_files() {
    let (address, _server) = serve(Router::new().route("/", post(fields))).await;
    let png = Attachment::new("files/photo.png", b"\x89PNG\r\n--boundary\xff".to_vec());
    let typed = Field {
        media_type: Some("application/json".to_owned()),
        file_name: Some("m \"1\".json".to_owned()),
        ..field("meta", FieldContent::File(Attachment::new("meta.bin", b"{}".to_vec())))
    };
    let body = Body::Multipart(vec![
        field("title", FieldContent::Text(Text::from("{{user}} & \r\ntea"))),
        field("photo", FieldContent::File(png)),
        typed,
        field("title", FieldContent::Text(Text::from(""))),
    ]);
    let step = get(format!("http://{address}/")).post(body).capture("seen", Query::body(), false);
    let values = Values { vars: &[("user", "probe")], ..Values::default() };
    let run = walk_with(&engine(vec![]), vec![step], &values).await;
    passed(&run);
    insta::assert_snapshot!(run.steps[0].captures[0].1, @r#"
    Some("title") None None 13 "probe & \r\ntea"
    Some("photo") Some("photo.png") Some("image/png") 17 "�PNG\r\n--boundary�"
    Some("meta") Some("m %221%22.json") Some("application/json") 2 "{}"
    Some("title") None None 0 ""
    "#);
}

#[tokio::test]
async fn evidence_tells_of_parts_and_curl_sends_them_again() {
    let site = Site::start(None, |_| answer(500, &[], "")).await;
    let body = Body::Multipart(vec![
        field("pin", FieldContent::Text(Text::from("{{password}}"))),
        field("photo", FieldContent::File(Attachment::new("p.png", vec![0xff; 20]))),
    ]);
    let step = get(format!("http://{}/", site.address)).post(body);
    let values = Values { secrets: &[("password", "hunter22")], ..Values::default() };
    let run = walk_with(&engine(vec![]), vec![step], &values).await;
    failed(&run, FaultKind::Status);
    let evidence = serde_json::to_string(&run.evidence).unwrap();
    assert!(evidence.contains("pin: ***\\nphoto: the file p.png, 20 bytes"), "{evidence}");
    assert!(evidence.contains("--form-string 'pin=***' -F photo=@p.png"), "{evidence}");
    assert!(!evidence.contains("boundary='") && !evidence.contains("hunter22"), "{evidence}");
}

#[tokio::test]
async fn files_graphql_and_raw_json() {
    let site = Site::start(None, |asked| {
        let kind = asked.header("content-type").unwrap_or_default();
        answer(200, &[], format!("{} {kind} {}", asked.method, asked.body))
    })
    .await;
    let url = format!("http://{}/", site.address);
    let seen = |body: Body| get(url.clone()).post(body).capture("seen", Query::body(), false);
    let steps = vec![
        seen(Body::File(Attachment::new("a/order.xml", b"<a>{{user}}</a>".to_vec()))).named("file"),
        seen(Body::RawJson(Text::from("[1.0, \"{{user}}\"]"))).named("raw"),
        seen(Body::GraphQl {
            query: Text::from("query Q($n: Int) { cart(first: $n) { total } }"),
            variables: Some(json!({ "n": 3, "who": "{{user}}" })),
            operation: Some("Q".to_owned()),
        })
        .named("graphql"),
    ];
    let mut steps = steps;
    for (step, name) in steps.iter_mut().zip(["a", "b", "c"]) {
        step.captures[0].name = name.to_owned();
    }
    let values = Values { vars: &[("user", "probe")], ..Values::default() };
    let run = walk_with(&engine(vec![]), steps, &values).await;
    passed(&run);
    let seen: Vec<&str> = run.steps.iter().map(|step| step.captures[0].1.as_str()).collect();
    assert_eq!(
        seen,
        [
            "POST application/xml <a>{{user}}</a>",
            "POST application/json [1.0, \"probe\"]",
            "POST application/json {\"query\":\"query Q($n: Int) { cart(first: $n) { total } }\",\"variables\":{\"n\":3,\"who\":\"probe\"},\"operationName\":\"Q\"}",
        ]
    );
}

#[tokio::test]
async fn a_big_file_is_sent_whole_and_not_with_a_redirect_to_get() {
    let site = Site::start(None, |asked| match asked.path.as_str() {
        "/put" => answer(303, &["location: /done"], ""),
        _ => answer(200, &[], asked.header("content-type").unwrap_or("none")),
    })
    .await;
    let file = Attachment::new("x.bin", vec![b'x'; 3 << 20]);
    let step = get(format!("http://{}/put", site.address))
        .post(Body::File(file))
        .expect(Query::body(), Predicate::Contains(Text::from("none")));
    passed(&walk(&engine(vec![]), vec![step]).await);
    assert_eq!(site.asked()[0].body.len(), 3 << 20);
}
