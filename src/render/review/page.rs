//! A review laid out for the templates: the dashboard's page and the file that stands alone are drawn of the same. Links begin at the root of
//! all pages; where nobody knows where that is they are empty, and what they would stand on is text.

use serde::Serialize;

pub use super::beside::{AlertRow, AnswerRow, NoteRow, SaidRow, UndoRow};
use super::{
    Case, Digest, Judgement, Moved, Review, Suspect,
    beside::{alert, answer, note, said, undo, word},
    digest, figures, moved,
    plot::{latency, strip},
};
use crate::{
    model::{Metric, Part},
    render::{
        chart::Chart,
        words::{Badge, Piece, When, change_link, encoded, journey_link, prose, shortened},
    },
};

/// Commits that are shown.
const COMMITS: usize = 20;

/// What is shown, and when it was put together.
#[derive(Debug)]
pub struct With<T> {
    /// What is shown.
    pub view: T,
    /// When.
    pub made: Made,
}

/// When a document was put together.
#[derive(Debug, Serialize)]
pub struct Made {
    /// When.
    pub at: When,
    /// By which program.
    pub by: String,
}

impl Made {
    pub(super) fn at(at: jiff::Timestamp) -> Self {
        Self { at: When::second(at), by: concat!("Wayfarer ", env!("CARGO_PKG_VERSION")).into() }
    }
}

/// A review, ready to be drawn.
#[derive(Debug, Serialize)]
pub struct View {
    /// Its id.
    pub id: String,
    /// `deploy of shop 2.4.1`.
    pub title: String,
    /// Its verdict.
    pub badge: Badge,
    /// What its sender says of it.
    pub subtitle: String,
    /// The verdict in a sentence.
    pub lead: Vec<Piece>,
    /// May it go on?
    pub gate: Badge,
    /// When it began.
    pub started: When,
    /// When it was done.
    pub finished: Option<When>,
    /// Whether it is still being watched.
    pub open: bool,
    /// Who did it.
    pub author: String,
    /// From which version to which.
    pub versions: Option<(String, String)>,
    /// Who told of it.
    pub told_by: String,
    /// The newest commit: its short hash and its page.
    pub commit: Option<(String, String)>,
    /// What nothing here knows of it.
    pub hints: Vec<Vec<Piece>>,
    /// What it did, where something moved.
    pub rows: Vec<Row>,
    /// Where nothing did.
    pub calm: Vec<Row>,
    /// How many these are.
    pub calm_count: usize,
    /// How many of both are left out.
    pub more_rows: usize,
    /// The same of those where nothing moved.
    pub more_calm: usize,
    /// Who may have done it.
    pub suspects: Vec<SuspectRow>,
    /// That none of these did.
    pub nobody: String,
    /// Journeys in detail.
    pub cases: Vec<CaseView>,
    /// How many more were harmed.
    pub more_cases: usize,
    /// Who was told.
    pub alerts: Vec<AlertRow>,
    /// How long messages are kept, in days.
    pub kept_days: u64,
    /// What pipelines were answered.
    pub answers: Vec<AnswerRow>,
    /// How it was undone.
    pub rollbacks: Vec<UndoRow>,
    /// What people took on, or called nothing, and whether they call it failed.
    pub said: Vec<SaidRow>,
    /// The word of a person that holds.
    pub word: Option<SaidRow>,
    /// What people wrote.
    pub notes: Vec<NoteRow>,
    /// Facts: name, value, and a link where it is one.
    pub facts: Vec<(String, String, String)>,
    /// Its commits.
    pub commits: Vec<CommitRow>,
    /// Whether this page stands in the dashboard, where there is a form below it.
    pub forms: bool,
}

/// What it did to one metric of one journey.
#[derive(Debug, Serialize)]
pub struct Row {
    badge: Badge,
    journey: String,
    link: String,
    place: String,
    metric: String,
    summary: Vec<Piece>,
    before: String,
    after: String,
    tails: String,
    effect: String,
    runs: String,
    onset: Option<When>,
    between: Option<(When, When)>,
    recovered: Option<When>,
    /// How probable it is that this change did it, and as the width of a bar of 100.
    own: Option<(String, String)>,
    /// Others that may have: what, share, link.
    others: Vec<(String, String, String)>,
    notes: Vec<Vec<Piece>>,
    parts: Vec<PartRow>,
    /// Which of the details below is of it, from 1.
    case: usize,
}

/// A part of a journey that moved.
#[derive(Debug, Serialize)]
pub struct PartRow {
    badge: Badge,
    part: String,
    before: String,
    after: String,
    effect: String,
    since: Option<When>,
}

/// A change that may have done it.
#[derive(Debug, Serialize)]
pub struct SuspectRow {
    what: String,
    link: String,
    id: String,
    percent: String,
    width: String,
    own: bool,
    started: Option<When>,
}

/// A harmed journey in detail.
#[derive(Debug, Serialize)]
pub struct CaseView {
    /// From 1.
    number: usize,
    row: Row,
    chart: Chart,
    strip: Option<Chart>,
    held: String,
    /// The step and phase that moved, in words.
    moved: String,
    /// Whether the first bad run failed there.
    failed: bool,
    runs: Option<Moved>,
    picture: String,
}

/// A commit.
#[derive(Debug, Serialize)]
pub struct CommitRow {
    id: String,
    link: String,
    message: String,
    author: String,
}

/// How many rows are shown: where something moved, and where nothing did. The worst come first.
#[derive(Debug, Clone, Copy)]
pub struct Rows(pub usize, pub usize);

impl Rows {
    /// All of them, for a file.
    pub const ALL: Self = Self(usize::MAX, usize::MAX);
    /// What a page can hold, and as many as are looked at.
    pub const PAGE: Self = Self(50, 20);
}

/// A review, laid out; `linked`: somebody knows where the pages are.
pub fn review(review: &Review, linked: bool, shown: Rows) -> With<View> {
    let change = &review.change;
    let layout = Layout { review, linked };
    let rows = review.journeys.iter().enumerate();
    let (calm, loud): (Vec<_>, Vec<_>) = rows.partition(|(_, judgement)| judgement.is_calm());
    let first = |rows: &[(usize, &Judgement)], most: usize| -> Vec<Row> {
        rows.iter().take(most).map(|(at, judgement)| layout.row(*at, judgement)).collect()
    };
    let newest = change.commits.last();
    let view = View {
        id: change.id.to_string(),
        title: format!("{} of {}", change.kind, change.what),
        badge: Badge::verdict(review.verdict, review.open),
        subtitle: change.title.clone().unwrap_or_default(),
        lead: prose(&review.reason),
        gate: Badge::of(review.gate.as_str()),
        started: When::second(change.started_at),
        finished: change.finished_at.filter(|at| *at != change.started_at).map(When::second),
        open: review.open,
        author: change.author.clone().unwrap_or_default(),
        versions: change.previous_version.clone().zip(change.version.clone()),
        told_by: change.told_by.join(", "),
        commit: newest.map(|c| {
            (shortened(&c.id), c.url.clone().filter(|url| is_web(url)).unwrap_or_default())
        }),
        hints: review.hints.iter().map(|hint| prose(hint)).collect(),
        calm_count: calm.len(),
        more_rows: loud.len().saturating_sub(shown.0),
        more_calm: calm.len().saturating_sub(shown.1),
        rows: first(&loud, shown.0),
        calm: first(&calm, shown.1),
        suspects: review.suspects.iter().map(|s| layout.suspect(s)).collect(),
        nobody: review.nobody().map(figures::share).unwrap_or_default(),
        cases: (1..).zip(&review.cases).filter_map(|(n, case)| layout.case(n, case)).collect(),
        more_cases: review.more_cases,
        alerts: review.alerts.iter().map(alert).collect(),
        kept_days: review.alerts_kept_days,
        answers: review.gate_answers.iter().map(answer).collect(),
        rollbacks: review.rollbacks.iter().map(undo).collect(),
        said: said(review),
        word: review.outcome.last().filter(|w| w.failed.is_some()).map(word),
        notes: review.notes.iter().map(note).collect(),
        facts: facts(review),
        commits: commits(review),
        forms: false,
    };
    With { view, made: Made::at(review.made_at) }
}

/// A summary, laid out.
pub fn digest(document: &Digest, linked: bool) -> With<digest::View> {
    With { view: digest::view(document, linked), made: Made::at(document.made_at) }
}

struct Layout<'a> {
    review: &'a Review,
    linked: bool,
}

impl Layout<'_> {
    fn link(&self, link: String) -> String {
        if self.linked { link } else { String::new() }
    }

    fn row(&self, at: usize, j: &Judgement) -> Row {
        let [before, after, effect] = j.figures();
        // A verdict is there a moment before it is worked out who may have done it.
        let known = j.suspects.iter().any(|s| s.probability >= 0.005);
        let own = j.suspects.iter().find(|s| known && s.change == self.review.change.id);
        let others = j.suspects.iter().filter(|s| s.change != self.review.change.id);
        let others = others.filter(|s| s.probability >= 0.01).take(3).map(|s| {
            let known = self.review.suspects.iter().find(|known| known.change == s.change);
            let what = known.map_or_else(|| s.change.to_string(), |known| known.what.clone());
            (what, figures::share(s.probability), self.link(change_link(s.change.as_str())))
        });
        let said = j.dismissed.iter().chain(&j.notes).map(|note| prose(note));
        let tails = match (j.metric, j.before.p95_ms, j.after.p95_ms) {
            (Metric::Latency, Some(before), Some(after)) => format!(
                "p95 {} → {}",
                crate::render::words::ms(before),
                crate::render::words::ms(after)
            ),
            _ => String::new(),
        };
        let wide = j.onset.filter(|o| o.latest.duration_since(o.earliest).as_secs() >= 1);
        Row {
            badge: Badge::of(j.verdict.as_str()),
            journey: j.journey.clone(),
            link: self.link(around(j, self.review.change.id.as_str())),
            place: format!("in {} from {}", j.environment, j.location),
            metric: j.subject.replace('`', ""),
            summary: prose(&j.summary),
            before,
            after,
            tails,
            effect,
            runs: format!("{} runs before, {} after", j.baseline_probes, j.probes),
            onset: j.onset.map(|o| When::time(o.at)),
            between: wide.map(|o| (When::time(o.earliest), When::time(o.latest))),
            recovered: j.recovered_at.map(When::time),
            own: own.map(|s| (figures::share(s.probability), width(s.probability))),
            others: others.collect(),
            notes: said.collect(),
            parts: j.parts.iter().map(part).collect(),
            case: self.review.cases.iter().position(|c| c.of == at).map_or(0, |at| at + 1),
        }
    }

    fn suspect(&self, s: &Suspect) -> SuspectRow {
        SuspectRow {
            what: s.what.clone(),
            link: self.link(change_link(s.change.as_str())),
            id: s.change.to_string(),
            percent: figures::share(s.share),
            width: width(s.share),
            own: s.own,
            started: s.started_at.map(When::second),
        }
    }

    fn case(&self, number: usize, case: &Case) -> Option<CaseView> {
        let judgement = self.review.journeys.get(case.of)?;
        let mut chart = latency(case, judgement);
        let mut runs = moved(case);
        if !self.linked {
            chart.dots.iter_mut().for_each(|dot| dot.link.clear());
            chart.marks.iter_mut().for_each(|mark| mark.link.clear());
            if let Some(runs) = &mut runs {
                runs.bad.link.clear();
                runs.good.iter_mut().for_each(|good| good.link.clear());
            }
        }
        let held = judgement.metric == Metric::Latency && judgement.before.p95_ms.is_some();
        let moved = match (&case.step, &case.phase) {
            (Some(step), Some(phase)) => format!("{phase} of step “{step}”"),
            (Some(step), None) => format!("step “{step}”"),
            _ => String::new(),
        };
        // Only what we wrote ourselves: a review may come from elsewhere.
        let ours = |picture: &&String| picture.starts_with("data:image/");
        Some(CaseView {
            number,
            row: self.row(case.of, judgement),
            chart,
            strip: strip(case),
            held: if held {
                figures::figure(judgement.metric, &judgement.before)
            } else {
                String::new()
            },
            moved,
            failed: case.bad.as_ref().is_some_and(|bad| bad.result == "failed"),
            runs,
            picture: case.picture.as_ref().filter(ours).cloned().unwrap_or_default(),
        })
    }
}

/// The journey's page around the change, with the baseline of this verdict.
fn around(j: &Judgement, change: &str) -> String {
    let link = journey_link(&j.journey, &j.environment, Some(&j.location));
    format!("{link}&change={}", encoded(change))
}

fn width(share: f64) -> String {
    format!("{:.0}", (share * 100.0).clamp(0.0, 100.0))
}

fn part(j: &Judgement) -> PartRow {
    let [before, after, effect] = j.figures();
    PartRow {
        badge: Badge::of(j.verdict.as_str()),
        part: if j.part == Part::Whole { String::new() } else { j.part.to_string() }
            .replace('`', ""),
        before,
        after,
        effect,
        since: j.onset.map(|o| When::time(o.at)),
    }
}

fn commits(review: &Review) -> Vec<CommitRow> {
    let row = |commit: &super::CommitLine| CommitRow {
        id: shortened(&commit.id),
        link: commit.url.clone().filter(|url| is_web(url)).unwrap_or_default(),
        message: commit.message.clone().unwrap_or_default(),
        author: commit.author.clone().unwrap_or_default(),
    };
    review.change.commits.iter().rev().take(COMMITS).map(row).collect()
}

pub(super) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn facts(review: &Review) -> Vec<(String, String, String)> {
    let change = &review.change;
    let mut facts: Vec<(String, String, String)> = Vec::new();
    let mut add = |name: &str, value: Option<&str>| {
        let Some(value) = value.filter(|v| !v.is_empty()) else { return };
        let link = if is_web(value) { value.to_owned() } else { String::new() };
        facts.push((name.to_owned(), value.to_owned(), link));
    };
    add("service", Some(&change.services.join(", ")));
    add("environment", Some(&change.environments.join(", ")));
    add("version", change.version.as_deref());
    add("version before", change.previous_version.as_deref());
    add("by", change.author.as_deref());
    add("release", change.release.as_deref());
    add("build", change.build.as_deref());
    add("more", change.url.as_deref());
    add("told by", Some(&change.told_by.join(", ")));
    add("announced", change.planned.map(|planned| if planned { "yes" } else { "no" }));
    add("id", Some(change.id.as_str()));
    for (name, value) in &change.labels {
        add(name, Some(value));
    }
    facts
}
