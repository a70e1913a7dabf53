//! A review for a terminal: 80 columns by default, every line within the width, no control character of anybody else's.

use super::{Digest, Judgement, Review, beside::undone, digest, figures};
use crate::{
    model::{Conclusion, Metric},
    render::{
        Layout,
        waterfall::line::clean,
        words::{count, maybe_ms, shortened},
    },
};

/// Rows of a list that are shown.
const ROWS: usize = 40;

/// A review as text.
pub fn review(review: &Review, layout: Layout) -> String {
    let mut page = Page::new(layout);
    let change = &review.change;
    page.bold(&review.title());
    if let Some(title) = &change.title {
        page.line(title);
    }
    page.verdict(review.word(), &review.reason);
    page.line("");
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    page.fact("gate", review.gate.as_str());
    page.fact("started", &time(change.started_at));
    if let Some(finished) = change.finished_at.filter(|at| *at != change.started_at) {
        page.fact("finished", &time(finished));
    }
    page.fact("by", change.author.as_deref().unwrap_or_default());
    page.fact("told by", &change.told_by.join(", "));
    page.fact("release", change.release.as_deref().unwrap_or_default());
    if let Some(commit) = change.commits.last() {
        let message = commit.message.clone().unwrap_or_default();
        page.fact("commit", &format!("{} {message}", shortened(&commit.id)));
        page.address(commit.url.as_deref());
    }
    page.fact("id", change.id.as_str());
    page.address(review.page.as_deref());
    for hint in &review.hints {
        page.fact("note", hint);
    }
    journeys(&mut page, review);
    runs(&mut page, review);
    people(&mut page, review);
    page.out
}

fn journeys(page: &mut Page, review: &Review) {
    let (calm, loud): (Vec<_>, Vec<_>) = review.journeys.iter().partition(|j| j.is_calm());
    page.head("What it did");
    if review.journeys.is_empty() {
        page.line("no journey is watched for it");
    }
    for j in loud.iter().take(ROWS) {
        page.judgement(j);
    }
    if loud.len() > ROWS {
        page.line(&format!("and {} more", loud.len() - ROWS));
    }
    for verdict in [Conclusion::Improved, Conclusion::Unchanged, Conclusion::Watching] {
        let names: Vec<_> = calm.iter().filter(|j| j.verdict == verdict).map(named).collect();
        page.listed(verdict.as_str(), &names);
    }
    let few: Vec<_> =
        calm.iter().filter(|j| j.verdict == Conclusion::InsufficientData).map(named).collect();
    page.listed("too few runs", &few);
    if !review.suspects.is_empty() {
        page.head("Who did it");
        for suspect in &review.suspects {
            let own = if suspect.own { ", this change" } else { "" };
            let what = format!("{}{own} ({})", suspect.what, suspect.change);
            page.fact(&figures::share(suspect.share), &what);
        }
        if let Some(nobody) = review.nobody() {
            page.fact(&figures::share(nobody), "none of these");
        }
    }
}

fn named(j: &&Judgement) -> String {
    format!("{} {} in {}", j.journey, j.subject.replace('`', ""), j.environment)
}

fn runs(page: &mut Page, review: &Review) {
    for case in &review.cases {
        let Some(bad) = &case.bad else { continue };
        let Some(judgement) = review.journeys.get(case.of) else { continue };
        page.head(&format!("{}: the last good run and the first bad one", judgement.journey));
        let time = |at: jiff::Timestamp| at.strftime("%m-%d %H:%M:%SZ").to_string();
        let good = case.good.as_ref();
        let columns = |name: &str, good: &str, bad: &str, sign: &str| {
            let name: String = clean(name).chars().take(34).collect();
            format!("{name:<34} {good:>18} {bad:>18} {sign}")
        };
        let at = good.map_or_else(|| "none known".to_owned(), |good| time(good.at));
        page.exact(&columns("step", &at, &time(bad.at), ""));
        for step in &bad.steps {
            let was = good.and_then(|g| g.steps.iter().find(|s| s.name == step.name));
            let took = |s: &super::WalkStep| match s.outcome.as_str() {
                "passed" => maybe_ms(Some(s.ms)),
                outcome => format!("{outcome} {}", maybe_ms(Some(s.ms))),
            };
            let sign = if case.step.as_deref() == Some(&step.name) { "<" } else { "" };
            let was = was.map_or_else(|| "–".to_owned(), took);
            page.exact(&columns(&step.name, &was, &took(step), sign));
        }
        if let Some(message) = &bad.message {
            page.line(&format!("failed: {message}"));
        }
        page.line(&format!("wayfarer run --show {}", bad.run));
    }
}

fn people(page: &mut Page, review: &Review) {
    let time = |at: jiff::Timestamp| at.strftime("%m-%d %H:%M:%SZ").to_string();
    if !review.alerts.is_empty() {
        page.head("Told");
        for alert in review.alerts.iter().rev().take(ROWS).rev() {
            let state = alert.state.replace('_', " ");
            page.fact(&time(alert.at), &format!("{} ({state}): {}", alert.to, alert.what));
        }
    }
    if !review.gate_answers.is_empty() {
        page.head("Gate answers");
        for answer in &review.gate_answers {
            let by = answer.by.clone().unwrap_or_else(|| answer.via.clone());
            let times =
                if answer.times > 1 { format!(", {} times", answer.times) } else { String::new() };
            page.fact(
                &time(answer.at),
                &format!("{} to {by}{times}: {}", answer.status.as_str(), answer.reason),
            );
        }
    }
    if !review.rollbacks.is_empty() {
        page.head("Rollback");
        for undo in &review.rollbacks {
            let said =
                format!("{} {}; {}: {}", undo.hook, undone(&undo.state), undo.by, undo.reason);
            page.fact(&time(undo.at), &said);
        }
    }
    if !review.dismissed.is_empty() || !review.acknowledged.is_empty() || !review.outcome.is_empty()
    {
        page.head("Said of it");
        for word in &review.outcome {
            let by = word.author.clone().unwrap_or_else(|| "somebody".to_owned());
            let why = word.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
            page.fact(&time(word.at), &format!("{by}: {}{why}", word.told()));
        }
        for taken in &review.acknowledged {
            let by = taken.by.clone().unwrap_or_else(|| "somebody".to_owned());
            page.fact(&time(taken.at), &format!("{by} took on {}", taken.what));
        }
        for one in &review.dismissed {
            let by = one.by.clone().unwrap_or_else(|| "somebody".to_owned());
            let note = one.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
            let reason = one.reason.replace('_', " ");
            let at = one.at.map(time).unwrap_or_default();
            page.fact(&at, &format!("{by} dismissed {} as {reason}{note}", one.what));
        }
    }
    if !review.notes.is_empty() {
        page.head("Notes");
        for note in &review.notes {
            let author = note.author.clone().unwrap_or_else(|| "somebody".to_owned());
            let text = match &note.removed {
                Some(touch) => {
                    let by = touch.by.as_deref().unwrap_or("somebody");
                    format!("a note, removed by {by} at {}", time(touch.at))
                }
                None => note.text.clone(),
            };
            page.fact(&time(note.at), &format!("{author}: {text}"));
        }
    }
}

/// A summary as text.
pub fn digest(digest: &Digest, layout: Layout) -> String {
    let mut page = Page::new(layout);
    page.bold(&digest.title());
    let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%MZ").to_string();
    page.line(&format!("{} to {}", day(digest.from), day(digest.to)));
    page.line(&digest.sentence());
    page.head(&count(digest.changes.len(), "change", "changes"));
    for change in digest.changes.iter().take(ROWS) {
        let word = digest::word(change.verdict, change.open);
        let author = change.author.as_ref().map_or(String::new(), |author| format!(" by {author}"));
        page.fact(
            &change.started_at.strftime("%m-%d %H:%M").to_string(),
            &format!("{word}: {} of {}{author}", change.kind, change.what),
        );
        if change.is_bad() {
            page.fact("", &change.reason);
        }
    }
    if digest.changes.len() > ROWS {
        page.line(&format!("and {} more", digest.changes.len() - ROWS));
    }
    page.head("Journeys");
    if digest.journeys.is_empty() {
        page.line("no journey was walked");
    }
    for journey in &digest.journeys {
        page.line(&format!("{} {}", digest::sign(journey), digest::sentence(journey)));
    }
    page.head("Still open");
    if digest.open.is_empty() && digest.unplaced == 0 {
        page.line("nothing");
    }
    for finding in &digest.open {
        page.fact(
            &finding.opened_at.strftime("%m-%d %H:%M").to_string(),
            &format!("{}: {}: {}", finding.kind, finding.what, finding.summary),
        );
    }
    if digest.unplaced > 0 {
        let changes = count(digest.unplaced, "change waits", "changes wait");
        page.line(&format!("{changes} for a place: wayfarer change list --unplaced"));
    }
    page.out
}

/// Lines, wrapped to a width.
struct Page {
    out: String,
    width: usize,
    colour: bool,
}

impl Page {
    fn new(layout: Layout) -> Self {
        Self { out: String::new(), width: layout.width.clamp(40, 200), colour: layout.colour }
    }

    fn bold(&mut self, text: &str) {
        let text: String = wrap(text, self.width, 0).join("\n");
        self.out += &if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m\n") } else { text + "\n" };
    }

    fn head(&mut self, text: &str) {
        self.out += "\n";
        self.bold(text);
    }

    fn line(&mut self, text: &str) {
        for line in wrap(text, self.width, 0) {
            self.out += &(line + "\n");
        }
    }

    /// A line that is as wide as it is, cut where that is too wide.
    fn exact(&mut self, text: &str) {
        let line: String = text.trim_end().chars().take(self.width).collect();
        self.out += &(line + "\n");
    }

    fn verdict(&mut self, word: &str, reason: &str) {
        // Most reasons begin with the word anyway.
        let said = reason.starts_with(word);
        let text = if said { reason.to_owned() } else { format!("{word}: {reason}") };
        for (at, line) in wrap(&text, self.width, 0).iter().enumerate() {
            let line = match line.strip_prefix(word).filter(|_| at == 0 && self.colour) {
                Some(rest) => format!("\u{1b}[{}m{word}\u{1b}[0m{rest}", ink(word)),
                None => line.clone(),
            };
            self.out += &(line + "\n");
        }
    }

    /// A name and what stands beside it; nothing where there is none.
    fn fact(&mut self, name: &str, value: &str) {
        const COLUMN: usize = 17;
        if value.is_empty() {
            return;
        }
        for (at, line) in wrap(value, self.width.saturating_sub(COLUMN), 0).iter().enumerate() {
            let name: String = if at == 0 { clean(name) } else { String::new() };
            self.out += format!("{name:<COLUMN$}{line}").trim_end();
            self.out += "\n";
        }
    }

    /// An address on a line of its own, whole: half of one leads nowhere.
    fn address(&mut self, url: Option<&str>) {
        if let Some(url) = url {
            self.out += &format!("  {}\n", clean(url));
        }
    }

    fn listed(&mut self, word: &str, names: &[String]) {
        if !names.is_empty() {
            let shown = names.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
            let more = names.len().saturating_sub(12);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            self.fact(word, &format!("{shown}{more}"));
        }
    }

    fn judgement(&mut self, j: &Judgement) {
        let [before, after, effect] = j.figures();
        let dismissed = j.dismissed.as_ref().map_or(String::new(), |why| format!(", {why}"));
        let subject = j.subject.replace('`', "");
        self.verdict(
            j.verdict.as_str(),
            &format!("{} {subject} in {} from {}{dismissed}", j.journey, j.environment, j.location),
        );
        let mut told = format!("{before} -> {after}");
        if let (Metric::Latency, Some(p95)) = (j.metric, j.after.p95_ms) {
            told += &format!(" (p95 {})", maybe_ms(Some(p95)));
        }
        if !effect.is_empty() {
            told += &format!(", {effect}");
        }
        if let Some(onset) = j.onset {
            told += &format!(", since {}", onset.at.strftime("%H:%M:%SZ"));
        }
        for line in wrap(&told, self.width, 2) {
            self.out += &(line + "\n");
        }
        for part in &j.parts {
            let [before, after, effect] = part.figures();
            let told = format!("{}: {before} -> {after}, {effect}", part.part);
            for line in wrap(&told.replace('`', ""), self.width, 4) {
                self.out += &(line + "\n");
            }
        }
        let others: Vec<String> = j
            .suspects
            .iter()
            .filter(|s| s.probability >= 0.01)
            .map(|s| format!("{} {}", figures::share(s.probability), s.change))
            .collect();
        if !others.is_empty() {
            for line in wrap(&format!("suspected: {}", others.join(", ")), self.width, 4) {
                self.out += &(line + "\n");
            }
        }
    }
}

fn ink(word: &str) -> &'static str {
    match word {
        "regressed" => "31",
        "suspected" | "prober_fault" => "33",
        "unchanged" | "improved" => "32",
        _ => "0",
    }
}

/// A text in lines of at most `width` columns, each indented; words longer than that are broken.
fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let room = width.saturating_sub(indent).max(8);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut length = 0;
        for word in clean(paragraph).split_whitespace() {
            let mut rest: Vec<char> = word.chars().collect();
            loop {
                let gap = usize::from(length > 0);
                if length + gap + rest.len() <= room {
                    if gap > 0 {
                        line.push(' ');
                    }
                    length += gap + rest.len();
                    line.extend(rest);
                    break;
                }
                if length > 0 {
                    lines.push(std::mem::take(&mut line));
                    length = 0;
                    continue;
                }
                lines.push(rest.drain(..room).collect());
            }
        }
        lines.push(line);
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines.into_iter().map(|line| format!("{:indent$}{line}", "").trim_end().to_owned()).collect()
}
