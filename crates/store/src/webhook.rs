use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, sea_query::Expr,
};

use crate::{
    AccountId, CalendarFeedRow, MessageId, OrganizationId, OrganizationScope, Page, ReadTx, StoreError, Unsigned,
    WebhookId, WebhookMessageRow, WebhookRow, WriteTx,
    entity::{calendar_feed, webhook, webhook_message},
};

/// A message that nobody else sends until its lease ends, and where it goes.
#[derive(Clone, Debug)]
pub struct LeasedMessage {
    /// The message, with the lease in it.
    pub row: WebhookMessageRow,
    /// Where it goes.
    pub webhook: WebhookRow,
}

impl ReadTx {
    /// Webhooks of the organization, oldest first.
    pub async fn list_webhooks(
        &self,
        scope: &OrganizationScope,
        page: &Page<String>,
    ) -> Result<Vec<WebhookRow>, StoreError> {
        self.list_page(webhooks_of(&scope.id).cursor_by(webhook::Column::Id), page).await
    }

    /// One of them.
    pub async fn find_webhook(
        &self,
        scope: &OrganizationScope,
        id: &WebhookId,
    ) -> Result<Option<WebhookRow>, StoreError> {
        Ok(webhooks_of(&scope.id).filter(webhook::Column::Id.eq(id.clone())).one(self.connection()).await?)
    }

    /// A webhook, whoever's it is: for whoever sends, on nobody's behalf.
    pub async fn load_webhook(&self, id: &WebhookId) -> Result<Option<WebhookRow>, StoreError> {
        Ok(webhook::Entity::find_by_id(id.clone()).one(self.connection()).await?)
    }

    /// How many there are.
    pub async fn count_webhooks(&self, scope: &OrganizationScope) -> Result<u64, StoreError> {
        Ok(webhooks_of(&scope.id).count(self.connection()).await?)
    }

    /// Those of an organization that are in use: for whoever tells, on nobody's behalf.
    pub async fn list_webhooks_in_use(&self, organization: &OrganizationId) -> Result<Vec<WebhookRow>, StoreError> {
        let used = webhooks_of(organization).filter(webhook::Column::DisabledAt.is_null());
        Ok(used.order_by_asc(webhook::Column::Id).all(self.connection()).await?)
    }

    /// Messages of a webhook, the newest first.
    pub async fn list_messages(
        &self,
        webhook: &WebhookRow,
        page: &Page<String>,
    ) -> Result<Vec<WebhookMessageRow>, StoreError> {
        let mut list = messages_of(&webhook.id).cursor_by(webhook_message::Column::Id);
        list.desc();
        self.list_page(list, page).await
    }

    /// One of them.
    pub async fn find_message(
        &self,
        webhook: &WebhookRow,
        id: &MessageId,
    ) -> Result<Option<WebhookMessageRow>, StoreError> {
        let found = messages_of(&webhook.id).filter(webhook_message::Column::Id.eq(id.clone()));
        Ok(found.one(self.connection()).await?)
    }

    /// How many messages wait for a webhook.
    pub async fn count_waiting_messages(&self, webhook: &WebhookId) -> Result<u64, StoreError> {
        let waiting = messages_of(webhook).filter(webhook_message::Column::RunAt.is_not_null());
        Ok(waiting.count(self.connection()).await?)
    }

    /// When the next message is due and its webhook free: seconds since 1970 UTC.
    pub async fn find_next_message_time(&self) -> Result<Option<u64>, StoreError> {
        let next = due().one(self.connection()).await?;
        let Some(next) = next else { return Ok(None) };
        let webhook = webhook::Entity::find_by_id(next.webhook_id.clone()).one(self.connection()).await?;
        let free_at = webhook.map_or(0, |webhook| webhook.free_at.value());
        Ok(next.run_at.map(|run_at| std::cmp::max(run_at.value(), free_at)))
    }

    /// The calendar with this secret.
    pub async fn find_calendar_feed(&self, secret_sha256: &str) -> Result<Option<CalendarFeedRow>, StoreError> {
        let found = calendar_feed::Entity::find().filter(calendar_feed::Column::SecretSha256.eq(secret_sha256));
        Ok(found.one(self.connection()).await?)
    }

    /// The calendar of a member.
    pub async fn find_calendar_feed_of(
        &self,
        scope: &OrganizationScope,
        account: &AccountId,
    ) -> Result<Option<CalendarFeedRow>, StoreError> {
        let key = (scope.id.clone(), account.clone());
        Ok(calendar_feed::Entity::find_by_id(key).one(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds a webhook.
    pub async fn insert_webhook(&self, row: WebhookRow) -> Result<(), StoreError> {
        self.insert::<webhook::Entity, _>(row).await
    }

    /// Saves what changes about a webhook: its secrets, and how it fares.
    pub async fn save_webhook(&self, row: &WebhookRow) -> Result<(), StoreError> {
        use webhook::Column;
        webhook::Entity::update_many()
            .col_expr(Column::Secret, Expr::value(row.secret.as_str()))
            .col_expr(Column::FormerSecret, Expr::value(row.former_secret.clone()))
            .col_expr(Column::FormerUntil, Expr::value(row.former_until))
            .col_expr(Column::FreeAt, Expr::value(row.free_at))
            .col_expr(Column::FailingSince, Expr::value(row.failing_since))
            .col_expr(Column::DisabledAt, Expr::value(row.disabled_at))
            .filter(Column::Id.eq(row.id.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Removes a webhook and its messages.
    pub async fn delete_webhook(&self, id: &WebhookId) -> Result<(), StoreError> {
        webhook::Entity::delete_by_id(id.clone()).exec(self.connection()).await?;
        Ok(())
    }

    /// Adds a message.
    pub async fn insert_message(&self, row: WebhookMessageRow) -> Result<(), StoreError> {
        self.insert::<webhook_message::Entity, _>(row).await
    }

    /// Takes the message that is due longest, of those whose webhook is free: one webhook that is slow holds up no other.
    /// Until `until_secs` nobody else takes it, or another one of its webhook.
    pub async fn lease_message(
        &self,
        lease: &str,
        now_secs: u64,
        until_secs: u64,
    ) -> Result<Option<LeasedMessage>, StoreError> {
        let free = webhook::Entity::find()
            .select_only()
            .column(webhook::Column::Id)
            .filter(webhook::Column::DisabledAt.is_null())
            .filter(webhook::Column::FreeAt.lte(Unsigned::from(now_secs)))
            .into_query();
        let due = due()
            .filter(webhook_message::Column::RunAt.lte(Unsigned::from(now_secs)))
            .filter(webhook_message::Column::WebhookId.in_subquery(free));
        let Some(found) = due.one(self.connection()).await? else { return Ok(None) };
        let webhook = webhook::Entity::find_by_id(found.webhook_id.clone()).one(self.connection()).await?;
        let Some(webhook) = webhook else { return Ok(None) };
        let webhook = WebhookRow { free_at: until_secs.into(), ..webhook };
        self.save_webhook(&webhook).await?;
        let attempts = Unsigned::from(found.attempts.value() + 1);
        let row =
            WebhookMessageRow { lease: Some(lease.to_owned()), run_at: Some(until_secs.into()), attempts, ..found };
        self.save_message(&row).await?;
        Ok(Some(LeasedMessage { row, webhook }))
    }

    /// Saves how far a message is.
    pub async fn save_message(&self, row: &WebhookMessageRow) -> Result<(), StoreError> {
        use webhook_message::Column;
        webhook_message::Entity::update_many()
            .col_expr(Column::Attempts, Expr::value(row.attempts))
            .col_expr(Column::RunAt, Expr::value(row.run_at))
            .col_expr(Column::Lease, Expr::value(row.lease.clone()))
            .col_expr(Column::DeliveredAt, Expr::value(row.delivered_at))
            .col_expr(Column::Error, Expr::value(row.error.clone()))
            .filter(Column::Id.eq(row.id.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Gives up whatever waits for a webhook.
    pub async fn drop_waiting_messages(&self, webhook: &WebhookId) -> Result<(), StoreError> {
        webhook_message::Entity::update_many()
            .col_expr(webhook_message::Column::RunAt, Expr::value(None::<Unsigned>))
            .col_expr(webhook_message::Column::Lease, Expr::value(None::<String>))
            .filter(webhook_message::Column::WebhookId.eq(webhook.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets messages that are done, from before `before_secs`.
    pub async fn delete_old_messages(&self, before_secs: u64) -> Result<(), StoreError> {
        webhook_message::Entity::delete_many()
            .filter(webhook_message::Column::RunAt.is_null())
            .filter(webhook_message::Column::CreatedAt.lt(Unsigned::from(before_secs)))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Gives a member a calendar, in place of the one before.
    pub async fn save_calendar_feed(&self, row: CalendarFeedRow) -> Result<(), StoreError> {
        self.delete_calendar_feed(&row.organization_id, &row.account_id).await?;
        self.insert::<calendar_feed::Entity, _>(row).await
    }

    /// Takes the calendar of a member away; `false` where there is none.
    pub async fn delete_calendar_feed(
        &self,
        organization: &OrganizationId,
        account: &AccountId,
    ) -> Result<bool, StoreError> {
        let key = (organization.clone(), account.clone());
        Ok(calendar_feed::Entity::delete_by_id(key).exec(self.connection()).await?.rows_affected > 0)
    }
}

fn webhooks_of(organization: &OrganizationId) -> sea_orm::Select<webhook::Entity> {
    webhook::Entity::find().filter(webhook::Column::OrganizationId.eq(organization.clone()))
}

fn messages_of(webhook: &WebhookId) -> sea_orm::Select<webhook_message::Entity> {
    webhook_message::Entity::find().filter(webhook_message::Column::WebhookId.eq(webhook.clone()))
}

/// Messages that wait, the one that is due longest first.
fn due() -> sea_orm::Select<webhook_message::Entity> {
    webhook_message::Entity::find()
        .filter(webhook_message::Column::RunAt.is_not_null())
        .order_by_asc(webhook_message::Column::RunAt)
        .order_by_asc(webhook_message::Column::Id)
}
