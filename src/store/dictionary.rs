//! What the runs of one revision have in common, as numbers: each text is stored once, a run holds its number.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
};

/// Largest text that gets a number, in bytes.
const PHRASE_BYTES: usize = 64 << 10;
/// How many texts are remembered as seen once.
const SEEN: usize = 4096;

/// What sort of text asks for a number. Each sort may fill the dictionary only so far, so that one that varies without
/// end (a URL with an order number in it) leaves room for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Method and URL of a request, or who answered it: may be another one each time.
    Line,
    /// Names of steps and texts of assertions of a whole run.
    Shape,
}

impl Sort {
    fn limit(self) -> usize {
        match self {
            Self::Line => 512,
            Self::Shape => 1024,
        }
    }
}

/// The numbered texts of one revision, as the writer knows them.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    numbers: HashMap<Box<[u8]>, u32>,
    next: u32,
    /// Texts that got a number and are not yet in the file.
    fresh: Vec<(u32, Box<[u8]>)>,
    /// Hashes of lines seen once: what never comes again gets no number.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl Dictionary {
    /// What the file holds already.
    pub(super) fn load(&mut self, number: u32, text: Box<[u8]>) {
        self.next = self.next.max(number.saturating_add(1));
        self.numbers.insert(text, number);
    }

    /// The number of a text; none where it must be written out.
    pub(super) fn number(&mut self, sort: Sort, text: &[u8]) -> Option<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        if text.len() > PHRASE_BYTES || self.numbers.len() >= sort.limit() {
            return None;
        }
        if sort == Sort::Line && self.first_sight(text) {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(text.into(), number);
        self.fresh.push((number, text.into()));
        Some(number)
    }

    /// Texts that must be written to the file with the run that needs them.
    pub(super) fn take_fresh(&mut self) -> Vec<(u32, Box<[u8]>)> {
        std::mem::take(&mut self.fresh)
    }

    fn first_sight(&mut self, text: &[u8]) -> bool {
        if self.seen.len() >= SEEN {
            self.seen.clear();
        }
        self.seen.insert(self.hasher.hash_one(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gets_a_number_when_it_comes_again() {
        let mut dictionary = Dictionary::default();
        assert_eq!(dictionary.number(Sort::Line, b"GET /a"), None);
        assert_eq!(dictionary.number(Sort::Line, b"GET /a"), Some(0));
        assert_eq!(dictionary.number(Sort::Line, b"GET /a"), Some(0));
        assert_eq!(dictionary.number(Sort::Shape, b"shape"), Some(1));
        assert_eq!(dictionary.take_fresh().len(), 2);
        assert!(dictionary.take_fresh().is_empty());
    }

    #[test]
    fn endless_lines_leave_room_for_shapes() {
        let mut dictionary = Dictionary::default();
        for n in 0..10_000_u32 {
            for _ in 0..2 {
                dictionary.number(Sort::Line, &n.to_le_bytes());
            }
        }
        assert_eq!(dictionary.take_fresh().len(), Sort::Line.limit());
        assert!(dictionary.number(Sort::Shape, b"shape").is_some());
    }
}
