//! How long the agent takes for a page and for the JSON behind a chart, how heavy pages are, how soon a browser has drawn them, and whether runs
//! start later while pages are hammered. The data file is full: 500 journeys, 90 days, ten million runs, 1,800 changes, 20,000 facts of pipelines.
//! Everything is asked for over HTTP, from the real binary, while it walks all of its journeys.
//!
//! `cargo bench --bench pages` (the file is made first: five to ten minutes; `-- --runs 1000000` makes a smaller one, `-- --keep FOLDER` leaves it
//! and uses it again, `-- --only times,weight,drawn,lateness` does only some)
#![expect(clippy::disallowed_methods, reason = "it measures time")]
#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::expect_used, reason = "a measurement that cannot be made has no figures")]
#![expect(clippy::unwrap_used, reason = "the browser of the tests may fail by panicking")]

use std::{path::PathBuf, time::Instant};

#[path = "../../pages/browser.rs"]
#[expect(dead_code, reason = "the tests ask it more")]
mod browser;
mod drawn;
mod house;
mod lateness;
mod made;
mod stock;
mod times;

use house::House;

/// What is asked for.
pub(crate) struct Asked {
    /// Words of `--only`; empty for everything.
    only: Vec<String>,
}

impl Asked {
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| word == part)
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --all-targets` starts benches too, without this word.
    if !arguments.iter().any(|a| a == "--bench") {
        return;
    }
    let value = |name: &str| {
        arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)).cloned()
    };
    let number =
        |name: &str, usual: usize| value(name).and_then(|v| v.parse().ok()).unwrap_or(usual);
    let (journeys, runs) = (number("--journeys", 500), number("--runs", 10_000_000));
    let kept = value("--keep").map(PathBuf::from);
    let only = value("--only").map(|v| v.split(',').map(str::to_owned).collect());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure(journeys, runs, kept, Asked { only: only.unwrap_or_default() }));
}

async fn measure(journeys: usize, runs: usize, kept: Option<PathBuf>, asked: Asked) {
    let passing = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let folder = kept.unwrap_or_else(|| passing.path().to_owned());
    if !folder.join("wayfarer.toml").exists() {
        let begun = Instant::now();
        made::make(&folder, journeys, runs).await;
        println!("{runs} runs made in {:.0} s", begun.elapsed().as_secs_f64());
    }
    let house = House::open(&folder).await;
    house.settled().await;
    if asked.wants("times") {
        times::times(&house).await;
    }
    if asked.wants("weight") {
        times::weights(&house).await;
    }
    if asked.wants("drawn") {
        drawn::drawn(&house).await;
    }
    if asked.wants("lateness") {
        lateness::lateness(&house, &folder).await;
    }
}
