//! TLS: rustls with ring. One configuration for each setting that an environment may have; each run clones it and puts its own session store in.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, NamedGroup, RootCertStore, SignatureScheme,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
        Tls13ClientSessionValue, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::marks::mark;
use crate::{
    clock::Clock,
    engine::settings::{EngineError, PemRoots},
    model::{Attachment, Environment, HttpVersion, Secret},
};

/// How many TLS sessions a run remembers: one for each server it meets, and no journey meets more.
const SESSIONS: usize = 32;

/// Authorities that are trusted in every environment.
#[derive(Debug)]
pub(in crate::engine) struct Roots(RootCertStore);

impl Roots {
    /// The system's authorities and the extra ones; those of Mozilla (`webpki-roots`) only where the system has none.
    pub(in crate::engine) fn new(extra: &[PemRoots]) -> Result<Self, EngineError> {
        roots(extra).map(Self)
    }
}

/// What an environment says of TLS.
#[derive(Debug, Default)]
pub(in crate::engine) struct Trust {
    ca: Option<Attachment>,
    certificate: Option<Attachment>,
    key: Option<Secret>,
    insecure: bool,
}

impl Trust {
    pub(in crate::engine) fn of(environment: &Environment) -> Self {
        let transport = &environment.transport;
        Self {
            ca: transport.ca.clone(),
            certificate: transport.client_certificate.clone(),
            key: environment.client_key.clone(),
            insecure: transport.insecure,
        }
    }

    /// Whether it is what this environment says: certificates by their bytes, for a file may have been exchanged.
    pub(in crate::engine) fn is_of(&self, environment: &Environment) -> bool {
        let transport = &environment.transport;
        self.ca == transport.ca
            && self.certificate == transport.client_certificate
            && self.key == environment.client_key
            && self.insecure == transport.insecure
    }

    /// The client's certificate, the chain above it and its key.
    fn client(&self) -> Result<Option<Client>, EngineError> {
        let Some(file) = &self.certificate else { return Ok(None) };
        let fault = |reason: String| EngineError::Certificate { origin: file.path.clone(), reason };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.bytes).collect();
        let chain = chain.map_err(|error| fault(error.to_string()))?;
        let key = self.key.as_ref().ok_or_else(|| fault("it has no private key".to_owned()))?;
        // The error of the reader may quote what it read: that is the key.
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|_| fault("its key is not an unencrypted PEM private key".to_owned()))?;
        Ok(Some((chain, key)))
    }
}

type Client = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The configuration that the runs of environments of one setting begin with.
pub(in crate::engine) struct Tls {
    config: ClientConfig,
    clock: Clock,
}

impl Tls {
    /// Trusts the given authorities and those of the setting.
    pub(in crate::engine) fn new(
        clock: Clock,
        roots: &Roots,
        trust: &Trust,
    ) -> Result<Self, EngineError> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = roots.0.clone();
        if let Some(file) = &trust.ca {
            add(&mut roots, &file.path, &file.bytes)?;
        }
        let tls = |error: &dyn fmt::Display| EngineError::Tls(error.to_string());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|e| tls(&e))?;
        let keeping = Keeping { verifier, insecure: trust.insecure };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| tls(&e))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(keeping));
        let config = match trust.client()? {
            None => config.with_no_client_auth(),
            Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|error| {
                EngineError::Tls(format!(
                    "the client's certificate and its key cannot be used: {error}"
                ))
            })?,
        };
        Ok(Self { config, clock })
    }

    /// A configuration for one run, which offers these versions of HTTP.
    pub(super) fn for_run(&self, version: HttpVersion) -> ClientConfig {
        let sessions =
            Sessions { cache: ClientSessionMemoryCache::new(SESSIONS), clock: self.clock };
        let mut config = self.config.clone();
        config.resumption = Resumption::store(Arc::new(sessions));
        // reqwest leaves a configuration that it is given as it is.
        let offered: &[&[u8]] = match version {
            HttpVersion::Auto => &[b"h2", b"http/1.1"],
            HttpVersion::Http1 => &[b"http/1.1"],
            HttpVersion::Http2 => &[b"h2"],
        };
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        config
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

fn roots(extra: &[PemRoots]) -> Result<RootCertStore, EngineError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for pem in extra {
        let (origin, bytes) = match pem {
            PemRoots::Bytes(bytes) => ("a certificate setting".to_owned(), bytes.clone()),
            PemRoots::File(path) => {
                let bytes = std::fs::read(path).map_err(|error| EngineError::Unreadable {
                    path: path.display().to_string(),
                    reason: error.to_string(),
                })?;
                (path.display().to_string(), bytes)
            }
        };
        add(&mut roots, &origin, &bytes)?;
    }
    Ok(roots)
}

/// Adds the certificates of a PEM file; one at least must be in it.
fn add(roots: &mut RootCertStore, origin: &str, bytes: &[u8]) -> Result<(), EngineError> {
    let fault = |reason: String| EngineError::Certificate { origin: origin.to_owned(), reason };
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(bytes) {
        let certificate = certificate.map_err(|error| fault(error.to_string()))?;
        roots.add(certificate).map_err(|error| fault(error.to_string()))?;
        found = true;
    }
    if found { Ok(()) } else { Err(fault("no PEM certificate is in it".to_owned())) }
}

/// When the first certificate of a chain (DER) ends; certificates that cannot be read are passed over.
pub(super) fn earliest_expiry(chain: &[Vec<u8>]) -> Option<Timestamp> {
    chain
        .iter()
        .filter_map(|der| X509Certificate::from_der(der).ok())
        .filter_map(|(_, c)| Timestamp::from_second(c.validity().not_after.timestamp()).ok())
        .min()
}

/// The usual verifier; it keeps the chain, of which reqwest shows only the leaf, also when it refuses it.
#[derive(Debug)]
struct Keeping {
    verifier: Arc<WebPkiServerVerifier>,
    /// Whether it takes any certificate.
    insecure: bool,
}

impl ServerCertVerifier for Keeping {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        mark(|marks| {
            let all = std::iter::once(end_entity).chain(intermediates);
            marks.chain = all.map(|certificate| certificate.to_vec()).collect();
        });
        if self.insecure {
            return Ok(ServerCertVerified::assertion());
        }
        self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.insecure {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.insecure {
            return Ok(HandshakeSignatureValid::assertion());
        }
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// The run's TLS sessions. rustls asks it for a hint as it builds the `ClientHello`: TCP has ended, TLS begins.
#[derive(Debug)]
struct Sessions {
    cache: ClientSessionMemoryCache,
    clock: Clock,
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server_name: ServerName<'static>, group: NamedGroup) {
        self.cache.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &ServerName<'_>) -> Option<NamedGroup> {
        let now = self.clock.instant();
        mark(|marks| {
            marks.tls_started.get_or_insert(now);
        });
        self.cache.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.cache.set_tls12_session(server_name, value);
    }

    fn tls12_session(&self, server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.cache.tls12_session(server_name)
    }

    fn remove_tls12_session(&self, server_name: &ServerName<'static>) {
        self.cache.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(
        &self,
        server_name: ServerName<'static>,
        value: Tls13ClientSessionValue,
    ) {
        self.cache.insert_tls13_ticket(server_name, value);
    }

    fn take_tls13_ticket(
        &self,
        server_name: &ServerName<'static>,
    ) -> Option<Tls13ClientSessionValue> {
        self.cache.take_tls13_ticket(server_name)
    }
}
