//! What you are told of, and how.

use std::collections::BTreeMap;

use clap::{Subcommand, ValueEnum};
use pintle_api::{MailChoice, NotificationsResponse, UpdateNotificationsRequest};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::Context,
    moment::show_moment,
    output::{CAREFUL, Text},
    word::word,
};

/// Commands about what you are told of in the organization.
#[derive(Subcommand, Clone, Debug)]
pub enum NotificationsCommand {
    /// Show every kind of alert, and whether you are told of it
    Show,
    /// Choose what you are told of, and whether by mail at once, once a day or never
    Set {
        /// `immediate`, `digest` (once a day) or `off`
        #[arg(long, value_enum, value_name = "WHEN", hide_possible_values = true)]
        mail: Option<When>,
        /// Kinds of alerts that you want, separated by commas
        #[arg(long, value_name = "KINDS", value_delimiter = ',')]
        on: Vec<String>,
        /// Kinds of alerts that you do not want
        #[arg(long, value_name = "KINDS", value_delimiter = ',')]
        off: Vec<String>,
    },
    /// A calendar of what ends, for whoever knows its URL
    #[command(subcommand)]
    Calendar(CalendarCommand),
}

/// Commands about your calendar of the organization.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum CalendarCommand {
    /// Make a URL, shown once, for your calendar program; the former one does not work any more
    Create,
    /// Take the URL back
    Revoke,
}

/// When mail is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// At once.
    Immediate,
    /// Once a day.
    Digest,
    /// Never.
    Off,
}

pub(crate) async fn run(command: &NotificationsCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let id = context.find_organization(&client).await?.id;
    match command {
        NotificationsCommand::Show => context.output.show(&client.read_notifications(&id).await?, write_notifications),
        NotificationsCommand::Set { mail, on, off } => {
            let chosen =
                |kinds: &[String], wanted| kinds.iter().map(move |kind| (kind.clone(), wanted)).collect::<Vec<_>>();
            let kinds: BTreeMap<_, _> = chosen(on, true).into_iter().chain(chosen(off, false)).collect();
            let mail = mail.map(|when| match when {
                When::Immediate => MailChoice::Immediate,
                When::Digest => MailChoice::Digest,
                When::Off => MailChoice::Off,
            });
            let answer = client.update_notifications(&id, &UpdateNotificationsRequest { mail, kinds }).await?;
            context.output.show(&answer, write_notifications)
        }
        NotificationsCommand::Calendar(CalendarCommand::Create) => {
            let created = client.create_calendar(&id).await?;
            context.output.show(&created, |created, text| {
                text.line(created.url.expose_secret());
                text.line("Whoever knows this URL reads what ends in the organization. It is not shown again.");
            })
        }
        NotificationsCommand::Calendar(CalendarCommand::Revoke) => {
            client.remove_calendar(&id).await?;
            context.output.show(&serde_json::json!({ "revoked": true }), |_, text| {
                text.line("The URL of your calendar does not work any more.");
            })
        }
    }
}

fn write_notifications(answer: &NotificationsResponse, text: &mut Text) {
    text.fields(&[
        ("mail", word(&answer.mail)),
        (
            "calendar since",
            answer.calendar_created_at.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default(),
        ),
    ]);
    if !answer.mail_arrives && answer.mail != MailChoice::Off {
        text.styled_line(CAREFUL, "No mail reaches you: your account has no address, or the server sends no mail.");
    }
    let rows = answer.kinds.iter().map(|kind| {
        let told = if kind.wanted { "yes" } else { "no" };
        vec![kind.kind.clone(), told.to_owned(), kind.severity.as_str().to_owned(), kind.meaning.clone()]
    });
    text.gap().table(&["KIND", "TOLD", "SEVERITY", "WHEN"], &rows.collect::<Vec<_>>(), "No kinds of alerts.");
}
