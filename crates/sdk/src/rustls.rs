//! Pins in rustls: a certificate verifier, and sessions that end with the trust they were made under.

mod session;
mod verifier;

use std::sync::Arc;

use rustls::{
    ClientConfig,
    client::Resumption,
    crypto::{CryptoProvider, ring},
};

pub use self::{
    session::GenerationStore,
    verifier::{Refusal, Verifier},
};
use crate::{Engine, PerGeneration, authorities::AuthoritiesError};

/// Makes rustls configurations whose connections are pinned, one per generation of trust.
///
/// A configuration and its sessions belong to the generation it was made in: take the current one for every new
/// connection. An older one stays safe: it resumes nothing, and asks the verifier each time.
#[derive(Debug)]
pub struct PinnedTls {
    engine: Engine,
    verifier: Arc<Verifier>,
    configs: PerGeneration<Arc<ClientConfig>>,
}

impl PinnedTls {
    /// Pins connections by `verifier`, which decides on `engine`.
    #[must_use]
    pub fn new(engine: Engine, verifier: Arc<Verifier>) -> Self {
        Self { engine, verifier, configs: PerGeneration::default() }
    }

    /// The configuration for connections made now: TLS 1.2 and 1.3, no 0-RTT, HTTP/2 and HTTP/1.1 offered.
    pub fn config(&self) -> Result<Arc<ClientConfig>, AuthoritiesError> {
        self.config_of(self.engine.generation())
    }

    pub(crate) fn config_of(&self, generation: u64) -> Result<Arc<ClientConfig>, AuthoritiesError> {
        self.configs.get_or_make(generation, || self.make_config(generation))
    }

    fn make_config(&self, generation: u64) -> Result<Arc<ClientConfig>, AuthoritiesError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.resumption = Resumption::store(Arc::new(GenerationStore::new(self.engine.clone(), generation)));
        Ok(Arc::new(config))
    }

    /// Who decides.
    #[must_use]
    pub fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
