//! What anybody may use: look at a host, read a configuration.

use askama::Template;
use axum::{
    Router,
    extract::{FromRequestParts, State},
    http::{Extensions, request::Parts},
    response::Response,
    routing::get,
};
use pintle_api::{DecodeRequest, DecodeResponse, LookupQuery, LookupResponse};
use serde::Deserialize;

use super::{
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Anyone, Frame, render},
    place::Query,
    show::word,
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
    decoded: Option<Decoded>,
}

/// What a signed file says, and what an app with the given root would say of it.
struct Decoded {
    jws: String,
    /// As indented JSON.
    claims: String,
    /// Whether a root was given.
    is_judged: bool,
    answer: DecodeResponse,
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
        // Read as the pages read it: a name may be written in other ways than in letters.
        let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_or_else(|_| Vec::new(), |query| query.0);
        let asks = query.iter().any(|(name, _)| ["host", "look", "guard"].contains(&name.as_str()));
        if parts.method == axum::http::Method::POST || asks {
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
    Ok(match app.service.look_up(&LookupQuery { host, complete_chain: false }).await {
        Ok(seen) => render(&LookupPage { frame, form: Form { fields, refusal: None }, seen: Some(seen) }),
        Err(error) => render(&LookupPage { frame, form: Form::refused(fields, error)?, seen: None }),
    })
}

async fn ask_file(Anyone { frame, .. }: Anyone) -> Response {
    render(&DecodePage { frame, form: Form::default(), decoded: None })
}

/// Reads a signed file; with the root of an app, says what that app would say.
async fn decode(
    State(app): State<App>,
    Anyone { frame, .. }: Anyone,
    extensions: Extensions,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    app.limits.check_decode(&extensions)?;
    let request = DecodeRequest { config: fields.owned("jws"), bundle: fields.optional("bundle") };
    let is_judged = request.bundle.is_some();
    Ok(match app.service.decode_config(&request, now()) {
        Ok(decoded) => {
            let claims = serde_json::to_string_pretty(&decoded.claims).map_err(|_| PageError::INTERNAL)?;
            let decoded = Some(Decoded { jws: request.config, claims, is_judged, answer: decoded });
            render(&DecodePage { frame, form: Form { fields, refusal: None }, decoded })
        }
        Err(error) => render(&DecodePage { frame, form: Form::refused(fields, error)?, decoded: None }),
    })
}
