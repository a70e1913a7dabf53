//! The keys of `press`, by the names of UI Events: `Enter`, `Control+a`.

use crate::{
    config::{hint, value::Entry},
    model::KEYS,
};

/// The first keys of [`KEYS`] are held.
const HELD: usize = 4;

/// What people call keys whose name is another one.
const MEANT: [(&str, &str); 22] = [
    ("ctrl", "Control"),
    ("cmd", "Meta"),
    ("command", "Meta"),
    ("super", "Meta"),
    ("win", "Meta"),
    ("windows", "Meta"),
    ("option", "Alt"),
    ("opt", "Alt"),
    ("altgraph", "Alt"),
    ("esc", "Escape"),
    ("return", "Enter"),
    ("del", "Delete"),
    ("ins", "Insert"),
    ("spacebar", "Space"),
    ("up", "ArrowUp"),
    ("down", "ArrowDown"),
    ("left", "ArrowLeft"),
    ("right", "ArrowRight"),
    ("pgup", "PageUp"),
    ("pgdn", "PageDown"),
    ("pgdown", "PageDown"),
    ("plus", "+"),
];

/// Reads one key, with those that are held while it is pressed.
pub(super) fn lower(entry: &Entry<'_>) -> Option<String> {
    // A blank alone is a key.
    let text = entry.any_text()?.value;
    let parts = parts(&text);
    let Some((last, held)) = parts.split_last().filter(|_| !text.is_empty()) else {
        return entry.refuse(entry.fault(format!("`{}` presses nothing", entry.key)));
    };
    if let Some(part) = parts.iter().find(|part| !is_key(part)) {
        let note = entry.fault(format!("there is no key `{}`", part.escape_debug()));
        let meant = MEANT.iter().find(|(word, _)| *word == part.to_lowercase());
        let near = || hint::nearest(part, KEYS.map(|(name, _)| name));
        let help = match meant.map(|(_, key)| *key).or_else(near) {
            Some(key) => format!("did you mean `{key}`?"),
            None if parts.len() == 1 => format!(
                "one key has one character or a name such as `Enter`; to write a text: {{ type = {{ label = \"…\", text = \"{}\" }} }}",
                part.escape_debug()
            ),
            None => "a key has one character, or a name such as `Enter` or `ArrowDown`".to_owned(),
        };
        return entry.refuse(note.label("not a key").help(help));
    }
    let is_held = |part: &&&str| KEYS[..HELD].iter().any(|(name, _)| *name == **part);
    if let Some(part) = held.iter().find(|part| !is_held(part)) {
        let note = entry.fault(format!("`{part}` cannot be held while `{last}` is pressed"));
        return entry.refuse(
            note.label("not a key that is held")
                .help("Shift, Control, Alt and Meta are; write one `press` for each other key"),
        );
    }
    Some(text)
}

/// The keys between the plus signs, of which the last may be one itself: `Control++`.
fn parts(text: &str) -> Vec<&str> {
    match text.strip_suffix('+') {
        Some("") => vec!["+"],
        Some(rest) if rest.ends_with('+') => {
            rest[..rest.len() - 1].split('+').chain(["+"]).collect()
        }
        _ => text.split('+').collect(),
    }
}

fn is_key(part: &str) -> bool {
    let mut chars = part.chars();
    let one = chars.next().is_some_and(|c| !c.is_control()) && chars.next().is_none();
    one || KEYS.iter().any(|(name, _)| *name == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_between_plus_signs() {
        for (text, expected) in [
            ("a", vec!["a"]),
            ("+", vec!["+"]),
            ("Control+a", vec!["Control", "a"]),
            ("Control++", vec!["Control", "+"]),
            ("Control+Shift+ArrowLeft", vec!["Control", "Shift", "ArrowLeft"]),
            ("Control+", vec!["Control", ""]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
        assert!(is_key("ä") && is_key(" ") && !is_key("") && !is_key("ab"));
    }
}
