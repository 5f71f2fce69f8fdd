//! Which pins a draft lacks for what live servers serve. Nothing here takes a pin away.

use std::cell::RefCell;

use pintle_core::{
    Code, HostName, UnixTime, VerifiedConfig,
    claims::{Domain, PinDigest, PinMatch, PinType},
    decide::Verdict,
};
use pintle_discover::{CertificateFacts, Endpoint, LoggedCertificate};
use pintle_path::Roots;

use super::{
    Observation, Sight,
    live::{DRAWS, Held, group_by_chain},
};

/// What to do about one chain of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshStep {
    /// Name of the entry.
    pub domain: String,
    /// Where it was seen.
    pub endpoint: Endpoint,
    /// What to do.
    pub action: RefreshAction,
}

/// See [`RefreshStep`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshAction {
    /// A pin matches already.
    Keep,
    /// The key of the server's own certificate is not pinned.
    Add(PinDigest),
    /// Apps would refuse it whatever is pinned: pinning it would help nobody.
    Leave(Code),
    /// It was not seen, and why.
    NotSeen(String),
}

/// What is known of one key that CT logs hold for a host of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggedKey {
    /// A pin that counts fits the certificate.
    Pinned,
    /// None fits, but one of an issuer may: who issued it a log does not prove.
    IssuerPinned,
    /// None fits.
    NotPinned,
}

/// Whether the entry for `host` has a pin that fits a certificate known from CT.
#[must_use]
pub fn judge_logged(
    draft: &VerifiedConfig,
    host: &HostName,
    logged: &LoggedCertificate,
    now: UnixTime,
) -> Option<LoggedKey> {
    let domain = draft.domain_for(host)?;
    Some(judge_pins(domain, |pin| logged.pin(pin.kind()) == Some(*pin), now))
}

/// The same of a domain, whose certificate the pins fit that `fits` says.
#[must_use]
pub(crate) fn judge_pins(domain: &Domain, fits: impl Fn(&PinDigest) -> bool, now: UnixTime) -> LoggedKey {
    let counting = || domain.pins.iter().filter(|pin| pin.expires_at.is_none_or(|end| end > now));
    if counting().any(|pin| pin.matches != PinMatch::Issuer && fits(&pin.digest)) {
        LoggedKey::Pinned
    } else if counting().any(|pin| pin.matches != PinMatch::Leaf) {
        LoggedKey::IssuerPinned
    } else {
        LoggedKey::NotPinned
    }
}

/// Decides each chain that was seen, as an installation with the draft would, and names the key that is missing.
#[must_use]
pub fn plan_refresh(
    draft: &VerifiedConfig,
    observations: &[Observation],
    roots: &Roots,
    now: UnixTime,
) -> Vec<RefreshStep> {
    let mut steps = Vec::new();
    for observation in observations {
        let endpoint = &observation.endpoint;
        let Some(domain) = draft.domain_for(&endpoint.host) else { continue };
        let mut add = |action| {
            let step = RefreshStep { domain: domain.name.to_string(), endpoint: endpoint.clone(), action };
            if !steps.contains(&step) {
                steps.push(step);
            }
        };
        for (served, _) in group_by_chain(observation) {
            let held = Held { config: draft, host: endpoint.host.to_string(), now };
            let (decision, _) = held.decide_by_roots(served, DRAWS[0], roots, &RefCell::default());
            add(match (&decision.verdict, decision.code()) {
                (Verdict::Pinned { .. } | Verdict::NotCovered, _) => RefreshAction::Keep,
                (_, Some(Code::PinMismatch | Code::AllPinsExpired)) => {
                    let leaf = served.chain.first().and_then(|leaf| CertificateFacts::parse(leaf).ok());
                    let pin = leaf.and_then(|leaf| leaf.pin(PinType::SpkiSha256));
                    pin.map_or(RefreshAction::Leave(Code::CertificateUnparsable), RefreshAction::Add)
                }
                (_, code) => RefreshAction::Leave(code.unwrap_or(Code::InternalError)),
            });
        }
        for sight in &observation.sights {
            if let Sight::Unreachable { problem } | Sight::NotLookedAt { problem } = sight {
                add(RefreshAction::NotSeen(problem.clone()));
            }
        }
    }
    steps
}
