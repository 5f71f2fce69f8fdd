use clap::Subcommand;
use pintle_api::{BeginSsoRequest, IdentityResponse};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    commands::login::{ask_to_open, choose_provider},
    context::{Context, Labels, choose},
    loopback::Loopback,
    moment::show_moment,
    output::Text,
};

/// Commands about the identities of single sign-on that sign in to the account.
#[derive(Subcommand, Clone, Debug)]
pub enum IdentitiesCommand {
    /// List them
    List,
    /// Link one, so that it signs in to your account
    #[command(after_help = "\
Prints a URL to open in a browser on this machine, and waits until the provider sends it back. It needs a sign-in of the \
last 10 minutes; a mail tells you of it.")]
    Link {
        /// The provider [default: the only one that the server has]
        #[arg(value_name = "PROVIDER")]
        provider: Option<String>,
    },
    /// Unlink one; the last way to sign in stays
    Unlink {
        /// Its id or provider, as listed
        identity: String,
    },
}

pub(super) async fn run(command: &IdentitiesCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        IdentitiesCommand::List => {
            let all = client.list_identities().await?;
            context.output.show(&all, |all, text| write_rows(&all.identities, text))
        }
        IdentitiesCommand::Link { provider } => {
            let provider = choose_provider(&client, provider.as_deref().unwrap_or_default()).await?;
            let loopback = Loopback::open().await?;
            let redirect_uri = loopback.redirect_uri(&provider);
            let step = client.begin_link(&BeginSsoRequest { redirect_uri, provider: provider.clone() }).await?;
            ask_to_open(&step.authorization_url, &context.output);
            let linked = client.finish_link(&loopback.wait(&provider, step).await?).await?;
            context.output.show(&linked, |linked, text| write_rows(std::slice::from_ref(linked), text))
        }
        IdentitiesCommand::Unlink { identity } => {
            let all = client.list_identities().await?.identities;
            let found = choose("identity", all, Some(identity), |row| Labels {
                id: row.id.clone(),
                names: vec![row.provider.clone()],
            })?;
            client.unlink_identity(&found.id).await?;
            context.output.show(&found, |found, text| {
                text.line(&format!("{} does not sign in to your account any more.", found.provider));
            })
        }
    }
}

fn write_rows(identities: &[IdentityResponse], text: &mut Text) {
    let row = |identity: &IdentityResponse| {
        vec![
            identity.provider.clone(),
            identity.id.clone(),
            identity.email.clone().unwrap_or_else(|| "-".to_owned()),
            identity.issuer.clone(),
            show_moment(UnixTime::from_secs(identity.created_at)),
        ]
    };
    let rows: Vec<_> = identities.iter().map(row).collect();
    text.table(
        &["PROVIDER", "ID", "ADDRESS", "ISSUER", "LINKED"],
        &rows,
        "None. Link one: pintle account identities link",
    );
}
