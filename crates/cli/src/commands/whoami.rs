use pintle_api::{CredentialKind, WhoamiResponse};

use crate::{CommandError, context::Context, output::Text, word::word};

pub(crate) async fn run(context: &Context) -> Result<(), CommandError> {
    let server = context.server()?;
    let account = context.connect()?.whoami().await?;
    context.output.show(&account, |account, text| write_text(account, server, text))
}

pub(super) fn write_text(account: &WhoamiResponse, server: &str, text: &mut Text) {
    let credential = match account.credential.kind {
        CredentialKind::Token => "token",
        CredentialKind::Session => "session",
    };
    text.fields(&[
        ("server", server.to_owned()),
        ("account", format!("{} ({})", account.account_name, account.account_id)),
        (credential, format!("{} ({})", account.credential.name, account.credential.id)),
        ("limited to", account.project_id.clone().or_else(|| account.organization_id.clone()).unwrap_or_default()),
        ("scopes", account.scopes.iter().map(word).collect::<Vec<_>>().join(", ")),
    ]);
}
