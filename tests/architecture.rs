//! Keeps the floors of `src/` honest: a module imports only from lower floors, pure modules touch nothing outside, and
//! each door to the outside has one user.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::BTreeMap, fs, path::Path};

/// Floors, ground first. Modules on one floor may not import each other.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["schedule", "check", "correlate", "slo", "alert", "intake", "import", "simulate", "render"],
    &["config", "clock", "delivery"],
    &["engine", "store", "export", "notify", "source"],
    &["daemon"],
    &["web", "demo"],
    &["cli"],
];

/// Modules that must stay free of I/O and clocks.
const PURE: &[&str] = &[
    "model",
    "schedule",
    "check",
    "correlate",
    "slo",
    "alert",
    "intake",
    "import",
    "simulate",
    "delivery",
    "render",
    "config",
];

/// The words that give an impure module away.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::env",
    "std::process",
    "std::thread",
    "tokio::",
    "reqwest::",
    "rusqlite::",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

/// External crates and the only modules that may name them.
const DOORS: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("reqwest", &["engine", "notify", "source"]),
    ("axum", &["web", "demo"]),
    ("kube", &["source"]),
    ("k8s_openapi", &["source"]),
    ("prometheus", &["export"]),
    ("miette", &["config", "cli"]),
    ("cron", &["schedule"]),
    ("handlebars", &["render"]),
    ("lettre", &["notify"]),
    ("scraper", &["check"]),
    ("jsonpath_rust", &["check"]),
    ("jsonschema", &["check"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("comfy_table", &["cli"]),
];

#[test]
fn modules_only_import_lower_floors() {
    let floor: BTreeMap<_, _> =
        FLOORS.iter().enumerate().flat_map(|(n, ms)| ms.iter().map(move |m| (*m, n))).collect();
    let mut faults = Vec::new();
    visit(Path::new("src"), &mut |module, path, code| {
        if module == "lib" || module == "main" {
            return;
        }
        let Some(&here) = floor.get(module) else {
            faults.push(format!("{path}: `{module}` stands on no floor: name it in FLOORS"));
            return;
        };
        for (target, &up) in &floor {
            let names_it = names(code, &format!("crate::{target}::"))
                || names(code, &format!("crate::{target};"))
                || braced(code).any(|item| item == *target);
            if *target != module && names_it && up >= here {
                faults.push(format!("{path}: `{module}` may not import `{target}`"));
            }
        }
        if PURE.contains(&module) {
            for word in IMPURE.iter().filter(|w| code.contains(**w)) {
                faults.push(format!("{path}: `{module}` must stay pure, found `{word}`"));
            }
        }
        for (name, users) in DOORS {
            if !users.contains(&module) && names(code, &format!("{name}::")) {
                faults.push(format!("{path}: only {users:?} may use `{name}`"));
            }
        }
    });
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn files_stay_small() {
    let mut faults = Vec::new();
    visit(Path::new("src"), &mut |_, path, code| {
        let lines = code.lines().count();
        if lines > 600 {
            faults.push(format!("{path}: {lines} lines of code, split it"));
        }
    });
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Whether `word` stands in `code` as a path of its own, not as the end of a longer name.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    })
}

/// First path segments inside every `use crate::{ … };` group.
fn braced(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices("use crate::{").flat_map(|(at, head)| {
        let body = &code[at + head.len()..];
        let (mut depth, mut start, mut out) = (0i32, 0, Vec::new());
        for (i, c) in body.char_indices() {
            match c {
                '{' => depth += 1,
                ',' | '}' if depth == 0 => {
                    out.push(body[start..i].trim().split("::").next().unwrap_or(""));
                    start = i + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        out
    })
}

/// Calls `check` with (top-level module, path, code without comments and tests) for every source file.
fn visit(dir: &Path, check: &mut impl FnMut(&str, &str, &str)) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, check);
            continue;
        }
        if path.extension().is_none_or(|e| e != "rs") || path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let code: String = text
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .fold(String::new(), |a, l| a + l + "\n");
        let module = path.strip_prefix("src").unwrap().iter().next().unwrap().to_str().unwrap();
        check(module.trim_end_matches(".rs"), &path.display().to_string(), &code);
    }
}
