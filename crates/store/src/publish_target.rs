use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    ProjectScope, PublishTargetRow, ReadTx, StoreError, WriteTx,
    entity::{publish_target, release_target},
};

impl ReadTx {
    /// The targets of the project, by name.
    pub async fn list_publish_targets(&self, scope: &ProjectScope) -> Result<Vec<PublishTargetRow>, StoreError> {
        let targets = publish_target::Entity::find()
            .filter(publish_target::Column::ProjectId.eq(scope.project.clone()))
            .order_by_asc(publish_target::Column::Destination)
            .all(self.connection())
            .await?;
        Ok(targets)
    }

    /// One target of the project.
    pub async fn find_publish_target(
        &self,
        scope: &ProjectScope,
        destination: &str,
    ) -> Result<Option<PublishTargetRow>, StoreError> {
        let key = (scope.project.clone(), destination.to_owned());
        Ok(publish_target::Entity::find_by_id(key).one(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds a target to its project. [`StoreError::AlreadyExists`] when it is one.
    pub async fn insert_publish_target(&self, row: PublishTargetRow) -> Result<(), StoreError> {
        self.insert::<publish_target::Entity, _>(row).await
    }

    /// Removes a target, and what is known of releases there: it holds up none of them any more.
    pub async fn delete_publish_target(&self, scope: &ProjectScope, destination: &str) -> Result<(), StoreError> {
        let key = (scope.project.clone(), destination.to_owned());
        publish_target::Entity::delete_by_id(key).exec(self.connection()).await?;
        release_target::Entity::delete_many()
            .filter(release_target::Column::ProjectId.eq(scope.project.clone()))
            .filter(release_target::Column::Target.eq(destination))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}
