//! Flaky tests: those that say now this, now that of one and the same commit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::TestResult;
use crate::{delivery::sample::Share, model::PipelineOutcome};

/// Most flaky tests that are listed.
const LISTED: usize = 50;

/// What a test (or job) said of a commit, over all its tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof<'a> {
    /// Its suite.
    pub suite: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// Whether it is a job and no test.
    pub job: bool,
    /// Of which commit.
    pub commit: &'a str,
    /// When it said something last.
    pub at: Timestamp,
    /// Whether it said both.
    pub flaky: bool,
}

/// A flaky test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flaky {
    /// Its suite; of a job none.
    pub suite: Option<String>,
    /// Its name.
    pub name: String,
    /// Commits of which it said both.
    pub commits: usize,
    /// Commits of which it said anything.
    pub of: usize,
    /// When it did last.
    pub last_at: Timestamp,
}

/// The flaky tests of a pipeline.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FlakyTests {
    /// The share of what tests said of commits that was both; none where nothing was said.
    pub of: Option<Share>,
    /// Whether jobs are meant, as no tests were told.
    pub jobs: bool,
    /// The worst first.
    pub list: Vec<Flaky>,
    /// Results of which nobody said the commit: of them nothing can be told.
    pub without_commit: usize,
}

/// What tests said of commits, oldest first: those of tests, or where none was told those of jobs. A result for one trigger is not compared with that of
/// another: the code of a pull request is merged with what it goes to.
pub fn proofs(results: &[TestResult]) -> (Vec<Proof<'_>>, usize) {
    type Told<'a> = (Option<&'a str>, &'a str, &'a str, &'static str);
    let jobs = !results.iter().any(|r| !r.job);
    let mut told: BTreeMap<Told<'_>, (bool, bool, Timestamp)> = BTreeMap::new();
    let mut without = 0;
    for one in results.iter().filter(|r| r.job == jobs) {
        let good = match one.outcome {
            Some(PipelineOutcome::Success) => true,
            Some(PipelineOutcome::Failure | PipelineOutcome::Error) => false,
            _ => continue,
        };
        let (Some(commit), Some(at)) = (one.commit.as_deref(), one.at) else {
            without += 1;
            continue;
        };
        let key = (one.suite.as_deref(), one.name.as_str(), commit, one.trigger);
        let seen = told.entry(key).or_insert((false, false, at));
        *seen = (seen.0 || good, seen.1 || !good, seen.2.max(at));
    }
    let mut proofs: Vec<Proof<'_>> = told
        .into_iter()
        .map(|((suite, name, commit, _), (good, bad, at))| Proof {
            commit,
            suite,
            name,
            job: jobs,
            at,
            flaky: good && bad,
        })
        .collect();
    proofs.sort_by_key(|proof| (proof.at, proof.name));
    (proofs, without)
}

impl FlakyTests {
    /// Of these proofs.
    pub fn of(proofs: &[Proof<'_>], without_commit: usize) -> Self {
        let mut named: BTreeMap<(Option<&str>, &str), (usize, usize, Timestamp)> = BTreeMap::new();
        for proof in proofs {
            let (flaky, all, last) =
                named.entry((proof.suite, proof.name)).or_insert((0, 0, Timestamp::MIN));
            *all += 1;
            if proof.flaky {
                *flaky += 1;
                *last = (*last).max(proof.at);
            }
        }
        let mut list: Vec<Flaky> = named
            .into_iter()
            .filter(|(_, (flaky, ..))| *flaky > 0)
            .map(|((suite, name), (commits, of, last_at))| Flaky {
                suite: suite.map(str::to_owned),
                name: name.to_owned(),
                commits,
                of,
                last_at,
            })
            .collect();
        list.sort_by_key(|one| std::cmp::Reverse((one.commits, one.last_at)));
        list.truncate(LISTED);
        let flaky = proofs.iter().filter(|p| p.flaky).count();
        Self {
            of: Share::of(flaky, proofs.len()),
            jobs: proofs.first().is_some_and(|p| p.job),
            list,
            without_commit,
        }
    }
}
