use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    AccountId, AccountRow, IdentityId, IdentityRow, ReadTx, StoreError, WriteTx,
    entity::{account, identity},
};

impl ReadTx {
    /// The account of whom `issuer` calls `subject`.
    pub async fn find_account_by_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<AccountRow>, StoreError> {
        let found = identity::Entity::find()
            .filter(identity::Column::Issuer.eq(issuer))
            .filter(identity::Column::Subject.eq(subject))
            .one(self.connection())
            .await?;
        let Some(identity) = found else { return Ok(None) };
        Ok(account::Entity::find_by_id(identity.account_id).one(self.connection()).await?)
    }

    /// The identities of the account, oldest first.
    pub async fn list_identities(&self, account: &AccountId) -> Result<Vec<IdentityRow>, StoreError> {
        let all = identity::Entity::find().filter(identity::Column::AccountId.eq(account.clone()));
        Ok(all.order_by_asc(identity::Column::Id).all(self.connection()).await?)
    }
}

impl WriteTx {
    /// Links an identity; [`StoreError::AlreadyExists`] when it is linked to some account already.
    pub async fn insert_identity(&self, row: IdentityRow) -> Result<(), StoreError> {
        self.insert::<identity::Entity, _>(row).await
    }

    /// Unlinks an identity of the account; `false` when it has no such one.
    pub async fn delete_identity(&self, account: &AccountId, identity: &IdentityId) -> Result<bool, StoreError> {
        let done = identity::Entity::delete_many()
            .filter(identity::Column::AccountId.eq(account.clone()))
            .filter(identity::Column::Id.eq(identity.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }
}
