//! Everything that a step can do to a page.

use super::{
    site::answer,
    stage::{Stage, captured, not_found, page, passed},
};

/// A form with every sort of field, which writes down what happens to it.
const FORM: &str = r##"<!doctype html><title>Form</title>
<style>#menu ul { display: none } #menu:hover ul { display: block } #far { margin-top: 3000px }</style>
<form onsubmit="event.preventDefault(); log.textContent += ' submitted'">
  <label for=name>Your name</label> <input id=name value="old value">
  <label>Notes <textarea id=notes>first</textarea></label>
  <label>Amount <input id=amount type=number step=any value=5></label>
  <label>Day <input id=day type=date></label>
  <label>Paint <input id=paint type=color></label>
  <label>Loudness <input id=loud type=range min=0 max=10></label>
  <div id=rich contenteditable aria-label="Story">once upon a time</div>
  <label>Colour <select id=colour onchange="log.textContent += ' chose ' + value">
    <option value=r>Red<option value=b>Deep blue<option value=g disabled>Green</select></label>
  <label><input type=checkbox id=agree> I agree</label>
  <label><input type=checkbox id=news checked style="opacity:0;position:absolute"> <span>Send news</span></label>
  <label><input type=radio name=size value=s> Small</label> <label><input type=radio name=size value=l> Large</label>
  <div role=switch aria-checked=false tabindex=0 aria-label="Dark mode" onclick="ariaChecked = ariaChecked !== 'true'">o</div>
  <button>Send</button>
</form>
<nav id=menu>Menu <ul><li><a href="#one" onclick="log.textContent += ' one'">Item one</a></ul></nav>
<button onclick="log.textContent += ' once'">Once</button><button ondblclick="log.textContent += ' twice'" oncontextmenu="event.preventDefault(); log.textContent += ' menu'">Other</button>
<p id=log role=status></p>
<div role=combobox aria-label="City" tabindex=0 onclick="list.hidden = false">?</div>
<ul id=list role=listbox hidden><li role=option onclick="log.textContent += ' Bern'; list.hidden = true">Bern<li role=option>Basel</ul>
<p id=far>The end</p>
<script>
  const log = document.getElementById('log'), list = document.getElementById('list');
  addEventListener('keydown', e => { if (e.key !== 'Shift' && (e.key.length > 1 || e.ctrlKey)) log.textContent += ' ' + (e.ctrlKey ? 'Ctrl+' : '') + e.key; });
</script>"##;

#[tokio::test]
async fn a_form_is_filled_as_a_visitor_does() {
    let Some(stage) = Stage::with_page(FORM).await else { return };
    let run = stage
        .walk(
            r##"
[[step]]
name = "fill"
[step.browser]
open = "{{base_url}}/"
do = [
  { type = { label = "Your name", text = "Jo Doe" } },
  { type = { label = "Notes", text = " and second", append = true } },
  { type = { label = "Amount", text = "42.5" } },
  { type = { label = "Day", text = "2030-12-31" } },
  { type = { label = "Paint", text = "#FF8000" } },
  { type = { label = "Loudness", text = "7" } },
  { type = { label = "Story", text = "the end 🙂" } },
  { select = { label = "Colour", option = "blue" } },
  { check = { label = "I agree" } },
  { check = { label = "I agree" } },
  { uncheck = { label = "Send news" } },
  { check = { label = "Large" } },
  { check = { role = "switch", name = "Dark mode" } },
]
[step.capture]
name = { element = { label = "Your name" }, attribute = "value" }
notes = { element = { css = "#notes" } }
amount = { element = { css = "#amount" } }
day = { element = { css = "#day" } }
paint = { element = { css = "#paint" } }
loud = { element = { css = "#loud" } }
rich = { element = { css = "#rich" } }
colour = { element = { label = "Colour" } }
log = { element = { role = "status" } }
[[step.assert]]
query = { element = { label = "I agree" }, attribute = "checked" }
equals = true
[[step.assert]]
query = { element = { label = "Send news" }, attribute = "checked" }
equals = false
[[step.assert]]
query = { element = { css = "[value=l]" }, attribute = "checked" }
equals = true
[[step.assert]]
query = { element = { role = "switch" }, attribute = "checked" }
equals = true

[[step]]
name = "keys and mouse"
[step.browser]
do = [
  { script = "document.getElementById('log').textContent = ''" },
  { type = { label = "Your name", text = "" } },
  { press = { key = "Enter", label = "Your name" } },
  { press = "Control+a" },
  { hover = { text = "Menu" } },
  { click = { link = "Item one" } },
  { click = { role = "button", name = "Once" } },
  { click = { role = "button", name = "Other", count = 2 } },
  { click = { role = "button", name = "Other", button = "right" } },
  { select = { role = "combobox", name = "City", option = "Bern" } },
  { scroll = "bottom" },
]
[step.capture]
name2 = { element = { label = "Your name" }, attribute = "value", filter = "length" }
down = { script = "return window.scrollY > 1000" }
[[step.assert]]
query = { element = { role = "status" } }
contains = "Bern"

[[step]]
name = "scroll"
[step.browser]
do = [{ scroll = "top" }, { scroll = { text = "The end" } }]
[step.capture]
log2 = { element = { role = "status" } }
seen = { script = "return document.getElementById('far').getBoundingClientRect().top < innerHeight" }
"##,
        )
        .await;
    passed(&run);
    for (name, value) in [
        ("name", "Jo Doe"),
        ("notes", "first and second"),
        ("amount", "42.5"),
        ("day", "2030-12-31"),
        ("paint", "#ff8000"),
        ("loud", "7"),
        ("rich", "the end 🙂"),
        ("colour", "Deep blue"),
        ("log", "chose b"),
        ("name2", "0"),
        ("down", "true"),
        ("seen", "true"),
        ("log2", "Delete Enter submitted Ctrl+Control Ctrl+a one once twice menu Bern"),
    ] {
        assert_eq!(captured(&run, name), value, "{name}");
    }
    // What only the driver needs is nobody's time.
    assert!(run.steps[1].duration.as_millis() < 500, "{:?}", run.steps[1].duration);
}

#[tokio::test]
async fn frames_windows_dialogs_uploads_and_shadow_trees() {
    let Some(stage) = Stage::new(|asked| match asked.path.as_str() {
        "/" => page(
            r#"<title>Top</title><iframe id=outer src="/outer"></iframe>
<button onclick="alert('boo'); said.textContent = 'told'">Tell</button>
<button onclick="said.textContent = confirm('Sure?')">Ask</button>
<button onclick="setTimeout(() => said.textContent = 'Hello ' + prompt('Who?'), 200)">Name</button>
<a href="/second" target=_blank>Second</a>
<button onclick="window.open('/second?2')">Third</button>
<label>Photo <input type=file multiple onchange="Promise.all([...files].map(f => f.text())).then(t => said.textContent = t.join('; ') + ' ' + files[0].type)"></label>
<p id=said role=status></p><x-card></x-card>
<script>
const said = document.getElementById('said');
customElements.define('x-card', class extends HTMLElement { connectedCallback() {
  this.attachShadow({ mode: 'open' }).innerHTML = '<x-inner></x-inner>';
} });
customElements.define('x-inner', class extends HTMLElement { connectedCallback() {
  this.attachShadow({ mode: 'open' }).innerHTML = '<button class=deep>Deep</button><p></p>';
  this.shadowRoot.querySelector('button').onclick = () => this.shadowRoot.querySelector('p').textContent = 'found';
} });
</script>"#,
        ),
        "/outer" => page("<h1>Outer</h1><iframe src='/inner' title=Payment></iframe>"),
        "/inner" => page("<input placeholder='Card number' oninput='o.textContent = value.length'><output id=o></output>"),
        "/second" => page("<title>Second</title><h1>Second</h1><button onclick='window.close()'>Close me</button>"),
        "/second?2" => page("<title>Third</title><h1>Third</h1>"),
        _ => not_found(),
    })
    .await
    else {
        return;
    };
    let run = stage
        .walk(
            r##"
[[step]]
name = "frames"
[step.browser]
open = "{{base_url}}/"
do = [
  { frame = { css = "#outer" } },
  { frame = { css = "iframe[title=Payment]" } },
  { type = { placeholder = "Card number", text = "4242" } },
]
[step.capture]
typed = { element = { role = "status" } }
[[step.assert]]
query = { url = true }
ends_with = "/"

[[step]]
name = "back to the top"
[step.browser]
do = [
  { frame = "top" },
  { click = { role = "button", name = "Tell" } },
  { dialog = "accept" },
  { wait = { text = "told" } },
  { click = { role = "button", name = "Ask" } },
  { dialog = "dismiss" },
  { wait = { text = "false" } },
  { click = { role = "button", name = "Name" } },
  { dialog = { answer = "Jo" } },
  { wait = { text = "Hello Jo" } },
  { upload = { label = "Photo", files = ["files/a.png", "files/b.txt"] } },
]
[[step.assert]]
query = { element = { role = "status" } }
equals = "this is files/a.png; this is files/b.txt image/png"

[[step]]
name = "shadow"
[step.browser]
do = [
  { click = { role = "button", name = "Deep" } },
  { wait = { css = "x-inner" } },
  { wait = { text = "found" } },
]
[[step.assert]]
query = { element = { css = ".deep" } }
equals = "Deep"

[[step]]
name = "windows"
[step.browser]
do = [
  { click = { link = "Second" } },
  { window = "new" },
  { wait = { title = "Second" } },
  { window = "close" },
  { click = { role = "button", name = "Third" } },
  { window = "new" },
]
[step.expect]
title = "Third"

[[step]]
name = "first again"
[step.browser]
do = [{ window = "first" }]
[step.expect]
title = "Top"
"##,
        )
        .await;
    passed(&run);
    assert_eq!(captured(&run, "typed"), "4");
}

#[tokio::test]
async fn history_storage_and_cookies() {
    let Some(stage) = Stage::new(|asked| {
        let cookie = asked.header("cookie").unwrap_or_default().to_owned();
        match asked.path.as_str() {
            "/one" => page("<title>One</title><h1>One</h1><a href=/two>go</a><script>document.write('count ' + (sessionStorage.n = +(sessionStorage.n || 0) + 1))</script>"),
            "/two" => page(&format!("<title>Two</title><h1>Two</h1><p id=c>{cookie}</p><p id=s></p><script>s.textContent = localStorage.seen + ' ' + sessionStorage.tab</script>")),
            _ => answer(404, &[], ""),
        }
    })
    .await
    else {
        return;
    };
    let run = stage
        .walk(
            r##"
[[step]]
name = "set"
[step.browser]
open = "{{base_url}}/one"
do = [
  { cookie = { name = "consent", value = "yes" } },
  { storage = { seen = "often" } },
  { session_storage = { tab = "first" } },
  { click = { link = "go" } },
]
[step.expect]
title = "Two"
status = 200
[step.capture]
cookies = { element = { css = "#c" } }
stored = { element = { css = "#s" } }
consent = { cookie = "consent" }
seen = { local_storage = "seen" }
tab = { session_storage = "tab" }

[[step]]
name = "and back"
[step.browser]
do = [{ back = true }]
[step.expect]
title = "One"

[[step]]
name = "forward"
[step.browser]
do = [{ forward = true }]
[step.expect]
title = "Two"

[[step]]
name = "reload"
[step.browser]
do = [{ reload = true }, { reload = true }]
[step.expect]
url = { ends_with = "/two" }
"##,
        )
        .await;
    passed(&run);
    for (name, value) in [
        ("cookies", "consent=yes"),
        ("stored", "often first"),
        ("consent", "yes"),
        ("seen", "often"),
        ("tab", "first"),
    ] {
        assert_eq!(captured(&run, name), value, "{name}");
    }
    assert_eq!(run.steps[0].hops.len(), 2, "{:#?}", run.steps[0].hops);
    assert_eq!(run.steps[3].hops.len(), 2);
    assert!(run.steps[0].hops.iter().all(|hop| hop.status == Some(200)));
}

/// Buttons that are hard to press.
const HARD: &str = r##"<!doctype html><title>Hard</title>
<style>
  #banner { position: fixed; inset: 0; background: #fff8 }
  #mover { position: relative; animation: move 0.6s linear }
  @keyframes move { from { left: 0 } to { left: 400px } }
</style>
<p><button id=under onclick="log('under')">Under</button>
<p><button id=slow disabled onclick="log('slow')">Slow</button>
<p><button id=mover onclick="log('mover')">Mover</button>
<div id=place></div>
<p style="margin-top: 2000px"><button onclick="log('far')">Far</button>
<p id=out role=status></p><div id=banner>We use cookies</div>
<script>
  const log = word => { out.textContent += word + ' '; };
  setTimeout(() => banner.remove(), 400);
  setTimeout(() => { slow.disabled = false; }, 700);
  let round = 0;
  const render = () => { place.innerHTML = '<button onclick="log(\'fresh\')">Fresh</button>'; if (round++ < 12) setTimeout(render, 60); };
  setTimeout(render, 300);
</script>"##;

#[tokio::test]
async fn what_is_in_the_way_is_waited_for() {
    let Some(stage) = Stage::with_page(HARD).await else { return };
    let run = stage
        .walk(
            r##"
[[step]]
name = "press"
[step.browser]
open = "{{base_url}}/"
do = [
  { click = { role = "button", name = "Mover" } },
  { click = { role = "button", name = "Under" } },
  { click = { role = "button", name = "Fresh" } },
  { click = { role = "button", name = "Slow" } },
  { click = { role = "button", name = "Far" } },
]
[step.capture]
out = { element = { css = "#out" } }
"##,
        )
        .await;
    passed(&run);
    assert_eq!(captured(&run, "out"), "mover under fresh slow far");
    // The slow one is there 700 ms after the load, whatever the driver takes.
    let millis = run.steps[0].duration.as_millis();
    assert!((650..2_000).contains(&millis), "{millis}");
}
