//! CDEvents of both envelopes (0.3 to the draft of 0.6): matched by subject and predicate, whatever the version behind them.
//!
//! Service and environment events become changes; pipeline, task, build, test, artifact and change events become facts of pipelines;
//! incidents close the loop (<https://github.com/cdevents/spec>, `spec.md` and `schemas/`).

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Delivery, Heard, IntakeFault,
    document::Document,
    heard::{Draft, fact, identifier},
    text,
};
use crate::model::{ChangeKind, ChangeState, IncidentFact, PipelineKind, PipelineOutcome};

/// Whether a body is a CDEvent.
pub(super) fn is_one(body: &Value) -> bool {
    let body = Document(body);
    body.at("context.type").text().is_some_and(|t| t.starts_with("dev.cdevents"))
        && !body.at("subject").is_missing()
}

/// Its type.
pub(super) fn kind(body: &Value) -> &str {
    Document(body).at("context.type").text().unwrap_or_default()
}

/// Reads a whole CDEvent.
pub(super) fn hear(delivery: &Delivery<'_>, body: &Value) -> Result<Heard, IntakeFault> {
    let body = Document(body);
    let kind = body.need("context.type")?;
    body.need("context.id")?;
    let at = body.at("context.timestamp");
    if at.time().is_none() {
        return Err(at.fault("context.timestamp", "a time"));
    }
    body.need("subject.id")?;
    let Some(rest) = kind.strip_prefix("dev.cdevents.") else {
        return Ok(Heard::ignored(format!("`{}` is a custom event", text::shown(&kind))));
    };
    let mut words = rest.split('.');
    let (subject, predicate) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let event = CdEvent { delivery, body, content: body.at("subject.content") };
    match (subject, predicate) {
        ("service", "deployed" | "upgraded") => event.service(ChangeKind::Deploy, predicate),
        ("service", "rolledback") => event.service(ChangeKind::Rollback, predicate),
        ("service", "removed") => event.service(ChangeKind::Infra, predicate),
        ("service", "published") => {
            Ok(Heard::ignored("a service was published: no change of itself"))
        }
        ("environment", "created" | "modified" | "deleted") => event.environment(predicate),
        ("incident", "detected" | "reported" | "resolved") => event.incident(predicate),
        ("pipelinerun", _) => event.run(PipelineKind::Pipeline, predicate),
        ("taskrun", _) => event.run(PipelineKind::Task, predicate),
        ("build", _) => event.run(PipelineKind::Build, predicate),
        ("testsuiterun" | "testcaserun" | "testcase" | "testsuite", _) => {
            event.run(PipelineKind::Test, predicate)
        }
        ("artifact", "packaged" | "published" | "signed") => {
            event.run(PipelineKind::Artifact, predicate)
        }
        ("change", "created" | "updated" | "reviewed" | "merged" | "abandoned") => {
            event.run(PipelineKind::Review, predicate)
        }
        _ => Ok(Heard::ignored(format!("`{}` says nothing of changes", text::shown(&kind)))),
    }
}

struct CdEvent<'a> {
    delivery: &'a Delivery<'a>,
    body: Document<'a>,
    content: Document<'a>,
}

impl CdEvent<'_> {
    fn at(&self) -> Option<Timestamp> {
        self.body.at("context.timestamp").time()
    }

    fn subject(&self) -> String {
        self.body.at("subject.id").word().unwrap_or_default()
    }

    /// The id of a change: that of the event, as links name it.
    fn id(&self) -> String {
        let source = self.body.at("context.source").text().unwrap_or_default();
        format!("cdevents:{source}:{}", self.body.at("context.id").word().unwrap_or_default())
    }

    /// The source of the subject, or of the event.
    fn source(&self) -> &str {
        let own = self.body.at("subject.source").text();
        own.or_else(|| self.body.at("context.source").text()).unwrap_or_default()
    }

    /// The events that this one follows, for whoever walks from a commit to its deployment.
    fn chain(&self) -> Option<&str> {
        self.body.at("context.chainId").text()
    }

    /// A service was changed; the event is told once, when it is done.
    fn service(&self, kind: ChangeKind, predicate: &str) -> Result<Heard, IntakeFault> {
        let service = self.subject();
        let artifact = self.content.at("artifactId").text();
        let mut id = self.id();
        if predicate != "deployed" {
            id = format!("{id}:{predicate}");
        }
        let verb = match predicate {
            "removed" => format!("{service} was removed"),
            "rolledback" => format!("{service} was rolled back"),
            _ => String::new(),
        };
        let custom = self.body.at("customData");
        Ok(Heard::one(
            Draft::new(self.delivery, &id, kind)
                .service(Some(&service))
                .environment(environment(self.content.at("environment")))
                .version(artifact.and_then(purl_version).as_deref().or(custom.at("version").text()))
                .commit(custom.at("commit").text())
                .author(custom.at("author").text())
                .url(custom.at("url").text())
                .title(Some(&verb).filter(|t| !t.is_empty()).map(String::as_str))
                .label("artifact", artifact)
                .label("chain", self.chain())
                .label("subject_source", self.body.at("subject.source").text())
                .ended(ChangeState::Finished, None, self.at()),
        ))
    }

    /// A whole environment was changed.
    fn environment(&self, predicate: &str) -> Result<Heard, IntakeFault> {
        let place = self.content.at("name").text().map_or_else(|| self.subject(), str::to_owned);
        let id = format!("{}:{predicate}", self.id());
        Ok(Heard::one(
            Draft::new(self.delivery, &id, ChangeKind::Infra)
                .environment(Some(&place))
                .title(Some(&format!("environment {place} was {predicate}")))
                .url(self.content.at("uri").text().or_else(|| self.content.at("url").text()))
                .label("chain", self.chain())
                .ended(ChangeState::Finished, None, self.at()),
        ))
    }

    fn incident(&self, predicate: &str) -> Result<Heard, IntakeFault> {
        let content = self.content;
        let mut fact = IncidentFact::new(format!("cdevents:{}:{}", self.source(), self.subject()));
        let known = self.delivery.known;
        self.delivery.hook.clone_into(&mut fact.source);
        fact.service = content
            .at("service.id")
            .text()
            .or_else(|| content.at("service").text())
            .and_then(|name| known.service(name));
        fact.environment =
            environment(content.at("environment")).and_then(|e| known.environment(e));
        fact.artifact = content.at("artifactId").text().map(str::to_owned);
        fact.title = content.at("description").text().map(str::to_owned);
        fact.url = content.at("ticketURI").text().map(str::to_owned);
        let relation = self.body.at("context.links").items().find(|link| {
            link.at("linkKind").text().is_some_and(|kind| kind.eq_ignore_ascii_case("trigger"))
        });
        fact.change = relation.and_then(|link| link.at("target.contextId").text()).map(|id| {
            identifier(&format!(
                "cdevents:{}:{id}",
                self.body.at("context.source").text().unwrap_or("")
            ))
        });
        match predicate {
            "resolved" => fact.resolved_at = self.at(),
            _ => fact.detected_at = self.at(),
        }
        Ok(Heard::one(fact))
    }

    fn run(&self, kind: PipelineKind, predicate: &str) -> Result<Heard, IntakeFault> {
        let content = self.content;
        let subject = self.subject();
        let source = self.source();
        let id = format!("cdevents:{source}:{}:{subject}", kind.as_str());
        let name = [
            "pipelineName",
            "taskName",
            "testSuite.name",
            "testCase.name",
            "testSuite.id",
            "description",
        ]
        .into_iter()
        .find_map(|path| content.at(path).text());
        let mut fact = fact(self.delivery, &id, kind, name.or(Some(&subject)));
        let known = self.delivery.known;
        fact.parent =
            [("pipelineRun", PipelineKind::Pipeline), ("testSuiteRun", PipelineKind::Test)]
                .into_iter()
                .find_map(|(key, kind)| {
                    let run = content.key(key).at("id").text()?;
                    let source = content.key(key).at("source").text().unwrap_or(source);
                    Some(format!("cdevents:{source}:{}:{run}", kind.as_str()))
                });
        fact.environment =
            environment(content.at("environment")).and_then(|e| known.environment(e));
        fact.repository = content.at("repository.id").text().map(str::to_owned);
        fact.service = fact.repository.as_deref().and_then(|name| known.service(name));
        fact.artifact = match kind {
            PipelineKind::Artifact => Some(subject.clone()),
            _ => content.at("artifactId").text().map(str::to_owned),
        };
        let custom = self.body.at("customData");
        fact.commit = content
            .at("change.id")
            .text()
            .or_else(|| custom.at("commit").text())
            .map(str::to_owned);
        fact.reference = custom.at("branch").text().and_then(|t| text::kept(t, 200));
        fact.trigger = content.at("trigger.type").text().and_then(|t| text::kept(t, 60));
        fact.url = ["uri", "testSuite.uri", "trigger.uri"]
            .into_iter()
            .find_map(|p| content.at(p).text())
            .map(str::to_owned);
        let at = self.at();
        match predicate {
            "queued" => fact.queued_at = at,
            "started" | "created" => fact.started_at = at,
            "updated" | "reviewed" => {}
            _ => {
                fact.finished_at = at;
                fact.outcome = Some(outcome(content.at("outcome").text(), predicate));
            }
        }
        Ok(Heard::one(fact))
    }
}

/// The environment, an object with an id or its bare name.
fn environment(part: Document<'_>) -> Option<&str> {
    part.at("id").text().or_else(|| part.at("name").text()).or_else(|| part.text())
}

fn outcome(said: Option<&str>, predicate: &str) -> PipelineOutcome {
    match said {
        Some("failure" | "fail" | "failed") => PipelineOutcome::Failure,
        Some("error") => PipelineOutcome::Error,
        Some("cancel" | "cancelled" | "canceled") => PipelineOutcome::Cancelled,
        _ if predicate == "skipped" => PipelineOutcome::Skipped,
        _ if predicate == "abandoned" => PipelineOutcome::Cancelled,
        _ => PipelineOutcome::Success,
    }
}

/// The version in a package URL: what stands behind `@`, decoded; of a digest the first digits.
pub(super) fn purl_version(purl: &str) -> Option<String> {
    let tag = purl.split(['?', '#']).nth(1).and_then(|query| {
        query.split('&').find_map(|pair| pair.strip_prefix("tag=")).map(str::to_owned)
    });
    let version = purl.split(['?', '#']).next()?.rsplit_once('@').map(|(_, version)| version);
    let version = tag.as_deref().or(version).filter(|version| !version.is_empty())?;
    let plain = percent_encoding::percent_decode_str(version).decode_utf8().ok()?;
    match plain.split_once("sha256:") {
        Some((_, hex)) if hex.len() > 12 && hex.is_ascii() => {
            Some(format!("sha256:{}", &hex[..12]))
        }
        _ => text::kept(&plain, 200),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        intake::{Headers, Known, Said},
        model::Change,
    };

    fn event(kind: &str, content: &Value) -> Value {
        json!({
            "context": {
                "specversion": "0.5.1", "id": "e1", "source": "/ci", "type": format!("dev.cdevents.{kind}"),
                "timestamp": "2026-11-20T10:00:00Z", "chainId": "c1"
            },
            "subject": { "id": "shop", "source": "/cluster", "content": content }
        })
    }

    fn said(body: &Value) -> Said {
        let (headers, known, query) = (Headers::default(), Known::default(), [].into());
        let delivery = Delivery {
            hook: "cloudevents",
            headers: &headers,
            query: &query,
            rest: "",
            body: b"",
            known: &known,
            received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        hear(&delivery, body).unwrap().said.remove(0)
    }

    fn change(body: &Value) -> Change {
        match said(body) {
            Said::Change(tidings) => tidings.change,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn services_become_changes_whatever_the_version() {
        let content =
            json!({ "environment": { "id": "production" }, "artifactId": "pkg:oci/shop@2.4.1" });
        for version in ["0.1.1", "0.2.0", "0.3.0", "0.4.0-draft"] {
            let change = change(&event(&format!("service.deployed.{version}"), &content));
            assert_eq!(change.services, ["shop".into()]);
            assert_eq!(change.environments, ["production".into()]);
            assert_eq!(change.version.as_deref(), Some("2.4.1"));
            assert_eq!(change.kind, ChangeKind::Deploy);
        }
        let back = change(&event("service.rolledback.0.3.0", &content));
        assert_eq!(back.kind, ChangeKind::Rollback);
        let place = change(&event("environment.modified.0.3.0", &json!({ "name": "staging" })));
        assert_eq!((place.services.len(), place.environments), (0, vec!["staging".into()]));
    }

    #[test]
    fn runs_and_incidents_are_facts() {
        let content = json!({ "pipelineName": "deploy", "outcome": "failure", "uri": "https://ci.example.com/1" });
        let Said::Pipeline(fact) = said(&event("pipelinerun.finished.0.3.0", &content)) else {
            panic!()
        };
        assert_eq!(fact.outcome, Some(PipelineOutcome::Failure));
        assert_eq!(
            (fact.name.as_str(), fact.id.as_str()),
            ("deploy", "cdevents:/cluster:pipeline:shop")
        );
        let content = json!({ "service": { "id": "shop" }, "environment": { "id": "production" } });
        let Said::Incident(found) = said(&event("incident.detected.0.3.0", &content)) else {
            panic!()
        };
        let Said::Incident(over) = said(&event("incident.resolved.0.3.0", &content)) else {
            panic!()
        };
        let both = found.clone().and(*over);
        assert!(both.detected_at.is_some() && both.resolved_at.is_some());
    }

    #[test]
    fn versions_of_package_urls() {
        for (purl, version) in [
            ("pkg:oci/myapp@sha256%3A0b31b1c02ff458ad9b7b", Some("sha256:0b31b1c02ff4")),
            ("pkg:oci/myapp@sha256%3A0b31?tag=v1.2", Some("v1.2")),
            ("pkg:npm/%40acme/shop@1.0.0", Some("1.0.0")),
            ("pkg:oci/myapp", None),
        ] {
            assert_eq!(purl_version(purl).as_deref(), version, "{purl}");
        }
    }
}
