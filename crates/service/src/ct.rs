//! Certificate Transparency in drafts (section 6): what a domain may ask for, and which logs count.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use pintle_api::{CtLogRequest, CtPolicy, CtRequest, CtResponse};
use pintle_core::{
    PublicKey, UnixTime,
    claims::{self, Claims, CtLog, CtRequirement},
};
use pintle_store::{CtLogRow, DomainRow, DraftRow, ProjectId, Unsigned};

use crate::{ServiceError, input::check_label};

/// Brings what a request asks for into a domain; what contradicts itself is found with the whole domain.
pub(crate) fn apply_requirement(row: &mut DomainRow, request: &CtRequest) -> Result<(), ServiceError> {
    let policy = match request.policy {
        CtPolicy::Off => claims::CtPolicy::Off,
        CtPolicy::Declared => claims::CtPolicy::Declared,
        CtPolicy::Verified => claims::CtPolicy::Verified,
    };
    row.ct_policy = policy.as_str().to_owned();
    row.ct_min = request.min.unwrap_or(CtRequirement::DEFAULT_MIN).into();
    row.ct_logs = match &request.logs {
        Some(ids) => {
            let ids = parse_ids(ids.iter().map(String::as_str))?;
            Some(ids.iter().map(|id| Base64::encode_string(id)).collect::<Vec<_>>().join(" "))
        }
        None => None,
    };
    if policy == claims::CtPolicy::Off && (request.min.is_some() || request.logs.is_some()) {
        return Err(ServiceError::ValueInvalid { member: "ct", expected: "`off` alone, or another policy" });
    }
    Ok(())
}

/// What a stored domain asks for.
pub(crate) fn requirement(row: &DomainRow) -> Result<CtRequirement, ServiceError> {
    let logs = row.ct_logs.as_deref().map(|ids| parse_ids(ids.split_ascii_whitespace())).transpose()?;
    Ok(CtRequirement { policy: parse_policy(row)?, min: row.ct_min.value(), logs })
}

/// The same as it travels.
pub(crate) fn describe_requirement(row: &DomainRow) -> Result<CtResponse, ServiceError> {
    Ok(CtResponse {
        policy: match parse_policy(row)? {
            claims::CtPolicy::Off => CtPolicy::Off,
            claims::CtPolicy::Declared => CtPolicy::Declared,
            claims::CtPolicy::Verified => CtPolicy::Verified,
        },
        min: row.ct_min.value(),
        logs: row.ct_logs.as_deref().map(|ids| ids.split_ascii_whitespace().map(str::to_owned).collect()),
    })
}

fn parse_policy(row: &DomainRow) -> Result<claims::CtPolicy, ServiceError> {
    claims::CtPolicy::parse(&row.ct_policy).ok_or(ServiceError::Internal("stored `ct.policy`"))
}

fn parse_ids<'a>(ids: impl Iterator<Item = &'a str>) -> Result<BTreeSet<[u8; 32]>, ServiceError> {
    ids.map(|text| {
        let mut id = [0; 32];
        match Base64::decode(text, &mut id) {
            Ok(bytes) if bytes.len() == 32 => Ok(id),
            _ => Err(ServiceError::ValueInvalid {
                member: "ct.logs",
                expected: "a list of log ids: 32-byte SHA-256 digests in standard base64 with padding",
            }),
        }
    })
    .collect()
}

/// A log of a request, as a draft keeps it.
pub(crate) fn parse_log(project: &ProjectId, request: &CtLogRequest) -> Result<CtLogRow, ServiceError> {
    check_label("operator", &request.operator)?;
    check_label("name", &request.name)?;
    let key = PublicKey::parse_base64(&request.key).map_err(|_| ServiceError::ValueInvalid {
        member: "key",
        expected: "one line of base64 of a P-256 SubjectPublicKeyInfo",
    })?;
    let log = CtLog::new(key, request.operator.clone(), None);
    Ok(CtLogRow {
        project_id: project.clone(),
        log_id: Base64::encode_string(log.id()),
        public_key: key.to_base64(),
        operator: request.operator.clone(),
        name: request.name.clone(),
        usable_until: request.usable_until.map(Unsigned::from),
    })
}

/// Writes the draft's logs into claims.
pub(crate) fn put_logs(claims: &mut Claims, draft: &DraftRow, logs: &[CtLogRow]) -> Result<(), ServiceError> {
    let make_log = |row: &CtLogRow| {
        let key = PublicKey::parse_base64(&row.public_key).map_err(|_| ServiceError::Internal("stored log key"))?;
        let usable_until = row.usable_until.map(|at| UnixTime::from_secs(at.value()));
        Ok::<_, ServiceError>(CtLog::new(key, row.operator.clone(), usable_until))
    };
    claims.ct_logs = logs.iter().map(make_log).collect::<Result<_, _>>()?;
    if !logs.is_empty() {
        claims.ct_logs_as_of = draft.ct_logs_as_of.map(|at| UnixTime::from_secs(at.value()));
    }
    Ok(())
}
