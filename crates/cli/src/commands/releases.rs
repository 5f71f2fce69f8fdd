use clap::Subcommand;
use pintle_api::{
    ApproveReleaseRequest, FindingOverride, OverrideResponse, ReleaseContent, ReleaseKind, ReleaseResponse, Unchanged,
    client::Client,
};
use pintle_core::{State, UnixTime, VerifiedConfig, verify};

use super::release::{Intent, SigningArgs, derive_root, find_published};
use crate::{
    CommandError,
    context::{Context, Project},
    guarding::{GuardArgs, explain_refusal, write_findings},
    moment::show_moment,
    output::{BAD, CAREFUL, Listing, STRONG, Text},
    review::write_review,
    secret::confirm,
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
    /// Release the content of an earlier release anew, under a new number; the draft stays as it is
    #[command(after_help = "\
What apps have now is compared with what they get back, and you are asked before it is signed. The draft still says what \
it said: `pintle diff` shows what the next release of it would bring again.")]
    Rollback {
        /// Number of the release to go back to
        version: u64,
        /// How it is signed
        #[command(flatten)]
        signing: SigningArgs,
        /// What the guard may do here
        #[command(flatten)]
        guard: GuardArgs,
    },
    /// Approve a release that another member submitted, after a look at what it says
    Approve {
        /// Release number
        version: u64,
        /// Approve without asking
        #[arg(long, short)]
        yes: bool,
    },
    /// Take back a release that waits for its time or for another person
    Cancel {
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
                text.table(
                    &["RELEASE", "STATE", "ACCEPTED", "LIVE SINCE", "GUARD OVERRIDDEN"],
                    &rows,
                    "No release yet: pintle release",
                );
            })
        }
        ReleasesCommand::Show { version } => {
            let release = client.read_release(project.reference(), *version).await?;
            context.output.show(&release, write_one)
        }
        ReleasesCommand::Rollback { version, signing, guard } => {
            let release = roll_back(*version, signing, guard, &client, &project, context).await?;
            context.output.show(&release, write_one)
        }
        ReleasesCommand::Approve { version, yes } => {
            let release = approve(*version, *yes, &client, &project, context).await?;
            context.output.show(&release, write_one)
        }
        ReleasesCommand::Cancel { version } => {
            let release = client.cancel_release(project.reference(), *version).await?;
            context.output.show(&release, write_one)
        }
    }
}

/// Releases what release `version` said, and says what that means for the draft.
pub(super) async fn roll_back(
    version: u64,
    signing: &SigningArgs,
    guard: &GuardArgs,
    client: &Client,
    project: &Project,
    context: &Context,
) -> Result<ReleaseResponse, CommandError> {
    let content = ReleaseContent::Release(version);
    let intent = Intent { content, unchanged: Unchanged::Refuse, publish_at: None };
    let release = signing.release(intent, guard, client, project, context).await?;
    let differences = client.read_draft(project.reference()).await?.changes.len();
    if differences > 0 {
        context.output.say(|text| {
            let line = format!("The draft was not touched: {differences} of its lines differ from what apps get now.");
            text.styled_line(CAREFUL, &line);
            text.line("Correct it before the next release; `pintle diff` shows them.");
        });
    }
    Ok(release)
}

/// Which of the guard's errors a release was made in spite of.
fn write_override(overridden: &OverrideResponse, text: &mut Text) {
    text.styled_line(BAD, "Made in spite of the guard");
    text.indented(|text| {
        let name = |wanted: &FindingOverride| match &wanted.domain {
            Some(domain) => format!("{}:{domain}", wanted.code.as_str()),
            None => wanted.code.as_str().to_owned(),
        };
        let names: Vec<_> = overridden.overrides.iter().map(name).collect();
        text.fields(&[
            ("overridden", names.join(", ")),
            ("reason", overridden.reason.clone()),
            ("by", overridden.overridden_by.clone()),
        ]);
        write_findings(&overridden.findings, text);
    });
}

/// Shows what the release says, read out of its own signed file, and agrees to exactly that.
async fn approve(
    version: u64,
    yes: bool,
    client: &Client,
    project: &Project,
    context: &Context,
) -> Result<ReleaseResponse, CommandError> {
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    let root = derive_root(&project.response, registered)?;
    let file = client.read_release_file(project.reference(), version).await?;
    let accepted = verify(&file, &root, &State::default(), context.now)
        .map_err(|error| CommandError::Config { source_name: format!("release {version}"), error })?;
    let published = find_published(&project.response, &root, context.now).await;
    let published = published.as_ref().map(VerifiedConfig::claims).map_err(String::as_str);
    let overridden = client.read_release(project.reference(), version).await?.overridden;
    context.output.say(|text| {
        text.styled_line(STRONG, &format!("Release {version} of {}, to be approved", project.display_name()));
        text.gap();
        write_review(published, accepted.config.claims(), context.now, text);
        text.gap();
        if let Some(overridden) = &overridden {
            write_override(overridden, text);
            text.gap();
        }
    });
    if !yes && !confirm("Approve this?")? {
        return Err(CommandError::Declined { what: "approved" });
    }
    let digest = accepted.state.floor.map(|floor| floor.claims_digest).unwrap_or_default();
    let claims_sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let approved = client.approve_release(project.reference(), version, &ApproveReleaseRequest { claims_sha256 }).await;
    approved.map_err(|error| explain_refusal(error, context))
}

fn row(release: &ReleaseResponse) -> Vec<String> {
    vec![
        release.version.to_string(),
        match release.kind {
            ReleaseKind::Configuration => word(&release.state),
            ReleaseKind::Withdrawal => format!("{} (withdrawal)", word(&release.state)),
        },
        show_at(Some(release.accepted_at)),
        show_live_since(release),
        release.overridden.as_ref().map(|overridden| overridden.reason.clone()).unwrap_or_default(),
    ]
}

fn show_at(at: Option<u64>) -> String {
    at.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default()
}

fn show_live_since(release: &ReleaseResponse) -> String {
    release.live_at.map_or_else(|| "-".to_owned(), |at| show_moment(UnixTime::from_secs(at)))
}

pub(super) fn write_one(release: &ReleaseResponse, text: &mut Text) {
    text.fields(&[
        ("release", release.version.to_string()),
        ("id", release.id.clone()),
        ("kind", word(&release.kind)),
        ("state", word(&release.state)),
        ("made", if release.external { "without the server" } else { "" }.to_owned()),
        (if release.external { "imported by" } else { "submitted by" }, release.accepted_by.clone()),
        ("accepted", show_at(Some(release.accepted_at))),
        ("approved by", release.approved_by.clone().unwrap_or_default()),
        ("publish at", show_at(release.publish_at)),
        ("live on every target since", show_live_since(release)),
        ("claims sha256", release.claims_sha256.clone()),
    ]);
    if let Some(overridden) = &release.overridden {
        text.gap();
        write_override(overridden, text);
    }
    if release.targets.is_empty() {
        return;
    }
    let rows: Vec<_> = release
        .targets
        .iter()
        .map(|target| {
            let since = target.live_at.map_or_else(|| "-".to_owned(), |at| show_at(Some(at)));
            vec![target.target.clone(), word(&target.state), since, target.error.clone().unwrap_or_default()]
        })
        .collect();
    text.gap().table(&["TARGET", "STATE", "LIVE SINCE", "LAST ERROR"], &rows, "");
}
