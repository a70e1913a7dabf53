//! What a browser step does: actions in order, on elements that are found the way people find them.

use std::time::Duration;

use serde::Serialize;

use super::{Attachment, Predicate, Text};

/// `[step.browser]`: one group of actions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BrowserStep {
    /// What is done, in order. `open = "…"` in the table is the first of them.
    pub actions: Vec<BrowserAction>,
    /// How long an action waits for its element, and an assertion until it holds; 5 s by default. The step's deadline counts as well.
    pub patience: Duration,
}

/// One thing that a visitor does, or waits for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum BrowserAction {
    /// `{ open = "{{base_url}}/shop" }`: goes there and waits for the page's load event.
    Open(Text),
    /// `{ click = { role = "button", name = "Buy" } }`, with `count = 2` and `button = "right"`.
    Click {
        /// What is clicked.
        target: Locator,
        /// With which button.
        button: MouseButton,
        /// How often in quick succession.
        count: u32,
    },
    /// `{ type = { label = "Name", text = "Jo" } }`: replaces what stands in the field, unless `append = true`.
    Type {
        /// The field.
        target: Locator,
        /// What is typed.
        text: Text,
        /// Whether what stands there stays.
        append: bool,
    },
    /// `{ press = "Control+A" }` or `{ press = { key = "Enter", label = "Name" } }`.
    Press {
        /// Keys, joined by `+`: `Enter`, `Tab`, `ArrowDown`, `Control+a`.
        key: String,
        /// Where the focus is put before.
        target: Option<Locator>,
    },
    /// `{ select = { label = "Colour", option = "Blue" } }`, or `value = "blue"`.
    Select {
        /// The list.
        target: Locator,
        /// Which of its options.
        option: Choice,
    },
    /// `{ check = { label = "I agree" } }` and `{ uncheck = … }`: does nothing where it is so already.
    Check {
        /// The box or switch.
        target: Locator,
        /// How it shall be.
        on: bool,
    },
    /// `{ hover = { text = "Menu" } }`.
    Hover(Locator),
    /// `{ scroll = { text = "Reviews" } }`, `{ scroll = "bottom" }`.
    Scroll(ScrollTo),
    /// `{ upload = { label = "Photo", file = "files/photo.png" } }`, or `files = […]`.
    Upload {
        /// The file input.
        target: Locator,
        /// What is given to it.
        files: Vec<Attachment>,
    },
    /// `{ wait = { text = "1 item" } }`.
    Wait(WaitFor),
    /// `{ frame = { css = "iframe" } }`; none is `{ frame = "top" }`.
    Frame(Option<Locator>),
    /// `{ window = "new" }`, `{ window = "first" }`, `{ window = "close" }`.
    Window(WindowChoice),
    /// `{ dialog = "accept" }`, `{ dialog = "dismiss" }`, `{ dialog = { answer = "Jo" } }`: of a dialog that is open or about to open.
    Dialog {
        /// Whether it is accepted.
        accept: bool,
        /// What is written into a prompt.
        answer: Option<Text>,
    },
    /// `{ script = "window.scrollBy(0, 100)" }`: the body of a function; a promise is waited for.
    Script(Text),
    /// `{ screenshot = "cart" }`: kept with the run's evidence.
    Screenshot(String),
    /// `{ back = true }`.
    Back,
    /// `{ forward = true }`.
    Forward,
    /// `{ reload = true }`.
    Reload,
    /// `{ cookie = { name = "consent", value = "yes" } }`: of the present page's site unless `domain` is said.
    Cookie {
        /// Its name.
        name: Text,
        /// Its value.
        value: Text,
        /// Its domain.
        domain: Option<Text>,
        /// Its path; `/` by default.
        path: Option<Text>,
    },
    /// `{ storage = { seen = "yes" } }`, `{ session_storage = { … } }`: of the present page's origin.
    Storage {
        /// Which of the two.
        area: StorageArea,
        /// Names and values, in order.
        entries: Vec<(String, Text)>,
    },
}

/// How an element is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Locator {
    /// By what.
    pub by: By,
    /// Which one of several, from 0, in the order of the page; below 0 from the end. Several without it are a fault, for actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<i32>,
    /// The element it lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Box<Self>>,
    /// Whether names and texts must be equal, with case; else they may be part of a longer one, without regard to case.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
}

/// What an element is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum By {
    /// `role = "button", name = "Buy"`: WAI-ARIA role, given or implied (HTML-AAM), and accessible name (accname 1.2).
    Role {
        /// The role.
        role: String,
        /// The name; any where none is said.
        name: Option<Text>,
    },
    /// `label = "Email"`: the field with this label, by `<label>`, `aria-label` or `aria-labelledby`.
    Label(Text),
    /// `placeholder = "you@example.com"`.
    Placeholder(Text),
    /// `test_id = "total"`: the attribute `data-testid`.
    TestId(Text),
    /// `text = "1 item"`: the innermost elements whose visible text it is.
    Text(Text),
    /// `link = "Account"`: a link by its text.
    Link(Text),
    /// `css = "#total"`: also within open shadow trees.
    Css(Text),
    /// `xpath = "//tr[2]"`.
    XPath(Text),
}

/// A button of the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum MouseButton {
    /// The usual one.
    Left,
    /// The wheel.
    Middle,
    /// The one for menus.
    Right,
}

/// Which option of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Choice {
    /// `option = "Blue"`: by what people read.
    Label(Text),
    /// `value = "blue"`: by what is sent.
    Value(Text),
}

/// Where to scroll.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum ScrollTo {
    /// Until it is in view.
    Element(Locator),
    /// `"top"`.
    Top,
    /// `"bottom"`.
    Bottom,
}

/// What is waited for, at most as long as the step's patience, or its own `for`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitFor {
    /// What must come.
    pub condition: Condition,
    /// How long at most: `for = "10s"`.
    pub at_most: Option<Duration>,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Condition {
    /// `{ wait = { text = "1 item" } }`: any locator; it is visible.
    Visible(Locator),
    /// `{ wait = { hidden = { css = ".spinner" } } }`: it is not visible, or not there.
    Hidden(Locator),
    /// `{ wait = { url = { ends_with = "/account" } } }`; a text alone is `contains`.
    Url(Predicate),
    /// `{ wait = { title = "Account" } }`; a text alone is `contains`.
    Title(Predicate),
    /// `{ wait = { network = "quiet" } }`: no request under way for 500 ms.
    NetworkQuiet,
    /// `{ wait = { script = "return window.ready" } }`: it gives something true.
    Script(Text),
    /// `{ wait = { time = "300ms" } }`: nothing but time, which counts.
    Time(Duration),
}

/// Which window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum WindowChoice {
    /// The one that was opened last.
    Newest,
    /// The one that the run began with.
    First,
    /// Closes this one and goes back to the first.
    Close,
}

/// Where a page keeps what it remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum StorageArea {
    /// `localStorage`.
    Local,
    /// `sessionStorage`.
    Session,
}

/// What of a page a query looks at; the engine asks the browser, [`check`](crate::check) judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum PageQuery {
    /// `query = { element = { role = "status" } }`: the visible text of each element found.
    Element {
        /// Which elements.
        locator: Locator,
        /// What of them: `attribute = "href"`; `value`, `checked`, `selected`, `disabled` and `visible` as they are now. Their text unless said.
        attribute: Option<String>,
    },
    /// `query = { title = true }`.
    Title,
    /// `query = { local_storage = "token" }`, `{ session_storage = "token" }`.
    Storage {
        /// Which of the two.
        area: StorageArea,
        /// Under which name.
        key: String,
    },
    /// `query = { script = "return document.fonts.size" }`: what it gives, as JSON.
    Script(String),
    /// `query = { console = "error" }`: the messages of this level or worse, one node each.
    Console(String),
    /// `query = { vital = "lcp" }`: `ttfb`, `fcp`, `lcp`, `inp` as times, `cls` as a number; also `dom_ready` and `load`.
    Vital(String),
}

impl PageQuery {
    /// The levels of a console's messages, the worst first.
    pub const LEVELS: [&str; 4] = ["error", "warning", "info", "debug"];

    /// What is known of how a page came to be seen.
    pub const VITALS: [&str; 7] = ["ttfb", "fcp", "lcp", "inp", "cls", "dom_ready", "load"];

    /// Attributes that are true or false, as the element is now.
    pub const STATES: [&str; 4] = ["checked", "selected", "disabled", "visible"];
}

/// The keys that `press` knows by name besides the characters themselves, and their code points (W3C `WebDriver`, section 17.4.2). The first
/// four are held while the others are pressed.
pub const KEYS: [(&str, char); 31] = [
    ("Shift", '\u{E008}'),
    ("Control", '\u{E009}'),
    ("Alt", '\u{E00A}'),
    ("Meta", '\u{E03D}'),
    ("Enter", '\u{E007}'),
    ("Tab", '\u{E004}'),
    ("Escape", '\u{E00C}'),
    ("Backspace", '\u{E003}'),
    ("Delete", '\u{E017}'),
    ("Insert", '\u{E016}'),
    ("Space", ' '),
    ("ArrowUp", '\u{E013}'),
    ("ArrowDown", '\u{E015}'),
    ("ArrowLeft", '\u{E012}'),
    ("ArrowRight", '\u{E014}'),
    ("Home", '\u{E011}'),
    ("End", '\u{E010}'),
    ("PageUp", '\u{E00E}'),
    ("PageDown", '\u{E00F}'),
    ("F1", '\u{E031}'),
    ("F2", '\u{E032}'),
    ("F3", '\u{E033}'),
    ("F4", '\u{E034}'),
    ("F5", '\u{E035}'),
    ("F6", '\u{E036}'),
    ("F7", '\u{E037}'),
    ("F8", '\u{E038}'),
    ("F9", '\u{E039}'),
    ("F10", '\u{E03A}'),
    ("F11", '\u{E03B}'),
    ("F12", '\u{E03C}'),
];

/// `[browser]` of a journey: as what its browser appears. Without it: a window of 1280 x 800, the machine's own time zone, `en-US`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Device {
    /// Width and height of the page's window, in CSS pixels.
    pub window: (u32, u32),
    /// Whether it appears as a phone: touch, a mobile user agent (unless said), a viewport as phones have it.
    pub mobile: bool,
    /// Device pixels for each CSS pixel.
    pub scale: f64,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `locale = "de-DE"`: `Accept-Language` and the formats of scripts.
    pub locale: Option<String>,
    /// `timezone = "Europe/Berlin"`, an IANA name.
    pub timezone: Option<String>,
    /// A slower network.
    pub network: Option<Throttle>,
    /// How many times slower the processor appears; 1 is as it is.
    pub cpu_slowdown: f64,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            window: (1280, 800),
            mobile: false,
            scale: 1.0,
            user_agent: None,
            locale: None,
            timezone: None,
            network: None,
            cpu_slowdown: 1.0,
        }
    }
}

/// How slow the network appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Throttle {
    /// Added to each request.
    pub latency: Duration,
    /// Bytes a second from the server; no limit where none is said.
    pub down_bytes: Option<u64>,
    /// Bytes a second to the server.
    pub up_bytes: Option<u64>,
}

/// `[browser]` of `wayfarer.toml`: how browsers are had on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSettings {
    /// Who drives.
    pub driver: Driver,
    /// The browser's own program, where the driver does not find it.
    pub binary: Option<String>,
    /// Words added to the browser's command line.
    pub arguments: Vec<String>,
    /// How many browsers there are at once; 1 by default.
    pub at_once: u32,
    /// A browser's memory, with all its processes, that fails the run: 2 GiB by default.
    pub memory_max_bytes: u64,
    /// How long a run waits for its turn before it is broken; 2 min by default.
    pub queue: Duration,
}

impl Default for BrowserSettings {
    fn default() -> Self {
        Self {
            driver: Driver::Found,
            binary: None,
            arguments: Vec::new(),
            at_once: 1,
            memory_max_bytes: 2 << 30,
            queue: Duration::from_secs(120),
        }
    }
}

/// Who drives a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    /// `chromedriver` or else `geckodriver` of the `PATH`.
    Found,
    /// `driver = "/usr/bin/geckodriver"`: which of the two it is, its name tells.
    Program(String),
    /// `driver = "http://grid:4444"`: a driver or grid that runs already.
    Remote(String),
}
