use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait as _},
};

use crate::{
    AccountId, AlertId, AlertNoticeRow, AlertRow, DueDateRow, MailChoice, NotificationChoiceRow, OrganizationId,
    OrganizationScope, Page, Project, ProjectId, ProjectScope, ReadTx, Role, StoreError, Unsigned, WriteTx,
    entity::{account_email, alert, alert_notice, due_date, membership, notification_choice, project},
    project::existing,
};

/// A member, with what matters for being told.
#[derive(Clone, Debug)]
pub struct AlertRecipient {
    /// Who it is.
    pub account_id: AccountId,
    /// What the account is in the organization.
    pub role: Role,
    /// What the member chose, if anything.
    pub choice: Option<NotificationChoiceRow>,
    /// Where mail goes.
    pub address: Option<String>,
}

/// What a member is still to be told, and of which alert.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What became of it.
    pub row: AlertNoticeRow,
    /// The alert as it is now.
    pub alert: AlertRow,
}

/// Which alerts of an organization are sought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Of these kinds alone.
    pub kinds: Vec<String>,
    /// Only what still holds.
    pub is_open: bool,
    /// About this project.
    pub project: Option<ProjectId>,
}

impl ReadTx {
    /// The alert that holds under this key.
    pub async fn find_open_alert(
        &self,
        organization: &OrganizationId,
        open_key: &str,
    ) -> Result<Option<AlertRow>, StoreError> {
        let found = of(organization).filter(alert::Column::OpenKey.eq(open_key));
        Ok(found.one(self.connection()).await?)
    }

    /// Whether an alert of this kind about this subject was raised since `since_secs`.
    pub async fn has_alert_since(
        &self,
        organization: &OrganizationId,
        kind: &str,
        subject: &str,
        since_secs: u64,
    ) -> Result<bool, StoreError> {
        let found = of(organization)
            .filter(alert::Column::Kind.eq(kind))
            .filter(alert::Column::Subject.eq(subject))
            .filter(alert::Column::RaisedAt.gte(Unsigned::from(since_secs)));
        Ok(found.count(self.connection()).await? > 0)
    }

    /// Alerts of the organization, the newest first.
    pub async fn list_alerts(
        &self,
        scope: &OrganizationScope,
        filter: &AlertFilter,
        page: &Page<String>,
    ) -> Result<Vec<AlertRow>, StoreError> {
        let mut list = of(&scope.id)
            .filter(alert::Column::Kind.is_in(filter.kinds.iter().map(String::as_str)))
            .apply_if(filter.is_open.then_some(()), |query, ()| query.filter(alert::Column::OpenKey.is_not_null()))
            .apply_if(filter.project.clone(), |query, id| query.filter(alert::Column::ProjectId.eq(id)))
            .cursor_by(alert::Column::Id);
        list.desc();
        self.list_page(list, page).await
    }

    /// One alert of the organization.
    pub async fn find_alert(&self, scope: &OrganizationScope, id: &AlertId) -> Result<Option<AlertRow>, StoreError> {
        Ok(of(&scope.id).filter(alert::Column::Id.eq(id.clone())).one(self.connection()).await?)
    }

    /// The alerts of one kind that hold, of one project.
    pub async fn list_open_alerts_of(&self, scope: &ProjectScope, kind: &str) -> Result<Vec<AlertRow>, StoreError> {
        let open = of(&scope.organization)
            .filter(alert::Column::ProjectId.eq(scope.project.clone()))
            .filter(alert::Column::Kind.eq(kind))
            .filter(alert::Column::OpenKey.is_not_null());
        Ok(open.all(self.connection()).await?)
    }

    /// Every member of the organization.
    pub async fn list_alert_recipients(
        &self,
        organization: &OrganizationId,
    ) -> Result<Vec<AlertRecipient>, StoreError> {
        let members = membership::Entity::find()
            .filter(membership::Column::OrganizationId.eq(organization.clone()))
            .order_by_asc(membership::Column::AccountId)
            .all(self.connection())
            .await?;
        let choices = notification_choice::Entity::find()
            .filter(notification_choice::Column::OrganizationId.eq(organization.clone()))
            .all(self.connection())
            .await?;
        let ids = members.iter().map(|member| member.account_id.clone());
        let addresses = account_email::Entity::find()
            .filter(account_email::Column::AccountId.is_in(ids))
            .all(self.connection())
            .await?;
        let recipient = |member: membership::Model| AlertRecipient {
            role: member.role,
            choice: choices.iter().find(|choice| choice.account_id == member.account_id).cloned(),
            address: addresses.iter().find(|row| row.account_id == member.account_id).map(|row| row.address.clone()),
            account_id: member.account_id,
        };
        Ok(members.into_iter().map(recipient).collect())
    }

    /// What an account is still to be told in a mail of this kind, the oldest first.
    pub async fn list_notices(&self, account: &AccountId, mail: MailChoice) -> Result<Vec<Notice>, StoreError> {
        let rows = alert_notice::Entity::find()
            .filter(alert_notice::Column::AccountId.eq(account.clone()))
            .filter(alert_notice::Column::Mail.eq(mail))
            .order_by_asc(alert_notice::Column::CreatedAt)
            .order_by_asc(alert_notice::Column::AlertId)
            .order_by_asc(alert_notice::Column::Change)
            .all(self.connection())
            .await?;
        let ids = rows.iter().map(|row| row.alert_id.clone());
        let alerts = alert::Entity::find().filter(alert::Column::Id.is_in(ids)).all(self.connection()).await?;
        let find = |id: &AlertId| alerts.iter().find(|alert| alert.id == *id).cloned();
        Ok(rows.into_iter().filter_map(|row| Some(Notice { alert: find(&row.alert_id)?, row })).collect())
    }

    /// Every choice of a daily mail that was not due since `since_secs`.
    pub async fn list_digest_choices(&self, since_secs: u64) -> Result<Vec<NotificationChoiceRow>, StoreError> {
        use notification_choice::Column;
        let is_due = Column::DigestAt.is_null().or(Column::DigestAt.lt(Unsigned::from(since_secs)));
        let due = notification_choice::Entity::find().filter(Column::Mail.eq(MailChoice::Digest)).filter(is_due);
        Ok(due.all(self.connection()).await?)
    }

    /// What a member chose.
    pub async fn find_notification_choice(
        &self,
        scope: &OrganizationScope,
        account: &AccountId,
    ) -> Result<Option<NotificationChoiceRow>, StoreError> {
        let key = (scope.id.clone(), account.clone());
        Ok(notification_choice::Entity::find_by_id(key).one(self.connection()).await?)
    }

    /// What ends in a project.
    pub async fn list_due_dates(&self, scope: &ProjectScope) -> Result<Vec<DueDateRow>, StoreError> {
        let due = due_date::Entity::find()
            .filter(due_date::Column::ProjectId.eq(scope.project.clone()))
            .order_by_asc(due_date::Column::DueAt)
            .order_by_asc(due_date::Column::Kind)
            .order_by_asc(due_date::Column::Subject);
        Ok(due.all(self.connection()).await?)
    }

    /// What ends in the organization before `until_secs`, the soonest first, at most `limit` things.
    pub async fn list_due_dates_until(
        &self,
        scope: &OrganizationScope,
        until_secs: u64,
        limit: u64,
    ) -> Result<Vec<DueDateRow>, StoreError> {
        let projects = existing()
            .select_only()
            .column(project::Column::Id)
            .filter(project::Column::OrganizationId.eq(scope.id.clone()))
            .into_query();
        let due = due_date::Entity::find()
            .filter(due_date::Column::ProjectId.in_subquery(projects))
            .filter(due_date::Column::DueAt.lt(Unsigned::from(until_secs)))
            .order_by_asc(due_date::Column::DueAt)
            .order_by_asc(due_date::Column::ProjectId)
            .order_by_asc(due_date::Column::Kind)
            .order_by_asc(due_date::Column::Subject)
            .limit(limit);
        Ok(due.all(self.connection()).await?)
    }

    /// Projects that were not deleted, in the order of their ids: for jobs, which act for nobody.
    pub async fn list_watched_projects(&self, page: &Page<String>) -> Result<Vec<Project>, StoreError> {
        let rows = self.list_page(existing().cursor_by(project::Column::Id), page).await?;
        Ok(rows.into_iter().map(Project::new).collect())
    }
}

impl WriteTx {
    /// Adds an alert. [`StoreError::AlreadyExists`] when its condition holds already.
    pub async fn insert_alert(&self, row: AlertRow) -> Result<(), StoreError> {
        self.insert::<alert::Entity, _>(row).await
    }

    /// Saves what is said of a condition that still holds.
    pub async fn save_alert(&self, row: &AlertRow) -> Result<(), StoreError> {
        alert::Entity::update_many()
            .col_expr(alert::Column::Severity, Expr::value(row.severity.as_str()))
            .col_expr(alert::Column::Detail, Expr::value(row.detail.as_str()))
            .col_expr(alert::Column::Stage, Expr::value(row.stage))
            .col_expr(alert::Column::ToldAt, Expr::value(row.told_at))
            .filter(alert::Column::Id.eq(row.id.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that a condition is over.
    pub async fn close_alert(&self, id: &AlertId, now_secs: u64) -> Result<(), StoreError> {
        close(now_secs).filter(alert::Column::Id.eq(id.clone())).exec(self.connection()).await?;
        Ok(())
    }

    /// Ends whatever holds of a project, and forgets what ends in it: nobody has to know any more.
    pub async fn close_alerts_of(&self, scope: &ProjectScope, now_secs: u64) -> Result<(), StoreError> {
        close(now_secs)
            .filter(alert::Column::ProjectId.eq(scope.project.clone()))
            .filter(alert::Column::OpenKey.is_not_null())
            .exec(self.connection())
            .await?;
        due_date::Entity::delete_many()
            .filter(due_date::Column::ProjectId.eq(scope.project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Has an account told of an alert; once, if that still waits.
    pub async fn put_notice(&self, row: AlertNoticeRow) -> Result<(), StoreError> {
        let key = (row.account_id.clone(), row.alert_id.clone(), row.change);
        if alert_notice::Entity::find_by_id(key).one(self.connection()).await?.is_some() {
            return Ok(());
        }
        self.insert::<alert_notice::Entity, _>(row).await
    }

    /// Removes what was told.
    pub async fn delete_notices(&self, told: &[Notice]) -> Result<(), StoreError> {
        for Notice { row, .. } in told {
            let key = (row.account_id.clone(), row.alert_id.clone(), row.change);
            alert_notice::Entity::delete_by_id(key).exec(self.connection()).await?;
        }
        Ok(())
    }

    /// Removes what nobody was told since before `before_secs`.
    pub async fn delete_old_notices(&self, before_secs: u64) -> Result<(), StoreError> {
        alert_notice::Entity::delete_many()
            .filter(alert_notice::Column::CreatedAt.lt(Unsigned::from(before_secs)))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Replaces what a member chose.
    pub async fn save_notification_choice(&self, row: NotificationChoiceRow) -> Result<(), StoreError> {
        let key = (row.organization_id.clone(), row.account_id.clone());
        notification_choice::Entity::delete_by_id(key).exec(self.connection()).await?;
        self.insert::<notification_choice::Entity, _>(row).await
    }

    /// Notes when something ends.
    pub async fn save_due_date(&self, row: DueDateRow) -> Result<(), StoreError> {
        self.delete_due_date(&row).await?;
        self.insert::<due_date::Entity, _>(row).await
    }

    /// Forgets when something ends.
    pub async fn delete_due_date(&self, row: &DueDateRow) -> Result<(), StoreError> {
        let key = (row.project_id.clone(), row.kind, row.subject.clone());
        due_date::Entity::delete_by_id(key).exec(self.connection()).await?;
        Ok(())
    }

    /// Forgets alerts that were over before `before_secs`; how many there were.
    pub async fn delete_old_alerts(&self, before_secs: u64) -> Result<u64, StoreError> {
        let done = alert::Entity::delete_many()
            .filter(alert::Column::OpenKey.is_null())
            .filter(alert::Column::ResolvedAt.lt(Unsigned::from(before_secs)))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected)
    }
}

fn of(organization: &OrganizationId) -> sea_orm::Select<alert::Entity> {
    alert::Entity::find().filter(alert::Column::OrganizationId.eq(organization.clone()))
}

fn close(now_secs: u64) -> sea_orm::UpdateMany<alert::Entity> {
    alert::Entity::update_many()
        .col_expr(alert::Column::ResolvedAt, Expr::value(Unsigned::from(now_secs)))
        .col_expr(alert::Column::OpenKey, Expr::value(None::<String>))
}
