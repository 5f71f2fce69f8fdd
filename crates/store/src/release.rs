use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use crate::{
    Page, PreparedReleaseRow, ProjectScope, ReadTx, ReleaseRow, ReleaseState, StoreError, Unsigned, WriteTx,
    entity::{prepared_release, release, release_file},
};

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

    /// The release with the highest number.
    pub async fn find_last_release(&self, scope: &ProjectScope) -> Result<Option<ReleaseRow>, StoreError> {
        let newest = releases_of(scope).order_by_desc(release::Column::Version).one(self.connection()).await?;
        Ok(newest)
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
        now_secs: u64,
    ) -> Result<(), StoreError> {
        self.insert::<prepared_release::Entity, _>(PreparedReleaseRow {
            project_id: scope.project.clone(),
            version: version.into(),
            claims,
            prepared_at: now_secs.into(),
        })
        .await
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
