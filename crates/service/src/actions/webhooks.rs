use pintle_api::{
    CreateWebhookRequest, CreatedWebhookResponse, ListQuery, ListResponse, RotatedSecretResponse, WebhookFormat,
    WebhookMessageResponse, WebhookResponse, WebhookTestResponse,
};
use pintle_core::UnixTime;
use pintle_store::{MessageId, OrganizationScope, Page, ReadTx, Unsigned, WebhookId, WebhookMessageRow, WebhookRow};
use serde_json::json;

use crate::{
    Actor, AlertKind, AuditAction, Permission, Service, ServiceError, WebhookError,
    access::find_organization,
    audit::Event,
    page::{close_page, open_page},
    webhook::{WebhookSecret, WebhookUrl, sign_message, write_test_body},
};

/// Every alert is a message to each of them.
const MAX_WEBHOOKS: u64 = 20;
/// How long the former secret counts, too.
const OVERLAP_SECS: u64 = 24 * 3600;

impl Service {
    /// Adds a webhook; its secret is shown once.
    ///
    /// # Errors
    /// [`WebhookError`], [`ServiceError::ValueInvalid`], and those of access.
    pub async fn create_webhook(
        &self,
        actor: &Actor,
        organization: &str,
        request: &CreateWebhookRequest,
        now: UnixTime,
    ) -> Result<CreatedWebhookResponse, ServiceError> {
        let url = WebhookUrl::parse(request.url.expose_secret())?;
        // Whether it leads to such a network is judged whenever a message is sent.
        if url.is_plain() && !self.sender.as_ref().is_some_and(|sender| sender.takes_plain_http()) {
            return Err(WebhookError::UrlInvalid.into());
        }
        if request.kinds.iter().any(|kind| AlertKind::parse(kind).is_none()) {
            return Err(ServiceError::ValueInvalid {
                member: "kinds",
                expected: "kinds of alerts, as in `pin_expiring`",
            });
        }
        let (key, secret) = (self.accounts.key()?, WebhookSecret::make()?);
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageWebhooks).await?;
        if tx.count_webhooks(&member.scope).await? >= MAX_WEBHOOKS {
            return Err(WebhookError::TooMany { limit: MAX_WEBHOOKS }.into());
        }
        let id = WebhookId::make(now.as_secs());
        let row = WebhookRow {
            organization_id: member.organization.id.clone(),
            shown_url: url.shown(),
            url: url.seal(key, id.as_str())?,
            format: store_format(request.format),
            kinds: request.kinds.join(" "),
            secret: secret.seal(key, id.as_str())?,
            former_secret: None,
            former_until: None,
            free_at: Unsigned::default(),
            failing_since: None,
            disabled_at: None,
            created_by: actor.account_id.clone(),
            created_at: now.as_secs().into(),
            id,
        };
        tx.insert_webhook(row.clone()).await?;
        let webhook = describe(&tx, &row, now).await?;
        let event = Event::new(&member.scope, AuditAction::WebhookAdded, "webhook", row.id.as_str());
        tx.commit(event.after(json!({ "url": row.shown_url, "format": webhook.format, "kinds": webhook.kinds })))
            .await?;
        Ok(CreatedWebhookResponse { webhook, secret: secret.to_text() })
    }

    /// Webhooks of an organization, oldest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], and those of access.
    pub async fn list_webhooks(
        &self,
        actor: &Actor,
        organization: &str,
        query: &ListQuery,
        now: UnixTime,
    ) -> Result<ListResponse<WebhookResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageWebhooks).await?;
        let page: Page<String> = open_page(query)?;
        let mut found = Vec::new();
        for row in tx.list_webhooks(&member.scope, &page).await? {
            found.push(describe(&tx, &row, now).await?);
        }
        close_page(&page, found, |webhook| webhook.id.clone(), |webhook| Ok(webhook.clone()))
    }

    /// Removes a webhook, with its messages.
    ///
    /// # Errors
    /// Those of access.
    pub async fn remove_webhook(
        &self,
        actor: &Actor,
        organization: &str,
        webhook: &str,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageWebhooks).await?;
        let row = find_webhook(&tx, &member.scope, webhook).await?;
        tx.delete_webhook(&row.id).await?;
        let event = Event::new(&member.scope, AuditAction::WebhookRemoved, "webhook", row.id.as_str());
        tx.commit(event.before(json!({ "url": row.shown_url }))).await
    }

    /// Gives a webhook another secret, which is shown once. For a day messages are signed with the former one, too.
    ///
    /// # Errors
    /// Those of access.
    pub async fn rotate_webhook_secret(
        &self,
        actor: &Actor,
        organization: &str,
        webhook: &str,
        now: UnixTime,
    ) -> Result<RotatedSecretResponse, ServiceError> {
        let (key, secret) = (self.accounts.key()?, WebhookSecret::make()?);
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageWebhooks).await?;
        let row = find_webhook(&tx, &member.scope, webhook).await?;
        let until = now.saturating_add_secs(OVERLAP_SECS).as_secs();
        let fresh = secret.seal(key, row.id.as_str())?;
        let row =
            WebhookRow { former_secret: Some(row.secret), former_until: Some(until.into()), secret: fresh, ..row };
        tx.save_webhook(&row).await?;
        tx.commit(Event::new(&member.scope, AuditAction::WebhookSecretRotated, "webhook", row.id.as_str())).await?;
        Ok(RotatedSecretResponse { secret: secret.to_text(), former_secret_until: until })
    }

    /// Sends a webhook a message that means nothing, at once. If it is taken, a webhook that was not used any more is used
    /// again.
    ///
    /// # Errors
    /// [`WebhookError::Unsent`], and those of access.
    pub async fn test_webhook(
        &self,
        actor: &Actor,
        organization: &str,
        webhook: &str,
        now: UnixTime,
    ) -> Result<WebhookTestResponse, ServiceError> {
        let sender = self.sender.clone().ok_or(WebhookError::Unsent)?;
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageWebhooks).await?;
        let row = find_webhook(&tx, &member.scope, webhook).await?;
        tx.commit(Event::new(&member.scope, AuditAction::WebhookTested, "webhook", row.id.as_str())).await?;

        let id = MessageId::make(now.as_secs());
        let body = write_test_body(describe_format(row.format), now);
        let message = sign_message(self.accounts.key()?, &row, id.as_str(), &body, now)?;
        if let Err(error) = sender.send(&message).await {
            return Ok(WebhookTestResponse { delivered: false, error: Some(error.message) });
        }
        self.note_webhook_works(&row.id, now).await?;
        Ok(WebhookTestResponse { delivered: true, error: None })
    }

    /// Messages of a webhook, the newest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], and those of access.
    pub async fn list_webhook_messages(
        &self,
        actor: &Actor,
        organization: &str,
        webhook: &str,
        query: &ListQuery,
    ) -> Result<ListResponse<WebhookMessageResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageWebhooks).await?;
        let row = find_webhook(&tx, &member.scope, webhook).await?;
        let page: Page<String> = open_page(query)?;
        let rows = tx.list_messages(&row, &page).await?;
        close_page(&page, rows, |row| row.id.to_string(), |row| Ok(describe_message(row)))
    }

    /// Sends a message again that was taken or given up, with the id and the body it had: a receiver that has it knows.
    ///
    /// # Errors
    /// [`WebhookError::Disabled`], and those of access.
    pub async fn replay_webhook_message(
        &self,
        actor: &Actor,
        organization: &str,
        webhook: &str,
        message: &str,
        now: UnixTime,
    ) -> Result<WebhookMessageResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageWebhooks).await?;
        let row = find_webhook(&tx, &member.scope, webhook).await?;
        let missing = ServiceError::NotFound { what: "message" };
        let Ok(id) = MessageId::parse(message) else { return Err(missing) };
        let found = tx.find_message(&row, &id).await?.ok_or(missing)?;
        if row.disabled_at.is_some() {
            return Err(WebhookError::Disabled.into());
        }
        let run_at = found.run_at.unwrap_or_else(|| now.as_secs().into());
        let waiting = WebhookMessageRow {
            run_at: Some(run_at),
            attempts: if found.run_at.is_some() { found.attempts } else { Unsigned::default() },
            delivered_at: None,
            ..found
        };
        tx.save_message(&waiting).await?;
        let event = Event::new(&member.scope, AuditAction::WebhookReplayed, "webhook", row.id.as_str());
        tx.commit(event.after(json!({ "message": id.as_str() }))).await?;
        self.messages.notify_one();
        Ok(describe_message(&waiting))
    }
}

async fn find_webhook(tx: &ReadTx, scope: &OrganizationScope, id: &str) -> Result<WebhookRow, ServiceError> {
    let missing = ServiceError::NotFound { what: "webhook" };
    let Ok(id) = WebhookId::parse(id) else { return Err(missing) };
    tx.find_webhook(scope, &id).await?.ok_or(missing)
}

async fn describe(tx: &ReadTx, row: &WebhookRow, now: UnixTime) -> Result<WebhookResponse, ServiceError> {
    Ok(WebhookResponse {
        id: row.id.to_string(),
        url: row.shown_url.clone(),
        format: describe_format(row.format),
        kinds: row.kinds.split_ascii_whitespace().map(str::to_owned).collect(),
        waiting: tx.count_waiting_messages(&row.id).await?,
        former_secret_until: row.former_until.map(Unsigned::value).filter(|until| *until > now.as_secs()),
        failing_since: row.failing_since.map(Unsigned::value),
        disabled_at: row.disabled_at.map(Unsigned::value),
        created_by: row.created_by.to_string(),
        created_at: row.created_at.value(),
    })
}

fn describe_message(row: &WebhookMessageRow) -> WebhookMessageResponse {
    WebhookMessageResponse {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        attempts: row.attempts.value(),
        next_attempt_at: row.run_at.map(Unsigned::value),
        delivered_at: row.delivered_at.map(Unsigned::value),
        error: row.error.clone(),
        created_at: row.created_at.value(),
    }
}

const fn store_format(format: WebhookFormat) -> pintle_store::WebhookFormat {
    match format {
        WebhookFormat::Standard => pintle_store::WebhookFormat::Standard,
        WebhookFormat::Slack => pintle_store::WebhookFormat::Slack,
    }
}

pub(crate) const fn describe_format(format: pintle_store::WebhookFormat) -> WebhookFormat {
    match format {
        pintle_store::WebhookFormat::Standard => WebhookFormat::Standard,
        pintle_store::WebhookFormat::Slack => WebhookFormat::Slack,
    }
}
