//! Deciding one TLS connection (section 4), in the order of its text.

use crate::{
    Code, ConfigError, UnixTime, VerifiedConfig,
    claims::{CtPolicy, Domain, Pin, PinDigest, PinMatch, Trust},
    crypto,
    ct::{self, SctMemo, SctSources},
    der::Certificate,
    limits::{MAX_CHAIN_BYTES, MAX_CHAIN_CERTIFICATES, MAX_NAME_CHARS},
    name::{HostRef, Name},
};

/// What is known of one connection. Build it with [`Connection::new`] and the `with_` methods.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    host: &'a str,
    presented: &'a [&'a [u8]],
    path: Option<&'a [PathCertificate<'a>]>,
    platform: PlatformVerdict,
    scts: SctSources<'a>,
    sct_memo: Option<&'a dyn SctMemo>,
}

impl<'a> Connection<'a> {
    /// A connection to `host` whose server presented `presented` (DER, leaf first). The platform has not spoken yet,
    /// which counts as a refusal; and of a presented pile only the leaf proves anything (P-2.6).
    #[must_use]
    pub const fn new(host: &'a str, presented: &'a [&'a [u8]]) -> Self {
        Self {
            host,
            presented,
            path: None,
            platform: PlatformVerdict::Unknown,
            scts: SctSources { from_tls: None, from_ocsp: None },
            sct_memo: None,
        }
    }

    /// With the path, leaf first, that a path builder **verified**: each signed by the next up to an anchor the
    /// builder was told to trust. Handing in what a server merely presented lets a forged chain pass.
    #[must_use]
    pub const fn with_verified_path(self, path: &'a [PathCertificate<'a>]) -> Self {
        Self { path: Some(path), ..self }
    }

    /// With what the platform's own validation said.
    #[must_use]
    pub const fn with_platform_verdict(self, platform: PlatformVerdict) -> Self {
        Self { platform, ..self }
    }

    /// With SignedCertificateTimestampLists (RFC 6962 §3.3) from the TLS extension and from a stapled OCSP
    /// response (there by [`ocsp_sct_list`](ct::ocsp_sct_list)).
    #[must_use]
    pub const fn with_scts(self, from_tls: Option<&'a [u8]>, from_ocsp: Option<&'a [u8]>) -> Self {
        Self { scts: SctSources { from_tls, from_ocsp }, ..self }
    }

    /// With a memory of verified SCTs: each costs one signature check as long as it is remembered.
    #[must_use]
    pub const fn with_sct_memo(self, memo: &'a dyn SctMemo) -> Self {
        Self { sct_memo: Some(memo), ..self }
    }
}

/// An element of a verified path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathCertificate<'a> {
    /// A certificate in DER.
    Certificate(&'a [u8]),
    /// A trust anchor known by its key alone: `cert-*` pins never match it (P-4.7).
    Anchor {
        /// The whole SubjectPublicKeyInfo, tag and length included.
        spki: &'a [u8],
    },
}

/// What the platform's own validation said of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlatformVerdict {
    /// Not asked; counts as refused.
    #[default]
    Unknown,
    /// Chain, name and dates are fine.
    Accepted,
    /// Something is not.
    Refused,
}

/// The configuration an installation has.
#[derive(Clone, Copy, Debug)]
pub enum Configuration<'a> {
    /// None was ever accepted.
    Missing,
    /// The project was withdrawn (P-7.5).
    Withdrawn,
    /// This one.
    Active(&'a VerifiedConfig),
}

/// What is particular to one installation.
#[derive(Clone, Copy, Debug)]
pub struct Installation {
    /// What happens to hosts without an entry.
    pub mode: Mode,
    /// The draw, 0 … 99, for percentage enforcement (P-2.5); `None` without persistence.
    pub draw: Option<u8>,
    /// Raised by whatever changes trust (P-4.10); comes back in the decision.
    pub generation: u64,
}

/// What happens to hosts without an entry (P-4.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are refused.
    #[default]
    Strict,
    /// The platform's own verdict decides.
    Permissive,
}

/// What was decided, and under which generation of trust.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Allowed or refused, and why.
    pub verdict: Verdict,
    /// The generation the decision belongs to: no connection of an older one carries a request (P-4.10).
    pub generation: u64,
    /// The log list is older than 70 days, so `ct.policy: verified` only reports (P-6.4).
    pub ct_list_stale: bool,
}

/// Allowed or refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Allowed: a pin matched, and everything else its entry asks for holds.
    Pinned {
        /// Name of the entry.
        domain: Name,
        /// Position of the pin in the entry's list.
        pin: usize,
        /// Position in the path at which it matched, 0 being the leaf.
        position: usize,
    },
    /// Allowed by the platform alone: permissive mode and no entry. To be logged (P-4.5).
    NotCovered,
    /// Allowed although `violation` holds: the entry only reports, for this installation at least (P-4.9).
    Reported {
        /// Name of the entry.
        domain: Name,
        /// What would have refused.
        violation: Code,
    },
    /// Refused.
    Refused {
        /// Why.
        code: Code,
        /// Name of the entry, where one was reached.
        domain: Option<Name>,
    },
}

impl Decision {
    /// Whether the connection may carry requests.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        !matches!(self.verdict, Verdict::Refused { .. })
    }

    /// The code of a refusal or of a reported violation.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        match self.verdict {
            Verdict::Refused { code, .. } | Verdict::Reported { violation: code, .. } => Some(code),
            Verdict::Pinned { .. } | Verdict::NotCovered => None,
        }
    }
}

/// Decides `connection` (section 4). `t` is `T` of section 3: see [`effective_time`](crate::effective_time).
pub fn decide(
    connection: &Connection<'_>,
    configuration: Configuration<'_>,
    installation: &Installation,
    t: UnixTime,
) -> Decision {
    let mut ct_list_stale = false;
    let verdict = decide_verdict(connection, configuration, installation, t, &mut ct_list_stale)
        .unwrap_or_else(|code| Verdict::Refused { code, domain: None });
    Decision { verdict, generation: installation.generation, ct_list_stale }
}

fn decide_verdict(
    connection: &Connection<'_>,
    configuration: Configuration<'_>,
    installation: &Installation,
    t: UnixTime,
    ct_list_stale: &mut bool,
) -> Result<Verdict, Code> {
    // P-4.1
    let mut buffer = [0; MAX_NAME_CHARS];
    let host = HostRef::parse_connection(connection.host, &mut buffer).map_err(|_| Code::HostInvalid)?;
    // P-4.2
    let config = match configuration {
        Configuration::Missing => return Err(Code::ConfigMissing),
        Configuration::Withdrawn => return Err(Code::ConfigWithdrawn),
        Configuration::Active(config) if config.claims().withdrawn => {
            return Err(Code::ConfigWithdrawn);
        }
        Configuration::Active(config) => config,
    };
    config.check_not_expired(t).map_err(|error| ConfigError::code(&error))?;
    // Looked up before P-4.5 needs it: memory answers while the certificate is read.
    let entry = config.entry_for(host);
    // P-4.3
    let path = Path::parse(connection)?;
    // P-4.4
    if path.holds_denied(connection.presented, config)? {
        return Err(Code::KeyDenied);
    }
    // P-4.5
    let Some(domain) = entry else {
        return match (installation.mode, connection.platform) {
            (Mode::Strict, _) => Err(Code::DomainNotRegistered),
            (Mode::Permissive, PlatformVerdict::Accepted) => Ok(Verdict::NotCovered),
            (Mode::Permissive, _) => Err(Code::PlatformRejected),
        };
    };
    let refused = |code| Verdict::Refused { code, domain: Some(domain.name.clone()) };
    // P-4.6
    if let Err(code) = check_trust(domain, connection.platform, &path.leaf, host, t) {
        return Ok(refused(code));
    }
    // P-4.7, P-4.8
    let matched = match match_pins(domain, &path, t) {
        Ok(matched) => matched,
        // P-4.3, found here because nobody looked before.
        Err(code @ Code::CertificateUnparsable) => return Err(code),
        // P-4.9
        Err(code) if domain.enforce.applies_to(installation.draw) => return Ok(refused(code)),
        Err(violation) => {
            return Ok(Verdict::Reported { domain: domain.name.clone(), violation });
        }
    };
    let ct_holds = check_ct(domain, config, connection, &path, t)?;
    *ct_list_stale = domain.ct.policy == CtPolicy::Verified && ct::is_list_stale(config, t);
    if !ct_holds {
        let violation = Code::CtNotSatisfied;
        let softened = *ct_list_stale || !domain.enforce.applies_to(installation.draw);
        return Ok(if softened {
            Verdict::Reported { domain: domain.name.clone(), violation }
        } else {
            refused(violation)
        });
    }
    let (pin, position) = matched;
    Ok(Verdict::Pinned { domain: domain.name.clone(), pin, position })
}

/// The part of a connection that proves something: the leaf, and what a path builder verified above it.
struct Path<'a> {
    leaf: Certificate<'a>,
    /// Read where a rule looks at them, which most decisions spare (P-4.3).
    above: &'a [PathCertificate<'a>],
}

#[derive(Clone, Copy)]
struct Element<'a> {
    spki: &'a [u8],
    der: Option<&'a [u8]>,
}

impl<'a> Element<'a> {
    fn read(certificate: &PathCertificate<'a>) -> Result<Self, Code> {
        Ok(match certificate {
            PathCertificate::Certificate(der) => Self { spki: parse_certificate(der)?.spki(), der: Some(der) },
            PathCertificate::Anchor { spki } => Self { spki, der: None },
        })
    }
}

impl<'a> Path<'a> {
    fn parse(connection: &Connection<'a>) -> Result<Self, Code> {
        check_size(connection.presented.iter().map(|der| der.len()))?;
        check_size(connection.path.unwrap_or_default().iter().map(|element| match element {
            PathCertificate::Certificate(bytes) | PathCertificate::Anchor { spki: bytes } => bytes.len(),
        }))?;
        let presented_leaf = connection.presented.first().copied();
        let (leaf, above) = match (connection.path, presented_leaf) {
            // A path that proves another leaf than the one presented proves nothing here.
            (Some([PathCertificate::Certificate(leaf), above @ ..]), presented)
                if presented.is_none_or(|presented| presented == *leaf) =>
            {
                (*leaf, above)
            }
            (None, Some(leaf)) => (leaf, &[][..]),
            _ => return Err(Code::CertificateUnparsable),
        };
        Ok(Self { leaf: parse_certificate(leaf)?, above })
    }

    fn elements(&self) -> impl Iterator<Item = Result<Element<'a>, Code>> {
        let leaf = Element { spki: self.leaf.spki(), der: Some(self.leaf.der()) };
        core::iter::once(Ok(leaf)).chain(self.above.iter().map(Element::read))
    }

    fn holds_denied(&self, presented: &[&[u8]], config: &VerifiedConfig) -> Result<bool, Code> {
        let deny = &config.claims().deny;
        if deny.is_empty() {
            return Ok(false);
        }
        let is_denied = |spki: &[u8]| deny.contains(&crypto::sha256(spki));
        for element in self.elements() {
            if is_denied(element?.spki) {
                return Ok(true);
            }
        }
        // What is presented but unreadable is no certificate that anything could be built on.
        let mut presented = presented.iter().filter_map(|der| Certificate::parse(der).ok());
        Ok(presented.any(|certificate| is_denied(certificate.spki())))
    }
}

fn parse_certificate(der: &[u8]) -> Result<Certificate<'_>, Code> {
    Certificate::parse(der).map_err(|_| Code::CertificateUnparsable)
}

fn check_size(sizes: impl ExactSizeIterator<Item = usize>) -> Result<(), Code> {
    let count = sizes.len();
    let bytes = sizes.fold(0, usize::saturating_add);
    if count > MAX_CHAIN_CERTIFICATES || bytes > MAX_CHAIN_BYTES { Err(Code::CertificateUnparsable) } else { Ok(()) }
}

fn check_trust(
    domain: &Domain,
    platform: PlatformVerdict,
    leaf: &Certificate<'_>,
    host: HostRef<'_>,
    t: UnixTime,
) -> Result<(), Code> {
    match domain.trust {
        Trust::Platform if platform == PlatformVerdict::Accepted => Ok(()),
        Trust::Platform => Err(Code::PlatformRejected),
        Trust::Pins if !leaf.covers(&host.into()).unwrap_or(false) => Err(Code::CertificateNameMismatch),
        Trust::Pins if !leaf.is_valid_at(t) => Err(Code::CertificateNotValid),
        Trust::Pins => Ok(()),
    }
}

/// Which pin matches at which position of the path (P-4.7): of several the first pin, at its first position.
fn match_pins(domain: &Domain, path: &Path<'_>, t: UnixTime) -> Result<(usize, usize), Code> {
    let usable = || domain.pins.iter().enumerate().filter(|(_, pin)| !is_expired(pin, t));
    let leaf_alone = domain.pins.iter().all(|pin| pin.matches == PinMatch::Leaf);
    let positions = if leaf_alone { 1 } else { MAX_CHAIN_CERTIFICATES };
    let mut matched = None;
    for (position, element) in path.elements().take(positions).enumerate() {
        let mut digests = Digests::of(element?);
        let found = usable().find(|(_, pin)| pin.matches.covers(position) && digests.hold(&pin.digest));
        matched = matched.into_iter().chain(found.map(|(index, _)| (index, position))).min();
    }
    match matched {
        Some(matched) => Ok(matched),
        None if domain.pins.is_empty() || usable().next().is_some() => Err(Code::PinMismatch),
        None => Err(Code::AllPinsExpired),
    }
}

fn is_expired(pin: &Pin, t: UnixTime) -> bool {
    pin.expires_at.is_some_and(|expires_at| t >= expires_at)
}

/// The digests of one element, each computed when a pin first asks for it.
struct Digests<'a> {
    element: Element<'a>,
    spki_sha256: Option<[u8; 32]>,
    spki_sha512: Option<[u8; 64]>,
    cert_sha256: Option<[u8; 32]>,
    cert_sha512: Option<[u8; 64]>,
}

impl<'a> Digests<'a> {
    const fn of(element: Element<'a>) -> Self {
        Self { element, spki_sha256: None, spki_sha512: None, cert_sha256: None, cert_sha512: None }
    }

    fn hold(&mut self, digest: &PinDigest) -> bool {
        let Element { spki, der } = self.element;
        match (digest, der) {
            (PinDigest::SpkiSha256(digest), _) => {
                self.spki_sha256.get_or_insert_with(|| crypto::sha256(spki)) == digest
            }
            (PinDigest::SpkiSha512(digest), _) => {
                self.spki_sha512.get_or_insert_with(|| crypto::sha512(spki)) == digest
            }
            (PinDigest::CertSha256(digest), Some(der)) => {
                self.cert_sha256.get_or_insert_with(|| crypto::sha256(der)) == digest
            }
            (PinDigest::CertSha512(digest), Some(der)) => {
                self.cert_sha512.get_or_insert_with(|| crypto::sha512(der)) == digest
            }
            (PinDigest::CertSha256(_) | PinDigest::CertSha512(_), None) => false,
        }
    }
}

fn check_ct(
    domain: &Domain,
    config: &VerifiedConfig,
    connection: &Connection<'_>,
    path: &Path<'_>,
    t: UnixTime,
) -> Result<bool, Code> {
    Ok(match domain.ct.policy {
        CtPolicy::Off => true,
        CtPolicy::Declared => ct::is_declared(&domain.ct, &path.leaf),
        CtPolicy::Verified => {
            let issuer = path.above.first().map(Element::read).transpose()?;
            let issuer_spki = issuer.map(|issuer| issuer.spki);
            ct::is_verified(&domain.ct, config, &path.leaf, issuer_spki, &connection.scts, connection.sct_memo, t)
        }
    })
}

/// Whether an unexpired `issuer` or `any` pin of the entry for `host` matches `certificate` (DER). An SDK that knows
/// only the presented chain asks this to learn which of its certificates are worth a path proof: it decides nothing.
#[must_use]
pub fn is_pinned_issuer(config: &VerifiedConfig, host: &str, certificate: &[u8], t: UnixTime) -> bool {
    let mut buffer = [0; MAX_NAME_CHARS];
    let (Ok(host), Ok(element)) =
        (HostRef::parse_connection(host, &mut buffer), Element::read(&PathCertificate::Certificate(certificate)))
    else {
        return false;
    };
    let mut digests = Digests::of(element);
    config.entry_for(host).is_some_and(|domain| {
        let issuers = domain.pins.iter().filter(|pin| pin.matches != PinMatch::Leaf && !is_expired(pin, t));
        issuers.map(|pin| &pin.digest).any(|digest| digests.hold(digest))
    })
}
