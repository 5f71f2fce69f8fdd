use clap::Subcommand;
use pintle_api::{
    CreateInvitationRequest, CreatedInvitationResponse, MemberResponse, Role, UpdateMemberRequest, client::Client,
};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::{Context, Labels, choose},
    moment::{show_moment, show_moment_from},
    output::{Listing, Text},
    secret::confirm,
    word::{parse_word, word},
};

/// Commands about the members of an organization.
#[derive(Subcommand, Clone, Debug)]
pub enum MembersCommand {
    /// List the members and their roles
    List,
    /// Invite somebody: mails them the code that lets them in, or prints it
    #[command(after_help = "\
With --email, a server that sends mail sends the code there and shows it to nobody else. Without, it is printed, once: \
pass it on over a channel you trust. Whoever has it can use it, once, within 7 days, with `pintle invitations accept`. \
It is void as soon as you could not invite into that role any more. docs/permissions.md says what roles may do.")]
    Invite {
        /// What the new member will be, at most your own role: owner, admin, publisher, editor or auditor
        #[arg(long, value_name = "ROLE", value_parser = ROLES)]
        role: String,
        /// Who is meant; the code goes there by mail, where the server sends mail
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// Give a member another role
    Role {
        /// Name or id, as listed
        member: String,
        /// At most your own: owner, admin, publisher, editor or auditor
        #[arg(value_parser = ROLES)]
        role: String,
    },
    /// Take a member out of the organization, and end their tokens for it
    Remove {
        /// Name or id, as listed
        member: String,
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
}

const ROLES: [&str; 5] = ["owner", "admin", "publisher", "editor", "auditor"];

fn parse_role(text: &str) -> Result<Role, CommandError> {
    parse_word(text, "role_invalid", "a role")
}

pub(crate) async fn run(command: &MembersCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let organization = context.find_organization(&client).await?;
    match command {
        MembersCommand::List => {
            let list = Listing { items: client.list_members(&organization.id).all().await? };
            context.output.show(&list, |list, text| write_rows(&list.items, text))
        }
        MembersCommand::Invite { role, email } => {
            let request = CreateInvitationRequest { role: parse_role(role)?, email: email.clone() };
            let created = client.create_invitation(&organization.id, &request).await?;
            context.output.show(&created, |created, text| write_code(created, &organization.name, context, text))
        }
        MembersCommand::Role { member, role } => {
            let found = find_member(&client, &organization.id, member).await?;
            let request = UpdateMemberRequest { role: parse_role(role)? };
            let changed = client.update_member(&organization.id, &found.account_id, &request).await?;
            context.output.show(&changed, |changed, text| write_rows(std::slice::from_ref(changed), text))
        }
        MembersCommand::Remove { member, yes } => {
            let found = find_member(&client, &organization.id, member).await?;
            let question = format!("Take {} ({}) out of {}?", found.name, found.account_id, organization.name);
            if !*yes && !confirm(&question)? {
                return Err(CommandError::Declined { what: "changed" });
            }
            client.remove_member(&organization.id, &found.account_id).await?;
            context.output.show(&found, |found, text| {
                text.line(&format!("{} is no member of {} any more.", found.name, organization.name));
            })
        }
    }
}

async fn find_member(client: &Client, organization: &str, name: &str) -> Result<MemberResponse, CommandError> {
    let all = client.list_members(organization).all().await?;
    choose("member", all, Some(name), |member| Labels {
        id: member.account_id.clone(),
        names: vec![member.name.clone()],
    })
}

fn write_rows(members: &[MemberResponse], text: &mut Text) {
    let row = |member: &MemberResponse| {
        let joined = show_moment(UnixTime::from_secs(member.joined_at));
        vec![member.name.clone(), member.account_id.clone(), word(&member.role), joined]
    };
    let rows: Vec<_> = members.iter().map(row).collect();
    text.table(&["NAME", "ID", "ROLE", "JOINED"], &rows, "No member");
}

fn write_code(created: &CreatedInvitationResponse, organization: &str, context: &Context, text: &mut Text) {
    let invitation = &created.invitation;
    let end = show_moment_from(UnixTime::from_secs(invitation.expires_at), context.now);
    let (role, whom) = (word(&invitation.role), invitation.email.clone().unwrap_or_default());
    match &created.code {
        Some(code) => text
            .line(&format!("Whoever has this code can become {role} of {organization}, once:"))
            .gap()
            .indented(|text| {
                text.line(code.expose_secret());
            })
            .gap(),
        None => text.line(&format!("A mail with the code to become {role} of {organization} is on its way.")),
    }
    .fields(&[
        ("for", whom),
        ("good until", end),
        ("use it", "pintle invitations accept".to_owned()),
        ("take it back", format!("pintle invitations revoke {}", invitation.id)),
    ]);
}
