mod export;

use std::path::PathBuf;

use clap::Subcommand;
use pintle_api::{CreateOrganizationRequest, DeletionResponse, OrganizationResponse, UpdateOrganizationRequest};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::Context,
    moment::show_moment,
    output::{Listing, Text},
    secret::confirm,
    word::word,
};

/// Commands about organizations.
#[derive(Subcommand, Clone, Debug)]
pub enum OrgsCommand {
    /// Create an organization that you own
    Create {
        /// Display name
        name: String,
    },
    /// List your organizations
    List,
    /// Give the organization in use another name
    Rename {
        /// The new display name
        name: String,
    },
    /// Have members of the organization in use come by single sign-on, or no longer
    #[command(after_help = "\
Sessions that were begun with a password, and API tokens for more than this organization, do nothing in it any more. You \
must have come by single sign-on yourself, within the last 10 minutes. Where it fails, the operator of the server \
makes a way in: `pintle admin link ADDRESS --break-glass`.")]
    RequireSso {
        /// `on` or `off`
        #[arg(value_name = "on|off", value_parser = ["on", "off"], hide_possible_values = true)]
        state: String,
    },
    /// Leave the organization in use; your tokens for it end
    Leave {
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
    /// Write everything an organization owns into a file, as JSON Lines
    ///
    /// Members, tokens (never their secrets), projects, drafts, signed releases, succession statements and the audit log: one
    /// object with `kind` and `value` a line, the last of the kind `end`. You need the right to read the audit log.
    Export {
        /// The file; it must not exist yet
        to: PathBuf,
    },
    /// Delete an organization that you own, with everything in it
    ///
    /// It is hidden at once, and the files of its projects leave every target: fetching them answers 404, and apps go on with
    /// the copy they have. To have apps refuse instead, withdraw a project first. Everything is erased for good later, the
    /// audit log included; export it before if you need it.
    Delete {
        /// NAME or id
        organization: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) async fn run(command: &OrgsCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        OrgsCommand::Create { name } => {
            let request = CreateOrganizationRequest { name: name.clone() };
            let created = client.create_organization(&request).await?;
            context.output.show(&created, |created, text| write_rows(std::slice::from_ref(created), text))
        }
        OrgsCommand::List => {
            let list = Listing { items: client.list_organizations().all().await? };
            context.output.show(&list, |list, text| write_rows(&list.items, text))
        }
        OrgsCommand::Rename { name } => {
            let organization = context.find_organization(&client).await?;
            let request = UpdateOrganizationRequest { name: Some(name.clone()), requires_sso: None };
            let renamed = client.update_organization(&organization.id, &request).await?;
            context.output.show(&renamed, |renamed, text| write_rows(std::slice::from_ref(renamed), text))
        }
        OrgsCommand::RequireSso { state } => {
            let organization = context.find_organization(&client).await?;
            let request = UpdateOrganizationRequest { name: None, requires_sso: Some(state == "on") };
            let changed = client.update_organization(&organization.id, &request).await?;
            context.output.show(&changed, |changed, text| write_rows(std::slice::from_ref(changed), text))
        }
        OrgsCommand::Leave { yes } => {
            let organization = context.find_organization(&client).await?;
            if !*yes && !confirm(&format!("Leave {} ({})?", organization.name, organization.id))? {
                return Err(CommandError::Declined { what: "changed" });
            }
            let own = client.whoami().await?.account_id;
            client.remove_member(&organization.id, &own).await?;
            context.output.show(&organization, |organization, text| {
                text.line(&format!("You are no member of {} any more.", organization.name));
            })
        }
        OrgsCommand::Export { to } => {
            let organization = context.find_organization(&client).await?;
            let exported = export::export_to_file(&client, &organization, to).await?;
            context.output.show(&exported, |exported, text| {
                text.line(&format!(
                    "{} lines about {} are in {}.",
                    exported.lines, exported.organization, exported.file
                ));
            })
        }
        OrgsCommand::Delete { organization, yes } => {
            let found = context.find_organization_named(&client, Some(organization)).await?;
            if !yes && !confirm(&format!("Delete the organization {} and everything in it?", found.name))? {
                return Err(CommandError::Declined { what: "deleted" });
            }
            let deleted = client.delete_organization(&found.id).await?;
            context.output.show(&deleted, write_deletion)
        }
    }
}

pub(super) fn write_deletion(deleted: &DeletionResponse, text: &mut Text) {
    text.fields(&[
        ("deleted", "now".to_owned()),
        ("erased for good", show_moment(UnixTime::from_secs(deleted.erased_at))),
    ]);
}

fn write_rows(organizations: &[OrganizationResponse], text: &mut Text) {
    let rows: Vec<_> = organizations
        .iter()
        .map(|organization| {
            vec![
                organization.name.clone(),
                organization.id.clone(),
                word(&organization.role),
                if organization.requires_sso { "required" } else { "-" }.to_owned(),
                show_moment(UnixTime::from_secs(organization.created_at)),
            ]
        })
        .collect();
    text.table(
        &["NAME", "ID", "ROLE", "SSO", "CREATED"],
        &rows,
        "No organization yet. Create one: pintle orgs create NAME",
    );
}
