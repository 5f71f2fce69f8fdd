//! Telling apps to trust nothing, and to trust again.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use pintle_api::{ListQuery, PrepareReleaseRequest, ReleaseContent, ReleaseKind, ReleaseResponse, ReleaseState};

use super::{
    failure::{PageError, Refusal},
    form::{Form, Submitted},
    frame::{Frame, render},
    place::InProject,
    releases::show_signing,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new().route("/orgs/{organization}/projects/{project}/withdraw", get(ask).post(withdraw))
}

#[derive(Template)]
#[template(path = "withdraw.html")]
struct WithdrawPage {
    frame: Frame,
    place: InProject,
    /// The release that a restoration brings back, where apps see a withdrawal.
    earlier: Option<ReleaseResponse>,
    form: Form,
}

async fn ask(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    show(&app, place, Form::default()).await
}

async fn show(app: &App, place: InProject, form: Form) -> Result<Response, PageError> {
    if !place.can().release() {
        return Err(PageError::NOT_FOUND);
    }
    let earlier = match place.project.withdrawn_at {
        Some(_) => find_last_configuration(app, &place).await?,
        None => None,
    };
    Ok(render(&WithdrawPage { frame: place.frame.clone(), place: place.at("releases"), earlier, form }))
}

/// The last one that apps saw before the withdrawal.
async fn find_last_configuration(app: &App, place: &InProject) -> Result<Option<ReleaseResponse>, PageError> {
    let mut query = ListQuery { limit: Some(ListQuery::MAX_LIMIT), cursor: None };
    loop {
        let list = app.service.list_releases(&place.actor, place.id(), &query).await?;
        let was_seen = |release: &ReleaseResponse| {
            release.kind == ReleaseKind::Configuration && release.state == ReleaseState::Superseded
        };
        if let Some(found) = list.items.into_iter().find(was_seen) {
            return Ok(Some(found));
        }
        match list.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return Ok(None),
        }
    }
}

/// Prepares the withdrawal. The answer is the page that signs it.
async fn withdraw(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    if fields.text("confirmation") != place.project.name {
        let refusal = Refusal::local("confirmation", "confirmation_missing", "this is not the project's name");
        return show(&app, place, Form::refused_here(fields, refusal)).await;
    }
    let request = PrepareReleaseRequest { content: ReleaseContent::Withdrawal, ..PrepareReleaseRequest::default() };
    match app.service.prepare_release(&place.actor, place.id(), &request, now()).await {
        Ok(prepared) => show_signing(&app, place, prepared, "pintle withdraw").await,
        Err(error) => show(&app, place, Form::refused(fields, error)?).await,
    }
}
