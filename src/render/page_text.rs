//! What a browser showed, for a terminal: the few lines that tell most. The rest is on the page of evidence.

use super::waterfall::line::{Ink, Line, clip};
use crate::model::{ConsoleLevel, PageEvidence, StepName};

/// Most lines of each.
const MOST: usize = 6;

/// Where the page was, errors of its console and requests that failed; of one step only, where that is said.
pub(super) fn page_lines(page: &PageEvidence, step: Option<&StepName>, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let of_step = |other: &StepName| step.is_none_or(|step| step == other);
    if !page.url.is_empty() {
        let title =
            if page.title.is_empty() { String::new() } else { format!(" “{}”", page.title) };
        field(&mut lines, "page", &format!("{}{title}", page.url), width);
    }
    let errors: Vec<String> = page
        .console
        .iter()
        .filter(|message| of_step(&message.step) && message.level == ConsoleLevel::Error)
        .filter(|message| message.source != "network")
        .map(|message| message.text.clone())
        .collect();
    some(&mut lines, "console", &errors, width);
    let failed: Vec<String> = page
        .requests
        .iter()
        .filter(|request| of_step(&request.step) && request.failed())
        .map(|request| {
            let status = request.status.map(|status| status.to_string());
            let why = request.error.clone().or(status).unwrap_or_default();
            format!("{why} {} {}", request.method, request.url)
        })
        .collect();
    some(&mut lines, "request", &failed, width);
    lines
}

/// What is kept that a terminal cannot show.
pub(super) fn kept_line(page: &PageEvidence, width: usize) -> Line {
    let count = |n: usize, one: &str, many: &str| {
        (n > 0).then(|| format!("{n} {}", if n == 1 { one } else { many }))
    };
    let parts = [
        count(page.pictures.len(), "picture", "pictures"),
        count(page.actions.len(), "action", "actions"),
        count(page.console.len(), "console message", "console messages"),
        count(page.requests.len(), "request", "requests"),
        page.dom.as_ref().map(|_| "the document".to_owned()),
    ];
    let kept: Vec<String> = parts.into_iter().flatten().collect();
    let mut line = Line::default();
    line.ink(Ink::Dim, "  kept      ");
    let text = format!("for --evidence DIR: {}", kept.join(", "));
    line.plain(&clip(&text, width.saturating_sub(12)));
    line
}

fn some(lines: &mut Vec<Line>, name: &str, texts: &[String], width: usize) {
    for (at, text) in texts.iter().take(MOST).enumerate() {
        field(lines, if at == 0 { name } else { "" }, text, width);
    }
    if let Some(more) = texts.len().checked_sub(MOST).filter(|more| *more > 0) {
        field(lines, "", &format!("… and {more} more"), width);
    }
}

fn field(lines: &mut Vec<Line>, name: &str, value: &str, width: usize) {
    let mut line = Line::default();
    line.ink(Ink::Dim, &format!("  {name:<10}"));
    line.plain(&clip(value, width.saturating_sub(12)));
    lines.push(line);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{ConsoleMessage, PageRequest, ResourceType, Timing};

    #[test]
    fn the_lines_that_tell_most() {
        let message = |level, source: &str, text: &str| ConsoleMessage {
            step: "buy".into(),
            level,
            source: source.to_owned(),
            text: text.to_owned(),
            offset: Duration::ZERO,
        };
        let request = |status, error: Option<&str>| PageRequest {
            step: "buy".into(),
            method: "GET".to_owned(),
            url: "https://shop.test/x\u{1b}[31m".to_owned(),
            kind: ResourceType::Fetch,
            status,
            version: None,
            error: error.map(ToOwned::to_owned),
            bytes: 0,
            media_type: None,
            cached: false,
            unfinished: false,
            peer: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            timing: Timing::default(),
        };
        let page = PageEvidence {
            url: "https://shop.test/cart".to_owned(),
            title: "Cart".to_owned(),
            console: vec![
                message(ConsoleLevel::Error, "javascript", "app.js 1:2 Uncaught TypeError"),
                message(ConsoleLevel::Error, "network", "told by its request"),
                message(ConsoleLevel::Info, "console-api", "hello"),
            ],
            requests: vec![
                request(Some(200), None),
                request(Some(503), None),
                request(None, Some("net::ERR_CONNECTION_REFUSED")),
            ],
            ..PageEvidence::default()
        };
        let mut lines = page_lines(&page, Some(&"buy".into()), 60);
        lines.push(kept_line(&page, 90));
        let text: Vec<String> = lines.iter().map(|line| line.draw(false)).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
          page      https://shop.test/cart “Cart”
          console   app.js 1:2 Uncaught TypeError
          request   503 GET https://shop.test/x·[31m
                    net::ERR_CONNECTION_REFUSED GET https://shop.te…
          kept      for --evidence DIR: 3 console messages, 3 requests
        ");
        assert_eq!(page_lines(&page, Some(&"other".into()), 60).len(), 1);
    }
}
