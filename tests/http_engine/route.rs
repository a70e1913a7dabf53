//! Ways to a target: certificates of both sides, versions, addresses, proxies.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use axum::{Router, http::Version, routing::get as route};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use wayfarer::model::{
    Attachment, Connection, FaultKind, HttpVersion, IpFamily, Proxy, Query, Text, Transport,
};

use crate::{
    authority::Authority,
    journey::{Values, With, broken, engine, failed, get, hops, passed, walk_with},
    served::{Served, serve, serve_with, spawn},
    site::{Site, answer},
};

fn over(transport: Transport) -> Values<'static> {
    Values { transport, ..Values::default() }
}

fn ca(authority: &Authority) -> Attachment {
    Attachment::new("ca.pem", authority.pem().as_bytes())
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_named() {
    let authority = Authority::new();
    let tls = authority.acceptor(&["shop.test"], 2085, &[]);
    let site = Site::start(Some(tls), |_| answer(200, &[], "")).await;
    let engine = engine(vec![]);
    let step = || vec![get(format!("https://shop.test:{}/", site.port()))];
    let trusting = over(Transport { ca: Some(ca(&authority)), ..Transport::default() });
    let insecure = over(Transport { insecure: true, ..Transport::default() });
    for _ in 0..2 {
        let run = walk_with(&engine, step(), &Values::default()).await;
        failed(&run, FaultKind::Tls);
        assert!(!run.insecure);
        let run = walk_with(&engine, step(), &trusting).await;
        passed(&run);
        assert!(!run.insecure);
        let run = walk_with(&engine, step(), &insecure).await;
        passed(&run);
        assert!(run.insecure, "a run says that nothing was verified");
        assert!(hops(&run)[0].certificate_expires_at.is_some());
    }
    // Wrong name and expired: an insecure environment takes everything, as it says.
    let stale = Authority::named("other").acceptor(&["other.test"], 2021, &[]);
    let site = Site::start(Some(stale), |_| answer(200, &[], "")).await;
    let step = vec![get(format!("https://shop.test:{}/", site.port()))];
    passed(&walk_with(&engine, step, &insecure).await);
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate() {
    let authority = Authority::new();
    let (certificate, key) = authority.client("probe");
    for tls13 in [true, false] {
        let tls = authority.mutual(&["shop.test"], tls13);
        let site = Site::start(Some(tls), |_| answer(200, &[], "")).await;
        let engine = engine(vec![]);
        let step = || vec![get(format!("https://shop.test:{}/", site.port()))];
        let mut transport = Transport { ca: Some(ca(&authority)), ..Transport::default() };
        let run = walk_with(&engine, step(), &over(transport.clone())).await;
        let failure = failed(&run, FaultKind::Tls);
        assert!(failure.message.contains("certificate"), "{}", failure.message);
        transport.client_certificate = Some(Attachment::new("c.pem", certificate.as_bytes()));
        let values = Values { client_key: Some(&key), ..over(transport.clone()) };
        passed(&walk_with(&engine, step(), &values).await);
        let (_, other) = authority.client("other");
        let values = Values { client_key: Some(&other), ..over(transport.clone()) };
        let run = walk_with(&engine, step(), &values).await;
        assert!(broken(&run).contains("the client's certificate and its key"), "{run:?}");
        let values = Values { client_key: Some("no key: hunter22"), ..over(transport) };
        let run = walk_with(&engine, step(), &values).await;
        let reason = broken(&run);
        assert!(reason.contains("not an unencrypted PEM private key"), "{reason}");
        assert!(!reason.contains("hunter22"));
    }
}

#[tokio::test]
async fn versions_by_agreement_and_fixed() {
    async fn spoken(version: Version) -> String {
        format!("{version:?}")
    }
    let routes = Router::new().route("/", route(spoken));
    let authority = Authority::new();
    let tls = authority.acceptor(&["shop.test"], 2085, &["h2", "http/1.1"]);
    let (secure, _secure) = serve_with(Some(tls), routes.clone()).await;
    let (plain, _plain) = serve(routes).await;
    let old = authority.acceptor(&["shop.test"], 2085, &["http/1.1"]);
    let old = Site::start(Some(old), |_| answer(200, &[], "")).await;
    let engine = engine(vec![authority.root()]);
    let urls = [format!("https://shop.test:{}/", secure.port()), format!("http://{plain}/")];
    for (version, spoken) in [
        (HttpVersion::Auto, ["HTTP/2", "HTTP/1.1"]),
        (HttpVersion::Http1, ["HTTP/1.1", "HTTP/1.1"]),
        (HttpVersion::Http2, ["HTTP/2", "HTTP/2"]),
    ] {
        let steps = urls.iter().flat_map(|url| {
            let step = get(url.clone()).http(|http| http.version = version);
            [step.clone(), step]
        });
        let run = walk_with(&engine, steps.collect(), &Values::default()).await;
        passed(&run);
        let hops = hops(&run);
        let versions: Vec<_> = hops.iter().map(|h| h.version.as_deref().unwrap()).collect();
        assert_eq!(versions, [spoken[0], spoken[0], spoken[1], spoken[1]]);
        assert_eq!(hops.iter().map(|h| h.reused).collect::<Vec<_>>(), [false, true, false, true]);
    }
    let step = get(format!("https://shop.test:{}/", old.port()))
        .http(|http| http.version = HttpVersion::Http2);
    let run = walk_with(&engine, vec![step], &Values::default()).await;
    let failure = failed(&run, FaultKind::Tls);
    assert!(failure.message.contains("application protocol"), "{}", failure.message);
}

#[tokio::test]
async fn a_fresh_connection_pays_for_everything_again() {
    let authority = Authority::new();
    let tls = authority.acceptor(&["shop.test"], 2085, &[]);
    let site = Site::start(Some(tls), |_| answer(200, &["set-cookie: a=b"], "")).await;
    let url = format!("https://shop.test:{}/", site.port());
    let fresh = || get(url.clone()).http(|http| http.connection = Some(Connection::Fresh));
    let steps = vec![get(url.clone()), get(url.clone()), fresh(), get(url.clone()), fresh()];
    let run = walk_with(&engine(vec![authority.root()]), steps, &Values::default()).await;
    passed(&run);
    let hops = hops(&run);
    let reused: Vec<_> = hops.iter().map(|h| h.reused).collect();
    assert_eq!(reused, [false, true, false, true, false]);
    for hop in [0, 2, 4] {
        let phases = &hops[hop].phases;
        assert!(!phases.resolve.is_zero() && !phases.connect.is_zero() && !phases.tls.is_zero());
    }
    assert!(site.asked()[2].header("cookie").is_some(), "cookies stay");
}

#[tokio::test]
async fn addresses_are_pinned_and_families_chosen() {
    let site = Site::start(None, |asked| answer(200, &[], asked.header("host").unwrap())).await;
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    let pinned = over(Transport {
        resolve: BTreeMap::from([("pinned.example".to_owned(), loopback)]),
        ..Transport::default()
    });
    let url = format!("http://Pinned.example:{}/", site.port());
    let run = walk_with(&engine(vec![]), vec![get(url)], &pinned).await;
    passed(&run);
    assert_eq!(hops(&run)[0].peer, Some(site.address));
    let of = |family| {
        get(format!("http://localhost:{}/", site.port())).http(|http| http.ip = Some(family))
    };
    passed(&walk_with(&engine(vec![]), vec![of(IpFamily::V4)], &Values::default()).await);
    let run = walk_with(&engine(vec![]), vec![of(IpFamily::V6)], &Values::default()).await;
    // A machine may have no `::1` for the name; never is the server asked over IPv4.
    assert_ne!(run.outcome.label(), "passed");
    assert_eq!(site.asked().len(), 2);
    // An address is of one family, whatever the step asks for: the mistake is ours.
    let step =
        get(format!("http://127.0.0.1:{}/", site.port())).http(|http| http.ip = Some(IpFamily::V6));
    let run = walk_with(&engine(vec![]), vec![step], &Values::default()).await;
    assert!(broken(&run).contains("`ip = \"6\"`"), "{run:?}");
    assert_eq!(site.asked().len(), 2);
}

#[tokio::test]
async fn headers_of_the_environment_yield_to_those_of_the_step() {
    let site = Site::start(None, |_| answer(200, &[], "")).await;
    let header = |name: &str, value: &str| (name.to_owned(), Text::from(value));
    let values = Values {
        secrets: &[("key", "key-hunter22")],
        ..over(Transport {
            headers: vec![
                header("X-Probe", "{{journey}}"),
                header("User-Agent", "ours"),
                header("X-Key", "{{key}}"),
                header("X-Own", "environment"),
            ],
            ..Transport::default()
        })
    };
    let step = get(format!("http://shop.test:{}/", site.port())).header("x-own", "step");
    passed(&walk_with(&engine(vec![]), vec![step], &values).await);
    let asked = &site.asked()[0];
    for (name, value) in [
        ("x-probe", "checkout"),
        ("user-agent", "ours"),
        ("x-key", "key-hunter22"),
        ("x-own", "step"),
    ] {
        assert_eq!(asked.header(name), Some(value));
    }
    assert_eq!(asked.head.to_lowercase().matches("x-own").count(), 1);
}

/// A proxy that asks for `user` and `hunter22`, and notes what it is asked for.
async fn proxy(refuse: bool) -> (u16, Arc<Mutex<Vec<String>>>, Served) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    let task = async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            open.spawn(async move {
                let mut bytes = vec![0; 8192];
                let length = stream.read(&mut bytes).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
                let line = head.lines().next().unwrap_or_default().to_owned();
                log.lock().unwrap().push(line.clone());
                // user:hunter22
                if !head.to_lowercase().contains("proxy-authorization: basic dxnlcjpodw50zxiymg==")
                    && !head.contains("Basic dXNlcjpodW50ZXIyMg==")
                {
                    let refusal =
                        b"HTTP/1.1 407 X\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(refusal).await.ok();
                    return;
                }
                if refuse {
                    stream.write_all(b"HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n").await.ok();
                    return;
                }
                let port: u16 = line
                    .split(':')
                    .next_back()
                    .and_then(|p| p.split(['/', ' ']).next()?.parse().ok())
                    .unwrap_or_default();
                let mut target = match line.strip_prefix("CONNECT ") {
                    Some(to) => {
                        let port = to.split([':', ' ']).nth(1).unwrap();
                        let target = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
                        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                        target
                    }
                    None => {
                        let port = line
                            .split("://")
                            .nth(1)
                            .and_then(|rest| rest.split([':', '/']).nth(1))
                            .map_or(port, |p| p.parse().unwrap());
                        let mut target = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                        target.write_all(&bytes[..length]).await.unwrap();
                        target
                    }
                };
                copy_bidirectional(&mut stream, &mut target).await.ok();
            });
        }
    };
    (port, asked, spawn(task))
}

fn through(port: u16, password: Option<&str>, authority: &Authority) -> Values<'static> {
    Values {
        secrets: &[("proxy_password", "hunter22")],
        ..over(Transport {
            proxy: Some(Proxy {
                address: Text(format!("http://127.0.0.1:{port}")),
                user: password.map(|_| Text::from("user")),
                password: password.map(Text::from),
            }),
            ca: Some(ca(authority)),
            ..Transport::default()
        })
    }
}

#[tokio::test]
async fn through_a_proxy() {
    let authority = Authority::new();
    let tls = authority.acceptor(&["shop.test"], 2085, &[]);
    let secure = Site::start(Some(tls), |_| answer(200, &[], "tea")).await;
    let plain = Site::start(None, |_| answer(200, &[], "tea")).await;
    let (port, asked, _proxy) = proxy(false).await;
    let secure_url = format!("https://shop.test:{}/s", secure.port());
    let plain_url = format!("http://nowhere.example:{}/p", plain.port());
    let steps = vec![get(secure_url.clone()), get(secure_url), get(plain_url)];
    let values = through(port, Some("{{proxy_password}}"), &authority);
    let run = walk_with(&engine(vec![]), steps, &values).await;
    passed(&run);
    let hops = hops(&run);
    assert_eq!(hops.iter().map(|h| h.reused).collect::<Vec<_>>(), [false, true, false]);
    // The proxy is at the other end of the connection; the handshake and the certificate are the target's.
    assert_eq!(hops[0].peer.map(|p| p.port()), Some(port));
    assert!(!hops[0].phases.connect.is_zero() && !hops[0].phases.tls.is_zero(), "{:?}", hops[0]);
    assert!(hops[0].certificate_expires_at.is_some());
    assert!(hops[2].phases.tls.is_zero());
    assert_eq!(
        *asked.lock().unwrap(),
        [
            format!("CONNECT shop.test:{} HTTP/1.1", secure.port()),
            format!("GET http://nowhere.example:{}/p HTTP/1.1", plain.port())
        ]
    );
    assert!(secure.asked()[0].header("proxy-authorization").is_none());
}

#[tokio::test]
async fn whose_fault_it_is_behind_a_proxy() {
    let authority = Authority::new();
    let url = || {
        vec![get("https://shop.test:443/").expect(Query::status(), crate::journey::status(200.0))]
    };
    let engine = engine(vec![]);
    let (port, _, _proxy) = proxy(false).await;
    let run = walk_with(&engine, url(), &through(port, None, &authority)).await;
    assert!(broken(&run).contains("does not take our credentials (status 407)"), "{run:?}");
    let run = walk_with(&engine, url(), &through(port, Some("wrong-{{run_id}}"), &authority)).await;
    assert!(broken(&run).contains("407"), "{run:?}");
    let (closed, _, _refusing) = proxy(true).await;
    let values = through(closed, Some("{{proxy_password}}"), &authority);
    let run = walk_with(&engine, url(), &values).await;
    let failure = failed(&run, FaultKind::Connect);
    assert!(failure.message.contains("opened no tunnel to https://shop.test:443"), "{failure:?}");
    for step in [url().remove(0), get("http://shop.test:80/")] {
        let run = walk_with(&engine, vec![step], &through(1, None, &authority)).await;
        let reason = broken(&run);
        assert!(reason.contains("the proxy http://127.0.0.1:1 cannot be reached"), "{reason}");
    }
}
