//! What one run keeps between its requests: client, cookies, connections.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    sync::Arc,
};

use url::{Origin, Url};

use super::{
    auth::Nonces,
    guard::Guard,
    jar::Jar,
    marks::{Attempts, Ends, Marking, Marks},
    resolve::Resolver,
    tls::Tls,
    trace_context::TraceContext,
    trail::Trail,
};
use crate::{
    clock::{Clock, Stopwatch},
    engine::{fault::Trouble, settings::Parts, vars::Variables},
    model::{Connection, HttpStep, HttpVersion, IpFamily, Proxy},
};

/// One run's side of HTTP. Nothing of it outlives the run.
pub(in crate::engine) struct Session {
    /// The client of the present step.
    pub(super) client: reqwest::Client,
    pub(super) attempts: Attempts,
    pub(super) guard: Guard,
    pub(in crate::engine) jar: Jar,
    pub(in crate::engine) clock: Clock,
    /// The run's own stopwatch: offsets count from it.
    pub(in crate::engine) watch: Stopwatch,
    /// What was sent and got.
    pub(in crate::engine) trail: Trail,
    /// Where the clients have a connection that goes on.
    warm: HashSet<(Way, Origin)>,
    /// The way of the present step.
    way: Way,
    /// What servers with digest authentication have asked for.
    pub(super) nonces: Nonces,
    /// A client for each way that steps asked for: connections are kept apart by it.
    clients: HashMap<Way, reqwest::Client>,
    route: Route,
    /// Whether a request carried the header of the run's trace.
    pub(super) traced: bool,
    /// The certificates of the connections of this run.
    chains: HashMap<Ends, Chain>,
    /// The same by host, for connections whose handshake resumed a session and so sent no certificate.
    host_chains: HashMap<String, Chain>,
}

/// What a server sent of certificates (DER), its own first.
pub(super) type Chain = Arc<Vec<Vec<u8>>>;

/// What a step may fix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Way {
    version: HttpVersion,
    ip: Option<IpFamily>,
}

/// What the environment fixes.
#[derive(Clone)]
struct Route {
    tls: Arc<Tls>,
    hosts: Arc<BTreeMap<String, IpAddr>>,
    guard: Guard,
    proxy: Option<(Url, reqwest::Proxy)>,
    trace: Option<TraceContext>,
}

impl Route {
    fn of(parts: &Parts, vars: &Variables) -> Result<Self, Trouble> {
        let environment = vars.environment();
        let tls = parts.tls(environment).map_err(|error| Trouble::ours(error.to_string()))?;
        let pinned = &environment.transport.resolve;
        let hosts = if pinned.is_empty() {
            Arc::clone(&parts.hosts)
        } else {
            let mut hosts = BTreeMap::clone(&parts.hosts);
            hosts.extend(pinned.iter().map(|(name, address)| (name.clone(), *address)));
            Arc::new(hosts)
        };
        let proxy = environment.transport.proxy.as_ref();
        let proxy = proxy.map(|proxy| proxy_of(proxy, vars)).transpose()?;
        let guard = Guard(Arc::new(environment.network.clone()));
        let trace = environment.transport.tracing.is_on().then(|| TraceContext::of(vars.run()));
        Ok(Self { tls, hosts, guard, proxy, trace })
    }

    /// A client without connections; what the shared parts cost (system roots) is not paid again.
    fn client(
        &self,
        way: Way,
        attempts: &Attempts,
        clock: Clock,
    ) -> Result<reqwest::Client, Trouble> {
        let (hosts, guard) = (Arc::clone(&self.hosts), self.guard.clone());
        let resolver = Resolver { hosts, guard, clock, family: way.ip };
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.for_run(way.version))
            .dns_resolver(Arc::new(resolver))
            .connector_layer(Marking { attempts: attempts.clone(), clock })
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        let builder = match &self.proxy {
            Some((_, proxy)) => builder.proxy(proxy.clone()),
            None => builder.no_proxy(),
        };
        let builder = match way.version {
            HttpVersion::Auto => builder,
            HttpVersion::Http1 => builder.http1_only(),
            HttpVersion::Http2 => builder.http2_prior_knowledge(),
        };
        builder
            .build()
            .map_err(|error| Trouble::ours(format!("no HTTP client can be built: {error}")))
    }
}

/// The environment's proxy, its templates filled. It gets its credentials from reqwest, so that they stand in no request of ours.
fn proxy_of(proxy: &Proxy, vars: &Variables) -> Result<(Url, reqwest::Proxy), Trouble> {
    let address = vars.fill_to_send(&proxy.address)?;
    let unusable = || Trouble::ours(format!("\"{address}\" is not the address of a proxy"));
    let url = Url::parse(&address).ok().filter(Url::has_host).ok_or_else(unusable)?;
    let mut built = reqwest::Proxy::all(url.clone()).map_err(|_| unusable())?;
    if let Some(user) = &proxy.user {
        let user = vars.fill_to_send(user)?;
        let password = proxy.password.as_ref().map(|p| vars.fill_to_send(p)).transpose()?;
        let password = password.unwrap_or_default();
        if !password.is_empty() {
            vars.hide(&password);
        }
        built = built.basic_auth(&user, &password);
    }
    Ok((url, built))
}

impl Session {
    /// A session for one run.
    pub(in crate::engine) fn new(
        parts: &Parts,
        vars: &Variables,
        watch: Stopwatch,
    ) -> Result<Self, Trouble> {
        Self::over(Route::of(parts, vars)?, parts.clock, watch)
    }

    fn over(route: Route, clock: Clock, watch: Stopwatch) -> Result<Self, Trouble> {
        let attempts = Attempts::default();
        let client = route.client(Way::default(), &attempts, clock)?;
        Ok(Self {
            clients: HashMap::from([(Way::default(), client.clone())]),
            client,
            attempts,
            guard: route.guard.clone(),
            jar: Jar::default(),
            clock,
            watch,
            trail: Trail::default(),
            warm: HashSet::new(),
            way: Way::default(),
            nonces: Nonces::default(),
            route,
            traced: false,
            chains: HashMap::new(),
            host_chains: HashMap::new(),
        })
    }

    /// The trace that requests belong to, where they do.
    pub(super) fn trace(&self) -> Option<&TraceContext> {
        self.route.trace.as_ref()
    }

    /// Whether a request carried the header of the run's trace.
    pub(in crate::engine) fn was_traced(&self) -> bool {
        self.traced
    }

    /// A session that goes the same way and shares nothing with this one: what it does leaves no connection and no cookie behind.
    pub(super) fn apart(&self) -> Result<Self, Trouble> {
        Self::over(self.route.clone(), self.clock, self.watch)
    }

    /// Whether a URL may be asked for from this environment.
    ///
    /// # Errors
    /// A sentence that names the place.
    pub(in crate::engine) fn may_ask(&self, url: &Url) -> Result<(), String> {
        self.guard.asks(url)
    }

    /// Whether an address that a browser connected to may be reached. Behind a proxy it is the proxy's, and nobody can tell.
    ///
    /// # Errors
    /// A sentence that names host and address.
    pub(in crate::engine) fn may_connect(&self, name: &str, address: IpAddr) -> Result<(), String> {
        if self.proxy().is_some() { Ok(()) } else { self.guard.connects(name, address) }
    }

    /// Readies the client that a step asks for. One that wants a fresh connection gets a client of its own, with no TLS session either; the
    /// steps after it that ask for the same way go on with that.
    pub(super) fn ready_for(&mut self, step: &HttpStep) -> Result<(), Trouble> {
        let way = Way { version: step.version, ip: step.ip };
        let fresh = step.connection == Some(Connection::Fresh);
        self.way = way;
        self.client = match self.clients.get(&way) {
            Some(client) if !fresh => client.clone(),
            _ => {
                let client = self.route.client(way, &self.attempts, self.clock)?;
                self.warm.retain(|(of, _)| *of != way);
                self.clients.insert(way, client.clone());
                client
            }
        };
        Ok(())
    }

    /// Why this URL cannot be reached by the addresses that the step asks for: it is one of the other kind itself.
    pub(super) fn contradicts(&self, url: &Url) -> Option<String> {
        let (wanted, address) = match (self.way.ip?, url.host()?) {
            (IpFamily::V4, url::Host::Ipv6(address)) => ("4", IpAddr::V6(address)),
            (IpFamily::V6, url::Host::Ipv4(address)) => ("6", IpAddr::V4(address)),
            _ => return None,
        };
        Some(format!("the step wants `ip = \"{wanted}\"`, and the URL is the address {address}"))
    }

    /// Whether HTTP/2 is spoken to this URL without having been agreed on.
    pub(super) fn presumes_http2(&self, url: &Url) -> bool {
        self.way.version == HttpVersion::Http2 && url.scheme() == "http"
    }

    /// The proxy that all requests go through.
    pub(super) fn proxy(&self) -> Option<&Url> {
        self.route.proxy.as_ref().map(|(url, _)| url)
    }

    /// Whether a connection that can serve a request to `url` was left by one before.
    pub(super) fn is_warm(&self, url: &Url) -> bool {
        self.warm.contains(&(self.way, url.origin()))
    }

    /// Notes whether the connection that served goes on.
    pub(super) fn keep_warm(&mut self, url: &Url, goes_on: bool) {
        let place = (self.way, url.origin());
        if goes_on {
            self.warm.insert(place);
        } else {
            self.warm.remove(&place);
        }
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
