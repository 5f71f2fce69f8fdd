//! Deciding one TLS connection (section 4), in the order of its text.

use crate::{
    Code, ConfigError, UnixTime, VerifiedConfig,
    claims::{CtPolicy, Domain, Pin, PinDigest, PinMatch, PinType, Trust},
    crypto,
    ct::{self, SctSources},
    der::{Certificate, DerError},
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
    // P-4.3
    let path = Path::parse(connection)?;
    // P-4.4
    if path.holds_denied(connection.presented, config) {
        return Err(Code::KeyDenied);
    }
    // P-4.5
    let Some(domain) = config.entry_for(host) else {
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
        // P-4.9
        Err(code) if domain.enforce.applies_to(installation.draw) => return Ok(refused(code)),
        Err(violation) => {
            return Ok(Verdict::Reported { domain: domain.name.clone(), violation });
        }
    };
    let ct_holds = check_ct(domain, config, connection, &path, t);
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
    elements: [Element<'a>; MAX_CHAIN_CERTIFICATES],
    count: usize,
}

#[derive(Clone, Copy, Default)]
struct Element<'a> {
    spki: &'a [u8],
    der: Option<&'a [u8]>,
}

impl<'a> Element<'a> {
    fn read(certificate: &PathCertificate<'a>) -> Result<Self, DerError> {
        Ok(match certificate {
            PathCertificate::Certificate(der) => Self { spki: Certificate::parse(der)?.spki(), der: Some(der) },
            PathCertificate::Anchor { spki } => Self { spki, der: None },
        })
    }
}

impl<'a> Path<'a> {
    fn parse(connection: &Connection<'a>) -> Result<Self, Code> {
        let unparsable = |_: DerError| Code::CertificateUnparsable;
        check_size(connection.presented.iter().map(|der| der.len()))?;
        let presented_leaf = connection.presented.first().copied();
        let leaf_alone = presented_leaf.map(PathCertificate::Certificate);
        let path = connection.path.unwrap_or(leaf_alone.as_slice());
        check_size(path.iter().map(|element| match element {
            PathCertificate::Certificate(bytes) | PathCertificate::Anchor { spki: bytes } => bytes.len(),
        }))?;
        let Some(PathCertificate::Certificate(leaf)) = path.first() else {
            return Err(Code::CertificateUnparsable);
        };
        // A path that proves another leaf than the one presented proves nothing here.
        if presented_leaf.is_some_and(|presented| presented != *leaf) {
            return Err(Code::CertificateUnparsable);
        }
        let leaf = Certificate::parse(leaf).map_err(unparsable)?;
        let first = Element { spki: leaf.spki(), der: Some(leaf.der()) };
        let read = core::iter::once(Ok(first)).chain(path.iter().skip(1).map(Element::read));
        let mut elements = [Element::default(); MAX_CHAIN_CERTIFICATES];
        for (slot, element) in elements.iter_mut().zip(read) {
            *slot = element.map_err(unparsable)?;
        }
        Ok(Self { leaf, elements, count: path.len() })
    }

    fn elements(&self) -> &[Element<'a>] {
        self.elements.get(..self.count).unwrap_or_default()
    }

    fn holds_denied(&self, presented: &[&[u8]], config: &VerifiedConfig) -> bool {
        let deny = &config.claims().deny;
        if deny.is_empty() {
            return false;
        }
        // What is presented but unreadable is no certificate that anything could be built on.
        let presented = presented.iter().filter_map(|der| Certificate::parse(der).ok()).map(|parsed| parsed.spki());
        let verified = self.elements().iter().map(|element| element.spki);
        verified.chain(presented).any(|spki| deny.contains(&crypto::sha256(spki)))
    }
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
    let matches = path.elements().iter().enumerate().filter_map(|(position, element)| {
        let mut digests = Digests::of(*element);
        let (index, _) = usable().find(|(_, pin)| pin.matches.covers(position) && digests.hold(&pin.digest))?;
        Some((index, position))
    });
    match matches.min() {
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
    known: [Option<PinDigest>; PinType::ALL.len()],
}

impl<'a> Digests<'a> {
    const fn of(element: Element<'a>) -> Self {
        Self { element, known: [None; PinType::ALL.len()] }
    }

    fn hold(&mut self, digest: &PinDigest) -> bool {
        let kind = digest.kind();
        let certificate = match (kind, self.element.der) {
            (_, Some(der)) => der,
            (PinType::SpkiSha256 | PinType::SpkiSha512, None) => &[],
            (PinType::CertSha256 | PinType::CertSha512, None) => return false,
        };
        let derive = || PinDigest::derive(kind, self.element.spki, certificate);
        self.known.get_mut(kind as usize).is_some_and(|known| known.get_or_insert_with(derive) == digest)
    }
}

fn check_ct(
    domain: &Domain,
    config: &VerifiedConfig,
    connection: &Connection<'_>,
    path: &Path<'_>,
    t: UnixTime,
) -> bool {
    match domain.ct.policy {
        CtPolicy::Off => true,
        CtPolicy::Declared => ct::is_declared(&domain.ct, &path.leaf),
        CtPolicy::Verified => {
            let issuer_spki = path.elements().get(1).map(|issuer| issuer.spki);
            ct::is_verified(&domain.ct, config, &path.leaf, issuer_spki, &connection.scts, t)
        }
    }
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
