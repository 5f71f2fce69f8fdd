//! What anybody may use: look at a host, read a configuration.

use askama::Template;
use axum::{
    Router,
    extract::{FromRequestParts, Query, State},
    http::request::Parts,
    response::Response,
    routing::get,
};
use pintle_api::{LookupQuery, LookupResponse};
use pintle_core::{Root, State as Floor, verify};
use serde::Deserialize;

use super::{
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Anyone, Frame, render},
    show::{sentence, word},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new().route("/tools/lookup", get(look_up)).route("/tools/decode", get(ask_file).post(decode))
}

#[derive(Template)]
#[template(path = "lookup.html")]
struct LookupPage {
    frame: Frame,
    form: Form,
    seen: Option<LookupResponse>,
}

#[derive(Template)]
#[template(path = "decode.html")]
struct DecodePage {
    frame: Frame,
    form: Form,
    jws: String,
    verdict: Verdict,
}

/// What an app with the given root would say of the file.
enum Verdict {
    /// No root was given: anybody may have written it.
    Unverified,
    Accepted {
        kid: String,
    },
    Refused {
        code: String,
        message: String,
    },
}

#[derive(Deserialize)]
struct HostQuery {
    host: Option<String>,
}

/// A look at other servers is counted, whoever asks for it. A page without a question is none.
pub(super) struct Look;

impl FromRequestParts<App> for Look {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let asks = |query: &str| query.split('&').any(|pair| pair.starts_with("host=") || pair.starts_with("look="));
        if parts.method == axum::http::Method::POST || parts.uri.query().is_some_and(asks) {
            app.limits.check_lookup(&parts.extensions)?;
        }
        Ok(Self)
    }
}

async fn look_up(
    State(app): State<App>,
    Anyone { frame, .. }: Anyone,
    Query(HostQuery { host }): Query<HostQuery>,
    _: Look,
) -> Result<Response, PageError> {
    let Some(host) = host else { return Ok(render(&LookupPage { frame, form: Form::default(), seen: None })) };
    let fields = Fields::of(&[("host", &host)]);
    Ok(match app.service.look_up(&LookupQuery { host }).await {
        Ok(seen) => render(&LookupPage { frame, form: Form { fields, refusal: None }, seen: Some(seen) }),
        Err(error) => render(&LookupPage { frame, form: Form::refused(fields, error)?, seen: None }),
    })
}

async fn ask_file(Anyone { frame, .. }: Anyone) -> Response {
    render(&DecodePage { frame, form: Form::default(), jws: String::new(), verdict: Verdict::Unverified })
}

/// Reads a signed file; with the root of an app, says what that app would say.
async fn decode(Anyone { frame, .. }: Anyone, Submitted { fields, .. }: Submitted) -> Response {
    let (jws, bundle) = (fields.owned("jws"), fields.text("bundle"));
    let verdict = if bundle.is_empty() {
        Verdict::Unverified
    } else {
        match Root::dangerous_parse_bundle_with_http_loopback(bundle.as_bytes()) {
            Ok(root) => match verify(jws.as_bytes(), &root, &Floor::default(), now()) {
                Ok(accepted) => Verdict::Accepted { kid: accepted.config.kid().to_string() },
                Err(error) => {
                    Verdict::Refused { code: error.code().as_str().to_owned(), message: sentence(error.to_string()) }
                }
            },
            Err(error) => Verdict::Refused { code: "setup_invalid".to_owned(), message: sentence(error.to_string()) },
        }
    };
    render(&DecodePage { frame, form: Form { fields, refusal: None }, jws, verdict })
}
