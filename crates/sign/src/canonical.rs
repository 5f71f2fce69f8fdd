use pintle_core::claims::{Claims, CtLog, CtPolicy, CtRequirement, Domain, Enforce, FORMAT, Pin};
use serde::Serialize;

/// The one spelling of `claims`: members in the order of P-2.4 to P-2.6, defaults left out, no white space. Parsing it
/// gives `claims` again. Lists keep their order.
#[must_use]
pub fn canonical_claims(claims: &Claims) -> Vec<u8> {
    // Strings, integers and lists of them always serialise.
    serde_json::to_vec(&ClaimsJson::from(claims)).unwrap_or_default()
}

#[derive(Serialize)]
struct ClaimsJson<'a> {
    fmt: u64,
    iss: &'a str,
    sub: &'a str,
    ver: u64,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_stale: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<u64>,
    domains: Vec<DomainJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ct_logs: Vec<LogJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ct_logs_as_of: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn: Option<bool>,
}

#[derive(Serialize)]
struct DomainJson {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforce: Option<EnforceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<&'static str>,
    pins: Vec<PinJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ct: Option<CtJson>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EnforceJson {
    Word(&'static str),
    Percent(u8),
}

#[derive(Serialize)]
struct PinJson {
    r#type: &'static str,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#match: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
}

#[derive(Serialize)]
struct CtJson {
    policy: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<Vec<String>>,
}

#[derive(Serialize)]
struct LogJson<'a> {
    id: String,
    key: String,
    operator: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usable_until: Option<u64>,
}

impl<'a> From<&'a Claims> for ClaimsJson<'a> {
    fn from(claims: &'a Claims) -> Self {
        Self {
            fmt: FORMAT,
            iss: claims.organization.as_str(),
            sub: claims.project.as_str(),
            ver: claims.version,
            iat: claims.issued_at.as_secs(),
            nbf: claims.not_before.map(|at| at.as_secs()),
            exp: claims.expires_at.map(|at| at.as_secs()),
            on_stale: unless_default(claims.on_stale).map(|on_stale| on_stale.as_str()),
            refresh: (claims.refresh_secs != pintle_core::limits::DEFAULT_REFRESH_SECS).then_some(claims.refresh_secs),
            domains: claims.domains.iter().map(DomainJson::from).collect(),
            deny: claims.deny.iter().map(|digest| base64(digest)).collect(),
            ct_logs: claims.ct_logs.iter().map(LogJson::from).collect(),
            ct_logs_as_of: claims.ct_logs_as_of.map(|at| at.as_secs()),
            withdrawn: claims.withdrawn.then_some(true),
        }
    }
}

impl From<&Domain> for DomainJson {
    fn from(domain: &Domain) -> Self {
        Self {
            name: domain.name.to_string(),
            enforce: match domain.enforce {
                Enforce::Always => None,
                Enforce::Report => Some(EnforceJson::Word("report")),
                Enforce::Percent(percent) => Some(EnforceJson::Percent(percent)),
            },
            trust: unless_default(domain.trust).map(|trust| trust.as_str()),
            pins: domain.pins.iter().map(PinJson::from).collect(),
            ct: unless_default(domain.ct.clone()).map(|ct| CtJson::from(&ct)),
        }
    }
}

impl From<&Pin> for PinJson {
    fn from(pin: &Pin) -> Self {
        Self {
            r#type: pin.digest.kind().as_str(),
            digest: pin.digest.to_base64(),
            r#match: unless_default(pin.matches).map(|matches| matches.as_str()),
            expires_at: pin.expires_at.map(|at| at.as_secs()),
        }
    }
}

impl From<&CtRequirement> for CtJson {
    fn from(ct: &CtRequirement) -> Self {
        Self {
            policy: CtPolicy::as_str(ct.policy),
            min: (ct.min != CtRequirement::DEFAULT_MIN).then_some(ct.min),
            logs: ct.logs.as_ref().map(|logs| logs.iter().map(|id| base64(id)).collect()),
        }
    }
}

impl<'a> From<&'a CtLog> for LogJson<'a> {
    fn from(log: &'a CtLog) -> Self {
        Self {
            id: base64(log.id()),
            key: log.key().to_base64(),
            operator: log.operator(),
            usable_until: log.usable_until().map(|at| at.as_secs()),
        }
    }
}

fn unless_default<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::{
        Name, OrganizationId, ProjectId, PublicKey, UnixTime,
        claims::{OnStale, PinDigest, PinMatch, Trust},
    };

    fn everything() -> Claims {
        let pin = |matches| Pin {
            digest: PinDigest::SpkiSha256([7; 32]),
            matches,
            expires_at: Some(UnixTime::from_secs(1_900_000_000)),
        };
        let log = CtLog::new(
            PublicKey::from_spki_der(
                &crate::SigningKey::generate().map(|key| crate::Signer::public_key(&key)).unwrap().spki_der(),
            )
            .unwrap(),
            "Operator \"Ω\"".into(),
            Some(UnixTime::from_secs(1_950_000_000)),
        );
        let mut claims = Claims::new(
            OrganizationId::parse("acme").unwrap(),
            ProjectId::parse("app").unwrap(),
            7,
            UnixTime::from_secs(1_800_000_000),
        );
        claims.not_before = Some(UnixTime::from_secs(1_800_000_001));
        claims.expires_at = Some(UnixTime::from_secs(1_807_776_000));
        claims.on_stale = OnStale::Fail;
        claims.refresh_secs = 60;
        claims.deny = [[1; 32], [2; 32]].into();
        claims.ct_logs_as_of = Some(UnixTime::from_secs(1_799_999_999));
        claims.domains = vec![
            Domain {
                enforce: Enforce::Percent(25),
                ct: CtRequirement { policy: CtPolicy::Verified, min: 1, logs: Some([*log.id()].into()) },
                ..Domain::new(Name::parse("**.a.example").unwrap(), vec![pin(PinMatch::Any), pin(PinMatch::Issuer)])
            },
            Domain {
                trust: Trust::Pins,
                ..Domain::new(Name::parse("2001:db8::1").unwrap(), vec![pin(PinMatch::Leaf)])
            },
            Domain { enforce: Enforce::Report, ..Domain::new(Name::parse("*.b.example").unwrap(), vec![]) },
        ];
        claims.ct_logs = vec![log];
        claims
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let claims = everything();
        assert_eq!(Claims::parse(&canonical_claims(&claims)).unwrap(), claims);
        let withdrawn = Claims { withdrawn: true, domains: vec![], ct_logs: vec![], ..claims };
        assert_eq!(Claims::parse(&canonical_claims(&withdrawn)).unwrap(), withdrawn);
    }

    #[test]
    fn defaults_are_left_out() {
        let claims = Claims::new(
            OrganizationId::parse("acme").unwrap(),
            ProjectId::parse("app").unwrap(),
            1,
            UnixTime::from_secs(1_800_000_000),
        );
        assert_eq!(
            String::from_utf8(canonical_claims(&claims)).unwrap(),
            r#"{"fmt":1,"iss":"acme","sub":"app","ver":1,"iat":1800000000,"domains":[]}"#
        );
    }
}
