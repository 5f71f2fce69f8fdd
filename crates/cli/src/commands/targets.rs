//! Where releases go besides the built-in origin.

use clap::Subcommand;
use pintle_api::{AddTargetRequest, RemoveTargetQuery, TargetResponse, TargetTestResponse, TargetTestStep};
use pintle_core::{OrganizationId, ProjectId};
use pintle_publish::{CredentialSource, OpenError, Place, open, probe};

use crate::{
    CommandError,
    context::Context,
    output::{BAD, GOOD, Listing, Text},
};

/// Commands about publish targets.
#[derive(Subcommand, Clone, Debug)]
pub enum TargetsCommand {
    /// List the targets of the project, and what else the operator offers
    List,
    /// Publish to a destination as well: the live release at once, and every one that follows
    Add {
        /// Its name, as `pintle targets list` shows it
        destination: String,
    },
    /// Try a destination of the server, or a place from this machine: write, read, compare, remove
    #[command(after_help = "\
A NAME is tried by the server, with its credentials. A PLACE is tried from here, without any server: dir:/PATH, \
s3://BUCKET?region=REGION, gs://BUCKET or azure://ACCOUNT/CONTAINER; its credentials come from the variables of that \
cloud, unless --credentials names a file or `instance`.")]
    Test {
        /// Name of a destination, or a place
        #[arg(value_name = "NAME|PLACE")]
        target: String,
        /// Where the credentials of a place come from: environment, instance or file:/PATH
        #[arg(long, value_name = "SOURCE", default_value = "environment", value_parser = parse_source)]
        credentials: CredentialSource,
        /// Look at the file as apps would find it, too: base URL of what serves the place
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
    },
    /// Publish to a target no more
    Remove {
        /// Its name
        target: String,
        /// Take the files of the project away there, too
        #[arg(long)]
        unpublish: bool,
    },
}

fn parse_source(text: &str) -> Result<CredentialSource, String> {
    text.parse().map_err(|expected: &str| format!("expected {expected}"))
}

pub(crate) async fn run(command: &TargetsCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        TargetsCommand::Test { target, credentials, public_url } if target.contains(':') => {
            let report = test_place(target, credentials, public_url.as_deref()).await?;
            return show_test(target, &report, context);
        }
        _ => {}
    }
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let id = project.reference();
    match command {
        TargetsCommand::List => {
            let offered = client.list_destinations(id.organization).all().await?;
            let list = Listing { items: client.list_targets(id).all().await? };
            context.output.show(&list, |list, text| {
                write_rows(&list.items, text);
                let is_free = |name: &String| !list.items.iter().any(|target| target.name == *name);
                let free: Vec<_> = offered.into_iter().map(|offer| offer.name).filter(is_free).collect();
                if !free.is_empty() {
                    text.line(&format!("The operator offers, too: {}", free.join(", ")));
                }
            })
        }
        TargetsCommand::Add { destination } => {
            let added = client.add_target(id, &AddTargetRequest { destination: destination.clone() }).await?;
            context.output.show(&added, |added, text| {
                text.line(&format!("Releases go to {}, too: {}", added.name, added.place.as_deref().unwrap_or("-")));
                text.line("How far a release is there: pintle releases show");
            })
        }
        TargetsCommand::Test { target, .. } => {
            let report = client.test_target(id, target).await?;
            show_test(target, &report, context)
        }
        TargetsCommand::Remove { target, unpublish } => {
            client.remove_target(id, target, &RemoveTargetQuery { unpublish: *unpublish }).await?;
            context.output.show(&serde_json::json!({ "name": target, "unpublish": unpublish }), |_, text| {
                text.line(&format!("Nothing is published to {target} any more."));
                text.line(if *unpublish {
                    "Its files are being taken away. Apps that fetch from there find nothing."
                } else {
                    "Its files stay as they are, and grow old. To take them away: --unpublish"
                });
            })
        }
    }
}

/// From this machine, with neither server nor project: the file lies where no project's files do.
async fn test_place(
    text: &str,
    credentials: &CredentialSource,
    public_url: Option<&str>,
) -> Result<TargetTestResponse, CommandError> {
    let place: Place = text.parse().map_err(CommandError::Place)?;
    let (organization, project) = match (OrganizationId::parse("pintle"), ProjectId::parse("probe")) {
        (Ok(organization), Ok(project)) => (organization, project),
        _ => return Err(CommandError::Internal("ids of letters are ids".to_owned())),
    };
    let steps = match open(&place, credentials, &|name| std::env::var(name).ok()) {
        Ok(bucket) => {
            let findings = probe(bucket.as_ref(), &organization, &project, public_url).await;
            let step = |finding: pintle_publish::Finding| {
                let trouble = finding.trouble;
                let part = |take: fn(pintle_publish::Trouble) -> String| trouble.clone().map(take);
                TargetTestStep {
                    step: finding.step.as_str().to_owned(),
                    code: part(|trouble| trouble.code.to_owned()),
                    message: part(|trouble| trouble.message),
                    hint: part(|trouble| trouble.hint),
                }
            };
            findings.into_iter().map(step).collect()
        }
        Err(error) => vec![describe_open_error(&error)],
    };
    Ok(TargetTestResponse { usable: steps.iter().all(|step| step.code.is_none()), steps })
}

fn describe_open_error(error: &OpenError) -> TargetTestStep {
    let cause = match error {
        OpenError::Credentials(error) => error.cause(),
        _ => None,
    };
    let (code, hint) = cause.map_or(("target_kind_unsupported", None), |cause| (cause.code(), Some(cause.hint())));
    TargetTestStep {
        step: "open".to_owned(),
        code: Some(code.to_owned()),
        message: Some(error.to_string()),
        hint: hint.map(str::to_owned),
    }
}

/// The result is data whatever it says; that a target cannot be used is an exit status, too.
fn show_test(target: &str, report: &TargetTestResponse, context: &Context) -> Result<(), CommandError> {
    context.output.show(report, |report, text| {
        let verdict = if report.usable { (GOOD, "It can be used.") } else { (BAD, "It cannot be used as it is.") };
        text.styled_line(verdict.0, verdict.1);
        for step in &report.steps {
            match (&step.code, &step.message) {
                (Some(code), message) => {
                    text.line(&format!("{:<11} FAILED [{code}]", step.step));
                    let told = [message, &step.hint].into_iter().flatten();
                    told.for_each(|told| {
                        text.line(&format!("{:<11} {told}", ""));
                    });
                }
                (None, _) => drop(text.line(&format!("{:<11} fine", step.step))),
            }
        }
    })?;
    if report.usable { Ok(()) } else { Err(CommandError::TargetUnusable { target: target.to_owned() }) }
}

fn write_rows(targets: &[TargetResponse], text: &mut Text) {
    let row = |target: &TargetResponse| {
        let place = target.place.clone().unwrap_or_else(|| "no longer offered".to_owned());
        vec![target.name.clone(), place, target.public_url.clone().unwrap_or_else(|| "-".to_owned())]
    };
    let rows: Vec<_> = targets.iter().map(row).collect();
    text.table(&["NAME", "PLACE", "PUBLIC URL"], &rows, "Releases go to the built-in origin and nowhere else.");
}
