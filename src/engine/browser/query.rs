//! What captures, assertions and measures ask of a page.

use serde_json::{Value, json};

use super::{
    act::area_name,
    locate::Sought,
    session::Refused,
    tab::{Tab, plain},
};
use crate::{
    check,
    engine::{fault::Trouble, vars::Variables},
    model::{PageQuery, Query, Step, Subject},
};

/// What a step asks of its page.
#[derive(Debug, Default)]
pub(super) struct Questions {
    pages: Vec<PageQuery>,
    /// Whether the document itself is looked at.
    document: bool,
    /// Whether the cookies are.
    pub(super) cookies: bool,
    /// Whether anything is asked that may come to be so.
    pub(super) any: bool,
}

/// What the page said.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) page: check::Page,
    pub(super) body: String,
}

impl Questions {
    pub(super) fn of(step: &Step) -> Self {
        let mut all = Self::default();
        step.captures.iter().for_each(|capture| all.add(&capture.query));
        step.assertions.iter().for_each(|assertion| all.add(&assertion.query));
        step.measures.iter().for_each(|measure| all.add(&measure.query));
        let until = step.flow.retry.as_ref().and_then(|retry| retry.until.as_ref());
        until.into_iter().for_each(|until| all.add(&until.query));
        all
    }

    fn add(&mut self, query: &Query) {
        match &query.subject {
            Subject::Page(page) if !self.pages.contains(page) => self.pages.push(page.clone()),
            Subject::Body | Subject::Css { .. } | Subject::Regex(_) | Subject::JsonPath(_) => {
                self.document = true;
            }
            Subject::Cookie { .. } => self.cookies = true,
            _ => {}
        }
        self.any |= can_change(&query.subject);
    }
}

/// Whether what a query looks at may be another a moment later.
pub(super) fn can_change(subject: &Subject) -> bool {
    !matches!(
        subject,
        Subject::Status | Subject::Duration | Subject::Phase(_) | Subject::Variable(_)
    )
}

impl Tab<'_> {
    /// Asks the page everything at once.
    pub(super) async fn answers(
        &mut self,
        questions: &Questions,
        vars: &Variables,
    ) -> Result<Said, Trouble> {
        let mut said = Said::default();
        let mut asked = Vec::new();
        for query in &questions.pages {
            match in_page(query, vars) {
                Some(Ok(json)) => asked.push((query, json)),
                Some(Err(Trouble::Ours(why) | Trouble::Target(_, why))) => {
                    said.page.found.push((query.clone(), Err(why)));
                }
                None => {
                    let found = self.beside(query).await?;
                    said.page.found.push((query.clone(), found));
                }
            }
        }
        let limit = self.limit(self.patience);
        let queries: Vec<&Value> = asked.iter().map(|(_, json)| json).collect();
        let given = json!({ "queries": queries, "withSource": questions.document });
        let mut told = self.ask("ask", given, &limit).await?;
        for (nth, (query, _)) in asked.iter().enumerate() {
            let answer = &told["answers"][nth];
            let found = match (answer["fault"].as_str(), answer["found"].as_array()) {
                (None, Some(values)) => Ok(values.clone()),
                (fault, _) => Err(fault.unwrap_or("the page gave no answer").to_owned()),
            };
            said.page.found.push(((*query).clone(), found));
        }
        if let Value::String(source) = told["source"].take() {
            said.body = source;
        }
        Ok(said)
    }

    /// What the script in the page does not answer.
    async fn beside(&mut self, query: &PageQuery) -> Result<Result<Vec<Value>, String>, Trouble> {
        let script = match query {
            PageQuery::Script(script) => script,
            PageQuery::Console(level) => return self.console(level).await.map(Ok),
            PageQuery::Vital(name) => return self.vital(name).await,
            _ => return Ok(Err("the page was not asked".to_owned())),
        };
        match self.browser.script(script, Vec::new(), self.stop).await {
            Ok(Value::Null) => Ok(Ok(Vec::new())),
            Ok(value) => Ok(Ok(vec![value])),
            Err(Refused::Page { code, message }) if code == "javascript error" => {
                Ok(Err(format!("the script failed: {}", plain(&message, &code))))
            }
            Err(refused) => Err(self.trouble(refused, "the script of a query did not end")),
        }
    }
}

impl Tab<'_> {
    /// The step's messages of a level, or worse.
    async fn console(&mut self, level: &str) -> Result<Vec<Value>, Trouble> {
        let heard = self.seen.hear(self.browser).await;
        heard.map_err(|refused| self.trouble(refused, "the console cannot be read"))?;
        let place = |word: &str| PageQuery::LEVELS.iter().position(|known| *known == word);
        let least = place(level);
        let messages = self.seen.messages().into_iter();
        let counts = messages.filter(|message| place(message.level.as_str()) <= least);
        Ok(counts.map(|message| json!(message.text)).collect())
    }

    /// How the page came to be seen.
    async fn vital(&mut self, name: &str) -> Result<Result<Vec<Value>, String>, Trouble> {
        match self.seen.look(self.browser, self.stop).await {
            Ok(Some(look)) => {
                Ok(Ok(look.vitals.get(name).map(|value| json!(value)).into_iter().collect()))
            }
            Ok(None) => Ok(Err("the page tells nothing of itself".to_owned())),
            Err(refused) => Err(self.trouble(refused, "the page tells nothing of itself")),
        }
    }
}

/// A query as the script in the page takes it, where that answers it.
fn in_page(query: &PageQuery, vars: &Variables) -> Option<Result<Value, Trouble>> {
    match query {
        PageQuery::Element { locator, attribute } => Some(Sought::of(locator, vars).map(
            |sought| json!({ "what": "element", "locator": sought.json, "attribute": attribute }),
        )),
        PageQuery::Title => Some(Ok(json!({ "what": "title" }))),
        PageQuery::Storage { area, key } => {
            Some(Ok(json!({ "what": "storage", "area": area_name(*area), "key": key })))
        }
        PageQuery::Script(_) | PageQuery::Console(_) | PageQuery::Vital(_) => None,
    }
}
