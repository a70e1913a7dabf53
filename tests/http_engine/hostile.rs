//! Targets that misbehave, and a prober that cannot.

use std::{net::TcpListener, process::Command, sync::atomic::Ordering, time::Duration};

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use tokio::io::AsyncWriteExt;
use wayfarer::model::{
    FaultKind, Literal, Outcome, Predicate, Query, Run, Step, StepOutcome, Text,
};

use crate::{
    journey::{
        Values, With, broken, engine, failed, get, hops, is_consistent, passed, ticket, walk,
    },
    site::{Reply, Site, answer},
};

fn shop(site: &Site, path: &str) -> Step {
    get(format!("http://shop.test:{}{path}", site.port()))
}

macro_rules! encode {
    ($encoder:ident, $data:expr) => {{
        let mut encoder = $encoder::new(Vec::new());
        encoder.write_all($data).await.unwrap();
        encoder.shutdown().await.unwrap();
        encoder.into_inner()
    }};
}

#[tokio::test]
async fn encoded_bodies_are_read_and_broken_ones_told() {
    let plain = "kettle ".repeat(1000);
    let gzip = encode!(GzipEncoder, plain.as_bytes());
    let (br, zstd) =
        (encode!(BrotliEncoder, plain.as_bytes()), encode!(ZstdEncoder, plain.as_bytes()));
    let wire = gzip.len() as u64;
    let site = Site::start(None, move |asked| match asked.path.as_str() {
        "/gzip" => answer(200, &["content-encoding: gzip"], &gzip),
        "/br" => answer(200, &["content-encoding: br"], &br),
        "/zstd" => answer(200, &["content-encoding: zstd"], &zstd),
        "/cut" => answer(200, &["content-encoding: gzip"], &gzip[..gzip.len() / 2]),
        _ => answer(200, &["content-encoding: gzip"], "this is not gzip"),
    })
    .await;
    let engine = engine(vec![]);
    let read = |path| {
        let whole = Predicate::Equals(Literal::Text(Text(plain.clone())));
        shop(&site, path)
            .expect(Query::body(), whole)
            .expect(Query::header("content-encoding"), Predicate::Exists(true))
    };
    let run = walk(&engine, vec![read("/gzip"), read("/br"), read("/zstd")]).await;
    passed(&run);
    assert_eq!(hops(&run)[0].body_bytes, wire);
    for path in ["/cut", "/nonsense"] {
        let run = walk(&engine, vec![shop(&site, path)]).await;
        let failure = failed(&run, FaultKind::Protocol);
        assert!(failure.message.contains("not valid gzip"), "{}", failure.message);
    }
}

#[tokio::test]
async fn an_endless_body_is_not_read() {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).into_bytes();
    let bomb = encode!(GzipEncoder, &vec![0; 50_000_000]);
    let site = Site::start(None, move |asked| match asked.path.as_str() {
        "/endless" => Reply::Endless(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
            chunk.clone(),
        ),
        "/ten-gigabytes" => Reply::Endless(
            b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n".to_vec(),
            vec![b'x'; 65536],
        ),
        _ => answer(200, &["content-encoding: gzip"], &bomb),
    })
    .await;
    let engine = engine(vec![]);
    for path in ["/endless", "/ten-gigabytes", "/bomb"] {
        let run = walk(&engine, vec![shop(&site, path)]).await;
        let failure = failed(&run, FaultKind::TooLarge);
        assert_eq!(
            failure.message, "the body is larger than the 1048576 bytes of `max_body`",
            "{path}"
        );
        assert!(run.evidence.as_ref().unwrap().exchanges[0].truncated);
    }
    // What the server could write is what lay in socket buffers.
    assert!(site.written.load(Ordering::SeqCst) < 64 << 20);
}

#[tokio::test]
async fn deadlines_say_whose_they_were() {
    let site = Site::start(None, |asked| match asked.path.as_str() {
        "/hang" => Reply::Hang(Vec::new()),
        "/headers" => Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
        "/body" => Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec()),
        _ => answer(200, &[], ""),
    })
    .await;
    let engine = engine(vec![]);
    let limit = Duration::from_millis(150);
    for (path, part) in [
        ("/hang", "the step's deadline of 150ms passed while waiting for the answer"),
        ("/headers", "the step's deadline of 150ms passed while waiting for the answer"),
        ("/body", "the step's deadline of 150ms passed while the body was read"),
    ] {
        let run = walk(&engine, vec![shop(&site, "/"), shop(&site, path).within(limit)]).await;
        let failure = failed(&run, FaultKind::Timeout);
        assert_eq!(failure.message, part);
        assert!(run.steps[1].duration >= limit);
        assert_eq!(run.steps[1].outcome, StepOutcome::Failed);
    }
    let steps = vec![shop(&site, "/"), shop(&site, "/hang").within(Duration::from_secs(20))];
    let run: Run = engine.walk(ticket(steps, Duration::from_millis(400), &Values::default())).await;
    is_consistent(&run);
    let failure = failed(&run, FaultKind::Timeout);
    assert!(failure.message.starts_with("the journey's deadline of 400ms passed"));
    let body = walk(&engine, vec![shop(&site, "/body").within(limit)]).await;
    let exchange = &body.evidence.as_ref().unwrap().exchanges[0];
    assert_eq!((exchange.response_body.as_deref(), exchange.truncated), (Some("abc"), true));
}

#[tokio::test]
async fn connections_that_break() {
    let site = Site::start(None, |asked| match asked.path.as_str() {
        "/reset" => Reply::Reset,
        "/close" => Reply::Close(Vec::new()),
        "/short" => Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_vec()),
        "/chunk" => {
            Reply::Close(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab".to_vec())
        }
        "/garbage" => Reply::Close(b"\x16\x03\x01 SSH-2.0-nonsense\r\n\r\n".to_vec()),
        "/size" => {
            Reply::Close(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc".to_vec())
        }
        _ => Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-more: header\r\n".to_vec()),
    })
    .await;
    let engine = engine(vec![]);
    for (path, kind) in [
        ("/reset", FaultKind::Reset),
        ("/close", FaultKind::Reset),
        ("/short", FaultKind::Reset),
        ("/chunk", FaultKind::Reset),
        ("/garbage", FaultKind::Protocol),
        ("/size", FaultKind::Protocol),
        ("/headers", FaultKind::Protocol),
    ] {
        let run = walk(&engine, vec![shop(&site, path)]).await;
        let failure = failed(&run, kind);
        println!("{path}: {}", failure.message);
        assert_eq!(hops(&run).len(), 1);
    }
}

#[tokio::test]
async fn no_address_and_no_listener() {
    let engine = engine(vec![]);
    let run = walk(&engine, vec![get("http://nowhere.invalid/")]).await;
    let failure = failed(&run, FaultKind::Dns);
    assert_eq!(failure.message, "the name nowhere.invalid has no address");
    assert!(hops(&run)[0].phases.connect.is_zero());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for host in ["127.0.0.1", "shop.test"] {
        let run = walk(&engine, vec![get(format!("http://{host}:{port}/"))]).await;
        let failure = failed(&run, FaultKind::Connect);
        assert_eq!(failure.message, format!("http://{host}:{port} refused the connection"));
        assert!(run.evidence.as_ref().unwrap().curl.starts_with("curl -i http://"));
    }
}

/// The other half of `without_sockets_nobody_is_blamed`: runs in a process of its own, because it uses up all its files.
#[tokio::test]
#[ignore = "started by without_sockets_nobody_is_blamed"]
async fn with_all_files_used_up() {
    let engine = engine(vec![]);
    let mut open = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        open.push(file);
        assert!(open.len() < 100_000, "the limit is not in force");
    }
    for url in [
        "http://127.0.0.1:1/",
        "http://shop.test:1/",
        "http://localhost:1/",
        "http://name-without-files.example/",
    ] {
        let run = walk(&engine, vec![get(url)]).await;
        assert!(matches!(run.outcome, Outcome::Broken { .. }), "{url}: {:?}", run.outcome);
        assert_eq!(run.steps[0].outcome, StepOutcome::Broken);
        println!("{url}: {}", broken(&run));
    }
}

#[test]
fn without_sockets_nobody_is_blamed() {
    let this = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg("ulimit -n 64 && exec \"$0\" --ignored --exact --nocapture hostile::with_all_files_used_up")
        .arg(this)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed") && said.contains("no socket can be opened"), "{said}");
}
