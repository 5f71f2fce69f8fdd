//! Domains of the draft.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use pintle_api::{
    AddDomainRequest, AutoDraft, Concern, CtLogResponse, CtPolicy, CtRequest, DomainResponse, DriftKind, Enforce,
    EnforceWord, ListQuery, LookupQuery, LookupResponse, Trust, UpdateDomainRequest,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    chart::drift_mood,
    failure::{PageError, Refusal},
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    monitor::{Watched, show_vantage, watch_domain},
    place::{InProject, Query},
    show::{pin_state, show_ct, show_enforce, show_match, show_source, word, words},
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

impl DomainPage {
    /// The pin of the draft that fits this digest.
    fn is_pinned(&self, digest: &str) -> bool {
        self.domain.pins.iter().any(|pin| pin.digest == *digest)
    }
}

/// Spells a wire enum out of a form: what it does not know is the default.
pub(super) fn read<T: DeserializeOwned + Default>(fields: &Fields, name: &str) -> T {
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
    /// Of one domain, to be led to its page.
    name: Option<String>,
}

async fn list(
    State(app): State<App>,
    place: InProject,
    Query(query): Query<ListQuery>,
    Query(FindQuery { find, name }): Query<FindQuery>,
) -> Result<Response, PageError> {
    let find = name.clone().unwrap_or(find);
    let (domains, next_cursor, found) = if find.trim().is_empty() {
        let query = ListQuery { limit: query.limit.or(Some(DOMAINS_AT_ONCE)), cursor: query.cursor.clone() };
        let list = app.service.list_domains(&place.actor, place.id(), &query).await?;
        (list.items, list.next_cursor, 0)
    } else {
        let found = app.service.search_domains(&place.actor, place.id(), &find, MAX_FOUND, now()).await?;
        if let Some(domain) = found.domains.iter().find(|domain| Some(&domain.name) == name.as_ref()) {
            return Ok(Redirect::to(&format!("{}/domains/{}", place.path(), domain.id)).into_response());
        }
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
pub(super) struct DomainId {
    pub(super) domain: String,
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

/// A host that stands for the domain when somebody looks: the first one watched, or the name itself.
pub(super) fn default_host(domain: &DomainResponse) -> String {
    domain.watch.first().cloned().unwrap_or_else(|| own_name(domain).to_owned())
}

/// Its name without what stands for any.
pub(super) fn own_name(domain: &DomainResponse) -> &str {
    domain.name.strip_prefix("**.").or_else(|| domain.name.strip_prefix("*.")).unwrap_or(&domain.name)
}
