//! What is staged, what was released, and how the one becomes the other: prepared here, signed where the key is.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use pintle_api::{
    AcceptReleaseRequest, ApproveReleaseRequest, DiffQuery, Expiry, Finding, FindingGroup, FindingOverride,
    KeyCiphertextResponse, KeyOpener, ListQuery, OverrideRequest, PrepareReleaseRequest, PreparedReleaseResponse,
    ReleaseContent, ReleaseKind, ReleaseResponse, ReleaseState, Severity, TargetState, Unchanged,
};
use pintle_service::DraftSummary;
use serde::Deserialize;

use super::{
    changes::{ChangesQuery, Portion},
    failure::{PageError, Refusal},
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    keys::is_kept,
    live::{Progress, is_settled},
    members::find_names,
    place::{InProject, Query},
    show::{every, is_same, parse_minute, show_span, words},
    tools::Look,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let project = "/orgs/{organization}/projects/{project}";
    Router::new()
        .route(&format!("{project}/draft"), get(review))
        .route(&format!("{project}/release"), post(prepare))
        .route(&format!("{project}/releases"), get(list).post(accept))
        .route(&format!("{project}/releases/{{version}}"), get(read))
        .route(&format!("{project}/releases/{{version}}/approve"), post(approve))
        .route(&format!("{project}/releases/{{version}}/cancel"), post(cancel))
}

#[derive(Template)]
#[template(path = "draft.html")]
struct DraftPage {
    frame: Frame,
    place: InProject,
    draft: DraftSummary,
    changes: Portion,
    form: Form,
    /// What the guard found at the live servers, where it was asked.
    guarded: Option<Vec<Finding>>,
}

/// Where a prepared release is signed.
#[derive(Template)]
#[template(path = "sign.html")]
struct SignPage {
    frame: Frame,
    place: InProject,
    prepared: PreparedReleaseResponse,
    /// The file that apps have now, for the difference that the page derives itself.
    former: Option<String>,
    /// The project's key as the server keeps it, encrypted.
    key: Option<KeyCiphertextResponse>,
    /// What does the same where the key is.
    command: &'static str,
}

#[derive(Template)]
#[template(path = "releases.html")]
struct ReleasesPage {
    frame: Frame,
    place: InProject,
    releases: Vec<ReleaseResponse>,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "release.html")]
struct ReleasePage {
    frame: Frame,
    place: InProject,
    release: ReleaseResponse,
    changes: Portion,
    /// The release that apps had before.
    previous: Option<ReleaseResponse>,
    /// Names of who submitted it and of who agreed.
    accepted_by: Option<String>,
    approved_by: Option<String>,
    form: Form,
    me: String,
}

impl DraftPage {
    /// Codes of the guard's errors, each once.
    fn errors(&self) -> Vec<&'static str> {
        let findings = self.form.refusal.as_ref().map_or(&[][..], |refusal| &refusal.findings);
        let groups = FindingGroup::gather(findings).into_iter();
        groups.filter(|group| group.severity == Severity::Error).map(|group| group.code.as_str()).collect()
    }
}

impl ReleasePage {
    fn is_waiting(&self) -> bool {
        matches!(self.release.state, ReleaseState::AwaitingApproval | ReleaseState::Scheduled)
    }

    fn is_under_way(&self) -> bool {
        !is_settled(&self.release.state)
    }

    fn progress(&self) -> Progress {
        Progress::new(&self.release)
    }
}

/// What a state means for the eye.
pub(super) fn mood(state: &ReleaseState) -> &'static str {
    match state {
        ReleaseState::Live => "good",
        ReleaseState::AwaitingApproval
        | ReleaseState::Scheduled
        | ReleaseState::Accepted
        | ReleaseState::Publishing => "soon",
        ReleaseState::Superseded | ReleaseState::Cancelled | ReleaseState::Voided => "past",
    }
}

pub(super) fn target_mood(state: &TargetState) -> &'static str {
    match state {
        TargetState::Live => "good",
        TargetState::Waiting => "soon",
        TargetState::Failed => "bad",
        TargetState::Superseded => "past",
    }
}

#[derive(Deserialize)]
struct ReviewQuery {
    guard: Option<String>,
}

async fn review(
    State(app): State<App>,
    place: InProject,
    Query(ReviewQuery { guard }): Query<ReviewQuery>,
    Query(changes): Query<ChangesQuery>,
    _: Look,
) -> Result<Response, PageError> {
    let (form, guarded) = match guard {
        Some(_) => match app.service.guard_draft(&place.actor, place.id(), now()).await {
            Ok(guarded) => (Form::default(), Some(guarded.findings)),
            Err(error) => (Form::refused(Fields::default(), error)?, None),
        },
        None => (Form::default(), None),
    };
    show_draft(&app, place, form, guarded, changes).await
}

async fn show_draft(
    app: &App,
    place: InProject,
    form: Form,
    guarded: Option<Vec<Finding>>,
    changes: ChangesQuery,
) -> Result<Response, PageError> {
    let draft = app.service.summarize_draft(&place.actor, place.id(), 0, now()).await?;
    let changes = Portion::new(&draft.changes, changes, format!("{}/draft", place.path()));
    Ok(render(&DraftPage { frame: place.frame.clone(), place: place.at("draft"), draft, changes, form, guarded }))
}

/// What the form asks to be released.
fn read_content(fields: &Fields) -> ReleaseContent {
    match (fields.text("content"), fields.text("version").parse()) {
        ("withdrawal", _) => ReleaseContent::Withdrawal,
        ("release", Ok(version)) => ReleaseContent::Release(version),
        _ => ReleaseContent::Draft,
    }
}

/// Fixes what is to be signed. The answer is the page that signs it.
async fn prepare(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let reason = fields.owned("reason");
    let overridden = |code: &str| {
        let code = serde_json::from_value(code.into()).ok()?;
        Some(FindingOverride { code, domain: None })
    };
    let findings: Vec<_> = fields.all("override").filter_map(overridden).collect();
    let request = PrepareReleaseRequest {
        unchanged: if fields.is_chosen("unchanged", "release") { Unchanged::Release } else { Unchanged::Refuse },
        content: read_content(&fields),
        rehearsal: false,
        override_request: (!findings.is_empty()).then_some(OverrideRequest { findings, reason }),
    };
    match app.service.prepare_release(&place.actor, place.id(), &request, now()).await {
        Ok(prepared) => {
            let command = match request.content {
                ReleaseContent::Release(_) if place.project.withdrawn_at.is_some() => "pintle restore",
                ReleaseContent::Release(_) => "pintle releases rollback",
                ReleaseContent::Draft | ReleaseContent::Withdrawal => "pintle release",
            };
            show_signing(&app, place, prepared, command).await
        }
        Err(error) => show_draft(&app, place, Form::refused(fields, error)?, None, ChangesQuery::default()).await,
    }
}

/// Where what was prepared is signed: here, or by `command` where the key is.
pub(super) async fn show_signing(
    app: &App,
    place: InProject,
    prepared: PreparedReleaseResponse,
    command: &'static str,
) -> Result<Response, PageError> {
    let former = match place.project.latest_release {
        Some(version) => Some(app.service.read_release_file(&place.actor, place.id(), version).await?),
        None => None,
    };
    let key = match &place.project.key {
        Some(key) if is_kept(&key.custody) => Some(app.service.fetch_key(&place.actor, place.id(), now()).await?),
        _ => None,
    };
    Ok(render(&SignPage { frame: place.frame.clone(), place: place.at("draft"), prepared, former, key, command }))
}

async fn accept(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let Ok(publish_at) = parse_minute(fields.text("publish_at")) else {
        let refusal = Refusal::local("", "publish_at_invalid", "the time to publish is none: nothing was submitted");
        return show_draft(&app, place, Form::refused_here(Fields::default(), refusal), None, ChangesQuery::default())
            .await;
    };
    let request = AcceptReleaseRequest { jws: fields.owned("jws"), publish_at };
    match app.service.accept_release(&place.actor, place.id(), &request, now()).await {
        Ok(release) => {
            let done = match release.state {
                ReleaseState::AwaitingApproval => "released-once-approved",
                ReleaseState::Scheduled => "released-later",
                _ => "released",
            };
            Ok(go_on(&format!("{}/releases/{}", place.path(), release.version), done))
        }
        Err(error) => {
            show_draft(&app, place, Form::refused(Fields::default(), error)?, None, ChangesQuery::default()).await
        }
    }
}

async fn list(State(app): State<App>, place: InProject, Query(query): Query<ListQuery>) -> Result<Response, PageError> {
    let list = app.service.list_releases(&place.actor, place.id(), &query).await?;
    let (releases, next_cursor) = (list.items, list.next_cursor);
    Ok(render(&ReleasesPage { frame: place.frame.clone(), place: place.at("releases"), releases, next_cursor }))
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

async fn read(
    State(app): State<App>,
    place: InProject,
    Path(Version { version }): Path<Version>,
    Query(changes): Query<ChangesQuery>,
) -> Result<Response, PageError> {
    show_release(&app, place, version, Form::default(), changes).await
}

async fn show_release(
    app: &App,
    place: InProject,
    version: u64,
    form: Form,
    changes: ChangesQuery,
) -> Result<Response, PageError> {
    let release = app.service.read_release(&place.actor, place.id(), version).await?;
    let previous = find_release_before(app, &place, version).await?;
    let differing = match &previous {
        Some(previous) => {
            let query = DiffQuery { from: Some(previous.version.to_string()), to: Some(version.to_string()) };
            app.service.diff(&place.actor, place.id(), &query, now()).await?.changes
        }
        None => Vec::new(),
    };
    let changes = Portion::new(&differing, changes, format!("{}/releases/{version}", place.path()));
    let me = place.actor.account_id().to_owned();
    let accounts = [Some(release.accepted_by.as_str()), release.approved_by.as_deref()];
    let [accepted_by, approved_by] = find_names(app, &place, accounts).await?;
    let (frame, place) = (place.frame.clone(), place.at("releases"));
    Ok(render(&ReleasePage { frame, place, release, changes, previous, accepted_by, approved_by, form, me }))
}

/// The release that apps had before this one; numbers have gaps.
async fn find_release_before(app: &App, place: &InProject, version: u64) -> Result<Option<ReleaseResponse>, PageError> {
    let mut query = ListQuery { limit: Some(ListQuery::MAX_LIMIT), cursor: None };
    loop {
        let list = app.service.list_releases(&place.actor, place.id(), &query).await?;
        let was_published = |release: &&ReleaseResponse| {
            release.version < version && !matches!(release.state, ReleaseState::Cancelled | ReleaseState::Voided)
        };
        if let Some(found) = list.items.into_iter().find(|release| was_published(&release)) {
            return Ok(Some(found));
        }
        match list.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return Ok(None),
        }
    }
}

async fn approve(
    State(app): State<App>,
    place: InProject,
    Path(Version { version }): Path<Version>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = ApproveReleaseRequest { claims_sha256: fields.owned("claims_sha256") };
    match app.service.approve_release(&place.actor, place.id(), version, &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/releases/{version}", place.path()), "release-approved")),
        Err(error) => show_release(&app, place, version, Form::refused(fields, error)?, ChangesQuery::default()).await,
    }
}

async fn cancel(
    State(app): State<App>,
    place: InProject,
    Path(Version { version }): Path<Version>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    match app.service.cancel_release(&place.actor, place.id(), version, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/releases/{version}", place.path()), "release-cancelled")),
        Err(error) => show_release(&app, place, version, Form::refused(fields, error)?, ChangesQuery::default()).await,
    }
}
