use std::net::SocketAddr;

use pintle_core::{
    Code, UnixTime, VerifiedConfig,
    claims::{Domain, Pin, PinDigest},
    decide::Verdict,
};
use pintle_discover::{CertificateFacts, Endpoint};
use pintle_sdk::Probe;
use serde::Serialize;

use super::ct::CtReport;
use crate::{
    moment::{show_moment, show_moment_from},
    output::{BAD, CAREFUL, GOOD, STRONG, Text},
    review::describe_domain,
};

/// Result of `check`.
#[derive(Serialize)]
pub(super) struct CheckReport {
    /// Where the app wants to connect to.
    host: String,
    /// Where the connection went.
    address: SocketAddr,
    /// `strict` or `permissive`.
    mode: String,
    /// Whether the app would connect.
    pub(super) allowed: bool,
    outcome: Outcome,
    /// Why it is refused or reported: a code of the protocol (P-8.1).
    code: Option<&'static str>,
    /// The entry that decided.
    entry: Option<EntryReport>,
    /// The pin that matched.
    pin: Option<MatchedPinReport>,
    /// What the entry asks of Certificate Transparency, and what became of it.
    ct: Option<CtReport>,
    /// What was in force.
    release: Option<ReleaseReport>,
    /// What the server presented, leaf first.
    chain: Vec<CertificateReport>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// Allowed, a pin matches.
    Pinned,
    /// Allowed by the CA store alone: permissive mode, no entry.
    NotCovered,
    /// Allowed although it is a violation: the entry only reports.
    Reported,
    Refused,
}

#[derive(Serialize)]
struct EntryReport {
    name: String,
    /// Enforcement and trust in words.
    policy: String,
    pins: Vec<PinReport>,
}

#[derive(Serialize)]
struct PinReport {
    #[serde(rename = "type")]
    kind: &'static str,
    digest: String,
    #[serde(rename = "match")]
    matches: &'static str,
    expires_at: Option<u64>,
}

#[derive(Serialize)]
struct MatchedPinReport {
    /// Position in the entry's list.
    index: usize,
    /// Position in the path, 0 being the leaf.
    position: usize,
}

#[derive(Serialize)]
struct ReleaseReport {
    version: u64,
    issued_at: u64,
    /// The key that signed it.
    kid: String,
}

#[derive(Serialize)]
struct CertificateReport {
    /// What it says of itself; absent if it cannot be read.
    #[serde(flatten)]
    facts: Option<FactsReport>,
    /// Positions in the entry's list of the pins whose digest and place fit this certificate.
    matching_pins: Vec<usize>,
}

#[derive(Serialize)]
struct FactsReport {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: u64,
    not_after: u64,
    key: String,
    /// Its SPKI SHA-256 pin.
    spki_sha256: String,
}

impl CheckReport {
    pub(super) fn new(
        endpoint: &Endpoint,
        address: SocketAddr,
        mode: &str,
        probe: &Probe,
        config: Option<&VerifiedConfig>,
    ) -> Self {
        let domain = config.and_then(|config| config.domain_for(&endpoint.host));
        let (outcome, pin) = match &probe.decision.verdict {
            Verdict::Pinned { pin, position, .. } => {
                (Outcome::Pinned, Some(MatchedPinReport { index: *pin, position: *position }))
            }
            Verdict::NotCovered => (Outcome::NotCovered, None),
            Verdict::Reported { .. } => (Outcome::Reported, None),
            Verdict::Refused { .. } => (Outcome::Refused, None),
        };
        let certificates = probe.chain.iter().enumerate();
        Self {
            host: endpoint.to_string(),
            address,
            mode: mode.to_owned(),
            allowed: probe.decision.is_allowed(),
            outcome,
            code: probe.decision.code().map(Code::as_str),
            entry: domain.map(EntryReport::new),
            pin,
            ct: domain
                .zip(config)
                .zip(probe.chain.first())
                .and_then(|((domain, config), leaf)| CtReport::new(&probe.decision, domain, config, leaf)),
            release: config.map(|config| ReleaseReport {
                version: config.claims().version,
                issued_at: config.claims().issued_at.as_secs(),
                kid: config.kid().to_string(),
            }),
            chain: certificates.map(|(position, der)| CertificateReport::new(position, der, domain)).collect(),
        }
    }

    pub(super) fn write_text(&self, now: UnixTime, text: &mut Text) {
        text.line(&format!("{} at {}", self.host, self.address));
        let code = self.code.unwrap_or_default();
        match self.outcome {
            Outcome::Pinned => text.styled_line(GOOD, "ALLOWED: a pin matches"),
            Outcome::NotCovered => {
                text.styled_line(CAREFUL, "ALLOWED, not pinned: the configuration has no entry for this host")
            }
            Outcome::Reported => {
                text.styled_line(CAREFUL, &format!("ALLOWED, violation reported: {code}")).line(explain(code))
            }
            Outcome::Refused => text.styled_line(BAD, &format!("REFUSED: {code}")).line(explain(code)),
        };
        text.gap();
        let release = self.release.as_ref();
        text.fields(&[
            ("mode", self.mode.clone()),
            ("release", release.map(ReleaseReport::describe).unwrap_or_default()),
            ("signed by", release.map(|release| release.kid.clone()).unwrap_or_default()),
            ("entry", self.entry.as_ref().map_or_else(|| "none".to_owned(), EntryReport::describe)),
            ("matched", self.pin.as_ref().map(MatchedPinReport::describe).unwrap_or_default()),
            ("CT", self.ct.as_ref().map(CtReport::describe).unwrap_or_default()),
        ]);
        if let Some(entry) = &self.entry {
            text.gap().styled_line(STRONG, "Pins of the entry");
            text.indented(|text| entry.write_pins(now, text));
        }
        text.gap().styled_line(STRONG, "Presented chain");
        text.indented(|text| {
            for (position, certificate) in self.chain.iter().enumerate() {
                certificate.write_text(position, now, text);
            }
        });
    }
}

impl EntryReport {
    fn new(domain: &Domain) -> Self {
        Self {
            name: domain.name.to_string(),
            policy: describe_domain(domain),
            pins: domain.pins.iter().map(PinReport::new).collect(),
        }
    }

    fn describe(&self) -> String {
        format!("{} ({})", self.name, self.policy)
    }

    fn write_pins(&self, now: UnixTime, text: &mut Text) {
        if self.pins.is_empty() {
            text.line("none: every connection is a violation");
        }
        for (index, pin) in self.pins.iter().enumerate() {
            let expiry = pin.expires_at.map(UnixTime::from_secs);
            let expiry = expiry.map(|at| format!(", expires {}", show_moment_from(at, now))).unwrap_or_default();
            text.line(&format!("{}  {}:{}  {}{expiry}", index + 1, pin.kind, pin.digest, pin.matches));
        }
    }
}

impl PinReport {
    fn new(pin: &Pin) -> Self {
        Self {
            kind: pin.digest.kind().as_str(),
            digest: pin.digest.to_base64(),
            matches: pin.matches.as_str(),
            expires_at: pin.expires_at.map(UnixTime::as_secs),
        }
    }
}

impl MatchedPinReport {
    fn describe(&self) -> String {
        format!("pin {} at position {} of the verified path", self.index + 1, self.position)
    }
}

impl ReleaseReport {
    fn describe(&self) -> String {
        format!("{}, issued {}", self.version, show_moment(UnixTime::from_secs(self.issued_at)))
    }
}

impl CertificateReport {
    fn new(position: usize, der: &[u8], domain: Option<&Domain>) -> Self {
        let facts = CertificateFacts::parse(der).ok();
        let pins = domain.map(|domain| domain.pins.as_slice()).unwrap_or_default();
        let digests = facts.as_ref().map(|facts| facts.pins.as_slice()).unwrap_or_default();
        let fits = |pin: &Pin| pin.matches.covers(position) && digests.contains(&pin.digest);
        let matching_pins = pins.iter().enumerate().filter(|(_, pin)| fits(pin)).map(|(index, _)| index).collect();
        Self { facts: facts.map(FactsReport::new), matching_pins }
    }

    fn write_text(&self, position: usize, now: UnixTime, text: &mut Text) {
        let Some(facts) = &self.facts else {
            text.line(&format!("{position}  not a readable certificate"));
            return;
        };
        text.line(&format!("{position}  {}", facts.subject));
        text.indented(|text| {
            let valid_until = show_moment_from(UnixTime::from_secs(facts.not_after), now);
            text.line(&format!(" issuer  {}", facts.issuer));
            if !facts.names.is_empty() {
                text.line(&format!(" names   {}", facts.names.join(", ")));
            }
            text.line(&format!(" key     {}, valid until {valid_until}", facts.key));
            text.line(&format!(" pin     spki-sha256:{}", facts.spki_sha256));
            for index in &self.matching_pins {
                text.styled_line(GOOD, &format!(" <- fits pin {}", index + 1));
            }
        });
    }
}

impl FactsReport {
    fn new(facts: CertificateFacts) -> Self {
        let spki_sha256 = facts.pins.iter().find(|pin| matches!(pin, PinDigest::SpkiSha256(_)));
        Self {
            spki_sha256: spki_sha256.map(PinDigest::to_base64).unwrap_or_default(),
            subject: facts.subject,
            issuer: facts.issuer,
            names: facts.names,
            not_before: facts.not_before.as_secs(),
            not_after: facts.not_after.as_secs(),
            key: facts.key,
        }
    }
}

fn explain(code: &str) -> &'static str {
    match Code::parse(code) {
        Some(Code::PlatformRejected) => {
            "This machine refuses the certificate: its issuer, names or dates (--ca adds a CA)."
        }
        Some(Code::PinMismatch) => "No pin of the entry matches the verified path: an attack, or a key not pinned.",
        Some(Code::AllPinsExpired) => "Every pin of the entry has expired.",
        Some(Code::DomainNotRegistered) => {
            "The configuration has no entry for this host, and a strict app then refuses."
        }
        Some(Code::KeyDenied) => "A key of the chain is on the deny list.",
        Some(Code::CertificateNameMismatch) => "No subject alternative name of the certificate covers this host.",
        Some(Code::CertificateNotValid) => "The certificate is not valid yet, or no longer.",
        Some(Code::CertificateUnparsable) => "The server's certificate cannot be read.",
        Some(Code::CtNotSatisfied) => {
            "The certificate lacks the Certificate Transparency proofs that the entry asks for."
        }
        Some(Code::ConfigExpired) => "The configuration has expired and says that devices then refuse.",
        Some(Code::ConfigWithdrawn) => "The project was withdrawn: every connection is refused.",
        Some(Code::ConfigMissing) => "There is no configuration.",
        _ => "The connection cannot be decided.",
    }
}
