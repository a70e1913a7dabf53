//! An agent that counts, finds, tells and shows.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::stage::{Came, folder, history, now, said, store, wayfarer};

struct Agent {
    address: String,
    child: Child,
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Agent {
    async fn start(folder: &Path, address: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_wayfarer"))
            .args(["agent", "--config"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { address: address.to_owned(), child };
        for _ in 0..300 {
            if TcpStream::connect(address).await.is_ok() {
                return agent;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the agent does not listen");
    }

    async fn get(&self, path: &str) -> String {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        body.to_owned()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).await).unwrap()
    }

    /// Asks until something holds.
    async fn until(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..600 {
            let answer = self.json(path).await;
            if holds(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path}: {:#}", self.json(path).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burning_budget_is_found_told_once_and_shown() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let receiver = "[[receiver]]\nname = \"ops\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\nfindings = [\"budget_fast\", \"budget_slow\"]\n";
    let journeys = [("checkout", "objective = 99.0"), ("browse", "objective = 99.0")];
    let folder = folder(&address, receiver, &journeys);
    let (store, now) = (store(folder.path()), now());
    let outage = |ago: i64| if ago < 20 { Came::Failed } else { Came::Good };
    history(&store, "checkout", (now, 400), outage).await;
    // One bad run in an hour is 1.7 times what the objective allows, and nobody's business.
    history(&store, "browse", (now, 400), |ago| if ago == 30 { Came::Failed } else { Came::Good })
        .await;
    store.close().await;
    let agent = Agent::start(folder.path(), &address).await;
    let found = agent
        .until("/api/v1/findings?state=open", |answer| answer.to_string().contains("budget_fast"))
        .await;
    let budgets: Vec<&Value> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["kind"].as_str().is_some_and(|kind| kind.starts_with("budget")))
        .collect();
    assert_eq!(budgets.len(), 1, "{found:#}");
    assert_eq!(budgets[0]["journey"], "checkout");
    let summary = budgets[0]["summary"].as_str().unwrap();
    assert!(summary.contains("of the error budget") || summary.contains("is spent"), "{summary}");
    let slo = agent.json("/api/v1/slo?journey=checkout").await;
    assert_eq!(slo["objectives"].as_array().unwrap().len(), 1);
    assert!(["fast", "spent"].contains(&slo["objectives"][0]["state"].as_str().unwrap()));
    let metrics = agent.get("/metrics").await;
    for line in [
        "wayfarer_slo_objective_ratio{environment=\"production\",journey=\"checkout\",location=\"fra1\"} 0.99\n",
        "wayfarer_slo_window_seconds{environment=\"production\",journey=\"checkout\",location=\"fra1\"} 2592000\n",
        "wayfarer_slo_error_budget_remaining_ratio{environment=\"production\",journey=\"browse\",location=\"fra1\"} 0.9",
        "wayfarer_slo_burn_rate{environment=\"production\",journey=\"checkout\",location=\"fra1\",window=\"1h\"}",
        "wayfarer_findings{kind=\"budget_fast\",state=\"open\"} 1\n",
    ] {
        let sorted: Vec<String> = metrics.lines().map(|l| sorted(l) + "\n").collect();
        assert!(sorted.iter().any(|l| l.starts_with(line)), "{line}");
    }
    let page = agent.get("/budgets").await;
    assert!(page.contains("burns fast") || page.contains(">spent<"), "{page}");
    assert!(agent.get("/journeys/checkout").await.contains("id=\"budget\""));
    assert!(agent.get("/").await.contains("budget left"));
    let outbox =
        said(&wayfarer(folder.path(), &["outbox", "--all", "--url", &format!("http://{address}")]));
    assert_eq!(outbox.matches("error budget fast").count(), 1, "{outbox}");
    // A second agent on the same data neither finds nor tells it anew.
    drop(agent);
    let agent = Agent::start(folder.path(), &address).await;
    agent.until("/api/v1/slo", |answer| !answer["counted_at"].is_null()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let again = agent.json("/api/v1/findings?limit=100").await.to_string();
    assert_eq!(again.matches("\"budget_fast\"").count(), 1, "{again}");
}

/// A line of the metrics with its labels in order.
fn sorted(line: &str) -> String {
    let Some((name, rest)) = line.split_once('{') else { return line.to_owned() };
    let Some((labels, value)) = rest.rsplit_once('}') else { return line.to_owned() };
    let mut labels: Vec<&str> = labels.split(',').collect();
    labels.sort_unstable();
    format!("{name}{{{}}}{value}", labels.join(","))
}
