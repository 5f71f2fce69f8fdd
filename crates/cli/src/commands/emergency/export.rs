use std::path::PathBuf;

use clap::Args;
use pintle_api::Approval;
use pintle_service::emergency::{Export, ExportContent, MAX_EXPORT_BYTES, Target};
use serde::Serialize;

use super::{DEFAULT_EXPORT, TargetArgs};
use crate::{
    CommandError,
    commands::release::derive_root,
    context::Context,
    error::EmergencyFailure,
    file::{Audience, Existing, read_file, write_file},
    output::{CAREFUL, GOOD},
};

/// Options of `emergency export`.
#[derive(Args, Clone, Debug)]
pub struct EmergencyExportArgs {
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = DEFAULT_EXPORT)]
    out: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    targets: TargetArgs,
}

/// Result of `emergency export`.
#[derive(Serialize)]
struct ExportReport {
    file: PathBuf,
    project: String,
    release: u64,
    kid: String,
    last_version: u64,
    targets: Vec<String>,
}

pub(crate) async fn run(args: &EmergencyExportArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    let root = derive_root(&project.response, registered)?;
    let latest = project.response.latest_release.ok_or(EmergencyFailure::NothingReleased)?;
    let release = client.read_release_file(project.reference(), latest).await?;
    let statements = client.list_statements(project.reference()).all().await?;
    let releases = client.list_releases(project.reference()).all().await?;
    let mut targets = args.targets.targets();
    for target in client.list_targets(project.reference()).all().await? {
        if let Some(Ok(place)) = target.place.map(|place| place.parse()) {
            targets.push(Target { place, credentials: args.targets.credentials.clone() });
        }
    }
    let content = ExportContent {
        made_at: context.now.as_secs(),
        project: project.display_name(),
        release: String::from_utf8_lossy(&release).into_owned(),
        succession: list_statements_to_carry(statements),
        last_version: releases.iter().map(|release| release.version).max().unwrap_or(latest).max(latest),
        second_person: project.response.approval == Approval::SecondPerson,
        targets,
    };
    let unusable = |error| EmergencyFailure::Export { path: args.out.clone(), error };
    let export = Export::make(root, content, context.now).map_err(unusable)?;
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    write_file(&args.out, &export.to_json(), Audience::Owner, existing)?;
    // What was written is what will be read.
    let written = Export::parse(&read_file(&args.out, MAX_EXPORT_BYTES)?, context.now).map_err(unusable)?;
    let report = ExportReport {
        file: args.out.clone(),
        project: written.content().project.clone(),
        release: latest,
        kid: registered.kid.clone(),
        last_version: written.content().last_version,
        targets: written.content().targets.iter().map(|target| target.place.to_string()).collect(),
    };
    if report.targets.is_empty() {
        context.output.say(|text| {
            text.styled_line(
                CAREFUL,
                "warning[no_targets]: it names no target; on a bad day say where to publish with --target",
            );
        });
    }
    context.output.show(&report, |report, text| {
        text.fields(&[
            ("file", report.file.display().to_string()),
            ("project", report.project.clone()),
            ("release", report.release.to_string()),
            ("to be signed with", report.kid.clone()),
            ("targets", report.targets.join(", ")),
        ]);
        text.gap()
            .styled_line(GOOD, "Written and verified. Rehearse with it: pintle emergency release --dry-run --renew");
    })
}

/// Nothing from before a recovery (P-5.3).
fn list_statements_to_carry(statements: Vec<pintle_api::StatementResponse>) -> Vec<String> {
    let mut ordered = statements;
    ordered.sort_by_key(|statement| statement.seq);
    let recovered = ordered.iter().rposition(|statement| statement.signed_by == pintle_api::StatementSigner::Recovery);
    ordered.into_iter().skip(recovered.unwrap_or_default()).map(|statement| statement.jws).collect()
}
