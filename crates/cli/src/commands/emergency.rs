//! The bad day: releases without a server, and the way back.

mod edits;
mod export;
mod purge;
mod reconcile;
mod release;

use std::path::Path;

use clap::{Args, Subcommand};
use pintle_publish::{CredentialSource, Place};
use pintle_service::emergency::{OpenTarget, Sighting, Target, open_targets, read_pointers};

pub use self::{
    edits::EditArgs,
    export::EmergencyExportArgs,
    reconcile::ReconcileArgs,
    release::{EmergencyReleaseArgs, KnownArgs},
};
use crate::{CommandError, context::Context, error::EmergencyFailure};

/// Where the export is put and sought when nothing else is said.
const DEFAULT_EXPORT: &str = "pintle-emergency.json";
/// Where the signed release is kept.
const DEFAULT_SIGNED: &str = "pintle-emergency.jws";

/// Commands for the day on which there is no server.
#[derive(Subcommand, Clone, Debug)]
pub enum EmergencyCommand {
    /// On a good day: write everything that a release without the server takes into one file; no secret is in it
    #[command(after_help = "\
Keep the file where your release tools are, readable by those who release, and write it anew after every change of keys or \
targets (a release is found on the CDN by itself). Everything in it is verified now and when it is used; the places in it \
are not signed: who can change the file can send your uploads, and the credentials they carry, elsewhere.")]
    Export(EmergencyExportArgs),
    /// On a bad day: change pins, review, sign here, and publish straight to the targets, without any server
    #[command(after_help = "\
It goes on from the highest genuine release among the export, the CDN and every target. Its number leaves a gap of 1000, so \
that nothing the server had prepared overtakes it. The signed file is kept beside you: run the same command again after an \
interruption, and it finishes the same release. When the server is back: `pintle emergency reconcile`.")]
    Release(Box<EmergencyReleaseArgs>),
    /// When the server is back: import what was released without it
    #[command(after_help = "\
The server reads its own targets, and is given what is found here: the signed file, the CDN, --file and --target. Nothing \
counts but signatures. Where the project asks for a second person, that person looks at it now: `pintle releases approve`.")]
    Reconcile(ReconcileArgs),
}

/// Places to publish to.
#[derive(Args, Clone, Debug)]
pub struct TargetArgs {
    /// Where releases are published, as in dir:/srv/www/pins or s3://BUCKET/PREFIX?region=REGION; repeat it
    #[arg(long, value_name = "PLACE")]
    target: Vec<Place>,
    /// Where credentials for the targets come from: `environment`, `instance` or file:/PATH
    #[arg(long, value_name = "SOURCE", default_value_t = CredentialSource::Environment)]
    credentials: CredentialSource,
}

impl TargetArgs {
    fn targets(&self) -> Vec<Target> {
        let target = |place: &Place| Target { place: place.clone(), credentials: self.credentials.clone() };
        self.target.iter().map(target).collect()
    }
}

pub(crate) async fn run(command: &EmergencyCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        EmergencyCommand::Export(args) => export::run(args, context).await,
        EmergencyCommand::Release(args) => release::run(args, context).await,
        EmergencyCommand::Reconcile(args) => reconcile::run(args, context).await,
    }
}

/// Opens targets with what the environment holds.
fn open_all(targets: &[Target]) -> Result<Vec<OpenTarget>, CommandError> {
    let opened = open_targets(targets, &|name| std::env::var(name).ok());
    opened.map_err(|(target, error)| EmergencyFailure::Target { target, reason: error.to_string() }.into())
}

/// What they show now.
async fn read_all(
    targets: &[OpenTarget],
    root: &pintle_core::Root,
    limit: std::time::Duration,
) -> Result<Vec<Sighting>, CommandError> {
    read_pointers(targets, root, limit)
        .await
        .map_err(|(target, error)| EmergencyFailure::Target { target, reason: error.to_string() }.into())
}

/// A signed file on this machine.
fn load_signed(path: &Path) -> Result<Vec<u8>, CommandError> {
    crate::file::read_file(path, pintle_core::limits::MAX_CONFIG_BYTES as u64)
}
