use std::cell::RefCell;

use pintle_core::{
    Decision, HostName, UnixTime,
    decide::{PathCertificate, PlatformVerdict, Verdict},
};
use rustls_pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, TrustAnchor};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use crate::{Chain, Decide, webpki_time};

/// Root certificates that paths may end in.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    /// Of the anchor at the same position; `None` for one known by its key alone.
    certificates: Vec<Option<CertificateDer<'static>>>,
}

/// Not usable as a trust anchor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not usable as a root certificate: {0}")]
pub struct RootError(webpki::Error);

impl Roots {
    /// Adds a root certificate.
    pub fn add_certificate(&mut self, certificate: CertificateDer<'static>) -> Result<(), RootError> {
        let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(RootError)?.to_owned();
        self.anchors.push(anchor);
        self.certificates.push(Some(certificate));
        Ok(())
    }

    /// Adds a root known by name and key alone: `cert-*` pins never match it (P-4.7).
    pub fn add_anchor(&mut self, anchor: TrustAnchor<'static>) {
        self.anchors.push(anchor);
        self.certificates.push(None);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Whether there is none, so that every chain is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    fn certificate_of(&self, anchor: &TrustAnchor<'_>) -> Option<&CertificateDer<'static>> {
        // By identity, not by value: a CA may have several root certificates for one key.
        let position = self.anchors.iter().position(|ours| std::ptr::addr_eq(ours, anchor))?;
        self.certificates.get(position)?.as_ref()
    }
}

/// Builds paths from `chain` to `roots` for `host` at `t` and decides each until a pin matches.
///
/// The platform's verdict is what path building says: accepted where a path, the names in the leaf and its validity
/// hold. Without a path the callback decides the bare leaf of a refused chain (`trust: "pins"` needs no more). Of
/// several paths none of which is pinned, one that is allowed counts before one that is refused.
pub fn decide_by_roots(chain: &Chain<'_>, host: &str, roots: &Roots, t: UnixTime, decide: &Decide<'_>) -> Decision {
    let decided = RefCell::new(None::<Decision>);
    let judge = |path: &VerifiedPath<'_>| {
        let decision = decide_path(chain.leaf, path, roots, decide);
        let is_final = matches!(decision.verdict, Verdict::Pinned { .. } | Verdict::NotCovered);
        let mut decided = decided.borrow_mut();
        if is_final || decided.as_ref().is_none_or(|earlier| !earlier.is_allowed() && decision.is_allowed()) {
            *decided = Some(decision);
        }
        // An error makes path building try the next path.
        if is_final { Ok(()) } else { Err(webpki::Error::UnknownIssuer) }
    };
    build_paths(chain, host, roots, t, &judge);
    decided.into_inner().unwrap_or_else(|| decide(PlatformVerdict::Refused, None))
}

fn build_paths(
    chain: &Chain<'_>,
    host: &str,
    roots: &Roots,
    t: UnixTime,
    judge: &dyn Fn(&VerifiedPath<'_>) -> Result<(), webpki::Error>,
) {
    let Ok(leaf) = EndEntityCert::try_from(chain.leaf) else { return };
    let Some(name) = server_name(host) else { return };
    if leaf.verify_is_valid_for_subject_name(&name).is_err() {
        return;
    }
    // What came of it is what `judge` saw: it is called for every path that holds, and for no other.
    let _built = leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &roots.anchors,
        chain.intermediates,
        webpki_time(t),
        KeyUsage::server_auth(),
        None,
        Some(judge),
    );
}

fn server_name(host: &str) -> Option<ServerName<'static>> {
    Some(match HostName::parse_connection(host).ok()? {
        HostName::Dns(name) => ServerName::try_from(name.as_str().to_owned()).ok()?,
        HostName::V4(address) => ServerName::IpAddress(std::net::IpAddr::V4(address).into()),
        HostName::V6(address) => ServerName::IpAddress(std::net::IpAddr::V6(address).into()),
    })
}

fn decide_path(leaf: &CertificateDer<'_>, path: &VerifiedPath<'_>, roots: &Roots, decide: &Decide<'_>) -> Decision {
    let intermediates: Vec<_> = path.intermediate_certificates().map(webpki::Cert::der).collect();
    let anchor_spki: SubjectPublicKeyInfoDer<'_>;
    let anchor = match roots.certificate_of(path.anchor()) {
        Some(certificate) => PathCertificate::Certificate(certificate),
        None => {
            anchor_spki = webpki::spki_for_anchor(path.anchor());
            PathCertificate::Anchor { spki: &anchor_spki }
        }
    };
    let path: Vec<_> = std::iter::once(PathCertificate::Certificate(leaf))
        .chain(intermediates.iter().map(|der| PathCertificate::Certificate(der)))
        .chain(std::iter::once(anchor))
        .collect();
    decide(PlatformVerdict::Accepted, Some(&path))
}
