//! The words of actions: one function and one line in [`WORDS`] for each.

use serde_json::Value;

use super::{Words, key, locator, schema, wait};
use crate::{
    config::{hint, journey::http, names::NameOf, page::Note, reader::Reader, value::Entry},
    model::{
        Attachment, BrowserAction, Choice, MouseButton, ScrollTo, StorageArea, Text, WindowChoice,
    },
};

type Lower = fn(&Entry<'_>, &mut Words<'_>) -> Option<BrowserAction>;

/// An action: its word, how it is read, and what editors are told of it.
type Word = (&'static str, Lower, fn() -> Value);

/// All actions.
const WORDS: &[Word] = &[
    ("open", open, schema::open),
    ("click", click, schema::click),
    ("type", type_text, schema::type_text),
    ("press", press, schema::press),
    ("select", select, schema::select),
    ("check", check, schema::element),
    ("uncheck", uncheck, schema::element),
    ("hover", hover, schema::element),
    ("scroll", scroll, schema::scroll),
    ("upload", upload, schema::upload),
    ("wait", wait_for, schema::wait),
    ("frame", frame, schema::frame),
    ("window", window, schema::window),
    ("dialog", dialog, schema::dialog),
    ("script", script, schema::script),
    ("screenshot", screenshot, schema::screenshot),
    ("back", back, schema::back),
    ("forward", forward, schema::forward),
    ("reload", reload, schema::reload),
    ("cookie", cookie, schema::cookie),
    ("storage", storage, schema::storage),
    ("session_storage", session_storage, schema::storage),
];

/// What other programs call actions, and what to write here.
const MEANT: &[(&str, &str)] = &[
    ("fill", "did you mean `type`?"),
    ("input", "did you mean `type`?"),
    ("send_keys", "did you mean `type`?"),
    ("set", "did you mean `type`?"),
    ("clear", "write `{ type = { label = \"…\", text = \"\" } }`"),
    ("goto", "did you mean `open`?"),
    ("visit", "did you mean `open`?"),
    ("navigate", "did you mean `open`?"),
    ("url", "did you mean `open`?"),
    ("tap", "did you mean `click`?"),
    ("doubleclick", "write `{ click = { …, count = 2 } }`"),
    ("double_click", "write `{ click = { …, count = 2 } }`"),
    ("dblclick", "write `{ click = { …, count = 2 } }`"),
    ("right_click", "write `{ click = { …, button = \"right\" } }`"),
    ("sleep", "write `{ wait = { time = \"300ms\" } }`"),
    ("pause", "write `{ wait = { time = \"300ms\" } }`"),
    ("wait_for", "did you mean `wait`?"),
    ("expect", "what must hold stands in `[step.expect]` or `[[step.assert]]`, after the actions"),
    ("assert", "what must hold stands in `[[step.assert]]`, after the actions"),
    ("capture", "what is kept stands in `[step.capture]`"),
    ("submit", "click the button, or write `{ press = \"Enter\" }`"),
    ("focus", "write `{ click = { … } }`, or `{ press = { key = \"Tab\" } }`"),
    ("evaluate", "did you mean `script`?"),
    ("execute", "did you mean `script`?"),
    ("iframe", "did you mean `frame`?"),
    ("tab", "did you mean `window`?"),
    ("alert", "did you mean `dialog`?"),
    ("local_storage", "did you mean `storage`?"),
    ("drag", "there is no word for it: say it with `script`"),
];

/// Lowers one element of `do`: a table with one word.
pub(super) fn lower(item: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    if let Some(text) = item.value.as_str() {
        let note = item.fault(format!("`{}` is not an action", text.escape_debug()));
        let help = "an action is a table with one word: `{ click = { text = \"Buy\" } }`";
        return item.refuse(note.label("a text, not a table").help(help));
    }
    let table = item.table("an action")?;
    let mut known: Vec<(Entry<'_>, &Lower)> = WORDS
        .iter()
        .filter_map(|(word, lower, _)| table.take(word).map(|entry| (entry, lower)))
        .collect();
    known.sort_by_key(|(entry, _)| entry.key_span.start);
    let entries = table.entries();
    let stranger = entries.iter().find(|entry| !known.iter().any(|(e, _)| e.key == entry.key));
    if stranger.is_none() {
        table.finish();
    }
    match (&known[..], stranger) {
        ([(entry, lower)], None) => lower(entry, words),
        ([(first, _), (second, _), ..], _) => two(&table, first, second),
        ([(word, _)], Some(beside)) => {
            let key = beside.key.escape_debug();
            let note = Note::new(beside.key_span.clone(), format!("`{key}` beside `{}`", word.key));
            table.note(
                note.label("an action has one word")
                    .help(format!("write it within: {{ {} = {{ …, {key} = … }} }}", word.key)),
            );
            None
        }
        ([], Some(word)) => unknown(word),
        ([], None) => {
            table.note(table.fault("an action without a word").label("does nothing"));
            None
        }
    }
}

/// What editors are told of each action, by its word.
pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    WORDS.iter().map(|(word, _, schema)| (*word, schema())).collect()
}

fn two<T>(table: &Reader<'_>, first: &Entry<'_>, second: &Entry<'_>) -> Option<T> {
    let note = Note::new(second.key_span.clone(), "two words in one action");
    table.note(note.label(format!("besides `{}`", first.key)).help(format!(
        "actions are done in order, each in a table of its own: {{ {} = … }}, {{ {} = … }}",
        first.key, second.key
    )));
    None
}

fn unknown<T>(entry: &Entry<'_>) -> Option<T> {
    let lower = entry.key.to_lowercase();
    let plain = lower.replace('-', "_");
    let meant = MEANT
        .iter()
        .find(|(word, _)| *word == plain || word.replace('_', "") == plain.replace('_', ""));
    let words = WORDS.iter().map(|(word, ..)| *word);
    let help = match meant {
        Some((_, help)) => Some((*help).to_owned()),
        None => hint::advice(entry.key, words),
    };
    let said = format!("there is no action `{}`", entry.key.escape_debug());
    let note = Note::new(entry.key_span.clone(), said);
    entry.refuse(note.label("not an action").maybe_help(help))
}

/// One of a few words.
fn word<T: Copy>(entry: &Entry<'_>, words: &[(&str, T)]) -> Option<T> {
    let text = entry.text()?;
    let found = words.iter().find(|(word, _)| *word == text.value);
    found.map(|(_, value)| *value).or_else(|| {
        let said = format!("`{}` cannot be `{}`", entry.key, text.value.escape_debug());
        let help = hint::advice(&text.value, words.iter().map(|(word, _)| *word));
        entry.refuse(entry.fault(said).label("not known here").maybe_help(help))
    })
}

fn open(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    let url = http::url(entry)?;
    Some(BrowserAction::Open(words.keep(url)))
}

fn click(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    const BUTTONS: [(&str, MouseButton); 3] = [
        ("left", MouseButton::Left),
        ("middle", MouseButton::Middle),
        ("right", MouseButton::Right),
    ];
    let table = locator::table_of(entry)?;
    let button = table.take("button").map(|entry| word(&entry, &BUTTONS));
    let count = table.take("count").map(|entry| entry.count(1..3));
    let target = locator::of_table(&table, &["button", "count"], words);
    table.finish();
    let button = button.unwrap_or(Some(MouseButton::Left));
    let count = count.map_or(Some(1), |count| count.map(|at| at.value));
    Some(BrowserAction::Click {
        target: target?,
        button: button?,
        count: u32::try_from(count?).unwrap_or(1),
    })
}

fn type_text(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    let table = locator::table_of(entry)?;
    let text = table.take("text").map(|entry| words.scalar(&entry));
    let append = table.boolean("append").is_some_and(|append| append.value);
    let target = locator::of_table(&table, &["text", "append"], words);
    table.finish();
    if text.is_none() && target.is_some() {
        let note = table.fault("`type` does not say what is typed").label("no `text` here");
        let help = "add `text = \"…\"`; an empty text clears the field";
        table.note(note.help(help).derived());
    }
    Some(BrowserAction::Type { target: target?, text: text??, append })
}

fn press(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    if !entry.value.is_table() {
        let key = key::lower(entry)?;
        return Some(BrowserAction::Press { key, target: None });
    }
    let table = entry.table("press")?;
    table.require("key", "key = \"Enter\"");
    let key = table.take("key").and_then(|entry| key::lower(&entry));
    let target = if locator::is_said(&table) {
        locator::of_table(&table, &["key"], words).map(Some)
    } else {
        Some(None)
    };
    table.finish();
    Some(BrowserAction::Press { key: key?, target: target? })
}

fn select(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    let table = locator::table_of(entry)?;
    let option = table.take("option").map(|entry| words.scalar(&entry).map(Choice::Label));
    let value = table.take("value").map(|entry| words.scalar(&entry).map(Choice::Value));
    let target = locator::of_table(&table, &["option", "value"], words);
    table.finish();
    let option = match (option, value) {
        (Some(option), None) => option,
        (None, Some(value)) => value,
        (both, _) => {
            if both.is_some() || target.is_some() {
                let what = if both.is_some() { "says both" } else { "needs one of" };
                let note = table.fault(format!("`select` {what} `option` and `value`"));
                table.note(
                    note.label("one of `option`, `value`")
                        .help("`option` is what people read in the list, `value` what is sent")
                        .derived(),
                );
            }
            None
        }
    };
    Some(BrowserAction::Select { target: target?, option: option? })
}

fn check(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    locator::entry_alone(entry, words).map(|target| BrowserAction::Check { target, on: true })
}

fn uncheck(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    locator::entry_alone(entry, words).map(|target| BrowserAction::Check { target, on: false })
}

fn hover(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    locator::entry_alone(entry, words).map(BrowserAction::Hover)
}

fn scroll(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    let to = match entry.value.as_str() {
        Some("top") => ScrollTo::Top,
        Some("bottom") => ScrollTo::Bottom,
        _ => ScrollTo::Element(locator::entry_alone(entry, words)?),
    };
    Some(BrowserAction::Scroll(to))
}

fn upload(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    let table = locator::table_of(entry)?;
    let file = table.take("file");
    let several = table.take("files");
    let target = locator::of_table(&table, &["file", "files"], words);
    table.finish();
    let named = match (file, several) {
        (Some(file), None) => vec![file],
        (None, Some(files)) => files.elements("a list of files")?,
        (both, _) => {
            if both.is_some() || target.is_some() {
                let what = if both.is_some() { "says both" } else { "needs one of" };
                let note = table.fault(format!("`upload` {what} `file` and `files`"));
                table.note(note.label("one of `file`, `files`").derived());
            }
            return None;
        }
    };
    if named.is_empty() {
        table.note(table.fault("`upload` uploads nothing").label("no file in `files`"));
        return None;
    }
    let attached = |entry: &Entry<'_>| {
        entry.attached().map(|file| Attachment::new(file.value.name, file.value.bytes))
    };
    // All are read, so that all that are missing are told.
    let files: Vec<Option<Attachment>> = named.iter().map(attached).collect();
    let files = files.into_iter().collect::<Option<Vec<_>>>();
    Some(BrowserAction::Upload { target: target?, files: files? })
}

fn wait_for(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    wait::lower(entry, words).map(BrowserAction::Wait)
}

fn frame(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    if entry.value.as_str() == Some("top") {
        return Some(BrowserAction::Frame(None));
    }
    if entry.value.is_str() {
        let note = entry.fault("`frame` does not say which frame").label("not known here");
        let help =
            "write `{ frame = { css = \"iframe\" } }`, and `{ frame = \"top\" }` to leave it";
        return entry.refuse(note.help(help));
    }
    locator::entry_alone(entry, words).map(|target| BrowserAction::Frame(Some(target)))
}

fn window(entry: &Entry<'_>, _: &mut Words<'_>) -> Option<BrowserAction> {
    const WINDOWS: [(&str, WindowChoice); 3] = [
        ("new", WindowChoice::Newest),
        ("first", WindowChoice::First),
        ("close", WindowChoice::Close),
    ];
    word(entry, &WINDOWS).map(BrowserAction::Window)
}

fn dialog(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    if entry.value.is_table() {
        let table = entry.table("dialog")?;
        table.require("answer", "answer = \"Jo\"");
        let answer = table.take("answer").and_then(|entry| words.scalar(&entry));
        table.finish();
        return Some(BrowserAction::Dialog { accept: true, answer: Some(answer?) });
    }
    let accept = word(entry, &[("accept", true), ("dismiss", false)])?;
    Some(BrowserAction::Dialog { accept, answer: None })
}

fn script(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    words.text(entry).map(BrowserAction::Script)
}

fn screenshot(entry: &Entry<'_>, _: &mut Words<'_>) -> Option<BrowserAction> {
    entry.name(NameOf::Step).map(|name| BrowserAction::Screenshot(name.value))
}

/// A word that needs nothing more.
fn plain(entry: &Entry<'_>, action: BrowserAction) -> Option<BrowserAction> {
    if entry.boolean()?.value {
        return Some(action);
    }
    let note = entry.fault(format!("`{}` cannot be false", entry.key)).label("does nothing");
    entry.refuse(note.help(format!("write `{} = true`, or leave it out", entry.key)))
}

fn back(entry: &Entry<'_>, _: &mut Words<'_>) -> Option<BrowserAction> {
    plain(entry, BrowserAction::Back)
}

fn forward(entry: &Entry<'_>, _: &mut Words<'_>) -> Option<BrowserAction> {
    plain(entry, BrowserAction::Forward)
}

fn reload(entry: &Entry<'_>, _: &mut Words<'_>) -> Option<BrowserAction> {
    plain(entry, BrowserAction::Reload)
}

fn cookie(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    let table = entry.table("cookie")?;
    table.require("name", "name = \"consent\"");
    table.require("value", "value = \"yes\"");
    let name = table.take("name").and_then(|entry| words.text(&entry));
    let value = table.take("value").and_then(|entry| words.scalar(&entry));
    let domain = table.take("domain").and_then(|entry| words.text(&entry));
    let path = table.take("path").and_then(|entry| words.text(&entry));
    table.finish();
    Some(BrowserAction::Cookie { name: name?, value: value?, domain, path })
}

fn storage(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    stored(entry, StorageArea::Local, words)
}

fn session_storage(entry: &Entry<'_>, words: &mut Words<'_>) -> Option<BrowserAction> {
    stored(entry, StorageArea::Session, words)
}

fn stored(entry: &Entry<'_>, area: StorageArea, words: &mut Words<'_>) -> Option<BrowserAction> {
    let table = entry.table(entry.key)?;
    let entries: Vec<(String, Option<Text>)> =
        table.entries().iter().map(|entry| (entry.key.to_owned(), words.scalar(entry))).collect();
    if entries.is_empty() {
        let note = table.fault(format!("`{}` stores nothing", entry.key)).label("nothing in it");
        table.note(note.help(format!("write `{{ {} = {{ seen = \"yes\" }} }}`", entry.key)));
        return None;
    }
    let entries =
        entries.into_iter().map(|(key, text)| Some((key, text?))).collect::<Option<_>>()?;
    Some(BrowserAction::Storage { area, entries })
}
