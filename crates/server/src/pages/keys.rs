//! The project's signing key: made in the page, or somewhere this server never sees.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use pintle_api::{
    AcceptStatementRequest, Custody, KeyCiphertextResponse, KeyOpener, ListQuery, RegisterKeyRequest,
    StatementResponse, StatementSigner, StoreKeyRequest,
};

use super::{
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    place::InProject,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let key = "/orgs/{organization}/projects/{project}/key";
    Router::new()
        .route(key, get(read).post(register))
        .route(&format!("{key}/keep"), post(keep))
        .route(&format!("{key}/succession"), post(succeed))
        .route(&format!("{key}/password"), post(change_password))
        .route(&format!("{key}/import"), get(ask_to_import))
        .route(&format!("{key}/rotate"), post(rotate))
        .route(&format!("{key}/recover"), get(ask_to_recover))
        .route(&format!("{key}/download"), post(download))
        .route(&format!("{key}/discard"), get(ask_to_discard).post(discard))
}

#[derive(Template)]
#[template(path = "key.html")]
struct KeyPage {
    frame: Frame,
    place: InProject,
    statements: Vec<StatementResponse>,
    form: Form,
}

/// Where something is done with a key, in the page.
#[derive(Template)]
#[template(path = "key_work.html")]
struct WorkPage {
    frame: Frame,
    place: InProject,
    act: Act,
    /// The key as the server keeps it, where that is what the page opens.
    kept: Option<KeyCiphertextResponse>,
    /// Number of the next succession statement.
    next_seq: u64,
}

/// What is done with a key in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Password,
    Import,
    Rotate,
    Recover,
}

impl Act {
    fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Import => "import",
            Self::Rotate => "rotate",
            Self::Recover => "recover",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Password => "Change the password of the key",
            Self::Import => "Bring a key into the page",
            Self::Rotate => "Go on to another key",
            Self::Recover => "Recover from a stolen or lost key",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::Password => {
                "The same key under another password. Copies under the old one stay as they are: a sheet that somebody saw still opens."
            }
            Self::Import => {
                "A key in a file of yours is encrypted anew in this page, and the server keeps the ciphertext. You release from here then."
            }
            Self::Rotate => {
                "This key names the next one, made in this page. Apps follow with the next release; what the old key signed and is not on its way yet is void."
            }
            Self::Recover => {
                "The recovery key of the sheet names a new signing key. Apps that see the next release believe nothing any more that the old key signs. Release at once."
            }
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Password | Self::Import => "What opens it from now on",
            Self::Rotate | Self::Recover => "What opens the new key",
        }
    }

    fn button(self) -> &'static str {
        match self {
            Self::Password => "Encrypt it anew",
            Self::Import => "Read and encrypt it",
            Self::Rotate | Self::Recover => "Make the new key",
        }
    }

    /// The same without a browser.
    fn command(self) -> &'static str {
        match self {
            Self::Password => "pintle keys change-password --key server:",
            Self::Import => "pintle keys upload",
            Self::Rotate => "pintle keys rotate",
            Self::Recover => "pintle keys recover",
        }
    }

    fn is_succession(self) -> bool {
        matches!(self, Self::Rotate | Self::Recover)
    }
}

#[derive(Template)]
#[template(path = "key_discard.html")]
struct DiscardPage {
    frame: Frame,
    place: InProject,
}

async fn read(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    show(&app, place, Form::default()).await
}

async fn show(app: &App, place: InProject, form: Form) -> Result<Response, PageError> {
    let statements = match place.project.key {
        Some(_) => list_statements(app, &place).await?,
        None => Vec::new(),
    };
    Ok(render(&KeyPage { frame: place.frame.clone(), place: place.at("key"), statements, form }))
}

/// Whether the server keeps the key encrypted, for pages that open it.
pub(super) fn is_kept(custody: &Custody) -> bool {
    matches!(custody, Custody::BrowserPassword | Custody::BrowserPasskey)
}

/// Registers the public half, and keeps the encrypted private one where the page made it.
async fn register(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request =
        RegisterKeyRequest { public_key: fields.owned("public_key"), recovery_key: fields.optional("recovery_key") };
    if let Err(error) = app.service.register_key(&place.actor, place.id(), &request, now()).await {
        return show(&app, place, Form::refused(fields, error)?).await;
    }
    let path = format!("{}/key", place.path());
    if fields.text("pem").is_empty() {
        return Ok(go_on(&path, "key-registered"));
    }
    store(&app, place, fields, "key-stored").await
}

/// Has the server keep what the page encrypted.
async fn store(app: &App, place: InProject, fields: Fields, done: &'static str) -> Result<Response, PageError> {
    let opened_by = match (fields.optional("credential_id"), fields.optional("prf_salt")) {
        (Some(credential_id), Some(prf_salt)) => KeyOpener::Passkey { credential_id, prf_salt },
        _ => KeyOpener::Password {},
    };
    let request = StoreKeyRequest { pem: fields.owned("pem"), opened_by, proof: fields.owned("proof") };
    match app.service.store_key(&place.actor, place.id(), &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/key", place.path()), done)),
        Err(error) => show(app, place, Form::refused(fields, error)?).await,
    }
}

async fn ask_to_import(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    ask(&app, place, Act::Import).await
}

async fn ask_to_recover(State(app): State<App>, place: InProject) -> Result<Response, PageError> {
    ask(&app, place, Act::Recover).await
}

/// The ciphertext comes with the answer to a form: that it was fetched stands in the audit log, and no link of another site
/// may write there.
async fn change_password(
    State(app): State<App>,
    place: InProject,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    ask(&app, place, Act::Password).await
}

async fn rotate(State(app): State<App>, place: InProject, Submitted { .. }: Submitted) -> Result<Response, PageError> {
    ask(&app, place, Act::Rotate).await
}

async fn ask(app: &App, place: InProject, act: Act) -> Result<Response, PageError> {
    let key = place.project.key.as_ref();
    let (has_kept, has_recovery) =
        (key.is_some_and(|key| is_kept(&key.custody)), key.is_some_and(|key| key.recovery_key.is_some()));
    let is_possible = match act {
        Act::Password | Act::Rotate => has_kept,
        Act::Recover => has_recovery,
        Act::Import => !has_kept,
    };
    if !is_possible || !place.can().manage_keys() {
        return Err(PageError::NOT_FOUND);
    }
    let kept = match act {
        Act::Password | Act::Rotate => Some(app.service.fetch_key(&place.actor, place.id(), now()).await?),
        Act::Import | Act::Recover => None,
    };
    let next_seq = match key {
        Some(_) => list_statements(app, &place).await?.last().map_or(0, |last| last.seq) + 1,
        None => 1,
    };
    Ok(render(&WorkPage { frame: place.frame.clone(), place: place.at("key"), act, kept, next_seq }))
}

/// All of them, by number.
async fn list_statements(app: &App, place: &InProject) -> Result<Vec<StatementResponse>, PageError> {
    let mut query = ListQuery { limit: Some(ListQuery::MAX_LIMIT), cursor: None };
    let mut statements = Vec::new();
    loop {
        let list = app.service.list_statements(&place.actor, place.id(), &query).await?;
        statements.extend(list.items);
        match list.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return Ok(statements),
        }
    }
}

/// The project's key under another password, or for the first time here.
async fn keep(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    store(&app, place, fields, "key-kept").await
}

/// The next key, named by the one before or by the recovery key; the server keeps it as ciphertext.
async fn succeed(
    State(app): State<App>,
    place: InProject,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = AcceptStatementRequest { jws: fields.owned("jws") };
    match app.service.accept_statement(&place.actor, place.id(), &request, now()).await {
        Ok(_) => store(&app, place, fields, "key-succeeded").await,
        Err(error) => show(&app, place, Form::refused(fields, error)?).await,
    }
}

/// The encrypted key as a file. That it was taken stands in the audit log.
async fn download(
    State(app): State<App>,
    place: InProject,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let kept = app.service.fetch_key(&place.actor, place.id(), now()).await?;
    let name = format!("attachment; filename=\"pintle-key-{}.pem\"", place.project.id);
    let headers = [(header::CONTENT_TYPE, "application/x-pem-file".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, kept.pem).into_response())
}

async fn ask_to_discard(place: InProject) -> Result<Response, PageError> {
    match place.can().manage_keys() {
        true => Ok(render(&DiscardPage { frame: place.frame.clone(), place: place.at("key") })),
        false => Err(PageError::NOT_FOUND),
    }
}

async fn discard(State(app): State<App>, place: InProject, Submitted { .. }: Submitted) -> Result<Response, PageError> {
    app.service.discard_key(&place.actor, place.id(), now()).await?;
    Ok(go_on(&format!("{}/key", place.path()), "key-discarded"))
}
