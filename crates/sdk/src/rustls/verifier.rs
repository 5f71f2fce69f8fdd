use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use pintle_core::{
    Code, Decision,
    decide::{PlatformVerdict, Verdict},
};
use pintle_path::Roots;
use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::{
    Authorities, Engine, Evidence,
    authorities::{AuthoritiesError, PlatformTrust},
    rustls::provider,
};

/// Decides the server's certificates inside the handshake, before anything of the request is sent.
#[derive(Debug)]
pub struct Verifier {
    engine: Engine,
    trust: PlatformTrust,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// With the certificate authorities of `authorities`, in whichever of the two ways fits the platform.
    pub fn new(engine: Engine, authorities: &Authorities) -> Result<Self, AuthoritiesError> {
        Ok(Self::with_trust(engine, authorities.to_platform_trust()?))
    }

    /// With path building of our own to `roots`, pins decided inside it: root pins work, and of cross-signed paths the
    /// pinned one is found. Knows no revocation.
    #[must_use]
    pub fn with_roots(engine: Engine, roots: Roots) -> Self {
        Self::with_trust(engine, PlatformTrust::Roots(roots))
    }

    /// Around `platform`, whose refusal stands. It does not say which path it took, so an issuer pin counts only with a
    /// proof that the leaf chains to the pinned certificate, which the server must therefore send.
    #[must_use]
    pub fn wrapping(engine: Engine, platform: Arc<dyn ServerCertVerifier>) -> Self {
        Self::with_trust(engine, PlatformTrust::Verifier(platform))
    }

    fn with_trust(engine: Engine, trust: PlatformTrust) -> Self {
        Self { engine, trust, algorithms: provider().signature_verification_algorithms }
    }

    /// What the hook decides for `host` presenting `chain`, leaf first; see [`Engine::check`].
    pub fn check(&self, host: &str, chain: &[CertificateDer<'_>]) -> Decision {
        self.check_stapled(host, chain, &[])
    }

    fn check_stapled(&self, host: &str, chain: &[CertificateDer<'_>], ocsp_response: &[u8]) -> Decision {
        self.engine.or_internal_error(host, || match &self.trust {
            PlatformTrust::Roots(roots) => {
                self.engine.check(host, &Evidence::for_roots(chain, roots).with_ocsp_response(ocsp_response))
            }
            PlatformTrust::Verifier(platform) => {
                let verdict = self.ask(&**platform, host, chain, ocsp_response);
                self.engine.check(host, &Evidence::judged(chain, verdict).with_ocsp_response(ocsp_response))
            }
        })
    }

    fn ask(
        &self,
        platform: &dyn ServerCertVerifier,
        host: &str,
        chain: &[CertificateDer<'_>],
        ocsp_response: &[u8],
    ) -> PlatformVerdict {
        let (Some((leaf, rest)), Ok(name)) = (chain.split_first(), ServerName::try_from(host)) else {
            return PlatformVerdict::Refused;
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(self.engine.effective_time().as_secs()));
        match platform.verify_server_cert(leaf, rest, &name, ocsp_response, now) {
            Ok(_) => PlatformVerdict::Accepted,
            Err(_) => PlatformVerdict::Refused,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain: Vec<_> = std::iter::once(end_entity).chain(intermediates).cloned().collect();
        let host = server_name.to_str();
        let decision = self.check_stapled(&host, &chain, ocsp_response);
        match decision.verdict {
            Verdict::Refused { code, .. } => {
                let refusal = Refusal { host: host.into_owned(), code };
                Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal)))))
            }
            Verdict::Pinned { .. } | Verdict::NotCovered | Verdict::Reported { .. } => {
                Ok(ServerCertVerified::assertion())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why a connection was refused by its pins; find it in any error of any client with [`Refusal::find`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As the TLS library named it.
    pub host: String,
    /// The stable code.
    pub code: Code,
}

impl Refusal {
    /// The refusal somewhere among the causes of `error`.
    #[must_use]
    pub fn find<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        std::iter::successors(Some(error), |error| cause(*error)).find_map(|error| {
            match error.downcast_ref::<rustls::Error>() {
                Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other)))) => {
                    other.downcast_ref()
                }
                _ => error.downcast_ref(),
            }
        })
    }
}

/// `io::Error` names the cause of its payload, not the payload itself.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|payload| payload as &(dyn Error + 'static)),
        None => error.source(),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused: {}", self.host, self.code)
    }
}

impl Error for Refusal {}
