//! What the file alone tells.

use std::collections::BTreeSet;

use pintle_api::{Finding, FindingCode};
use pintle_core::{
    Name, PROTOCOL_LEVEL, UnixTime,
    claims::{Claims, CtLog, CtPolicy, CtRequirement, Domain, Enforce, Pin},
    ct::MAX_LIST_AGE_SECS,
    limits::MAX_CONFIG_BYTES,
};
use pintle_sign::canonical_claims;

use super::live::days;
use crate::{claims::measure_signed, input::is_public_suffix};

/// A pin that expires sooner is told of.
const PIN_EXPIRY_SECS: u64 = 30 * 86_400;
/// The last pin that counts is told of earlier: after it there is nothing.
const LAST_PIN_EXPIRY_SECS: u64 = 60 * 86_400;
/// From this age on a log list is told of: ten days are left to import a newer one and to release it (P-6.4).
const OLD_LIST_SECS: u64 = 60 * 86_400;

pub(super) fn find(claims: &Claims, now: UnixTime) -> Vec<Finding> {
    if claims.withdrawn {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if claims.domains.is_empty() {
        findings.push(Finding::new(FindingCode::NoDomains, "There is no domain."));
    }
    findings.extend(find_old_list(claims, now));
    for domain in &claims.domains {
        findings.extend(find_public_suffix(domain));
        findings.extend(find_in_pins(domain, now));
        findings.extend(find_in_requirement(domain, claims, now));
    }
    findings
}

/// Of what may be [`MAX_CONFIG_BYTES`]. Measured here, so that no caller can leave it out; the chain of keys, some
/// kilobytes, does not count.
pub(super) fn find_size(claims: &Claims) -> Option<Finding> {
    let signed_bytes = measure_signed(&canonical_claims(claims), &[]);
    let detail = || format!("The signed file has {signed_bytes} bytes of {MAX_CONFIG_BYTES}.");
    (signed_bytes > MAX_CONFIG_BYTES / 4 * 3).then(|| Finding::new(FindingCode::SizeNearLimit, &detail()))
}

/// All that a file of this version can say is level 1, so that no project can be below it yet.
pub(super) fn find_level(oldest: u32) -> Option<Finding> {
    let detail = || format!("The file needs level {PROTOCOL_LEVEL}; the oldest app understands {oldest}.");
    (oldest < PROTOCOL_LEVEL).then(|| Finding::new(FindingCode::LevelTooNew, &detail()))
}

/// A finding about an entry; one that only reports refuses nobody.
pub(super) fn make(code: FindingCode, domain: &Domain, detail: &str) -> Finding {
    let finding = Finding::new(code, detail).about(&domain.name.to_string());
    if domain.enforce == Enforce::Report { finding.softened() } else { finding }
}

pub(super) fn counts(pin: &Pin, now: UnixTime) -> bool {
    pin.expires_at.is_none_or(|end| now < end)
}

fn find_public_suffix(domain: &Domain) -> Option<Finding> {
    let text = domain.name.to_string();
    let (wildcard, host) = match &domain.name {
        Name::Exact(_) => ("", text.as_str()),
        _ => text.split_once('.').unwrap_or(("", &text)),
    };
    // Not softened: whoever reports on the servers of others does it without being asked.
    is_public_suffix(host, wildcard).then(|| {
        Finding::new(FindingCode::PublicSuffix, &format!("{text}: {host} is shared by unrelated owners.")).about(&text)
    })
}

fn find_in_pins(domain: &Domain, now: UnixTime) -> Option<Finding> {
    let name = &domain.name;
    let usable: Vec<_> = domain.pins.iter().filter(|pin| counts(pin, now)).collect();
    let (code, detail) = match (domain.pins.len(), usable.len()) {
        (0, _) => (FindingCode::NoUsablePin, format!("{name} has no pin.")),
        (_, 0) => (FindingCode::NoUsablePin, format!("Every pin of {name} has expired.")),
        (_, 1) => (FindingCode::NoBackupPin, format!("{name} has one pin that counts.")),
        _ => return find_expiring(domain, &usable, now),
    };
    Some(make(code, domain, &detail))
}

fn find_expiring(domain: &Domain, usable: &[&Pin], now: UnixTime) -> Option<Finding> {
    let left_secs = |pin: &&Pin| pin.expires_at.map(|end| end.secs_since(now));
    let first = usable.iter().filter_map(left_secs).min()?;
    // None where a pin never expires.
    let last = usable.iter().map(left_secs).collect::<Option<Vec<_>>>().and_then(|left| left.into_iter().max());
    let name = &domain.name;
    let detail = match last.filter(|last| *last <= LAST_PIN_EXPIRY_SECS) {
        Some(last) => format!("The last pin of {name} expires in {}.", days(last)),
        None if first <= PIN_EXPIRY_SECS => format!("A pin of {name} expires in {}.", days(first)),
        None => return None,
    };
    Some(make(FindingCode::PinsExpireSoon, domain, &detail))
}

fn find_old_list(claims: &Claims, now: UnixTime) -> Option<Finding> {
    let is_asked = claims.domains.iter().any(|domain| domain.ct.policy == CtPolicy::Verified);
    let age_secs = now.secs_since(claims.ct_logs_as_of?);
    let detail = || format!("The CT log list is {} old.", days(age_secs));
    (is_asked && age_secs > OLD_LIST_SECS).then(|| Finding::new(FindingCode::CtListOld, &detail()))
}

fn find_in_requirement(domain: &Domain, claims: &Claims, now: UnixTime) -> Option<Finding> {
    let CtRequirement { policy, min, logs } = &domain.ct;
    let name = &domain.name;
    match policy {
        CtPolicy::Off => None,
        CtPolicy::Declared => {
            let detail = format!("{name} checks which logs its certificate names, not their signatures.");
            Some(make(FindingCode::CtDeclaredOnly, domain, &detail))
        }
        CtPolicy::Verified => {
            let is_meant = |log: &&CtLog| logs.as_ref().is_none_or(|logs| logs.contains(log.id()));
            let counting: Vec<_> = claims.ct_logs.iter().filter(is_meant).collect();
            let operators: BTreeSet<_> = counting.iter().map(|log| log.operator()).collect();
            if counting.len() as u64 >= *min && operators.len() >= 2 {
                return None;
            }
            let detail = format!(
                "{name} needs SCTs of {min} logs of two operators; its logs in the list are {} of {}.",
                counting.len(),
                operators.len()
            );
            let finding = make(FindingCode::CtUnsatisfiable, domain, &detail);
            // Such a list refuses nothing (P-6.4).
            let is_stale = claims.ct_logs_as_of.is_some_and(|as_of| now.secs_since(as_of) > MAX_LIST_AGE_SECS);
            Some(if is_stale { finding.softened() } else { finding })
        }
    }
}
