//! CSS selectors that a browser will read: more than the parser here knows, so what only a browser can tell of an element stands aside.

use super::find::selector;

/// Why an expression cannot be read, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// What is wrong: lower case.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// Pseudo-classes that the parser here reads itself.
const READ: [&str; 17] = [
    "root",
    "scope",
    "empty",
    "first-child",
    "last-child",
    "only-child",
    "first-of-type",
    "last-of-type",
    "only-of-type",
    "nth-child",
    "nth-last-child",
    "nth-of-type",
    "nth-last-of-type",
    "not",
    "is",
    "where",
    "has",
];

/// Those that say what only a browser knows (Selectors Level 4, HTML).
const OF_BROWSERS: [&str; 38] = [
    "active",
    "any-link",
    "autofill",
    "checked",
    "default",
    "defined",
    "dir",
    "disabled",
    "enabled",
    "focus",
    "focus-visible",
    "focus-within",
    "fullscreen",
    "host",
    "host-context",
    "hover",
    "in-range",
    "indeterminate",
    "invalid",
    "lang",
    "link",
    "modal",
    "muted",
    "open",
    "optional",
    "out-of-range",
    "paused",
    "placeholder-shown",
    "playing",
    "popover-open",
    "read-only",
    "read-write",
    "required",
    "state",
    "target",
    "user-invalid",
    "valid",
    "visited",
];

/// What selectors of other programs say, and what says it here.
const MEANT: [(&str, &str); 14] = [
    ("contains", "find it by `text = \"…\"`"),
    ("has-text", "find it by `text = \"…\"`"),
    ("text", "find it by `text = \"…\"`"),
    ("text-is", "find it by `text = \"…\", exact = true`"),
    ("visible", "leave it out: what is acted upon is always visible"),
    ("hidden", "wait for that with `{ wait = { hidden = { … } } }`"),
    ("eq", "write `nth = 0` beside `css`: 0 is the first"),
    ("nth", "write `nth = 0` beside `css`: 0 is the first"),
    ("nth-match", "write `nth = 0` beside `css`: 0 is the first"),
    ("first", "write `nth = 0` beside `css`"),
    ("last", "write `nth = -1` beside `css`"),
    ("selected", "did you mean `:checked`?"),
    ("button", "write `role = \"button\"` instead of `css`"),
    ("input", "write `input`, without the colon"),
];

/// Why a browser would not read a CSS selector.
pub fn selector_fault(css: &str) -> Option<Misread> {
    let plain = match without_states(css) {
        Ok(plain) => plain,
        Err(misread) => return Some(misread),
    };
    let error = selector(&plain).err()?;
    Some(Misread {
        message: format!("the CSS selector cannot be read: {error}"),
        help: css
            .trim_start()
            .starts_with('/')
            .then(|| "this looks like an XPath: write `xpath = …`".to_owned()),
    })
}

/// The selector with an attribute in the place of each pseudo-class that only a browser knows.
fn without_states(css: &str) -> Result<String, Misread> {
    let mut out = String::new();
    let mut rest = css;
    while let Some(at) = rest.find(['\\', '"', '\'', '[', ':']) {
        out.push_str(&rest[..at]);
        let (sign, tail) = rest[at..].split_at(1);
        let end = match sign {
            "\\" => 1 + tail.chars().next().map_or(0, char::len_utf8),
            "[" => bracket(&rest[at..]),
            ":" => {
                rest = pseudo(tail, &mut out)?;
                continue;
            }
            quote => 1 + tail.find(quote).map_or(tail.len(), |end| end + 1),
        };
        out.push_str(&rest[at..at + end]);
        rest = &rest[at + end..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The length of an attribute selector with its brackets.
fn bracket(text: &str) -> usize {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ']') => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Writes what stands for a pseudo-class behind its colon; gives what follows it.
fn pseudo<'t>(tail: &'t str, out: &mut String) -> Result<&'t str, Misread> {
    let (element, tail) = tail.strip_prefix(':').map_or((false, tail), |tail| (true, tail));
    let end = tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(tail.len());
    let (word, rest) = tail.split_at(end);
    let name = word.to_ascii_lowercase();
    if element && !name.is_empty() {
        return Err(Misread {
            message: format!("`::{word}` is a part of how an element looks, not an element"),
            help: Some("find the element itself".to_owned()),
        });
    }
    if READ.contains(&name.as_str()) || name.is_empty() {
        out.push(':');
        out.push_str(word);
        // `2n of .a`: what it counts among is left aside.
        let counts = matches!(name.as_str(), "nth-child" | "nth-last-child");
        if counts
            && let Some((step, more)) = rest.split_once(" of ").filter(|(s, _)| !s.contains(')'))
        {
            out.push_str(step);
            out.push(')');
            return Ok(behind(more));
        }
        return Ok(rest);
    }
    if OF_BROWSERS.contains(&name.as_str()) {
        out.push_str("[x]");
        return Ok(rest.strip_prefix('(').map_or(rest, behind));
    }
    let meant = MEANT.iter().find(|(known, _)| *known == name).map(|(_, help)| (*help).to_owned());
    let near = || {
        let all = READ.iter().chain(&OF_BROWSERS);
        let near = all.map(|known| (strsim::damerau_levenshtein(known, &name), known)).min()?;
        (near.0 <= (name.len() / 3).max(1)).then(|| format!("did you mean `:{}`?", near.1))
    };
    Err(Misread {
        message: format!("browsers know no `:{word}` in CSS selectors"),
        help: meant.or_else(near),
    })
}

/// What follows the bracket that closes one opened before.
fn behind(text: &str) -> &str {
    let mut open = 1;
    for (at, c) in text.char_indices() {
        open += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if open == 0 {
            return &text[at + 1..];
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_read_is_good() {
        for css in [
            "#total",
            "button.primary:hover",
            ":checked",
            "input:not(:disabled):focus-visible",
            "p:lang(de) > a:any-link",
            "li:nth-child(2n+1 of .a:not(.b)) b",
            "div:has(> img):is(.a, .b)",
            "a[href=':x(']",
            "a[href$=\"]\"]",
            ".w-1\\/2",
            "my-element:state(open)",
            "tr:nth-child(2) td:last-child",
        ] {
            assert_eq!(selector_fault(css), None, "{css}");
        }
    }

    #[test]
    fn what_they_do_not_read_is_told() {
        for (css, message, help) in [
            ("div >", "cannot be read", None),
            ("button:has-text('Buy')", "no `:has-text`", Some("find it by `text")),
            ("li:eq(2)", "no `:eq`", Some("nth = 0")),
            ("input:chekced", "no `:chekced`", Some("`:checked`")),
            ("p::before", "not an element", Some("itself")),
            ("//div", "cannot be read", Some("xpath")),
        ] {
            let misread = selector_fault(css).unwrap();
            assert!(misread.message.contains(message), "{css}: {misread:?}");
            let told = misread.help.as_deref();
            assert_eq!(told.is_some(), help.is_some(), "{css}: {misread:?}");
            assert!(told.unwrap_or_default().contains(help.unwrap_or_default()), "{misread:?}");
        }
    }
}
