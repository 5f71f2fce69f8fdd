use clap::Subcommand;
use pintle_api::{PasskeyResponse, RenamePasskeyRequest, client::Client};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::{Context, Labels, choose},
    moment::show_moment,
    output::Text,
};

/// Commands about the passkeys that sign in to the account.
#[derive(Subcommand, Clone, Debug)]
pub enum PasskeysCommand {
    /// List them, with when they signed in last
    List,
    /// Give one another name
    Rename {
        /// Its id or name, as listed
        passkey: String,
        /// The new name
        name: String,
    },
    /// Remove one; the last way to sign in stays
    Remove {
        /// Its id or name, as listed
        passkey: String,
    },
}

pub(super) async fn run(command: &PasskeysCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        PasskeysCommand::List => {
            let all = client.list_passkeys().await?;
            context.output.show(&all, |all, text| write_rows(&all.passkeys, text))
        }
        PasskeysCommand::Rename { passkey, name } => {
            let found = find(&client, passkey).await?;
            let renamed = client.rename_passkey(&found.id, &RenamePasskeyRequest { name: name.clone() }).await?;
            context.output.show(&renamed, |renamed, text| write_rows(std::slice::from_ref(renamed), text))
        }
        PasskeysCommand::Remove { passkey } => {
            let found = find(&client, passkey).await?;
            client.remove_passkey(&found.id).await?;
            context.output.show(&found, |found, text| {
                text.line(&format!("{} does not sign in to your account any more.", found.name));
            })
        }
    }
}

async fn find(client: &Client, passkey: &str) -> Result<PasskeyResponse, CommandError> {
    let all = client.list_passkeys().await?.passkeys;
    choose("passkey", all, Some(passkey), |row| Labels { id: row.id.clone(), names: vec![row.name.clone()] })
}

fn write_rows(passkeys: &[PasskeyResponse], text: &mut Text) {
    let row = |passkey: &PasskeyResponse| {
        let moment = |at| show_moment(UnixTime::from_secs(at));
        vec![
            passkey.name.clone(),
            passkey.id.clone(),
            if passkey.is_backed_up { "yes" } else { "no" }.to_owned(),
            moment(passkey.created_at),
            passkey.last_used_at.map_or_else(|| "never".to_owned(), moment),
        ]
    };
    let rows: Vec<_> = passkeys.iter().map(row).collect();
    text.table(&["NAME", "ID", "BACKED UP", "ADDED", "LAST USED"], &rows, "None. One is added in a browser.");
}
