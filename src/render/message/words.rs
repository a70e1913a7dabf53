//! The words of a message.

use handlebars::{Handlebars, RenderError, RenderErrorReason, no_escape};
use serde_json::{Value, json};

use super::{
    body::{Body, Form},
    event, sample,
};
use crate::model::{ChangeNews, Notice, Parcel, Templates};

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
    /// Whole bodies of one's own: of notices, and of news of changes.
    body: Option<Body>,
    change_body: Option<Body>,
    /// What they are.
    content_type: Option<String>,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordsFault {
    /// Which one: `title`, `text`, `body` …
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
        let page = || page(own.html.as_deref());
        let html = (kind == "email").then(page).transpose()?;
        let form = match kind {
            "slack" | "teams" => Form::Object,
            _ if own.json() => Form::Json,
            _ => Form::Text,
        };
        let whole = |key, template: &Option<String>| {
            template.as_ref().map(|text| Body::new(key, text, escape, form)).transpose()
        };
        let words = Self {
            registry,
            html,
            own_text: own.text.is_some(),
            body: whole("body", &own.body)?,
            change_body: whole("change_body", &own.change_body)?,
            content_type: own.content_type.clone(),
        };
        words.tried()
    }

    /// With everything filled once with samples of all sorts.
    fn tried(self) -> Result<Self, WordsFault> {
        for notice in sample::all() {
            self.fill("title", &notice)?;
            self.fill("text", &notice)?;
            self.html(&notice)?;
            let of = |fault: WordsFault| {
                let which = format!(" (of a sample: {})", event::kind_of(&notice));
                WordsFault { message: fault.message + &which, ..fault }
            };
            self.notice_body(&notice).map_err(of)?;
        }
        self.news_body(&sample::news())?;
        Ok(self)
    }

    /// What whole bodies of one's own are: JSON, or what the settings say.
    pub fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or("application/json")
    }

    /// The body of a parcel as a template of one's own lays it out; none where there is no such template.
    ///
    /// # Errors
    /// A name that this parcel does not have, and what is not JSON but must be.
    pub fn body(&self, parcel: &Parcel) -> Result<Option<String>, WordsFault> {
        match parcel {
            Parcel::Notice(notice) => self.notice_body(notice),
            Parcel::ChangeNews(news) => self.news_body(news),
            Parcel::Rollback(_) | Parcel::Status(_) => Ok(None),
        }
    }

    fn notice_body(&self, notice: &Notice) -> Result<Option<String>, WordsFault> {
        let Some(body) = &self.body else { return Ok(None) };
        let laid_out = [("title", self.title(notice)?), ("text", self.text(notice)?)];
        body.fill(context(notice), &laid_out).map(Some)
    }

    fn news_body(&self, news: &ChangeNews) -> Result<Option<String>, WordsFault> {
        let Some(body) = &self.change_body else { return Ok(None) };
        let mut facts = json!(news);
        facts["type"] = json!(event::CHANGE);
        body.fill(facts, &[]).map(Some)
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
        all["text"] = json!(self.text(notice)?);
        all["own"] = if self.own_text { json!(self.text(notice)?) } else { Value::Null };
        let page = html.render("html", &all).map_err(|e| fault("html", &e))?;
        Ok(Some(page.trim().to_owned()))
    }

    fn fill(&self, key: &'static str, notice: &Notice) -> Result<String, WordsFault> {
        self.registry.render(key, &context(notice)).map_err(|e| fault(key, &e))
    }
}

/// The page of a mail, one's own or ours.
fn page(own: Option<&str>) -> Result<Handlebars<'static>, WordsFault> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    // What handlebars escapes by itself: & < > " ' ` =
    registry
        .register_template_string("html", own.unwrap_or(HTML))
        .map_err(|e| WordsFault { key: "html", message: tidy(&e.reason().to_string()) })?;
    Ok(registry)
}

pub(super) fn fault(key: &'static str, error: &RenderError) -> WordsFault {
    let message = match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) if at_times(name) => {
            format!(
                "not every notice has `{name}`: write `{{{{#if {name}}}}}…{{{{/if}}}}` around it"
            )
        }
        RenderErrorReason::MissingVariable(Some(name)) => format!("a notice has no `{name}`"),
        other => tidy(&other.to_string()),
    };
    WordsFault { key, message }
}

/// Whether some notices have what is called so, in themselves, their change or their findings.
fn at_times(name: &str) -> bool {
    let path = name.trim_start_matches("this.").replace('.', "/");
    sample::all().iter().map(context).any(|notice| {
        let said = |at: &str| notice.pointer(&format!("{at}/{path}")).is_some_and(|v| !v.is_null());
        ["", "/change", "/findings/0"].into_iter().any(said)
    })
}

/// The colour beside a title: red, amber, or green where it is over.
fn colour(notice: &Notice) -> &'static str {
    match (notice.firing, notice.gravity.severity()) {
        (false, _) => "#1a7f37",
        (true, "critical") => "#cf222e",
        (true, _) => "#9a6700",
    }
}

/// What templates may ask for: a notice, and beside it what sort of event it is, how grave, whether it goes on, and a colour for it.
pub fn context(notice: &Notice) -> Value {
    let mut all = json!(notice);
    if let Value::Object(fields) = &mut all {
        fields.insert("severity".to_owned(), json!(notice.gravity.severity()));
        let status = if notice.firing { "firing" } else { "resolved" };
        fields.insert("status".to_owned(), json!(status));
        fields.insert("type".to_owned(), json!(event::kind_of(notice)));
        fields.insert("colour".to_owned(), json!(colour(notice)));
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
pub(super) fn tidy(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim().trim_end_matches('.');
    let mut chars = line.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(title: &str) -> Templates {
        Templates { title: Some(title.to_owned()), ..Templates::default() }
    }

    #[test]
    fn a_template_that_could_fail_is_refused() {
        for (title, fault) in [
            ("{{titel}}", Some("a notice has no `titel`")),
            ("{{#if change}}{{change.autor}}{{/if}}", Some("a notice has no `change.autor`")),
            ("{{change.author}}", Some("not every notice has `change.author`: write `{{#if")),
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
        let text = Some("<b>{{incident}}</b>\nsecond".to_owned());
        let own = Templates { text, ..Templates::default() };
        let page = Words::new("email", &own).unwrap().html(&notice).unwrap().unwrap();
        assert!(page.contains(&format!("&lt;b&gt;{}&lt;/b&gt;", notice.incident)), "{page}");
        assert_eq!(Words::new("slack", &Templates::default()).unwrap().html(&notice), Ok(None));
    }

    #[test]
    fn a_whole_body_is_tried_and_escaped() {
        let own = |body: &str, content_type: Option<&str>| Templates {
            body: Some(body.to_owned()),
            content_type: content_type.map(str::to_owned),
            ..Templates::default()
        };
        let good = r#"{"text": "{{title}}", "blocks": [{{#each findings}}{"j": "{{journey}}"}{{#unless @last}},{{/unless}}{{/each}}], "by": "{{#if change}}{{#if change.author}}{{change.author}}{{/if}}{{/if}}"}"#;
        let words = Words::new("slack", &own(good, None)).unwrap();
        let mut notice = sample::regressed();
        notice.title = "a <b> \"c\"".to_owned();
        let parcel = Parcel::Notice(Box::new(notice));
        let body: Value = serde_json::from_str(&words.body(&parcel).unwrap().unwrap()).unwrap();
        assert_eq!((&body["text"], &body["by"]), (&json!("a &lt;b&gt; \"c\""), &json!("jane.doe")));
        assert_eq!(words.body(&Parcel::ChangeNews(Box::new(sample::news()))), Ok(None));
        for (kind, body, form, expected) in [
            ("slack", r#"["{{title}}"]"#, None, "no object"),
            (
                "webhook",
                r#"{"author": "{{change.author}}"}"#,
                None,
                "around it (of a sample: incident.",
            ),
            (
                "webhook",
                r#"{"findings": [{{#each findings}}"{{journey}}",{{/each}}]}"#,
                None,
                "not JSON: trailing comma",
            ),
            ("webhook", "{{title}}", None, "not JSON"),
            ("command", "{{title}", Some("text/plain"), ""),
        ] {
            let fault = Words::new(kind, &own(body, form)).unwrap_err();
            assert!(fault.key == "body" && fault.message.contains(expected), "{body}: {fault}");
        }
        let plain =
            Words::new("webhook", &own("{{status}} {{type}} {{title}}", Some("text/plain")))
                .unwrap();
        let text = plain.body(&parcel).unwrap().unwrap();
        assert_eq!(text, "firing incident.opened a <b> \"c\"");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
    }
}
