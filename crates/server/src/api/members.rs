use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    AcceptInvitationRequest, CreateInvitationRequest, CreatedInvitationResponse, InvitationResponse, ListQuery,
    ListResponse, MemberResponse, OrganizationResponse, UpdateMemberRequest,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, InvitationIds, MemberIds, OrganizationIds, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(update, remove))
        .routes(routes!(invite, list_invitations))
        .routes(routes!(revoke_invitation))
        .routes(routes!(accept_invitation))
}

/// The members of an organization, by account.
#[utoipa::path(
    get, path = "/organizations/{organization}/members", operation_id = "list_members", tag = "members",
    params(OrganizationIds, ListQuery), responses((status = 200, body = ListResponse<MemberResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<MemberResponse>>, ApiError> {
    Ok(Json(app.service.list_members(&actor, &ids.organization, &query).await?))
}

/// Gives a member another role: at most the caller's own. The last owner keeps theirs.
#[utoipa::path(
    patch, path = "/organizations/{organization}/members/{account}", operation_id = "update_member", tag = "members",
    params(MemberIds), request_body = UpdateMemberRequest, responses((status = 200, body = MemberResponse), Failure),
    extensions(("x-permission" = json!("manage_members")),
        ("x-problems" = json!({"403": ["step_up_needed"], "409": ["last_owner"]})))
)]
async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<MemberIds>,
    Body(request): Body<UpdateMemberRequest>,
) -> Result<Json<MemberResponse>, ApiError> {
    Ok(Json(app.service.update_member(&actor, &ids.organization, &ids.account, &request, now()).await?))
}

/// Takes a member out of the organization and ends their tokens for it; with the caller's own account: leaves.
#[utoipa::path(
    delete, path = "/organizations/{organization}/members/{account}", operation_id = "remove_member", tag = "members",
    params(MemberIds), responses((status = 204), Failure),
    extensions(("x-permission" = json!("manage_members")),
        ("x-problems" = json!({"409": ["last_owner"]})))
)]
async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<MemberIds>,
) -> Result<StatusCode, ApiError> {
    app.service.remove_member(&actor, &ids.organization, &ids.account, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Invites somebody. The code is good once, for 7 days. Where an address is named and the server sends mail, it goes there
/// alone; else it is in the answer, this once.
#[utoipa::path(
    post, path = "/organizations/{organization}/invitations", operation_id = "create_invitation", tag = "members",
    params(OrganizationIds), request_body = CreateInvitationRequest,
    responses((status = 201, body = CreatedInvitationResponse), Failure),
    extensions(("x-permission" = json!("manage_members")),
        ("x-problems" = json!({"409": ["too_many_invitations"], "422": ["address_invalid"]})))
)]
async fn invite(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Body(request): Body<CreateInvitationRequest>,
) -> Result<(StatusCode, Json<CreatedInvitationResponse>), ApiError> {
    let created = app.service.create_invitation(&actor, &ids.organization, &request, now()).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// The invitations that wait for their answer, oldest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/invitations", operation_id = "list_invitations", tag = "members",
    params(OrganizationIds, ListQuery), responses((status = 200, body = ListResponse<InvitationResponse>), Failure),
    extensions(("x-permission" = json!("manage_members")))
)]
async fn list_invitations(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<InvitationResponse>>, ApiError> {
    Ok(Json(app.service.list_invitations(&actor, &ids.organization, &query, now()).await?))
}

/// Takes an invitation back.
#[utoipa::path(
    delete, path = "/organizations/{organization}/invitations/{invitation}", operation_id = "revoke_invitation",
    tag = "members", params(InvitationIds), responses((status = 204), Failure),
    extensions(("x-permission" = json!("manage_members")))
)]
async fn revoke_invitation(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<InvitationIds>,
) -> Result<StatusCode, ApiError> {
    app.service.revoke_invitation(&actor, &ids.organization, &ids.invitation, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the caller a member of the organization that the code belongs to.
#[utoipa::path(
    post, path = "/invitations/accept", operation_id = "accept_invitation", tag = "members",
    request_body = AcceptInvitationRequest, responses((status = 200, body = OrganizationResponse), Failure),
    extensions(("x-permission" = json!("scope:admin")),
        ("x-problems" = json!({"403": ["token_limited"], "409": ["already_member"], "422": ["invitation_invalid"]})))
)]
async fn accept_invitation(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<AcceptInvitationRequest>,
) -> Result<Json<OrganizationResponse>, ApiError> {
    Ok(Json(app.service.accept_invitation(&actor, &request, now()).await?))
}
