//! Which events of the audit log are worth an alert: one mapping.

use pintle_core::UnixTime;
use pintle_store::{AuditChain, AuditFilter, AuditOrder, OrganizationId, WriteTx};
use serde_json::Value;

use super::{Alert, AlertKind, raise, resolve};
use crate::{AuditAction, ServiceError, audit::Event};

/// So many refused sign-ins to an account within [`BURST_SECS`] are told.
const BURST: u64 = 10;
const BURST_SECS: u64 = 15 * 60;
/// More events than this are not looked at to find a burst.
const MAX_EVENTS: u64 = 100;

/// Raises and resolves what an event is worth, in the transaction that records it.
pub(crate) async fn follow(tx: &WriteTx, event: &Event, now: UnixTime) -> Result<(), ServiceError> {
    // What happens to the installation as a whole is its operator's, who reads the log.
    let Ok(organization) = OrganizationId::parse(event.chain().as_str()) else { return Ok(()) };
    let subject = event.target_id();
    if let Some((kind, detail)) = describe(event)
        && is_remarkable(tx, event, now).await?
    {
        let alert = Alert::of_organization(kind, &organization, subject, detail);
        raise(tx, Alert { project: event.project(), ..alert }, now).await?;
    }
    if is_answer(event.action()) {
        let alert = Alert::of_organization(AlertKind::ApprovalNeeded, &organization, subject, String::new());
        resolve(tx, &Alert { project: event.project(), ..alert }, now).await?;
    }
    Ok(())
}

/// The mapping, and what to say. Names, addresses and networks of people stay in the log.
fn describe(event: &Event) -> Option<(AlertKind, String)> {
    let id = event.target_id();
    let after = |member: &str| event.after_summary().and_then(|summary| summary.get(member)).and_then(Value::as_str);
    let name = event.target_name().unwrap_or(id);
    Some(match event.action() {
        AuditAction::ReleaseLive => (AlertKind::ReleaseLive, format!("Release {id} is live on every target.")),
        AuditAction::ReleaseAccepted if after("state") == Some("awaiting_approval") => (
            AlertKind::ApprovalNeeded,
            format!("Release {id} was signed and submitted, and waits for a second person."),
        ),
        AuditAction::ReleaseVoided => {
            let because = after("because").unwrap_or("it is no longer valid");
            (AlertKind::ReleaseVoided, format!("Release {id} will not be published: {because}."))
        }
        AuditAction::GuardOverridden => {
            let reason = after("reason").unwrap_or_default();
            (
                AlertKind::GuardOverridden,
                format!("Release {id} was prepared in spite of errors. The reason given: {reason}"),
            )
        }
        AuditAction::ReleaseImported => {
            let place = after("found_at").unwrap_or("a target");
            (AlertKind::ReleaseImported, format!("Release {id} was made without the server; it was found at {place}."))
        }
        AuditAction::KeySucceeded => {
            let by = after("signed_by").unwrap_or("an earlier");
            (AlertKind::KeyChanged, format!("The new key is {id}. The statement was signed by the {by} key."))
        }
        AuditAction::ProjectUpdated if lifts_approval(event) => {
            (AlertKind::ApprovalLifted, format!("One person alone now releases {name}."))
        }
        AuditAction::ProjectDeleted => (AlertKind::ProjectDeleted, format!("{name} is hidden, and will be erased.")),
        AuditAction::SignInFailed => (
            AlertKind::SignInsRefused,
            format!("At least {BURST} sign-ins to {id} were refused in {} min.", BURST_SECS / 60),
        ),
        AuditAction::TokenNewNetwork => {
            (AlertKind::TokenNewNetwork, format!("{id} is used from a network that it was never used from."))
        }
        AuditAction::TokenRefused => {
            (AlertKind::TokenRefused, format!("{id} is revoked or expired, and somebody presents it."))
        }
        AuditAction::SecondFactorRemoved => {
            (AlertKind::SecondFactorRemoved, format!("The authenticator of {id} was removed."))
        }
        AuditAction::SsoRequirementChanged => {
            (AlertKind::SsoRequirementChanged, "The organization requires single sign-on, or no longer.".to_owned())
        }
        _ => return None,
    })
}

fn lifts_approval(event: &Event) -> bool {
    let approval = |summary: Option<&Value>| summary.and_then(|summary| summary.get("approval")).cloned();
    let (before, after) = (approval(event.before_summary()), approval(event.after_summary()));
    before != after && after.is_some_and(|after| after == "none")
}

/// What ends the wait for a second person.
fn is_answer(action: AuditAction) -> bool {
    matches!(action, AuditAction::ReleaseApproved | AuditAction::ReleaseCancelled | AuditAction::ReleaseVoided)
}

/// Some events are remarkable only beside others.
async fn is_remarkable(tx: &WriteTx, event: &Event, now: UnixTime) -> Result<bool, ServiceError> {
    match event.action() {
        // The first use of a token is from somewhere.
        AuditAction::TokenNewNetwork => Ok(!earlier(tx, event, None, 1).await?.is_empty()),
        AuditAction::SignInFailed => {
            let since = now.as_secs().saturating_sub(BURST_SECS);
            let records = earlier(tx, event, Some(since), MAX_EVENTS).await?;
            let earlier: u64 = records.iter().map(|record| count(record.get("after"))).sum();
            Ok(earlier.saturating_add(count(event.after_summary())) >= BURST)
        }
        _ => Ok(true),
    }
}

/// Records of the same action about the same thing, from before this one.
async fn earlier(tx: &WriteTx, event: &Event, from: Option<u64>, limit: u64) -> Result<Vec<Value>, ServiceError> {
    let chain: &AuditChain = event.chain();
    let filter = AuditFilter {
        from,
        action: Some(event.action().as_str().to_owned()),
        target: Some(event.target_id().to_owned()),
        ..AuditFilter::default()
    };
    let rows = tx.search_audit_events(chain, &filter, AuditOrder::NewestFirst, None, limit).await?;
    Ok(rows.iter().filter_map(|row| serde_json::from_str(&row.record).ok()).collect())
}

/// How many times a security event stands for.
fn count(summary: Option<&Value>) -> u64 {
    summary.and_then(|summary| summary.get("times")).and_then(Value::as_u64).unwrap_or(1)
}
