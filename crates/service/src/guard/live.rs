//! What devices with the new release would do with what live endpoints serve.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use pintle_api::{Finding, FindingCode};
use pintle_core::{
    Code, Decision, Installation, Mode, UnixTime, VerifiedConfig,
    claims::{Domain, Enforce, Pin, PinDigest, PinType},
    ct::ocsp_sct_list,
    decide::{Configuration, Connection, PathCertificate, PlatformVerdict, Verdict, decide},
    der::Certificate,
};
use pintle_discover::CertificateFacts;
use pintle_path::{Chain, Roots, decide_by_proof, decide_by_roots};
use rustls_pki_types::CertificateDer;

use super::{
    GuardInput, Observation, Sight,
    file::{counts, make},
};

/// A certificate that ends sooner is told of.
const CERTIFICATE_EXPIRY_SECS: u64 = 14 * 86_400;
/// Of short-lived certificates, one with less than this part of its life left.
const LAST_PART_OF_LIFE: u64 = 3;
/// A draw that enforces whenever any does, and one that only `always` enforces (P-2.5).
pub(crate) const DRAWS: [u8; 2] = [0, 99];

pub(super) fn find(input: &GuardInput<'_>) -> Vec<Finding> {
    let mut seen = Seen::default();
    let mut findings = Vec::new();
    for observation in input.observations {
        // What the release does not cover, it does not decide about.
        let Some(domain) = input.next.domain_for(&observation.endpoint.host) else { continue };
        let looked =
            seen.entries.entry(domain.name.to_string()).or_insert_with(|| Looked { domain, paths: Vec::new() });
        for (served, addresses) in group_by_chain(observation) {
            let place = Place { input, domain, observation, addresses: &addresses };
            let judged = place.judge(served);
            findings.extend(place.tell_verdict(served.chain, &judged));
            findings.extend(place.find_removed_pin(&judged));
            findings.extend(place.find_expiring(served.chain));
            looked.paths.push(judged.digests);
        }
        findings.extend(find_unseen(observation, domain));
    }
    findings.extend(seen.entries.values().filter_map(|looked| looked.find_missing_backup(input.now)));
    findings.extend(seen.find_never_looked_at(input));
    findings
}

/// `3 days`, `5 hours`.
pub(super) fn days(secs: u64) -> String {
    match (secs / 86_400, secs / 3600) {
        (1, _) => "1 day".to_owned(),
        (0, 0) => "less than an hour".to_owned(),
        (0, 1) => "1 hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}

#[derive(Default)]
struct Seen<'a> {
    /// By name of the entry.
    entries: BTreeMap<String, Looked<'a>>,
}

/// An entry of which an endpoint was at least tried.
struct Looked<'a> {
    domain: &'a Domain,
    /// The digests of every certificate of each path.
    paths: Vec<Vec<PinDigest>>,
}

pub(crate) type DerChain = [CertificateDer<'static>];

/// What was served in one handshake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Served<'a> {
    pub(crate) chain: &'a DerChain,
    ocsp_response: &'a [u8],
}

/// The chains served, each with the addresses that serve it.
pub(crate) fn group_by_chain(observation: &Observation) -> Vec<(Served<'_>, Vec<String>)> {
    let mut groups: Vec<(Served<'_>, Vec<String>)> = Vec::new();
    for sight in &observation.sights {
        let Sight::Chain { address, chain, ocsp_response } = sight else { continue };
        let served = Served { chain, ocsp_response };
        let address = address.map(|address| address.to_string());
        match groups.iter_mut().find(|(known, _)| *known == served) {
            Some((_, addresses)) => addresses.extend(address),
            None => groups.push((served, address.into_iter().collect())),
        }
    }
    groups
}

/// One chain at one endpoint, before the judge.
struct Place<'a> {
    input: &'a GuardInput<'a>,
    domain: &'a Domain,
    observation: &'a Observation,
    addresses: &'a [String],
}

/// What the core decided about a chain.
struct Judged {
    /// Of installations that enforce the entry if any does, where we build paths.
    enforcing: Decision,
    /// Of those that enforce it only if all do.
    lenient: Decision,
    /// Of those that enforce, on platforms that tell no more than their verdict.
    by_proof: Decision,
    /// The release that devices have now, on the same terms; `None`: there is none that covers it.
    before: Option<Decision>,
    /// Of everything presented and of every path verified.
    digests: Vec<PinDigest>,
}

impl Place<'_> {
    fn judge(&self, served: Served<'_>) -> Judged {
        let paths = RefCell::new(Vec::new());
        let held = |config| Held { config, host: self.observation.endpoint.host.to_string(), now: self.input.now };
        let next = held(self.input.next);
        let [enforcing, lenient] = DRAWS.map(|draw| next.decide_by_roots(served, draw, self.input.roots, &paths));
        let by_proof = next.decide_by_proof(served, enforcing.1);
        let before = self
            .input
            .previous
            .filter(|previous| previous.domain_for(&self.observation.endpoint.host).is_some())
            .map(|previous| held(previous).decide_by_roots(served, DRAWS[0], self.input.roots, &paths).0);
        let presented =
            served.chain.iter().filter_map(|der| CertificateFacts::parse(der).ok()).flat_map(|facts| facts.pins);
        let digests = presented.chain(paths.take()).collect();
        Judged { enforcing: enforcing.0, lenient: lenient.0, by_proof, before, digests }
    }

    fn tell_verdict(&self, chain: &DerChain, judged: &Judged) -> Option<Finding> {
        let Judged { enforcing, lenient, .. } = judged;
        let who = match (&enforcing.verdict, &lenient.verdict, self.domain.enforce) {
            (Verdict::Refused { .. }, Verdict::Refused { .. }, _) => "every app".to_owned(),
            (Verdict::Refused { .. }, _, Enforce::Percent(percentage)) => {
                format!("the apps of {percentage} % of installations")
            }
            (Verdict::Refused { .. }, ..) => "every app".to_owned(),
            (Verdict::Reported { violation, .. }, ..) => {
                let detail = format!("{}; apps would report {}.", self.describe(chain), violation.as_str());
                return Some(self.make(FindingCode::WouldReport, &detail));
            }
            _ => return self.tell_by_proof(chain, judged),
        };
        let code = enforcing.code().map_or("refused", Code::as_str);
        let before = match &judged.before {
            Some(before) if !before.is_allowed() => " They do so with the last release, too.",
            _ => "",
        };
        let why = match enforcing.code() {
            Some(Code::PlatformRejected) => {
                " Pinning does not help: it has expired, is for another host, or leads to no root certificate known here \
                 (`--ca`, `guard.roots`)."
            }
            _ => "",
        };
        let detail = format!("{}; {who} would refuse it with {code}.{why}{before}", self.describe(chain));
        // Refused even while it only reports: the platform, the names or a denied key; nothing to soften.
        Some(
            Finding::new(FindingCode::WouldRefuse, &detail)
                .about(&self.domain.name.to_string())
                .seen_at(&self.endpoint()),
        )
    }

    /// Where we build paths it is accepted.
    fn tell_by_proof(&self, chain: &DerChain, judged: &Judged) -> Option<Finding> {
        let Verdict::Refused { code, .. } = &judged.by_proof.verdict else { return None };
        let detail = format!(
            "{}; apps on Android, Apple and Windows would refuse it with {}: their platforms tell no path, so that a pinned \
             CA counts only if the server sends its certificate.",
            self.describe(chain),
            code.as_str()
        );
        Some(self.make(FindingCode::WouldRefuse, &detail))
    }

    fn find_removed_pin(&self, judged: &Judged) -> Option<Finding> {
        let before = self.input.previous?.domain_for(&self.observation.endpoint.host)?;
        let now = self.input.now;
        let is_kept = |pin: &Pin| {
            let fits = |kept: &&Pin| kept.digest == pin.digest && kept.matches == pin.matches;
            self.domain.pins.iter().find(fits).is_some_and(|kept| counts(kept, now))
        };
        let mut live = before.pins.iter().filter(|pin| counts(pin, now) && judged.digests.contains(&pin.digest));
        let removed = live.find(|pin| !is_kept(pin))?;
        let detail = format!(
            "{} serves what the pin {}:{} of the last release matches; this release has it no longer.",
            self.endpoint(),
            removed.digest.kind().as_str(),
            removed.digest.to_base64()
        );
        Some(self.make(FindingCode::LivePinRemoved, &detail))
    }

    fn find_expiring(&self, chain: &DerChain) -> Option<Finding> {
        let leaf = Certificate::parse(chain.first()?).ok()?;
        let life_secs = leaf.not_after().secs_since(leaf.not_before());
        let left_secs = leaf.not_after().secs_since(self.input.now);
        if left_secs >= CERTIFICATE_EXPIRY_SECS.min(life_secs / LAST_PART_OF_LIFE) {
            return None;
        }
        let detail = format!("{}, which ends in {}.", self.describe(chain), days(left_secs));
        Some(self.make(FindingCode::CertificateExpiresSoon, &detail))
    }

    fn make(&self, code: FindingCode, detail: &str) -> Finding {
        make(code, self.domain, detail).seen_at(&self.endpoint())
    }

    fn endpoint(&self) -> String {
        self.observation.endpoint.to_string()
    }

    fn describe(&self, chain: &DerChain) -> String {
        describe(&self.endpoint(), self.addresses, chain)
    }
}

/// What an endpoint serves at some of its addresses, as the beginning of a sentence.
pub(crate) fn describe(endpoint: &str, addresses: &[String], chain: &DerChain) -> String {
    let addresses = match addresses {
        [one] => format!(" at {one}"),
        [first, rest @ ..] => format!(" at {first} and {} more addresses", rest.len()),
        [] => String::new(),
    };
    let leaf = chain.first().and_then(|leaf| CertificateFacts::parse(leaf).ok());
    let Some(leaf) = leaf else {
        return format!("{endpoint}{addresses} serves a certificate that nobody can read");
    };
    let pin = leaf.pin(PinType::SpkiSha256).map(|pin| pin.to_base64()).unwrap_or_default();
    // Before the subject, which is as long as its author likes.
    format!("{endpoint}{addresses} serves spki-sha256:{pin} ({}, by {:.120})", leaf.key, leaf.issuer)
}

/// A device that holds a configuration and connects to a host.
pub(crate) struct Held<'a> {
    pub(crate) config: &'a VerifiedConfig,
    pub(crate) host: String,
    pub(crate) now: UnixTime,
}

impl Held<'_> {
    /// The decision where we build paths, and what the platform says, which is whether there is one.
    pub(crate) fn decide_by_roots(
        &self,
        served: Served<'_>,
        draw: u8,
        roots: &Roots,
        paths: &RefCell<Vec<PinDigest>>,
    ) -> (Decision, PlatformVerdict) {
        let verdict = Cell::new(PlatformVerdict::Refused);
        let Some(presented) = split(served.chain) else {
            return (self.decide(served, draw, PlatformVerdict::Refused, None), verdict.get());
        };
        let decision = decide_by_roots(&presented, &self.host, roots, self.now, &|platform, path| {
            if platform == PlatformVerdict::Accepted {
                verdict.set(platform);
            }
            paths.borrow_mut().extend(path.into_iter().flatten().flat_map(derive_digests));
            self.decide(served, draw, platform, path)
        });
        (decision, verdict.get())
    }

    /// The decision where the platform tells its verdict and no path.
    pub(crate) fn decide_by_proof(&self, served: Served<'_>, platform: PlatformVerdict) -> Decision {
        let [draw, _] = DRAWS;
        let Some(presented) = split(served.chain) else { return self.decide(served, draw, platform, None) };
        decide_by_proof(&presented, &self.host, platform, Some(self.config), self.now, &|platform, path| {
            self.decide(served, draw, platform, path)
        })
    }

    fn decide(
        &self,
        served: Served<'_>,
        draw: u8,
        platform: PlatformVerdict,
        path: Option<&[PathCertificate<'_>]>,
    ) -> Decision {
        let presented: Vec<&[u8]> = served.chain.iter().map(AsRef::as_ref).collect();
        let stapled = ocsp_sct_list(served.ocsp_response).ok().flatten();
        let connection =
            Connection::new(&self.host, &presented).with_platform_verdict(platform).with_scts(None, stapled);
        let installation = Installation { mode: Mode::Strict, draw: Some(draw), generation: 0 };
        let configuration = Configuration::Active(self.config);
        match path {
            Some(path) => decide(&connection.with_verified_path(path), configuration, &installation, self.now),
            None => decide(&connection, configuration, &installation, self.now),
        }
    }
}

fn split(chain: &DerChain) -> Option<Chain<'_>> {
    chain.split_first().map(|(leaf, intermediates)| Chain { leaf, intermediates })
}

fn derive_digests(element: &PathCertificate<'_>) -> Vec<PinDigest> {
    match element {
        PathCertificate::Certificate(der) => CertificateFacts::parse(der).map(|facts| facts.pins).unwrap_or_default(),
        PathCertificate::Anchor { spki } => {
            vec![PinDigest::derive(PinType::SpkiSha256, spki, &[]), PinDigest::derive(PinType::SpkiSha512, spki, &[])]
        }
    }
}

impl Looked<'_> {
    /// Where one pin counts, or none, that alone is told.
    fn find_missing_backup(&self, now: UnixTime) -> Option<Finding> {
        let usable: Vec<_> = self.domain.pins.iter().filter(|pin| counts(pin, now)).collect();
        let is_served = |pin: &&Pin| self.paths.iter().any(|path| path.contains(&pin.digest));
        if self.paths.is_empty() || usable.len() < 2 || !usable.iter().all(is_served) {
            return None;
        }
        let detail =
            format!("Each of the {} pins of {} matches a certificate served now.", usable.len(), self.domain.name);
        Some(make(FindingCode::NoBackupOutsideChain, self.domain, &detail))
    }
}

impl Seen<'_> {
    fn find_never_looked_at(&self, input: &GuardInput<'_>) -> Vec<Finding> {
        let domains = &input.next.claims().domains;
        if self.entries.is_empty() && !domains.is_empty() {
            return vec![Finding::new(FindingCode::NotLookedAt, "No live endpoint was looked at.")];
        }
        let is_unseen = |domain: &&Domain| !self.entries.contains_key(&domain.name.to_string());
        let tell = |domain: &Domain| {
            let detail = format!("No host stands for {}: nothing of it was looked at.", domain.name);
            Finding::new(FindingCode::NotLookedAt, &detail).about(&domain.name.to_string())
        };
        domains.iter().filter(is_unseen).map(tell).collect()
    }
}

/// What could not be seen of an endpoint: of one that answers from other addresses, that is no more than a note.
fn find_unseen(observation: &Observation, domain: &Domain) -> Option<Finding> {
    let answers = observation.sights.iter().any(|sight| matches!(sight, Sight::Chain { .. }));
    let unseen = |sight: &Sight| match sight {
        Sight::Chain { .. } => None,
        Sight::Unreachable { problem } => {
            let code = if answers { FindingCode::NotLookedAt } else { FindingCode::Unreachable };
            Some((code, problem.clone()))
        }
        Sight::NotLookedAt { problem } => Some((FindingCode::NotLookedAt, problem.clone())),
    };
    let (code, problem) = observation.sights.iter().filter_map(unseen).min_by_key(|(code, _)| *code)?;
    let endpoint = observation.endpoint.to_string();
    Some(make(code, domain, &format!("{endpoint}: {problem}.")).seen_at(&endpoint))
}
