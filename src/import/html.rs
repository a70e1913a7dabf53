//! The tags of a page, one after the other: enough to find the values that forms and scripts carry. Not a parser of HTML.

/// One tag that opens.
#[derive(Debug, Default)]
pub(super) struct Tag<'p> {
    /// Its name in lower case.
    pub(super) name: String,
    /// Its attributes, values decoded.
    pub(super) attributes: Vec<(String, String)>,
    /// What stands between it and the next tag; for a script, all of the script.
    pub(super) content: &'p str,
}

impl Tag<'_> {
    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Hands every tag that opens to `with`, in order.
pub(super) fn tags(page: &str, mut with: impl FnMut(&Tag<'_>)) {
    let mut rest = page;
    // Without an end to be found once, none is looked for again: a page of nothing but `<script` must not be searched to its end each time.
    let mut comments_end = true;
    let mut scripts_end = true;
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        if comments_end && let Some(comment) = rest.strip_prefix("!--") {
            match comment.find("-->") {
                Some(end) => rest = &comment[end + 3..],
                None => comments_end = false,
            }
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let (mut tag, after) = read(rest);
        rest = after;
        let end = if tag.name == "script" && scripts_end {
            let end = find_script_end(rest);
            scripts_end = end.is_some();
            end
        } else {
            None
        };
        let end = end.unwrap_or_else(|| rest.find('<').unwrap_or(rest.len()));
        tag.content = &rest[..end];
        with(&tag);
        rest = &rest[end..];
    }
}

fn find_script_end(rest: &str) -> Option<usize> {
    rest.match_indices("</")
        .map(|(at, _)| at)
        .find(|at| rest.get(at + 2..at + 8).is_some_and(|name| name.eq_ignore_ascii_case("script")))
}

/// Reads name and attributes; gives what stands behind the tag.
fn read(text: &str) -> (Tag<'static>, &str) {
    let end = text.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(text.len());
    let mut tag = Tag { name: text[..end].to_ascii_lowercase(), ..Tag::default() };
    let mut rest = &text[end..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return (tag, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (tag, after);
        }
        let stop = |c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/');
        let end = rest.find(stop).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let Some(after) = rest.strip_prefix('=') else {
            if end == 0 {
                return (tag, rest.get(1..).unwrap_or_default());
            }
            tag.attributes.push((name, String::new()));
            continue;
        };
        rest = after.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
            None => {
                let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        tag.attributes.push((name, decode(value)));
        rest = after;
    }
}

/// Decodes the entities that stand in attributes.
pub(super) fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(at, _)| at);
        let decoded = end.and_then(|end| entity(&rest[1..end]).map(|c| (c, end)));
        match decoded {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_with_their_attributes() {
        let page = "<!-- <input name=no> --><form action='/a?b=1&amp;c=2'><INPUT type=hidden name=\"csrf\" value=\"x&#39;y\"/>\
                    <script>var a = '<b>';</script><p hidden>text</p>";
        let mut seen = Vec::new();
        tags(page, |tag| {
            let value = tag.attribute("value").or(tag.attribute("action")).unwrap_or_default();
            seen.push(format!("{} {value} {}", tag.name, tag.content));
        });
        assert_eq!(seen, ["form /a?b=1&c=2 ", "input x'y ", "script  var a = '<b>';", "p  text"]);
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(page in "([<>/!&;#=\"' a-c-]|script|é){0,60}") {
            tags(&page, |_| {});
        }
    }
}
