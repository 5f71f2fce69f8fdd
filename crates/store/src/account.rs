use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};

use crate::{
    AccountRow, ReadTx, StoreError, TokenId, TokenRow, Unsigned, WriteTx,
    entity::{account, api_token},
};

impl ReadTx {
    /// Whether nobody has an account yet: the first run.
    pub async fn has_no_account(&self) -> Result<bool, StoreError> {
        Ok(account::Entity::find().count(self.connection()).await? == 0)
    }

    /// The token that begins with `prefix`, and its account. Whether it is the token presented, is not yet said.
    pub async fn find_token(&self, prefix: &str) -> Result<Option<(TokenRow, AccountRow)>, StoreError> {
        let found =
            api_token::Entity::find().filter(api_token::Column::Prefix.eq(prefix)).one(self.connection()).await?;
        let Some(token) = found else { return Ok(None) };
        let account = account::Entity::find_by_id(token.account_id.clone()).one(self.connection()).await?;
        Ok(account.map(|account| (token, account)))
    }
}

impl WriteTx {
    /// Adds an account.
    pub async fn insert_account(&self, account: AccountRow) -> Result<(), StoreError> {
        self.insert::<account::Entity, _>(account).await
    }

    /// Adds a token.
    pub async fn insert_token(&self, token: TokenRow) -> Result<(), StoreError> {
        self.insert::<api_token::Entity, _>(token).await
    }

    /// Notes that a token was used.
    pub async fn save_token_use(&self, token: &TokenId, now_secs: u64) -> Result<(), StoreError> {
        api_token::Entity::update_many()
            .col_expr(api_token::Column::LastUsedAt, Expr::value(Unsigned::from(now_secs)))
            .filter(api_token::Column::Id.eq(token.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}
