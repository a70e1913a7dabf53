//! A browser's driver: found, started below a [guard](super::guard), ended.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::folder::Folder;

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
    folder: Folder,
}

/// How a driver is started.
#[derive(Debug)]
pub(super) struct Start<'a> {
    /// Our own program.
    pub(super) guard: &'a Path,
    /// The driver.
    pub(super) program: &'a Path,
    /// Its arguments.
    pub(super) arguments: Vec<OsString>,
    /// The environment variables it is handed, and no other.
    pub(super) variables: &'a BTreeMap<String, String>,
}

impl Start<'_> {
    /// Starts the driver in a folder and waits until it listens.
    pub(super) async fn start(self, folder: Folder) -> Result<Guarded, String> {
        let path = folder.path.clone();
        let mut command = Command::new(self.guard);
        command
            .arg("guard-browser")
            .arg(&path)
            .arg("--")
            .arg(self.program)
            .args(self.arguments)
            .env_clear()
            .envs(self.variables)
            // Signals of a terminal go to the agent alone.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(false);
        let spawned = command.spawn().map_err(|e| {
            std::fs::remove_dir_all(&path).ok();
            format!("the browser's guard {} cannot be started: {e}", self.guard.display())
        })?;
        match tokio::time::timeout(PORT, listening(spawned, folder)).await {
            Ok(Err(reason)) => {
                // The guard has gone, perhaps before it came to that.
                std::fs::remove_dir_all(&path).ok();
                Err(format!("{}: {reason}", self.program.display()))
            }
            Ok(listening) => listening,
            Err(_) => Err(format!("{} said no port in 20s", self.program.display())),
        }
    }
}

/// Reads what the guard says until the driver listens.
async fn listening(mut guard: Child, folder: Folder) -> Result<Guarded, String> {
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
            drop(guard.wait().await);
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
    let last = said.filter_map(Value::as_str).rfind(|line| !line.is_empty());
    Some(last.map_or_else(|| how.to_owned(), |last| format!("{how}; it said last: {last}")))
}

impl Guarded {
    /// How the driver ended, where it has.
    pub(super) async fn ended(&mut self) -> Option<String> {
        let line = tokio::time::timeout(Duration::from_millis(300), self.lines.next_line()).await;
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
                self.folder.remove().await;
                Ok(())
            }
            Err(_) => Err("the browser's processes do not end".to_owned()),
        }
    }
}

/// The driver that is found first in `path`, the folders of the `PATH`, and where Debian has it.
pub(super) fn find(path: &[PathBuf]) -> Option<(PathBuf, Kind)> {
    let known = [("chromedriver", Kind::Chromium), ("geckodriver", Kind::Firefox)];
    known.into_iter().find_map(|(name, kind)| Some((program(name, path)?, kind)))
}

/// A program by its name.
pub(super) fn program(name: &str, path: &[PathBuf]) -> Option<PathBuf> {
    let usual = PathBuf::from("/usr/bin");
    path.iter().chain([&usual]).map(|folder| folder.join(name)).find(|found| found.is_file())
}

/// What a driver is by its file name.
pub(super) fn kind_of(program: &Path) -> Kind {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    if name.contains("gecko") { Kind::Firefox } else { Kind::Chromium }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn drivers_are_found_and_known_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("geckodriver"), "").unwrap();
        let path = [folder.path().to_owned()];
        assert_eq!(program("geckodriver", &path), Some(folder.path().join("geckodriver")));
        assert_eq!(kind_of(Path::new("/opt/geckodriver-0.36")), Kind::Firefox);
        assert_eq!(kind_of(Path::new("/usr/bin/chromedriver")), Kind::Chromium);
        assert_eq!(kind_of(Path::new("msedgedriver")), Kind::Chromium);
    }

    #[test]
    fn what_a_driver_said_last_is_told() {
        let told = json!({ "ended": "it ended with exit code 1", "said": ["bind() failed", ""] });
        let words = "it ended with exit code 1; it said last: bind() failed";
        assert_eq!(ended(&told).as_deref(), Some(words));
        assert_eq!(ended(&json!({ "port": 1 })), None);
    }
}
