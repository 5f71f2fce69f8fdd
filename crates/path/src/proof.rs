use pintle_core::{
    Code, Decision, UnixTime, VerifiedConfig,
    decide::{PathCertificate, PlatformVerdict, Verdict, is_pinned_issuer},
    der,
};
use rustls_pki_types::CertificateDer;
use webpki::{EndEntityCert, KeyUsage};

use crate::{Chain, Decide, webpki_time};

/// BasicConstraints (RFC 5280 §4.2.1.9).
const OID_BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];

/// Decides a presented chain on which the platform has spoken (`platform`).
///
/// The leaf is decided as it is. If no pin matches it, each presented CA certificate that carries a pin of `config` for
/// `host` becomes the *only* trust anchor of a path of its own; where the leaf chains to it at `t`, that path is decided.
/// If only Certificate Transparency is missing, the same is done with each presented CA certificate, to learn the issuer's
/// key. A root that the server does not present cannot be proved this way.
pub fn decide_by_proof(
    chain: &Chain<'_>,
    host: &str,
    platform: PlatformVerdict,
    config: Option<&VerifiedConfig>,
    t: UnixTime,
    decide: &Decide<'_>,
) -> Decision {
    let by_leaf = decide(platform, None);
    let Some(config) = config else { return by_leaf };
    let is_worth_a_proof = |certificate: &CertificateDer<'_>| match by_leaf.code() {
        Some(Code::PinMismatch) => is_pinned_issuer(config, host, certificate, t),
        // SCTs are signed over the issuer's key, which only a path shows (P-6.3).
        Some(Code::CtNotSatisfied) => true,
        _ => false,
    };
    let anchors = chain.intermediates.iter().filter(|certificate| is_worth_a_proof(certificate));
    let mut proofs = anchors.filter_map(|anchor| {
        let path = prove(chain, anchor, t)?;
        let path: Vec<_> = path.iter().map(|der| PathCertificate::Certificate(der)).collect();
        Some(decide(platform, Some(&path)))
    });
    let pinned = proofs.find(|decision| matches!(decision.verdict, Verdict::Pinned { .. }));
    pinned.unwrap_or(by_leaf)
}

/// The path from the leaf to `anchor`, leaf first, if there is one.
fn prove<'a>(chain: &Chain<'a>, anchor: &'a CertificateDer<'a>, t: UnixTime) -> Option<Vec<CertificateDer<'a>>> {
    // Path building takes an anchor for granted; this one was only presented.
    let parsed = der::Certificate::parse(anchor).ok()?;
    let is_ca = matches!(parsed.extension(OID_BASIC_CONSTRAINTS), Ok(Some([0x30, _, 0x01, 0x01, 0xFF, ..])));
    if !is_ca || !parsed.is_valid_at(t) {
        return None;
    }
    let leaf = EndEntityCert::try_from(chain.leaf).ok()?;
    let anchors = [webpki::anchor_from_trusted_cert(anchor).ok()?];
    let verified = leaf
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            chain.intermediates,
            webpki_time(t),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .ok()?;
    let mut path = vec![chain.leaf.clone()];
    path.extend(verified.intermediate_certificates().map(webpki::Cert::der));
    path.push(anchor.clone());
    Some(path.into_iter().map(CertificateDer::into_owned).collect())
}
