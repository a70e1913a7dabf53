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
    model::{BrowserSettings, Driver, Environment, Journey, Outcome, Run, RunId, Trigger},
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
    port: u16,
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
        let port = said.unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut bare = Self {
            driver,
            connection: BufReader::new(stream),
            session: String::new(),
            port: said.unwrap(),
        };
        let options = json!({ "browserName": "chrome", "goog:chromeOptions": { "args": WORDS } });
        let made =
            bare.ask("POST", "/session", &json!({ "capabilities": { "alwaysMatch": options } }));
        bare.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        bare
    }

    /// The median of finding and clicking the button.
    fn click(&mut self, base: &str, clicks: usize) -> f64 {
        self.post("url", &json!({ "url": base }));
        let find = json!({ "using": "css selector", "value": "button" });
        let mut all = Vec::new();
        for _ in 0..clicks {
            let began = Instant::now();
            let found = self.post("element", &find);
            let id = found["element-6066-11e4-a52e-4f735466cecf"].as_str().unwrap().to_owned();
            self.post(&format!("element/{id}/click"), &json!({}));
            all.push(millis(began.elapsed()));
        }
        median(all)
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

/// What passes between us and a driver: how often we asked, and how long the driver was waited for.
#[derive(Default)]
struct Between {
    commands: usize,
    /// From the moment that an answer was passed on to the next question, for each.
    ours: Vec<f64>,
    answered: Option<Instant>,
}

/// Stands between us and a driver, so that our own time is told from the driver's while both do the very same.
fn stand_between(driver: u16, between: &Arc<Mutex<Between>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let between = Arc::clone(between);
    std::thread::spawn(move || {
        for ours in listener.incoming().flatten() {
            let (theirs, between) =
                (TcpStream::connect(("127.0.0.1", driver)).unwrap(), Arc::clone(&between));
            std::thread::spawn(move || pass_on(ours, theirs, &between));
        }
    });
    port
}

fn pass_on(ours: TcpStream, theirs: TcpStream, between: &Mutex<Between>) {
    for stream in [&ours, &theirs] {
        stream.set_nodelay(true).unwrap();
    }
    let (mut ours, mut theirs) = (BufReader::new(ours), BufReader::new(theirs));
    while let Some(question) = message(&mut ours) {
        let asked = Instant::now();
        {
            let mut between = between.lock().unwrap();
            between.commands += 1;
            if let Some(answered) = between.answered.take() {
                between.ours.push(millis(asked - answered));
            }
        }
        theirs.get_mut().write_all(&question).unwrap();
        let Some(answer) = message(&mut theirs) else { return };
        between.lock().unwrap().answered = Some(Instant::now());
        if ours.get_mut().write_all(&answer).is_err() {
            return;
        }
    }
}

/// A whole request or answer.
fn message(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut all, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().ok()?;
        }
        all.extend_from_slice(line.as_bytes());
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    all.extend(body);
    Some(all)
}

/// Clicks: what lies between the driver's answers and our next commands, each click's commands together.
async fn actions(site: &Site, clicks: usize) {
    let mut driver = Bare::start();
    let (found, between) =
        (driver.click(&site.base, clicks), Arc::new(Mutex::new(Between::default())));
    let port = stand_between(driver.port, &between);
    let browser = BrowserSettings {
        driver: Driver::Remote(format!("http://127.0.0.1:{port}")),
        arguments: WORDS.map(str::to_owned).to_vec(),
        ..BrowserSettings::default()
    };
    let engine = Engine::new(EngineSettings { browser, ..EngineSettings::default() }).unwrap();
    let click = r#"{ click = { role = "button", name = "Buy" } },"#;
    let (many, none) = (journey(&site.base, &click.repeat(clicks)), journey(&site.base, ""));
    let tell = async |journey: &Journey| {
        walk(&engine, journey, &site.base).await;
        let told = std::mem::take(&mut *between.lock().unwrap());
        (told.commands, told.ours.iter().sum::<f64>(), told.ours)
    };
    let (other, ours_else, _) = tell(&none).await;
    let (all, ours, each) = tell(&many).await;
    let of_a_click = (all - other) as f64 / clicks as f64;
    println!(
        "a click: {of_a_click:.1} commands, our own time {:.2} ms in the mean, {:.2} ms by the median command; find and click sent bare take {found:.1} ms",
        (ours - ours_else) / clicks as f64,
        median(each) * of_a_click,
    );
    driver.end();
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
