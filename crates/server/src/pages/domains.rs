//! Domains of the draft, and how pins get into it.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use pintle_api::{
    AddDomainRequest, AddPinRequest, AutoDraft, Concern, CtLogResponse, CtPolicy, CtRequest, DomainResponse, Enforce,
    EnforceWord, ListQuery, LookupQuery, LookupResponse, PinMatch, PinOrigin, PinType, Trust, UpdateDomainRequest,
};
use pintle_discover::FileError;
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    certificate::Found,
    chart::drift_mood,
    failure::{PageError, Refusal},
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    monitor::{Watched, show_vantage, watch_domain},
    place::{InProject, Query},
    show::{date, parse_day, pin_state, show_ct, show_enforce, show_match, show_source, word, words},
    timeline::Row,
    tools::Look,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let domain = "/orgs/{organization}/projects/{project}/domains/{domain}";
    Router::new()
        .route("/orgs/{organization}/projects/{project}/domains", get(list))
        .route("/orgs/{organization}/projects/{project}/domains/new", get(ask_new).post(add))
        .route(domain, get(read_page))
        .route(&format!("{domain}/settings"), get(ask_settings).post(change))
        .route(&format!("{domain}/remove"), post(remove))
        .route(&format!("{domain}/pins"), get(ask_pins).post(add_pins))
        .route(&format!("{domain}/pins/find"), post(find_pins))
        .route(&format!("{domain}/pins/{{pin}}/remove"), post(remove_pin))
        .route(&format!("{domain}/proposed/{{pin}}/accept"), post(accept_proposal))
        .route(&format!("{domain}/proposed/{{pin}}/dismiss"), post(dismiss_proposal))
}

/// On one page: more take longer than an eye reads.
const DOMAINS_AT_ONCE: u32 = 50;

const ENFORCE: [(&str, &str); 7] = [
    ("always", "Refuse what no pin matches"),
    ("report", "Only report, and connect"),
    ("1", "Refuse in 1 % of installations, report in the others"),
    ("5", "Refuse in 5 %"),
    ("20", "Refuse in 20 %"),
    ("50", "Refuse in 50 %"),
    ("80", "Refuse in 80 %"),
];
const TRUST: [(&str, &str); 2] = [
    ("platform", "The phone's certificate authorities, and a pin"),
    ("pins", "A pin alone: private CA or self-signed"),
];
const CT: [(&str, &str); 3] = [
    ("off", "Nothing"),
    ("verified", "Proofs that logs signed, of two operators at least"),
    ("declared", "The names of logs that you choose below"),
];
const AUTO_DRAFT: [(&str, &str); 3] =
    [("off", "Nothing"), ("live", "New keys that its servers show"), ("live_and_ct", "Those, and new keys in CT logs")];
const TYPES: [(&str, &str); 4] = [
    ("spki-sha256", "SHA-256 of the key (SPKI)"),
    ("spki-sha512", "SHA-512 of the key (SPKI)"),
    ("cert-sha256", "SHA-256 of the certificate"),
    ("cert-sha512", "SHA-512 of the certificate"),
];
const MATCHES: [(&str, &str); 3] = [
    ("leaf", "The server's own certificate"),
    ("issuer", "Any certificate above it"),
    ("any", "Any certificate of the path"),
];

/// Domains that a search shows.
const MAX_FOUND: usize = 50;

#[derive(Template)]
#[template(path = "domains.html")]
struct DomainsPage {
    frame: Frame,
    place: InProject,
    domains: Vec<DomainResponse>,
    next_cursor: Option<String>,
    /// What was looked for, and how many there are.
    find: String,
    found: usize,
    /// Whether they are so many that one would rather look for one.
    is_long: bool,
}

#[derive(Template)]
#[template(path = "domain_new.html")]
struct NewPage {
    frame: Frame,
    place: InProject,
    form: Form,
}

#[derive(Template)]
#[template(path = "domain.html")]
struct DomainPage {
    frame: Frame,
    place: InProject,
    domain: DomainResponse,
    /// Its pins over the next year.
    year: Row,
    /// What the monitor sees of it, from each vantage point.
    watched: Vec<Watched>,
    /// What the server presents now, or why nobody knows.
    live: Option<Result<LookupResponse, Refusal>>,
}

#[derive(Template)]
#[template(path = "domain_settings.html")]
struct SettingsPage {
    frame: Frame,
    place: InProject,
    domain: DomainResponse,
    form: Form,
    /// Of the draft.
    logs: Vec<CtLogResponse>,
}

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

impl DomainPage {
    /// The pin of the draft that fits this digest.
    fn is_pinned(&self, digest: &str) -> bool {
        self.domain.pins.iter().any(|pin| pin.digest == *digest)
    }
}

/// Spells a wire enum out of a form: what it does not know is the default.
fn read<T: DeserializeOwned + Default>(fields: &Fields, name: &str) -> T {
    serde_json::from_value(fields.text(name).into()).unwrap_or_default()
}

fn read_enforce(fields: &Fields) -> Enforce {
    match fields.text("enforce") {
        "report" => Enforce::Word(EnforceWord::Report),
        text => text.parse().map_or_else(|_| Enforce::default(), Enforce::Percent),
    }
}

fn read_watch(fields: &Fields) -> Vec<String> {
    fields.text("watch").split_ascii_whitespace().map(str::to_owned).collect()
}

#[derive(Deserialize)]
struct FindQuery {
    #[serde(default)]
    find: String,
}

async fn list(
    State(app): State<App>,
    place: InProject,
    Query(query): Query<ListQuery>,
    Query(FindQuery { find }): Query<FindQuery>,
) -> Result<Response, PageError> {
    let (domains, next_cursor, found) = if find.trim().is_empty() {
        let query = ListQuery { limit: query.limit.or(Some(DOMAINS_AT_ONCE)), cursor: query.cursor.clone() };
        let list = app.service.list_domains(&place.actor, place.id(), &query).await?;
        (list.items, list.next_cursor, 0)
    } else {
        let found = app.service.search_domains(&place.actor, place.id(), &find, MAX_FOUND, now()).await?;
        (found.domains, None, found.count)
    };
    let is_long = next_cursor.is_some() || query.cursor.is_some() || !find.is_empty();
    let (frame, place) = (place.frame.clone(), place.at("domains"));
    Ok(render(&DomainsPage { frame, place, domains, next_cursor, find, found, is_long }))
}

async fn ask_new(place: InProject) -> Response {
    render(&NewPage { frame: place.frame.clone(), place: place.at("domains"), form: Form::default() })
}

async fn add(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = AddDomainRequest {
        name: fields.owned("name"),
        enforce: read_enforce(&fields),
        trust: read(&fields, "trust"),
        ct: CtRequest::default(),
        auto_draft: AutoDraft::default(),
        watch: read_watch(&fields),
    };
    match app.service.add_domain(&place.actor, place.id(), &request, None, now()).await {
        Ok(domain) => Ok(go_on(&format!("{}/domains/{}/pins", place.path(), domain.id), "domain-added")),
        Err(error) => {
            let form = Form::refused(fields, error)?;
            Ok(render(&NewPage { frame: place.frame.clone(), place: place.at("domains"), form }))
        }
    }
}

#[derive(Deserialize)]
struct DomainId {
    domain: String,
}

#[derive(Deserialize)]
struct PinId {
    domain: String,
    pin: String,
}

/// A domain of the draft.
pub(super) async fn find_domain(app: &App, place: &InProject, id: &str) -> Result<DomainResponse, PageError> {
    Ok(app.service.read_domain(&place.actor, place.id(), id).await?)
}

#[derive(Deserialize)]
struct LiveQuery {
    look: Option<String>,
}

async fn read_page(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain }): Path<DomainId>,
    Query(LiveQuery { look }): Query<LiveQuery>,
    _: Look,
) -> Result<Response, PageError> {
    let domain = find_domain(&app, &place, &domain).await?;
    let live = match look {
        Some(host) => Some(match app.service.look_up(&LookupQuery { host, complete_chain: false }).await {
            Ok(seen) => Ok(seen),
            Err(error) => Err(Refusal::of(error)?),
        }),
        None => None,
    };
    let names = std::slice::from_ref(&domain.name);
    let certificates = app.service.list_certificates(&place.actor, place.id(), names).await?;
    let year = Row::new(&domain, &certificates, place.frame.now);
    let watched = watch_domain(&app, &place, &domain.name).await?;
    Ok(render(&DomainPage { frame: place.frame.clone(), place: place.at("domains"), domain, year, watched, live }))
}

async fn ask_settings(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain }): Path<DomainId>,
) -> Result<Response, PageError> {
    let domain = find_domain(&app, &place, &domain).await?;
    let (enforce, trust, watch) = (word(&domain.enforce), word(&domain.trust), domain.watch.join("\n"));
    let (ct, min, auto_draft) = (word(&domain.ct.policy), domain.ct.min.to_string(), word(&domain.auto_draft));
    let mut fields = vec![("enforce", enforce.as_str()), ("trust", &trust), ("watch", &watch)];
    fields.extend([("ct", ct.as_str()), ("ct_min", &min), ("auto_draft", &auto_draft)]);
    fields.extend(domain.ct.logs.iter().flatten().map(|log| ("ct_log", log.as_str())));
    let form = Form::of(&fields);
    show_settings(&app, place, domain, form).await
}

async fn show_settings(app: &App, place: InProject, domain: DomainResponse, form: Form) -> Result<Response, PageError> {
    let logs = app.service.read_ct_logs(&place.actor, place.id()).await?.logs;
    Ok(render(&SettingsPage { frame: place.frame.clone(), place: place.at("domains"), domain, form, logs }))
}

fn read_ct(fields: &Fields) -> CtRequest {
    let policy = read::<CtPolicy>(fields, "ct");
    if policy == CtPolicy::Off {
        return CtRequest::default();
    }
    let logs: Vec<_> = fields.all("ct_log").map(str::to_owned).collect();
    // What is no number is too few of them.
    let min = fields.optional("ct_min").map(|text| text.parse().unwrap_or_default());
    CtRequest { policy, min, logs: (!logs.is_empty()).then_some(logs) }
}

async fn change(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain: id }): Path<DomainId>,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = UpdateDomainRequest {
        enforce: Some(read_enforce(&fields)),
        trust: Some(read::<Trust>(&fields, "trust")),
        ct: Some(read_ct(&fields)),
        watch: Some(read_watch(&fields)),
        auto_draft: Some(read::<AutoDraft>(&fields, "auto_draft")),
    };
    match app.service.update_domain(&place.actor, place.id(), &id, &request, None, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/domains/{id}", place.path()), "changed")),
        Err(error) => {
            let (domain, form) = (find_domain(&app, &place, &id).await?, Form::refused(fields, error)?);
            show_settings(&app, place, domain, form).await
        }
    }
}

async fn remove(
    State(app): State<App>,
    place: InProject,
    Path(DomainId { domain }): Path<DomainId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.remove_domain(&place.actor, place.id(), &domain, None, now()).await?;
    Ok(go_on(&format!("{}/domains", place.path()), "domain-removed"))
}

async fn remove_pin(
    State(app): State<App>,
    place: InProject,
    Path(PinId { domain, pin }): Path<PinId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.remove_pin(&place.actor, place.id(), &domain, &pin, None, now()).await?;
    Ok(go_on(&format!("{}/domains/{domain}", place.path()), "pin-removed"))
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
    Path(PinId { domain, pin }): Path<PinId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.remove_pin(&place.actor, place.id(), &domain, &pin, None, now()).await?;
    Ok(go_on(&format!("{}/domains/{domain}", place.path()), "proposal-dismissed"))
}

/// A host that stands for the domain when somebody looks: the first one watched, or the name itself.
fn default_host(domain: &DomainResponse) -> String {
    domain.watch.first().cloned().unwrap_or_else(|| own_name(domain).to_owned())
}

/// Its name without what stands for any.
fn own_name(domain: &DomainResponse) -> &str {
    domain.name.strip_prefix("**.").or_else(|| domain.name.strip_prefix("*.")).unwrap_or(&domain.name)
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
            Err(()) => Refusal::local("until", "until_invalid", "must be a day, as in 2027-06-30"),
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
