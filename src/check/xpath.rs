//! Whether a browser would read an `XPath`: the grammar of W3C `XPath` 1.0, sections 2 and 3.

use super::selector::Misread;

/// How deep brackets may stand in each other.
const DEEPEST: usize = 40;

/// Section 2.2.
const AXES: [&str; 13] = [
    "ancestor",
    "ancestor-or-self",
    "attribute",
    "child",
    "descendant",
    "descendant-or-self",
    "following",
    "following-sibling",
    "namespace",
    "parent",
    "preceding",
    "preceding-sibling",
    "self",
];

/// Section 4.
const FUNCTIONS: [&str; 27] = [
    "last",
    "position",
    "count",
    "id",
    "local-name",
    "namespace-uri",
    "name",
    "string",
    "concat",
    "starts-with",
    "contains",
    "substring-before",
    "substring-after",
    "substring",
    "string-length",
    "normalize-space",
    "translate",
    "boolean",
    "not",
    "true",
    "false",
    "lang",
    "number",
    "sum",
    "floor",
    "ceiling",
    "round",
];

/// Tests of nodes that look like functions.
const NODES: [&str; 4] = ["comment", "text", "processing-instruction", "node"];

/// What later versions have, and what does it in this one.
const LATER: [(&str, &str); 5] = [
    ("ends-with", "write `substring(…, string-length(…) - 2) = 'end'`, or find it otherwise"),
    (
        "lower-case",
        "write `translate(…, 'ABC…', 'abc…')`, or find it by `text`, which does not look at case",
    ),
    (
        "upper-case",
        "write `translate(…, 'abc…', 'ABC…')`, or find it by `text`, which does not look at case",
    ),
    ("matches", "write `contains(…)`, or find it otherwise"),
    ("exists", "write the path alone: it is true where it finds something"),
];

/// Why a browser would not read an `XPath`.
pub fn xpath_fault(xpath: &str) -> Option<Misread> {
    let misread = |Wrong { at, what, help }: Wrong| {
        let rest: String = xpath.get(at..).unwrap_or_default().chars().take(20).collect();
        let place = if rest.is_empty() { "at its end".to_owned() } else { format!("at `{rest}`") };
        Misread { message: format!("the XPath cannot be read {place}: {what}"), help }
    };
    let tokens = match tokens(xpath) {
        Ok(tokens) => tokens,
        Err(wrong) => return Some(misread(wrong)),
    };
    let mut parser = Parser { tokens, next: 0, end: xpath.len(), depth: 0 };
    let read = parser.expression().and_then(|()| match parser.peek() {
        None => Ok(()),
        Some(_) => Err(parser.wrong("nothing more can stand here")),
    });
    read.err().map(misread)
}

/// Where it goes wrong, in bytes, and how.
struct Wrong {
    at: usize,
    what: String,
    help: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token<'t> {
    /// A number or a text in quotes.
    Value,
    Variable,
    Name(&'t str),
    Sign(&'t str),
}

/// The longest first.
const SIGNS: [&str; 22] = [
    "::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=",
    "<", ">", "*", "$",
];

/// The tokens with their places (section 3.7).
fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, Wrong> {
    let mut found = Vec::new();
    let mut at = 0;
    let is_name = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if c == '"' || c == '\'' {
            let close = rest[1..].find(c).ok_or_else(|| Wrong {
                at,
                what: "the quote is not closed".to_owned(),
                help: None,
            })?;
            found.push((at, Token::Value));
            close + 2
        } else if c.is_ascii_digit()
            || c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            found.push((at, Token::Value));
            rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len())
        } else if c.is_alphabetic() || c == '_' {
            let mut end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
            // `svg:path` and `svg:*` are one name; `child::p` is not.
            if let Some(local) = rest[end..].strip_prefix(':').filter(|more| !more.starts_with(':'))
            {
                let more = local.find(|c: char| !is_name(c)).unwrap_or(local.len());
                end += 1 + if local.starts_with('*') { 1 } else { more };
            }
            found.push((at, Token::Name(&rest[..end])));
            end
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            if *sign == "$" {
                let end =
                    rest[1..].find(|c: char| !is_name(c) && c != ':').map_or(rest.len(), |e| e + 1);
                found.push((at, Token::Variable));
                end
            } else {
                found.push((at, Token::Sign(sign)));
                sign.len()
            }
        } else {
            let what = format!("`{}` has no meaning here", c.escape_debug());
            return Err(Wrong { at, what, help: None });
        };
        at += length;
    }
    Ok(found)
}

struct Parser<'t> {
    tokens: Vec<(usize, Token<'t>)>,
    next: usize,
    end: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn after(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.next + 1).map(|(_, token)| token)
    }

    fn wrong(&self, what: impl Into<String>) -> Wrong {
        let at = self.tokens.get(self.next).map_or(self.end, |(at, _)| *at);
        Wrong { at, what: what.into(), help: None }
    }

    fn takes(&mut self, signs: &[&str]) -> bool {
        let there = matches!(self.peek(), Some(Token::Sign(sign)) if signs.contains(sign));
        self.next += usize::from(there);
        there
    }

    fn needs(&mut self, sign: &str) -> Result<(), Wrong> {
        if self.takes(&[sign]) { Ok(()) } else { Err(self.wrong(format!("`{sign}` is missing"))) }
    }

    /// All operators alike: which binds closer alters the meaning, not whether it can be read.
    fn expression(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong(format!("it is nested deeper than {DEEPEST} levels")));
        }
        loop {
            while self.takes(&["-"]) {}
            self.path()?;
            let word = matches!(self.peek(), Some(Token::Name("and" | "or" | "div" | "mod")));
            self.next += usize::from(word);
            let signs = ["|", "+", "-", "=", "!=", "<", "<=", ">", ">=", "*"];
            if !word && !self.takes(&signs) {
                self.depth -= 1;
                return Ok(());
            }
        }
    }

    fn path(&mut self) -> Result<(), Wrong> {
        let call = match (self.peek(), self.after()) {
            (Some(Token::Name(name)), Some(Token::Sign("("))) => !NODES.contains(name),
            _ => false,
        };
        if call {
            self.call()?;
        } else if matches!(self.peek(), Some(Token::Value | Token::Variable)) {
            self.next += 1;
        } else if self.takes(&["("]) {
            self.expression()?;
            self.needs(")")?;
        } else {
            return self.location();
        }
        self.predicates()?;
        if self.takes(&["/", "//"]) { self.steps() } else { Ok(()) }
    }

    fn call(&mut self) -> Result<(), Wrong> {
        if let Some(Token::Name(name)) = self.peek().cloned()
            && !FUNCTIONS.contains(&name)
        {
            let later = LATER.iter().find(|(known, _)| *known == name).map(|(_, help)| *help);
            let near = FUNCTIONS.iter().map(|f| (strsim::damerau_levenshtein(f, name), f)).min();
            let near = near.filter(|(distance, _)| *distance <= (name.len() / 3).max(1));
            let help = later
                .map(str::to_owned)
                .or_else(|| near.map(|(_, near)| format!("did you mean `{near}()`?")));
            let what = format!("XPath 1.0, which browsers know, has no function `{name}`");
            return Err(Wrong { help, ..self.wrong(what) });
        }
        self.next += 2;
        if self.takes(&[")"]) {
            return Ok(());
        }
        loop {
            self.expression()?;
            if !self.takes(&[","]) {
                return self.needs(")");
            }
        }
    }

    fn location(&mut self) -> Result<(), Wrong> {
        if self.takes(&["/"]) {
            let more = match self.peek() {
                Some(Token::Name(_)) => true,
                Some(Token::Sign(sign)) => ["*", "@", ".", ".."].contains(sign),
                _ => false,
            };
            return if more { self.steps() } else { Ok(()) };
        }
        self.takes(&["//"]);
        self.steps()
    }

    fn steps(&mut self) -> Result<(), Wrong> {
        loop {
            self.step()?;
            if !self.takes(&["/", "//"]) {
                return Ok(());
            }
        }
    }

    fn step(&mut self) -> Result<(), Wrong> {
        if self.takes(&[".", ".."]) {
            return Ok(());
        }
        if let (Some(Token::Name(axis)), Some(Token::Sign("::"))) =
            (self.peek().cloned(), self.after())
        {
            if !AXES.contains(&axis) {
                let near = AXES.iter().map(|a| (strsim::damerau_levenshtein(a, axis), a)).min();
                let help = near.map(|(_, near)| format!("did you mean `{near}`?"));
                return Err(Wrong { help, ..self.wrong(format!("there is no axis `{axis}`")) });
            }
            self.next += 2;
        } else {
            self.takes(&["@"]);
        }
        match self.peek().cloned() {
            Some(Token::Sign("*")) => self.next += 1,
            Some(Token::Name(name)) => {
                self.next += 1;
                if NODES.contains(&name) && self.takes(&["("]) {
                    self.next += usize::from(matches!(self.peek(), Some(Token::Value)));
                    self.needs(")")?;
                }
            }
            _ => return Err(self.wrong("the name of an element is missing")),
        }
        self.predicates()
    }

    fn predicates(&mut self) -> Result<(), Wrong> {
        while self.takes(&["["]) {
            self.expression()?;
            self.needs("]")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_browsers_read_is_good() {
        for xpath in [
            "/",
            "//tr[2]",
            "//button[contains(., 'Buy')]",
            "(//a)[last()]/@href",
            "//*[@id=\"x\"]/div[2]/span[1]",
            "//div[@class='a' and not(contains(@style, 'none'))]",
            "../following-sibling::td[position() > 1]",
            "//svg:path | //*[local-name()='path']",
            "count(//li) * 2 - 1 = 3",
            "//a[normalize-space(text())='x'][1]",
            "id('x')//p",
            "//div[.//text()[contains(., 'x')]]",
            "*[* or div]",
            "/html/body//processing-instruction('x')",
        ] {
            assert_eq!(xpath_fault(xpath), None, "{xpath}");
        }
    }

    #[test]
    fn what_they_do_not_read_is_told() {
        for (xpath, part) in [
            ("//div[", "at its end"),
            ("//div[@id='x]", "quote"),
            ("//", "name of an element"),
            ("//div]", "at `]`"),
            ("//a[ends-with(@href, 'x')]", "no function `ends-with`"),
            ("//a[contain(., 'x')]", "no function `contain`"),
            ("following-siblings::a", "no axis"),
            ("//div[@class=#a]", "`#`"),
            ("//a//", "at its end"),
            ("", "at its end"),
        ] {
            let misread = xpath_fault(xpath).unwrap();
            assert!(misread.message.contains(part), "{xpath}: {misread:?}");
        }
        assert!(xpath_fault(&"(".repeat(10_000)).unwrap().message.contains("nested deeper"));
        assert!(xpath_fault("//a[contain(.)]").unwrap().help.unwrap().contains("contains()"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\PC()/@*:.'\"\\[\\]a-z ]{0,30}") {
            xpath_fault(&text);
            super::super::selector_fault(&text);
        }
    }
}
