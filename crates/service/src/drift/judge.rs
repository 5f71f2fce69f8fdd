//! What a domain's servers serve, decided as an app with the live release would.

use std::{cell::RefCell, collections::BTreeSet};

use pintle_api::{DriftState, replace_hostile};
use pintle_core::{
    Code, UnixTime, VerifiedConfig,
    claims::{Domain, PinDigest, PinType},
    crypto::sha256,
    decide::{PlatformVerdict, Verdict as Decided},
};
use pintle_discover::CertificateFacts;
use pintle_path::Roots;

use super::Known;
use crate::guard::{DRAWS, DerChain, Held, Observation, Sight, describe, group_by_chain};

/// What certificates say of themselves is as long as their authors like.
const MAX_DETAIL_CHARS: usize = 500;
pub(super) const MAX_ISSUER_CHARS: usize = 300;

/// One domain of the live release, and what was seen of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DomainLook<'a> {
    pub(crate) config: &'a VerifiedConfig,
    pub(crate) domain: &'a Domain,
    pub(crate) observations: &'a [Observation],
    pub(crate) roots: &'a Roots,
    pub(crate) known: &'a Known,
    /// The pins, as `TYPE:DIGEST`, that matched when the domain had its pins for the first time; none: this is the first time.
    pub(crate) primary: Option<&'a BTreeSet<String>>,
    pub(crate) now: UnixTime,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) state: DriftState,
    /// One sentence about what weighs most.
    pub(crate) detail: String,
    /// Pins that match what is accepted, as `TYPE:DIGEST`.
    pub(crate) matched: BTreeSet<String>,
    /// The servers' own certificates.
    pub(crate) certificates: Vec<SeenCertificate>,
}

/// A server's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenCertificate {
    /// Of the certificate, in base64.
    pub(crate) sha256: String,
    /// Of its key, in base64.
    pub(crate) spki_sha256: String,
    pub(crate) issuer: String,
    pub(crate) not_after: u64,
    /// Whether apps accept its chain.
    pub(crate) is_accepted: bool,
    /// Where it was seen and what it is, if a pin of its key is all that it lacks, and apps know its issuer.
    pub(crate) lacks_pin: Option<String>,
}

impl DomainLook<'_> {
    /// The weightiest state of all chains that were seen.
    #[must_use]
    pub(crate) fn judge(&self) -> Verdict {
        let mut verdict = Verdict {
            state: DriftState::Match,
            detail: String::new(),
            matched: BTreeSet::new(),
            certificates: Vec::new(),
        };
        let mut is_looked_at = false;
        for observation in self.observations {
            // What another entry decides about is that entry's business.
            let decides = self.config.domain_for(&observation.endpoint.host);
            if decides.is_none_or(|domain| domain.name != self.domain.name) {
                continue;
            }
            for (state, detail) in self.judge_endpoint(observation, &mut verdict) {
                if !is_looked_at || state > verdict.state {
                    (verdict.state, verdict.detail) = (state, shorten(&detail));
                }
                is_looked_at = true;
            }
        }
        if !is_looked_at {
            verdict.state = DriftState::NotLookedAt;
            verdict.detail = format!("No host stands for {}.", self.domain.name);
        }
        verdict
    }

    fn judge_endpoint(&self, observation: &Observation, verdict: &mut Verdict) -> Vec<(DriftState, String)> {
        let endpoint = observation.endpoint.to_string();
        let mut found = Vec::new();
        for (served, addresses) in group_by_chain(observation) {
            let held = Held { config: self.config, host: observation.endpoint.host.to_string(), now: self.now };
            let paths = RefCell::new(Vec::new());
            let (decision, platform) = held.decide_by_roots(served, DRAWS[0], self.roots, &paths);
            let by_proof = held.decide_by_proof(served, platform);
            let is_accepted = matches!(decision.verdict, Decided::Pinned { .. }) && by_proof.is_allowed();
            let told = describe(&endpoint, &addresses, served.chain);
            let leaf = served.chain.first().and_then(|leaf| CertificateFacts::parse(leaf).ok());
            let code = decision.code().or(by_proof.code());
            let mut lacks_pin = None;
            found.push(match code.filter(|_| !is_accepted) {
                None => {
                    let matched = self.find_matching(served.chain, &paths.take());
                    let is_backup = self.primary.is_some_and(|primary| primary.is_disjoint(&matched));
                    verdict.matched.extend(matched);
                    let state = if is_backup { DriftState::MatchOnlyByBackup } else { DriftState::Match };
                    (state, format!("{told}."))
                }
                Some(code) => {
                    let state = self.weigh(code, leaf.as_ref(), platform);
                    let would_help = matches!(code, Code::PinMismatch | Code::AllPinsExpired);
                    let is_met = state == DriftState::Mismatch && !self.known.issuers.is_empty();
                    lacks_pin = (would_help && is_met).then(|| shorten(&told));
                    let does = if decision.is_allowed() && by_proof.is_allowed() { "report" } else { "refuse" };
                    (state, format!("{told}; apps {does} it: {}.", code.as_str()))
                }
            });
            verdict
                .certificates
                .extend(leaf.map(|leaf| SeenCertificate { lacks_pin, ..SeenCertificate::new(&leaf, is_accepted) }));
        }
        // Of an endpoint that answers from another address, one that does not is no trouble.
        if found.is_empty() {
            found.extend(observation.sights.iter().filter_map(|sight| match sight {
                Sight::Chain { .. } => None,
                Sight::Unreachable { problem } => Some((DriftState::Unreachable, format!("{endpoint}: {problem}."))),
                Sight::NotLookedAt { problem } => Some((DriftState::NotLookedAt, format!("{endpoint}: {problem}."))),
            }));
        }
        found
    }

    /// What a chain is that apps refuse or report.
    fn weigh(&self, code: Code, leaf: Option<&CertificateFacts>, platform: PlatformVerdict) -> DriftState {
        if code == Code::CtNotSatisfied {
            return DriftState::SctPolicyUnmet;
        }
        let Some(leaf) = leaf.filter(|_| !self.known.issuers.is_empty()) else { return DriftState::Mismatch };
        let is_known_certificate = self.known.certificates.contains(&digest(leaf, PinType::CertSha256));
        // Nobody vouches for the name of an issuer in a chain that leads nowhere.
        let is_vouched_for = platform == PlatformVerdict::Accepted || code != Code::PlatformRejected;
        let is_known_issuer = is_vouched_for && self.known.issuers.contains(&identify_issuer(&leaf.issuer));
        if is_known_certificate || is_known_issuer { DriftState::Mismatch } else { DriftState::UnexpectedIssuer }
    }

    /// Every pin of the domain that matches the server's own certificate or the paths from it.
    fn find_matching(&self, chain: &DerChain, paths: &[PinDigest]) -> BTreeSet<String> {
        let leaf = chain.first().and_then(|leaf| CertificateFacts::parse(leaf).ok());
        let digests: Vec<PinDigest> =
            leaf.into_iter().flat_map(|leaf| leaf.pins).chain(paths.iter().copied()).collect();
        let counts = |end: Option<UnixTime>| end.is_none_or(|end| self.now < end);
        let matching = self.domain.pins.iter().filter(|pin| counts(pin.expires_at) && digests.contains(&pin.digest));
        matching.map(|pin| show_pin(&pin.digest)).collect()
    }
}

impl SeenCertificate {
    fn new(leaf: &CertificateFacts, is_accepted: bool) -> Self {
        Self {
            sha256: digest(leaf, PinType::CertSha256),
            spki_sha256: digest(leaf, PinType::SpkiSha256),
            issuer: replace_hostile(&leaf.issuer).chars().take(MAX_ISSUER_CHARS).collect(),
            not_after: leaf.not_after.as_secs(),
            is_accepted,
            lacks_pin: None,
        }
    }
}

/// Which pins a domain has, in few bytes.
pub(crate) fn digest_pins(domain: &Domain) -> String {
    let pins: BTreeSet<String> = domain.pins.iter().map(|pin| show_pin(&pin.digest)).collect();
    let text = pins.into_iter().collect::<Vec<_>>().join(" ");
    PinDigest::SpkiSha256(sha256(text.as_bytes())).to_base64()
}

/// Whose certificate authority it is: one changes its intermediates as it likes.
pub(super) fn identify_issuer(issuer: &str) -> String {
    let organization = issuer.split(',').find_map(|part| part.trim().strip_prefix("O="));
    organization.unwrap_or(issuer).chars().take(MAX_ISSUER_CHARS).collect()
}

fn digest(leaf: &CertificateFacts, kind: PinType) -> String {
    leaf.pin(kind).map(|pin| pin.to_base64()).unwrap_or_default()
}

pub(super) fn show_pin(digest: &PinDigest) -> String {
    format!("{}:{}", digest.kind().as_str(), digest.to_base64())
}

pub(super) fn shorten(detail: &str) -> String {
    replace_hostile(detail).chars().take(MAX_DETAIL_CHARS).collect()
}
