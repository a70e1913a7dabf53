//! `[agent]`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    config::{names::NameOf, reader::Reader, value::Entry},
    model::{AgentSettings, LocationName},
};

/// Where the agent listens unless told otherwise.
pub(in crate::config) const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9464);

/// How many runs may be under way at once unless told otherwise.
pub(in crate::config) const WORKERS: u64 = 64;

/// How long a stop waits for runs under way unless told otherwise.
pub(in crate::config) const DRAIN: Duration = Duration::from_secs(30);

/// Lowers the table; what is missing has a default. `guarded`: there is at least one `[[token]]`.
pub(super) fn lower(top: &Reader<'_>, guarded: bool) -> AgentSettings {
    let mut agent = AgentSettings {
        location: LocationName::new("local"),
        listen: LISTEN,
        data: PathBuf::from("wayfarer.db"),
        workers: usize::try_from(WORKERS).unwrap_or(usize::MAX),
        drain: DRAIN,
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
    table.finish();
    agent
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
