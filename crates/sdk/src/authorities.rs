use std::sync::Arc;

use pintle_path::Roots;
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::CertificateDer;

use crate::rustls::provider;

/// Whether the platform validates chains by rules that its root certificates alone do not carry.
const PLATFORM_VALIDATES: bool = cfg!(any(windows, target_vendor = "apple", target_os = "android"));

/// The certificate authorities that count besides the pins.
#[derive(Clone, Debug, Default)]
pub enum Authorities {
    /// Those of the platform.
    #[default]
    Platform,
    /// Those of the platform and these roots.
    PlatformAnd(Vec<CertificateDer<'static>>),
    /// These roots alone: a private CA.
    Only(Vec<CertificateDer<'static>>),
}

/// Who says the platform's word on a chain.
#[derive(Debug)]
pub(crate) enum PlatformTrust {
    /// Path building of our own, pins inside it.
    Roots(Roots),
    /// Another verifier; an issuer pin then needs a proof of its own.
    Verifier(Arc<dyn ServerCertVerifier>),
}

/// The certificate authorities could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// A given root.
    #[error(transparent)]
    Root(#[from] pintle_path::RootError),
    /// The TLS library or the platform.
    #[error("certificate authorities: {0}")]
    Tls(#[from] rustls::Error),
}

impl Authorities {
    pub(crate) fn to_platform_trust(&self) -> Result<PlatformTrust, AuthoritiesError> {
        if self.is_left_to_platform() {
            return Ok(PlatformTrust::Verifier(self.platform_verifier()?));
        }
        let mut roots = Roots::default();
        for root in self.given() {
            roots.add_certificate(root.clone())?;
        }
        for root in self.load_platform_roots() {
            if let Err(error) = roots.add_certificate(root) {
                tracing::debug!(%error, "a root certificate of the platform is left out");
            }
        }
        Ok(PlatformTrust::Roots(roots))
    }

    /// TLS for fetching configurations: ordinary Web PKI, never pinned by what it fetches (P-7.3).
    #[cfg(feature = "fetch")]
    pub(crate) fn to_unpinned_config(&self) -> Result<rustls::ClientConfig, AuthoritiesError> {
        let builder = rustls::ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        if self.is_left_to_platform() {
            let verifier = self.platform_verifier()?;
            return Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth());
        }
        let mut roots = rustls::RootCertStore::empty();
        for root in self.given() {
            roots.add(root.clone())?;
        }
        roots.add_parsable_certificates(self.load_platform_roots());
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }

    fn is_left_to_platform(&self) -> bool {
        PLATFORM_VALIDATES && !matches!(self, Self::Only(_))
    }

    fn given(&self) -> &[CertificateDer<'static>] {
        match self {
            Self::Platform => &[],
            Self::PlatformAnd(roots) | Self::Only(roots) => roots,
        }
    }

    fn load_platform_roots(&self) -> Vec<CertificateDer<'static>> {
        if matches!(self, Self::Only(_)) {
            return Vec::new();
        }
        let loaded = rustls_native_certs::load_native_certs();
        for error in loaded.errors {
            tracing::warn!(%error, "root certificates of the platform could not all be read");
        }
        loaded.certs
    }

    #[cfg(not(target_os = "android"))]
    fn platform_verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, AuthoritiesError> {
        let extra = self.given().to_vec();
        Ok(Arc::new(rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider())?))
    }

    #[cfg(target_os = "android")]
    fn platform_verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, AuthoritiesError> {
        if !self.given().is_empty() {
            let reason = "Android takes extra roots from the app's network security configuration only";
            return Err(rustls::Error::General(reason.to_owned()).into());
        }
        Ok(Arc::new(rustls_platform_verifier::Verifier::new(provider())?))
    }
}
