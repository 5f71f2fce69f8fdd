//! Where releases are published to.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use pintle_api::{AddTargetRequest, DestinationResponse, ListQuery, TargetResponse, TargetTestResponse};
use serde::Deserialize;

use super::{
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    place::InProject,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let targets = "/orgs/{organization}/projects/{project}/targets";
    Router::new()
        .route(targets, get(list).post(add))
        .route(&format!("{targets}/{{target}}/test"), post(test))
        .route(&format!("{targets}/{{target}}/remove"), post(remove))
}

#[derive(Template)]
#[template(path = "targets.html")]
struct TargetsPage {
    frame: Frame,
    place: InProject,
    targets: Vec<TargetResponse>,
    /// Offered, and not among them.
    destinations: Vec<DestinationResponse>,
    form: Form,
    /// Name of the one tested just now, and what came of it.
    tested: Option<(String, TargetTestResponse)>,
}

#[derive(Deserialize)]
struct TargetName {
    target: String,
}

async fn list(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    show(&app, place, Form::default(), None).await
}

async fn show(
    app: &App,
    place: InProject,
    form: Form,
    tested: Option<(String, TargetTestResponse)>,
) -> Result<Response, PageError> {
    let query = ListQuery { limit: Some(ListQuery::MAX_LIMIT), cursor: None };
    let targets = app.service.list_targets(&place.actor, place.id(), &query).await?.items;
    let mut destinations =
        app.service.list_offered_destinations(&place.actor, &place.organization.id, &query).await?.items;
    destinations.retain(|offered| targets.iter().all(|target| target.name != offered.name));
    let (frame, place) = (place.frame.clone(), place.at("targets"));
    Ok(render(&TargetsPage { frame, place, targets, destinations, form, tested }))
}

async fn add(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = AddTargetRequest { destination: fields.owned("destination") };
    match app.service.add_target(&place.actor, place.id(), &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/targets", place.path()), "target-added")),
        Err(error) => show(&app, place, Form::refused(fields, error)?, None).await,
    }
}

async fn test(
    State(app): State<App>,
    place: InProject,
    Path(TargetName { target }): Path<TargetName>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    match app.service.test_target(&place.actor, place.id(), &target, now()).await {
        Ok(tested) => show(&app, place, Form::default(), Some((target, tested))).await,
        Err(error) => show(&app, place, Form::refused(Fields::default(), error)?, None).await,
    }
}

async fn remove(
    State(app): State<App>,
    place: InProject,
    Path(TargetName { target }): Path<TargetName>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let unpublish = fields.is_chosen("unpublish", "yes");
    match app.service.remove_target(&place.actor, place.id(), &target, unpublish, now()).await {
        Ok(()) => Ok(go_on(&format!("{}/targets", place.path()), "target-removed")),
        Err(error) => show(&app, place, Form::refused(Fields::default(), error)?, None).await,
    }
}
