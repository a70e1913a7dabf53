//! Recordings of Chrome's developer tools ("Recorder", export as JSON): what a person did, page by page, for a real browser.

mod keys;
mod recording;
mod selector;

use url::Url;

use super::{
    draft::{Draft, Step},
    fault::ImportError,
    formats::Importer,
    imported::Options,
    names, secrets,
    text::{Piece, Text},
    tree::Tree,
    vault::{is_key_by_form, looks_random},
};
use keys::{Down, Keyboard};
use recording::{Recorded, Recording};
use selector::{Found, Use, best};

pub(super) const IMPORTER: Importer = Importer { name: "recorder", detects, read };

/// What recordings begin with.
const KINDS: [&str; 5] = ["setViewport", "navigate", "click", "change", "emulateNetworkConditions"];

/// Words for passwords in languages that fields are often labelled in.
const PASSWORDS: [&str; 8] = [
    "passwort",
    "kennwort",
    "contraseña",
    "mot de passe",
    "senha",
    "parola d'ordine",
    "wachtwoord",
    "lösenord",
];

fn detects(_: &str, head: &str) -> bool {
    let begin: String = head.chars().filter(|c| !c.is_whitespace()).take(8000).collect();
    begin.starts_with('{')
        && begin.contains("\"steps\":[{")
        && KINDS.iter().any(|kind| begin.contains(&format!("\"type\":\"{kind}\"")))
}

fn read(text: &str, _: &Options) -> Result<Draft, ImportError> {
    let recording: Recording = serde_json::from_str(text)
        .map_err(|error| ImportError::json("a recording of Chrome's Recorder", &error))?;
    let origin = "a recording by the Recorder of Chrome's developer tools".to_owned();
    let mut reader = Reader {
        draft: Draft { origin, title: recording.title, browser: true, ..Draft::default() },
        ..Reader::default()
    };
    let all = recording.steps.len();
    for (at, json) in recording.steps.into_iter().enumerate() {
        match serde_json::from_value::<Recorded>(json) {
            Ok(step) => reader.step(&step),
            Err(_) => reader
                .draft
                .unsupported(format!("recorded step {}", at + 1), "it is none that can be read"),
        }
    }
    reader.end_step();
    let mut draft = reader.draft;
    let actions: usize = draft.steps.iter().map(|step| step.actions.len()).sum();
    let opened = draft.steps.iter().filter(|step| !step.url.is_empty()).count();
    draft.share =
        format!("{} actions of {all} recorded, in {} steps", actions + opened, draft.steps.len());
    if draft.steps.first().is_some_and(|step| step.url.is_empty()) {
        draft.look("the first step", "the recording opens no page: say which with `open`");
        if let Some(first) = draft.steps.first_mut() {
            first.url = Text::name("base_url");
        }
    }
    Ok(draft)
}

/// The reading of a recording.
#[derive(Default)]
struct Reader {
    draft: Draft,
    /// The actions on the present page.
    now: Step,
    /// Whether any of them fills something, and whether any sends it off.
    fills: bool,
    sends: bool,
    signs_in: bool,
    keyboard: Keyboard,
    /// The element clicked last, if nothing came after.
    clicked: Option<Vec<(String, Tree)>>,
    /// Where the actions happen: the way to a frame, and whether it is another window.
    frame: Vec<u32>,
    elsewhere: bool,
    /// A key that only moves the focus, if the next action does that itself.
    tab: bool,
}

impl Reader {
    fn step(&mut self, step: &Recorded) {
        match step.kind.as_str() {
            "setViewport" => self.viewport(step),
            "emulateNetworkConditions" => self.network(step),
            "navigate" => self.navigate(step),
            "click" | "doubleClick" => self.click(step),
            "change" => self.change(step),
            "hover" => self.on_element(step, "hover"),
            "keyDown" => self.key_down(step),
            "keyUp" => self.keyboard.up(step.key.as_deref().unwrap_or_default()),
            "waitForElement" => self.wait_for_element(step),
            "waitForExpression" => self.wait_for_expression(step),
            "scroll" => self.draft.left_out(
                "scrolling",
                "what is acted upon is scrolled to by itself; write `{ scroll = \"bottom\" }` where a page loads more",
            ),
            "close" if step.elsewhere() => {
                self.place(step);
                self.act("window", Tree::text("close"));
                (self.elsewhere, self.frame) = (false, Vec::new());
            }
            "close" => {}
            "customStep" => {
                let name = step.name.clone().unwrap_or_default();
                self.draft.unsupported(format!("custom step `{}`", names::step(&name)), "only its program knows it");
            }
            other => {
                let kind: String = other.chars().take(40).collect();
                self.draft.unsupported(format!("a step of type `{kind}`"), "not known here");
            }
        }
        if !matches!(step.kind.as_str(), "navigate" | "setViewport") && step.navigation().is_some()
        {
            self.arrive(step);
        }
    }

    /// Adds an action to the present step.
    fn act(&mut self, word: &str, value: Tree) {
        if std::mem::take(&mut self.tab) {
            let moves = matches!(value, Tree::Table(_)) && word != "wait";
            if moves {
                self.draft.left_out("the key Tab", "the next action finds its element itself");
            } else {
                self.now.actions.push(("press".to_owned(), Tree::text("Tab")));
            }
        }
        self.clicked = None;
        self.now.actions.push((word.to_owned(), value));
    }

    /// Ends the present step, if anything is in it.
    fn end_step(&mut self) {
        if std::mem::take(&mut self.tab) {
            self.draft.left_out("the key Tab", "nothing comes after it");
        }
        self.clicked = None;
        let mut step = std::mem::take(&mut self.now);
        let (fills, sends) = (std::mem::take(&mut self.fills), std::mem::take(&mut self.sends));
        let signs_in = std::mem::take(&mut self.signs_in);
        if step.actions.is_empty() && step.url.is_empty() {
            return;
        }
        if signs_in {
            step.name = "sign in".to_owned();
        } else if step.name.is_empty() {
            step.name = "go on".to_owned();
        }
        let asks = names::words(&step.name)
            .iter()
            .any(|w| matches!(w.as_str(), "search" | "find" | "filter"));
        if fills && sends && !signs_in && !asks {
            step.keys.push(("effect".to_owned(), Tree::Bool(true)));
        }
        step.method = "GET".to_owned();
        self.draft.steps.push(step);
    }

    fn navigate(&mut self, step: &Recorded) {
        self.end_step();
        (self.elsewhere, self.frame) = (false, Vec::new());
        let url = step.url.clone().unwrap_or_default();
        match Url::parse(&url) {
            Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => {
                self.now.url = self.address(&parsed, &url);
                self.now.name = names::of_request("GET", parsed.path(), true, false);
                self.end_step();
            }
            Ok(parsed) if matches!(parsed.scheme(), "about" | "chrome" | "data") => {
                self.draft
                    .left_out(format!("a page of {}:", parsed.scheme()), "is no address of a site");
            }
            _ => self.draft.unsupported("a navigation", "it leads to no address that can be read"),
        }
    }

    /// An address; what is secret in its query becomes a reference.
    fn address(&mut self, parsed: &Url, url: &str) -> Text {
        let Some((path, query)) = url.split_once('?') else { return Text::plain(url) };
        let mut text = Text::plain(format!("{path}?"));
        let (query, fragment) = query.split_once('#').map_or((query, None), |(q, f)| (q, Some(f)));
        for (at, raw) in query.split('&').enumerate() {
            let between = if at > 0 { "&" } else { "" };
            let pair = parsed.query_pairs().nth(at).filter(|(_, value)| !value.is_empty());
            let key = raw.split_once('=').map_or(raw, |(key, _)| key);
            match pair {
                Some((name, value)) if secrets::is_secret_key(&name) || is_key_by_form(&value) => {
                    let place = format!("`{}` of an address", names::step(&name));
                    let kept = self.draft.vault.keep(&value, &name, &place);
                    text.push(Piece::Plain(format!("{between}{key}=")));
                    text.push(Piece::Encoded(kept));
                }
                _ => text.push(Piece::Plain(format!("{between}{raw}"))),
            }
        }
        if let Some(fragment) = fragment {
            text.push(Piece::Plain(format!("#{fragment}")));
        }
        text
    }

    /// The page that came of the last action: it is waited for, and a new step begins.
    fn arrive(&mut self, step: &Recorded) {
        let Some(event) = step.navigation() else { return };
        let url = event.url.as_deref().and_then(|url| Url::parse(url).ok());
        if let Some(path) = url.as_ref().and_then(stable_path) {
            self.act("wait", Tree::one("url", Tree::text(path)));
        } else if let Some(title) = event.title.as_deref().filter(|title| !title.trim().is_empty())
        {
            self.act("wait", Tree::one("title", Tree::text(title.trim())));
        }
        self.end_step();
    }

    /// The element of a step, with what leads to its window and frame.
    fn element(&mut self, step: &Recorded, used: Use) -> Option<Found> {
        let Some(found) = best(&step.selectors, used) else {
            let what = format!("a step of type `{}`", step.kind);
            self.draft.unsupported(what, "it has no selector that can be read");
            return None;
        };
        self.place(step);
        Some(found)
    }

    fn place(&mut self, step: &Recorded) {
        if step.elsewhere() != self.elsewhere {
            self.elsewhere = step.elsewhere();
            self.frame.clear();
            self.act("window", Tree::text(if self.elsewhere { "new" } else { "first" }));
            if self.elsewhere {
                self.draft.look(
                    "`window = \"new\"`",
                    "the recording goes on elsewhere: in a new window, or in a frame of another site, which is `frame = { css = \"iframe\" }`",
                );
            }
        }
        let frame = step.frame.clone().unwrap_or_default();
        if frame != self.frame {
            if !self.frame.is_empty() {
                self.act("frame", Tree::text("top"));
            }
            for number in &frame {
                let css = ("css".to_owned(), Tree::text("iframe, frame"));
                let nth = ("nth".to_owned(), Tree::number(number));
                self.act("frame", Tree::Table(vec![css, nth]));
            }
            self.frame = frame;
        }
    }

    fn on_element(&mut self, step: &Recorded, word: &str) {
        if let Some(found) = self.element(step, Use::Any) {
            self.act(word, Tree::Table(found.members));
        }
    }

    fn click(&mut self, step: &Recorded) {
        let Some(found) = self.element(step, Use::Any) else { return };
        let mut members = found.members;
        let filled = best(&step.selectors, Use::Filled).map(|found| found.members);
        if let Some(called) = &found.called {
            self.now.name = names::step(&called.chars().take(40).collect::<String>());
        }
        if step.kind == "doubleClick" {
            members.push(("count".to_owned(), Tree::number(2)));
        }
        match step.button.as_deref() {
            Some("secondary") => members.push(("button".to_owned(), Tree::text("right"))),
            Some("auxiliary") => members.push(("button".to_owned(), Tree::text("middle"))),
            Some("back" | "forward") => {
                self.draft.unsupported("a click with a side button", "write `{ back = true }`");
                return;
            }
            _ => {}
        }
        let before = self.now.actions.len();
        self.act("click", Tree::Table(members));
        self.sends |= self.fills;
        if self.now.actions.len() == before + 1 {
            self.clicked = filled;
        }
    }

    fn change(&mut self, step: &Recorded) {
        let clicked = self.clicked.clone();
        let Some(found) = self.element(step, Use::Filled) else { return };
        // A click into the field before is part of filling it.
        if clicked.is_some_and(|clicked| clicked == found.members)
            && self.now.actions.last().is_some_and(|(word, _)| word == "click")
        {
            self.now.actions.pop();
            if found.called.as_deref() == Some(self.now.name.as_str()) {
                self.now.name.clear();
            }
        }
        self.fills = true;
        let value = step.value.clone().unwrap_or_default();
        let mut members = found.members.clone();
        if let Some(file) = value.strip_prefix("C:\\fakepath\\") {
            members.push(("file".to_owned(), Tree::text(file)));
            self.draft.look(format!("the file {file}"), "put it beside the journey");
            self.draft.files.push(file.to_owned());
            return self.act("upload", Tree::Table(members));
        }
        let secret = is_password(&found) || is_key_by_form(&value);
        let text = if secret && !value.is_empty() {
            let called = found.called.clone().unwrap_or_else(|| "password".to_owned());
            self.signs_in |= is_password(&found);
            let wanted = if is_password(&found) { "password" } else { "key" };
            let place = format!("the field `{}`", names::step(&called));
            Text::name(self.draft.vault.keep(&value, wanted, &place))
        } else {
            Text::plain(value)
        };
        if found.tag.as_deref() == Some("select") {
            members.push(("value".to_owned(), Tree::Text(text)));
            return self.act("select", Tree::Table(members));
        }
        members.push(("text".to_owned(), Tree::Text(text)));
        self.act("type", Tree::Table(members));
    }

    fn key_down(&mut self, step: &Recorded) {
        let key = step.key.as_deref().unwrap_or_default();
        match self.keyboard.down(key) {
            Down::Held => {}
            Down::Pressed(key) if key == "Tab" => self.tab = true,
            Down::Pressed(key) => {
                self.sends |= self.fills && key == "Enter";
                self.place(step);
                self.act("press", Tree::text(key));
            }
            Down::Unknown => {
                let key: String = key.chars().filter(|c| !c.is_control()).take(30).collect();
                self.draft.unsupported(format!("the key `{key}`"), "a journey has no name for it");
            }
        }
    }

    fn wait_for_element(&mut self, step: &Recorded) {
        let operator = step.operator.as_deref().unwrap_or("==");
        let count = step.count.unwrap_or(1);
        if operator == "<=" && count > 0 {
            let what = format!("waiting until there are at most {count} elements");
            return self.draft.unsupported(what, "write it with `wait = { script = … }`");
        }
        let Some(found) = self.element(step, Use::Any) else { return };
        let mut members = found.members;
        let hidden = count == 0 && operator != ">=" || step.visible == Some(false);
        let mut wait = if hidden {
            vec![("hidden".to_owned(), Tree::Table(members))]
        } else {
            if count > 1 {
                members.push(("nth".to_owned(), Tree::number(count - 1)));
            }
            members
        };
        wait.extend(longest(step));
        self.act("wait", Tree::Table(wait));
    }

    fn wait_for_expression(&mut self, step: &Recorded) {
        let expression =
            step.expression.as_deref().unwrap_or_default().trim().trim_end_matches(';');
        if expression.is_empty() {
            return self.draft.unsupported("waiting for an expression", "there is none");
        }
        self.place(step);
        let mut wait = vec![("script".to_owned(), Tree::text(format!("return {expression}")))];
        wait.extend(longest(step));
        self.act("wait", Tree::Table(wait));
    }

    fn viewport(&mut self, step: &Recorded) {
        if !self.draft.device.is_empty() {
            return self.draft.left_out("another size of the window", "a journey has one");
        }
        let side =
            |side: Option<f64>, usual: f64| side.unwrap_or(usual).clamp(100.0, 7680.0).round();
        let (width, height) = (side(step.width, 1280.0), side(step.height, 800.0));
        let device = &mut self.draft.device;
        device.push(("window".to_owned(), Tree::text(format!("{width}x{height}"))));
        if step.is_mobile {
            device.push(("mobile".to_owned(), Tree::Bool(true)));
        }
        if let Some(scale) = step.device_scale_factor.filter(|s| (0.5..=5.0).contains(s))
            && (step.is_mobile || scale.to_bits() != 1.0_f64.to_bits())
        {
            device.push(("scale".to_owned(), Tree::number(scale)));
        }
    }

    fn network(&mut self, step: &Recorded) {
        if step.download == Some(0.0) && step.upload == Some(0.0) {
            return self.draft.unsupported("being offline", "a journey has no word for it");
        }
        let mut members = Vec::new();
        if let Some(latency) = step.latency.filter(|ms| (0.5..60_000.0).contains(ms)) {
            members.push(("latency".to_owned(), Tree::text(format!("{}ms", latency.round()))));
        }
        for (key, rate) in [("down", step.download), ("up", step.upload)] {
            if let Some(rate) = rate.filter(|rate| (1.0..1e12).contains(rate)) {
                members.push((key.to_owned(), Tree::text(format!("{}B/s", rate.round()))));
            }
        }
        self.draft.device.retain(|(key, _)| key != "network");
        if !members.is_empty() {
            self.draft.device.push(("network".to_owned(), Tree::Table(members)));
        }
    }
}

/// `for = "10s"`, where the recording says how long a wait may take.
fn longest(step: &Recorded) -> Option<(String, Tree)> {
    let ms = step.timeout.filter(|ms| (1.0..=60_000.0).contains(ms))?;
    let text = if ms % 1000.0 < 0.5 {
        format!("{}s", (ms / 1000.0).floor())
    } else {
        format!("{}ms", ms.round())
    };
    Some(("for".to_owned(), Tree::text(text)))
}

/// Whether a field takes a password, by all that names it.
fn is_password(found: &Found) -> bool {
    let lower = found.words.to_lowercase();
    if PASSWORDS.iter().any(|word| lower.contains(word)) || lower.contains("type=\"password\"") {
        return true;
    }
    let words = names::words(&found.words);
    words.iter().any(|word| {
        matches!(
            word.trim_end_matches(|c: char| c.is_ascii_digit()),
            "password"
                | "passwd"
                | "passphrase"
                | "pwd"
                | "passcode"
                | "otp"
                | "pin"
                | "cvv"
                | "cvc"
        )
    })
}

/// The path of a page up to what may be another one next time; none where nothing is left of it.
fn stable_path(url: &Url) -> Option<String> {
    let mut path = String::new();
    for segment in url.path_segments()? {
        let digits = segment.bytes().filter(u8::is_ascii_digit).count();
        if digits >= 3 || looks_random(segment) || segment.contains('%') {
            break;
        }
        path.push('/');
        path.push_str(segment);
    }
    (path.len() > 1).then_some(path)
}
