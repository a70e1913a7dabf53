//! The runs of a pipeline that can be compared with one another: those of one branch, set off in one way.

use std::collections::BTreeMap;

use super::{Line, PipelineRun};

/// Fewest runs that are watched by themselves.
const OWN: usize = 30;
/// Most strands of a pipeline that are watched.
const MOST: usize = 6;
/// Newest runs of a strand that are looked at.
const KEPT: usize = 1000;

/// Runs of one sort, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Strand<'a> {
    /// The branch; none for all that have too few runs of their own.
    pub branch: Option<String>,
    /// What set them off; none for anything.
    pub trigger: Option<String>,
    /// The runs that are over.
    pub runs: Vec<&'a PipelineRun>,
}

/// The strands of a pipeline: the main branch first, then those with most runs; what has too few runs for itself is together.
pub fn strands(line: &Line) -> Vec<Strand<'_>> {
    let mut sorts: BTreeMap<(Option<&str>, &str), Vec<&PipelineRun>> = BTreeMap::new();
    for run in line.runs.iter().filter(|run| run.finished_at.is_some()) {
        sorts.entry((run.branch.as_deref(), run.trigger)).or_default().push(run);
    }
    let mut large: Vec<_> = Vec::new();
    let mut rest: Vec<&PipelineRun> = Vec::new();
    for (sort, runs) in sorts {
        if runs.len() >= OWN { large.push((sort, runs)) } else { rest.extend(runs) }
    }
    large.sort_by_key(|(_, runs)| {
        let main = runs.last().is_some_and(|run| run.main);
        (std::cmp::Reverse(main), std::cmp::Reverse(runs.len()))
    });
    for (_, runs) in large.drain(MOST.min(large.len())..) {
        rest.extend(runs);
    }
    let mut strands: Vec<Strand<'_>> = large
        .into_iter()
        .map(|((branch, trigger), runs)| Strand {
            branch: branch.map(str::to_owned),
            trigger: Some(trigger.to_owned()),
            runs,
        })
        .collect();
    if rest.len() >= OWN {
        strands.push(Strand { branch: None, trigger: None, runs: rest });
    }
    for strand in &mut strands {
        strand.runs.sort_by(|a, b| (a.finished_at, &a.id).cmp(&(b.finished_at, &b.id)));
        strand.runs.drain(..strand.runs.len().saturating_sub(KEPT));
    }
    strands
}
