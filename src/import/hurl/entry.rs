//! One entry of a hurl file: a request and what is asked of its response.

use super::{
    body, broken,
    expression::{Words, same_body, shown},
    is_request, is_response,
    lines::{pair, value, without_comment, words},
    options,
};
use crate::import::{
    draft::{Auth, Body, Capture, Content, Draft, Expect, Part, Query, Step},
    fault::ImportError,
    graphql, headers, names,
    text::{Piece, Text},
    tree::Tree,
    url_parts,
};

/// Reads from the request's line on; gives the line behind the entry.
pub(super) fn read(
    lines: &[&str],
    from: usize,
    comments: Vec<String>,
    draft: &mut Draft,
) -> Result<usize, ImportError> {
    let line = without_comment(lines[from]).trim();
    let (method, url) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let mut url = value(url);
    let begins = matches!(url.0.first(), Some(Piece::Plain(first)) if !first.contains("://"));
    if begins {
        url.0.insert(0, Piece::Plain("http://".to_owned()));
    }
    let (url, query) = url_parts::template(url);
    let mut step = Step { method: method.to_owned(), url, query, comments, ..Step::default() };
    let mut reader = Reader { lines, at: from + 1, follows: false };
    reader.request(&mut step, draft)?;
    let answered = reader.at < lines.len() && is_response(lines[reader.at].trim());
    if answered {
        reader.response(&mut step, draft)?;
    }
    typed(&mut step);
    let redirect = step.expects.iter().any(|expect| {
        expect.query == Query::plain("status")
            && matches!(&expect.predicates[..], [(_, Tree::Number(n))] if n.starts_with('3'))
    });
    if !reader.follows && !redirect {
        step.http.push(("redirects".to_owned(), Tree::number(0)));
    }
    if step.says(options::SKIP) {
        draft.left_out(format!("line {}", from + 1), "skipped by its options");
    } else {
        draft.steps.push(step);
    }
    Ok(reader.at)
}

/// A body that is JSON by its content, or by its header, is written as such.
fn typed(step: &mut Step) {
    let media = step.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let media = media.and_then(|(_, text)| text.as_plain()).map(str::to_owned);
    if let (Body::Text(text), Some(media)) = (&step.body, media) {
        if media.contains("json")
            && let Some(tree) = Tree::parse(text)
        {
            step.body = graphql::of_json(tree);
        } else if media.starts_with("application/x-www-form-urlencoded")
            && let Some(pairs) = url_parts::template_pairs(text)
        {
            step.body = Body::Form(pairs);
        }
    }
}

struct Reader<'l> {
    lines: &'l [&'l str],
    at: usize,
    /// Redirects are followed.
    follows: bool,
}

impl<'l> Reader<'l> {
    /// The next line that says something, not read yet.
    fn peek(&mut self) -> Option<&'l str> {
        while let Some(line) = self.lines.get(self.at) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                return Some(line);
            }
            self.at += 1;
        }
        None
    }

    /// Whether a line begins the next part.
    fn ends(line: &str) -> bool {
        is_request(without_comment(line)) || is_response(line)
    }

    /// The lines of a section.
    fn section(&mut self) -> Vec<&'l str> {
        let mut found = Vec::new();
        while let Some(line) = self.peek() {
            if Self::ends(line) || (line.starts_with('[') && is_section(line)) || body::begins(line)
            {
                break;
            }
            found.push(line);
            self.at += 1;
        }
        found
    }

    fn request(&mut self, step: &mut Step, draft: &mut Draft) -> Result<(), ImportError> {
        while let Some(line) = self.peek() {
            if Self::ends(line) {
                return Ok(());
            }
            if let Some(name) = section_name(line) {
                self.at += 1;
                let lines = self.section();
                self.request_section(name, &lines, step, draft);
            } else if body::begins(line) {
                let (body, next) = body::read(self.lines, self.at, draft)?;
                step.body = body;
                self.at = next;
            } else if let Some((name, text)) = pair(line) {
                self.at += 1;
                let plain = text.as_plain().unwrap_or_default();
                if headers::is_sendable(&name, plain) {
                    step.headers.push((name.to_ascii_lowercase(), text));
                } else {
                    draft.unsupported("a header", "it has characters that no header can have");
                }
            } else {
                return Err(broken(self.at, "a header, a section, a body or `HTTP` was expected"));
            }
        }
        Ok(())
    }

    fn request_section(&mut self, name: &str, lines: &[&str], step: &mut Step, draft: &mut Draft) {
        let pairs: Vec<(String, Text)> = lines.iter().filter_map(|line| pair(line)).collect();
        match name {
            "QueryStringParams" | "Query" => step.query.extend(pairs),
            "FormParams" | "Form" => step.body = Body::Form(pairs),
            "MultipartFormData" | "Multipart" => {
                step.body =
                    Body::Multipart(pairs.into_iter().map(|pair| part(pair, draft)).collect());
            }
            "Cookies" => {
                let mut text = Text::default();
                for (at, (name, value)) in pairs.into_iter().enumerate() {
                    let before = if at == 0 { "" } else { "; " };
                    text.push(Piece::Plain(format!("{before}{name}=")));
                    value.0.into_iter().for_each(|piece| text.push(piece));
                }
                step.headers.push(("cookie".to_owned(), text));
            }
            "BasicAuth" => {
                if let Some((user, password)) = pairs.into_iter().next() {
                    let fields = vec![
                        ("user".to_owned(), super::lines::template(&user, false)),
                        ("password".to_owned(), password),
                    ];
                    step.auth = Some(Auth("basic", fields));
                }
            }
            "Options" => self.follows |= options::read(pairs, step, draft),
            other => draft.unsupported(format!("[{other}]"), "not a section that is known here"),
        }
    }

    fn response(&mut self, step: &mut Step, draft: &mut Draft) -> Result<(), ImportError> {
        let line = without_comment(self.lines[self.at]).trim();
        self.at += 1;
        let mut words = line.split_whitespace();
        let version = words.next().and_then(|first| first.strip_prefix("HTTP/"));
        if let Some(version) = version {
            step.expects.push(Expect::new(
                Query::plain("version"),
                "equals",
                Tree::text(format!("HTTP/{version}")),
            ));
        }
        match words.next() {
            Some(status) if status.parse::<u16>().is_ok() => {
                step.expects
                    .insert(0, Expect::new(Query::plain("status"), "equals", Tree::number(status)));
            }
            // Any status is good: ours would want a good one unless told otherwise.
            _ => step
                .expects
                .insert(0, Expect::new(Query::plain("status"), "at_least", Tree::number(100))),
        }
        while let Some(line) = self.peek() {
            if is_request(without_comment(line)) {
                break;
            }
            if let Some(name) = section_name(line) {
                self.at += 1;
                let lines = self.section();
                match name {
                    "Captures" => captures(&lines, step, draft),
                    "Asserts" => asserts(&lines, step, draft),
                    other => {
                        draft.unsupported(format!("[{other}]"), "not a section that is known here")
                    }
                }
            } else if body::begins(line) {
                let (body, next) = body::read(self.lines, self.at, draft)?;
                self.at = next;
                expected_body(body, step, draft);
            } else if let Some((name, text)) = pair(line) {
                self.at += 1;
                let query = Query::named("header", name.to_ascii_lowercase());
                step.expects.push(Expect::new(query, "equals", Tree::Text(text)));
            } else {
                return Err(broken(self.at, "a header, a section or a body was expected"));
            }
        }
        Ok(())
    }
}

fn section_name(line: &str) -> Option<&str> {
    let line = without_comment(line).trim();
    line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|_| is_section(line))
}

/// `[Captures]`, not `[1, 2]`.
fn is_section(line: &str) -> bool {
    let line = without_comment(line).trim();
    line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|name| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphabetic())
            && !matches!(name, "true" | "false" | "null")
    })
}

/// `name: text`, or `name: file,photo.png; image/png`.
fn part((name, value): (String, Text), draft: &mut Draft) -> Part {
    let file = value.as_plain().and_then(|plain| plain.strip_prefix("file,"));
    let Some(file) = file else { return Part { name, content: Content::Text(value), media: None } };
    let (file, media) = file.split_once(';').unwrap_or((file, ""));
    let media = media.trim();
    let short = file.trim().rsplit('/').next().unwrap_or_default().to_owned();
    draft.look(format!("the file {short}"), "put it beside the journey");
    Part {
        name,
        content: Content::File(short),
        media: (!media.is_empty()).then(|| media.to_owned()),
    }
}

fn captures(lines: &[&str], step: &mut Step, draft: &mut Draft) {
    for line in lines {
        let Some((name, rest)) = without_comment(line).split_once(':') else { continue };
        let (rest, secret) = match rest.trim().strip_suffix("redact") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let query = words(rest).ok_or_else(|| "a quote is left open".to_owned());
        let query = query.and_then(|words| {
            let mut words = Words::new(&words);
            words.query()
        });
        match query {
            Ok(query) => {
                let name = names::variable(name.trim());
                let secret = secret || crate::import::secrets::is_secret_key(&name);
                step.captures.retain(|capture| capture.name != name);
                step.captures.push(Capture { name, query, secret });
            }
            Err(why) => draft.unsupported(shown(line), why),
        }
    }
}

fn asserts(lines: &[&str], step: &mut Step, draft: &mut Draft) {
    for line in lines {
        let read = words(line).ok_or_else(|| "a quote is left open".to_owned());
        match read.and_then(|words| Words::new(&words).assertion()) {
            Ok(expect) => {
                // What the line `HTTP *` said is said better here.
                if expect.query == Query::plain("status") {
                    step.expects.retain(|known| {
                        known.query != expect.query || known.predicates[0].0 != "at_least"
                    });
                }
                step.expects.push(expect);
            }
            Err(why) => draft.unsupported(shown(line), why),
        }
    }
}

/// The body that a response must have: text, or JSON member by member.
fn expected_body(body: Body, step: &mut Step, draft: &mut Draft) {
    match body {
        Body::Text(text) => step.expects.push(same_body(text)),
        Body::Json(tree) => {
            let mut left = 40usize;
            members(&tree, "$", step, &mut left);
            draft.look("an expected body of JSON", "its texts, numbers and truth values are asserted one by one, members beyond them are not refused");
        }
        _ => draft.unsupported("an expected body", "bytes and files cannot be compared with"),
    }
}

fn members(tree: &Tree, path: &str, step: &mut Step, left: &mut usize) {
    match tree {
        Tree::Table(members_of) => {
            for (key, value) in members_of {
                let bare = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                let quoted = key.replace('\\', "\\\\").replace('\'', "\\'");
                let path =
                    if bare { format!("{path}.{key}") } else { format!("{path}['{quoted}']") };
                members(value, &path, step, left);
            }
        }
        Tree::List(items) => {
            for (at, value) in items.iter().enumerate() {
                members(value, &format!("{path}[{at}]"), step, left);
            }
        }
        Tree::Text(_) | Tree::Number(_) | Tree::Bool(_) if *left > 0 && tree.is_toml() => {
            *left -= 1;
            step.expects.push(Expect::new(Query::named("jsonpath", path), "equals", tree.clone()));
        }
        _ => {}
    }
}
