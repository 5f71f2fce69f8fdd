use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{PublishedObjectRow, ReadTx, StoreError, WriteTx, entity::published_object};

impl ReadTx {
    /// The file of the built-in origin at `path`. Published files are public: no scope is asked for.
    pub async fn find_published(&self, path: &str) -> Result<Option<PublishedObjectRow>, StoreError> {
        Ok(published_object::Entity::find_by_id(path).one(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds a file. [`StoreError::AlreadyExists`] when there is one at this path.
    pub async fn insert_published(&self, object: PublishedObjectRow) -> Result<(), StoreError> {
        self.insert::<published_object::Entity, _>(object).await
    }

    /// Replaces the file at the path of `object` if its tag is still `expected_etag`; `false` when it is not.
    pub async fn replace_published(&self, object: PublishedObjectRow, expected_etag: &str) -> Result<bool, StoreError> {
        let done = published_object::Entity::update_many()
            .col_expr(published_object::Column::Body, Expr::value(object.body))
            .col_expr(published_object::Column::Etag, Expr::value(object.etag))
            .filter(published_object::Column::Path.eq(object.path))
            .filter(published_object::Column::Etag.eq(expected_etag))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Removes the file at `path`, if there is one.
    pub async fn delete_published(&self, path: &str) -> Result<(), StoreError> {
        published_object::Entity::delete_by_id(path).exec(self.connection()).await?;
        Ok(())
    }
}
