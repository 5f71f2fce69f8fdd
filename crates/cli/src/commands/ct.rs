mod fill;
mod import;

use std::path::PathBuf;

use clap::Subcommand;
use pintle_core::{UnixTime, ct::MAX_LIST_AGE_SECS};

pub use self::fill::{FillArgs, SctSource};
use crate::{
    CommandError,
    context::Context,
    moment::{show_moment, show_moment_from, show_span},
    output::{CAREFUL, Text},
};

/// Commands about Certificate Transparency in the draft.
#[derive(Subcommand, Clone, Debug)]
pub enum CtCommand {
    /// Read a browser's list of logs and make its trusted logs those of the draft
    #[command(after_help = "\
FILE is the v3 JSON that Chrome, Apple or Mozilla publishes. Every log that is not trusted is named with the reason: \
retired, rejected, pending, without state, not P-256, or a mimic log, whose private key is public. SCTs of a read-only \
log count up to the time it closed.\n\n\
Seventy days after the list was made `verified` only reports: import a newer list and release it before.")]
    Import {
        /// The log list; `-` is standard input
        file: PathBuf,
        /// When the list was made, as in 2027-06-30, if it does not say so itself (Apple's)
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
        /// Show what would be imported and change nothing; needs no server
        #[arg(long)]
        dry_run: bool,
    },
    /// Show the logs of the draft
    Show,
    /// Declare for a domain the logs that its certificate names
    #[command(after_help = "\
The SCTs in the certificate are listed with the names of the draft's logs; the known ones become the domain's declared \
logs. An app then refuses a certificate that names fewer than two of them. That is a consistency check: the CA that \
issues the certificate can name any log. `pintle domains set DOMAIN --ct verified` checks the signatures.")]
    Fill(FillArgs),
}

pub(crate) async fn run(command: &CtCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        CtCommand::Import { file, as_of, dry_run } => import::run(file, as_of.as_deref(), *dry_run, context).await,
        CtCommand::Show => show(context).await,
        CtCommand::Fill(args) => fill::run(args, context).await,
    }
}

async fn show(context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let logs = client.read_ct_logs(project.reference()).await?;
    context.output.show(&logs, |logs, text| {
        if let Some(as_of) = logs.as_of {
            write_age(UnixTime::from_secs(as_of), context.now, text);
        }
        let rows: Vec<_> = logs
            .logs
            .iter()
            .map(|log| vec![log.operator.clone(), log.name.clone(), show_end(log.usable_until), log.id.clone()])
            .collect();
        text.table(&["OPERATOR", "LOG", "SCTS UNTIL", "ID"], &rows, "No log yet. Import some: pintle ct import FILE");
    })
}

/// When the list was made, and what its age means (P-6.4).
fn write_age(as_of: UnixTime, now: UnixTime, text: &mut Text) {
    text.line(&format!("Log list as of {}", show_moment_from(as_of, now)));
    let end = as_of.saturating_add_secs(MAX_LIST_AGE_SECS);
    if now > end {
        let limit = show_span(MAX_LIST_AGE_SECS);
        text.styled_line(CAREFUL, &format!("It is older than {limit}: `verified` only reports."));
    } else {
        text.line(&format!("`verified` refuses until {}.", show_moment_from(end, now)));
    }
    text.gap();
}

fn show_end(usable_until: Option<u64>) -> String {
    usable_until.map_or_else(|| "-".to_owned(), |at| show_moment(UnixTime::from_secs(at)))
}
