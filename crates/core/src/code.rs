use core::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The stable error codes of the protocol (P-8.1): the same in every language and every log.
        /// A code is never reused for another meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code, in the order of the protocol's text.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it appears on the wire and in logs, e.g. `pin_mismatch`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The code written as `text`, if there is one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

codes! {
    /// The embedded root, bundle or set-up call is wrong (section 1).
    SetupInvalid = "setup_invalid",
    /// The same root was set up twice with different options.
    AlreadySetUp = "already_set_up",
    /// No URL gave an acceptable answer (section 7).
    FetchFailed = "fetch_failed",
    /// State could not be written; the file is used in memory (P-3.10).
    StoreFailed = "store_failed",
    /// More than 4 MiB (P-3.1).
    ConfigTooLarge = "config_too_large",
    /// Not exactly the form of section 2.
    ConfigMalformed = "config_malformed",
    /// Signed by a key that the root does not lead to (P-3.2, P-5.1).
    ConfigKeyUnknown = "config_key_unknown",
    /// The signature does not verify (P-3.3).
    ConfigSignatureInvalid = "config_signature_invalid",
    /// Needs a newer implementation (P-3.4, section 9).
    ConfigUnsupported = "config_unsupported",
    /// Signed for another organization or project (P-3.5).
    ConfigWrongProject = "config_wrong_project",
    /// Issued more than a day in the future (P-3.6).
    ConfigNotYetValid = "config_not_yet_valid",
    /// Older than what was already accepted (P-3.7).
    ConfigRollback = "config_rollback",
    /// Two different files under one number, or two successors of one key (P-3.7, P-5.4).
    ConfigEquivocation = "config_equivocation",
    /// Past `exp` with `on_stale: fail` (P-3.8, P-4.2).
    ConfigExpired = "config_expired",
    /// Event: past `exp` with `on_stale: keep`; still used (P-3.8).
    ConfigStale = "config_stale",
    /// No configuration has been accepted yet (P-4.2).
    ConfigMissing = "config_missing",
    /// The project was withdrawn (P-4.2, P-7.5).
    ConfigWithdrawn = "config_withdrawn",
    /// The host is outside the grammar of P-2.8 (P-4.1).
    HostInvalid = "host_invalid",
    /// Leaf unreadable, or the chain empty or too large (P-4.3).
    CertificateUnparsable = "certificate_unparsable",
    /// A denied key in the chain (P-4.4).
    KeyDenied = "key_denied",
    /// Strict mode and no entry for the host (P-4.5).
    DomainNotRegistered = "domain_not_registered",
    /// The platform refused the chain (P-4.6).
    PlatformRejected = "platform_rejected",
    /// `trust: "pins"`: no subject alternative name fits the host (P-4.6).
    CertificateNameMismatch = "certificate_name_mismatch",
    /// `trust: "pins"`: outside the certificate's validity (P-4.6).
    CertificateNotValid = "certificate_not_valid",
    /// Every pin of the entry has expired (P-4.7).
    AllPinsExpired = "all_pins_expired",
    /// No pin of the entry matches (P-4.7).
    PinMismatch = "pin_mismatch",
    /// Certificate Transparency not satisfied (P-4.8).
    CtNotSatisfied = "ct_not_satisfied",
    /// Event: the log list is older than 70 days (P-6.4).
    CtListStale = "ct_list_stale",
    /// A hook that cannot wait refuses until a forced refresh is through (P-4.11).
    RetryAfterRefresh = "retry_after_refresh",
    /// A failure of our own; always refused (P-4.9).
    InternalError = "internal_error",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
