//! Who may do what: roles and token scopes meet here, in one table.

use pintle_api::Scope;
use pintle_store::{Membership, OrganizationId, Project, ProjectId, ReadTx, Role};

use crate::{Actor, ServiceError};

/// Names a project as a caller does: both ids are still text.
#[derive(Clone, Copy, Debug)]
pub struct ProjectPath<'a> {
    /// `org_…`
    pub organization: &'a str,
    /// `prj_…`
    pub project: &'a str,
}

macro_rules! permissions {
    ($($(#[$doc:meta])+ $name:ident = $word:literal, $scope:ident, [$($role:ident)*],)*) => {
        /// What somebody may do in an organization.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Permission {
            $($(#[$doc])+ $name,)*
        }

        impl Permission {
            /// Every permission, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word for it in messages, documents and the audit log.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The scope that a token needs for it.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)* }
            }

            /// The roles that have it.
            pub const fn roles(self) -> &'static [Role] {
                match self { $(Self::$name => &[$(Role::$role,)*],)* }
            }
        }
    };
}

permissions! {
    /// See the organization, its projects, drafts, releases and members.
    Read = "read", Read, [Owner Admin Publisher Editor Auditor],
    /// Change drafts: domains, pins, settings, CT logs.
    EditDraft = "edit_draft", Edit, [Owner Admin Publisher Editor],
    /// Prepare, submit, schedule, withdraw and restore releases.
    Release = "release", Release, [Owner Admin Publisher],
    /// Approve what another member submitted.
    ApproveRelease = "approve_release", Release, [Owner Admin Publisher],
    /// Register keys; accept succession statements.
    ManageKeys = "manage_keys", Admin, [Owner Admin],
    /// Create, copy, change and delete projects.
    ManageProjects = "manage_projects", Admin, [Owner Admin],
    /// Invite and remove members, change their roles below owner, revoke tokens of the organization.
    ManageMembers = "manage_members", Admin, [Owner Admin],
    /// Read, search and export the audit log.
    ReadAudit = "read_audit", Read, [Owner Admin Auditor],
    /// Rename the organization and change its settings.
    ManageOrganization = "manage_organization", Admin, [Owner Admin],
    /// Name and remove owners; delete the organization; export everything it owns.
    OwnOrganization = "own_organization", Admin, [Owner],
}

/// What the token itself allows, before any organization is looked at.
pub(crate) fn require_scope(actor: &Actor, needed: Scope) -> Result<(), ServiceError> {
    if actor.scopes.contains(&needed) { Ok(()) } else { Err(ServiceError::ScopeMissing { needed }) }
}

/// The organization, if the actor is a member and may do `needed` there. To everyone else it does not exist.
pub(crate) async fn find_organization(
    tx: &ReadTx,
    actor: &Actor,
    organization: &str,
    needed: Permission,
) -> Result<Membership, ServiceError> {
    require_scope(actor, needed.scope())?;
    let missing = ServiceError::NotFound { what: "organization" };
    let Ok(id) = OrganizationId::parse(organization) else { return Err(missing) };
    let member = tx.find_membership(&actor.account_id, &id).await?.ok_or(missing)?;
    if needed.roles().contains(&member.role) { Ok(member) } else { Err(ServiceError::RoleInsufficient { needed }) }
}

/// The project, under the same rule.
pub(crate) async fn find_project(
    tx: &ReadTx,
    actor: &Actor,
    path: ProjectPath<'_>,
    needed: Permission,
) -> Result<Project, ServiceError> {
    let member = find_organization(tx, actor, path.organization, needed).await?;
    let missing = ServiceError::NotFound { what: "project" };
    let Ok(id) = ProjectId::parse(path.project) else { return Err(missing) };
    tx.find_project(&member.scope, &id).await?.ok_or(missing)
}

/// The project, ready for a change of its draft: its revision is what the caller expects, if it says.
pub(crate) async fn find_editable_project(
    tx: &ReadTx,
    actor: &Actor,
    path: ProjectPath<'_>,
    expected_revision: Option<u64>,
) -> Result<Project, ServiceError> {
    let project = find_project(tx, actor, path, Permission::EditDraft).await?;
    if let Some(expected) = expected_revision {
        let draft = tx.find_draft(&project.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        let found = draft.revision.value();
        if found != expected {
            return Err(ServiceError::RevisionMismatch { expected, found });
        }
    }
    Ok(project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_may_do_what_the_table_says_and_no_more() {
        for (role, allowed) in
            [(Role::Owner, 10), (Role::Admin, 9), (Role::Publisher, 4), (Role::Editor, 2), (Role::Auditor, 2)]
        {
            let granted = Permission::ALL.iter().filter(|permission| permission.roles().contains(&role));
            assert_eq!(granted.count(), allowed, "{role:?}");
        }
    }
}
