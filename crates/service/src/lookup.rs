//! What a probe saw, as it travels.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use futures_util::future::join_all;
use pintle_api::{
    CaaRecordResponse, CaaResponse, ChainCompletion, FetchedCertificate, LookupFailure, LookupResponse,
    PresentedCertificate, PresentedChain, PresentedFacts, PresentedPin, Sighting,
};
use pintle_core::{
    HostName,
    claims::{PinDigest, PinType},
};
use pintle_discover::{
    AddressPolicy, CaaResolver, CertificateFacts, Endpoint, IssuerFetcher, Presented, Prober, Sight, SightError,
    Survey, TlsVersion,
};
use tokio::sync::Semaphore;

/// Looking for whoever asks.
#[derive(Debug)]
pub(crate) struct Lookups {
    pub(crate) prober: Prober,
    pub(crate) issuers: IssuerFetcher,
    /// None where this machine has no DNS server.
    pub(crate) caa: Option<CaaResolver>,
    pub(crate) permits: Semaphore,
}

/// Most lookups at once: each holds some connections, to servers that may not answer.
const MAX_LOOKUPS: usize = 16;
/// Where certificates of issuers lie.
const ISSUER_PORT: u16 = 80;
/// With what comes after it below the time a request may take.
const LOOKUP_LIMIT: Duration = Duration::from_secs(12);

impl Lookups {
    pub(crate) fn new(policy: AddressPolicy) -> Self {
        Self {
            issuers: IssuerFetcher::new(policy.clone().with_ports([ISSUER_PORT])),
            caa: CaaResolver::of_system()
                .inspect_err(|error| tracing::warn!(%error, "lookups show no CAA records"))
                .ok(),
            prober: Prober::new(policy).with_limits(Duration::from_secs(5), LOOKUP_LIMIT),
            permits: Semaphore::new(MAX_LOOKUPS),
        }
    }
}

/// Most names of one certificate that are told: some have thousands.
const MAX_NAMES: usize = 100;

/// A survey with equal chains put together.
#[must_use]
pub fn describe_survey(survey: &Survey) -> LookupResponse {
    let mut chains: Vec<(&[Vec<u8>], PresentedChain)> = Vec::new();
    for (sight, presented) in survey.presented() {
        let seen = describe_sight(sight, presented);
        match chains.iter_mut().find(|(chain, _)| *chain == presented.chain) {
            Some((_, described)) => described.seen.push(seen),
            None => {
                let certificates = presented.chain.iter().map(|der| describe_certificate(der)).collect();
                let chain = PresentedChain { seen: vec![seen], certificates, completion: None };
                chains.push((&presented.chain, chain));
            }
        }
    }
    let failures = survey.sights.iter().filter_map(|sight| {
        let error = sight.outcome.as_ref().err()?;
        // Where an internal name leads would already be an answer.
        let is_internal = matches!(error, SightError::Destination(_));
        let address = sight.address.filter(|_| !is_internal).map(|address| address.to_string());
        Some(LookupFailure { address, reason: error.to_string() })
    });
    LookupResponse {
        host: survey.endpoint.to_string(),
        failures: failures.collect(),
        chains: chains.into_iter().map(|(_, chain)| chain).collect(),
        caa: None,
    }
}

/// Puts to each chain what its server does not send of it.
pub async fn complete_chains(seen: &mut LookupResponse, issuers: &IssuerFetcher) {
    let completions = seen.chains.iter_mut().map(async |chain| {
        let presented = chain.certificates.iter();
        let presented: Vec<_> = presented.filter_map(|one| Base64::decode_vec(&one.certificate).ok()).collect();
        let completion = issuers.complete(&presented).await;
        let certificates = completion.fetched.into_iter().map(|issuer| FetchedCertificate {
            certificate: describe_certificate(&issuer.certificate),
            url: issuer.url,
        });
        chain.completion = Some(ChainCompletion {
            certificates: certificates.collect(),
            problem: completion.problem.map(|problem| problem.to_string()),
        });
    });
    join_all(completions).await;
}

/// Which CAs may issue for the host of `endpoint`; none for an address or a name without a dot, which is no name of the
/// public's.
pub async fn find_caa(endpoint: &Endpoint, resolver: &CaaResolver) -> Option<CaaResponse> {
    let HostName::Dns(name) = &endpoint.host else { return None };
    name.parent()?;
    Some(match resolver.find(name).await {
        Ok(None) => CaaResponse::default(),
        Ok(Some(found)) => {
            let records = found.records.into_iter().map(|record| CaaRecordResponse {
                is_critical: record.is_critical,
                tag: record.tag,
                value: record.value,
            });
            CaaResponse { domain: Some(found.domain), records: records.collect(), problem: None }
        }
        Err(error) => CaaResponse { problem: Some(error.to_string()), ..CaaResponse::default() },
    })
}

fn describe_sight(sight: &Sight, presented: &Presented) -> Sighting {
    Sighting {
        address: sight.address.map(|address| address.to_string()),
        tls_version: match presented.version {
            TlsVersion::Tls12 => "1.2",
            TlsVersion::Tls13 => "1.3",
        }
        .to_owned(),
        offers: sight.offers.iter().map(|offer| offer.as_str().to_owned()).collect(),
        ocsp_stapled: !presented.ocsp_response.is_empty(),
    }
}

fn describe_certificate(der: &[u8]) -> PresentedCertificate {
    let facts = CertificateFacts::parse(der).ok().map(describe_facts);
    PresentedCertificate { facts, certificate: Base64::encode_string(der) }
}

/// What a certificate says, as it travels.
#[must_use]
pub fn describe_facts(mut facts: CertificateFacts) -> PresentedFacts {
    let name_count = facts.names.len() as u64;
    facts.names.truncate(MAX_NAMES);
    PresentedFacts {
        pins: facts.pins.iter().map(describe_pin).collect(),
        sct_log_ids: facts.scts.iter().map(|sct| Base64::encode_string(&sct.log_id)).collect(),
        subject: facts.subject,
        issuer: facts.issuer,
        names: facts.names,
        name_count,
        serial: facts.serial,
        not_before: facts.not_before.as_secs(),
        not_after: facts.not_after.as_secs(),
        key: facts.key,
        is_ca: facts.is_ca,
    }
}

fn describe_pin(pin: &PinDigest) -> PresentedPin {
    let pin_type = match pin.kind() {
        PinType::SpkiSha256 => pintle_api::PinType::SpkiSha256,
        PinType::SpkiSha512 => pintle_api::PinType::SpkiSha512,
        PinType::CertSha256 => pintle_api::PinType::CertSha256,
        PinType::CertSha512 => pintle_api::PinType::CertSha512,
    };
    PresentedPin { pin_type, digest: pin.to_base64() }
}
