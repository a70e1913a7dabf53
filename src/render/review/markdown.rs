//! A review for a pull request: GitHub's and GitLab's Markdown, short, and nothing in it that somebody else wrote is markup, calls people or
//! leads anywhere.

use super::{Digest, Judgement, Review, digest, figures, page::is_web};
use crate::{
    model::is_steering,
    render::{
        chart::sign,
        words::{count, shortened},
    },
};

/// Rows of a table that are shown.
const ROWS: usize = 20;
/// Longest text of others, in characters.
const LONGEST: usize = 400;

/// A review as Markdown.
pub fn review(review: &Review) -> String {
    let change = &review.change;
    let place = change.environments.join(", ");
    let place = if place.is_empty() { String::new() } else { format!(" in {}", code(&place)) };
    let word = review.word().replace('_', " ");
    let mut out = format!(
        "### {} {word}: {} of {}{place}\n\n{}\n\n",
        sign(review.word()),
        change.kind,
        code(&change.what),
        prose(&review.reason)
    );
    journeys(&mut out, review);
    let mut facts = vec![
        format!("gate **{}**", review.gate.as_str()),
        format!("started {}", change.started_at.strftime("%Y-%m-%d %H:%M UTC")),
    ];
    facts.extend(change.author.as_ref().map(|author| format!("by {}", code(author))));
    facts.extend(change.commits.last().map(|commit| {
        let id = code(&shortened(&commit.id));
        let url = commit.url.as_deref().filter(|url| is_web(url)).map(address);
        url.map_or_else(|| format!("commit {id}"), |url| format!("commit [{id}](<{url}>)"))
    }));
    facts.extend(
        review.rollbacks.last().map(|undo| {
            format!("rollback by {}: {}", code(&undo.by), undo.state.replace('_', " "))
        }),
    );
    let told = review.alerts.iter().filter(|alert| alert.state == "delivered").count();
    facts.extend((told > 0).then(|| count(told, "message sent", "messages sent")));
    facts.extend(
        review
            .page
            .as_deref()
            .filter(|url| is_web(url))
            .map(|url| format!("[review](<{}>)", address(url))),
    );
    out += &facts.join(" · ");
    out += "\n";
    for hint in &review.hints {
        out += &format!("\n_{}_\n", prose(hint));
    }
    if let Some(word) = review.outcome.last().filter(|word| word.failed.is_some()) {
        let author = word.author.as_deref().unwrap_or("somebody");
        let why = word.why.as_ref().map_or(String::new(), |why| format!(": {}", prose(why)));
        out += &format!("\n**{}**, says {}{why}\n", word.told(), code(author));
    }
    let notes: Vec<_> = review.notes.iter().filter(|note| note.removed.is_none()).collect();
    for note in &notes[notes.len().saturating_sub(3)..] {
        let author = note.author.as_deref().unwrap_or("somebody");
        out += &format!("\n> {}: {}\n", code(author), prose(&note.text));
    }
    out
}

fn journeys(out: &mut String, review: &Review) {
    let (calm, loud): (Vec<_>, Vec<_>) = review.journeys.iter().partition(|j| j.is_calm());
    if !loud.is_empty() {
        *out += "| | journey | metric | before | after | effect, 90 % | since | blame |\n|---|---|---|--:|--:|---|---|--:|\n";
        for j in loud.iter().take(ROWS) {
            *out += &row(review, j);
            // The part that moved most is what a reviewer looks for.
            if let Some(part) = j.parts.first() {
                let [before, after, effect] = part.figures();
                let name = part.part.to_string().replace('`', "");
                *out += &format!("| | | ↳ {} | {before} | {after} | {effect} | | |\n", code(&name));
            }
        }
        if loud.len() > ROWS {
            *out += &format!("| | and {} more | | | | | | |\n", loud.len() - ROWS);
        }
        *out += "\n";
    }
    let others: Vec<_> = review.suspects.iter().filter(|s| !s.own && s.share >= 0.05).collect();
    if !others.is_empty() {
        let told: Vec<String> = others
            .iter()
            .map(|s| format!("{} {}", code(&s.what), figures::share(s.share)))
            .collect();
        *out += &format!("Others that may have done it: {}.\n\n", told.join(", "));
    }
    if !calm.is_empty() {
        let journeys = count(calm.len(), "figure", "figures");
        *out += &format!("<details><summary>{journeys} of journeys without a shift</summary>\n\n");
        *out += "| | journey | metric | before | after |\n|---|---|---|--:|--:|\n";
        for j in calm.iter().take(ROWS) {
            let [before, after, _] = j.figures();
            *out += &format!(
                "| {} {} | {} | {} | {before} | {after} |\n",
                sign(j.verdict.as_str()),
                j.verdict.as_str().replace('_', " "),
                code(&j.journey),
                code(&j.subject.replace('`', "")),
            );
        }
        if calm.len() > ROWS {
            *out += &format!("| | and {} more | | | |\n", calm.len() - ROWS);
        }
        *out += "\n</details>\n\n";
    }
    if review.journeys.is_empty() {
        *out += "No journey is watched for it.\n\n";
    }
}

fn row(review: &Review, j: &Judgement) -> String {
    let [before, after, effect] = j.figures();
    let since = j.onset.map(|o| o.at.strftime("%H:%M:%S").to_string()).unwrap_or_default();
    let own = j.suspects.iter().find(|s| s.change == review.change.id);
    let blame = own.map(|s| figures::share(s.probability)).unwrap_or_default();
    let dismissed = if j.dismissed.is_some() { ", dismissed" } else { "" };
    format!(
        "| {} **{}**{dismissed} | {} | {} | {before} | {after} | {effect} | {since} | {blame} |\n",
        sign(j.verdict.as_str()),
        j.verdict.as_str().replace('_', " "),
        code(&j.journey),
        code(&j.subject.replace('`', "")),
    )
}

/// A summary as Markdown.
pub fn digest(digest: &Digest) -> String {
    let mut out = format!("### {}\n\n{}\n\n", prose(&digest.title()), prose(&digest.sentence()));
    if !digest.changes.is_empty() {
        out += "| verdict | change | by | started |\n|---|---|---|---|\n";
        for change in digest.changes.iter().take(ROWS) {
            let word = digest::word(change.verdict, change.open);
            out += &format!(
                "| {} {} | {} of {} | {} | {} |\n",
                sign(word),
                word.replace('_', " "),
                change.kind,
                code(&change.what),
                change.author.as_deref().map(code).unwrap_or_default(),
                change.started_at.strftime("%a %H:%M"),
            );
        }
        if digest.changes.len() > ROWS {
            out += &format!("| | and {} more | | |\n", digest.changes.len() - ROWS);
        }
        out += "\n";
    }
    for journey in &digest.journeys {
        out += &format!("* {} {}\n", digest::sign(journey), prose(&digest::sentence(journey)));
    }
    out += "\n**Still open:** ";
    if digest.open.is_empty() {
        out += "nothing.\n";
    } else {
        out += &format!("{}.\n\n", count(digest.open.len(), "finding", "findings"));
        for finding in digest.open.iter().take(ROWS) {
            out += &format!(
                "* {} {}: {}\n",
                sign(&finding.kind),
                code(&finding.what),
                prose(&finding.summary)
            );
        }
    }
    if let Some(page) = digest.page.as_deref().filter(|url| is_web(url)) {
        out += &format!("\n[More](<{}>)\n", address(page));
    }
    out
}

/// A text as a piece of code: there nothing is markup, nobody is called and no address leads anywhere. In tables, too.
fn code(text: &str) -> String {
    let text = tame(text);
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    // GitHub's tables are split at bars before anything else; a backslash before one is taken away there, in code, too.
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// A sentence in which nothing is markup.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let text = tame(text);
    let text = text.trim();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' if before == '-' => out += ">",
            '>' => out += "&gt;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // At the beginning of a line these make lists, headings and rules.
            '-' | '+' | '=' | '#' if at == 0 || before == c => {
                out.push('\\');
                out.push(c);
            }
            // What would call a person, name an issue or become a link is broken by a character that takes no room.
            '@' => out += "@\u{2060}",
            '#' | '!' | '%' if next.is_ascii_digit() => {
                out.push(c);
                out.push('\u{2060}');
            }
            ':' if next == '/' || next.is_ascii_alphabetic() => out += ":\u{2060}",
            '.' if next.is_ascii_alphanumeric() && out.to_ascii_lowercase().ends_with("www") => {
                out += "\u{2060}.";
            }
            '.' | ')' if at < 10 && text[..at].bytes().all(|b| b.is_ascii_digit()) && at > 0 => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// One line without control characters, not too long.
fn tame(text: &str) -> String {
    let plain = text.chars().filter(|c| !is_steering(*c));
    let plain: String = plain.map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    if text.chars().count() > LONGEST { format!("{plain}…") } else { plain }
}

/// An address between `<` and `>`.
fn address(url: &str) -> String {
    let plain = |c: &char| !c.is_control() && !c.is_whitespace() && !"<>|".contains(*c);
    url.chars().filter(plain).collect()
}
