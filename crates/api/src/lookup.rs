//! What an endpoint on the internet presents.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::PinType;

/// Which endpoint to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LookupQuery {
    /// `HOST[:PORT]`, port 443 if none is given.
    pub host: String,
    /// Whether to fetch what the server does not send of its chains, from where its certificates say that it lies.
    #[serde(default)]
    #[param(required = false)]
    pub complete_chain: bool,
}

/// What an endpoint presents, at every address of it. Nothing of this is verified: the network vouches for it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookupResponse {
    /// `HOST:PORT` that was looked at.
    pub host: String,
    /// The distinct chains, the one most apps get first.
    pub chains: Vec<PresentedChain>,
    /// Addresses that showed none.
    pub failures: Vec<LookupFailure>,
    /// Which CAs may issue for it, as DNS says; absent where nobody asked, as for an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caa: Option<CaaResponse>,
}

/// A chain and who presents it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PresentedChain {
    /// Where, and to which offers.
    pub seen: Vec<Sighting>,
    /// In the order presented: the server's own certificate first.
    pub certificates: Vec<PresentedCertificate>,
    /// What was fetched to complete it; absent unless that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<ChainCompletion>,
}

/// Issuers' certificates that a server did not send, up to one that issued itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainCompletion {
    /// Each signed the one before, the first the last that the presented chain proves.
    pub certificates: Vec<FetchedCertificate>,
    /// Why it does not go on, if the last certificate says that it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A certificate that was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FetchedCertificate {
    /// Where it lay.
    pub url: String,
    /// The certificate.
    pub certificate: PresentedCertificate,
}

/// CAA records (RFC 8659) of a host, or of the nearest name above it that has some; unverified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaaResponse {
    /// The name that has them; absent if none has: then every CA may issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The records.
    pub records: Vec<CaaRecordResponse>,
    /// Why they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One property of CAA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaaRecordResponse {
    /// Whether a CA that does not know the tag must not issue.
    pub is_critical: bool,
    /// As `issue`, `issuewild` or `iodef`.
    pub tag: String,
    /// As `letsencrypt.org`; `;` alone: nobody.
    pub value: String,
}

/// One address that presents a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sighting {
    /// `ADDRESS:PORT`; absent where a proxy resolved the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Version of TLS that was agreed on, as in `1.3`.
    pub tls_version: String,
    /// What a client may offer to be shown this chain: `any`, `elliptic_curve`, `rsa`, `tls12`.
    pub offers: Vec<String>,
    /// Whether an OCSP response was stapled.
    pub ocsp_stapled: bool,
}

/// An address that showed no certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookupFailure {
    /// `ADDRESS:PORT`; absent where it is nobody's business.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// What a certificate says of itself, and its pins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PresentedCertificate {
    /// Absent if the certificate cannot be read; an app refuses it as a leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<PresentedFacts>,
    /// DER, in base64.
    pub certificate: String,
}

/// See [`PresentedCertificate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PresentedFacts {
    /// Subject, as RFC 4514 writes names.
    pub subject: String,
    /// Issuer, as RFC 4514 writes names.
    pub issuer: String,
    /// Names and addresses of servers it is for, at most 100.
    pub names: Vec<String>,
    /// How many there are.
    pub name_count: u64,
    /// Serial number, in hexadecimal.
    pub serial: String,
    /// Start of its validity.
    pub not_before: u64,
    /// Last second of its validity.
    pub not_after: u64,
    /// Kind of key, as `EC P-256` or `RSA 2048`.
    pub key: String,
    /// Whether it may issue others.
    pub is_ca: bool,
    /// Ids of the CT logs whose SCTs it carries, in base64; unverified.
    pub sct_log_ids: Vec<String>,
    /// Its pins, one of each type.
    pub pins: Vec<PresentedPin>,
}

/// A pin that would fit a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PresentedPin {
    /// What the digest is taken of.
    #[serde(rename = "type")]
    pub pin_type: PinType,
    /// Standard base64 with padding.
    pub digest: String,
}
