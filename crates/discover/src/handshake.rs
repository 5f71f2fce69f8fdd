//! One TLS handshake that accepts whatever certificate it is shown, and remembers it.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use pintle_core::limits::MAX_CHAIN_CERTIFICATES;
use rustls::{
    ClientConfig, DEFAULT_VERSIONS, DigitallySignedStruct, SignatureScheme, SupportedCipherSuite,
    SupportedProtocolVersion,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    version::TLS12,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde::Serialize;
use tokio_rustls::TlsConnector;

use crate::{
    SightError,
    connect::{Connection, blame},
};

static TLS12_ALONE: &[&SupportedProtocolVersion] = &[&TLS12];

/// What one handshake offers. A server with several chains chooses by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Offer {
    /// Everything that we can: what an app of today gets.
    Any,
    /// Keys on elliptic curves alone.
    EllipticCurve,
    /// RSA keys alone.
    Rsa,
    /// TLS 1.2 alone, with every key.
    Tls12,
}

impl Offer {
    /// Every offer.
    pub const ALL: &'static [Self] = &[Self::Any, Self::EllipticCurve, Self::Rsa, Self::Tls12];

    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::EllipticCurve => "elliptic_curve",
            Self::Rsa => "rsa",
            Self::Tls12 => "tls12",
        }
    }

    fn versions(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Tls12 => TLS12_ALONE,
            _ => DEFAULT_VERSIONS,
        }
    }

    fn includes(self, scheme: SignatureScheme) -> bool {
        match self {
            Self::Any | Self::Tls12 => true,
            Self::EllipticCurve => !is_rsa(scheme),
            Self::Rsa => is_rsa(scheme),
        }
    }

    /// Whether a server that answered [`Offer::Any`] with `presented` would answer this one alike.
    pub(crate) fn is_implied_by(self, presented: &Presented) -> bool {
        match self {
            Self::Any => true,
            Self::EllipticCurve => !presented.is_rsa,
            Self::Rsa => presented.is_rsa,
            Self::Tls12 => presented.version == TlsVersion::Tls12,
        }
    }
}

/// A version of TLS that apps accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    Tls12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    Tls13,
}

/// What a server showed in one handshake. It holds the private key of its leaf; nobody vouches for anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// DER, in the order presented: leaf first, if the server is well behaved. Never empty.
    pub chain: Vec<Vec<u8>>,
    /// OCSP response stapled to the handshake, DER; empty if there was none. SCTs in a TLS extension of their own are not
    /// seen: rustls does not ask for them.
    pub ocsp_response: Vec<u8>,
    /// What was agreed on.
    pub version: TlsVersion,
    /// Whether the leaf's key is RSA, as its signature in the handshake was.
    pub is_rsa: bool,
}

/// Speaks TLS on `connection` until the server has proved what it presents, and sends no application data.
pub(crate) async fn shake_hands(
    connection: Connection,
    server_name: ServerName<'static>,
    offer: Offer,
) -> Result<Presented, SightError> {
    let no_tls = |error: rustls::Error| SightError::Handshake(io::Error::other(error).into());
    let witness = Arc::new(Witness::new(offer));
    let config = make_config(offer, Arc::clone(&witness)).map_err(no_tls)?;
    let connector = TlsConnector::from(Arc::new(config));
    let outcome = connector.connect(server_name, connection).into_fallible().await;
    match (witness.testify(), outcome) {
        // A server that wants a certificate of ours breaks off, after it has shown its own.
        (Some(presented), _) if presented.chain.len() <= MAX_CHAIN_CERTIFICATES => Ok(presented),
        (Some(presented), _) => Err(SightError::ChainTooLong(presented.chain.len())),
        (None, Err((error, connection))) => Err(blame(&connection, SightError::Handshake(error.into()))),
        (None, Ok(_)) => Err(SightError::Handshake(io::Error::other("it presents no certificate").into())),
    }
}

fn make_config(offer: Offer, witness: Arc<Witness>) -> Result<ClientConfig, rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&witness.provider))
        .with_protocol_versions(offer.versions())?
        .dangerous()
        .with_custom_certificate_verifier(witness)
        .with_no_client_auth();
    // A resumed session would show no certificate.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Accepts every certificate, and still demands that the server signs the handshake with the certificate's key: what is
/// seen is then at least the certificate of whoever answers. The connection carries no application data.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    schemes: Vec<SignatureScheme>,
    shown: OnceLock<(Vec<Vec<u8>>, Vec<u8>)>,
    proven: OnceLock<(TlsVersion, SignatureScheme)>,
}

impl Witness {
    fn new(offer: Offer) -> Self {
        let mut provider = ring::default_provider();
        provider.cipher_suites.retain(|suite| match suite {
            SupportedCipherSuite::Tls12(suite) => suite.sign.iter().any(|&scheme| offer.includes(scheme)),
            SupportedCipherSuite::Tls13(_) => true,
        });
        let mut schemes = provider.signature_verification_algorithms.supported_schemes();
        schemes.retain(|&scheme| offer.includes(scheme));
        Self { provider: Arc::new(provider), schemes, shown: OnceLock::new(), proven: OnceLock::new() }
    }

    fn testify(&self) -> Option<Presented> {
        let ((chain, ocsp_response), &(version, scheme)) = (self.shown.get().cloned()?, self.proven.get()?);
        Some(Presented { chain, ocsp_response, version, is_rsa: is_rsa(scheme) })
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|certificate| certificate.to_vec()).collect();
        // rustls asks once per handshake.
        let _ = self.shown.set((chain, ocsp_response.to_vec()));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let valid = verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)?;
        let _ = self.proven.set((TlsVersion::Tls12, dss.scheme));
        Ok(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let valid = verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)?;
        let _ = self.proven.set((TlsVersion::Tls13, dss.scheme));
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

fn is_rsa(scheme: SignatureScheme) -> bool {
    use SignatureScheme as S;
    matches!(
        scheme,
        S::RSA_PKCS1_SHA1
            | S::RSA_PKCS1_SHA256
            | S::RSA_PKCS1_SHA384
            | S::RSA_PKCS1_SHA512
            | S::RSA_PSS_SHA256
            | S::RSA_PSS_SHA384
            | S::RSA_PSS_SHA512
    )
}
