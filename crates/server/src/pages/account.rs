//! The account of whoever is signed in: how they sign in, and where they did.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use pintle_api::{
    AccountResponse, AddressRequest, IdentityResponse, ListQuery, PasskeyResponse, RecoveryCodesResponse, SecretText,
    SessionResponse, SetPasswordRequest, SignInRequest, SignInResponse, TotpCodeRequest,
};
use pintle_service::Actor;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    cookie::{PENDING, SESSION},
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Frame, SignedIn, go_on, render},
    place::Query,
    sign_in::{Purpose, Sent, form_encode, set},
    step_up::safe_path,
};
use crate::{api::Visitor, app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/account", get(read))
        .route("/account/confirm-identity", get(ask_identity).post(confirm_identity))
        .route("/account/password", get(ask_password).post(set_password))
        .route("/account/address", get(ask_address).post(change_address))
        .route("/account/totp", post(begin_totp))
        .route("/account/totp/confirm", post(confirm_totp))
        .route("/account/totp/remove", get(ask_totp_removal).post(remove_totp))
        .route("/account/sessions/end-others", post(end_other_sessions))
        .route("/account/sessions/{session}/end", post(end_session))
        .route("/account/delete", get(ask_deletion).post(delete))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    form: Form,
    account: AccountResponse,
    sessions: Vec<SessionResponse>,
    passkeys: Vec<PasskeyResponse>,
    identities: Vec<IdentityResponse>,
    /// Of single sign-on, by name, that sign nobody in here yet.
    providers: Vec<String>,
}

/// One form that changes one thing of the account.
#[derive(Template)]
#[template(path = "account_form.html")]
struct AccountForm {
    frame: Frame,
    form: Form,
    what: What,
    next: String,
    email: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Identity,
    Password,
    Address,
    TotpRemoval,
    Deletion,
}

#[derive(Template)]
#[template(path = "totp.html")]
struct TotpPage {
    frame: Frame,
    form: Form,
    secret: SecretText,
    url: SecretText,
    qr: String,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct RecoveryCodesPage {
    frame: Frame,
    codes: RecoveryCodesResponse,
}

async fn read(State(app): State<App>, signed_in: SignedIn) -> Result<Response, PageError> {
    show_account(&app, signed_in, Form::default()).await
}

/// The page, with what was refused on it.
pub(super) async fn show_account(
    app: &App,
    SignedIn { actor, frame }: SignedIn,
    form: Form,
) -> Result<Response, PageError> {
    let account = app.service.read_account(&actor).await?;
    let sessions = app.service.list_sessions(&actor, &ListQuery::default(), now()).await?.items;
    let passkeys = app.service.list_passkeys(&actor).await?.passkeys;
    let identities = app.service.list_identities(&actor).await?.identities;
    let mut providers = app.service.list_sso_providers().providers;
    providers.retain(|provider| identities.iter().all(|identity| identity.provider != *provider));
    Ok(render(&AccountPage { frame, form, account, sessions, passkeys, identities, providers }))
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

/// Whoever is about to do what a thief of the session must not do shows once more who they are.
async fn ask_identity(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Query(Next { next }): Query<Next>,
) -> Result<Response, PageError> {
    show_identity(&app, &actor, frame, Form::default(), &next).await
}

async fn show_identity(app: &App, actor: &Actor, frame: Frame, form: Form, next: &str) -> Result<Response, PageError> {
    let email = app.service.read_account(actor).await?.email.unwrap_or_default();
    Ok(render(&AccountForm { frame, form, what: What::Identity, next: safe_path(next).to_owned(), email }))
}

async fn confirm_identity(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Visitor(context): Visitor,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let next = fields.owned("next");
    let email = app.service.read_account(&actor).await?.email.unwrap_or_default();
    let request = SignInRequest { email, password: fields.secret("password") };
    match app.service.sign_in(&request, Some(&actor), &context, now()).await {
        Ok(SignInResponse::Done(signed_in)) => {
            let path = safe_path(&next);
            let joint = if path.contains('?') { '&' } else { '?' };
            let mut response = Redirect::to(&format!("{path}{joint}done=confirmed")).into_response();
            set(&mut response, SESSION.set(signed_in.secret.expose_secret(), app.is_https));
            Ok(response)
        }
        Ok(SignInResponse::SecondFactor(step)) => {
            let query = form_encode("next", safe_path(&next));
            let mut response = Redirect::to(&format!("/sign-in/second-factor?{query}")).into_response();
            set(&mut response, PENDING.set(step.pending.expose_secret(), app.is_https));
            Ok(response)
        }
        Err(error) => {
            let mut form = Form::refused(fields, error)?;
            if let Some(refusal) = &mut form.refusal {
                refusal.field = "password";
            }
            show_identity(&app, &actor, frame, form, &next).await
        }
    }
}

fn show(frame: Frame, form: Form, what: What) -> Response {
    render(&AccountForm { frame, form, what, next: String::new(), email: String::new() })
}

async fn ask_password(SignedIn { frame, .. }: SignedIn) -> Response {
    show(frame, Form::default(), What::Password)
}

async fn set_password(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = SetPasswordRequest { new_password: fields.secret("password") };
    match app.service.set_password(&actor, &request, now()).await {
        Ok(()) => Ok(go_on("/account", "changed")),
        Err(error) => Ok(show(frame, Form::refused(fields, error)?, What::Password)),
    }
}

async fn ask_address(SignedIn { frame, .. }: SignedIn) -> Response {
    show(frame, Form::default(), What::Address)
}

async fn change_address(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = AddressRequest { email: fields.owned("email") };
    match app.service.change_address(&actor, &request, now()).await {
        Ok(mailed) => Ok(Redirect::to(&Sent::path(Purpose::Address, &mailed.delivery)).into_response()),
        Err(error) => Ok(show(frame, Form::refused(fields, error)?, What::Address)),
    }
}

async fn begin_totp(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let begun = app.service.begin_totp(&actor, now()).await?;
    Ok(show_totp(frame, Form::default(), begun.secret, begun.url))
}

fn show_totp(frame: Frame, form: Form, secret: SecretText, url: SecretText) -> Response {
    let qr = super::qr::draw(url.expose_secret());
    render(&TotpPage { frame, form, secret, url, qr })
}

async fn confirm_totp(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let code: SecretText = Zeroizing::new(fields.text("code").replace(' ', "")).into();
    match app.service.confirm_totp(&actor, &TotpCodeRequest { code }, now()).await {
        Ok(codes) => Ok(render(&RecoveryCodesPage { frame, codes })),
        Err(error) => {
            let (secret, url) = (fields.secret("secret"), fields.secret("url"));
            Ok(show_totp(frame, Form::refused(Fields::default(), error)?, secret, url))
        }
    }
}

async fn ask_totp_removal(SignedIn { frame, .. }: SignedIn) -> Response {
    show(frame, Form::default(), What::TotpRemoval)
}

async fn remove_totp(
    State(app): State<App>,
    SignedIn { actor, .. }: SignedIn,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.remove_totp(&actor, now()).await?;
    Ok(go_on("/account", "totp-removed"))
}

async fn end_session(
    State(app): State<App>,
    SignedIn { actor, .. }: SignedIn,
    Path(session): Path<String>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.end_session(&actor, &session, now()).await?;
    Ok(go_on("/account", "session-ended"))
}

async fn end_other_sessions(
    State(app): State<App>,
    SignedIn { actor, .. }: SignedIn,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.end_other_sessions(&actor, now()).await?;
    Ok(go_on("/account", "sessions-ended"))
}

async fn ask_deletion(SignedIn { frame, .. }: SignedIn) -> Response {
    show(frame, Form::default(), What::Deletion)
}

async fn delete(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    match app.service.delete_account(&actor, now()).await {
        Ok(_) => {
            let mut response = go_on("/sign-in", "deleted");
            set(&mut response, SESSION.clear(app.is_https));
            Ok(response)
        }
        Err(error) => Ok(show(frame, Form::refused(fields, error)?, What::Deletion)),
    }
}
