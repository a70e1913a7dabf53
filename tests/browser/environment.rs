//! What an environment and a journey say of a browser holds in it: headers, names, certificates, proxy, device; and nobody else is spoken to.

use std::{fs, process::Command};

use serde_json::Value;

use super::{
    authority::Authority,
    life::{House, its_turn},
    site::{Asked, Reply, Site, answer},
    stage::page,
};

fn passed(exit: i32, run: &Value) {
    assert_eq!(exit, 0, "{run:#}");
}

fn steps(url: &str, rest: &str) -> String {
    format!("[step.browser]\nopen = \"{url}\"\npatience = \"3s\"\n{rest}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_go_to_the_environment_and_to_nobody_else() {
    let Some(turn) = its_turn().await else { return };
    let site = Site::start(None, |asked: &Asked| match asked.path.as_str() {
        "/" => page(
            "<script>fetch('/own'); const s = document.createElement('img'); s.src = `http://strange.test:${location.port}/third`; document.head.append(s)</script><p>shop</p>",
        ),
        _ => answer(200, &["content-type: text/plain"], "x"),
    })
    .await;
    let port = site.address.port();
    let main = format!(
        "[environments.test]\nbase_url = \"http://shop.test:{port}\"\nresolve = {{ \"shop.test\" = \"127.0.0.1\", \"strange.test\" = \"127.0.0.1\" }}\nsecrets = {{ token = {{ env = \"TOKEN\" }} }}\nheaders = {{ Authorization = \"Bearer {{{{token}}}}\", X-Probe = \"yes\" }}\n"
    );
    let step = steps("{{base_url}}/", "do = [{ wait = { network = \"quiet\" } }]");
    let house = House::new(turn, site, &main, ("", &step));
    let (exit, run) = house.run_with(&[("TOKEN", "open sesame 42")]);
    passed(exit, &run);
    assert!(!run.to_string().contains("open sesame 42"));
    let asked = house.site.asked();
    let of = |path: &str| asked.iter().find(|asked| asked.path == path).unwrap();
    for own in ["/", "/own"] {
        assert_eq!(of(own).header("authorization"), Some("Bearer open sesame 42"), "{own}");
        assert_eq!(of(own).header("x-probe"), Some("yes"));
    }
    let third = of("/third");
    assert!(third.header("host").unwrap().starts_with("strange.test"));
    assert_eq!((third.header("authorization"), third.header("x-probe")), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_by_who_says_so_alone() {
    if Command::new("certutil").arg("-H").output().is_err() {
        println!("skipped: there is no certutil");
        return;
    }
    for (line, trusted) in [("ca = \"ca.pem\"", true), ("", false), ("insecure = true", true)] {
        let Some(turn) = its_turn().await else { return };
        let authority = Authority::new();
        let tls = authority.acceptor(&["shop.test"], 2089, &[]);
        let site = Site::start(Some(tls), |_: &Asked| page("<p>safe</p>")).await;
        let port = site.address.port();
        let main = format!(
            "[environments.test]\nbase_url = \"https://shop.test:{port}\"\nresolve = {{ \"shop.test\" = \"127.0.0.1\" }}\n{line}\n"
        );
        let step = steps("{{base_url}}/", "do = [{ wait = { text = \"safe\" } }]");
        let house = House::new(turn, site, &main, ("", &step));
        fs::write(house.folder.path().join("ca.pem"), authority.pem()).unwrap();
        let (exit, run) = house.run();
        if trusted {
            passed(exit, &run);
        } else {
            assert_eq!((exit, &run["outcome"]["kind"]), (4, &Value::from("tls")), "{run:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_goes_through_the_proxy_and_nobody_else_is_spoken_to() {
    let Some(turn) = its_turn().await else { return };
    // As a proxy it is asked for whole addresses, and answers in their stead.
    let site = Site::start(None, |asked: &Asked| -> Reply {
        if asked.method == "CONNECT" { answer(502, &[], "") } else { page("<p>by proxy</p>") }
    })
    .await;
    let port = site.address.port();
    let main = format!(
        "[environments.test]\nbase_url = \"http://localhost:48089\"\nproxy = \"http://127.0.0.1:{port}\"\n"
    );
    let rest = "do = [{ wait = { text = \"by proxy\" } }, { wait = { time = \"6s\" } }]";
    let house = House::new(turn, site, &main, ("", &steps("{{base_url}}/", rest)));
    let (exit, run) = house.run();
    passed(exit, &run);
    let asked = house.site.asked();
    let strange: Vec<&Asked> =
        asked.iter().filter(|asked| !asked.path.starts_with("http://localhost:48089/")).collect();
    assert!(strange.is_empty() && !asked.is_empty(), "it spoke to: {strange:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_what_the_page_sees() {
    let look = "[step.capture]\nsaw = { script = \"return [innerWidth, innerHeight, devicePixelRatio, navigator.language, new Date(0).getHours(), (1234.5).toLocaleString(), navigator.maxTouchPoints > 0, navigator.userAgent.includes('Mobile')].join(' ')\" }\n";
    for (device, seen) in [
        ("", "1280 800 1 en-US"),
        (
            "browser = { window = \"1000x700\", scale = 2, locale = \"de-DE\", timezone = \"Asia/Tokyo\" }",
            "1000 700 2 de-DE 9 1.234,5 false false",
        ),
        (
            "browser = { mobile = true, window = \"400x800\", scale = 2.5, timezone = \"Asia/Tokyo\" }",
            "400 800 2.5 en-US 9 1,234.5 true true",
        ),
    ] {
        let Some(turn) = its_turn().await else { return };
        let site = Site::start(None, |_: &Asked| {
            page("<meta name=viewport content='width=device-width'><p>shop</p>")
        })
        .await;
        let main = format!(
            "[environments.test]\nbase_url = \"http://127.0.0.1:{}\"\n",
            site.address.port()
        );
        let house = House::new(turn, site, &main, (device, &steps("{{base_url}}/", look)));
        let (exit, run) = house.run();
        passed(exit, &run);
        let saw = run["steps"][0]["captures"]["saw"].as_str().unwrap();
        assert!(saw.starts_with(seen), "{saw}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slower_network_is_slower() {
    let Some(turn) = its_turn().await else { return };
    let site = Site::start(None, |_: &Asked| page("<p>shop</p>")).await;
    let main =
        format!("[environments.test]\nbase_url = \"http://127.0.0.1:{}\"\n", site.address.port());
    let top = "browser = { network = { latency = \"700ms\" } }";
    let house = House::new(turn, site, &main, (top, &steps("{{base_url}}/", "")));
    let (exit, run) = house.run();
    passed(exit, &run);
    assert!(run["duration_ms"].as_f64().unwrap() >= 700.0, "{run:#}");
}
