//! Identities of single sign-on that sign in to the reader's account: linked here, and unlinked.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use pintle_api::{BeginSsoRequest, FinishSsoRequest};

use super::{
    account::show_account,
    cookie::PENDING,
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Frame, SignedIn, go_on, render},
    sign_in::{redirect_uri, set},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new().route("/account/identities", post(begin)).route("/account/identities/{identity}/unlink", post(unlink))
}

/// Before the proof of who began, where it is to link: the answer comes to the address where those of signing in come, too.
const LINKS: &str = "link.";

/// What the provider is asked, and that it is asked by this page: its policy lets forms go nowhere else, so that a link leads there.
#[derive(Template)]
#[template(path = "identity_link.html")]
struct LinkPage {
    frame: Frame,
    provider: String,
    authorization_url: String,
}

/// A form, with the token of the session: a page of another site could have somebody signed in at the provider as an attacker, and
/// would have that identity linked by a mere link.
async fn begin(
    State(app): State<App>,
    SignedIn { actor, frame }: SignedIn,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let provider = fields.owned("provider");
    let redirect_uri = redirect_uri(&app, &provider);
    let request = BeginSsoRequest { provider, redirect_uri };
    match app.service.begin_link(&actor, &request, now()).await {
        Ok(step) => {
            let (provider, authorization_url) = (request.provider, step.authorization_url);
            let mut response = render(&LinkPage { frame, provider, authorization_url });
            set(&mut response, PENDING.set(&format!("{LINKS}{}", step.pending.expose_secret()), app.is_https));
            Ok(response)
        }
        Err(error) => show_account(&app, SignedIn { actor, frame }, Form::refused(Fields::default(), error)?).await,
    }
}

/// What proves who began to link, if that is what was begun.
pub(super) fn read_link(pending: &str) -> Option<&str> {
    pending.strip_prefix(LINKS)
}

/// Links whom the provider vouches for; what it refuses is told where it was begun.
pub(super) async fn finish(app: &App, signed_in: SignedIn, request: &FinishSsoRequest) -> Result<Response, PageError> {
    match app.service.finish_link(&signed_in.actor, request, now()).await {
        Ok(_) => {
            let mut response = go_on("/account", "identity-linked");
            set(&mut response, PENDING.clear(app.is_https));
            Ok(response)
        }
        Err(error) => show_account(app, signed_in, Form::refused(Fields::default(), error)?).await,
    }
}

async fn unlink(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(identity): Path<String>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    match app.service.unlink_identity(&signed_in.actor, &identity, now()).await {
        Ok(()) => Ok(go_on("/account", "identity-unlinked")),
        Err(error) => show_account(&app, signed_in, Form::refused(Fields::default(), error)?).await,
    }
}
