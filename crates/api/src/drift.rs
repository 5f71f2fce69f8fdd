//! What the world shows of a live release: one table of states, the one of `docs/howto/drift.md`.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

macro_rules! drift_states {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $concern:ident, $advice:literal;)*) => {
        /// What a look at the world found. The documentation of each says when.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum DriftState {
            $($(#[doc = $doc])+ $name,)*
        }

        impl DriftState {
            /// Every state, the weightiest last.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As it travels.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// When it is found.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            /// Whether somebody has to do something.
            #[must_use]
            pub const fn concern(self) -> Concern {
                match self { $(Self::$name => Concern::$concern,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

drift_states! {
    /// Apps would accept every chain that was seen; a place serves the live release.
    Match = "match", None,
        "Nothing.";
    /// Nobody looked: a wildcard without hosts to look at, or an address that the rules of whoever looks exclude.
    NotLookedAt = "not_looked_at", None,
        "Name hosts of a wildcard in its settings (`pintle domains set --watch`); look at inside networks with `pintle probe run`.";
    /// Apps would accept what is served, but by none of the pins that matched when these pins were new: the backup is in use.
    MatchOnlyByBackup = "match_only_by_backup", Warning,
        "Pin the next key, kept elsewhere, and release: the backup has become the only way in.";
    /// A place serves an earlier release: a cache that is not refreshed.
    Stale = "stale", Warning,
        "Purge the CDN; check that it asks the right bucket, and keeps files no longer than it is told.";
    /// Nobody answered, or not with TLS, in three looks in a row.
    Unreachable = "unreachable", Warning,
        "Check name, port and server; what only an inside network reaches, `pintle probe run` looks at from there.";
    /// CT holds a certificate for a host of the domain, newer than the watch over it, that no pin fits.
    UnpinnedInCt = "unpinned_in_ct", Warning,
        "If it is yours, pin its key before it goes live: `pintle pins refresh --ct --ct-add`; if not, have its issuer revoke it.";
    /// Apps refuse or report the chain: too few SCTs of the logs that the domain asks for.
    SctPolicyUnmet = "sct_policy_unmet", Error,
        "Renew the certificate with SCTs of more logs, import a newer log list (`pintle ct import`), or ask for fewer.";
    /// A place serves something else than any release that apps could have: foreign, broken or forged.
    AnotherRelease = "another_release", Error,
        "Find out who writes there; `pintle config verify` says what is wrong with the file.";
    /// Apps refuse or report a chain that was seen: another key is in use than is pinned.
    Mismatch = "mismatch", Error,
        "If the change was meant: `pintle pins refresh`, then release, or `pintle emergency`. If not: put the old key back.";
    /// Apps refuse or report the chain, or CT holds a certificate that no pin fits, and none that apps accepted came from its
    /// issuer: possibly an attack on the name or the network.
    UnexpectedIssuer = "unexpected_issuer", Error,
        "Find out who ordered the certificate before anything is pinned; check DNS, CAA records and `pintle certs HOST` from elsewhere.";
}

/// How much a state concerns whoever runs the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Not at all.
    None,
    /// Apps work; not for ever.
    Warning,
    /// Apps are refused, or would be if they enforced.
    Error,
}

impl DriftState {
    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word)
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// The servers of a domain of the live release.
    Domain,
    /// A place that apps fetch the release from.
    Place,
}

impl DriftKind {
    /// As it travels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Place => "place",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Domain, Self::Place].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What the world shows of one domain or place, from one vantage point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftResponse {
    /// What `subject` is.
    pub kind: DriftKind,
    /// Name of the domain in the release, or base URL of the place.
    pub subject: String,
    /// Who looks: `server`, `ct` for what Certificate Transparency holds, or the name of a probe agent.
    pub vantage: String,
    /// What is found; absent until it was seen often enough to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub state: Option<DriftState>,
    /// Since when: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub since: Option<u64>,
    /// What the last look found, in words; what certificates and servers say of themselves in it is unverified.
    pub detail: String,
    /// Number of the release it was compared with.
    pub release: u64,
    /// When it was looked at last: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub seen_at: Option<u64>,
}

/// A change of what the world shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftChangeResponse {
    /// What `subject` is.
    pub kind: DriftKind,
    /// Name of the domain in the release, or base URL of the place.
    pub subject: String,
    /// Who saw it.
    pub vantage: String,
    /// Seconds since 1970 UTC.
    pub at: u64,
    /// Before; absent when it was looked at for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub before: Option<DriftState>,
    /// From then on.
    pub after: DriftState,
    /// What was found, in words.
    pub detail: String,
    /// Number of the release it was compared with.
    pub release: u64,
}

/// Which changes to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DriftHistoryQuery {
    /// Only those of this domain or place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 300, nullable = false)]
    pub subject: Option<String>,
    /// At most so many entries: 1 to 500, 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 100, nullable = false)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; the first page without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 4096, nullable = false)]
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_travel() {
        for state in DriftState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(DriftState::parse(state.as_str()), Some(*state));
        }
        assert!(DriftState::ALL.is_sorted_by_key(|state| state.concern()), "the weightiest last");
    }
}
