use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use pintle_core::HostName;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use crate::Endpoint;

/// What a server showed in one handshake. Nobody vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// DER, in the order presented: leaf first, if the server is well behaved. Never empty.
    pub chain: Vec<Vec<u8>>,
    /// The address that answered.
    pub address: SocketAddr,
}

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The name has no address, or the network is down.
    #[error("{endpoint} cannot be reached: {error}")]
    Connect {
        /// Where to.
        endpoint: Endpoint,
        /// What the system says.
        error: io::Error,
    },
    /// No answer in time.
    #[error("{endpoint} did not complete a TLS handshake within {} seconds", limit.as_secs())]
    TimedOut {
        /// Where to.
        endpoint: Endpoint,
        /// The time allowed.
        limit: Duration,
    },
    /// It answers, but not with TLS 1.2 or 1.3, or it does not hold the key of its certificate.
    #[error("{endpoint} speaks no TLS that we can: {error}")]
    Handshake {
        /// Where to.
        endpoint: Endpoint,
        /// What broke.
        error: io::Error,
    },
}

/// Connects to `endpoint`, completes a TLS handshake and returns the certificates presented, whatever they are; within
/// `limit`, name resolution included. The server must hold the private key of its leaf.
///
/// # Errors
/// [`ProbeError`].
pub async fn probe(endpoint: &Endpoint, limit: Duration) -> Result<Presented, ProbeError> {
    match timeout(limit, look(endpoint)).await {
        Ok(result) => result,
        Err(_) => Err(ProbeError::TimedOut { endpoint: endpoint.clone(), limit }),
    }
}

async fn look(endpoint: &Endpoint) -> Result<Presented, ProbeError> {
    let unreachable = |error| ProbeError::Connect { endpoint: endpoint.clone(), error };
    let no_tls = |error| ProbeError::Handshake { endpoint: endpoint.clone(), error };
    let (server_name, stream) = match &endpoint.host {
        HostName::Dns(name) => {
            let server_name = ServerName::try_from(name.as_str().to_owned())
                .map_err(|error| no_tls(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
            (server_name, TcpStream::connect((name.as_str(), endpoint.port)).await)
        }
        HostName::V4(address) => {
            (ServerName::IpAddress((*address).into()), TcpStream::connect((*address, endpoint.port)).await)
        }
        HostName::V6(address) => {
            (ServerName::IpAddress((*address).into()), TcpStream::connect((*address, endpoint.port)).await)
        }
    };
    let stream = stream.map_err(unreachable)?;
    let address = stream.peer_addr().map_err(unreachable)?;
    let config = make_looking_config().map_err(|error| no_tls(io::Error::other(error)))?;
    let connector = TlsConnector::from(Arc::new(config));
    let session = connector.connect(server_name, stream).await.map_err(no_tls)?;
    let presented = session.get_ref().1.peer_certificates().unwrap_or_default();
    Ok(Presented { chain: presented.iter().map(|certificate| certificate.to_vec()).collect(), address })
}

fn make_looking_config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificateForLookingOnly(provider)))
        .with_no_client_auth();
    // A resumed session would show no certificate.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Accepts every certificate, and still demands that the server signs the handshake with the certificate's key: what is
/// seen is then at least the certificate of whoever answers. The connection carries no application data.
#[derive(Debug)]
struct AcceptAnyCertificateForLookingOnly(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyCertificateForLookingOnly {
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
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::ServerConfig;
    use rustls_pki_types::PrivateKeyDer;
    use tokio::{io::AsyncReadExt, net::TcpListener};
    use tokio_rustls::TlsAcceptor;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    async fn listen() -> (TcpListener, Endpoint) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::parse(&listener.local_addr().unwrap().to_string()).unwrap();
        (listener, endpoint)
    }

    #[tokio::test]
    async fn sees_a_chain_that_nobody_trusts_and_sends_no_data() {
        let made = rcgen::generate_simple_self_signed(vec!["other.example".to_owned()]).unwrap();
        let der = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![der.clone()], key)
            .unwrap();
        let (listener, endpoint) = listen().await;
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut session = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
            let mut received = Vec::new();
            // Whoever looks hangs up without a farewell, which reads as an error; what came before it counts.
            let _ = session.read_to_end(&mut received).await;
            received
        });
        let presented = probe(&endpoint, LIMIT).await.unwrap();
        assert_eq!(presented.chain, [der.to_vec()]);
        assert_eq!(presented.address.port(), endpoint.port);
        assert!(server.await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn says_when_nobody_listens() {
        let (listener, endpoint) = listen().await;
        drop(listener);
        assert!(matches!(probe(&endpoint, LIMIT).await, Err(ProbeError::Connect { .. })));
    }

    #[tokio::test]
    async fn says_when_the_answer_is_not_tls() {
        let (listener, endpoint) = listen().await;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-x\r\n").await.unwrap();
            stream
        });
        assert!(matches!(probe(&endpoint, LIMIT).await, Err(ProbeError::Handshake { .. })));
        drop(server.await.unwrap());
    }

    #[tokio::test]
    async fn gives_up_on_a_silent_server() {
        let (_listener, endpoint) = listen().await;
        let limit = Duration::from_millis(50);
        assert!(matches!(probe(&endpoint, limit).await, Err(ProbeError::TimedOut { .. })));
    }
}
