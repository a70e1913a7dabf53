//! From settings to the channels that do something elsewhere.

use std::sync::Arc;

use super::{
    Around, Channel, Http, Program,
    command::Surroundings,
    forge::Writeback,
    rollback::{Rollback, Way},
    webhook::signing_key,
};
use crate::model::{
    Address, RollbackSettings, RollbackWay, Secret, SecretSource, WritebackSettings,
};

/// The channel of a rollback. `secret` gives the value of a reference, or none after it has noted why there is none.
///
/// # Errors
/// Settings that cannot be used, in words. None without an error where a secret is missing.
pub fn open_rollback(
    settings: &RollbackSettings,
    around: &Around,
    mut secret: impl FnMut(&SecretSource) -> Option<Secret>,
) -> Result<Option<Arc<dyn Channel>>, String> {
    let way = match &settings.way {
        RollbackWay::Command { words, env } => Way::Command {
            program: Program {
                words: words.clone(),
                folder: around.root.clone(),
                timeout: settings.timeout,
            },
            surroundings: {
                let had = Surroundings::new(&around.variables, env, &mut secret);
                let Some(surroundings) = had else { return Ok(None) };
                surroundings
            },
        },
        RollbackWay::Webhook { url, secret: signing, token } => {
            let mut all = true;
            let mut value = |source: Option<&SecretSource>| {
                let value = source.and_then(&mut secret);
                all &= source.is_none() || value.is_some();
                value
            };
            let url = match url {
                Address::Open(url) => Some(Secret::new(url.as_str())),
                Address::Secret(source) => value(Some(source)),
            };
            let (signing, token) = (value(signing.as_ref()), value(token.as_ref()));
            let (Some(url), true) = (url, all) else { return Ok(None) };
            let shown = [Some(&url), signing.as_ref(), token.as_ref()];
            let http = Http::new(settings.timeout, shown.into_iter().flatten())?;
            let key = signing.as_ref().map(signing_key).transpose()?;
            Way::Webhook { http, url, key, token }
        }
    };
    Ok(Some(Arc::new(Rollback { way, source: around.source.clone() })))
}

/// The channel of a forge.
///
/// # Errors
/// As [`open_rollback`].
pub fn open_writeback(
    settings: &WritebackSettings,
    mut secret: impl FnMut(&SecretSource) -> Option<Secret>,
) -> Result<Option<Arc<dyn Channel>>, String> {
    let Some(token) = secret(&settings.token) else { return Ok(None) };
    let http = Http::new(settings.timeout, [&token])?;
    let (forge, url) = (settings.forge, settings.url.clone());
    Ok(Some(Arc::new(Writeback { http, forge, url, token })))
}
