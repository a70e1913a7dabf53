//! Waits that a journey asks for.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    locate::{Sought, Told},
    tab::{Limit, Tab},
};
use crate::{
    check::{self, Answer},
    engine::{fault::Trouble, judge::Checking, vars::Variables},
    model::{
        Assertion, AssertionResult, Condition, FaultKind, Locator, PageQuery, Predicate, Query,
        Subject, Text, WaitFor,
    },
};

/// How long no request may be under way for the network to be quiet.
const QUIET: Duration = Duration::from_millis(500);

/// How long the page waits for another address or title before it is asked anew.
const ROUND: Duration = Duration::from_millis(1_000);

impl Tab<'_> {
    pub(super) async fn wait(&mut self, wait: &WaitFor, vars: &Variables) -> Result<(), Trouble> {
        let limit = self.limit(wait.at_most.unwrap_or(self.patience));
        match &wait.condition {
            Condition::Visible(locator) => self.shown(locator, true, &limit, vars).await,
            Condition::Hidden(locator) => self.shown(locator, false, &limit, vars).await,
            Condition::Url(predicate) => self.address(false, predicate, &limit, vars).await,
            Condition::Title(predicate) => self.address(true, predicate, &limit, vars).await,
            Condition::NetworkQuiet => {
                let given = json!({ "time": QUIET.as_millis() });
                let answer = self.ask("quiet", given, &limit).await?;
                self.held(&answer, || {
                    let open = answer["trouble"]["total"].as_u64().unwrap_or_default();
                    format!(
                        "the network was not quiet {}: {open} requests of scripts were under way",
                        limit.said
                    )
                })
            }
            Condition::Script(text) => self.script_holds(text, &limit, vars).await,
            Condition::Time(time) => {
                let limit = self.limit(*time + Duration::from_secs(1));
                let given = json!({ "time": time.min(&self.left(&limit)).as_millis() });
                let answer = self.ask("time", given, &limit).await?;
                self.held(&answer, String::new)
            }
        }
    }

    async fn shown(
        &mut self,
        locator: &Locator,
        wanted: bool,
        limit: &Limit,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let sought = Sought::of(locator, vars)?;
        let given = json!({ "locator": sought.json, "wanted": wanted });
        let answer = self.ask("shown", given, limit).await?;
        self.found(&answer, &sought, limit, vars)
    }

    /// Fails where the page says what is in the way of an element.
    pub(super) fn found(
        &mut self,
        answer: &Value,
        sought: &Sought,
        limit: &Limit,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        if let Some(at) = answer["at"].as_f64() {
            self.clock.held(at);
            return Ok(());
        }
        let now = self.clock.last().now;
        self.clock.held(now);
        let told: Told = serde_json::from_value(answer["trouble"].clone()).unwrap_or_default();
        Err(Trouble::target(FaultKind::Element, told.say(sought, &limit.said, vars)))
    }

    /// Counts until the condition held; fails where it did not.
    fn held(&mut self, answer: &Value, why: impl FnOnce() -> String) -> Result<(), Trouble> {
        if let Some(at) = answer["at"].as_f64() {
            self.clock.held(at);
            return Ok(());
        }
        let now = self.clock.last().now;
        self.clock.held(now);
        Err(Trouble::target(FaultKind::Timeout, why()))
    }

    async fn script_holds(
        &mut self,
        text: &Text,
        limit: &Limit,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let condition = vars.fill_to_send(text)?;
        let body = format!(
            "const ask = window[Symbol.for(\"wayfarer.page\")];
const condition = async function () {{
{condition}
}};
return ask ? await ask(...arguments, condition) : null;"
        );
        let answer = self.ask_by(&body, "holds", json!({}), limit).await?;
        self.held(&answer, || format!("the script gave nothing that is true {}", limit.said))
    }

    /// Waits until the address or the title is as wanted.
    async fn address(
        &mut self,
        title: bool,
        predicate: &Predicate,
        limit: &Limit,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let what = if title { "title" } else { "url" };
        let subject = if title { Subject::Page(PageQuery::Title) } else { Subject::Url };
        let query = Query::from(subject);
        let assertion = Assertion { query, predicates: vec![predicate.clone()], count: Vec::new() };
        let mut was = Value::Null;
        loop {
            let left = self.left(limit);
            let round = Limit { at: limit.at.min(self.wall.instant() + ROUND), ..limit.clone() };
            let first = was.is_null();
            let answer = self.ask("other", json!({ "what": what, "was": was }), &round).await?;
            let is = answer["is"].as_str().unwrap_or_default();
            let result = judged(&assertion, is, vars)?;
            if result.passed {
                let at = answer["at"].as_f64().unwrap_or_default();
                // What was so at the first look has been since the document changed last, for all that is known.
                let at = if first { at.min(self.clock.last().changed) } else { at };
                self.clock.held(at);
                return Ok(());
            }
            if left.is_zero() {
                let now = self.clock.last().now;
                self.clock.held(now);
                let got = result.actual.unwrap_or_default();
                let message = format!("expected {}, got {got} {}", result.check, limit.said);
                return Err(Trouble::target(FaultKind::Timeout, message));
            }
            was = json!(is);
        }
    }
}

/// Judges an address or a title.
fn judged(assertion: &Assertion, is: &str, vars: &Variables) -> Result<AssertionResult, Trouble> {
    let mut shown = Answer::new(0, String::new());
    is.clone_into(&mut shown.url);
    shown.page = Some(check::Page { found: vec![(PageQuery::Title, Ok(vec![json!(is)]))] });
    let checking = Checking::of(vars);
    let result = check::assert(assertion, &shown, &checking);
    checking.unfilled().map_or(Ok(result), Err)
}
