//! Jenkins: the CloudEvents plugin (binary mode, `org.jenkinsci.job.*`) and the notification plugin (its job state as JSON).
//!
//! Runs of jobs become facts of pipelines. A job that deploys says so by its parameters: one whose name is `ENVIRONMENT`
//! (`DEPLOY_ENV`, `TARGET_ENV`, `ENV`) makes a change of it, and so does a hook with an `environment`, or a job that is called a deploy;
//! `SERVICE` and `VERSION` say what, else the repository that was built does.

use serde_json::Value;

use super::{
    Delivery, Heard, IntakeFault, Proof, Said, Sender,
    cloudevents::{self, Event},
    document::Document,
    heard::{Draft, fact},
};
use crate::model::{ChangeKind, PipelineKind, PipelineOutcome};

pub(super) const SENDER: Sender =
    Sender { name: "jenkins", proofs: &[Proof::Authorization], read, answer: super::sender::plain };

/// Whether a CloudEvent is one of Jenkins.
pub(super) fn is_one(kind: &str) -> bool {
    kind.starts_with("org.jenkinsci.")
}

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    if cloudevents::is_binary(delivery) || delivery.header("ce-type").is_some() {
        let body = delivery.object()?;
        let kind = delivery.header("ce-type").unwrap_or_default();
        return Ok(job(delivery, kind, Document(&body))?.of(kind));
    }
    let body = delivery.object()?;
    let body = Document(&body);
    let phase = body.at("build.phase").text().unwrap_or_default().to_owned();
    Ok(job(delivery, "", body)?.of(&phase))
}

/// An event of the CloudEvents plugin that came with others.
pub(super) fn event(
    delivery: &Delivery<'_>,
    event: &Event,
    data: &Value,
) -> Result<Heard, IntakeFault> {
    job(delivery, &event.kind, Document(data))
}

fn job(delivery: &Delivery<'_>, kind: &str, body: Document<'_>) -> Result<Heard, IntakeFault> {
    if !kind.is_empty() && !kind.starts_with("org.jenkinsci.job.") {
        return Ok(Heard::ignored(format!(
            "`{}` says nothing of changes",
            super::text::shown(kind)
        )));
    }
    if kind.ends_with(".created") || kind.ends_with(".updated") {
        return Ok(Heard::ignored("a job was written, not run"));
    }
    let build = body.need_object("build")?;
    let name = body.need("name")?;
    let number = body.need("build.number")?;
    let url = [build.at("fullUrl"), build.at("url")].into_iter().find_map(Document::text);
    let key = build.at("url").text().map_or_else(|| format!("{name}/{number}"), str::to_owned);
    let scm = [build.at("scmState"), build.at("scm")].into_iter().find(|scm| !scm.is_missing());
    let scm = scm.unwrap_or(Document(&Value::Null));
    let repository = scm.at("url").text().and_then(repository);
    let began = build.at("timestamp").time();
    let took = build.at("duration").0.as_f64().filter(|ms| *ms > 0.0);
    let ended = began.zip(took).and_then(|(began, ms)| {
        began.checked_add(std::time::Duration::try_from_secs_f64(ms / 1e3).ok()?).ok()
    });
    let phase = build.at("phase").text().unwrap_or_default().to_ascii_uppercase();
    let outcome = match build.at("status").text().unwrap_or_default().to_ascii_uppercase().as_str()
    {
        "SUCCESS" => Some(PipelineOutcome::Success),
        "FAILURE" | "FAILED" | "UNSTABLE" => Some(PipelineOutcome::Failure),
        "ABORTED" => Some(PipelineOutcome::Cancelled),
        "NOT_BUILT" => Some(PipelineOutcome::Skipped),
        _ => None,
    };
    let over = matches!(phase.as_str(), "COMPLETED" | "FINALIZED")
        || (phase.is_empty() && outcome.is_some());
    let parameters = build.at("parameters");
    let place = ["ENVIRONMENT", "DEPLOY_ENV", "TARGET_ENV", "DEPLOY_ENVIRONMENT", "ENV"]
        .into_iter()
        .find_map(|name| parameter(parameters, name));
    let mut fact = fact(delivery, &format!("jenkins:{key}"), PipelineKind::Pipeline, Some(&name));
    fact.repository = repository.clone();
    fact.service = repository.as_deref().and_then(|name| delivery.known.service(name));
    fact.reference = scm.at("branch").text().map(|b| b.trim_start_matches("origin/").to_owned());
    fact.commit = scm.at("commit").text().map(str::to_owned);
    fact.author = body.at("userName").text().filter(|name| *name != "SYSTEM").map(str::to_owned);
    fact.url = url.map(str::to_owned);
    // A job deploys where its parameters name an environment, where its hook does, or where it is called so.
    let called = name.to_ascii_lowercase().contains("deploy");
    let deploys = place.is_some() || called || delivery.known.defaults.environment.is_some();
    fact.deploys = deploys;
    // A person's name stands there where one pressed the button.
    fact.trigger = fact.author.as_ref().map(|_| "manual".to_owned());
    fact.started_at = began;
    if phase == "QUEUED" {
        fact.started_at = None;
        fact.queued_at = began;
    }
    if over {
        fact.finished_at = ended.or(Some(delivery.received_at));
        fact.outcome = outcome;
    }
    let mut said: Vec<Said> = vec![fact.into()];
    if deploys && phase != "QUEUED" {
        let service = parameter(parameters, "SERVICE").or(repository.clone());
        let version = ["VERSION", "TAG", "IMAGE_TAG"].iter().find_map(|n| parameter(parameters, n));
        let draft = Draft::new(delivery, &format!("jenkins:{key}"), ChangeKind::Deploy)
            .service(Some(service.as_deref().unwrap_or(&name)))
            .environment(place.as_deref())
            .version(version.as_deref())
            .commit(scm.at("commit").text())
            .author(body.at("userName").text().filter(|name| *name != "SYSTEM"))
            .title(build.at("displayName").text())
            .url(url)
            .build(Some(&number))
            .label("repository", repository.as_deref())
            .label("job", Some(&name));
        said.push(
            match (over, outcome) {
                (false, _) => draft.started(began),
                (true, Some(PipelineOutcome::Success) | None) => draft.finished(began, ended),
                (true, Some(_)) => draft.failed(began, ended),
            }
            .into(),
        );
    }
    Ok(said.into())
}

/// A parameter, whatever the case of its name.
fn parameter(parameters: Document<'_>, name: &str) -> Option<String> {
    parameters
        .members()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .and_then(|(_, value)| value.word())
}

/// `owner/name` of the address of a repository.
pub fn repository(address: &str) -> Option<String> {
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    let path = match url::Url::parse(address) {
        Ok(url) => url.path().trim_matches('/').to_owned(),
        // git@host:owner/name
        Err(_) => {
            address.rsplit_once(':').map_or(address, |(_, path)| path).trim_matches('/').to_owned()
        }
    };
    (!path.is_empty()).then_some(path)
}
