//! A price that a shop serves as JSON: measured, shown, and judged when it changes with a logged change.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use super::support::{Site, eventually, signal};

const MORE: &str = "[watch]\nwindow = \"4s\"\nmin_runs = 40\nburst = false\nsettle = \"1s\"";

const JOURNEY: &str = r#"name = "buy"
services = ["shop"]
environments = ["production"]
every = "150ms"
timeout = "5s"

[[step]]
name = "cart"
[step.http]
url = "{{base_url}}/cart"
[step.measure]
total = { jsonpath = "$.total", unit = "EUR", worse = "lower" }
rows = { jsonpath = "$.rows" }
gone = { jsonpath = "$.gone" }
"#;

/// A shop whose cart costs so many cents and has so many rows.
fn shop() -> (u16, Arc<AtomicU64>, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (cents, rows) = (Arc::new(AtomicU64::new(1_200)), Arc::new(AtomicU64::new(7)));
    let (price, lines) = (Arc::clone(&cents), Arc::clone(&rows));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (price, lines) = (Arc::clone(&price), Arc::clone(&lines));
            thread::spawn(move || serve(stream, &price, &lines));
        }
    });
    (port, cents, rows)
}

fn serve(mut stream: TcpStream, cents: &AtomicU64, rows: &AtomicU64) {
    let mut asked = [0_u8; 4096];
    while stream.read(&mut asked).is_ok_and(|read| read > 0) {
        thread::sleep(Duration::from_millis(60));
        let (cents, rows) = (cents.load(Ordering::Relaxed), rows.load(Ordering::Relaxed));
        let body = format!("{{\"total\":{}.{:02},\"rows\":{rows}}}", cents / 100, cents % 100);
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).ok();
    }
}

#[test]
fn a_price_that_falls_to_nothing_is_blamed_on_its_change() {
    let (port, cents, rows) = shop();
    let site = Site::new(&format!("http://127.0.0.1:{port}"), MORE);
    site.write("journeys/buy.toml", JOURNEY);
    walked_by_hand(&site);
    let mut agent = site.agent();
    let runs = || site.json("/api/v1/runs?limit=1000")["runs"].as_array().unwrap().len();
    eventually("a baseline", || (runs() >= 70).then_some(()));
    let series = "wayfarer_measure{journey=\"buy\",environment=\"production\",location=\"test\",step=\"cart\",name=\"total\"} ";
    let metrics = site.metrics();
    let line = metrics.lines().find(|l| l.starts_with("wayfarer_measure{")).unwrap().to_owned();
    assert!(
        metrics.contains("name=\"total\"") && !metrics.contains("name=\"gone\""),
        "{series} {line}"
    );

    cents.store(0, Ordering::Relaxed);
    rows.store(20, Ordering::Relaxed);
    let body = r#"{"id":"free","service":"shop","environment":"production","version":"2"}"#;
    assert_eq!(site.ask("POST", "/api/v1/changes", &[], body).unwrap().0, 200);
    eventually("a few runs of the watch", || {
        (site.json("/api/v1/changes/free")["verdicts"][0]["probes"].as_u64()? >= 3).then_some(())
    });
    signal(&agent, "KILL");
    agent.0.wait().unwrap();
    let agent = site.agent();
    let judged = eventually("the watch to end", || {
        let judged = site.json("/api/v1/changes/free");
        (judged["open"] == false).then_some(judged)
    });
    let verdicts = judged["verdicts"].as_array().unwrap();
    let of = |name: &str| {
        verdicts
            .iter()
            .find(|v| v["part"]["measure"] == name)
            .unwrap_or_else(|| panic!("{judged:#}"))
    };
    let (total, lines) = (of("total"), of("rows"));
    assert_eq!((&total["metric"], &total["verdict"]), (&"measure".into(), &"regressed".into()));
    assert_eq!(total["named"], "free");
    let said = total["summary"].as_str().unwrap();
    assert!(said.starts_with("`total` of step `cart`: 12.00 to 0.00 EUR since "), "{said}");
    assert_eq!(
        (total["before"]["p50"].as_f64(), total["after"]["p50"].as_f64()),
        (Some(12.0), Some(0.0))
    );
    // Nobody said which way is for the worse.
    assert_eq!(lines["verdict"], "suspected", "{lines:#}");
    assert_eq!(judged["gate"]["status"], "fail");
    let findings = site.json("/api/v1/findings?state=open")["findings"].as_array().unwrap().clone();
    let mut found: Vec<_> = findings
        .iter()
        .map(|f| (f["part"]["measure"].as_str().unwrap(), f["kind"].as_str().unwrap()))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [("rows", "suspected"), ("total", "regressed")], "{findings:?}");
    let page = site.get("/changes/free").unwrap().1;
    assert!(page.contains("12.00 to 0.00 EUR"), "{page}");
    let page = site.get("/").unwrap().1;
    assert!(page.contains("12.00 to 0.00 EUR") && page.contains("7 to 20"), "{page}");
    let journeys = site.json("/api/v1/journeys");
    assert_eq!(journeys["journeys"][0]["measures"][0]["last"], 0.0, "{journeys}");
    let metrics = site.metrics();
    assert!(
        metrics.contains("metric=\"cart/total\"") && metrics.contains("metric=\"cart/rows\""),
        "{metrics}"
    );
    replayed(&site);

    // As before again: the trouble is over by itself.
    cents.store(1_200, Ordering::Relaxed);
    eventually("the price to be back", || {
        let open = site.json("/api/v1/findings?state=open");
        let open = open["findings"].as_array()?.clone();
        (open.len() == 1 && open[0]["part"]["measure"] == "rows").then_some(())
    });
    fs::remove_file(site.dir.path().join("journeys/buy.toml")).unwrap();
    site.journey("other", "shop", "1h", "/cart");
    eventually("its metrics to go", || {
        (!site.metrics().contains("wayfarer_measure{")).then_some(())
    });
    drop(agent);
}

/// What a person sees who walks it.
fn walked_by_hand(site: &Site) {
    let (code, out, err) = site.run(&["run", "buy", "--env", "production"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("# total 12.00 EUR") && out.contains("# rows 7"), "{out}");
    assert!(out.contains("# gone none: nothing was found"), "{out}");
    let report = site.dir.path().join("report.xml");
    let (code, out, err) = site.run(&[
        "run",
        "buy",
        "--env",
        "production",
        "--json",
        "--junit",
        report.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{err}");
    let runs: serde_json::Value = serde_json::from_str(&out).unwrap();
    let run = &runs["runs"][0];
    let measures = &run["steps"][0]["measures"];
    assert_eq!(
        (&measures[0]["value"], &measures[0]["unit"]),
        (&12.0.into(), &"EUR".into()),
        "{out}"
    );
    let xml = fs::read_to_string(report).unwrap();
    assert!(xml.contains("<property name=\"measure.total\" value=\"12\"/>"), "{xml}");
}

/// The back-test over the agent's own runs says of the measures what the agent said.
fn replayed(site: &Site) {
    let (code, out, err) = site.run(&["backtest", "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["verdicts"]["present"]["regressed"], 1, "{told:#}");
    assert_eq!(told["verdicts"]["present"]["suspected"], 1, "{told:#}");
}
