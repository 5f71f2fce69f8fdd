//! From claims back to a draft: what a release that was made without the server says becomes what the next one begins with.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use pintle_core::{
    UnixTime,
    claims::{Claims, Domain, Enforce, Pin},
};
use pintle_store::{CtLogRow, DomainId, DomainRow, DraftDomain, PinId, PinRow, Project, Unsigned};

use crate::{ServiceError, change::Change};

/// Makes the draft say what `claims` say. Labels of pins and names of CT logs that stay are kept.
pub(crate) async fn replace_draft(
    tx: &Change,
    project: &Project,
    claims: &Claims,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let scope = &project.scope;
    let mut draft = tx.find_draft(scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
    draft.refresh_secs = claims.refresh_secs.into();
    draft.on_stale = claims.on_stale.as_str().to_owned();
    draft.expires_after_secs = claims.expires_at.map(|end| Unsigned::from(end.secs_since(claims.issued_at)));
    draft.deny = join(&claims.deny);
    draft.ct_logs_as_of = claims.ct_logs_as_of.map(|as_of| Unsigned::from(as_of.as_secs()));
    tx.save_draft(scope, &draft).await?;
    replace_logs(tx, project, claims).await?;

    let domains = tx.list_domains(scope).await?;
    let names: BTreeSet<_> = claims.domains.iter().map(|domain| domain.name.to_string()).collect();
    for gone in domains.iter().filter(|domain| !names.contains(&domain.row.name)) {
        tx.delete_domain(scope, &gone.row.id).await?;
    }
    for wanted in &claims.domains {
        let name = wanted.name.to_string();
        let domain = match domains.iter().find(|domain| domain.row.name == name) {
            Some(known) => {
                let row = settings_of(wanted, known.row.clone());
                tx.save_domain_settings(scope, &row).await?;
                DraftDomain { row, pins: known.pins.clone(), proposed: Vec::new() }
            }
            None => {
                let row = settings_of(wanted, make_row(project, &name, now));
                tx.insert_domain(scope, row.clone()).await?;
                DraftDomain { row, pins: Vec::new(), proposed: Vec::new() }
            }
        };
        replace_pins(tx, project, &domain, &wanted.pins, now).await?;
    }
    Ok(tx.raise_revision(scope).await?)
}

async fn replace_logs(tx: &Change, project: &Project, claims: &Claims) -> Result<(), ServiceError> {
    let known = tx.list_ct_logs(&project.scope).await?;
    let row = |log: &pintle_core::claims::CtLog| {
        let log_id = Base64::encode_string(log.id());
        let name = known.iter().find(|row| row.log_id == log_id).map(|row| row.name.clone());
        CtLogRow {
            project_id: project.row.id.clone(),
            log_id,
            public_key: log.key().to_base64(),
            operator: log.operator().to_owned(),
            name: name.unwrap_or_else(|| log.operator().to_owned()),
            usable_until: log.usable_until().map(|at| Unsigned::from(at.as_secs())),
        }
    };
    Ok(tx.replace_ct_logs(&project.scope, claims.ct_logs.iter().map(row).collect()).await?)
}

async fn replace_pins(
    tx: &Change,
    project: &Project,
    domain: &DraftDomain,
    wanted: &[Pin],
    now: UnixTime,
) -> Result<(), ServiceError> {
    let is_row = |row: &PinRow, pin: &Pin| {
        row.pin_type == pin.digest.kind().as_str()
            && row.digest == pin.digest.to_base64()
            && row.pin_match == pin.matches.as_str()
    };
    for row in &domain.pins {
        if !wanted.iter().any(|pin| is_row(row, pin)) {
            tx.delete_pin(&project.scope, &domain.row.id, &row.id).await?;
        }
    }
    for (at, pin) in wanted.iter().enumerate() {
        // A file may name a pin twice (P-2.6), a draft holds it once.
        if wanted.iter().take(at).any(|earlier| earlier.digest == pin.digest && earlier.matches == pin.matches) {
            continue;
        }
        let expires_at = pin.expires_at.map(|at| Unsigned::from(at.as_secs()));
        if let Some(row) = domain.pins.iter().find(|row| is_row(row, pin)) {
            tx.save_pin(domain, &PinRow { expires_at, ..row.clone() }).await?;
            continue;
        }
        let row = PinRow {
            id: PinId::make(now.as_secs()),
            domain_id: domain.row.id.clone(),
            pin_type: pin.digest.kind().as_str().to_owned(),
            digest: pin.digest.to_base64(),
            pin_match: pin.matches.as_str().to_owned(),
            expires_at,
            source: "by_hand".to_owned(),
            label: None,
            created_at: now.as_secs().into(),
        };
        tx.insert_pin(domain, row).await?;
    }
    Ok(())
}

fn make_row(project: &Project, name: &str, now: UnixTime) -> DomainRow {
    DomainRow {
        id: DomainId::make(now.as_secs()),
        project_id: project.row.id.clone(),
        name: name.to_owned(),
        display_name: name.to_owned(),
        enforce_percent: Unsigned::default(),
        trust: String::new(),
        ct_policy: String::new(),
        ct_min: Unsigned::default(),
        ct_logs: None,
        watch: None,
        auto_draft: "off".to_owned(),
        rotation: None,
        created_at: now.as_secs().into(),
    }
}

fn settings_of(wanted: &Domain, row: DomainRow) -> DomainRow {
    let percent: u64 = match wanted.enforce {
        Enforce::Always => 100,
        Enforce::Report => 0,
        Enforce::Percent(percent) => percent.into(),
    };
    DomainRow {
        enforce_percent: percent.into(),
        trust: wanted.trust.as_str().to_owned(),
        ct_policy: wanted.ct.policy.as_str().to_owned(),
        ct_min: wanted.ct.min.into(),
        ct_logs: wanted.ct.logs.as_ref().map(join),
        ..row
    }
}

fn join(digests: &BTreeSet<[u8; 32]>) -> String {
    digests.iter().map(|digest| Base64::encode_string(digest)).collect::<Vec<_>>().join(" ")
}
