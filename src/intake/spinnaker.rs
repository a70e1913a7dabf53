//! Spinnaker: Echo posts every event of Orca (`rest.endpoints` in echo-local.yml): `{"details": {"type": "orca:pipeline:complete", …},
//! "content": {"execution": {…}}}` (<https://spinnaker.io/docs/setup/other_config/features/notifications/>).
//!
//! An execution comes whole each time. It becomes the fact of a pipeline, and each stage in it that deploys a change: under the id of that
//! stage, so that it does not matter which of the events come, how often, and in which order.

use super::{
    Delivery, Heard, IntakeFault, Proof, Said, Sender,
    document::Document,
    heard::{Draft, fact},
    sender::plain,
};
use crate::model::{ChangeKind, PipelineKind, PipelineOutcome};

pub(super) const SENDER: Sender =
    Sender { name: "spinnaker", proofs: &[Proof::Authorization], read, answer: plain };

/// Stages that bring another version, or bring an earlier one back.
const STAGES: &[(&str, ChangeKind)] = &[
    ("deploy", ChangeKind::Deploy),
    ("deployManifest", ChangeKind::Deploy),
    ("deployService", ChangeKind::Deploy),
    ("cloneServerGroup", ChangeKind::Deploy),
    ("createServerGroup", ChangeKind::Deploy),
    ("deployLambda", ChangeKind::Deploy),
    ("deployCloudrunManifest", ChangeKind::Deploy),
    ("patchManifest", ChangeKind::Config),
    ("rollbackCluster", ChangeKind::Rollback),
    ("rollbackServerGroup", ChangeKind::Rollback),
    ("undoRolloutManifest", ChangeKind::Rollback),
];

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let body = delivery.object()?;
    let body = Document(&body);
    // `wrap: true` puts the event into a field.
    let wrapped = body.at("details").is_missing() && !body.at("payload.details").is_missing();
    let event = if wrapped { body.at("payload") } else { body };
    let kind = event.need("details.type")?;
    let ignored = |why: &str| Ok(Heard::ignored(why).of(&kind));
    if !(kind.starts_with("orca:pipeline:") || kind.starts_with("orca:stage:")) {
        return ignored("neither a pipeline nor a stage");
    }
    let execution = event.at("content.execution");
    if execution.at("id").is_missing() {
        return ignored("the execution is not in it");
    }
    let trigger = execution.at("trigger");
    let dry = ["dryRun", "isDryRun"].iter().any(|key| trigger.key(key).truth() == Some(true));
    if dry {
        return ignored("a dry run alters nothing");
    }
    let run = Run::of(event, execution, trigger)?;
    let mut said = vec![run.fact(delivery)];
    said.extend(execution.at("stages").items().filter_map(|stage| run.stage(delivery, stage)));
    Ok(Heard::from(said).of(&kind))
}

/// An execution, as far as its stages share it.
struct Run<'b> {
    execution: Document<'b>,
    trigger: Document<'b>,
    id: String,
    application: Option<&'b str>,
    commit: Option<&'b str>,
    version: Option<String>,
    author: Option<&'b str>,
}

/// How a part of an execution stands.
enum Standing {
    Waits,
    Runs,
    Over(PipelineOutcome),
}

fn standing(part: Document<'_>) -> Standing {
    match part.at("status").text().unwrap_or_default().to_ascii_uppercase().as_str() {
        "RUNNING" | "PAUSED" | "SUSPENDED" | "REDIRECT" => Standing::Runs,
        "SUCCEEDED" => Standing::Over(PipelineOutcome::Success),
        "TERMINAL" | "FAILED_CONTINUE" | "STOPPED" => Standing::Over(PipelineOutcome::Failure),
        "CANCELED" => Standing::Over(PipelineOutcome::Cancelled),
        "SKIPPED" => Standing::Over(PipelineOutcome::Skipped),
        _ => Standing::Waits,
    }
}

impl<'b> Run<'b> {
    fn of(
        event: Document<'b>,
        execution: Document<'b>,
        trigger: Document<'b>,
    ) -> Result<Self, IntakeFault> {
        let scm = || trigger.at("buildInfo.scm").items().next();
        let commit = trigger.at("hash").text().or_else(|| scm()?.at("sha1").text());
        let parameter = |name: &str| {
            let parameters = trigger.at("parameters").members();
            parameters.filter(|(key, _)| key.eq_ignore_ascii_case(name)).find_map(|(_, v)| v.word())
        };
        let image = trigger
            .at("artifacts")
            .items()
            .find(|artifact| artifact.at("type").text() == Some("docker/image"))
            .and_then(|artifact| artifact.at("version").text());
        let version = ["version", "tag", "imageTag", "image_tag"]
            .into_iter()
            .find_map(parameter)
            .or_else(|| trigger.at("tag").text().or(image).map(str::to_owned));
        let author = [execution.at("authentication.user"), trigger.at("user")];
        let mut author = author.into_iter().filter_map(Document::text);
        let details = event.at("details.application");
        Ok(Self {
            id: execution.need("id")?,
            application: execution.at("application").text().or(details.text()),
            author: author.rfind(|user| !matches!(*user, "anonymous" | "[anonymous]")),
            execution,
            trigger,
            commit,
            version,
        })
    }

    fn fact(&self, delivery: &Delivery<'_>) -> Said {
        let Self { execution, trigger, .. } = *self;
        let name = execution.at("name").text();
        let id = format!("spinnaker:{}", self.id);
        let mut fact = fact(delivery, &id, PipelineKind::Pipeline, name);
        fact.service = self.application.and_then(|name| delivery.known.service(name));
        let branch = trigger.at("branch").text();
        fact.reference = branch.map(str::to_owned);
        fact.commit = self.commit.map(str::to_owned);
        fact.author = self.author.map(str::to_owned);
        fact.deploys = execution.at("stages").items().any(|stage| kind(stage).is_some());
        fact.queued_at = execution.at("buildTime").time();
        fact.started_at = execution.at("startTime").time();
        if let Standing::Over(outcome) = standing(execution) {
            fact.finished_at = execution.at("endTime").time().or(Some(delivery.received_at));
            fact.outcome = Some(outcome);
        }
        fact.into()
    }

    /// A stage that deploys, as soon as it has begun.
    fn stage(&self, delivery: &Delivery<'_>, stage: Document<'_>) -> Option<Said> {
        let kind = kind(stage)?;
        let standing = standing(stage);
        if matches!(standing, Standing::Waits | Standing::Over(PipelineOutcome::Skipped)) {
            return None;
        }
        let id = stage.at("id").text()?;
        let context = stage.at("context");
        let cluster = context.at("clusters").items().next();
        let app = context
            .at("moniker.app")
            .text()
            .or_else(|| cluster.and_then(|c| c.at("application").text()))
            .or(self.application);
        let place = ["environment", "env"].iter().find_map(|name| {
            let parameters = self.trigger.at("parameters").members();
            parameters.filter(|(key, _)| key.eq_ignore_ascii_case(name)).find_map(|(_, v)| v.word())
        });
        let account = [context.at("account"), context.key("deploy.account.name")]
            .into_iter()
            .chain(cluster.map(|c| c.at("account")))
            .chain([context.at("credentials")])
            .find_map(Document::text);
        let (began, ended) = (stage.at("startTime").time(), stage.at("endTime").time());
        let draft = Draft::new(delivery, &format!("spinnaker:{}:{id}", self.id), kind)
            .service(app)
            .environment(place.as_deref().or(account))
            .version(self.version.as_deref())
            .commit(self.commit)
            .author(self.author)
            .build(self.trigger.at("buildInfo.number").word().as_deref())
            .url(self.trigger.at("buildInfo.url").text())
            .label("pipeline", self.execution.at("name").text())
            .label("stage", stage.at("name").text())
            .label("account", account)
            .label("execution", Some(&self.id));
        Some(match standing {
            Standing::Over(PipelineOutcome::Success) => draft.finished(began, ended).into(),
            Standing::Over(_) => draft.failed(began, ended).into(),
            _ => draft.started(began).into(),
        })
    }
}

/// The kind of change that a stage makes; stages that Spinnaker adds around others make none of their own.
fn kind(stage: Document<'_>) -> Option<ChangeKind> {
    if !stage.at("syntheticStageOwner").is_missing() {
        return None;
    }
    let name = stage.at("type").text()?;
    STAGES.iter().find(|(stage, _)| *stage == name).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        intake::{Headers, Known, Tidings},
        model::{ChangeState, PipelineFact},
    };

    fn hear(body: &Value) -> (Vec<PipelineFact>, Vec<Tidings>, usize) {
        let (headers, query) = (Headers::default(), [].into());
        let known = Known {
            environments: ["production".into(), "staging".into()].into(),
            ..Known::default()
        };
        let text = body.to_string();
        let delivery = Delivery {
            hook: "spinnaker",
            headers: &headers,
            query: &query,
            rest: "",
            body: text.as_bytes(),
            known: &known,
            received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        let (mut facts, mut changes, mut ignored) = (Vec::new(), Vec::new(), 0);
        for said in read(&delivery).unwrap().said {
            match said {
                Said::Change(tidings) => changes.push(*tidings),
                Said::Pipeline(fact) => facts.push(*fact),
                _ => ignored += 1,
            }
        }
        (facts, changes, ignored)
    }

    /// The form of Echo's events with an execution as Orca writes it.
    fn event(kind: &str, pipeline: &str, deploy: &str) -> Value {
        let over = |status: &str| matches!(status, "SUCCEEDED" | "TERMINAL" | "CANCELED");
        json!({
            "details": {
                "source": "orca", "type": kind, "created": "1763632805283", "organization": null, "project": null,
                "application": "checkout", "_content_id": null
            },
            "content": {
                "standalone": false, "executionId": "01F5KC59TRGWKCP31C4N51CDSB",
                "execution": {
                    "application": "checkout", "authentication": { "allowedAccounts": ["prod"], "user": "jane" },
                    "buildTime": 1_763_632_703_486_u64, "canceled": false, "id": "01F5KC59TRGWKCP31C4N51CDSB", "name": "deploy to prod",
                    "origin": "api", "pipelineConfigId": "6a4cff2e", "startTime": 1_763_632_704_000_u64,
                    "endTime": over(pipeline).then_some(1_763_632_805_283_u64), "status": pipeline,
                    "stages": [
                        { "context": {}, "id": "A", "name": "Bake", "refId": "1", "status": "SUCCEEDED", "syntheticStageOwner": null, "type": "bakeManifest" },
                        {
                            "context": { "account": "prod", "cloudProvider": "kubernetes", "moniker": { "app": "checkout" }, "source": "artifact" },
                            "id": "B", "name": "Deploy (Manifest)", "refId": "2", "status": deploy, "syntheticStageOwner": null,
                            "startTime": if deploy == "NOT_STARTED" { Value::Null } else { json!(1_763_632_720_000_u64) },
                            "endTime": over(deploy).then_some(1_763_632_800_000_u64), "type": "deployManifest"
                        },
                        { "context": {}, "id": "C", "name": "inner", "status": "RUNNING", "syntheticStageOwner": "STAGE_AFTER", "type": "deploy" }
                    ],
                    "trigger": {
                        "artifacts": [{ "type": "docker/image", "name": "acme/checkout", "version": "2.4.1", "reference": "acme/checkout:2.4.1" }],
                        "isDryRun": false, "parameters": {}, "type": "manual", "user": "jane"
                    },
                    "type": "PIPELINE"
                }
            }
        })
    }

    #[test]
    fn a_stage_that_deploys_is_a_change() {
        let (facts, changes, _) = hear(&event("orca:pipeline:starting", "RUNNING", "NOT_STARTED"));
        assert!(changes.is_empty() && facts[0].outcome.is_none() && facts[0].deploys);
        let (_, begun, _) = hear(&event("orca:stage:starting", "RUNNING", "RUNNING"));
        let begun = &begun[0].change;
        assert_eq!(begun.id.as_str(), "spinnaker:01F5KC59TRGWKCP31C4N51CDSB:B");
        assert_eq!((begun.state, begun.version.as_deref()), (ChangeState::Started, Some("2.4.1")));
        assert_eq!(
            (begun.services[0].as_str(), begun.environments[0].as_str()),
            ("checkout", "production")
        );
        assert_eq!(begun.author.as_deref(), Some("jane"));
        let (facts, done, _) = hear(&event("orca:pipeline:complete", "SUCCEEDED", "SUCCEEDED"));
        assert_eq!(
            (done[0].change.id.clone(), done[0].change.state),
            (begun.id.clone(), ChangeState::Finished)
        );
        assert_eq!(done[0].change.finished_at.unwrap().as_second(), 1_763_632_800);
        assert_eq!(facts[0].outcome, Some(PipelineOutcome::Success));
        let (facts, failed, _) = hear(&event("orca:pipeline:failed", "TERMINAL", "TERMINAL"));
        assert_eq!(failed[0].change.state, ChangeState::Failed);
        assert_eq!(facts[0].outcome, Some(PipelineOutcome::Failure));
    }

    #[test]
    fn other_forms() {
        let wrapped = json!({ "eventName": "spinnaker_events", "payload": event("orca:stage:complete", "RUNNING", "SUCCEEDED") });
        assert_eq!(hear(&wrapped).1.len(), 1);
        let mut back = event("orca:pipeline:complete", "SUCCEEDED", "SUCCEEDED");
        back["content"]["execution"]["stages"][1]["type"] = json!("undoRolloutManifest");
        back["content"]["execution"]["trigger"] = json!({ "type": "git", "hash": "abc1234def", "branch": "main", "parameters": { "Environment": "staging" } });
        let (_, changes, _) = hear(&back);
        let change = &changes[0].change;
        assert_eq!(
            (change.kind, change.environments[0].as_str()),
            (ChangeKind::Rollback, "staging")
        );
        assert_eq!(
            (change.commits[0].id.as_str(), change.version.as_deref()),
            ("abc1234def", None)
        );
        let mut dry = event("orca:pipeline:complete", "SUCCEEDED", "SUCCEEDED");
        dry["content"]["execution"]["trigger"]["isDryRun"] = json!(true);
        assert_eq!(hear(&dry).2, 1);
        assert_eq!(hear(&event("orca:task:complete", "RUNNING", "RUNNING")).2, 1);
        assert_eq!(
            hear(&json!({ "details": { "type": "orca:stage:complete" }, "content": {} })).2,
            1
        );
    }
}
