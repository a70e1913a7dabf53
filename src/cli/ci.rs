//! What the environment of a CI job says of the change it makes: commit, author, branch, the run's address.
//!
//! Variables as documented by GitHub Actions, GitLab CI, Jenkins, Buildkite and CircleCI. A job of a pull request often runs on a merge commit
//! that is in no branch: where the request's own commit is said, that is the one.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::intake::repository;

/// What was found; the rest is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Job {
    /// Which CI it is.
    pub(super) ci: &'static str,
    pub(super) commit: Option<String>,
    /// Who set it off.
    pub(super) author: Option<String>,
    /// What the commit says of itself.
    pub(super) message: Option<String>,
    /// Who wrote the commit.
    pub(super) written_by: Option<String>,
    /// When it was written.
    pub(super) written_at: Option<String>,
    pub(super) branch: Option<String>,
    /// The number of the pull or merge request.
    pub(super) request: Option<String>,
    pub(super) url: Option<String>,
    pub(super) build: Option<String>,
    /// The tag that is built.
    pub(super) version: Option<String>,
    pub(super) environment: Option<String>,
    /// Its name, never its address: that may hold a password.
    pub(super) repository: Option<String>,
}

/// The largest event of GitHub that is read.
const LARGEST: u64 = 25 << 20;

/// The job that this command runs in, if it runs in one.
pub(super) fn job(variables: &BTreeMap<String, String>) -> Option<Job> {
    let given = Given(variables);
    if given.on("GITHUB_ACTIONS") {
        let event = given.get(&["GITHUB_EVENT_PATH"]).and_then(|path| event(&path));
        Some(github(given, &event.unwrap_or_default()))
    } else if given.on("GITLAB_CI") {
        Some(gitlab(given))
    } else if given.on("BUILDKITE") {
        Some(buildkite(given))
    } else if given.on("CIRCLECI") {
        Some(circle(given))
    } else if given.on("JENKINS_URL") || given.on("JENKINS_HOME") {
        Some(jenkins(given))
    } else {
        None
    }
}

/// The event that set a workflow of GitHub off; the variables do not say all of it.
fn event(path: &str) -> Option<Value> {
    let small = fs::metadata(path).is_ok_and(|file| file.len() <= LARGEST);
    small.then(|| serde_json::from_slice(&fs::read(path).ok()?).ok()).flatten()
}

/// The variables of the job.
#[derive(Clone, Copy)]
struct Given<'a>(&'a BTreeMap<String, String>);

impl Given<'_> {
    /// The first of some variables that says something.
    fn get(self, names: &[&str]) -> Option<String> {
        let said = |name: &&str| Some(self.0.get(*name)?.trim()).filter(|v| !v.is_empty());
        names.iter().find_map(said).map(str::to_owned)
    }

    fn on(self, name: &str) -> bool {
        self.get(&[name]).is_some_and(|v| v != "false")
    }
}

fn github(given: Given<'_>, event: &Value) -> Job {
    let text = |path: &str| Some(event.pointer(path)?.as_str()?.to_owned());
    let tag = given.get(&["GITHUB_REF_TYPE"]).as_deref() == Some("tag");
    let name = given.get(&["GITHUB_REF_NAME"]);
    let reference = given.get(&["GITHUB_REF"]).unwrap_or_default();
    let request = reference.strip_prefix("refs/pull/").and_then(|rest| rest.split('/').next());
    let address = || {
        let run = format!(
            "{}/{}/actions/runs/{}",
            given.get(&["GITHUB_SERVER_URL"])?,
            given.get(&["GITHUB_REPOSITORY"])?,
            given.get(&["GITHUB_RUN_ID"])?,
        );
        let again = given.get(&["GITHUB_RUN_ATTEMPT"]).filter(|attempt| attempt != "1");
        Some(again.map_or(run.clone(), |attempt| format!("{run}/attempts/{attempt}")))
    };
    let head = text("/pull_request/head/sha").filter(|_| request.is_some());
    let commit = head.or_else(|| given.get(&["GITHUB_SHA"]));
    let pushed = |path: &str| text(path).filter(|_| text("/head_commit/id") == commit);
    Job {
        ci: "github-actions",
        author: given.get(&["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"]),
        message: pushed("/head_commit/message").or_else(|| text("/pull_request/title")),
        written_by: pushed("/head_commit/author/name"),
        written_at: pushed("/head_commit/timestamp"),
        version: name.clone().filter(|_| tag),
        branch: given
            .get(&["GITHUB_HEAD_REF"])
            .or_else(|| name.filter(|_| !tag && request.is_none())),
        request: request.map(str::to_owned),
        url: address(),
        build: given.get(&["GITHUB_RUN_NUMBER"]),
        environment: text("/deployment/environment"),
        repository: given.get(&["GITHUB_REPOSITORY"]),
        commit,
    }
}

fn gitlab(given: Given<'_>) -> Job {
    // `Name <address>`.
    let writer = given.get(&["CI_COMMIT_AUTHOR"]);
    let writer = writer.map(|all| all.split(" <").next().unwrap_or(&all).to_owned());
    // The source's own commit is said only where a result of merging is built: then the other one is in no branch, and what is said of
    // it is not of this.
    let source = given.get(&["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"]);
    let own = |said: Option<String>| said.filter(|_| source.is_none());
    Job {
        ci: "gitlab-ci",
        commit: source.clone().or_else(|| given.get(&["CI_COMMIT_SHA"])),
        author: given.get(&["GITLAB_USER_LOGIN", "GITLAB_USER_NAME"]).or_else(|| writer.clone()),
        message: own(given.get(&["CI_COMMIT_MESSAGE", "CI_COMMIT_TITLE"]))
            .or_else(|| given.get(&["CI_MERGE_REQUEST_TITLE"])),
        written_by: own(writer),
        written_at: own(given.get(&["CI_COMMIT_TIMESTAMP"])),
        branch: given.get(&["CI_COMMIT_BRANCH", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"]),
        request: given.get(&["CI_MERGE_REQUEST_IID"]),
        url: given.get(&["CI_JOB_URL", "CI_PIPELINE_URL"]),
        build: given.get(&["CI_PIPELINE_IID", "CI_PIPELINE_ID"]),
        version: given.get(&["CI_COMMIT_TAG"]),
        environment: given.get(&["CI_ENVIRONMENT_NAME"]),
        repository: given.get(&["CI_PROJECT_PATH"]),
    }
}

fn buildkite(given: Given<'_>) -> Job {
    Job {
        ci: "buildkite",
        commit: given.get(&["BUILDKITE_COMMIT"]).filter(|c| c != "HEAD"),
        author: given.get(&["BUILDKITE_BUILD_CREATOR", "BUILDKITE_BUILD_AUTHOR"]),
        message: given.get(&["BUILDKITE_MESSAGE"]),
        written_by: given.get(&["BUILDKITE_BUILD_AUTHOR"]),
        branch: given.get(&["BUILDKITE_BRANCH"]),
        request: given.get(&["BUILDKITE_PULL_REQUEST"]).filter(|number| number != "false"),
        url: given.get(&["BUILDKITE_BUILD_URL"]),
        build: given.get(&["BUILDKITE_BUILD_NUMBER"]),
        version: given.get(&["BUILDKITE_TAG"]),
        repository: given.get(&["BUILDKITE_REPO"]).and_then(|address| repository(&address)),
        ..Job::default()
    }
}

fn circle(given: Given<'_>) -> Job {
    let named = given
        .get(&["CIRCLE_PROJECT_USERNAME"])
        .zip(given.get(&["CIRCLE_PROJECT_REPONAME"]))
        .map(|(owner, name)| format!("{owner}/{name}"));
    let address = || given.get(&["CIRCLE_REPOSITORY_URL"]).and_then(|url| repository(&url));
    let request = given.get(&["CIRCLE_PR_NUMBER", "CIRCLE_PULL_REQUEST"]);
    // A fork's branch is called `pull/7` there.
    let branch = given.get(&["CIRCLE_BRANCH"]).filter(|name| !name.starts_with("pull/"));
    Job {
        ci: "circleci",
        commit: given.get(&["CIRCLE_SHA1"]),
        author: given.get(&["CIRCLE_USERNAME", "CIRCLE_PR_USERNAME"]),
        branch,
        request: request.and_then(|said| said.rsplit('/').next().map(str::to_owned)),
        url: given.get(&["CIRCLE_BUILD_URL"]),
        build: given.get(&["CIRCLE_BUILD_NUM"]),
        version: given.get(&["CIRCLE_TAG"]),
        repository: named.or_else(address),
        ..Job::default()
    }
}

fn jenkins(given: Given<'_>) -> Job {
    let tag = given.get(&["TAG_NAME"]);
    // In multibranch jobs the branch of a pull request is called `PR-7`, that of a tag like the tag.
    let branch = given.get(&["CHANGE_BRANCH", "BRANCH_NAME", "GIT_LOCAL_BRANCH", "GIT_BRANCH"]);
    let branch = branch.map(|name| name.strip_prefix("origin/").unwrap_or(&name).to_owned());
    Job {
        ci: "jenkins",
        commit: given.get(&["GIT_COMMIT"]),
        author: given.get(&["BUILD_USER_ID", "BUILD_USER", "CHANGE_AUTHOR"]),
        written_by: given.get(&["GIT_AUTHOR_NAME"]),
        branch: branch.filter(|name| tag.as_ref() != Some(name)),
        request: given.get(&["CHANGE_ID"]),
        url: given.get(&["BUILD_URL", "RUN_DISPLAY_URL"]),
        build: given.get(&["BUILD_NUMBER"]),
        version: tag,
        repository: given.get(&["GIT_URL", "GIT_URL_1"]).and_then(|address| repository(&address)),
        ..Job::default()
    }
}

#[cfg(test)]
mod tests;
