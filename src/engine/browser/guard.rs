//! The guard: a process of our own between the agent and a browser's driver, that leaves nothing behind however either ends.
//!
//! Chromium's processes outlive their driver, and the driver outlives us: no signal on a parent's death reaches them all, and nothing runs in
//! a process that is killed. So the agent starts *itself* once more. The guard becomes the reaper of all that descends from it
//! (`PR_SET_CHILD_SUBREAPER`, prctl(2)), starts the driver in a process group of its own with home, configuration and temporary files in the run's folder,
//! and waits until its standard input ends, which the system sees to whatever becomes of the agent. Then it kills the group, reaps until it has no
//! child left, and removes the folder.
//!
//! To the agent it says, one JSON object a line: `{"driver":PID}`, `{"port":N}`, and when the driver ended by itself `{"ended":"…","said":["…"]}`.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{
        Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, set_child_subreaper,
        wait,
    },
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::unix::pipe,
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use super::{folder::remove, host::processes};

/// How many of the driver's last lines are told when it ends by itself.
const SAID: usize = 20;

/// How long what is not of the driver's group may take to end by itself: the crash handlers do, once nobody is left to watch.
const GRACE: Duration = Duration::from_millis(300);

/// How long the next line of a driver that ended is waited for.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How long the end is waited for at most.
const END: Duration = Duration::from_secs(20);

/// What a guard guards.
#[derive(Debug)]
pub struct GuardedDriver {
    /// Where all files go; removed at the end.
    pub folder: PathBuf,
    /// The driver.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl GuardedDriver {
    /// Starts the driver and stays until standard input or the driver ends; then ends all that came of it.
    ///
    /// # Errors
    /// The folder cannot be made, or the driver cannot be started.
    pub fn guard(&self) -> io::Result<()> {
        set_child_subreaper(Some(getpid()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut group = None;
            let life = self.life(&mut group).await;
            end_children(group).await;
            remove(&self.folder).await;
            life
        })
    }

    async fn life(&self, group: &mut Option<Pid>) -> io::Result<()> {
        // Whoever signals a whole group or unit means the agent; the guard ends when that has.
        let mut ignored = Vec::new();
        for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
            ignored.push(signal(kind)?);
        }
        let mut children = signal(SignalKind::child())?;
        let stdin = io::stdin().as_fd().try_clone_to_owned()?;
        let mut agent = pipe::Receiver::from_owned_fd(stdin)?;
        let (reader, writer) = io::pipe()?;
        let driver = self.start(writer)?;
        *group = i32::try_from(driver.id()).ok().and_then(Pid::from_raw);
        tell(&json!({ "driver": driver.id() }));
        let output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        let mut lines = BufReader::new(output).split(b'\n');
        let (mut said, mut open) = (Said::default(), true);
        let mut byte = [0u8; 64];
        loop {
            tokio::select! {
                read = agent.read(&mut byte) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                },
                line = lines.next_segment(), if open => match line {
                    Ok(Some(line)) => said.hear(&line),
                    _ => open = false,
                },
                _ = children.recv() => {
                    if let Some(status) = reap(*group) {
                        // What it said last may still be in the pipe, which a browser may keep open.
                        while let Ok(Ok(Some(line))) = timeout(LAST_WORDS, lines.next_segment()).await {
                            said.hear(&line);
                        }
                        tell(&json!({ "ended": status, "said": said.lines }));
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn start(&self, output: io::PipeWriter) -> io::Result<Child> {
        let home = self.folder.join("home");
        let tmp = self.folder.join("tmp");
        for folder in [&home, &tmp] {
            std::fs::create_dir_all(folder)?;
        }
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .process_group(0)
            .current_dir(&self.folder)
            .env("HOME", &home)
            .env("TMPDIR", &tmp)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("XDG_RUNTIME_DIR", &tmp)
            // There is no bus in there; without this each start looks for one, and says so.
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        command.spawn()
    }
}

/// What a driver said last.
#[derive(Debug, Default)]
struct Said {
    lines: VecDeque<String>,
    port: bool,
}

impl Said {
    /// A line of it; the first that names a port is told.
    fn hear(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).trim_end().to_owned();
        if !self.port
            && let Some(number) = port_in(&line)
        {
            self.port = true;
            tell(&json!({ "port": number }));
        }
        self.lines.push_back(line);
        if self.lines.len() > SAID {
            self.lines.pop_front();
        }
    }
}

/// The port in a line of `chromedriver` ("… started successfully on port 41235.") or `geckodriver` ("… Listening on 127.0.0.1:41235").
fn port_in(line: &str) -> Option<u16> {
    let known = ["on port ", "Listening on "];
    let after = known.iter().find_map(|words| line.split_once(words).map(|(_, after)| after))?;
    let digits = after.trim_end_matches(|c: char| !c.is_ascii_digit());
    let start = digits.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    digits.get(start..)?.parse().ok().filter(|port| *port > 0)
}

/// A line to the agent. That it may be gone is what we are for.
fn tell(what: &Value) {
    let mut out = io::stdout().lock();
    writeln!(out, "{what}").and_then(|()| out.flush()).ok();
}

/// Takes the status of every child that ended; says how the driver did, if it was among them.
fn reap(driver: Option<Pid>) -> Option<String> {
    let mut ended = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if Some(pid) == driver {
            ended = Some(match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => format!("it ended with exit code {code}"),
                (_, Some(number)) => format!("it was ended by signal {number}"),
                _ => "it ended".to_owned(),
            });
        }
    }
    ended
}

/// Kills until there is no child left: the driver's group at once, and after a grace whatever else came down to us.
async fn end_children(group: Option<Pid>) {
    let tick = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    while waited < END {
        match wait(WaitOptions::NOHANG) {
            Err(Errno::CHILD) => return,
            Ok(Some(_)) => continue,
            _ => {}
        }
        if let Some(group) = group {
            kill_process_group(group, Signal::KILL).ok();
        }
        if waited >= GRACE {
            for child in processes().filter(|process| process.parent == getpid()) {
                kill_process(child.pid, Signal::KILL).ok();
            }
        }
        tokio::time::sleep(tick).await;
        waited += tick;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_in_what_drivers_say() {
        for (line, port) in [
            ("ChromeDriver was started successfully on port 41235.", Some(41235)),
            ("1732190000000\tgeckodriver\tINFO\tListening on 127.0.0.1:4444", Some(4444)),
            ("Starting ChromeDriver 156.0.8078.73 on port 0", None),
            ("Please see https://chromedriver.chromium.org/security-considerations", None),
            ("on port 99999", None),
            ("on port ", None),
        ] {
            assert_eq!(port_in(line), port, "{line}");
        }
    }
}
