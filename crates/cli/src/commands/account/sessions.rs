use clap::Subcommand;
use pintle_api::SessionResponse;
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::Context,
    moment::show_moment,
    output::{Listing, Text},
};

/// Commands about sessions.
#[derive(Subcommand, Clone, Debug)]
pub enum SessionsCommand {
    /// List your sessions, newest first
    List,
    /// End a session by its id, or every one but this
    End {
        /// `ses_…`, from the list
        #[arg(required_unless_present = "others")]
        session: Option<String>,
        /// Every session but this one
        #[arg(long, conflicts_with = "session")]
        others: bool,
    },
}

pub(super) async fn run(command: &SessionsCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        SessionsCommand::List => {
            let list = Listing { items: client.list_sessions().all().await? };
            context.output.show(&list, |list, text| write_rows(&list.items, text))
        }
        SessionsCommand::End { session: Some(session), .. } => {
            client.end_session(session).await?;
            context.output.say(|text| {
                text.line("The session has ended.");
            });
            Ok(())
        }
        SessionsCommand::End { session: None, .. } => {
            client.end_other_sessions().await?;
            context.output.say(|text| {
                text.line("Every other session has ended.");
            });
            Ok(())
        }
    }
}

pub(super) fn write_rows(sessions: &[SessionResponse], text: &mut Text) {
    let moment = |secs| show_moment(UnixTime::from_secs(secs));
    let row = |session: &SessionResponse| {
        vec![
            session.id.clone(),
            session.client.clone(),
            session.method.clone(),
            moment(session.created_at),
            moment(session.last_used_at),
            if session.is_current { "this one".to_owned() } else { String::new() },
        ]
    };
    let rows: Vec<_> = sessions.iter().map(row).collect();
    text.table(&["SESSION", "WITH", "BY", "SINCE", "LAST USED", ""], &rows, "No sessions.");
}
