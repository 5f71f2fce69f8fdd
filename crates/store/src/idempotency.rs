use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use crate::{AccountId, IdempotentRequestRow, ReadTx, StoreError, Unsigned, WriteTx, entity::idempotent_request};

impl ReadTx {
    /// The request that `account` sent with this key.
    pub async fn find_idempotent_request(
        &self,
        account: &AccountId,
        key_sha256: &str,
    ) -> Result<Option<IdempotentRequestRow>, StoreError> {
        let key = (account.clone(), key_sha256.to_owned());
        Ok(idempotent_request::Entity::find_by_id(key).one(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds a request; the oldest of the same account go, so that it has at most `kept`.
    /// [`StoreError::AlreadyExists`] when the account has one with this key.
    pub async fn insert_idempotent_request(&self, row: IdempotentRequestRow, kept: u64) -> Result<(), StoreError> {
        let surplus: Vec<String> = idempotent_request::Entity::find()
            .select_only()
            .column(idempotent_request::Column::KeySha256)
            .filter(idempotent_request::Column::AccountId.eq(row.account_id.clone()))
            .order_by_desc(idempotent_request::Column::CreatedAt)
            .order_by_desc(idempotent_request::Column::KeySha256)
            .offset(kept.saturating_sub(1))
            // More than one at a time are there only after the number was lowered.
            .limit(100)
            .into_tuple()
            .all(self.connection())
            .await?;
        if !surplus.is_empty() {
            idempotent_request::Entity::delete_many()
                .filter(idempotent_request::Column::AccountId.eq(row.account_id.clone()))
                .filter(idempotent_request::Column::KeySha256.is_in(surplus))
                .exec(self.connection())
                .await?;
        }
        self.insert::<idempotent_request::Entity, _>(row).await
    }

    /// Keeps the answer to the request that made `row`; nothing happens where another one did.
    pub async fn save_idempotent_answer(&self, row: IdempotentRequestRow) -> Result<(), StoreError> {
        idempotent_request::Entity::update_many()
            .col_expr(idempotent_request::Column::Status, Expr::value(row.status))
            .col_expr(idempotent_request::Column::Headers, Expr::value(row.headers))
            .col_expr(idempotent_request::Column::Body, Expr::value(row.body))
            .filter(idempotent_request::Column::AccountId.eq(row.account_id))
            .filter(idempotent_request::Column::KeySha256.eq(row.key_sha256))
            .filter(idempotent_request::Column::Attempt.eq(row.attempt))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets every request made before `secs` (since 1970 UTC).
    pub async fn delete_idempotent_requests_before(&self, secs: u64) -> Result<(), StoreError> {
        idempotent_request::Entity::delete_many()
            .filter(idempotent_request::Column::CreatedAt.lt(Unsigned::from(secs)))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}
