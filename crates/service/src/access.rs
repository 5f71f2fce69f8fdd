//! Who may do what: token scopes and roles meet here.

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

/// The permission table: what each role may do, in the words of token scopes.
fn permits(role: Role, needed: Scope) -> bool {
    match role {
        Role::Owner | Role::Admin => true,
        Role::Publisher => matches!(needed, Scope::Read | Scope::Edit | Scope::Release),
        Role::Editor => matches!(needed, Scope::Read | Scope::Edit),
        Role::Auditor => needed == Scope::Read,
    }
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
    needed: Scope,
) -> Result<Membership, ServiceError> {
    require_scope(actor, needed)?;
    let missing = ServiceError::NotFound { what: "organization" };
    let Ok(id) = OrganizationId::parse(organization) else { return Err(missing) };
    let member = tx.find_membership(&actor.account_id, &id).await?.ok_or(missing)?;
    if permits(member.role, needed) { Ok(member) } else { Err(ServiceError::RoleInsufficient { needed }) }
}

/// The project, under the same rule.
pub(crate) async fn find_project(
    tx: &ReadTx,
    actor: &Actor,
    path: ProjectPath<'_>,
    needed: Scope,
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
    let project = find_project(tx, actor, path, Scope::Edit).await?;
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
        let all = [Scope::Read, Scope::Edit, Scope::Release, Scope::Admin];
        for (role, allowed) in
            [(Role::Owner, 4), (Role::Admin, 4), (Role::Publisher, 3), (Role::Editor, 2), (Role::Auditor, 1)]
        {
            let granted: Vec<_> = all.into_iter().filter(|scope| permits(role, *scope)).collect();
            assert_eq!(granted, all[..allowed], "{role:?}");
        }
    }
}
