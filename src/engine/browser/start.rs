//! How a run gets its browser: its turn, the driver, the session, the device.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, atomic::AtomicBool, atomic::AtomicU64},
    time::Duration,
};

use fantoccini::error::NewSessionError;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use url::Url;

use super::{
    authority,
    capabilities::{Wanted, capabilities},
    driver::{self, Guarded, Kind, Start},
    extension,
    folder::Folder,
    host::Machine,
    session::{Browser, Refused, one_line},
    watch::Watch,
};
use crate::{
    engine::{fault::Trouble, settings::Parts, vars::Variables},
    model::{Device, Driver, HttpVersion},
};

/// How long a browser may take to be there, once it is its turn.
const START: Duration = Duration::from_secs(60);

/// How often a driver that finds its port taken is started.
const STARTS: u32 = 3;

/// Where a session is begun.
struct Place {
    kind: Kind,
    address: String,
    driver: Option<Guarded>,
    extension: Option<PathBuf>,
}

impl Browser {
    /// Starts a browser for a run: waits for its turn, then starts driver and browser. What goes wrong is ours.
    pub(in crate::engine) async fn start(
        parts: &Parts,
        vars: &Variables,
        device: &Device,
    ) -> Result<Self, Trouble> {
        let none = |why: String| Trouble::ours(format!("no browser: {why}"));
        let turn = parts.browsers.turn().await.map_err(none)?;
        if let Some(why) = Machine::now().cannot_begin()
            && !matches!(parts.browsers.settings.driver, Driver::Remote(_))
        {
            return Err(none(why));
        }
        let started = tokio::time::timeout(START, begin(parts, vars, device)).await;
        let mut browser =
            started.map_err(|_| none("it was not there in 60s".to_owned()))?.map_err(none)?;
        browser.turn = Some(turn);
        if let Err(refused) = browser.fit().await {
            let why = refused.words();
            drop(browser.close().await);
            return Err(none(format!("it cannot be made the device that is asked for: {why}")));
        }
        Ok(browser)
    }

    /// Gives the page the size that is asked for, and makes its tab that device.
    async fn fit(&self) -> Result<(), Refused> {
        if self.chromium && !self.device.mobile {
            let (width, height) = self.device.window;
            let window = self.cdp("Browser.getWindowForTarget", json!({})).await?;
            let size = json!({ "windowId": window["windowId"], "width": width, "height": height });
            // Chromium before 138 has no such command; its page is then a little lower.
            drop(self.cdp("Browser.setContentsSize", size).await);
        }
        self.dress().await
    }

    /// Makes the present tab the device that is asked for, where the browser's command line could not; each tab has to be dressed.
    pub(super) async fn dress(&self) -> Result<(), Refused> {
        if !self.chromium {
            return Ok(());
        }
        let device = &self.device;
        if let Some(locale) = &device.locale {
            self.cdp("Emulation.setLocaleOverride", json!({ "locale": locale })).await?;
        }
        if let Some(timezone) = &device.timezone
            && self.driver.is_none()
        {
            let zone = json!({ "timezoneId": timezone });
            self.cdp("Emulation.setTimezoneOverride", zone).await?;
        }
        if device.cpu_slowdown > 1.0 {
            let rate = json!({ "rate": device.cpu_slowdown });
            self.cdp("Emulation.setCPUThrottlingRate", rate).await?;
        }
        if let Some(network) = &device.network {
            let bytes = |most: Option<u64>| most.map_or_else(|| json!(-1), |most| json!(most));
            let network = json!({
                "offline": false,
                "latency": network.latency.as_millis(),
                "downloadThroughput": bytes(network.down_bytes),
                "uploadThroughput": bytes(network.up_bytes),
            });
            self.cdp("Network.enable", json!({})).await?;
            self.cdp("Network.emulateNetworkConditions", network).await?;
        }
        Ok(())
    }
}

/// Finds or starts the driver and begins a session.
async fn begin(parts: &Parts, vars: &Variables, device: &Device) -> Result<Browser, String> {
    let environment = vars.environment();
    if environment.transport.client_certificate.is_some() {
        return Err("the environment's client certificate cannot be given to a browser".to_owned());
    }
    let browsers = &parts.browsers;
    let place = match &browsers.settings.driver {
        Driver::Remote(address) => Place {
            kind: Kind::Chromium,
            address: address.trim_end_matches('/').to_owned() + "/",
            driver: None,
            extension: None,
        },
        Driver::Found => {
            let found = driver::find(&browsers.path());
            let (program, kind) =
                found.ok_or("neither chromedriver nor geckodriver is in the PATH")?;
            local(parts, vars, device, (program, kind)).await?
        }
        Driver::Program(program) => {
            let program = PathBuf::from(program);
            let kind = driver::kind_of(&program);
            local(parts, vars, device, (program, kind)).await?
        }
    };
    if place.driver.is_none() && environment.transport.ca.is_some() {
        return Err("the environment's `ca` cannot be given to a browser elsewhere".to_owned());
    }
    if place.extension.is_none() && !environment.transport.headers.is_empty() {
        let what = if place.driver.is_some() { "Firefox" } else { "a browser elsewhere" };
        return Err(format!("the environment's headers cannot be given to {what}"));
    }
    let mut hosts = BTreeMap::clone(&parts.hosts);
    hosts.extend(environment.transport.resolve.iter().map(|(n, a)| (n.clone(), *a)));
    let root = rustix::process::geteuid().is_root();
    if root && place.kind == Kind::Chromium && place.driver.is_some() {
        browsers.say_unsandboxed();
    }
    let mut wanted = Wanted {
        kind: place.kind,
        settings: &browsers.settings,
        device,
        remote: place.driver.is_none(),
        headed: browsers.watched.headed,
        root,
        insecure: environment.transport.insecure,
        proxy: proxy(vars)?,
        hosts,
        extension: place.extension.clone(),
    };
    let connector = connector(parts)?;
    let mut session = connect(&connector, &place.address, &wanted).await;
    if wanted.remote && matches!(session, Err(NewSessionError::SessionNotCreated(_))) {
        wanted.kind = Kind::Firefox;
        session = connect(&connector, &place.address, &wanted).await;
    }
    let client = match session {
        Ok(client) => client,
        Err(error) => {
            let why = not_created(&error);
            if let Some(driver) = place.driver {
                drop(driver.end().await);
            }
            return Err(why);
        }
    };
    let ended = Arc::new(OnceLock::new());
    let group = place.driver.as_ref().map(|driver| driver.group);
    Ok(Browser {
        client,
        chromium: wanted.kind == Kind::Chromium,
        slow_motion: browsers.watched.slow_motion,
        device: device.clone(),
        clock: parts.clock,
        born: parts.clock.instant(),
        script_timeout: AtomicU64::new(30_000),
        stuck: AtomicBool::new(false),
        watch: Watch { group, memory_max: browsers.settings.memory_max_bytes, ended },
        driver: place.driver.map(tokio::sync::Mutex::new),
        turn: None,
    })
}

/// Starts a driver on this machine. The port that it looked for may be another's before it listens there: then it is started again.
async fn local(
    parts: &Parts,
    vars: &Variables,
    device: &Device,
    (program, kind): (PathBuf, Kind),
) -> Result<Place, String> {
    let mut times = STARTS;
    loop {
        times -= 1;
        match start(parts, vars, device, (&program, kind)).await {
            Err(why) if times > 0 && why.contains("port not available") => {}
            started => return started,
        }
    }
}

/// Starts a driver in a folder of its own with all that the browser shall find there.
async fn start(
    parts: &Parts,
    vars: &Variables,
    device: &Device,
    (program, kind): (&Path, Kind),
) -> Result<Place, String> {
    let (browsers, transport) = (&parts.browsers, &vars.environment().transport);
    if browsers.watched.headed
        && !["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|v| browsers.variables.contains_key(*v))
    {
        return Err(
            "there is no display to show it on: neither DISPLAY nor WAYLAND_DISPLAY is set"
                .to_owned(),
        );
    }
    let folder = Folder::new(&browsers.base)
        .map_err(|e| format!("its folder below {} cannot be made: {e}", browsers.base.display()))?;
    let prepared = prepare(parts, vars, kind, &folder).await;
    let extension = match prepared {
        Ok(extension) => extension,
        Err(why) => {
            folder.remove().await;
            return Err(why);
        }
    };
    let mut variables = browsers.variables.clone();
    if let Some(timezone) = &device.timezone {
        variables.insert("TZ".to_owned(), timezone.clone());
    }
    if let (Kind::Firefox, Some(_)) = (kind, &transport.ca) {
        folder.remove().await;
        return Err("the environment's `ca` cannot be given to Firefox".to_owned());
    }
    let guard = browsers.guard()?;
    let arguments = vec!["--port=0".into()];
    let start = Start { guard: &guard, program, arguments, variables: &variables };
    let driver = start.start(folder).await?;
    let address = format!("http://127.0.0.1:{}/", driver.port);
    Ok(Place { kind, address, driver: Some(driver), extension })
}

/// Writes what the browser shall find in its folder.
async fn prepare(
    parts: &Parts,
    vars: &Variables,
    kind: Kind,
    folder: &Folder,
) -> Result<Option<PathBuf>, String> {
    let environment = vars.environment();
    if kind != Kind::Chromium {
        return Ok(None);
    }
    if let Some(file) = &environment.transport.ca {
        authority::trust(&file.bytes, &folder.path, &parts.browsers.path()).await?;
    }
    let mut headers = Vec::new();
    for (name, text) in &environment.transport.headers {
        headers.push((name.clone(), vars.fill_to_send(text).map_err(words)?));
    }
    let origins = extension::origins(environment.vars.values());
    extension::write(&headers, &origins, &folder.path)
        .map_err(|e| format!("the browser's headers cannot be written: {e}"))
}

/// The environment's proxy as `host:port`.
fn proxy(vars: &Variables) -> Result<Option<String>, String> {
    let Some(proxy) = &vars.environment().transport.proxy else { return Ok(None) };
    if proxy.user.is_some() {
        return Err("a browser cannot sign in to the environment's proxy".to_owned());
    }
    let address = vars.fill_to_send(&proxy.address).map_err(words)?;
    let url = Url::parse(&address).ok();
    let at = url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    let at = at.map(|(host, port)| format!("{host}:{port}"));
    at.map(Some).ok_or_else(|| format!("\"{address}\" is not the address of a proxy"))
}

fn words(trouble: Trouble) -> String {
    match trouble {
        Trouble::Ours(why) | Trouble::Target(_, why) => why,
    }
}

/// The way to a driver: plain on loopback, TLS where a grid asks for it.
fn connector(parts: &Parts) -> Result<HttpsConnector<HttpConnector>, String> {
    let tls = parts.usual_tls().ok_or("there is no configuration of TLS")?;
    let mut config = tls.for_run(HttpVersion::Http1);
    // The connector sets them itself, and insists on it.
    config.alpn_protocols.clear();
    let mut plain = HttpConnector::new();
    plain.set_nodelay(true);
    plain.enforce_http(false);
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(plain))
}

async fn connect(
    connector: &HttpsConnector<HttpConnector>,
    address: &str,
    wanted: &Wanted<'_>,
) -> Result<fantoccini::Client, NewSessionError> {
    fantoccini::ClientBuilder::new(connector.clone())
        .capabilities(capabilities(wanted))
        .connect(address)
        .await
}

/// Why there is no session, in one line.
fn not_created(error: &NewSessionError) -> String {
    match error {
        NewSessionError::SessionNotCreated(error) => one_line(&error.message),
        NewSessionError::NotW3C(value) => match value.get("message").and_then(|m| m.as_str()) {
            Some(message) => one_line(message),
            None => "the driver speaks no WebDriver".to_owned(),
        },
        other => one_line(&other.to_string()),
    }
}
