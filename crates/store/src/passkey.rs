use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Select, sea_query::Expr};

use crate::{AccountId, PasskeyBackup, PasskeyId, PasskeyRow, ReadTx, StoreError, Unsigned, WriteTx, entity::passkey};

impl ReadTx {
    /// The passkey that its authenticator calls `credential_id`.
    pub async fn find_passkey_by_credential(&self, credential_id: &[u8]) -> Result<Option<PasskeyRow>, StoreError> {
        let found = passkey::Entity::find().filter(passkey::Column::CredentialId.eq(credential_id.to_vec()));
        Ok(found.one(self.connection()).await?)
    }

    /// The passkeys of the account, oldest first.
    pub async fn list_passkeys(&self, account: &AccountId) -> Result<Vec<PasskeyRow>, StoreError> {
        Ok(of_account(account).order_by_asc(passkey::Column::Id).all(self.connection()).await?)
    }

    /// How many passkeys the account has.
    pub async fn count_passkeys(&self, account: &AccountId) -> Result<u64, StoreError> {
        Ok(of_account(account).count(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds a passkey; [`StoreError::AlreadyExists`] when some account has the credential already.
    pub async fn insert_passkey(&self, row: PasskeyRow) -> Result<(), StoreError> {
        self.insert::<passkey::Entity, _>(row).await
    }

    /// Notes that the passkey was used, and what its authenticator told.
    pub async fn save_passkey_use(
        &self,
        passkey: &PasskeyId,
        sign_count: u64,
        backup: PasskeyBackup,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        passkey::Entity::update_many()
            .col_expr(passkey::Column::SignCount, Expr::value(Unsigned::from(sign_count)))
            .col_expr(passkey::Column::Backup, Expr::value(backup))
            .col_expr(passkey::Column::LastUsedAt, Expr::value(Unsigned::from(now_secs)))
            .filter(passkey::Column::Id.eq(passkey.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Gives a passkey of the account another name; `false` when it has no such one.
    pub async fn save_passkey_name(
        &self,
        account: &AccountId,
        passkey: &PasskeyId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let done = passkey::Entity::update_many()
            .col_expr(passkey::Column::Name, Expr::value(name))
            .filter(passkey::Column::AccountId.eq(account.clone()))
            .filter(passkey::Column::Id.eq(passkey.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Takes a passkey of the account away; `false` when it has no such one.
    pub async fn delete_passkey(&self, account: &AccountId, passkey: &PasskeyId) -> Result<bool, StoreError> {
        let done = passkey::Entity::delete_many()
            .filter(passkey::Column::AccountId.eq(account.clone()))
            .filter(passkey::Column::Id.eq(passkey.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }
}

fn of_account(account: &AccountId) -> Select<passkey::Entity> {
    passkey::Entity::find().filter(passkey::Column::AccountId.eq(account.clone()))
}
