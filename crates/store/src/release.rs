use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use crate::{
    AccountId, Page, PreparedReleaseRow, ProjectScope, ReadTx, ReleaseRow, ReleaseState, ReleaseTargetRow, StoreError,
    TargetState, Unsigned, WriteTx,
    entity::{prepared_release, release, release_file, release_target},
};

/// How an attempt to bring a release to one target ended.
#[derive(Clone, Copy, Debug)]
pub struct TargetOutcome<'a> {
    /// What logs call the target.
    pub target: &'a str,
    /// How far it is.
    pub state: TargetState,
    /// Why it failed, if it did.
    pub error: Option<&'a str>,
}

impl ReadTx {
    /// The claims prepared under `version`, unless they were voided.
    pub async fn find_prepared(
        &self,
        scope: &ProjectScope,
        version: u64,
    ) -> Result<Option<PreparedReleaseRow>, StoreError> {
        let key = (scope.project.clone(), Unsigned::from(version));
        Ok(prepared_release::Entity::find_by_id(key).one(self.connection()).await?)
    }

    /// The highest number under which claims wait for their signature.
    pub async fn find_last_prepared_version(&self, scope: &ProjectScope) -> Result<Option<u64>, StoreError> {
        let newest: Option<Unsigned> = prepared_release::Entity::find()
            .select_only()
            .column(prepared_release::Column::Version)
            .filter(prepared_release::Column::ProjectId.eq(scope.project.clone()))
            .order_by_desc(prepared_release::Column::Version)
            .into_tuple()
            .one(self.connection())
            .await?;
        Ok(newest.map(Unsigned::value))
    }

    /// The release with the highest number of those that apps have seen or will see.
    pub async fn find_last_release(&self, scope: &ProjectScope) -> Result<Option<ReleaseRow>, StoreError> {
        let newest = releases_of(scope)
            .filter(release::Column::State.is_in(ReleaseState::COMMITTED))
            .order_by_desc(release::Column::Version)
            .one(self.connection())
            .await?;
        Ok(newest)
    }

    /// The highest number that a release ever had, whatever became of it.
    pub async fn find_last_version(&self, scope: &ProjectScope) -> Result<Option<u64>, StoreError> {
        let newest = releases_of(scope).order_by_desc(release::Column::Version).one(self.connection()).await?;
        Ok(newest.map(|release| release.version.value()))
    }

    /// The releases that wait for a person or for their time, lowest number first.
    pub async fn list_pending_releases(&self, scope: &ProjectScope) -> Result<Vec<ReleaseRow>, StoreError> {
        let pending = releases_of(scope)
            .filter(release::Column::State.is_in(ReleaseState::PENDING))
            .order_by_asc(release::Column::Version)
            .all(self.connection())
            .await?;
        Ok(pending)
    }

    /// How far the releases from `first` to `last` are at each target, by number and target.
    pub async fn list_release_targets(
        &self,
        scope: &ProjectScope,
        first: u64,
        last: u64,
    ) -> Result<Vec<ReleaseTargetRow>, StoreError> {
        let targets = release_target::Entity::find()
            .filter(release_target::Column::ProjectId.eq(scope.project.clone()))
            .filter(release_target::Column::Version.between(Unsigned::from(first), Unsigned::from(last)))
            .order_by_asc(release_target::Column::Version)
            .order_by_asc(release_target::Column::Target)
            .all(self.connection())
            .await?;
        Ok(targets)
    }

    /// The release that every target serves.
    pub async fn find_live_release(&self, scope: &ProjectScope) -> Result<Option<ReleaseRow>, StoreError> {
        let live = releases_of(scope)
            .filter(release::Column::State.eq(ReleaseState::Live))
            .order_by_desc(release::Column::Version)
            .one(self.connection())
            .await?;
        Ok(live)
    }

    /// One release.
    pub async fn find_release(&self, scope: &ProjectScope, version: u64) -> Result<Option<ReleaseRow>, StoreError> {
        let found = releases_of(scope)
            .filter(release::Column::Version.eq(Unsigned::from(version)))
            .one(self.connection())
            .await?;
        Ok(found)
    }

    /// Releases, newest first, by number.
    pub async fn list_releases(&self, scope: &ProjectScope, page: &Page<u64>) -> Result<Vec<ReleaseRow>, StoreError> {
        let mut list = releases_of(scope).cursor_by(release::Column::Version);
        list.desc();
        self.list_page(list, &page.by_number()).await
    }

    /// The newest releases that apps have seen or will see, newest first.
    pub async fn list_committed_releases(
        &self,
        scope: &ProjectScope,
        limit: u64,
    ) -> Result<Vec<ReleaseRow>, StoreError> {
        let newest = releases_of(scope)
            .filter(release::Column::State.is_in(ReleaseState::COMMITTED))
            .order_by_desc(release::Column::Version)
            .limit(limit)
            .all(self.connection())
            .await?;
        Ok(newest)
    }

    /// Every release, oldest first.
    pub async fn list_all_releases(&self, scope: &ProjectScope) -> Result<Vec<ReleaseRow>, StoreError> {
        Ok(releases_of(scope).order_by_asc(release::Column::Version).all(self.connection()).await?)
    }

    /// The signed file of a release, byte for byte.
    pub async fn load_release_file(&self, scope: &ProjectScope, version: u64) -> Result<Option<String>, StoreError> {
        let key = (scope.project.clone(), Unsigned::from(version));
        Ok(release_file::Entity::find_by_id(key).one(self.connection()).await?.map(|file| file.jws))
    }
}

impl WriteTx {
    /// Keeps claims until their signature comes.
    pub async fn insert_prepared(
        &self,
        scope: &ProjectScope,
        version: u64,
        claims: String,
        overridden: Option<String>,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        self.insert::<prepared_release::Entity, _>(PreparedReleaseRow {
            project_id: scope.project.clone(),
            version: version.into(),
            claims,
            prepared_at: now_secs.into(),
            overridden,
        })
        .await
    }

    /// Forgets the claims prepared under `version`.
    pub async fn delete_prepared(&self, scope: &ProjectScope, version: u64) -> Result<(), StoreError> {
        let key = (scope.project.clone(), Unsigned::from(version));
        prepared_release::Entity::delete_by_id(key).exec(self.connection()).await?;
        Ok(())
    }

    /// Forgets the claims prepared under `version` and every lower number.
    pub async fn delete_prepared_up_to(&self, scope: &ProjectScope, version: u64) -> Result<(), StoreError> {
        prepared_release::Entity::delete_many()
            .filter(prepared_release::Column::ProjectId.eq(scope.project.clone()))
            .filter(prepared_release::Column::Version.lte(Unsigned::from(version)))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Adds a release and its file.
    pub async fn insert_release(
        &self,
        scope: &ProjectScope,
        release: ReleaseRow,
        jws: String,
    ) -> Result<(), StoreError> {
        let (project_id, version) = (scope.project.clone(), release.version);
        self.insert::<release::Entity, _>(ReleaseRow { project_id: project_id.clone(), ..release }).await?;
        self.insert::<release_file::Entity, _>(release_file::Model { project_id, version, jws }).await
    }

    /// Moves a release from one state to another; `false` when it is not in that state (any longer).
    pub async fn move_release(
        &self,
        scope: &ProjectScope,
        version: u64,
        from: ReleaseState,
        to: ReleaseState,
    ) -> Result<bool, StoreError> {
        let done = update_releases(scope, to)
            .filter(release::Column::Version.eq(Unsigned::from(version)))
            .filter(release::Column::State.eq(from))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Notes who agreed to a release.
    pub async fn save_approval(
        &self,
        scope: &ProjectScope,
        version: u64,
        by: &AccountId,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        release::Entity::update_many()
            .col_expr(release::Column::ApprovedBy, Expr::value(by.as_str()))
            .col_expr(release::Column::ApprovedAt, Expr::value(Unsigned::from(now_secs)))
            .filter(release::Column::ProjectId.eq(scope.project.clone()))
            .filter(release::Column::Version.eq(Unsigned::from(version)))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that a release is on its way to `target`, unless that is known.
    pub async fn insert_release_target(
        &self,
        scope: &ProjectScope,
        version: u64,
        target: &str,
    ) -> Result<(), StoreError> {
        self.insert::<release_target::Entity, _>(ReleaseTargetRow {
            project_id: scope.project.clone(),
            version: version.into(),
            target: target.to_owned(),
            state: TargetState::Waiting,
            error: None,
            tried_at: None,
            live_at: None,
        })
        .await
    }

    /// Notes how an attempt to bring a release to a target ended; the target may be new.
    pub async fn save_release_target(
        &self,
        scope: &ProjectScope,
        version: u64,
        outcome: &TargetOutcome<'_>,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        let key = (scope.project.clone(), Unsigned::from(version), outcome.target.to_owned());
        let known = release_target::Entity::find_by_id(key.clone()).one(self.connection()).await?;
        let now = Unsigned::from(now_secs);
        let live_since = known.as_ref().and_then(|row| row.live_at).unwrap_or(now);
        let row = ReleaseTargetRow {
            project_id: key.0.clone(),
            version: key.1,
            target: key.2.clone(),
            state: outcome.state,
            error: outcome.error.map(str::to_owned),
            tried_at: Some(now),
            live_at: (outcome.state == TargetState::Live).then_some(live_since),
        };
        if known.is_some() {
            release_target::Entity::delete_by_id(key).exec(self.connection()).await?;
        }
        self.insert::<release_target::Entity, _>(row).await
    }

    /// Makes `version` the live release, and superseded every lower one that was live.
    pub async fn save_live_release(&self, scope: &ProjectScope, version: u64, now_secs: u64) -> Result<(), StoreError> {
        update_releases(scope, ReleaseState::Superseded)
            .filter(release::Column::Version.lt(Unsigned::from(version)))
            .filter(release::Column::State.eq(ReleaseState::Live))
            .exec(self.connection())
            .await?;
        update_releases(scope, ReleaseState::Live)
            .col_expr(release::Column::LiveAt, Expr::value(Unsigned::from(now_secs)))
            .filter(release::Column::Version.eq(Unsigned::from(version)))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}

fn releases_of(scope: &ProjectScope) -> sea_orm::Select<release::Entity> {
    release::Entity::find().filter(release::Column::ProjectId.eq(scope.project.clone()))
}

fn update_releases(scope: &ProjectScope, to: ReleaseState) -> sea_orm::UpdateMany<release::Entity> {
    release::Entity::update_many()
        .col_expr(release::Column::State, Expr::value(to))
        .filter(release::Column::ProjectId.eq(scope.project.clone()))
}
