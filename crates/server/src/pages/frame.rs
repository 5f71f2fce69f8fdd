//! What every page stands in: who is signed in, the nonce of its scripts, the headers that hold the browser to it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header, request::Parts},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use pintle_service::Actor;

use super::{
    assets,
    cookie::{self, derive_form_token, read_session},
    failure::{PageError, Refusal},
    show::{Remaining, Time},
    step_up::safe_path,
};
use crate::{api::describe_request, app::App, clock::now};

/// What templates know besides their own matter.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) nonce: Arc<str>,
    /// What the forms of this session carry; empty for who has none.
    pub(super) form_token: String,
    /// Name of the account, where somebody is signed in.
    pub(super) who: Option<String>,
    pub(super) is_https: bool,
    /// Path and query of the page that was asked for; of a form, of the page that it stands on.
    pub(super) here: String,
    pub(super) now: u64,
    /// Of the answer to a form: the page that it stands on, where the browser tells.
    pub(super) stood_on: Option<String>,
    done: Option<&'static str>,
}

/// A word that a page leaves in the address of the next one, and what that one says. The words are ours: nobody can have a
/// page say something else.
const DONE: [(&str, &str); 53] = [
    ("signed-out", "You are signed out."),
    ("password-set", "The password is set."),
    ("signed-up", "Your account is there."),
    ("address-changed", "The address is changed."),
    ("changed", "Saved."),
    ("project-created", "The project is there. Its key comes next."),
    ("project-copied", "The copy is there, with everything that was staged. It needs a key of its own."),
    ("organization-created", "The organization is there."),
    ("domain-added", "The domain is in the draft. Nothing changes for apps until you release."),
    ("domain-removed", "The domain is out of the draft. Apps keep it until you release."),
    ("pins-added", "Pinned in the draft. Nothing changes for apps until you release."),
    ("logs-replaced", "The logs are in the draft. Nothing changes for apps until you release."),
    ("proposal-accepted", "Pinned in the draft, as it was proposed. Nothing changes for apps until you release."),
    ("proposal-dismissed", "It is not proposed again."),
    ("pin-changed", "Saved in the draft. Nothing changes for apps until you release."),
    ("pin-removed", "The pin is out of the draft. Apps keep it until you release."),
    ("rotation-started", "The change has begun. What comes next stands here, whenever you look."),
    ("rotation-not-switched", "Not every server presents the next key yet: the old pins stay."),
    ("rotation-retired", "The old pins are out of the draft. Apps keep them until you release."),
    ("rotation-ended", "The change is over. Pins stay as they are."),
    ("released", "Signed and accepted. It is on its way to every target."),
    ("released-later", "Signed and accepted. It goes out at the time that you chose."),
    ("released-once-approved", "Signed and accepted. It goes out once another member has approved it."),
    ("release-approved", "Approved. It is on its way to every target."),
    ("release-cancelled", "Taken back. Nothing of it reached an app."),
    ("key-registered", "The key is registered. Apps will accept what it signs, and nothing else."),
    ("key-stored", "The key is registered, and the server keeps it encrypted. It cannot open it."),
    ("key-kept", "The server keeps the key, encrypted anew. It cannot open it."),
    ("key-succeeded", "The new key signs from now on. Release, so that apps learn it."),
    ("key-discarded", "The server no longer keeps the key. Your own copies are all there is."),
    ("role-changed", "The role is changed."),
    ("member-removed", "The member is out."),
    ("invitation-revoked", "The invitation no longer works."),
    ("token-revoked", "The token no longer works."),
    ("session-ended", "The session is ended."),
    ("sessions-ended", "Every other session is ended."),
    ("identity-linked", "From now on it signs you in, too."),
    ("identity-unlinked", "It no longer signs you in."),
    ("token-of-member-revoked", "The token no longer works here."),
    ("totp-removed", "The authenticator is removed."),
    ("passkey-added", "The passkey is added."),
    ("passkey-renamed", "The passkey has its new name."),
    ("passkey-removed", "The passkey is removed."),
    ("joined", "You are a member now."),
    ("target-added", "The target is added. The next release goes there, too."),
    ("target-removed", "The target is removed."),
    ("calendar-removed", "The calendar is removed. Its address leads nowhere now."),
    ("agent-added", "The agent may report what it sees, as soon as it runs."),
    ("agent-removed", "Nothing is believed on its word any more."),
    ("webhook-removed", "The webhook is removed."),
    ("message-replayed", "The message goes out again."),
    ("deleted", "Deleted. It is erased for good after the time that this server keeps deleted things."),
    ("confirmed", "Thank you. Now repeat what you were about to do."),
];

impl Frame {
    pub(super) fn asset(&self, name: &str) -> String {
        assets::path(name)
    }

    /// The moment, in the reader's zone where scripts run, in UTC otherwise.
    pub(super) fn time(&self, secs: &u64) -> Time {
        Time::new(*secs)
    }

    /// How long until the moment, and how much that matters.
    pub(super) fn until(&self, secs: &u64) -> Remaining {
        Remaining::new(*secs, self.now)
    }

    pub(super) fn done(&self) -> Option<&'static str> {
        self.done
    }
}

/// A page's answer; a failure of the template itself is one of ours.
pub(super) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a template failed");
            PageError::INTERNAL.into_response()
        }
    }
}

/// Goes on to `path`, which says `done` there.
pub(super) fn go_on(path: &str, done: &str) -> Response {
    Redirect::to(&format!("{path}?done={done}")).into_response()
}

impl<S: Send + Sync> FromRequestParts<S> for Frame {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get::<Self>().cloned().ok_or(PageError::INTERNAL)
    }
}

/// Who is signed in, and the frame of the page they asked for. Others are sent to sign in.
pub(super) struct SignedIn {
    pub(super) actor: Actor,
    pub(super) frame: Frame,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let mut frame = Frame::from_request_parts(parts, app).await?;
        let session = read_session(&parts.headers, app.is_https).ok_or(PageError::SIGNED_OUT)?;
        let actor = app.service.authenticate(session.expose_secret(), describe_request(parts), now()).await?;
        app.limits.check_caller(&parts.extensions, &app.clients, session.expose_secret(), actor.account_id())?;
        frame.who = Some(app.service.whoami(&actor).account_name);
        Ok(Self { actor, frame })
    }
}

/// Whoever comes: a stranger, or somebody signed in.
pub(super) struct Anyone {
    pub(super) actor: Option<Actor>,
    pub(super) frame: Frame,
}

impl FromRequestParts<App> for Anyone {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        match SignedIn::from_request_parts(parts, app).await {
            Ok(SignedIn { actor, frame }) => Ok(Self { actor: Some(actor), frame }),
            Err(error) if error.is_signed_out() => {
                Ok(Self { actor: None, frame: Frame::from_request_parts(parts, app).await? })
            }
            Err(error) => Err(error),
        }
    }
}

/// Puts the page into its frame: the nonce on the way in, headers and the words of a failure on the way out.
pub(super) async fn wrap(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(nonce) = make_nonce() else { return PageError::INTERNAL.into_response() };
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let uri = request.uri();
    let stood_on = if is_read { None } else { find_referrer(request.headers()) };
    let own = || uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let frame = Frame {
        nonce,
        form_token: read_session(request.headers(), app.is_https).as_ref().map(derive_form_token).unwrap_or_default(),
        who: None,
        is_https: app.is_https,
        here: if is_read { own() } else { stood_on.clone().unwrap_or_else(|| "/".to_owned()) },
        now: now().as_secs(),
        stood_on,
        done: uri.query().and_then(find_done),
    };
    request.extensions_mut().insert(frame.clone());
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        response = error.show(&frame);
        if error.is_signed_out()
            && let Some(cookie) = cookie::SESSION.clear(app.is_https)
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    let headers = response.headers_mut();
    // Nothing but our own files, scripts only those that the page names with its nonce, and no text becomes markup.
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types \
         'none'",
        frame.nonce
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        ("x-frame-options", "DENY"),
        // Our own pages learn where a form stood; and `no-referrer` would make browsers hide the origin of forms.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), \
             publickey-credentials-create=(self)",
        ),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// A form tells where it comes from, in every browser of the last years. What tells nothing is refused, too.
pub(super) async fn require_origin(request: Request, next: Next) -> Result<Response, PageError> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let tells = ["origin", "sec-fetch-site"].iter().any(|name| request.headers().contains_key(*name));
    if is_read || tells { Ok(next.run(request).await) } else { Err(PageError::FOREIGN_FORM) }
}

/// Path and query of the page that a form stood on. It is only ever used as a path of this server.
fn find_referrer(headers: &HeaderMap) -> Option<String> {
    let referrer = headers.get(header::REFERER)?.to_str().ok()?.parse::<Uri>().ok()?;
    Some(safe_path(referrer.path_and_query()?.as_str()).to_owned())
}

fn find_done(query: &str) -> Option<&'static str> {
    let word = query.split('&').find_map(|pair| pair.strip_prefix("done="))?;
    DONE.iter().find(|(known, _)| *known == word).map(|(_, says)| *says)
}

fn make_nonce() -> Option<Arc<str>> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).ok()?;
    Some(Base64UrlUnpadded::encode_string(&random).into())
}

/// A page that says what went wrong.
#[derive(Template)]
#[template(path = "failure.html")]
pub(super) struct FailurePage {
    pub(super) frame: Frame,
    pub(super) title: &'static str,
    pub(super) refusal: Refusal,
}
