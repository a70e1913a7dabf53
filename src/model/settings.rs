//! What `wayfarer.toml` says, lowered: defaults filled in, names checked, nothing resolved.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use super::{
    BrowserSettings, Destination, EnvironmentName, Freeze, HookSettings, KubernetesSettings,
    LocationName, Maintenance, Network, PipelineSettings, PlaceRule, ReceiverSettings,
    RollbackSettings, SavedView, SecretSource, ServiceName, Transport, WritebackSettings,
};

/// Everything an agent is told by its settings file.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The agent itself.
    pub agent: AgentSettings,
    /// How browsers are had.
    pub browser: BrowserSettings,
    /// The places where journeys run, by name.
    pub environments: BTreeMap<EnvironmentName, EnvironmentSettings>,
    /// What happens after a change.
    pub watch: Watch,
    /// What counts as a shift.
    pub detect: Detect,
    /// Who depends on whom, and who owns what.
    pub services: BTreeMap<ServiceName, Service>,
    /// How long what is kept.
    pub retention: Retention,
    /// Who may use the HTTP face.
    pub tokens: Vec<TokenSettings>,
    /// Who may tell of changes by webhook, by the last part of the address.
    pub hooks: BTreeMap<String, HookSettings>,
    /// Clusters that are watched for changes, by their names here.
    pub kubernetes: BTreeMap<String, KubernetesSettings>,
    /// Where changes belong that do not say it.
    pub place: Vec<PlaceRule>,
    /// Who is told of findings and changes.
    pub receivers: Vec<ReceiverSettings>,
    /// When nobody is told.
    pub maintenance: Vec<Maintenance>,
    /// When nothing shall be deployed.
    pub freezes: Vec<Freeze>,
    /// How changes are undone.
    pub rollbacks: Vec<RollbackSettings>,
    /// Which forges are told of changes.
    pub writebacks: Vec<WritebackSettings>,
    /// What pipelines should keep.
    pub pipelines: PipelineSettings,
    /// What teams look at on the dashboard.
    pub views: Vec<SavedView>,
}

impl Settings {
    /// Takes out what only a long-lived agent needs secrets for: who may ask it, who tells it, whom it tells.
    pub fn forget_what_agents_need(&mut self) {
        self.tokens.clear();
        self.hooks.clear();
        self.kubernetes.clear();
        self.receivers.clear();
        self.rollbacks.clear();
        self.writebacks.clear();
    }

    /// What is allowed and yet must not be overlooked, as sentences.
    pub fn warnings(&self) -> Vec<String> {
        let insecure = self.environments.iter().filter(|(_, settings)| settings.transport.insecure);
        let mut warnings: Vec<String> = insecure
            .map(|(name, _)| {
                format!(
                    "environment `{name}` is insecure: no certificate is verified, so whoever answers may not be whom the journeys ask; to trust a private authority, write `ca = \"ca.pem\"` instead"
                )
            })
            .collect();
        if !cfg!(feature = "kubernetes") && !self.kubernetes.is_empty() {
            warnings.push(
                "[kubernetes.*] is set, and this wayfarer was built without the watcher of Kubernetes, so that nothing is watched there: build it with `cargo build --release --features kubernetes`".to_owned(),
            );
        }
        let Watch { window, settle, .. } = &self.watch;
        if window <= settle {
            warnings.push(format!(
                "`[watch] window` ({window:?}) is not longer than `settle` ({settle:?}): what is slow until then may be a cold start, so no change is blamed for it before its watch is over"
            ));
        }
        warnings
    }
}

/// `[agent]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSettings {
    /// A label on every run; `local` by default.
    pub location: LocationName,
    /// Address of API, dashboard and metrics; `127.0.0.1:9464` by default.
    pub listen: SocketAddr,
    /// The data file, as written (relative to the settings file); `wayfarer.db` by default.
    pub data: PathBuf,
    /// How many runs may be under way at once; 64 by default.
    pub workers: usize,
    /// How long a stop waits for runs under way; 30 s by default.
    pub drain: Duration,
    /// Addresses known to be good, behind which our own host and path stand: at most three, none by default.
    pub self_check: Vec<String>,
    /// Where people find this agent, for links in messages: without a slash at its end.
    pub public_url: Option<String>,
    /// Where traces of runs are looked at, for environments that say no place of their own.
    pub trace_url: Option<String>,
    /// Whether whoever asks from this machine may see everything and log changes without a token; they may by default.
    pub anonymous: bool,
    /// Whether `/metrics` needs no token wherever it is asked from; it does by default.
    pub open_metrics: bool,
}

/// `[environments.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvironmentSettings {
    /// Plain variables; `base_url` is one of them.
    pub vars: BTreeMap<String, String>,
    /// Where the secret variables come from.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Most runs a second that burst probing and smoke may add up to in this environment; 5 by default.
    pub max_rate: f64,
    /// How its hosts are reached.
    pub transport: Transport,
    /// Where the private key (PEM) of [`Transport::client_certificate`] comes from.
    pub client_key: Option<SecretSource>,
    /// Which addresses and hosts its steps may reach.
    pub network: Network,
}

/// `[watch]`: what happens after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// A watch lasts at least this long; 30 min by default.
    pub window: Duration,
    /// And at least so many runs of a journey; 60 by default.
    pub min_runs: u32,
    /// Whether mapped journeys are walked soon after a change finishes; on by default.
    pub smoke: bool,
    /// How often mapped HTTP journeys are probed while a watch is open; 10 s by default, none for never.
    pub burst: Option<Duration>,
    /// How long a cold start may look slow before it counts; 4 min by default.
    pub settle: Duration,
    /// A change that is under way for longer than this is overdue; 2 h by default.
    pub overdue: Duration,
}

/// `[detect]`: a shift must be both probable and big enough to matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detect {
    /// Smallest relative slow-down that matters, as a share; 0.20 by default.
    pub latency_relative: f64,
    /// Smallest absolute slow-down that matters, on top of what the journey's own noise says; none by default.
    pub latency_absolute: Option<Duration>,
    /// Smallest drop of the success rate that matters, as a share of 1; 0.03 by default.
    pub success_drop: f64,
    /// One minus the chance of a false verdict for a change, over all looks and all series; 0.995 by default.
    pub confidence: f64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30 * 60),
            min_runs: 60,
            smoke: true,
            burst: Some(Duration::from_secs(10)),
            settle: Duration::from_secs(4 * 60),
            overdue: Duration::from_secs(2 * 3600),
        }
    }
}

impl Default for Detect {
    fn default() -> Self {
        Self {
            latency_relative: 0.20,
            latency_absolute: None,
            success_drop: 0.03,
            confidence: 0.995,
        }
    }
}

/// `[services.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// The services it calls: blame follows these edges.
    pub depends_on: Vec<ServiceName>,
    /// Who looks after it.
    pub owner: Option<String>,
    /// The hosts that are its own: a failure that names one of them points at it.
    pub hosts: Vec<Destination>,
    /// Where its commits are shown: `{commit}` stands for the hash.
    pub commit_url: Option<String>,
}

/// `[retention]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Every run with steps and phases; 30 days by default.
    pub runs: Duration,
    /// Bodies and headers of failures; 7 days by default.
    pub evidence: Duration,
    /// Most bytes that these may take in the data file; 256 MiB by default.
    pub evidence_max: u64,
    /// Five-minute histograms and counts; 90 days by default.
    pub rollups: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            runs: Duration::from_secs(30 * DAY),
            evidence: Duration::from_secs(7 * DAY),
            evidence_max: 256 << 20,
            rollups: Duration::from_secs(90 * DAY),
        }
    }
}

/// What a token allows; each scope includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// See everything.
    Read,
    /// Log changes.
    Write,
    /// Dismiss, place, roll back.
    Admin,
}

/// `[[token]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// What the token is called in logs.
    pub name: String,
    /// Its widest scope.
    pub scope: Scope,
    /// Where its value comes from.
    pub secret: SecretSource,
}
