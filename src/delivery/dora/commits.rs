//! When commits were made, as pushes and pipelines told it: senders of deployments often say no more than a hash.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::model::{Change, Commit, PipelineFact, PipelineKind};

/// Shortest hash by which a commit is known.
const SHORTEST: usize = 7;
/// Most commits that one deployment is said to bring.
const MOST: usize = 500;

/// Commits by their hashes, and in the order in which they came to each branch.
#[derive(Debug, Clone, Default)]
pub struct Commits {
    times: HashMap<String, Timestamp>,
    /// By the first digits, for those who say a short hash.
    short: BTreeMap<String, Vec<String>>,
    branches: BTreeMap<(String, String), Vec<String>>,
}

impl Commits {
    /// What facts say of commits.
    pub fn of<'a>(facts: impl IntoIterator<Item = &'a PipelineFact>) -> Self {
        let mut known = Self::default();
        let mut pushes: Vec<&PipelineFact> = Vec::new();
        for fact in facts {
            for commit in &fact.commits {
                known.learn(commit);
            }
            if fact.kind == PipelineKind::Push {
                pushes.push(fact);
            }
        }
        pushes.sort_by_key(|push| push.finished_at);
        for push in pushes {
            let branch = (
                push.repository.clone().unwrap_or_default(),
                push.reference.clone().unwrap_or_default(),
            );
            let line = known.branches.entry(branch).or_default();
            let ids = push.commits.iter().map(|c| c.id.clone());
            // A push that was told twice, or forced, brings no commit twice.
            for id in ids {
                if !line.contains(&id) || line.len() > 20_000 {
                    line.push(id);
                }
            }
        }
        known
    }

    fn learn(&mut self, commit: &Commit) {
        let (Some(at), true) = (commit.at, commit.id.len() >= SHORTEST && commit.id.is_ascii())
        else {
            return;
        };
        if self.times.insert(commit.id.clone(), at).is_none() {
            self.short.entry(commit.id[..SHORTEST].to_owned()).or_default().push(commit.id.clone());
        }
    }

    /// The whole hash of one that may be short; none where nothing or several begin so.
    fn whole<'a>(&'a self, id: &'a str) -> Option<&'a str> {
        if self.times.contains_key(id) {
            return Some(id);
        }
        let head = id.get(..SHORTEST)?;
        let mut fit = self.short.get(head)?.iter().filter(|known| known.starts_with(id));
        let found = fit.next()?;
        fit.next().is_none().then_some(found.as_str())
    }

    /// The time of a commit.
    pub fn at(&self, id: &str) -> Option<Timestamp> {
        self.times.get(self.whole(id)?).copied()
    }

    /// The commits a change brought: its own, and those that were pushed to the same branch since the one deployed before. Each with its time,
    /// where that is known.
    pub fn brought(
        &self,
        change: &Change,
        before: Option<&Change>,
    ) -> Vec<(String, Option<Timestamp>)> {
        let mut brought: Vec<(String, Option<Timestamp>)> = change
            .commits
            .iter()
            .map(|c| (c.id.clone(), c.at.or_else(|| self.at(&c.id))))
            .collect();
        let newest = |change: &Change| {
            change.commits.last().and_then(|c| self.whole(&c.id)).map(str::to_owned)
        };
        if let (Some(now), Some(then)) = (newest(change), before.and_then(newest)) {
            for line in self.branches.values() {
                let place = |id: &str| line.iter().position(|known| known == id);
                let (Some(from), Some(to)) = (place(&then), place(&now)) else { continue };
                if from < to && to - from <= MOST {
                    for id in &line[from + 1..to] {
                        if !brought.iter().any(|(known, _)| id.starts_with(known.as_str())) {
                            brought.push((id.clone(), self.at(id)));
                        }
                    }
                    break;
                }
            }
        }
        brought
    }
}
