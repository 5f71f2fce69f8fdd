//! What is open, and what is due.

use std::collections::BTreeMap;

use clap::Args;
use pintle_api::{AlertSeverity, DueDateResponse, StatusResponse};
use pintle_core::UnixTime;

use super::alerts::write_headline;
use crate::{
    CommandError, ExitStatus,
    context::Context,
    moment::show_moment_from,
    output::{GOOD, STRONG, Text},
    word::word,
};

/// How far to look.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Show what ends within so many days
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u64,
}

pub(crate) async fn run(args: &StatusArgs, context: &Context) -> Result<ExitStatus, CommandError> {
    let client = context.connect()?;
    let organization = context.find_organization(&client).await?;
    let status = client.read_status(&organization.id, args.days).await?;
    let projects = client.list_projects(&organization.id).all().await?;
    let names: BTreeMap<_, _> =
        projects.into_iter().map(|project| (project.id, format!("{}/{}", project.name, project.environment))).collect();
    context.output.show(&status, |status, text| write(status, &names, args.days, context.now, text))?;
    let is_wrong = status.open.iter().any(|alert| alert.severity != AlertSeverity::Info);
    Ok(if is_wrong { ExitStatus::Failed } else { ExitStatus::Success })
}

fn write(status: &StatusResponse, names: &BTreeMap<String, String>, days: u64, now: UnixTime, text: &mut Text) {
    if status.open.is_empty() {
        text.styled_line(GOOD, "Nothing is the matter.");
    }
    for alert in &status.open {
        write_headline(alert, text);
        let place =
            alert.project_id.as_ref().and_then(|id| names.get(id)).map(|name| format!("{name}: ")).unwrap_or_default();
        text.indented(|text| {
            text.line(&format!("{place}{}", alert.detail)).line(&alert.runbook).line(&alert.id);
        });
    }
    text.gap().styled_line(STRONG, &format!("Due within {days} days"));
    let row = |due: &DueDateResponse| {
        let project = names.get(&due.project_id).cloned().unwrap_or_else(|| due.project_id.clone());
        vec![show_moment_from(UnixTime::from_secs(due.due_at), now), word(&due.kind), due.subject.clone(), project]
    };
    let rows: Vec<_> = status.due.iter().map(row).collect();
    text.table(&["WHEN", "WHAT", "WHICH", "PROJECT"], &rows, "Nothing.");
}
