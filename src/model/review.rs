//! What people and pipelines said of a change: kept beside its verdicts for whoever reviews it later.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChangeId, Conclusion, GateStatus};

/// Longest note, in characters.
pub const LONGEST_NOTE: usize = 4000;
/// Longest reason that is given for a word on a change, in characters.
pub const LONGEST_WHY: usize = 500;

/// What a person wrote of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its number, growing.
    pub id: i64,
    /// The change.
    pub change: ChangeId,
    /// When it was written.
    pub at: Timestamp,
    /// By whom, as far as is known.
    pub author: Option<String>,
    /// In their words: plain text; empty where it was removed.
    pub text: String,
    /// Who wrote it anew, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Touch>,
    /// Who removed it, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Touch>,
}

/// That somebody touched what a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// When.
    pub at: Timestamp,
    /// Who, as far as is known.
    pub by: Option<String>,
}

/// What a person said of a change: whether it failed. Words are kept one after the other, and the newest holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// When it was said.
    pub at: Timestamp,
    /// By whom, as far as is known.
    pub author: Option<String>,
    /// Whether it failed; none takes back what was said before.
    pub failed: Option<bool>,
    /// Why, in their words: plain text.
    pub why: Option<String>,
}

impl Word {
    /// What it says, for people.
    pub fn told(&self) -> &'static str {
        match self.failed {
            Some(true) => "it failed",
            Some(false) => "it did not fail",
            None => "taken back",
        }
    }
}

/// What a gate answered of a change, and to whom; the same answer given again is counted, not kept anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateAnswer {
    /// The change.
    pub change: ChangeId,
    /// Who asked: the name of the token, where one was shown.
    pub by: Option<String>,
    /// By which way: the program that asked (`wayfarer`, `curl`), or `flagger`.
    pub via: String,
    /// The answer.
    pub status: GateStatus,
    /// The verdict behind it.
    pub verdict: Option<Conclusion>,
    /// Why, in a sentence; that of the last time.
    pub reason: String,
    /// When it was first given.
    pub at: Timestamp,
    /// When it was given last.
    pub last_at: Timestamp,
    /// How often.
    pub times: u32,
}

/// A text of a person as it is kept: without control characters but line ends, without idle space around it, and not longer than `most`
/// characters. None where nothing is left.
pub fn plain_words(text: &str, most: usize) -> Option<String> {
    let kept: String = text
        .replace("\r\n", "\n")
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .filter(|c| !is_steering(*c))
        .take(most)
        .collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// Characters that turn the direction of what stands around them (Unicode Annex 9): a text with them can show as another one.
pub fn is_steering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_plain() {
        for (given, kept) in [
            ("  all good \r\n", Some("all good")),
            ("a\u{1b}[31m\u{202e}b\nc", Some("a[31mb\nc")),
            (" \u{7} \n", None),
            ("äöü", Some("äö")),
        ] {
            let most = if given == "äöü" { 2 } else { 4000 };
            assert_eq!(plain_words(given, most).as_deref(), kept, "{given:?}");
        }
    }
}
