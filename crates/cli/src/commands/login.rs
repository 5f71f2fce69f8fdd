use pintle_api::client::Client;

use crate::{CommandError, context::Context, secret::ask_token};

pub(crate) async fn run(context: &Context) -> Result<(), CommandError> {
    let server = context.server()?;
    let token = match context.given_token()? {
        Some(token) => token,
        None => ask_token()?,
    };
    let account = Client::new(server, token.clone())?.whoami().await?;
    context.remember(&token)?;
    context.output.say(|text| {
        text.line(&format!("Signed in to {server} as {}.", account.account_name));
    });
    context.output.show(&account, |account, text| super::whoami::write_text(account, server, text))
}
