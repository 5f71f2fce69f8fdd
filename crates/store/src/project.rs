use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr};

use crate::{
    Approval, Custody, DraftRow, OrganizationId, OrganizationScope, Page, ProjectId, ProjectRow, ReadTx, StoreError,
    Unsigned, WriteTx,
    entity::{domain, draft, project},
};

/// The right to ask for rows of one project: comes out of an [`OrganizationScope`] or a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectScope {
    pub(crate) organization: OrganizationId,
    pub(crate) project: ProjectId,
}

/// A project and the way to its rows.
#[derive(Clone, Debug)]
pub struct Project {
    /// The project itself.
    pub row: ProjectRow,
    /// The way to its domains, pins and releases.
    pub scope: ProjectScope,
}

/// A project to add; see [`ProjectRow`] for the members.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Name of the app.
    pub name: String,
    /// Environment.
    pub environment: String,
    /// Signing and recovery key, if registered at once.
    pub keys: Option<(String, Option<String>)>,
    /// Who must agree to a release.
    pub approval: Approval,
    /// Seconds a fetched copy counts as fresh.
    pub refresh_secs: u64,
    /// As the configuration spells it.
    pub on_stale: String,
    /// `exp` − `iat`; none: no `exp`.
    pub expires_after_secs: Option<u64>,
}

impl ReadTx {
    /// One project of the organization.
    pub async fn find_project(
        &self,
        scope: &OrganizationScope,
        project: &ProjectId,
    ) -> Result<Option<Project>, StoreError> {
        let found = existing()
            .filter(project::Column::Id.eq(project.clone()))
            .filter(project::Column::OrganizationId.eq(scope.id.clone()))
            .one(self.connection())
            .await?;
        Ok(found.map(Project::new))
    }

    /// Projects of the organization, by name and environment.
    pub async fn list_projects(
        &self,
        scope: &OrganizationScope,
        page: &Page<(String, String)>,
    ) -> Result<Vec<Project>, StoreError> {
        let list = existing()
            .filter(project::Column::OrganizationId.eq(scope.id.clone()))
            .cursor_by((project::Column::Name, project::Column::Environment));
        Ok(self.list_page(list, page).await?.into_iter().map(Project::new).collect())
    }

    /// Every project of every organization: for work on the database as a whole, on nobody's behalf.
    pub async fn list_all_projects(&self) -> Result<Vec<Project>, StoreError> {
        let found = project::Entity::find().order_by_id_asc().all(self.connection()).await?;
        Ok(found.into_iter().map(Project::new).collect())
    }

    /// How many projects the organization has.
    pub async fn count_projects(&self, scope: &OrganizationScope) -> Result<u64, StoreError> {
        let all = existing().filter(project::Column::OrganizationId.eq(scope.id.clone()));
        Ok(all.count(self.connection()).await?)
    }

    /// How many domains the organization's projects have, all together.
    pub async fn count_domains(&self, organization: &OrganizationId) -> Result<u64, StoreError> {
        let projects = existing()
            .select_only()
            .column(project::Column::Id)
            .filter(project::Column::OrganizationId.eq(organization.clone()))
            .into_query();
        let all = domain::Entity::find().filter(domain::Column::ProjectId.in_subquery(projects));
        Ok(all.count(self.connection()).await?)
    }

    /// Whether apps of this project, named by public ids, are told to trust nothing. Asked for whoever fetches files: no
    /// scope.
    pub async fn is_withdrawn(&self, organization: &str, project: &str) -> Result<bool, StoreError> {
        let Ok(id) = ProjectId::parse(project) else { return Ok(false) };
        let found = self.load_project(&id).await?;
        Ok(found.is_some_and(|found| {
            found.row.organization_id.as_str() == organization && found.row.withdrawn_at.is_some()
        }))
    }

    /// A project, whoever's it is: for jobs, which act for nobody.
    pub async fn load_project(&self, project: &ProjectId) -> Result<Option<Project>, StoreError> {
        let found = existing().filter(project::Column::Id.eq(project.clone())).one(self.connection()).await?;
        Ok(found.map(Project::new))
    }
}

impl WriteTx {
    /// Adds a project with an empty draft. [`StoreError::AlreadyExists`] when name and environment are taken.
    pub async fn insert_project(
        &self,
        scope: &OrganizationScope,
        new: NewProject,
        now_secs: u64,
    ) -> Result<Project, StoreError> {
        let (public_key, recovery_key) = new.keys.map_or((None, None), |(public, recovery)| (Some(public), recovery));
        let row = ProjectRow {
            id: ProjectId::make(now_secs),
            organization_id: scope.id.clone(),
            name: new.name,
            environment: new.environment,
            custody: Custody::External,
            public_key,
            recovery_key,
            approval: new.approval,
            withdrawn_at: None,
            created_at: now_secs.into(),
            deleted_at: None,
        };
        self.insert::<project::Entity, _>(row.clone()).await?;
        self.insert::<draft::Entity, _>(DraftRow {
            project_id: row.id.clone(),
            revision: Unsigned::from(1),
            refresh_secs: new.refresh_secs.into(),
            on_stale: new.on_stale,
            expires_after_secs: new.expires_after_secs.map(Unsigned::from),
            deny: String::new(),
            ct_logs_as_of: None,
        })
        .await?;
        Ok(Project::new(row))
    }

    /// Replaces name, environment and approval. [`StoreError::AlreadyExists`] when name and environment are taken.
    pub async fn save_project(&self, scope: &ProjectScope, project: &ProjectRow) -> Result<(), StoreError> {
        project::Entity::update_many()
            .col_expr(project::Column::Name, Expr::value(project.name.as_str()))
            .col_expr(project::Column::Environment, Expr::value(project.environment.as_str()))
            .col_expr(project::Column::Approval, Expr::value(project.approval))
            .filter(project::Column::Id.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Notes since when apps are told to trust nothing; none: they are not.
    pub async fn save_withdrawn(&self, scope: &ProjectScope, since_secs: Option<u64>) -> Result<(), StoreError> {
        project::Entity::update_many()
            .col_expr(project::Column::WithdrawnAt, Expr::value(since_secs.map(Unsigned::from)))
            .filter(project::Column::Id.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Registers or replaces the project's public keys.
    pub async fn save_keys(
        &self,
        scope: &ProjectScope,
        public_key: &str,
        recovery_key: Option<&str>,
    ) -> Result<(), StoreError> {
        project::Entity::update_many()
            .col_expr(project::Column::PublicKey, Expr::value(public_key))
            .col_expr(project::Column::RecoveryKey, Expr::value(recovery_key))
            .filter(project::Column::Id.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}

/// Projects that were not deleted.
pub(crate) fn existing() -> sea_orm::Select<project::Entity> {
    project::Entity::find().filter(project::Column::DeletedAt.is_null())
}

impl Project {
    pub(crate) fn new(row: ProjectRow) -> Self {
        let scope = ProjectScope { organization: row.organization_id.clone(), project: row.id.clone() };
        Self { row, scope }
    }
}

impl ProjectScope {
    /// The organization that owns the project.
    pub fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// The project.
    pub fn project(&self) -> &ProjectId {
        &self.project
    }
}
