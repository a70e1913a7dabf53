//! Metrics as Prometheus meets them, with nginx from Debian as the target.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use super::support::{Running, Site, eventually, free_port, program, signal};

/// nginx on a free port with one page, as an own process in a folder of its own.
fn nginx(dir: &std::path::Path) -> Option<(Running, u16)> {
    let nginx = program("nginx")?;
    let port = free_port();
    fs::write(dir.join("index.html"), "<h1>Hello</h1>").unwrap();
    let root = dir.display();
    let conf = format!(
        "daemon off; master_process off; pid {root}/nginx.pid; error_log {root}/error.log;\n\
         events {{}}\nhttp {{ access_log off; client_body_temp_path {root}/b; proxy_temp_path {root}/p;\n\
         fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s; gzip on; gzip_min_length 1;\n\
         server {{ listen 127.0.0.1:{port}; root {root}; location = /old {{ return 302 /index.html; }} }} }}\n"
    );
    fs::write(dir.join("nginx.conf"), conf).unwrap();
    let child = Command::new(nginx)
        .args(["-c", dir.join("nginx.conf").to_str().unwrap(), "-p", dir.to_str().unwrap()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    eventually("nginx", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    Some((running, port))
}

#[test]
fn prometheus_scrapes_what_promtool_approves() {
    let dir = tempfile::TempDir::new().unwrap();
    let Some((_nginx, port)) = nginx(dir.path()) else { return };
    let site = Site::new(&format!("http://127.0.0.1:{port}"), "");
    site.journey("home", "shop", "500ms", "/old");
    let mut agent = site.agent();
    let metrics = eventually("a run", || {
        let text = site.metrics();
        text.contains("probe_success{").then_some(text)
    });
    let line = r#"probe_success{journey="home",environment="production",location="test"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    let run = site.json("/api/v1/runs?limit=1")["runs"][0].clone();
    let hops = run["steps"][0]["hops"].as_array().unwrap();
    assert_eq!(hops.len(), 2, "the redirect is a hop of its own: {run}");
    for hop in hops {
        let phases: f64 =
            hop["phases_ms"].as_object().unwrap().values().map(|v| v.as_f64().unwrap()).sum();
        assert!((phases - hop["duration_ms"].as_f64().unwrap()).abs() < 0.01, "{hop}");
    }
    site.ask(
        "POST",
        "/api/v1/changes",
        &[],
        r#"{"id":"m","service":"shop","environment":"production","version":"1\"x"}"#,
    );

    if let Some(promtool) = program("promtool") {
        let mut check = Command::new(promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(site.metrics().as_bytes()).unwrap();
        let said = check.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&said.stderr).into_owned()
            + &String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success() && words.trim().is_empty(), "promtool: {words}");
    }
    if let Some(prometheus) = program("prometheus") {
        let listen = free_port();
        let conf = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: wayfarer\n    static_configs:\n      - targets: ['127.0.0.1:{}']\n",
            site.port
        );
        fs::write(dir.path().join("prometheus.yml"), conf).unwrap();
        let child = Command::new(prometheus)
            .arg(format!("--config.file={}", dir.path().join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{listen}"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let _prometheus = Running(child);
        let asker = Site { dir: tempfile::TempDir::new().unwrap(), port: listen };
        let answer = eventually("Prometheus to answer probe_success", || {
            let (status, body) = asker.get("/api/v1/query?query=probe_success")?;
            (status == 200 && body.contains("\"journey\":\"home\"")).then_some(body)
        });
        assert!(answer.contains(",\"1\"]"), "{answer}");
    }

    signal(&agent, "TERM");
    let status = agent.0.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{}", site.log());
}
