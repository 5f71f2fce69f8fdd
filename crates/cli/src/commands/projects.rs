mod copy;

use clap::{Args, Subcommand};
use pintle_api::{Approval, CreateProjectRequest, Custody, ProjectResponse, UpdateProjectRequest};
use pintle_core::UnixTime;

pub use self::copy::CopyArgs;
use super::orgs::write_deletion;
use crate::{
    CommandError,
    context::Context,
    moment::show_moment,
    output::{Listing, Text},
    secret::confirm,
    word::word,
};

/// Commands about projects: one per app and environment.
#[derive(Subcommand, Clone, Debug)]
pub enum ProjectsCommand {
    /// Create a project: one per app and environment
    Create {
        /// Name of the app
        name: String,
        /// Environment, as in staging
        #[arg(long, default_value = "production")]
        environment: String,
    },
    /// List the projects of the organization
    List,
    /// Show one project
    Show {
        /// NAME, NAME/ENVIRONMENT or id [default: the project in use]
        project: Option<String>,
    },
    /// Delete a project
    ///
    /// It is hidden at once, and its files leave every target: fetching them answers 404, and apps go on with the copy they
    /// have. To have apps refuse instead, withdraw it first. Everything is erased for good later.
    Delete {
        /// NAME, NAME/ENVIRONMENT or id
        project: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Change name, environment, who must agree to a release, or where the key is kept
    Set(ProjectChanges),
    /// Create a project with everything another one has in its draft; with --new-key, all the way to a bundle
    #[command(after_help = "\
With --new-key it makes a key here, registers it, signs and releases the first configuration, waits until it is live, and \
prints the bundle: what apps take up by `reconfigure`. Run again after an interruption, it goes on where it stopped.")]
    Copy(CopyArgs),
}

/// What `projects set` changes.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub struct ProjectChanges {
    /// New name
    #[arg(long)]
    name: Option<String>,
    /// New environment
    #[arg(long)]
    environment: Option<String>,
    /// Who must agree to a release: `none` besides whoever submits it, or a `second-person`
    #[arg(long, value_parser = ["none", "second-person"])]
    approval: Option<String>,
    /// Where its signing key is kept, for people to see: `external` (a file, a token) or `kms`
    #[arg(long, value_parser = ["external", "kms"])]
    custody: Option<String>,
}

pub(crate) async fn run(command: &ProjectsCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        ProjectsCommand::Create { name, environment } => {
            let organization = context.find_organization(&client).await?;
            let request = CreateProjectRequest { name: name.clone(), environment: environment.clone(), key: None };
            let created = client.create_project(&organization.id, &request).await?;
            context.output.show(&created, write_one)
        }
        ProjectsCommand::List => {
            let organization = context.find_organization(&client).await?;
            let list = Listing { items: client.list_projects(&organization.id).all().await? };
            context.output.show(&list, |list, text| write_rows(&list.items, text))
        }
        ProjectsCommand::Show { project } => {
            let project = context.find_project_named(&client, project.as_deref()).await?;
            context.output.show(&project.response, write_one)
        }
        ProjectsCommand::Delete { project, yes } => {
            let project = context.find_project_named(&client, Some(project)).await?;
            if !yes && !confirm(&format!("Delete the project {}?", project.display_name()))? {
                return Err(CommandError::Declined { what: "deleted" });
            }
            let deleted = client.delete_project(project.reference()).await?;
            context.output.show(&deleted, write_deletion)
        }
        ProjectsCommand::Set(changes) => {
            let project = context.find_project(&client).await?;
            let approval = changes.approval.as_deref().map(|word| match word {
                "second-person" => Approval::SecondPerson,
                _ => Approval::None,
            });
            let custody = changes.custody.as_deref().map(|word| match word {
                "kms" => Custody::Kms,
                _ => Custody::External,
            });
            let (name, environment) = (changes.name.clone(), changes.environment.clone());
            let request = UpdateProjectRequest { name, environment, approval, custody };
            let changed = client.update_project(project.reference(), &request).await?;
            context.output.show(&changed, write_one)
        }
        ProjectsCommand::Copy(args) => copy::run(args, &client, context).await,
    }
}

fn write_rows(projects: &[ProjectResponse], text: &mut Text) {
    let rows: Vec<_> = projects
        .iter()
        .map(|project| {
            vec![
                project.name.clone(),
                project.environment.clone(),
                project.id.clone(),
                if project.key.is_some() { "registered" } else { "none" }.to_owned(),
                show_release(project.live_release),
            ]
        })
        .collect();
    let empty = "No project yet. Create one: pintle projects create NAME";
    text.table(&["NAME", "ENVIRONMENT", "ID", "KEY", "LIVE"], &rows, empty);
}

fn write_one(project: &ProjectResponse, text: &mut Text) {
    let key = project.key.as_ref();
    text.fields(&[
        ("project", format!("{}/{}", project.name, project.environment)),
        ("id", project.id.clone()),
        ("organization", project.organization_id.clone()),
        (
            "key",
            key.map_or_else(
                || "none yet: pintle keys generate, then pintle keys register".to_owned(),
                |key| key.kid.clone(),
            ),
        ),
        ("custody", key.map(|key| word(&key.custody)).unwrap_or_default()),
        ("public key", key.map(|key| key.public_key.clone()).unwrap_or_default()),
        ("recovery key", key.and_then(|key| key.recovery_key.clone()).unwrap_or_default()),
        ("approval", word(&project.approval)),
        ("withdrawn since", project.withdrawn_at.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default()),
        ("latest release", show_release(project.latest_release)),
        ("live release", show_release(project.live_release)),
        ("urls", project.urls.join(", ")),
        ("created", show_moment(UnixTime::from_secs(project.created_at))),
    ]);
}

fn show_release(version: Option<u64>) -> String {
    version.map_or_else(|| "none".to_owned(), |version| version.to_string())
}
