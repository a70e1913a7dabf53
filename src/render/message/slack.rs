//! Slack's incoming webhooks: Block Kit with a plain text beside it.

use serde_json::{Value, json};

use super::{Words, WordsFault, clip};
use crate::model::Notice;

/// Longest header, in characters.
const HEADER: usize = 150;
/// Longest text of a section.
const SECTION: usize = 3000;

/// The body of a message.
///
/// # Errors
/// Words that do not fit the notice.
pub fn body(notice: &Notice, words: &Words) -> Result<Value, WordsFault> {
    let title = words.title(notice)?;
    let sign = if !notice.firing {
        ":white_check_mark:"
    } else if notice.gravity.severity() == "critical" {
        ":red_circle:"
    } else {
        ":large_orange_circle:"
    };
    // A header takes plain text: what was escaped for markup is undone.
    let plain = title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let header = clip(&format!("{sign} {plain}"), HEADER);
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": header, "emoji": true },
    })];
    let text = words.text(notice)?;
    if !text.is_empty() {
        blocks.push(json!({
            "type": "section",
            "text": { "type": "mrkdwn", "text": clip(&text, SECTION) },
        }));
    }
    let mut buttons = Vec::new();
    let runbook = notice.runbooks.first();
    let run = notice.findings.iter().find_map(|f| f.run.as_ref());
    let trace = notice.findings.iter().find_map(|f| f.trace.as_ref());
    let links =
        [("Change", notice.page.as_ref()), ("Runbook", runbook), ("Run", run), ("Trace", trace)];
    for (label, url) in links {
        if let Some(url) = url.filter(|url| is_link(url)) {
            buttons.push(json!({
                "type": "button",
                "text": { "type": "plain_text", "text": label },
                "url": url,
                "action_id": format!("open_{}", label.to_lowercase()),
            }));
        }
    }
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    Ok(json!({ "text": title, "blocks": blocks }))
}

/// Slack refuses a whole message for a button that is no link.
fn is_link(url: &str) -> bool {
    url.len() <= 3000 && (url.starts_with("https://") || url.starts_with("http://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Templates, render::message::sample};

    #[test]
    fn stays_within_what_slack_takes() {
        let mut notice = sample::regressed();
        notice.title = "x".repeat(400);
        let one = notice.findings[0].clone();
        notice.findings = vec![one; 60];
        notice.runbooks = vec!["run <it>".to_owned()];
        let words = Words::new("slack", &Templates::default()).unwrap();
        let body = body(&notice, &words).unwrap();
        let text = |pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().chars().count();
        assert_eq!(text("/blocks/0/text/text"), HEADER);
        assert_eq!(text("/blocks/1/text/text"), SECTION);
        assert_eq!(body["blocks"][2]["elements"].as_array().unwrap().len(), 2);
    }
}
