//! Words of a shell's command line, as `bash` and `cmd.exe` read them; nothing is run.

use std::{iter::Peekable, str::Chars};

use crate::import::{
    names,
    text::{Piece, Text},
};

/// What a script says, command by command.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) commands: Vec<Vec<Text>>,
    /// Things that were left out, in words.
    pub(super) ignored: Vec<String>,
}

/// Reads a script.
pub(super) fn read(text: &str) -> Script {
    let cmd = text.contains("^\"") || text.contains("^\n") || text.contains("^\r\n");
    let plain = if cmd { without_carets(text) } else { text.to_owned() };
    let mut lexer = Lexer {
        chars: plain.chars().peekable(),
        script: Script::default(),
        words: Vec::new(),
        word: None,
        variables: !cmd,
    };
    lexer.run();
    lexer.script
}

/// `cmd.exe` escapes by carets, at line ends too.
fn without_carets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '^' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('\r') => {
                chars.next_if_eq(&'\n');
                out.push(' ');
            }
            Some('\n') => out.push(' '),
            Some(escaped) => out.push(escaped),
            None => {}
        }
    }
    out
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    script: Script,
    words: Vec<Text>,
    word: Option<Text>,
    /// Whether `$` means a variable.
    variables: bool,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => match self.chars.next() {
                    Some('\r') => {
                        self.chars.next_if_eq(&'\n');
                    }
                    Some('\n') | None => {}
                    Some(escaped) => self.put(escaped),
                },
                '\'' => self.single(),
                '"' => self.double(),
                '$' if self.variables => self.dollar(false),
                '`' if self.variables => self.command('`'),
                '#' if self.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
                '\n' | ';' => self.end_command(),
                '|' => {
                    self.end_command();
                    self.pipe();
                }
                '&' => {
                    self.chars.next_if_eq(&'&');
                    self.end_command();
                }
                '>' | '<' => self.redirection(),
                c if c.is_whitespace() => self.end_word(),
                c => self.put(c),
            }
        }
        self.end_command();
    }

    fn put(&mut self, c: char) {
        self.word.get_or_insert_default().push(Piece::Plain(c.to_string()));
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.script.commands.push(std::mem::take(&mut self.words));
        }
    }

    fn single(&mut self) {
        self.word.get_or_insert_default();
        let mut text = String::new();
        while let Some(c) = self.chars.next_if(|c| *c != '\'') {
            text.push(c);
        }
        self.chars.next();
        self.word.get_or_insert_default().push(Piece::Plain(text));
    }

    fn double(&mut self) {
        self.word.get_or_insert_default();
        while let Some(c) = self.chars.next() {
            match c {
                '"' => return,
                '\\' => match self.chars.next() {
                    Some('\n') | None => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.put(c),
                    Some(c) => {
                        self.put('\\');
                        self.put(c);
                    }
                },
                '$' if self.variables => self.dollar(true),
                '`' if self.variables => self.command('`'),
                c => self.put(c),
            }
        }
    }

    /// `$NAME`, `${NAME}`, `$(command)`, and outside of quotes `$'text'`.
    fn dollar(&mut self, quoted: bool) {
        match self.chars.peek().copied() {
            Some('\'') if !quoted => {
                self.chars.next();
                self.escaped();
            }
            Some('{') => {
                self.chars.next();
                let mut name = String::new();
                while let Some(c) = self.chars.next_if(|c| *c != '}') {
                    name.push(c);
                }
                self.chars.next();
                let word = |c: char| c.is_alphanumeric() || c == '_';
                let end = name.find(|c| !word(c)).unwrap_or(name.len());
                self.variable(&name[..end]);
            }
            Some('(') => {
                self.chars.next();
                self.command(')');
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                self.variable(&name);
            }
            _ => self.put('$'),
        }
    }

    fn variable(&mut self, name: &str) {
        let name = names::variable(&name.to_lowercase());
        self.word.get_or_insert_default().push(Piece::Name(name));
    }

    /// What a command would print stands for a variable.
    fn command(&mut self, end: char) {
        let mut inside = String::new();
        let mut depth = 1;
        for c in self.chars.by_ref() {
            match c {
                '(' if end == ')' => depth += 1,
                c if c == end => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            inside.push(c);
        }
        let program = inside.split_whitespace().next().unwrap_or("command");
        let name = names::variable(&format!("{}_output", program.to_lowercase()));
        self.script.ignored.push(format!("$({program} …), it is `{{{{{name}}}}}` now"));
        self.word.get_or_insert_default().push(Piece::Name(name));
    }

    /// `$'…'` with the escapes of C.
    fn escaped(&mut self) {
        self.word.get_or_insert_default();
        while let Some(c) = self.chars.next() {
            match c {
                '\'' => return,
                '\\' => {
                    let escaped = self.escape();
                    if let Some(c) = escaped {
                        self.put(c);
                    }
                }
                c => self.put(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        Some(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '0' => '\0',
            'x' => return self.code(2),
            'u' => {
                let high = self.number(4)?;
                // Chrome writes what lies above U+FFFF as two halves.
                if (0xD800..0xDC00).contains(&high) && self.chars.next_if_eq(&'\\').is_some() {
                    self.chars.next();
                    let low = self.number(4)?;
                    let code =
                        0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
                    return char::from_u32(code);
                }
                return Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            'U' => return self.code(8),
            c => c,
        })
    }

    fn code(&mut self, digits: usize) -> Option<char> {
        self.number(digits).map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn number(&mut self, digits: usize) -> Option<u32> {
        let mut code: Option<u32> = None;
        for _ in 0..digits {
            let Some(c) = self.chars.next_if(char::is_ascii_hexdigit) else { break };
            let digit = c.to_digit(16)?;
            code = Some(code.unwrap_or(0).wrapping_mul(16).wrapping_add(digit));
        }
        code
    }

    /// What the answer is piped into is of no use to a journey.
    fn pipe(&mut self) {
        if self.chars.next_if_eq(&'|').is_some() {
            return;
        }
        let mut rest = String::new();
        while let Some(c) = self.chars.next_if(|c| !matches!(c, '\n' | ';')) {
            rest.push(c);
        }
        let program = rest.split_whitespace().next().unwrap_or_default();
        self.script.ignored.push(format!("| {program}"));
    }

    /// `> file` and its like; the file is passed over.
    fn redirection(&mut self) {
        let number = self.word.as_ref().and_then(Text::as_plain).map(|plain| plain.parse::<u8>());
        if matches!(number, Some(Ok(_))) {
            self.word = None;
        }
        self.end_word();
        while self.chars.next_if(|c| matches!(c, '>' | '<' | '&' | ' ' | '\t')).is_some() {}
        while self.chars.next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '|')).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        let script = read(text);
        let shown = |command: &Vec<Text>| command.iter().map(Text::template).collect();
        script.commands.iter().map(shown).collect()
    }

    #[test]
    fn words_as_shells_read_them() {
        for (text, expected) in [
            (r#"curl 'a b' "c\"d" e\ f"#, vec!["curl", "a b", "c\"d", "e f"]),
            ("curl \\\n  -H 'x: y' \\\r\n z", vec!["curl", "-H", "x: y", "z"]),
            (r"curl $'a\'b\u00e9\ud83d\ude00\x21\n'", vec!["curl", "a'bé😀!\n"]),
            ("curl \"$API_KEY/${Id:-1}\" '$x'", vec!["curl", "{{api_key}}/{{id}}", "$x"]),
            ("curl a > out.txt 2>&1 # comment", vec!["curl", "a"]),
            (
                "curl ^\"https://x/?a=^%^41^\" ^\r\n  -H ^\"a: ^\\^\"b^\\^\"^\"",
                vec!["curl", "https://x/?a=%41", "-H", "a: \"b\""],
            ),
            ("curl ''", vec!["curl", ""]),
            ("curl 'open", vec!["curl", "open"]),
        ] {
            assert_eq!(words(text), [expected], "{text}");
        }
        assert_eq!(words("curl a; curl b && curl c\ncurl d | jq .x").len(), 4);
        assert_eq!(read("curl $(cat token)").ignored.len(), 1);
    }
}
