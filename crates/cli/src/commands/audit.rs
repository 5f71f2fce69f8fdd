mod csv;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use pintle_api::{
    AuditEventResponse, AuditExportHeader, AuditRecord, OrganizationResponse,
    client::{Client, List},
};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::Context,
    file::{Audience, Existing, write_file},
    moment::{parse_moment, show_moment},
    output::{Listing, Text, write_stdout},
};

/// Commands about the audit log of the organization.
#[derive(Subcommand, Clone, Debug)]
pub enum AuditCommand {
    /// List events, newest first
    List {
        /// Which ones
        #[command(flatten)]
        filter: AuditFilter,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Write events, oldest first, to standard output or a file
    #[command(after_help = "\
`jsonl` without a filter is the whole chain: `pintle audit verify FILE` proves, without any server, that nothing in it \
was changed, removed, moved or inserted. `csv` is for spreadsheets; no cell of it is ever read as a formula.")]
    Export {
        /// `jsonl` for programs and for verification, `csv` for spreadsheets
        #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true, default_value = "jsonl")]
        format: ExportFormat,
        /// Where to [default: standard output]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// Which ones
        #[command(flatten)]
        filter: AuditFilter,
    },
    /// Prove that the log is as it was written: the server's, or an export
    #[command(after_help = "\
Events are verified here, not by the server. Keep the `head` that is printed somewhere else: given back with \
--remembered it proves that nothing up to it was rewritten, and that the newest events were not cut off. Exit status: 0 \
if the log is as it was written, 7 if not.")]
    Verify {
        /// An export as JSON Lines, `-` for standard input [default: the server's log]
        file: Option<PathBuf>,
        /// A head that an earlier verification printed
        #[arg(long, value_name = "SEQ:HASH")]
        remembered: Option<String>,
    },
}

/// Which events.
#[derive(Args, Clone, Debug)]
pub struct AuditFilter {
    /// Not before this time
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// An action, as `domain.added`, or all of a kind, as `domain`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Who did it, by id (acc_…)
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// What it happened to, by id
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// About the project in use alone
    #[arg(long)]
    of_project: bool,
}

/// How events are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values.
    Csv,
}

impl AuditFilter {
    fn is_empty(&self) -> bool {
        let Self { from, until, action, actor, target, of_project } = self;
        [from, until, action, actor, target].iter().all(|value| value.is_none()) && !of_project
    }

    async fn apply(
        &self,
        context: &Context,
        client: &Client,
        mut list: List<AuditEventResponse>,
    ) -> Result<List<AuditEventResponse>, CommandError> {
        for (name, moment) in [("from", &self.from), ("until", &self.until)] {
            if let Some(text) = moment {
                list = list.filter(name, parse_moment(text)?.as_secs().to_string());
            }
        }
        for (name, value) in [("action", &self.action), ("actor", &self.actor), ("target", &self.target)] {
            if let Some(value) = value {
                list = list.filter(name, value);
            }
        }
        if self.of_project {
            list = list.filter("project", context.find_project(client).await?.response.id);
        }
        Ok(list)
    }
}

pub(crate) async fn run(command: &AuditCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        AuditCommand::List { filter, limit } => {
            let client = context.connect()?;
            let organization = context.find_organization(&client).await?;
            let mut list = filter.apply(context, &client, client.list_audit_events(&organization.id)).await?;
            let mut items = Vec::new();
            while items.len() < *limit
                && let Some(page) = list.next_page().await?
            {
                items.extend(page);
            }
            items.truncate(*limit);
            context.output.show(&Listing { items }, |list, text| write_rows(&list.items, text))
        }
        AuditCommand::Export { format, to, filter } => {
            let client = context.connect()?;
            let organization = context.find_organization(&client).await?;
            let text = export(context, &client, &organization, *format, filter).await?;
            match to {
                Some(path) => write_file(path, text.as_bytes(), Audience::Owner, Existing::Keep),
                None => write_stdout(text.as_bytes()),
            }
        }
        AuditCommand::Verify { file, remembered } => verify::run(file.as_deref(), remembered.as_deref(), context).await,
    }
}

async fn export(
    context: &Context,
    client: &Client,
    organization: &OrganizationResponse,
    format: ExportFormat,
    filter: &AuditFilter,
) -> Result<String, CommandError> {
    // Before the events: what comes meanwhile is in the file, and beyond its head.
    let chain = client.read_audit_chain(&organization.id).await?;
    let header = AuditExportHeader { pintle_audit_export: 1, is_complete: filter.is_empty(), chain };
    let list = client.list_audit_events(&organization.id).filter("order", "oldest");
    let mut list = filter.apply(context, client, list).await?;
    let mut text = match format {
        ExportFormat::Jsonl => write_line(&header)?,
        ExportFormat::Csv => csv::write_headings(),
    };
    while let Some(page) = list.next_page().await? {
        for event in page {
            text.push_str(&match format {
                ExportFormat::Jsonl => write_line(&event)?,
                ExportFormat::Csv => csv::write_row(&event, &parse(&event)?),
            });
        }
    }
    Ok(text)
}

fn write_line(value: &impl serde::Serialize) -> Result<String, CommandError> {
    let line = serde_json::to_string(value);
    line.map(|line| line + "\n").map_err(|error| CommandError::Internal(format!("an event cannot be written: {error}")))
}

fn parse(event: &AuditEventResponse) -> Result<AuditRecord, CommandError> {
    event.parse_record().map_err(|error| pintle_api::client::ClientError::UnexpectedBody(error).into())
}

/// The name where it was not erased, else the id.
fn show_actor(event: &AuditEventResponse, record: &AuditRecord) -> String {
    let name = event.personal.get("actor_name").map(|personal| personal.value.clone());
    name.or_else(|| record.actor.account_id.clone()).unwrap_or_else(|| crate::word::word(&record.actor.kind))
}

fn write_rows(events: &[AuditEventResponse], text: &mut Text) {
    let row = |event: &AuditEventResponse| {
        let record = event.parse_record().ok()?;
        let target = record.target.name.clone().or_else(|| record.target.id.clone()).unwrap_or_default();
        let at = show_moment(UnixTime::from_secs(record.at));
        let target = format!("{} {target}", record.target.kind);
        Some(vec![record.seq.to_string(), at, record.action.clone(), show_actor(event, &record), target])
    };
    let rows: Vec<_> = events.iter().filter_map(row).collect();
    text.table(&["SEQ", "TIME", "ACTION", "BY", "TARGET"], &rows, "No such event");
}
