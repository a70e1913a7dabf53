//! What a driver is asked for (WebDriver section 7), and the words on the browser's command line.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use serde_json::{Map, Value, json};

use super::driver::Kind;
use crate::model::{BrowserSettings, Device};

/// What keeps Chromium from speaking to anyone but the pages it opens, and from asking anybody anything.
const QUIET: &[&str] = &[
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-breakpad",
    "--disable-search-engine-choice-screen",
    "--disable-quic",
    "--no-pings",
    // Its account and its updates are asked for whatever else is said: at a port that no browser speaks to.
    "--gaia-url=http://127.0.0.1:9/",
    "--component-updater=url-source=http://127.0.0.1:9/",
    "--metrics-recording-only",
    "--password-store=basic",
    "--use-mock-keychain",
    // A page in the background or below another window is measured like any other.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

/// Features that phone home or change what is measured from start to start. `DisableLoadExtensionCommandLineSwitch` keeps ours out.
const FEATURES_OFF: &str = "--disable-features=OptimizationHints,OptimizationGuideModelDownloading,MediaRouter,DialMediaRouteProvider,Translate,\
InterestFeedContentSuggestions,CertificateTransparencyComponentUpdater,AutofillServerCommunication,NetworkTimeServiceQuerying,DisableLoadExtensionCommandLineSwitch";

/// How a phone's Chromium calls itself; chromedriver writes its version there.
const PHONE: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s Mobile Safari/537.36";

/// How a browser shall be.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) kind: Kind,
    pub(super) settings: &'a BrowserSettings,
    pub(super) device: &'a Device,
    /// Whether it runs on another machine: then nothing is said of files and of root here.
    pub(super) remote: bool,
    /// Whether it shows itself.
    pub(super) headed: bool,
    /// Whether it may not use its sandbox, which root cannot.
    pub(super) root: bool,
    pub(super) insecure: bool,
    /// `host:port`.
    pub(super) proxy: Option<String>,
    /// Names that are answered from here.
    pub(super) hosts: BTreeMap<String, IpAddr>,
    /// The folder of our extension.
    pub(super) extension: Option<PathBuf>,
}

/// The capabilities to ask for.
pub(super) fn capabilities(wanted: &Wanted<'_>) -> Map<String, Value> {
    let mut all = Map::new();
    let mut set = |name: &str, value: Value| all.insert(name.to_owned(), value);
    // How long at most a page's loading holds commands back is set anew with each step.
    set("pageLoadStrategy", json!("normal"));
    set("unhandledPromptBehavior", json!("ignore"));
    set("acceptInsecureCerts", json!(wanted.insecure));
    set("timeouts", json!({ "script": 30_000, "pageLoad": 300_000, "implicit": 0 }));
    match wanted.kind {
        Kind::Chromium => {
            set("browserName", json!("chrome"));
            set("goog:chromeOptions", chromium(wanted));
            set("goog:loggingPrefs", json!({ "performance": "ALL", "browser": "ALL" }));
        }
        Kind::Firefox => {
            set("browserName", json!("firefox"));
            set("moz:firefoxOptions", firefox(wanted));
            let proxy = wanted.proxy.as_ref();
            let proxy = proxy.map_or_else(
                || json!({ "proxyType": "direct" }),
                |at| json!({ "proxyType": "manual", "httpProxy": at, "sslProxy": at }),
            );
            set("proxy", proxy);
        }
    }
    all
}

fn chromium(wanted: &Wanted<'_>) -> Value {
    let mut options = Map::new();
    options.insert("args".to_owned(), json!(words(wanted)));
    if let Some(binary) = &wanted.settings.binary {
        options.insert("binary".to_owned(), json!(binary));
    }
    let device = wanted.device;
    if device.mobile {
        let (width, height) = device.window;
        let agent = device.user_agent.as_deref().unwrap_or(PHONE);
        let metrics = json!({ "width": width, "height": height, "pixelRatio": device.scale, "touch": true, "mobile": true });
        options.insert(
            "mobileEmulation".to_owned(),
            json!({ "deviceMetrics": metrics, "userAgent": agent }),
        );
    }
    Value::Object(options)
}

/// Chromium's command line.
fn words(wanted: &Wanted<'_>) -> Vec<String> {
    let (settings, device) = (wanted.settings, wanted.device);
    let mut words: Vec<String> = QUIET.iter().map(ToString::to_string).collect();
    words.push(FEATURES_OFF.to_owned());
    if !wanted.headed {
        words.push("--headless=new".to_owned());
        words.push("--disable-gpu".to_owned());
    }
    if wanted.root && !wanted.remote {
        words.push("--no-sandbox".to_owned());
    }
    let (width, height) = device.window;
    words.push(format!("--window-size={width},{height}"));
    if !device.mobile {
        words.push(format!("--force-device-scale-factor={}", device.scale));
        words.extend(device.user_agent.iter().map(|agent| format!("--user-agent={agent}")));
    }
    if let Some(locale) = &device.locale {
        let language = locale.split(['-', '_']).next().unwrap_or(locale);
        words.push(format!("--lang={locale}"));
        words.push(format!("--accept-lang={locale},{language}"));
    }
    match &wanted.proxy {
        // Loopback as well: what an environment says holds for all of it.
        Some(at) => {
            words.push(format!("--proxy-server=http://{at}"));
            words.push("--proxy-bypass-list=<-loopback>".to_owned());
        }
        None => words.push("--no-proxy-server".to_owned()),
    }
    if !wanted.hosts.is_empty() {
        let rule = |(name, address): (&String, &IpAddr)| match address {
            IpAddr::V4(four) => format!("MAP {name} {four}"),
            IpAddr::V6(six) => format!("MAP {name} [{six}]"),
        };
        let rules: Vec<String> = wanted.hosts.iter().map(rule).collect();
        words.push(format!("--host-resolver-rules={}", rules.join(",")));
    }
    if let Some(extension) = &wanted.extension {
        words.push(format!("--load-extension={}", extension.display()));
    }
    words.extend(settings.arguments.iter().cloned());
    words
}

fn firefox(wanted: &Wanted<'_>) -> Value {
    let device = wanted.device;
    let (width, height) = device.window;
    let mut words = vec![format!("--width={width}"), format!("--height={height}")];
    if !wanted.headed {
        words.push("-headless".to_owned());
    }
    words.extend(wanted.settings.arguments.iter().cloned());
    let mut preferences = json!({
        "app.normandy.enabled": false,
        "app.update.enabled": false,
        "browser.safebrowsing.downloads.remote.enabled": false,
        "browser.safebrowsing.malware.enabled": false,
        "browser.safebrowsing.phishing.enabled": false,
        "datareporting.healthreport.uploadEnabled": false,
        "extensions.update.enabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "toolkit.telemetry.enabled": false,
        "layout.css.devPixelsPerPx": device.scale.to_string(),
    });
    if let Some(all) = preferences.as_object_mut() {
        let mut set = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                all.insert(name.to_owned(), json!(value));
            }
        };
        set("intl.accept_languages", &device.locale);
        set("general.useragent.override", &device.user_agent);
    }
    let mut options = json!({ "args": words, "prefs": preferences });
    if let (Some(binary), Some(options)) = (&wanted.settings.binary, options.as_object_mut()) {
        options.insert("binary".to_owned(), json!(binary));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<'a>(settings: &'a BrowserSettings, device: &'a Device) -> Wanted<'a> {
        Wanted {
            kind: Kind::Chromium,
            settings,
            device,
            remote: false,
            headed: false,
            root: false,
            insecure: false,
            proxy: None,
            hosts: BTreeMap::new(),
            extension: None,
        }
    }

    #[test]
    fn the_sandbox_goes_for_root_alone_and_never_elsewhere() {
        let (settings, device) = (BrowserSettings::default(), Device::default());
        let mut wanted = wanted(&settings, &device);
        let sandboxed = |wanted: &Wanted<'_>| !words(wanted).contains(&"--no-sandbox".to_owned());
        assert!(sandboxed(&wanted));
        wanted.root = true;
        assert!(!sandboxed(&wanted));
        wanted.remote = true;
        assert!(sandboxed(&wanted));
    }

    #[test]
    fn an_environment_holds_for_browsers_too() {
        let (settings, device) = (BrowserSettings::default(), Device::default());
        let mut wanted = wanted(&settings, &device);
        assert!(words(&wanted).contains(&"--no-proxy-server".to_owned()));
        wanted.proxy = Some("proxy:3128".to_owned());
        wanted.insecure = true;
        let addresses: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        wanted.hosts =
            [("a.test".to_owned(), addresses[0]), ("b.test".to_owned(), addresses[1])].into();
        let words = words(&wanted);
        for word in [
            "--proxy-server=http://proxy:3128",
            "--proxy-bypass-list=<-loopback>",
            "--host-resolver-rules=MAP a.test 127.0.0.1,MAP b.test [::1]",
        ] {
            assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
        }
        assert_eq!(capabilities(&wanted)["acceptInsecureCerts"], true);
    }

    #[test]
    fn a_device_is_a_phone_or_a_window() {
        let settings =
            BrowserSettings { binary: Some("/opt/chrome".to_owned()), ..Default::default() };
        let phone = Device { mobile: true, window: (412, 915), scale: 2.5, ..Device::default() };
        let asked = capabilities(&wanted(&settings, &phone));
        let options = &asked["goog:chromeOptions"];
        assert_eq!(options["mobileEmulation"]["deviceMetrics"]["pixelRatio"], 2.5);
        assert!(options["mobileEmulation"]["userAgent"].as_str().unwrap().contains("Android"));
        assert_eq!(options["binary"], "/opt/chrome");
        let locale = Some("de-DE".to_owned());
        let user_agent = Some("Probe/1".to_owned());
        let window = Device { scale: 2.0, locale, user_agent, ..Device::default() };
        let words = words(&wanted(&settings, &window));
        for word in [
            "--accept-lang=de-DE,de",
            "--user-agent=Probe/1",
            "--force-device-scale-factor=2",
            "--window-size=1280,800",
        ] {
            assert!(words.iter().any(|w| w == word), "{word} in {words:?}");
        }
    }

    #[test]
    fn firefox_is_asked_in_its_own_words() {
        let (settings, device) = (BrowserSettings::default(), Device::default());
        let asked = capabilities(&Wanted { kind: Kind::Firefox, ..wanted(&settings, &device) });
        assert_eq!(asked["browserName"], "firefox");
        assert_eq!(asked["moz:firefoxOptions"]["args"][2], "-headless");
        assert!(asked.get("goog:chromeOptions").is_none());
    }
}
