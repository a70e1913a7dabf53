//! Keeps steps from places that only the machine we stand on should ask.
//!
//! A journey is text that many people write, and a target can send us anywhere by a redirect or by what its name resolves to. So every hop
//! is asked about: its host before it is looked up, and every address before it is connected to.

use std::{net::IpAddr, sync::Arc};

use url::{Host, Url};

use crate::model::Network;

/// The rules of an environment.
#[derive(Debug, Clone)]
pub(super) struct Guard(pub(super) Arc<Network>);

impl Guard {
    /// Whether a URL may be asked for, as far as it can be told without looking up its name. An address in the URL is one in whatever
    /// way it was written (`http://2852039166/`): the URL standard reads decimal, octal and hexadecimal forms.
    ///
    /// # Errors
    /// A sentence that names the place.
    pub(super) fn asks(&self, url: &Url) -> Result<(), String> {
        let refused = |what: &dyn std::fmt::Display, why: String| {
            format!("{what} may not be reached from this environment: it {why}")
        };
        match url.host() {
            Some(Host::Ipv4(address)) => {
                self.0.refuses(None, address.into()).map_err(|why| refused(&address, why))
            }
            Some(Host::Ipv6(address)) => {
                self.0.refuses(None, address.into()).map_err(|why| refused(&address, why))
            }
            Some(Host::Domain(name)) => {
                self.0.refuses_host(name).map_err(|why| refused(&name, why))
            }
            None => Ok(()),
        }
    }

    /// Whether an address that a name has may be connected to.
    ///
    /// # Errors
    /// A sentence that names both.
    pub(super) fn connects(&self, name: &str, address: IpAddr) -> Result<(), String> {
        self.0.refuses(Some(name), address).map_err(|why| {
            format!("{name} is {address}, which may not be reached from this environment: it {why}")
        })
    }
}
