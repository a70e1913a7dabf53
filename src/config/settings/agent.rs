//! `[agent]`.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;

use crate::{
    config::{names::NameOf, reader::Reader, value::Entry},
    model::{AgentSettings, EnvironmentName, EnvironmentSettings, LocationName},
};

/// Where the agent listens unless told otherwise.
pub(in crate::config) const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);

/// How many runs may be under way at once unless told otherwise.
pub(in crate::config) const WORKERS: u64 = 64;

/// Most addresses of `self_check`.
pub(in crate::config) const MOST_CHECKS: usize = 3;

/// The environments, whose servers are no self-check.
type Environments = BTreeMap<EnvironmentName, EnvironmentSettings>;

/// How long a stop waits for runs under way unless told otherwise.
pub(in crate::config) const DRAIN: Duration = Duration::from_secs(30);

/// Lowers the table; what is missing has a default. `guarded`: there is at least one `[[token]]`.
pub(super) fn lower(top: &Reader<'_>, guarded: bool, targets: &Environments) -> AgentSettings {
    let mut agent = AgentSettings {
        location: LocationName::new("local"),
        listen: LISTEN,
        data: PathBuf::from("wayfarer.db"),
        workers: usize::try_from(WORKERS).unwrap_or(usize::MAX),
        drain: DRAIN,
        self_check: Vec::new(),
        public_url: None,
        trace_url: None,
        anonymous: true,
        open_metrics: false,
    };
    let Some(table) = top.table("agent") else { return agent };
    if let Some(location) = table.name("location", NameOf::Thing) {
        agent.location = location.value.into();
    }
    if let Some(address) = table.take("listen").and_then(|entry| listen(&entry, guarded)) {
        agent.listen = address;
    }
    if let Some(data) = table.text("data") {
        agent.data = PathBuf::from(data.value);
    }
    if let Some(workers) = table.count("workers", 1..4096) {
        agent.workers = usize::try_from(workers.value).unwrap_or(usize::MAX);
    }
    if let Some(drain) = table.duration("drain", Duration::ZERO..Duration::from_secs(3600)) {
        agent.drain = drain.value;
    }
    if let Some(entry) = table.take("self_check") {
        agent.self_check = self_check(&entry, targets);
    }
    if let Some(url) = table.take("public_url").and_then(|entry| super::receiver::address(&entry)) {
        agent.public_url = Some(url.trim_end_matches('/').to_owned());
    }
    agent.trace_url = table.take("trace_url").and_then(|entry| super::trace_url(&entry));
    agent.anonymous = table.boolean("anonymous").is_none_or(|said| said.value);
    agent.open_metrics = table.boolean("open_metrics").is_some_and(|said| said.value);
    table.finish();
    agent
}

/// One address, or a list of a few.
fn self_check(entry: &Entry<'_>, targets: &Environments) -> Vec<String> {
    if entry.is_text() {
        return address(entry, targets).into_iter().collect();
    }
    let items = entry.elements("an address, or a list of them").unwrap_or_default();
    if items.len() > MOST_CHECKS {
        let note = entry.fault(format!("`self_check` has {} addresses", items.len()));
        entry.page.note(
            note.label("too many")
                .help(format!("{MOST_CHECKS} are enough to tell our trouble from theirs")),
        );
    }
    let mut found: Vec<String> = Vec::new();
    for item in &items {
        match address(item, targets) {
            Some(again) if found.contains(&again) => {
                let note = item.fault("`self_check` has this address twice");
                entry.page.note(note.label("again").help("one server counts once: name others"));
            }
            read => found.extend(read),
        }
    }
    found
}

fn address(entry: &Entry<'_>, targets: &Environments) -> Option<String> {
    let text = entry.text()?.value;
    let url = Url::parse(&text).ok().filter(|url| url.has_host());
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let open = |url: &Url| url.username().is_empty() && url.password().is_none();
    if !url.as_ref().map_or(!text.contains('@'), open) {
        // Whatever stands before the sign may be a password.
        entry.page.hide(entry.span.clone());
        let note = entry.fault("`self_check` holds a user or a password");
        return entry.refuse(note.label("a secret in the file").help("name an open address"));
    }
    if text.contains("{{") || text.contains(['?', '#']) {
        // A query may be a key.
        entry.page.hide(entry.span.clone());
        let note = entry.fault("`self_check` holds a template, a query or a fragment");
        return entry.refuse(note.label("not plain").help("name a plain address"));
    }
    let Some(url) = url else {
        let note =
            entry.fault(format!("`self_check`: `{}` is not an address", text.escape_debug()));
        return entry.refuse(
            note.label("not an http address").help("write it as `https://known-good.example/`"),
        );
    };
    let origin = url.origin();
    let at_it = |base: &String| Url::parse(base).is_ok_and(|base| base.origin() == origin);
    let same = targets.iter().find(|(_, e)| e.vars.get("base_url").is_some_and(at_it));
    if let Some((name, _)) = same {
        let note =
            entry.fault(format!("`self_check` names the server of the environment `{name}`"));
        return entry.refuse(note.label("a target").help(
            "while it is down, what fails there would be our own trouble: name a server of somebody else",
        ));
    }
    Some(text)
}

fn listen(entry: &Entry<'_>, guarded: bool) -> Option<SocketAddr> {
    let text = entry.text()?;
    let Ok(address) = text.value.parse::<SocketAddr>() else {
        let port = text.value.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let note =
            entry.fault(format!("`listen`: `{}` is not an address", text.value.escape_debug()));
        return entry.refuse(note.label("not an address with a port").help(format!(
            "write an IP address and a port: `127.0.0.1:{}`",
            port.unwrap_or(LISTEN.port())
        )));
    };
    if !address.ip().is_loopback() && !guarded {
        let note = entry
            .fault(format!("`listen`: others can reach {address}, and no `[[token]]` guards it"));
        return entry.refuse(
            note.label("not loopback").help(
                "add a `[[token]]` with `name`, `scope` and `secret`, or listen on 127.0.0.1",
            ),
        );
    }
    Some(address)
}
