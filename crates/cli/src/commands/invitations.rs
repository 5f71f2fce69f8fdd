use std::path::PathBuf;

use clap::Subcommand;
use pintle_api::{AcceptInvitationRequest, InvitationResponse};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::Context,
    moment::show_moment_from,
    output::{Listing, Text},
    secret::load_invitation_code,
    word::word,
};

/// Commands about invitations into organizations.
#[derive(Subcommand, Clone, Debug)]
pub enum InvitationsCommand {
    /// List the invitations that wait for their answer
    List,
    /// Take an invitation back
    Revoke {
        /// Its id, as listed
        invitation: String,
    },
    /// Become a member of the organization that invites you; asks for the code without echo
    Accept {
        /// Read the code from FILE, `-` for standard input
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
    },
}

pub(crate) async fn run(command: &InvitationsCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        InvitationsCommand::List => {
            let organization = context.find_organization(&client).await?;
            let list = Listing { items: client.list_invitations(&organization.id).all().await? };
            context.output.show(&list, |list, text| write_rows(&list.items, context.now, text))
        }
        InvitationsCommand::Revoke { invitation } => {
            let organization = context.find_organization(&client).await?;
            client.revoke_invitation(&organization.id, invitation).await?;
            context.output.show(&serde_json::json!({ "id": invitation }), |_, text| {
                text.line("The invitation is taken back: its code lets nobody in.");
            })
        }
        InvitationsCommand::Accept { code_file } => {
            let code = load_invitation_code(code_file.as_deref())?;
            let joined = client.accept_invitation(&AcceptInvitationRequest { code }).await?;
            context.output.show(&joined, |joined, text| {
                text.line(&format!("You are {} of {} ({}).", word(&joined.role), joined.name, joined.id));
            })
        }
    }
}

fn write_rows(invitations: &[InvitationResponse], now: UnixTime, text: &mut Text) {
    let row = |invitation: &InvitationResponse| {
        vec![
            invitation.id.clone(),
            word(&invitation.role),
            invitation.email.clone().unwrap_or_else(|| "-".to_owned()),
            invitation.invited_by.clone(),
            show_moment_from(UnixTime::from_secs(invitation.expires_at), now),
        ]
    };
    let rows: Vec<_> = invitations.iter().map(row).collect();
    let empty = "No invitation is waiting. Invite somebody: pintle members invite --role editor";
    text.table(&["ID", "ROLE", "FOR", "INVITED BY", "GOOD UNTIL"], &rows, empty);
}
