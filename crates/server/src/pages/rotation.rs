//! The change of the key of a domain's servers: what is done, what is waited for, what comes next.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use pintle_api::{DomainResponse, PinMatch, PinResponse, PinType, RotationPin, RotationResponse, StartRotationRequest};
use pintle_service::{
    ErrorKind, ServiceError,
    rotation::{RotationPhase, RotationStanding, ServedKey, judge_rotation},
};
use serde::Deserialize;

use super::{
    domains::find_domain,
    failure::PageError,
    form::{Form, Submitted},
    frame::{Frame, go_on, render},
    place::{InProject, Query},
    show::words,
    tools::Look,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let rotation = "/orgs/{organization}/projects/{project}/domains/{domain}/rotation";
    Router::new()
        .route(rotation, get(read).post(start))
        .route(&format!("{rotation}/finish"), post(finish))
        .route(&format!("{rotation}/end"), post(end))
}

const DAY_SECS: u64 = 86_400;

#[derive(Template)]
#[template(path = "rotation.html")]
struct RotationPage {
    frame: Frame,
    place: InProject,
    domain: DomainResponse,
    under_way: Option<UnderWay>,
    form: Form,
}

struct UnderWay {
    rotation: RotationResponse,
    standing: RotationStanding,
    /// Whether servers were looked at for it.
    is_seen: bool,
    certificate: Option<InUse>,
    /// When the next pin must be live, to be known everywhere when the certificate ends.
    release_by: Option<u64>,
}

/// The certificate that ends first among those presented.
struct InUse {
    issuer: String,
    ends_at: u64,
    renewed_at: u64,
}

impl RotationPage {
    fn has_next(&self) -> bool {
        self.domain.pins.iter().any(can_be_next)
    }
}

/// A step of a change, in the order in which they are taken.
struct Step {
    title: &'static str,
    says: &'static str,
    state: StepState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StepState {
    Done,
    Now,
    Ahead,
}

const STEPS: [(&str, &str); 5] = [
    ("Pin the next key", "Its pin stands in the draft, beside the one in use."),
    ("Release it", "Every target serves a release with both pins."),
    (
        "Wait until apps know it",
        "Whoever was online meanwhile has the release; who was away longer fetches it when they meet the key.",
    ),
    ("Change the servers", "Install certificates of the next key, one server after the other."),
    ("Retire the old pins", "Once nobody goes back: they leave the draft, and apps with the next release."),
];

impl UnderWay {
    fn new((rotation, standing): (RotationResponse, RotationStanding), is_seen: bool) -> Self {
        let certificate = standing.renewal.as_ref().map(|renewal| InUse {
            issuer: renewal.issuer.clone(),
            ends_at: renewal.not_after.as_secs(),
            renewed_at: renewal.expected_at.as_secs(),
        });
        let release_by = standing.release_by.map(|at| at.as_secs());
        Self { rotation, standing, is_seen, certificate, release_by }
    }

    /// How many steps are done.
    fn done(&self) -> usize {
        match self.standing.phase {
            RotationPhase::NotDrafted => 0,
            RotationPhase::NotReleased => 1,
            RotationPhase::Spreading => 2,
            RotationPhase::Ready | RotationPhase::Switching => 3,
            RotationPhase::Switched | RotationPhase::Retiring => 4,
            RotationPhase::Done => 5,
        }
    }

    fn steps(&self) -> Vec<Step> {
        let done = self.done();
        let state = |at: usize| match at.cmp(&done) {
            std::cmp::Ordering::Less => StepState::Done,
            std::cmp::Ordering::Equal => StepState::Now,
            std::cmp::Ordering::Greater => StepState::Ahead,
        };
        STEPS.iter().enumerate().map(|(at, (title, says))| Step { title, says, state: state(at) }).collect()
    }

    fn next_step(&self) -> &'static str {
        match self.standing.phase {
            RotationPhase::NotDrafted => "The pin of the next key has left the draft: pin it again.",
            RotationPhase::NotReleased => "Release the draft.",
            RotationPhase::Spreading => "Wait; then install a certificate of the next key.",
            RotationPhase::Ready => "Install a certificate of the next key, and look here whether it arrives.",
            RotationPhase::Switching => "Go on with the servers that lag.",
            RotationPhase::Switched => "Once you will not go back to the old key, retire its pins.",
            RotationPhase::Retiring => "Release the draft, in which the old pins are no longer.",
            RotationPhase::Done => "The next key is the only one left. End the change.",
        }
    }
}

/// Pins that name what a server itself presents.
fn is_leaf(pin: &PinResponse) -> bool {
    pin.pin_match != PinMatch::Issuer
}

/// Whether a change can go on to it: the certificate of a next key does not exist yet.
fn can_be_next(pin: &PinResponse) -> bool {
    is_leaf(pin) && matches!(pin.pin_type, PinType::SpkiSha256 | PinType::SpkiSha512)
}

fn name_pin(pin: &PinResponse) -> String {
    let begin = pin.digest.get(..12).unwrap_or_default();
    pin.label.clone().map_or_else(|| format!("{begin}…"), |label| format!("{label} ({begin}…)"))
}

fn key_mood(key: &ServedKey) -> (&'static str, &'static str) {
    match key {
        ServedKey::Next => ("good", "the next key"),
        ServedKey::Retiring => ("soon", "the old key"),
        ServedKey::Other => ("bad", "another key"),
        ServedKey::Unseen => ("past", "not seen"),
    }
}

#[derive(Deserialize)]
struct DomainId {
    domain: String,
}

#[derive(Deserialize)]
struct LookQuery {
    look: Option<String>,
}

async fn read(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain }): Path<DomainId>,
    Query(LookQuery { look }): Query<LookQuery>,
    _: Look,
) -> Result<Response, PageError> {
    show(&app, place, &domain, look.is_some(), Form::of(&[("away_days", "7")])).await
}

async fn show(app: &App, place: InProject, id: &str, may_look: bool, form: Form) -> Result<Response, PageError> {
    let domain = find_domain(app, &place, id).await?;
    let found = match may_look {
        true => app.service.look_at_rotation(&place.actor, place.id(), id, now()).await,
        false => app.service.read_rotation(&place.actor, place.id(), id).await.map(|rotation| {
            let standing = judge_rotation(&rotation, &[], now());
            (rotation, standing)
        }),
    };
    let under_way = match found {
        Ok(found) => Some(UnderWay::new(found, may_look)),
        Err(error) if is_missing(&error) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(render(&RotationPage { frame: place.frame.clone(), place: place.at("domains"), domain, under_way, form }))
}

/// Whether none is under way: the domain itself was found before.
fn is_missing(error: &ServiceError) -> bool {
    error.kind() == ErrorKind::NotFound
}

async fn start(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain }): Path<DomainId>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = StartRotationRequest {
        next: fields.owned("next"),
        retiring: fields.all("retiring").map(str::to_owned).collect(),
        away_days: fields.text("away_days").parse().unwrap_or(u16::MAX),
    };
    match app.service.start_rotation(&place.actor, place.id(), &domain, &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/domains/{domain}/rotation", place.path()), "rotation-started")),
        Err(error) => show(&app, place, &domain, false, Form::refused(fields, error)?).await,
    }
}

/// Takes the old pins out of the draft, if every server that is seen presents the next key.
async fn finish(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain: id }): Path<DomainId>,
    _: Look,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    if !place.can().edit() {
        return Err(PageError::NOT_FOUND);
    }
    let (rotation, standing) = app.service.look_at_rotation(&place.actor, place.id(), &id, now()).await?;
    // What comes next is known by another look alone.
    let say = |done: &str| Redirect::to(&format!("{}/domains/{id}/rotation?look=1&done={done}", place.path()));
    if standing.phase != RotationPhase::Switched {
        return Ok(say("rotation-not-switched").into_response());
    }
    let domain = find_domain(&app, &place, &id).await?;
    let is_of = |pin: &PinResponse, old: &RotationPin| pin.pin_type == old.pin_type && pin.digest == old.digest;
    for pin in domain.pins.iter().filter(|pin| rotation.retiring.iter().any(|old| is_of(pin, old))) {
        app.service.remove_pin(&place.actor, place.id(), &id, &pin.id, None, now()).await?;
    }
    Ok(say("rotation-retired").into_response())
}

async fn end(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain }): Path<DomainId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.end_rotation(&place.actor, place.id(), &domain, now()).await?;
    Ok(go_on(&format!("{}/domains/{domain}", place.path()), "rotation-ended"))
}
