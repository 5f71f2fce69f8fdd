//! Another project with what one has, and, with a new key, the whole way to a bundle: what is left to do when a key is
//! stolen or lost and apps have no recovery key.

use std::path::PathBuf;

use clap::Args;
use pintle_api::{
    CopyProjectRequest, ProjectResponse, RegisterKeyRequest, ReleaseContent, ReleaseResponse, ReleaseState, Unchanged,
    client::Client,
};
use pintle_sign::{KeyReference, ReferenceError};
use serde::Serialize;

use super::write_one;
use crate::{
    CommandError,
    commands::release::{Consent, Intent, Plan, release},
    context::{Context, Project},
    guarding::GuardArgs,
    key::{KeyRole, OpenKey, make_key, open_key_if_there, read_public_key},
    moment::parse_span_secs,
    output::{CAREFUL, GOOD},
    root::parse_root,
};

/// Options of `projects copy`.
#[derive(Args, Clone, Debug)]
pub struct CopyArgs {
    /// The project to copy: NAME, NAME/ENVIRONMENT or id
    source: String,
    /// Environment of the new project
    #[arg(long)]
    environment: String,
    /// Name of the new project [default: that of the old one]
    #[arg(long)]
    name: Option<String>,
    /// Make its key (a file or `pkcs11:`), release with it, and print the bundle [default: pintle-key-ENVIRONMENT.pem]
    #[arg(long, value_name = "KEY", num_args = 0..=1, default_missing_value = "")]
    new_key: Option<String>,
    /// Encrypt the key under a password, which is asked for twice
    #[arg(long, requires = "new_key")]
    encrypt: bool,
    /// Read the key's password or PIN from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE", requires = "new_key")]
    password_file: Option<PathBuf>,
    /// Its recovery key, which can be registered now or never: the public half in base64, or its file or URI
    #[arg(long, value_name = "BASE64|KEY", requires = "new_key")]
    recovery_key: Option<String>,
    /// Read the recovery key's password or PIN from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE", requires = "recovery_key")]
    recovery_password_file: Option<PathBuf>,
    /// Sign without asking
    #[arg(long, short, requires = "new_key")]
    yes: bool,
    #[command(flatten)]
    guard: GuardArgs,
    /// How long to wait until the release is live
    #[arg(long, value_name = "SPAN", default_value = "2m")]
    timeout: String,
}

/// Result of `projects copy --new-key`.
#[derive(Serialize)]
struct Migration {
    project: ProjectResponse,
    /// Where the key is.
    key: String,
    /// The first release.
    release: ReleaseResponse,
    /// `pintle.json`: what apps take up.
    bundle: serde_json::Value,
}

pub(super) async fn run(args: &CopyArgs, client: &Client, context: &Context) -> Result<(), CommandError> {
    let wait_secs = parse_span_secs(&args.timeout)?;
    let source = context.find_project_named(client, Some(&args.source)).await?;
    let draft_changes = client.read_draft(source.reference()).await?.changes.len();
    if draft_changes > 0 {
        context.output.say(|text| {
            let line = format!(
                "The draft of {} differs from its last release in {draft_changes} lines, and the draft is what is copied.",
                source.display_name()
            );
            text.styled_line(CAREFUL, &line);
        });
    }
    let Some(given) = &args.new_key else {
        let created = client.copy_project(source.reference(), &args.request(None)).await?;
        return context.output.show(&created, write_one);
    };
    let default = || format!("pintle-key-{}.pem", args.environment);
    let name = if given.is_empty() { default() } else { given.clone() };
    let name = name.parse().map_err(|error: ReferenceError| CommandError::Internal(error.to_string()))?;
    let recovery_key = args.read_recovery_key(context).await?;
    let key = args.find_key(&name, context).await?;
    let keys = RegisterKeyRequest { public_key: key.public_key().to_base64(), recovery_key };
    let project = args.find_copy(&source, &key, &keys, client).await?;
    let plan = Plan {
        key: &key,
        intent: Intent { content: ReleaseContent::Draft, unchanged: Unchanged::Release, publish_at: None },
        guard: &args.guard,
        consent: if args.yes { Consent::Given } else { Consent::Ask },
        wait_secs: Some(wait_secs),
    };
    let release = match project.response.live_release {
        // An earlier run came this far.
        Some(version) => client.read_release(project.reference(), version).await?,
        None => release(&plan, client, &project, context).await?,
    };
    let bytes = client.read_bundle(project.reference()).await?;
    let root = parse_root(&bytes, "the server's bundle")?;
    key.check_is_registered(&root.public_key().kid().to_string(), KeyRole::Signing)?;
    let bundle = serde_json::from_slice(&bytes)
        .map_err(|error| CommandError::Internal(format!("the bundle is no JSON: {error}")))?;
    let is_live = release.state == ReleaseState::Live;
    let migration = Migration { project: project.response, key: key.name().to_string(), release, bundle };
    context.output.show(&migration, |migration, text| {
        text.line(&migration.bundle.to_string());
    })?;
    context.output.say(|text| {
        text.gap();
        if is_live {
            text.styled_line(
                GOOD,
                "Live. Give this bundle to your apps: running ones by `reconfigure`, new builds embed it.",
            );
        } else {
            text.styled_line(CAREFUL, "Not live yet: apps that take up this bundle now would refuse every connection.");
        }
        text.line(&format!("The key is {}: keep a copy of it in a safe place.", migration.key));
    });
    Ok(())
}

impl CopyArgs {
    fn request(&self, key: Option<RegisterKeyRequest>) -> CopyProjectRequest {
        CopyProjectRequest { name: self.name.clone(), environment: self.environment.clone(), key }
    }

    /// The key of an earlier run that was interrupted, or a new one.
    async fn find_key(&self, name: &KeyReference, context: &Context) -> Result<OpenKey, CommandError> {
        let password_file = self.password_file.as_deref();
        match open_key_if_there(name, password_file, context).await? {
            Some(key) => Ok(key),
            None => make_key(name, self.encrypt, password_file, context),
        }
    }

    async fn read_recovery_key(&self, context: &Context) -> Result<Option<String>, CommandError> {
        let Some(given) = &self.recovery_key else {
            context.output.say(|text| {
                let line = "Without --recovery-key the new project never gets one: lose its key, and apps must be moved again.";
                text.styled_line(CAREFUL, line);
            });
            return Ok(None);
        };
        Ok(Some(read_public_key(given, self.recovery_password_file.as_deref(), context).await?.to_base64()))
    }

    /// The copy, made now or by an earlier run with the same keys.
    async fn find_copy(
        &self,
        source: &Project,
        key: &OpenKey,
        keys: &RegisterKeyRequest,
        client: &Client,
    ) -> Result<Project, CommandError> {
        let refused = match client.copy_project(source.reference(), &self.request(Some(keys.clone()))).await {
            Ok(response) => return Ok(Project { response }),
            Err(refused) if refused.code() == "already_exists" => refused,
            Err(refused) => return Err(refused.into()),
        };
        let name = self.name.as_ref().unwrap_or(&source.response.name);
        let all = client.list_projects(&source.response.organization_id).all().await?;
        let found = all.into_iter().find(|found| found.name == *name && found.environment == self.environment);
        let Some(response) = found else { return Err(refused.into()) };
        let registered = response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
        key.check_is_registered(&registered.kid, KeyRole::Signing)?;
        if registered.recovery_key != keys.recovery_key {
            // It is no copy of this command's: its recovery key was chosen otherwise.
            return Err(refused.into());
        }
        Ok(Project { response })
    }
}
