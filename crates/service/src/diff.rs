//! What differs between a release and a draft, in words for people. Nothing differs if and only if the list is empty.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Encoding};
use pintle_api::{Change, ChangeKind};
use pintle_core::claims::{Claims, CtPolicy, CtRequirement, Domain, Enforce, Pin};

/// Changes from `before` (none: there was no release) to `after`; numbers and dates of the releases do not count.
pub(crate) fn derive_changes(before: Option<&Claims>, after: &Claims) -> Vec<Change> {
    let mut lines = BTreeMap::new();
    if let Some(before) = before {
        lines = derive_lines(before).into_iter().map(|(subject, value)| (subject, (Some(value), None))).collect();
    }
    for (subject, value) in derive_lines(after) {
        lines.entry(subject).or_insert((None, None)).1 = Some(value);
    }
    lines.into_iter().filter_map(|(subject, (before, after))| make_change(subject, before, after)).collect()
}

fn make_change(subject: String, before: Option<String>, after: Option<String>) -> Option<Change> {
    let kind = match (&before, &after) {
        (Some(before), Some(after)) if before == after => return None,
        (Some(_), Some(_)) => ChangeKind::Changed,
        (None, _) => ChangeKind::Added,
        (_, None) => ChangeKind::Removed,
    };
    let shown = |value: Option<String>| value.filter(|value| !value.is_empty());
    Some(Change { kind, subject, before: shown(before), after: shown(after) })
}

/// Everything that claims say, as subject and value.
fn derive_lines(claims: &Claims) -> Vec<(String, String)> {
    let duration = claims.expires_at.map(|at| at.secs_since(claims.issued_at));
    let mut lines = vec![
        ("refresh".to_owned(), format!("{} s", claims.refresh_secs)),
        ("on_stale".to_owned(), claims.on_stale.as_str().to_owned()),
        ("expiry".to_owned(), duration.map_or_else(|| "never".to_owned(), |secs| format!("after {secs} s"))),
    ];
    if claims.withdrawn {
        lines.push(("withdrawn".to_owned(), String::new()));
    }
    lines.extend(
        claims.deny.iter().map(|digest| (format!("denied key {}", Base64::encode_string(digest)), String::new())),
    );
    if let Some(as_of) = claims.ct_logs_as_of {
        lines.push(("CT logs as of".to_owned(), as_of.to_string()));
    }
    lines.extend(claims.ct_logs.iter().map(|log| {
        let until = log.usable_until().map_or_else(String::new, |at| format!(", SCTs until {at}"));
        (format!("CT log {}", Base64::encode_string(log.id())), format!("{}{until}", log.operator()))
    }));
    for domain in &claims.domains {
        push_domain(domain, &mut lines);
    }
    lines
}

fn push_domain(domain: &Domain, lines: &mut Vec<(String, String)>) {
    let name = format!("domain {}", domain.name);
    let enforce = match domain.enforce {
        Enforce::Always => "always".to_owned(),
        Enforce::Report => "report".to_owned(),
        Enforce::Percent(percent) => format!("{percent} %"),
    };
    let ct = describe_ct(&domain.ct);
    lines.push((name.clone(), format!("enforce {enforce}, trust {}{ct}", domain.trust.as_str())));
    let pins: BTreeSet<&Pin> = domain.pins.iter().collect();
    lines.extend(pins.into_iter().map(|pin| {
        let subject = format!("{name} pin {}:{}", pin.digest.kind().as_str(), pin.digest.to_base64());
        let until = pin.expires_at.map_or_else(String::new, |at| format!(", expires at {at}"));
        (format!("{subject} ({})", pin.matches.as_str()), until.trim_start_matches(", ").to_owned())
    }));
}

fn describe_ct(ct: &CtRequirement) -> String {
    let logs = match &ct.logs {
        _ if ct.policy == CtPolicy::Off => return String::new(),
        Some(logs) => logs.iter().map(|id| Base64::encode_string(id)).collect::<Vec<_>>().join(" "),
        None => "all logs".to_owned(),
    };
    format!(", CT {} by {} of {logs}", ct.policy.as_str(), ct.min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::{
        Name, OrganizationId, ProjectId, PublicKey, UnixTime,
        claims::{CtLog, OnStale, PinDigest, PinMatch, Trust},
    };

    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==";

    fn claims(version: u64) -> Claims {
        let pin = Pin { digest: PinDigest::SpkiSha256([1; 32]), matches: PinMatch::Leaf, expires_at: None };
        let issued_at = UnixTime::from_secs(1_800_000_000 + version);
        let organization = OrganizationId::parse("o").unwrap();
        let mut claims = Claims::new(organization, ProjectId::parse("p").unwrap(), version, issued_at);
        claims.expires_at = Some(issued_at.saturating_add_secs(100));
        claims.domains = vec![Domain::new(Name::parse("a.example").unwrap(), vec![pin])];
        claims
    }

    #[test]
    fn a_new_number_and_new_dates_are_no_change() {
        assert_eq!(derive_changes(Some(&claims(1)), &claims(2)), []);
    }

    #[test]
    fn every_setting_shows_when_it_changes() {
        let edits: [fn(&mut Claims); 16] = [
            |c| c.refresh_secs = 61,
            |c| c.on_stale = OnStale::Fail,
            |c| c.expires_at = None,
            |c| c.withdrawn = true,
            |c| c.deny.extend([[9; 32]]),
            |c| c.domains.clear(),
            |c| c.ct_logs_as_of = Some(UnixTime::from_secs(1)),
            |c| c.ct_logs.push(CtLog::new(PublicKey::parse_base64(KEY).unwrap(), "o".to_owned(), None)),
            |c| c.domains[0].ct = CtRequirement { policy: CtPolicy::Verified, ..CtRequirement::default() },
            |c| c.domains[0].ct = CtRequirement { policy: CtPolicy::Declared, min: 3, logs: None },
            |c| c.domains[0].ct = CtRequirement { policy: CtPolicy::Declared, min: 2, logs: Some([[1; 32]].into()) },
            |c| c.domains[0].enforce = Enforce::Percent(5),
            |c| c.domains[0].trust = Trust::Pins,
            |c| c.domains[0].pins.clear(),
            |c| c.domains[0].pins[0].matches = PinMatch::Any,
            |c| c.domains[0].pins[0].expires_at = Some(UnixTime::from_secs(7)),
        ];
        for (index, edit) in edits.iter().enumerate() {
            let mut edited = claims(2);
            edit(&mut edited);
            assert_ne!(derive_changes(Some(&claims(1)), &edited), [], "edit {index}");
        }
    }

    #[test]
    fn a_first_release_adds_everything() {
        let changes = derive_changes(None, &claims(1));
        assert!(changes.iter().all(|change| change.kind == ChangeKind::Added));
        assert!(
            changes.iter().any(|change| change.to_string() == "+ domain a.example: enforce always, trust platform")
        );
    }
}
