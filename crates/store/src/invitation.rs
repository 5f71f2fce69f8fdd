use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};

use crate::{
    InvitationId, InvitationRow, OrganizationRow, OrganizationScope, Page, ReadTx, StoreError, Unsigned, WriteTx,
    entity::{invitation, organization},
};

/// An invitation and what it leads to.
#[derive(Clone, Debug)]
pub struct OpenInvitation {
    /// The invitation itself.
    pub row: InvitationRow,
    /// The organization that invites.
    pub organization: OrganizationRow,
    /// The way to its rows, for whoever shows the secret.
    pub scope: OrganizationScope,
}

impl ReadTx {
    /// The invitation whose secret begins with `prefix`. Whether it is the secret presented, and whether it is still
    /// good, is not yet said.
    pub async fn find_invitation_by_prefix(&self, prefix: &str) -> Result<Option<OpenInvitation>, StoreError> {
        let found =
            invitation::Entity::find().filter(invitation::Column::Prefix.eq(prefix)).one(self.connection()).await?;
        let Some(row) = found else { return Ok(None) };
        self.open_invitation(row).await
    }

    /// The invitation with this id. Whether it is still good is not said.
    pub async fn find_open_invitation(&self, invitation: &InvitationId) -> Result<Option<OpenInvitation>, StoreError> {
        let found = invitation::Entity::find_by_id(invitation.clone()).one(self.connection()).await?;
        let Some(row) = found else { return Ok(None) };
        self.open_invitation(row).await
    }

    /// The invitations for the address with this key that expire after `now_secs`.
    pub async fn list_invitations_for(&self, key: &str, now_secs: u64) -> Result<Vec<OpenInvitation>, StoreError> {
        let rows = invitation::Entity::find()
            .filter(invitation::Column::EmailKey.eq(key))
            .filter(invitation::Column::ExpiresAt.gt(Unsigned::from(now_secs)))
            .all(self.connection())
            .await?;
        let mut found = Vec::new();
        for row in rows {
            found.extend(self.open_invitation(row).await?);
        }
        Ok(found)
    }

    async fn open_invitation(&self, row: InvitationRow) -> Result<Option<OpenInvitation>, StoreError> {
        let found = organization::Entity::find_by_id(row.organization_id.clone()).one(self.connection()).await?;
        Ok(found.map(|organization| OpenInvitation {
            scope: OrganizationScope { id: organization.id.clone() },
            organization,
            row,
        }))
    }

    /// One invitation of the organization.
    pub async fn find_invitation(
        &self,
        scope: &OrganizationScope,
        invitation: &InvitationId,
    ) -> Result<Option<InvitationRow>, StoreError> {
        let found = invitations_of(scope).filter(invitation::Column::Id.eq(invitation.clone()));
        Ok(found.one(self.connection()).await?)
    }

    /// Invitations of the organization that are good at `now_secs`, oldest first.
    pub async fn list_invitations(
        &self,
        scope: &OrganizationScope,
        now_secs: u64,
        page: &Page<String>,
    ) -> Result<Vec<InvitationRow>, StoreError> {
        let open = invitations_of(scope).filter(invitation::Column::ExpiresAt.gt(Unsigned::from(now_secs)));
        self.list_page(open.cursor_by(invitation::Column::Id), page).await
    }

    /// How many invitations of the organization are good at `now_secs`.
    pub async fn count_invitations(&self, scope: &OrganizationScope, now_secs: u64) -> Result<u64, StoreError> {
        let open = invitations_of(scope).filter(invitation::Column::ExpiresAt.gt(Unsigned::from(now_secs)));
        Ok(open.count(self.connection()).await?)
    }
}

impl WriteTx {
    /// Adds an invitation; its organization is that of `scope`.
    pub async fn insert_invitation(
        &self,
        scope: &OrganizationScope,
        invitation: InvitationRow,
    ) -> Result<(), StoreError> {
        let row = InvitationRow { organization_id: scope.id.clone(), ..invitation };
        self.insert::<invitation::Entity, _>(row).await
    }

    /// Gives an invitation another secret, in place of the one it had.
    pub async fn save_invitation_secret(
        &self,
        invitation: &InvitationId,
        prefix: &str,
        secret_sha256: &str,
    ) -> Result<(), StoreError> {
        invitation::Entity::update_many()
            .col_expr(invitation::Column::Prefix, Expr::value(prefix))
            .col_expr(invitation::Column::SecretSha256, Expr::value(secret_sha256))
            .filter(invitation::Column::Id.eq(invitation.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets an invitation; `false` when it is gone already.
    pub async fn delete_invitation(
        &self,
        scope: &OrganizationScope,
        invitation: &InvitationId,
    ) -> Result<bool, StoreError> {
        let done = invitation::Entity::delete_many()
            .filter(invitation::Column::OrganizationId.eq(scope.id.clone()))
            .filter(invitation::Column::Id.eq(invitation.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Forgets every invitation that expired by `now_secs`, with the address in it.
    pub async fn delete_expired_invitations(&self, now_secs: u64) -> Result<(), StoreError> {
        invitation::Entity::delete_many()
            .filter(invitation::Column::ExpiresAt.lte(Unsigned::from(now_secs)))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}

fn invitations_of(scope: &OrganizationScope) -> sea_orm::Select<invitation::Entity> {
    invitation::Entity::find().filter(invitation::Column::OrganizationId.eq(scope.id.clone()))
}
