//! nginx: HTTPS with an authority of our own and a certificate asked of the client, and HTTP/2.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use serde_json::Value;

use super::{Running, folder, free_port, installed, told, wayfarer};

/// Signs certificates; its own is at `root`.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), root }
    }

    /// A certificate and its key, both as PEM.
    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        params.not_after = rcgen::date_time_ymd(2090, 1, 1);
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// nginx with four doors: TLS, TLS for those who show a certificate, HTTP/2 and HTTP/1.1 without TLS.
struct Nginx {
    tls: u16,
    mutual: u16,
    http2: u16,
    plain: u16,
    authority: Authority,
    /// Its folder, with `access.log`.
    home: tempfile::TempDir,
    _process: Running,
}

fn nginx() -> Option<Nginx> {
    let program = installed(&["/usr/sbin/nginx", "/usr/bin/nginx"].map(PathBuf::from))?;
    // Somebody else may take a port between the look and nginx.
    let started = (0..5).find_map(|_| start(&program));
    Some(started.unwrap_or_else(|| panic!("{} does not start", program.display())))
}

fn start(program: &Path) -> Option<Nginx> {
    let home = tempfile::TempDir::new().unwrap();
    let authority = Authority::new("an authority of our own");
    let (certificate, key) = authority.sign("shop.test", ExtendedKeyUsagePurpose::ServerAuth);
    let [tls, mutual, http2, plain] = [(); 4].map(|()| free_port());
    let put = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
    put("server.pem", &certificate);
    put("server.key", &key);
    put("clients.pem", &authority.root);
    put("nginx.conf", &configuration([tls, mutual, http2, plain]));
    let child = Command::new(program)
        .args(["-p", ".", "-c", "nginx.conf", "-e", "error.log"])
        .current_dir(home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut process = Running(child);
    for _ in 0..200 {
        if process.0.try_wait().unwrap().is_some() {
            return None;
        }
        if [tls, mutual, http2, plain].iter().all(|p| TcpStream::connect(("127.0.0.1", *p)).is_ok())
        {
            return Some(Nginx { tls, mutual, http2, plain, authority, home, _process: process });
        }
        thread::sleep(Duration::from_millis(25));
    }
    None
}

/// One process that stays with us and writes nowhere but here; it tells what it saw of whoever asks.
fn configuration([tls, mutual, http2, plain]: [u16; 4]) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {kind};\n"))
        .concat();
    let seen = "default_type application/json;\n\
        location / { return 200 '{\"protocol\":\"$server_protocol\",\"client\":\"$ssl_client_s_dn\"}'; }\n\
        location /asked { add_header www-authenticate 'Basic realm=here' always; return 401; }\n";
    let certificate = "ssl_certificate server.pem; ssl_certificate_key server.key;";
    let demand = "ssl_client_certificate clients.pem; ssl_verify_client on;";
    format!(
        "daemon off; master_process off; pid nginx.pid; events {{ }}\n\
         http {{\n{temporary}\
         log_format seen '$server_port $connection $server_protocol $request_uri $status';\n\
         access_log access.log seen;\n\
         server {{ listen 127.0.0.1:{tls} ssl http2; {certificate}\n{seen}}}\n\
         server {{ listen 127.0.0.1:{mutual} ssl; {certificate} {demand}\n{seen}}}\n\
         server {{ listen 127.0.0.1:{http2} http2;\n{seen}}}\n\
         server {{ listen 127.0.0.1:{plain};\n{seen}}}\n}}\n"
    )
}

impl Nginx {
    /// Settings for a port of it; `more` stands in the environment.
    fn settings(&self, scheme: &str, port: u16, more: &str) -> String {
        format!(
            "[environments.here]\nbase_url = \"{scheme}://shop.test:{port}\"\nresolve = {{ \"shop.test\" = \"127.0.0.1\" }}\n{more}"
        )
    }

    /// For each request to a port: the number of its connection and the protocol.
    fn seen(&self, port: u16) -> Vec<(String, String)> {
        let log = fs::read_to_string(self.home.path().join("access.log")).unwrap();
        let rows = log.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        rows.filter(|row| row[0] == port.to_string())
            .map(|row| (row[1].to_owned(), row[2].to_owned()))
            .collect()
    }
}

/// A folder for a journey, with certificate files beside the settings.
fn place(settings: &str, journey: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = folder(settings, &[journey]);
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

/// The whole runs of `wayfarer run --json`.
fn runs(dir: &Path, code: i32, more: &[&str]) -> Vec<Value> {
    let output = wayfarer(dir, "", &[&["run", "--json"], more].concat());
    let (text, ended) = told(&output);
    assert_eq!(ended, Some(code), "{text}");
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    all["runs"].as_array().unwrap().clone()
}

/// What a run says of each of its hops.
fn of_hops<'a>(run: &'a Value, what: &str) -> Vec<&'a Value> {
    let steps = run["steps"].as_array().unwrap().iter();
    steps.flat_map(|step| step["hops"].as_array().unwrap()).map(|hop| &hop[what]).collect()
}

const KEY: &str = "ca = \"ca.pem\"\n\
    client_certificate = { certificate = \"client.pem\", key = { file = \"client.key\" } }\n";

#[test]
fn nginx_lets_in_whoever_shows_a_certificate() {
    let Some(nginx) = nginx() else { return };
    let settings = nginx.settings("https", nginx.mutual, KEY);
    let (client, key) = nginx.authority.sign("probe", ExtendedKeyUsagePurpose::ClientAuth);
    let files =
        [("ca.pem", nginx.authority.root.as_str()), ("client.pem", &client), ("client.key", &key)];
    let dir = place(&settings, "certificates.toml", &files);
    let (text, code) = told(&wayfarer(dir.path(), "", &["check"]));
    assert_eq!(code, Some(0), "{text}");
    let run = &runs(dir.path(), 0, &[])[0];
    let first = &of_hops(run, "phases_ms")[0];
    for phase in ["connect", "tls", "processing"] {
        assert!(first[phase].as_f64().unwrap() > 0.0, "{phase}: {first}");
    }
    let (text, code) = told(&wayfarer(dir.path(), "", &["run"]));
    assert_eq!(code, Some(0), "{text}");
    let pem: Vec<&str> = key.lines().filter(|line| line.len() > 40).collect();
    assert!(!pem.is_empty() && pem.iter().all(|line| !text.contains(line)), "{text}");
}

#[test]
fn without_a_certificate_nginx_says_what_it_wanted() {
    let Some(nginx) = nginx() else { return };
    let root = [("ca.pem", nginx.authority.root.as_str())];
    let settings = nginx.settings("https", nginx.mutual, "ca = \"ca.pem\"\n");
    let dir = place(&settings, "certificates.toml", &root);
    let (text, code) = told(&wayfarer(dir.path(), "", &["run"]));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("No required SSL certificate was sent"), "{text}");
    assert!(text.contains("400"), "{text}");
    // One that somebody else signed does not help.
    let (client, key) = Authority::new("somebody").sign("x", ExtendedKeyUsagePurpose::ClientAuth);
    let files = [root[0], ("client.pem", &client), ("client.key", &key)];
    let settings = nginx.settings("https", nginx.mutual, KEY);
    let dir = place(&settings, "certificates.toml", &files);
    let (text, code) = told(&wayfarer(dir.path(), "", &["run"]));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("SSL certificate error"), "{text}");
}

#[test]
fn an_authority_that_we_do_not_trust_is_a_fault_of_tls() {
    let Some(nginx) = nginx() else { return };
    let other = Authority::new("another authority");
    for (more, files) in [("", &[][..]), ("ca = \"ca.pem\"\n", &[("ca.pem", other.root.as_str())])]
    {
        let settings = nginx.settings("https", nginx.tls, more);
        let dir = place(&settings, "http2.toml", files);
        let run = &runs(dir.path(), 4, &[])[0];
        assert_eq!(run["outcome"]["kind"], "tls", "{run:#}");
        let message = run["outcome"]["message"].as_str().unwrap();
        assert!(message.contains("certificate"), "{message}");
    }
    // Only whoever says so goes in all the same, and it is told.
    let settings = nginx.settings("https", nginx.tls, "insecure = true\n");
    let dir = place(&settings, "http2.toml", &[]);
    let (text, code) = told(&wayfarer(dir.path(), "", &["check"]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("insecure"), "{text}");
    assert_eq!(runs(dir.path(), 0, &[])[0]["insecure"], true);
}

#[test]
fn http2_is_agreed_on_or_not() {
    let Some(nginx) = nginx() else { return };
    let settings = nginx.settings("https", nginx.tls, "ca = \"ca.pem\"\n");
    let files = [("ca.pem", nginx.authority.root.as_str())];
    let dir = place(&settings, "http2.toml", &files);
    let runs = runs(dir.path(), 0, &["--repeat", "2"]);
    for run in &runs {
        let versions = ["HTTP/2", "HTTP/2", "HTTP/1.1", "HTTP/2", "HTTP/2"];
        assert_eq!(of_hops(run, "version"), versions);
        assert_eq!(of_hops(run, "reused"), [false, true, false, true, false]);
    }
    // What nginx says of that: three connections a run, and none that a later run took over.
    let seen = nginx.seen(nginx.tls);
    let protocols: Vec<&str> = seen.iter().map(|(_, protocol)| protocol.as_str()).collect();
    let each = ["HTTP/2.0", "HTTP/2.0", "HTTP/1.1", "HTTP/2.0", "HTTP/2.0"];
    assert_eq!(protocols, [each, each].concat());
    let mut numbers: Vec<&String> = seen.iter().map(|(number, _)| number).collect();
    assert_eq!(numbers[0], numbers[1]);
    assert_eq!(numbers[0], numbers[3]);
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 6);
}

#[test]
fn http2_without_tls_is_spoken_where_it_is_said() {
    let Some(nginx) = nginx() else { return };
    let dir = place(&nginx.settings("http", nginx.http2, ""), "prior-knowledge.toml", &[]);
    let run = &runs(dir.path(), 0, &[])[0];
    assert_eq!(of_hops(run, "version"), ["HTTP/2", "HTTP/2"]);
    assert_eq!(of_hops(run, "reused"), [false, true]);
    let protocols: Vec<String> = nginx.seen(nginx.http2).into_iter().map(|(_, p)| p).collect();
    assert_eq!(protocols, ["HTTP/2.0", "HTTP/2.0"]);
    // A server that does not speak it is at fault, and is said to be.
    let dir = place(&nginx.settings("http", nginx.plain, ""), "prior-knowledge.toml", &[]);
    let run = &runs(dir.path(), 4, &[])[0];
    let message = run["outcome"]["message"].as_str().unwrap();
    assert!(message.contains("HTTP/2"), "{message}");
}
