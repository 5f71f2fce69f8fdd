use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    AccountId, AccountRow, Page, ReadTx, SessionId, SessionRow, StoreError, Unsigned, WriteTx,
    entity::{account, session},
};

impl ReadTx {
    /// The session whose secret has this digest, and its account. Whether it is over is not said.
    pub async fn find_session(&self, secret_sha256: &str) -> Result<Option<(SessionRow, AccountRow)>, StoreError> {
        let found = session::Entity::find().filter(session::Column::SecretSha256.eq(secret_sha256));
        let Some(session) = found.one(self.connection()).await? else { return Ok(None) };
        let account = account::Entity::find_by_id(session.account_id.clone()).one(self.connection()).await?;
        Ok(account.map(|account| (session, account)))
    }

    /// The sessions of the account that expire after `now_secs` and were used after `idle_since_secs`, newest first.
    pub async fn list_sessions(
        &self,
        account: &AccountId,
        now_secs: u64,
        idle_since_secs: u64,
        page: &Page<String>,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let mut list = session::Entity::find()
            .filter(session::Column::AccountId.eq(account.clone()))
            .filter(session::Column::ExpiresAt.gt(Unsigned::from(now_secs)))
            .filter(session::Column::LastUsedAt.gt(Unsigned::from(idle_since_secs)))
            .cursor_by(session::Column::Id);
        list.desc();
        self.list_page(list, page).await
    }
}

impl WriteTx {
    /// Adds a session.
    pub async fn insert_session(&self, session: SessionRow) -> Result<(), StoreError> {
        self.insert::<session::Entity, _>(session).await
    }

    /// Notes that a session was used.
    pub async fn save_session_use(&self, session: &SessionId, now_secs: u64) -> Result<(), StoreError> {
        session::Entity::update_many()
            .col_expr(session::Column::LastUsedAt, Expr::value(Unsigned::from(now_secs)))
            .filter(session::Column::Id.eq(session.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Gives the session another secret, its owner having proved again who they are; `false` when it has ended.
    pub async fn renew_session(
        &self,
        session: &SessionId,
        secret_sha256: &str,
        authenticated_at_secs: u64,
    ) -> Result<bool, StoreError> {
        let renewed = session::Entity::update_many()
            .col_expr(session::Column::SecretSha256, Expr::value(secret_sha256))
            .col_expr(session::Column::AuthenticatedAt, Expr::value(Unsigned::from(authenticated_at_secs)))
            .filter(session::Column::Id.eq(session.clone()))
            .exec(self.connection())
            .await?;
        Ok(renewed.rows_affected > 0)
    }

    /// Ends a session of the account; `false` when it has no such one.
    pub async fn delete_session(&self, account: &AccountId, session: &SessionId) -> Result<bool, StoreError> {
        let ended = session::Entity::delete_many()
            .filter(session::Column::AccountId.eq(account.clone()))
            .filter(session::Column::Id.eq(session.clone()))
            .exec(self.connection())
            .await?;
        Ok(ended.rows_affected > 0)
    }

    /// Ends every session of the account but `kept`; says how many.
    pub async fn delete_sessions(&self, account: &AccountId, kept: Option<&SessionId>) -> Result<u64, StoreError> {
        let others = kept.map(|kept| session::Column::Id.ne(kept.clone()));
        let ended = session::Entity::delete_many()
            .filter(Condition::all().add(session::Column::AccountId.eq(account.clone())).add_option(others))
            .exec(self.connection())
            .await?;
        Ok(ended.rows_affected)
    }

    /// Removes sessions that expired, or were last used before `idle_since_secs`.
    pub async fn delete_ended_sessions(&self, now_secs: u64, idle_since_secs: u64) -> Result<(), StoreError> {
        session::Entity::delete_many()
            .filter(
                Condition::any()
                    .add(session::Column::ExpiresAt.lte(Unsigned::from(now_secs)))
                    .add(session::Column::LastUsedAt.lt(Unsigned::from(idle_since_secs))),
            )
            .exec(self.connection())
            .await?;
        Ok(())
    }
}
