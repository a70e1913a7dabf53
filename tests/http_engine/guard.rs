//! Places that may not be reached, whichever way leads there; and what servers say of their own time.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use wayfarer::{
    clock::Clock,
    engine::{Engine, EngineSettings},
    model::{Destination, FaultKind, Network, Query},
};

use crate::{
    journey::{Values, With, broken, engine, failed, get, hops, passed, walk, walk_with},
    site::{Site, answer},
};

fn network(allow: &[&str], deny: &[&str]) -> Network {
    let read = |texts: &[&str]| texts.iter().map(|t| Destination::read(t).unwrap()).collect();
    Network { allow: read(allow), deny: read(deny) }
}

fn with(network: Network) -> Values<'static> {
    Values { network, ..Values::default() }
}

#[tokio::test]
async fn a_journey_that_asks_for_metadata_is_our_own_mistake() {
    let engine = engine(vec![]);
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://0251.0376.0251.0376/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://Metadata.Google.Internal./",
    ] {
        let run = walk(&engine, vec![get(url)]).await;
        let reason = broken(&run);
        assert!(reason.contains("may not be reached from this environment"), "{url}: {reason}");
        assert!(hops(&run).is_empty(), "nothing is sent");
    }
}

#[tokio::test]
async fn a_target_that_leads_there_fails() {
    let site = Site::start(None, |asked| match asked.path.as_str() {
        "/away" => answer(302, &["location: http://169.254.169.254/latest/"], ""),
        "/number" => answer(302, &["location: http://2852039166/"], ""),
        _ => answer(200, &[], "http://169.254.169.254/"),
    })
    .await;
    let engine = engine(vec![]);
    let url = |path: &str| format!("http://shop.test:{}{path}", site.port());
    for path in ["/away", "/number"] {
        let run = walk(&engine, vec![get(url(path))]).await;
        let failure = failed(&run, FaultKind::Guard);
        assert!(failure.message.contains("169.254.169.254"), "{failure:?}");
        assert_eq!(hops(&run).len(), 1, "the redirect is seen, not followed");
    }
    let steps = vec![
        get(url("/")).capture("next", Query::body(), false).named("ask"),
        get("{{next}}").named("follow"),
    ];
    let run = walk(&engine, steps).await;
    assert_eq!(failed(&run, FaultKind::Guard).step.as_str(), "follow");
}

#[tokio::test]
async fn a_name_that_turns_out_to_be_such_a_place_fails() {
    let rebound = IpAddr::from([169, 254, 169, 254]);
    let hosts = BTreeMap::from([("rebound.test".to_owned(), rebound)]);
    let engine = Engine::new(EngineSettings { clock: Clock, hosts, ..EngineSettings::default() });
    let engine = engine.unwrap();
    let began = Clock.instant();
    let run = walk(&engine, vec![get("http://rebound.test/").within(Duration::from_secs(5))]).await;
    let failure = failed(&run, FaultKind::Guard);
    assert!(failure.message.contains("rebound.test is 169.254.169.254"), "{failure:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "refused, not timed out");
}

#[tokio::test]
async fn an_environment_says_where_its_steps_may_go() {
    let site = Site::start(None, |asked| match asked.path.as_str() {
        "/elsewhere" => {
            let host = asked.header("host").unwrap_or_default().replace("shop", "other");
            answer(302, &[&format!("location: http://{host}/")], "")
        }
        _ => answer(200, &[], ""),
    })
    .await;
    let engine = engine(vec![]);
    let ask = |host: &str, path: &str| vec![get(format!("http://{host}:{}{path}", site.port()))];
    let allowed = with(network(&["shop.test"], &[]));
    passed(&walk_with(&engine, ask("shop.test", "/"), &allowed).await);
    let run = walk_with(&engine, ask("shop.test", "/elsewhere"), &allowed).await;
    let failure = failed(&run, FaultKind::Guard);
    assert!(failure.message.contains("not among what `network.allow` names"), "{failure:?}");
    broken(&walk_with(&engine, ask("127.0.0.1", "/"), &allowed).await);
    let denied = with(network(&[], &["127.0.0.0/8"]));
    broken(&walk_with(&engine, ask("127.0.0.1", "/"), &denied).await);
    failed(&walk_with(&engine, ask("shop.test", "/"), &denied).await, FaultKind::Guard);
    let both = with(network(&["127.0.0.0/8"], &["other.test"]));
    passed(&walk_with(&engine, ask("shop.test", "/"), &both).await);
    broken(&walk_with(&engine, ask("other.test", "/"), &both).await);
    failed(&walk_with(&engine, ask("shop.test", "/elsewhere"), &both).await, FaultKind::Guard);
}

#[tokio::test]
async fn what_a_server_says_of_its_time_is_kept() {
    let site = Site::start(None, |_| {
        answer(
            200,
            &["server-timing: db;dur=53.2;desc=\"a, b\", app;dur=7", "server-timing: miss"],
            "",
        )
    })
    .await;
    let run = walk(&engine(vec![]), vec![get(format!("http://shop.test:{}/", site.port()))]).await;
    passed(&run);
    let timing = &hops(&run)[0].server_timing;
    let ms = |n: u64| Duration::from_micros(n);
    assert_eq!(timing, &[("db".to_owned(), ms(53_200)), ("app".to_owned(), ms(7_000))]);
}
