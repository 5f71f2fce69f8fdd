//! Alerts: what members should know of. Raised and resolved inside the transaction of whatever shows them, told by mail and
//! webhooks afterwards.
//!
//! ```text
//! audit event ─┐
//! due date ────┼─► raise / resolve ─► alert ─► notices ─► mail
//! drift ───────┘   (one per open condition)  └► messages ─► webhooks
//! ```

mod due;
mod event;
mod kind;
mod mail;

use pintle_api::{AlertResponse, AlertSeverity};
use pintle_core::UnixTime;
use pintle_store::{
    AlertChange, AlertId, AlertNoticeRow, AlertRecipient, AlertRow, MailChoice, MessageId, OrganizationId, ProjectId,
    ProjectScope, Unsigned, WebhookMessageRow, WriteTx,
};

use crate::{ServiceError, actions::describe_format, address::EmailAddress, webhook::write_body};

/// More messages than this do not wait for one webhook: what is new is not told there, and listed.
const MAX_WAITING: u64 = 1000;

pub use due::AlertSettings;
pub(crate) use due::{DAY_SECS, alert_kind, forget_due, is_to_be_judged, judge_due, note_due};
pub(crate) use event::follow;
pub(crate) use kind::parse_severity;
pub use kind::{AlertKind, AlertNature};
pub(crate) use mail::{Letter, Section, Telling, queue_alert_mail, queue_digest};

/// One alert in the making.
#[derive(Clone, Debug)]
pub(crate) struct Alert<'a> {
    pub(crate) kind: AlertKind,
    pub(crate) organization: &'a OrganizationId,
    pub(crate) project: Option<&'a ProjectId>,
    /// What it is about; tells conditions of one kind in one project apart.
    pub(crate) subject: &'a str,
    /// What is the matter, in a sentence.
    pub(crate) detail: String,
    pub(crate) severity: AlertSeverity,
    /// A condition that is raised again with a higher one is told again.
    pub(crate) stage: u64,
}

impl<'a> Alert<'a> {
    pub(crate) fn of_project(kind: AlertKind, scope: &'a ProjectScope, subject: &'a str, detail: String) -> Self {
        let project = Some(scope.project());
        Self { project, ..Self::of_organization(kind, scope.organization(), subject, detail) }
    }

    pub(crate) fn of_organization(
        kind: AlertKind,
        organization: &'a OrganizationId,
        subject: &'a str,
        detail: String,
    ) -> Self {
        Self { kind, organization, project: None, subject, detail, severity: kind.severity(), stage: 0 }
    }

    pub(crate) fn open_key(&self) -> String {
        let project = self.project.map_or("-", ProjectId::as_str);
        format!("{}/{project}/{}", self.kind.as_str(), self.subject)
    }
}

/// Says of a condition of a project that it holds, because of `detail`, or that it does not. However often the same is
/// said, members are told once.
pub(crate) async fn set_condition(
    tx: &WriteTx,
    scope: &ProjectScope,
    kind: AlertKind,
    subject: &str,
    detail: Option<String>,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let holds = detail.is_some();
    let alert = Alert::of_project(kind, scope, subject, detail.unwrap_or_default());
    if holds { raise(tx, alert, now).await } else { resolve(tx, &alert, now).await }
}

/// Raises an alert, unless its condition is known to hold, or the same happened a short while ago.
pub(crate) async fn raise(tx: &WriteTx, alert: Alert<'_>, now: UnixTime) -> Result<(), ServiceError> {
    let secs = now.as_secs();
    let (resolved_at, open_key) = match alert.kind.nature() {
        AlertNature::Moment { quiet_secs } => {
            let since = secs.saturating_sub(quiet_secs);
            let kind = alert.kind.as_str();
            if quiet_secs > 0 && tx.has_alert_since(alert.organization, kind, alert.subject, since).await? {
                return Ok(());
            }
            (Some(secs.into()), None)
        }
        AlertNature::Condition => {
            let open_key = alert.open_key();
            if let Some(open) = tx.find_open_alert(alert.organization, &open_key).await? {
                return worsen(tx, open, alert, now).await;
            }
            (None, Some(open_key))
        }
    };
    let row = AlertRow {
        id: AlertId::make(secs),
        organization_id: alert.organization.clone(),
        project_id: alert.project.cloned(),
        kind: alert.kind.as_str().to_owned(),
        severity: alert.severity.as_str().to_owned(),
        subject: alert.subject.to_owned(),
        detail: alert.detail,
        stage: alert.stage.into(),
        raised_at: secs.into(),
        told_at: secs.into(),
        resolved_at,
        open_key,
    };
    tx.insert_alert(row.clone()).await?;
    tracing::info!(alert.id = %row.id, alert.kind = row.kind, alert.severity = row.severity, "alert raised");
    tell(tx, &row, alert.kind, AlertChange::Raised, now).await
}

/// A condition that holds already: told again if it is more urgent than it was.
async fn worsen(tx: &WriteTx, open: AlertRow, alert: Alert<'_>, now: UnixTime) -> Result<(), ServiceError> {
    let before = open.stage.value();
    if alert.stage == before && alert.detail == open.detail {
        return Ok(());
    }
    let told_at = if alert.stage > before { now.as_secs().into() } else { open.told_at };
    let row = AlertRow {
        severity: alert.severity.as_str().to_owned(),
        detail: alert.detail,
        stage: alert.stage.into(),
        told_at,
        ..open
    };
    tx.save_alert(&row).await?;
    if alert.stage > before { tell(tx, &row, alert.kind, AlertChange::Worsened, now).await } else { Ok(()) }
}

/// Ends a condition, if it holds, and tells whoever was told of it.
pub(crate) async fn resolve(tx: &WriteTx, alert: &Alert<'_>, now: UnixTime) -> Result<(), ServiceError> {
    let Some(open) = tx.find_open_alert(alert.organization, &alert.open_key()).await? else { return Ok(()) };
    close(tx, open, alert.kind, now).await
}

async fn close(tx: &WriteTx, open: AlertRow, kind: AlertKind, now: UnixTime) -> Result<(), ServiceError> {
    tx.close_alert(&open.id, now.as_secs()).await?;
    let row = AlertRow { resolved_at: Some(now.as_secs().into()), open_key: None, ..open };
    tracing::info!(alert.id = %row.id, alert.kind = row.kind, "alert resolved");
    tell(tx, &row, kind, AlertChange::Resolved, now).await
}

/// Puts into the outboxes what is to be told of an alert.
async fn tell(
    tx: &WriteTx,
    alert: &AlertRow,
    kind: AlertKind,
    change: AlertChange,
    now: UnixTime,
) -> Result<(), ServiceError> {
    for webhook in tx.list_webhooks_in_use(&alert.organization_id).await? {
        let is_wanted =
            webhook.kinds.is_empty() || webhook.kinds.split_ascii_whitespace().any(|word| word == alert.kind);
        if !is_wanted || tx.count_waiting_messages(&webhook.id).await? >= MAX_WAITING {
            continue;
        }
        tx.insert_message(WebhookMessageRow {
            id: MessageId::make(now.as_secs()),
            kind: alert.kind.clone(),
            body: write_body(describe_format(webhook.format), change, &describe_alert(alert), now),
            webhook_id: webhook.id,
            attempts: Unsigned::default(),
            run_at: Some(now.as_secs().into()),
            lease: None,
            delivered_at: None,
            error: None,
            created_at: now.as_secs().into(),
        })
        .await?;
    }
    for recipient in tx.list_alert_recipients(&alert.organization_id).await? {
        let mail = recipient.choice.as_ref().map_or(MailChoice::default(), |choice| choice.mail);
        let Some(address) = recipient.address.as_deref().filter(|_| mail != MailChoice::Off) else { continue };
        if !wants(&recipient, kind) {
            continue;
        }
        tx.put_notice(AlertNoticeRow {
            account_id: recipient.account_id.clone(),
            alert_id: alert.id.clone(),
            change,
            mail,
            created_at: now.as_secs().into(),
        })
        .await?;
        if mail == MailChoice::Immediate {
            queue_alert_mail(tx, &recipient.account_id, &EmailAddress::parse(address)?, now).await?;
        }
    }
    Ok(())
}

/// An alert as it travels.
pub(crate) fn describe_alert(row: &AlertRow) -> AlertResponse {
    let kind = AlertKind::parse(&row.kind);
    AlertResponse {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        severity: parse_severity(&row.severity),
        title: kind.map_or("An alert", AlertKind::title).to_owned(),
        subject: row.subject.clone(),
        detail: row.detail.clone(),
        runbook: kind.map_or("", AlertKind::runbook).to_owned(),
        organization_id: row.organization_id.to_string(),
        project_id: row.project_id.as_ref().map(ToString::to_string),
        raised_at: row.raised_at.value(),
        told_at: row.told_at.value(),
        resolved_at: row.resolved_at.map(Unsigned::value),
    }
}

/// Whether a member is told of alerts of this kind.
pub(crate) fn wants(recipient: &AlertRecipient, kind: AlertKind) -> bool {
    let names = |list: &str| list.split_ascii_whitespace().any(|word| word == kind.as_str());
    let suggested = kind.roles().contains(&recipient.role);
    let is_wanted = match &recipient.choice {
        Some(choice) => names(&choice.wanted) || (suggested && !names(&choice.unwanted)),
        None => suggested,
    };
    is_wanted && kind.permission().roles().contains(&recipient.role)
}
