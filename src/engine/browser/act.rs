//! What a browser step does, one action after the other.
//!
//! Clicks and keys are the driver's, so that the page gets what it gets of a visitor; the script in the page has waited for the element until
//! it can be used, and does what a driver cannot or does worse (dates, colours, lists, files).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::{
    clock::Cause,
    evidence::{self, Why},
    keys,
    locate::Sought,
    session::Refused,
    tab::{Limit, Tab, net_error, network_trouble, plain},
};
use crate::{
    check,
    engine::{
        fault::Trouble,
        http::{Crumb, Session},
        vars::Variables,
    },
    model::{
        Attachment, BrowserAction, By, Choice, Condition, FaultKind, Locator, MouseButton,
        ScrollTo, StorageArea, Text,
    },
};

/// The name of an element's reference (W3C WebDriver, section 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Texts from here on are written as if pasted: a driver types some hundred letters a second.
const LONG: usize = 300;

/// `Delete`, as WebDriver writes it.
const DELETE: &str = "\u{E017}";

/// What actions need of the run.
pub(super) struct Around<'a> {
    pub(super) session: &'a mut Session,
    pub(super) vars: &'a mut Variables,
    /// The cookies that the browser has.
    pub(super) given: &'a mut Vec<Crumb>,
}

/// An element that was found.
struct Found {
    /// Its reference.
    reference: Value,
    answer: Value,
    limit: Limit,
}

impl Found {
    fn id(&self) -> &str {
        self.reference[ELEMENT].as_str().unwrap_or_default()
    }
}

impl Tab<'_> {
    /// Does one thing.
    pub(super) async fn act(
        &mut self,
        action: &BrowserAction,
        around: &mut Around<'_>,
    ) -> Result<(), Trouble> {
        use BrowserAction as A;
        if self.wall.instant() >= self.stop {
            return Err(self.too_late());
        }
        self.bound_loads().await?;
        let vars = &*around.vars;
        match action {
            A::Open(url) => return self.open(url, around).await,
            A::Click { target, button: MouseButton::Left, count: 1 } => {
                self.click(target, "click", vars).await?;
                return self.shown_page();
            }
            A::Click { target, button, count } => {
                self.press_button(target, *button, *count, vars).await?;
            }
            A::Type { target, text, append } => self.enter(target, text, *append, vars).await?,
            A::Press { key, target } => self.press(key, target.as_ref(), vars).await?,
            A::Select { target, option } => self.select(target, option, vars).await?,
            A::Check { target, on } => self.check(target, *on, vars).await?,
            A::Hover(target) => {
                let found = self.find(target, "hover", None, vars).await?;
                self.point(&found, json!([])).await?;
            }
            A::Scroll(to) => self.scroll(to, vars).await?,
            A::Upload { target, files } => {
                let files: Vec<Value> = files.iter().map(file).collect();
                let deed = json!({ "name": "files", "files": files });
                self.find(target, "upload", Some(deed), vars).await?;
            }
            A::Wait(wait) => return self.wait(wait, vars).await,
            A::Frame(frame) => return self.frame(frame.as_ref(), vars).await,
            A::Window(choice) => return self.window(*choice).await,
            A::Dialog { accept, answer } => {
                return self.dialog(*accept, answer.as_ref(), vars).await;
            }
            A::Script(text) => self.run(text, vars).await?,
            A::Screenshot(name) => {
                let why = Why::Asked(name);
                evidence::take(self.browser, self.seen, why, vars.mask(), self.stop).await;
                return Ok(());
            }
            A::Back | A::Forward | A::Reload => return self.travel(action).await,
            A::Cookie { name, value, domain, path } => {
                let place = [domain.as_ref(), path.as_ref()];
                return self.set_cookie([name, value], place, vars).await;
            }
            A::Storage { area, entries } => return self.store(*area, entries, vars).await,
        }
        self.touch().await;
        self.shown_page()
    }

    /// Fails where the browser shows a page of its own instead of the site's.
    fn shown_page(&self) -> Result<(), Trouble> {
        let error = self.clock.last().error.as_deref();
        error.map_or(Ok(()), |error| Err(network_trouble(error, "")))
    }

    /// Goes to a page and waits for its load event.
    async fn open(&mut self, url: &Text, around: &mut Around<'_>) -> Result<(), Trouble> {
        let vars = &*around.vars;
        let filled = vars.fill_to_send(url)?;
        let parsed = match Url::parse(&filled) {
            Ok(parsed)
                if matches!(parsed.scheme(), "http" | "https") || filled == "about:blank" =>
            {
                parsed
            }
            Ok(_) => {
                let message = format!("\"{filled}\" is no page of http or https");
                return Err(vars.impossible(url, message));
            }
            Err(error) => {
                let message = format!("\"{filled}\" is not a URL: {error}");
                return Err(vars.impossible(url, message));
            }
        };
        let allowed = around.session.may_ask(&parsed);
        allowed.map_err(|why| vars.blame(url, FaultKind::Guard, why))?;
        let page = parsed.to_string();
        self.load(&page).await?;
        if self.give_site_cookies(&parsed, &around.session.jar).await? {
            self.load(&page).await?;
        }
        Ok(())
    }

    async fn load(&mut self, page: &str) -> Result<(), Trouble> {
        let began = self.wall.instant();
        let asked = self.command_until(
            Method::POST,
            "url",
            Some(json!({ "url": page })),
            self.stop + std::time::Duration::from_secs(1),
        );
        let told = asked.await;
        self.windows.in_frame = false;
        self.cause = Cause::Opened;
        match told {
            Ok(_) => {}
            Err(Refused::Late) => {
                self.clock.waited(self.wall.instant().saturating_duration_since(began));
                let late = self.deadline.name.clone();
                let message = format!("{page} did not finish loading before {late}");
                return Err(Trouble::target(FaultKind::Timeout, message));
            }
            Err(Refused::Page { message, .. }) if net_error(&message).is_some() => {
                self.clock.waited(self.wall.instant().saturating_duration_since(began));
                return Err(network_trouble(net_error(&message).unwrap_or_default(), page));
            }
            Err(Refused::Page { code, message }) if code == "invalid argument" => {
                let message = format!("{page} cannot be opened: {}", plain(&message, &code));
                return Err(Trouble::target(FaultKind::Template, message));
            }
            Err(refused) => return Err(self.trouble(refused, &format!("{page} cannot be opened"))),
        }
        let limit = self.limit(std::time::Duration::from_secs(1));
        match self.ask("loaded", json!({}), &limit).await {
            Err(Trouble::Target(..)) if self.clock.last().error.is_some() => {
                let error = self.clock.last().error.clone().unwrap_or_default();
                Err(network_trouble(&error, page))
            }
            told => told.map(drop),
        }
    }

    /// Waits until an element can be used for something, and does to it what can be done from within the page.
    async fn find(
        &mut self,
        target: &Locator,
        want: &str,
        deed: Option<Value>,
        vars: &Variables,
    ) -> Result<Found, Trouble> {
        let sought = Sought::of(target, vars)?;
        let limit = self.limit(self.patience);
        self.find_until(&sought, want, deed, limit, vars).await
    }

    async fn find_until(
        &mut self,
        sought: &Sought,
        want: &str,
        deed: Option<Value>,
        limit: Limit,
        vars: &Variables,
    ) -> Result<Found, Trouble> {
        let given = json!({ "locator": sought.json, "want": want, "deed": deed });
        self.found_by(given, sought, limit, vars).await
    }

    /// [`find_until`](Self::find_until) for a press that is made at once: one that lands elsewhere is kept from the page.
    async fn aim(
        &mut self,
        sought: &Sought,
        want: &str,
        limit: Limit,
        vars: &Variables,
    ) -> Result<Found, Trouble> {
        let given = json!({ "locator": sought.json, "want": want, "aimed": true });
        self.found_by(given, sought, limit, vars).await
    }

    async fn found_by(
        &mut self,
        given: Value,
        sought: &Sought,
        limit: Limit,
        vars: &Variables,
    ) -> Result<Found, Trouble> {
        let answer = self.ask("find", given, &limit).await?;
        self.found(&answer, sought, &limit, vars)?;
        Ok(Found { reference: answer["element"].clone(), answer, limit })
    }

    /// Does something to an element once it can be used; again where it was replaced or moved away under it.
    async fn click(
        &mut self,
        target: &Locator,
        want: &str,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let sought = Sought::of(target, vars)?;
        let limit = self.limit(self.patience);
        loop {
            let found = self.aim(&sought, want, limit.clone(), vars).await?;
            let path = format!("element/{}/click", found.id());
            let began = self.wall.instant();
            match self.post(&path, json!({})).await {
                Ok(_) => {
                    self.touch().await;
                    if !self.clock.last().missed || self.left(&limit).is_zero() {
                        return Ok(());
                    }
                }
                Err(refused) if is_passing(&refused) && !self.left(&limit).is_zero() => {}
                Err(Refused::Late) => {
                    self.clock.waited(self.wall.instant().saturating_duration_since(began));
                    let message = format!(
                        "the page that {} opens did not finish loading before {}",
                        sought.said, self.deadline.name
                    );
                    return Err(Trouble::target(FaultKind::Timeout, message));
                }
                Err(refused) => {
                    return Err(
                        self.trouble(refused, &format!("{} cannot be clicked", sought.said))
                    );
                }
            }
        }
    }

    /// Another button than the usual one, or several clicks.
    async fn press_button(
        &mut self,
        target: &Locator,
        button: MouseButton,
        count: u32,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        // What the mouse leaves on its way may move the page, so it is there before anything is pressed.
        let found = self.find(target, "click", None, vars).await?;
        self.point(&found, json!([])).await?;
        let found = self.find(target, "click", None, vars).await?;
        let button = match button {
            MouseButton::Left => 0,
            MouseButton::Middle => 1,
            MouseButton::Right => 2,
        };
        let once = [
            json!({ "type": "pointerDown", "button": button }),
            json!({ "type": "pointerUp", "button": button }),
        ];
        let clicks: Vec<Value> = (0..count).flat_map(|_| once.clone()).collect();
        self.point(&found, json!(clicks)).await
    }

    /// Moves the mouse to an element, and does something there.
    async fn point(&mut self, found: &Found, then: Value) -> Result<(), Trouble> {
        let mut actions = vec![json!({
            "type": "pointerMove", "duration": 0, "origin": found.reference, "x": 0, "y": 0,
        })];
        actions.extend(then.as_array().into_iter().flatten().cloned());
        let mouse = json!({
            "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions,
        });
        let told = self.post("actions", json!({ "actions": [mouse] })).await;
        told.map(drop).map_err(|refused| self.trouble(refused, "the mouse cannot be moved there"))
    }

    /// `type`: replaces what stands in a field, or goes on behind it.
    async fn enter(
        &mut self,
        target: &Locator,
        text: &Text,
        append: bool,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let text = vars.fill_to_send(text)?;
        let sought = Sought::of(target, vars)?;
        let limit = self.limit(self.patience);
        loop {
            let deed = json!({ "name": if append { "append" } else { "mark" } });
            let found = self.find_until(&sought, "type", Some(deed), limit.clone(), vars).await?;
            if found.answer["chosen"] == true {
                let deed = json!({ "name": "set", "text": text });
                return self.find_until(&sought, "type", Some(deed), limit, vars).await.map(drop);
            }
            if text.chars().count() > LONG || text.chars().any(|c| u32::from(c) > 0xFFFF) {
                let deed = json!({ "name": "insert", "text": text });
                return self.find_until(&sought, "type", Some(deed), limit, vars).await.map(drop);
            }
            let keys = match text.as_str() {
                "" if append || found.answer["empty"] == true => return Ok(()),
                "" => DELETE,
                text => text,
            };
            let path = format!("element/{}/value", found.id());
            match self.post(&path, json!({ "text": keys })).await {
                Ok(_) => return Ok(()),
                Err(refused) if is_passing(&refused) && !self.left(&limit).is_zero() => {}
                Err(refused) => {
                    return Err(self
                        .trouble(refused, &format!("nothing can be typed into {}", sought.said)));
                }
            }
        }
    }

    async fn press(
        &mut self,
        chord: &str,
        target: Option<&Locator>,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        if let Some(target) = target {
            self.find(target, "press", Some(json!({ "name": "focus" })), vars).await?;
        }
        let presses = keys::presses(chord).map_err(Trouble::ours)?;
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": presses });
        let told = self.post("actions", json!({ "actions": [keyboard] })).await;
        told.map(drop)
            .map_err(|refused| self.trouble(refused, &format!("{chord} cannot be pressed")))
    }

    async fn select(
        &mut self,
        target: &Locator,
        option: &Choice,
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let (label, value) = match option {
            Choice::Label(text) => (Some(vars.fill_to_send(text)?), None),
            Choice::Value(text) => (None, Some(vars.fill_to_send(text)?)),
        };
        let deed = json!({ "name": "choose", "label": label, "value": value });
        let found = self.find(target, "select", Some(deed), vars).await?;
        if found.answer["other"] != true {
            return Ok(());
        }
        // A list that the page made itself: it is opened, and its option clicked.
        let Some(label) = label else {
            let message =
                "only a `<select>` has options with a `value`; say the `option` as people read it";
            return Err(Trouble::target(FaultKind::Element, message));
        };
        self.click(target, "click", vars).await?;
        let by = By::Role { role: "option".to_owned(), name: Some(Text(label)) };
        let option = Locator { by, nth: None, within: None, exact: false };
        self.click(&option, "click", vars).await
    }

    async fn check(&mut self, target: &Locator, on: bool, vars: &Variables) -> Result<(), Trouble> {
        let found = self.find(target, "check", None, vars).await?;
        if found.answer["checked"] == on {
            return Ok(());
        }
        self.click(target, "check", vars).await
    }

    async fn scroll(&mut self, to: &ScrollTo, vars: &Variables) -> Result<(), Trouble> {
        let limit = self.limit(self.patience);
        match to {
            ScrollTo::Element(target) => {
                let deed = Some(json!({ "name": "scroll" }));
                self.find(target, "scroll", deed, vars).await.map(drop)
            }
            ScrollTo::Top => {
                self.ask("scrollTo", json!({ "bottom": false }), &limit).await.map(drop)
            }
            ScrollTo::Bottom => {
                self.ask("scrollTo", json!({ "bottom": true }), &limit).await.map(drop)
            }
        }
    }

    /// Goes into a frame of the present one, or back to the whole window.
    async fn frame(&mut self, frame: Option<&Locator>, vars: &Variables) -> Result<(), Trouble> {
        let Some(target) = frame else {
            let told = self.post("frame", json!({ "id": null })).await;
            told.map_err(|refused| self.trouble(refused, "the frame cannot be left"))?;
            self.windows.in_frame = false;
            return Ok(());
        };
        let found = self.find(target, "frame", None, vars).await?;
        let told = self.post("frame", json!({ "id": found.reference })).await;
        told.map_err(|refused| self.trouble(refused, "the frame cannot be entered"))?;
        self.windows.in_frame = true;
        // Where nothing answers in it there is nothing to be found: it may still be loading.
        self.ask("now", json!({}), &found.limit).await.map(drop)
    }

    /// Runs a journey's own script.
    async fn run(&mut self, text: &Text, vars: &Variables) -> Result<(), Trouble> {
        let script = vars.fill_to_send(text)?;
        let body = format!(
            "const from = performance.timeOrigin + performance.now();
await (async function () {{
{script}
}})();
return [from, performance.timeOrigin + performance.now()];"
        );
        match self.browser.script(&body, Vec::new(), self.stop).await {
            Ok(times) => {
                if let (Some(from), Some(to)) = (times[0].as_f64(), times[1].as_f64()) {
                    self.clock.count(from, to);
                }
                Ok(())
            }
            // It went to another page, which is what it may have been for.
            Err(Refused::Page { message, .. }) if message.contains("unloaded") => Ok(()),
            Err(Refused::Page { code, message }) if code == "javascript error" => {
                let message = format!("the script failed: {}", plain(&message, &code));
                Err(Trouble::target(FaultKind::Page, message))
            }
            Err(refused) => Err(self.trouble(refused, "the script did not end")),
        }
    }

    async fn travel(&mut self, action: &BrowserAction) -> Result<(), Trouble> {
        let (path, what) = match action {
            BrowserAction::Back => ("back", "the page before"),
            BrowserAction::Forward => ("forward", "the page after"),
            _ => ("refresh", "the page"),
        };
        let began = self.wall.instant();
        let told = self.post(path, json!({})).await;
        self.windows.in_frame = false;
        self.cause = Cause::Opened;
        if let Err(refused) = told {
            self.clock.waited(self.wall.instant().saturating_duration_since(began));
            return Err(self.trouble(refused, &format!("{what} did not finish loading")));
        }
        let limit = self.limit(std::time::Duration::from_secs(1));
        self.ask("loaded", json!({}), &limit).await.map(drop)
    }

    async fn store(
        &mut self,
        area: StorageArea,
        entries: &[(String, Text)],
        vars: &Variables,
    ) -> Result<(), Trouble> {
        let filled = entries.iter().map(|(name, text)| Ok((name, vars.fill_to_send(text)?)));
        let filled: Vec<_> = filled.collect::<Result<_, Trouble>>()?;
        let limit = self.limit(self.patience);
        let given = json!({ "area": area_name(area), "entries": filled });
        self.ask("store", given, &limit).await.map(drop)
    }
}

/// An action in words, for the record of what was done. What is typed is not said.
pub(super) fn words(action: &BrowserAction, vars: &Variables) -> String {
    use BrowserAction as A;
    let of = |target: &Locator| {
        Sought::of(target, vars).map_or_else(|_| check::words(target), |sought| sought.said)
    };
    let text = |text: &Text| vars.fill(text).unwrap_or_else(|_| text.to_string());
    match action {
        A::Open(url) => format!("open {}", text(url)),
        A::Click { target, button: MouseButton::Left, count: 1 } => format!("click {}", of(target)),
        A::Click { target, button, count } => {
            let word = format!("{button:?}").to_lowercase();
            format!("click {} ({word}, {count} times)", of(target))
        }
        A::Type { target, .. } => format!("type into {}", of(target)),
        A::Press { key, target: Some(target) } => format!("press {key} in {}", of(target)),
        A::Press { key, target: None } => format!("press {key}"),
        A::Select { target, .. } => format!("select in {}", of(target)),
        A::Check { target, on: true } => format!("check {}", of(target)),
        A::Check { target, on: false } => format!("uncheck {}", of(target)),
        A::Hover(target) => format!("hover {}", of(target)),
        A::Scroll(ScrollTo::Element(target)) => format!("scroll to {}", of(target)),
        A::Scroll(ScrollTo::Top) => "scroll to the top".to_owned(),
        A::Scroll(ScrollTo::Bottom) => "scroll to the bottom".to_owned(),
        A::Upload { target, files } => {
            let names: Vec<&str> = files.iter().map(Attachment::name).collect();
            format!("upload {} to {}", names.join(", "), of(target))
        }
        A::Wait(wait) => match &wait.condition {
            Condition::Visible(target) => format!("wait for {}", of(target)),
            Condition::Hidden(target) => format!("wait until {} is gone", of(target)),
            Condition::Url(_) => "wait for the address".to_owned(),
            Condition::Title(_) => "wait for the title".to_owned(),
            Condition::NetworkQuiet => "wait for a quiet network".to_owned(),
            Condition::Script(_) => "wait for a script".to_owned(),
            Condition::Time(time) => format!("wait {}", check::span(*time)),
        },
        A::Frame(Some(target)) => format!("frame {}", of(target)),
        A::Frame(None) => "frame top".to_owned(),
        A::Window(choice) => format!("window {}", format!("{choice:?}").to_lowercase()),
        A::Dialog { accept: true, .. } => "dialog accept".to_owned(),
        A::Dialog { accept: false, .. } => "dialog dismiss".to_owned(),
        A::Script(_) => "script".to_owned(),
        A::Screenshot(name) => format!("screenshot {name}"),
        A::Back => "back".to_owned(),
        A::Forward => "forward".to_owned(),
        A::Reload => "reload".to_owned(),
        A::Cookie { name, .. } => format!("cookie {}", text(name)),
        A::Storage { entries, .. } => {
            let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
            format!("storage {}", names.join(", "))
        }
    }
}

/// The page's name for where it remembers things.
pub(super) fn area_name(area: StorageArea) -> &'static str {
    match area {
        StorageArea::Local => "localStorage",
        StorageArea::Session => "sessionStorage",
    }
}

/// Whether an element was there and is not now, or cannot be used for a moment: it is looked for again.
fn is_passing(refused: &Refused) -> bool {
    let passing = [
        "stale element reference",
        "element click intercepted",
        "element not interactable",
        "move target out of bounds",
        "no such element",
    ];
    matches!(refused, Refused::Page { code, .. } if passing.contains(&code.as_str()))
}

/// A file as the page takes it.
fn file(attachment: &Attachment) -> Value {
    let name = attachment.name();
    let content = BASE64_STANDARD.encode(&attachment.bytes);
    json!({ "name": name, "type": crate::engine::http::media_type(name), "content": content })
}
