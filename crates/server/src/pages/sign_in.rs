//! Signing up, in and out, and codes that came by mail.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use pintle_api::{
    AddressRequest, BeginSsoRequest, ConfirmRequest, Confirmed, Delivery, FinishSsoRequest, SecondFactorRequest,
    SignInRequest, SignInResponse, SsoProvidersResponse,
};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    account::show_account,
    cookie::{PENDING, SESSION},
    failure::{PageError, Refusal},
    form::{Fields, Form, Submitted},
    frame::{Anyone, Frame, SignedIn, go_on, render},
    identities::{self, read_link},
    place::Query,
    show::word,
    step_up::safe_path,
};
use crate::{api::Visitor, app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(ask).post(sign_in))
        .route("/sign-in/second-factor", get(ask_second_factor).post(finish))
        .route("/sign-in/sso/{provider}", get(begin_sso))
        .route("/sso/{provider}", get(finish_sso))
        .route("/sign-out", post(sign_out))
        .route("/sign-up", get(ask_address).post(sign_up))
        .route("/reset", get(ask_reset).post(reset))
        .route("/confirm", get(ask_code).post(confirm))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    form: Form,
    next: String,
    sso: SsoProvidersResponse,
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactorPage {
    frame: Frame,
    form: Form,
    next: String,
}

/// Asks for an address, to sign up or to set another password.
#[derive(Template)]
#[template(path = "address.html")]
struct AddressPage {
    frame: Frame,
    form: Form,
    is_reset: bool,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    frame: Frame,
    form: Form,
    sent: Sent,
}

/// What a code was asked for, and how it comes: what the address of the page says, as far as it does.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Sent {
    #[serde(rename = "for")]
    purpose: Option<Purpose>,
    by: Option<Delivery>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
    Account,
    Password,
    Address,
}

impl Sent {
    /// Where it is entered.
    pub(super) fn path(purpose: Purpose, by: &Delivery) -> String {
        let purpose = match purpose {
            Purpose::Account => "account",
            Purpose::Password => "password",
            Purpose::Address => "address",
        };
        format!("/confirm?for={purpose}&by={}", word(by))
    }

    fn asks_name(&self) -> bool {
        matches!(self.purpose, None | Some(Purpose::Account))
    }

    fn asks_password(&self) -> bool {
        self.purpose != Some(Purpose::Address)
    }
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn ask(State(app): State<App>, Anyone { actor, frame }: Anyone, Query(Next { next }): Query<Next>) -> Response {
    if actor.is_some() {
        return Redirect::to(safe_path(&next)).into_response();
    }
    show_sign_in(&app, frame, Form::default(), &next)
}

fn show_sign_in(app: &App, frame: Frame, form: Form, next: &str) -> Response {
    render(&SignInPage { frame, form, next: safe_path(next).to_owned(), sso: app.service.list_sso_providers() })
}

async fn sign_in(
    State(app): State<App>,
    Anyone { actor, frame }: Anyone,
    Visitor(context): Visitor,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let next = fields.owned("next");
    let request = SignInRequest { email: fields.owned("email"), password: fields.secret("password") };
    match app.service.sign_in(&request, actor.as_ref(), &context, now()).await {
        Ok(answer) => Ok(go_in(&app, &answer, &next)),
        Err(error) => Ok(show_sign_in(&app, frame, Form::refused(fields, error)?, &next)),
    }
}

/// Into the dashboard, or on to the second step.
fn go_in(app: &App, answer: &SignInResponse, next: &str) -> Response {
    match answer {
        SignInResponse::Done(signed_in) => {
            let mut response = Redirect::to(safe_path(next)).into_response();
            set(&mut response, SESSION.set(signed_in.secret.expose_secret(), app.is_https));
            set(&mut response, PENDING.clear(app.is_https));
            response
        }
        SignInResponse::SecondFactor(step) => {
            let query = form_encode("next", safe_path(next));
            let mut response = Redirect::to(&format!("/sign-in/second-factor?{query}")).into_response();
            set(&mut response, PENDING.set(step.pending.expose_secret(), app.is_https));
            response
        }
    }
}

pub(super) fn set(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// `name=value`, percent-encoded.
pub(super) fn form_encode(name: &str, value: &str) -> String {
    let encoded: String = value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("{name}={encoded}")
}

async fn ask_second_factor(Anyone { frame, .. }: Anyone, Query(Next { next }): Query<Next>) -> Response {
    render(&SecondFactorPage { frame, form: Form::default(), next: safe_path(&next).to_owned() })
}

async fn finish(
    State(app): State<App>,
    Anyone { actor, frame }: Anyone,
    Visitor(context): Visitor,
    Pending(pending): Pending,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let next = fields.owned("next");
    let code = Zeroizing::new(fields.text("code").replace(' ', "")).into();
    let request = SecondFactorRequest { pending: pending.into(), code };
    match app.service.finish_sign_in(&request, actor.as_ref(), &context, now()).await {
        Ok(signed_in) => Ok(go_in(&app, &SignInResponse::Done(signed_in), &next)),
        // A wrong code ends the attempt: it begins again with the password.
        Err(error) => {
            let refusal = Refusal { field: "", ..Refusal::of(error)? };
            Ok(show_sign_in(&app, frame, Form::refused_here(fields, refusal), &next))
        }
    }
}

/// What the cookie of the first step holds.
pub(super) struct Pending(pub(super) Zeroizing<String>);

impl axum::extract::FromRequestParts<App> for Pending {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self, PageError> {
        Ok(Self(PENDING.read(&parts.headers, app.is_https).unwrap_or_default()))
    }
}

async fn sign_out(
    State(app): State<App>,
    Anyone { actor, .. }: Anyone,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    if let Some(actor) = actor {
        app.service.end_session(&actor, "current", now()).await?;
    }
    let mut response = go_on("/sign-in", "signed-out");
    set(&mut response, SESSION.clear(app.is_https));
    // What the browser keeps of signed-in pages goes, too.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}

async fn ask_address(Anyone { frame, .. }: Anyone) -> Response {
    render(&AddressPage { frame, form: Form::default(), is_reset: false })
}

async fn ask_reset(Anyone { frame, .. }: Anyone) -> Response {
    render(&AddressPage { frame, form: Form::default(), is_reset: true })
}

async fn sign_up(
    State(app): State<App>,
    Anyone { frame, .. }: Anyone,
    Visitor(context): Visitor,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = AddressRequest { email: fields.owned("email") };
    Ok(match app.service.request_sign_up(&request, &context, now()).await {
        Ok(mailed) => Redirect::to(&Sent::path(Purpose::Account, &mailed.delivery)).into_response(),
        Err(error) => render(&AddressPage { frame, form: Form::refused(fields, error)?, is_reset: false }),
    })
}

async fn reset(
    State(app): State<App>,
    Anyone { frame, .. }: Anyone,
    Visitor(context): Visitor,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = AddressRequest { email: fields.owned("email") };
    Ok(match app.service.request_reset(&request, &context, now()).await {
        Ok(mailed) => Redirect::to(&Sent::path(Purpose::Password, &mailed.delivery)).into_response(),
        Err(error) => render(&AddressPage { frame, form: Form::refused(fields, error)?, is_reset: true }),
    })
}

async fn ask_code(Anyone { frame, .. }: Anyone, Query(sent): Query<Sent>) -> Response {
    render(&ConfirmPage { frame, form: Form::default(), sent })
}

async fn confirm(
    State(app): State<App>,
    Anyone { actor, frame }: Anyone,
    Visitor(context): Visitor,
    Query(sent): Query<Sent>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let password = Some(fields.secret("password")).filter(|password| !password.expose_secret().is_empty());
    let request = ConfirmRequest { code: fields.secret("code"), name: fields.optional("name"), password };
    match app.service.confirm(&request, &context, now()).await {
        Ok(answer) => {
            let done = match answer.confirmed {
                Confirmed::SignedUp => "signed-up",
                Confirmed::PasswordSet => "password-set",
                Confirmed::AddressChanged => return Ok(go_on("/account", "address-changed")),
            };
            // Whoever just chose the password need not type it once more. Where that does not sign in, the page to do so says why.
            let request = SignInRequest { email: answer.email, password: fields.secret("password") };
            let signed_in = app.service.sign_in(&request, actor.as_ref(), &context, now()).await;
            Ok(signed_in
                .map_or_else(|_| go_on("/sign-in", done), |answer| go_in(&app, &answer, &format!("/?done={done}"))))
        }
        Err(error) => Ok(render(&ConfirmPage { frame, form: Form::refused(fields, error)?, sent })),
    }
}

/// Where a provider sends the browser back to.
pub(super) fn redirect_uri(app: &App, provider: &str) -> String {
    format!("{}/sso/{provider}", app.public_url.trim_end_matches('/'))
}

/// A link, and no form: the policy of our pages lets forms go nowhere else, and the provider is elsewhere.
async fn begin_sso(State(app): State<App>, Path(provider): Path<String>) -> Result<Response, PageError> {
    let redirect_uri = redirect_uri(&app, &provider);
    let step = app.service.begin_sso(&BeginSsoRequest { provider, redirect_uri }, now()).await?;
    let mut response = Redirect::to(&step.authorization_url).into_response();
    set(&mut response, PENDING.set(step.pending.expose_secret(), app.is_https));
    Ok(response)
}

#[derive(Deserialize)]
struct SsoAnswerQuery {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    iss: Option<String>,
    /// Instead of a code (RFC 6749, §4.1.2.1): the person said no, or may not.
    error: Option<String>,
}

async fn finish_sso(
    State(app): State<App>,
    Anyone { actor, frame }: Anyone,
    Visitor(context): Visitor,
    Pending(pending): Pending,
    Path(provider): Path<String>,
    Query(answer): Query<SsoAnswerQuery>,
) -> Result<Response, PageError> {
    let linking = read_link(&pending).map(|pending| Zeroizing::new(pending.to_owned()));
    if answer.error.is_some() {
        // Whatever it says is for developers, and anybody can write such an address.
        let refusal = Refusal::local("", "sso_declined", "the provider did not let you in, or you left it");
        let form = Form::refused_here(Fields::default(), refusal);
        return match (actor, linking) {
            (Some(actor), Some(_)) => show_account(&app, SignedIn { actor, frame }, form).await,
            _ => Ok(show_sign_in(&app, frame, form, "/")),
        };
    }
    let is_linking = linking.is_some();
    let request = FinishSsoRequest {
        provider,
        pending: linking.unwrap_or(pending).into(),
        state: answer.state,
        code: Zeroizing::new(answer.code).into(),
        iss: answer.iss,
    };
    if is_linking {
        let actor = actor.ok_or(PageError::SIGNED_OUT)?;
        return identities::finish(&app, SignedIn { actor, frame }, &request).await;
    }
    match app.service.finish_sso(&request, actor.as_ref(), &context, now()).await {
        Ok(answer) => Ok(go_in(&app, &answer, "/")),
        Err(error) => Ok(show_sign_in(&app, frame, Form::refused(Fields::default(), error)?, "/")),
    }
}
