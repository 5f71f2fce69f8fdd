//! The project's signing key: made in the page, or somewhere this server never sees.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use pintle_api::{
    Custody, KeyOpener, ListQuery, RegisterKeyRequest, StatementResponse, StatementSigner, StoreKeyRequest,
};

use super::{
    failure::PageError,
    form::{Form, Submitted},
    frame::{Frame, go_on, render},
    place::InProject,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let key = "/orgs/{organization}/projects/{project}/key";
    Router::new()
        .route(key, get(read).post(register))
        .route(&format!("{key}/download"), post(download))
        .route(&format!("{key}/discard"), get(ask_to_discard).post(discard))
}

#[derive(Template)]
#[template(path = "key.html")]
struct KeyPage {
    frame: Frame,
    place: InProject,
    statements: Vec<StatementResponse>,
    form: Form,
}

#[derive(Template)]
#[template(path = "key_discard.html")]
struct DiscardPage {
    frame: Frame,
    place: InProject,
}

async fn read(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    show(&app, place, Form::default()).await
}

async fn show(app: &App, place: InProject, form: Form) -> Result<Response, PageError> {
    let statements = match place.project.key {
        Some(_) => app.service.list_statements(&place.actor, place.id(), &ListQuery::default()).await?.items,
        None => Vec::new(),
    };
    Ok(render(&KeyPage { frame: place.frame.clone(), place: place.at("key"), statements, form }))
}

/// Whether the server keeps the key encrypted, for pages that open it.
pub(super) fn is_kept(custody: &Custody) -> bool {
    matches!(custody, Custody::BrowserPassword | Custody::BrowserPasskey)
}

/// Registers the public half, and keeps the encrypted private one where the page made it.
async fn register(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request =
        RegisterKeyRequest { public_key: fields.owned("public_key"), recovery_key: fields.optional("recovery_key") };
    if let Err(error) = app.service.register_key(&place.actor, place.id(), &request, now()).await {
        return show(&app, place, Form::refused(fields, error)?).await;
    }
    let path = format!("{}/key", place.path());
    let Some(pem) = fields.optional("pem") else { return Ok(go_on(&path, "key-registered")) };
    let opened_by = match (fields.optional("credential_id"), fields.optional("prf_salt")) {
        (Some(credential_id), Some(prf_salt)) => KeyOpener::Passkey { credential_id, prf_salt },
        _ => KeyOpener::Password {},
    };
    let request = StoreKeyRequest { pem, opened_by, proof: fields.owned("proof") };
    match app.service.store_key(&place.actor, place.id(), &request, now()).await {
        Ok(_) => Ok(go_on(&path, "key-stored")),
        Err(error) => show(&app, place, Form::refused(fields, error)?).await,
    }
}

/// The encrypted key as a file. That it was taken stands in the audit log.
async fn download(
    State(app): State<App>,
    place: InProject,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let kept = app.service.fetch_key(&place.actor, place.id(), now()).await?;
    let name = format!("attachment; filename=\"pintle-key-{}.pem\"", place.project.id);
    let headers = [(header::CONTENT_TYPE, "application/x-pem-file".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, kept.pem).into_response())
}

async fn ask_to_discard(place: InProject) -> Response {
    render(&DiscardPage { frame: place.frame.clone(), place: place.at("key") })
}

async fn discard(State(app): State<App>, place: InProject, Submitted { .. }: Submitted) -> Result<Response, PageError> {
    app.service.discard_key(&place.actor, place.id(), now()).await?;
    Ok(go_on(&format!("{}/key", place.path()), "key-discarded"))
}
