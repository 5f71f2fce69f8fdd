//! Everything that an organization owns, as a file of [`ExportLine`]s.

use std::{io::Write as _, path::Path};

use base64ct::{Base64, Encoding};
use pintle_api::{
    Custody, ExportLine, OrganizationResponse, ProjectResponse,
    client::{Client, List, ProjectRef},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    CommandError,
    file::{Audience, Existing, NewFile},
};

/// What was written.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Exported {
    pub(super) organization: String,
    pub(super) lines: u64,
    pub(super) file: String,
}

/// Lines on their way into a file.
struct Lines {
    to: NewFile,
    count: u64,
}

/// Reads everything of `organization`, page by page, and writes it to the new file `to`.
///
/// # Errors
/// The server's refusal: an export wants to read the audit log, too.
pub(super) async fn export_to_file(
    client: &Client,
    organization: &OrganizationResponse,
    to: &Path,
) -> Result<Exported, CommandError> {
    let mut lines = Lines { to: NewFile::create(to, Audience::Owner)?, count: 0 };
    let id = organization.id.as_str();
    lines.write("organization", organization)?;
    lines.write_list("member", client.list_members(id)).await?;
    lines.write_list("invitation", client.list_invitations(id)).await?;
    lines.write_list("token", client.list_organization_tokens(id)).await?;
    let mut projects = client.list_projects(id);
    while let Some(page) = projects.next_page().await? {
        for project in page {
            write_project(client, &project, &mut lines).await?;
        }
    }
    lines.write_list("audit_event", client.list_audit_events(id).filter("order", "oldest")).await?;
    let before_the_last = lines.count;
    lines.write("end", &json!({ "lines": before_the_last }))?;
    lines.to.keep(Existing::Keep)?;
    let file = to.display().to_string();
    Ok(Exported { organization: organization.name.clone(), lines: before_the_last + 1, file })
}

async fn write_project(client: &Client, project: &ProjectResponse, lines: &mut Lines) -> Result<(), CommandError> {
    let reference = ProjectRef { organization: &project.organization_id, project: &project.id };
    lines.write("project", project)?;
    lines.write("draft", &client.read_draft(reference).await?)?;
    lines.write("ct_logs", &client.read_ct_logs(reference).await?)?;
    let custody = project.key.as_ref().map(|key| key.custody);
    if let Some(Custody::BrowserPassword | Custody::BrowserPasskey) = custody {
        match client.fetch_key(reference).await {
            Ok(key) => lines.write("key_ciphertext", &json!({ "project_id": project.id, "key": key }))?,
            // An auditor sees everything but keys.
            Err(error) if error.status() == Some(403) => {
                lines.write("left_out", &json!({ "project_id": project.id, "what": "key_ciphertext" }))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    // What has no key has no succession.
    if custody.is_some() {
        lines.write_list("statement", client.list_statements(reference)).await?;
    }
    let mut releases = client.list_releases(reference);
    while let Some(page) = releases.next_page().await? {
        for release in page {
            let file = client.read_release_file(reference, release.version).await?;
            let value = json!({ "project_id": project.id, "release": release, "file": Base64::encode_string(&file) });
            lines.write("release", &value)?;
        }
    }
    Ok(())
}

impl Lines {
    fn write(&mut self, kind: &str, value: &impl Serialize) -> Result<(), CommandError> {
        let line = serde_json::to_string(&ExportLine { kind, value });
        let line = line.map_err(|error| CommandError::Internal(error.to_string()))?;
        writeln!(self.to.writer(), "{line}").map_err(|error| self.to.unwritable(error))?;
        self.count += 1;
        Ok(())
    }

    async fn write_list<T: Serialize + DeserializeOwned>(
        &mut self,
        kind: &str,
        mut list: List<T>,
    ) -> Result<(), CommandError> {
        while let Some(page) = list.next_page().await? {
            for item in page {
                self.write(kind, &item)?;
            }
        }
        Ok(())
    }
}
