//! Whether the world is still as the live release says.

mod timeline;

use clap::{Args, Subcommand};
use pintle_api::{Concern, DriftChangeResponse, DriftResponse, DriftState};
use pintle_core::UnixTime;

use crate::{
    CommandError, ExitStatus,
    context::Context,
    moment::{show_moment, show_moment_from},
    output::{BAD, CAREFUL, GOOD, Listing, STRONG, Text},
};

/// Options of `drift`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DriftArgs {
    /// Only this domain, or this place
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// The exit status is 7 from this on: `warning` is what may become trouble
    #[arg(long, value_name = "SEVERITY", value_parser = ["error", "warning"], default_value = "error")]
    fail_on: String,
    #[command(subcommand)]
    command: Option<DriftCommand>,
}

/// Commands about what was.
#[derive(Subcommand, Clone, Debug)]
pub enum DriftCommand {
    /// Show what changed of a domain or place, newest first, and how it went day by day
    History {
        /// Name of the domain as in the release, or base URL of the place
        #[arg(value_name = "DOMAIN")]
        subject: String,
        /// How many days the picture shows
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=365))]
        days: u64,
    },
}

pub(crate) async fn run(args: &DriftArgs, context: &Context) -> Result<ExitStatus, CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    match &args.command {
        None => {
            let mut items = client.list_drift(project.reference()).all().await?;
            items.retain(|row| args.domain.as_ref().is_none_or(|wanted| row.subject == *wanted));
            let limit = if args.fail_on == "warning" { Concern::Warning } else { Concern::Error };
            let is_trouble = items.iter().any(|row| concern(row.state) >= limit);
            context.output.show(&Listing { items }, |list, text| write_rows(&list.items, context.now, text))?;
            Ok(if is_trouble { ExitStatus::Refused } else { ExitStatus::Success })
        }
        Some(DriftCommand::History { subject, days }) => {
            let items = client.list_drift_changes(project.reference(), Some(subject)).all().await?;
            context
                .output
                .show(&Listing { items }, |list, text| write_history(&list.items, *days, context.now, text))?;
            Ok(ExitStatus::Success)
        }
    }
}

fn concern(state: Option<DriftState>) -> Concern {
    state.map_or(Concern::None, DriftState::concern)
}

fn write_rows(rows: &[DriftResponse], now: UnixTime, text: &mut Text) {
    let cells = |row: &DriftResponse| {
        let moment = |at: Option<u64>| at.map_or("-".to_owned(), |at| show_moment(UnixTime::from_secs(at)));
        let state = row.state.map_or("not known yet", DriftState::as_str);
        vec![row.subject.clone(), row.vantage.clone(), state.to_owned(), moment(row.since), moment(row.seen_at)]
    };
    let table: Vec<_> = rows.iter().map(cells).collect();
    let empty = "Nothing is looked at: there is no live release, or the server's monitor is switched off.";
    text.table(&["SUBJECT", "SEEN FROM", "STATE", "SINCE", "LAST LOOK"], &table, empty);
    let mut troubled: Vec<_> = rows.iter().filter(|row| concern(row.state) > Concern::None).collect();
    troubled.sort_by_key(|row| std::cmp::Reverse(row.state));
    for row in &troubled {
        let Some(state) = row.state else { continue };
        let style = if state.concern() == Concern::Error { BAD } else { CAREFUL };
        text.gap().labelled_line(style, &format!("{}[{}]", state.as_str(), row.subject), &row.detail);
        let since = row.since.map(|since| show_moment_from(UnixTime::from_secs(since), now)).unwrap_or_default();
        text.indented(|text| {
            text.fields(&[("since", since), ("seen from", row.vantage.clone()), ("do", state.advice().to_owned())]);
        });
    }
    if troubled.is_empty() && !rows.is_empty() {
        text.gap().styled_line(GOOD, "Nothing needs to be done.");
    }
}

fn write_history(changes: &[DriftChangeResponse], days: u64, now: UnixTime, text: &mut Text) {
    for (vantage, line) in timeline::draw(changes, days, now) {
        text.labelled_line(STRONG, &vantage, &line);
    }
    if !changes.is_empty() {
        text.line(&timeline::legend(changes, days)).gap();
    }
    let cells = |change: &DriftChangeResponse| {
        let before = change.before.map_or("first look", DriftState::as_str);
        vec![
            show_moment(UnixTime::from_secs(change.at)),
            change.vantage.clone(),
            format!("{before} -> {}", change.after.as_str()),
            change.release.to_string(),
            change.detail.clone(),
        ]
    };
    let table: Vec<_> = changes.iter().map(cells).collect();
    text.table(&["WHEN", "SEEN FROM", "CHANGE", "RELEASE", "WHAT WAS FOUND"], &table, "Nothing is known of it.");
}
