//! The evidence of a run as one page that needs nothing else: no script, no file beside it. What a target gave is text in it, never markup.

mod bars;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{felt::size, page::PageError, page::Pages, waterfall::line::length_of_time};
use crate::model::{Evidence, Exchange, PageEvidence, Picture, StepName, Traffic, Witness};

use bars::Group;

/// The style sheet of this page, which stands in it.
const STYLE: &str = include_str!("page/evidence.css");

/// What such a page may do, wherever it is opened: show its own pictures in its own style.
fn policy() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    )
}

/// A page and what a server says with it.
#[derive(Debug, Clone)]
pub struct EvidencePage {
    /// The page.
    pub html: String,
    /// `Content-Security-Policy`.
    pub policy: String,
}

/// The page of a run as the API gives it: with `evidence` or `alike`, and `last_good`. None where nothing is kept of it.
///
/// # Errors
/// The template asks for what the page does not have: our own bug.
pub fn evidence_page(pages: &Pages, run: &Value) -> Result<Option<EvidencePage>, PageError> {
    let Some(shown) = Shown::of(run) else { return Ok(None) };
    let policy = policy();
    let view = view(run, &shown, &policy);
    let html = pages.evidence(&view)?;
    let policy = format!("{policy}; frame-ancestors 'none'");
    Ok(Some(EvidencePage { html, policy }))
}

/// What there is to show.
struct Shown {
    own: Evidence,
    /// Which run it is of, where that is another one.
    alike: Option<String>,
    good: Option<Witness>,
}

impl Shown {
    fn of(run: &Value) -> Option<Self> {
        let good = serde_json::from_value(run["last_good"].clone()).ok();
        if let Ok(own) = serde_json::from_value::<Evidence>(run["evidence"].clone()) {
            return Some(Self { own, alike: None, good });
        }
        let alike: Witness = serde_json::from_value(run["alike"].clone()).ok()?;
        let id = alike.run.to_string();
        Some(Self { own: alike.evidence, alike: Some(id), good })
    }
}

/// Everything on the page, ready to be read.
#[derive(Debug, Serialize)]
pub(in crate::render) struct View {
    title: String,
    style: &'static str,
    policy: String,
    result: String,
    journey: String,
    place: String,
    facts: Vec<(&'static str, String)>,
    /// Where its trace is looked at; empty where nobody said.
    trace: String,
    failure: String,
    step: String,
    notes: Vec<String>,
    checks: Vec<Check>,
    shots: Vec<Shot>,
    more_shots: Vec<Shot>,
    actions: Vec<ActionRow>,
    console: Vec<ConsoleRow>,
    failed: Vec<FailedRow>,
    groups: Vec<Group>,
    steps: Vec<StepRow>,
    parties: Vec<[String; 5]>,
    slowest: Vec<[String; 4]>,
    exchanges: Vec<ExchangeRow>,
    curl: String,
    page_url: String,
    page_title: String,
    dom: String,
    dom_note: String,
}

#[derive(Debug, Serialize)]
struct Check {
    check: String,
    expected: String,
    actual: String,
}

#[derive(Debug, Serialize)]
struct Shot {
    caption: String,
    note: String,
    src: String,
    bad: bool,
}

#[derive(Debug, Serialize)]
struct ActionRow {
    at: String,
    step: String,
    what: String,
    took: String,
    failure: String,
}

#[derive(Debug, Serialize)]
struct ConsoleRow {
    at: String,
    step: String,
    level: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct FailedRow {
    what: String,
    why: String,
    step: String,
}

#[derive(Debug, Serialize)]
struct StepRow {
    mark: &'static str,
    outcome: String,
    name: String,
    took: String,
    felt: String,
}

#[derive(Debug, Serialize)]
struct ExchangeRow {
    line: String,
    bad: bool,
    sent: String,
    got: String,
}

/// An address that may stand behind a link: the run may come from an agent that nobody knows.
fn link(url: &Value) -> String {
    let url = url.as_str().unwrap_or_default();
    let web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    if web { url.to_owned() } else { String::new() }
}

fn view(run: &Value, shown: &Shown, policy: &str) -> View {
    let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    let outcome = &run["outcome"];
    let failed = outcome["result"] == "failed";
    let empty = PageEvidence::default();
    let page = shown.own.page.as_deref().unwrap_or(&empty);
    let step = StepName::from(outcome["step"].as_str().unwrap_or_default());
    let (shots, more_shots) = shots(page, shown.good.as_ref(), (&step, failed));
    let (parties, slowest) = traffic(run);
    let journey = text(&run["journey"]);
    View {
        title: format!("{journey} {} · Wayfarer", text(&outcome["result"])),
        style: STYLE,
        policy: policy.to_owned(),
        result: text(&outcome["result"]),
        place: format!("in {} from {}", text(&run["environment"]), text(&run["location"])),
        facts: vec![
            ("began", began(&run["started_at"])),
            ("took", millis(&run["duration_ms"])),
            ("run", text(&run["id"])),
        ],
        trace: link(&run["trace_url"]),
        failure: outcome["message"]
            .as_str()
            .or(outcome["reason"].as_str())
            .unwrap_or("")
            .to_owned(),
        step: step.to_string(),
        notes: notes(shown, page),
        checks: checks(run, &step),
        shots,
        more_shots,
        actions: actions(page),
        console: console(page),
        failed: failed_requests(page),
        groups: bars::groups(page, &step),
        steps: steps(run),
        parties,
        slowest,
        exchanges: shown.own.exchanges.iter().map(exchange).collect(),
        curl: shown.own.curl.clone(),
        page_url: page.url.clone(),
        page_title: page.title.clone(),
        dom: page.dom.clone().unwrap_or_default(),
        dom_note: dom_note(page),
        journey,
    }
}

/// To a second; what is no time stands as it is.
fn began(at: &Value) -> String {
    let text = at.as_str().unwrap_or("–");
    let at = text.parse::<jiff::Timestamp>();
    at.map_or_else(|_| text.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

fn millis(ms: &Value) -> String {
    let seconds = ms.as_f64().unwrap_or_default().max(0.0) / 1e3;
    length_of_time(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn notes(shown: &Shown, page: &PageEvidence) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(other) = &shown.alike {
        notes.push(format!(
            "What is shown is of run {other}, which failed in the same way; its own was not kept."
        ));
    }
    if page.requests_left_out > 0 {
        notes.push(format!("{} more requests are not here.", page.requests_left_out));
    }
    if shown.own.left_out > 0 {
        notes.push(format!("{} exchanges before these are not kept.", shown.own.left_out));
    }
    notes
}

fn dom_note(page: &PageEvidence) -> String {
    let Some(dom) = &page.dom else { return String::new() };
    #[expect(clippy::cast_precision_loss, reason = "bytes of a page")]
    let bytes = size(dom.len() as f64);
    format!("{bytes}{}", if page.dom_cut { ", only its beginning" } else { "" })
}

/// The picture of the failure beside that of the last good run, and all others.
fn shots(
    page: &PageEvidence,
    good: Option<&Witness>,
    (step, failed): (&StepName, bool),
) -> (Vec<Shot>, Vec<Shot>) {
    let own = if failed {
        let of_failure = page.pictures.iter().rposition(|p| p.name == "failure");
        of_failure.or_else(|| page.pictures.iter().rposition(|p| p.step == *step))
    } else {
        page.pictures.len().checked_sub(1)
    };
    let mut shots: Vec<Shot> = Vec::new();
    shots.extend(own.and_then(|at| {
        let picture = &page.pictures[at];
        shot(picture, if failed { "when it failed" } else { "at the end" }, "", failed)
    }));
    if let Some(good) = good.filter(|_| failed)
        && let Some(page) = &good.evidence.page
    {
        let same = page.pictures.iter().rfind(|p| p.step == *step);
        let when = good.started_at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        if let Some(picture) = same.or(page.pictures.last()) {
            shots.extend(shot(picture, "the last good run", &when, false));
        }
    }
    let others = page.pictures.iter().enumerate().filter(|(at, _)| Some(*at) != own);
    let more = others.filter_map(|(_, picture)| {
        let name = if picture.name == "end" { "at its end" } else { picture.name.as_str() };
        shot(picture, name, "", false)
    });
    (shots, more.collect())
}

/// A picture as a figure. Whatever is not plainly a picture in base64 is none.
fn shot(picture: &Picture, what: &str, note: &str, bad: bool) -> Option<Shot> {
    let known = ["image/jpeg", "image/png", "image/webp"].contains(&picture.media_type.as_str());
    let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    if !known || picture.data.is_empty() || !picture.data.bytes().all(base64) {
        return None;
    }
    let time = length_of_time(picture.offset);
    Some(Shot {
        caption: format!("{what}: step “{}”", picture.step),
        note: if note.is_empty() { format!("{time} after the run began") } else { note.to_owned() },
        src: format!("data:{};base64,{}", picture.media_type, picture.data),
        bad,
    })
}

fn checks(run: &Value, step: &StepName) -> Vec<Check> {
    let steps = run["steps"].as_array();
    let failing = steps.and_then(|all| all.iter().rfind(|s| s["name"] == step.as_str()));
    let results = failing.and_then(|step| step["assertions"].as_array()).into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    results
        .filter(|result| result["passed"] == false)
        .map(|result| Check {
            check: text(&result["check"]),
            expected: text(&result["expected"]),
            actual: text(&result["actual"]),
        })
        .collect()
}

fn actions(page: &PageEvidence) -> Vec<ActionRow> {
    let row = |action: &crate::model::DoneAction| ActionRow {
        at: length_of_time(action.offset),
        step: action.step.to_string(),
        what: action.what.clone(),
        took: length_of_time(action.duration),
        failure: action.failure.clone().unwrap_or_default(),
    };
    page.actions.iter().map(row).collect()
}

fn console(page: &PageEvidence) -> Vec<ConsoleRow> {
    let row = |message: &crate::model::ConsoleMessage| ConsoleRow {
        at: length_of_time(message.offset),
        step: message.step.to_string(),
        level: message.level.as_str(),
        text: message.text.clone(),
    };
    page.console.iter().map(row).collect()
}

fn failed_requests(page: &PageEvidence) -> Vec<FailedRow> {
    let failed = page.requests.iter().filter(|request| request.failed());
    failed
        .map(|request| FailedRow {
            what: format!("{} {}", request.method, request.url),
            why: match (&request.error, request.status) {
                (Some(error), _) => error.clone(),
                (None, Some(status)) => status.to_string(),
                (None, None) => "no answer".to_owned(),
            },
            step: request.step.to_string(),
        })
        .collect()
}

fn steps(run: &Value) -> Vec<StepRow> {
    let all = run["steps"].as_array().into_iter().flatten();
    all.map(|step| {
        let outcome = step["outcome"].as_str().unwrap_or("–").to_owned();
        let mark = match outcome.as_str() {
            "passed" => "✓",
            "failed" => "✗",
            "skipped" => "·",
            _ => "!",
        };
        let told = step["measures"].as_array().into_iter().flatten();
        let felt: Vec<String> = told.filter_map(measured).collect();
        StepRow {
            mark,
            name: step["name"].as_str().unwrap_or("–").to_owned(),
            took: if outcome == "skipped" {
                "–".to_owned()
            } else {
                millis(&step["duration_ms"])
            },
            felt: felt.join(" · "),
            outcome,
        }
    })
    .collect()
}

fn measured(measured: &Value) -> Option<String> {
    let (name, value) = (measured["name"].as_str()?, measured["value"].as_f64()?);
    let said = match measured["unit"].as_str() {
        Some("ms") => millis(&measured["value"]),
        Some("bytes") => size(value),
        unit => {
            let [value] = crate::model::amounts([value], unit);
            unit.map_or_else(|| value.clone(), |unit| format!("{value} {unit}"))
        }
    };
    Some(format!("{} {said}", name.replace('_', " ")))
}

/// Third parties and the slowest resources of the steps, where they are still known.
fn traffic(run: &Value) -> (Vec<[String; 5]>, Vec<[String; 4]>) {
    let (mut parties, mut slowest) = (Vec::new(), Vec::new());
    for step in run["steps"].as_array().into_iter().flatten() {
        let Ok(traffic) = serde_json::from_value::<Traffic>(step["traffic"].clone()) else {
            continue;
        };
        let name = step["name"].as_str().unwrap_or("–");
        #[expect(clippy::cast_precision_loss, reason = "bytes of a page")]
        let bytes = |bytes: u64| size(bytes as f64);
        parties.extend(traffic.third_parties.iter().map(|party| {
            let failed = if party.failed > 0 {
                format!(" ({} failed)", party.failed)
            } else {
                String::new()
            };
            let requests = format!("{}{failed}", party.requests);
            [
                party.host.clone(),
                requests,
                bytes(party.bytes),
                length_of_time(party.time),
                name.to_owned(),
            ]
        }));
        slowest.extend(traffic.slowest.iter().map(|slow| {
            [slow.url.clone(), length_of_time(slow.duration), bytes(slow.bytes), name.to_owned()]
        }));
    }
    (parties, slowest)
}

fn exchange(exchange: &Exchange) -> ExchangeRow {
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
    let time = exchange.timing.map(|t| format!(", {}", length_of_time(t.duration)));
    let step = exchange.step.as_ref().map_or(String::new(), |step| format!(" · {step}"));
    let message = |headers: &[(String, String)], body: Option<&str>| {
        let mut text: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        if let Some(body) = body.filter(|body| !body.is_empty()) {
            text += &format!("\n{body}");
        }
        text
    };
    ExchangeRow {
        line: format!("{} → {status}{}{step}", exchange.request_line, time.unwrap_or_default()),
        bad: exchange.status.is_none_or(|status| status >= 400),
        sent: message(&exchange.request_headers, exchange.request_body.as_deref()),
        got: message(&exchange.response_headers, exchange.response_body.as_deref()),
    }
}

#[cfg(test)]
mod tests;
