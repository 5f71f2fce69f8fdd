//! What a probe saw, as it travels.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use pintle_api::{
    LookupFailure, LookupResponse, PresentedCertificate, PresentedChain, PresentedFacts, PresentedPin, Sighting,
};
use pintle_core::claims::{PinDigest, PinType};
use pintle_discover::{AddressPolicy, CertificateFacts, Presented, Prober, Sight, SightError, Survey, TlsVersion};
use tokio::sync::Semaphore;

/// Looking for whoever asks.
#[derive(Debug)]
pub(crate) struct Lookups {
    pub(crate) prober: Prober,
    pub(crate) permits: Semaphore,
}

/// Most lookups at once: each holds some connections, to servers that may not answer.
const MAX_LOOKUPS: usize = 16;
/// Below the time a request may take.
const LOOKUP_LIMIT: Duration = Duration::from_secs(12);

impl Lookups {
    pub(crate) fn new(policy: AddressPolicy) -> Self {
        let prober = Prober::new(policy).with_limits(Duration::from_secs(5), LOOKUP_LIMIT);
        Self { prober, permits: Semaphore::new(MAX_LOOKUPS) }
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
                chains.push((&presented.chain, PresentedChain { seen: vec![seen], certificates }));
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
    }
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
