//! Alerts of the Alertmanager API v2 (`POST /api/v2/alerts`).
//!
//! An alert is its labels: they come from what never alters while an incident goes on, so that no alert is lost track of. Only how grave it is
//! alters them; the milder alert is then resolved as the graver one fires. Everything else is an annotation.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Words, WordsFault};
use crate::model::{Gravity, Notice};

/// For so long it is told that a milder alert has ended.
const ENDED: SignedDuration = SignedDuration::from_mins(15);

/// The alerts of a notice. One that goes on ends by itself `lasts` from now, unless it is sent again.
///
/// # Errors
/// Words that do not fit the notice.
pub fn alerts(
    notice: &Notice,
    words: &Words,
    labels: &BTreeMap<String, String>,
    now: Timestamp,
    lasts: Duration,
) -> Result<Vec<Value>, WordsFault> {
    let ends = if notice.firing {
        now.checked_add(lasts).unwrap_or(now)
    } else {
        notice.ended_at.unwrap_or(now).min(now)
    };
    let mut all = vec![alert(notice, notice.gravity, words, labels, ends)?];
    // For a while, as every end; then it is forgotten.
    let lately = now.duration_since(notice.at) <= ENDED;
    if let Some(was) = notice.was.filter(|was| *was != notice.gravity && lately) {
        all.push(alert(notice, was, words, labels, now.min(notice.at))?);
    }
    Ok(all)
}

fn alert(
    notice: &Notice,
    gravity: Gravity,
    words: &Words,
    more: &BTreeMap<String, String>,
    ends: Timestamp,
) -> Result<Value, WordsFault> {
    let mut labels = more.clone();
    labels.extend(notice.labels.clone());
    labels.insert("alertname".to_owned(), name(gravity).to_owned());
    labels.insert("severity".to_owned(), gravity.severity().to_owned());
    let mut annotations = BTreeMap::new();
    let mut note = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            annotations.insert(name.to_owned(), value);
        }
    };
    note("summary", Some(words.title(notice)?));
    note("description", Some(words.text(notice)?));
    note("runbook_url", notice.runbooks.first().cloned());
    note("dashboard_url", notice.page.clone());
    note("owner", Some(notice.owners.join(", ")));
    if let Some(change) = &notice.change {
        note("change", Some(change.words.clone()));
        note("version", change.version.clone());
        note("commit", change.commit.clone());
        note("author", change.author.clone());
        note("pipeline_url", change.url.clone());
    }
    let journeys: Vec<&str> = notice.findings.iter().map(|f| f.journey.as_str()).collect();
    note("journeys", Some(journeys.join(", ")));
    // What ended before it began would not be an alert.
    let starts = notice.started_at.min(ends);
    let mut alert = json!({
        "labels": labels,
        "annotations": annotations,
        "startsAt": starts,
        "endsAt": ends,
    });
    if let Some(page) = &notice.page {
        alert["generatorURL"] = json!(page);
    }
    Ok(alert)
}

/// What rules and routes call it.
fn name(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Pipeline => "WayfarerPipeline",
        Gravity::Overdue => "WayfarerChangeOverdue",
        Gravity::Failed => "WayfarerChangeFailed",
        Gravity::Suspected => "WayfarerSuspected",
        Gravity::Unexplained => "WayfarerUnexplained",
        Gravity::BudgetSlow => "WayfarerBudgetSlow",
        Gravity::BudgetFast => "WayfarerBudgetFast",
        Gravity::Regressed => "WayfarerRegressed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Happening, Templates},
        render::message::sample,
    };

    fn made(notice: &Notice) -> Vec<Value> {
        let words = Words::new("alertmanager", &Templates::default()).unwrap();
        let labels = [("team".to_owned(), "shop".to_owned())].into();
        alerts(notice, &words, &labels, notice.at, Duration::from_secs(240)).unwrap()
    }

    #[test]
    fn labels_are_the_same_until_the_end() {
        let (first, last) = (made(&sample::regressed()), made(&sample::recovered()));
        assert_eq!(first[0]["labels"], last[0]["labels"]);
        assert_eq!(first[0]["labels"]["alertname"], "WayfarerRegressed");
        assert_eq!(first[0]["labels"]["team"], "shop");
        assert_eq!(first[0]["startsAt"], last[0]["startsAt"]);
        assert_eq!(last[0]["endsAt"], json!(sample::recovered().ended_at));
        assert!(first[0]["annotations"]["description"].as_str().unwrap().contains("jane.doe"));
    }

    #[test]
    fn a_graver_alert_takes_the_place_of_the_milder_one() {
        let mut worse = sample::regressed();
        worse.happening = Happening::Worsened;
        worse.was = Some(Gravity::Suspected);
        let all = made(&worse);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1]["labels"]["alertname"], "WayfarerSuspected");
        assert_eq!(all[1]["endsAt"], json!(worse.at));
    }
}
