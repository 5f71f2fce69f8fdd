//! What could be pinned of a certificate, a chain or a signing request, each choice with what it means in a sentence.

use pintle_api::{LookupResponse, PinMatch, PinOrigin, PinType, PresentedFacts};
use pintle_core::claims::{self, PinDigest};
use pintle_discover::{CertificateFacts, FileContents, FileError, LoggedCertificate, SigningRequest, parse_file};
use secrecy::SecretString;

/// What was found: a chain, a file of certificates, or a key that has none yet.
pub(super) struct Found {
    pub(super) source: PinOrigin,
    pub(super) holders: Vec<Holder>,
}

/// A certificate or request, and the pins that it would have.
pub(super) struct Holder {
    pub(super) subject: String,
    pub(super) issuer: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) key: String,
    pub(super) not_after: Option<u64>,
    pub(super) choices: Vec<Choice>,
}

/// A pin that somebody can choose.
pub(super) struct Choice {
    pub(super) pin_type: PinType,
    pub(super) pin_match: PinMatch,
    pub(super) digest: String,
    pub(super) title: &'static str,
    /// What choosing it means.
    pub(super) meaning: &'static str,
    pub(super) is_recommended: bool,
}

const LEAF_KEY: (&str, &str) = (
    "The server's key",
    "Holds as long as the server keeps this key, through every renewal that keeps it. The usual choice.",
);
const LEAF_CERTIFICATE: (&str, &str) = (
    "This one certificate",
    "Holds until the next renewal, and not a day longer. Only where certificates are rare and changed by hand.",
);
const ISSUER_KEY: (&str, &str) = (
    "The key of this issuer",
    "Holds whatever key the server has, as long as this authority issues its certificates; so does anybody else's certificate of it.",
);
const NEXT_KEY: (&str, &str) = (
    "The next key",
    "Not in use yet: pinned before its certificate is deployed, it is the backup that makes rotation safe.",
);

impl Found {
    /// The chain that most apps are shown.
    pub(super) fn of_lookup(seen: &LookupResponse) -> Self {
        let chain = seen.chains.first().map(|chain| chain.certificates.as_slice()).unwrap_or_default();
        let holders = chain.iter().enumerate().filter_map(|(at, certificate)| {
            let facts = certificate.facts.as_ref()?;
            Some(Holder::of_certificate(facts, at > 0))
        });
        Self { source: PinOrigin::Fetched, holders: holders.collect() }
    }

    /// What CT logs hold.
    pub(super) fn of_logged(found: &[LoggedCertificate]) -> Self {
        Self { source: PinOrigin::Ct, holders: found.iter().map(Holder::of_logged).collect() }
    }

    /// # Errors
    /// [`FileError`]: why there is nothing to pin in it.
    pub(super) fn of_file(bytes: &[u8], password: Option<&SecretString>) -> Result<Self, FileError> {
        match parse_file(bytes, password)? {
            FileContents::Request(request) => {
                Ok(Self { source: PinOrigin::Csr, holders: vec![Holder::of_request(&request)] })
            }
            FileContents::Certificates(certificates) => {
                let facts = certificates.iter().filter_map(|der| CertificateFacts::parse(der).ok());
                let holders = facts.map(|facts| Holder::of_facts(&facts)).collect();
                Ok(Self { source: PinOrigin::File, holders })
            }
        }
    }
}

impl Holder {
    fn of_logged(logged: &LoggedCertificate) -> Self {
        let mut holder = Self::of_facts(&logged.facts);
        // A precertificate's own bytes are no server's; and which of several is in use, a log does not say.
        holder.choices.retain(|choice| !logged.is_precertificate || choice.pin_type == PinType::SpkiSha256);
        for choice in &mut holder.choices {
            choice.is_recommended = false;
        }
        holder
    }

    fn of_certificate(facts: &PresentedFacts, is_issuer: bool) -> Self {
        let digest = |wanted| facts.pins.iter().find(|pin| pin.pin_type == wanted).map(|pin| pin.digest.clone());
        Self {
            subject: facts.subject.clone(),
            issuer: Some(facts.issuer.clone()),
            names: facts.names.clone(),
            key: facts.key.clone(),
            not_after: Some(facts.not_after),
            choices: choices(is_issuer, digest),
        }
    }

    fn of_facts(facts: &CertificateFacts) -> Self {
        let digest = |wanted| match wanted {
            PinType::SpkiSha256 => facts.pin(claims::PinType::SpkiSha256).map(|pin: PinDigest| pin.to_base64()),
            PinType::CertSha256 => facts.pin(claims::PinType::CertSha256).map(|pin| pin.to_base64()),
            PinType::SpkiSha512 | PinType::CertSha512 => None,
        };
        Self {
            subject: facts.subject.clone(),
            issuer: Some(facts.issuer.clone()),
            names: facts.names.clone(),
            key: facts.key.clone(),
            not_after: Some(facts.not_after.as_secs()),
            choices: choices(facts.is_ca, digest),
        }
    }

    fn of_request(request: &SigningRequest) -> Self {
        let digest = request.pin(claims::PinType::SpkiSha256).map(|pin| pin.to_base64());
        let choice = digest.map(|digest| choice(NEXT_KEY, PinType::SpkiSha256, PinMatch::Leaf, digest, true));
        Self {
            subject: request.subject.clone(),
            issuer: None,
            names: request.names.clone(),
            key: request.key.clone(),
            not_after: None,
            choices: choice.into_iter().collect(),
        }
    }
}

fn choices(is_issuer: bool, digest: impl Fn(PinType) -> Option<String>) -> Vec<Choice> {
    let spki = digest(PinType::SpkiSha256);
    if is_issuer {
        let issuer = spki.map(|digest| choice(ISSUER_KEY, PinType::SpkiSha256, PinMatch::Issuer, digest, false));
        return issuer.into_iter().collect();
    }
    let key = spki.map(|digest| choice(LEAF_KEY, PinType::SpkiSha256, PinMatch::Leaf, digest, true));
    let whole = digest(PinType::CertSha256);
    let whole = whole.map(|digest| choice(LEAF_CERTIFICATE, PinType::CertSha256, PinMatch::Leaf, digest, false));
    key.into_iter().chain(whole).collect()
}

fn choice(
    (title, meaning): (&'static str, &'static str),
    pin_type: PinType,
    pin_match: PinMatch,
    digest: String,
    is_recommended: bool,
) -> Choice {
    Choice { pin_type, pin_match, digest, title, meaning, is_recommended }
}
