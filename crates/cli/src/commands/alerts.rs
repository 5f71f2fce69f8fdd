//! What is the matter, or was.

use clap::Subcommand;
use pintle_api::{AlertResponse, AlertSeverity};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::Context,
    moment::{show_moment, show_moment_from},
    output::{BAD, CAREFUL, GOOD, Listing, STRONG, Text},
};

/// Commands about alerts of the organization.
#[derive(Subcommand, Clone, Debug)]
pub enum AlertsCommand {
    /// List alerts, newest first
    List {
        /// Only what still holds
        #[arg(long)]
        open: bool,
        /// Only of this kind, as `pin_expiring`; `pintle notifications show` lists the kinds
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// About the project in use alone
        #[arg(long)]
        of_project: bool,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Show one alert, and what to do about it
    Show {
        /// Its id (alr_…)
        alert: String,
    },
}

pub(crate) async fn run(command: &AlertsCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let organization = context.find_organization(&client).await?;
    match command {
        AlertsCommand::List { open, kind, of_project, limit } => {
            let mut list = client.list_alerts(&organization.id);
            if *open {
                list = list.filter("open", "true");
            }
            if let Some(kind) = kind {
                list = list.filter("kind", kind);
            }
            if *of_project {
                list = list.filter("project", context.find_project(&client).await?.response.id);
            }
            let mut items = Vec::new();
            while items.len() < *limit
                && let Some(page) = list.next_page().await?
            {
                items.extend(page);
            }
            items.truncate(*limit);
            context.output.show(&Listing { items }, |list, text| write_rows(&list.items, text))
        }
        AlertsCommand::Show { alert } => {
            let alert = client.read_alert(&organization.id, alert).await?;
            context.output.show(&alert, |alert, text| write_alert(alert, context.now, text))
        }
    }
}

fn write_rows(alerts: &[AlertResponse], text: &mut Text) {
    let row = |alert: &AlertResponse| {
        let state = if alert.resolved_at.is_some() { "over" } else { "open" };
        let raised = show_moment(UnixTime::from_secs(alert.raised_at));
        let about = format!("{}: {}", alert.title, alert.subject);
        vec![alert.id.clone(), alert.severity.as_str().to_owned(), state.to_owned(), raised, about]
    };
    let rows: Vec<_> = alerts.iter().map(row).collect();
    text.table(&["ID", "SEVERITY", "STATE", "RAISED", "WHAT"], &rows, "No alerts.");
}

fn write_alert(alert: &AlertResponse, now: UnixTime, text: &mut Text) {
    let moment = |secs: u64| show_moment_from(UnixTime::from_secs(secs), now);
    write_headline(alert, text);
    text.line(&alert.detail).gap();
    text.fields(&[
        ("kind", alert.kind.clone()),
        ("project", alert.project_id.clone().unwrap_or_default()),
        ("raised", moment(alert.raised_at)),
        ("told last", if alert.told_at == alert.raised_at { String::new() } else { moment(alert.told_at) }),
        ("over", alert.resolved_at.map(moment).unwrap_or_default()),
    ]);
    text.gap().styled_line(STRONG, "What to do").line(&alert.runbook);
}

/// Severity, title and subject.
pub(super) fn write_headline(alert: &AlertResponse, text: &mut Text) {
    let (style, label) = match (alert.resolved_at, alert.severity) {
        (Some(_), _) => (GOOD, "over"),
        (None, AlertSeverity::Critical) => (BAD, "critical"),
        (None, AlertSeverity::Warning) => (CAREFUL, "warning"),
        (None, AlertSeverity::Info) => (STRONG, "info"),
    };
    text.labelled_line(style, label, &format!("{}: {}", alert.title, alert.subject));
}
