mod finish;
mod plan;
mod start;

use clap::Subcommand;
use pintle_api::{DomainResponse, RotationResponse, client::Client};

pub use self::{
    finish::FinishArgs,
    plan::{PlanArgs, WatchArgs},
    start::{NextKey, StartArgs},
};

use super::domains::find_domain;
use crate::{
    CommandError,
    context::{Context, Project},
};

/// Commands about the change of the key of a domain's servers.
#[derive(Subcommand, Clone, Debug)]
pub enum RotateCommand {
    /// Begin: make the next key and its signing request, or take one, and pin it in the draft
    #[command(after_help = "\
With --new-key the private key is made here, for the server, and is sent nowhere; give the signing request to your CA when \
`pintle rotate plan` says that servers may change. Pins of what servers present now are those to be retired; other pins \
stay as they are. Nothing is released.")]
    Start(Box<StartArgs>),
    /// Show where the change stands, when servers may change, and what to do next
    Plan(PlanArgs),
    /// Look at the servers again and again, until all of them present the next key
    #[command(after_help = "\
Exit status: 0 once every server that answers presents the next key, 8 if the time is over before.")]
    Watch(WatchArgs),
    /// Take the old pins out of the draft, once no server presents their keys; end the change, once apps have lost them
    #[command(after_help = "\
Run it again after the release: it then ends the change. Nothing is released by it.")]
    Finish(FinishArgs),
    /// Forget about the change; pins stay as they are
    Cancel {
        /// Domain of the draft
        domain: String,
    },
}

pub(crate) async fn run(command: &RotateCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        RotateCommand::Start(args) => start::run(args, context).await,
        RotateCommand::Plan(args) => plan::run(args, context).await,
        RotateCommand::Watch(args) => plan::watch(args, context).await,
        RotateCommand::Finish(args) => finish::run(args, context).await,
        RotateCommand::Cancel { domain } => {
            let change = Change::load(context, domain).await?;
            change.client.end_rotation(change.project.reference(), &change.domain.id).await?;
            context.output.say(|text| {
                text.line("Forgotten. Pins stay as they are.");
            });
            Ok(())
        }
    }
}

/// A change that is under way.
struct Change {
    client: Client,
    project: Project,
    domain: DomainResponse,
    rotation: RotationResponse,
}

impl Change {
    async fn load(context: &Context, domain: &str) -> Result<Self, CommandError> {
        let client = context.connect()?;
        let project = context.find_project(&client).await?;
        let domain = find_domain(&client, &project, domain).await?;
        let rotation = client.read_rotation(project.reference(), &domain.id).await;
        let rotation = rotation.map_err(|error| match error.status() {
            // The domain is there.
            Some(404) => CommandError::NoRotation { domain: domain.name.clone() },
            _ => error.into(),
        })?;
        Ok(Self { client, project, domain, rotation })
    }
}
