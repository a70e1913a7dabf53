//! Microsoft Teams: an adaptive card for a workflow that was made with "when a Teams webhook request is received".

use serde_json::{Value, json};

use super::{Words, WordsFault, clip};
use crate::model::Notice;

/// Longest text; a whole message may have 28 KB.
const TEXT: usize = 8000;

/// The body of a message.
///
/// # Errors
/// Words that do not fit the notice.
pub fn body(notice: &Notice, words: &Words) -> Result<Value, WordsFault> {
    let colour = if !notice.firing {
        "Good"
    } else if notice.gravity.severity() == "critical" {
        "Attention"
    } else {
        "Warning"
    };
    let mut card = vec![json!({
        "type": "TextBlock", "size": "Large", "weight": "Bolder", "wrap": true, "color": colour,
        "text": clip(&words.title(notice)?, 500),
    })];
    let text = words.text(notice)?;
    if !text.is_empty() {
        card.push(json!({ "type": "TextBlock", "wrap": true, "text": clip(&text, TEXT) }));
    }
    let mut facts = Vec::new();
    let mut fact = |title: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            facts.push(json!({ "title": title, "value": clip(value, 500) }));
        }
    };
    if let Some(change) = &notice.change {
        fact("Change", Some(&change.words));
        fact("Author", change.author.as_deref());
        fact("Commit", change.commit.as_deref());
    }
    for finding in notice.findings.iter().take(5) {
        let journey = finding.journey.as_str();
        if let (Some(before), Some(after)) = (&finding.before, &finding.after) {
            fact(journey, Some(&format!("{before} → {after}")));
        }
    }
    fact("Owner", Some(&notice.owners.join(", ")));
    if !facts.is_empty() {
        card.push(json!({ "type": "FactSet", "facts": facts }));
    }
    let mut actions = Vec::new();
    let pipeline = notice.change.as_ref().and_then(|change| change.url.as_ref());
    let run = notice.findings.iter().find_map(|f| f.run.as_ref());
    let links = [
        ("Change", notice.page.as_ref()),
        ("Runbook", notice.runbooks.first()),
        ("Run", run),
        ("Trace", notice.findings.iter().find_map(|f| f.trace.as_ref())),
        ("Pipeline", pipeline),
    ];
    for (title, url) in links {
        if let Some(url) =
            url.filter(|url| url.starts_with("http://") || url.starts_with("https://"))
        {
            actions.push(json!({ "type": "Action.OpenUrl", "title": title, "url": url }));
        }
    }
    Ok(json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": { "width": "Full" },
                "body": card,
                "actions": actions,
            },
        }],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Templates, render::message::sample};

    #[test]
    fn a_large_card_stays_below_what_teams_takes() {
        let mut notice = sample::regressed();
        let one = notice.findings[0].clone();
        notice.findings = vec![one; 200];
        let words = Words::new("teams", &Templates::default()).unwrap();
        let body = body(&notice, &words).unwrap();
        assert!(body.to_string().len() < 28_000);
        let card = &body["attachments"][0]["content"];
        assert_eq!(card["body"][0]["color"], "Attention");
        assert_eq!(card["actions"].as_array().unwrap().len(), 4);
    }
}
