//! Certificate authorities, the certificates they issue, and those a forger would.

use pintle_core::{
    claims::{Pin, PinDigest, PinMatch, PinType},
    der,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority: a root, or subordinate to another.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    params: CertificateParams,
    /// What its sites send after their own certificate: itself and what is above it, without the root.
    sent: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// A self-signed root.
    #[must_use]
    pub fn root(name: &str) -> Self {
        let params = ca_params(name);
        let issuer = CertifiedIssuer::self_signed(params.clone(), make_key()).expect("self-signed root");
        Self { issuer, params, sent: Vec::new() }
    }

    /// An intermediate below this authority.
    #[must_use]
    pub fn subordinate(&self, name: &str) -> Self {
        let params = ca_params(name);
        let issuer = CertifiedIssuer::signed_by(params.clone(), make_key(), &self.issuer).expect("intermediate");
        let sent = std::iter::once(issuer.der().clone()).chain(self.sent.iter().cloned()).collect();
        Self { issuer, params, sent }
    }

    /// Another certificate, by this authority, for the name and key of `other`.
    #[must_use]
    pub fn cross_sign(&self, other: &Self) -> CertificateDer<'static> {
        other.params.signed_by(other.issuer.key(), &self.issuer).expect("cross-signed").der().clone()
    }

    /// Its own certificate.
    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// A server certificate with a fresh key.
    #[must_use]
    pub fn issue(&self, names: &[&str]) -> SiteCertificate {
        self.issue_with(names, &make_key(), |_| ())
    }

    /// A server certificate for `key`, as a renewal that keeps the key is.
    #[must_use]
    pub fn renew(&self, names: &[&str], earlier: &SiteCertificate) -> SiteCertificate {
        let key = KeyPair::try_from(&earlier.key).expect("key of an earlier certificate");
        self.issue_with(names, &key, |_| ())
    }

    /// A server certificate for `key`, valid from one second (since 1970 UTC) to another.
    ///
    /// # Panics
    /// For times that no certificate can hold.
    #[must_use]
    pub fn renew_between(
        &self,
        names: &[&str],
        earlier: &SiteCertificate,
        validity_secs: std::ops::Range<u64>,
    ) -> SiteCertificate {
        let key = KeyPair::try_from(&earlier.key).expect("key of an earlier certificate");
        let at = |secs| rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(secs);
        self.issue_with(names, &key, |params| {
            params.not_before = at(validity_secs.start);
            params.not_after = at(validity_secs.end);
        })
    }

    /// A server certificate that was valid in 1999 only.
    #[must_use]
    pub fn issue_expired(&self, names: &[&str]) -> SiteCertificate {
        self.issue_with(names, &make_key(), |params| {
            params.not_before = rcgen::date_time_ymd(1999, 1, 1);
            params.not_after = rcgen::date_time_ymd(1999, 12, 31);
        })
    }

    /// A server certificate that says where its issuer's lies, sent alone.
    #[must_use]
    pub fn issue_alone(&self, names: &[&str], issuer_url: &str) -> SiteCertificate {
        let mut issued =
            self.issue_with(names, &make_key(), |params| params.custom_extensions = vec![issuer_access(issuer_url)]);
        issued.chain.truncate(1);
        issued
    }

    fn issue_with(
        &self,
        names: &[&str],
        key: &KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> SiteCertificate {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("server names");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let leaf = params.signed_by(key, &self.issuer).expect("server certificate");
        let chain = std::iter::once(leaf.der().clone()).chain(self.sent.iter().cloned()).collect();
        SiteCertificate { chain, key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() }
    }
}

/// A server's certificate chain, leaf first and without the root, and the leaf's key.
#[derive(Debug)]
pub struct SiteCertificate {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS#8.
    pub key: PrivateKeyDer<'static>,
}

impl SiteCertificate {
    /// A self-signed one.
    #[must_use]
    pub fn self_signed(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = make_key();
        let leaf = CertificateParams::new(names).expect("server names").self_signed(&key).expect("self-signed");
        Self { chain: vec![leaf.der().clone()], key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() }
    }

    /// The leaf alone.
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer<'static> {
        self.chain.first().expect("a leaf")
    }

    /// The same with `extra` appended: what a forger does with a pinned certificate that is not his.
    #[must_use]
    pub fn padded_with(mut self, extra: &CertificateDer<'static>) -> Self {
        self.chain.push(extra.clone());
        self
    }
}

impl Clone for SiteCertificate {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

/// authorityInfoAccess with one caIssuers URL of fewer than 100 characters (RFC 5280 §4.2.2.1).
#[must_use]
pub fn issuer_access(url: &str) -> CustomExtension {
    let length =
        |extra: usize| u8::try_from(url.len() + extra).ok().filter(|length| *length < 0x80).expect("a short URL");
    let head = [0x30, length(14), 0x30, length(12), 6, 8, 0x2B, 6, 1, 5, 5, 7, 0x30, 2, 0x86, length(0)];
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], [&head, url.as_bytes()].concat())
}

/// The `spki-sha256` pin of `certificate` for the leaf position.
#[must_use]
pub fn leaf_pin(certificate: &CertificateDer<'_>) -> Pin {
    pin(certificate, PinType::SpkiSha256, PinMatch::Leaf)
}

/// The `spki-sha256` pin of `certificate` for the positions above the leaf.
#[must_use]
pub fn issuer_pin(certificate: &CertificateDer<'_>) -> Pin {
    pin(certificate, PinType::SpkiSha256, PinMatch::Issuer)
}

/// A pin of `certificate`.
#[must_use]
pub fn pin(certificate: &CertificateDer<'_>, kind: PinType, matches: PinMatch) -> Pin {
    let parsed = der::Certificate::parse(certificate).expect("a certificate in DER");
    Pin { digest: PinDigest::derive(kind, parsed.spki(), certificate), matches, expires_at: None }
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn make_key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
