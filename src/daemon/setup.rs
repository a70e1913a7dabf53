//! What an agent works with: settings, journeys with compiled schedules, environments with resolved secrets. Made as a
//! whole, replaced as a whole; a reload that finds a fault leaves the old one in place.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use thiserror::Error;
use tracing::warn;

use crate::{
    config::{self, Fault, Faults, Origins},
    model::{
        Change, Environment, EnvironmentName, Journey, JourneyName, Maintenance, Run, Scope,
        Secret, SecretSource, ServiceName, Settings,
    },
    notify::{self, Channel},
    render,
    schedule::{self, Plan},
    source::{
        attached::Beside,
        files,
        secrets::{self, SecretFault},
    },
};

/// Everything that configuration says, ready for use.
#[derive(Debug)]
pub struct Setup {
    /// The folder that holds `wayfarer.toml`.
    pub root: PathBuf,
    /// What `wayfarer.toml` says.
    pub settings: Settings,
    /// Environments with their secrets.
    pub environments: BTreeMap<EnvironmentName, Arc<Environment>>,
    /// Journeys with their schedules.
    pub journeys: BTreeMap<JourneyName, Scheduled>,
    /// Tokens with their values.
    pub tokens: Vec<Token>,
    /// What the hooks' senders prove themselves with, by the name of the hook.
    pub hooks: BTreeMap<String, HookSecrets>,
    /// The ways to whoever is told something, by the names of the receivers that the outbox knows.
    pub channels: BTreeMap<String, Arc<dyn Channel>>,
}

/// The secrets of a hook.
#[derive(Debug, Clone, Default)]
pub struct HookSecrets {
    /// What its sender signs with.
    pub secret: Option<Secret>,
    /// What its sender shows.
    pub token: Option<Secret>,
    /// What is shown to the Grafana that annotations are passed on to.
    pub forward: Option<Secret>,
}

/// A journey and when it is due.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// What is walked.
    pub journey: Arc<Journey>,
    /// When.
    pub plan: Arc<Plan>,
}

/// Who may use the HTTP face.
#[derive(Debug, Clone)]
pub struct Token {
    /// What the token is called in logs.
    pub name: String,
    /// Its widest scope.
    pub scope: Scope,
    /// Its value.
    pub value: Secret,
}

/// Why configuration could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Files are missing or cannot be read.
    #[error("{0}")]
    Source(#[from] files::SourceError),
    /// Files are faulty.
    #[error("{0}")]
    Config(#[from] Faults),
    /// Secrets could not be had: each with its line and the way out.
    #[error("{0}")]
    Secrets(Faults),
}

/// Journeys with their compiled schedules.
fn scheduled(journeys: Vec<Journey>) -> BTreeMap<JourneyName, Scheduled> {
    let compiled = journeys.into_iter().filter_map(|journey| {
        // `config` has compiled the schedule already, so that this cannot fail.
        let plan = Arc::new(schedule::compile(&journey.schedule).ok()?);
        Some((journey.name.clone(), Scheduled { journey: Arc::new(journey), plan }))
    });
    compiled.collect()
}

/// A secret that could not be had, at its line.
fn at_line(origins: &Origins, fault: &SecretFault) -> Fault {
    let names = match &fault.secret {
        Some((environment, name)) => ["secrets.", ""]
            .map(|table| format!("environments.{environment}.{table}{name}"))
            .to_vec(),
        None => Vec::new(),
    };
    origins.fault(&names, &fault.to_string(), &fault.way_out())
}

/// Says which secrets are too short to be masked everywhere.
fn warn_of_short(environment: &Environment) {
    for (name, secret) in &environment.secrets {
        let length = secret.expose().chars().count();
        if length < render::SHORT {
            warn!(
                environment = %environment.name,
                "secret.short: `{name}` has fewer than {} characters and is masked only where it stands as a word of its own",
                render::SHORT,
            );
        }
    }
}

/// The ways to the receivers.
fn channels(
    config: &config::Config,
    root: &Path,
    variables: &BTreeMap<String, String>,
    faults: &mut Vec<Fault>,
) -> BTreeMap<String, Arc<dyn Channel>> {
    let agent = &config.settings.agent;
    let named = || format!("urn:wayfarer:{}", agent.location);
    let around = notify::Around {
        root: root.to_owned(),
        variables: variables.clone(),
        source: agent.public_url.clone().unwrap_or_else(named),
    };
    let mut opener = Opener { config, root, variables, faults, channels: BTreeMap::new() };
    for receiver in &config.settings.receivers {
        let name = &receiver.name;
        opener
            .open("receiver", name, name.clone(), |secret| notify::open(receiver, &around, secret));
    }
    for rollback in &config.settings.rollbacks {
        let open = |secret: &mut Reveal<'_>| notify::open_rollback(rollback, &around, secret);
        opener.open("rollback", &rollback.name, rollback.receiver(), open);
    }
    for writeback in &config.settings.writebacks {
        let open = |secret: &mut Reveal<'_>| notify::open_writeback(writeback, secret);
        opener.open("writeback", &writeback.name, writeback.receiver(), open);
    }
    opener.channels
}

/// Gives the value of a reference, or none after it has noted why there is none.
type Reveal<'a> = dyn FnMut(&SecretSource) -> Option<Secret> + 'a;

/// Opens channels one after the other and gathers what is wrong with them.
struct Opener<'a> {
    config: &'a config::Config,
    root: &'a Path,
    variables: &'a BTreeMap<String, String>,
    faults: &'a mut Vec<Fault>,
    channels: BTreeMap<String, Arc<dyn Channel>>,
}

impl Opener<'_> {
    /// The channel of a table of that name, which the outbox calls `receiver`.
    fn open(
        &mut self,
        table: &str,
        name: &str,
        receiver: String,
        open: impl FnOnce(&mut Reveal<'_>) -> Result<Option<Arc<dyn Channel>>, String>,
    ) {
        let Self { config, root, variables, faults, channels } = self;
        let keys = ["url", "key", "secret", "token", "password"];
        let lines = keys.map(|key| format!("{table}.{name}.{key}"));
        let opened = open(&mut |source| {
            let fault = match secrets::value(source, root, variables) {
                Ok(value) => return Some(value),
                Err(fault) => fault,
            };
            let message = format!("{table} `{name}`: {fault}");
            faults.push(config.origins.fault(&lines, &message, &fault.way_out()));
            None
        });
        match opened {
            Ok(Some(channel)) => drop(channels.insert(receiver, channel)),
            Ok(None) => {}
            Err(why) => {
                let message = format!("{table} `{name}` cannot be used: {why}");
                faults.push(config.origins.fault(&lines, &message, "correct its settings"));
            }
        }
    }
}

impl Setup {
    /// The windows of maintenance that are about a journey in an environment.
    pub fn maintenance_of(
        &self,
        journey: &Journey,
        environment: &EnvironmentName,
    ) -> Vec<Maintenance> {
        let all = &self.settings.maintenance;
        if all.is_empty() {
            return Vec::new();
        }
        let services = journey.named_services();
        all.iter().filter(|window| window.touches(environment, &services)).cloned().collect()
    }

    /// Reads, checks and resolves everything below `start` (a folder with `wayfarer.toml`, or that file).
    ///
    /// # Errors
    /// Files that cannot be read, faults in them (all at once), or secrets that cannot be had (all at once).
    pub fn load(start: &Path, variables: &BTreeMap<String, String>) -> Result<Self, LoadError> {
        let found = files::find(start)?;
        let config = config::load_with(&found.main, &found.journeys, &Beside)?;
        for overlooked in &found.overlooked {
            tracing::warn!("{overlooked}");
        }
        Self::resolve(found.root, config, variables)
    }

    /// Resolves the secrets of a checked configuration.
    ///
    /// # Errors
    /// Secrets that cannot be had, all at once.
    pub fn resolve(
        root: PathBuf,
        config: config::Config,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, LoadError> {
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        let mut faults = Vec::new();
        let mut environments = BTreeMap::new();
        for (name, settings) in &config.settings.environments {
            match secrets::resolve(name, settings, &root, variables) {
                Ok(environment) => {
                    warn_of_short(&environment);
                    environments.insert(name.clone(), Arc::new(environment));
                }
                Err(more) => {
                    faults.extend(more.iter().map(|fault| at_line(&config.origins, fault)));
                }
            }
        }
        let mut tokens = Vec::new();
        for token in &config.settings.tokens {
            match secrets::value(&token.secret, &root, variables) {
                Ok(value) => {
                    tokens.push(Token { name: token.name.clone(), scope: token.scope, value });
                }
                Err(fault) => {
                    let message = format!("token `{}`: {fault}", token.name);
                    let named = [format!("token.{}", token.name)];
                    faults.push(config.origins.fault(&named, &message, &fault.way_out()));
                }
            }
        }
        let mut hooks = BTreeMap::new();
        for (name, hook) in &config.settings.hooks {
            let mut had = |what: &str, source: Option<&SecretSource>| {
                let source = source?;
                secrets::value(source, &root, variables)
                    .map_err(|fault| {
                        let message = format!("hook `{name}`: {fault}");
                        let named = [format!("hooks.{name}.{what}")];
                        faults.push(config.origins.fault(&named, &message, &fault.way_out()));
                    })
                    .ok()
            };
            let shown = HookSecrets {
                secret: had("secret", hook.secret.as_ref()),
                token: had("token", hook.token.as_ref()),
                forward: had(
                    "forward.token",
                    hook.forward.as_ref().and_then(|forward| forward.token.as_ref()),
                ),
            };
            hooks.insert(name.clone(), shown);
        }
        let channels = channels(&config, &root, variables, &mut faults);
        if !faults.is_empty() {
            faults.sort_by_key(|fault| (fault.line, fault.column));
            return Err(LoadError::Secrets(config.origins.gather(faults)));
        }
        let journeys = scheduled(config.journeys);
        let settings = config.settings;
        Ok(Self { root, settings, environments, journeys, tokens, hooks, channels })
    }

    /// The same without secrets and tokens: enough to say what maps to what, not to walk or to serve.
    pub fn outline(root: PathBuf, config: config::Config) -> Self {
        let environments = config
            .settings
            .environments
            .iter()
            .map(|(name, settings)| {
                let vars = settings.vars.clone();
                let outline = Environment {
                    name: name.clone(),
                    vars,
                    network: settings.network.clone(),
                    secrets: BTreeMap::new(),
                    transport: settings.transport.clone(),
                    client_key: None,
                };
                (name.clone(), Arc::new(outline))
            })
            .collect();
        let journeys = scheduled(config.journeys);
        Self {
            root,
            settings: config.settings,
            environments,
            journeys,
            tokens: Vec::new(),
            hooks: BTreeMap::new(),
            channels: BTreeMap::new(),
        }
    }

    /// Where the trace of a run is looked at.
    pub fn trace_of(&self, run: &Run) -> Option<String> {
        self.settings.environments.get(&run.environment)?.transport.tracing.link(run)
    }

    /// The data file: relative to the folder of `wayfarer.toml`.
    pub fn data_file(&self) -> PathBuf {
        self.root.join(&self.settings.agent.data)
    }

    /// The services reached from these by `depends_on`, themselves included.
    pub fn reach(&self, services: &[ServiceName]) -> Vec<ServiceName> {
        let mut reached: Vec<ServiceName> = services.to_vec();
        let mut next = 0;
        while next < reached.len() {
            let below = self.settings.services.get(&reached[next]).map(|s| s.depends_on.as_slice());
            for service in below.unwrap_or_default() {
                if !reached.contains(service) {
                    reached.push(service.clone());
                }
            }
            next += 1;
        }
        reached
    }

    /// Whether a change maps to a journey: it alters a service the journey touches, directly or through `depends_on`, or a
    /// whole environment.
    pub fn maps_to(&self, change: &Change, journey: &Journey) -> bool {
        if change.services.is_empty() {
            return true;
        }
        let reached = self.reach(&journey.services);
        change.services.iter().any(|service| reached.contains(service))
    }

    /// Whether a journey touches a service: by its own word, by that of a step, or by what those depend on.
    pub fn touches(&self, journey: &Journey, service: &ServiceName) -> bool {
        let named = journey.step_services().into_values();
        let all: Vec<ServiceName> = journey.services.iter().cloned().chain(named).collect();
        self.reach(&all).contains(service)
    }

    /// The environments in which a change is watched: those it names, or wherever a journey maps to it.
    pub fn environments_of(&self, change: &Change) -> Vec<EnvironmentName> {
        self.environments
            .keys()
            .filter(|name| {
                if change.environments.is_empty() {
                    self.journeys_in(name).any(|j| self.maps_to(change, &j.journey))
                } else {
                    change.touches(name)
                }
            })
            .cloned()
            .collect()
    }

    /// The journeys that run in an environment.
    pub fn journeys_in<'a>(
        &'a self,
        environment: &'a EnvironmentName,
    ) -> impl Iterator<Item = &'a Scheduled> + 'a {
        self.journeys.values().filter(move |s| s.journey.environments.contains(environment))
    }
}
