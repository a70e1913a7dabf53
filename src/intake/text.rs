//! Texts of strangers: how long they may be, and what in them could mislead a reader.

/// Longest text of one field, in characters.
pub(super) const LONGEST: usize = 2_000;
/// Longest id or name, in characters.
pub(super) const LONGEST_ID: usize = 200;
/// Most labels, services, environments or commits of one change.
pub(super) const MOST: usize = 200;

/// Whether a text has no character that moves a cursor or turns the direction of writing (Unicode's `Bidi_Control`).
pub(super) fn is_plain(text: &str) -> bool {
    !text.chars().any(hidden)
}

fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text for people, with blanks for what cannot be shown.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect()
}

/// A webhook's text for people, cut where it is too long; none where nothing is left.
pub(super) fn kept(text: &str, longest: usize) -> Option<String> {
    let text = shown(text);
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if text.chars().count() <= longest {
        return Some(text.to_owned());
    }
    Some(text.chars().take(longest.saturating_sub(1)).chain(['…']).collect())
}

/// A name as journeys could say it: without spaces around it or what cannot be shown; none where nothing is left or it is too
/// long to be one.
pub(super) fn name(text: &str) -> Option<String> {
    let text = shown(text);
    let text = text.trim().trim_matches('/');
    (!text.is_empty() && text.chars().count() <= LONGEST_ID).then(|| text.to_owned())
}

/// An http or https address; anything else is no link.
pub(super) fn link(text: &str) -> Option<String> {
    let text = text.trim();
    let good = text.len() <= LONGEST
        && is_plain(text)
        && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    good.then(|| text.to_owned())
}

/// Whether a text looks like the hash of a commit: 6 to 64 hexadecimal digits, at least one of them a digit.
pub(super) fn is_hash(text: &str) -> bool {
    (6..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_hexdigit())
        && text.bytes().any(|b| b.is_ascii_digit())
}

/// Whether a text fits a pattern in which `*` stands for any text, without regard to ASCII case.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, good) in [
            ("shop", "shop", true),
            ("Shop", "shop", true),
            ("shop", "shops", false),
            ("shop/*", "shop/payments", true),
            ("*", "", true),
            ("*-api", "shop-api", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, text), good, "{pattern} {text}");
        }
    }

    #[test]
    fn long_and_hidden_texts() {
        assert_eq!(kept(" a\u{202e}b\u{0} ", 10).as_deref(), Some("a b"));
        assert_eq!(kept("abcdef", 4).as_deref(), Some("abc…"));
        assert_eq!(kept("\u{0}", 4), None);
        assert_eq!(link("javascript:alert(1)"), None);
        assert!(
            is_hash("abc123") && !is_hash("deadbeef") && !is_hash("abc12") && !is_hash("v2.4.1")
        );
    }
}
