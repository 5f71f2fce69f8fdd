//! What claims say, for the eyes of whoever signs or inspects them. Everything here is read out of the claims
//! themselves, never out of what a server says about them.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use pintle_core::{
    UnixTime,
    claims::{Claims, CtPolicy, Domain, Enforce, Pin},
};

use crate::{
    moment::{show_moment, show_moment_from, show_span},
    output::{BAD, STRONG, Text},
};

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

/// Writes what is new in `next` compared with `previous`, which an app would have accepted before; all of it if there is
/// none. `+` is added, `-` is removed, `~` is changed.
pub(crate) fn write_review(previous: Option<&Claims>, next: &Claims, now: UnixTime, text: &mut Text) {
    write_head(next, now, text);
    let before = previous.map(list_statements).unwrap_or_default();
    let after = list_statements(next);
    let mut unchanged = 0;
    text.gap();
    match previous {
        Some(previous) => {
            text.styled_line(STRONG, &format!("Compared with release {}, which apps have now", previous.version))
        }
        None => text.styled_line(STRONG, "The whole configuration (nothing published was found to compare it with)"),
    };
    text.indented(|text| {
        let subjects: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for subject in subjects {
            match (before.get(subject), after.get(subject)) {
                (Some(old), Some(new)) if old == new => unchanged += 1,
                (Some(old), Some(new)) => drop(text.line(&format!("~ {subject}: {old} -> {new}"))),
                (None, Some(new)) => drop(text.line(&format!("+ {subject}: {new}"))),
                (Some(old), None) => drop(text.line(&format!("- {subject}: {old}"))),
                (None, None) => {}
            }
        }
        if unchanged > 0 {
            text.line(&format!("  {unchanged} unchanged"));
        }
    });
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
        pintle_core::claims::OnStale::Keep => "devices keep using it (on_stale keep)",
        pintle_core::claims::OnStale::Fail => "devices refuse every connection (on_stale fail)",
    }
}

/// Everything that may differ between two releases, by what it is about. Number and dates always differ.
fn list_statements(claims: &Claims) -> BTreeMap<String, String> {
    let mut statements = BTreeMap::new();
    let lifetime = claims.expires_at.map(|at| show_span(at.secs_since(claims.issued_at)));
    statements.insert("lifetime".to_owned(), lifetime.unwrap_or_else(|| "no end".to_owned()));
    statements.insert("on_stale".to_owned(), claims.on_stale.as_str().to_owned());
    statements.insert("refresh".to_owned(), show_span(claims.refresh_secs));
    if claims.withdrawn {
        statements.insert("withdrawn".to_owned(), "apps refuse every connection".to_owned());
    }
    for digest in &claims.deny {
        statements.insert(format!("denied key {}", Base64::encode_string(digest)), "on every host".to_owned());
    }
    for log in &claims.ct_logs {
        statements.insert(format!("CT log {}", Base64::encode_string(log.id())), log.operator().to_owned());
    }
    for domain in &claims.domains {
        statements.insert(domain.name.to_string(), describe_domain(domain));
        for pin in &domain.pins {
            let subject = format!("{} pin {}:{}", domain.name, pin.digest.kind().as_str(), pin.digest.to_base64());
            statements.insert(format!("{subject} ({})", pin.matches.as_str()), describe_expiry(pin));
        }
    }
    statements
}

pub(crate) fn describe_domain(domain: &Domain) -> String {
    let enforce = match domain.enforce {
        Enforce::Always => "enforced".to_owned(),
        Enforce::Report => "reported only".to_owned(),
        Enforce::Percent(percent) => format!("enforced on {percent}% of devices"),
    };
    let ct = match domain.ct.policy {
        CtPolicy::Off => String::new(),
        policy => format!(", CT {}", policy.as_str()),
    };
    format!("{enforce}, trust {}{ct}", domain.trust.as_str())
}

pub(crate) fn describe_pin(pin: &Pin) -> String {
    let digest = &pin.digest;
    let expiry = if pin.expires_at.is_some() { format!(", {}", describe_expiry(pin)) } else { String::new() };
    format!("{}:{}  {}{expiry}", digest.kind().as_str(), digest.to_base64(), pin.matches.as_str())
}

fn describe_expiry(pin: &Pin) -> String {
    pin.expires_at.map_or_else(|| "does not expire".to_owned(), |at| format!("expires {}", show_moment(at)))
}
