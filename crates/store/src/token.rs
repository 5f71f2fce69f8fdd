use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};

use crate::{
    AccountId, AccountRow, AuditChain, OrganizationScope, Page, ReadTx, StoreError, TokenId, TokenRow, Unsigned,
    WriteTx,
    entity::{account, api_token},
};

impl ReadTx {
    /// The token that begins with `prefix`, and its account. Whether it is the token presented, and whether it is still
    /// good, is not yet said.
    pub async fn find_token(&self, prefix: &str) -> Result<Option<(TokenRow, AccountRow)>, StoreError> {
        let found =
            api_token::Entity::find().filter(api_token::Column::Prefix.eq(prefix)).one(self.connection()).await?;
        let Some(token) = found else { return Ok(None) };
        let account = account::Entity::find_by_id(token.account_id.clone()).one(self.connection()).await?;
        Ok(account.map(|account| (token, account)))
    }

    /// The chains of the organizations that a token reaches; that of the installation where it reaches none.
    pub async fn list_token_chains(&self, token: &TokenRow) -> Result<Vec<AuditChain>, StoreError> {
        if let Some(organization) = &token.organization_id {
            return Ok(vec![AuditChain::from(&OrganizationScope { id: organization.clone() })]);
        }
        let chains = self.list_audit_chains_of(&token.account_id).await?;
        Ok(if chains.is_empty() { vec![AuditChain::installation()] } else { chains })
    }

    /// Tokens of an account that are not revoked, oldest first.
    pub async fn list_tokens(&self, account: &AccountId, page: &Page<String>) -> Result<Vec<TokenRow>, StoreError> {
        self.list_page(tokens_of(account).cursor_by(api_token::Column::Id), page).await
    }

    /// One of them.
    pub async fn find_token_of(&self, account: &AccountId, token: &TokenId) -> Result<Option<TokenRow>, StoreError> {
        Ok(tokens_of(account).filter(api_token::Column::Id.eq(token.clone())).one(self.connection()).await?)
    }

    /// How many there are.
    pub async fn count_tokens(&self, account: &AccountId) -> Result<u64, StoreError> {
        Ok(tokens_of(account).count(self.connection()).await?)
    }

    /// Tokens bound to the organization or a project of it that are not revoked, oldest first, with the names of their
    /// accounts.
    pub async fn list_bound_tokens(
        &self,
        scope: &OrganizationScope,
        page: &Page<String>,
    ) -> Result<Vec<(TokenRow, Option<String>)>, StoreError> {
        let tokens = self.list_page(bound_to(scope).cursor_by(api_token::Column::Id), page).await?;
        let ids = tokens.iter().map(|token| token.account_id.clone());
        let accounts = account::Entity::find().filter(account::Column::Id.is_in(ids)).all(self.connection()).await?;
        let name = |id: &AccountId| accounts.iter().find(|account| account.id == *id).map(|found| found.name.clone());
        Ok(tokens.into_iter().map(|token| (token.clone(), name(&token.account_id))).collect())
    }

    /// One of them.
    pub async fn find_bound_token(
        &self,
        scope: &OrganizationScope,
        token: &TokenId,
    ) -> Result<Option<TokenRow>, StoreError> {
        Ok(bound_to(scope).filter(api_token::Column::Id.eq(token.clone())).one(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds a token.
    pub async fn insert_token(&self, token: TokenRow) -> Result<(), StoreError> {
        self.insert::<api_token::Entity, _>(token).await
    }

    /// Notes that a token was used.
    pub async fn save_token_use(&self, token: &TokenId, now_secs: u64) -> Result<(), StoreError> {
        update(api_token::Column::LastUsedAt, Unsigned::from(now_secs))
            .filter(api_token::Column::Id.eq(token.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Gives a token another name.
    pub async fn save_token_name(&self, token: &TokenId, name: &str) -> Result<(), StoreError> {
        update(api_token::Column::Name, name)
            .filter(api_token::Column::Id.eq(token.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Ends a token for good.
    pub async fn revoke_token(&self, token: &TokenId, now_secs: u64) -> Result<(), StoreError> {
        update(api_token::Column::RevokedAt, Unsigned::from(now_secs))
            .filter(api_token::Column::Id.eq(token.clone()))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Ends every token of `account` that is bound to the organization; how many there were.
    pub async fn revoke_bound_tokens(
        &self,
        scope: &OrganizationScope,
        account: &AccountId,
        now_secs: u64,
    ) -> Result<u64, StoreError> {
        let done = update(api_token::Column::RevokedAt, Unsigned::from(now_secs))
            .filter(api_token::Column::AccountId.eq(account.clone()))
            .filter(api_token::Column::OrganizationId.eq(scope.id.clone()))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected)
    }
}

fn unrevoked() -> sea_orm::Select<api_token::Entity> {
    api_token::Entity::find().filter(api_token::Column::RevokedAt.is_null())
}

fn tokens_of(account: &AccountId) -> sea_orm::Select<api_token::Entity> {
    unrevoked().filter(api_token::Column::AccountId.eq(account.clone()))
}

fn bound_to(scope: &OrganizationScope) -> sea_orm::Select<api_token::Entity> {
    unrevoked().filter(api_token::Column::OrganizationId.eq(scope.id.clone()))
}

fn update(column: api_token::Column, value: impl Into<sea_orm::Value>) -> sea_orm::UpdateMany<api_token::Entity> {
    api_token::Entity::update_many().col_expr(column, Expr::value(value))
}
