//! What pages do wrong, and what is said of it.

use std::{fs, time::Duration};

use wayfarer::model::{Destination, FaultKind, Network, Outcome};

use super::{
    site::{Reply, answer},
    stage::{Stage, failed, page, passed},
};

const SHOP: &str = r##"<!doctype html><title>Shop</title>
<style>#cookie-banner { position: fixed; left: 0; right: 0; top: 0; height: 60px; background: #eee }</style>
<button id=buy>Buy</button> <button>Cancel</button> <button>Help</button> <button hidden>Bye</button>
<div id=cookie-banner>We use cookies</div>
<p style="margin-top: 80px"><a href="/x">Account</a> <button disabled>Pay</button>
<label>Email <input></label> <label>Email again <input readonly></label> <label>Sort <select><option>Up<option>Down</select></label>
<p>Total: <b>4.50 EUR</b></p><i class=dot>.</i><i class=dot>.</i><div id=shop></div>
<iframe id=pay srcdoc="<button>Pay by card</button>"></iframe>
<label>Photo <input type=file></label><label>Day <input type=date></label><div role=slider style=display:none>x</div>"##;

#[tokio::test]
async fn an_element_that_is_not_there_is_told_with_what_is() {
    let Some(stage) = Stage::with_page(SHOP).await else { return };
    let wanted = [
        (
            r#"click = { role = "button", name = "Buy now" }"#,
            r#"no button "Buy now" in 400ms: there are 4 buttons: "Buy" (covered by div#cookie-banner), "Cancel" (covered by div#cookie-banner), "Help" (covered by div#cookie-banner)"#,
        ),
        (
            r#"click = { role = "button", name = "Buy" }"#,
            r#"button "Buy" is covered by div#cookie-banner, in 400ms"#,
        ),
        (r#"click = { role = "button", name = "Pay" }"#, r#"button "Pay" is disabled, in 400ms"#),
        (
            r#"click = { role = "button", name = "Account" }"#,
            r#"no button "Account" in 400ms: there is a link "Account""#,
        ),
        (
            r#"click = { role = "button", name = "Pay by card" }"#,
            r#"no button "Pay by card" in 400ms: it is in the frame iframe#pay, to be entered by `frame`"#,
        ),
        (
            r#"type = { label = "E-mail", text = "x" }"#,
            r#"no field with label "E-mail" in 400ms: there are 5 fields: "Email", "Email again""#,
        ),
        (
            r#"type = { label = "Email again", text = "x" }"#,
            r#"field with label "Email again" is read-only, in 400ms"#,
        ),
        (
            r#"type = { role = "link", text = "x" }"#,
            r"link is a, which is not made for this action",
        ),
        (
            r#"select = { label = "Sort", option = "Left" }"#,
            r#"field with label "Sort" has no such option, in 400ms: it has "Up", "Down""#,
        ),
        (
            r#"wait = { text = "Total: 4.60 EUR" }"#,
            r#"no text "Total: 4.60 EUR" in 400ms: nearest is "Total: 4.50 EUR""#,
        ),
        (
            r#"click = { css = ".dot" }"#,
            r#"2 elements are element with css ".dot": i.dot ".", i.dot "."; say which one by `nth`, `within` or `exact`"#,
        ),
        (
            r##"click = { css = "#shop .total" }"##,
            "no element with css \"#shop .total\" in 400ms: there is `#shop`, but no more of it",
        ),
        (
            r#"click = { css = ".dot", nth = 5 }"#,
            r#"no element with css ".dot" (nth 5) in 400ms: there are 2 of them"#,
        ),
        (r#"click = { role = "slider" }"#, "no slider in 400ms: there are no sliders"),
        (
            r#"click = { text = "x", within = { role = "dialog" } }"#,
            r#"no text "x" in dialog in 400ms: there is no dialog"#,
        ),
        (
            r#"upload = { label = "Photo", files = ["files/a.png", "files/b.png"] }"#,
            r#"field with label "Photo" takes one file only"#,
        ),
        (
            r#"type = { label = "Day", text = "31.12.2030" }"#,
            r#"field with label "Day" does not take this value: it is a date"#,
        ),
        (r#"window = "new""#, "no new window was opened in 400ms"),
        (r#"dialog = "accept""#, "no dialog opened in 400ms"),
        (r#"script = "nothing.here""#, "the script failed: ReferenceError: nothing is not defined"),
    ];
    let step = |(nth, (action, _)): (usize, &(&str, &str))| {
        format!(
            "[[step]]\nname = \"act {nth}\"\noptional = true\n[step.browser]\nopen = \"{{{{base_url}}}}/\"\npatience = \"400ms\"\ndo = [{{ {action} }}]\n"
        )
    };
    let steps: String = wanted.iter().enumerate().map(step).collect();
    let run = stage.walk_within(&steps, Duration::from_secs(120)).await;
    passed(&run);
    for (step, (action, said)) in run.steps.iter().zip(wanted) {
        let failure = step.failure.as_ref().unwrap_or_else(|| panic!("{action} did not fail"));
        assert!(failure.message.starts_with(said), "{}\n{said}", failure.message);
        assert!(matches!(failure.kind, FaultKind::Element | FaultKind::Page), "{failure:?}");
    }
}

#[tokio::test]
async fn dialogs_that_nobody_expects_fail_and_a_leaving_page_may_not_ask() {
    let Some(stage) = Stage::new(|asked| match asked.path.as_str() {
        "/alert" => page("<button onclick=\"alert('out of tea')\">Buy</button><p>1 item</p>"),
        "/later" => page("<script>setTimeout(() => alert('late'), 300)</script>"),
        _ => page("<input id=i><script>onbeforeunload = e => { e.preventDefault(); e.returnValue = 'stay'; }</script>"),
    })
    .await
    else {
        return;
    };
    for (steps, text) in [
        ("open = \"{{base_url}}/alert\"\ndo = [{ click = { text = \"Buy\" } }]\n", "out of tea"),
        (
            "open = \"{{base_url}}/alert\"\ndo = [{ click = { text = \"Buy\" } }, { wait = { text = \"1 item\" } }]\n",
            "out of tea",
        ),
        ("open = \"{{base_url}}/later\"\ndo = [{ wait = { text = \"never\" } }]\n", "late"),
    ] {
        let run = stage.walk(&format!("[[step]]\nname = \"act\"\n[step.browser]\n{steps}")).await;
        let failure = failed(&run, FaultKind::Page);
        assert_eq!(
            failure.message,
            format!("an unexpected dialog says \"{text}\"; `dialog = \"accept\"` answers it")
        );
        let seen = run.evidence.as_ref().and_then(|evidence| evidence.page.as_ref()).unwrap();
        assert!(!seen.pictures.is_empty(), "the dialog is out of the way of the picture");
    }
    let run = stage
        .walk("[[step]]\nname = \"leave\"\n[step.browser]\nopen = \"{{base_url}}/\"\ndo = [{ type = { css = \"#i\", text = \"x\" } }, { open = \"{{base_url}}/alert\" }]\n")
        .await;
    passed(&run);
}

#[tokio::test]
async fn a_tab_that_crashes_is_the_pages_doing() {
    let Some(stage) = Stage::with_page("<h1>Hello</h1>").await else { return };
    let steps = "[[step]]\nname = \"look\"\n[step.browser]\nopen = \"{{base_url}}/\"\ndo = [{ wait = { text = \"never\", for = \"20s\" } }]\n\n[[step]]\nname = \"sweep\"\nalways = true\n[step.http]\nurl = \"{{base_url}}/sweep\"\n";
    let walk = stage.walk(steps);
    let crash = async {
        // Once the page is there, its process is killed: what the kernel does where memory ends.
        while stage.site.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        for process in renderers() {
            let process = rustix::process::Pid::from_raw(process).unwrap();
            rustix::process::kill_process(process, rustix::process::Signal::KILL).ok();
        }
    };
    let (run, ()) = tokio::join!(walk, crash);
    assert_eq!(failed(&run, FaultKind::Page).message, "the tab crashed");
    assert_eq!(stage.site.asked().last().unwrap().path, "/sweep");
}

/// Processes of pages below this one.
fn renderers() -> Vec<i32> {
    let own = std::process::id().to_string();
    let status = |process: &str, what: &str| {
        let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(what)).unwrap_or_default().to_owned();
        line.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    let is_ours = |process: &str| {
        let mut above = process.to_owned();
        while !above.is_empty() && above != "0" && above != "1" {
            if above == own {
                return true;
            }
            above = status(&above, "PPid:");
        }
        false
    };
    let all = fs::read_dir("/proc").unwrap();
    let all = all.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let pages = all.filter(|process| {
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("--type=renderer") && is_ours(process)
    });
    pages.filter_map(|process| process.parse().ok()).collect()
}

#[tokio::test]
async fn the_network_is_told_by_its_kind_and_the_guard_holds() {
    let Some(mut stage) = Stage::new(|asked| match asked.path.as_str() {
        "/away" => answer(302, &["location: http://127.0.0.1:1/"], ""),
        "/reset" => Reply::Reset,
        "/loop" => answer(302, &["location: /loop"], ""),
        "/" => page("<a href=/reset>Reset</a>"),
        _ => page("<h1>Here</h1>"),
    })
    .await
    else {
        return;
    };
    let open = |url: &str| format!("[[step]]\nname = \"open\"\n[step.browser]\nopen = \"{url}\"\n");
    for (url, kind) in [
        ("http://127.0.0.1:2/", FaultKind::Connect),
        ("http://nowhere.invalid/", FaultKind::Dns),
        ("{{base_url}}/reset", FaultKind::Reset),
        ("{{base_url}}/loop", FaultKind::Redirect),
        ("{{base_url}}/away", FaultKind::Connect),
    ] {
        let run = stage.walk(&open(url)).await;
        let failure = failed(&run, kind);
        assert!(failure.message.contains("could not be opened"), "{}", failure.message);
    }
    let click = format!("{}do = [{{ click = {{ link = \"Reset\" }} }}]\n", open("{{base_url}}/"));
    failed(&stage.walk(&click).await, FaultKind::Reset);

    stage.network =
        Network { deny: vec![Destination::read("127.0.0.0/8").unwrap()], ..Network::default() };
    let run = stage.walk(&open("{{base_url}}/")).await;
    let Outcome::Broken { reason } = &run.outcome else { panic!("{:?}", run.outcome) };
    assert!(reason.contains("127.0.0.1 may not be reached from this environment"), "{reason}");
    let run = stage.walk(&open("{{other_url}}/")).await;
    let failure = failed(&run, FaultKind::Guard);
    assert!(failure.message.contains("may not be reached from this environment"), "{failure:?}");
}
