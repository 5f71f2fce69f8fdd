use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};

use crate::{
    AccountId, ReadTx, StoreError, TotpRow, Unsigned, WriteTx,
    entity::{recovery_code, totp},
};

impl ReadTx {
    /// The authenticator of the account, confirmed or not.
    pub async fn find_totp(&self, account: &AccountId) -> Result<Option<TotpRow>, StoreError> {
        Ok(totp::Entity::find_by_id(account.clone()).one(self.connection()).await?)
    }

    /// How many recovery codes the account has left.
    pub async fn count_recovery_codes(&self, account: &AccountId) -> Result<u64, StoreError> {
        let codes = recovery_code::Entity::find().filter(recovery_code::Column::AccountId.eq(account.clone()));
        Ok(codes.count(self.connection()).await?)
    }
}

impl WriteTx {
    /// Gives the account this authenticator, in place of any former one.
    pub async fn save_totp(&self, row: TotpRow) -> Result<(), StoreError> {
        totp::Entity::delete_by_id(row.account_id.clone()).exec(self.connection()).await?;
        self.insert::<totp::Entity, _>(row).await
    }

    /// Notes that the code of `step` was used; `false` when it, or a later one, was used before.
    pub async fn use_totp_step(&self, account: &AccountId, step: u64) -> Result<bool, StoreError> {
        let used = totp::Entity::update_many()
            .col_expr(totp::Column::LastStep, Expr::value(Unsigned::from(step)))
            .filter(totp::Column::AccountId.eq(account.clone()))
            .filter(totp::Column::LastStep.lt(Unsigned::from(step)))
            .exec(self.connection())
            .await?;
        Ok(used.rows_affected > 0)
    }

    /// Takes authenticator and recovery codes away.
    pub async fn delete_totp(&self, account: &AccountId) -> Result<(), StoreError> {
        totp::Entity::delete_by_id(account.clone()).exec(self.connection()).await?;
        self.replace_recovery_codes(account, Vec::new()).await
    }

    /// Gives the account these recovery codes, by their digests, in place of all former ones.
    pub async fn replace_recovery_codes(&self, account: &AccountId, digests: Vec<String>) -> Result<(), StoreError> {
        recovery_code::Entity::delete_many()
            .filter(recovery_code::Column::AccountId.eq(account.clone()))
            .exec(self.connection())
            .await?;
        for code_sha256 in digests {
            let row = recovery_code::Model { account_id: account.clone(), code_sha256 };
            self.insert::<recovery_code::Entity, _>(row).await?;
        }
        Ok(())
    }

    /// Takes a recovery code away because it was used; `false` when the account has no such one.
    pub async fn delete_recovery_code(&self, account: &AccountId, code_sha256: &str) -> Result<bool, StoreError> {
        let key = (account.clone(), code_sha256.to_owned());
        let used = recovery_code::Entity::delete_by_id(key).exec(self.connection()).await?;
        Ok(used.rows_affected > 0)
    }
}
