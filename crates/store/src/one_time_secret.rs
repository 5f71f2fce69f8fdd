use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{AccountId, OneTimeSecretRow, ReadTx, StoreError, Unsigned, WriteTx, entity::one_time_secret};

impl ReadTx {
    /// What waits for the secret with this digest. Whether it still counts is not said.
    pub async fn find_one_time_secret(
        &self,
        secret_sha256: &str,
        purpose: &str,
    ) -> Result<Option<OneTimeSecretRow>, StoreError> {
        let found = one_time_secret::Entity::find_by_id(secret_sha256.to_owned())
            .filter(one_time_secret::Column::Purpose.eq(purpose));
        Ok(found.one(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds a secret that is waited for.
    pub async fn insert_one_time_secret(&self, secret: OneTimeSecretRow) -> Result<(), StoreError> {
        self.insert::<one_time_secret::Entity, _>(secret).await
    }

    /// Removes the secret; `false` when it is gone: somebody else was first.
    pub async fn delete_one_time_secret(&self, secret_sha256: &str) -> Result<bool, StoreError> {
        let used = one_time_secret::Entity::delete_by_id(secret_sha256.to_owned()).exec(self.connection()).await?;
        Ok(used.rows_affected > 0)
    }

    /// Removes every secret of the account.
    pub async fn delete_one_time_secrets_of(&self, account: &AccountId) -> Result<(), StoreError> {
        one_time_secret::Entity::delete_many()
            .filter(one_time_secret::Column::AccountId.eq(account.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Removes what nobody came back with in time.
    pub async fn delete_expired_one_time_secrets(&self, now_secs: u64) -> Result<(), StoreError> {
        one_time_secret::Entity::delete_many()
            .filter(one_time_secret::Column::ExpiresAt.lte(Unsigned::from(now_secs)))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}
