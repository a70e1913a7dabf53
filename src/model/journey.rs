//! Journeys: what a user does, written as steps.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{
    BROWSER_MEASURES, BrowserStep, BuiltInMeasure, Device, EnvironmentName, Flow, HttpStep,
    JourneyName, MeasureName, Part, PartUse, Predicate, Query, Revision, ServiceName, SharedSetup,
    StepName, Variant,
};

/// Text with handlebars expressions in it, such as `{{base_url}}/login`. It is rendered strictly: an unknown name is an error.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(pub String);

impl Text {
    /// The helpers a template may call: those of handlebars that touch nothing outside, and ours.
    pub const HELPERS: [&str; 20] = [
        "if",
        "unless",
        "each",
        "with",
        "lookup",
        "raw",
        "eq",
        "ne",
        "gt",
        "gte",
        "lt",
        "lte",
        "and",
        "or",
        "not",
        "len",
        "urlencode",
        "base64",
        "default",
        "totp",
    ];

    /// Whether there is anything to fill in.
    pub fn is_plain(&self) -> bool {
        !self.0.contains("{{")
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A named list of steps with a schedule: one file below `journeys/`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Journey {
    /// Its name, unique in an agent.
    pub name: JourneyName,
    /// A sentence for people.
    pub description: Option<String>,
    /// The services it touches: a change of one of these maps to this journey.
    pub services: Vec<ServiceName>,
    /// Where it runs.
    pub environments: Vec<EnvironmentName>,
    /// When it runs.
    pub schedule: Schedule,
    /// `burst`: whether it is walked denser while a change is watched, where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<bool>,
    /// The deadline of a whole run; 30 s by default.
    pub timeout: Duration,
    /// Who looks after it.
    pub owner: Option<String>,
    /// What to do when it breaks.
    pub runbook: Option<String>,
    /// What it promises.
    pub slo: Option<Slo>,
    /// Variables of its own, for templates.
    pub vars: std::collections::BTreeMap<String, String>,
    /// The session it begins with, shared with other journeys.
    pub setup: Option<std::sync::Arc<SharedSetup>>,
    /// Which one it is of those that a `matrix` makes.
    pub variant: Option<Variant>,
    /// As what its browser appears.
    pub device: Device,
    /// The steps, in order; at least one.
    pub steps: Vec<Step>,
    /// Hash of what is walked and asserted (steps, variables, timeouts), not of texts for people or of the schedule.
    pub revision: Revision,
}

impl Journey {
    /// The services that it names, itself and in its steps.
    pub fn named_services(&self) -> Vec<ServiceName> {
        let mut services = self.services.clone();
        services.extend(self.every_step().iter().filter_map(|step| step.service.clone()));
        services.sort();
        services.dedup();
        services
    }

    /// Whether any step buys, sends or deletes: such a journey is never probed denser than its schedule says.
    pub fn has_effect(&self) -> bool {
        self.every_step().iter().any(|step| step.effect)
    }

    /// Whether any step drives a browser.
    pub fn has_browser(&self) -> bool {
        self.every_step().iter().any(|step| matches!(step.action, Action::Browser(_)))
    }

    /// Whether it may be walked denser than its schedule says: not where a step has an effect, and with a browser only where it is asked for.
    pub fn may_burst(&self) -> bool {
        !self.has_effect() && self.burst.unwrap_or_else(|| !self.has_browser())
    }

    /// All steps in the order they are walked, those of parts included: each has a name of its own and an exchange.
    pub fn every_step(&self) -> Vec<&Step> {
        let mut all = Vec::new();
        self.steps.iter().for_each(|step| step.leaves(&mut all));
        all
    }

    /// Whose fault a shift in a step would be, of the steps that say so.
    pub fn step_services(&self) -> std::collections::BTreeMap<StepName, ServiceName> {
        let steps = self.every_step();
        steps.into_iter().filter_map(|s| Some((s.name.clone(), s.service.clone()?))).collect()
    }

    /// How its measures are judged.
    pub fn measures(&self) -> std::collections::BTreeMap<Part, MeasureRule> {
        let of = |step: &'_ Step| -> Vec<(Part, MeasureRule)> {
            let part = |m: &Measure| Part::Measure(step.name.clone(), m.name.clone());
            let built_in =
                |m: &BuiltInMeasure| (Part::Measure(step.name.clone(), m.name.into()), m.judged());
            // A measure of the journey's own wins over a built-in one of its name: it comes later.
            let built_in = BROWSER_MEASURES.iter().map(built_in);
            let browser = matches!(step.action, Action::Browser(_));
            let own = step.measures.iter().map(|m| (part(m), m.judged.clone()));
            built_in.filter(|_| browser).chain(own).collect()
        };
        self.every_step().into_iter().flat_map(of).collect()
    }
}

/// When a journey runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Schedule {
    /// `every = "60s"`, spread stably over the interval.
    Every(Duration),
    /// `cron = "*/5 8-18 * * MON-FRI"` in `timezone` (an IANA name; `UTC` by default).
    Cron {
        /// Five fields, as in crontab(5).
        expression: String,
        /// IANA time zone.
        timezone: String,
    },
}

/// `[slo]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Slo {
    /// Share of good runs, as a percentage: 99.9.
    pub objective_percent: f64,
    /// A slower run is not good.
    pub latency: Option<Duration>,
    /// Over how long; 30 days by default.
    pub window: Duration,
}

/// One HTTP exchange (later also one group of browser actions), with captures and assertions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Its name, unique in the journey.
    pub name: StepName,
    /// Whose fault a shift in this step would be.
    pub service: Option<ServiceName>,
    /// The deadline of this step; the journey's by default.
    pub timeout: Option<Duration>,
    /// Whether the step buys, sends or deletes.
    pub effect: bool,
    /// What is done.
    pub action: Action,
    /// What is kept for later steps.
    pub captures: Vec<Capture>,
    /// What must hold. A step whose assertions say nothing of the status asserts 2xx after redirects.
    pub assertions: Vec<Assertion>,
    /// Numbers taken out of the answer.
    pub measures: Vec<Measure>,
    /// When, how often and how strictly it is walked.
    #[serde(skip_serializing_if = "Flow::is_plain")]
    pub flow: Flow,
}

impl Step {
    /// The steps with an exchange that it stands for: itself, or those of its part.
    pub fn leaves<'a>(&'a self, found: &mut Vec<&'a Self>) {
        match &self.action {
            Action::Http(_) | Action::Browser(_) => found.push(self),
            Action::Part(part) => part.steps.iter().for_each(|step| step.leaves(found)),
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Action {
    /// `[step.http]`.
    Http(HttpStep),
    /// `[step.browser]`.
    Browser(BrowserStep),
    /// `use = "login"`.
    Part(PartUse),
}

/// `[step.capture]`: one value kept under a name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Capture {
    /// The name later templates use.
    pub name: String,
    /// Where the value is found.
    pub query: Query,
    /// Whether the value is masked like a secret.
    pub secret: bool,
}

/// `[step.measure]`: a number taken out of an answer once all checks held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// Its name, unique in its step.
    pub name: MeasureName,
    /// Where the number is found.
    pub query: Query,
    /// Whether the step fails without it.
    pub required: bool,
    /// How a shift of it is judged.
    pub judged: MeasureRule,
}

/// How a measure is judged around changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MeasureRule {
    /// Which way is for the worse; where nobody said, a shift either way is only ever suspected.
    pub worse: Option<Worse>,
    /// The smallest relative shift that matters, as a share; that of latency by default.
    pub relative: Option<f64>,
    /// The smallest absolute shift that matters, in its own unit; none by default.
    pub absolute: Option<f64>,
    /// Its unit, for sentences.
    pub unit: Option<String>,
}

impl MeasureRule {
    /// Whether it is a time, by its unit: then a cold start may make it longer for a while, as it does with the journey's time.
    pub fn is_time(&self) -> bool {
        const TIMES: [&str; 14] = [
            "ns",
            "us",
            "µs",
            "ms",
            "s",
            "sec",
            "min",
            "h",
            "nanoseconds",
            "microseconds",
            "milliseconds",
            "seconds",
            "minutes",
            "hours",
        ];
        self.unit.as_deref().is_some_and(|unit| TIMES.contains(&unit.to_lowercase().as_str()))
    }
}

/// Which way of a measure is for the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// More.
    Higher,
    /// Less.
    Lower,
    /// Both: it should stay as it is.
    Either,
}

/// One query and what must hold of its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assertion {
    /// What is looked at.
    pub query: Query,
    /// What must hold of the value; all of them. May be empty only if `count` is not.
    pub predicates: Vec<Predicate>,
    /// What must hold of the number of answers (nodes; one array node counts its elements).
    pub count: Vec<Predicate>,
}
