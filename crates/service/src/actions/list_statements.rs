use pintle_api::{ListQuery, ListResponse, StatementResponse};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    claims::make_root,
    page::{close_page, open_page},
    respond,
};

impl Service {
    /// Every succession statement of the project, by `seq`.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::KeyMissing`], [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_statements(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &ListQuery,
    ) -> Result<ListResponse<StatementResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let root = make_root(&project, &self.base_urls)?;
        let page = open_page(query)?;
        let statements = tx.list_statement_page(&project.scope, &page).await?;
        close_page(
            &page,
            statements,
            |statement| statement.seq.value(),
            |statement| respond::statement(statement, &root),
        )
    }
}
