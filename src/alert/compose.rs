//! A telling in words: the notice that goes into the outbox.

use std::collections::BTreeMap;

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    incident::{Incident, gravity},
    policy::Knowledge,
    tell::Telling,
};
use crate::model::{
    Change, ChangeState, Finding, FindingId, Gravity, Happening, Metric, Notice, NoticeChange,
    NoticeFinding, NoticePerson, Quantiles, RunId, Verdict,
};

/// Most findings in one message.
const MOST_SHOWN: usize = 20;

/// What shows a finding: looked up where it is stored.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// The verdict it stands for.
    pub verdict: Option<Verdict>,
    /// A run that shows it.
    pub run: Option<RunId>,
    /// Where the trace of that run is looked at.
    pub trace: Option<String>,
}

/// The notice of a telling.
pub fn compose(
    incident: &Incident,
    telling: &Telling<'_>,
    knowledge: &Knowledge,
    shown: &BTreeMap<FindingId, Shown>,
    now: Timestamp,
) -> Notice {
    let change = incident.change.as_ref();
    // The gravest first; a message has room for some.
    let mut told: Vec<&Finding> = telling.findings.clone();
    told.sort_by_key(|finding| std::cmp::Reverse(gravity(finding.kind)));
    let findings: Vec<NoticeFinding> = told
        .iter()
        .take(MOST_SHOWN)
        .map(|finding| in_words(finding, knowledge, shown.get(&finding.id)))
        .collect();
    let mut owners: Vec<String> =
        telling.findings.iter().flat_map(|f| knowledge.owners_of(f, change)).collect();
    if findings.is_empty() {
        owners.extend(change.into_iter().flat_map(|change| knowledge.owners_of_change(change)));
    }
    let runbooks = findings.iter().filter_map(|f| f.runbook.clone()).collect();
    let mut environments: Vec<_> = findings.iter().map(|f| f.environment.clone()).collect();
    if environments.is_empty() {
        environments = change.map(|change| change.environments.clone()).unwrap_or_default();
    }
    let firing = telling.told.firing;
    let began = telling.findings.iter().map(|f| f.onset_at.unwrap_or(f.opened_at)).min();
    let started_at = began.or(incident.trouble.map(|t| t.since())).unwrap_or(now).min(now);
    let ended = telling.findings.iter().filter_map(|f| f.closed_at).max();
    let person = person(telling);
    let environments = distinct(environments);
    let mut notice = Notice {
        incident: incident.id.clone(),
        happening: telling.happening,
        gravity: telling.gravity,
        was: telling.was,
        firing,
        title: String::new(),
        services: match change {
            Some(change) => change.services.clone(),
            None => {
                distinct(told.iter().filter_map(|f| f.pipeline.as_ref()?.service.clone()).collect())
            }
        },
        owners: distinct(owners),
        runbooks: distinct(runbooks),
        labels: telling.told.labels.clone(),
        change: change.map(|change| change_in_words(change, knowledge)),
        person,
        page: page(incident, knowledge),
        environments,
        more: u32::try_from(told.len().saturating_sub(findings.len())).unwrap_or(u32::MAX),
        findings,
        started_at,
        ended_at: (!firing).then(|| ended.unwrap_or(now)),
        at: now,
    };
    if notice.labels.is_empty() {
        notice.labels = labels(&notice, &knowledge.location);
    }
    notice.title = title(&notice, incident);
    notice
}

/// What tells an incident from others.
fn labels(notice: &Notice, location: &str) -> BTreeMap<String, String> {
    let list = |names: Vec<&str>| names.join(",");
    let mut labels = BTreeMap::new();
    let environments = notice.environments.iter().map(|e| e.as_str()).collect();
    labels.insert("environment".to_owned(), list(environments));
    labels.insert("service".to_owned(), list(notice.services.iter().map(|s| s.as_str()).collect()));
    labels.insert("location".to_owned(), location.to_owned());
    labels.insert("owner".to_owned(), notice.owners.join(","));
    match &notice.change {
        Some(change) => labels.insert("change".to_owned(), change.id.to_string()),
        None => labels.insert("incident".to_owned(), notice.incident.clone()),
    };
    labels.retain(|_, value| !value.is_empty());
    labels
}

/// A change for people.
pub fn change_in_words(change: &Change, knowledge: &Knowledge) -> NoticeChange {
    let commit = change.commits.last();
    NoticeChange {
        id: change.id.clone(),
        kind: change.kind,
        words: words(change),
        services: change.services.clone(),
        environments: change.environments.clone(),
        version: change.version.clone(),
        previous_version: change.previous_version.clone(),
        commit: commit.map(|commit| commit.id.clone()),
        commit_message: commit.and_then(|commit| commit.message.clone()),
        author: change.author.clone().or_else(|| commit.and_then(|commit| commit.author.clone())),
        release: change.release.clone(),
        title: change.title.clone(),
        url: change.url.clone(),
        state: change.state,
        started_at: change.started_at,
        finished_at: change.finished_at,
        page: link(knowledge, &["changes", change.id.as_str()]),
    }
}

/// "deploy of shop 2.4.1".
fn words(change: &Change) -> String {
    let services: Vec<&str> = change.services.iter().map(|s| s.as_str()).collect();
    let what = match services.as_slice() {
        [] => change
            .environments
            .first()
            .map_or_else(|| "the environment".to_owned(), |environment| environment.to_string()),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    match change.deployed_version() {
        Some(version) => {
            let version: String = version.chars().take(40).collect();
            format!("{} of {what} {version}", change.kind)
        }
        None => format!("{} of {what}", change.kind),
    }
}

fn in_words(finding: &Finding, knowledge: &Knowledge, shown: Option<&Shown>) -> NoticeFinding {
    let facts = knowledge.journeys.get(&finding.journey);
    let verdict = shown.and_then(|shown| shown.verdict.as_ref());
    let run = shown.and_then(|shown| shown.run);
    NoticeFinding {
        id: finding.id.clone(),
        journey: finding.journey.clone(),
        environment: finding.environment.clone(),
        location: finding.location.clone(),
        metric: finding.metric,
        subject: finding.subject(),
        gravity: gravity(finding.kind),
        state: finding.state,
        summary: finding.summary.clone(),
        before: verdict.and_then(|v| figures(v.metric, &v.before)),
        after: verdict.and_then(|v| figures(v.metric, &v.after)),
        owner: facts.and_then(|facts| facts.owner.clone()),
        runbook: facts.and_then(|facts| facts.runbook.clone()),
        run: run.and_then(|run| link(knowledge, &["runs", &run.to_string(), "evidence"])),
        trace: shown.and_then(|shown| shown.trace.clone()),
        since: finding.onset_at.unwrap_or(finding.opened_at),
        until: finding.closed_at,
    }
}

/// Figures in words: "median 230 ms, p95 410 ms".
fn figures(metric: Metric, figures: &Quantiles) -> Option<String> {
    let list = |parts: Vec<Option<String>>| {
        let said: Vec<String> = parts.into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join(", "))
    };
    match metric {
        Metric::Latency => list(vec![
            figures.p50_ms.map(|ms| format!("median {}", time(ms))),
            figures.p95_ms.map(|ms| format!("p95 {}", time(ms))),
        ]),
        Metric::Success => list(vec![
            figures
                .success
                .map(|share| format!("{} % of {} runs succeed", percent(share), figures.runs)),
        ]),
        Metric::Measure => list(vec![
            figures.p50.map(|value| format!("median {}", plain(value))),
            figures.p95.map(|value| format!("p95 {}", plain(value))),
        ]),
    }
}

fn time(ms: f64) -> String {
    if ms >= 10_000.0 {
        format!("{:.1} s", ms / 1000.0)
    } else if ms >= 10.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{ms:.1} ms")
    }
}

fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

fn plain(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Who took it on or called it nothing last.
fn person(telling: &Telling<'_>) -> Option<NoticePerson> {
    match telling.happening {
        Happening::Dismissed => {
            let last = telling
                .findings
                .iter()
                .filter(|f| f.dismissal.is_some())
                .max_by_key(|f| f.updated_at)?;
            let said = last.dismissal.as_ref()?;
            Some(NoticePerson {
                by: said.by.clone(),
                reason: Some(said.reason.as_str().to_owned()),
                note: said.note.clone(),
            })
        }
        _ => {
            let all = telling.findings.iter().filter_map(|f| f.acknowledged.as_ref());
            let said = all.max_by_key(|said| said.at)?;
            Some(NoticePerson { by: said.by.clone(), reason: None, note: said.note.clone() })
        }
    }
}

/// One line that says where, what and why.
fn title(notice: &Notice, incident: &Incident) -> String {
    let places: Vec<&str> = notice.environments.iter().map(|e| e.as_str()).collect();
    let place = if places.is_empty() { String::new() } else { format!("{}: ", places.join(", ")) };
    // While it goes on, those as bad as it is.
    let speak = |f: &&NoticeFinding| !notice.firing || f.gravity == notice.gravity;
    let journeys: Vec<String> =
        notice.findings.iter().filter(speak).map(|f| f.journey.to_string()).collect();
    let journeys = distinct(journeys);
    let many = journeys.len() > 1;
    let journeys = match journeys.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        [one, two] => Some(format!("{one} and {two}")),
        [one, ..] if notice.more > 0 => Some(format!("{one} and many more journeys")),
        [one, rest @ ..] => Some(format!("{one} and {} more journeys", rest.len())),
    };
    let cause = notice.change.as_ref().map(|change| change.words.as_str());
    let who = notice.person.as_ref().and_then(|p| p.by.as_deref()).unwrap_or("somebody");
    let what = match (notice.happening, &journeys, cause) {
        (Happening::Recovered, Some(journeys), Some(cause)) => {
            format!("{journeys} {} as before ({cause})", if many { "are" } else { "is" })
        }
        (Happening::Recovered, Some(journeys), None)
            if matches!(notice.gravity, Gravity::BudgetFast | Gravity::BudgetSlow) =>
        {
            let verb = if many { "no longer spend" } else { "no longer spends" };
            format!("{journeys} {verb} the error budget too fast")
        }
        (Happening::Recovered, Some(journeys), None) => {
            format!("{journeys} {} as before", if many { "are" } else { "is" })
        }
        (Happening::Recovered, None, cause) => {
            let finished =
                incident.change.as_ref().is_some_and(|c| c.state == ChangeState::Finished);
            let word = if finished { "has finished" } else { "is no longer waited for" };
            format!("{} {word}", cause.unwrap_or("it"))
        }
        (Happening::Dismissed, _, _) => {
            let accepted =
                notice.person.as_ref().and_then(|p| p.reason.as_deref()) == Some("accepted");
            let called = if accepted { "accepted" } else { "called a false alarm" };
            format!("{}: {called} by {who}", journeys.as_deref().or(cause).unwrap_or("it"))
        }
        (Happening::Acknowledged, _, _) => {
            let state = standing(notice, journeys.as_deref(), cause, many);
            format!("{who} looks after it: {state}")
        }
        (Happening::Explained, _, _) => {
            format!("{}: a change explains it", journeys.as_deref().unwrap_or("it"))
        }
        (Happening::Repeated, _, _) => {
            format!("still: {}", standing(notice, journeys.as_deref(), cause, many))
        }
        _ => {
            let was =
                notice.was.map(|was| format!(" (was {})", was.in_words())).unwrap_or_default();
            format!("{}{was}", standing(notice, journeys.as_deref(), cause, many))
        }
    };
    format!("{place}{what}")
}

/// How it stands.
fn standing(notice: &Notice, journeys: Option<&str>, cause: Option<&str>, many: bool) -> String {
    let (cause, journeys) = (cause.unwrap_or("a change"), journeys.unwrap_or("a journey"));
    match notice.gravity {
        Gravity::Pipeline => {
            let subjects: Vec<String> =
                notice.findings.iter().map(|finding| finding.subject.clone()).collect();
            format!(
                "{journeys} {} not what {} should be ({})",
                if many { "are" } else { "is" },
                if many { "they" } else { "it" },
                distinct(subjects).join(", ")
            )
        }
        Gravity::Overdue => format!("{cause} is under way for too long"),
        Gravity::Failed => format!("{cause} failed"),
        Gravity::Suspected => {
            format!(
                "{journeys} {} worse after {cause} (suspected)",
                if many { "got" } else { "seems" }
            )
        }
        Gravity::Unexplained => format!(
            "{journeys} {} in trouble that no logged change explains",
            if many { "are" } else { "is" }
        ),
        Gravity::BudgetFast => {
            format!("{journeys} {} the error budget fast", if many { "spend" } else { "spends" })
        }
        Gravity::BudgetSlow => format!(
            "{journeys} {} more of the error budget than comes back",
            if many { "spend" } else { "spends" }
        ),
        Gravity::Regressed => format!("{journeys} regressed after {cause}"),
    }
}

/// The page of an incident.
fn page(incident: &Incident, knowledge: &Knowledge) -> Option<String> {
    match &incident.change {
        Some(change) => link(knowledge, &["changes", change.id.as_str()]),
        None => match incident.findings.iter().find_map(|f| f.pipeline.as_ref()) {
            Some(concern) => {
                link(knowledge, &["delivery", "pipelines", &concern.pipeline.to_string()])
            }
            None => link(knowledge, &[""]),
        },
    }
}

/// An address of ours, where it is known where people find us.
fn link(knowledge: &Knowledge, path: &[&str]) -> Option<String> {
    let base = knowledge.public_url.as_ref()?;
    let path: Vec<String> =
        path.iter().map(|part| utf8_percent_encode(part, PATH).to_string()).collect();
    Some(format!("{base}/{}", path.join("/")))
}

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const PATH: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// In their order, each once.
fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once: Vec<T> = Vec::with_capacity(all.len());
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}
