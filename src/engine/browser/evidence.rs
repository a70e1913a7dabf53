//! Pictures and documents of a run's pages, for people: of a step that failed, of the end of one that passed, and where an action asks.

use std::time::{Duration, Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    pages::DOM,
    seen::Seen,
    session::{Browser, Refused},
};
use crate::{model::Picture, render::Mask};

/// What evidence is given before a deadline passes, and the share of a step's time that it is at most: a step of 2 s is not cut in half.
const ROOM: Duration = Duration::from_millis(1_000);
const SHARE: u32 = 5;

/// How long the smaller questions to a page may take: one that hangs is not waited for.
const QUESTION: Duration = Duration::from_millis(700);

/// How long a picture may take.
const PICTURE: Duration = Duration::from_millis(900);

/// From here on a picture is taken again with fewer pixels, and from there on it is not kept; in bytes of base64.
const LARGE: usize = 240 << 10;
const TOO_LARGE: usize = 480 << 10;

/// Why a picture is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why<'a> {
    /// The step failed. Its document is kept, too.
    Failure,
    /// The step passed.
    End,
    /// An action asks for it, under this name.
    Asked(&'a str),
}

impl Why<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Failure => "failure",
            Self::End => "end",
            Self::Asked(name) => name,
        }
    }
}

/// Until when a step that began at `began` may wait for its page, so that there is time for evidence before its deadline passes.
pub(super) fn leave_room(began: Instant, deadline: Instant) -> Instant {
    let room = (deadline.saturating_duration_since(began) / SHARE).min(ROOM);
    deadline.checked_sub(room).unwrap_or(deadline)
}

/// Takes a picture of the page and, of a failure, its document. What cannot be had is left out: a page that crashed or hangs shows nothing,
/// and evidence never fails a run. It lasts [`ROOM`] and a little at most, or until `until` where that is later.
pub(super) async fn take(
    browser: &Browser,
    seen: &mut Seen,
    why: Why<'_>,
    mask: &Mask,
    until: Instant,
) {
    let until = until.max(seen.clock.instant() + ROOM);
    if let Some((media_type, data)) = picture(browser, seen, mask, until).await {
        let picture = Picture {
            step: seen.step.clone(),
            name: why.name().to_owned(),
            offset: seen.elapsed(),
            media_type: media_type.to_owned(),
            data,
        };
        seen.trail.see(|pages| pages.picture(picture));
    }
    if why == Why::Failure {
        document(browser, seen, until).await;
    }
}

/// The page as it looks, without what is typed into fields for secrets: its media type and the file as base64.
async fn picture(
    browser: &Browser,
    seen: &mut Seen,
    mask: &Mask,
    until: Instant,
) -> Option<(&'static str, String)> {
    let clock = seen.clock;
    let soon = || until.min(clock.instant() + QUESTION);
    let blanked = seen.ask(browser, include_str!("blank.js"), soon()).await;
    if seen.is_silent() {
        return None;
    }
    if let Ok(Value::Array(values)) = &blanked {
        let secret = |value: &Value| value.as_str().is_some_and(|text| mask.apply(text) != text);
        let places: Vec<usize> =
            values.iter().enumerate().filter(|(_, v)| secret(v)).map(|(at, _)| at).collect();
        if !places.is_empty() {
            let body =
                format!("const places = {};\n{}", json!(places), include_str!("blank_fields.js"));
            seen.ask(browser, &body, soon()).await.ok()?;
        }
    }
    let within =
        (until.min(seen.clock.instant() + PICTURE)).saturating_duration_since(seen.clock.instant());
    let taken = tokio::time::timeout(within, photograph(browser)).await;
    if blanked.is_ok() {
        // A page that is left as it was, where it still answers.
        seen.ask(browser, include_str!("show.js"), soon()).await.ok();
    }
    taken.ok()?.ok().filter(|(_, data)| !data.is_empty() && data.len() <= TOO_LARGE)
}

async fn photograph(browser: &Browser) -> Result<(&'static str, String), Refused> {
    if !browser.chromium {
        let png = browser.client.screenshot().await.map_err(|e| Refused::Driver(e.to_string()))?;
        return Ok(("image/png", BASE64_STANDARD.encode(png)));
    }
    let mut data = captured(browser, json!({ "format": "jpeg", "quality": 60 })).await?;
    if data.len() > LARGE {
        let metrics = browser.cdp("Page.getLayoutMetrics", json!({})).await?;
        let view = &metrics["cssVisualViewport"];
        let clip = json!({
            "x": view["pageX"], "y": view["pageY"], "scale": 0.5,
            "width": view["clientWidth"], "height": view["clientHeight"],
        });
        data = captured(browser, json!({ "format": "jpeg", "quality": 50, "clip": clip })).await?;
    }
    Ok(("image/jpeg", data))
}

/// `Page.captureScreenshot` of the Chrome DevTools Protocol: a tenth of the time and size of WebDriver's PNG.
async fn captured(browser: &Browser, parameters: Value) -> Result<String, Refused> {
    let answer = browser.cdp("Page.captureScreenshot", parameters).await?;
    Ok(answer["data"].as_str().unwrap_or_default().to_owned())
}

/// Keeps the document as it is now.
async fn document(browser: &Browser, seen: &mut Seen, until: Instant) {
    let body = format!("const most = {DOM};\n{}", include_str!("dom.js"));
    let until = until.max(seen.clock.instant() + QUESTION);
    let Ok(answer) = seen.ask(browser, &body, until).await else { return };
    if let Some(html) = answer["html"].as_str() {
        let cut = answer["cut"] == true;
        seen.trail.see(|pages| pages.document(html.to_owned(), cut));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn there_is_time_for_evidence_before_a_deadline() {
        let now = Clock.instant();
        let second = Duration::from_secs(1);
        assert_eq!(leave_room(now, now + second * 20), now + second * 19);
        assert_eq!(leave_room(now, now + second * 2), now + Duration::from_millis(1_600));
        assert_eq!(leave_room(now, now), now);
    }
}
