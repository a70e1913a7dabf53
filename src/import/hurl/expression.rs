//! hurl's queries, filters and predicates in our words.

use super::lines::Word;
use crate::import::{
    draft::{Expect, Query},
    names,
    text::Text,
    tree::Tree,
};

/// Why a line cannot be said here.
pub(super) type Lacking = String;

/// Reads words one after the other.
pub(super) struct Words<'w> {
    words: &'w [Word],
}

impl<'w> Words<'w> {
    pub(super) fn new(words: &'w [Word]) -> Self {
        Self { words }
    }

    fn bare(&self) -> Option<&'w str> {
        match self.words.first() {
            Some(Word::Bare(word)) => Some(word),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<&'w Word> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn text(&mut self, of: &str) -> Result<String, Lacking> {
        match self.next() {
            Some(Word::Quoted(text)) => text.as_plain().map(str::to_owned).ok_or_else(|| {
                format!("`{of}` of a template: queries are compiled when the file is read")
            }),
            Some(Word::Pattern(pattern)) => Ok(pattern.clone()),
            _ => Err(format!("`{of}` needs a text")),
        }
    }

    fn number(&mut self, of: &str) -> Result<String, Lacking> {
        match self.next() {
            Some(Word::Bare(number)) if number.parse::<f64>().is_ok() => Ok(number.clone()),
            _ => Err(format!("`{of}` needs a number")),
        }
    }

    /// A query with its filters.
    pub(super) fn query(&mut self) -> Result<Query, Lacking> {
        let Some(Word::Bare(subject)) = self.next() else { return Err("no query".to_owned()) };
        let mut query = match subject.as_str() {
            "status" | "version" | "url" | "ip" | "body" | "duration" | "redirects" | "sha256" => {
                Query::plain(subject)
            }
            "bytes" | "rawbytes" => Query::plain("bytes"),
            "header" | "jsonpath" | "regex" => Query::named(subject, self.text(subject)?),
            "variable" => Query::named("variable", names::variable(&self.text(subject)?)),
            "cookie" => cookie(&self.text(subject)?),
            "certificate" => Query::named("certificate", certificate(&self.text(subject)?)?),
            "xpath" => css_of_xpath(&self.text(subject)?)
                .ok_or("`xpath` is not known here: write `css`, or `regex` for XML")?,
            other => return Err(format!("there is no query `{other}` here")),
        };
        while let Some(word) = self.bare() {
            let Some(filter) = self.filter(word)? else { break };
            query = match (query.subject.as_str(), &query.of, word) {
                ("bytes", _, "count") if query.filters.is_empty() => {
                    query.filter(Tree::text("length"))
                }
                ("certificate", Some(of), "daysAfterNow") if of == "not_after" => {
                    Query::named("certificate", "expires_in_days")
                }
                _ => query.filter(filter),
            };
        }
        Ok(query)
    }

    /// A filter, if one is next.
    fn filter(&mut self, word: &'w str) -> Result<Option<Tree>, Lacking> {
        let plain = match word {
            "count" | "first" | "last" => word,
            "toInt" => "to_integer",
            "toFloat" => "to_number",
            "toString" => "to_text",
            "base64Decode" | "base64UrlSafeDecode" => "decode_base64",
            "base64Encode" | "base64UrlSafeEncode" => "encode_base64",
            "urlDecode" => "decode_url",
            "urlEncode" => "encode_url",
            "htmlUnescape" => "decode_html",
            "htmlEscape" => "encode_html",
            "daysAfterNow" => "days_from_now",
            _ => "",
        };
        if !plain.is_empty() {
            self.next();
            return Ok(Some(Tree::text(plain)));
        }
        let ours = match word {
            "nth" => "nth",
            "regex" | "jsonpath" | "split" => word,
            "toDate" => "to_date",
            "format" | "dateFormat" => "date_format",
            "replace" | "replaceRegex" => "replace",
            "daysBeforeNow" | "decode" | "toHex" | "utf8Decode" | "utf8Encode"
            | "urlQueryParam" | "xpath" | "location" | "charsetDecode" => {
                return Err(format!("there is no filter `{word}` here"));
            }
            _ => return Ok(None),
        };
        self.next();
        let value = match ours {
            "nth" => Tree::number(self.number(word)?),
            "replace" => {
                let pattern =
                    matches!(self.words.first(), Some(Word::Pattern(_))) || word == "replaceRegex";
                let pair = vec![Tree::text(self.text(word)?), Tree::text(self.text(word)?)];
                let key = if pattern { "replace_regex" } else { "replace" };
                return Ok(Some(Tree::one(key, Tree::List(pair))));
            }
            _ => Tree::text(self.text(word)?),
        };
        Ok(Some(Tree::one(ours, value)))
    }

    /// A whole assertion: query, filters, predicate.
    pub(super) fn assertion(&mut self) -> Result<Expect, Lacking> {
        let query = self.query()?;
        let negated = self.bare() == Some("not");
        if negated {
            self.next();
        }
        let Some(Word::Bare(word)) = self.next() else { return Err("no predicate".to_owned()) };
        let (key, value) = self.predicate(word, &query)?;
        let (key, value) = if negated { Expect::negated(&key, value) } else { (key, value) };
        if self.words.is_empty() {
            Ok(Expect::new(query, &key, value))
        } else {
            Err("words are left at its end".to_owned())
        }
    }

    fn predicate(&mut self, word: &str, query: &Query) -> Result<(String, Tree), Lacking> {
        let duration = query.subject == "duration" && query.filters.is_empty();
        let key = match word {
            "==" | "equals" => "equals",
            "!=" | "notEquals" => "not_equals",
            ">" | "greaterThan" => "above",
            ">=" | "greaterThanOrEquals" if duration => "above",
            ">=" | "greaterThanOrEquals" => "at_least",
            "<" | "lessThan" => "below",
            "<=" | "lessThanOrEquals" if duration => "below",
            "<=" | "lessThanOrEquals" => "at_most",
            "startsWith" => "starts_with",
            "endsWith" => "ends_with",
            "contains" | "includes" => "contains",
            "matches" => "matches",
            _ => return unary(word).map(|key| (key.to_owned(), Tree::Bool(true))),
        };
        let value = match (key, self.next()) {
            // `HTTP/2` is what we call what hurl calls `2`.
            (_, Some(Word::Quoted(text)))
                if query.subject == "version" && query.filters.is_empty() =>
            {
                let plain = text.as_plain().unwrap_or_default();
                let prefix = if plain.starts_with("HTTP") { "" } else { "HTTP/" };
                Tree::text(format!("{prefix}{plain}"))
            }
            (_, Some(Word::Bare(hex))) if query.subject == "sha256" && hex.starts_with("hex,") => {
                Tree::text(hex[4..].trim_end_matches(';').to_lowercase())
            }
            ("matches", Some(Word::Pattern(pattern))) => Tree::text(pattern.clone()),
            (_, Some(Word::Quoted(text))) => Tree::Text(text.clone()),
            (_, Some(Word::Pattern(pattern))) => Tree::text(pattern.clone()),
            (_, Some(Word::Bare(word))) => literal(word, duration)?,
            (_, None) => return Err(format!("`{word}` needs a value")),
        };
        Ok((key.to_owned(), value))
    }
}

fn literal(word: &str, duration: bool) -> Result<Tree, Lacking> {
    if duration && word.parse::<f64>().is_ok() {
        return Ok(Tree::text(format!("{word}ms")));
    }
    let limits = ["below", "above"].contains(&word);
    match word {
        "true" | "false" => Ok(Tree::Bool(word == "true")),
        _ if limits => Err(format!("`{word}` is no value")),
        "null" => Err("there is no null to compare with: write `is_empty = true`".to_owned()),
        _ if word.starts_with("hex,")
            || word.starts_with("base64,")
            || word.starts_with("file,") =>
        {
            Err("bytes and files cannot be compared with".to_owned())
        }
        number if number.parse::<f64>().is_ok_and(f64::is_finite) => Ok(Tree::number(number)),
        other => Err(format!("`{other}` is no value")),
    }
}

/// Predicates that need no value.
fn unary(word: &str) -> Result<&'static str, Lacking> {
    Ok(match word {
        "exists" => "exists",
        "isEmpty" => "is_empty",
        "isNumber" | "isFloat" => "is_number",
        "isInteger" => "is_integer",
        "isBoolean" => "is_boolean",
        "isString" => "is_text",
        "isCollection" | "isList" => "is_list",
        "isObject" => "is_object",
        "isDate" | "isIsoDate" => "is_date",
        "isUuid" => "is_uuid",
        other => return Err(format!("there is no predicate `{other}` here")),
    })
}

/// `name` or `name[Attribute]`.
fn cookie(text: &str) -> Query {
    let Some((name, attribute)) = text.strip_suffix(']').and_then(|t| t.split_once('[')) else {
        return Query::named("cookie", text);
    };
    let attribute = match attribute.to_ascii_lowercase().as_str() {
        "max-age" => "max_age".to_owned(),
        "httponly" => "http_only".to_owned(),
        "samesite" => "same_site".to_owned(),
        other => other.to_owned(),
    };
    Query::named("cookie", name).attribute(attribute)
}

fn certificate(attribute: &str) -> Result<&'static str, Lacking> {
    Ok(match attribute {
        "Subject" => "subject",
        "Issuer" => "issuer",
        "Start-Date" => "not_before",
        "Expire-Date" => "not_after",
        "Serial-Number" => "serial",
        "Subject-Alt-Name" => "san",
        other => return Err(format!("there is nothing called `{other}` in a certificate here")),
    })
}

/// The easy paths of XPath as CSS: `//h1`, `string(//div[@id='x'])`, `//meta[@name="csrf"]/@content`.
fn css_of_xpath(path: &str) -> Option<Query> {
    let mut path = path.trim();
    for (begin, end) in [("string(", ")"), ("normalize-space(", ")")] {
        path = path.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)).unwrap_or(path);
    }
    let mut counted = None;
    if let Some(inner) = path.strip_prefix("count(").and_then(|rest| rest.strip_suffix(')')) {
        counted = Some(Tree::text("count"));
        path = inner;
    }
    let path = path.strip_suffix("/text()").unwrap_or(path);
    let (path, attribute) = match path.rsplit_once("/@") {
        Some((path, attribute)) => (path, Some(attribute)),
        None => (path, None),
    };
    let rooted = path.strip_prefix("//").or_else(|| path.strip_prefix('/'))?;
    let mut css = Vec::new();
    for (at, step) in rooted.split("//").enumerate() {
        for (below, step) in step.split('/').enumerate() {
            if at > 0 || below > 0 {
                css.push(if below > 0 { " > " } else { " " }.to_owned());
            }
            let (name, condition) = match step.split_once('[') {
                Some((name, condition)) => (name, Some(condition.strip_suffix(']')?)),
                None => (step, None),
            };
            let word = |text: &str| {
                !text.is_empty()
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
            };
            if name != "*" && !word(name) {
                return None;
            }
            css.push(name.to_owned());
            if let Some(condition) = condition {
                let (key, value) = condition.strip_prefix('@')?.split_once('=')?;
                let value = value.trim().trim_matches(['"', '\'']);
                if !word(key.trim()) || value.contains(['"', '\\', ']', '[']) {
                    return None;
                }
                css.push(format!("[{}=\"{value}\"]", key.trim()));
            }
        }
    }
    let mut query = Query::named("css", css.concat());
    query.attribute = attribute.map(str::to_owned);
    Some(match counted {
        Some(count) => query.filter(count),
        None => query,
    })
}

/// The whole text of a line for notes.
pub(super) fn shown(line: &str) -> String {
    let line: String = line.trim().chars().take(80).collect();
    format!("`{line}`")
}

/// A literal text as what an assertion compares a body with.
pub(super) fn same_body(text: Text) -> Expect {
    Expect::new(Query::plain("body"), "equals", Tree::Text(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::hurl::lines;

    #[test]
    fn assertions_in_our_words() {
        for (line, expected) in [
            ("status == 200", "{ status = true } equals = 200"),
            (
                "jsonpath \"$.a\" count >= 3",
                "{ jsonpath = \"$.a\", filter = \"count\" } at_least = 3",
            ),
            ("jsonpath \"$.a\" not exists", "{ jsonpath = \"$.a\" } exists = false"),
            (
                "cookie \"sid[HttpOnly]\" exists",
                "{ cookie = \"sid\", attribute = \"http_only\" } exists = true",
            ),
            ("duration < 1500", "{ duration = true } below = \"1500ms\""),
            (
                "header \"x\" split \",\" nth 1 toInt == 5",
                "{ header = \"x\", filter = [{ split = \",\" }, { nth = 1 }, \"to_integer\"] } equals = 5",
            ),
            ("body matches /a\\/b+/", "{ body = true } matches = \"a/b+\""),
            (
                "certificate \"Expire-Date\" daysAfterNow > 15",
                "{ certificate = \"expires_in_days\" } above = 15",
            ),
            (
                "xpath \"string(//head/title)\" == \"Shop\"",
                "{ css = \"head > title\" } equals = \"Shop\"",
            ),
            (
                "xpath \"//meta[@name='c']/@content\" isString",
                "{ css = 'meta[name=\"c\"]', attribute = \"content\" } is_text = true",
            ),
            ("version == \"2\"", "{ version = true } equals = \"HTTP/2\""),
            ("sha256 == hex,00FF;", "{ sha256 = true } equals = \"00ff\""),
            ("bytes count == 3", "{ bytes = true, filter = \"length\" } equals = 3"),
            ("jsonpath \"$.id\" == {{id}}", "{ jsonpath = \"$.id\" } equals = \"{{id}}\""),
        ] {
            let words = lines::words(line).unwrap();
            let expect = Words::new(&words).assertion().unwrap_or_else(|e| panic!("{line}: {e}"));
            let (key, value) = &expect.predicates[0];
            let query = Tree::Table(expect.query.members()).inline();
            assert_eq!(format!("{query} {key} = {}", value.inline()), expected, "{line}");
        }
        for (line, expected) in [
            ("md5 == hex,00;", "there is no query `md5`"),
            ("xpath \"//a[contains(.,'x')]\" exists", "`xpath` is not known here"),
            ("body toHex == \"x\"", "there is no filter `toHex`"),
            ("jsonpath \"$.a\" == null", "there is no null"),
            ("status isOdd", "there is no predicate `isOdd`"),
        ] {
            let words = lines::words(line).unwrap();
            let error = Words::new(&words).assertion().unwrap_err();
            assert!(error.starts_with(expected), "{line}: {error}");
        }
    }
}
