//! From draft to claims.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use pintle_core::PublicKey;
use pintle_core::{
    Name, OrganizationId, ProjectId, Root, UnixTime,
    claims::{Claims, CtPolicy, Domain, Enforce, OnStale, Pin, PinMatch, PinType, Trust},
    limits::MAX_CONFIG_BYTES,
    root::{BaseUrl, SetupError},
};
use pintle_sign::canonical_claims;
use pintle_store::{CtLogRow, DraftDomain, DraftRow, PinRow, Project, ProjectScope, ReadTx};

use crate::{
    ServiceError,
    ct::{put_logs, requirement},
    input::parse_digest,
};

/// JWS header, signature and dots of a file without succession chain, rounded up.
const JWS_FRAME_BYTES: usize = 512;

/// The root that apps of `project` embed.
pub(crate) fn make_root(project: &Project, urls: &[BaseUrl]) -> Result<Root, ServiceError> {
    let public_key = project.row.public_key.as_deref().ok_or(ServiceError::KeyMissing)?;
    parse_root(project, urls, public_key, project.row.recovery_key.as_deref())
}

/// The same with keys that are not registered yet.
pub(crate) fn parse_root(
    project: &Project,
    urls: &[BaseUrl],
    public_key: &str,
    recovery_key: Option<&str>,
) -> Result<Root, ServiceError> {
    let key = |member, text: &str| PublicKey::parse_base64(text).map_err(|error| SetupError::Key { member, error });
    let (organization, project) = core_ids(&project.scope)?;
    let root = Root::new(organization, project, key("public_key", public_key)?, urls.to_vec())?;
    Ok(match recovery_key {
        Some(text) => root.with_recovery_key(key("recovery_key", text)?)?,
        None => root,
    })
}

/// The claims of `draft` under a number and a date (P-9.4).
pub(crate) fn make_claims(
    project: &Project,
    draft: &DraftRow,
    domains: &[DraftDomain],
    ct_logs: &[CtLogRow],
    version: u64,
    now: UnixTime,
) -> Result<Claims, ServiceError> {
    let (organization, id) = core_ids(&project.scope)?;
    let mut claims = Claims::new(organization, id, version, now);
    claims.expires_at = draft.expires_after_secs.map(|secs| now.saturating_add_secs(secs.value()));
    claims.on_stale = OnStale::parse(&draft.on_stale).ok_or(ServiceError::Internal("stored `on_stale`"))?;
    claims.refresh_secs = draft.refresh_secs.value();
    claims.deny = parse_deny(draft.deny.split_ascii_whitespace())?;
    claims.domains = domains.iter().map(make_domain).collect::<Result<_, _>>()?;
    put_logs(&mut claims, draft, ct_logs)?;
    Ok(claims)
}

/// The exact bytes to sign, in a file that carries `succession`. What the core would refuse on a device is refused here, by the same code.
pub(crate) fn write_claims(claims: &Claims, succession: &[String]) -> Result<Vec<u8>, ServiceError> {
    let bytes = canonical_claims(claims);
    let signed_bytes = measure_signed(&bytes, succession);
    if signed_bytes > MAX_CONFIG_BYTES {
        return Err(ServiceError::DraftTooLarge { bytes: signed_bytes });
    }
    Claims::parse(&bytes).map_err(ServiceError::DraftInvalid)?;
    Ok(bytes)
}

/// How long the signed file will be, rounded up.
pub(crate) fn measure_signed(claims: &[u8], succession: &[String]) -> usize {
    // A statement stands in the header with quotes and comma.
    let chain_bytes: usize = succession.iter().map(|statement| statement.len() + 3).sum();
    claims.len().div_ceil(3) * 4 + chain_bytes.div_ceil(3) * 4 + JWS_FRAME_BYTES
}

/// Whether a configuration can hold this domain with these pins and settings, beside the draft's logs.
pub(crate) async fn check_domain(tx: &ReadTx, project: &Project, domain: &DraftDomain) -> Result<(), ServiceError> {
    let (organization, id) = core_ids(&project.scope)?;
    let draft = tx.find_draft(&project.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
    let mut claims = Claims::new(organization, id, 1, UnixTime::from_secs(1));
    put_logs(&mut claims, &draft, &tx.list_ct_logs(&project.scope).await?)?;
    claims.issued_at = claims.ct_logs_as_of.unwrap_or(claims.issued_at);
    let domain = make_domain(domain)?;
    if domain.ct.policy == CtPolicy::Verified && claims.ct_logs.is_empty() {
        return Err(ServiceError::CtLogsMissing);
    }
    claims.domains = vec![domain];
    write_claims(&claims, &[]).map(|_| ())
}

pub(crate) fn parse_deny<'a>(digests: impl Iterator<Item = &'a str>) -> Result<BTreeSet<[u8; 32]>, ServiceError> {
    digests
        .map(|text| {
            let mut digest = [0; 32];
            match Base64::decode(text, &mut digest) {
                Ok(bytes) if bytes.len() == 32 => Ok(digest),
                _ => Err(ServiceError::ValueInvalid {
                    member: "deny",
                    expected: "a list of 32-byte SHA-256 digests in standard base64 with padding",
                }),
            }
        })
        .collect()
}

/// What an earlier release said, under a new number and new dates, for as long as that one was valid.
pub(crate) fn renew_claims(earlier: Claims, version: u64, now: UnixTime) -> Claims {
    let lifetime_secs = earlier.expires_at.map(|end| end.secs_since(earlier.issued_at));
    let expires_at = lifetime_secs.map(|secs| now.saturating_add_secs(secs));
    Claims { version, issued_at: now, not_before: None, expires_at, ..earlier }
}

/// That nothing is to be trusted (P-7.5). It has no end: apps believe it until a higher release says otherwise.
pub(crate) fn make_withdrawal(project: &Project, version: u64, now: UnixTime) -> Result<Claims, ServiceError> {
    let (organization, id) = core_ids(&project.scope)?;
    Ok(Claims { withdrawn: true, ..Claims::new(organization, id, version, now) })
}

fn make_domain(domain: &DraftDomain) -> Result<Domain, ServiceError> {
    let row = &domain.row;
    Ok(Domain {
        name: Name::parse(&row.name).map_err(|_| ServiceError::Internal("stored domain name"))?,
        enforce: match row.enforce_percent.value() {
            0 => Enforce::Report,
            percent => match u8::try_from(percent) {
                Ok(percent @ 1..=99) => Enforce::Percent(percent),
                _ => Enforce::Always,
            },
        },
        trust: Trust::parse(&row.trust).ok_or(ServiceError::Internal("stored `trust`"))?,
        pins: domain.pins.iter().map(make_pin).collect::<Result<_, _>>()?,
        ct: requirement(row)?,
    })
}

fn make_pin(pin: &PinRow) -> Result<Pin, ServiceError> {
    let pin_type = PinType::parse(&pin.pin_type).ok_or(ServiceError::Internal("stored pin type"))?;
    Ok(Pin {
        digest: parse_digest(pin_type, &pin.digest)?,
        matches: PinMatch::parse(&pin.pin_match).ok_or(ServiceError::Internal("stored `match`"))?,
        expires_at: pin.expires_at.map(|at| UnixTime::from_secs(at.value())),
    })
}

/// The ids of a project as its configurations spell them.
pub(crate) fn core_ids(scope: &ProjectScope) -> Result<(OrganizationId, ProjectId), ServiceError> {
    let unusable = |_| ServiceError::Internal("a TypeID is an id");
    Ok((
        OrganizationId::parse(scope.organization().as_str()).map_err(unusable)?,
        ProjectId::parse(scope.project().as_str()).map_err(unusable)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_counts_towards_the_size_of_the_file() {
        let ids = (OrganizationId::parse("o").unwrap(), ProjectId::parse("p").unwrap());
        let claims = Claims::new(ids.0, ids.1, 1, UnixTime::from_secs(1_800_000_000));
        assert!(write_claims(&claims, &["x".repeat(MAX_CONFIG_BYTES / 2)]).is_ok());
        let refused = write_claims(&claims, &["x".repeat(MAX_CONFIG_BYTES / 4 * 3)]);
        assert!(matches!(refused, Err(ServiceError::DraftTooLarge { .. })));
    }
}
