//! What a run's browser showed so far, not masked yet: kept until it is known whether anybody wants to see it.

use std::time::Duration;

use crate::{
    engine::http::hide,
    model::{ConsoleMessage, DoneAction, PageEvidence, PageRequest, Picture, StepName},
    render::Mask,
};

/// Most of each of a run; of messages and requests the latest are kept, of actions the first.
const MESSAGES: usize = 200;
const REQUESTS: usize = 400;
const ACTIONS: usize = 300;
const BUSY: usize = 100;

/// Most pictures of steps that passed, and most bytes of all pictures of a run (as base64); the earliest go first.
const PICTURES: usize = 12;
const PICTURE_BYTES: usize = 640 << 10;

/// Longest message of a console and longest failure of an action that is shown, in bytes.
const MESSAGE: usize = 1 << 10;

/// Longest document that is shown, in bytes.
pub(super) const DOM: usize = 256 << 10;

/// Notes of the pages of one run: for [`Pages::masked`] alone.
#[derive(Debug, Default)]
pub(in crate::engine) struct Pages {
    noted: PageEvidence,
}

impl Pages {
    /// Notes an action, in words.
    pub(super) fn action(&mut self, action: DoneAction) {
        if self.noted.actions.len() < ACTIONS {
            self.noted.actions.push(action);
        }
    }

    /// Notes messages of the console.
    pub(super) fn say(&mut self, messages: impl IntoIterator<Item = ConsoleMessage>) {
        self.noted.console.extend(messages);
        let much = self.noted.console.len().saturating_sub(MESSAGES);
        self.noted.console.drain(..much);
    }

    /// Notes the requests of a step.
    pub(super) fn asked(&mut self, requests: Vec<PageRequest>, left_out: u32) {
        let all = &mut self.noted.requests;
        all.extend(requests);
        let much = all.len().saturating_sub(REQUESTS);
        // What failed tells most, then what came last.
        let (mut gone, mut at) = (0, 0);
        all.retain(|request| {
            at += 1;
            let goes = gone < much && (!request.failed() || at <= much / 2);
            gone += usize::from(goes);
            !goes
        });
        let gone = u32::try_from(gone).unwrap_or(u32::MAX).saturating_add(left_out);
        self.noted.requests_left_out = self.noted.requests_left_out.saturating_add(gone);
    }

    /// Notes when the page's main thread was busy.
    pub(super) fn busy(&mut self, tasks: impl IntoIterator<Item = (Duration, Duration)>) {
        let room = BUSY.saturating_sub(self.noted.busy.len());
        let tasks = tasks.into_iter().take(room);
        self.noted
            .busy
            .extend(tasks.map(|(offset, duration)| crate::model::Busy { offset, duration }));
    }

    /// Notes where the page is.
    pub(super) fn at(&mut self, url: String, title: String) {
        (self.noted.url, self.noted.title) = (url, title);
    }

    /// Notes what the document is; `cut` says that it is only its beginning.
    pub(super) fn document(&mut self, html: String, cut: bool) {
        (self.noted.dom, self.noted.dom_cut) = (Some(html), cut);
    }

    /// Notes a picture, and lets the earliest go where there are too many; the one of the end of a step makes others of that step's end
    /// superfluous.
    pub(super) fn picture(&mut self, picture: Picture) {
        let all = &mut self.noted.pictures;
        all.retain(|other| (&other.step, &other.name) != (&picture.step, &picture.name));
        all.push(picture);
        let bytes = |all: &[Picture]| all.iter().map(|p| p.data.len()).sum::<usize>();
        while all.len() > 1 && (all.len() > PICTURES || bytes(all) > PICTURE_BYTES) {
            all.remove(0);
        }
    }

    /// The messages of a step.
    pub(super) fn messages<'a>(
        &'a self,
        step: &'a StepName,
    ) -> impl Iterator<Item = &'a ConsoleMessage> {
        self.noted.console.iter().filter(move |message| message.step == *step)
    }

    /// All of it, masked.
    pub(in crate::engine) fn masked(&self, mask: &Mask) -> PageEvidence {
        let noted = &self.noted;
        let text = |text: &str| mask.apply(text);
        let short = |text: &str| mask.excerpt(text, MESSAGE, false).0;
        let dom = noted.dom.as_deref().map(|dom| mask.excerpt(dom, DOM, noted.dom_cut));
        PageEvidence {
            url: text(&noted.url),
            title: text(&noted.title),
            pictures: noted.pictures.clone(),
            dom_cut: noted.dom_cut || dom.as_ref().is_some_and(|(_, cut)| *cut),
            dom: dom.map(|(dom, _)| dom),
            console: noted
                .console
                .iter()
                .map(|message| ConsoleMessage { text: short(&message.text), ..message.clone() })
                .collect(),
            actions: noted
                .actions
                .iter()
                .map(|action| DoneAction {
                    what: short(&action.what),
                    failure: action.failure.as_deref().map(short),
                    ..action.clone()
                })
                .collect(),
            requests: noted.requests.iter().map(|request| masked_request(request, mask)).collect(),
            requests_left_out: noted.requests_left_out,
            busy: noted.busy.clone(),
        }
    }

    /// Lets go of headers and document.
    pub(in crate::engine) fn lighten(&mut self) {
        self.noted.without_headers();
        (self.noted.dom, self.noted.dom_cut) = (None, false);
    }

    /// About how much memory it takes.
    pub(in crate::engine) fn bytes(&self) -> usize {
        let headers = |pairs: &[(String, String)]| -> usize {
            pairs.iter().map(|(name, value)| name.len() + value.len() + 48).sum()
        };
        let noted = &self.noted;
        let pictures: usize = noted.pictures.iter().map(|p| p.data.len()).sum();
        let messages: usize = noted.console.iter().map(|m| m.text.len() + 64).sum();
        let requests: usize = noted
            .requests
            .iter()
            .map(|r| r.url.len() + headers(&r.request_headers) + headers(&r.response_headers) + 300)
            .sum();
        pictures
            + messages
            + requests
            + noted.dom.as_ref().map_or(0, String::len)
            + noted.actions.len() * 200
    }
}

fn masked_request(request: &PageRequest, mask: &Mask) -> PageRequest {
    let headers = |pairs: &[(String, String)]| -> Vec<_> {
        let shown = |(name, value): &(String, String)| (name.clone(), hide(name, value, mask));
        pairs.iter().map(shown).collect()
    };
    PageRequest {
        url: mask.apply(&request.url),
        error: request.error.as_deref().map(|error| mask.apply(error)),
        request_headers: headers(&request.request_headers),
        response_headers: headers(&request.response_headers),
        ..request.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConsoleLevel, ResourceType, Timing};

    fn request(url: &str, status: u16) -> PageRequest {
        PageRequest {
            step: "s".into(),
            method: "GET".to_owned(),
            url: url.to_owned(),
            kind: ResourceType::Fetch,
            status: Some(status),
            version: None,
            error: None,
            bytes: 0,
            media_type: None,
            cached: false,
            unfinished: false,
            peer: None,
            request_headers: vec![("Cookie".to_owned(), "sid=abcdefgh".to_owned())],
            response_headers: vec![("x-token".to_owned(), "hunter22".to_owned())],
            timing: Timing::default(),
        }
    }

    fn picture(step: &str, name: &str, bytes: usize) -> Picture {
        Picture {
            step: step.into(),
            name: name.to_owned(),
            offset: Duration::ZERO,
            media_type: "image/jpeg".to_owned(),
            data: "A".repeat(bytes),
        }
    }

    #[test]
    fn every_text_is_masked() {
        let mut pages = Pages::default();
        pages.at("https://a.test/?p=hunter22".to_owned(), "for hunter22".to_owned());
        pages.document("<input value=hunter22>".to_owned(), false);
        pages.asked(vec![request("https://a.test/?p=hunter22", 200)], 0);
        pages.say([ConsoleMessage {
            step: "s".into(),
            level: ConsoleLevel::Error,
            source: "javascript".to_owned(),
            text: "no hunter22".to_owned(),
            offset: Duration::ZERO,
        }]);
        pages.action(DoneAction {
            step: "s".into(),
            what: "type hunter22".to_owned(),
            offset: Duration::ZERO,
            duration: Duration::ZERO,
            failure: Some("hunter22 is not there".to_owned()),
        });
        let json = serde_json::to_string(&pages.masked(&Mask::new(["hunter22"]))).unwrap();
        assert!(!json.contains("hunter22") && !json.contains("abcdefgh"), "{json}");
        assert!(json.contains("***"), "{json}");
    }

    #[test]
    fn failed_requests_outlive_the_others() {
        let mut pages = Pages::default();
        pages.asked((0..300).map(|_| request("https://a.test/early", 200)).collect(), 2);
        pages.asked(vec![request("https://a.test/failed", 500)], 0);
        pages.asked((0..400).map(|_| request("https://a.test/late", 200)).collect(), 0);
        let kept = pages.masked(&Mask::default());
        assert_eq!((kept.requests.len(), kept.requests_left_out), (REQUESTS, 303));
        assert!(kept.requests[0].failed());
    }

    #[test]
    fn pictures_stay_within_their_room() {
        let mut pages = Pages::default();
        for step in 0..30 {
            pages.picture(picture(&step.to_string(), "end", 10));
        }
        assert_eq!(pages.noted.pictures.len(), PICTURES);
        pages.picture(picture("x", "failure", PICTURE_BYTES + 1));
        assert_eq!(pages.noted.pictures.len(), 1);
        pages.picture(picture("x", "failure", 5));
        assert_eq!(pages.noted.pictures.len(), 1);
        assert!(pages.bytes() < 1000);
    }
}
