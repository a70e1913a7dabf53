//! What a browser journey costs beside bare WebDriver commands: until its first action, for each action, and in our own memory.
//!
//! `cargo bench --bench browser` (three minutes; `-- --quick` a fifth of it). The bare side sends the same commands to a chromedriver of its own over one kept
//! connection. See README.md beside this file.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail by panicking")]
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark needs the clock and its own arguments")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use wayfarer::{
    clock::Clock,
    config::{self, SourceFile},
    engine::{Engine, EngineSettings, Ticket},
    model::{Environment, Journey, Outcome, Run, RunId, Trigger},
};

const PAGE: &str = "<!doctype html><title>t</title><button>Buy</button><p id=n>0</p><script>let n = 0; document.querySelector('button').onclick = () => { document.querySelector('#n').textContent = ++n; };</script>";

/// The arguments of both sides' browsers.
const WORDS: [&str; 4] = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"];

fn main() {
    // `cargo test --all-targets` starts benches too, without this word.
    let arguments: Vec<String> = std::env::args().collect();
    if !arguments.iter().any(|word| word == "--bench") {
        return;
    }
    if Command::new("chromedriver").arg("--version").output().is_err() {
        return println!("there is no chromedriver");
    }
    let quick = arguments.iter().any(|word| word == "--quick");
    let site = Site::start();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        first_action(&site, if quick { 5 } else { 15 }).await;
        actions(&site, if quick { 40 } else { 150 }).await;
        memory(&site, if quick { 20 } else { 100 }).await;
    });
}

/// Serves the page, and knows when it was asked for.
struct Site {
    base: String,
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl Site {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || serve(stream, &noted));
            }
        });
        Self { base, asked }
    }

    /// When the page was first asked for since then.
    fn first(&self) -> Instant {
        self.asked.lock().unwrap().drain(..).next().unwrap()
    }
}

fn serve(mut stream: TcpStream, asked: &Mutex<Vec<Instant>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut line, mut first) = (String::new(), String::new());
        loop {
            line.clear();
            if lines.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if first.is_empty() {
                first.clone_from(&line);
            }
            if line == "\r\n" {
                break;
            }
        }
        let body = if first.contains("favicon") { "" } else { PAGE };
        if !body.is_empty() {
            asked.lock().unwrap().push(Instant::now());
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

/// A bare chromedriver and a connection to it.
struct Bare {
    driver: Child,
    connection: BufReader<TcpStream>,
    session: String,
}

impl Bare {
    fn start() -> Self {
        let mut command = Command::new("chromedriver");
        let mut driver = command.arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let said = lines.map(Result::unwrap).find_map(|line| {
            Some(
                line.split_once("successfully on port ")?
                    .1
                    .trim_end_matches('.')
                    .parse::<u16>()
                    .unwrap(),
            )
        });
        let stream = TcpStream::connect(("127.0.0.1", said.unwrap())).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut bare = Self { driver, connection: BufReader::new(stream), session: String::new() };
        let options = json!({ "browserName": "chrome", "goog:chromeOptions": { "args": WORDS } });
        let made =
            bare.ask("POST", "/session", &json!({ "capabilities": { "alwaysMatch": options } }));
        bare.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        bare
    }

    fn post(&mut self, path: &str, body: &Value) -> Value {
        let path = format!("{}/{path}", self.session);
        self.ask("POST", &path, body)
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line).unwrap();
            if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body).unwrap();
        let mut answer: Value = serde_json::from_slice(&body).unwrap();
        answer["value"].take()
    }

    fn end(mut self) {
        let path = self.session.clone();
        self.ask("DELETE", &path, &Value::Null);
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

fn engine() -> Engine {
    let guard = Some(PathBuf::from(env!("CARGO_BIN_EXE_wayfarer")));
    Engine::new(EngineSettings { guard, ..EngineSettings::default() }).unwrap()
}

fn journey(base: &str, actions: &str) -> Journey {
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    let main = file("wayfarer.toml", format!("[environments.bench]\nbase_url = \"{base}\"\n"));
    let text = format!(
        "name = \"visit\"\nenvironments = [\"bench\"]\nevery = \"1h\"\ntimeout = \"10m\"\n[[step]]\nname = \"look\"\n[step.browser]\nopen = \"{{{{base_url}}}}/\"\ndo = [{actions}]\n"
    );
    let config = config::load(&main, &[file("journeys/visit.toml", text)]).unwrap();
    config.journeys.into_iter().next().unwrap()
}

async fn walk(engine: &Engine, journey: &Journey, base: &str) -> Run {
    let environment = Environment {
        name: "bench".into(),
        vars: BTreeMap::from([("base_url".to_owned(), base.to_owned())]),
        network: Default::default(),
        secrets: BTreeMap::new(),
        transport: Default::default(),
        client_key: None,
    };
    let run = engine.walk(Ticket {
        id: RunId::at(Clock.now()),
        journey: Arc::new(journey.clone()),
        environment: Arc::new(environment),
        location: "bench".into(),
        due: Clock.now(),
        trigger: Trigger::Manual,
        deployed: Vec::new(),
        vars: BTreeMap::new(),
    });
    let run = run.await;
    assert_eq!(run.outcome, Outcome::Passed);
    run
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// From nothing to the moment the page is asked for, in turns.
async fn first_action(site: &Site, rounds: usize) {
    let (engine, journey) = (engine(), journey(&site.base, ""));
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let began = Instant::now();
        walk(&engine, &journey, &site.base).await;
        ours.push(millis(site.first() - began));
        let began = Instant::now();
        let mut driver = Bare::start();
        driver.post("url", &json!({ "url": site.base }));
        bare.push(millis(site.first() - began));
        driver.end();
    }
    let (ours, bare) = (median(ours), median(bare));
    println!(
        "start to first action: ours {ours:.0} ms, bare {bare:.0} ms, ratio {:.2}",
        ours / bare
    );
}

/// Clicks, beside find and click sent bare: the medians of a click.
async fn actions(site: &Site, clicks: usize) {
    let engine = engine();
    let click = r#"{ click = { role = "button", name = "Buy" } },"#;
    let (many, none) = (journey(&site.base, &click.repeat(clicks)), journey(&site.base, ""));
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let began = Instant::now();
        walk(&engine, &none, &site.base).await;
        let without = began.elapsed();
        let began = Instant::now();
        walk(&engine, &many, &site.base).await;
        ours.push(millis(began.elapsed().saturating_sub(without)) / clicks as f64);
        let mut driver = Bare::start();
        driver.post("url", &json!({ "url": site.base }));
        let find = json!({ "using": "css selector", "value": "button" });
        let mut all = Vec::new();
        for _ in 0..clicks {
            let began = Instant::now();
            let found = driver.post("element", &find);
            let id = found["element-6066-11e4-a52e-4f735466cecf"].as_str().unwrap().to_owned();
            driver.post(&format!("element/{id}/click"), &json!({}));
            all.push(millis(began.elapsed()));
        }
        bare.push(median(all));
        driver.end();
    }
    let (ours, bare) = (median(ours), median(bare));
    println!(
        "a click: ours {ours:.1} ms, find and click bare {bare:.1} ms, over it {:.1} ms",
        ours - bare
    );
}

/// What this process itself holds over many runs.
async fn memory(site: &Site, runs: usize) {
    let (engine, journey) =
        (engine(), journey(&site.base, r#"{ click = { role = "button", name = "Buy" } }"#));
    let mut held = Vec::new();
    for _ in 0..runs {
        walk(&engine, &journey, &site.base).await;
        held.push(resident());
    }
    let tenth = held[runs / 10];
    println!(
        "memory of our own: {tenth} kB after {} runs, {} kB after {runs}",
        runs / 10 + 1,
        held[runs - 1]
    );
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}
