//! Claims from bytes: first what is not understood (P-3.4), then what is not well formed.

use alloc::{borrow::ToOwned, collections::BTreeSet, vec::Vec};

use super::{
    Claims, CtLog, CtPolicy, CtRequirement, Domain, Enforce, FORMAT, OnStale, Pin, PinDigest, PinMatch, PinType, Trust,
};
use crate::{
    base64,
    error::{ConfigError, Malformed, MalformedReason, Unsupported},
    index::Index,
    json::{Array, Document, Object, Value},
    key::PublicKey,
    limits::{DEFAULT_REFRESH_SECS, MAX_REFRESH_SECS, MIN_REFRESH_SECS},
    name::Name,
    root::{OrganizationId, ProjectId},
    time::UnixTime,
};

type Result<T> = core::result::Result<T, Malformed>;

impl Claims {
    /// Parses the payload of a configuration (P-2.3 to P-2.8). What is not understood is reported before what is
    /// not well formed, so that an old reader of a newer file says so (P-3.4).
    pub fn parse(payload: &[u8]) -> core::result::Result<Self, ConfigError> {
        Self::parse_and_index(payload).map(|(claims, _)| claims)
    }

    /// [`parse`](Self::parse), and the index that shows that no two entries share a name.
    pub(crate) fn parse_and_index(payload: &[u8]) -> core::result::Result<(Self, Index), ConfigError> {
        let document = Document::parse(payload)?;
        let claims = document.object()?;
        // Whatever is not understood fails to be read, so it is looked for only then.
        read_claims(claims).map_err(|malformed| match find_unsupported(claims) {
            Some(unsupported) => ConfigError::Unsupported(unsupported),
            None => malformed.into(),
        })
    }
}

fn find_unsupported(claims: Object<'_>) -> Option<Unsupported> {
    if let Some(Value::Integer(format)) = claims.member("fmt")
        && format != FORMAT
    {
        return Some(Unsupported::Format(format));
    }
    // No name in `needs` is known at level 1.
    if let Some(Value::Array(needs)) = claims.member("needs")
        && let Some(need) = needs.iter().find_map(|need| need.text().ok())
    {
        return Some(Unsupported::Need(need.to_owned()));
    }
    let unknown = unknown_value(claims, OnStale::MEMBER, |text| OnStale::parse(text).is_some());
    unknown.or_else(|| objects(claims, "domains").find_map(find_unsupported_in_domain))
}

fn find_unsupported_in_domain(domain: Object<'_>) -> Option<Unsupported> {
    unknown_value(domain, "enforce", |text| parse_enforce(text).is_some())
        .or_else(|| unknown_value(domain, Trust::MEMBER, |text| Trust::parse(text).is_some()))
        .or_else(|| match domain.member("ct") {
            Some(Value::Object(ct)) => unknown_value(ct, CtPolicy::MEMBER, |text| CtPolicy::parse(text).is_some()),
            _ => None,
        })
        .or_else(|| {
            objects(domain, "pins").find_map(|pin| {
                unknown_value(pin, PinType::MEMBER, |text| PinType::parse(text).is_some())
                    .or_else(|| unknown_value(pin, PinMatch::MEMBER, |text| PinMatch::parse(text).is_some()))
            })
        })
}

fn unknown_value(object: Object<'_>, member: &'static str, is_known: impl Fn(&str) -> bool) -> Option<Unsupported> {
    match object.member(member) {
        Some(Value::String(text)) if !is_known(text) => Some(Unsupported::Value { member, value: text.to_owned() }),
        _ => None,
    }
}

fn objects<'d>(object: Object<'d>, member: &str) -> impl Iterator<Item = Object<'d>> {
    let elements = match object.member(member) {
        Some(Value::Array(elements)) => Some(elements),
        _ => None,
    };
    elements.into_iter().flat_map(Array::iter).filter_map(|element| element.object().ok())
}

fn read_claims(object: Object<'_>) -> Result<(Claims, Index)> {
    object.required("fmt", |value| match value.integer()? {
        FORMAT => Ok(()),
        _ => Err(expected("1")),
    })?;
    let organization = object
        .required("iss", |value| OrganizationId::parse(value.text()?).map_err(|_| expected("an organization id")))?;
    let project =
        object.required("sub", |value| ProjectId::parse(value.text()?).map_err(|_| expected("a project id")))?;
    let version = object.required("ver", |value| match value.integer()? {
        0 => Err(expected("1 or more")),
        version => Ok(version),
    })?;
    let issued_at = object.required("iat", time)?;
    let not_before = object.optional("nbf", time)?;
    let expires_at = object.optional("exp", |value| {
        let expires_at = time(value)?;
        let later = expires_at > issued_at && not_before.is_none_or(|not_before| expires_at > not_before);
        if later { Ok(expires_at) } else { Err(expected("later than `iat` and `nbf`")) }
    })?;
    let on_stale = object.optional("on_stale", |value| known(value, OnStale::parse))?.unwrap_or_default();
    let refresh_secs = object.optional("refresh", |value| {
        let secs = value.integer()?;
        let allowed = MIN_REFRESH_SECS..=MAX_REFRESH_SECS;
        if allowed.contains(&secs) { Ok(secs) } else { Err(expected("60 to 604800")) }
    })?;
    let deny = object.optional("deny", |value| value.each(digest))?.unwrap_or_default();
    let ct_logs = object.optional("ct_logs", |value| unique_logs(value.each(read_log)?))?.unwrap_or_default();
    let ct_logs_as_of = object.optional("ct_logs_as_of", time)?;
    // Of its strings none is understood.
    object.optional("needs", |value| value.each(|need| need.text().and_then(|_| Err::<(), _>(expected("no name")))))?;
    let withdrawn = object.optional("withdrawn", |value| match value {
        Value::Bool(true) => Ok(()),
        _ => Err(expected("true, or absent")),
    })?;
    let (domains, index) = object.required("domains", |value| {
        let domains = value.each(read_domain)?;
        let index = Index::derive(&domains)?;
        Ok((domains, index))
    })?;
    let claims = Claims {
        organization,
        project,
        version,
        issued_at,
        not_before,
        expires_at,
        on_stale,
        refresh_secs: refresh_secs.unwrap_or(DEFAULT_REFRESH_SECS),
        domains,
        deny: deny.into_iter().collect(),
        ct_logs,
        ct_logs_as_of,
        withdrawn: withdrawn.is_some(),
    };
    check_ct(&claims)?;
    Ok((claims, index))
}

/// P-6.1: a requirement that could never be met is an error of the author, found here and not in a handshake.
fn check_ct(claims: &Claims) -> Result<()> {
    let as_of_fits = claims.ct_logs_as_of.is_some_and(|as_of| as_of <= claims.issued_at);
    for (index, domain) in claims.domains.iter().enumerate() {
        let logs = domain.ct.logs.as_ref().map(BTreeSet::len);
        let at = |member: &str, error: Malformed| {
            Err(error.within(member).within("ct").within_index(index).within("domains"))
        };
        let available = match domain.ct.policy {
            CtPolicy::Off => continue,
            CtPolicy::Declared => match logs {
                Some(logs) => logs,
                None => return at("logs", MalformedReason::Missing.into()),
            },
            CtPolicy::Verified if claims.ct_logs.is_empty() => {
                return Err(Malformed::from(MalformedReason::Missing).within("ct_logs"));
            }
            CtPolicy::Verified if !as_of_fits => {
                return Err(expected("there, and not later than `iat`").within("ct_logs_as_of"));
            }
            CtPolicy::Verified => logs.unwrap_or(claims.ct_logs.len()),
        };
        if domain.ct.min > available as u64 {
            return at("min", expected("at most the number of logs"));
        }
    }
    Ok(())
}

fn read_domain(value: Value<'_>) -> Result<Domain> {
    let object = value.object()?;
    let name =
        object.required("name", |value| Name::parse(value.text()?).map_err(|_| expected("a host or pattern")))?;
    let enforce = object.optional("enforce", read_enforce)?.unwrap_or_default();
    let trust = object.optional("trust", |value| known(value, Trust::parse))?.unwrap_or_default();
    let pins = object.required("pins", |value| value.each(read_pin))?;
    let ct = object.optional("ct", read_ct)?.unwrap_or_default();
    if trust == Trust::Pins {
        // P-2.5: without a CA store there is no verified path to match issuers in, and nothing may soften the check.
        if enforce != Enforce::Always {
            return Err(expected("always where `trust` is `pins`").within("enforce"));
        }
        if let Some(index) = pins.iter().position(|pin| pin.matches != PinMatch::Leaf) {
            return Err(expected("leaf where `trust` is `pins`").within("match").within_index(index).within("pins"));
        }
        if ct.policy != CtPolicy::Off {
            return Err(expected("off where `trust` is `pins`").within("policy").within("ct"));
        }
    }
    Ok(Domain { name, enforce, trust, pins, ct })
}

fn read_pin(value: Value<'_>) -> Result<Pin> {
    let object = value.object()?;
    let kind = object.required("type", |value| known(value, PinType::parse))?;
    let digest = object.required("digest", Value::text)?;
    let digest =
        PinDigest::parse(kind, digest).ok_or_else(|| Malformed::from(MalformedReason::Base64).within("digest"))?;
    let matches = object.optional("match", |value| known(value, PinMatch::parse))?.unwrap_or_default();
    let expires_at = object.optional("expires_at", time)?;
    Ok(Pin { digest, matches, expires_at })
}

fn read_ct(value: Value<'_>) -> Result<CtRequirement> {
    let object = value.object()?;
    let policy = object.required("policy", |value| known(value, CtPolicy::parse))?;
    let min = object.optional("min", |value| match value.integer()? {
        0 => Err(expected("1 or more")),
        min => Ok(min),
    })?;
    let logs = object.optional("logs", |value| Ok(value.each(digest)?.into_iter().collect()))?;
    Ok(CtRequirement { policy, min: min.unwrap_or(CtRequirement::DEFAULT_MIN), logs })
}

fn read_log(value: Value<'_>) -> Result<CtLog> {
    let object = value.object()?;
    let id = object.required("id", digest)?;
    let key = object
        .required("key", |value| PublicKey::parse_base64(value.text()?).map_err(|_| expected("a P-256 public key")))?;
    let operator = object.required("operator", Value::to_text)?;
    let usable_until = object.optional("usable_until", time)?;
    let log = CtLog::new(key, operator, usable_until);
    if *log.id() == id { Ok(log) } else { Err(expected("the SHA-256 of `key`").within("id")) }
}

fn read_enforce(value: Value<'_>) -> Result<Enforce> {
    match value {
        Value::String(text) => parse_enforce(text).ok_or_else(|| expected("`always` or `report`")),
        Value::Integer(0) => Ok(Enforce::Report),
        Value::Integer(100) => Ok(Enforce::Always),
        Value::Integer(percent) => match u8::try_from(percent) {
            Ok(percent @ 1..=99) => Ok(Enforce::Percent(percent)),
            _ => Err(expected("a number from 0 to 100")),
        },
        _ => Err(MalformedReason::WrongType { expected: "`always`, `report` or a number from 0 to 100" }.into()),
    }
}

fn parse_enforce(text: &str) -> Option<Enforce> {
    match text {
        "always" => Some(Enforce::Always),
        "report" => Some(Enforce::Report),
        _ => None,
    }
}

fn unique_logs(logs: Vec<CtLog>) -> Result<Vec<CtLog>> {
    let mut seen = BTreeSet::new();
    match logs.iter().position(|log| !seen.insert(log.id())) {
        Some(index) => Err(Malformed::from(MalformedReason::Repeated).within("id").within_index(index)),
        None => Ok(logs),
    }
}

fn known<T>(value: Value<'_>, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    parse(value.text()?).ok_or_else(|| expected("a known value"))
}

fn digest(value: Value<'_>) -> Result<[u8; 32]> {
    base64::parse_standard(value.text()?).ok_or_else(|| MalformedReason::Base64.into())
}

fn time(value: Value<'_>) -> Result<UnixTime> {
    value.integer().map(UnixTime::from_secs)
}

fn expected(expected: &'static str) -> Malformed {
    MalformedReason::Value { expected }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{
        format,
        string::{String, ToString},
    };

    const DIGEST: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn refusal(payload: &str) -> String {
        Claims::parse(payload.as_bytes()).unwrap_err().to_string()
    }

    fn with_domain(members: &str) -> String {
        format!(r#"{{"fmt":1,"iss":"o","sub":"p","ver":1,"iat":1,"domains":[{{"name":"a.example",{members}}}]}}"#)
    }

    #[test]
    fn names_the_place_of_a_mistake() {
        let text = refusal(&with_domain(r#""pins":[{"type":"spki-sha256","digest":"AA=="}]"#));
        assert_eq!(
            text,
            "the configuration is malformed: `domains[0].pins[0].digest`: not strict base64 of the right length"
        );
    }

    #[test]
    fn reports_what_it_does_not_understand_before_what_is_malformed() {
        let text = refusal(&with_domain(r#""pins":[{"type":"spki-sha3","digest":7}],"enforce":-1"#));
        assert!(text.contains("newer implementation: `type` is \"spki-sha3\""), "{text}");
    }

    #[test]
    fn refuses_softened_entries_without_a_ca_store() {
        let pin = format!(r#"{{"type":"spki-sha256","digest":"{DIGEST}"}}"#);
        assert!(
            Claims::parse(with_domain(&format!(r#""trust":"pins","pins":[{pin}],"enforce":100"#)).as_bytes()).is_ok()
        );
        for soft in [
            format!(r#""trust":"pins","pins":[{pin}],"enforce":99"#),
            format!(r#""trust":"pins","pins":[{{"type":"spki-sha256","digest":"{DIGEST}","match":"any"}}]"#),
            format!(r#""trust":"pins","pins":[{pin}],"ct":{{"policy":"declared","min":1,"logs":["{DIGEST}"]}}"#),
        ] {
            assert!(refusal(&with_domain(&soft)).contains("where `trust` is `pins`"), "{soft}");
        }
    }
}
