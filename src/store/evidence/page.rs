//! What a browser showed, small enough to be kept: what tells least goes first.

use super::shorten;
use crate::{
    model::PageEvidence,
    store::{error::Fault, session::to_json},
};

/// Most bytes of the pages of one run, as JSON.
pub(super) const PAGE_BYTES: usize = 960 << 10;

/// What is left of it: bytes of the document, whether headers, how many requests, messages and actions, how many pictures (the last ones).
struct Room {
    dom: usize,
    headers: bool,
    lines: usize,
    text: usize,
    pictures: usize,
}

/// Tried in this order until all fits. A picture of a failure is the last one.
const ROOMS: [Room; 7] = [
    Room { dom: 128 << 10, headers: true, lines: 400, text: 4 << 10, pictures: 12 },
    Room { dom: 64 << 10, headers: true, lines: 400, text: 2 << 10, pictures: 6 },
    Room { dom: 32 << 10, headers: false, lines: 400, text: 1 << 10, pictures: 3 },
    Room { dom: 8 << 10, headers: false, lines: 200, text: 512, pictures: 1 },
    Room { dom: 0, headers: false, lines: 100, text: 256, pictures: 1 },
    Room { dom: 0, headers: false, lines: 100, text: 256, pictures: 0 },
    Room { dom: 0, headers: false, lines: 20, text: 64, pictures: 0 },
];

/// The pages of a run in at most [`PAGE_BYTES`].
pub(super) fn fit(page: &PageEvidence) -> Result<PageEvidence, Fault> {
    let fits = |page: &PageEvidence| Ok::<_, Fault>(to_json("evidence", page)?.len() <= PAGE_BYTES);
    if fits(page)? {
        return Ok(page.clone());
    }
    for room in &ROOMS {
        let page = cut(page, room);
        if fits(&page)? {
            return Ok(page);
        }
    }
    Ok(PageEvidence::default())
}

fn cut(page: &PageEvidence, room: &Room) -> PageEvidence {
    let mut page = page.clone();
    let last = |length: usize| length.saturating_sub(room.lines);
    if let Some(dom) = &page.dom {
        page.dom_cut |= dom.len() > room.dom;
        page.dom = (room.dom > 0).then(|| shorten(dom, room.dom));
    }
    page.pictures.drain(..page.pictures.len().saturating_sub(room.pictures));
    page.console.drain(..last(page.console.len()));
    page.actions.drain(..last(page.actions.len()));
    page.busy.truncate(room.lines);
    let gone = last(page.requests.len());
    page.requests.drain(..gone);
    let gone = u32::try_from(gone).unwrap_or(u32::MAX);
    page.requests_left_out = page.requests_left_out.saturating_add(gone);
    let short = |text: &mut String| *text = shorten(text, room.text);
    short(&mut page.url);
    short(&mut page.title);
    page.console.iter_mut().for_each(|message| short(&mut message.text));
    for action in &mut page.actions {
        short(&mut action.what);
        action.failure.iter_mut().for_each(short);
    }
    for request in &mut page.requests {
        short(&mut request.url);
        short(&mut request.method);
        let texts = [&mut request.error, &mut request.media_type, &mut request.version];
        texts.into_iter().flatten().for_each(short);
        if !room.headers {
            request.request_headers.clear();
            request.response_headers.clear();
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{ConsoleLevel, ConsoleMessage, Picture};

    fn picture(name: &str, bytes: usize) -> Picture {
        Picture {
            step: "s".into(),
            name: name.to_owned(),
            offset: Duration::ZERO,
            media_type: "image/jpeg".to_owned(),
            data: "A".repeat(bytes),
        }
    }

    #[test]
    fn a_document_goes_before_the_picture_of_the_failure() {
        let page = PageEvidence {
            dom: Some("<p>\u{1}".repeat(80_000)),
            pictures: vec![picture("end", 300 << 10), picture("failure", 480 << 10)],
            console: vec![
                ConsoleMessage {
                    step: "s".into(),
                    level: ConsoleLevel::Error,
                    source: "javascript".to_owned(),
                    text: "\u{1}".repeat(100),
                    offset: Duration::ZERO,
                };
                200
            ],
            ..PageEvidence::default()
        };
        let kept = fit(&page).unwrap();
        assert!(to_json("evidence", &kept).unwrap().len() <= PAGE_BYTES);
        assert_eq!(kept.pictures.last().unwrap().name, "failure");
        assert!(kept.dom_cut && kept.dom.as_ref().is_some_and(|dom| dom.len() < 40_000));
    }

    #[test]
    fn absurd_pages_still_fit() {
        let page = PageEvidence {
            url: "\u{1}".repeat(2 << 20),
            pictures: vec![picture("failure", 2 << 20)],
            ..PageEvidence::default()
        };
        let kept = fit(&page).unwrap();
        assert!(kept.pictures.is_empty() && kept.url.len() < 300);
    }
}
