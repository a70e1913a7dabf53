//! `[environments.NAME.network]`.

use crate::{
    config::reader::Reader,
    model::{Destination, Network},
};

/// Lowers the table.
pub(super) fn lower(table: &Reader<'_>) -> Network {
    let allow = destinations(table, "allow");
    let deny = destinations(table, "deny");
    let empty =
        table.take("allow").filter(|entry| entry.value.as_array().is_some_and(|a| a.is_empty()));
    if let Some(entry) = empty {
        let note = entry.fault("`allow` is empty: nothing could be reached").label("nothing");
        table.note(note.help("leave it out to allow what is not denied"));
    }
    table.finish();
    Network { allow, deny }
}

/// The networks and hosts of a list.
pub(super) fn destinations(table: &Reader<'_>, key: &'static str) -> Vec<Destination> {
    let Some(entry) = table.take(key) else { return Vec::new() };
    let wanted = "a list of networks and hosts such as [\"10.0.0.0/8\", \"shop.internal\"]";
    let items = entry.elements(wanted).unwrap_or_default();
    let read = |item: &crate::config::value::Entry<'_>| {
        let text = item.text()?;
        match Destination::read(&text.value) {
            Ok(destination) => Some(destination),
            Err(fault) => {
                let message = format!("`{}` is {fault}", text.value.escape_debug());
                item.refuse(item.fault(message).label("cannot be read"))
            }
        }
    };
    items.iter().filter_map(read).collect()
}
