//! What a failed run sent and got, beside the same of the last good run: side by side where the terminal is wide, else one below the
//! other. Marks tell what differs; colours only repeat it.

mod compare;

pub(in crate::render) use compare::{Mark, Row, rows};

use super::{
    page_text::{kept_line, page_lines},
    waterfall::{
        Layout,
        line::{Ink, Line, clean, clip, length_of_time},
    },
};
use crate::model::{Evidence, Exchange, StepName, Witness};

/// From so many columns on two exchanges stand beside each other.
const WIDE: usize = 120;

/// Most exchanges of the failing step that are shown in full.
const FULL: usize = 4;

/// The exchanges of a failed run, those of its failing step in full, beside those of a good run if one is known.
pub fn side_by_side(now: &Witness, good: Option<&Witness>, layout: Layout) -> String {
    let width = layout.width.max(60);
    let evidence = &now.evidence;
    let step = evidence.exchanges.last().and_then(|last| last.step.clone());
    let mut lines = vec![head("this run", now)];
    match good {
        Some(good) => lines.push(head("last good", good)),
        None => lines.push(dim("last good: no good run's exchanges are kept")),
    }
    if evidence.left_out > 0 {
        lines.push(dim(&format!("{} exchanges before these are not kept", evidence.left_out)));
    }
    if good.is_some() {
        lines.push(dim(legend(width)));
    }
    let mut number = 0;
    for (at, exchange) in evidence.exchanges.iter().enumerate() {
        number =
            if at > 0 && evidence.exchanges[at - 1].step == exchange.step { number + 1 } else { 0 };
        let other = good.and_then(|good| nth(&good.evidence, exchange.step.as_ref(), number));
        // Of a step that was tried again and again the last exchanges tell enough.
        if exchange.step == step && evidence.exchanges.len() - at <= FULL {
            lines.push(Line::default());
            lines.push(title(
                exchange,
                number,
                at.checked_sub(1).map(|at| &evidence.exchanges[at]),
            ));
            full(&mut lines, exchange, other, width);
        } else {
            brief(&mut lines, exchange, (good.is_some(), other), width);
        }
    }
    page(&mut lines, evidence, width);
    finish(&lines, layout)
}

/// What a browser showed, below the exchanges.
fn page(lines: &mut Vec<Line>, evidence: &Evidence, width: usize) {
    if let Some(page) = &evidence.page {
        lines.push(Line::default());
        lines.extend(page_lines(page, None, width));
        lines.push(kept_line(page, width));
    }
}

/// The exchanges of a run, all in full.
pub fn exchanges(evidence: &Evidence, layout: Layout) -> String {
    let width = layout.width.max(60);
    let mut lines = Vec::new();
    if evidence.left_out > 0 {
        lines.push(dim(&format!("{} exchanges before these are not kept", evidence.left_out)));
    }
    let mut number = 0;
    for (at, exchange) in evidence.exchanges.iter().enumerate() {
        number =
            if at > 0 && evidence.exchanges[at - 1].step == exchange.step { number + 1 } else { 0 };
        if at > 0 {
            lines.push(Line::default());
        }
        lines.push(title(exchange, number, at.checked_sub(1).map(|at| &evidence.exchanges[at])));
        full(&mut lines, exchange, None, width);
    }
    page(&mut lines, evidence, width);
    finish(&lines, layout)
}

fn finish(lines: &[Line], layout: Layout) -> String {
    lines.iter().map(|line| line.draw(layout.colour) + "\n").collect()
}

fn legend(width: usize) -> &'static str {
    if width >= WIDE {
        "≠ differs, < only this run, > only the last good run, ~ differs each time"
    } else {
        "now≠ / good≠: where they differ; ~ differs each time; the rest is the same"
    }
}

fn head(what: &str, witness: &Witness) -> Line {
    let mut line = Line::default();
    line.ink(Ink::Bold, &format!("{:<11}", format!("{what}:")));
    line.plain(&format!(
        "{} at {}",
        witness.run,
        witness.started_at.strftime("%Y-%m-%d %H:%M:%SZ")
    ));
    line
}

fn dim(text: &str) -> Line {
    let mut line = Line::default();
    line.ink(Ink::Dim, text);
    line
}

fn title(exchange: &Exchange, number: usize, before: Option<&Exchange>) -> Line {
    let mut line = Line::default();
    let step = exchange.step.as_ref().map_or("request", |step| step.as_str());
    line.ink(Ink::Bold, &clean(step));
    if number > 0 {
        let redirected = before.and_then(|e| e.status).is_some_and(|s| (300..400).contains(&s));
        line.plain(if redirected { ", redirected" } else { ", once more" });
    }
    line
}

/// The exchange of a step by its number in it.
fn nth<'a>(evidence: &'a Evidence, step: Option<&StepName>, number: usize) -> Option<&'a Exchange> {
    evidence.exchanges.iter().filter(|e| e.step.as_ref() == step).nth(number)
}

/// A step before the failing one: what it asked, what came, and whether the good run's was the same.
fn brief(
    lines: &mut Vec<Line>,
    now: &Exchange,
    (compared, good): (bool, Option<&Exchange>),
    width: usize,
) {
    let step = now.step.as_ref().map_or("request", |step| step.as_str());
    let mut line = Line::default();
    line.plain(&clip(&format!("{step}: {}", now.request_line), width));
    lines.push(line);
    let said = |e: &Exchange| {
        let time =
            e.timing.map_or(String::new(), |t| format!(" in {}", length_of_time(t.duration)));
        let status = e.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
        format!("{status}{time}")
    };
    let mut line = Line::default();
    match good {
        None if compared => {
            line.ink(Ink::Yellow, "  ≠ ");
            line.plain(&format!("{}; the last good run had no such exchange", said(now)));
        }
        None => line.plain(&format!("    {}", said(now))),
        Some(good) => {
            let what = differences(now, good);
            if what.is_empty() {
                line.plain(&format!("    {}; good: {}", said(now), said(good)));
            } else {
                line.ink(Ink::Yellow, "  ≠ ");
                line.plain(&format!(
                    "{}; good: {}; differs: {}",
                    said(now),
                    said(good),
                    what.join(", ")
                ));
            }
        }
    }
    lines.push(line);
}

/// Which parts of two exchanges are not the same.
fn differences(now: &Exchange, good: &Exchange) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut part = "";
    for row in rows(now, Some(good)) {
        match (row.mark, row.now.as_deref()) {
            (Mark::Title, Some("sent")) => part = "what was sent",
            (Mark::Title, _) => part = "what came",
            (Mark::Differs, _) if !found.contains(&part) => found.push(part),
            _ => {}
        }
    }
    found
}

fn full(lines: &mut Vec<Line>, now: &Exchange, good: Option<&Exchange>, width: usize) {
    for row in rows(now, good) {
        if row.mark == Mark::Title {
            let mut line = Line::default();
            let what = row.now.as_deref().unwrap_or_default();
            let text = if good.is_some() && width >= WIDE {
                let column = column(width);
                let (now, good) = (format!("{what}, this run"), format!("{what}, last good run"));
                format!("  {now:<column$}     {good}")
            } else {
                format!("  {what}")
            };
            line.ink(Ink::Dim, &text);
            lines.push(line);
        } else if good.is_none() {
            let mut line = Line::default();
            line.plain(&format!(
                "    {}",
                shown(row.now.as_deref().unwrap_or_default(), None, width - 4)
            ));
            lines.push(line);
        } else if width >= WIDE {
            lines.push(beside(&row, width));
        } else {
            below(lines, &row, width);
        }
    }
}

/// Columns of each of two exchanges on one line.
fn column(width: usize) -> usize {
    (width - 7) / 2
}

/// Both on one line.
fn beside(row: &Row, width: usize) -> Line {
    let column = column(width);
    let (now, good) = (row.now.as_deref(), row.good.as_deref());
    let (mark, ink) = match (row.mark, now, good) {
        (Mark::Differs, Some(_), None) => ('<', Ink::Yellow),
        (Mark::Differs, None, _) => ('>', Ink::Yellow),
        (Mark::Differs, ..) => ('≠', Ink::Yellow),
        (Mark::Fleeting, ..) => ('~', Ink::Dim),
        _ => (' ', Ink::Plain),
    };
    let side = |text: Option<&str>, other| {
        let text = shown(text.unwrap_or_default(), other, column);
        let length = text.chars().count();
        text + &" ".repeat(column.saturating_sub(length))
    };
    let differs = row.mark == Mark::Differs;
    let mut line = Line::default();
    line.plain("  ");
    line.ink(if differs { Ink::Red } else { Ink::Plain }, &side(now, good));
    line.ink(ink, &format!("  {mark}  "));
    line.ink(if differs { Ink::Green } else { Ink::Plain }, &side(good, now));
    line
}

/// One below the other, each with the word that says whose it is.
fn below(lines: &mut Vec<Line>, row: &Row, width: usize) {
    let mut push = |gutter: &str, ink, text: &str, other| {
        let mut line = Line::default();
        line.ink(ink, gutter);
        line.ink(ink, &shown(text, other, width - 6));
        lines.push(line);
    };
    let (now, good) = (row.now.as_deref(), row.good.as_deref());
    if row.mark == Mark::Same {
        push("      ", Ink::Plain, now.or(good).unwrap_or_default(), None);
        return;
    }
    let sign = if row.mark == Mark::Fleeting { '~' } else { '≠' };
    let inks = if sign == '~' { (Ink::Dim, Ink::Dim) } else { (Ink::Red, Ink::Green) };
    if let Some(text) = now {
        push(&format!(" now{sign} "), inks.0, text, good);
    }
    if let Some(text) = good {
        push(&format!("good{sign} "), inks.1, text, now);
    }
}

/// The text in at most so many columns; where it differs from the other one only beyond them, from a little before that.
fn shown(text: &str, other: Option<&str>, columns: usize) -> String {
    let text = text.replace('\t', "  ");
    if text.chars().count() <= columns {
        return clean(&text);
    }
    let other = other.map(|other| other.replace('\t', "  "));
    let same = other.map_or(0, |other| {
        text.chars().zip(other.chars()).take_while(|(one, two)| one == two).count()
    });
    if same + columns / 4 < columns {
        return clip(&text, columns);
    }
    let skipped = same.saturating_sub(columns / 4);
    let rest: String = text.chars().skip(skipped).collect();
    clip(&format!("…{rest}"), columns)
}

#[cfg(test)]
mod tests;
