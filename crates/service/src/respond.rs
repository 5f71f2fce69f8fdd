//! From rows to what travels.

use pintle_api::{
    Approval, AutoDraft, CtLogResponse, CtLogsResponse, Custody, DomainResponse, DraftSettings, Enforce, EnforceWord,
    Expiry, InvitationResponse, MemberResponse, OnStale, OrganizationResponse, OverrideResponse, PinMatch, PinOrigin,
    PinResponse, PinType, ProjectKeyResponse, ProjectResponse, ProposedPinResponse, ReleaseKind, ReleaseResponse,
    ReleaseState, ReleaseTargetResponse, Role, StatementResponse, StatementSigner, TargetState, TokenResponse, Trust,
};
use pintle_core::{Root, claims, root::BaseUrl};
use pintle_store::{
    CtLogRow, DraftDomain, DraftRow, InvitationRow, Member, Membership, PinRow, Project, ProjectScope, ProposedPinRow,
    ReadTx, ReleaseRow, ReleaseTargetRow, StatementRow, TokenRow, Unsigned,
};

use crate::{
    ServiceError,
    actor::parse_scopes,
    claims::make_root,
    ct::describe_requirement,
    succession::{current_key, is_signed_by_recovery_key},
};

pub(crate) fn organization(member: &Membership) -> OrganizationResponse {
    OrganizationResponse {
        id: member.organization.id.to_string(),
        name: member.organization.name.clone(),
        role: role(member.role),
        requires_sso: member.organization.sso_required_at.is_some(),
        created_at: member.organization.created_at.value(),
    }
}

pub(crate) fn role(role: pintle_store::Role) -> Role {
    match role {
        pintle_store::Role::Owner => Role::Owner,
        pintle_store::Role::Admin => Role::Admin,
        pintle_store::Role::Publisher => Role::Publisher,
        pintle_store::Role::Editor => Role::Editor,
        pintle_store::Role::Auditor => Role::Auditor,
    }
}

pub(crate) fn member(member: &Member) -> MemberResponse {
    MemberResponse {
        account_id: member.account.id.to_string(),
        name: member.account.name.clone(),
        role: role(member.role),
        joined_at: member.joined_at.value(),
    }
}

pub(crate) fn invitation(row: &InvitationRow) -> InvitationResponse {
    InvitationResponse {
        id: row.id.to_string(),
        role: role(row.role),
        email: row.email.clone(),
        prefix: row.prefix.clone(),
        invited_by: row.invited_by.to_string(),
        created_at: row.created_at.value(),
        expires_at: row.expires_at.value(),
    }
}

pub(crate) fn token(row: &TokenRow, account_name: Option<&str>) -> TokenResponse {
    TokenResponse {
        id: row.id.to_string(),
        name: row.name.clone(),
        prefix: row.prefix.clone(),
        scopes: parse_scopes(&row.scopes),
        account_id: row.account_id.to_string(),
        account_name: account_name.map(str::to_owned),
        organization_id: row.organization_id.as_ref().map(ToString::to_string),
        project_id: row.project_id.as_ref().map(ToString::to_string),
        created_at: row.created_at.value(),
        expires_at: row.expires_at.map(Unsigned::value),
        last_used_at: row.last_used_at.map(Unsigned::value),
    }
}

pub(crate) async fn project(tx: &ReadTx, project: &Project, urls: &[BaseUrl]) -> Result<ProjectResponse, ServiceError> {
    let row = &project.row;
    let key = match make_root(project, urls) {
        Ok(root) => {
            let current = current_key(&root, tx.find_last_statement(&project.scope).await?.as_ref())?;
            Some(ProjectKeyResponse {
                public_key: current.to_base64(),
                original_public_key: root.public_key().to_base64(),
                recovery_key: root.recovery_key().map(pintle_core::PublicKey::to_base64),
                kid: current.kid().to_string(),
                custody: custody(row.custody),
            })
        }
        Err(ServiceError::KeyMissing) => None,
        Err(error) => return Err(error),
    };
    let number = |release: Option<ReleaseRow>| release.map(|release| release.version.value());
    Ok(ProjectResponse {
        id: row.id.to_string(),
        organization_id: row.organization_id.to_string(),
        name: row.name.clone(),
        environment: row.environment.clone(),
        key,
        approval: approval(row.approval),
        urls: urls.iter().map(ToString::to_string).collect(),
        latest_release: number(tx.find_last_release(&project.scope).await?),
        live_release: number(tx.find_live_release(&project.scope).await?),
        withdrawn_at: row.withdrawn_at.map(Unsigned::value),
        created_at: row.created_at.value(),
    })
}

pub(crate) const fn custody(custody: pintle_store::Custody) -> Custody {
    match custody {
        pintle_store::Custody::External => Custody::External,
        pintle_store::Custody::Kms => Custody::Kms,
        pintle_store::Custody::BrowserPassword => Custody::BrowserPassword,
        pintle_store::Custody::BrowserPasskey => Custody::BrowserPasskey,
    }
}

pub(crate) fn settings(draft: &DraftRow) -> Result<DraftSettings, ServiceError> {
    Ok(DraftSettings {
        refresh_secs: draft.refresh_secs.value(),
        on_stale: match claims::OnStale::parse(&draft.on_stale) {
            Some(claims::OnStale::Keep) => OnStale::Keep,
            Some(claims::OnStale::Fail) => OnStale::Fail,
            None => return Err(ServiceError::Internal("stored `on_stale`")),
        },
        expiry: draft.expires_after_secs.map_or(Expiry::Never, |secs| Expiry::AfterSecs(secs.value())),
        deny: draft.deny.split_ascii_whitespace().map(str::to_owned).collect(),
        ct_logs_as_of: draft.ct_logs_as_of.map(Unsigned::value),
    })
}

pub(crate) fn domain(domain: &DraftDomain) -> Result<DomainResponse, ServiceError> {
    let row = &domain.row;
    Ok(DomainResponse {
        id: row.id.to_string(),
        name: row.name.clone(),
        display_name: row.display_name.clone(),
        enforce: match u8::try_from(row.enforce_percent.value()) {
            Ok(0) => Enforce::Word(EnforceWord::Report),
            Ok(percent @ 1..=99) => Enforce::Percent(percent),
            _ => Enforce::Word(EnforceWord::Always),
        },
        trust: match claims::Trust::parse(&row.trust) {
            Some(claims::Trust::Platform) => Trust::Platform,
            Some(claims::Trust::Pins) => Trust::Pins,
            None => return Err(ServiceError::Internal("stored `trust`")),
        },
        ct: describe_requirement(row)?,
        watch: row.watch.iter().flat_map(|watch| watch.split_ascii_whitespace()).map(str::to_owned).collect(),
        pins: domain.pins.iter().map(pin).collect::<Result<_, _>>()?,
        auto_draft: AutoDraft::parse(&row.auto_draft).unwrap_or_default(),
        proposed: domain.proposed.iter().map(proposed_pin).collect::<Result<_, _>>()?,
        created_at: row.created_at.value(),
    })
}

pub(crate) fn ct_logs(draft: &DraftRow, logs: &[CtLogRow]) -> CtLogsResponse {
    let log = |row: &CtLogRow| CtLogResponse {
        id: row.log_id.clone(),
        key: row.public_key.clone(),
        operator: row.operator.clone(),
        name: row.name.clone(),
        usable_until: row.usable_until.map(Unsigned::value),
    };
    CtLogsResponse { as_of: draft.ct_logs_as_of.map(Unsigned::value), logs: logs.iter().map(log).collect() }
}

fn proposed_pin(row: &ProposedPinRow) -> Result<ProposedPinResponse, ServiceError> {
    Ok(ProposedPinResponse {
        id: row.id.to_string(),
        pin_type: pin_type(&row.pin_type)?,
        digest: row.digest.clone(),
        reason: row.reason.clone(),
        proposed_at: row.proposed_at.value(),
    })
}

fn pin_type(word: &str) -> Result<PinType, ServiceError> {
    match claims::PinType::parse(word) {
        Some(claims::PinType::SpkiSha256) => Ok(PinType::SpkiSha256),
        Some(claims::PinType::SpkiSha512) => Ok(PinType::SpkiSha512),
        Some(claims::PinType::CertSha256) => Ok(PinType::CertSha256),
        Some(claims::PinType::CertSha512) => Ok(PinType::CertSha512),
        None => Err(ServiceError::Internal("stored pin type")),
    }
}

pub(crate) fn pin(row: &PinRow) -> Result<PinResponse, ServiceError> {
    Ok(PinResponse {
        id: row.id.to_string(),
        pin_type: pin_type(&row.pin_type)?,
        digest: row.digest.clone(),
        pin_match: match claims::PinMatch::parse(&row.pin_match) {
            Some(claims::PinMatch::Leaf) => PinMatch::Leaf,
            Some(claims::PinMatch::Issuer) => PinMatch::Issuer,
            Some(claims::PinMatch::Any) => PinMatch::Any,
            None => return Err(ServiceError::Internal("stored `match`")),
        },
        expires_at: row.expires_at.map(Unsigned::value),
        source: pin_origin(&row.source),
        label: row.label.clone(),
        created_at: row.created_at.value(),
    })
}

pub(crate) fn statement(row: &StatementRow, root: &Root) -> Result<StatementResponse, ServiceError> {
    Ok(StatementResponse {
        seq: row.seq.value(),
        public_key: row.public_key.clone(),
        kid: current_key(root, Some(row))?.kid().to_string(),
        signed_by: if is_signed_by_recovery_key(row, root) {
            StatementSigner::Recovery
        } else {
            StatementSigner::Predecessor
        },
        signer_kid: row.signer_kid.clone(),
        jws: row.jws.clone(),
        accepted_at: row.accepted_at.value(),
    })
}

/// A release and how far it is at each target.
pub(crate) async fn release(
    tx: &ReadTx,
    scope: &ProjectScope,
    row: &ReleaseRow,
) -> Result<ReleaseResponse, ServiceError> {
    Ok(release_at(row, &load_targets(tx, scope, std::slice::from_ref(row)).await?))
}

/// How far the releases `rows` are at each target.
pub(crate) async fn load_targets(
    tx: &ReadTx,
    scope: &ProjectScope,
    rows: &[ReleaseRow],
) -> Result<Vec<ReleaseTargetRow>, ServiceError> {
    let versions = || rows.iter().map(|row| row.version.value());
    let (Some(first), Some(last)) = (versions().min(), versions().max()) else { return Ok(Vec::new()) };
    Ok(tx.list_release_targets(scope, first, last).await?)
}

/// A release, and of `targets` those that are about it.
pub(crate) fn release_at(row: &ReleaseRow, targets: &[ReleaseTargetRow]) -> ReleaseResponse {
    ReleaseResponse {
        id: row.id.to_string(),
        version: row.version.value(),
        kind: match row.kind {
            pintle_store::ReleaseKind::Configuration => ReleaseKind::Configuration,
            pintle_store::ReleaseKind::Withdrawal => ReleaseKind::Withdrawal,
        },
        external: row.source == pintle_store::ReleaseSource::External,
        state: match row.state {
            pintle_store::ReleaseState::AwaitingApproval => ReleaseState::AwaitingApproval,
            pintle_store::ReleaseState::Scheduled => ReleaseState::Scheduled,
            pintle_store::ReleaseState::Accepted => ReleaseState::Accepted,
            pintle_store::ReleaseState::Publishing => ReleaseState::Publishing,
            pintle_store::ReleaseState::Live => ReleaseState::Live,
            pintle_store::ReleaseState::Superseded => ReleaseState::Superseded,
            pintle_store::ReleaseState::Cancelled => ReleaseState::Cancelled,
            pintle_store::ReleaseState::Voided => ReleaseState::Voided,
        },
        claims_sha256: row.claims_sha256.clone(),
        accepted_by: row.accepted_by.to_string(),
        accepted_at: row.accepted_at.value(),
        publish_at: row.publish_at.map(Unsigned::value),
        approved_by: row.approved_by.as_ref().map(ToString::to_string),
        approved_at: row.approved_at.map(Unsigned::value),
        live_at: row.live_at.map(Unsigned::value),
        overridden: overridden(row),
        targets: targets.iter().filter(|target| target.version == row.version).map(describe_target).collect(),
    }
}

/// Which errors of the guard its signer meant. What a newer version wrote otherwise is nothing.
pub(crate) fn overridden(row: &ReleaseRow) -> Option<OverrideResponse> {
    row.overridden.as_deref().and_then(|text| serde_json::from_str(text).ok())
}

fn describe_target(row: &ReleaseTargetRow) -> ReleaseTargetResponse {
    ReleaseTargetResponse {
        target: row.target.clone(),
        state: match row.state {
            pintle_store::TargetState::Waiting => TargetState::Waiting,
            pintle_store::TargetState::Failed => TargetState::Failed,
            pintle_store::TargetState::Live => TargetState::Live,
            pintle_store::TargetState::Superseded => TargetState::Superseded,
        },
        error: row.error.clone(),
        tried_at: row.tried_at.map(Unsigned::value),
        live_at: row.live_at.map(Unsigned::value),
    }
}

pub(crate) fn approval(approval: pintle_store::Approval) -> Approval {
    match approval {
        pintle_store::Approval::None => Approval::None,
        pintle_store::Approval::SecondPerson => Approval::SecondPerson,
    }
}

const PIN_ORIGINS: [(PinOrigin, &str); 5] = [
    (PinOrigin::Fetched, "fetched"),
    (PinOrigin::File, "file"),
    (PinOrigin::Csr, "csr"),
    (PinOrigin::Ct, "ct"),
    (PinOrigin::ByHand, "by_hand"),
];

/// As the database spells it.
pub(crate) fn pin_origin_word(origin: PinOrigin) -> &'static str {
    PIN_ORIGINS.iter().find(|(known, _)| *known == origin).map_or("by_hand", |(_, word)| word)
}

/// What a newer version may have added is not known where it came from.
fn pin_origin(word: &str) -> PinOrigin {
    PIN_ORIGINS.iter().find(|(_, known)| *known == word).map_or(PinOrigin::ByHand, |(origin, _)| *origin)
}
