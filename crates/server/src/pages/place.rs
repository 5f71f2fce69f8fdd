//! Where a page is: an organization, or a project of it, and what the reader may do there.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use pintle_api::{OrganizationResponse, ProjectResponse, Role};
use pintle_service::{Actor, Permission, ProjectPath};
use serde::de::DeserializeOwned;

use super::{
    failure::PageError,
    frame::{Frame, SignedIn},
};
use crate::app::App;

/// What the reader's role allows, for what a page offers. Nothing rests on it: the actions decide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Can(Role);

macro_rules! can {
    ($($name:ident = $permission:ident),+ $(,)?) => {
        impl Can {
            $(pub(super) fn $name(self) -> bool { Permission::$permission.is_granted_to(self.0) })+
        }
    };
}

can! {
    edit = EditDraft,
    release = Release,
    override_guard = OverrideGuard,
    approve = ApproveRelease,
    manage_keys = ManageKeys,
    manage_projects = ManageProjects,
    manage_targets = ManageTargets,
    manage_members = ManageMembers,
    manage_probes = ManageProbes,
    read_audit = ReadAudit,
    manage_organization = ManageOrganization,
    manage_webhooks = ManageWebhooks,
    own = OwnOrganization,
}

/// What stands behind the question mark of an address.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, PageError> {
        let query = axum::extract::Query::try_from_uri(&parts.uri).map_err(|_| PageError::QUERY_INVALID)?;
        Ok(Self(query.0))
    }
}

/// An organization that the reader is a member of; for everybody else it does not exist.
pub(super) struct InOrganization {
    pub(super) actor: Actor,
    pub(super) frame: Frame,
    pub(super) organization: OrganizationResponse,
    /// Which of its pages this is, as the navigation names it.
    pub(super) tab: &'static str,
}

impl InOrganization {
    pub(super) fn at(self, tab: &'static str) -> Self {
        Self { tab, ..self }
    }

    pub(super) fn path(&self) -> String {
        format!("/orgs/{}", self.organization.id)
    }

    pub(super) fn can(&self) -> Can {
        Can(self.organization.role)
    }
}

impl FromRequestParts<App> for InOrganization {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let SignedIn { actor, frame } = SignedIn::from_request_parts(parts, app).await?;
        let id = path_parameter(parts, app, "organization").await?;
        let organization = app.service.read_organization(&actor, &id).await?;
        Ok(Self { actor, frame, organization, tab: "" })
    }
}

/// A project that the reader sees.
pub(super) struct InProject {
    pub(super) actor: Actor,
    pub(super) frame: Frame,
    pub(super) organization: OrganizationResponse,
    pub(super) project: ProjectResponse,
    /// Which of its pages this is, as the navigation names it.
    pub(super) tab: &'static str,
}

impl InProject {
    /// For the actions.
    pub(super) fn id(&self) -> ProjectPath<'_> {
        ProjectPath { organization: &self.organization.id, project: &self.project.id }
    }

    pub(super) fn path(&self) -> String {
        format!("/orgs/{}/projects/{}", self.organization.id, self.project.id)
    }

    pub(super) fn can(&self) -> Can {
        Can(self.organization.role)
    }

    pub(super) fn at(self, tab: &'static str) -> Self {
        Self { tab, ..self }
    }

    /// The navigation: word, path below the project, and what people read.
    pub(super) fn tabs(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &[
            ("overview", "", "Overview"),
            ("domains", "/domains", "Domains"),
            ("draft", "/draft", "Draft"),
            ("releases", "/releases", "Releases"),
            ("monitor", "/monitor", "Monitor"),
            ("key", "/key", "Key"),
            ("targets", "/targets", "Targets"),
            ("setup", "/setup", "Set up"),
            ("settings", "/settings", "Settings"),
        ]
    }
}

impl FromRequestParts<App> for InProject {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let InOrganization { actor, frame, organization, .. } = InOrganization::from_request_parts(parts, app).await?;
        let id = path_parameter(parts, app, "project").await?;
        let project =
            app.service.read_project(&actor, ProjectPath { organization: &organization.id, project: &id }).await?;
        Ok(Self { actor, frame, organization, project, tab: "" })
    }
}

async fn path_parameter(parts: &mut Parts, app: &App, name: &str) -> Result<String, PageError> {
    let parameters = RawPathParams::from_request_parts(parts, app).await.map_err(|_| PageError::NOT_FOUND)?;
    let found = parameters.iter().find(|(found, _)| *found == name).map(|(_, value)| value.to_owned());
    found.ok_or(PageError::NOT_FOUND)
}
