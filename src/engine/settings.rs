//! The engine and what it is built from.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    http::{
        Tokens,
        tls::{Roots, Tls, Trust},
    },
    shared::Sessions,
};
use crate::{
    clock::Clock,
    model::{Environment, Text},
    render::{Template, TemplateFault},
};

/// How many compiled templates are kept; when there are more, all are forgotten.
const TEMPLATES: usize = 8192;

/// How many configurations of TLS are kept; when there are more, all but the usual one are forgotten.
const CONFIGURATIONS: usize = 64;

/// What an engine is told.
#[derive(Debug, Clone, Default)]
pub struct EngineSettings {
    /// Where the time comes from.
    pub clock: Clock,
    /// Certificate authorities that are trusted besides those of the system.
    pub extra_roots: Vec<PemRoots>,
    /// Host names that are answered from here instead of being looked up, like lines of `/etc/hosts`. Lower case.
    pub hosts: BTreeMap<String, IpAddr>,
}

/// One or more certificates as PEM (RFC 7468).
#[derive(Debug, Clone)]
pub enum PemRoots {
    /// In a file.
    File(PathBuf),
    /// As they are.
    Bytes(Vec<u8>),
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file with certificates cannot be read.
    #[error("the certificates in {path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// What was given holds no certificate, or a broken one.
    #[error("{origin} holds no usable certificate: {reason}")]
    Certificate {
        /// The file, or `a certificate setting`.
        origin: String,
        /// Why.
        reason: String,
    },
    /// The TLS library refuses its configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// Walks journeys. Clones share everything and cost nothing.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) parts: Arc<Parts>,
}

/// What all runs share. Nothing of it remembers a target; only OAuth2 tokens and the sessions that journeys are told to share outlive a run.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) clock: Clock,
    /// Certificates of authorities that are trusted everywhere.
    roots: Roots,
    /// One configuration of TLS for each setting that an environment has.
    tls: Mutex<Vec<(Trust, Arc<Tls>)>>,
    /// OAuth2 tokens that have not expired.
    pub(super) tokens: Tokens,
    pub(super) hosts: Arc<BTreeMap<String, IpAddr>>,
    pub(super) sessions: Sessions,
    templates: Mutex<HashMap<Text, Arc<Template>>>,
}

impl Engine {
    /// Builds an engine. This reads the system's certificate authorities, some milliseconds of work; keep it and clone it.
    ///
    /// # Errors
    ///
    /// Extra roots that cannot be read.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        let roots = Roots::new(&settings.extra_roots)?;
        let trust = Trust::default();
        let tls = Arc::new(Tls::new(settings.clock, &roots, &trust)?);
        Ok(Self {
            parts: Arc::new(Parts {
                clock: settings.clock,
                roots,
                tls: Mutex::new(vec![(trust, tls)]),
                tokens: Tokens::default(),
                hosts: Arc::new(settings.hosts),
                sessions: Sessions::default(),
                templates: Mutex::default(),
            }),
        })
    }
}

impl Parts {
    /// The configuration of TLS for an environment: built once for each setting, some milliseconds of work.
    pub(super) fn tls(&self, environment: &Environment) -> Result<Arc<Tls>, EngineError> {
        let mut known = self.tls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tls)) = known.iter().find(|(trust, _)| trust.is_of(environment)) {
            return Ok(Arc::clone(tls));
        }
        let trust = Trust::of(environment);
        let tls = Arc::new(Tls::new(self.clock, &self.roots, &trust)?);
        if known.len() >= CONFIGURATIONS {
            known.truncate(1);
        }
        known.push((trust, Arc::clone(&tls)));
        Ok(tls)
    }

    /// The compiled template, compiled at most once while it is in use.
    pub(super) fn template(&self, text: &Text) -> Result<Arc<Template>, TemplateFault> {
        let mut templates = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = templates.get(text) {
            return Ok(Arc::clone(template));
        }
        let template = Arc::new(Template::compile(text)?);
        if templates.len() >= TEMPLATES {
            templates.clear();
        }
        templates.insert(text.clone(), Arc::clone(&template));
        Ok(template)
    }
}
