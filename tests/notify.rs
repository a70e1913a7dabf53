//! What leaves for receivers: each against a small server that behaves like it, also in its ways of failing; the whole agent, killed and started
//! again; and a real Alertmanager.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

#[path = "notify/agent.rs"]
mod agent;
#[path = "notify/alertmanager.rs"]
mod alertmanager;
#[path = "notify/channels.rs"]
mod channels;
#[path = "notify/mail.rs"]
mod mail;
#[path = "notify/quiet.rs"]
mod quiet;
#[path = "notify/server.rs"]
mod server;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A port of loopback that is free now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Asks until it is so; panics after half a minute.
fn until<T>(what: &str, mut so: impl FnMut() -> Option<T>) -> T {
    let begin = begin();
    loop {
        if let Some(found) = so() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[expect(clippy::disallowed_methods, reason = "a test waits for other programs")]
fn begin() -> Instant {
    Instant::now()
}

/// One request; the answer as it stands, or nothing where nobody answers.
fn ask(port: u16, method: &str, path: &str, token: Option<&str>, body: &str) -> String {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return String::new() };
    let token = token.map(|t| format!("authorization: Bearer {t}\r\n")).unwrap_or_default();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: localhost\r\n{token}content-length: {length}\r\n\r\n{body}"
    );
    if stream.write_all(request.as_bytes()).is_err() {
        return String::new();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok();
    answer
}

/// A folder with settings and one journey that is hardly ever walked.
fn folder(port: u16, receivers: &str) -> tempfile::TempDir {
    let dir = tempfile::TempDir::new().unwrap();
    let settings = format!(
        "[agent]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"https://w.example\"\n\
         [environments.production]\nbase_url = \"http://127.0.0.1:9\"\n\
         [[token]]\nname = \"jane\"\nscope = \"admin\"\nsecret = {{ env = \"ADMIN\" }}\n{receivers}"
    );
    fs::write(dir.path().join("wayfarer.toml"), settings).unwrap();
    fs::create_dir(dir.path().join("journeys")).unwrap();
    let journey = "name = \"home\"\nservices = [\"shop\"]\nenvironments = [\"production\"]\nevery = \"1h\"\n\
                   [[step]]\nname = \"home\"\n[step.http]\nurl = \"{{base_url}}/\"\n";
    fs::write(dir.path().join("journeys/home.toml"), journey).unwrap();
    dir
}

/// What the secrets of a test's receivers are.
fn secrets() -> BTreeMap<&'static str, String> {
    [
        ("ADMIN", "admin-4f8c11".to_owned()),
        ("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
        ("PD_KEY", "R0UT1NGKEY77".to_owned()),
    ]
    .into()
}

/// `wayfarer` in a folder.
fn wayfarer(folder: &Path, variables: &BTreeMap<&str, String>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wayfarer"));
    command.args(arguments).current_dir(folder).envs(variables).env("NO_COLOR", "1");
    command
}

/// An agent that is up.
fn agent(folder: &Path, port: u16, variables: &BTreeMap<&str, String>) -> Running {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let child =
        wayfarer(folder, variables, &["agent"]).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let running = Running(child);
    until("the agent's start", || {
        ask(port, "GET", "/readyz", None, "").contains(" 200 ").then_some(())
    });
    running
}

/// Logs a change.
fn log(port: u16, body: &str) {
    let answer = ask(port, "POST", "/api/v1/changes", None, body);
    assert!(answer.contains(" 200 "), "{answer}");
}
