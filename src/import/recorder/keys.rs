//! Keys that go down and up, as presses: `Control` down, `a` down, both up is `Control+a`.

use crate::model::KEYS;

/// Those that are held while others are pressed.
const HELD: [&str; 4] = ["Shift", "Control", "Alt", "Meta"];

/// The keys that are down.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    held: Vec<&'static str>,
}

/// What a key that went down does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Down {
    /// It is held.
    Held,
    /// It is pressed, as a journey writes it.
    Pressed(String),
    /// A journey has no name for it.
    Unknown,
}

impl Keyboard {
    /// A key goes down.
    pub(super) fn down(&mut self, key: &str) -> Down {
        let name = name(key);
        if let Some(held) = HELD.iter().find(|held| **held == name) {
            if !self.held.contains(held) {
                self.held.push(held);
            }
            return Down::Held;
        }
        let one = name.chars().count() == 1 && !name.chars().any(char::is_control);
        if !one && !KEYS.iter().any(|(known, _)| *known == name) {
            return Down::Unknown;
        }
        // With Shift a character was recorded as what it gave.
        let held = self.held.iter().filter(|held| !(one && **held == "Shift"));
        let mut keys: Vec<&str> = held.copied().collect();
        keys.push(&name);
        Down::Pressed(keys.join("+"))
    }

    /// A key goes up.
    pub(super) fn up(&mut self, key: &str) {
        let name = name(key);
        self.held.retain(|held| *held != name);
    }
}

/// The name of a key, where the recording says its place on the keyboard.
fn name(key: &str) -> String {
    for held in HELD {
        if key.strip_prefix(held).is_some_and(|side| matches!(side, "" | "Left" | "Right")) {
            return held.to_owned();
        }
    }
    let place = key.strip_prefix("Key").or_else(|| key.strip_prefix("Digit"));
    if let Some(c) = place.filter(|c| c.len() == 1) {
        return c.to_lowercase();
    }
    match key {
        " " => "Space",
        "\r" | "\n" | "NumpadEnter" | "Return" => "Enter",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presses_come_of_downs_and_ups() {
        let mut keyboard = Keyboard::default();
        let pressed = |key: &str| Down::Pressed(key.to_owned());
        assert_eq!(keyboard.down("ControlLeft"), Down::Held);
        assert_eq!(keyboard.down("a"), pressed("Control+a"));
        assert_eq!(keyboard.down("Shift"), Down::Held);
        assert_eq!(keyboard.down("ArrowLeft"), pressed("Control+Shift+ArrowLeft"));
        keyboard.up("ControlLeft");
        assert_eq!(keyboard.down("A"), pressed("A"));
        keyboard.up("ShiftLeft");
        for (key, expected) in [
            ("Enter", pressed("Enter")),
            ("\r", pressed("Enter")),
            (" ", pressed("Space")),
            ("KeyQ", pressed("q")),
            ("MediaStop", Down::Unknown),
            ("", Down::Unknown),
        ] {
            assert_eq!(keyboard.down(key), expected, "{key:?}");
        }
    }
}
