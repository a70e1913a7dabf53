//! The webhooks of Apache DevLake, as pipelines call them: deployments and incidents (<https://devlake.apache.org/docs/Plugins/webhook>).
//! Older names of fields, with underscores, are understood as well.

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender,
    document::Document,
    heard::{Draft, digest},
    jenkins::repository,
    sender::plain,
    text,
};
use crate::model::{ChangeKind, IncidentFact};

pub(super) const SENDER: Sender =
    Sender { name: "devlake", proofs: &[Proof::Authorization], read, answer: plain };

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let path = delivery.rest.trim_matches('/');
    // An issue is closed at `issue/KEY/close`, in the singular.
    let incident = path.split('/').any(|part| matches!(part, "issues" | "issue" | "incidents"));
    let heard = if incident { issue(delivery, body, path)? } else { deployment(delivery, body)? };
    Ok(heard.of(if incident { "incident" } else { "deployment" }))
}

/// The first of several names that is there.
fn either<'b>(body: Document<'b>, names: &[&str]) -> Document<'b> {
    names
        .iter()
        .map(|name| body.at(name))
        .find(|part| !part.is_missing())
        .unwrap_or_else(|| body.at(names[0]))
}

fn deployment(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let id = either(body, &["id", "pipeline_id", "pipelineId"]);
    // Before there were ids, commit and start told one from another.
    let commit = either(body, &["commitSha", "commit_sha"]);
    let id = match id.word() {
        Some(id) => id,
        None if id.is_missing() && commit.text().is_some() => {
            let begun = either(body, &["startedDate", "started_date", "start_time", "startTime"]);
            digest(&format!("{}:{}", commit.text().unwrap_or_default(), begun.0))
        }
        None => return Err(id.fault("id", "a text")),
    };
    let started = either(body, &["startedDate", "started_date", "start_time", "startTime"]).time();
    let finished = either(body, &["finishedDate", "finished_date", "end_time", "endTime"]).time();
    let mut commits: Vec<Document<'_>> =
        either(body, &["deploymentCommits", "deployment_commits"]).items().collect();
    if commits.is_empty() && !either(body, &["commitSha", "commit_sha"]).is_missing() {
        commits.push(body);
    }
    let said = either(body, &["originalEnvironment", "original_environment", "environment"]);
    let mut draft =
        Draft::new(delivery, &format!("devlake:{}:{id}", delivery.hook), ChangeKind::Deploy)
            .environment(said.text())
            .title(either(body, &["displayTitle", "display_title", "name"]).text())
            .url(body.at("url").text())
            .label("devlake_deployment", Some(&id));
    for commit in commits.into_iter().take(text::MOST) {
        let address = either(commit, &["repoUrl", "repo_url"]).text();
        let home = address.and_then(repository);
        let reference = either(commit, &["refName", "ref_name"]).text();
        let version = reference.map(|r| r.trim_start_matches("refs/tags/")).filter(|r| {
            r.strip_prefix('v').unwrap_or(r).starts_with(|c: char| c.is_ascii_digit())
                && r.contains('.')
        });
        let message = either(commit, &["commitMsg", "commit_msg"]).text();
        draft = draft
            .service(home.as_deref())
            .version(version)
            .commit_with(either(commit, &["commitSha", "commit_sha"]).text(), None, None, message)
            .label("repository", home.as_deref());
    }
    let result = body.at("result").text().unwrap_or("SUCCESS").to_ascii_uppercase();
    let failed = matches!(result.as_str(), "FAILURE" | "FAILED" | "ABORT" | "ABORTED");
    if started.is_none() && finished.is_none() {
        return Err(body.at("startedDate").fault("startedDate", "a time"));
    }
    Ok(Heard::one(match (failed, finished) {
        (true, _) => draft.failed(started, finished),
        (false, Some(_)) => draft.finished(started, finished),
        (false, None) => draft.started(started),
    }))
}

fn issue(delivery: &Delivery<'_>, body: Document<'_>, path: &str) -> Result<Heard, IntakeFault> {
    let key = either(body, &["issueKey", "issue_key", "boardKey", "id"]).word();
    let closed =
        path.rsplit_once('/').filter(|(head, last)| *last == "close" && head.contains("issue"));
    let key =
        key.or_else(|| closed.and_then(|(head, _)| head.rsplit('/').next()).map(str::to_owned));
    let key = key.ok_or_else(|| body.at("issueKey").fault("issueKey", "a text"))?;
    let kind =
        either(body, &["type", "originalType"]).text().unwrap_or("INCIDENT").to_ascii_uppercase();
    if !kind.contains("INCIDENT") && !kind.contains("BUG") {
        return Ok(Heard::ignored("an issue that is no incident"));
    }
    let mut fact = IncidentFact::new(format!("devlake:{}:{key}", delivery.hook));
    delivery.hook.clone_into(&mut fact.source);
    fact.title = body.at("title").text().map(str::to_owned);
    fact.severity = either(body, &["severity", "priority"]).text().map(str::to_owned);
    fact.url = body.at("url").text().map(str::to_owned);
    fact.service = body.at("component").text().and_then(|name| delivery.known.service_here(name));
    fact.detected_at = either(body, &["createdDate", "created_date"]).time();
    let done = closed.is_some()
        || body.at("status").text().is_some_and(|s| s.eq_ignore_ascii_case("DONE"));
    fact.resolved_at = either(body, &["resolutionDate", "resolution_date"])
        .time()
        .or(done.then_some(delivery.received_at));
    Ok(Heard::one(fact))
}
