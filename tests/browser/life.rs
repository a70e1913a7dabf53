//! The real program and its browsers: whatever ends a run, not one process and not one folder is left.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::MutexGuard;

use super::{
    site::{Asked, Reply, Site, answer},
    stage::{AGAIN, BUSY, TURN, page},
};

/// Longest wait for something that will happen.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long what is left may take to go once its owner has gone.
const GONE: Duration = Duration::from_secs(5);

/// A folder with a journey, a site, and a place for browsers that is this test's alone.
pub(super) struct House {
    pub(super) folder: TempDir,
    pub(super) site: Site,
    _turn: MutexGuard<'static, ()>,
}

fn pages(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/favicon.ico" => answer(204, &[], ""),
        "/busy" => page("<script>setTimeout(() => { while (true) {} }, 100)</script>busy"),
        "/hungry" => page(
            "<script>const all = []; setInterval(() => { all.push(new Uint8Array(32 << 20).fill(1)); }, 20)</script>hungry",
        ),
        "/never" => Reply::Hang(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9999\r\n\r\n<p>never"
                .to_vec(),
        ),
        _ => page("<title>Shop</title><button>Buy</button>"),
    }
}

impl House {
    /// With a journey of these actions on a page; none, and a word about it, where there is no driver.
    async fn with(path: &str, actions: &str, browser: &str) -> Option<Self> {
        let turn = its_turn().await?;
        let site = Site::start(None, pages).await;
        let port = site.address.port();
        let main = format!(
            "[agent]\nlisten = \"127.0.0.1:0\"\n[environments.test]\nbase_url = \"http://127.0.0.1:{port}\"\n[browser]\nqueue = \"20s\"\n{browser}\n"
        );
        let journey = format!(
            "timeout = \"20s\"\n[step.browser]\nopen = \"{{{{base_url}}}}{path}\"\npatience = \"1s\"\ndo = [{actions}]\n"
        );
        Some(Self::new(turn, site, &main, ("", &journey)))
    }

    /// With settings, and a journey: what stands at its top, and what stands in its step.
    pub(super) fn new(
        turn: MutexGuard<'static, ()>,
        site: Site,
        main: &str,
        (top, step): (&str, &str),
    ) -> Self {
        let journey = format!(
            "name = \"visit\"\nenvironments = [\"test\"]\nevery = \"1h\"\ntimeout = \"25s\"\n{top}\n[[step]]\nname = \"look\"\n{step}"
        );
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("wayfarer.toml"), main).unwrap();
        fs::create_dir(folder.path().join("journeys")).unwrap();
        fs::write(folder.path().join("journeys/visit.toml"), journey).unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder, site, _turn: turn }
    }

    fn tmp(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wayfarer"));
        command.args(words).arg("-c").arg(self.folder.path()).env("TMPDIR", self.tmp());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Walks to the end: exit code, and the run.
    pub(super) fn run(&self) -> (i32, Value) {
        self.run_with(&[])
    }

    /// The same with environment variables.
    pub(super) fn run_with(&self, variables: &[(&str, &str)]) -> (i32, Value) {
        let walk = || {
            let mut command = self.command(&["run", "--json"]);
            told(&command.envs(variables.iter().copied()).output().unwrap())
        };
        let busy =
            |run: &Value| run["outcome"]["reason"].as_str().is_some_and(|r| r.contains(BUSY));
        let mut told = walk();
        for _ in 0..AGAIN {
            if !busy(&told.1) {
                break;
            }
            told = walk();
        }
        told
    }

    /// Starts a walk, and waits until its browser asks for the page and all its processes are there.
    fn begin(&self) -> (Child, BTreeSet<i32>) {
        let child = self.command(&["run", "--json"]).spawn().unwrap();
        eventually("the page to be asked for", || {
            (!self.site.asked.lock().unwrap().is_empty()).then_some(())
        });
        std::thread::sleep(Duration::from_millis(300));
        let there = processes_of(&self.tmp());
        assert!(there.len() > 4, "a browser is there: {there:?}");
        (child, there)
    }

    /// Not one of its processes, not even as a zombie, and not one folder.
    #[track_caller]
    fn is_empty(&self, were: &BTreeSet<i32>) {
        let begin = Instant::now();
        loop {
            let mut left = processes_of(&self.tmp());
            left.extend(were.iter().filter(|pid| Path::new(&format!("/proc/{pid}")).exists()));
            let folders = folders(&self.tmp());
            if left.is_empty() && folders.is_empty() {
                return;
            }
            let lines: Vec<String> = left
                .iter()
                .map(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default())
                .collect();
            assert!(begin.elapsed() < GONE, "left behind: {lines:?} {folders:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The only browser there is; none, and a word about it, where there is no driver.
pub(super) async fn its_turn() -> Option<MutexGuard<'static, ()>> {
    if Command::new("chromedriver").arg("--version").output().is_err() {
        println!("skipped: there is no chromedriver");
        return None;
    }
    Some(TURN.lock().await)
}

fn told(output: &Output) -> (i32, Value) {
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    let told: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{said}"));
    (output.status.code().unwrap_or(-1), told["runs"][0].clone())
}

fn eventually<T>(what: &str, mut test: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = test() {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes that have this folder in their environment or on their command line: guard, driver, browser and whatever came of them.
fn processes_of(folder: &Path) -> BTreeSet<i32> {
    let needle = format!("{}/wayfarer-browsers", folder.display());
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        ["environ", "cmdline"].iter().any(|file| {
            let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).contains(&needle)
        })
    })
    .collect()
}

/// The folders of runs.
fn folders(tmp: &Path) -> Vec<PathBuf> {
    let bases = fs::read_dir(tmp).unwrap().flatten().map(|entry| entry.path());
    let of_browsers = bases.filter(|path| path.to_string_lossy().contains("wayfarer-browsers"));
    of_browsers
        .flat_map(|base| fs::read_dir(base).unwrap().flatten().map(|entry| entry.path()))
        .collect()
}

/// The process among these whose command line begins with a program of this name and holds a word.
fn named(pids: &BTreeSet<i32>, name: &str, without: &str) -> i32 {
    let is_it = |pid: &&i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let program = line.split(['\0', ' ']).next().unwrap_or_default();
        program.ends_with(name) && (without.is_empty() || !line.contains(without))
    };
    *pids.iter().find(is_it).unwrap_or_else(|| panic!("no {name}"))
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn pid(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap()
}

const LONG: &str = r#"{ wait = { time = "15s" } }"#;

/// A driver that looks for a port of its own may find it taken when it comes to listen there: chromedriver ends then, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_driver_whose_port_is_taken_is_started_again() {
    let Some(house) = House::with("/", "", "driver = \"./chromedriver\"").await else { return };
    let driver = house.folder.path().join("chromedriver");
    let script = format!(
        "#!/bin/sh\nif [ ! -e {once} ]; then : > {once}; echo 'IPv4 port not available. Exiting...'; exit 1; fi\nexec chromedriver \"$@\"\n",
        once = house.folder.path().join("once").display()
    );
    fs::write(&driver, script).unwrap();
    fs::set_permissions(&driver, fs::Permissions::from_mode(0o755)).unwrap();
    let main = house.folder.path().join("wayfarer.toml");
    let text = fs::read_to_string(&main).unwrap();
    fs::write(&main, text.replace("./chromedriver", &driver.display().to_string())).unwrap();
    let (code, run) = house.run();
    assert_eq!((code, &run["outcome"]["result"]), (0, &"passed".into()), "{run}");
    assert!(house.folder.path().join("once").exists());
    house.is_empty(&BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_after_a_good_run() {
    let Some(house) = House::with("/", r#"{ wait = { time = "300ms" } }"#, "").await else {
        return;
    };
    let (exit, run) = house.run();
    assert_eq!((exit, &run["outcome"]["result"]), (0, &Value::from("passed")), "{run:#}");
    house.is_empty(&BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_after_a_failed_run() {
    let action = r#"{ click = { role = "button", name = "Sell" } }"#;
    let Some(house) = House::with("/", action, "").await else { return };
    let (exit, run) = house.run();
    assert_eq!(exit, 4, "{run:#}");
    house.is_empty(&BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_never_loads_or_never_rests_ends_in_time() {
    for path in ["/never", "/busy"] {
        let Some(house) = House::with(path, r#"{ click = { text = "busy" } }"#, "").await else {
            return;
        };
        let journey = house.folder.path().join("journeys/visit.toml");
        let text = fs::read_to_string(&journey).unwrap().replace("\"20s\"", "\"4s\"");
        fs::write(&journey, text).unwrap();
        let (exit, run) = house.run();
        assert_eq!(exit, 4, "{run:#}");
        assert!(run["duration_ms"].as_f64().unwrap() < 20_000.0, "{run:#}");
        house.is_empty(&BTreeSet::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_when_we_are_ended() {
    for signal in [Signal::TERM, Signal::KILL, Signal::INT] {
        let Some(house) = House::with("/", LONG, "").await else { return };
        let (mut child, there) = house.begin();
        kill(pid(&child), signal);
        child.wait().unwrap();
        house.is_empty(&there);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_or_browser_that_is_killed_breaks_the_run_and_leaves_nothing() {
    for (name, without) in [("chromedriver", ""), ("chromium", "--type=")] {
        let Some(house) = House::with("/", LONG, "").await else { return };
        let (child, there) = house.begin();
        kill(named(&there, name, without), Signal::KILL);
        let (exit, run) = told(&child.wait_with_output().unwrap());
        assert_eq!(
            (exit, &run["outcome"]["result"]),
            (7, &Value::from("broken")),
            "{name}: {run:#}"
        );
        let text = run.to_string();
        assert!(text.contains("is gone"), "{name}: {run:#}");
        house.is_empty(&there);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_cannot_do_is_done_by_us() {
    let Some(house) = House::with("/", r#"{ wait = { time = "3s" } }"#, "").await else { return };
    let (child, there) = house.begin();
    kill(named(&there, "wayfarer", ""), Signal::KILL);
    child.wait_with_output().unwrap();
    // Nobody but the first process of the machine reaps now: zombies are not asked for.
    house.is_empty(&BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_end_is_swept_by_the_next() {
    let Some(house) = House::with("/", LONG, "").await else { return };
    let (mut child, there) = house.begin();
    kill(named(&there, "wayfarer", ""), Signal::KILL);
    kill(pid(&child), Signal::KILL);
    child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(!folders(&house.tmp()).is_empty() && !processes_of(&house.tmp()).is_empty());
    let journey = house.folder.path().join("journeys/visit.toml");
    fs::write(&journey, fs::read_to_string(&journey).unwrap().replace("15s", "1ms")).unwrap();
    let (exit, run) = house.run();
    assert_eq!(exit, 0, "{run:#}");
    house.is_empty(&BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_eats_memory_fails_and_is_ended() {
    let Some(house) = House::with("/hungry", LONG, "memory_max = \"600MiB\"").await else { return };
    let (exit, run) = house.run();
    let failure = &run["outcome"];
    assert_eq!((exit, &failure["kind"]), (4, &Value::from("page")), "{run:#}");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("`memory_max` is 600 MiB"), "{message}");
    house.is_empty(&BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_stopped_or_killed_leaves_nothing() {
    for signal in [Signal::TERM, Signal::KILL] {
        let Some(house) = House::with("/", r#"{ wait = { time = "3s" } }"#, "").await else {
            return;
        };
        let journey = house.folder.path().join("journeys/visit.toml");
        fs::write(&journey, fs::read_to_string(&journey).unwrap().replace("\"1h\"", "\"5s\""))
            .unwrap();
        let mut agent =
            house.command(&["agent"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("a browser", || (!house.site.asked.lock().unwrap().is_empty()).then_some(()));
        let there = processes_of(&house.tmp());
        kill(pid(&agent), signal);
        agent.wait().unwrap();
        house.is_empty(&there);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_held_until_enter_and_a_window_needs_a_display() {
    let action = r#"{ click = { role = "button", name = "Sell" } }"#;
    let Some(house) = House::with("/", action, "").await else { return };
    let mut command = house.command(&["run", "--pause-on-failure", "--slow-motion", "50ms"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = eventually("the pause", || {
        let line = lines.next()?.ok()?;
        line.contains("failed").then_some(line)
    });
    assert!(said.contains("Step `look` failed: no button \"Sell\""), "{said}");
    let how = lines.next().unwrap().unwrap();
    assert!(how.contains("chrome://inspect") && how.contains("add localhost:"), "{how}");
    assert!(child.try_wait().unwrap().is_none() && processes_of(&house.tmp()).len() > 4);
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    house.is_empty(&BTreeSet::new());
    let mut command = house.command(&["run", "--headed", "--json"]);
    let output = command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap();
    let (exit, run) = told(&output);
    assert_eq!(exit, 7, "{run:#}");
    assert!(run.to_string().contains("there is no display"), "{run:#}");
    house.is_empty(&BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "two minutes; `cargo test --test browser -- --ignored` counts"]
async fn fifty_runs_leave_nothing() {
    let Some(house) =
        House::with("/", r#"{ click = { role = "button", name = "Buy" } }"#, "").await
    else {
        return;
    };
    let begin = Instant::now();
    for nth in 1..=50 {
        let (exit, run) = house.run();
        assert_eq!(exit, 0, "run {nth}: {run:#}");
        house.is_empty(&BTreeSet::new());
    }
    println!("50 runs in {:?}", begin.elapsed());
}
