//! Everything that an organization owns, as a file: what `pintle orgs export` writes, for a browser.

use std::io;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
    routing::post,
};
use base64ct::{Base64, Encoding};
use futures_util::stream;
use pintle_api::{AuditOrder, AuditQuery, Custody, ExportLine, ListQuery, ProjectResponse};
use pintle_service::{ProjectPath, ServiceError};
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;

use super::{failure::PageError, form::Submitted, place::InOrganization};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new().route("/orgs/{organization}/export", post(export))
}

/// Lines on their way to a browser: whoever reads slowly makes the server wait, and not fill up.
const MAX_UNREAD: usize = 16;

/// Why a file ends before its last line.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Refused(#[from] ServiceError),
    #[error("not written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("nobody reads on")]
    Gone,
}

struct Export {
    app: App,
    place: InOrganization,
    to: mpsc::Sender<Result<String, io::Error>>,
    count: u64,
}

async fn export(
    State(app): State<App>,
    place: InOrganization,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let (actor, id) = (&place.actor, place.organization.id.clone());
    // Who may not read all of it is told so, and not given the half.
    let one = ListQuery { limit: Some(1), cursor: None };
    app.service.list_invitations(actor, &id, &one, now()).await?;
    app.service.list_audit_events(actor, &id, &AuditQuery { limit: Some(1), ..AuditQuery::default() }).await?;
    let (to, lines) = mpsc::channel(MAX_UNREAD);
    tokio::spawn(Export { app, place, to, count: 0 }.run());
    let body = stream::unfold(lines, |mut lines| async { lines.recv().await.map(|line| (line, lines)) });
    let name = format!("attachment; filename=\"{id}.jsonl\"");
    let headers = [(header::CONTENT_TYPE, "application/jsonl".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(body)).into_response())
}

/// Each entry of a list as a line, page by page.
macro_rules! write_list {
    ($export:ident, $kind:literal, $query:ident = $first:expr, $page:expr) => {{
        let mut $query = $first;
        loop {
            let list = $page.await?;
            for item in &list.items {
                $export.write($kind, item).await?;
            }
            match list.next_cursor {
                Some(cursor) => $query.cursor = Some(cursor),
                None => break,
            }
        }
    }};
}

fn whole_pages() -> ListQuery {
    ListQuery { limit: Some(ListQuery::MAX_LIMIT), cursor: None }
}

impl Export {
    async fn run(mut self) {
        match self.write_all().await {
            Ok(()) | Err(Ended::Gone) => {}
            Err(error) => {
                tracing::warn!(organization.id = %self.place.organization.id, %error, "an export ended early");
                // The browser sees a download that failed, and no file without its last line.
                let _nobody_reads_on = self.to.send(Err(io::Error::other(error))).await;
            }
        }
    }

    async fn write_all(&mut self) -> Result<(), Ended> {
        let (service, actor) = (self.app.service.clone(), self.place.actor.clone());
        let organization = self.place.organization.clone();
        let id = organization.id.as_str();
        self.write("organization", &organization).await?;
        write_list!(self, "member", query = whole_pages(), service.list_members(&actor, id, &query));
        write_list!(self, "invitation", query = whole_pages(), service.list_invitations(&actor, id, &query, now()));
        write_list!(self, "token", query = whole_pages(), service.list_organization_tokens(&actor, id, &query));
        let mut query = whole_pages();
        loop {
            let list = service.list_projects(&actor, id, &query).await?;
            for project in &list.items {
                self.write_project(project).await?;
            }
            match list.next_cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => break,
            }
        }
        let oldest_first =
            AuditQuery { limit: Some(ListQuery::MAX_LIMIT), order: Some(AuditOrder::Oldest), ..AuditQuery::default() };
        write_list!(self, "audit_event", query = oldest_first, service.list_audit_events(&actor, id, &query));
        let lines = self.count;
        self.write("end", &json!({ "lines": lines })).await
    }

    async fn write_project(&mut self, project: &ProjectResponse) -> Result<(), Ended> {
        let (service, actor) = (self.app.service.clone(), self.place.actor.clone());
        let path = ProjectPath { organization: &project.organization_id, project: &project.id };
        self.write("project", project).await?;
        self.write("draft", &service.read_draft(&actor, path, now()).await?).await?;
        self.write("ct_logs", &service.read_ct_logs(&actor, path).await?).await?;
        let custody = project.key.as_ref().map(|key| key.custody);
        if let Some(Custody::BrowserPassword | Custody::BrowserPasskey) = custody {
            match service.fetch_key(&actor, path, now()).await {
                Ok(key) => self.write("key_ciphertext", &json!({ "project_id": project.id, "key": key })).await?,
                // An auditor sees everything but keys.
                Err(ServiceError::RoleInsufficient { .. }) => {
                    self.write("left_out", &json!({ "project_id": project.id, "what": "key_ciphertext" })).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        // What has no key has no succession.
        if custody.is_some() {
            write_list!(self, "statement", query = whole_pages(), service.list_statements(&actor, path, &query));
        }
        let mut query = whole_pages();
        loop {
            let list = service.list_releases(&actor, path, &query).await?;
            for release in &list.items {
                let file = service.read_release_file(&actor, path, release.version).await?;
                let file = Base64::encode_string(file.as_bytes());
                self.write("release", &json!({ "project_id": project.id, "release": release, "file": file })).await?;
            }
            match list.next_cursor {
                Some(cursor) => query.cursor = Some(cursor),
                None => return Ok(()),
            }
        }
    }

    async fn write(&mut self, kind: &str, value: &impl Serialize) -> Result<(), Ended> {
        let line = serde_json::to_string(&ExportLine { kind, value })? + "\n";
        self.count += 1;
        self.to.send(Ok(line)).await.map_err(|_| Ended::Gone)
    }
}
