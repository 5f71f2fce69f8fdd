//! Organizations: the beginning of everything, and their settings.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use pintle_api::{
    AcceptInvitationRequest, CreateOrganizationRequest, InvitationCode, ListQuery, OrganizationResponse,
    ProjectResponse, Role, UpdateOrganizationRequest,
};
use pintle_service::{Allotment, PlanUse};

use super::{
    failure::{PageError, Refusal},
    form::{Form, Submitted},
    frame::{Anyone, Frame, SignedIn, go_on, render},
    place::{InOrganization, Query},
    show::words,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/orgs/new", get(ask_new).post(create))
        .route("/orgs/join", get(ask_code).post(join))
        .route("/orgs/{organization}", get(read))
        .route("/orgs/{organization}/settings", get(ask_settings).post(change))
        .route("/orgs/{organization}/delete", get(ask_deletion).post(delete))
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    organizations: Vec<(OrganizationResponse, Vec<ProjectResponse>)>,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "organization.html")]
struct OrganizationPage {
    frame: Frame,
    place: InOrganization,
    projects: Vec<ProjectResponse>,
    next_cursor: Option<String>,
    plan: PlanUse,
}

impl OrganizationPage {
    /// What the operator limits, as in `3 of 10 projects`.
    fn allotted(&self) -> Vec<String> {
        let parts = [(self.plan.projects, "projects"), (self.plan.domains, "domains")];
        let told = |(part, what): (Allotment, &str)| Some(format!("{} of {} {what}", part.used, part.limit?));
        parts.into_iter().filter_map(told).collect()
    }
}

#[derive(Template)]
#[template(path = "organization_new.html")]
struct NewPage {
    frame: Frame,
    form: Form,
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    frame: Frame,
    form: Form,
}

#[derive(Template)]
#[template(path = "organization_settings.html")]
struct SettingsPage {
    frame: Frame,
    place: InOrganization,
    form: Form,
}

#[derive(Template)]
#[template(path = "organization_delete.html")]
struct DeletionPage {
    frame: Frame,
    place: InOrganization,
    form: Form,
}

/// Organizations and projects of whoever is signed in; what Pintle is, to others.
pub(super) async fn home(State(app): State<App>, Anyone { actor, frame }: Anyone) -> Result<Response, PageError> {
    let Some(actor) = actor else { return Ok(render(&WelcomePage { frame })) };
    let mut organizations = Vec::new();
    for organization in app.service.list_organizations(&actor, &ListQuery::default()).await?.items {
        let projects = app.service.list_projects(&actor, &organization.id, &ListQuery::default()).await;
        // One that asks for single sign-on does not hide the others.
        organizations.push((organization, projects.map(|list| list.items).unwrap_or_default()));
    }
    Ok(render(&HomePage { frame, organizations }))
}

async fn read(
    State(app): State<App>,
    place: InOrganization,
    Query(query): Query<ListQuery>,
) -> Result<Response, PageError> {
    let list = app.service.list_projects(&place.actor, &place.organization.id, &query).await?;
    let plan = app.service.read_plan(&place.actor, &place.organization.id).await?;
    Ok(render(&OrganizationPage {
        frame: place.frame.clone(),
        place: place.at("projects"),
        projects: list.items,
        next_cursor: list.next_cursor,
        plan,
    }))
}

async fn ask_new(SignedIn { frame, .. }: SignedIn) -> Response {
    render(&NewPage { frame, form: Form::default() })
}

async fn create(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = CreateOrganizationRequest { name: fields.owned("name") };
    match app.service.create_organization(&actor, &request, now()).await {
        Ok(organization) => Ok(go_on(&format!("/orgs/{}", organization.id), "organization-created")),
        Err(error) => Ok(render(&NewPage { frame, form: Form::refused(fields, error)? })),
    }
}

async fn ask_code(SignedIn { frame, .. }: SignedIn) -> Response {
    render(&JoinPage { frame, form: Form::default() })
}

async fn join(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let Ok(code) = InvitationCode::parse(fields.text("code")) else {
        let refusal = Refusal::local("code", "code_invalid", "an invitation code is `pintle_invite_` and 72 digits");
        return Ok(render(&JoinPage { frame, form: Form::refused_here(fields, refusal) }));
    };
    match app.service.accept_invitation(&actor, &AcceptInvitationRequest { code }, now()).await {
        Ok(organization) => Ok(go_on(&format!("/orgs/{}", organization.id), "joined")),
        Err(error) => Ok(render(&JoinPage { frame, form: Form::refused(fields, error)? })),
    }
}

async fn ask_settings(place: InOrganization) -> Result<Response, PageError> {
    let requires_sso = if place.organization.requires_sso { "yes" } else { "" };
    let form = Form::of(&[("name", &place.organization.name), ("requires_sso", requires_sso)]);
    Ok(render(&SettingsPage { frame: place.frame.clone(), place: place.at("settings"), form }))
}

async fn change(
    State(app): State<App>,
    place: InOrganization,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = UpdateOrganizationRequest {
        name: Some(fields.owned("name")),
        requires_sso: Some(fields.is_chosen("requires_sso", "yes")),
    };
    match app.service.update_organization(&place.actor, &place.organization.id, &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/settings", place.path()), "changed")),
        Err(error) => Ok(render(&SettingsPage {
            frame: place.frame.clone(),
            place: place.at("settings"),
            form: Form::refused(fields, error)?,
        })),
    }
}

async fn ask_deletion(place: InOrganization) -> Response {
    render(&DeletionPage { frame: place.frame.clone(), place: place.at("settings"), form: Form::default() })
}

async fn delete(
    State(app): State<App>,
    place: InOrganization,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    if fields.text("confirmation") != place.organization.name {
        let refusal = Refusal::local("confirmation", "confirmation_missing", "this is not the organization's name");
        return Ok(render(&DeletionPage {
            frame: place.frame.clone(),
            place: place.at("settings"),
            form: Form::refused_here(fields, refusal),
        }));
    }
    match app.service.delete_organization(&place.actor, &place.organization.id, now()).await {
        Ok(_) => Ok(Redirect::to("/?done=deleted").into_response()),
        Err(error) => Ok(render(&DeletionPage {
            frame: place.frame.clone(),
            place: place.at("settings"),
            form: Form::refused(fields, error)?,
        })),
    }
}
