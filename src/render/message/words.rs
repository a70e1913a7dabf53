//! The words of a message.

use handlebars::{Handlebars, RenderErrorReason, no_escape};
use serde_json::{Value, json};

use super::sample;
use crate::model::{Notice, Templates};

const PLAIN: &str = include_str!("words/plain.hbs");
const SLACK: &str = include_str!("words/slack.hbs");
const TEAMS: &str = include_str!("words/teams.hbs");

/// The templates of one receiver, compiled and tried.
#[derive(Debug, Clone)]
pub struct Words {
    registry: Handlebars<'static>,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordsFault {
    /// Which one: `title` or `text`.
    pub key: &'static str,
    /// What.
    pub message: String,
}

impl std::fmt::Display for WordsFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.key, self.message)
    }
}

impl Words {
    /// The words for a kind of receiver; what it does not say itself is ours. Every template is filled with samples of all sorts.
    ///
    /// # Errors
    /// A template that handlebars does not take, or that asks for what a notice may not have.
    pub fn new(kind: &str, own: &Templates) -> Result<Self, WordsFault> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.unregister_helper("log");
        let (escape, text): (fn(&str) -> String, &str) = match kind {
            "slack" => (slack_escape, SLACK),
            "teams" => (teams_escape, TEAMS),
            _ => (no_escape, PLAIN),
        };
        registry.register_escape_fn(escape);
        for (key, own, ours) in [("title", &own.title, "{{title}}"), ("text", &own.text, text)] {
            let text = own.as_deref().unwrap_or(ours);
            registry
                .register_template_string(key, text)
                .map_err(|e| WordsFault { key, message: tidy(&e.reason().to_string()) })?;
        }
        let words = Self { registry };
        for notice in sample::all() {
            words.fill("title", &notice)?;
            words.fill("text", &notice)?;
        }
        Ok(words)
    }

    /// The one line, without line breaks.
    ///
    /// # Errors
    /// A name that this notice does not have.
    pub fn title(&self, notice: &Notice) -> Result<String, WordsFault> {
        let text = self.fill("title", notice)?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// What stands below it.
    ///
    /// # Errors
    /// As [`Words::title`].
    pub fn text(&self, notice: &Notice) -> Result<String, WordsFault> {
        Ok(self.fill("text", notice)?.trim().to_owned())
    }

    fn fill(&self, key: &'static str, notice: &Notice) -> Result<String, WordsFault> {
        self.registry.render(key, &context(notice)).map_err(|e| {
            let message = match e.reason() {
                RenderErrorReason::MissingVariable(Some(name)) => {
                    format!("a notice has no `{name}`")
                }
                other => tidy(&other.to_string()),
            };
            WordsFault { key, message }
        })
    }
}

/// What templates may ask for.
fn context(notice: &Notice) -> Value {
    let mut all = json!(notice);
    if let Value::Object(fields) = &mut all {
        fields.insert("severity".to_owned(), json!(notice.gravity.severity()));
        let status = if notice.firing { "firing" } else { "resolved" };
        fields.insert("status".to_owned(), json!(status));
    }
    all
}

/// The three characters that Slack's markup reserves.
fn slack_escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The characters that begin Markdown in an adaptive card.
fn teams_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '`' | '[' | ']' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// At most so many characters, with a sign that there were more.
pub fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// The first line of a message of handlebars, in our form.
fn tidy(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    let mut chars = line.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(title: &str) -> Templates {
        Templates { title: Some(title.to_owned()), text: None }
    }

    #[test]
    fn a_template_that_could_fail_is_refused() {
        for (title, fault) in [
            ("{{titel}}", Some("a notice has no `titel`")),
            ("{{#if change}}{{change.autor}}{{/if}}", Some("a notice has no `change.autor`")),
            ("{{change.author}}", Some("a notice has no `change.author`")),
            ("{{#if x", Some("")),
            ("{{> part}}", Some("")),
            ("{{#if change}}{{change.author}}{{/if}} {{severity}} {{status}}", None),
            ("{{#each findings}}{{journey}}{{/each}}", None),
        ] {
            match (Words::new("slack", &own(title)), fault) {
                (Ok(_), None) => {}
                (Err(e), Some(fault)) => {
                    assert_eq!(e.key, "title");
                    assert!(e.message.contains(fault), "{title}: {}", e.message);
                }
                (made, _) => panic!("{title}: {made:?}"),
            }
        }
    }

    #[test]
    fn values_are_escaped_as_the_receiver_wants() {
        let mut notice = sample::regressed();
        notice.title = "a <b> & *c* [d](e)".to_owned();
        for (kind, title) in [
            ("slack", "a &lt;b&gt; &amp; *c* [d](e)"),
            ("teams", r"a <b> & \*c\* \[d\](e)"),
            ("email", "a <b> & *c* [d](e)"),
        ] {
            let words = Words::new(kind, &Templates::default()).unwrap();
            assert_eq!(words.title(&notice).unwrap(), title);
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
    }
}
