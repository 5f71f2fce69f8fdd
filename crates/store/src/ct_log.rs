use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{CtLogRow, ProjectScope, ReadTx, StoreError, WriteTx, entity::ct_log};

impl ReadTx {
    /// The Certificate Transparency logs of the draft, by operator and name.
    pub async fn list_ct_logs(&self, scope: &ProjectScope) -> Result<Vec<CtLogRow>, StoreError> {
        Ok(ct_log::Entity::find()
            .filter(ct_log::Column::ProjectId.eq(scope.project.clone()))
            .order_by_asc(ct_log::Column::Operator)
            .order_by_asc(ct_log::Column::Name)
            .order_by_asc(ct_log::Column::LogId)
            .all(self.connection())
            .await?)
    }
}

impl WriteTx {
    /// Puts `logs` in the place of all logs of the draft. [`StoreError::AlreadyExists`] when two of them are the same.
    pub async fn replace_ct_logs(&self, scope: &ProjectScope, logs: Vec<CtLogRow>) -> Result<(), StoreError> {
        ct_log::Entity::delete_many()
            .filter(ct_log::Column::ProjectId.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        for log in logs {
            self.insert::<ct_log::Entity, _>(CtLogRow { project_id: scope.project.clone(), ..log }).await?;
        }
        Ok(())
    }
}
