//! Pages for people: handlebars templates, compiled when the agent starts, HTML-escaped, complete without scripts. What stands on a page is
//! filled in by `web::pages`, one file a page; here is how it looks.

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
pub const STYLE: &str = concat!(
    include_str!("page/style.css"),
    include_str!("page/chart.css"),
    include_str!("page/parts.css"),
    include_str!("page/review.css"),
    include_str!("page/delivery.css"),
    include_str!("page/budget.css")
);

/// Pages and what they share, one file each.
const TEMPLATES: &[(&str, &str)] = &[
    ("head", include_str!("page/head.hbs")),
    ("foot", include_str!("page/foot.hbs")),
    ("filters", include_str!("page/filters.hbs")),
    ("chart", include_str!("page/chart.hbs")),
    ("spark", include_str!("page/spark.hbs")),
    ("prose", include_str!("page/prose.hbs")),
    ("journeys", include_str!("page/journeys.hbs")),
    ("change_list", include_str!("page/change_list.hbs")),
    ("when", include_str!("page/when.hbs")),
    ("badge", include_str!("page/badge.hbs")),
    ("phases", include_str!("page/phases.hbs")),
    ("change_row", include_str!("page/change_row.hbs")),
    ("budgets", include_str!("page/budgets.hbs")),
    ("budget_left", include_str!("page/budget_left.hbs")),
    ("budget_section", include_str!("page/budget_section.hbs")),
    ("overview", include_str!("page/overview.hbs")),
    ("journey", include_str!("page/journey.hbs")),
    ("compare", include_str!("page/compare.hbs")),
    ("run", include_str!("page/run.hbs")),
    ("changes", include_str!("page/changes.hbs")),
    ("change", include_str!("page/change.hbs")),
    ("review", include_str!("page/review.hbs")),
    ("note_form", include_str!("page/note_form.hbs")),
    ("outcome_form", include_str!("page/outcome_form.hbs")),
    ("review_head", include_str!("page/review_head.hbs")),
    ("review_case", include_str!("page/review_case.hbs")),
    ("review_people", include_str!("page/review_people.hbs")),
    ("report", include_str!("page/report.hbs")),
    ("digest", include_str!("page/digest.hbs")),
    ("digest_body", include_str!("page/digest_body.hbs")),
    ("report_digest", include_str!("page/report_digest.hbs")),
    ("login", include_str!("page/login.hbs")),
    ("tile", include_str!("page/tile.hbs")),
    ("delivery", include_str!("page/delivery.hbs")),
    ("pipeline", include_str!("page/pipeline.hbs")),
    ("problem", include_str!("page/problem.hbs")),
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

    /// A page of this name with what stands on it.
    ///
    /// # Errors
    /// There is no such page, or it asks for what `data` does not have.
    pub fn fill(&self, name: &str, data: &impl Serialize) -> Result<String, PageError> {
        self.0
            .render(name, data)
            .map_err(|e| PageError { page: name.to_owned(), reason: e.to_string() })
    }

    /// The page with the evidence of a run; see [`evidence_page`](super::evidence_page).
    pub(in crate::render) fn evidence(&self, page: &View) -> Result<String, PageError> {
        self.fill("evidence", page)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_sender_wrote_is_escaped() {
        let pages = Pages::new().unwrap();
        let row = json!({
            "link": "changes/1", "id": "<script>alert(1)</script>", "kind": "deploy", "place": "",
            "what": "\"><img src=x>", "title": "<script>", "author": "", "open": true,
            "started": { "at": "", "text": "", "utc": "", "form": "minute" },
            "badge": { "class": "watching", "sign": "○", "word": "watching" },
        });
        let html = pages.fill("change_row", &json!({ "root": "./", "row": row })).unwrap();
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
    }
}
