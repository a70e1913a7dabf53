//! A browser's driver: found, started below a [guard](super::guard), ended.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// How long a driver may take to say its port.
const PORT: Duration = Duration::from_secs(20);

/// How long the guard may take to end everything; it gives up after 20 s itself.
const END: Duration = Duration::from_secs(25);

/// What a driver drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `chromedriver` and what speaks like it: `msedgedriver`.
    Chromium,
    /// `geckodriver`.
    Firefox,
}

/// A driver that runs below its guard.
#[derive(Debug)]
pub(super) struct Guarded {
    /// Where it listens, on loopback.
    pub(super) port: u16,
    /// The process group of driver and browser.
    pub(super) group: Pid,
    /// The guard's child handle. It must not be killed: it is the one who tidies up.
    guard: Child,
    /// The guard ends when this is closed.
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    folder: PathBuf,
}

/// Where and how a driver is started.
#[derive(Debug)]
pub(super) struct Start<'a> {
    /// Our own program.
    pub(super) guard: &'a Path,
    /// Below which all folders of browsers are.
    pub(super) base: &'a Path,
    /// The driver.
    pub(super) program: &'a Path,
    /// Its arguments.
    pub(super) arguments: Vec<OsString>,
}

/// Runs are told apart by it, and so are their folders.
static NTH: AtomicU64 = AtomicU64::new(0);

impl Start<'_> {
    /// Starts the driver and waits until it listens.
    pub(super) async fn start(self) -> Result<Guarded, String> {
        let nth = NTH.fetch_add(1, Ordering::Relaxed);
        let folder = self.base.join(format!("{}-{nth}", std::process::id()));
        make(self.base, &folder).map_err(|e| {
            format!("the browser's folder {} cannot be made: {e}", folder.display())
        })?;
        let mut command = Command::new(self.guard);
        command
            .arg("guard-browser")
            .arg(&folder)
            .arg("--")
            .arg(self.program)
            .args(self.arguments)
            // Signals of a terminal go to the agent alone.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(false);
        let spawned = command.spawn().map_err(|e| {
            std::fs::remove_dir_all(&folder).ok();
            format!("the browser's guard {} cannot be started: {e}", self.guard.display())
        })?;
        let guarded = tokio::time::timeout(PORT, listening(spawned, folder)).await;
        guarded.map_err(|_| format!("{} said no port in 20s", self.program.display()))?
    }
}

/// Makes a folder that only we can look into.
fn make(base: &Path, folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::create_dir_all(base)?;
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

/// Reads what the guard says until the driver listens.
async fn listening(mut guard: Child, folder: PathBuf) -> Result<Guarded, String> {
    let gone = || "the browser's guard has no pipes".to_owned();
    let stdin = guard.stdin.take();
    let mut lines = BufReader::new(guard.stdout.take().ok_or_else(gone)?).lines();
    let mut group = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let told: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(pid) = told.get("driver").and_then(Value::as_i64) {
            group = i32::try_from(pid).ok().and_then(Pid::from_raw);
        }
        if let Some(ended) = ended(&told) {
            return Err(format!("the driver did not start: {ended}"));
        }
        let port = told.get("port").and_then(Value::as_u64).and_then(|p| u16::try_from(p).ok());
        if let (Some(port), Some(group)) = (port, group) {
            return Ok(Guarded { port, group, guard, stdin, lines, folder });
        }
    }
    let output = guard.wait_with_output().await;
    let said = output.map(|o| String::from_utf8_lossy(&o.stderr).trim().to_owned());
    Err(format!("the browser's guard ended: {}", said.unwrap_or_default()))
}

/// How the driver ended by itself, in words.
fn ended(told: &Value) -> Option<String> {
    let how = told.get("ended")?.as_str()?;
    let said = told.get("said").and_then(Value::as_array).into_iter().flatten();
    let last = said.filter_map(Value::as_str).filter(|line| !line.is_empty()).next_back();
    Some(last.map_or_else(|| how.to_owned(), |last| format!("{how}; it said last: {last}")))
}

impl Guarded {
    /// How the driver ended, where it has.
    pub(super) async fn ended(&mut self) -> Option<String> {
        let line = tokio::time::timeout(Duration::from_millis(200), self.lines.next_line()).await;
        match line {
            Ok(Ok(Some(line))) => ended(&serde_json::from_str(&line).ok()?),
            Ok(_) => Some("its guard has gone".to_owned()),
            Err(_) => None,
        }
    }

    /// Ends driver and browser, and waits until nothing of them is left.
    pub(super) async fn end(mut self) -> Result<(), String> {
        drop(self.stdin.take());
        match tokio::time::timeout(END, self.guard.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            // The guard itself was ended: what it would have done is left to us.
            Ok(_) => {
                kill_process_group(self.group, Signal::KILL).ok();
                std::fs::remove_dir_all(&self.folder).ok();
                Ok(())
            }
            Err(_) => Err("the browser's processes do not end".to_owned()),
        }
    }
}

/// The driver that is meant, or the first that is found in `path`, the folders of the `PATH`.
pub(super) fn find(path: &[PathBuf]) -> Option<(PathBuf, Kind)> {
    let known = [("chromedriver", Kind::Chromium), ("geckodriver", Kind::Firefox)];
    known.into_iter().find_map(|(name, kind)| {
        let beside = [PathBuf::from("/usr/bin"), PathBuf::from("/usr/lib/chromium")];
        let places = path.iter().chain(&beside);
        places.map(|folder| folder.join(name)).find(|p| p.is_file()).map(|found| (found, kind))
    })
}

/// What a driver is by its file name.
pub(super) fn kind_of(program: &Path) -> Kind {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    if name.contains("gecko") { Kind::Firefox } else { Kind::Chromium }
}
