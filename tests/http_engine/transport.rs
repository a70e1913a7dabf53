//! Phases, connections, TLS.

use std::{io, sync::atomic::Ordering, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use wayfarer::model::{FaultKind, Hop, Query, Run};

use crate::{
    authority::{Authority, self_signed},
    journey::{
        Values, With, engine, failed, get, hops, is_consistent, passed, status, ticket, walk,
    },
    site::{Reply, Site, answer, chunked, silent},
};

fn shape(hop: &Hop) -> [bool; 5] {
    hop.phases.named().map(|(_, length)| !length.is_zero())
}

#[tokio::test]
async fn a_new_connection_has_every_phase_and_a_kept_one_two() {
    let authority = Authority::new();
    let tls = authority.acceptor(&["shop.test"], 2085, &["http/1.1"]);
    let secure = Site::start(Some(tls), |_| answer(200, &[], "x".repeat(300_000))).await;
    let plain = Site::start(None, |_| answer(200, &[], "tea")).await;
    let engine = engine(vec![authority.root()]);
    let run = walk(
        &engine,
        vec![
            get(format!("https://shop.test:{}/", secure.port())),
            get(format!("https://shop.test:{}/", secure.port())),
            get(format!("http://shop.test:{}/", plain.port())),
            get(format!("http://{}/", plain.address)),
        ],
    )
    .await;
    passed(&run);
    let hops = hops(&run);
    assert_eq!(shape(hops[0]), [true, true, true, true, true], "{:?}", hops[0]);
    assert_eq!(shape(hops[1])[..4], [false, false, false, true], "{:?}", hops[1]);
    assert_eq!(shape(hops[2])[..4], [true, true, false, true], "{:?}", hops[2]);
    // A literal address is not looked up, and is another host to the pool.
    assert_eq!(shape(hops[3])[..4], [false, true, false, true], "{:?}", hops[3]);
    assert_eq!(hops.iter().map(|h| h.reused).collect::<Vec<_>>(), [false, true, false, false]);
    assert_eq!(hops[0].peer, Some(secure.address));
    assert_eq!(hops[1].peer, Some(secure.address));
    assert_eq!(hops[0].version.as_deref(), Some("HTTP/1.1"));
    assert_eq!(hops[0].body_bytes, 300_000);
    for hop in &hops[..2] {
        let ends = hop.certificate_expires_at.unwrap();
        assert_eq!(ends.to_string(), "2085-01-01T00:00:00Z");
    }
    assert_eq!(hops[2].certificate_expires_at, None);
    let offsets: Vec<_> = hops.iter().map(|hop| (hop.offset, hop.offset + hop.duration)).collect();
    assert!(offsets.windows(2).all(|w| w[0].1 <= w[1].0), "{offsets:?}");
}

#[tokio::test]
async fn time_goes_to_the_phase_it_was_spent_in() {
    let delay = Duration::from_millis(60);
    let site = Site::start(None, move |_| {
        Reply::Later(delay, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec())
    })
    .await;
    let run = walk(&engine(vec![]), vec![get(format!("http://shop.test:{}/", site.port()))]).await;
    assert!(hops(&run)[0].phases.processing >= delay, "{run:?}");
}

#[tokio::test]
async fn connections_are_kept_within_a_run_and_never_between_runs() {
    let site = Site::start(None, |_| answer(200, &[], "tea")).await;
    let engine = engine(vec![]);
    let url = format!("http://shop.test:{}/", site.port());
    for run in 1..=3 {
        passed(&walk(&engine, vec![get(url.clone()), get(url.clone()), get(url.clone())]).await);
        assert_eq!(site.connections.load(Ordering::SeqCst), run);
    }
    assert_eq!(site.asked().last().unwrap().connection, 3);
}

#[tokio::test]
async fn no_tls_session_and_no_cookie_outlives_a_run() {
    let authority = Authority::new();
    let tls = authority.acceptor(&["shop.test"], 2085, &[]);
    let site = Site::start(Some(tls), |asked| {
        let known = asked.header("cookie").is_some();
        answer(
            if known { 409 } else { 200 },
            &["set-cookie: a=b; Max-Age=1000", "connection: close"],
            "",
        )
    })
    .await;
    let engine = engine(vec![authority.root()]);
    for _ in 0..2 {
        let run = walk(&engine, vec![get(format!("https://shop.test:{}/", site.port()))]).await;
        passed(&run);
        // A resumed handshake would have shown no certificate.
        assert!(hops(&run)[0].certificate_expires_at.is_some());
    }
}

#[tokio::test]
async fn a_closed_connection_is_made_again_and_its_certificate_known() {
    let authority = Authority::new();
    let tls = authority.acceptor(&["shop.test"], 2085, &[]);
    let site = Site::start(Some(tls), |_| {
        Reply::Close(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec())
    })
    .await;
    let url = format!("https://shop.test:{}/", site.port());
    let run = walk(&engine(vec![authority.root()]), vec![get(url.clone()), get(url)]).await;
    passed(&run);
    for hop in hops(&run) {
        assert!(!hop.reused && hop.certificate_expires_at.is_some(), "{hop:?}");
        assert_eq!(shape(hop)[..4], [true, true, true, true], "{hop:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_finds_the_connection_of_the_step_before() {
    let site = Site::start(None, |asked| match &*asked.path {
        "/chunked" => chunked("tea"),
        "/empty" => answer(204, &[], ""),
        _ => answer(200, &[], "tea"),
    })
    .await;
    let url = |i: usize| {
        format!("http://shop.test:{}/{}", site.port(), ["chunked", "empty", "tea"][i % 3])
    };
    let engine = engine(vec![]);
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let steps = (0..20).map(|i| get(url(i))).collect();
        runs.spawn(engine.walk(ticket(steps, Duration::from_secs(60), &Values::default())));
    }
    while let Some(run) = runs.join_next().await {
        let run: Run = run.unwrap();
        passed(&run);
        is_consistent(&run);
        let reused: Vec<_> = hops(&run).iter().map(|hop| hop.reused).collect();
        assert!(!reused[0] && reused[1..].iter().all(|reused| *reused), "{reused:?}");
    }
    let connections: std::collections::BTreeSet<_> =
        site.asked().iter().map(|asked| asked.connection).collect();
    assert_eq!(connections.len(), 32);
}

#[tokio::test]
async fn a_connection_that_was_closed_without_a_word_is_made_again() {
    let site = Site::start(None, |_| {
        Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntea".to_vec())
    })
    .await;
    let url = format!("http://shop.test:{}/", site.port());
    let run = walk(&engine(vec![]), (0..4).map(|_| get(url.clone())).collect()).await;
    passed(&run);
    for hop in hops(&run) {
        assert!(!hop.reused && !hop.phases.connect.is_zero(), "{hop:?}");
        assert_eq!(hop.phases.total(), hop.duration);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    let authority = Authority::new();
    let engine = engine(vec![authority.root()]);
    let stranger = Authority::named("nobody");
    for (acceptor, part) in [
        (
            authority.acceptor(&["other.test"], 2085, &[]),
            "wrong name: it is for other.test, not shop.test",
        ),
        (self_signed(true), "is self-signed and marked as an authority's (CA:TRUE)"),
        (self_signed(false), "is self-signed: no authority vouches for it"),
        (authority.acceptor(&["shop.test"], 2021, &[]), "has expired (on 2021-01-01T00:00:00Z)"),
        (
            stranger.acceptor(&["shop.test"], 2085, &[]),
            "issuer (CN=nobody) is not trusted here; to trust it, name a PEM file",
        ),
    ] {
        let site = Site::start(Some(acceptor), |_| answer(200, &[], "")).await;
        let run = walk(&engine, vec![get(format!("https://shop.test:{}/", site.port()))]).await;
        let failure = failed(&run, FaultKind::Tls);
        assert!(failure.message.contains(part), "{}", failure.message);
        let hop = hops(&run)[0];
        assert!(!hop.phases.tls.is_zero() && hop.phases.processing.is_zero(), "{hop:?}");
        assert!(hop.certificate_expires_at.is_some());
        assert_eq!(site.asked().len(), 0);
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://shop.test:{}/", listener.local_addr().unwrap().port());
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    };
    let engine = engine(vec![]);
    let run = tokio::select! {
        () = serve => unreachable!(),
        run = walk(&engine, vec![get(url)]) => run,
    };
    let failure = failed(&run, FaultKind::Tls);
    assert!(failure.message.contains("does not speak TLS here"), "{}", failure.message);
    assert!(!failure.message.contains("Invalid"), "{}", failure.message);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_a_timeout_in_tls() {
    let (address, task) = silent().await;
    let step =
        get(format!("https://shop.test:{}/", address.port())).within(Duration::from_millis(150));
    let run = walk(&engine(vec![]), vec![step]).await;
    let failure = failed(&run, FaultKind::Timeout);
    assert_eq!(failure.message, "the step's deadline of 150ms passed in the TLS handshake");
    assert!(!hops(&run)[0].phases.tls.is_zero());
    task.abort();
}

#[tokio::test]
async fn http_2_by_alpn() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["shop.test"], 2085, &["h2", "http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = acceptor.accept(stream).await.unwrap();
            let service = service_fn(|request: Request<Incoming>| async move {
                if request.uri().path() == "/reset" {
                    return Err(io::Error::other("the stream is reset"));
                }
                Ok(Response::new(Full::new(Bytes::from_static(b"tea"))))
            });
            // One connection after the other is enough: a run keeps its own.
            hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        }
    };
    let engine = engine(vec![authority.root()]);
    let url = format!("https://shop.test:{port}/");
    let step = || get(url.clone()).expect(Query::status(), status(200.0));
    let run = tokio::select! {
        () = serve => unreachable!(),
        run = walk(&engine, vec![step(), step(), step(), get(format!("{url}reset"))]) => run,
    };
    let failure = failed(&run, FaultKind::Reset);
    assert!(failure.message.starts_with("the server ended the stream"), "{}", failure.message);
    assert_eq!(run.steps.len(), 4);
    let hops = hops(&run);
    assert!(hops[..3].iter().all(|hop| hop.version.as_deref() == Some("HTTP/2")), "{hops:?}");
    assert_eq!(hops.iter().map(|h| h.reused).collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(shape(hops[0])[..4], [true, true, true, true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_at_once_stay_apart() {
    fn is_send<T: Send + 'static>(future: T) -> T {
        future
    }
    let site = Site::start(None, |asked| {
        let number = asked.path.trim_start_matches('/').to_owned();
        match asked.header("cookie") {
            None => answer(200, &[&format!("set-cookie: n={number}")], ""),
            Some(cookie) => answer(200, &[], cookie),
        }
    })
    .await;
    let engine = engine(vec![]);
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..64 {
        let url = format!("http://shop.test:{}/{number}", site.port());
        let own = wayfarer::model::Predicate::Equals(wayfarer::model::Literal::Text(
            wayfarer::model::Text(format!("n={number}")),
        ));
        let steps = vec![get(url.clone()), get(url).expect(Query::body(), own)];
        let ticket = ticket(steps, Duration::from_secs(60), &Values::default());
        runs.spawn(is_send(engine.walk(ticket)));
    }
    let mut ids = std::collections::BTreeSet::new();
    while let Some(run) = runs.join_next().await {
        let run: Run = run.unwrap();
        is_consistent(&run);
        passed(&run);
        ids.insert(run.id);
        assert!(!hops(&run)[0].reused && hops(&run)[1].reused);
    }
    assert_eq!(ids.len(), 64);
}
