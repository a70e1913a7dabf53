//! What happened in a week, or to a service: changes with their verdicts, journeys in people's words, findings, and what is still open.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    model::{ChangeId, ChangeKind, Conclusion, FindingKind},
    render::words::{Badge, Piece, When, change_link, count, encoded, journey_link, ms, prose},
};

/// A summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// What it is of.
    pub of: Subject,
    /// Its beginning.
    pub from: Timestamp,
    /// Its end, or now where that is earlier.
    pub to: Timestamp,
    /// Its changes, newest first.
    pub changes: Vec<DigestChange>,
    /// How its journeys fared, against as long a time before; what got worse first.
    pub journeys: Vec<DigestJourney>,
    /// Findings that were opened meanwhile, newest first.
    pub findings: Vec<DigestFinding>,
    /// Findings that are open now, whenever they were opened.
    pub open: Vec<DigestFinding>,
    /// Changes that wait for a place.
    pub unplaced: usize,
    /// What is deployed now of the service: environment, version.
    pub deployed: Vec<(String, String)>,
    /// Who looks after the service.
    pub owner: Option<String>,
    /// Where people find the agent.
    pub base: Option<String>,
    /// The page of this.
    pub page: Option<String>,
    /// When this was put together.
    pub made_at: Timestamp,
}

/// What a summary is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A week, as ISO 8601 writes it: `2026-W47`.
    Week(String),
    /// A service.
    Service(String),
}

/// A change in a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DigestChange {
    /// Its id.
    pub id: ChangeId,
    /// Its sort.
    pub kind: ChangeKind,
    /// What was changed.
    pub what: String,
    /// What its sender says of it.
    pub title: Option<String>,
    /// Where.
    pub environments: Vec<String>,
    /// By whom.
    pub author: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Its verdict.
    pub verdict: Option<Conclusion>,
    /// Whether it is still being watched.
    pub open: bool,
    /// The verdict in a sentence.
    pub reason: String,
}

/// How a journey fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DigestJourney {
    /// Which.
    pub journey: String,
    /// What a user does in it.
    pub description: Option<String>,
    /// Where.
    pub environment: String,
    /// From where.
    pub location: String,
    /// In the time that is looked at.
    pub now: Felt,
    /// In as long a time before; none where it was not walked then.
    pub before: Option<Felt>,
    /// `worse`, `better`, `same`, or `new`.
    pub trend: String,
}

/// What runs felt like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Felt {
    /// Runs that passed.
    pub passed: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Median, in ms.
    pub p50_ms: Option<f64>,
    /// 95th percentile, in ms.
    pub p95_ms: Option<f64>,
}

/// A finding in a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DigestFinding {
    /// `suspected`, `regressed` or `unexplained`.
    pub kind: String,
    /// `open`, `recovered`, `explained` or `dismissed`.
    pub state: String,
    /// The journey and what of it.
    pub what: String,
    /// The journey.
    pub journey: String,
    /// The environment.
    pub environment: String,
    /// The location.
    pub location: String,
    /// A sentence.
    pub summary: String,
    /// The change it is blamed on.
    pub change: Option<ChangeId>,
    /// When it was opened, the first time.
    pub opened_at: Timestamp,
    /// When it was over, the last time.
    pub closed_at: Option<Timestamp>,
    /// How often it was found: what came back is one finding here.
    #[serde(default = "once")]
    pub times: usize,
}

fn once() -> usize {
    1
}

/// What was found of one thing after one change is told once, however often it was over and came back: `all` is newest first.
pub fn told_once(all: impl IntoIterator<Item = DigestFinding>) -> Vec<DigestFinding> {
    let mut kept: Vec<DigestFinding> = Vec::new();
    for one in all {
        let same = |known: &&mut DigestFinding| {
            (&known.what, &known.change, &known.location) == (&one.what, &one.change, &one.location)
        };
        let Some(known) = kept.iter_mut().find(same) else {
            kept.push(one);
            continue;
        };
        known.times += one.times;
        known.opened_at = known.opened_at.min(one.opened_at);
        known.closed_at = known.closed_at.zip(one.closed_at).map(|(a, b)| a.max(b));
        if one.kind == Conclusion::Regressed.as_str()
            && known.kind == Conclusion::Suspected.as_str()
        {
            (known.kind, known.summary) = (one.kind, one.summary);
        }
        if one.closed_at.is_none() {
            known.state = one.state;
        }
    }
    kept
}

impl Felt {
    /// Share of known runs that failed.
    fn failing(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
        let share = self.failed as f64 / (self.passed + self.failed).max(1) as f64;
        share
    }

    /// How this compares with what was before: slower by `relative` or failing more by `drop` (shares of 1) is worse, and the other way round.
    pub fn trend(&self, before: Option<&Self>, (relative, drop): (f64, f64)) -> &'static str {
        let Some(before) = before.filter(|b| b.passed + b.failed > 0) else { return "new" };
        let failing = self.failing() - before.failing();
        // Where nearly nothing fails, a twentieth of a percent more is felt by nobody; a doubling of what fails is.
        let doubled = |more: f64, fewer: f64| more >= 2.0 * fewer && more - fewer >= 0.005;
        if failing >= drop || doubled(self.failing(), before.failing()) {
            return "worse";
        }
        let ratio = match (self.p50_ms, before.p50_ms) {
            (Some(now), Some(then)) => now / then.max(1e-6),
            _ => 1.0,
        };
        if ratio >= 1.0 + relative {
            "worse"
        } else if -failing >= drop || ratio <= 1.0 / (1.0 + relative) {
            "better"
        } else {
            "same"
        }
    }
}

impl Digest {
    /// What it is, in a line.
    pub fn title(&self) -> String {
        match &self.of {
            Subject::Week(week) => format!("Week {week}"),
            Subject::Service(name) => format!("Service {name}"),
        }
    }

    /// All of it in a sentence.
    pub fn sentence(&self) -> String {
        let bad = self.changes.iter().filter(|c| c.is_bad()).count();
        let changes = match (self.changes.len(), bad) {
            (0, _) => "Nothing was changed".to_owned(),
            (n, 0) => format!("{}, none of them judged harmful", count(n, "change", "changes")),
            (n, bad) => format!("{}, {bad} of them judged harmful", count(n, "change", "changes")),
        };
        let of = |trend: &str| self.journeys.iter().filter(|j| j.trend == trend).count();
        let journeys = match (of("worse"), of("better")) {
            (0, 0) if self.journeys.is_empty() => "no journey was walked".to_owned(),
            (0, 0) if self.journeys.iter().all(|j| j.before.is_none()) => {
                "there is nothing before it to compare the journeys with".to_owned()
            }
            (0, 0) => "the journeys are as before".to_owned(),
            (worse, 0) => format!("{} got worse", count(worse, "journey", "journeys")),
            (0, better) => format!("{} got better", count(better, "journey", "journeys")),
            (worse, better) => {
                format!("{} got worse and {better} better", count(worse, "journey", "journeys"))
            }
        };
        let open = match self.open.len() {
            0 => "nothing is open".to_owned(),
            n => format!("{} still open", count(n, "finding is", "findings are")),
        };
        format!("{changes}; {journeys}; {open}.")
    }
}

impl DigestChange {
    /// Whether it is blamed for harm.
    pub fn is_bad(&self) -> bool {
        matches!(self.verdict, Some(Conclusion::Regressed | Conclusion::Suspected))
    }
}

/// The word of a verdict in a list.
pub(super) fn word(verdict: Option<Conclusion>, open: bool) -> &'static str {
    match verdict {
        Some(verdict) => verdict.as_str(),
        None if open => Conclusion::Watching.as_str(),
        None => "not watched",
    }
}

/// A sign for how a journey moved.
pub(super) fn sign(journey: &DigestJourney) -> &'static str {
    match journey.trend.as_str() {
        "worse" => "▲",
        "better" => "▼",
        "new" => "○",
        _ => "✓",
    }
}

/// How a journey fared, as its users would say it.
pub(super) fn sentence(journey: &DigestJourney) -> String {
    let DigestJourney { now, before, .. } = journey;
    let name = format!("{} in {}", journey.journey, journey.environment);
    let known = now.passed + now.failed;
    if known == 0 {
        return format!("{name} was not walked");
    }
    let mut said = match now.p50_ms {
        Some(p50) => format!("{name} takes {}", ms(p50)),
        None => format!("{name} did not work once"),
    };
    if let (Some(p50), Some(then)) = (now.p50_ms, before.and_then(|b| b.p50_ms)) {
        let ratio = p50 / then.max(1e-6);
        if ratio >= 1.05 {
            said += &format!(", {:.0} % longer than before ({})", 100.0 * (ratio - 1.0), ms(then));
        } else if ratio <= 0.95 {
            said += &format!(", {:.0} % less than before ({})", 100.0 * (1.0 - ratio), ms(then));
        } else {
            said += ", as before";
        }
    }
    if let Some(p95) = now.p95_ms {
        said += &format!("; one time in twenty more than {}", ms(p95));
    }
    said + "; " + &failing(now, before.as_ref())
}

fn failing(now: &Felt, before: Option<&Felt>) -> String {
    let told = |felt: &Felt| {
        let known = felt.passed + felt.failed;
        match felt.failed {
            0 => format!("it worked every time of {known}"),
            n => format!("it failed {n} times of {known}"),
        }
    };
    match before.filter(|b| b.passed + b.failed > 0 && (b.failed > 0 || now.failed > 0)) {
        Some(before) if before.failed > 0 => {
            format!("{} ({:.1} % before)", told(now), 100.0 * before.failing())
        }
        Some(_) => format!("{} (never before)", told(now)),
        None => told(now),
    }
}

/// More journeys than this are told of only where they moved; the rest is folded away.
const MANY: usize = 12;

/// A summary, laid out for the templates.
#[derive(Debug, Serialize)]
pub struct View {
    /// `Week 2026-W47`.
    pub title: String,
    /// All of it in a sentence.
    pub lead: String,
    /// Its beginning.
    pub from: When,
    /// Its end.
    pub to: When,
    /// How many verdicts of each sort: badge and number.
    pub counts: Vec<(Badge, usize)>,
    /// The changes.
    pub changes: Vec<ChangeRow>,
    /// The journeys; where they are many, those that moved.
    pub journeys: Vec<JourneyRow>,
    /// The rest of them.
    pub calm: Vec<JourneyRow>,
    /// How many these are.
    pub calm_count: usize,
    /// What was found.
    pub findings: Vec<FindingRow>,
    /// What is open.
    pub open: Vec<FindingRow>,
    /// Changes that wait for a place.
    pub unplaced: String,
    /// What is deployed.
    pub deployed: Vec<(String, String)>,
    /// Who looks after it.
    pub owner: String,
    /// Whether it is of a service.
    pub service: bool,
    /// How many journeys, changes and findings are left out, in words; empty where none is.
    pub more: [String; 4],
}

impl View {
    /// Leaves out what no page can hold: those in trouble stand first.
    pub fn shorten(&mut self) {
        let more = |list: usize, most: usize, one: &str, many: &str| {
            let left_out = list.saturating_sub(most);
            if left_out > 0 { count(left_out, one, many) } else { String::new() }
        };
        self.more = [
            more(self.open.len(), OPEN, "more finding", "more findings"),
            more(
                self.journeys.len().saturating_sub(JOURNEYS) + self.calm.len().saturating_sub(CALM),
                0,
                "more journey",
                "more journeys",
            ),
            more(self.changes.len(), CHANGES, "more change", "more changes"),
            more(self.findings.len(), FOUND, "more finding", "more findings"),
        ];
        self.open.truncate(OPEN);
        self.journeys.truncate(JOURNEYS);
        self.calm.truncate(CALM);
        self.changes.truncate(CHANGES);
        self.findings.truncate(FOUND);
    }
}

/// Most of each on a page.
const OPEN: usize = 30;
const JOURNEYS: usize = 60;
const CALM: usize = 40;
const CHANGES: usize = 100;
const FOUND: usize = 50;

/// A change in a list.
#[derive(Debug, Serialize)]
pub struct ChangeRow {
    badge: Badge,
    link: String,
    what: String,
    kind: &'static str,
    place: String,
    title: String,
    author: String,
    started: When,
    reason: Vec<Piece>,
}

/// A journey in a list.
#[derive(Debug, Serialize)]
pub struct JourneyRow {
    badge: Badge,
    link: String,
    name: String,
    description: String,
    said: String,
}

/// A finding in a list.
#[derive(Debug, Serialize)]
pub struct FindingRow {
    badge: Badge,
    state: String,
    what: String,
    link: String,
    summary: Vec<Piece>,
    change: String,
    change_link: String,
    opened: When,
    closed: Option<When>,
    /// How often, where it came back.
    times: String,
}

pub(super) fn view(digest: &Digest, linked: bool) -> View {
    let link = |link: String| if linked { link } else { String::new() };
    let change = |change: &DigestChange| ChangeRow {
        badge: Badge::verdict(change.verdict, change.open),
        link: link(change_link(change.id.as_str())),
        what: change.what.clone(),
        kind: change.kind.as_str(),
        place: change.environments.join(", "),
        title: change.title.clone().unwrap_or_default(),
        author: change.author.clone().unwrap_or_default(),
        started: When::minute(change.started_at),
        reason: if change.is_bad() { prose(&change.reason) } else { Vec::new() },
    };
    let journey = |j: &DigestJourney| JourneyRow {
        badge: trend(j),
        link: link(journey_link(&j.journey, &j.environment, Some(&j.location))),
        name: j.journey.clone(),
        description: j.description.clone().unwrap_or_default(),
        said: sentence(j),
    };
    let finding = |f: &DigestFinding| FindingRow {
        badge: Badge::of(&f.kind),
        state: f.state.clone(),
        what: f.what.clone(),
        link: link(if f.kind == FindingKind::Pipeline.as_str() {
            format!("delivery/pipelines/{}", encoded(&f.journey))
        } else {
            journey_link(&f.journey, &f.environment, Some(&f.location))
        }),
        times: if f.times > 1 { format!("{} times", f.times) } else { String::new() },
        summary: prose(&f.summary),
        change: f.change.as_ref().map(ToString::to_string).unwrap_or_default(),
        change_link: f.change.as_ref().map(|id| link(change_link(id.as_str()))).unwrap_or_default(),
        opened: When::minute(f.opened_at),
        closed: f.closed_at.map(When::minute),
    };
    let mut counts: Vec<(Badge, usize)> = Vec::new();
    for change in &digest.changes {
        let badge = Badge::verdict(change.verdict, change.open);
        match counts.iter_mut().find(|(known, _)| known.class == badge.class) {
            Some((_, count)) => *count += 1,
            None => counts.push((badge, 1)),
        }
    }
    let many = digest.journeys.len() > MANY;
    let (calm, loud): (Vec<_>, Vec<_>) =
        digest.journeys.iter().partition(|j| many && j.trend == "same");
    View {
        title: digest.title(),
        lead: digest.sentence(),
        from: When::minute(digest.from),
        to: When::minute(digest.to),
        counts,
        changes: digest.changes.iter().map(change).collect(),
        journeys: loud.into_iter().map(journey).collect(),
        calm_count: calm.len(),
        calm: calm.into_iter().map(journey).collect(),
        findings: digest.findings.iter().map(finding).collect(),
        open: digest.open.iter().map(finding).collect(),
        unplaced: if digest.unplaced > 0 {
            count(digest.unplaced, "change waits", "changes wait")
        } else {
            String::new()
        },
        deployed: digest.deployed.clone(),
        owner: digest.owner.clone().unwrap_or_default(),
        service: matches!(digest.of, Subject::Service(_)),
        more: Default::default(),
    }
}

fn trend(journey: &DigestJourney) -> Badge {
    let (class, word) = match journey.trend.as_str() {
        "worse" => ("regressed", "worse"),
        "better" => ("improved", "better"),
        "new" => ("none", "new"),
        _ => ("unchanged", "as before"),
    };
    Badge { class: class.to_owned(), sign: sign(journey), word: word.to_owned() }
}

/// The page of a service, from the root.
pub fn service_link(name: &str) -> String {
    format!("services/{}", encoded(name))
}
