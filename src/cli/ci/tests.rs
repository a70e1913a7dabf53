use super::*;

fn of(pairs: &[(&str, &str)]) -> Job {
    job(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()).unwrap()
}

fn text(said: &str) -> Option<String> {
    Some(said.to_owned())
}

const PULL: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_EVENT_NAME", "pull_request"),
    ("GITHUB_SHA", "aaaaaaaaaa"),
    ("GITHUB_ACTOR", "jo"),
    ("GITHUB_TRIGGERING_ACTOR", "sam"),
    ("GITHUB_REF", "refs/pull/5/merge"),
    ("GITHUB_REF_NAME", "5/merge"),
    ("GITHUB_REF_TYPE", "branch"),
    ("GITHUB_HEAD_REF", "feature/x"),
    ("GITHUB_BASE_REF", "main"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_REPOSITORY", "acme/shop"),
    ("GITHUB_RUN_ID", "7"),
    ("GITHUB_RUN_ATTEMPT", "2"),
    ("GITHUB_RUN_NUMBER", "41"),
];

#[test]
fn github_on_a_pull_request_tells_of_its_own_commit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    let event = r#"{"number":5,"pull_request":{"title":"Faster","head":{"sha":"bbbbbbbbbb"}}}"#;
    std::fs::write(&file, event).unwrap();
    let mut given = PULL.to_vec();
    given.push(("GITHUB_EVENT_PATH", file.to_str().unwrap()));
    let pull = of(&given);
    assert_eq!((pull.commit, pull.branch), (text("bbbbbbbbbb"), text("feature/x")));
    assert_eq!((pull.request, pull.author), (text("5"), text("sam")));
    assert_eq!(pull.url, text("https://github.com/acme/shop/actions/runs/7/attempts/2"));
    assert_eq!((pull.message, pull.version), (text("Faster"), None));
    // Without the event, what the variables say.
    assert_eq!(of(PULL).commit, text("aaaaaaaaaa"));
}

#[test]
fn github_on_a_push_and_a_tag() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    let event = r#"{"head_commit":{"id":"aaaaaaaaaa","message":"Faster","timestamp":"2026-11-20T10:00:00Z","author":{"name":"Jo"}}}"#;
    std::fs::write(&file, event).unwrap();
    let mut given = PULL.to_vec();
    given.extend([
        ("GITHUB_REF", "refs/tags/v1.2.0"),
        ("GITHUB_REF_NAME", "v1.2.0"),
        ("GITHUB_REF_TYPE", "tag"),
        ("GITHUB_HEAD_REF", ""),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
    ]);
    let tag = of(&given);
    assert_eq!((tag.version, tag.branch, tag.request), (text("v1.2.0"), None, None));
    assert_eq!((tag.message, tag.written_by), (text("Faster"), text("Jo")));
    assert_eq!(tag.url, text("https://github.com/acme/shop/actions/runs/7"));
    let none = [("GITHUB_ACTIONS".to_owned(), String::new())];
    assert_eq!(job(&none.into()), None);
}

#[test]
fn gitlab_on_a_branch_and_on_a_merge_request() {
    let common = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", "aaaaaaaaaa"),
        ("CI_COMMIT_AUTHOR", "Jo Doe <jo@example.com>"),
        ("CI_COMMIT_MESSAGE", "Faster\n\nMuch."),
        ("CI_COMMIT_TIMESTAMP", "2026-11-20T10:00:00+01:00"),
        ("GITLAB_USER_LOGIN", "jo"),
        ("CI_JOB_URL", "https://gitlab.example.com/acme/shop/-/jobs/9"),
        ("CI_PIPELINE_IID", "12"),
        ("CI_PROJECT_PATH", "acme/shop"),
        ("CI_ENVIRONMENT_NAME", "production"),
    ];
    let branch = of(&[&common[..], &[("CI_COMMIT_BRANCH", "main")]].concat());
    assert_eq!((branch.branch, branch.environment), (text("main"), text("production")));
    assert_eq!((branch.written_by, branch.message), (text("Jo Doe"), text("Faster\n\nMuch.")));
    let merge = [
        ("CI_MERGE_REQUEST_IID", "3"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature/x"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "bbbbbbbbbb"),
        ("CI_MERGE_REQUEST_TITLE", "Make it fast"),
    ];
    let merge = of(&[&common[..], &merge[..]].concat());
    assert_eq!((merge.commit, merge.branch), (text("bbbbbbbbbb"), text("feature/x")));
    assert_eq!((merge.request, merge.message), (text("3"), text("Make it fast")));
    assert_eq!(merge.written_at, None, "that is of the merge");
    // The source's commit is empty where no result of merging is built.
    let detached = [("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", ""), ("CI_MERGE_REQUEST_IID", "3")];
    assert_eq!(of(&[&common[..], &detached[..]].concat()).commit, text("aaaaaaaaaa"));
}

#[test]
fn jenkins_on_a_branch_a_request_and_a_tag() {
    let common = [
        ("JENKINS_URL", "https://jenkins.example.com/"),
        ("BUILD_NUMBER", "41"),
        ("BUILD_URL", "https://jenkins.example.com/job/shop/41/"),
        ("GIT_COMMIT", "aaaaaaaaaa"),
        ("GIT_URL", "https://robot:hunter22@git.example.com/acme/shop.git"),
    ];
    let plain = of(&[&common[..], &[("GIT_BRANCH", "origin/main")]].concat());
    assert_eq!((plain.branch, plain.repository), (text("main"), text("acme/shop")));
    let request = [
        ("BRANCH_NAME", "PR-12"),
        ("CHANGE_ID", "12"),
        ("CHANGE_BRANCH", "feature/x"),
        ("CHANGE_AUTHOR", "jo"),
        ("GIT_BRANCH", "PR-12"),
    ];
    let request = of(&[&common[..], &request[..]].concat());
    assert_eq!((request.branch, request.request), (text("feature/x"), text("12")));
    assert_eq!(request.author, text("jo"));
    let tag = of(&[&common[..], &[("TAG_NAME", "v1.2.0"), ("BRANCH_NAME", "v1.2.0")]].concat());
    assert_eq!((tag.version, tag.branch), (text("v1.2.0"), None));
}

#[test]
fn buildkite_and_circle() {
    let kite = of(&[
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", "aaaaaaaaaa"),
        ("BUILDKITE_BUILD_CREATOR", ""),
        ("BUILDKITE_BUILD_AUTHOR", "Jo"),
        ("BUILDKITE_BRANCH", "main"),
        ("BUILDKITE_TAG", ""),
        ("BUILDKITE_PULL_REQUEST", "false"),
        ("BUILDKITE_REPO", "git@github.com:acme/shop.git"),
        ("BUILDKITE_MESSAGE", "Faster"),
    ]);
    assert_eq!((kite.author, kite.request, kite.version), (text("Jo"), None, None));
    assert_eq!((kite.repository, kite.message), (text("acme/shop"), text("Faster")));
    let head = of(&[("BUILDKITE", "true"), ("BUILDKITE_COMMIT", "HEAD")]);
    assert_eq!(head.commit, None);
    let circle = of(&[
        ("CIRCLECI", "true"),
        ("CIRCLE_SHA1", "aaaaaaaaaa"),
        ("CIRCLE_BRANCH", "pull/12"),
        ("CIRCLE_PR_NUMBER", "12"),
        ("CIRCLE_PR_USERNAME", "jo"),
        ("CIRCLE_REPOSITORY_URL", "https://github.com/acme/shop"),
    ]);
    assert_eq!((circle.branch, circle.request), (None, text("12")));
    assert_eq!((circle.author, circle.repository), (text("jo"), text("acme/shop")));
}
