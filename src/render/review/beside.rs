//! What stands beside the verdict on a change, as rows: messages, answers of gates, rollbacks, and what people said.

use serde::Serialize;

use super::{Alert, Review, Undo};
use crate::{
    model::{GateAnswer, Note, Touch, Word, plain_words},
    render::words::{Badge, Piece, When, prose},
};

/// A message.
#[derive(Debug, Serialize)]
pub struct AlertRow {
    at: When,
    to: String,
    what: String,
    badge: Badge,
    told: String,
    settled: Option<When>,
}

/// An answer of a gate.
#[derive(Debug, Serialize)]
pub struct AnswerRow {
    badge: Badge,
    by: String,
    at: When,
    last: Option<When>,
    times: u32,
    reason: Vec<Piece>,
}

/// An order to undo it.
#[derive(Debug, Serialize)]
pub struct UndoRow {
    badge: Badge,
    hook: String,
    told: String,
    by: String,
    reason: String,
    at: When,
}

/// What a person said of a finding.
#[derive(Debug, Serialize)]
pub struct SaidRow {
    badge: Badge,
    what: String,
    by: String,
    note: String,
    at: Option<When>,
}

/// What a person wrote.
#[derive(Debug, Serialize)]
pub struct NoteRow {
    /// Its number.
    pub id: i64,
    /// Who wrote it; none where that is not known.
    pub by: Option<String>,
    /// Where the form leads that alters it, from the root of all pages; empty where whoever looks may not.
    pub action: String,
    author: String,
    at: When,
    /// Who wrote it anew, and when.
    edited: Option<(String, When)>,
    /// Who removed it, and when.
    removed: Option<(String, When)>,
    text: String,
}

/// A message, as a row.
pub(super) fn alert(alert: &Alert) -> AlertRow {
    let (class, sign, word) = match alert.state.as_str() {
        "delivered" => ("passed", "✓", "delivered"),
        "pending" | "begun" => ("watching", "○", "not yet delivered"),
        "given_up" => ("failed", "✕", "not delivered"),
        "superseded" => ("none", "–", "told with a later one"),
        _ => ("broken", "▲", "nobody knows"),
    };
    let mut told = String::new();
    if let Some(error) = alert.error.as_ref().filter(|_| alert.state != "delivered") {
        told.clone_from(error);
    }
    if alert.attempts > 1 {
        let tries = format!("{} tries", alert.attempts);
        told = if told.is_empty() { tries } else { format!("{tries}: {told}") };
    }
    AlertRow {
        at: When::second(alert.at),
        to: alert.to.clone(),
        what: alert.what.clone(),
        badge: Badge { class: class.to_owned(), sign, word: word.to_owned() },
        told,
        settled: alert.settled_at.map(When::time),
    }
}

/// An answer of a gate, as a row.
pub(super) fn answer(answer: &GateAnswer) -> AnswerRow {
    let by = match &answer.by {
        Some(by) => format!("{by} ({})", answer.via),
        None => answer.via.clone(),
    };
    AnswerRow {
        badge: Badge::of(answer.status.as_str()),
        by,
        at: When::second(answer.at),
        last: (answer.times > 1).then(|| When::time(answer.last_at)),
        times: answer.times,
        reason: prose(&answer.reason),
    }
}

/// What became of an order, in words.
pub(super) fn undone(state: &str) -> &'static str {
    match state {
        "dry_run" => "would have been fired (dry run)",
        "ordered" => "is under way",
        "done" => "was done",
        "failed" => "failed: nothing was undone",
        _ => "was fired, and nobody knows what came of it",
    }
}

/// A rollback, as a row.
pub(super) fn undo(undo: &Undo) -> UndoRow {
    let (class, sign) = match undo.state.as_str() {
        "done" => ("passed", "✓"),
        "failed" => ("failed", "✕"),
        "ordered" => ("watching", "○"),
        "dry_run" => ("none", "–"),
        _ => ("broken", "▲"),
    };
    let word = undo.state.replace('_', " ");
    let error = undo.error.as_ref().map_or(String::new(), |error| format!(" ({error})"));
    UndoRow {
        badge: Badge { class: class.to_owned(), sign, word },
        hook: undo.hook.clone(),
        told: format!("{}{error}", undone(&undo.state)),
        by: undo.by.clone(),
        reason: undo.reason.clone(),
        at: When::second(undo.at),
    }
}

/// What people said of the change and its findings.
pub(super) fn said(review: &Review) -> Vec<SaidRow> {
    let taken = review.acknowledged.iter().map(|taken| SaidRow {
        badge: Badge { class: "watching".to_owned(), sign: "○", word: "taken on".to_owned() },
        what: taken.what.clone(),
        by: taken.by.clone().unwrap_or_default(),
        note: taken.note.clone().unwrap_or_default(),
        at: Some(When::second(taken.at)),
    });
    let dismissed = review.dismissed.iter().map(|dismissed| SaidRow {
        badge: Badge {
            class: "none".to_owned(),
            sign: "–",
            word: format!("dismissed: {}", dismissed.reason.replace('_', " ")),
        },
        what: dismissed.what.clone(),
        by: dismissed.by.clone().unwrap_or_default(),
        note: dismissed.note.clone().unwrap_or_default(),
        at: dismissed.at.map(When::second),
    });
    review.outcome.iter().map(word).chain(taken).chain(dismissed).collect()
}

/// A note, as a row.
pub(super) fn note(note: &Note) -> NoteRow {
    let touched = |touch: &Option<Touch>| {
        touch.as_ref().map(|touch| (somebody(touch.by.as_ref()), When::second(touch.at)))
    };
    NoteRow {
        id: note.id,
        by: note.author.clone(),
        action: String::new(),
        edited: touched(&note.edited),
        removed: touched(&note.removed),
        author: somebody(note.author.as_ref()),
        at: When::second(note.at),
        text: plain_words(&note.text, usize::MAX).unwrap_or_default(),
    }
}

fn somebody(name: Option<&String>) -> String {
    name.cloned().unwrap_or_else(|| "somebody".to_owned())
}

/// What a person said of the change itself.
pub(super) fn word(word: &Word) -> SaidRow {
    let (class, sign) = match word.failed {
        Some(true) => ("failed", "✕"),
        Some(false) => ("passed", "✓"),
        None => ("none", "–"),
    };
    SaidRow {
        badge: Badge { class: class.to_owned(), sign, word: word.told().to_owned() },
        what: "the change".to_owned(),
        by: somebody(word.author.as_ref()),
        note: word.why.clone().unwrap_or_default(),
        at: Some(When::second(word.at)),
    }
}
