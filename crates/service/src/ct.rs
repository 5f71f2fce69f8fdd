//! Certificate Transparency in drafts (section 6): what a domain may ask for, and which logs count.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use pintle_api::{CtLogRequest, CtPolicy, CtRequest, CtResponse, Warning, WarningCode};
use pintle_core::{
    PublicKey, UnixTime,
    claims::{self, Claims, CtLog, CtRequirement, Domain},
    ct::MAX_LIST_AGE_SECS,
};
use pintle_store::{CtLogRow, DomainRow, DraftRow, ProjectId, Unsigned};

use crate::{ServiceError, input::check_label};

/// From this age on a log list is warned of: ten days are left to import a newer one and to release it (P-6.4).
const OLD_LIST_SECS: u64 = 60 * 86_400;

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

/// What is legal in `claims` and yet deserves a second look.
pub(crate) fn find_ct_warnings(claims: &Claims, now: UnixTime) -> Vec<Warning> {
    let asks = |policy| claims.domains.iter().any(|domain| domain.ct.policy == policy);
    let mut warnings = Vec::new();
    let age_secs = claims.ct_logs_as_of.map(|as_of| now.secs_since(as_of)).unwrap_or_default();
    if asks(claims::CtPolicy::Verified) && age_secs > OLD_LIST_SECS {
        let days = |secs: u64| secs / 86_400;
        let detail = format!(
            "The CT log list is {} days old: after {} days `verified` only reports. Import a newer one.",
            days(age_secs),
            days(MAX_LIST_AGE_SECS)
        );
        warnings.push(Warning { code: WarningCode::CtListOld, domain: None, detail });
    }
    warnings.extend(claims.domains.iter().filter_map(|domain| warn_of_requirement(domain, claims)));
    warnings
}

fn warn_of_requirement(domain: &Domain, claims: &Claims) -> Option<Warning> {
    let CtRequirement { policy, min, logs } = &domain.ct;
    let name = domain.name.to_string();
    let (code, detail) = match policy {
        claims::CtPolicy::Off => return None,
        claims::CtPolicy::Declared => (
            WarningCode::CtDeclaredOnly,
            format!("{name} checks which logs its certificate names, not their signatures: no defence against its CA."),
        ),
        claims::CtPolicy::Verified => {
            let counts = |log: &&CtLog| logs.as_ref().is_none_or(|logs| logs.contains(log.id()));
            let counting: Vec<_> = claims.ct_logs.iter().filter(counts).collect();
            let operators: BTreeSet<_> = counting.iter().map(|log| log.operator()).collect();
            if counting.len() as u64 >= *min && operators.len() >= 2 {
                return None;
            }
            let detail = format!(
                "{name} needs SCTs of {min} logs of two operators; its logs in the list are {} of {}: every connection \
                 is a violation.",
                counting.len(),
                operators.len()
            );
            (WarningCode::CtUnsatisfiable, detail)
        }
    };
    Some(Warning { code, domain: Some(name), detail })
}
