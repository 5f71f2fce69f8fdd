use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::{
    AccountId, AccountRow, EmailRow, PasswordRow, ReadTx, StoreError, WriteTx,
    entity::{account, account_email, account_password},
};

impl ReadTx {
    /// Whether nobody has an account yet: the first run.
    pub async fn has_no_account(&self) -> Result<bool, StoreError> {
        Ok(account::Entity::find().count(self.connection()).await? == 0)
    }

    /// The account.
    pub async fn find_account(&self, account: &AccountId) -> Result<Option<AccountRow>, StoreError> {
        Ok(account::Entity::find_by_id(account.clone()).one(self.connection()).await?)
    }

    /// The account with this address; `key` is the address in lower case.
    pub async fn find_account_by_email(&self, key: &str) -> Result<Option<(AccountRow, EmailRow)>, StoreError> {
        let found = account_email::Entity::find().filter(account_email::Column::AddressKey.eq(key));
        let Some(email) = found.one(self.connection()).await? else { return Ok(None) };
        Ok(self.find_account(&email.account_id).await?.map(|account| (account, email)))
    }

    /// The address of the account.
    pub async fn find_email(&self, account: &AccountId) -> Result<Option<EmailRow>, StoreError> {
        Ok(account_email::Entity::find_by_id(account.clone()).one(self.connection()).await?)
    }

    /// The password of the account.
    pub async fn find_password(&self, account: &AccountId) -> Result<Option<PasswordRow>, StoreError> {
        Ok(account_password::Entity::find_by_id(account.clone()).one(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds an account.
    pub async fn insert_account(&self, account: AccountRow) -> Result<(), StoreError> {
        self.insert::<account::Entity, _>(account).await
    }

    /// Gives the account its address, in place of any former one. [`StoreError::AlreadyExists`] when it is another's.
    pub async fn save_email(&self, email: EmailRow) -> Result<(), StoreError> {
        account_email::Entity::delete_by_id(email.account_id.clone()).exec(self.connection()).await?;
        self.insert::<account_email::Entity, _>(email).await
    }

    /// Gives the account its password, in place of any former one.
    pub async fn save_password(&self, password: PasswordRow) -> Result<(), StoreError> {
        account_password::Entity::delete_by_id(password.account_id.clone()).exec(self.connection()).await?;
        self.insert::<account_password::Entity, _>(password).await
    }
}
