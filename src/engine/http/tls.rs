//! TLS: rustls with ring. One configuration for all runs; each run clones it and puts its own session store in.

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
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::marks::mark;
use crate::{
    clock::Clock,
    engine::settings::{EngineError, PemRoots},
};

/// How many TLS sessions a run remembers: one for each server it meets, and no journey meets more.
const SESSIONS: usize = 32;

/// The configuration all runs begin with.
#[derive(Clone)]
pub(in crate::engine) struct Tls {
    config: ClientConfig,
    clock: Clock,
}

impl Tls {
    /// Trusts the system's authorities and the extra ones; those of Mozilla (`webpki-roots`) only where the system has none.
    pub(in crate::engine) fn new(clock: Clock, extra: &[PemRoots]) -> Result<Self, EngineError> {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots(extra)?);
        let tls = |error: &dyn fmt::Display| EngineError::Tls(error.to_string());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|e| tls(&e))?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| tls(&e))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Keeping { verifier }))
            .with_no_client_auth();
        // reqwest leaves a configuration that it is given as it is.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config, clock })
    }

    /// A configuration for one run.
    pub(super) fn for_run(&self) -> ClientConfig {
        let sessions =
            Sessions { cache: ClientSessionMemoryCache::new(SESSIONS), clock: self.clock };
        let mut config = self.config.clone();
        config.resumption = Resumption::store(Arc::new(sessions));
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
        let fault = |reason: String| EngineError::Certificate { origin: origin.clone(), reason };
        let mut found = false;
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            let certificate = certificate.map_err(|error| fault(error.to_string()))?;
            roots.add(certificate).map_err(|error| fault(error.to_string()))?;
            found = true;
        }
        if !found {
            return Err(fault("no PEM certificate is in it".to_owned()));
        }
    }
    Ok(roots)
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
        self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
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
