use pintle_core::UnixTime;
use pintle_store::{LeasedMessage, OrganizationId, WebhookId, WebhookMessageRow, WebhookRow};

use crate::{
    Progress, SendError, Service, ServiceError,
    alert::{Alert, AlertKind, DAY_SECS, raise, resolve},
    change::Change,
    hex::write_hex,
    random::make_random,
    webhook::sign_message,
};

/// Longer than an attempt takes.
const LEASE_SECS: u64 = 60;
/// The waits between the attempts at one message, about two days in all; then it is given up.
const WAITS_SECS: [u64; 9] = [10, 60, 300, 1800, 7200, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600];
/// A webhook that failed is not tried with another message before this time: one that is dead costs an attempt a minute.
const PAUSE_SECS: u64 = 60;
/// Whoever asks to be left alone for longer is asked again after this: a number with too many digits ends no telling.
const MAX_ASKED_SECS: u64 = 6 * 3600;
/// A webhook that takes nothing for so long is not used any more.
const DEAD_SECS: u64 = 5 * DAY_SECS;

impl Service {
    /// Sends the message that is due longest, of those whose webhook is free. Safe to call from several places.
    ///
    /// # Errors
    /// [`ServiceError::Store`], [`ServiceError::Internal`].
    pub async fn send_next_message(&self, now: UnixTime) -> Result<Progress, ServiceError> {
        let next = self.store.read().await?.find_next_message_time().await?;
        let idle = Progress::Idle { next_at: next.map(UnixTime::from_secs) };
        let Some(sender) = self.sender.clone().filter(|_| next.is_some()) else { return Ok(idle) };
        let tx = self.begin_system_change(now).await?;
        let lease = write_hex(&make_random::<16>()?);
        let leased = tx.lease_message(&lease, now.as_secs(), now.as_secs() + LEASE_SECS).await?;
        tx.commit_recorded().await?;
        let Some(leased) = leased else { return Ok(idle) };
        // There may be more: whoever else waits looks, while this one takes its time.
        self.messages.notify_one();
        let (id, body) = (leased.row.id.as_str(), &leased.row.body);
        let sent = match sign_message(self.accounts.key()?, &leased.webhook, id, body, now) {
            Ok(message) => sender.send(&message).await,
            Err(error) => {
                tracing::error!(webhook.id = %leased.webhook.id, %error, "a message cannot be signed");
                Err(SendError {
                    message: "the server cannot open the secret of the webhook".to_owned(),
                    is_gone: false,
                    retry_after_secs: None,
                })
            }
        };
        match sent {
            Ok(()) => self.finish_message(leased, now).await,
            Err(error) => self.fail_message(leased, &error, now).await,
        }
    }

    /// Returns when a message was added since the last call.
    pub async fn wait_for_message(&self) {
        self.messages.notified().await;
    }

    async fn finish_message(&self, leased: LeasedMessage, now: UnixTime) -> Result<Progress, ServiceError> {
        let tx = self.begin_system_change(now).await?;
        if let Some(row) = still_ours(&tx, &leased).await? {
            let delivered_at = Some(now.as_secs().into());
            tx.save_message(&WebhookMessageRow { run_at: None, lease: None, delivered_at, error: None, ..row }).await?;
        }
        work_again(&tx, &leased.webhook, now).await?;
        tx.commit_recorded().await?;
        Ok(Progress::Done)
    }

    async fn fail_message(
        &self,
        leased: LeasedMessage,
        error: &SendError,
        now: UnixTime,
    ) -> Result<Progress, ServiceError> {
        let id = &leased.webhook.id;
        let asked_secs = error.retry_after_secs.unwrap_or_default().min(MAX_ASKED_SECS);
        let tx = self.begin_system_change(now).await?;
        if let Some(row) = still_ours(&tx, &leased).await? {
            let wait = next_wait(row.attempts.value())?.map(|wait| wait.max(asked_secs));
            tracing::warn!(webhook.id = %id, message.id = %row.id, message.attempts = row.attempts.value(), %error,
                is_given_up = wait.is_none(), "a message was not taken");
            let run_at = wait.map(|wait| now.saturating_add_secs(wait).as_secs().into());
            let error = Some(error.message.clone());
            tx.save_message(&WebhookMessageRow { run_at, lease: None, error, ..row }).await?;
        }
        if let Some(webhook) = tx.load_webhook(id).await? {
            let since = webhook.failing_since.unwrap_or_else(|| now.as_secs().into());
            let is_dead = error.is_gone || now.as_secs().saturating_sub(since.value()) >= DEAD_SECS;
            let row = WebhookRow {
                free_at: now.saturating_add_secs(PAUSE_SECS.max(asked_secs)).as_secs().into(),
                failing_since: Some(since),
                disabled_at: webhook.disabled_at.or(is_dead.then(|| now.as_secs().into())),
                ..webhook
            };
            tx.save_webhook(&row).await?;
            if is_dead {
                disable(&tx, &row, error, now).await?;
            }
        }
        tx.commit_recorded().await?;
        Ok(Progress::Postponed)
    }

    /// A message was taken: whatever was wrong with the webhook is over.
    pub(super) async fn note_webhook_works(&self, id: &WebhookId, now: UnixTime) -> Result<(), ServiceError> {
        let tx = self.begin_system_change(now).await?;
        if let Some(webhook) = tx.load_webhook(id).await? {
            work_again(&tx, &webhook, now).await?;
        }
        tx.commit_recorded().await
    }
}

/// The message as it is now, unless somebody else took it, or asked for it again, meanwhile.
async fn still_ours(tx: &Change, leased: &LeasedMessage) -> Result<Option<WebhookMessageRow>, ServiceError> {
    let row = tx.find_message(&leased.webhook, &leased.row.id).await?;
    Ok(row.filter(|row| row.lease == leased.row.lease))
}

async fn work_again(tx: &Change, webhook: &WebhookRow, now: UnixTime) -> Result<(), ServiceError> {
    let Some(webhook) = tx.load_webhook(&webhook.id).await? else { return Ok(()) };
    let free_at = now.as_secs().into();
    tx.save_webhook(&WebhookRow { free_at, failing_since: None, disabled_at: None, ..webhook.clone() }).await?;
    let alert = about(&webhook.organization_id, &webhook, String::new());
    resolve(tx, &alert, now).await
}

async fn disable(tx: &Change, webhook: &WebhookRow, error: &SendError, now: UnixTime) -> Result<(), ServiceError> {
    tx.drop_waiting_messages(&webhook.id).await?;
    let detail = format!("{} takes no messages, and gets none any more. The last attempt: {error}.", webhook.shown_url);
    raise(tx, about(&webhook.organization_id, webhook, detail), now).await
}

fn about<'a>(organization: &'a OrganizationId, webhook: &'a WebhookRow, detail: String) -> Alert<'a> {
    Alert::of_organization(AlertKind::WebhookDisabled, organization, webhook.id.as_str(), detail)
}

/// How long to wait after so many attempts, a fifth more or less, so that what failed together is not tried together;
/// `None`: it is given up.
fn next_wait(attempts: u64) -> Result<Option<u64>, ServiceError> {
    let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(wait) = WAITS_SECS.get(index) else { return Ok(None) };
    let random = u64::from(u32::from_le_bytes(make_random()?));
    let spread = (wait * 2 / 5).max(1);
    Ok(Some(wait - spread / 2 + random % spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        for (attempts, wait) in (1..).zip(WAITS_SECS) {
            let chosen = next_wait(attempts).unwrap().unwrap();
            assert!((wait * 4 / 5 - 1..=wait * 6 / 5 + 1).contains(&chosen), "{attempts}: {chosen}");
        }
        assert_eq!(next_wait(10).unwrap(), None);
    }
}
