//! The project's signing key: made in the page, or somewhere this server never sees.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use pintle_api::RegisterKeyRequest;

use super::{
    failure::PageError,
    form::{Form, Submitted},
    frame::{Frame, go_on, render},
    place::InProject,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new().route("/orgs/{organization}/projects/{project}/key", get(read).post(register))
}

#[derive(Template)]
#[template(path = "key.html")]
struct KeyPage {
    frame: Frame,
    place: InProject,
    form: Form,
}

async fn read(place: InProject) -> Response {
    show(place, Form::default())
}

fn show(place: InProject, form: Form) -> Response {
    render(&KeyPage { frame: place.frame.clone(), place: place.at("key"), form })
}

/// Registers the public half.
async fn register(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request =
        RegisterKeyRequest { public_key: fields.owned("public_key"), recovery_key: fields.optional("recovery_key") };
    match app.service.register_key(&place.actor, place.id(), &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/key", place.path()), "key-registered")),
        Err(error) => Ok(show(place, Form::refused(fields, error)?)),
    }
}
