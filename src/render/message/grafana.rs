//! Grafana annotations: one region for each change, few tags, because a database of annotations grows with every tag that is new.

use serde_json::{Value, json};

use crate::model::{ChangeNews, ChangeState};

/// The body of `POST` and `PATCH /api/annotations`.
pub fn annotation(news: &ChangeNews, tags: &[String]) -> Value {
    let change = &news.change;
    let mut all = vec!["wayfarer".to_owned(), change.kind.to_string()];
    all.extend(change.services.iter().map(|service| format!("service:{service}")));
    all.extend(change.environments.iter().map(|environment| format!("env:{environment}")));
    if let Some(verdict) = news.verdict.filter(|_| !news.open || news.verdict.is_some_and(is_harm))
    {
        all.push(format!("verdict:{verdict}"));
    }
    all.extend(tags.iter().cloned());
    let mut body = json!({
        "time": change.started_at.as_millisecond(),
        "tags": all,
        "text": text(news),
    });
    if let Some(end) = change.finished_at {
        body["timeEnd"] = json!(end.as_millisecond().max(change.started_at.as_millisecond()));
    }
    body
}

fn is_harm(verdict: crate::model::Conclusion) -> bool {
    use crate::model::Conclusion as C;
    matches!(verdict, C::Regressed | C::Suspected)
}

/// What stands in the bubble; Grafana shows simple HTML there, so nothing of others may be markup.
fn text(news: &ChangeNews) -> String {
    let change = &news.change;
    let mut lines = vec![format!("<b>{}</b>", escape(&change.words))];
    if change.state == ChangeState::Failed {
        lines.push("it failed".to_owned());
    }
    let author = change.author.as_ref().map(|author| format!("by {}", escape(author)));
    let commit = change.commit.as_ref().map(|commit| format!("commit {}", escape(commit)));
    let made: Vec<String> = [author, commit].into_iter().flatten().collect();
    if !made.is_empty() {
        lines.push(made.join(", "));
    }
    if let Some(verdict) = news.verdict {
        let summary =
            news.summary.as_deref().map_or_else(String::new, |s| format!(": {}", escape(s)));
        lines.push(format!("{verdict}{summary}"));
    }
    for (name, url) in [("verdict", &change.page), ("pipeline", &change.url)] {
        if let Some(url) =
            url.as_ref().filter(|url| url.starts_with("http://") || url.starts_with("https://"))
        {
            lines.push(format!("<a href=\"{}\">{name}</a>", escape(url)));
        }
    }
    lines.join("<br>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::message::sample;

    #[test]
    fn a_region_with_few_tags() {
        let body = annotation(&sample::news(), &["team".to_owned()]);
        assert_eq!(
            body["tags"],
            json!([
                "wayfarer",
                "deploy",
                "service:shop",
                "env:production",
                "verdict:regressed",
                "team"
            ])
        );
        assert!(body["timeEnd"].as_i64() > body["time"].as_i64());
        let mut open = sample::news();
        open.verdict = Some(crate::model::Conclusion::Watching);
        open.change.words = "<img src=x>".to_owned();
        let body = annotation(&open, &[]);
        assert_eq!(body["tags"].as_array().unwrap().len(), 4);
        assert!(body["text"].as_str().unwrap().starts_with("<b>&lt;img src=x&gt;</b>"));
    }
}
