//! What one run keeps between its requests: client, cookies, connections.

use std::{collections::HashMap, sync::Arc, time::Duration};

use url::Url;

use super::{
    guard::Guard,
    jar::Jar,
    marks::{Attempts, Ends, Marking, Marks},
    resolve::Resolver,
    trail::Trail,
};
use crate::{
    clock::{Clock, Stopwatch},
    engine::{fault::Trouble, settings::Parts},
    model::Environment,
};

/// How long we wait before a request that follows another. After a chunked answer hyper needs a moment to see that the connection is idle;
/// a request sent at once opened a new one in a third to a half of all cases, so that a step's time depended on a race in our own process.
/// One millisecond was enough in nearly all cases, two in all.
pub(super) const PAUSE: Duration = Duration::from_millis(2);

/// One run's side of HTTP. Nothing of it outlives the run.
pub(in crate::engine) struct Session {
    pub(super) client: reqwest::Client,
    pub(super) attempts: Attempts,
    pub(super) guard: Guard,
    pub(super) jar: Jar,
    pub(super) clock: Clock,
    /// The run's own stopwatch: offsets count from it.
    pub(super) watch: Stopwatch,
    /// What was sent and got.
    pub(in crate::engine) trail: Trail,
    /// Whether a request was sent before.
    pub(super) used: bool,
    /// The certificates of the connections of this run.
    chains: HashMap<Ends, Chain>,
    /// The same by host, for connections whose handshake resumed a session and so sent no certificate.
    host_chains: HashMap<String, Chain>,
}

/// What a server sent of certificates (DER), its own first.
pub(super) type Chain = Arc<Vec<Vec<u8>>>;

impl Session {
    /// A session for one run; what the shared parts cost (system roots) is not paid again.
    pub(in crate::engine) fn new(
        parts: &Parts,
        environment: &Environment,
        watch: Stopwatch,
    ) -> Result<Self, Trouble> {
        let attempts = Attempts::default();
        let clock = parts.clock;
        let guard = Guard(Arc::new(environment.network.clone()));
        let resolver = Resolver { hosts: Arc::clone(&parts.hosts), guard: guard.clone(), clock };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(parts.tls.for_run())
            .dns_resolver(Arc::new(resolver))
            .connector_layer(Marking { attempts: attempts.clone(), clock })
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .build()
            .map_err(|error| Trouble::ours(format!("no HTTP client can be built: {error}")))?;
        Ok(Self {
            client,
            attempts,
            guard,
            jar: Jar::default(),
            clock,
            watch,
            trail: Trail::default(),
            used: false,
            chains: HashMap::new(),
            host_chains: HashMap::new(),
        })
    }

    /// Waits until the connection of the request before is idle again, and gives how long that took: it is in nobody's time.
    pub(super) async fn settle(&mut self) -> Duration {
        if !std::mem::replace(&mut self.used, true) {
            return Duration::ZERO;
        }
        let from = self.clock.instant();
        tokio::time::sleep(PAUSE).await;
        self.clock.instant().saturating_duration_since(from)
    }

    /// The certificates of the connection that served. `marks` are those of the attempt that made it in this hop.
    pub(super) fn chain(
        &mut self,
        url: &Url,
        ends: Option<Ends>,
        marks: Option<&Marks>,
    ) -> Option<Chain> {
        if url.scheme() != "https" {
            return None;
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let seen = marks.filter(|marks| !marks.chain.is_empty());
        let chain = seen
            .map(|marks| Arc::new(marks.chain.clone()))
            .or_else(|| self.chains.get(&ends?).cloned())
            .or_else(|| self.host_chains.get(&host).cloned())?;
        if let Some(ends) = ends {
            self.chains.insert(ends, Arc::clone(&chain));
        }
        self.host_chains.insert(host, Arc::clone(&chain));
        Some(chain)
    }
}
