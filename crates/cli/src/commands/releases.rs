use clap::Subcommand;
use pintle_api::ReleaseResponse;
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::Context,
    moment::show_moment,
    output::{Listing, Text},
    word::word,
};

/// Commands about releases.
#[derive(Subcommand, Clone, Debug)]
pub enum ReleasesCommand {
    /// List the releases, newest first
    List,
    /// Show one release and how far its publication is
    Show {
        /// Release number
        version: u64,
    },
}

pub(crate) async fn run(command: &ReleasesCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    match command {
        ReleasesCommand::List => {
            let list = Listing { items: client.list_releases(project.reference()).all().await? };
            context.output.show(&list, |list, text| {
                let rows: Vec<_> = list.items.iter().map(row).collect();
                text.table(&["RELEASE", "STATE", "ACCEPTED", "LIVE SINCE"], &rows, "No release yet: pintle release");
            })
        }
        ReleasesCommand::Show { version } => {
            let release = client.read_release(project.reference(), *version).await?;
            context.output.show(&release, write_one)
        }
    }
}

fn row(release: &ReleaseResponse) -> Vec<String> {
    vec![
        release.version.to_string(),
        word(&release.state),
        show_moment(UnixTime::from_secs(release.accepted_at)),
        show_live_since(release),
    ]
}

fn show_live_since(release: &ReleaseResponse) -> String {
    release.live_at.map_or_else(|| "-".to_owned(), |at| show_moment(UnixTime::from_secs(at)))
}

pub(super) fn write_one(release: &ReleaseResponse, text: &mut Text) {
    text.fields(&[
        ("release", release.version.to_string()),
        ("id", release.id.clone()),
        ("state", word(&release.state)),
        ("accepted", show_moment(UnixTime::from_secs(release.accepted_at))),
        ("live since", show_live_since(release)),
        ("claims sha256", release.claims_sha256.clone()),
    ]);
}
