//! What claims say, for the eyes of whoever signs or inspects them. Everything here is read out of the claims
//! themselves, never out of what a server says about them.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Encoding};
use pintle_core::{
    UnixTime,
    claims::{Claims, CtPolicy, CtRequirement, Domain, Enforce, OnStale, Pin},
};

use crate::{
    moment::{show_moment, show_moment_from, show_span},
    output::{BAD, STRONG, Text},
};

/// What a statement about a CT log begins with.
const CT_LOG: &str = "CT log ";

/// Writes all of the claims.
pub(crate) fn write_claims(claims: &Claims, now: UnixTime, text: &mut Text) {
    write_head(claims, now, text);
    for domain in &claims.domains {
        text.gap();
        text.styled_line(STRONG, &format!("{}  ({})", domain.name, describe_domain(domain)));
        text.indented(|text| {
            if domain.pins.is_empty() {
                text.line("no pin: every connection is a violation");
            }
            for pin in &domain.pins {
                text.line(&describe_pin(pin));
            }
        });
    }
}

/// Writes what is new in `next` compared with `published`, which apps have now; all of it if, for the reason given, that is
/// not known. `+` is added, `-` is removed, `~` is changed.
pub(crate) fn write_review(published: Result<&Claims, &str>, next: &Claims, now: UnixTime, text: &mut Text) {
    write_head(next, now, text);
    let before = published.map(list_statements).unwrap_or_default();
    let after = list_statements(next);
    text.gap();
    match published {
        Ok(published) => {
            text.styled_line(STRONG, &format!("Compared with release {}, which apps have now", published.version))
        }
        Err(reason) => text.styled_line(STRONG, &format!("The whole configuration ({reason})")),
    };
    let subjects: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let lines: Vec<_> = subjects
        .iter()
        .filter_map(|subject| describe_change(subject, before.get(*subject), after.get(*subject)))
        .collect();
    let unchanged = subjects.len() - lines.len();
    text.indented(|text| {
        for line in summarise_logs(lines) {
            text.line(&line);
        }
        if unchanged > 0 {
            text.line(&format!("  {unchanged} unchanged"));
        }
    });
}

/// Of many CT logs only how many of whom: a list has some seventy, whose ids nobody compares by eye. Few are shown whole.
fn summarise_logs(lines: Vec<String>) -> Vec<String> {
    const FEW: usize = 8;
    let mut by_operator = BTreeMap::<_, usize>::new();
    for (sign, operator) in lines.iter().filter_map(|line| split_log(line)) {
        *by_operator.entry((sign, operator)).or_default() += 1;
    }
    if by_operator.values().sum::<usize>() <= FEW {
        return lines;
    }
    let summary = by_operator.iter().map(|((sign, operator), count)| match count {
        1 => format!("{sign} 1 CT log: {operator}"),
        count => format!("{sign} {count} CT logs: {operator}"),
    });
    summary.chain(lines.iter().filter(|line| split_log(line).is_none()).cloned()).collect()
}

/// Sign and operator, if a line is about a CT log.
fn split_log(line: &str) -> Option<(&str, &str)> {
    let (sign, log) = line.split_once(CT_LOG)?;
    let (_, operator) = log.split_once(": ")?;
    Some((sign.trim_end(), operator))
}

/// Whether `next` says what `published` says, under another number and another date.
pub(crate) fn is_same_content(published: &Claims, next: &Claims) -> bool {
    list_statements(published) == list_statements(next)
}

fn describe_change(subject: &str, before: Option<&String>, after: Option<&String>) -> Option<String> {
    match (before, after) {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => Some(format!("~ {subject}: {} -> {}", or_nothing(before), or_nothing(after))),
        (None, Some(after)) => Some(format!("+ {subject}{}", after_colon(after))),
        (Some(before), None) => Some(format!("- {subject}{}", after_colon(before))),
        (None, None) => None,
    }
}

fn after_colon(value: &str) -> String {
    if value.is_empty() { String::new() } else { format!(": {value}") }
}

fn or_nothing(value: &str) -> &str {
    if value.is_empty() { "nothing" } else { value }
}

fn write_head(claims: &Claims, now: UnixTime, text: &mut Text) {
    text.fields(&[
        ("release", claims.version.to_string()),
        ("project", format!("{}/{}", claims.organization, claims.project)),
        ("issued", show_moment(claims.issued_at)),
        ("not before", claims.not_before.map(show_moment).unwrap_or_default()),
        ("expires", claims.expires_at.map_or_else(|| "never".to_owned(), |at| show_moment_from(at, now))),
        ("after that", claims.expires_at.map(|_| describe_on_stale(claims).to_owned()).unwrap_or_default()),
        ("refresh", show_span(claims.refresh_secs)),
        ("domains", claims.domains.len().to_string()),
    ]);
    if claims.withdrawn {
        text.styled_line(BAD, "WITHDRAWN: apps refuse every connection");
    }
    for digest in &claims.deny {
        text.fields(&[("denied key", Base64::encode_string(digest))]);
    }
}

fn describe_on_stale(claims: &Claims) -> &'static str {
    match claims.on_stale {
        OnStale::Keep => "devices keep using it (on_stale keep)",
        OnStale::Fail => "devices refuse every connection (on_stale fail)",
    }
}

/// Everything that may differ between two releases, by what it is about. Number and dates always differ and stand in the
/// head. Taken apart field by field: what the claims learn to say, this must learn to show.
fn list_statements(claims: &Claims) -> BTreeMap<String, String> {
    let Claims {
        organization: _,
        project: _,
        version: _,
        issued_at,
        not_before: _,
        expires_at,
        on_stale,
        refresh_secs,
        domains,
        deny,
        ct_logs,
        ct_logs_as_of,
        withdrawn,
    } = claims;
    let lifetime = expires_at.map(|at| show_span(at.secs_since(*issued_at)));
    let mut statements = BTreeMap::from([
        ("lifetime".to_owned(), lifetime.unwrap_or_else(|| "no end".to_owned())),
        ("on_stale".to_owned(), on_stale.as_str().to_owned()),
        ("refresh".to_owned(), show_span(*refresh_secs)),
    ]);
    if *withdrawn {
        statements.insert("WITHDRAWN".to_owned(), "apps refuse every connection".to_owned());
    }
    if let Some(as_of) = ct_logs_as_of {
        statements.insert("CT logs as of".to_owned(), show_moment(*as_of));
    }
    for digest in deny {
        statements.insert(format!("denied key {}", Base64::encode_string(digest)), "on every host".to_owned());
    }
    for log in ct_logs {
        let until = log.usable_until().map(|at| format!(", usable until {}", show_moment(at))).unwrap_or_default();
        statements.insert(format!("{CT_LOG}{}", Base64::encode_string(log.id())), format!("{}{until}", log.operator()));
    }
    for domain in domains {
        statements.insert(domain.name.to_string(), describe_domain(domain));
        for pin in &domain.pins {
            // The whole pin is its own subject: the same digest may stand there twice with different ends.
            statements.insert(format!("{} pin {}", domain.name, describe_pin(pin)), String::new());
        }
    }
    statements
}

/// Everything but name and pins.
pub(crate) fn describe_domain(domain: &Domain) -> String {
    let Domain { name: _, enforce, trust, pins: _, ct: CtRequirement { policy, min, logs } } = domain;
    let enforce = match enforce {
        Enforce::Always => "enforced".to_owned(),
        Enforce::Report => "reported only".to_owned(),
        Enforce::Percent(percent) => format!("enforced on {percent}% of devices"),
    };
    let mut text = format!("{enforce}, trust {}", trust.as_str());
    if *policy != CtPolicy::Off {
        text.push_str(&format!(", CT {} by {min} of ", policy.as_str()));
        match logs {
            None => text.push_str("all logs"),
            Some(logs) => {
                let logs: Vec<_> = logs.iter().map(|id| Base64::encode_string(id)).collect();
                text.push_str(&logs.join(" "));
            }
        }
    }
    text
}

pub(crate) fn describe_pin(pin: &Pin) -> String {
    let Pin { digest, matches, expires_at } = pin;
    let expiry = expires_at.map(|at| format!("  expires {}", show_moment(at))).unwrap_or_default();
    format!("{}:{}  {}{expiry}", digest.kind().as_str(), digest.to_base64(), matches.as_str())
}

#[cfg(test)]
mod tests {
    use pintle_core::{
        Name, OrganizationId, ProjectId,
        claims::{PinDigest, PinMatch, Trust},
    };

    use super::*;

    fn make_claims() -> Claims {
        let now = UnixTime::from_secs(1_800_000_000);
        let pin = Pin { digest: PinDigest::SpkiSha256([1; 32]), matches: PinMatch::Leaf, expires_at: Some(now) };
        Claims {
            expires_at: Some(now.saturating_add_secs(7_776_000)),
            domains: vec![Domain::new(Name::parse("a.example").unwrap(), vec![pin])],
            ..Claims::new(OrganizationId::parse("o").unwrap(), ProjectId::parse("p").unwrap(), 1, now)
        }
    }

    #[test]
    fn no_change_that_an_app_would_notice_goes_unseen() {
        type Edit = fn(&mut Claims);
        let edits: &[(&str, Edit)] = &[
            ("expiry by a second", |claims| claims.expires_at = claims.expires_at.map(|at| at.saturating_add_secs(1))),
            ("no expiry", |claims| claims.expires_at = None),
            ("refresh by a second", |claims| claims.refresh_secs += 1),
            ("on_stale", |claims| claims.on_stale = OnStale::Fail),
            ("withdrawal", |claims| claims.withdrawn = true),
            ("a denied key", |claims| claims.deny.extend([[9; 32]])),
            ("CT list date", |claims| claims.ct_logs_as_of = Some(claims.issued_at)),
            ("enforcement", |claims| claims.domains[0].enforce = Enforce::Percent(99)),
            ("trust", |claims| claims.domains[0].trust = Trust::Pins),
            ("CT policy", |claims| claims.domains[0].ct.policy = CtPolicy::Declared),
            ("a digest", |claims| claims.domains[0].pins[0].digest = PinDigest::SpkiSha256([2; 32])),
            ("a digest's type", |claims| claims.domains[0].pins[0].digest = PinDigest::CertSha256([1; 32])),
            ("a place", |claims| claims.domains[0].pins[0].matches = PinMatch::Any),
            ("a pin's end by a second", |claims| {
                let pin = &mut claims.domains[0].pins[0];
                pin.expires_at = pin.expires_at.map(|at| at.saturating_add_secs(1));
            }),
            ("the same pin without end besides", |claims| {
                let endless = Pin { expires_at: None, ..claims.domains[0].pins[0] };
                claims.domains[0].pins.push(endless);
            }),
            ("another name", |claims| claims.domains[0].name = Name::parse("*.a.example").unwrap()),
        ];
        let before = list_statements(&make_claims());
        for (what, edit) in edits {
            let mut claims = make_claims();
            edit(&mut claims);
            assert_ne!(list_statements(&claims), before, "{what}");
        }
    }

    #[test]
    fn many_ct_logs_are_counted_by_operator_and_few_shown_whole() {
        let logs = |count| (0..count).map(|id| format!("+ CT log {id}=: {}", if id < 2 { "Two" } else { "Others" }));
        let other = "~ a.example: enforced -> reported only".to_owned();
        let lines = |count| logs(count).chain([other.clone()]).collect::<Vec<_>>();
        assert_eq!(summarise_logs(lines(8)), lines(8));
        let summary = ["+ 7 CT logs: Others".to_owned(), "+ 2 CT logs: Two".to_owned(), other.clone()];
        assert_eq!(summarise_logs(lines(9)), summary);
    }

    #[test]
    fn a_change_of_ct_terms_is_seen() {
        let with_ct = |min, logs| {
            let mut claims = make_claims();
            claims.domains[0].ct = CtRequirement { policy: CtPolicy::Declared, min, logs };
            list_statements(&claims)
        };
        let some = BTreeSet::from([[1; 32], [2; 32]]);
        let others = BTreeSet::from([[1; 32], [3; 32]]);
        assert_ne!(with_ct(2, Some(some.clone())), with_ct(1, Some(some.clone())));
        assert_ne!(with_ct(2, Some(some.clone())), with_ct(2, Some(others)));
        assert_ne!(with_ct(2, Some(some)), with_ct(2, None));
    }
}
