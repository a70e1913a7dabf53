//! The agent at work, what it walks, and how it is asked.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A running agent; it ends with this.
pub(crate) struct House {
    pub(crate) address: String,
    agent: Child,
}

impl Drop for House {
    fn drop(&mut self) {
        drop(self.agent.kill());
        drop(self.agent.wait());
    }
}

impl House {
    /// Starts the agent of a folder on free ports, and what it walks.
    pub(crate) async fn open(folder: &Path) -> Self {
        let target = target().await;
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address").to_string();
        drop(free);
        let settings = folder.join("wayfarer.toml");
        let text = fs::read_to_string(&settings).expect("settings");
        let lines = text.lines().map(|line| match line.split(" = ").next() {
            Some("listen") => format!("listen = \"{address}\""),
            Some("base_url") => format!("base_url = \"http://{target}\""),
            _ => line.to_owned(),
        });
        fs::write(&settings, lines.collect::<Vec<_>>().join("\n")).expect("settings");
        let agent = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
            .args(["agent", "--config"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("agent.log")).expect("a file"))
            .spawn()
            .expect("the agent starts");
        Self { address, agent }
    }

    /// Until it listens and has counted its error budgets, which takes in a month of every journey.
    pub(crate) async fn settled(&self) {
        let begun = Instant::now();
        while TcpStream::connect(&self.address).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(300), "the agent does not listen");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        println!("the agent listens after {:.1} s", begun.elapsed().as_secs_f64());
        loop {
            let budgets = self.ask("/api/v1/slo").await;
            if String::from_utf8_lossy(&budgets).contains("journey-001") {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(300), "no budget is counted");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        println!("its error budgets are counted after {:.1} s", begun.elapsed().as_secs_f64());
        tokio::time::sleep(Duration::from_secs(5)).await;
    }

    /// Asks once; the body. What is no page ends the measurement.
    pub(crate) async fn ask(&self, path: &str) -> Vec<u8> {
        ask(&self.address, path, "").await
    }
}

/// The same, of an agent at an address, as a browser asks for it: compressed. Gives the bytes that came.
pub(crate) async fn browse(address: &str, path: &str) -> usize {
    ask(address, path, "accept-encoding: gzip\r\n").await.len()
}

async fn ask(address: &str, path: &str, more: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/html\r\n{more}connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("it is asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
    answer.split_off(end)
}

/// Answers everything after a few milliseconds; gives where.
async fn target() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                while let Ok(n) = stream.read(&mut asked).await
                    && n > 0
                {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    if stream.write_all(answer).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}
