use std::collections::BTreeSet;

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Alias, Expr, ExprTrait as _, Query},
};

use crate::{
    DriftChangeRow, DriftRow, Page, Project, ProjectId, ProjectScope, ReadTx, ReleaseRow, ReleaseState, StoreError,
    Unsigned, WriteTx,
    entity::{drift, drift_change, release},
};

/// What is looked at from where, within a project: what tells two rows apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DriftSubject {
    /// What `name` is, as the API spells it.
    pub kind: String,
    /// Name of the domain, or base URL of the place.
    pub name: String,
}

impl ReadTx {
    /// A live release with which what is looked at was not yet brought in line; the project is there.
    pub async fn find_release_to_watch(&self) -> Result<Option<(Project, ReleaseRow)>, StoreError> {
        let waiting = release::Entity::find()
            .filter(release::Column::State.eq(ReleaseState::Live))
            .filter(release::Column::WatchedAt.is_null())
            .filter(release::Column::ProjectId.in_subquery(sea_orm::QueryTrait::into_query(
                crate::project::existing().select_only().column(crate::entity::project::Column::Id),
            )))
            .order_by_asc(release::Column::LiveAt)
            .order_by_asc(release::Column::Id)
            .one(self.connection())
            .await?;
        let Some(release) = waiting else { return Ok(None) };
        Ok(self.load_project(&release.project_id).await?.map(|project| (project, release)))
    }

    /// When the next look from there is due: seconds since 1970 UTC.
    pub async fn find_next_look(&self, vantage: &str) -> Result<Option<u64>, StoreError> {
        let next: Option<Option<Unsigned>> = drift::Entity::find()
            .select_only()
            .column(drift::Column::DueAt)
            .filter(drift::Column::Vantage.eq(vantage))
            .filter(drift::Column::DueAt.is_not_null())
            .order_by_asc(drift::Column::DueAt)
            .into_tuple()
            .one(self.connection())
            .await?;
        Ok(next.flatten().map(Unsigned::value))
    }

    /// What is looked at, by kind, name and vantage point.
    pub async fn list_drift(
        &self,
        scope: &ProjectScope,
        page: &Page<(String, String, String)>,
    ) -> Result<Vec<DriftRow>, StoreError> {
        let list = drift_of(scope).cursor_by((drift::Column::Kind, drift::Column::Subject, drift::Column::Vantage));
        self.list_page(list, page).await
    }

    /// At most `limit` things that were looked at from `vantage`, and are not looked at from `other`.
    pub async fn list_drift_without(
        &self,
        vantage: &str,
        other: &str,
        limit: u64,
    ) -> Result<Vec<DriftRow>, StoreError> {
        let same = |column: drift::Column| Expr::col((Alias::new("other"), column)).equals((drift::Entity, column));
        let there = Query::select()
            .expr(Expr::val(1))
            .from_as(drift::Entity, Alias::new("other"))
            .and_where(same(drift::Column::ProjectId))
            .and_where(same(drift::Column::Kind))
            .and_where(same(drift::Column::Subject))
            .and_where(Expr::col((Alias::new("other"), drift::Column::Vantage)).eq(other))
            .to_owned();
        let rows = drift::Entity::find()
            .filter(drift::Column::Vantage.eq(vantage))
            .filter(drift::Column::SeenAt.is_not_null())
            .filter(Expr::exists(there).not())
            .order_by_asc(drift::Column::ProjectId)
            .order_by_asc(drift::Column::Kind)
            .order_by_asc(drift::Column::Subject)
            .limit(limit);
        Ok(rows.all(self.connection()).await?)
    }

    /// At most `limit` things that are looked at from `vantage`.
    pub async fn list_drift_from(&self, vantage: &str, limit: u64) -> Result<Vec<DriftRow>, StoreError> {
        let rows = drift::Entity::find().filter(drift::Column::Vantage.eq(vantage));
        Ok(rows.limit(limit).all(self.connection()).await?)
    }

    /// One of them.
    pub async fn find_drift(
        &self,
        scope: &ProjectScope,
        subject: &DriftSubject,
        vantage: &str,
    ) -> Result<Option<DriftRow>, StoreError> {
        let key = (scope.project.clone(), subject.kind.clone(), subject.name.clone(), vantage.to_owned());
        Ok(drift::Entity::find_by_id(key).one(self.connection()).await?)
    }

    /// Changes of state, newest first, by number; of one subject, if it is named.
    pub async fn list_drift_changes(
        &self,
        scope: &ProjectScope,
        subject: Option<&str>,
        page: &Page<u64>,
    ) -> Result<Vec<DriftChangeRow>, StoreError> {
        let mut changes = changes_of(&scope.project);
        if let Some(subject) = subject {
            changes = changes.filter(drift_change::Column::Subject.eq(subject));
        }
        let mut list = changes.cursor_by(drift_change::Column::Seq);
        list.desc();
        self.list_page(list, &page.by_number()).await
    }
}

impl WriteTx {
    /// Takes up to `limit` of what is due from `vantage`, the longest due first: it is nobody else's until `until_secs`. Due is also what lies
    /// beyond `horizon_secs`: a clock that ran ahead put it there. `lease` is unique to this call.
    pub async fn lease_looks(
        &self,
        vantage: &str,
        lease: &str,
        now_secs: u64,
        until_secs: u64,
        horizon_secs: u64,
        limit: u64,
    ) -> Result<Vec<DriftRow>, StoreError> {
        let is_due = Condition::any()
            .add(drift::Column::DueAt.lte(Unsigned::from(now_secs)))
            .add(drift::Column::DueAt.gt(Unsigned::from(horizon_secs)));
        let due = drift::Entity::find()
            .filter(drift::Column::Vantage.eq(vantage))
            .filter(is_due)
            .order_by_asc(drift::Column::DueAt)
            .order_by_asc(drift::Column::ProjectId)
            .order_by_asc(drift::Column::Kind)
            .order_by_asc(drift::Column::Subject)
            .limit(limit)
            .all(self.connection())
            .await?;
        let mut taken = Vec::new();
        for row in due {
            let row = DriftRow { lease: Some(lease.to_owned()), due_at: Some(until_secs.into()), ..row };
            update(&row)
                .col_expr(drift::Column::Lease, Expr::value(lease))
                .col_expr(drift::Column::DueAt, Expr::value(Unsigned::from(until_secs)))
                .exec(self.connection())
                .await?;
            taken.push(row);
        }
        Ok(taken)
    }

    /// Begins to look at something, unless somebody does.
    pub async fn insert_drift(&self, row: DriftRow) -> Result<(), StoreError> {
        self.insert::<drift::Entity, _>(row).await
    }

    /// Writes what a look found; `false` when it was taken by somebody else meanwhile, or is looked at no more.
    pub async fn save_drift(&self, lease: Option<&str>, row: &DriftRow) -> Result<bool, StoreError> {
        let is_held = match lease {
            Some(lease) => drift::Column::Lease.eq(lease),
            None => drift::Column::Lease.is_null(),
        };
        let done = update(row)
            .col_expr(drift::Column::State, Expr::value(row.state.clone()))
            .col_expr(drift::Column::Since, Expr::value(row.since))
            .col_expr(drift::Column::Detail, Expr::value(row.detail.as_str()))
            .col_expr(drift::Column::PendingState, Expr::value(row.pending_state.clone()))
            .col_expr(drift::Column::PendingCount, Expr::value(row.pending_count))
            .col_expr(drift::Column::PinsSha256, Expr::value(row.pins_sha256.clone()))
            .col_expr(drift::Column::PrimaryPins, Expr::value(row.primary_pins.clone()))
            .col_expr(drift::Column::Version, Expr::value(row.version))
            .col_expr(drift::Column::SeenAt, Expr::value(row.seen_at))
            .col_expr(drift::Column::DueAt, Expr::value(row.due_at))
            .col_expr(drift::Column::Lease, Expr::value(row.lease.clone()))
            .filter(is_held)
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Stops looking at one thing from there.
    pub async fn delete_drift(&self, row: &DriftRow) -> Result<(), StoreError> {
        drift::Entity::delete_by_id(key(row)).exec(self.connection()).await?;
        Ok(())
    }

    /// Stops looking at whatever is not among `kept`, from every vantage point.
    pub async fn delete_drift_but(
        &self,
        scope: &ProjectScope,
        kept: &BTreeSet<DriftSubject>,
    ) -> Result<Vec<DriftRow>, StoreError> {
        let mut gone = Vec::new();
        for row in drift_of(scope).all(self.connection()).await? {
            let subject = DriftSubject { kind: row.kind.clone(), name: row.subject.clone() };
            if !kept.contains(&subject) {
                drift::Entity::delete_by_id(key(&row)).exec(self.connection()).await?;
                gone.push(row);
            }
        }
        Ok(gone)
    }

    /// Stops looking at a project that is gone.
    pub async fn delete_drift_of(&self, project: &ProjectId) -> Result<(), StoreError> {
        drift::Entity::delete_many()
            .filter(drift::Column::ProjectId.eq(project.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that what is looked at is in line with a release.
    pub async fn save_watched(&self, scope: &ProjectScope, version: u64, now_secs: u64) -> Result<(), StoreError> {
        update_releases(scope, Some(now_secs))
            .filter(release::Column::Version.eq(Unsigned::from(version)))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that what is looked at has to be brought in line with the live release again.
    pub async fn forget_watched(&self, scope: &ProjectScope) -> Result<(), StoreError> {
        update_releases(scope, None).exec(self.connection()).await?;
        Ok(())
    }

    /// Adds a change under the next number of its project. Of one subject seen from one vantage point the newest `kept` stay.
    pub async fn insert_drift_change(&self, change: DriftChangeRow, kept: u64) -> Result<(), StoreError> {
        let project = change.project_id.clone();
        let last = changes_of(&project).order_by_desc(drift_change::Column::Seq).one(self.connection()).await?;
        let seq = last.map_or(1, |last| last.seq.value() + 1);
        let alike = changes_of(&project)
            .filter(drift_change::Column::Kind.eq(change.kind.as_str()))
            .filter(drift_change::Column::Subject.eq(change.subject.as_str()))
            .filter(drift_change::Column::Vantage.eq(change.vantage.as_str()));
        let count = alike.clone().count(self.connection()).await?;
        if count >= kept {
            let oldest =
                alike.order_by_asc(drift_change::Column::Seq).limit(count - kept + 1).all(self.connection()).await?;
            for row in oldest {
                drift_change::Entity::delete_by_id((row.project_id, row.seq)).exec(self.connection()).await?;
            }
        }
        self.insert::<drift_change::Entity, _>(DriftChangeRow { seq: seq.into(), ..change }).await
    }

    /// Forgets changes from before `cutoff_secs`; how many there were.
    pub async fn delete_old_drift_changes(&self, cutoff_secs: u64) -> Result<u64, StoreError> {
        let done = drift_change::Entity::delete_many()
            .filter(drift_change::Column::At.lt(Unsigned::from(cutoff_secs)))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected)
    }
}

type Key = (ProjectId, String, String, String);

fn key(row: &DriftRow) -> Key {
    (row.project_id.clone(), row.kind.clone(), row.subject.clone(), row.vantage.clone())
}

fn update(row: &DriftRow) -> sea_orm::UpdateMany<drift::Entity> {
    drift::Entity::update_many()
        .filter(drift::Column::ProjectId.eq(row.project_id.clone()))
        .filter(drift::Column::Kind.eq(row.kind.as_str()))
        .filter(drift::Column::Subject.eq(row.subject.as_str()))
        .filter(drift::Column::Vantage.eq(row.vantage.as_str()))
}

fn update_releases(scope: &ProjectScope, watched_at_secs: Option<u64>) -> sea_orm::UpdateMany<release::Entity> {
    release::Entity::update_many()
        .col_expr(release::Column::WatchedAt, Expr::value(watched_at_secs.map(Unsigned::from)))
        .filter(release::Column::ProjectId.eq(scope.project.clone()))
        .filter(release::Column::State.eq(ReleaseState::Live))
}

fn drift_of(scope: &ProjectScope) -> Select<drift::Entity> {
    drift::Entity::find().filter(drift::Column::ProjectId.eq(scope.project.clone()))
}

fn changes_of(project: &ProjectId) -> Select<drift_change::Entity> {
    drift_change::Entity::find().filter(drift_change::Column::ProjectId.eq(project.clone()))
}
