//! What a receiver would get, to be looked at: without its address and its secrets.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Words, WordsFault, alertmanager, cdevents, cloudevents::CloudEvent, event, grafana, pagerduty,
    sample, slack, teams,
};
use crate::model::{Notice, Parcel, ReceiverSettings, Way};

/// The body of a message of this notice; of a receiver that is told of changes only, of a change.
///
/// # Errors
/// Words that do not fit the notice.
pub fn preview(
    receiver: &ReceiverSettings,
    notice: &Notice,
    now: Timestamp,
) -> Result<String, WordsFault> {
    let words = Words::new(receiver.way.kind(), &receiver.templates)?;
    let parcel = Parcel::Notice(Box::new(notice.clone()));
    let source = "urn:wayfarer:preview";
    if let Some(body) = words.body(&parcel)? {
        return Ok(readable(body));
    }
    let body = match &receiver.way {
        Way::Alertmanager { labels, resend, .. } => {
            let lasts = resend.saturating_mul(4).max(Duration::from_secs(1));
            let alerts = alertmanager::alerts(notice, &words, labels, now, lasts)?;
            serde_json::Value::Array(alerts)
        }
        Way::Slack { .. } => slack::body(notice, &words)?,
        Way::Teams { .. } => teams::body(notice, &words)?,
        Way::PagerDuty { .. } => pagerduty::alert(notice, &words)?,
        Way::Email { from, to, .. } => {
            let (title, text) = (words.title(notice)?, words.text(notice)?);
            let head = format!("From: {from}\nTo: {}\nSubject: ", to.join(", "));
            let own = receiver.templates.html.as_ref().and(words.html(notice)?);
            let page = own.map(|page| format!("\n\n{page}")).unwrap_or_default();
            return Ok(format!(
                "{head}[{}] {title}\n\n{title}\n\n{text}{page}",
                super::mail::tag(notice)
            ));
        }
        Way::Webhook { .. } | Way::Command { .. } => event::body(&parcel, &words)?,
        Way::CloudEvents { cdevents: false, .. } => {
            CloudEvent::of(&parcel, &words, "preview", source)?.structured()
        }
        Way::CloudEvents { cdevents: true, .. } => {
            match cdevents::of(&parcel, &words, "preview", source)? {
                Some(event) => event.structured(),
                None => return Ok("(CDEvents has no event for it: nothing is sent)".to_owned()),
            }
        }
        Way::Grafana { tags, .. } => grafana::annotation(&sample::news(), tags),
    };
    Ok(format!("{body:#}"))
}

/// The body of what a receiver of incidents is told of a change itself; none where it is told of none.
///
/// # Errors
/// Words that do not fit it.
pub fn preview_change(receiver: &ReceiverSettings) -> Result<Option<String>, WordsFault> {
    if !(receiver.way.tells_changes() && receiver.way.tells_incidents()) {
        return Ok(None);
    }
    let words = Words::new(receiver.way.kind(), &receiver.templates)?;
    let (news, source) = (sample::news(), "urn:wayfarer:preview");
    let parcel = Parcel::ChangeNews(Box::new(news.clone()));
    if let Some(body) = words.body(&parcel)? {
        return Ok(Some(readable(body)));
    }
    let body = match &receiver.way {
        Way::PagerDuty { .. } => Some(pagerduty::change(&news)),
        Way::CloudEvents { cdevents: true, .. } => {
            cdevents::of(&parcel, &words, "preview", source)?.map(|event| event.structured())
        }
        Way::CloudEvents { .. } => {
            Some(CloudEvent::of(&parcel, &words, "preview", source)?.structured())
        }
        _ => Some(event::body(&parcel, &words)?),
    };
    Ok(body.map(|body| format!("{body:#}")))
}

/// As it is sent, but JSON so that it can be read.
fn readable(body: String) -> String {
    let pretty = serde_json::from_str(&body).map(|body: serde_json::Value| format!("{body:#}"));
    pretty.unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Gravity, Happening, Policy, SecretSource, Templates};

    #[test]
    fn every_kind_can_be_looked_at_and_shows_no_address() {
        let secret = || SecretSource::Env("HOOK".to_owned());
        let open = |url: &str| Address::Open(format!("https://{url}.example"));
        let ways = [
            Way::Slack { url: secret() },
            Way::Teams { url: secret() },
            Way::PagerDuty { url: "https://pd.example".into(), key: secret(), changes: false },
            Way::Webhook {
                url: open("hook"),
                secrets: vec![secret()],
                headers: [].into(),
                changes: false,
            },
            Way::Command { words: vec!["tell".into()], env: [].into(), changes: false },
            Way::Grafana { url: "https://grafana.example".into(), token: secret(), tags: vec![] },
        ];
        for way in ways {
            let receiver = ReceiverSettings {
                name: "x".into(),
                way,
                timeout: Duration::from_secs(1),
                proxy: None,
                policy: Policy {
                    findings: Gravity::ALL.to_vec(),
                    events: Happening::ALL.to_vec(),
                    environments: vec![],
                    services: vec![],
                    journeys: vec![],
                    owners: vec![],
                    repeat: None,
                    quiet: vec![],
                    keeps_state: false,
                },
                templates: Templates::default(),
            };
            for notice in sample::all() {
                let shown = preview(&receiver, &notice, Timestamp::UNIX_EPOCH).unwrap();
                assert!(shown.len() > 20 && !shown.contains("HOOK"), "{shown}");
            }
            assert_eq!(preview_change(&receiver), Ok(None), "told of incidents or changes only");
        }
    }
}
