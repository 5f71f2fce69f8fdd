//! Members of an organization, and who is invited.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use pintle_api::{
    CreateInvitationRequest, InvitationResponse, ListQuery, ListResponse, MemberResponse, Role, TokenResponse,
    UpdateMemberRequest,
};
use serde::Deserialize;

use super::{
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    place::{InOrganization, InProject, Query},
    show::{is_same, word},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/orgs/{organization}/members", get(list).post(invite))
        .route("/orgs/{organization}/members/{account}/role", post(change_role))
        .route("/orgs/{organization}/members/{account}/remove", post(remove))
        .route("/orgs/{organization}/invitations/{invitation}/revoke", post(revoke))
        .route("/orgs/{organization}/tokens/{token}/revoke", post(revoke_token))
}

/// Roles, each in a sentence, the mightiest last.
const ROLES: [(&str, &str); 5] = [
    ("auditor", "Auditor: reads everything, the audit log too"),
    ("editor", "Editor: changes drafts"),
    ("publisher", "Publisher: releases"),
    ("admin", "Admin: keys, projects, members"),
    ("owner", "Owner: everything"),
];

/// The role without what it may.
fn name_of(says: &str) -> &str {
    says.split_once(':').map_or(says, |(name, _)| name)
}

/// Names of accounts, as long as they are members; their ids otherwise.
pub(super) async fn find_names<const N: usize>(
    app: &App,
    place: &InProject,
    accounts: [Option<&str>; N],
) -> Result<[Option<String>; N], PageError> {
    let mut found = accounts.map(|account| account.map(|id| (id, None)));
    let mut query = ListQuery { limit: Some(ListQuery::MAX_LIMIT), cursor: None };
    loop {
        let list = app.service.list_members(&place.actor, &place.organization.id, &query).await?;
        for (id, name) in found.iter_mut().flatten() {
            let member = list.items.iter().find(|member| member.account_id == *id);
            *name = name.take().or_else(|| member.map(|member| member.name.clone()));
        }
        query.cursor = list.next_cursor;
        if query.cursor.is_none() || found.iter().flatten().all(|(_, name)| name.is_some()) {
            return Ok(found.map(|known| known.map(|(id, name)| name.unwrap_or_else(|| id.to_owned()))));
        }
    }
}

#[derive(Template)]
#[template(path = "members.html")]
struct MembersPage {
    frame: Frame,
    place: InOrganization,
    members: ListResponse<MemberResponse>,
    invitations: ListResponse<InvitationResponse>,
    /// Of members, for this organization alone.
    tokens: ListResponse<TokenResponse>,
    form: Form,
    /// The code of an invitation made just now, where no mail brings it.
    code: Option<String>,
    me: String,
}

/// Where each list of the page goes on; of open invitations there are no more than one part.
#[derive(Default, Deserialize)]
struct Parts {
    cursor: Option<String>,
    tokens: Option<String>,
}

async fn list(
    State(app): State<App>,
    place: InOrganization,
    Query(query): Query<Parts>,
) -> Result<Response, PageError> {
    show(&app, place, query, Form::of(&[("role", "editor")]), None).await
}

async fn show(
    app: &App,
    place: InOrganization,
    parts: Parts,
    form: Form,
    code: Option<String>,
) -> Result<Response, PageError> {
    let (actor, organization) = (&place.actor, &place.organization.id);
    let from = |cursor| ListQuery { limit: None, cursor };
    let members = app.service.list_members(actor, organization, &from(parts.cursor)).await?;
    let (invitations, tokens) = if place.can().manage_members() {
        let invitations = app.service.list_invitations(actor, organization, &from(None), now()).await?;
        (invitations, app.service.list_organization_tokens(actor, organization, &from(parts.tokens)).await?)
    } else {
        (ListResponse { items: Vec::new(), next_cursor: None }, ListResponse { items: Vec::new(), next_cursor: None })
    };
    let me = actor.account_id().to_owned();
    Ok(render(&MembersPage {
        frame: place.frame.clone(),
        place: place.at("members"),
        members,
        invitations,
        tokens,
        form,
        code,
        me,
    }))
}

async fn invite(
    State(app): State<App>,
    place: InOrganization,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = CreateInvitationRequest { role: read_role(&fields), email: fields.optional("email") };
    let (form, code) = match app.service.create_invitation(&place.actor, &place.organization.id, &request, now()).await
    {
        Ok(created) => (Form::of(&[("role", "editor")]), created.code.map(|code| code.expose_secret().to_owned())),
        Err(error) => (Form::refused(fields, error)?, None),
    };
    show(&app, place, Parts::default(), form, code).await
}

/// The least of them where none was chosen.
fn read_role(fields: &Fields) -> Role {
    match fields.text("role") {
        "owner" => Role::Owner,
        "admin" => Role::Admin,
        "publisher" => Role::Publisher,
        "editor" => Role::Editor,
        _ => Role::Auditor,
    }
}

#[derive(Deserialize)]
struct MemberId {
    account: String,
}

#[derive(Deserialize)]
struct TokenId {
    token: String,
}

#[derive(Deserialize)]
struct InvitationId {
    invitation: String,
}

async fn change_role(
    State(app): State<App>,
    place: InOrganization,
    Path(MemberId { account }): Path<MemberId>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = UpdateMemberRequest { role: read_role(&fields) };
    match app.service.update_member(&place.actor, &place.organization.id, &account, &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/members", place.path()), "role-changed")),
        Err(error) => show_refused(&app, place, error).await,
    }
}

/// Nothing of the form below was wrong: it stays empty, with the reason above it.
async fn show_refused(
    app: &App,
    place: InOrganization,
    error: pintle_service::ServiceError,
) -> Result<Response, PageError> {
    let form = Form::refused(Fields::of(&[("role", "editor")]), error)?;
    show(app, place, Parts::default(), form, None).await
}

async fn remove(
    State(app): State<App>,
    place: InOrganization,
    Path(MemberId { account }): Path<MemberId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    match app.service.remove_member(&place.actor, &place.organization.id, &account, now()).await {
        Ok(()) if account == place.actor.account_id() => Ok(go_on("/", "member-removed")),
        Ok(()) => Ok(go_on(&format!("{}/members", place.path()), "member-removed")),
        Err(error) => show_refused(&app, place, error).await,
    }
}

async fn revoke_token(
    State(app): State<App>,
    place: InOrganization,
    Path(TokenId { token }): Path<TokenId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.revoke_organization_token(&place.actor, &place.organization.id, &token, now()).await?;
    Ok(go_on(&format!("{}/members", place.path()), "token-of-member-revoked"))
}

async fn revoke(
    State(app): State<App>,
    place: InOrganization,
    Path(InvitationId { invitation }): Path<InvitationId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.revoke_invitation(&place.actor, &place.organization.id, &invitation, now()).await?;
    Ok(go_on(&format!("{}/members", place.path()), "invitation-revoked"))
}
