use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait, Select, sea_query::Expr,
};

use crate::{
    AgentId, DriftRow, OrganizationId, Page, ProbeAgentRow, ProjectScope, ReadTx, StoreError, Unsigned, WriteTx,
    entity::{drift, probe_agent, project},
};

impl ReadTx {
    /// The probe agents of the organization, by name.
    pub async fn list_probe_agents(
        &self,
        organization: &OrganizationId,
        page: &Page<String>,
    ) -> Result<Vec<ProbeAgentRow>, StoreError> {
        self.list_page(agents_of(organization).cursor_by(probe_agent::Column::Name), page).await
    }

    /// The agents of all organizations, in the order of their ids: for jobs, which act for nobody.
    pub async fn list_watched_agents(&self, page: &Page<String>) -> Result<Vec<ProbeAgentRow>, StoreError> {
        self.list_page(probe_agent::Entity::find().cursor_by(probe_agent::Column::Id), page).await
    }

    /// One of them.
    pub async fn find_probe_agent(
        &self,
        organization: &OrganizationId,
        id: &AgentId,
    ) -> Result<Option<ProbeAgentRow>, StoreError> {
        Ok(agents_of(organization).filter(probe_agent::Column::Id.eq(id.clone())).one(self.connection()).await?)
    }

    /// How many there are.
    pub async fn count_probe_agents(&self, organization: &OrganizationId) -> Result<u64, StoreError> {
        Ok(agents_of(organization).count(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds an agent. [`StoreError::AlreadyExists`] when its name or its key is another one's in the organization.
    pub async fn insert_probe_agent(&self, row: ProbeAgentRow) -> Result<(), StoreError> {
        self.insert::<probe_agent::Entity, _>(row).await
    }

    /// Notes that a report with the number `seq` was taken; `false` when one as high was before.
    pub async fn save_probe_report(&self, agent: &AgentId, seq: u64, now_secs: u64) -> Result<bool, StoreError> {
        let done = probe_agent::Entity::update_many()
            .col_expr(probe_agent::Column::LastSeq, Expr::value(Unsigned::from(seq)))
            .col_expr(probe_agent::Column::LastReportAt, Expr::value(Unsigned::from(now_secs)))
            .filter(probe_agent::Column::Id.eq(agent.clone()))
            .filter(probe_agent::Column::LastSeq.lt(Unsigned::from(seq)))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Removes an agent, and what is believed on its word, which is returned; what it told before stays in the history.
    pub async fn delete_probe_agent(&self, agent: &ProbeAgentRow) -> Result<Vec<(ProjectScope, DriftRow)>, StoreError> {
        let projects = project::Entity::find()
            .select_only()
            .column(project::Column::Id)
            .filter(project::Column::OrganizationId.eq(agent.organization_id.clone()))
            .into_query();
        let is_its = Condition::all()
            .add(drift::Column::Vantage.eq(agent.name.as_str()))
            .add(drift::Column::ProjectId.in_subquery(projects));
        let rows = drift::Entity::find().filter(is_its.clone()).all(self.connection()).await?;
        drift::Entity::delete_many().filter(is_its).exec(self.connection()).await?;
        probe_agent::Entity::delete_by_id(agent.id.clone()).exec(self.connection()).await?;
        let scope = |row: &DriftRow| ProjectScope {
            organization: agent.organization_id.clone(),
            project: row.project_id.clone(),
        };
        Ok(rows.into_iter().map(|row| (scope(&row), row)).collect())
    }
}

fn agents_of(organization: &OrganizationId) -> Select<probe_agent::Entity> {
    probe_agent::Entity::find().filter(probe_agent::Column::OrganizationId.eq(organization.clone()))
}
