//! A program of one's own: it reads the event as JSON on its standard input.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command as Process},
};

use super::{Channel, Message, Receipt, Refused, channel::laid_out};
use crate::{
    model::{Given, Secret, SecretSource},
    render::{
        Mask,
        message::{Words, event},
    },
};

/// Longest part of what it says on its standard error that is kept, in bytes.
const SHOWN: u64 = 500;

/// A program that is started without a shell, in a process group of its own, and ended with everything it started.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program and its arguments. A path with a folder in it begins at `folder`, a bare name is looked for in the PATH.
    pub words: Vec<String>,
    /// Where it runs.
    pub folder: PathBuf,
    /// How long it may take.
    pub timeout: Duration,
}

/// Why a program did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramFault {
    /// It could not be started: nothing came of it.
    #[error("could not be started: {0}")]
    NotStarted(String),
    /// It was ended because it took too long.
    #[error("did not end in time and was killed")]
    TimedOut,
    /// It ended with another code than 0.
    #[error("ended with {}{}", .code.map_or_else(|| "a signal".to_owned(), |c| format!("exit code {c}")), in_brackets(.said))]
    Failed {
        /// Its exit code; none where a signal ended it.
        code: Option<i32>,
        /// The end of what it said on its standard error.
        said: String,
    },
}

fn in_brackets(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" ({said})") }
}

impl Program {
    /// Runs it once with `input` on its standard input and nothing but `variables` in its environment.
    ///
    /// # Errors
    /// It could not be started, took too long, or failed.
    pub async fn run(
        &self,
        input: &[u8],
        variables: &BTreeMap<String, String>,
    ) -> Result<(), ProgramFault> {
        let not_started = |e: std::io::Error| ProgramFault::NotStarted(e.to_string());
        let (program, arguments) = self
            .words
            .split_first()
            .ok_or_else(|| ProgramFault::NotStarted("it has no name".to_owned()))?;
        let path = if program.contains('/') { self.folder.join(program) } else { program.into() };
        let mut child = Process::new(path)
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(not_started)?;
        // Whatever becomes of this future, what it started ends with it.
        let group = Group::of(&child);
        let ended = tokio::time::timeout(self.timeout, talk(&mut child, input)).await;
        drop(group);
        match ended {
            Err(_) => {
                child.wait().await.ok();
                Err(ProgramFault::TimedOut)
            }
            Ok(Err(e)) => Err(ProgramFault::Failed { code: None, said: e.to_string() }),
            Ok(Ok((Some(0), _))) => Ok(()),
            Ok(Ok((code, said))) => Err(ProgramFault::Failed { code, said }),
        }
    }
}

/// Writes to it, hears it out and waits for its end.
async fn talk(child: &mut Child, input: &[u8]) -> std::io::Result<(Option<i32>, String)> {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read what it is told may be right all the same.
            stdin.write_all(input).await.ok();
        }
    };
    let read = async {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let mut begin = stderr.take(SHOWN);
            begin.read_to_end(&mut said).await.ok();
            // The rest is not kept, but read: it must not block on a full pipe.
            let mut rest = begin.into_inner();
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.ok();
        }
        said
    };
    // A child of its own may hold its standard error open for ever: its own end is what counts.
    let mut said = Vec::new();
    let status = {
        let talk = async { tokio::join!(write, read).1 };
        tokio::pin!(talk);
        tokio::select! {
            heard = &mut talk => {
                said = heard;
                child.wait().await?
            }
            status = child.wait() => {
                let status = status?;
                if let Ok(heard) = tokio::time::timeout(Duration::from_millis(200), &mut talk).await {
                    said = heard;
                }
                status
            }
        }
    };
    let words = String::from_utf8_lossy(&said);
    let words: Vec<&str> = words.split_whitespace().collect();
    Ok((status.code(), words.join(" ")))
}

/// A process group that ends with this value.
struct Group(Option<rustix::process::Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(rustix::process::Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Nobody may be left in it.
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
    }
}

/// A command that is told of things.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) program: Program,
    pub(super) surroundings: Surroundings,
    pub(super) words: Words,
}

/// Of the agent's own environment a program gets this much: the rest may hold secrets that are none of its business.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// The environment that a program gets.
#[derive(Default)]
pub(super) struct Surroundings {
    pub(super) variables: BTreeMap<String, String>,
    /// What it was given and nobody shall read in its words.
    mask: Mask,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.variables.keys()).finish()
    }
}

impl Surroundings {
    /// A little of ours, and what its settings give it. None where a secret could not be had.
    pub(super) fn new(
        ours: &BTreeMap<String, String>,
        given: &BTreeMap<String, Given>,
        mut secret: impl FnMut(&SecretSource) -> Option<Secret>,
    ) -> Option<Self> {
        let mut made = Self::default();
        for (name, value) in PASSED_ON.iter().filter_map(|name| ours.get_key_value(*name)) {
            made.variables.insert(name.clone(), value.clone());
        }
        let mut all = true;
        for (name, given) in given {
            let value = match given {
                Given::Open(text) => text.clone(),
                Given::Secret(source) => match secret(source) {
                    Some(value) => {
                        made.mask.add(value.expose());
                        value.expose().to_owned()
                    }
                    None => {
                        all = false;
                        continue;
                    }
                },
            };
            made.variables.insert(name.clone(), value);
        }
        all.then_some(made)
    }

    /// A refusal without what the program was given in confidence.
    pub(super) fn masked(&self, refused: Refused) -> Refused {
        Refused { text: self.mask.apply(&refused.text), ..refused }
    }
}

impl Channel for Command {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn deliver<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Receipt, Refused>> {
        Box::pin(async move {
            let ours = || event::body(&message.parcel, &self.words);
            let body = laid_out(message, &self.words, ours)?;
            let mut variables = self.surroundings.variables.clone();
            for (name, value) in [
                ("WAYFARER_EVENT", event::kind(&message.parcel)),
                ("WAYFARER_MESSAGE", message.key.clone()),
                ("WAYFARER_ATTEMPT", message.attempt.to_string()),
            ] {
                variables.insert(name.to_owned(), value);
            }
            match self.program.run(body.as_bytes(), &variables).await {
                Ok(()) => Ok(Receipt::default()),
                Err(fault) => Err(self.surroundings.masked(match &fault {
                    // Of sysexits.h: used wrongly, or set up wrongly; 75 is "try again".
                    ProgramFault::Failed { code: Some(64..=74 | 76..=78), .. } => {
                        Refused::never(fault.to_string())
                    }
                    _ => Refused::back_off(fault.to_string()),
                })),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str, seconds: f64) -> Program {
        let words = ["sh", "-c", script].map(str::to_owned).to_vec();
        Program { words, folder: std::env::temp_dir(), timeout: Duration::from_secs_f64(seconds) }
    }

    fn path() -> BTreeMap<String, String> {
        [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into()
    }

    #[tokio::test]
    async fn a_program_reads_its_input_and_says_how_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let heard = folder.path().join("heard");
        let script = format!("cat > {}", heard.display());
        let input = vec![b'x'; 300_000];
        program(&script, 20.0).run(&input, &path()).await.unwrap();
        assert_eq!(std::fs::read(&heard).unwrap(), input);
        // One that reads nothing is no fault; one that talks without end does not block.
        program("exit 0", 20.0).run(&input, &path()).await.unwrap();
        program("yes no | head -c 500000 >&2", 20.0).run(b"", &path()).await.unwrap();
        let failed = program("echo away >&2; exit 3", 20.0).run(b"", &path()).await.unwrap_err();
        assert_eq!(failed.to_string(), "ended with exit code 3 (away)");
        let none = Program { words: vec!["no-such-program".into()], ..program("", 1.0) };
        assert!(matches!(none.run(b"", &path()).await, Err(ProgramFault::NotStarted(_))));
    }

    #[tokio::test]
    async fn what_takes_too_long_ends_with_all_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 300 & echo $! > {}; wait", pid.display());
        let fault = program(&script, 0.5).run(b"", &path()).await.unwrap_err();
        assert_eq!(fault, ProgramFault::TimedOut);
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        for _ in 0..100 {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if state.is_empty() || state.contains(") Z ") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{pid} still runs");
    }
}
