//! PagerDuty, Events API v2: alerts and change events.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Words, WordsFault, clip};
use crate::model::{ChangeNews, Happening, Notice};

/// Longest summary, in characters.
const SUMMARY: usize = 1024;
/// Longest key, in bytes.
const KEY: usize = 255;

/// An alert, without its routing key.
///
/// # Errors
/// Words that do not fit the notice.
pub fn alert(notice: &Notice, words: &Words) -> Result<Value, WordsFault> {
    let action = match notice.happening {
        _ if !notice.firing => "resolve",
        Happening::Acknowledged => "acknowledge",
        _ => "trigger",
    };
    let mut event = json!({ "event_action": action, "dedup_key": key(notice) });
    if action != "trigger" {
        return Ok(event);
    }
    let environments: Vec<&str> = notice.environments.iter().map(|e| e.as_str()).collect();
    let journeys: Vec<&str> = notice.findings.iter().map(|f| f.journey.as_str()).collect();
    let services: Vec<&str> = notice.services.iter().map(|s| s.as_str()).collect();
    let component = if services.is_empty() { journeys.join(", ") } else { services.join(", ") };
    let source =
        if environments.is_empty() { "wayfarer".to_owned() } else { environments.join(", ") };
    event["payload"] = json!({
        "summary": clip(&words.title(notice)?, SUMMARY),
        "source": source,
        "severity": notice.gravity.severity(),
        "timestamp": notice.started_at,
        "component": component,
        "group": environments.join(", "),
        "class": notice.gravity.as_str(),
        "custom_details": {
            "text": clip(&words.text(notice)?, 10_000),
            "journeys": journeys,
            "owners": notice.owners,
            "change": notice.change,
        },
    });
    event["client"] = json!("Wayfarer");
    if let Some(page) = &notice.page {
        event["client_url"] = json!(page);
    }
    let pipeline = notice.change.as_ref().and_then(|change| change.url.as_ref());
    let run = notice.findings.iter().find_map(|f| f.run.as_ref());
    let trace = notice.findings.iter().find_map(|f| f.trace.as_ref());
    event["links"] = links([
        ("Runbook", notice.runbooks.first()),
        ("Run", run),
        ("Trace", trace),
        ("Pipeline", pipeline),
    ]);
    Ok(event)
}

/// A change event, without its routing key.
pub fn change(news: &ChangeNews) -> Value {
    let change = &news.change;
    json!({
        "payload": {
            "summary": clip(&change.words, SUMMARY),
            "timestamp": change.finished_at.unwrap_or(change.started_at),
            "source": "wayfarer",
            "custom_details": {
                "change": change.id,
                "kind": change.kind,
                "services": change.services,
                "environments": change.environments,
                "version": change.version,
                "commit": change.commit,
                "author": change.author,
            },
        },
        "links": links([("Change", change.page.as_ref()), ("Pipeline", change.url.as_ref())]),
    })
}

fn links<'a>(all: impl IntoIterator<Item = (&'static str, Option<&'a String>)>) -> Value {
    let known =
        all.into_iter().filter_map(|(text, href)| Some(json!({ "href": href?, "text": text })));
    Value::Array(known.collect())
}

/// The incident as PagerDuty takes it: a long one by its hash.
fn key(notice: &Notice) -> String {
    let location = notice.labels.get("location").map_or("", String::as_str);
    let whole = format!("wayfarer/{location}/{}", notice.incident);
    if whole.len() <= KEY {
        return whole;
    }
    let hash = Sha256::digest(whole.as_bytes());
    format!("wayfarer/{}", data_encoding::HEXLOWER.encode(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Templates, render::message::sample};

    #[test]
    fn an_incident_has_one_key_from_beginning_to_end() {
        let words = Words::new("pagerduty", &Templates::default()).unwrap();
        let (first, last) = (sample::regressed(), sample::recovered());
        let mut taken = first.clone();
        taken.happening = Happening::Acknowledged;
        let all = [first, taken, last].map(|notice| alert(&notice, &words).unwrap());
        let actions = ["trigger", "acknowledge", "resolve"];
        for (event, action) in all.iter().zip(actions) {
            assert_eq!(event["event_action"], action);
            assert_eq!(event["dedup_key"], "wayfarer/fra1/change:sample-4711");
        }
        assert_eq!(all[0]["payload"]["severity"], "critical");
        assert_eq!(all[0]["links"].as_array().unwrap().len(), 3);
        let long = |n: usize| key(&Notice { incident: "x".repeat(n), ..sample::regressed() });
        assert!(long(300).len() <= KEY);
        assert_ne!(long(300), long(301));
    }
}
