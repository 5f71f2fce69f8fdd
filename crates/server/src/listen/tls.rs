//! TLS by the server itself: 1.3 and 1.2, and a certificate that is taken up when its files change.

use std::{
    fs,
    hash::{BuildHasher as _, RandomState},
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    DEFAULT_VERSIONS, ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// How often the files are read: whoever renews a certificate need not tell the server.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The system cannot read one of the files.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {expected} in PEM", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// `certificate` or `private key`.
        expected: &'static str,
    },
    /// The two do not belong together, or the key is of an unknown kind.
    #[error("certificate and key cannot be used: {0}")]
    Pair(#[source] rustls::Error),
}

/// The certificate shown to clients.
#[derive(Debug)]
pub(crate) struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    /// Tells what the files held when they were last looked at, usable or not.
    seen: RwLock<u64>,
    hasher: RandomState,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Identity {
    /// Reads both files.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = (read(certificate)?, read(key)?);
        let current = parse(&files, certificate, key)?;
        let hasher = RandomState::new();
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            seen: RwLock::new(hasher.hash_one((files.0.as_slice(), files.1.as_slice()))),
            hasher,
            current: RwLock::new(Arc::new(current)),
        })
    }

    /// Looks at the files now and then until it is dropped. A pair that cannot be used changes nothing.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(LOOK_INTERVAL);
        loop {
            ticks.tick().await;
            let identity = Arc::clone(&self);
            // Files may lie on a slow disk.
            let _ = tokio::task::spawn_blocking(move || identity.look()).await;
        }
    }

    /// Takes up what changed, and tells.
    fn look(&self) {
        match self.reload() {
            Ok(true) => tracing::info!("the TLS certificate was renewed"),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "the new TLS certificate cannot be used; the one before it stays in use");
            }
        }
    }

    /// Whether something new was taken up. The same files fail once.
    fn reload(&self) -> Result<bool, TlsError> {
        let files = (read(&self.certificate)?, read(&self.key)?);
        let hash = self.hasher.hash_one((files.0.as_slice(), files.1.as_slice()));
        if *self.seen.read().unwrap_or_else(PoisonError::into_inner) == hash {
            return Ok(false);
        }
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = hash;
        let parsed = parse(&files, &self.certificate, &self.key);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(parsed?);
        Ok(true)
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// What makes a connection a TLS connection.
pub(crate) fn acceptor(identity: Arc<Identity>) -> Result<TlsAcceptor, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(DEFAULT_VERSIONS)
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_cert_resolver(identity);
    // Every suite there is is a good one; the strongest of them is taken, whatever order a client prefers.
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    fs::read(path).map(Zeroizing::new).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

fn parse(
    (chain, secret): &(Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>),
    certificate: &Path,
    key: &Path,
) -> Result<CertifiedKey, TlsError> {
    let content = |path: &Path, expected| TlsError::Content { path: path.to_owned(), expected };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|_| content(certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(content(certificate, "certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(secret).map_err(|_| content(key, "private key"))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(TlsError::Pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Files {
        folder: tempfile::TempDir,
    }

    impl Files {
        fn write(&self, certificate: &str, key: &str) {
            fs::write(self.folder.path().join("cert.pem"), certificate).unwrap();
            fs::write(self.folder.path().join("key.pem"), key).unwrap();
        }

        fn load(&self) -> Result<Identity, TlsError> {
            Identity::load(&self.folder.path().join("cert.pem"), &self.folder.path().join("key.pem"))
        }
    }

    fn make_pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_renewed_pair_is_taken_up_and_a_broken_one_is_not() {
        let files = Files { folder: tempfile::tempdir().unwrap() };
        let (first, second) = (make_pair(), make_pair());
        files.write(&first.0, &first.1);
        let identity = files.load().unwrap();
        let shown = || identity.current.read().unwrap().cert.clone();
        let before = shown();
        assert!(!identity.reload().unwrap(), "nothing changed");
        // Halfway through a renewal: certificate and key do not belong together.
        files.write(&second.0, &first.1);
        assert!(matches!(identity.reload(), Err(TlsError::Pair(_))));
        assert!(!identity.reload().unwrap(), "the same mistake is told once");
        assert_eq!(shown(), before);
        files.write("no certificate", &first.1);
        assert!(matches!(identity.reload(), Err(TlsError::Content { .. })));
        fs::remove_file(files.folder.path().join("key.pem")).unwrap();
        assert!(matches!(identity.reload(), Err(TlsError::Read { .. })));
        assert_eq!(shown(), before);
        files.write(&second.0, &second.1);
        assert!(identity.reload().unwrap());
        assert_ne!(shown(), before);
    }

    #[test]
    fn a_pair_that_does_not_belong_together_does_not_start() {
        let files = Files { folder: tempfile::tempdir().unwrap() };
        files.write(&make_pair().0, &make_pair().1);
        assert!(matches!(files.load(), Err(TlsError::Pair(_))));
        assert!(matches!(Identity::load(Path::new("/nowhere"), Path::new("/nowhere")), Err(TlsError::Read { .. })));
    }
}
