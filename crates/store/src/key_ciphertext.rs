use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    Custody, KeyCiphertextRow, ProjectScope, ReadTx, StoreError, WriteTx,
    entity::{key_ciphertext, project},
};

impl ReadTx {
    /// The encrypted signing key that is kept for the project.
    pub async fn find_key_ciphertext(&self, scope: &ProjectScope) -> Result<Option<KeyCiphertextRow>, StoreError> {
        Ok(key_ciphertext::Entity::find_by_id(scope.project.clone()).one(self.connection()).await?)
    }
}

impl WriteTx {
    /// Keeps an encrypted signing key for the project, in place of the one there is.
    pub async fn save_key_ciphertext(&self, scope: &ProjectScope, row: KeyCiphertextRow) -> Result<(), StoreError> {
        self.delete_key_ciphertext(scope).await?;
        let row = KeyCiphertextRow { project_id: scope.project.clone(), ..row };
        self.insert::<key_ciphertext::Entity, _>(row).await
    }

    /// Forgets the encrypted signing key; whether there was one.
    pub async fn delete_key_ciphertext(&self, scope: &ProjectScope) -> Result<bool, StoreError> {
        let deleted = key_ciphertext::Entity::delete_by_id(scope.project.clone()).exec(self.connection()).await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Notes who holds the private signing key.
    pub async fn save_custody(&self, scope: &ProjectScope, custody: Custody) -> Result<(), StoreError> {
        project::Entity::update_many()
            .col_expr(project::Column::Custody, Expr::value(custody))
            .filter(project::Column::Id.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}
