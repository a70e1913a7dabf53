//! Journeys through programs that nobody here wrote: Django's admin, an API behind django-oauth-toolkit, nginx with certificates on both sides.
//!
//! `tests/run` installs them; where one is missing its tests are skipped and say so.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![expect(clippy::print_stdout, reason = "what is skipped is said")]

#[path = "programs/django.rs"]
mod django;
#[path = "programs/nginx.rs"]
mod nginx;
#[path = "programs/oauth.rs"]
mod oauth;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output},
};

/// Ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A program that `tests/run` installs, or a word that its tests are skipped.
fn installed(candidates: &[PathBuf]) -> Option<PathBuf> {
    let found = candidates.iter().find(|path| path.exists()).cloned();
    if found.is_none() {
        println!("skipped: {} is not installed (tests/run installs it)", candidates[0].display());
    }
    found
}

/// A folder with settings and journeys from `tests/programs/`.
fn folder(settings: &str, journeys: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::TempDir::new().unwrap();
    fs::write(dir.path().join("wayfarer.toml"), settings).unwrap();
    fs::create_dir(dir.path().join("journeys")).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    for name in journeys {
        fs::copy(here.join(name), dir.path().join("journeys").join(name)).unwrap();
    }
    dir
}

/// `wayfarer` in a folder, with a secret in its environment.
fn wayfarer(folder: &Path, secret: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wayfarer"))
        .args(arguments)
        .current_dir(folder)
        .env("PROBE_SECRET", secret)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

/// What it printed, and how it ended.
fn told(output: &Output) -> (String, Option<i32>) {
    let all = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    (all.join("\n"), output.status.code())
}

/// A port of loopback that is free now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The body of an answer, as plainly as can be; nothing where nobody answers.
fn get(base: &str, path: &str) -> String {
    let host = base.trim_start_matches("http://");
    let Ok(mut stream) = TcpStream::connect(host) else { return String::new() };
    let request = format!("GET {path} HTTP/1.0\r\nhost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}
