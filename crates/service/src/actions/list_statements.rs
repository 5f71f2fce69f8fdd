use pintle_api::{ListResponse, StatementResponse};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    claims::make_root,
    respond,
};

impl Service {
    /// Every succession statement of the project, by `seq`.
    ///
    /// # Errors
    /// [`ServiceError::KeyMissing`], [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_statements(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
    ) -> Result<ListResponse<StatementResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let root = make_root(&project, &self.base_url)?;
        let statements = tx.list_statements(&project.scope).await?;
        let items =
            statements.iter().map(|statement| respond::statement(statement, &root)).collect::<Result<_, _>>()?;
        Ok(ListResponse { items })
    }
}
