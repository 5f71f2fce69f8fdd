use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait as _},
};

use crate::{AccountId, MailKind, MailRow, ReadTx, StoreError, Unsigned, WriteTx, entity::mail};

impl ReadTx {
    /// When the next mail is due or the next lease ends: seconds since 1970 UTC.
    pub async fn find_next_mail_time(&self) -> Result<Option<u64>, StoreError> {
        let next = mail::Entity::find().filter(mail::Column::RunAt.is_not_null()).order_by_asc(mail::Column::RunAt);
        Ok(next.one(self.connection()).await?.and_then(|mail| mail.run_at).map(Unsigned::value))
    }

    /// How many mails wait to be sent.
    pub async fn count_waiting_mails(&self) -> Result<u64, StoreError> {
        Ok(mail::Entity::find().filter(mail::Column::RunAt.is_not_null()).count(self.connection()).await?)
    }

    /// The last mail of this kind to an account that is not forgotten yet.
    pub async fn find_last_mail(&self, kind: MailKind, account: &AccountId) -> Result<Option<MailRow>, StoreError> {
        let found = mail::Entity::find()
            .filter(mail::Column::AccountId.eq(account.clone()))
            .filter(mail::Column::Kind.eq(kind))
            .order_by_desc(mail::Column::Id);
        Ok(found.one(self.connection()).await?)
    }

    /// Whether the mail is still there, under the lease that `mail` has.
    pub async fn is_mail_held(&self, mail: &MailRow) -> Result<bool, StoreError> {
        let found = mail::Entity::find_by_id(mail.id.clone()).filter(mail::Column::Lease.eq(mail.lease.clone()));
        Ok(found.one(self.connection()).await?.is_some())
    }

    /// How many mails of this kind to this address were asked for since `since_secs`.
    pub async fn count_mails_since(&self, kind: MailKind, key: &str, since_secs: u64) -> Result<u64, StoreError> {
        let found = mail::Entity::find()
            .filter(mail::Column::AddressKey.eq(key))
            .filter(mail::Column::Kind.eq(kind))
            .filter(mail::Column::CreatedAt.gte(Unsigned::from(since_secs)));
        Ok(found.count(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds a mail.
    pub async fn insert_mail(&self, mail: MailRow) -> Result<(), StoreError> {
        self.insert::<mail::Entity, _>(mail).await
    }

    /// Takes the mail that is due longest, if there is one that nobody holds. `lease` is unique to this call.
    pub async fn lease_mail(&self, lease: &str, now_secs: u64, until_secs: u64) -> Result<Option<MailRow>, StoreError> {
        let due = mail::Entity::find()
            .filter(mail::Column::RunAt.lte(Unsigned::from(now_secs)))
            .order_by_asc(mail::Column::RunAt)
            .order_by_asc(mail::Column::Id)
            .one(self.connection())
            .await?;
        let Some(found) = due else { return Ok(None) };
        mail::Entity::update_many()
            .col_expr(mail::Column::Lease, Expr::value(lease))
            .col_expr(mail::Column::RunAt, Expr::value(Unsigned::from(until_secs)))
            .col_expr(mail::Column::Attempts, Expr::col(mail::Column::Attempts).add(1))
            .filter(mail::Column::Id.eq(found.id.clone()))
            .exec(self.connection())
            .await?;
        let attempts = (found.attempts.value() + 1).into();
        Ok(Some(MailRow { lease: Some(lease.to_owned()), run_at: Some(until_secs.into()), attempts, ..found }))
    }

    /// Ends the lease: the mail is due again at `run_at_secs`, or was sent. `false` when the lease was lost meanwhile.
    pub async fn release_mail(&self, mail: &MailRow, run_at_secs: Option<u64>) -> Result<bool, StoreError> {
        let released = mail::Entity::update_many()
            .col_expr(mail::Column::Lease, Expr::value(None::<String>))
            .col_expr(mail::Column::RunAt, Expr::value(run_at_secs.map(Unsigned::from)))
            .filter(mail::Column::Id.eq(mail.id.clone()))
            .filter(mail::Column::Lease.eq(mail.lease.clone()))
            .exec(self.connection())
            .await?;
        Ok(released.rows_affected > 0)
    }

    /// Removes the mails of this kind that are to be sent for the account.
    pub async fn delete_waiting_mails(&self, kind: MailKind, account: &AccountId) -> Result<(), StoreError> {
        mail::Entity::delete_many()
            .filter(mail::Column::AccountId.eq(account.clone()))
            .filter(mail::Column::Kind.eq(kind))
            .filter(mail::Column::RunAt.is_not_null())
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Removes mails that were sent, and were asked for before `before_secs`.
    pub async fn delete_sent_mails(&self, before_secs: u64) -> Result<(), StoreError> {
        mail::Entity::delete_many()
            .filter(mail::Column::RunAt.is_null())
            .filter(mail::Column::CreatedAt.lt(Unsigned::from(before_secs)))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}
