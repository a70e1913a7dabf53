//! Takes secrets out of text, in whatever encoding they stand there.

mod layer;
mod needle;

use std::{collections::BTreeSet, fmt};

use layer::Layer;
use needle::{Bytes, Needle, Scratch};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Secrets shorter than this (in characters) are only masked where they stand as whole words: a secret `1` would else eat every number.
pub const SHORT: usize = 4;

/// How many encodings around each other are undone: base64 of JSON in base64 in a URL are four.
const DEPTH: usize = 4;

/// Bytes that one byte of a secret may take in the worst spelling that is looked for: `%25255C%252575`.
const LONGEST_SPELLING: usize = 14;

/// The secrets of one run. Besides the value itself it finds it percent-encoded (also partly and repeatedly), form-encoded (`+`),
/// JSON-escaped, as HTML entities, and within base64 (RFC 4648, both alphabets, at any alignment, so also inside `Basic` credentials and
/// tokens) and base16, each of these also around the others. Of a long secret (24 characters and more) its first and its last half are
/// found too, as an error message that shortens it would show.
///
/// Letters are compared without regard to case (percent-encoded and escaped ones only where they are ASCII), because host names are
/// lower-cased on their way. What it cannot find: a shorter part of a secret, a hash of it, a compressed form, another encoding.
#[derive(Clone, Default)]
pub struct Mask {
    known: BTreeSet<String>,
    needles: Vec<Needle>,
    /// What any of them may begin with.
    first: Bytes,
    /// Bytes of the longest secret.
    longest: usize,
    /// Bytes of the shortest text that is looked for; 0 where there is none.
    shortest: usize,
    /// Whether a secret is so short that it is looked for as a word.
    words: bool,
}

impl Mask {
    /// A mask for these values; empty ones are passed over.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut mask = Self::default();
        for secret in secrets {
            mask.add(secret);
        }
        mask
    }

    /// Masks one more value from now on.
    pub fn add(&mut self, secret: &str) {
        if secret.is_empty() || !self.known.insert(secret.to_owned()) {
            return;
        }
        self.longest = self.longest.max(secret.len());
        for needle in Needle::of(secret) {
            if needle.is_word() {
                self.words = true;
            } else if self.shortest == 0 {
                self.shortest = needle.least_bytes();
            } else {
                self.shortest = self.shortest.min(needle.least_bytes());
            }
            self.first.join(needle.first_bytes());
            self.needles.push(needle);
        }
    }

    /// Masks everything the other one masks, too.
    pub fn extend(&mut self, other: &Self) {
        for secret in &other.known {
            self.add(secret);
        }
    }

    /// The text without the secrets.
    pub fn apply(&self, text: &str) -> String {
        self.excerpt(text, usize::MAX, false).0
    }

    /// The first `cap` bytes of the text without the secrets, and whether that is less than all. A secret that stands across the end is
    /// masked too. `cut` says that the text itself breaks off, so that its end may be the beginning of a secret.
    pub fn excerpt(&self, text: &str, cap: usize, cut: bool) -> (String, bool) {
        let end = text.floor_char_boundary(cap.min(text.len()));
        let mut out = String::with_capacity(end);
        let mut at = 0;
        for (from, to) in self.found(text, end, cut) {
            if from > at {
                out.push_str(&text[at..from]);
            }
            out.push_str(MASK);
            at = to;
        }
        if at < end {
            out.push_str(&text[at..end]);
        }
        (out, end < text.len())
    }

    /// How much of a text has to be kept so that its first `cap` bytes can be masked later, by [`Mask::excerpt`].
    pub fn reach(&self, cap: usize) -> usize {
        cap.saturating_add(self.longest.saturating_mul(LONGEST_SPELLING)).saturating_add(64)
    }

    /// Where secrets stand that begin before `end`: separate ranges in order, on the bounds of characters.
    fn found(&self, text: &str, end: usize, cut: bool) -> Vec<(usize, usize)> {
        if self.needles.is_empty() || end == 0 {
            return Vec::new();
        }
        let reach = text.floor_char_boundary(self.reach(end).min(text.len()));
        let cut = cut || reach < text.len();
        let mut ranges = Vec::new();
        let look = Look { cut, text: true, depth: DEPTH };
        self.search(&text.as_bytes()[..reach], look, &mut Scratch::default(), &mut ranges);
        ranges.retain(|(from, _)| *from < end);
        ranges.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::new();
        for (from, to) in ranges {
            let (from, to) = (text.floor_char_boundary(from), text.ceil_char_boundary(to));
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        merged
    }

    /// Adds every range of `bytes` that spells a secret: as it stands, and below each encoding that can be undone.
    fn search(
        &self,
        bytes: &[u8],
        look: Look,
        scratch: &mut Scratch,
        ranges: &mut Vec<(usize, usize)>,
    ) {
        for at in 0..bytes.len() {
            if self.first.has(bytes[at]) {
                for needle in self.needles.iter().filter(|n| look.text || !n.is_word()) {
                    ranges.extend(needle.at(bytes, at, look.cut, scratch).map(|to| (at, to)));
                }
            }
        }
        if look.depth == 0 {
            return;
        }
        layer::each(bytes, (self.shortest, self.words, look.cut), &mut |layer: &Layer<'_>| {
            let mut inner = Vec::new();
            let look = Look {
                cut: look.cut && layer.reaches(bytes.len()),
                text: layer.is_text(),
                depth: look.depth - 1,
            };
            if look.text || self.shortest > 0 {
                self.search(&layer.bytes, look, scratch, &mut inner);
            }
            ranges.extend(inner.into_iter().map(|(from, to)| layer.outside(from, to)));
        });
    }
}

/// How a text is searched.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Whether the text breaks off.
    cut: bool,
    /// Whether it is text: words are looked for only there.
    text: bool,
    /// How many more encodings are undone.
    depth: usize,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} secrets)", self.known.len())
    }
}

#[cfg(test)]
mod tests;
