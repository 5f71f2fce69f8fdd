use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Statement, sea_query::Expr};

use crate::{
    AccountId, JobKind, OrganizationId, OrganizationScope, Project, ProjectId, ProjectScope, ReadTx, StoreError,
    Unsigned, WriteTx,
    entity::{account, invitation, job, membership, prepared_release, project, release},
    project::existing,
};

/// The rows of one project, in an order that no reference forbids.
const ROWS_OF_PROJECT: &[(&str, &str)] = &[
    ("alert", "project_id = $1"),
    ("due_date", "project_id = $1"),
    ("pin", "domain_id IN (SELECT id FROM domain WHERE project_id = $1)"),
    ("proposed_pin", "domain_id IN (SELECT id FROM domain WHERE project_id = $1)"),
    ("domain", "project_id = $1"),
    ("ct_log", "project_id = $1"),
    ("drift", "project_id = $1"),
    ("drift_change", "project_id = $1"),
    ("observed_certificate", "project_id = $1"),
    ("logged_certificate", "project_id = $1"),
    ("draft", "project_id = $1"),
    ("prepared_release", "project_id = $1"),
    ("release_target", "project_id = $1"),
    ("publish_target", "project_id = $1"),
    ("violation_count", "project_id = $1"),
    ("release_file", "project_id = $1"),
    ("\"release\"", "project_id = $1"),
    ("succession_statement", "project_id = $1"),
    ("key_ciphertext", "project_id = $1"),
    ("api_token", "project_id = $1"),
    ("project", "id = $1"),
];

/// The rows of an organization without projects. Its audit log goes with it.
const ROWS_OF_ORGANIZATION: &[(&str, &str)] = &[
    ("alert", "organization_id = $1"),
    ("notification_choice", "organization_id = $1"),
    ("calendar_feed", "organization_id = $1"),
    ("webhook", "organization_id = $1"),
    ("invitation", "organization_id = $1"),
    ("api_token", "organization_id = $1"),
    ("probe_agent", "organization_id = $1"),
    ("audit_checkpoint", "chain = $1"),
    ("audit_personal", "chain = $1"),
    ("audit_event", "chain = $1"),
    ("membership", "organization_id = $1"),
    ("organization", "id = $1"),
];

/// A project that nobody finds any more.
#[derive(Clone, Debug)]
pub struct DeletedProject {
    /// The way to its rows.
    pub scope: ProjectScope,
    /// The numbers of its releases: what buckets may still hold.
    pub versions: Vec<u64>,
}

/// What belongs to an account, but for the account itself, which releases name, and what the audit log says of it.
const ROWS_OF_ACCOUNT: &[(&str, &str)] = &[
    ("session", "account_id = $1"),
    ("one_time_secret", "account_id = $1"),
    ("mail", "account_id = $1"),
    ("alert_notice", "account_id = $1"),
    ("notification_choice", "account_id = $1"),
    ("calendar_feed", "account_id = $1"),
    ("totp", "account_id = $1"),
    ("identity", "account_id = $1"),
    ("recovery_code", "account_id = $1"),
    ("passkey", "account_id = $1"),
    ("account_password", "account_id = $1"),
    ("account_email", "account_id = $1"),
    ("api_token", "account_id = $1"),
    ("idempotent_request", "account_id = $1"),
    ("membership", "account_id = $1"),
];
/// What is left of an account's name.
const DELETED_ACCOUNT: &str = "deleted account";

impl ReadTx {
    /// A project that was deleted; `None` when it is erased already, or was never deleted.
    pub async fn find_deleted_project(&self, project: &ProjectId) -> Result<Option<DeletedProject>, StoreError> {
        let found = project::Entity::find_by_id(project.clone())
            .filter(project::Column::DeletedAt.is_not_null())
            .one(self.connection())
            .await?;
        let Some(row) = found else { return Ok(None) };
        let versions: Vec<Unsigned> = release::Entity::find()
            .select_only()
            .column(release::Column::Version)
            .filter(release::Column::ProjectId.eq(project.clone()))
            .into_tuple()
            .all(self.connection())
            .await?;
        let versions = versions.into_iter().map(Unsigned::value).collect();
        Ok(Some(DeletedProject { scope: Project::new(row).scope, versions }))
    }

    /// Every project of the organization, deleted ones included.
    pub async fn list_projects_of(&self, organization: &OrganizationId) -> Result<Vec<ProjectId>, StoreError> {
        let ids = project::Entity::find()
            .select_only()
            .column(project::Column::Id)
            .filter(project::Column::OrganizationId.eq(organization.clone()))
            .into_tuple()
            .all(self.connection())
            .await?;
        Ok(ids)
    }
}

impl WriteTx {
    /// Hides the project: nobody finds it any more, nothing of it is published any more, and its name is free.
    pub async fn hide_project(&self, scope: &ProjectScope, now_secs: u64) -> Result<(), StoreError> {
        let releases = release::Entity::find()
            .select_only()
            .column(release::Column::Id)
            .filter(release::Column::ProjectId.eq(scope.project.clone()));
        job::Entity::delete_many()
            .filter(job::Column::Kind.eq(JobKind::Publish))
            .filter(job::Column::Subject.in_subquery(sea_orm::QueryTrait::into_query(releases)))
            .exec(self.connection())
            .await?;
        self.close_alerts_of(scope, now_secs).await?;
        prepared_release::Entity::delete_many()
            .filter(prepared_release::Column::ProjectId.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        project::Entity::update_many()
            .col_expr(project::Column::DeletedAt, Expr::value(Unsigned::from(now_secs)))
            .col_expr(project::Column::Name, Expr::col(project::Column::Id))
            .filter(project::Column::Id.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Hides the organization: it has no member any more and nobody can become one, and each of its projects, which are
    /// returned, is hidden.
    pub async fn hide_organization(
        &self,
        scope: &OrganizationScope,
        now_secs: u64,
    ) -> Result<Vec<Project>, StoreError> {
        let rows =
            existing().filter(project::Column::OrganizationId.eq(scope.id.clone())).all(self.connection()).await?;
        let projects: Vec<Project> = rows.into_iter().map(Project::new).collect();
        for project in &projects {
            self.hide_project(&project.scope, now_secs).await?;
        }
        invitation::Entity::delete_many()
            .filter(invitation::Column::OrganizationId.eq(scope.id.clone()))
            .exec(self.connection())
            .await?;
        membership::Entity::delete_many()
            .filter(membership::Column::OrganizationId.eq(scope.id.clone()))
            .exec(self.connection())
            .await?;
        Ok(projects)
    }

    /// Ends an account: nothing signs in with it any more, it belongs to nothing, and its name and address are gone. Its id
    /// stays, because releases and events name it.
    pub async fn hide_account(&self, account: &AccountId) -> Result<(), StoreError> {
        account::Entity::update_many()
            .col_expr(account::Column::Name, Expr::value(DELETED_ACCOUNT))
            .filter(account::Column::Id.eq(account.clone()))
            .exec(self.connection())
            .await?;
        self.erase(ROWS_OF_ACCOUNT, account.as_str()).await
    }

    /// Erases a project for good.
    pub async fn erase_project(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.erase(ROWS_OF_PROJECT, project.as_str()).await
    }

    /// Erases an organization without projects for good, its audit log included.
    pub async fn erase_organization(&self, organization: &OrganizationId) -> Result<(), StoreError> {
        self.erase(ROWS_OF_ORGANIZATION, organization.as_str()).await
    }

    async fn erase(&self, rows: &[(&str, &str)], id: &str) -> Result<(), StoreError> {
        for (table, condition) in rows {
            let sql = format!("DELETE FROM {table} WHERE {condition}");
            let backend = self.connection().get_database_backend();
            self.connection().execute_raw(Statement::from_sql_and_values(backend, sql, [id.into()])).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;

    /// A table added later must be erased, too.
    #[tokio::test]
    async fn every_table_with_rows_of_a_project_or_an_organization_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("pintle.db")).await.unwrap();
        let tx = store.read().await.unwrap();
        let tables_with = async |columns: &str| {
            let sql = format!(
                "SELECT DISTINCT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND c.name IN ({columns})"
            );
            let backend = tx.connection().get_database_backend();
            let rows = tx.connection().query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
            rows.into_iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>()
        };
        let erased = |rows: &[(&str, &str)]| -> Vec<String> {
            rows.iter().map(|(table, _)| table.trim_matches('"').to_owned()).collect()
        };
        let (of_project, of_organization) = (erased(ROWS_OF_PROJECT), erased(ROWS_OF_ORGANIZATION));
        // An audit event names a project and belongs to the organization.
        for table in tables_with("'project_id', 'domain_id', 'release_id'").await {
            assert!(of_project.contains(&table) || of_organization.contains(&table), "{table}");
        }
        for table in tables_with("'organization_id', 'chain'").await {
            assert!(of_project.contains(&table) || of_organization.contains(&table), "{table}");
        }
        let of_account = erased(ROWS_OF_ACCOUNT);
        for table in tables_with("'account_id'").await {
            // Events name the account by its id; personal values go later.
            assert!(of_account.contains(&table) || table.starts_with("audit_"), "{table}");
        }
    }
}
