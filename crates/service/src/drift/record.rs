//! What is written down of a look, and what of it is told.

use pintle_api::{AutoDraft, Concern, DriftState};
use pintle_core::UnixTime;
use pintle_store::{DriftChangeRow, DriftRow, DriftSubject, DueDateRow, DueKind, ObservedCertificateRow, ProjectScope};
use serde_json::json;

use super::{
    CT, LoggedVerdict, Proposal, SERVER, Standing, Verdict, advance, judge::SeenCertificate, propose::propose,
};
use crate::{
    AlertKind, AuditAction, ServiceError,
    alert::{Alert, AlertSettings, forget_due, note_due, raise, resolve, set_condition},
    audit::Event,
    change::Change,
};

/// Of one domain; what flaps for a year has no more to tell.
const MAX_CHANGES: u64 = 500;
/// Of one domain: a server that shows another certificate each time fills no disk.
const MAX_CERTIFICATES: u64 = 50;
/// A certificate that is seen again is noted once in so long.
const SEEN_AGAIN_SECS: u64 = 86_400;

/// What a look found.
pub(crate) struct Finding {
    /// As it was before.
    pub(crate) row: DriftRow,
    pub(crate) scope: ProjectScope,
    /// The release it was compared with.
    pub(crate) version: u64,
    /// The certificates that were known.
    pub(crate) certificates: Vec<ObservedCertificateRow>,
    pub(crate) verdict: Verdict,
    /// Which pins the domain has; none of a place.
    pub(crate) pins_sha256: Option<String>,
}

/// Writes down what a look found; what is believed of it may change, and that is told.
pub(crate) async fn record_finding(
    tx: &Change,
    alerts: &AlertSettings,
    finding: Finding,
    due_at: impl FnOnce(&DriftRow) -> Option<u64>,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let Finding { row: before, scope, version, certificates, verdict, pins_sha256 } = finding;
    let (mut after, news) = advance_row(&before, verdict.state, &verdict.detail, version, now);
    let is_first = pins_sha256.is_some() && before.pins_sha256 != pins_sha256;
    if is_first && !verdict.matched.is_empty() {
        after.pins_sha256 = pins_sha256;
        after.primary_pins = Some(verdict.matched.iter().cloned().collect::<Vec<_>>().join(" "));
    }
    after.due_at = due_at(&after).map(Into::into);
    if !tx.save_drift(before.lease.as_deref(), &after).await? {
        // Somebody else looked meanwhile, or nobody wants to know any more.
        return Ok(());
    }
    let proposals: Vec<_> = verdict.certificates.iter().filter_map(|seen| propose_seen(seen, &after.vantage)).collect();
    propose(tx, &scope, &after.subject, &proposals).await?;
    let is_news = save_certificates(tx, &scope, &after.subject, &verdict, &certificates).await?;
    // What apps refuse, a stranger's for one, is not theirs to renew, and hides no end of what is.
    let ends = verdict.certificates.iter().filter(|seen| seen.is_accepted).map(|seen| seen.not_after).min();
    if let Some(due_at) = ends.filter(|_| is_news) {
        note_due(tx, alerts, &scope, due_of(&scope, &after, due_at, now.as_secs()), now).await?;
    }
    if let Some(state) = news {
        let was = before.state.as_deref().and_then(DriftState::parse);
        let (alert, over) = (alert_of(state), was.and_then(alert_of));
        if let Some(over) = over.filter(|over| Some(*over) != alert) {
            set_condition(tx, &scope, over, &name_subject(&after), None, now).await?;
        }
        if let Some(kind) = alert {
            set_condition(tx, &scope, kind, &name_subject(&after), Some(after.detail.clone()), now).await?;
        }
        tell_change(tx, &scope, &before, &after, state).await?;
    }
    Ok(())
}

fn propose_seen(seen: &SeenCertificate, vantage: &str) -> Option<Proposal> {
    let reason = format!("{}, seen from {vantage}.", seen.lacks_pin.as_ref()?);
    Some(Proposal { spki_sha256: seen.spki_sha256.clone(), reason, needs: AutoDraft::Live })
}

/// What asking about a domain's certificates in CT led to.
pub(crate) struct LoggedFinding {
    /// As it was before.
    pub(crate) row: DriftRow,
    pub(crate) scope: ProjectScope,
    /// The release it was compared with.
    pub(crate) version: u64,
    /// Whether anybody answered.
    pub(crate) is_answered: bool,
    pub(crate) verdict: LoggedVerdict,
}

/// Writes down what CT holds; members are told of every find that no pin fits, of all of one kind together.
pub(crate) async fn record_logged(
    tx: &Change,
    finding: LoggedFinding,
    due_at: impl FnOnce(&DriftRow, bool) -> u64,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let LoggedFinding { row: before, scope, version, is_answered, verdict } = finding;
    let (mut after, news) = advance_row(&before, verdict.state, &verdict.detail, version, now);
    // From now on what is found is new.
    after.pins_sha256 = before.pins_sha256.clone().or_else(|| is_answered.then(String::new));
    after.due_at = Some(due_at(&after, is_answered).into());
    if !tx.save_drift(before.lease.as_deref(), &after).await? {
        return Ok(());
    }
    for row in verdict.rows {
        tx.save_logged_certificate(row).await?;
    }
    tx.delete_logged_certificates_before(&scope, &after.subject, now.as_secs()).await?;
    propose(tx, &scope, &after.subject, &verdict.proposals).await?;
    for kind in ALERTS_OF_CT {
        let found = verdict.trouble.iter().find(|(found, ..)| *found == kind);
        let (detail, stage) = found.map(|(_, detail, stage)| (detail.clone(), *stage)).unwrap_or_default();
        let subject = name_subject(&after);
        let alert = Alert { stage, ..Alert::of_project(kind, &scope, &subject, detail) };
        if found.is_some() { raise(tx, alert, now).await? } else { resolve(tx, &alert, now).await? }
    }
    match news {
        Some(state) => tell_change(tx, &scope, &before, &after, state).await,
        None => Ok(()),
    }
}

/// What members are told of what CT holds.
const ALERTS_OF_CT: [AlertKind; 2] = [AlertKind::CertificateUnpinned, AlertKind::IssuerUnexpected];

/// The row after a look, and the state that is believed from now on if it is another one.
fn advance_row(
    before: &DriftRow,
    seen: DriftState,
    detail: &str,
    version: u64,
    now: UnixTime,
) -> (DriftRow, Option<DriftState>) {
    let standing = advance(read_standing(before), seen);
    let has_changed = standing.state != before.state.as_deref().and_then(DriftState::parse);
    let after = DriftRow {
        state: standing.state.map(|state| state.as_str().to_owned()),
        since: if has_changed { Some(now.as_secs().into()) } else { before.since },
        detail: detail.to_owned(),
        pending_state: standing.pending.map(|(state, _)| state.as_str().to_owned()),
        pending_count: standing.pending.map_or(0, |(_, times)| times).into(),
        version: version.into(),
        seen_at: Some(now.as_secs().into()),
        due_at: None,
        lease: None,
        ..before.clone()
    };
    (after, standing.state.filter(|_| has_changed))
}

/// Whether one of them is new, or was not noted for a day.
async fn save_certificates(
    tx: &Change,
    scope: &ProjectScope,
    domain: &str,
    verdict: &Verdict,
    known: &[ObservedCertificateRow],
) -> Result<bool, ServiceError> {
    let now = tx.now().as_secs();
    let mut has_news = false;
    for seen in &verdict.certificates {
        let before = known.iter().find(|row| row.sha256 == seen.sha256);
        let is_news = before.is_none_or(|row| {
            row.last_seen_at.value() + SEEN_AGAIN_SECS <= now || (seen.is_accepted && row.accepted_at.is_none())
        });
        if !is_news {
            continue;
        }
        has_news = true;
        let accepted_before = before.and_then(|row| row.accepted_at);
        let row = ObservedCertificateRow {
            project_id: scope.project().clone(),
            domain: domain.to_owned(),
            sha256: seen.sha256.clone(),
            spki_sha256: seen.spki_sha256.clone(),
            issuer: seen.issuer.clone(),
            not_after: seen.not_after.into(),
            first_seen_at: before.map_or(now.into(), |row| row.first_seen_at),
            last_seen_at: now.into(),
            accepted_at: if seen.is_accepted { Some(now.into()) } else { accepted_before },
        };
        tx.save_observed_certificate(scope, row, MAX_CERTIFICATES).await?;
    }
    Ok(has_news)
}

/// A change goes into the history; trouble, and the end of it, into the audit log as well.
async fn tell_change(
    tx: &Change,
    scope: &ProjectScope,
    before: &DriftRow,
    after: &DriftRow,
    state: DriftState,
) -> Result<(), ServiceError> {
    let change = DriftChangeRow {
        project_id: scope.project().clone(),
        seq: 0.into(),
        kind: after.kind.clone(),
        subject: after.subject.clone(),
        vantage: after.vantage.clone(),
        at: tx.now().as_secs().into(),
        before: before.state.clone(),
        after: state.as_str().to_owned(),
        detail: after.detail.clone(),
        version: after.version,
    };
    tx.insert_drift_change(change, MAX_CHANGES).await?;
    let was = before.state.as_deref().and_then(DriftState::parse);
    if was.map_or(Concern::None, DriftState::concern).max(state.concern()) == Concern::None {
        return Ok(());
    }
    tracing::warn!(project.id = %scope.project(), drift.subject = %after.subject, drift.vantage = %after.vantage,
        drift.state = state.as_str(), "what the world shows has changed");
    let event = Event::in_project(scope, AuditAction::DriftChanged, &after.kind, &after.subject);
    tx.record(event.before(json!({ "state": before.state })).after(json!({
        "state": state, "vantage": after.vantage, "detail": after.detail, "release": after.version.value(),
    })))
    .await
}

/// What is looked at no more is no trouble any more.
pub(crate) async fn tell_end(tx: &Change, scope: &ProjectScope, row: &DriftRow) -> Result<(), ServiceError> {
    let state = row.state.as_deref().and_then(DriftState::parse);
    if row.vantage == CT {
        tx.delete_logged_certificates_before(scope, &row.subject, u64::MAX).await?;
        for kind in ALERTS_OF_CT {
            set_condition(tx, scope, kind, &name_subject(row), None, tx.now()).await?;
        }
    } else {
        forget_due(tx, scope, &due_of(scope, row, 0, 0), tx.now()).await?;
    }
    let Some(kind) = state.and_then(alert_of) else { return Ok(()) };
    set_condition(tx, scope, kind, &name_subject(row), None, tx.now()).await?;
    let event = Event::in_project(scope, AuditAction::DriftChanged, &row.kind, &row.subject);
    tx.record(event.before(json!({ "state": row.state })).after(json!({ "vantage": row.vantage }))).await
}

/// What members are told of a state.
const fn alert_of(state: DriftState) -> Option<AlertKind> {
    match state {
        DriftState::Match | DriftState::NotLookedAt => None,
        DriftState::MatchOnlyByBackup => Some(AlertKind::DriftBackupOnly),
        DriftState::Stale => Some(AlertKind::CdnStale),
        DriftState::Unreachable => Some(AlertKind::HostUnreachable),
        DriftState::UnpinnedInCt => Some(AlertKind::CertificateUnpinned),
        DriftState::SctPolicyUnmet => Some(AlertKind::SctUnmet),
        DriftState::AnotherRelease => Some(AlertKind::TargetsDiffer),
        DriftState::Mismatch => Some(AlertKind::DriftMismatch),
        DriftState::UnexpectedIssuer => Some(AlertKind::IssuerUnexpected),
    }
}

/// The end of the certificate in use.
fn due_of(scope: &ProjectScope, row: &DriftRow, due_at: u64, noted_at: u64) -> DueDateRow {
    DueDateRow {
        project_id: scope.project().clone(),
        kind: DueKind::Certificate,
        subject: name_subject(row),
        due_at: due_at.into(),
        noted_at: noted_at.into(),
    }
}

/// What a member reads; whoever looks from elsewhere may see another server.
fn name_subject(row: &DriftRow) -> String {
    match row.vantage.as_str() {
        SERVER => row.subject.clone(),
        CT => format!("{} in CT", row.subject),
        vantage => format!("{} seen from {vantage}", row.subject),
    }
}

fn read_standing(row: &DriftRow) -> Standing {
    let pending = row.pending_state.as_deref().and_then(DriftState::parse);
    Standing {
        state: row.state.as_deref().and_then(DriftState::parse),
        pending: pending.map(|state| (state, row.pending_count.value())),
    }
}

/// Something that nobody looked at yet.
pub(crate) fn make_row(scope: &ProjectScope, subject: DriftSubject, vantage: &str, version: u64) -> DriftRow {
    DriftRow {
        project_id: scope.project().clone(),
        kind: subject.kind,
        subject: subject.name,
        vantage: vantage.to_owned(),
        state: None,
        since: None,
        detail: String::new(),
        pending_state: None,
        pending_count: 0.into(),
        pins_sha256: None,
        primary_pins: None,
        version: version.into(),
        seen_at: None,
        due_at: None,
        lease: None,
    }
}
