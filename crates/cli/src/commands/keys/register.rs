//! The public half of a key becomes the project's.

use std::path::PathBuf;

use clap::Args;
use pintle_api::{Custody, ProjectResponse, RegisterKeyRequest, UpdateProjectRequest, client::Client};
use pintle_sign::KeyReference;

use super::probe::prove;
use crate::{
    CommandError,
    context::{Context, Project},
    key::{KeyArgs, read_public_key},
};

/// Options of `keys register`.
#[derive(Args, Clone, Debug)]
pub struct RegisterArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Recovery key: its public half in base64 as `keys show` prints it, or its file or URI; only before the first release
    ///
    /// Apps embed it (it is part of pintle.json), so one that is registered later would reach no app that is out there. A
    /// project that has released without one gets it by a new project: new builds embed its root, running apps take it up
    /// by the SDK's `reconfigure`.
    #[arg(long, value_name = "BASE64|KEY")]
    recovery_key: Option<String>,
    /// Read the recovery key's password or PIN from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE", requires = "recovery_key")]
    recovery_password_file: Option<PathBuf>,
}

pub(super) async fn run(args: &RegisterArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let public_key = prove(&args.key.open(context).await?)?;
    let recovery_key = match &args.recovery_key {
        Some(given) => Some(read_public_key(given, args.recovery_password_file.as_deref(), context).await?.to_base64()),
        None => None,
    };
    let request = RegisterKeyRequest { public_key: public_key.to_base64(), recovery_key };
    let mut registered = client.register_key(project.reference(), &request).await?;
    if let KeyReference::Kms(_) = args.key.name() {
        registered = note_kms(&client, &project).await?;
    }
    context.output.show(&registered, |_, text| {
        text.line(&format!("Registered {} as the signing key of {}.", public_key.kid(), project.display_name()));
    })
}

/// Notes for people that the project's key is in a KMS.
pub(super) async fn note_kms(client: &Client, project: &Project) -> Result<ProjectResponse, CommandError> {
    let request = UpdateProjectRequest { custody: Some(Custody::Kms), ..UpdateProjectRequest::default() };
    Ok(client.update_project(project.reference(), &request).await?)
}
