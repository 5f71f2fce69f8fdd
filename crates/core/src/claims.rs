//! The claims of a configuration (P-2.4 to P-2.8): what a project says, as types.
//!
//! [`Claims`] are *parsed*, not *trusted*: only [`verify`](crate::verify()) turns them into a
//! [`VerifiedConfig`](crate::VerifiedConfig).

mod parse;

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use crate::{
    crypto,
    index::Index,
    key::PublicKey,
    limits::DEFAULT_REFRESH_SECS,
    name::{HostName, Name},
    root::{OrganizationId, ProjectId},
    time::UnixTime,
};

/// The only `fmt` there is.
pub const FORMAT: u64 = 1;

macro_rules! known_values {
    ($(#[$doc:meta])* $name:ident in $member:literal { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// The member that holds it.
            pub const MEMBER: &'static str = $member;
            /// Every value this implementation understands.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The value as a configuration spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The value spelled `text`, if it is known.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    };
}

/// Everything a configuration says (P-2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `iss`.
    pub organization: OrganizationId,
    /// `sub`.
    pub project: ProjectId,
    /// `ver`: release number, 1 … 2^53 − 1, higher with every release.
    pub version: u64,
    /// `iat`.
    pub issued_at: UnixTime,
    /// `nbf`.
    pub not_before: Option<UnixTime>,
    /// `exp`; later than `iat` and `nbf`.
    pub expires_at: Option<UnixTime>,
    /// What happens once `exp` has passed.
    pub on_stale: OnStale,
    /// `refresh`: seconds a copy counts as fresh, 60 … 604800.
    pub refresh_secs: u64,
    /// Entries; no two share a name.
    pub domains: Vec<Domain>,
    /// `deny`: SHA-256 digests of SubjectPublicKeyInfos refused everywhere (P-2.7).
    pub deny: BTreeSet<[u8; 32]>,
    /// Certificate Transparency logs that `ct.policy: verified` trusts (P-6.1).
    pub ct_logs: Vec<CtLog>,
    /// When `ct_logs` was taken from the list it comes from.
    pub ct_logs_as_of: Option<UnixTime>,
    /// `withdrawn: true`: the project's pins are taken back (P-7.5).
    pub withdrawn: bool,
}

impl Claims {
    /// Claims with nothing optional in them and no entry.
    #[must_use]
    pub fn new(organization: OrganizationId, project: ProjectId, version: u64, issued_at: UnixTime) -> Self {
        Self {
            organization,
            project,
            version,
            issued_at,
            not_before: None,
            expires_at: None,
            on_stale: OnStale::default(),
            refresh_secs: DEFAULT_REFRESH_SECS,
            domains: Vec::new(),
            deny: BTreeSet::new(),
            ct_logs: Vec::new(),
            ct_logs_as_of: None,
            withdrawn: false,
        }
    }
}

known_values! {
    /// What happens to a copy past its `exp` (P-2.4).
    OnStale in "on_stale" {
        /// It is kept in use, and an event says so.
        #[default]
        Keep = "keep",
        /// Every connection is refused.
        Fail = "fail",
    }
}

/// One entry: a name, and what its servers must show (P-2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Host or pattern.
    pub name: Name,
    /// Whether a violation refuses or only reports.
    pub enforce: Enforce,
    /// Whether the platform's CA store is asked as well.
    pub trust: Trust,
    /// The pins; an entry none of whose pins match refuses, so an empty list refuses everything.
    pub pins: Vec<Pin>,
    /// Certificate Transparency.
    pub ct: CtRequirement,
}

impl Domain {
    /// An entry with defaults for everything but its name and pins.
    #[must_use]
    pub fn new(name: Name, pins: Vec<Pin>) -> Self {
        Self { name, enforce: Enforce::Always, trust: Trust::default(), pins, ct: CtRequirement::default() }
    }
}

/// The one of `domains` that would decide about `host` (P-4.5), in a configuration that nobody has signed yet; none if none
/// would, or if two share a name.
#[must_use]
pub fn find_domain<'d>(domains: &'d [Domain], host: &HostName) -> Option<&'d Domain> {
    Index::derive(domains).ok()?.find(domains, host.as_host_ref())
}

/// Who refuses on a violation (P-2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enforce {
    /// Every installation.
    #[default]
    Always,
    /// None: violations are allowed and reported.
    Report,
    /// Installations whose draw is below the number, 1 … 99; 0 is [`Report`](Self::Report), 100 [`Always`](Self::Always).
    Percent(u8),
}

impl Enforce {
    /// Whether an installation with this `draw` (0 … 99; `None` if it has no persistence and the app gave none)
    /// refuses on a violation (P-2.5).
    #[must_use]
    pub fn applies_to(self, draw: Option<u8>) -> bool {
        match self {
            Self::Always => true,
            Self::Report => false,
            Self::Percent(percent) => draw.is_none_or(|draw| draw < percent),
        }
    }
}

known_values! {
    /// Who must accept the chain besides the pins (P-2.5).
    Trust in "trust" {
        /// The platform accepts the chain **and** a pin matches.
        #[default]
        Platform = "platform",
        /// No CA store: SAN and validity are checked and a leaf pin must match.
        Pins = "pins",
    }
}

/// One pin (P-2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin {
    /// What is hashed, how, and the digest.
    pub digest: PinDigest,
    /// Where in the verified path it may match.
    pub matches: PinMatch,
    /// From this instant on the pin does not count.
    pub expires_at: Option<UnixTime>,
}

known_values! {
    /// `type` of a pin: what is hashed, and how (P-2.6).
    PinType in "type" {
        /// SHA-256 of the SubjectPublicKeyInfo: survives renewals that keep the key.
        #[default]
        SpkiSha256 = "spki-sha256",
        /// SHA-512 of the SubjectPublicKeyInfo.
        SpkiSha512 = "spki-sha512",
        /// SHA-256 of the whole certificate.
        CertSha256 = "cert-sha256",
        /// SHA-512 of the whole certificate.
        CertSha512 = "cert-sha512",
    }
}

/// A digest together with its [`PinType`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PinDigest {
    /// `spki-sha256`.
    SpkiSha256([u8; 32]),
    /// `spki-sha512`.
    SpkiSha512([u8; 64]),
    /// `cert-sha256`.
    CertSha256([u8; 32]),
    /// `cert-sha512`.
    CertSha512([u8; 64]),
}

impl PinDigest {
    /// The pin of one certificate: `spki` is its SubjectPublicKeyInfo, `certificate` the whole DER.
    #[must_use]
    pub fn derive(kind: PinType, spki: &[u8], certificate: &[u8]) -> Self {
        match kind {
            PinType::SpkiSha256 => Self::SpkiSha256(crypto::sha256(spki)),
            PinType::SpkiSha512 => Self::SpkiSha512(crypto::sha512(spki)),
            PinType::CertSha256 => Self::CertSha256(crypto::sha256(certificate)),
            PinType::CertSha512 => Self::CertSha512(crypto::sha512(certificate)),
        }
    }

    /// Parses standard base64 with padding, of exactly the digest's length.
    #[must_use]
    pub fn parse(kind: PinType, base64: &str) -> Option<Self> {
        use crate::base64::parse_standard;
        Some(match kind {
            PinType::SpkiSha256 => Self::SpkiSha256(parse_standard(base64)?),
            PinType::SpkiSha512 => Self::SpkiSha512(parse_standard(base64)?),
            PinType::CertSha256 => Self::CertSha256(parse_standard(base64)?),
            PinType::CertSha512 => Self::CertSha512(parse_standard(base64)?),
        })
    }

    /// `type`.
    #[must_use]
    pub const fn kind(&self) -> PinType {
        match self {
            Self::SpkiSha256(_) => PinType::SpkiSha256,
            Self::SpkiSha512(_) => PinType::SpkiSha512,
            Self::CertSha256(_) => PinType::CertSha256,
            Self::CertSha512(_) => PinType::CertSha512,
        }
    }

    /// The 32 or 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        match self {
            Self::SpkiSha256(digest) | Self::CertSha256(digest) => digest,
            Self::SpkiSha512(digest) | Self::CertSha512(digest) => digest,
        }
    }

    /// `digest`: standard base64 with padding.
    #[must_use]
    pub fn to_base64(&self) -> String {
        crate::base64::to_standard(self.as_bytes())
    }
}

known_values! {
    /// Where in the verified path a pin may match (P-2.6).
    PinMatch in "match" {
        /// Position 0.
        #[default]
        Leaf = "leaf",
        /// Positions 1 and up, root included.
        Issuer = "issuer",
        /// Every position.
        Any = "any",
    }
}

impl PinMatch {
    /// Whether `position` (0 is the leaf) is covered.
    #[must_use]
    pub const fn covers(self, position: usize) -> bool {
        match self {
            Self::Leaf => position == 0,
            Self::Issuer => position > 0,
            Self::Any => true,
        }
    }
}

/// `ct` of an entry (P-6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtRequirement {
    /// What is checked.
    pub policy: CtPolicy,
    /// How many distinct logs must be met.
    pub min: u64,
    /// The logs that count; `None` means all `ct_logs`.
    pub logs: Option<BTreeSet<[u8; 32]>>,
}

impl CtRequirement {
    /// `min` where a file does not say.
    pub const DEFAULT_MIN: u64 = 2;
}

impl Default for CtRequirement {
    fn default() -> Self {
        Self { policy: CtPolicy::Off, min: Self::DEFAULT_MIN, logs: None }
    }
}

known_values! {
    /// How strictly Certificate Transparency is checked (P-6.1).
    CtPolicy in "policy" {
        /// Not at all.
        #[default]
        Off = "off",
        /// The certificate names enough declared logs; signatures are not checked (P-6.2).
        Declared = "declared",
        /// Enough SCTs verify under the keys in `ct_logs` (P-6.3).
        Verified = "verified",
    }
}

/// A Certificate Transparency log (P-6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CtLog {
    id: [u8; 32],
    key: PublicKey,
    operator: String,
    usable_until: Option<UnixTime>,
}

impl CtLog {
    /// A log by its P-256 key, who runs it, and until when its SCTs count.
    #[must_use]
    pub fn new(key: PublicKey, operator: String, usable_until: Option<UnixTime>) -> Self {
        Self { id: crypto::sha256(&key.spki_der()), key, operator, usable_until }
    }

    /// SHA-256 of the key's SubjectPublicKeyInfo (RFC 6962 §3.2).
    #[must_use]
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// The key its SCTs verify under.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Who runs it.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// SCTs issued later do not count.
    #[must_use]
    pub const fn usable_until(&self) -> Option<UnixTime> {
        self.usable_until
    }
}
