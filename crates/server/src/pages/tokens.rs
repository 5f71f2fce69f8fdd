//! API tokens of the reader.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use pintle_api::{CreateTokenRequest, ListQuery, OrganizationResponse, Scope, TokenLifetime, TokenResponse};

use super::{
    failure::PageError,
    form::{Form, Submitted},
    frame::{Frame, SignedIn, go_on, render},
    place::Query,
    show::{is_same, word},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new().route("/account/tokens", get(list).post(create)).route("/account/tokens/{token}/revoke", post(revoke))
}

const LIFETIMES: [(&str, &str); 4] =
    [("default", "90 days"), ("30", "30 days"), ("365", "A year"), ("never", "Until it is revoked")];

/// Scopes, and what each of them is for.
const SCOPES: [(&str, Scope, &str); 4] = [
    ("read", Scope::Read, "Read: see what you see"),
    ("edit", Scope::Edit, "Edit: change drafts"),
    ("release", Scope::Release, "Release: prepare and submit releases"),
    ("admin", Scope::Admin, "Admin: projects, keys, members, tokens"),
];

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: Frame,
    tokens: Vec<TokenResponse>,
    next_cursor: Option<String>,
    organizations: Vec<OrganizationResponse>,
    form: Form,
    /// The secret of a token made just now: shown this once.
    secret: Option<String>,
}

async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, PageError> {
    show(&app, signed_in, &query, Form::of(&[("scopes", "read")]), None).await
}

async fn show(
    app: &App,
    SignedIn { actor, frame }: SignedIn,
    query: &ListQuery,
    form: Form,
    secret: Option<String>,
) -> Result<Response, PageError> {
    let tokens = app.service.list_tokens(&actor, query).await?;
    let organizations = app.service.list_organizations(&actor, &ListQuery::default()).await?.items;
    let (tokens, next_cursor) = (tokens.items, tokens.next_cursor);
    Ok(render(&TokensPage { frame, tokens, next_cursor, organizations, form, secret }))
}

async fn create(
    State(app): State<App>,
    signed_in: SignedIn,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let chosen = |(word, scope, _): &(&str, Scope, &str)| fields.is_chosen("scopes", word).then_some(*scope);
    let request = CreateTokenRequest {
        name: fields.owned("name"),
        scopes: SCOPES.iter().filter_map(chosen).collect(),
        organization_id: fields.optional("organization"),
        project_id: None,
        lifetime: match fields.text("lifetime") {
            "never" => TokenLifetime::Never,
            "30" => TokenLifetime::Secs(30 * 86_400),
            "365" => TokenLifetime::Secs(365 * 86_400),
            _ => TokenLifetime::Default,
        },
    };
    let (form, secret) = match app.service.create_token(&signed_in.actor, &request, now()).await {
        Ok(created) => (Form::of(&[("scopes", "read")]), Some(created.secret.expose_secret().to_owned())),
        Err(error) => (Form::refused(fields, error)?, None),
    };
    show(&app, signed_in, &ListQuery::default(), form, secret).await
}

async fn revoke(
    State(app): State<App>,
    SignedIn { actor, .. }: SignedIn,
    Path(token): Path<String>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.revoke_token(&actor, &token, now()).await?;
    Ok(go_on("/account/tokens", "token-revoked"))
}
