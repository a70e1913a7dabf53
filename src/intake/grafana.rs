//! The calls that mark deployments in Grafana: `POST /api/annotations` and `/api/annotations/graphite`, as pipelines, Argo CD and Flux make
//! them, so that an existing step works when its address is changed.
//!
//! Tags are read as `name:value`, `name=value` or plain words: what sort of change, an environment, a version, a commit, a service. Lines of the
//! text such as `Commit: abc123`, `Author: jane.doe` and `Run: https://…` fill what the tags leave open.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Delivery, Heard, IntakeFault, Proof, Sender,
    document::Document,
    echo, flux,
    heard::{Draft, digest},
    native, text,
    words::{self, Words},
};
use crate::model::ChangeKind;

pub(super) const SENDER: Sender =
    Sender { name: "grafana", proofs: &[Proof::Authorization], read, answer: super::sender::plain };

/// Most tags that are read.
const MOST: usize = 100;

fn read(delivery: &Delivery<'_>) -> Result<Heard, IntakeFault> {
    let marker = Marker::read(delivery)?;
    Ok(marker.heard(delivery, &marker.id(delivery), false))
}

/// An annotation.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// Its time, where it says one.
    pub time: Option<Timestamp>,
    /// The end of a region.
    pub end: Option<Timestamp>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its text.
    pub text: String,
    /// Whether it came as Graphite's event.
    pub graphite: bool,
}

impl Marker {
    /// Reads either form: one with `what` is Graphite's, and `when` is in seconds.
    ///
    /// # Errors
    /// It is not JSON, says nothing, or its tags or times are none.
    pub fn read(delivery: &Delivery<'_>) -> Result<Self, IntakeFault> {
        let value = delivery.object()?;
        let body = Document(&value);
        let graphite = delivery.rest.trim_end_matches('/').ends_with("graphite")
            || !body.at("what").is_missing();
        let text = if graphite {
            let what = body.at("what").text().ok_or_else(|| {
                IntakeFault::new("`what` is missing or empty", "say what happened in `what`")
            })?;
            match body.at("data").text() {
                Some(data) => format!("{what}\n{data}"),
                None => what.to_owned(),
            }
        } else {
            body.at("text")
                .text()
                .or_else(|| body.at("title").text())
                .map(str::to_owned)
                .ok_or_else(|| {
                    IntakeFault::new("`text` is missing or empty", "say what happened in `text`")
                })?
        };
        Ok(Self {
            time: instant(body, &["time", "when"])?,
            end: instant(body, &["timeEnd"])?.filter(|end| end.as_second() > 0),
            tags: tags(body.at("tags"))?,
            text,
            graphite,
        })
    }

    /// The annotation as it is kept and shown: times in milliseconds.
    pub fn json(&self) -> Value {
        json!({
            "time": self.time.map(Timestamp::as_millisecond),
            "timeEnd": self.end.map(Timestamp::as_millisecond),
            "tags": self.tags,
            "text": self.text,
        })
    }

    /// An annotation that is kept, with what a later call says of it.
    ///
    /// # Errors
    /// The call says something that is no time, tag or text.
    pub fn patched(kept: &str, delivery: &Delivery<'_>) -> Result<Self, IntakeFault> {
        let kept: Value = serde_json::from_str(kept).unwrap_or_default();
        let (kept, value) = (Document(&kept), delivery.object()?);
        let body = Document(&value);
        let time = instant(body, &["time"])?.or(instant(kept, &["time"])?);
        let end = instant(body, &["timeEnd"])?.or(instant(kept, &["timeEnd"])?);
        let tagged = if body.at("tags").is_missing() { kept } else { body };
        let said = body.at("text").text().or_else(|| kept.at("text").text());
        Ok(Self {
            time,
            end: end.filter(|end| end.as_second() > 0),
            tags: tags(tagged.at("tags"))?,
            text: said.unwrap_or_default().to_owned(),
            graphite: false,
        })
    }

    /// The id of the change that it tells: the same for the same annotation at the same time. One without a time is a new one
    /// each time it comes.
    pub fn id(&self, delivery: &Delivery<'_>) -> String {
        match self.time {
            Some(time) => {
                let said = format!(
                    "{}\n{}\n{}",
                    time.as_millisecond(),
                    self.tags.join("\u{1f}"),
                    self.text
                );
                format!("grafana:{}", digest(&said))
            }
            None => format!("grafana:{}", digest(native::fresh_id(delivery.received_at).as_str())),
        }
    }

    /// What it says.
    pub fn heard(&self, delivery: &Delivery<'_>, id: &str, replaces: bool) -> Heard {
        let event = if self.graphite { "graphite" } else { "annotation" };
        if self.tags.iter().any(|tag| echo(tag)) {
            return Heard::ignored("our own word, coming back").of(event);
        }
        let plain = |word: &str| self.tags.iter().any(|tag| tag.eq_ignore_ascii_case(word));
        if ["alert", "alerting", "incident", "outage"].into_iter().any(plain) {
            return Heard::ignored("an annotation of an alert or incident is no change").of(event);
        }
        let words = Words::of(&self.tags, &self.text, delivery.known);
        let draft = if plain("flux") { self.flux(delivery, id) } else { None };
        let draft = draft.unwrap_or_else(|| self.draft(delivery, id, &words));
        let draft = if replaces { draft.replaces() } else { draft };
        let start = self.time.unwrap_or(delivery.received_at);
        let done = match (self.end, words.state) {
            (Some(end), words::State::Failed) => draft.failed(Some(start), Some(end)),
            (Some(end), _) => draft.finished(Some(start), Some(end)),
            (None, words::State::Started) => draft.started(Some(start)),
            (None, words::State::Failed) => draft.failed(Some(start), Some(start)),
            (None, words::State::Finished) => draft.finished(Some(start), Some(start)),
        };
        Heard::one(done).of(event)
    }

    fn draft<'d>(&self, delivery: &'d Delivery<'d>, id: &str, words: &Words) -> Draft<'d> {
        let mut draft = Draft::new(delivery, id, words.kind)
            .service(words.service.as_deref())
            .environment(words.environment.as_deref())
            .version(words.version.as_deref())
            .previous_version(words.previous_version.as_deref())
            .build(words.build.as_deref())
            .commit(words.commit.as_deref())
            .author(words.author.as_deref())
            .release(words.release.as_deref())
            .title(Some(&words::untagged(&self.text)))
            .url(words.url.as_deref())
            .loose();
        for (key, value) in &words.labels {
            draft = draft.label(key, Some(value));
        }
        draft
    }

    /// The provider `grafana` of Flux: tags with the revision, the kind and the name of the object; `:` in them is written `|`.
    fn flux<'d>(&self, delivery: &'d Delivery<'d>, id: &str) -> Option<Draft<'d>> {
        let tagged = |wanted: &str| {
            self.tags.iter().find_map(|tag| {
                let (key, value) = tag.split_once(':')?;
                let key = key.rsplit('/').next().unwrap_or(key).trim();
                (key == wanted).then(|| value.trim().replace('|', ":"))
            })
        };
        let (kind, name) = (tagged("kind")?, tagged("name")?);
        let namespace = tagged("namespace").unwrap_or_default();
        let place = tagged("env").or_else(|| tagged("environment")).or_else(|| {
            delivery.known.defaults.environment.as_ref().map(|e| e.as_str().to_owned())
        });
        let place = place.unwrap_or_default();
        let object = format!("flux:{place}:{kind}/{namespace}/{name}");
        let revision = tagged("revision");
        let (version, commit) = revision.as_deref().map(flux::parts).unwrap_or_default();
        let id = match &revision {
            Some(revision) => format!("{object}:{revision}"),
            None => id.to_owned(),
        };
        let draft = Draft::new(delivery, &id, ChangeKind::Deploy)
            .service(tagged("service").as_deref().or(Some(&name)))
            .environment(tagged("env").or_else(|| tagged("environment")).as_deref())
            .version(version.as_deref())
            .commit(commit.as_deref())
            .title(Some(&self.text))
            .label("namespace", Some(&namespace))
            .label("revision", revision.as_deref())
            .label("object", Some(&format!("{kind}/{name}")));
        Some(if revision.is_some() { draft.reports(&object) } else { draft.loose() })
    }
}

/// A time; a bare number that is too large for seconds is in milliseconds.
fn instant(body: Document<'_>, names: &[&str]) -> Result<Option<Timestamp>, IntakeFault> {
    for name in names {
        let part = body.at(name);
        let absent =
            part.is_missing() || part.0.as_f64() == Some(0.0) || part.0.as_str() == Some("");
        if !absent {
            let time = part.time().ok_or_else(|| {
                IntakeFault::new(
                    format!("`{name}` is not a time"),
                    "milliseconds since 1970 (`when`: seconds), as a number",
                )
            })?;
            return Ok(Some(time));
        }
    }
    Ok(None)
}

/// A list of tags, or one text with blanks between them.
fn tags(part: Document<'_>) -> Result<Vec<String>, IntakeFault> {
    let fit = |tag: &str| text::kept(tag, 200);
    match part.0 {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text.split_whitespace().take(MOST).filter_map(fit).collect()),
        Value::Array(items) => items
            .iter()
            .take(MOST)
            .map(|item| match item {
                Value::String(tag) => Ok(fit(tag)),
                Value::Number(number) => Ok(Some(number.to_string())),
                other => Err(Document(other).fault("tags", "a list of texts")),
            })
            .filter_map(Result::transpose)
            .collect(),
        _ => Err(part.fault("tags", "a list of texts, or one text with blanks between them")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        intake::{Headers, Known, Said, Tidings},
        model::{Change, ChangeState},
    };

    fn hear(rest: &str, body: &Value) -> Result<Tidings, String> {
        let headers = Headers::default();
        let known = Known {
            environments: ["production".into(), "staging".into()].into(),
            ..Known::default()
        };
        let (query, text) = ([].into(), body.to_string());
        let delivery = Delivery {
            hook: "grafana",
            headers: &headers,
            query: &query,
            rest,
            body: text.as_bytes(),
            known: &known,
            received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        let mut heard = super::read(&delivery).map_err(|fault| fault.message)?;
        match heard.said.remove(0) {
            Said::Change(tidings) => Ok(*tidings),
            Said::Ignored(reason) => Err(reason),
            other => panic!("{other:?}"),
        }
    }

    fn change(body: &Value) -> Change {
        hear("", body).unwrap().change
    }

    #[test]
    fn a_pipeline_with_service_and_version() {
        let change = change(&json!({
            "tags": ["deploy", "order-service", "v2.4.1"],
            "text": "Deployed order-service v2.4.1\nCommit: abc123\nAuthor: jane.doe"
        }));
        assert_eq!(change.services, ["order-service".into()]);
        assert_eq!(change.version.as_deref(), Some("v2.4.1"));
        assert_eq!(change.commits[0].id, "abc123");
        assert_eq!(change.author.as_deref(), Some("jane.doe"));
        assert_eq!(change.kind, ChangeKind::Deploy);
        assert_eq!(change.state, ChangeState::Finished);
        assert_eq!(change.title.as_deref(), Some("Deployed order-service v2.4.1"));
    }

    #[test]
    fn a_pipeline_with_repository_and_commit() {
        let sha = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e";
        let change = change(&json!({
            "time": 1_763_640_000_000_i64,
            "tags": ["deploy", "acme/order-service", sha],
            "text": format!("Deploy acme/order-service@{sha}\nTriggered by: jane\nBranch: main\nRun: https://github.com/acme/order-service/actions/runs/1"),
        }));
        assert_eq!(change.services, ["order-service".into()]);
        assert_eq!(change.version, None);
        assert_eq!(change.commits[0].id, sha);
        assert_eq!(change.author.as_deref(), Some("jane"));
        assert_eq!(
            change.url.as_deref(),
            Some("https://github.com/acme/order-service/actions/runs/1")
        );
        assert_eq!(change.labels["repository"], "acme/order-service");
        assert_eq!(change.labels["branch"], "main");
        assert_eq!(change.started_at.as_second(), 1_763_640_000);
    }

    #[test]
    fn graphite_flux_regions_and_words() {
        let graphite = hear(
            "graphite",
            &json!({ "what": "deploy shop", "tags": "deploy shop env:prod", "when": 1_763_640_000, "data": "v2" }),
        );
        let graphite = graphite.unwrap().change;
        assert_eq!(graphite.services, ["shop".into()]);
        assert_eq!(graphite.environments, ["production".into()]);
        assert_eq!(graphite.started_at.as_second(), 1_763_640_000);
        let told = hear("", &json!({
            "when": 1_763_640_000, "text": "kustomization/webapp.apps",
            "tags": ["flux", "kustomize-controller", "revision: main@sha1|731f7eaddfb6af01cb2173e18f0f75b0ba780ef1",
                "kind: Kustomization", "name: webapp", "namespace: apps"]
        })).unwrap();
        assert_eq!(told.change.services, ["webapp".into()]);
        assert_eq!(told.change.commits[0].id, "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1");
        assert!(told.reports.is_some());
        let region = change(
            &json!({ "text": "x", "tags": ["rollback", "service=shop"], "time": 1_763_640_000_000_i64, "timeEnd": 1_763_640_060_000_i64 }),
        );
        assert_eq!(region.kind, ChangeKind::Rollback);
        assert_eq!(region.finished_at.unwrap().as_second(), 1_763_640_060);
    }

    #[test]
    fn what_is_refused() {
        for (body, expected) in [
            (json!({}), "`text` is missing or empty"),
            (json!({ "what": "" }), "`what` is missing or empty"),
            (
                json!({ "text": "x", "tags": 5 }),
                "`tags` is a number, not a list of texts, or one text with blanks between them",
            ),
            (json!({ "text": "x", "tags": [{}] }), "`tags` is an object, not a list of texts"),
            (json!({ "text": "x", "time": "soon" }), "`time` is not a time"),
            (json!({ "text": "x", "tags": ["wayfarer"] }), "our own word, coming back"),
        ] {
            assert_eq!(hear("", &body).unwrap_err(), expected, "{body}");
        }
    }
}
