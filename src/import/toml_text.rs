//! Keys, texts and numbers as TOML writes them.

/// A key: bare where it can be.
pub(super) fn key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { one_line(key) }
}

/// A text, in whichever quotes read best.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A text that must stand on one line, as keys do.
pub(super) fn one_line(text: &str) -> String {
    let plain = |c: char| !c.is_control() && c != '"' && c != '\\';
    if text.chars().all(plain) {
        return format!("\"{text}\"");
    }
    if !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A number in JSON's spelling, as TOML writes it: `1E5` needs no dot in either, but TOML wants digits on both sides of one.
pub(super) fn number(number: &str) -> String {
    number.replace('E', "e")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(name in "\\PC{0,8}|[\\x00-\\x7f]{0,8}", text in "(\\PC|[\\x00-\\x7f]){0,24}") {
            let line = format!("{} = {{ x = [{}, {}] }}", key(&name), quoted(&text), one_line(&text));
            let table: toml::Table = toml::from_str(&line).unwrap_or_else(|e| panic!("{line}\n{e}"));
            for at in 0..2 {
                prop_assert_eq!(table[&name]["x"][at].as_str(), Some(text.as_str()));
            }
        }
    }
}
