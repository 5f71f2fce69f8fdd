//! The door where text from people becomes what a draft can hold.

use pintle_api::{OverrideRequest, Role, replace_hostile};
use pintle_core::{
    HostName, Name,
    claims::{PinDigest, PinType},
    limits::MAX_NAME_CHARS,
};

use pintle_discover::Endpoint;

use crate::{ServiceError, guard::covers};

/// The core's word for the API's.
pub(crate) fn core_type(pin_type: pintle_api::PinType) -> PinType {
    match pin_type {
        pintle_api::PinType::SpkiSha256 => PinType::SpkiSha256,
        pintle_api::PinType::SpkiSha512 => PinType::SpkiSha512,
        pintle_api::PinType::CertSha256 => PinType::CertSha256,
        pintle_api::PinType::CertSha512 => PinType::CertSha512,
    }
}

/// Name of an account, organization, project or label: what fits a table and a log line.
pub(crate) fn check_label(member: &'static str, text: &str) -> Result<(), ServiceError> {
    let fits = (1..=100).contains(&text.chars().count()) && text.trim() == text && replace_hostile(text) == text;
    if fits {
        return Ok(());
    }
    Err(ServiceError::ValueInvalid {
        member,
        expected: "1 to 100 characters without control characters, also of text direction, or outer spaces",
    })
}

pub(crate) fn store_role(role: Role) -> pintle_store::Role {
    match role {
        Role::Owner => pintle_store::Role::Owner,
        Role::Admin => pintle_store::Role::Admin,
        Role::Publisher => pintle_store::Role::Publisher,
        Role::Editor => pintle_store::Role::Editor,
        Role::Auditor => pintle_store::Role::Auditor,
    }
}

pub(crate) fn check_environment(text: &str) -> Result<(), ServiceError> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=32).contains(&text.len()) && text.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(ServiceError::ValueInvalid { member: "environment", expected: "1 to 32 characters out of a-z, 0-9 and `-`" })
}

/// Reads a domain as people write it: U-labels and capitals are converted, IP addresses brought into their one
/// spelling, public suffixes refused (P-2.8).
pub(crate) fn parse_authored_name(text: &str) -> Result<Name, ServiceError> {
    let invalid = || ServiceError::DomainInvalid { name: text.to_owned() };
    // The text is kept as typed: it must not hold what conversion would silently drop in any length.
    if text.chars().count() > MAX_NAME_CHARS || text.chars().any(char::is_control) {
        return Err(ServiceError::DomainInvalid { name: text.chars().take(MAX_NAME_CHARS).collect() });
    }
    let (wildcard, host) = match text.strip_prefix("**.") {
        Some(rest) => ("**.", rest),
        None => text.strip_prefix("*.").map_or(("", text), |rest| ("*.", rest)),
    };
    if let (true, Ok(address @ (HostName::V4(_) | HostName::V6(_)))) =
        (wildcard.is_empty(), HostName::parse_connection(host))
    {
        return Ok(Name::Exact(address));
    }
    let ascii = idna::domain_to_ascii(host).map_err(|_| invalid())?;
    let name = Name::parse(&format!("{wildcard}{ascii}")).map_err(|_| invalid())?;
    if is_public_suffix(&ascii, wildcard) {
        return Err(ServiceError::PublicSuffix { name: text.to_owned() });
    }
    Ok(name)
}

/// Whether unrelated owners share the name. Suffixes that companies registered for their customers are hosts of their
/// own as well (`github.io`): those are refused only with a wildcard.
pub(crate) fn is_public_suffix(host: &str, wildcard: &str) -> bool {
    psl::suffix(host.as_bytes()).is_some_and(|suffix| {
        suffix.as_bytes() == host.as_bytes()
            && match suffix.typ() {
                Some(psl::Type::Icann) => true,
                Some(psl::Type::Private) => !wildcard.is_empty(),
                None => false,
            }
    })
}

/// Most hosts that stand for one domain: each is looked at before every release.
const MAX_WATCHED: usize = 16;

/// Reads the hosts that stand for a domain, as a draft keeps them.
pub(crate) fn parse_watch(name: &Name, watch: &[String]) -> Result<Option<String>, ServiceError> {
    let wrong = ServiceError::ValueInvalid {
        member: "watch",
        expected: "up to 16 hosts, as `host` or `host:port`, that the domain covers",
    };
    if watch.len() > MAX_WATCHED {
        return Err(wrong);
    }
    let endpoints: Result<Vec<_>, _> = watch.iter().map(|text| Endpoint::parse(text)).collect();
    match endpoints {
        Ok(endpoints) if endpoints.is_empty() => Ok(None),
        Ok(endpoints) if endpoints.iter().all(|endpoint| covers(name, &endpoint.host)) => {
            Ok(Some(endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")))
        }
        _ => Err(wrong),
    }
}

/// What somebody releases in spite of, and why: it stays in the history of releases.
pub(crate) fn check_override(request: &OverrideRequest) -> Result<(), ServiceError> {
    let OverrideRequest { findings, reason } = request;
    let is_told =
        (1..=500).contains(&reason.chars().count()) && !reason.trim().is_empty() && replace_hostile(reason) == *reason;
    let has_fitting_names =
        findings.iter().filter_map(|wanted| wanted.domain.as_ref()).all(|name| Name::parse(name).is_ok());
    match (is_told, (1..=MAX_OVERRIDES).contains(&findings.len()) && has_fitting_names) {
        (true, true) => Ok(()),
        (false, _) => Err(ServiceError::ValueInvalid {
            member: "override.reason",
            expected: "1 to 500 characters without control characters",
        }),
        (_, false) => Err(ServiceError::ValueInvalid {
            member: "override.findings",
            expected: "1 to 100 findings, with the domain's name as in the file where one is given",
        }),
    }
}

/// Most errors overridden one by one; more share a code.
const MAX_OVERRIDES: usize = 100;

pub(crate) fn parse_digest(pin_type: PinType, digest: &str) -> Result<PinDigest, ServiceError> {
    let expected_bytes = match pin_type {
        PinType::SpkiSha256 | PinType::CertSha256 => 32,
        PinType::SpkiSha512 | PinType::CertSha512 => 64,
    };
    PinDigest::parse(pin_type, digest).ok_or(ServiceError::PinInvalid { pin_type: pin_type.as_str(), expected_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Result<String, &'static str> {
        parse_authored_name(text).map(|name| name.to_string()).map_err(|error| error.code())
    }

    #[test]
    fn brings_what_people_write_into_the_spelling_of_the_file() {
        for (text, name) in [
            ("API.Example.com", "api.example.com"),
            ("*.Bücher.example", "*.xn--bcher-kva.example"),
            ("**.example.co.uk", "**.example.co.uk"),
            ("_dmarc.example.com", "_dmarc.example.com"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:DB8:0::1]", "2001:db8::1"),
            ("localhost", "localhost"),
            ("server.internal", "server.internal"),
            ("github.io", "github.io"),
        ] {
            assert_eq!(written(text).as_deref(), Ok(name), "{text}");
        }
    }

    #[test]
    fn refuses_names_shared_by_unrelated_owners() {
        for text in ["com", "*.com", "**.co.uk", "**.github.io", "xn--p1ai", "РФ"] {
            assert_eq!(written(text), Err("public_suffix"), "{text}");
        }
    }

    #[test]
    fn refuses_what_no_file_can_hold() {
        let long = format!("{}example.com", "\u{ad}".repeat(300));
        for text in [
            &long,
            "",
            " ",
            "https://example.com",
            "example.com:443",
            "*",
            "*.192.0.2.1",
            "a..b",
            "a b.example",
            "1.2.3.256",
        ] {
            assert_eq!(written(text), Err("domain_invalid"), "{text}");
        }
    }

    #[test]
    fn a_label_shows_as_it_is_stored() {
        for text in ["Ada", "Ädä & Søn", "עדה", "می\u{200C}خواهم"] {
            assert!(check_label("name", text).is_ok(), "{text}");
        }
        for text in ["", " Ada", "A\nda", "A\u{1b}[2Jda", "\u{202E}adA", "A\u{2066}da"] {
            assert_eq!(check_label("name", text).unwrap_err().code(), "value_invalid", "{text:?}");
        }
    }

    #[test]
    fn refuses_a_digest_of_another_length() {
        let short = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert!(parse_digest(PinType::SpkiSha256, short).is_ok());
        assert_eq!(parse_digest(PinType::SpkiSha512, short).unwrap_err().code(), "pin_invalid");
        assert_eq!(parse_digest(PinType::SpkiSha256, &format!(" {short}")).unwrap_err().code(), "pin_invalid");
    }
}
