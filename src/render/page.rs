//! Pages for people: handlebars templates, compiled when the agent starts, HTML-escaped, complete without scripts.

use handlebars::Handlebars;
use serde::Serialize;
use thiserror::Error;

use super::evidence_page::View;

/// The compiled pages.
pub struct Pages(Handlebars<'static>);

/// A page could not be made: our own bug, never a visitor's.
#[derive(Debug, Error)]
#[error("page {page}: {reason}")]
pub struct PageError {
    page: String,
    reason: String,
}

/// The style sheet of all pages.
pub const STYLE: &str = include_str!("page/style.css");

const TEMPLATES: &[(&str, &str)] = &[
    ("head", include_str!("page/head.hbs")),
    ("overview", include_str!("page/overview.hbs")),
    ("change", include_str!("page/change.hbs")),
    ("evidence", include_str!("page/evidence.hbs")),
];

impl Pages {
    /// Compiles all templates.
    ///
    /// # Errors
    /// A template does not compile.
    pub fn new() -> Result<Self, PageError> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        for (name, text) in TEMPLATES {
            registry
                .register_template_string(name, text)
                .map_err(|e| PageError { page: (*name).to_owned(), reason: e.to_string() })?;
        }
        Ok(Self(registry))
    }

    /// The first page.
    ///
    /// # Errors
    /// The template asks for what the page does not have.
    pub fn overview(&self, page: &Overview) -> Result<String, PageError> {
        self.fill("overview", page)
    }

    /// The page of one change.
    ///
    /// # Errors
    /// As [`Pages::overview`].
    pub fn change(&self, page: &ChangePage) -> Result<String, PageError> {
        self.fill("change", page)
    }

    /// The page with the evidence of a run; see [`evidence_page`](super::evidence_page).
    pub(in crate::render) fn evidence(&self, page: &View) -> Result<String, PageError> {
        self.fill("evidence", page)
    }

    fn fill(&self, name: &str, data: &impl Serialize) -> Result<String, PageError> {
        self.0
            .render(name, data)
            .map_err(|e| PageError { page: name.to_owned(), reason: e.to_string() })
    }
}

/// What the first page shows; every text is ready to be read.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// Of the browser's tab.
    pub title: String,
    /// Where the agent stands, and its version.
    pub agent: String,
    /// What is promised of false verdicts, and what was seen of it.
    pub budget: String,
    /// Open findings.
    pub findings: Vec<FindingRow>,
    /// Journeys by environment.
    pub journeys: Vec<JourneyRow>,
    /// The newest changes.
    pub changes: Vec<ChangeRow>,
}

/// An open finding.
#[derive(Debug, Serialize)]
pub struct FindingRow {
    /// `regressed`, `suspected`, `unexplained`.
    pub kind: String,
    /// Journey and environment.
    pub journey: String,
    /// Which metric.
    pub metric: String,
    /// The change it is blamed on; empty if none.
    pub change: String,
    /// Where to read of that change; empty if none.
    pub link: String,
    /// The sentence.
    pub summary: String,
    /// Since when.
    pub since: String,
}

/// A journey in an environment.
#[derive(Debug, Serialize)]
pub struct JourneyRow {
    /// Its name.
    pub journey: String,
    /// Where.
    pub environment: String,
    /// `passed`, `failed`, `broken` or `waiting`.
    pub result: String,
    /// Success over the last hour, such as `100 %`.
    pub success: String,
    /// Median over the last hour.
    pub p50: String,
    /// 95th percentile over the last hour.
    pub p95: String,
    /// Of the last hour.
    pub runs: usize,
    /// When it was last walked.
    pub last: String,
    /// The last hour as points of an SVG polyline in a box of 120 by 24.
    pub spark: String,
    /// What the last run measured: name, value and unit.
    pub measures: Vec<String>,
    /// Horizontal places of changes in the same box.
    pub marks: Vec<String>,
}

/// A change in a list.
#[derive(Debug, Serialize)]
pub struct ChangeRow {
    /// Its page.
    pub link: String,
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What was changed, to which version.
    pub what: String,
    /// By whom.
    pub author: String,
    /// When it started.
    pub started: String,
    /// Overall verdict.
    pub verdict: String,
    /// `open` or `closed`.
    pub watch: String,
}

/// The page of one change.
#[derive(Debug, Serialize)]
pub struct ChangePage {
    /// Of the browser's tab.
    pub title: String,
    /// Where the agent stands, and its version.
    pub agent: String,
    /// The change.
    pub change: ChangeRow,
    /// Facts: name and value.
    pub facts: Vec<(String, String)>,
    /// What nothing here knows of it: services that no journey touches.
    pub notes: Vec<String>,
    /// The gate's answer.
    pub gate: String,
    /// Why.
    pub reason: String,
    /// All verdicts, worst first.
    pub verdicts: Vec<VerdictRow>,
    /// How it is undone, where it can be.
    pub rollback: Option<RollbackPart>,
}

/// Undoing a change.
#[derive(Debug, Serialize)]
pub struct RollbackPart {
    /// What was ordered, and what became of it.
    pub lines: Vec<String>,
    /// Where the button leads; none where nothing is left to order.
    pub action: Option<String>,
}

/// A verdict in a table.
#[derive(Debug, Serialize)]
pub struct VerdictRow {
    /// The verdict.
    pub verdict: String,
    /// The journey.
    pub journey: String,
    /// Where.
    pub environment: String,
    /// Of what.
    pub metric: String,
    /// The sentence.
    pub summary: String,
    /// What else is to know.
    pub notes: Vec<String>,
    /// Who may have done it: `change 93 %`.
    pub candidates: Vec<String>,
    /// The parts of the journey that moved.
    pub parts: Vec<PartRow>,
}

/// A part of a journey in the table under it.
#[derive(Debug, Serialize)]
pub struct PartRow {
    /// Which.
    pub part: String,
    /// Its verdict.
    pub verdict: String,
    /// Median before, such as `120 ms`.
    pub before: String,
    /// Median since the shift.
    pub after: String,
    /// By how much, with its interval.
    pub effect: String,
    /// Since when.
    pub since: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sender_wrote_is_escaped() {
        let pages = Pages::new().unwrap();
        let page = Overview {
            title: "Wayfarer".into(),
            agent: "here".into(),
            budget: String::new(),
            findings: vec![],
            journeys: vec![],
            changes: vec![ChangeRow {
                link: "/changes/1".into(),
                id: "<script>alert(1)</script>".into(),
                kind: "deploy".into(),
                what: "\"><img src=x>".into(),
                author: String::new(),
                started: String::new(),
                verdict: "watching".into(),
                watch: "open".into(),
            }],
        };
        let html = pages.overview(&page).unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    }
}
