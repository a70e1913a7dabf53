//! Django's admin: a login form with a CSRF token, a session cookie, redirects.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Running, folder, installed, told, wayfarer};

/// The password of the person the site knows.
const PASSWORD: &str = "correct-horse-battery";

/// A site with people, and an API that asks for tokens.
pub(super) struct Django {
    pub(super) base: String,
    _process: Running,
    _data: tempfile::TempDir,
}

/// Starts it; tokens live so many seconds.
pub(super) fn django(seconds: u32) -> Option<Django> {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs/bin/python");
    let python: PathBuf = installed(&[tools])?;
    let data = tempfile::TempDir::new().unwrap();
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/django_site.py");
    let mut child = Command::new(python)
        .arg(site)
        .arg(data.path())
        .arg(seconds.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut base = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut base).unwrap();
    let base = base.trim().to_owned();
    assert!(base.starts_with("http://"), "Django did not start");
    Some(Django { base, _process: Running(child), _data: data })
}

/// Settings for a site there.
pub(super) fn settings(base: &str) -> String {
    format!(
        "[environments.here]\nbase_url = \"{base}\"\nvars = {{ user = \"probe\" }}\n\
         secrets = {{ password = {{ env = \"PROBE_SECRET\" }} }}\n"
    )
}

#[test]
fn people_sign_in_to_the_admin() {
    let Some(django) = django(60) else { return };
    let dir = folder(&settings(&django.base), &["admin.toml"]);
    let (text, code) = told(&wayfarer(dir.path(), PASSWORD, &["run", "--env", "here"]));
    assert_eq!(code, Some(0), "{text}");
    let wrong = "not-the-password-at-all";
    let (text, code) = told(&wayfarer(dir.path(), wrong, &["run", "--env", "here"]));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("sign in") && text.contains("302"), "{text}");
    assert!(!text.contains(wrong), "{text}");
}
