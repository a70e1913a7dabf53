//! Takes secrets out of text, in whatever encoding they stand there.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Secrets shorter than this (in characters) are only masked where they stand as whole words: a secret `1` would else eat every number.
const SHORT: usize = 4;

/// The secrets of one run. Besides the value itself it finds it percent-encoded (also partly and repeatedly), form-encoded (`+`),
/// JSON-escaped, as HTML entities, and within base64 (RFC 4648, both alphabets, at any alignment, so also inside `Basic` credentials).
///
/// Letters are compared without regard to case (percent-encoded and escaped ones only where they are ASCII), because host names are
/// lower-cased on their way. What it cannot find: a part of a
/// secret, a hash of it, or another encoding.
#[derive(Clone, Default)]
pub struct Mask {
    needles: Vec<Needle>,
}

#[derive(Clone)]
struct Needle {
    chars: Vec<char>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Word,
    Base64 {
        /// Whether the character before the core also holds bits of the secret.
        shifted: bool,
    },
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
        let chars: Vec<char> = secret.chars().collect();
        if chars.is_empty() {
            return;
        }
        if chars.len() < SHORT {
            self.needles.push(Needle { chars, form: Form::Word });
            return;
        }
        self.needles.push(Needle { chars, form: Form::Plain });
        for shift in 0..3 {
            let Some(core) = base64_core(secret.as_bytes(), shift) else { continue };
            let url_safe = core.replace('+', "-").replace('/', "_");
            let form = Form::Base64 { shifted: shift > 0 };
            if url_safe != core {
                self.needles.push(Needle { chars: url_safe.chars().collect(), form });
            }
            self.needles.push(Needle { chars: core.chars().collect(), form });
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
        let mut out = String::with_capacity(end.min(4096));
        let mut at = 0;
        for (from, to) in self.found(text, end, cut) {
            if from > at {
                out.push_str(&text[at..from]);
            }
            if from >= at {
                out.push_str(MASK);
            }
            at = at.max(to);
        }
        if at < end {
            out.push_str(&text[at..end]);
        }
        (out, end < text.len())
    }

    /// Where secrets begin before `end`: separate ranges in order.
    fn found(&self, text: &str, end: usize, cut: bool) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        if self.needles.is_empty() {
            return ranges;
        }
        for (at, _) in text[..end].char_indices() {
            for needle in &self.needles {
                let Some((from, to)) = needle.at(text, at, cut) else { continue };
                match ranges.last_mut() {
                    Some(last) if from <= last.1 => {
                        last.0 = last.0.min(from);
                        last.1 = last.1.max(to);
                    }
                    _ => ranges.push((from, to)),
                }
            }
        }
        ranges
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} forms)", self.needles.len())
    }
}

impl Needle {
    /// Whether a spelling of the needle may begin with this byte: a quick look before the search.
    fn may_begin_with(&self, byte: u8) -> bool {
        let Some(first) = self.chars.first().filter(|c| c.is_ascii()) else { return true };
        !byte.is_ascii()
            || matches!(byte, b'%' | b'+' | b'\\' | b'&')
            || first.eq_ignore_ascii_case(&char::from(byte))
    }

    /// The range to mask if the needle begins at `at`.
    fn at(&self, text: &str, at: usize, cut: bool) -> Option<(usize, usize)> {
        let bytes = text.as_bytes();
        let folded = self.form == Form::Plain;
        if !self.may_begin_with(bytes[at]) {
            return None;
        }
        let (mut ends, mut next) = (vec![at], Vec::new());
        for (index, c) in self.chars.iter().enumerate() {
            for &from in &ends {
                if cut && index > 0 && from == bytes.len() {
                    return Some((at, bytes.len()));
                }
                spellings(*c, folded, bytes, from, &mut next);
            }
            if next.is_empty() {
                return None;
            }
            next.sort_unstable();
            next.dedup();
            ends.clear();
            std::mem::swap(&mut ends, &mut next);
        }
        let to = ends.into_iter().max()?;
        match self.form {
            Form::Plain => Some((at, to)),
            Form::Word => {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                let free = !text[..at].chars().next_back().is_some_and(word)
                    && !text[to..].chars().next().is_some_and(word);
                free.then_some((at, to))
            }
            Form::Base64 { shifted } => {
                let from = if shifted && at > 0 && is_base64(bytes[at - 1]) { at - 1 } else { at };
                let mut to = to;
                if bytes.get(to).copied().is_some_and(is_base64) {
                    to += 1;
                }
                while bytes.get(to) == Some(&b'=') {
                    to += 1;
                }
                Some((from, to))
            }
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The characters of the base64 text that depend on the secret alone, when `shift` bytes stand before it in its group of three.
fn base64_core(secret: &[u8], shift: usize) -> Option<String> {
    let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(secret.iter().copied()).collect();
    let encoded = BASE64_STANDARD_NO_PAD.encode(&padded);
    let (from, to) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
    encoded.get(from..to).filter(|core| core.len() >= SHORT).map(str::to_owned)
}

/// Every place where a spelling of `c` that begins at `from` ends.
fn spellings(c: char, folded: bool, text: &[u8], from: usize, ends: &mut Vec<usize>) {
    let rest = &text[from.min(text.len())..];
    let Some(&first) = rest.first() else { return };
    let mut buffer = [0; 4];
    let raw = c.encode_utf8(&mut buffer).as_bytes();
    if rest.starts_with(raw) {
        ends.push(from + raw.len());
    } else if folded
        && let Some(other) = first_char(rest)
        && c.to_lowercase().eq(other.to_lowercase())
    {
        ends.push(from + other.len_utf8());
    }
    match first {
        b'+' if c == ' ' => ends.push(from + 1),
        b'%' => ends.extend(percent(raw, folded, rest).map(|length| from + length)),
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
fn percent(raw: &[u8], folded: bool, rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    for &byte in raw {
        if rest.get(at) != Some(&b'%') {
            return None;
        }
        at += 1;
        // `%25` before two further digits is a `%` that was encoded again; where the digits are missing it is the `%` itself.
        while rest.get(at..at + 2) == Some(b"25") && hex(rest.get(at + 2..at + 4)).is_some() {
            at += 2;
        }
        let got = hex(rest.get(at..at + 2))?;
        let same = if folded { got.eq_ignore_ascii_case(&byte) } else { got == byte };
        if !same {
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

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok()?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}

/// Where the character ends as an escape of JSON (RFC 8259, section 7), perhaps escaped again.
fn escapes(c: char, rest: &[u8], from: usize, ends: &mut Vec<usize>) {
    let slashes = rest.iter().take_while(|b| **b == b'\\').count();
    if c == '\\' {
        ends.extend([2, 4].into_iter().filter(|n| *n <= slashes).map(|n| from + n));
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
            let more = rest[at..].iter().take_while(|b| **b == b'\\').count();
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

/// Length of the character as an HTML entity: the five of XML, or by number.
fn entity(c: char, rest: &[u8]) -> Option<usize> {
    let end = rest.iter().take(12).position(|b| *b == b';')?;
    let name = std::str::from_utf8(&rest[1..end]).ok()?;
    let named = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.strip_prefix('#').and_then(|number| {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            code.ok().and_then(char::from_u32)
        }),
    };
    (named? == c).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_every_encoding() {
        let secret = "p%t \"/ä\\&k";
        let mask = Mask::new([secret]);
        let json = serde_json::to_string(secret).unwrap();
        for text in [
            secret.to_owned(),
            secret.to_uppercase(),
            "p%25t%20%22%2F%C3%A4%5C%26k".to_owned(),
            "p%25t+%22%2f%c3%a4%5c%26k".to_owned(),
            "%2570%2525%2574%2520%2522%252F%25C3%25A4%255C%2526%256B".to_owned(),
            json[1..json.len() - 1].to_owned(),
            "p%t \\u0022\\/\\u00e4\\\\\\u0026k".to_owned(),
            "p%t &quot;/ä\\&amp;k".to_owned(),
            "&#112;%t &#x22;/ä\\&#38;k".to_owned(),
        ] {
            assert_eq!(mask.apply(&format!("<{text}>")), "<***>", "{text}");
        }
    }

    #[test]
    fn finds_it_inside_basic_credentials() {
        let mask = Mask::new(["hunter22"]);
        for user in ["", "a", "ab", "abc", "probe@example.com"] {
            let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:hunter22")));
            let masked = mask.apply(&text);
            assert!(masked.ends_with(MASK), "{masked}");
            assert!(!masked.contains(&text[text.len() - 7..]), "{masked}");
        }
    }

    #[test]
    fn short_secrets_are_words() {
        let mask = Mask::new(["42", ""]);
        assert_eq!(
            mask.apply("42, 142, a=42&b 42x {\"pin\":\"42\"}"),
            "***, 142, a=***&b 42x {\"pin\":\"***\"}"
        );
        assert_eq!(Mask::new([""]).apply("abc"), "abc");
    }

    #[test]
    fn secrets_that_overlap_leave_nothing() {
        let mask = Mask::new(["abcd1234", "1234wxyz"]);
        assert_eq!(mask.apply("-abcd1234wxyz-"), "-***-");
        assert_eq!(mask.apply("abcd1234abcd1234"), "***");
    }

    #[test]
    fn an_excerpt_never_ends_within_a_secret() {
        let mask = Mask::new(["secretvalue"]);
        for cap in 0..20 {
            let (text, truncated) = mask.excerpt("ab secretvalue cd", cap, false);
            assert!(truncated == (cap < 17) && !text.contains("sec"), "{cap}: {text}");
        }
        assert_eq!(mask.excerpt("ab secr", 100, true), ("ab ***".to_owned(), false));
        assert_eq!(mask.excerpt("ab secr", 100, false), ("ab secr".to_owned(), false));
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", Mask::new(["hunter22"])).contains("hunter"));
    }

    proptest! {
        #[test]
        fn no_encoding_of_a_secret_survives(
            secret in "[ -~äß€😀]{4,24}",
            before in "[ -~ä]{0,8}",
            after in "[ -~ä]{0,8}",
        ) {
            let mask = Mask::new([secret.as_str()]);
            let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = serde_json::to_string(&secret).unwrap();
            let text = format!("{before}{secret}{after}");
            let basic = BASE64_STANDARD.encode(&text);
            let url_safe = BASE64_URL_SAFE_NO_PAD.encode(&text);
            let percent =
                percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC);
            for spelt in [
                text.clone(),
                format!("{before}{form}{after}"),
                format!("{before}{}{after}", &json[1..json.len() - 1]),
                format!("{before}{percent}{after}"),
            ] {
                let masked = mask.apply(&spelt);
                prop_assert!(masked.contains(MASK), "{spelt} -> {masked}");
                // The neighbours may spell the secret again, by chance, only around the mask itself.
                prop_assert!(masked.len() <= before.len() + after.len() + 2 * MASK.len(), "{spelt} -> {masked}");
            }
            for spelt in [basic, url_safe] {
                let masked = mask.apply(&spelt);
                prop_assert!(masked.contains(MASK), "{spelt} -> {masked}");
            }
        }

        #[test]
        fn never_panics(secret in "\\PC{0,6}", text in "\\PC{0,40}", cap in 0usize..50) {
            let mask = Mask::new([secret.as_str()]);
            let _cut = mask.excerpt(&text, cap, true);
        }
    }
}
