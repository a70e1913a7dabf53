//! A folder with configuration, an agent on it, a target, and a client.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for something that will happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// Waits until `test` gives something.
pub(crate) fn eventually<T>(what: &str, mut test: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = test() {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "waited too long for {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program of Debian's, or none, said.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let found = ["/usr/bin", "/usr/sbin", "/bin", "/usr/local/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        println!("skipped: {name} is not installed (tests/run installs it)");
    }
    found
}

/// Ends with its owner.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A target whose delay and status can be turned while it runs.
pub(crate) struct Target {
    pub(crate) port: u16,
    delay_ms: Arc<AtomicU64>,
    pay_ms: Arc<AtomicU64>,
    status: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Target {
    pub(crate) fn start() -> Self {
        // Two loopback addresses: two hosts, for whoever needs two connections.
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        let listeners = [Some(first), TcpListener::bind(("127.0.0.2", port)).ok()];
        let delay_ms = Arc::new(AtomicU64::new(5));
        let pay_ms = Arc::new(AtomicU64::new(0));
        let status = Arc::new(AtomicU64::new(200));
        let stop = Arc::new(AtomicBool::new(false));
        for listener in listeners.into_iter().flatten() {
            let (delay, code, end) = (delay_ms.clone(), status.clone(), stop.clone());
            let pay = pay_ms.clone();
            thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if end.load(Ordering::Relaxed) {
                        return;
                    }
                    let (delay, pay, code) = (delay.clone(), pay.clone(), code.clone());
                    thread::spawn(move || answer(stream, [&delay, &pay], &code));
                }
            });
        }
        Self { port, delay_ms, pay_ms, status, stop }
    }

    pub(crate) fn delay(&self, ms: u64) {
        self.delay_ms.store(ms, Ordering::Relaxed);
    }

    /// How much longer `/pay` takes than anything else.
    pub(crate) fn delay_pay(&self, ms: u64) {
        self.pay_ms.store(ms, Ordering::Relaxed);
    }

    pub(crate) fn status(&self, status: u64) {
        self.status.store(status, Ordering::Relaxed);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for host in ["127.0.0.1", "127.0.0.2"] {
            drop(TcpStream::connect((host, self.port)));
        }
    }
}

fn answer(mut stream: TcpStream, [delay, pay]: [&AtomicU64; 2], status: &AtomicU64) {
    let mut asked = [0_u8; 4096];
    while stream.read(&mut asked).is_ok_and(|read| read > 0) {
        let more = if asked.starts_with(b"GET /pay") { pay.load(Ordering::Relaxed) } else { 0 };
        reply(&mut stream, delay.load(Ordering::Relaxed) + more, status);
    }
}

fn reply(stream: &mut TcpStream, delay: u64, status: &AtomicU64) {
    // A little noise, so that the series is one that real targets give.
    let noise = u64::from(Instant::now().elapsed().subsec_nanos() % 3);
    thread::sleep(Duration::from_millis(delay + noise));
    let code = status.load(Ordering::Relaxed);
    let text = format!("HTTP/1.1 {code} X\r\ncontent-length: 2\r\n\r\nok");
    stream.write_all(text.as_bytes()).ok();
}

/// A folder with configuration.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) port: u16,
}

impl Site {
    /// A site whose `production` is at `base_url`; `more` goes into wayfarer.toml.
    pub(crate) fn new(base_url: &str, more: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let port = free_port();
        fs::create_dir(dir.path().join("journeys")).unwrap();
        let settings = format!(
            "[agent]\nlocation = \"test\"\nlisten = \"127.0.0.1:{port}\"\ndata = \"test.db\"\ndrain = \"5s\"\n\n\
             [environments.production]\nbase_url = \"{base_url}\"\n\n{more}\n"
        );
        fs::write(dir.path().join("wayfarer.toml"), settings).unwrap();
        Self { dir, port }
    }

    /// Writes a journey of one step, atomically, as editors do.
    pub(crate) fn journey(&self, name: &str, service: &str, every: &str, path: &str) {
        let text = format!(
            "name = \"{name}\"\nservices = [\"{service}\"]\nenvironments = [\"production\"]\nevery = \"{every}\"\n\
             timeout = \"5s\"\n\n[[step]]\nname = \"open\"\n[step.http]\nurl = \"{{{{base_url}}}}{path}\"\n"
        );
        self.write(&format!("journeys/{name}.toml"), &text);
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let (part, whole) = (self.dir.path().join("part.tmp"), self.dir.path().join(file));
        fs::write(&part, text).unwrap();
        fs::rename(part, whole).unwrap();
    }

    /// The command on this folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wayfarer"));
        command.args(["-c", self.dir.path().to_str().unwrap()]).args(arguments);
        command.env_remove("WAYFARER_URL").env_remove("WAYFARER_TOKEN");
        command
    }

    /// Runs the command to its end: exit code, standard output, standard error.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }

    /// Starts the agent and waits until it is ready; its log goes to `agent.log`.
    pub(crate) fn agent(&self) -> Running {
        self.agent_with(&[], "debug")
    }

    /// The same with environment variables, logging at a level.
    pub(crate) fn agent_with(&self, variables: &[(&str, &str)], level: &str) -> Running {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("agent.log"))
            .unwrap();
        let child = self
            .command(&["--log-format", "json", "--log-level", level, "agent"])
            .envs(variables.iter().copied())
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let running = Running(child);
        eventually("the agent to be ready", || (self.get("/readyz")?.0 == 200).then_some(()));
        running
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("agent.log")).unwrap_or_default()
    }

    /// Status and body of a GET, if anybody answers.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        self.ask("GET", path, &[], "")
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path).expect("the agent answers");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// One request of HTTP/1.1 by hand, so that nothing is tidied up.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let host = headers.iter().any(|(k, _)| k.eq_ignore_ascii_case("host"));
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        if !host {
            text += &format!("host: 127.0.0.1:{}\r\n", self.port);
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            dechunked(body)
        } else {
            body.to_owned()
        };
        Some((status, body))
    }

    pub(crate) fn metrics(&self) -> String {
        self.get("/metrics").expect("the agent answers").1
    }
}

fn dechunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        whole += &rest[..size];
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

/// Sends a signal by name.
pub(crate) fn signal(running: &Running, name: &str) {
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
}
