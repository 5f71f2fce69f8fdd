//! What members are told of: one table.

use pintle_api::AlertSeverity;
use pintle_store::Role;

use crate::Permission;

/// Whether it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertNature {
    /// It holds until it is over, which is told, too.
    Condition,
    /// It happened. Of one subject it is told once in so many seconds.
    Moment {
        /// How long the same is not told again.
        quiet_secs: u64,
    },
}

/// What a newer version may have added is worth a look.
pub(crate) fn parse_severity(text: &str) -> AlertSeverity {
    let all = [AlertSeverity::Info, AlertSeverity::Critical];
    all.into_iter().find(|severity| severity.as_str() == text).unwrap_or(AlertSeverity::Warning)
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

macro_rules! alert_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $nature:expr, $severity:ident, $permission:ident,
        [$($role:ident)*], $title:literal, $runbook:literal;)*) => {
        /// Everything that members are told of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AlertKind {
            $($(#[doc = $doc])+ $name,)*
        }

        impl AlertKind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word for it everywhere.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// When it is raised, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            /// Whether it lasts.
            pub const fn nature(self) -> AlertNature {
                match self { $(Self::$name => $nature,)* }
            }

            /// How urgent it is, unless the case says otherwise.
            pub const fn severity(self) -> AlertSeverity {
                match self { $(Self::$name => AlertSeverity::$severity,)* }
            }

            /// What a member must be allowed to see it.
            pub const fn permission(self) -> Permission {
                match self { $(Self::$name => Permission::$permission,)* }
            }

            /// The roles that are told unless they choose otherwise.
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$name => &[$(Role::$role,)*],)* }
            }

            /// A headline.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What to do.
            pub const fn runbook(self) -> &'static str {
                match self { $(Self::$name => $runbook,)* }
            }
        }
    };
}

use AlertNature::{Condition, Moment};

alert_kinds! {
    /// A certificate that a server of a domain shows ends within the days configured; critical before the last.
    CertificateExpiring = "certificate_expiring", Condition, Warning, Read, [Owner Admin Publisher Editor],
        "A certificate expires soon",
        "Renew it. If the key changes, pin the new key and release first: `pintle pins sync`, `pintle release`.";
    /// A pin of the published release ends within the days configured; critical before the last.
    PinExpiring = "pin_expiring", Condition, Warning, Read, [Owner Admin Publisher Editor],
        "A pin expires soon",
        "See what is live with `pintle pins refresh`, keep or replace the pin, then `pintle release`.";
    /// The published release has an end, and it is near; critical before the last day configured.
    ConfigurationExpiring = "configuration_expiring", Condition, Warning, Read, [Owner Admin Publisher],
        "The published configuration expires soon",
        "Release again, unchanged if nothing changed: `pintle release --renew`.";
    /// A live server shows what installations that hold the published release refuse.
    DriftMismatch = "drift_mismatch", Condition, Critical, Read, [Owner Admin Publisher Editor],
        "Apps refuse a live server",
        "If the certificate is yours, pin it and release now; if not, treat it as an attack: see who holds the name.";
    /// A live server matches by a backup pin alone.
    DriftBackupOnly = "drift_backup_only", Condition, Warning, Read, [Owner Admin Publisher Editor],
        "A server is matched by its backup pin alone",
        "The switch has happened: make a new backup key, pin it, and release.";
    /// A domain that is watched could not be reached for several looks in a row.
    HostUnreachable = "host_unreachable", Condition, Warning, Read, [Owner Admin Publisher Editor],
        "A watched server cannot be reached",
        "`pintle certs HOST` shows what the server of Pintle sees; check DNS, firewall and the service.";
    /// A certificate for a pinned name was logged in CT, and no pin matches it.
    CertificateUnpinned = "certificate_unpinned", Condition, Warning, Read, [Owner Admin Publisher Editor],
        "A new certificate is not pinned",
        "If you ordered it, pin its key before it goes live: `pintle pins add --from-ct`; if not, have it revoked.";
    /// A pinned name has a certificate of an issuer that it never had one of.
    IssuerUnexpected = "issuer_unexpected", Condition, Critical, Read, [Owner Admin Publisher],
        "A certificate comes from an unexpected issuer",
        "Ask who ordered it. If nobody did: have the issuer revoke it, and check DNS and CAA records.";
    /// A live server does not meet the CT policy of its domain.
    SctUnmet = "sct_unmet", Condition, Warning, Read, [Owner Admin Publisher Editor],
        "A server does not meet its CT policy",
        "`pintle certs HOST` lists its SCTs; renew the certificate, or update the logs with `pintle ct import`.";
    /// Places that apps fetch from serve different releases.
    TargetsDiffer = "targets_differ", Condition, Warning, Read, [Owner Admin Publisher],
        "Targets serve different releases",
        "`pintle releases show` tells how far each target is; `pintle targets test NAME` what is wrong there.";
    /// A CDN serves a release that is older than its time to live allows.
    CdnStale = "cdn_stale", Condition, Warning, Read, [Owner Admin Publisher],
        "A CDN serves an old release",
        "Purge it, and check that it obeys `Cache-Control`: docs/howto/own-cdn.md.";
    /// A release was not brought to a target in several attempts in a row.
    TargetFailing = "target_failing", Condition, Critical, Read, [Owner Admin Publisher],
        "A publish target does not take releases",
        "`pintle targets test NAME` says what is missing. It is tried again by itself, without end.";
    /// Apps report many more violations of an entry than in the week before.
    ViolationsJumped = "violations_jumped", Moment { quiet_secs: DAY }, Warning, Read, [Owner Admin Publisher Editor],
        "Apps report more violations than usual",
        "`pintle violations` tells which, `pintle certs HOST` what servers show; anyone can send reports.";
    /// A release is live on every target.
    ReleaseLive = "release_live", Moment { quiet_secs: 0 }, Info, Read, [],
        "A release is live",
        "Nothing. `pintle releases list` shows the history.";
    /// A release waits for a second person.
    ApprovalNeeded = "approval_needed", Condition, Warning, Read, [Owner Admin Publisher],
        "A release waits for approval",
        "Look at it with `pintle releases show VERSION`, then `pintle releases approve VERSION`.";
    /// A release that waited became void: another release or another key took its place, or it is no longer valid.
    ReleaseVoided = "release_voided", Moment { quiet_secs: 0 }, Warning, Read, [Owner Admin Publisher],
        "A release that waited became void",
        "If its changes are still wanted, prepare a new one: `pintle release`.";
    /// A release was prepared in spite of errors of the safe-publish guard.
    GuardOverridden = "guard_overridden", Moment { quiet_secs: 0 }, Warning, Read, [Owner Admin],
        "The safe-publish guard was overridden",
        "Read the reason with `pintle releases show VERSION`. Nobody told you? `pintle releases cancel` or roll back.";
    /// A release was signed and published without the server, and imported afterwards.
    ReleaseImported = "release_imported", Moment { quiet_secs: 0 }, Warning, Read, [Owner Admin],
        "An emergency release was found",
        "Make sure who signed it, then agree with `pintle releases approve VERSION`.";
    /// A succession statement was accepted: the project has another key.
    KeyChanged = "key_changed", Moment { quiet_secs: 0 }, Critical, Read, [Owner Admin],
        "A project has another signing key",
        "If nobody of you did this, the old key or the recovery key is stolen: docs/howto/recover-key.md.";
    /// A project does not ask for a second person any more.
    ApprovalLifted = "approval_lifted", Moment { quiet_secs: 0 }, Critical, Read, [Owner Admin],
        "Releases need no second person any more",
        "If nobody of you did this, take the owner's access away, and `pintle projects set --approval second-person`.";
    /// A project was deleted.
    ProjectDeleted = "project_deleted", Moment { quiet_secs: 0 }, Warning, Read, [Owner Admin],
        "A project was deleted",
        "If it was a mistake, ask whoever runs the server before it is erased.";
    /// Sign-ins to an account of a member failed ten times within a quarter of an hour.
    SignInsRefused = "sign_ins_refused", Moment { quiet_secs: HOUR }, Warning, ReadAudit, [Owner Admin],
        "Somebody guesses the password of a member",
        "`pintle audit list --action session.refused` tells whose and from where; have the member set a passkey.";
    /// A token that was used before is used from another network.
    TokenNewNetwork = "token_new_network", Moment { quiet_secs: DAY }, Warning, ReadAudit, [Owner Admin],
        "An API token is used from another network",
        "If you do not know the network (`pintle audit list --action token.new_network`), revoke the token.";
    /// A token that is revoked or expired was used.
    TokenRefused = "token_refused", Moment { quiet_secs: DAY }, Info, ReadAudit, [Owner Admin],
        "A token that no longer counts was used",
        "Somebody still holds it: find the job that uses it, or know that it leaked.";
    /// A member has no authenticator any more.
    SecondFactorRemoved = "second_factor_removed", Moment { quiet_secs: 0 }, Warning, ReadAudit, [Owner Admin],
        "A member has no second factor any more",
        "Ask the member; `pintle audit list --action account.second_factor_removed` tells whose.";
    /// The organization requires single sign-on, or no longer.
    SsoRequirementChanged = "sso_requirement_changed", Moment { quiet_secs: 0 }, Warning, ReadAudit, [Owner Admin],
        "The rule about single sign-on changed",
        "If nobody of you did this, look at the audit log, and end that member's sessions and tokens.";
    /// A webhook took no messages for five days, or said that it wants no more.
    WebhookDisabled = "webhook_disabled", Condition, Critical, Read, [Owner Admin],
        "A webhook is not told any more",
        "Repair what receives, then `pintle webhooks test ID`: a test that succeeds brings it back.";
    /// A probe agent that reported, or was added, has not reported for as long as the operator says.
    AgentSilent = "agent_silent", Condition, Warning, Read, [Owner Admin],
        "A probe agent reports nothing any more",
        "See whether `pintle probe run` still runs there; if it is not needed, `pintle probe remove NAME`.";
    /// A mail with alerts to a member was given up.
    MailUndelivered = "mail_undelivered", Condition, Warning, Read, [],
        "Alerts do not reach a member by mail",
        "Check the address of the member and the server's `[smtp]`; webhooks and `pintle alerts list` work meanwhile.";
}

impl AlertKind {
    /// `None` for what a newer version may have added.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|kind| kind.as_str() == word).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_what_the_role_may_not_see() {
        for kind in AlertKind::ALL {
            for role in kind.roles() {
                assert!(kind.permission().roles().contains(role), "{kind:?} {role:?}");
            }
            assert_eq!(AlertKind::parse(kind.as_str()), Some(*kind));
        }
    }

    #[test]
    fn every_kind_has_a_headline_and_a_runbook_line() {
        for kind in AlertKind::ALL {
            assert!((10..70).contains(&kind.title().len()), "{kind:?}");
            assert!((20..130).contains(&kind.runbook().len()), "{kind:?}");
        }
    }
}
