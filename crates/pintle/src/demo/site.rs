//! A real HTTPS site with a CA of its own, whose certificate can be changed while it runs.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    crypto::ring::sign::any_ecdsa_type,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What every site answers.
pub(super) const BODY: &str = "welcome\n";

/// A CA that the app's platform trusts.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub(super) fn make(name: &str) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// A certificate for `host` over `key`, as this CA would sell to whoever convinced it.
    pub(super) fn issue(&self, host: &str, key: &KeyPair) -> Result<Arc<CertifiedKey>, DemoSiteError> {
        let mut params = CertificateParams::new([host.to_owned()])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(key, &self.issuer)?.der().clone();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let private = any_ecdsa_type(&private)?;
        Ok(Arc::new(CertifiedKey::new(vec![leaf, self.certificate.clone()], private)))
    }
}

/// Why the demo's site could not be set up.
#[derive(Debug, thiserror::Error)]
pub(super) enum DemoSiteError {
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A site on 127.0.0.1. Stops when dropped.
pub(super) struct Site {
    address: SocketAddr,
    certificate: Arc<Changeable>,
    received_bytes: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Site {
    pub(super) async fn start(certificate: Arc<CertifiedKey>) -> Result<Self, DemoSiteError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let certificate = Arc::new(Changeable(RwLock::new(certificate)));
        let config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(certificate.clone());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let received_bytes = Arc::new(AtomicU64::new(0));
        let counter = received_bytes.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counter) = (acceptor.clone(), counter.clone());
                // A refused handshake is the visitor's business; the site goes on.
                tokio::spawn(async move { drop(answer(acceptor, stream, &counter).await) });
            }
        });
        Ok(Self { address, certificate, received_bytes, task })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the next handshake shows.
    pub(super) fn change_certificate(&self, certificate: Arc<CertifiedKey>) {
        *self.certificate.0.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    /// Bytes of requests that arrived inside TLS so far.
    pub(super) fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers every request of one connection with a few words.
async fn answer(acceptor: TlsAcceptor, stream: TcpStream, received_bytes: &AtomicU64) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut buffer = [0; 4096];
    let mut tail = Vec::new();
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return stream.shutdown().await;
        }
        received_bytes.fetch_add(count as u64, Ordering::SeqCst);
        tail.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if tail.ends_with(b"\r\n\r\n") {
            tail.clear();
            let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
            stream.write_all(response.as_bytes()).await?;
            stream.flush().await?;
        }
    }
}

#[derive(Debug)]
struct Changeable(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Changeable {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
