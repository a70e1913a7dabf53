//! An agent that watches the small API server.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::server::Server;

/// Longest wait for something that will happen.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// A folder with settings, and the agent on it while it runs.
pub(crate) struct Agent {
    dir: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Agent {
    /// With `more` in `[kubernetes.eu]`.
    pub(crate) fn start(server: &Server, more: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::create_dir(dir.path().join("journeys")).unwrap();
        let settings = format!(
            "[agent]\nlisten = \"127.0.0.1:{port}\"\ndata = \"test.db\"\n\n[environments.production]\nbase_url = \"http://127.0.0.1:1\"\n\n\
             [services.checkout]\nowner = \"team\"\n\n[kubernetes.eu]\nkubeconfig = \"kube.config\"\n{more}\n"
        );
        fs::write(dir.path().join("wayfarer.toml"), settings).unwrap();
        fs::write(dir.path().join("kube.config"), server.kubeconfig()).unwrap();
        let mut agent = Self { dir, port, child: None };
        agent.run();
        agent
    }

    /// Starts it, again after [`Self::kill`].
    pub(crate) fn run(&mut self) {
        let log = self.dir.path().join("agent.log");
        let log = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
            .args(["-c", self.dir.path().to_str().unwrap(), "agent"])
            .env_remove("WAYFARER_LOG")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        eventually("the agent", || {
            self.get("/readyz").filter(|answer| answer.starts_with("HTTP/1.1 200"))
        });
    }

    /// Ends it at once, as a machine that fails does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let ask = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// The changes of the log, newest first.
    pub(crate) fn changes(&self) -> Vec<Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
            .args(["-c", self.dir.path().to_str().unwrap(), "change", "list", "--json"])
            .env_remove("WAYFARER_URL")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        said["changes"].as_array().unwrap().iter().map(|row| row["change"].clone()).collect()
    }

    /// Waits until the log has a change like that.
    pub(crate) fn change(&self, what: &str, test: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || self.changes().into_iter().find(&test))
    }

    /// Posts a webhook.
    pub(crate) fn post(&self, path: &str, body: &Value) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = body.to_string();
        let ask = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(ask.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }

    /// Whether the metrics say that a resource is watched.
    pub(crate) fn watched(&self, resource: &str, namespace: &str) -> Option<bool> {
        let metrics = self.get("/metrics").unwrap();
        let is = |line: &&str| {
            line.starts_with("wayfarer_kubernetes_watch_up{")
                && line.contains(&format!("resource=\"{resource}\""))
                && line.contains(&format!("namespace=\"{namespace}\""))
        };
        metrics.lines().find(is).map(|line| line.ends_with(" 1"))
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("agent.log")).unwrap()
    }

    /// Waits until the log says this.
    pub(crate) fn says(&self, word: &str) {
        eventually(word, || self.log().contains(word).then_some(()));
    }

    /// Everything that is on disk.
    pub(crate) fn disk(&self) -> Vec<u8> {
        fn bytes(folder: &Path, all: &mut Vec<u8>) {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                match entry.path() {
                    path if path.is_dir() => bytes(&path, all),
                    path if path.ends_with("kube.config") => {}
                    path => all.extend(fs::read(path).unwrap()),
                }
            }
        }
        let mut all = Vec::new();
        bytes(self.dir.path(), &mut all);
        all
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
