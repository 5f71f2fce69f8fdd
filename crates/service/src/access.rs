//! Who may do what: roles and token scopes meet here, in one table.

use pintle_api::Scope;
use pintle_store::{Membership, OrganizationId, Project, ProjectId, ReadTx, Role};

use crate::{
    Actor, ServiceError, SsoError,
    actor::{Credential, Reach},
    error::GrantError,
};

/// Names a project as a caller does: both ids are still text.
#[derive(Clone, Copy, Debug)]
pub struct ProjectPath<'a> {
    /// `org_…`
    pub organization: &'a str,
    /// `prj_…`
    pub project: &'a str,
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $scope:ident, [$($role:ident)*],)*) => {
        /// What somebody may do in an organization.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Permission {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Permission {
            /// Every permission, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word for it in messages, documents and the audit log.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it allows, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            /// The scope that a token needs for it.
            pub const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)* }
            }

            /// Whether a member with this role has it.
            pub fn is_granted_to(self, role: pintle_api::Role) -> bool {
                self.roles().iter().any(|own| crate::respond::role(*own) == role)
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
    /// Release in spite of errors of the safe-publish guard, with a reason.
    OverrideGuard = "override_guard", Release, [Owner Admin],
    /// Fetch the encrypted signing key, where the server keeps it.
    UseKey = "use_key", Release, [Owner Admin Publisher],
    /// Approve what another member submitted.
    ApproveRelease = "approve_release", Release, [Owner Admin Publisher],
    /// Register keys, accept succession statements, store and delete the encrypted key.
    ManageKeys = "manage_keys", Admin, [Owner Admin],
    /// Create, copy, change and delete projects.
    ManageProjects = "manage_projects", Admin, [Owner Admin],
    /// Add, test and remove publish targets, of those that the operator offers.
    ManageTargets = "manage_targets", Admin, [Owner Admin],
    /// Add and remove probe agents, whose reports from inside other networks count.
    ManageProbes = "manage_probes", Admin, [Owner Admin],
    /// See what a probe agent is to look at, and hand in what it signed.
    ReportProbes = "report_probes", Read, [Owner Admin Publisher Editor Auditor],
    /// Invite and remove members, change their roles below owner, revoke tokens of the organization.
    ManageMembers = "manage_members", Admin, [Owner Admin],
    /// Read, search and export the audit log; who also manages members exports everything that the organization owns.
    ReadAudit = "read_audit", Read, [Owner Admin Auditor],
    /// Rename the organization and change its settings.
    ManageOrganization = "manage_organization", Admin, [Owner Admin],
    /// Name and remove owners; delete the organization.
    OwnOrganization = "own_organization", Admin, [Owner],
    /// Add, test and remove webhooks, see what they were sent, and send it again.
    ManageWebhooks = "manage_webhooks", Admin, [Owner Admin],
    /// Choose what one is told of oneself, and have a calendar of what ends.
    ChooseNotifications = "choose_notifications", Admin, [Owner Admin Publisher Editor Auditor],
    /// Leave the organization.
    Leave = "leave", Admin, [Owner Admin Publisher Editor Auditor],
}

/// What the credential itself allows for the account as a whole, before any organization is looked at.
pub(crate) fn require_scope(actor: &Actor, needed: Scope) -> Result<(), ServiceError> {
    if !actor.scopes.contains(&needed) {
        return Err(miss_scope(actor, needed));
    }
    if actor.reach == Reach::Account { Ok(()) } else { Err(GrantError::LimitedToken.into()) }
}

/// For what is a person's own and no organization's: a session may, whatever it lacks; of tokens one with this scope that is
/// limited to nothing.
pub(crate) fn require_own_account(actor: &Actor, needed: Scope) -> Result<(), ServiceError> {
    match actor.credential {
        Credential::Session { .. } => Ok(()),
        Credential::Token { .. } => require_scope(actor, needed),
    }
}

/// A person who signed in lacks a scope only where more is required than was shown.
pub(crate) fn miss_scope(actor: &Actor, needed: Scope) -> ServiceError {
    match actor.credential {
        Credential::Session { shortfall: Some(shortfall), .. } => shortfall.into(),
        Credential::Session { .. } | Credential::Token { .. } => ServiceError::ScopeMissing { needed },
    }
}

/// The organization, if the actor is a member, may do `needed` there, and is not limited to one of its projects. To
/// everyone else it does not exist.
pub(crate) async fn find_organization(
    tx: &ReadTx,
    actor: &Actor,
    organization: &str,
    needed: Permission,
) -> Result<Membership, ServiceError> {
    if actor.reach.project().is_some() {
        return Err(ServiceError::NotFound { what: "organization" });
    }
    find_organization_around(tx, actor, organization, needed).await
}

/// The same, for what concerns one project of it, or shows no more of it than a project's people know.
pub(crate) async fn find_organization_around(
    tx: &ReadTx,
    actor: &Actor,
    organization: &str,
    needed: Permission,
) -> Result<Membership, ServiceError> {
    let missing = ServiceError::NotFound { what: "organization" };
    let id = OrganizationId::parse(organization).ok().filter(|id| actor.reach.touches(id));
    let Some(id) = id else { return Err(missing) };
    let member = tx.find_membership(&actor.account_id, &id).await?.ok_or(missing)?;
    if member.organization.sso_required_at.is_some() && !actor.counts_as_sso(&member.organization.id) {
        actor.note_denial((&member.scope).into(), needed, "single sign-on");
        return Err(SsoError::Required.into());
    }
    if !actor.scopes.contains(&needed.scope()) {
        actor.note_denial((&member.scope).into(), needed, "scope");
        return Err(miss_scope(actor, needed.scope()));
    }
    if !needed.roles().contains(&member.role) {
        actor.note_denial((&member.scope).into(), needed, "role");
        return Err(ServiceError::RoleInsufficient { needed });
    }
    Ok(member)
}

/// A permission that `role` has and `own` has not.
fn find_excess(own: Role, role: Role) -> Option<Permission> {
    let has = |role, permission: &Permission| permission.roles().contains(&role);
    Permission::ALL.iter().find(|permission| has(role, permission) && !has(own, permission)).copied()
}

/// Whether the role `own` allows whatever `role` does.
pub(crate) fn includes(own: Role, role: Role) -> bool {
    find_excess(own, role).is_none()
}

/// Refuses to give or take a role that allows more than the member's own: nobody hands out what they do not have.
pub(crate) fn require_role_within(actor: &Actor, own: &Membership, role: Role) -> Result<(), ServiceError> {
    let Some(needed) = find_excess(own.role, role) else { return Ok(()) };
    actor.note_denial((&own.scope).into(), needed, "role");
    Err(ServiceError::RoleInsufficient { needed })
}

/// The project, under the same rule.
pub(crate) async fn find_project(
    tx: &ReadTx,
    actor: &Actor,
    path: ProjectPath<'_>,
    needed: Permission,
) -> Result<Project, ServiceError> {
    let member = find_organization_around(tx, actor, path.organization, needed).await?;
    let missing = ServiceError::NotFound { what: "project" };
    let id = ProjectId::parse(path.project).ok();
    let id = id.filter(|id| actor.reach.project().is_none_or(|only| only == id));
    let Some(id) = id else { return Err(missing) };
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
            [(Role::Owner, 18), (Role::Admin, 17), (Role::Publisher, 8), (Role::Editor, 5), (Role::Auditor, 5)]
        {
            let granted = Permission::ALL.iter().filter(|permission| permission.roles().contains(&role));
            assert_eq!(granted.count(), allowed, "{role:?}");
        }
    }
}
