//! `[agent]`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;

use crate::{
    config::{names::NameOf, reader::Reader, value::Entry},
    model::{AgentSettings, LocationName},
};

/// Where the agent listens unless told otherwise.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);

/// How many runs may be under way at once unless told otherwise.
const WORKERS: u64 = 64;

/// Most addresses of `self_check`.
const MOST_CHECKS: usize = 3;

/// How long a stop waits for runs under way unless told otherwise.
const DRAIN: Duration = Duration::from_secs(30);

/// Lowers the table; what is missing has a default. `guarded`: there is at least one `[[token]]`.
pub(super) fn lower(top: &Reader<'_>, guarded: bool) -> AgentSettings {
    let mut agent = AgentSettings {
        location: LocationName::new("local"),
        listen: LISTEN,
        data: PathBuf::from("wayfarer.db"),
        workers: usize::try_from(WORKERS).unwrap_or(usize::MAX),
        drain: DRAIN,
        self_check: Vec::new(),
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
        agent.self_check = self_check(&entry);
    }
    table.finish();
    agent
}

/// One address, or a list of a few.
fn self_check(entry: &Entry<'_>) -> Vec<String> {
    if entry.is_text() {
        return address(entry).into_iter().collect();
    }
    let items = entry.elements("an address, or a list of them").unwrap_or_default();
    if items.len() > MOST_CHECKS {
        let note = entry.fault(format!("`self_check` has {} addresses", items.len()));
        entry.page.note(
            note.label("too many")
                .help(format!("{MOST_CHECKS} are enough to tell our trouble from theirs")),
        );
    }
    items.iter().filter_map(address).take(MOST_CHECKS).collect()
}

fn address(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let url = Url::parse(&text.value).ok().filter(|url| url.has_host());
    let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        let note =
            entry.fault(format!("`self_check`: `{}` is not an address", text.value.escape_debug()));
        return entry.refuse(
            note.label("not an http address").help("write it as `https://known-good.example/`"),
        );
    };
    if !url.username().is_empty() || url.password().is_some() {
        entry.page.hide(entry.span.clone());
        let note = entry.fault("`self_check` holds a user or a password");
        return entry.refuse(note.label("a secret in the file").help("name an open address"));
    }
    if text.value.contains("{{") || url.query().is_some() || url.fragment().is_some() {
        let note = entry.fault("`self_check` holds a template, a query or a fragment");
        return entry.refuse(note.label("not plain").help("name a plain address"));
    }
    Some(text.value)
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
