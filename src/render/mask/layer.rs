//! Encodings undone: what a text says below one of them, and where in the text that stands.

use super::needle::{hex, read_entity};

/// The fewest characters of base64 or base16 that are looked into for a secret that is a word.
const WORD: usize = 8;

/// A line of base64 from this length on may go on in the next line (RFC 2045 breaks after 76, PEM after 64).
const LINE: usize = 60;

/// A text below an encoding.
pub(super) struct Layer<'a> {
    pub(super) bytes: Vec<u8>,
    places: Places<'a>,
}

/// Where each byte of a layer comes from.
enum Places<'a> {
    /// The same bytes but for the escapes: where in the layer each byte of those stands, where its escape begins, and how long it is.
    Escapes(Vec<(usize, usize, usize)>),
    /// Characters of `bits` bits each, by the place of each; the first one begins a byte. `end` is where padding ends.
    Digits { bits: usize, digits: &'a [usize], end: usize },
}

impl Layer<'_> {
    /// Where these bytes of the layer stand in the text above it.
    pub(super) fn outside(&self, from: usize, to: usize) -> (usize, usize) {
        match &self.places {
            Places::Escapes(escapes) => {
                let range = |at: usize| {
                    let after = escapes.partition_point(|(place, _, _)| *place <= at);
                    match after.checked_sub(1).and_then(|last| escapes.get(last)) {
                        None => (at, at + 1),
                        Some((place, from, length)) if *place == at => (*from, from + length),
                        Some((place, from, length)) => {
                            let at = from + length + (at - place - 1);
                            (at, at + 1)
                        }
                    }
                };
                (range(from).0, range(to.saturating_sub(1)).1)
            }
            Places::Digits { bits, digits, end } => {
                let first = digits.get(from * 8 / bits).copied().unwrap_or(0);
                let after = (to * 8).div_ceil(*bits);
                // What is left of a last digit and the padding behind it say nothing, but would look odd alone.
                let last = if after + 1 >= digits.len() {
                    *end
                } else {
                    after.checked_sub(1).and_then(|at| digits.get(at)).map_or(first, |at| at + 1)
                };
                (first, last.max(first))
            }
        }
    }

    /// Whether the encoding goes on to the end of a text of that length.
    pub(super) fn reaches(&self, length: usize) -> bool {
        match &self.places {
            Places::Escapes(_) => true,
            Places::Digits { digits, end, .. } => {
                *end == length && digits.last().is_some_and(|at| at + 1 == length)
            }
        }
    }

    /// Whether people could read it.
    pub(super) fn is_text(&self) -> bool {
        std::str::from_utf8(&self.bytes).is_ok_and(|text| {
            text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
        })
    }
}

/// Calls `look` with every layer directly below a text that may hold `shortest` bytes of a secret, or the beginning of one where the text
/// breaks off (`cut`).
pub(super) fn each(
    text: &[u8],
    (shortest, words, cut): (usize, bool, bool),
    look: &mut impl FnMut(&Layer<'_>),
) {
    if let Some((layer, several)) = unescaped(text, b"%\\&") {
        look(&layer);
        // What is an escape of one sort may be part of a secret that is escaped in another one.
        for sort in [b"%", b"\\", b"&"].into_iter().filter(|_| several) {
            if let Some((layer, _)) = unescaped(text, sort) {
                look(&layer);
            }
        }
    }
    let mut digits = |bits: usize, digit: fn(u8) -> bool| {
        let enough = if shortest == 0 { usize::MAX } else { (shortest * 8).div_ceil(bits) };
        let count = if words { enough.min(WORD) } else { enough };
        runs(text, digit, Fewest { count, cut }, &mut |digits, end| {
            // Nobody knows where in a run a secret begins. A word is looked for only where the run as a whole is text.
            let starts = if digits.len() >= enough || cut { 8 / (8 - bits) } else { 1 };
            for skip in 0..starts.min(digits.len()) {
                look(&undone(text, &digits[skip..], bits, end));
            }
        });
    };
    digits(6, is_base64);
    digits(4, |byte| byte.is_ascii_hexdigit());
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// How many digits are worth a look.
#[derive(Clone, Copy)]
struct Fewest {
    count: usize,
    /// Fewer ones, too, where they stand at the end.
    cut: bool,
}

/// Calls `take` with the places of each unbroken run of digits that is long enough, and where it ends, padding included.
fn runs(
    text: &[u8],
    digit: impl Fn(u8) -> bool,
    fewest: Fewest,
    take: &mut impl FnMut(&[usize], usize),
) {
    let mut digits: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let from = at;
        let mut line = 0;
        while let Some(byte) = text.get(at) {
            if digit(*byte) {
                line += 1;
            } else if line >= LINE && matches!(byte, b'\r' | b'\n') {
                line = if *byte == b'\n' { 0 } else { line };
            } else {
                break;
            }
            at += 1;
        }
        if at - from >= fewest.count || (fewest.cut && at == text.len() && at > from) {
            digits.clear();
            digits.extend((from..at).filter(|at| digit(text[*at])));
            let padding = text[at..].iter().take(2).take_while(|b| **b == b'=').count();
            take(&digits, at + padding);
        }
        at += 1;
    }
}

/// The bytes that digits of 6 or 4 bits stand for.
fn undone<'a>(text: &[u8], digits: &'a [usize], bits: usize, end: usize) -> Layer<'a> {
    let mut bytes = Vec::with_capacity(digits.len() * bits / 8);
    let (mut held, mut count) = (0_u32, 0);
    for at in digits {
        let value = text.get(*at).map_or(0, |byte| value(*byte, bits));
        held = (held << bits) | u32::from(value);
        count += bits;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((held >> count) & 0xFF).unwrap_or(0));
            held &= (1 << count) - 1;
        }
    }
    Layer { bytes, places: Places::Digits { bits, digits, end } }
}

/// The value of a digit of base16 or of base64 in either alphabet (RFC 4648, sections 4, 5 and 8).
fn value(byte: u8, bits: usize) -> u8 {
    match byte {
        b'0'..=b'9' if bits == 4 => byte - b'0',
        b'a'..=b'f' if bits == 4 => byte - b'a' + 10,
        b'A'..=b'F' if bits == 4 => byte - b'A' + 10,
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    }
}

/// The text with every escape that begins with one of these bytes (of URLs, JSON, HTML) undone once, and whether there are several sorts;
/// none where there is none. Only escapes of single bytes: what is encoded below others is ASCII.
fn unescaped(text: &[u8], sorts: &[u8]) -> Option<(Layer<'static>, bool)> {
    let mut bytes = Vec::new();
    let mut escapes: Vec<(usize, usize, usize)> = Vec::new();
    let (mut at, mut done, mut several) = (0, 0, false);
    while let Some(next) = text[at..].iter().position(|b| sorts.contains(b)) {
        at += next;
        let Some((byte, length)) = escape(&text[at..]) else {
            at += 1;
            continue;
        };
        several |= escapes.first().is_some_and(|(_, first, _)| text[*first] != text[at]);
        bytes.extend_from_slice(&text[done..at]);
        escapes.push((bytes.len(), at, length));
        bytes.push(byte);
        at += length;
        done = at;
    }
    bytes.extend_from_slice(&text[done..]);
    let layer = Layer { bytes, places: Places::Escapes(escapes) };
    let any = matches!(&layer.places, Places::Escapes(escapes) if !escapes.is_empty());
    any.then_some((layer, several))
}

/// The byte that an escape stands for, and the escape's length.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    match rest.first()? {
        b'%' => hex(rest.get(1..3)).map(|byte| (byte, 3)),
        b'&' => read_entity(rest)
            .and_then(|(c, length)| Some((u8::try_from(c).ok().filter(u8::is_ascii)?, length))),
        b'\\' => match rest.get(1)? {
            b'u' => {
                let (high, low) = (hex(rest.get(2..4))?, hex(rest.get(4..6))?);
                (high == 0 && low.is_ascii()).then_some((low, 6))
            }
            b'x' => hex(rest.get(2..4)).map(|byte| (byte, 4)),
            b'n' => Some((b'\n', 2)),
            b'r' => Some((b'\r', 2)),
            b't' => Some((b'\t', 2)),
            byte @ (b'"' | b'\\' | b'/' | b'\'') => Some((*byte, 2)),
            _ => None,
        },
        _ => None,
    }
}
