//! What pipelines did: runs, tasks, builds, tests, artifacts and commits, as their senders tell. Figures are drawn from them;
//! none of them is a change.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Commit, EnvironmentName, ServiceName};

/// One thing a pipeline did. Several events tell of one fact: they have the same id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelineFact {
    /// Its id, beginning with the name of the sender: the same id twice is one fact.
    pub id: String,
    /// What sort of thing.
    pub kind: PipelineKind,
    /// What people call it: the name of the pipeline, the job or the test suite.
    pub name: String,
    /// The fact it is a part of: the run of a job.
    pub parent: Option<String>,
    /// Whose code.
    pub service: Option<ServiceName>,
    /// Where it deploys to, or tests.
    pub environment: Option<EnvironmentName>,
    /// The repository, as its sender calls it.
    pub repository: Option<String>,
    /// The branch or tag.
    pub reference: Option<String>,
    /// Whether that is the branch that its repository names as its main one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub main: bool,
    /// What set it off, in the sender's word: `push`, `schedule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The stage that a job is of, where its sender has stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The commit it ran on.
    pub commit: Option<String>,
    /// The artifact it made, a package URL.
    pub artifact: Option<String>,
    /// The commits it brought, with their times, for lead times; those of a push.
    pub commits: Vec<Commit>,
    /// How it ended; none while it is under way.
    pub outcome: Option<PipelineOutcome>,
    /// When it began to wait.
    pub queued_at: Option<Timestamp>,
    /// When it began to run.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// Whether it deploys.
    pub deploys: bool,
    /// Who set it off.
    pub author: Option<String>,
    /// Where to read more.
    pub url: Option<String>,
    /// Which hook told it.
    pub source: String,
}

/// The sorts of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PipelineKind {
    /// A whole run of a pipeline or workflow.
    Pipeline,
    /// A job or stage of one.
    Task,
    /// A build.
    Build,
    /// A run of tests.
    Test,
    /// An artifact was made, published or signed.
    Artifact,
    /// Commits came to a branch.
    Push,
    /// A code change (pull or merge request) came to be, was reviewed or was merged.
    Review,
    /// A release was published.
    Release,
}

impl PipelineKind {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Task => "task",
            Self::Build => "build",
            Self::Test => "test",
            Self::Artifact => "artifact",
            Self::Push => "push",
            Self::Review => "review",
            Self::Release => "release",
        }
    }
}

/// How a fact ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PipelineOutcome {
    /// As it should.
    Success,
    /// What it checks or does went wrong.
    Failure,
    /// It could not do its work.
    Error,
    /// Somebody stopped it.
    Cancelled,
    /// It was not needed.
    Skipped,
}

impl PipelineFact {
    /// A fact of which nothing else is known.
    pub fn new(id: impl Into<String>, kind: PipelineKind, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            kind,
            name: name.into(),
            parent: None,
            service: None,
            environment: None,
            repository: None,
            reference: None,
            main: false,
            trigger: None,
            stage: None,
            commit: None,
            artifact: None,
            commits: Vec::new(),
            outcome: None,
            queued_at: None,
            started_at: None,
            finished_at: None,
            deploys: false,
            author: None,
            url: None,
            source: String::new(),
        }
    }

    /// The time to find it by: the first that is known of its start, its wait and its end.
    pub fn at(&self) -> Option<Timestamp> {
        self.started_at.or(self.queued_at).or(self.finished_at)
    }

    /// Both tellings of one fact together: the earliest of each time, what either says; where they differ the smaller value, so
    /// that the order of arrival does not matter.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            [a, b].into_iter().flatten().min()
        }
        Self {
            id: self.id,
            kind: self.kind.min(other.kind),
            name: if self.name.is_empty() || (!other.name.is_empty() && other.name < self.name) {
                other.name
            } else {
                self.name
            },
            parent: least(self.parent, other.parent),
            service: least(self.service, other.service),
            environment: least(self.environment, other.environment),
            repository: least(self.repository, other.repository),
            reference: least(self.reference, other.reference),
            main: self.main || other.main,
            trigger: least(self.trigger, other.trigger),
            stage: least(self.stage, other.stage),
            commit: least(self.commit, other.commit),
            artifact: least(self.artifact, other.artifact),
            commits: if (other.commits.len(), &self.commits) > (self.commits.len(), &other.commits)
            {
                other.commits
            } else {
                self.commits
            },
            outcome: least(self.outcome, other.outcome),
            queued_at: least(self.queued_at, other.queued_at),
            started_at: least(self.started_at, other.started_at),
            finished_at: least(self.finished_at, other.finished_at),
            deploys: self.deploys || other.deploys,
            author: least(self.author, other.author),
            url: least(self.url, other.url),
            source: self.source.min(other.source),
        }
    }
}
