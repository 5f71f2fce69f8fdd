//! Passkeys: the browser asks the authenticator, and its answer comes as an ordinary form.

use askama::Template;
use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use pintle_api::{AddPasskeyRequest, PasskeySignInRequest, RenamePasskeyRequest};
use serde_json::Value;

use super::{
    cookie::{PENDING, SESSION},
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Anyone, Frame, SignedIn, go_on, render},
    sign_in::{Pending, set},
    step_up::safe_path,
};
use crate::{api::Visitor, app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/sign-in/passkey/begin", post(begin_sign_in))
        .route("/sign-in/passkey", post(finish_sign_in))
        .route("/account/passkeys/begin", post(begin))
        .route("/account/passkeys", post(finish))
        .route("/account/passkeys/{passkey}/name", get(ask_name).post(rename))
        .route("/account/passkeys/{passkey}/remove", post(remove))
}

/// What to ask the authenticator; what proves who began stays in a cookie that no script reads.
async fn begin_sign_in(State(app): State<App>) -> Result<Response, PageError> {
    let step = app.service.begin_passkey_sign_in(now())?;
    let mut response = Json(step.options).into_response();
    set(&mut response, PENDING.set(step.pending.expose_secret(), app.is_https));
    Ok(response)
}

async fn finish_sign_in(
    State(app): State<App>,
    Anyone { actor, .. }: Anyone,
    Visitor(context): Visitor,
    Pending(pending): Pending,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = PasskeySignInRequest { pending: pending.into(), credential: read_credential(&fields)? };
    let signed_in = app.service.finish_passkey_sign_in(&request, actor.as_ref(), &context, now()).await?;
    let mut response = Redirect::to(safe_path(fields.text("next"))).into_response();
    set(&mut response, SESSION.set(signed_in.secret.expose_secret(), app.is_https));
    set(&mut response, PENDING.clear(app.is_https));
    Ok(response)
}

fn read_credential(fields: &Fields) -> Result<Value, PageError> {
    serde_json::from_str(fields.text("credential")).map_err(|_| PageError::FORM_BROKEN)
}

async fn begin(
    State(app): State<App>,
    SignedIn { actor, .. }: SignedIn,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let step = app.service.begin_passkey(&actor, now()).await?;
    let mut response = Json(step.options).into_response();
    set(&mut response, PENDING.set(step.pending.expose_secret(), app.is_https));
    Ok(response)
}

async fn finish(
    State(app): State<App>,
    SignedIn { actor, .. }: SignedIn,
    Pending(pending): Pending,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let (name, credential) = (fields.owned("name"), read_credential(&fields)?);
    let request = AddPasskeyRequest { name, pending: pending.into(), credential };
    app.service.finish_passkey(&actor, &request, now()).await?;
    Ok(go_on("/account", "passkey-added"))
}

#[derive(Template)]
#[template(path = "passkey_name.html")]
struct NamePage {
    frame: Frame,
    form: Form,
}

async fn ask_name(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let passkeys = app.service.list_passkeys(&actor).await?.passkeys;
    let passkey = passkeys.iter().find(|passkey| passkey.id == id).ok_or(PageError::NOT_FOUND)?;
    Ok(render(&NamePage { frame, form: Form::of(&[("name", &passkey.name)]) }))
}

async fn rename(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Path(passkey): Path<String>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = RenamePasskeyRequest { name: fields.owned("name") };
    match app.service.rename_passkey(&actor, &passkey, &request, now()).await {
        Ok(_) => Ok(go_on("/account", "passkey-renamed")),
        Err(error) => Ok(render(&NamePage { frame, form: Form::refused(fields, error)? })),
    }
}

async fn remove(
    State(app): State<App>,
    SignedIn { actor, .. }: SignedIn,
    Path(passkey): Path<String>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.remove_passkey(&actor, &passkey, now()).await?;
    Ok(go_on("/account", "passkey-removed"))
}
