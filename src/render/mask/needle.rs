//! One secret, found in every spelling that can be read character by character.

use super::SHORT;

/// From this length on (in characters) the first and the last half of a secret are looked for, too.
const LONG: usize = 24;

/// Most escapes around each other: a backslash doubles with each, `%25` grows by two.
const NESTED: usize = 16;

/// What is looked for.
#[derive(Clone)]
pub(super) struct Needle {
    chars: Vec<char>,
    /// How many of the characters, from the first, are enough.
    least: usize,
    word: bool,
    /// The bytes that a spelling of its first character, or of its second one, may begin with.
    begin: [Bytes; 2],
}

/// A set of bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    /// What a spelling of `c` may begin with; of what follows the last character everything.
    fn beginning(c: Option<char>) -> Self {
        let Some(c) = c else { return Self([u64::MAX; 4]) };
        let mut set = Self::default();
        b"%\\&".iter().for_each(|byte| set.add(*byte));
        match u8::try_from(c).ok().filter(u8::is_ascii) {
            Some(byte) => {
                set.add(byte.to_ascii_lowercase());
                set.add(byte.to_ascii_uppercase());
                match byte {
                    b' ' => set.add(b'+'),
                    // The sign for kelvin (U+212A) is a capital k, and the only letter beyond ASCII with a small one in it.
                    b'k' | b'K' => set.add(0xE2),
                    _ => {}
                }
            }
            None => (0xC2..=0xF4).for_each(|byte| set.add(byte)),
        }
        set
    }

    pub(super) fn join(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, more)| *mine |= more);
    }

    fn add(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }
}

/// Room for the search, used again and again.
#[derive(Default)]
pub(super) struct Scratch {
    ends: Vec<usize>,
    next: Vec<usize>,
}

impl Needle {
    /// What is looked for, for a secret that is not empty.
    pub(super) fn of(secret: &str) -> Vec<Self> {
        let chars: Vec<char> = secret.chars().collect();
        if chars.len() < LONG {
            let (least, word) = (chars.len(), chars.len() < SHORT);
            return vec![Self::new(chars, least, word)];
        }
        let half = chars.len().div_ceil(2);
        let tail = chars[chars.len() - half..].to_vec();
        vec![Self::new(chars, half, false), Self::new(tail, half, false)]
    }

    fn new(chars: Vec<char>, least: usize, word: bool) -> Self {
        let begin = [0, 1].map(|at| Bytes::beginning(chars.get(at).copied()));
        Self { chars, least, word, begin }
    }

    /// What its spellings may begin with.
    pub(super) fn first_bytes(&self) -> Bytes {
        self.begin[0]
    }

    /// Whether it counts only as a whole word.
    pub(super) fn is_word(&self) -> bool {
        self.word
    }

    /// Bytes of the shortest part that is enough.
    pub(super) fn least_bytes(&self) -> usize {
        self.chars.iter().take(self.least).map(|c| c.len_utf8()).sum()
    }

    /// Where it ends if it begins at `at`. Where `cut`, its beginning at the very end counts, too.
    pub(super) fn at(
        &self,
        text: &[u8],
        at: usize,
        cut: bool,
        scratch: &mut Scratch,
    ) -> Option<usize> {
        let rest = &text[at..];
        if !self.may_begin(rest) {
            return None;
        }
        let to = self.end(text, at, cut, scratch)?;
        (!self.word || stands_alone(text, at, to)).then_some(to)
    }

    /// A quick look before the search.
    fn may_begin(&self, rest: &[u8]) -> bool {
        match rest {
            [first, ..] if !self.begin[0].has(*first) => false,
            [b'%', high, low, ..] => {
                let first = self.chars.first().copied().unwrap_or_default();
                first == '%'
                    || !first.is_ascii()
                    || hex(Some(&[*high, *low])).is_some_and(|byte| {
                        byte == b'%' || first.eq_ignore_ascii_case(&char::from(byte))
                    })
            }
            [b'\\' | b'&' | 0x80.., ..] => true,
            [_, second, ..] => self.begin[1].has(*second),
            _ => true,
        }
    }

    /// Where it ends if it begins at `at`: the furthest of its spellings.
    fn end(&self, text: &[u8], at: usize, cut: bool, scratch: &mut Scratch) -> Option<usize> {
        let Scratch { ends, next } = scratch;
        ends.clear();
        ends.push(at);
        let mut enough = None;
        for (index, c) in self.chars.iter().enumerate() {
            next.clear();
            for &from in ends.iter() {
                if cut && index > 0 && breaks_off(&text[from..]) {
                    return Some(text.len());
                }
                spellings(*c, text, from, next);
            }
            if next.is_empty() {
                return enough;
            }
            next.sort_unstable();
            next.dedup();
            std::mem::swap(ends, next);
            if index + 1 >= self.least {
                enough = ends.last().copied();
            }
        }
        enough
    }
}

/// Whether no letter, digit or `_` stands beside the range.
fn stands_alone(text: &[u8], from: usize, to: usize) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let before = from.checked_sub(1).and_then(|at| text.get(at));
    !before.is_some_and(|b| word(*b)) && !text.get(to).is_some_and(|b| word(*b))
}

/// Whether a text that breaks off ends here, or within an escape that began here, or within a character.
fn breaks_off(rest: &[u8]) -> bool {
    let begun = |longest: usize| rest.len() < longest;
    match rest.first() {
        None => true,
        // Of a character of several bytes only some may be there.
        Some(b'%') => begun(NESTED) && rest.iter().all(|b| *b == b'%' || b.is_ascii_hexdigit()),
        Some(b'\\') => {
            begun(2 * NESTED)
                && !rest.get(1).is_some_and(|b| *b != b'u' && *b != b'\\')
                && rest.iter().skip(2).all(|b| b.is_ascii_hexdigit() || *b == b'\\' || *b == b'u')
        }
        Some(b'&') => begun(10) && !rest.contains(&b';') && !rest.contains(&b' '),
        _ => rest == "\u{fffd}".as_bytes(),
    }
}

/// Every place where a spelling of `c` that begins at `from` ends.
fn spellings(c: char, text: &[u8], from: usize, ends: &mut Vec<usize>) {
    let rest = &text[from.min(text.len())..];
    let Some(&first) = rest.first() else { return };
    let mut buffer = [0; 4];
    let raw = c.encode_utf8(&mut buffer).as_bytes();
    if rest.starts_with(raw) {
        ends.push(from + raw.len());
    } else if first.is_ascii() && c.is_ascii() {
        if first.eq_ignore_ascii_case(&raw[0]) {
            ends.push(from + 1);
        }
    } else if let Some(other) = first_char(rest)
        && c.to_lowercase().eq(other.to_lowercase())
    {
        ends.push(from + other.len_utf8());
    }
    match first {
        b'+' if c == ' ' => ends.push(from + 1),
        b'%' => ends.extend(percent(raw, rest).map(|length| from + length)),
        b'\\' => escapes(c, rest, from, ends),
        b'&' => ends.extend(entity(c, rest).map(|length| from + length)),
        _ => {}
    }
}

/// The character that the bytes, a part of a text, begin with.
fn first_char(bytes: &[u8]) -> Option<char> {
    let length = (1..=bytes.len().min(4)).find(|n| std::str::from_utf8(&bytes[..*n]).is_ok())?;
    std::str::from_utf8(&bytes[..length]).ok()?.chars().next()
}

/// Length of the bytes percent-encoded (RFC 3986, section 2.1), each `%` perhaps encoded again as `%25`.
fn percent(raw: &[u8], rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    for &byte in raw {
        if rest.get(at) != Some(&b'%') {
            return None;
        }
        at += 1;
        // `%25` before two further digits is a `%` that was encoded again; where the digits are missing it is the `%` itself.
        let mut nested = 0;
        while nested < NESTED
            && rest.get(at..at + 2) == Some(b"25")
            && hex(rest.get(at + 2..at + 4)).is_some()
        {
            at += 2;
            nested += 1;
        }
        let got = hex(rest.get(at..at + 2))?;
        if !got.eq_ignore_ascii_case(&byte) {
            return if byte == b'%' && rest.get(at.checked_sub(2)?..at) == Some(b"25") {
                Some(at)
            } else {
                None
            };
        }
        at += 2;
    }
    Some(at)
}

pub(super) fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let [high, low] = *digits? else { return None };
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// Where the character ends as an escape of JSON (RFC 8259, section 7), perhaps escaped again.
fn escapes(c: char, rest: &[u8], from: usize, ends: &mut Vec<usize>) {
    let slashes = rest.iter().take(NESTED).take_while(|b| **b == b'\\').count();
    if c == '\\' {
        ends.extend([2, 4, 8].into_iter().filter(|n| *n <= slashes).map(|n| from + n));
    }
    let letter = match c {
        '"' | '/' | '\'' => c,
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        _ => '\0',
    };
    let mut at = slashes;
    if letter != '\0' && rest.get(at).copied() == u8::try_from(letter).ok() {
        ends.push(from + at + 1);
        return;
    }
    let mut units = [0; 2];
    for (index, unit) in c.encode_utf16(&mut units).iter().enumerate() {
        if index > 0 {
            let more = rest[at..].iter().take(NESTED).take_while(|b| **b == b'\\').count();
            if more == 0 {
                return;
            }
            at += more;
        }
        let (Some(b'u'), Some(high), Some(low)) =
            (rest.get(at), hex(rest.get(at + 1..at + 3)), hex(rest.get(at + 3..at + 5)))
        else {
            return;
        };
        if u16::from_be_bytes([high, low]) != *unit {
            return;
        }
        at += 5;
    }
    ends.push(from + at);
}

/// The longest text between `&` and `;` that is read.
const ENTITY: usize = 12;

/// Length of the character as an HTML entity: the five of XML, or by number.
fn entity(c: char, rest: &[u8]) -> Option<usize> {
    let (named, length) = read_entity(rest)?;
    (named == c).then_some(length)
}

/// The character of the entity that the bytes begin with, and how long it is.
pub(super) fn read_entity(rest: &[u8]) -> Option<(char, usize)> {
    let end = rest.iter().take(ENTITY).position(|b| *b == b';')?;
    let name = std::str::from_utf8(rest.get(1..end)?).ok()?;
    let named = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((named, end + 1))
}
