//! Annotations that pipelines write for Grafana: each is a change here, has a number to be patched by, and may be passed on.

use tracing::warn;

use super::{
    handle::{Handle, HandleError},
    hear::{HearError, Hearing, Posted},
};
use crate::{
    intake::{Heard, IntakeFault, Known, grafana::Marker},
    model::{ChangeId, Secret},
    source::forward::{Onward, Passed, pass},
    store::Annotation,
};

/// What became of an annotation.
#[derive(Debug, Clone)]
pub struct Noted {
    /// Its number here.
    pub id: i64,
    /// Whether it came as Graphite's event.
    pub graphite: bool,
    /// What was made of it.
    pub hearing: Hearing,
    /// What the Grafana answered that it was passed on to.
    pub passed: Option<Passed>,
}

impl Handle {
    /// Takes in an annotation. Who sent it was checked before.
    ///
    /// # Errors
    /// It cannot be read, or the store failed.
    pub async fn annotate(&self, posted: &Posted) -> Result<Noted, HearError> {
        let known = self.known(&posted.hook, &posted.query);
        let delivery = self.delivery(posted, &known);
        let marker = match Marker::read(&delivery) {
            Ok(marker) => marker,
            Err(fault) => return Err(self.broken(posted, fault)),
        };
        let id = marker.id(&delivery);
        let heard = marker.heard(&delivery, &id, false);
        let hearing = self.take_in_kept(posted, heard, &known).await?;
        let told = change_of(&hearing, &id);
        let before = self.store.annotation_of(told.clone()).await.map_err(HandleError::from)?;
        let body = marker.json().to_string();
        let at = marker.time.unwrap_or(delivery.received_at);
        let passed = self.pass_on(posted, "POST", suffix(&marker)).await;
        let theirs = passed.as_ref().and_then(|passed| number(&passed.body));
        let known = before.map_or((0, None), |b| (b.id, b.theirs));
        let kept = Annotation { id: known.0, theirs: theirs.or(known.1), change: told, at, body };
        let id = self.store.keep_annotation(kept).await.map_err(HandleError::from)?;
        Ok(Noted { id, graphite: marker.graphite, hearing, passed })
    }

    /// Says an annotation anew: its change has the new times. None where no annotation has this number.
    ///
    /// # Errors
    /// The call cannot be read, or the store failed.
    pub async fn patch_annotation(
        &self,
        posted: &Posted,
        number: i64,
        method: &str,
    ) -> Result<Option<Noted>, HearError> {
        let Some(kept) = self.numbered(posted, number).await? else { return Ok(None) };
        let known = self.known(&posted.hook, &posted.query);
        let delivery = self.delivery(posted, &known);
        let marker = match Marker::patched(&kept.body, &delivery) {
            Ok(marker) => marker,
            Err(fault) => return Err(self.broken(posted, fault)),
        };
        let marker = Marker { time: marker.time.or(Some(kept.at)), ..marker };
        let heard = marker.heard(&delivery, kept.change.as_str(), true);
        let hearing = self.take_in_kept(posted, heard, &known).await?;
        let passed =
            self.pass_on(posted, method, &format!("/{}", kept.theirs.unwrap_or(number))).await;
        let at = marker.time.unwrap_or(kept.at);
        let body = marker.json().to_string();
        let id = kept.id;
        let kept = Annotation { at, body, ..kept };
        self.store.keep_annotation(kept).await.map_err(HandleError::from)?;
        Ok(Some(Noted { id, graphite: false, hearing, passed }))
    }

    /// Forgets an annotation. The change that it told of stays in the log. None where no annotation has this number.
    ///
    /// # Errors
    /// The store failed.
    pub async fn drop_annotation(
        &self,
        posted: &Posted,
        number: i64,
    ) -> Result<Option<Option<Passed>>, HearError> {
        let Some(kept) = self.numbered(posted, number).await? else { return Ok(None) };
        self.store.drop_annotation(kept.id).await.map_err(HandleError::from)?;
        let below = format!("/{}", kept.theirs.unwrap_or(number));
        Ok(Some(self.pass_on(posted, "DELETE", &below).await))
    }

    /// An annotation by the number that its sender knows: Grafana's where it is passed on, else ours.
    async fn numbered(
        &self,
        posted: &Posted,
        number: i64,
    ) -> Result<Option<Annotation>, HandleError> {
        let setup = self.setup();
        let forwards = setup.settings.hooks.get(&posted.hook).is_some_and(|h| h.forward.is_some());
        if forwards && let Some(kept) = self.store.annotation(number, true).await? {
            return Ok(Some(kept));
        }
        Ok(self.store.annotation(number, false).await?)
    }

    /// Passes a call on to the Grafana of its hook; that this fails is logged, and the caller gets our own answer.
    async fn pass_on(&self, posted: &Posted, method: &str, below: &str) -> Option<Passed> {
        let setup = self.setup();
        let forward = setup.settings.hooks.get(&posted.hook)?.forward.as_ref()?;
        let ours = setup.hooks.get(&posted.hook).and_then(|hook| hook.forward.as_ref());
        let authorization = ours
            .map(|token| Secret::new(format!("Bearer {}", token.expose())))
            .or_else(|| posted.headers.get("authorization").map(Secret::new));
        let onward = Onward {
            method,
            base: &forward.url,
            path: &format!("api/annotations{below}"),
            authorization: authorization.as_ref(),
            body: &posted.body,
        };
        match pass(onward).await {
            Ok(passed) => Some(passed),
            Err(e) => {
                warn!(hook = %posted.hook, "hook.forward: the annotation could not be passed on: {e}");
                None
            }
        }
    }

    async fn take_in_kept(
        &self,
        posted: &Posted,
        heard: Heard,
        known: &Known,
    ) -> Result<Hearing, HearError> {
        let event = heard.event.clone();
        let hearing = self.take_in(heard, known, &posted.hook).await?;
        self.keep(posted, event, hearing.outcome());
        Ok(hearing)
    }

    fn broken(&self, posted: &Posted, fault: IntakeFault) -> HearError {
        warn!(hook = %posted.hook, "hook.broken: {fault}");
        self.keep(posted, None, ("broken", fault.to_string()));
        fault.into()
    }
}

fn suffix(marker: &Marker) -> &'static str {
    if marker.graphite { "/graphite" } else { "" }
}

/// The id under which the change was told.
fn change_of(hearing: &Hearing, id: &str) -> ChangeId {
    hearing.told.first().cloned().unwrap_or_else(|| ChangeId::from(id))
}

/// The `id` of Grafana's answer.
fn number(body: &[u8]) -> Option<i64> {
    serde_json::from_slice::<serde_json::Value>(body).ok()?.get("id")?.as_i64()
}
