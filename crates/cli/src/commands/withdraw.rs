//! Telling apps to trust nothing, and to trust again.

use clap::Args;
use pintle_api::{ReleaseContent, ReleaseKind, ReleaseResponse, ReleaseState, Unchanged, client::Client};

use super::{
    release::{Intent, SigningArgs},
    releases::{roll_back, write_one},
};
use crate::{
    CommandError,
    context::{Context, Project},
    guarding::GuardArgs,
    output::{BAD, GOOD},
};

pub(crate) async fn withdraw(args: &SigningArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    context.output.say(|text| {
        text.styled_line(BAD, &format!("Withdrawal of {}", project.display_name()));
        text.indented(|text| {
            text.line("Every app that sees it refuses every connection (config_withdrawn), whatever its mode, until");
            text.line("`pintle restore` or a release serves it again. Earlier releases are taken off every target.");
            text.line(
                "If the signing key was stolen, this helps only for now: `pintle keys recover`, or move the apps.",
            );
        });
        text.gap();
    });
    let intent = Intent { content: ReleaseContent::Withdrawal, unchanged: Unchanged::Refuse, publish_at: None };
    // It is in nobody's way.
    let guard = GuardArgs::default();
    let release = args.release(intent, &guard, &client, &project, context).await?;
    context.output.show(&release, write_one)
}

/// Options of `restore`.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    #[command(flatten)]
    signing: SigningArgs,
    #[command(flatten)]
    guard: GuardArgs,
}

pub(crate) async fn restore(args: &RestoreArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let version = find_last_configuration(&client, &project).await?;
    let release = roll_back(version, &args.signing, &args.guard, &client, &project, context).await?;
    if release.state == ReleaseState::Live {
        context.output.say(|text| {
            text.styled_line(GOOD, &format!("Apps connect again as with release {version}, with their next refresh."));
        });
    }
    context.output.show(&release, write_one)
}

/// The last release before the withdrawal that apps see now.
async fn find_last_configuration(client: &Client, project: &Project) -> Result<u64, CommandError> {
    let was_seen = |release: &&ReleaseResponse| {
        matches!(
            release.state,
            ReleaseState::Accepted | ReleaseState::Publishing | ReleaseState::Live | ReleaseState::Superseded
        )
    };
    let releases = client.list_releases(project.reference()).all().await?;
    let mut seen = releases.iter().filter(was_seen);
    match seen.clone().next() {
        Some(newest) if newest.kind == ReleaseKind::Withdrawal => {}
        _ => return Err(CommandError::NotWithdrawn),
    }
    let earlier = seen.find(|release| release.kind == ReleaseKind::Configuration);
    earlier.map(|release| release.version).ok_or(CommandError::NotWithdrawn)
}
