//! GitHub's webhooks: deployments become changes; workflows, jobs, pushes and releases become facts of pipelines.
//!
//! The event is named by `X-GitHub-Event`; the body is JSON, or a form with the JSON in `payload`. Shapes:
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>.

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender,
    document::Document,
    echo,
    heard::{Draft, commit, fact},
};
use crate::model::{ChangeKind, PipelineFact, PipelineKind, PipelineOutcome};

pub(super) const SENDER: Sender = Sender {
    name: "github",
    proofs: &[Proof::Named("X-Hub-Signature-256")],
    read,
    answer: super::sender::plain,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let event = delivery.header("x-github-event").unwrap_or_default().to_owned();
    let heard = match event.as_str() {
        "" => {
            return Err(IntakeFault::new(
                "the header `X-GitHub-Event` is missing",
                "GitHub sends it with every webhook; a proxy must pass it on",
            ));
        }
        "deployment" => deployment(delivery, body)?,
        "deployment_status" => status(delivery, body)?,
        "workflow_run" => workflow_run(delivery, body)?,
        "workflow_job" => workflow_job(delivery, body)?,
        "push" => push(delivery, body)?,
        "release" => release(delivery, body)?,
        "pull_request" => pull_request(delivery, body)?,
        "ping" => Heard::ignored("a ping: the hook works"),
        other => Heard::ignored(format!("the event `{other}` says nothing of changes")),
    };
    Ok(heard.of(&event))
}

/// The repository, in full.
fn repository<'b>(body: Document<'b>) -> Option<&'b str> {
    body.at("repository.full_name").text().or_else(|| body.at("repository.name").text())
}

/// A deployment, as both of its events tell it.
fn draft<'a>(delivery: &'a Delivery<'a>, body: Document<'_>) -> Result<Draft<'a>, IntakeFault> {
    let deployment = body.need_object("deployment")?;
    let id = body.need("deployment.id")?;
    let repository = repository(body);
    let task = deployment.at("task").text().unwrap_or("deploy");
    let kind = if task.contains("rollback") { ChangeKind::Rollback } else { ChangeKind::Deploy };
    let sha = deployment.at("sha").text();
    let reference = deployment.at("ref").text();
    // Who deploys may say more in `payload`, an object or the text of one.
    let payload = deployment.at("payload");
    let parsed =
        payload.text().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let payload = parsed.as_ref().map_or(payload, Document);
    let run = body.at("workflow_run.html_url").text();
    let status = body.at("deployment_status");
    let link = [status.at("log_url"), status.at("target_url")].into_iter().find_map(Document::text);
    let version = payload.at("version").text().or_else(|| reference.filter(|r| is_version(r)));
    Ok(Draft::new(delivery, &format!("github:{}:{id}", repository.unwrap_or("")), kind)
        .service(payload.at("service").text().or(repository))
        .environment(deployment.at("environment").text())
        .version(version)
        .commit(sha)
        .author(deployment.at("creator.login").text())
        .title(deployment.at("description").text())
        .url(link.or(run))
        .release(payload.at("release").text())
        .label("repository", repository)
        .label("ref", reference)
        .label("github_deployment", Some(&id))
        .label(
            "original_environment",
            deployment
                .at("original_environment")
                .text()
                .filter(|e| deployment.at("environment").text() != Some(e)),
        ))
}

/// Whether a ref looks like a version: `v2.4.1`, `2.4.1`.
fn is_version(reference: &str) -> bool {
    let rest = reference.strip_prefix(['v', 'V']).unwrap_or(reference);
    rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('.')
}

fn deployment(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let draft = draft(delivery, body)?;
    let action = body.at("action").text().unwrap_or("created");
    if action != "created" {
        return Ok(Heard::ignored(format!("a deployment was {action}")));
    }
    Ok(Heard::one(draft.started(body.at("deployment.created_at").time())))
}

fn status(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let status = body.need_object("deployment_status")?;
    let draft = draft(delivery, body)?;
    let ours = ["description", "context"].map(|path| status.at(path).text());
    if ours.into_iter().flatten().any(echo) {
        return Ok(Heard::ignored("our own word, coming back"));
    }
    let began = body.at("deployment.created_at").time();
    let at = status.at("created_at").time().or_else(|| status.at("updated_at").time());
    let state = body.need("deployment_status.state")?;
    Ok(match state.as_str() {
        "success" => Heard::one(draft.finished(began, at)),
        "failure" | "error" => Heard::one(draft.failed(began, at)),
        "pending" | "queued" | "waiting" | "in_progress" => Heard::one(draft.started(began.or(at))),
        // Set on what a newer deployment took the place of: it says nothing new, and is no rollback.
        "inactive" => {
            Heard::ignored("a deployment became inactive because a newer one took its place")
        }
        other => Heard::ignored(format!("a deployment is `{other}`")),
    })
}

/// A conclusion of a workflow or a job.
fn outcome(conclusion: Option<&str>) -> Option<PipelineOutcome> {
    Some(match conclusion? {
        "success" | "neutral" => PipelineOutcome::Success,
        "failure" => PipelineOutcome::Failure,
        "timed_out" | "startup_failure" | "action_required" => PipelineOutcome::Error,
        "cancelled" | "stale" => PipelineOutcome::Cancelled,
        "skipped" => PipelineOutcome::Skipped,
        _ => return None,
    })
}

fn workflow_run(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let run = body.need_object("workflow_run")?;
    let id = body.need("workflow_run.id")?;
    let attempt = run.at("run_attempt").word().unwrap_or_else(|| "1".to_owned());
    let repository = repository(body);
    let name = run.at("name").text().or_else(|| body.at("workflow.name").text());
    let key = format!("github:{}:run:{id}:{attempt}", repository.unwrap_or(""));
    let mut fact = fact(delivery, &key, PipelineKind::Pipeline, name);
    source_of(delivery, &mut fact, repository);
    fact.reference = run.at("head_branch").text().map(str::to_owned);
    // A branch of another repository may have the same name.
    let own = run.at("head_repository.full_name").text().is_none_or(|r| Some(r) == repository);
    fact.main = own && is_main(body, fact.reference.as_deref());
    fact.commit = run.at("head_sha").text().map(str::to_owned);
    fact.author = run.at("triggering_actor.login").text().map(str::to_owned);
    fact.url = run.at("html_url").text().and_then(super::text::link);
    fact.trigger = run.at("event").text().and_then(|t| super::text::kept(t, 60));
    fact.queued_at = run.at("created_at").time().filter(|_| attempt == "1");
    let action = body.at("action").text().or_else(|| run.at("status").text()).unwrap_or_default();
    if matches!(action, "in_progress" | "completed") {
        fact.started_at = run.at("run_started_at").time();
    }
    if action == "completed" {
        fact.finished_at = run.at("updated_at").time();
        fact.outcome = outcome(run.at("conclusion").text());
    }
    fact.commits = commit(
        run.at("head_commit.id").text(),
        run.at("head_commit.timestamp").time(),
        run.at("head_commit.author.name").text(),
        run.at("head_commit.message").text(),
    )
    .into_iter()
    .collect();
    Ok(Heard::one(fact))
}

fn workflow_job(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let job = body.need_object("workflow_job")?;
    let id = body.need("workflow_job.id")?;
    let repository = repository(body);
    let owner = repository.unwrap_or("");
    let key = format!("github:{owner}:job:{id}");
    let mut fact = fact(delivery, &key, PipelineKind::Task, job.at("name").text());
    source_of(delivery, &mut fact, repository);
    let attempt = job.at("run_attempt").word().unwrap_or_else(|| "1".to_owned());
    fact.parent = job.at("run_id").word().map(|run| format!("github:{owner}:run:{run}:{attempt}"));
    fact.reference = job.at("head_branch").text().map(str::to_owned);
    fact.main = is_main(body, fact.reference.as_deref());
    fact.commit = job.at("head_sha").text().map(str::to_owned);
    fact.url = job.at("html_url").text().and_then(super::text::link);
    // A job with a deployment is one that deploys.
    let deployment = body.at("deployment");
    fact.deploys = !deployment.is_missing();
    fact.environment =
        deployment.at("environment").text().and_then(|e| delivery.known.environment(e));
    fact.queued_at = job.at("created_at").time();
    let action = body.at("action").text().unwrap_or_default();
    let status = job.at("status").text().unwrap_or_default();
    // `started_at` of a job that waits is the time at which it began to wait.
    if matches!(action, "in_progress" | "completed") && status != "waiting" && status != "queued" {
        fact.started_at = job.at("started_at").time();
    }
    if action == "completed" {
        fact.finished_at = job.at("completed_at").time();
        fact.outcome = outcome(job.at("conclusion").text());
    }
    Ok(Heard::one(fact))
}

fn push(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let reference = body.need("ref")?;
    if body.at("deleted").truth() == Some(true) {
        return Ok(Heard::ignored(format!("{reference} was deleted")));
    }
    let after = body.need("after")?;
    let repository = repository(body);
    let key = format!("github:{}:push:{reference}:{after}", repository.unwrap_or(""));
    let branch = reference.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
    let mut fact = fact(delivery, &key, PipelineKind::Push, Some(branch));
    source_of(delivery, &mut fact, repository);
    fact.reference = Some(branch.to_owned());
    fact.commit = Some(after);
    fact.author = body.at("pusher.name").text().map(str::to_owned);
    fact.url = body.at("compare").text().and_then(super::text::link);
    let read = |c: Document<'_>| {
        let (id, author) = (c.at("id").text(), c.at("author.name").text());
        commit(id, c.at("timestamp").time(), author, c.at("message").text())
    };
    let newest = body.at("commits").items().collect::<Vec<_>>();
    fact.commits = newest.into_iter().rev().take(super::text::MOST).filter_map(read).collect();
    fact.commits.reverse();
    if fact.commits.is_empty() {
        fact.commits.extend(read(body.at("head_commit")));
    }
    let at = body.at("head_commit.timestamp").time();
    fact.finished_at = body.at("repository.pushed_at").time().or(at).or(Some(delivery.received_at));
    fact.outcome = Some(PipelineOutcome::Success);
    Ok(Heard::one(fact))
}

fn release(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let release = body.need_object("release")?;
    let id = body.need("release.id")?;
    let action = body.at("action").text().unwrap_or_default();
    if !matches!(action, "published" | "released") || release.at("draft").truth() == Some(true) {
        return Ok(Heard::ignored(format!("a release was {action}")));
    }
    let repository = repository(body);
    let key = format!("github:{}:release:{id}", repository.unwrap_or(""));
    let tag = release.at("tag_name").text();
    let mut fact = fact(delivery, &key, PipelineKind::Release, release.at("name").text().or(tag));
    source_of(delivery, &mut fact, repository);
    fact.reference = tag.map(str::to_owned);
    fact.url = release.at("html_url").text().and_then(super::text::link);
    fact.author = release.at("author.login").text().map(str::to_owned);
    fact.finished_at = release.at("published_at").time();
    fact.outcome = Some(PipelineOutcome::Success);
    Ok(Heard::one(fact))
}

fn pull_request(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let request = body.need_object("pull_request")?;
    let number = body.need("pull_request.number")?;
    let action = body.at("action").text().unwrap_or_default();
    if !matches!(action, "opened" | "ready_for_review" | "reopened" | "closed") {
        return Ok(Heard::ignored(format!("a pull request was {action}")));
    }
    let repository = repository(body);
    let key = format!("github:{}:pull:{number}", repository.unwrap_or(""));
    let mut fact = fact(delivery, &key, PipelineKind::Review, request.at("title").text());
    source_of(delivery, &mut fact, repository);
    fact.reference = request.at("head.ref").text().map(str::to_owned);
    fact.started_at = request.at("created_at").time();
    fact.author = request.at("user.login").text().map(str::to_owned);
    fact.url = request.at("html_url").text().and_then(super::text::link);
    if action == "closed" {
        let merged = request.at("merged").truth() == Some(true);
        fact.finished_at = request.at("merged_at").time().or(request.at("closed_at").time());
        fact.commit = request.at("merge_commit_sha").text().map(str::to_owned);
        fact.outcome =
            Some(if merged { PipelineOutcome::Success } else { PipelineOutcome::Cancelled });
    }
    Ok(Heard::one(fact))
}

/// Whether a branch is the main one of its repository.
fn is_main(body: Document<'_>, branch: Option<&str>) -> bool {
    branch.is_some() && body.at("repository.default_branch").text() == branch
}

fn source_of(delivery: &Delivery<'_>, fact: &mut PipelineFact, repository: Option<&str>) {
    fact.repository = repository.map(str::to_owned);
    fact.service = repository.and_then(|name| delivery.known.service(name));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        intake::{
            Said,
            tried::{change, heard},
        },
        model::ChangeState,
    };

    fn hear(event: &str, body: &Value) -> Result<Vec<Said>, IntakeFault> {
        heard(read, &[("X-GitHub-Event", event)], body)
    }

    fn body(state: &str) -> Value {
        json!({
            "action": "created",
            "deployment": {
                "id": 7, "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e", "ref": "main", "task": "deploy",
                "payload": "{\"version\":\"2.4.1\"}", "environment": "Production",
                "creator": { "login": "jo" }, "created_at": "2026-11-20T11:00:00Z"
            },
            "deployment_status": {
                "state": state, "description": "", "log_url": "https://ci.example.com/1",
                "created_at": "2026-11-20T11:05:00Z"
            },
            "repository": { "full_name": "acme/shop" }
        })
    }

    #[test]
    fn a_deployment_from_start_to_end() {
        let start = change(hear("deployment", &body("")).unwrap()).change;
        assert_eq!(start.state, ChangeState::Started);
        assert_eq!(start.id.as_str(), "github:acme/shop:7");
        let end = change(hear("deployment_status", &body("success")).unwrap()).change;
        assert_eq!((&end.id, end.state), (&start.id, ChangeState::Finished));
        assert_eq!(end.finished_at.unwrap().to_string(), "2026-11-20T11:05:00Z");
        assert_eq!(end.services, ["shop".into()]);
        assert_eq!(end.version.as_deref(), Some("2.4.1"));
        assert_eq!(end.url.as_deref(), Some("https://ci.example.com/1"));
        let failed = change(hear("deployment_status", &body("failure")).unwrap()).change;
        assert_eq!(failed.state, ChangeState::Failed);
    }

    #[test]
    fn what_says_nothing() {
        let ignored = |event: &str, body: &Value| {
            matches!(hear(event, body).unwrap()[..], [Said::Ignored(_)])
        };
        assert!(ignored("deployment_status", &body("inactive")));
        assert!(ignored("ping", &json!({ "zen": "x" })));
        assert!(ignored("star", &json!({})));
        let mut ours = body("failure");
        ours["deployment_status"]["description"] = json!("Wayfarer: checkout is slower");
        assert!(ignored("deployment_status", &ours));
    }

    #[test]
    fn broken_bodies_say_where() {
        for (event, body, expected) in [
            ("deployment", json!({}), "`deployment` is missing"),
            ("deployment", json!({ "deployment": {} }), "`deployment.id` is missing"),
            (
                "deployment_status",
                json!({ "deployment_status": 5 }),
                "`deployment_status` is a number, not an object",
            ),
            ("", json!({}), "the header `X-GitHub-Event` is missing"),
        ] {
            assert_eq!(hear(event, &body).unwrap_err().message, expected);
        }
    }
}
