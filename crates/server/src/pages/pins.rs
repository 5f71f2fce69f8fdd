//! Pins of the draft: how they get into it, and what is said of them.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use pintle_api::{
    AddPinRequest, DomainResponse, LookupQuery, PinExpiry, PinMatch, PinOrigin, PinResponse, PinType, UpdatePinRequest,
};
use pintle_discover::FileError;
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    certificate::Found,
    domains::{DomainId, default_host, find_domain, own_name, read},
    failure::{PageError, Refusal},
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    place::InProject,
    show::{date, parse_day, show_day, show_match, show_source, word},
    tools::Look,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let domain = "/orgs/{organization}/projects/{project}/domains/{domain}";
    Router::new()
        .route(&format!("{domain}/pins"), get(ask_pins).post(add_pins))
        .route(&format!("{domain}/pins/find"), post(find_pins))
        .route(&format!("{domain}/pins/{{pin}}"), get(ask_change).post(change))
        .route(&format!("{domain}/pins/{{pin}}/remove"), post(remove_pin))
        .route(&format!("{domain}/proposed/{{pin}}/accept"), post(accept_proposal))
        .route(&format!("{domain}/proposed/{{pin}}/dismiss"), post(dismiss_proposal))
}

const TYPES: [(&str, &str); 4] = [
    ("spki-sha256", "SHA-256 of the key (SPKI)"),
    ("spki-sha512", "SHA-512 of the key (SPKI)"),
    ("cert-sha256", "SHA-256 of the certificate"),
    ("cert-sha512", "SHA-512 of the certificate"),
];
const NO_DAY: &str = "must be a day, as in 2027-06-30";
const MATCHES: [(&str, &str); 3] = [
    ("leaf", "The server's own certificate"),
    ("issuer", "Any certificate above it"),
    ("any", "Any certificate of the path"),
];

#[derive(Template)]
#[template(path = "pins_new.html")]
struct PinsPage {
    frame: Frame,
    place: InProject,
    domain: DomainResponse,
    form: Form,
    found: Option<Found>,
    /// Who is asked what CT logs hold, and so learns the host.
    ct_sources: Vec<String>,
}

/// What people say of one pin: its label, and until when it counts.
#[derive(Template)]
#[template(path = "pin.html")]
struct PinPage {
    frame: Frame,
    place: InProject,
    domain: DomainResponse,
    pin: PinResponse,
    form: Form,
}

#[derive(Deserialize)]
struct PinId {
    domain: String,
    pin: String,
}

/// The pin with its domain, for a page about it.
async fn find_pin(app: &App, place: &InProject, id: &PinId) -> Result<(DomainResponse, PinResponse), PageError> {
    let domain = find_domain(app, place, &id.domain).await?;
    let pin = domain.pins.iter().find(|pin| pin.id == id.pin).ok_or(PageError::NOT_FOUND)?.clone();
    Ok((domain, pin))
}

async fn ask_change(State(app): State<App>, place: InProject, Path(id): Path<PinId>) -> Result<Response, PageError> {
    if !place.can().edit() {
        return Err(PageError::NOT_FOUND);
    }
    let (domain, pin) = find_pin(&app, &place, &id).await?;
    let until = pin.expires_at.map(show_day).unwrap_or_default();
    let form = Form::of(&[("label", pin.label.as_deref().unwrap_or_default()), ("until", &until)]);
    Ok(show_pin(place, domain, pin, form))
}

fn show_pin(place: InProject, domain: DomainResponse, pin: PinResponse, form: Form) -> Response {
    render(&PinPage { frame: place.frame.clone(), place: place.at("domains"), domain, pin, form })
}

async fn change(
    State(app): State<App>,
    place: InProject,
    Path(id): Path<PinId>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let (domain, pin) = find_pin(&app, &place, &id).await?;
    let expiry = match parse_day(fields.text("until")) {
        // The day alone is chosen here: an end within it that nobody touched stays as it is.
        Ok(until) if until.map(show_day) == pin.expires_at.map(show_day) => None,
        Ok(until) => Some(until.map_or(PinExpiry::Never, PinExpiry::At)),
        Err(()) => {
            let refusal = Refusal::local("until", "until_invalid", NO_DAY);
            return Ok(show_pin(place, domain, pin, Form::refused_here(fields, refusal)));
        }
    };
    let request = UpdatePinRequest { label: Some(fields.owned("label")), expiry };
    match app.service.update_pin(&place.actor, place.id(), &id.domain, &id.pin, &request, None, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/domains/{}", place.path(), id.domain), "pin-changed")),
        Err(error) => Ok(show_pin(place, domain, pin, Form::refused(fields, error)?)),
    }
}

/// Removes a pin, or what the monitor proposes: both are gone by their id.
async fn remove(
    app: App,
    place: InProject,
    PinId { domain, pin }: PinId,
    done: &'static str,
) -> Result<Response, PageError> {
    app.service.remove_pin(&place.actor, place.id(), &domain, &pin, None, now()).await?;
    Ok(go_on(&format!("{}/domains/{domain}", place.path()), done))
}

async fn remove_pin(
    State(app): State<App>,
    place: InProject,
    Path(id): Path<PinId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    remove(app, place, id, "pin-removed").await
}

/// Pins what the monitor proposes.
async fn accept_proposal(
    State(app): State<App>,
    place: InProject,
    Path(PinId { domain: id, pin }): Path<PinId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let domain = find_domain(&app, &place, &id).await?;
    let proposed = domain.proposed.iter().find(|proposed| proposed.id == pin).ok_or(PageError::NOT_FOUND)?;
    let request = proposed.to_pin(format!("proposed {}", date(proposed.proposed_at)));
    app.service.add_pin(&place.actor, place.id(), &id, &request, None, now()).await?;
    Ok(go_on(&format!("{}/domains/{id}", place.path()), "proposal-accepted"))
}

async fn dismiss_proposal(
    State(app): State<App>,
    place: InProject,
    Path(id): Path<PinId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    remove(app, place, id, "proposal-dismissed").await
}

async fn ask_pins(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain }): Path<DomainId>,
) -> Result<Response, PageError> {
    let domain = find_domain(&app, &place, &domain).await?;
    let form = Form::of(&[("host", &default_host(&domain)), ("ct_host", own_name(&domain))]);
    Ok(show_pins(&app, place, domain, form, None))
}

fn show_pins(app: &App, place: InProject, domain: DomainResponse, form: Form, found: Option<Found>) -> Response {
    let ct_sources = app.service.ct_source_names();
    render(&PinsPage { frame: place.frame.clone(), place: place.at("domains"), domain, form, found, ct_sources })
}

/// Finds what could be pinned, in a file, in a text, or at a host. Nothing is pinned yet.
async fn find_pins(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain }): Path<DomainId>,
    _: Look,
    Submitted { fields, file }: Submitted,
) -> Result<Response, PageError> {
    let domain = find_domain(&app, &place, &domain).await?;
    if let Some(host) = fields.optional("ct_host") {
        let (form, found) = match app.service.search_ct(&place.actor, place.id(), &host, now()).await {
            Ok(found) if found.is_empty() => {
                let refusal =
                    Refusal::local("ct_host", "ct_search_empty", "no certificate that is valid now was found");
                (Form::refused_here(fields, refusal), None)
            }
            Ok(found) => (Form { fields, refusal: None }, Some(Found::of_logged(&found))),
            Err(error) => {
                let mut form = Form::refused(fields, error)?;
                form.refusal.iter_mut().for_each(|refusal| refusal.field = "ct_host");
                (form, None)
            }
        };
        return Ok(show_pins(&app, place, domain, form, found));
    }
    let (field, bytes) = match (file, fields.optional("text")) {
        (Some(file), _) => ("file", file),
        (None, Some(text)) => ("text", text.into()),
        (None, None) => {
            let query = LookupQuery { host: fields.owned("host"), complete_chain: false };
            return Ok(match app.service.look_up(&query).await {
                Ok(seen) => {
                    show_pins(&app, place, domain, Form { fields, refusal: None }, Some(Found::of_lookup(&seen)))
                }
                Err(error) => show_pins(&app, place, domain, Form::refused(fields, error)?, None),
            });
        }
    };
    let password = Some(fields.secret("password")).filter(|password| !password.expose_secret().is_empty());
    // PKCS#12 may ask for so many rounds that it takes seconds.
    let reading = tokio::task::spawn_blocking(move || {
        let password = password.map(|password| SecretString::from(password.expose_secret()));
        Found::of_file(&bytes, password.as_ref())
    });
    Ok(match reading.await.map_err(|_| PageError::INTERNAL)? {
        Ok(found) => show_pins(&app, place, domain, Form { fields, refusal: None }, Some(found)),
        Err(error) => {
            let field =
                if matches!(error, FileError::PasswordNeeded | FileError::WrongPassword) { "password" } else { field };
            let refusal = Refusal::local(field, "file_unusable", &error.to_string());
            show_pins(&app, place, domain, Form::refused_here(fields, refusal), None)
        }
    })
}

/// Adds what was chosen, one pin after the other; the ones before a refused one stay.
async fn add_pins(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain: id }): Path<DomainId>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let chosen: Vec<AddPinRequest> = fields.all("pin").filter_map(|pin| parse_choice(pin, &fields)).collect();
    let mut requests = if fields.text("digest").is_empty() { chosen } else { vec![read_by_hand(&fields)] };
    let until = parse_day(fields.text("until"));
    for request in &mut requests {
        request.expires_at = until.unwrap_or_default();
    }
    if requests.is_empty() || until.is_err() {
        let refusal = match until {
            Ok(_) => Refusal::local("", "nothing_chosen", "nothing was chosen"),
            Err(()) => Refusal::local("until", "until_invalid", NO_DAY),
        };
        let domain = find_domain(&app, &place, &id).await?;
        return Ok(show_pins(&app, place, domain, Form::refused_here(fields, refusal), None));
    }
    for request in &requests {
        if let Err(error) = app.service.add_pin(&place.actor, place.id(), &id, request, None, now()).await {
            let domain = find_domain(&app, &place, &id).await?;
            return Ok(show_pins(&app, place, domain, Form::refused(fields, error)?, None));
        }
    }
    Ok(go_on(&format!("{}/domains/{id}", place.path()), "pins-added"))
}

/// `TYPE MATCH DIGEST`, as the page of what was found wrote it.
fn parse_choice(text: &str, fields: &Fields) -> Option<AddPinRequest> {
    let mut words = text.split(' ');
    let mut next = || words.next().map(serde_json::Value::from);
    Some(AddPinRequest {
        pin_type: serde_json::from_value(next()?).ok()?,
        pin_match: serde_json::from_value(next()?).ok()?,
        digest: next()?.as_str()?.to_owned(),
        expires_at: None,
        source: read(fields, "source"),
        label: fields.optional("label"),
    })
}

fn read_by_hand(fields: &Fields) -> AddPinRequest {
    let pin_type = serde_json::from_value(fields.text("type").into()).unwrap_or(PinType::SpkiSha256);
    AddPinRequest {
        pin_type,
        digest: fields.owned("digest"),
        pin_match: read::<PinMatch>(fields, "match"),
        expires_at: None,
        source: PinOrigin::ByHand,
        label: fields.optional("label"),
    }
}
