use std::{io, net::SocketAddr, sync::Arc};

use pintle_core::HostName;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{Error, rustls::provider};

/// Port of HTTPS.
const HTTPS_PORT: u16 = 443;

/// The certificates that `address` (or, if `None`, `host` on port 443) presents under the name `host`, leaf first. They
/// prove nothing, and nothing is sent over the connection.
pub async fn fetch_certificate(host: &str, address: Option<SocketAddr>) -> Result<Vec<CertificateDer<'static>>, Error> {
    fetch_unverified_chain(host, address).await.map_err(|error| Error::Unreachable { host: host.to_owned(), error })
}

async fn fetch_unverified_chain(host: &str, address: Option<SocketAddr>) -> io::Result<Vec<CertificateDer<'static>>> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let host = HostName::parse_connection(host).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?.to_string();
    let name = ServerName::try_from(host.clone()).map_err(invalid)?;
    let stream = match address {
        Some(address) => TcpStream::connect(address).await?,
        None => TcpStream::connect((host, HTTPS_PORT)).await?,
    };
    let provider = provider();
    let algorithms = provider.signature_verification_algorithms;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ShowOnly { algorithms }))
        .with_no_client_auth();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    Ok(chain.iter().cloned().map(CertificateDer::into_owned).collect())
}

/// Accepts every certificate, to show it: its connections must carry nothing.
#[derive(Debug)]
struct ShowOnly {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ShowOnly {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
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
