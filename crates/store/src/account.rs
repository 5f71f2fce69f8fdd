use sea_orm::{EntityTrait, PaginatorTrait};

use crate::{AccountRow, ReadTx, StoreError, WriteTx, entity::account};

impl ReadTx {
    /// Whether nobody has an account yet: the first run.
    pub async fn has_no_account(&self) -> Result<bool, StoreError> {
        Ok(account::Entity::find().count(self.connection()).await? == 0)
    }
}

impl WriteTx {
    /// Adds an account.
    pub async fn insert_account(&self, account: AccountRow) -> Result<(), StoreError> {
        self.insert::<account::Entity, _>(account).await
    }
}
