use std::sync::Arc;

use pintle_core::{
    Connection, Decision, HostName, Installation, Mode, Root, UnixTime, VerifiedConfig,
    claims::Trust as EntryTrust,
    ct, decide,
    decide::{Configuration, PathCertificate, PlatformVerdict},
    effective_time,
};
use pintle_path::{Chain, Roots, decide_by_proof, decide_by_roots};
use rustls_pki_types::CertificateDer;

use crate::sct_memo::VerifiedScts;

/// Everything a decision needs, frozen: connections are decided on it without waiting for anyone.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) root: Arc<Root>,
    pub(crate) config: Option<Arc<VerifiedConfig>>,
    pub(crate) withdrawn: bool,
    pub(crate) time_floor: UnixTime,
    pub(crate) mode: Mode,
    pub(crate) draw: Option<u8>,
    first_generation: u64,
    /// Of the process rather than of this state: whether a log signed an SCT never changes.
    verified_scts: Arc<VerifiedScts>,
    /// When trust changes by time alone, in order.
    boundaries: Vec<UnixTime>,
}

/// What is known of a server besides its name.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    presented: &'a [CertificateDer<'a>],
    trust: Trust<'a>,
    ocsp_response: &'a [u8],
    sct_list: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug)]
enum Trust<'a> {
    Platform(PlatformVerdict),
    /// With the path that the platform verified.
    PlatformPath(PlatformVerdict, &'a [CertificateDer<'a>]),
    Roots(&'a Roots),
}

impl<'a> Evidence<'a> {
    /// What it presented, leaf first, and what the platform said of it.
    #[must_use]
    pub const fn judged(presented: &'a [CertificateDer<'a>], verdict: PlatformVerdict) -> Self {
        Self { presented, trust: Trust::Platform(verdict), ocsp_response: &[], sct_list: None }
    }

    /// What it presented, what the platform said of it, and the path that the platform **verified**: leaf first, each
    /// signed by the next, up to an anchor that it trusts. A presented chain passed off as one lets a forger in.
    #[must_use]
    pub const fn judged_with_path(
        presented: &'a [CertificateDer<'a>],
        verdict: PlatformVerdict,
        path: &'a [CertificateDer<'a>],
    ) -> Self {
        Self { presented, trust: Trust::PlatformPath(verdict, path), ocsp_response: &[], sct_list: None }
    }

    /// What it presented, leaf first, to be validated against these roots.
    #[must_use]
    pub const fn for_roots(presented: &'a [CertificateDer<'a>], roots: &'a Roots) -> Self {
        Self { presented, trust: Trust::Roots(roots), ocsp_response: &[], sct_list: None }
    }

    /// With the OCSPResponse (DER) it stapled, for the SCTs in it (P-6.3); empty if there is none, and one that cannot
    /// be read counts as none.
    #[must_use]
    pub const fn with_ocsp_response(self, ocsp_response: &'a [u8]) -> Self {
        Self { ocsp_response, ..self }
    }

    /// With the SignedCertificateTimestampList of the TLS extension (RFC 6962 §3.3).
    #[must_use]
    pub const fn with_sct_list(self, sct_list: Option<&'a [u8]>) -> Self {
        Self { sct_list, ..self }
    }
}

impl Snapshot {
    pub(crate) fn new(root: Arc<Root>, mode: Mode, draw: Option<u8>, first_generation: u64) -> Self {
        Self {
            root,
            config: None,
            withdrawn: false,
            time_floor: UnixTime::default(),
            mode,
            draw,
            first_generation,
            verified_scts: Arc::default(),
            boundaries: Vec::new(),
        }
    }

    /// A snapshot of a later generation than any of `self`, after `change`.
    pub(crate) fn succeeded_by(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.first_generation = self.next_generation();
        next.boundaries = next.config.as_deref().map_or_else(Vec::new, boundaries);
        next
    }

    /// The first generation that none of this snapshot's decisions carries.
    pub(crate) fn next_generation(&self) -> u64 {
        let passing = u64::try_from(self.boundaries.len()).unwrap_or(u64::MAX);
        self.first_generation.saturating_add(passing).saturating_add(1)
    }

    /// The generation of trust at `now` (P-4.10). Time that passes `exp`, an `expires_at` or the CT cut-off raises it; a
    /// clock set back lowers it again, to a generation under which exactly the same was trusted.
    #[must_use]
    pub fn generation(&self, now: UnixTime) -> u64 {
        let t = self.effective_time(now);
        let passed = self.boundaries.partition_point(|boundary| *boundary <= t);
        self.first_generation.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// `T` of section 3.
    #[must_use]
    pub fn effective_time(&self, now: UnixTime) -> UnixTime {
        effective_time(now, &self.root, self.time_floor)
    }

    /// The root all of this belongs to.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The configuration in use, if there is one; a withdrawn project allows nothing by it.
    #[must_use]
    pub fn config(&self) -> Option<&VerifiedConfig> {
        self.config.as_deref()
    }

    /// Decides a connection to `host` (section 4). Nothing is refreshed or reported, and nothing remembered but which
    /// SCTs were verified.
    pub fn decide(&self, host: &str, evidence: &Evidence<'_>, now: UnixTime) -> Decision {
        let t = self.effective_time(now);
        let Evidence { presented, trust, ocsp_response, sct_list } = *evidence;
        let stapled_scts = ct::ocsp_sct_list(ocsp_response).ok().flatten();
        let ders: Vec<&[u8]> = presented.iter().map(AsRef::as_ref).collect();
        let decide_one = |platform: PlatformVerdict, path: Option<&[PathCertificate<'_>]>| {
            let connection = Connection::new(host, &ders)
                .with_platform_verdict(platform)
                .with_scts(sct_list, stapled_scts)
                .with_sct_memo(&*self.verified_scts);
            let installation = Installation { mode: self.mode, draw: self.draw, generation: self.generation(now) };
            match path {
                Some(path) => decide(&connection.with_verified_path(path), self.configuration(), &installation, t),
                None => decide(&connection, self.configuration(), &installation, t),
            }
        };
        if let Trust::PlatformPath(platform, path) = trust {
            let path: Vec<_> = path.iter().map(|der| PathCertificate::Certificate(der)).collect();
            return decide_one(platform, Some(&path));
        }
        let Some((leaf, intermediates)) = presented.split_first() else {
            return decide_one(PlatformVerdict::Refused, None);
        };
        let chain = Chain { leaf, intermediates };
        match trust {
            Trust::Roots(roots) => decide_by_roots(&chain, host, roots, t, &decide_one),
            Trust::Platform(platform) | Trust::PlatformPath(platform, _) => {
                decide_by_proof(&chain, host, platform, self.config(), t, &decide_one)
            }
        }
    }

    /// Whether the entry for `host` leaves the certificate authorities out (`trust: "pins"`): its server may be one that
    /// the platform refuses, so that a hook must get to see it.
    #[must_use]
    pub fn is_trusted_by_pins(&self, host: &str) -> bool {
        let entry = HostName::parse_connection(host).ok().and_then(|host| self.config()?.domain_for(&host));
        entry.is_some_and(|entry| entry.trust == EntryTrust::Pins)
    }

    fn configuration(&self) -> Configuration<'_> {
        match &self.config {
            _ if self.withdrawn => Configuration::Withdrawn,
            Some(config) => Configuration::Active(config),
            None => Configuration::Missing,
        }
    }
}

fn boundaries(config: &VerifiedConfig) -> Vec<UnixTime> {
    let claims = config.claims();
    let pins = claims.domains.iter().flat_map(|domain| &domain.pins).filter_map(|pin| pin.expires_at);
    let ct_cut_off = claims.ct_logs_as_of.map(|as_of| as_of.saturating_add_secs(ct::MAX_LIST_AGE_SECS + 1));
    let mut boundaries: Vec<_> = pins.chain(claims.expires_at).chain(ct_cut_off).collect();
    boundaries.sort_unstable();
    boundaries.dedup();
    boundaries
}

#[cfg(test)]
mod tests {
    use pintle_core::{
        State,
        claims::{CtPolicy, CtRequirement},
        verify,
    };
    use pintle_testkit::{
        certificate::{Authority, leaf_pin},
        clock::START,
        ct::{Log, ocsp_response, sct_list},
        project::{Project, domain},
    };

    use super::*;

    #[test]
    fn verified_scts_are_remembered_across_generations() {
        const HOST: &str = "api.example.test";
        let certificate = Authority::root("Any CA").issue(&[HOST]);
        let logs = [Log::new("a"), Log::new("b")];
        let project = Project::new(&["https://a.example.test"]);
        let file = project.config_with(1, |claims| {
            claims.ct_logs = logs.each_ref().map(Log::entry).into();
            claims.ct_logs_as_of = Some(claims.issued_at);
            let mut entry = domain(HOST, vec![leaf_pin(certificate.leaf())]);
            entry.ct = CtRequirement { policy: CtPolicy::Verified, ..CtRequirement::default() };
            claims.domains = vec![entry];
        });
        let root = Arc::new(project.root().clone());
        let config = verify(&file, &root, &State::default(), START).map(|accepted| Arc::new(accepted.config));
        let snapshot = Snapshot::new(root, Mode::Strict, None, 0).succeeded_by(|next| next.config = config.ok());
        let stapled = ocsp_response(&sct_list(&logs.each_ref().map(|log| log.sct(certificate.leaf(), START))));
        let evidence = Evidence::judged(&certificate.chain, PlatformVerdict::Accepted).with_ocsp_response(&stapled);

        assert!(snapshot.decide(HOST, &evidence, START).is_allowed());
        assert_eq!(snapshot.verified_scts.len(), 2);
        let next = snapshot.succeeded_by(|next| next.mode = Mode::Permissive);
        assert_eq!(next.verified_scts.len(), 2);
        assert!(next.decide(HOST, &evidence, START).is_allowed());
        assert_eq!(next.verified_scts.len(), 2);
    }
}
