//! Projects: creating one, and where it stands.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use pintle_api::{Approval, CopyProjectRequest, CreateProjectRequest, ReleaseResponse, UpdateProjectRequest};
use pintle_service::DraftSummary;

use super::{
    failure::{PageError, Refusal},
    form::{Form, Submitted},
    frame::{Frame, go_on, render},
    place::{InOrganization, InProject},
    releases::{mood, target_mood},
    show::words,
    timeline::Row,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/orgs/{organization}/projects/new", get(ask_new).post(create))
        .route("/orgs/{organization}/projects/{project}", get(read))
        .route("/orgs/{organization}/projects/{project}/settings", get(ask_settings).post(change))
        .route("/orgs/{organization}/projects/{project}/copy", get(ask_copy).post(copy))
        .route("/orgs/{organization}/projects/{project}/delete", get(ask_deletion).post(delete))
}

#[derive(Template)]
#[template(path = "project_new.html")]
struct NewPage {
    frame: Frame,
    place: InOrganization,
    form: Form,
}

#[derive(Template)]
#[template(path = "project.html")]
struct ProjectPage {
    frame: Frame,
    place: InProject,
    draft: DraftSummary,
    latest: Option<ReleaseResponse>,
    rows: Vec<Row>,
    hidden_rows: usize,
}

/// Domains that the overview shows with their pins.
const MAX_ROWS: usize = 12;

impl ProjectPage {
    /// Whether there is anything to tell of the draft: what it says before anybody added a domain is nobody's change.
    fn is_begun(&self) -> bool {
        self.latest.is_some() || self.draft.domain_count > 0
    }

    /// Whether every domain has a pin: the ones without come first.
    fn is_pinned(&self) -> bool {
        self.draft.urgent.first().is_some_and(|domain| !domain.pins.is_empty())
    }
}

#[derive(Template)]
#[template(path = "project_settings.html")]
struct SettingsPage {
    frame: Frame,
    place: InProject,
    form: Form,
}

#[derive(Template)]
#[template(path = "project_copy.html")]
struct CopyPage {
    frame: Frame,
    place: InProject,
    form: Form,
}

#[derive(Template)]
#[template(path = "project_delete.html")]
struct DeletionPage {
    frame: Frame,
    place: InProject,
    form: Form,
}

async fn ask_new(place: InOrganization) -> Response {
    render(&NewPage {
        frame: place.frame.clone(),
        place: place.at("projects"),
        form: Form::of(&[("environment", "production")]),
    })
}

async fn create(
    State(app): State<App>,
    place: InOrganization,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request =
        CreateProjectRequest { name: fields.owned("name"), environment: fields.owned("environment"), key: None };
    match app.service.create_project(&place.actor, &place.organization.id, &request, now()).await {
        Ok(project) => Ok(go_on(&format!("{}/projects/{}", place.path(), project.id), "project-created")),
        Err(error) => Ok(render(&NewPage {
            frame: place.frame.clone(),
            place: place.at("projects"),
            form: Form::refused(fields, error)?,
        })),
    }
}

async fn read(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    let draft = app.service.summarize_draft(&place.actor, place.id(), MAX_ROWS, now()).await?;
    let latest = match place.project.latest_release {
        Some(version) => Some(app.service.read_release(&place.actor, place.id(), version).await?),
        None => None,
    };
    let now_secs = place.frame.now;
    // What needs somebody; the list of domains has the rest.
    let hidden_rows = draft.domain_count.saturating_sub(draft.urgent.len());
    let names: Vec<_> = draft.urgent.iter().map(|domain| domain.name.clone()).collect();
    let certificates = app.service.list_certificates(&place.actor, place.id(), &names).await?;
    let rows = draft.urgent.iter().map(|domain| Row::new(domain, &certificates, now_secs)).collect();
    Ok(render(&ProjectPage {
        frame: place.frame.clone(),
        place: place.at("overview"),
        draft,
        latest,
        rows,
        hidden_rows,
    }))
}

async fn ask_settings(place: InProject) -> Response {
    let project = &place.project;
    let approval = if project.approval == Approval::SecondPerson { "second_person" } else { "none" };
    let form = Form::of(&[("name", &project.name), ("environment", &project.environment), ("approval", approval)]);
    render(&SettingsPage { frame: place.frame.clone(), place: place.at("settings"), form })
}

async fn change(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = UpdateProjectRequest {
        name: Some(fields.owned("name")),
        environment: Some(fields.owned("environment")),
        approval: Some(match fields.text("approval") {
            "second_person" => Approval::SecondPerson,
            _ => Approval::None,
        }),
        custody: None,
    };
    match app.service.update_project(&place.actor, place.id(), &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/settings", place.path()), "changed")),
        Err(error) => Ok(render(&SettingsPage {
            frame: place.frame.clone(),
            place: place.at("settings"),
            form: Form::refused(fields, error)?,
        })),
    }
}

async fn ask_copy(place: InProject) -> Result<Response, PageError> {
    if !place.can().manage_projects() {
        return Err(PageError::NOT_FOUND);
    }
    let form = Form::of(&[("name", &place.project.name)]);
    Ok(render(&CopyPage { frame: place.frame.clone(), place: place.at("settings"), form }))
}

async fn copy(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request =
        CopyProjectRequest { name: fields.optional("name"), environment: fields.owned("environment"), key: None };
    match app.service.copy_project(&place.actor, place.id(), &request, now()).await {
        Ok(copy) => Ok(go_on(&format!("/orgs/{}/projects/{}", place.organization.id, copy.id), "project-copied")),
        Err(error) => Ok(render(&CopyPage {
            frame: place.frame.clone(),
            place: place.at("settings"),
            form: Form::refused(fields, error)?,
        })),
    }
}

async fn ask_deletion(place: InProject) -> Response {
    render(&DeletionPage { frame: place.frame.clone(), place: place.at("settings"), form: Form::default() })
}

async fn delete(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    if fields.text("confirmation") != place.project.name {
        let refusal = Refusal::local("confirmation", "confirmation_missing", "this is not the project's name");
        return Ok(render(&DeletionPage {
            frame: place.frame.clone(),
            place: place.at("settings"),
            form: Form::refused_here(fields, refusal),
        }));
    }
    match app.service.delete_project(&place.actor, place.id(), now()).await {
        Ok(_) => Ok(Redirect::to(&format!("/orgs/{}?done=deleted", place.organization.id)).into_response()),
        Err(error) => Ok(render(&DeletionPage {
            frame: place.frame.clone(),
            place: place.at("settings"),
            form: Form::refused(fields, error)?,
        })),
    }
}
