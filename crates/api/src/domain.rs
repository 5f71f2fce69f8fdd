use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CtRequest, CtResponse};

/// Adds a domain to the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "api.example.com", "enforce": "always", "trust": "platform" })))]
pub struct AddDomainRequest {
    /// Host name (U-labels are converted), `*.` or `**.` wildcard, or IP literal. Public suffixes are refused.
    pub name: String,
    /// `always` unless given.
    #[serde(default)]
    pub enforce: Enforce,
    /// `platform` unless given.
    #[serde(default)]
    pub trust: Trust,
    /// Certificate Transparency; `off` unless given.
    #[serde(default)]
    pub ct: CtRequest,
    /// Hosts, as `host` or `host:port`, that stand for the domain when the guard looks at live servers; of a name that is
    /// no wildcard itself, unless given. Up to 16; never published.
    #[serde(default)]
    #[schema(max_items = 16)]
    pub watch: Vec<String>,
    /// What the drift monitor may propose to pin, by itself; nothing unless given.
    #[serde(default)]
    pub auto_draft: AutoDraft,
}

/// Changes the settings of a domain in the draft; absent members stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "enforce": "report" })))]
pub struct UpdateDomainRequest {
    /// New enforcement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce: Option<Enforce>,
    /// New trust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// New requirement of Certificate Transparency, in the place of all of the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ct: Option<CtRequest>,
    /// New hosts that stand for it, in the place of all of the old ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 16)]
    pub watch: Option<Vec<String>>,
    /// What the drift monitor may propose to pin, by itself, from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_draft: Option<AutoDraft>,
}

/// What the drift monitor proposes to pin when it sees it; a proposal counts for nothing until a person adds it as a pin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoDraft {
    /// Nothing.
    #[default]
    Off,
    /// Keys that live servers show, of issuers that apps accepted certificates of.
    Live,
    /// Those, and keys of such issuers in Certificate Transparency.
    LiveAndCt,
}

impl AutoDraft {
    /// As it travels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Live => "live",
            Self::LiveAndCt => "live_and_ct",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Off, Self::Live, Self::LiveAndCt].into_iter().find(|one| one.as_str() == word)
    }
}

/// A key that the drift monitor proposes to pin. It counts for nothing: whoever adds a pin of this digest accepts it, whoever
/// removes it by its id says no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProposedPinResponse {
    /// `pin_…`
    pub id: String,
    /// What the digest is taken of.
    #[serde(rename = "type")]
    pub pin_type: PinType,
    /// Standard base64 with padding.
    pub digest: String,
    /// Where it was seen, and what it was; what certificates say of themselves in it is unverified.
    pub reason: String,
    /// Seconds since 1970 UTC.
    pub proposed_at: u64,
}

impl ProposedPinResponse {
    /// What accepting it asks for: a pin of the server's own key, without an end. `label` is for people.
    #[must_use]
    pub fn to_pin(&self, label: String) -> AddPinRequest {
        AddPinRequest {
            pin_type: self.pin_type,
            digest: self.digest.clone(),
            pin_match: PinMatch::Leaf,
            expires_at: None,
            source: PinOrigin::Fetched,
            label: Some(label),
        }
    }
}

/// A domain in the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DomainResponse {
    /// `dom_…`
    pub id: String,
    /// The name as it stands in the file (A-labels, lower case).
    pub name: String,
    /// The name as it was typed.
    pub display_name: String,
    /// Whether a violation refuses the connection.
    pub enforce: Enforce,
    /// Whose verdict on the chain is needed besides the pins.
    pub trust: Trust,
    /// What it asks of Certificate Transparency.
    #[serde(default)]
    pub ct: CtResponse,
    /// Hosts, as `host:port`, that stand for it when the guard looks at live servers; empty: itself.
    #[serde(default)]
    pub watch: Vec<String>,
    /// Sorted by type, digest and match.
    pub pins: Vec<PinResponse>,
    /// What the drift monitor may propose to pin by itself.
    #[serde(default)]
    pub auto_draft: AutoDraft,
    /// What it proposes, oldest first; no release holds it.
    #[serde(default)]
    pub proposed: Vec<ProposedPinResponse>,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}

/// Adds a pin to a domain in the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "type": "spki-sha256", "digest": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "match": "leaf", "label": "today's key" })))]
pub struct AddPinRequest {
    /// What the digest is taken of.
    #[serde(rename = "type")]
    pub pin_type: PinType,
    #[schema(pattern = "^[A-Za-z0-9+/]{43,86}={1,2}$")]
    /// Standard base64 with padding of 32 (`…-sha256`) or 64 (`…-sha512`) bytes.
    pub digest: String,
    /// `leaf` unless given.
    #[serde(default, rename = "match")]
    pub pin_match: PinMatch,
    /// From this second (since 1970 UTC) on the pin no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Where the pin was taken from; `by_hand` unless given. Never published.
    #[serde(default)]
    pub source: PinOrigin,
    /// A note for people, up to 100 characters; never published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub label: Option<String>,
}

/// Changes what is said about a pin in the draft; absent members stay as they are. Another digest is another pin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"label": "next year's key", "expiry": {"at": 1893456000}})))]
pub struct UpdatePinRequest {
    /// New note; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// New end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<PinExpiry>,
}

/// When a pin stops counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PinExpiry {
    /// Never.
    Never,
    /// From this second (since 1970 UTC) on.
    At(u64),
}

/// Where a pin was taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PinOrigin {
    /// What a server presented.
    Fetched,
    /// A certificate in a file.
    File,
    /// A certificate signing request: a key that no certificate has yet.
    Csr,
    /// A certificate found in Certificate Transparency logs.
    Ct,
    /// Given as a digest.
    #[default]
    ByHand,
}

/// A pin in the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinResponse {
    /// `pin_…`
    pub id: String,
    /// What the digest is taken of.
    #[serde(rename = "type")]
    pub pin_type: PinType,
    /// Standard base64 with padding.
    pub digest: String,
    /// Which positions of the verified path it may match.
    #[serde(rename = "match")]
    pub pin_match: PinMatch,
    /// From this second (since 1970 UTC) on the pin no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<u64>,
    /// Where the pin was taken from.
    #[serde(default)]
    pub source: PinOrigin,
    /// A note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub label: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}

/// Enforcement of a domain (P-2.5): a word, or the percentage of installations that enforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Enforce {
    /// `"always"` or `"report"`.
    Word(EnforceWord),
    /// 0 to 100; 0 is `report`, 100 is `always`.
    Percent(u8),
}

impl Default for Enforce {
    fn default() -> Self {
        Self::Word(EnforceWord::Always)
    }
}

/// Enforcement without a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnforceWord {
    /// A violation refuses the connection.
    Always,
    /// A violation is reported, and the connection allowed.
    Report,
}

/// Whose verdict on the chain is needed besides the pins (P-2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The platform's CA store accepts the chain and a pin matches.
    #[default]
    Platform,
    /// A leaf pin alone decides; names and dates are checked (private PKI, self-signed).
    Pins,
}

/// What a pin's digest is taken of (P-2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum PinType {
    /// SHA-256 of the SubjectPublicKeyInfo.
    #[serde(rename = "spki-sha256")]
    SpkiSha256,
    /// SHA-512 of the SubjectPublicKeyInfo.
    #[serde(rename = "spki-sha512")]
    SpkiSha512,
    /// SHA-256 of the certificate.
    #[serde(rename = "cert-sha256")]
    CertSha256,
    /// SHA-512 of the certificate.
    #[serde(rename = "cert-sha512")]
    CertSha512,
}

/// Which positions of the verified path a pin may match (P-2.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PinMatch {
    /// The server's own certificate.
    #[default]
    Leaf,
    /// Any certificate above it, the root included.
    Issuer,
    /// Every position.
    Any,
}
