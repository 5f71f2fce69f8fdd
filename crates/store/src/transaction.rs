use std::{
    ops::Deref,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    ExecResult, IntoActiveModel, QueryResult, Statement,
};

use crate::StoreError;

/// How long an answer is waited for: longer than the database itself lets anything take, so that only one that is cut
/// off or stands still comes this far.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// A consistent view of the database. Dropping it ends it.
#[derive(Debug)]
pub struct ReadTx {
    connection: Connection,
}

/// A change in the making; it can ask whatever a [`ReadTx`] can. Dropping it leaves everything as it was.
#[derive(Debug)]
pub struct WriteTx {
    view: ReadTx,
}

/// What questions are asked on: a transaction that remembers whether one of them failed.
///
/// After a failure PostgreSQL undoes the whole transaction and still answers a commit with success; SQLite would keep
/// the rest. Here neither commits.
#[derive(Debug)]
pub(crate) struct Connection {
    transaction: DatabaseTransaction,
    has_failed: AtomicBool,
}

impl ReadTx {
    pub(crate) fn new(transaction: DatabaseTransaction) -> Self {
        Self { connection: Connection::new(transaction) }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl WriteTx {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { view: ReadTx { connection } }
    }

    pub(crate) async fn insert<E, M>(&self, row: M) -> Result<(), StoreError>
    where
        E: EntityTrait<Model = M>,
        M: IntoActiveModel<E::ActiveModel>,
        E::ActiveModel: ActiveModelTrait<Entity = E> + ActiveModelBehavior + Send,
    {
        E::insert(row.into_active_model().reset_all()).exec_without_returning(self.connection()).await?;
        Ok(())
    }

    /// Makes the change happen.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; whether it happened is then unknown. [`StoreError::Undone`] when a question of this
    /// change had failed before; nothing of it happened.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.view.connection.commit().await
    }
}

impl Deref for WriteTx {
    type Target = ReadTx;

    fn deref(&self) -> &ReadTx {
        &self.view
    }
}

impl Connection {
    pub(crate) fn new(transaction: DatabaseTransaction) -> Self {
        Self { transaction, has_failed: AtomicBool::new(false) }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.transaction.get_database_backend() == DbBackend::Postgres
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        if self.has_failed.into_inner() {
            return Err(StoreError::Undone);
        }
        Ok(in_time(self.transaction.commit()).await?)
    }

    async fn ask<T>(&self, answer: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let answer = in_time(answer).await;
        if answer.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        answer
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.ask(self.transaction.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.ask(self.transaction.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.ask(self.transaction.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.ask(self.transaction.query_all_raw(statement)).await
    }
}

pub(crate) async fn in_time<T>(answer: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(DbErr::Custom(format!("no answer within {} s", ANSWER_TIMEOUT.as_secs()))),
    }
}
