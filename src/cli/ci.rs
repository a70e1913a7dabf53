//! What the environment of a CI job says of the change it makes: commit, author, branch, the run's address.
//!
//! Variables as documented by GitHub Actions, GitLab CI, Jenkins, Buildkite and CircleCI.

use std::collections::BTreeMap;

/// What was found; the rest is none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Job {
    /// Which CI it is.
    pub(super) ci: &'static str,
    pub(super) commit: Option<String>,
    pub(super) author: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) url: Option<String>,
    pub(super) build: Option<String>,
    /// The tag that is built.
    pub(super) version: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) repository: Option<String>,
}

/// The job that this command runs in, if it runs in one.
pub(super) fn job(variables: &BTreeMap<String, String>) -> Option<Job> {
    let get = |names: &[&str]| {
        names.iter().find_map(|name| variables.get(*name)).filter(|v| !v.trim().is_empty()).cloned()
    };
    let on = |name: &str| get(&[name]).is_some_and(|v| v != "false");
    let job = if on("GITHUB_ACTIONS") {
        let tag = get(&["GITHUB_REF_TYPE"]).as_deref() == Some("tag");
        let name = get(&["GITHUB_REF_NAME"]);
        let address = || {
            let (server, repository, run) = (
                get(&["GITHUB_SERVER_URL"])?,
                get(&["GITHUB_REPOSITORY"])?,
                get(&["GITHUB_RUN_ID"])?,
            );
            Some(format!("{server}/{repository}/actions/runs/{run}"))
        };
        Job {
            ci: "github-actions",
            commit: get(&["GITHUB_SHA"]),
            author: get(&["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"]),
            version: name.clone().filter(|_| tag),
            branch: get(&["GITHUB_HEAD_REF"]).or(name.filter(|_| !tag)),
            url: address(),
            build: get(&["GITHUB_RUN_NUMBER"]),
            environment: None,
            repository: get(&["GITHUB_REPOSITORY"]),
        }
    } else if on("GITLAB_CI") {
        Job {
            ci: "gitlab-ci",
            commit: get(&["CI_COMMIT_SHA"]),
            author: get(&["GITLAB_USER_LOGIN", "GITLAB_USER_NAME", "CI_COMMIT_AUTHOR"]),
            branch: get(&["CI_COMMIT_BRANCH"]),
            url: get(&["CI_JOB_URL", "CI_PIPELINE_URL"]),
            build: get(&["CI_PIPELINE_IID", "CI_PIPELINE_ID"]),
            version: get(&["CI_COMMIT_TAG"]),
            environment: get(&["CI_ENVIRONMENT_NAME"]),
            repository: get(&["CI_PROJECT_PATH"]),
        }
    } else if on("BUILDKITE") {
        Job {
            ci: "buildkite",
            commit: get(&["BUILDKITE_COMMIT"]).filter(|c| c != "HEAD"),
            author: get(&["BUILDKITE_BUILD_CREATOR", "BUILDKITE_BUILD_AUTHOR"]),
            branch: get(&["BUILDKITE_BRANCH"]),
            url: get(&["BUILDKITE_BUILD_URL"]),
            build: get(&["BUILDKITE_BUILD_NUMBER"]),
            version: get(&["BUILDKITE_TAG"]),
            environment: None,
            repository: get(&["BUILDKITE_REPO"]),
        }
    } else if on("CIRCLECI") {
        let repository = get(&["CIRCLE_PROJECT_USERNAME"])
            .zip(get(&["CIRCLE_PROJECT_REPONAME"]))
            .map(|(owner, name)| format!("{owner}/{name}"));
        Job {
            ci: "circleci",
            commit: get(&["CIRCLE_SHA1"]),
            author: get(&["CIRCLE_USERNAME"]),
            branch: get(&["CIRCLE_BRANCH"]),
            url: get(&["CIRCLE_BUILD_URL"]),
            build: get(&["CIRCLE_BUILD_NUM"]),
            version: get(&["CIRCLE_TAG"]),
            environment: None,
            repository,
        }
    } else if on("JENKINS_URL") || on("JENKINS_HOME") {
        Job {
            ci: "jenkins",
            commit: get(&["GIT_COMMIT"]),
            author: get(&["BUILD_USER_ID", "BUILD_USER", "CHANGE_AUTHOR"]),
            branch: get(&["BRANCH_NAME", "GIT_BRANCH"])
                .map(|b| b.strip_prefix("origin/").map(str::to_owned).unwrap_or(b)),
            url: get(&["BUILD_URL", "RUN_DISPLAY_URL"]),
            build: get(&["BUILD_NUMBER"]),
            version: get(&["TAG_NAME"]),
            environment: None,
            repository: get(&["GIT_URL"]),
        }
    } else {
        return None;
    };
    Some(job)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Option<Job> {
        job(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn every_ci() {
        let text = |v: &str| Some(v.to_owned());
        let github = of(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", "abc"),
            ("GITHUB_ACTOR", "jo"),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_REF_TYPE", "branch"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_RUN_ID", "7"),
        ])
        .unwrap();
        assert_eq!(github.url, text("https://github.com/acme/shop/actions/runs/7"));
        assert_eq!(
            (github.commit, github.author, github.branch),
            (text("abc"), text("jo"), text("main"))
        );
        let gitlab = of(&[
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_TAG", "v1"),
            ("CI_ENVIRONMENT_NAME", "production"),
        ])
        .unwrap();
        assert_eq!((gitlab.version, gitlab.environment), (text("v1"), text("production")));
        let jenkins = of(&[
            ("JENKINS_URL", "https://j"),
            ("GIT_BRANCH", "origin/main"),
            ("BUILD_URL", "https://j/1"),
        ])
        .unwrap();
        assert_eq!((jenkins.branch, jenkins.url), (text("main"), text("https://j/1")));
        assert_eq!(
            of(&[("BUILDKITE", "true"), ("BUILDKITE_COMMIT", "abc")]).unwrap().commit,
            text("abc")
        );
        assert_eq!(
            of(&[("CIRCLECI", "true"), ("CIRCLE_SHA1", "abc")]).unwrap().commit,
            text("abc")
        );
        assert_eq!(of(&[("GITHUB_ACTIONS", ""), ("GITHUB_SHA", "abc")]), None);
    }
}
