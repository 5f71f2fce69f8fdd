use axum::{Json, extract::State, response::Response};
use pintle_api::{DraftResponse, UpdateDraftRequest};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, ExpectedRevision, Ids, ProjectIds},
    with_revision,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read, update))
}

/// The draft, its difference from the last accepted release, and what deserves a second look.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/draft", operation_id = "read_draft", tag = "draft",
    params(ProjectIds),
    responses((status = 200, body = DraftResponse, headers(("ETag" = String, description = "The revision"))), Failure)
)]
async fn read(State(app): State<App>, Caller(actor): Caller, Ids(ids): Ids<ProjectIds>) -> Result<Response, ApiError> {
    let draft = app.service.read_draft(&actor, ids.project(), now()).await?;
    Ok(with_revision(draft.revision, Json(draft)))
}

/// Changes settings of the draft.
#[utoipa::path(
    patch, path = "/organizations/{organization}/projects/{project}/draft", operation_id = "update_draft",
    tag = "draft", params(ProjectIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    request_body = UpdateDraftRequest,
    responses((status = 200, body = DraftResponse, headers(("ETag" = String, description = "The revision"))), Failure)
)]
async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    ExpectedRevision(revision): ExpectedRevision,
    Body(request): Body<UpdateDraftRequest>,
) -> Result<Response, ApiError> {
    let draft = app.service.update_draft(&actor, ids.project(), &request, revision, now()).await?;
    Ok(with_revision(draft.revision, Json(draft)))
}
