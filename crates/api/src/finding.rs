//! What the safe-publish guard has to say before a release is signed: one table, the one of `docs/spec/guard.md`.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! findings {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $severity:ident, $consequence:literal, $advice:literal;)*) => {
        /// Stable codes of findings. The documentation of each says when it is raised.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum FindingCode {
            $($(#[doc = $doc])+ $name,)*
        }

        impl FindingCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As it travels, and as `--override` takes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// How much it weighs for an entry that enforces.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// When it is raised.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            /// What it would mean for the people who use the app.
            #[must_use]
            pub const fn consequence(self) -> &'static str {
                match self { $(Self::$name => $consequence,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

findings! {
    /// An installation that holds the new release and enforces the entry would refuse a chain that a live endpoint of it
    /// serves: on any of its addresses, with RSA or ECDSA, on a platform that builds paths or one that only judges.
    WouldRefuse = "would_refuse", Error,
        "Apps cannot connect to this server from their next refresh on.",
        "Pin the key it serves (`pintle pins refresh`), mend what platforms refuse, or let the entry only report until then.";
    /// No pin of the entry counts now: there is none, or every one has expired.
    NoUsablePin = "no_usable_pin", Error,
        "Apps refuse every connection to the domain, whatever its server presents.",
        "Add a pin (`pintle pins add --from-host`), let the entry only report, or remove it.";
    /// Fewer logs or operators count for the entry than its CT policy asks for, under a list young enough to be enforced.
    CtUnsatisfiable = "ct_unsatisfiable", Error,
        "Apps refuse every connection to the domain: no certificate can meet what is asked.",
        "Import a newer log list (`pintle ct import`), or ask for fewer logs.";
    /// The entry names a public suffix, under which anybody may register hosts.
    PublicSuffix = "public_suffix", Error,
        "The pins of one owner would decide about the servers of others.",
        "Name a domain that one owner controls, as example.com.";
    /// The file uses values of a higher protocol level than the oldest app in the field understands (P-9.3).
    LevelTooNew = "level_too_new", Error,
        "Old apps keep the release they have, and learn nothing new, until they are updated.",
        "Leave out what is new, or wait until the old apps are gone.";
    /// The entry enforces more than the last release, while violations of it that apps report jump: at least 20 reports
    /// on one of the last two days, and three times as many as usual in the week before.
    ViolationsJumped = "violations_jumped", Error,
        "Whoever only reported it yesterday is refused tomorrow.",
        "Find out what those users meet (`pintle violations`); raise it when the reports stop.";
    /// The entry enforces more than the last release, and apps reported violations of it in the last 7 days.
    ViolationsReported = "violations_reported", Warning,
        "Whoever only reported it is refused from now on.",
        "Look at what was reported (`pintle violations`) before more apps enforce.";
    /// There is no entry at all.
    NoDomains = "no_domains", Warning,
        "An app in strict mode refuses every host.",
        "Add a domain; to stop every connection on purpose, `pintle withdraw`.";
    /// An installation with the new release would report a violation for what a live endpoint serves, and connect.
    WouldReport = "would_report", Warning,
        "Nothing breaks now; it will once the entry enforces.",
        "Pin the key it serves before the entry enforces.";
    /// A pin that the last release has and that matches what a live endpoint serves now is missing, or expired.
    LivePinRemoved = "live_pin_removed", Warning,
        "Apps go on by another pin; once that one is gone too, they are cut off.",
        "Keep the pin until the server has changed its key on every address.";
    /// The last release covers a host or wildcard that this one does not.
    DomainRemoved = "domain_removed", Warning,
        "Apps in strict mode refuse the host; in permissive mode they connect unpinned.",
        "Keep the entry as long as apps in the field connect to it.";
    /// One pin of the entry counts, and no other.
    NoBackupPin = "no_backup_pin", Warning,
        "Losing that key cuts apps off until a new release reached them.",
        "Pin the next key too, made and kept elsewhere.";
    /// Every pin that counts matches a certificate of the paths served now.
    NoBackupOutsideChain = "no_backup_outside_chain", Warning,
        "When the server has to change key and issuer at once, apps are cut off until a new release reached them.",
        "Pin a key that is not in use: the next one, kept elsewhere.";
    /// A pin expires within 30 days, or the last that counts within 60.
    PinsExpireSoon = "pins_expire_soon", Warning,
        "A pin that expired counts no more; after the last one, apps refuse the domain.",
        "Pin what comes after it, or move its expiry (`pintle pins set --expires-at`).";
    /// A served certificate ends within 14 days, or has less than a third of its life left where that is shorter.
    CertificateExpiresSoon = "certificate_expires_soon", Warning,
        "If its renewal brings a new key that is not pinned, apps refuse the server.",
        "Renew with the same key, or pin the next key before it is in use.";
    /// No address of an endpoint could be reached and spoken to in TLS 1.2 or 1.3.
    Unreachable = "unreachable", Warning,
        "Unknown: what the server would show to apps was not seen.",
        "Check name, port and server; name another host of the entry in its settings (`pintle domains set --watch`).";
    /// The entry enforces more than before, and apps did not report on it for 7 days first.
    NoReportPeriod = "no_report_period", Warning,
        "A server or network that nobody thought of breaks for users first.",
        "Let the entry report for a week (`--enforce report`), then raise it by percentages.";
    /// The signed file has more than three quarters of the size that apps accept (4 MiB).
    SizeNearLimit = "size_near_limit", Warning,
        "Apps refuse a file that is too large, and download this one at every change.",
        "Remove pins and domains that are no longer needed, or split the project.";
    /// The CT log list is more than 60 days old, and an entry asks for `verified`.
    CtListOld = "ct_list_old", Warning,
        "After 70 days `verified` refuses nothing any more and only reports.",
        "Import a newer list (`pintle ct import`).";
    /// An entry asks for `declared`.
    CtDeclaredOnly = "ct_declared_only", Warning,
        "Log signatures are not checked: it is no defence against the CA that issues the certificate.",
        "Ask for `verified` where it matters.";
    /// A live endpoint was not looked at, or not to the end: a wildcard without hosts to look at, an address that the rules
    /// of the server exclude, one address of several that did not answer, no time left.
    NotLookedAt = "not_looked_at", Note,
        "Unknown: what the server shows to apps was not seen.",
        "Name hosts of a wildcard in its settings (`pintle domains set --watch`); `pintle guard` looks from where it runs.";
    /// There are more findings than an answer lists; all of them were judged.
    MoreFindings = "more_findings", Note,
        "None of its own.",
        "Deal with those listed, and ask again.";
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Deserves a second look.
    Warning,
    /// Users would be cut off: nothing is prepared, unless somebody who may overrides it.
    Error,
}

/// Something that deserves a look before a release is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Stable code.
    pub code: FindingCode,
    /// How much it weighs here: an error of an entry that only reports is a warning.
    pub severity: Severity,
    /// The entry it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub domain: Option<String>,
    /// Where it was seen, as `host:port`, if it was seen at a live endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub endpoint: Option<String>,
    /// What was found, in a sentence.
    pub detail: String,
    /// What it would mean for the people who use the app.
    pub consequence: String,
    /// What to do about it.
    pub advice: String,
}

/// Longest detail in characters: certificates write parts of it.
const MAX_DETAIL_CHARS: usize = 600;

impl Finding {
    /// A finding about the whole file.
    #[must_use]
    pub fn new(code: FindingCode, detail: &str) -> Self {
        Self {
            code,
            severity: code.severity(),
            domain: None,
            endpoint: None,
            detail: replace_hostile(detail).chars().take(MAX_DETAIL_CHARS).collect(),
            consequence: code.consequence().to_owned(),
            advice: code.advice().to_owned(),
        }
    }

    /// The same about one entry.
    #[must_use]
    pub fn about(self, domain: &str) -> Self {
        Self { domain: Some(domain.to_owned()), ..self }
    }

    /// The same, seen at one endpoint.
    #[must_use]
    pub fn seen_at(self, endpoint: &str) -> Self {
        Self { endpoint: Some(endpoint.to_owned()), ..self }
    }

    /// The same about an entry that refuses nobody.
    #[must_use]
    pub fn softened(self) -> Self {
        Self { severity: self.severity.min(Severity::Warning), ..self }
    }
}

/// Findings of one code and weight: they mean the same for users, and ask for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingGroup<'a> {
    /// Of all of them.
    pub code: FindingCode,
    /// Of all of them.
    pub severity: Severity,
    /// One or more, as they came.
    pub findings: Vec<&'a Finding>,
}

/// So many of a group are shown where people read, when there are more.
const SHOWN_OF_GROUP: usize = 3;

impl<'a> FindingGroup<'a> {
    /// What weighs most comes first, then in the order of the table.
    #[must_use]
    pub fn gather(findings: &'a [Finding]) -> Vec<Self> {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for finding in findings {
            groups.entry((Reverse(finding.severity), finding.code)).or_default().push(finding);
        }
        let group = |((Reverse(severity), code), findings)| Self { code, severity, findings };
        groups.into_iter().map(group).collect()
    }

    /// What people read at once, and what they may unfold: nothing that blocks a release is among the latter.
    #[must_use]
    pub fn fold(&self) -> (&[&'a Finding], &[&'a Finding]) {
        let is_short = self.findings.len() <= SHOWN_OF_GROUP + 1;
        let shown = if is_short || self.severity == Severity::Error { self.findings.len() } else { SHOWN_OF_GROUP };
        self.findings.split_at(shown)
    }
}

/// An error that somebody who may wants to release in spite of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingOverride {
    /// Which.
    pub code: FindingCode,
    /// Of this entry alone; of every entry unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub domain: Option<String>,
}

impl FindingOverride {
    /// Whether `finding` is meant.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        self.code == finding.code && (self.domain.is_none() || self.domain == finding.domain)
    }
}

/// What is overridden, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// The errors meant; those that are not found are no matter.
    pub findings: Vec<FindingOverride>,
    /// Why, for the audit log and the history of releases: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// What a release was made in spite of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverrideResponse {
    /// What was asked for: some of it may have been found by the signer's own machine alone.
    pub overrides: Vec<FindingOverride>,
    /// What the server found and did not refuse therefore.
    pub findings: Vec<Finding>,
    /// Why.
    pub reason: String,
    /// `acc_…` of who did.
    pub overridden_by: String,
}

/// What the guard found out about the draft, without preparing anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuardResponse {
    /// The revision of the draft that was looked at.
    pub revision: u64,
    /// The claims the draft would become, in standard base64 with padding: for a look from elsewhere.
    pub claims: String,
    /// Errors first.
    pub findings: Vec<Finding>,
}

/// The text with its control characters, and the invisible ones that reorder what is shown, replaced: names and
/// certificates come from strangers, and a terminal obeys escape sequences.
#[must_use]
pub fn replace_hostile(text: &str) -> String {
    let is_hostile = |c: char| {
        c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_hostile(c) { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_travels_as_the_table_spells_it() {
        for code in FindingCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn what_certificates_say_cannot_command_a_terminal_or_fill_an_answer() {
        let finding = Finding::new(FindingCode::WouldRefuse, &format!("\u{1b}]0;x\u{7}\u{202E}{}", "y".repeat(10_000)));
        assert!(!finding.detail.contains(['\u{1b}', '\u{7}', '\u{202E}']));
        assert_eq!(finding.detail.chars().count(), MAX_DETAIL_CHARS);
    }

    #[test]
    fn an_override_of_one_entry_covers_no_other() {
        let of = |domain: Option<&str>| FindingOverride {
            code: FindingCode::WouldRefuse,
            domain: domain.map(str::to_owned),
        };
        let finding = Finding::new(FindingCode::WouldRefuse, "").about("a.example");
        assert!(of(None).covers(&finding) && of(Some("a.example")).covers(&finding));
        assert!(!of(Some("b.example")).covers(&finding));
        assert!(!of(None).covers(&Finding::new(FindingCode::NoUsablePin, "").about("a.example")));
        assert!(!of(Some("a.example")).covers(&Finding::new(FindingCode::WouldRefuse, "")));
    }

    #[test]
    fn many_findings_are_few_groups_and_none_that_blocks_is_folded() {
        let made = |code: FindingCode, count: usize| {
            (0..count).map(move |number| Finding::new(code, "").about(&format!("host{number}.example")))
        };
        let softened = Finding::new(FindingCode::WouldRefuse, "").softened();
        let mut findings: Vec<_> =
            made(FindingCode::NotLookedAt, 4).chain(made(FindingCode::NoBackupPin, 200)).collect();
        findings.push(softened);
        findings.extend(made(FindingCode::NoUsablePin, 50));
        let groups = FindingGroup::gather(&findings);
        let told = groups.iter().map(|group| (group.code, group.fold().0.len(), group.fold().1.len()));
        let expected = [
            (FindingCode::NoUsablePin, 50, 0),
            (FindingCode::WouldRefuse, 1, 0),
            (FindingCode::NoBackupPin, 3, 197),
            (FindingCode::NotLookedAt, 4, 0),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
