use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{Page, ProjectScope, ReadTx, StatementRow, StoreError, WriteTx, entity::succession_statement};

impl ReadTx {
    /// Every succession statement of the project, by `seq`.
    pub async fn list_statements(&self, scope: &ProjectScope) -> Result<Vec<StatementRow>, StoreError> {
        let all = statements_of(scope).order_by_asc(succession_statement::Column::Seq).all(self.connection()).await?;
        Ok(all)
    }

    /// Succession statements of the project, by `seq`.
    pub async fn list_statement_page(
        &self,
        scope: &ProjectScope,
        page: &Page<u64>,
    ) -> Result<Vec<StatementRow>, StoreError> {
        self.list_page(statements_of(scope).cursor_by(succession_statement::Column::Seq), &page.by_number()).await
    }

    /// The statement with the highest `seq`: it names the current key.
    pub async fn find_last_statement(&self, scope: &ProjectScope) -> Result<Option<StatementRow>, StoreError> {
        let last = statements_of(scope).order_by_desc(succession_statement::Column::Seq).one(self.connection()).await?;
        Ok(last)
    }
}

impl WriteTx {
    /// Adds a statement. [`StoreError::AlreadyExists`] when the project has one with its `seq` or its key.
    pub async fn insert_statement(&self, scope: &ProjectScope, statement: StatementRow) -> Result<(), StoreError> {
        let row = StatementRow { project_id: scope.project.clone(), ..statement };
        self.insert::<succession_statement::Entity, _>(row).await
    }
}

fn statements_of(scope: &ProjectScope) -> sea_orm::Select<succession_statement::Entity> {
    succession_statement::Entity::find().filter(succession_statement::Column::ProjectId.eq(scope.project.clone()))
}
