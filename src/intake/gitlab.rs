//! GitLab's webhooks: deployments and feature flags become changes; pipelines, jobs, pushes and releases become facts.
//!
//! Proof is the plain `X-Gitlab-Token`, or the newer signature of Standard Webhooks. What sort of event it is, `object_kind` says; shapes:
//! <https://docs.gitlab.com/user/project/integrations/webhook_events/>. Times are not RFC 3339 there.

use super::{
    Delivery, Heard, IntakeFault, Proof, Said, Sender,
    document::Document,
    echo,
    heard::{Draft, commit, digest, fact},
    text,
};
use crate::model::{ChangeKind, PipelineFact, PipelineKind, PipelineOutcome};

pub(super) const SENDER: Sender = Sender {
    name: "gitlab",
    proofs: &[Proof::Plain("X-Gitlab-Token"), Proof::StandardWebhooks],
    read,
    answer: super::sender::plain,
};

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    let kind = body.at("object_kind").text().or_else(|| body.at("event_name").text());
    let kind = kind.ok_or_else(|| body.at("object_kind").fault("object_kind", "a text"))?;
    let heard = match kind {
        "deployment" => deployment(delivery, body)?,
        "feature_flag" => flag(delivery, body)?,
        "pipeline" => pipeline(delivery, body)?,
        "build" => job(delivery, body)?,
        "push" | "tag_push" => push(delivery, body)?,
        "release" => release(delivery, body)?,
        "merge_request" => merge_request(delivery, body)?,
        other => {
            Heard::ignored(format!("the event `{}` says nothing of changes", text::shown(other)))
        }
    };
    Ok(heard.of(kind))
}

fn project<'b>(body: Document<'b>) -> Option<&'b str> {
    body.at("project.path_with_namespace").text().or_else(|| body.at("project.name").text())
}

/// The instance and project, so that ids of two instances are never the same.
fn home(delivery: &Delivery<'_>, body: Document<'_>) -> String {
    let instance = delivery.header("x-gitlab-instance").map(str::to_owned);
    let address = body.at("project.web_url").text();
    let host = address
        .and_then(|address| url::Url::parse(address).ok())
        .and_then(|url| url.host_str().map(str::to_owned));
    let instance = host.or(instance).unwrap_or_default();
    format!("gitlab:{instance}:{}", project(body).unwrap_or(""))
}

fn deployment(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let id = body.need("deployment_id")?;
    let status = body.need("status")?;
    let at = body.at("status_changed_at").time();
    // Only a short hash is said; the whole one stands at the end of the commit's address.
    let short = body.at("short_sha").text();
    let whole = body
        .at("commit_url")
        .text()
        .and_then(|address| address.trim_end_matches('/').rsplit('/').next())
        .filter(|last| text::is_hash(last) && short.is_none_or(|s| last.starts_with(s)));
    let reference = body.at("ref").text();
    let version = reference.filter(|r| {
        let rest = r.strip_prefix('v').unwrap_or(r);
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains('.')
    });
    let author = body.at("user.username").text().or_else(|| body.at("user.name").text());
    let sha = whole.or(short);
    let title = body.at("commit_title").text();
    let draft = Draft::new(
        delivery,
        &format!("{}:deployment:{id}", home(delivery, body)),
        ChangeKind::Deploy,
    )
    .service(project(body))
    .environment(body.at("environment").text())
    .version(version)
    .commit_with(sha, None, None, title)
    .author(author)
    .title(title)
    .url(body.at("deployable_url").text().or_else(|| body.at("commit_url").text()))
    .label("repository", project(body))
    .label("ref", reference)
    .label("gitlab_project", body.at("project.id").word().as_deref())
    .label("tier", body.at("environment_tier").text());
    Ok(match status.as_str() {
        "running" | "created" => Heard::one(draft.started(at)),
        "success" => Heard::one(draft.finished(None, at)),
        "failed" | "canceled" => Heard::one(draft.failed(None, at)),
        other => Heard::ignored(format!("a deployment is `{}`", text::shown(other))),
    })
}

/// A flag was switched: GitLab says neither when nor where.
fn flag(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let flag = body.need("object_attributes.name")?;
    let id = body.need("object_attributes.id")?;
    let active = body.at("object_attributes.active").truth();
    let state = match active {
        Some(true) => "on",
        Some(false) => "off",
        None => {
            return Err(body
                .at("object_attributes.active")
                .fault("object_attributes.active", "true or false"));
        }
    };
    // The id of the event, so that a repetition is known; else of what is said and when it came.
    let event = ["webhook-id", "idempotency-key", "x-gitlab-event-uuid"]
        .iter()
        .find_map(|name| delivery.header(name));
    let event = event.map_or_else(
        || digest(&format!("{state}{}", delivery.received_at.as_second() / 60)),
        str::to_owned,
    );
    let key = format!("{}:flag:{id}:{state}:{event}", home(delivery, body));
    // A project is a service only where one is called so: a flag may be anybody's.
    let service = project(body).and_then(|name| {
        let last = name.rsplit('/').next().unwrap_or(name);
        delivery.known.service_here(name).or_else(|| delivery.known.service_here(last))
    });
    let title = format!("flag {flag} was switched {state}");
    Ok(Heard::one(
        Draft::new(delivery, &key, ChangeKind::Flag)
            .service(service.as_ref().map(|s| s.as_str()))
            .title(Some(&title))
            .author(body.at("user.username").text().or_else(|| body.at("user.name").text()))
            .url(
                body.at("project.web_url")
                    .text()
                    .map(|url| format!("{url}/-/feature_flags"))
                    .as_deref(),
            )
            .label("flag", Some(&flag))
            .label("flag_state", Some(state))
            .label("repository", project(body)),
    ))
}

fn outcome(status: &str) -> Option<PipelineOutcome> {
    Some(match status {
        "success" => PipelineOutcome::Success,
        "failed" => PipelineOutcome::Failure,
        "canceled" => PipelineOutcome::Cancelled,
        "skipped" => PipelineOutcome::Skipped,
        _ => return None,
    })
}

fn named(delivery: &Delivery<'_>, body: Document<'_>, mut fact: PipelineFact) -> PipelineFact {
    fact.repository = project(body).map(str::to_owned);
    fact.service = project(body).and_then(|name| delivery.known.service(name));
    fact.author =
        body.at("user.username").text().or_else(|| body.at("user.name").text()).map(str::to_owned);
    fact
}

fn pipeline(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let run = body.need_object("object_attributes")?;
    let id = body.need("object_attributes.id")?;
    let key = format!("{}:pipeline:{id}", home(delivery, body));
    let status = run.at("status").text().unwrap_or_default();
    let name = run.at("name").text().or_else(|| run.at("source").text());
    let mut fact = named(delivery, body, fact(delivery, &key, PipelineKind::Pipeline, name));
    fact.reference = run.at("ref").text().map(str::to_owned);
    fact.trigger = run.at("source").text().and_then(|t| text::kept(t, 60));
    // A merge request's pipeline runs on its own branch, whatever it goes to.
    let merge = run.at("source").text() == Some("merge_request_event");
    fact.main = !merge && is_main(body, fact.reference.as_deref());
    fact.commit = run.at("sha").text().map(str::to_owned);
    fact.url =
        run.at("url").text().map(str::to_owned).or_else(|| {
            body.at("project.web_url").text().map(|url| format!("{url}/-/pipelines/{id}"))
        });
    fact.queued_at = run.at("created_at").time();
    fact.commits = commit(
        body.at("commit.id").text(),
        body.at("commit.timestamp").time(),
        body.at("commit.author.name").text(),
        body.at("commit.message").text(),
    )
    .into_iter()
    .collect();
    let jobs = || body.at("builds").items();
    // A commit status of others makes a pipeline of its own.
    let external = run.at("source").text() == Some("external");
    if external && jobs().all(|job| job.at("name").text().is_some_and(echo)) {
        return Ok(Heard::ignored("our own word, coming back"));
    }
    fact.started_at = jobs().filter_map(|job| job.at("started_at").time()).min();
    fact.deploys = jobs().any(|job| job.at("environment.action").text() == Some("start"));
    fact.environment = jobs()
        .find_map(|job| job.at("environment.name").text())
        .and_then(|name| delivery.known.environment(name));
    fact.outcome = outcome(status);
    if fact.outcome.is_some() {
        fact.finished_at = run.at("finished_at").time();
    }
    // Its jobs stand in it: who sends only pipelines tells of stages as well.
    let mut said: Vec<Said> =
        jobs().take(text::MOST).filter_map(|job| part(delivery, body, &fact, job)).collect();
    said.insert(0, fact.into());
    Ok(said.into())
}

/// A job as its pipeline tells it: the same fact as the job's own event.
fn part(
    delivery: &Delivery<'_>,
    body: Document<'_>,
    run: &PipelineFact,
    job: Document<'_>,
) -> Option<Said> {
    let id = job.at("id").word()?;
    let name = job.at("name").text().filter(|name| !echo(name))?;
    let key = format!("{}:job:{id}", home(delivery, body));
    let mut own = fact(delivery, &key, PipelineKind::Task, Some(name));
    own.repository.clone_from(&run.repository);
    own.service.clone_from(&run.service);
    own.parent = Some(run.id.clone());
    own.stage = job.at("stage").text().and_then(|t| text::kept(t, 100));
    own.reference.clone_from(&run.reference);
    own.main = run.main;
    own.commit.clone_from(&run.commit);
    own.queued_at = job.at("created_at").time();
    // A job waits for those of earlier stages before it waits for a machine: only the second is a queue.
    let waited = job.at("queued_duration").0.as_f64().filter(|s| (0.0..1e7).contains(s));
    own.started_at = job.at("started_at").time();
    if let (Some(started), Some(waited)) = (own.started_at, waited) {
        let waited = jiff::SignedDuration::try_from_secs_f64(waited).unwrap_or_default();
        own.queued_at = started.checked_sub(waited).ok();
    }
    own.outcome = outcome(job.at("status").text().unwrap_or_default());
    if own.outcome.is_some() {
        own.finished_at = job.at("finished_at").time();
    }
    Some(own.into())
}

/// Whether a branch is the main one of its project.
fn is_main(body: Document<'_>, branch: Option<&str>) -> bool {
    branch.is_some() && body.at("project.default_branch").text() == branch
}

fn job(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let id = body.need("build_id")?;
    if body.at("build_name").text().is_some_and(echo) {
        return Ok(Heard::ignored("our own word, coming back"));
    }
    let home = home(delivery, body);
    let key = format!("{home}:job:{id}");
    let mut fact = named(
        delivery,
        body,
        fact(delivery, &key, PipelineKind::Task, body.at("build_name").text()),
    );
    fact.parent = body.at("pipeline_id").word().map(|run| format!("{home}:pipeline:{run}"));
    fact.stage = body.at("build_stage").text().and_then(|t| text::kept(t, 100));
    fact.reference = body.at("ref").text().map(str::to_owned);
    fact.main = is_main(body, fact.reference.as_deref());
    fact.commit = body.at("sha").text().map(str::to_owned);
    fact.url = body.at("project.web_url").text().map(|url| format!("{url}/-/jobs/{id}"));
    // Newer ones say each time twice, once as RFC 3339.
    let time =
        |name: &str| body.key(&format!("{name}_iso")).time().or_else(|| body.key(name).time());
    fact.queued_at = time("build_created_at");
    fact.started_at = time("build_started_at");
    let waited = body.at("build_queued_duration").0.as_f64().filter(|s| (0.0..1e7).contains(s));
    if let (Some(started), Some(waited)) = (fact.started_at, waited) {
        let waited = jiff::SignedDuration::try_from_secs_f64(waited).unwrap_or_default();
        fact.queued_at = started.checked_sub(waited).ok();
    }
    fact.environment = body
        .at("environment.name")
        .text()
        .or_else(|| body.at("environment").text())
        .and_then(|name| delivery.known.environment(name));
    fact.deploys = body.at("environment.action").text() == Some("start");
    fact.outcome = outcome(body.at("build_status").text().unwrap_or_default());
    if fact.outcome.is_some() {
        fact.finished_at = time("build_finished_at");
    }
    Ok(Heard::one(fact))
}

fn push(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let reference = body.need("ref")?;
    let after = body.need("after")?;
    if after.bytes().all(|b| b == b'0') {
        return Ok(Heard::ignored(format!("{} was deleted", text::shown(&reference))));
    }
    let key = format!("{}:push:{reference}:{after}", home(delivery, body));
    let branch = reference.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
    let mut fact = named(delivery, body, fact(delivery, &key, PipelineKind::Push, Some(branch)));
    fact.author =
        body.at("user_username").text().or_else(|| body.at("user_name").text()).map(str::to_owned);
    fact.reference = Some(branch.to_owned());
    let read = |c: Document<'_>| {
        let (id, author) = (c.at("id").text(), c.at("author.name").text());
        commit(id, c.at("timestamp").time(), author, c.at("message").text())
    };
    fact.commits = body.at("commits").items().take(text::MOST).filter_map(read).collect();
    fact.finished_at =
        fact.commits.iter().filter_map(|c| c.at).max().or(Some(delivery.received_at));
    fact.commit = Some(after);
    fact.outcome = Some(PipelineOutcome::Success);
    Ok(Heard::one(fact))
}

fn release(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let id = body.need("id")?;
    let action = body.at("action").text().unwrap_or("create");
    if action != "create" {
        return Ok(Heard::ignored(format!("a release: {}", text::shown(action))));
    }
    let tag = body.at("tag").text();
    let key = format!("{}:release:{id}", home(delivery, body));
    let mut fact = named(
        delivery,
        body,
        fact(delivery, &key, PipelineKind::Release, body.at("name").text().or(tag)),
    );
    fact.reference = tag.map(str::to_owned);
    fact.commit = body.at("commit.id").text().map(str::to_owned);
    fact.url = body.at("url").text().map(str::to_owned);
    fact.finished_at = body.at("released_at").time().or_else(|| body.at("created_at").time());
    fact.outcome = Some(PipelineOutcome::Success);
    Ok(Heard::one(fact))
}

fn merge_request(delivery: &Delivery<'_>, body: Document<'_>) -> Result<Heard, IntakeFault> {
    let id = body.need("object_attributes.iid")?;
    let request = body.at("object_attributes");
    let action = request.at("action").text().unwrap_or_default();
    if !matches!(action, "open" | "reopen" | "merge" | "close") {
        return Ok(Heard::ignored(format!("a merge request: {}", text::shown(action))));
    }
    let key = format!("{}:merge_request:{id}", home(delivery, body));
    let mut fact = named(
        delivery,
        body,
        fact(delivery, &key, PipelineKind::Review, request.at("title").text()),
    );
    fact.reference = request.at("source_branch").text().map(str::to_owned);
    fact.started_at = request.at("created_at").time();
    fact.url = request.at("url").text().map(str::to_owned);
    if matches!(action, "merge" | "close") {
        fact.commit = request.at("merge_commit_sha").text().map(str::to_owned);
        fact.finished_at = request.at("updated_at").time();
        fact.outcome = Some(if action == "merge" {
            PipelineOutcome::Success
        } else {
            PipelineOutcome::Cancelled
        });
    }
    Ok(Heard::one(fact))
}
