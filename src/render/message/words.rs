//! The words of a message.

use handlebars::{Handlebars, RenderError, RenderErrorReason, no_escape};
use serde_json::{Value, json};

use super::sample;
use crate::model::{Notice, Templates};

const PLAIN: &str = include_str!("words/plain.hbs");
const SLACK: &str = include_str!("words/slack.hbs");
const TEAMS: &str = include_str!("words/teams.hbs");
const HTML: &str = include_str!("words/mail.hbs");

/// The templates of one receiver, compiled and tried.
#[derive(Debug, Clone)]
pub struct Words {
    registry: Handlebars<'static>,
    /// The same facts as a page, for mail.
    html: Option<Handlebars<'static>>,
    /// Whether the text is not ours.
    own_text: bool,
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
        let html = (kind == "email").then(page).transpose()?;
        let words = Self { registry, html, own_text: own.text.is_some() };
        for notice in sample::all() {
            words.fill("title", &notice)?;
            words.fill("text", &notice)?;
            words.html(&notice)?;
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

    /// Title and text as a page of a mail, everything in it escaped; none for receivers that show no pages. An own text stands there as it is
    /// written.
    ///
    /// # Errors
    /// As [`Words::title`].
    pub fn html(&self, notice: &Notice) -> Result<Option<String>, WordsFault> {
        let Some(html) = &self.html else { return Ok(None) };
        let mut all = context(notice);
        all["title"] = json!(self.title(notice)?);
        all["own"] = if self.own_text { json!(self.text(notice)?) } else { Value::Null };
        all["colour"] = json!(colour(notice));
        let page = html.render("html", &all).map_err(|e| fault("text", &e))?;
        Ok(Some(page.trim().to_owned()))
    }

    fn fill(&self, key: &'static str, notice: &Notice) -> Result<String, WordsFault> {
        self.registry.render(key, &context(notice)).map_err(|e| fault(key, &e))
    }
}

/// The page of a mail.
fn page() -> Result<Handlebars<'static>, WordsFault> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    // What handlebars escapes by itself: & < > " ' ` =
    registry
        .register_template_string("html", HTML)
        .map_err(|e| WordsFault { key: "text", message: tidy(&e.reason().to_string()) })?;
    Ok(registry)
}

fn fault(key: &'static str, error: &RenderError) -> WordsFault {
    let message = match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => format!("a notice has no `{name}`"),
        other => tidy(&other.to_string()),
    };
    WordsFault { key, message }
}

/// The colour beside a title: red, amber, or green where it is over.
fn colour(notice: &Notice) -> &'static str {
    match (notice.firing, notice.gravity.severity()) {
        (false, _) => "#1a7f37",
        (true, "critical") => "#cf222e",
        (true, _) => "#9a6700",
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
    fn a_mail_has_a_page_with_the_same_facts_and_nothing_unescaped() {
        let mut notice = sample::regressed();
        notice.title = "a <script>&".to_owned();
        notice.findings[0].summary = "<img src=x onerror=alert(1)>".to_owned();
        let page =
            Words::new("email", &Templates::default()).unwrap().html(&notice).unwrap().unwrap();
        assert!(page.contains("a &lt;script&gt;&amp;") && !page.contains("<img"), "{page}");
        for finding in &notice.findings {
            assert!(page.contains(finding.journey.as_str()));
        }
        let own = Templates { title: None, text: Some("<b>{{incident}}</b>\nsecond".to_owned()) };
        let page = Words::new("email", &own).unwrap().html(&notice).unwrap().unwrap();
        assert!(page.contains(&format!("&lt;b&gt;{}&lt;/b&gt;", notice.incident)), "{page}");
        assert_eq!(Words::new("slack", &Templates::default()).unwrap().html(&notice), Ok(None));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
    }
}
