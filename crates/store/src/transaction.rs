use std::ops::Deref;

use sea_orm::{ActiveModelBehavior, ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel};

use crate::StoreError;

/// A consistent view of the database. Dropping it ends it.
#[derive(Debug)]
pub struct ReadTx {
    connection: DatabaseTransaction,
}

/// A change in the making; it can ask whatever a [`ReadTx`] can. Dropping it leaves everything as it was.
#[derive(Debug)]
pub struct WriteTx {
    view: ReadTx,
}

impl ReadTx {
    pub(crate) fn new(connection: DatabaseTransaction) -> Self {
        Self { connection }
    }

    pub(crate) fn connection(&self) -> &DatabaseTransaction {
        &self.connection
    }
}

impl WriteTx {
    pub(crate) fn new(connection: DatabaseTransaction) -> Self {
        Self { view: ReadTx::new(connection) }
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
    /// [`StoreError::Unavailable`]; whether it happened is then unknown.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.view.connection.commit().await?)
    }
}

impl Deref for WriteTx {
    type Target = ReadTx;

    fn deref(&self) -> &ReadTx {
        &self.view
    }
}
