use clap::Args;
use pintle_api::{BeginSsoRequest, client::Client};

use super::account::finish_sign_in;
use crate::{CommandError, context::Context, loopback::Loopback, output::Output, secret::ask_token};

/// Options of `login`.
#[derive(Args, Clone, Debug)]
pub struct LoginArgs {
    /// Sign in with single sign-on instead, at PROVIDER or at the only one that the server has
    #[arg(long, value_name = "PROVIDER", num_args = 0..=1, default_missing_value = "")]
    sso: Option<String>,
}

pub(crate) async fn run(args: &LoginArgs, context: &Context) -> Result<(), CommandError> {
    match &args.sso {
        Some(provider) => sign_in(provider, context).await,
        None => login(context).await,
    }
}

async fn login(context: &Context) -> Result<(), CommandError> {
    let server = context.server()?;
    // Nobody is asked for a token that could be sent nowhere.
    let _usable = Client::anonymous(server)?;
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

async fn sign_in(provider: &str, context: &Context) -> Result<(), CommandError> {
    let client = context.connect_anonymously()?;
    let provider = choose_provider(&client, provider).await?;
    let loopback = Loopback::open().await?;
    let request = BeginSsoRequest { redirect_uri: loopback.redirect_uri(&provider), provider: provider.clone() };
    let step = client.begin_sso(&request).await?;
    ask_to_open(&step.authorization_url, &context.output);
    let answer = client.finish_sso(&loopback.wait(&provider, step).await?).await?;
    finish_sign_in(answer, None, context).await
}

/// The provider called `wanted`; without a name the only one there is.
pub(super) async fn choose_provider(client: &Client, wanted: &str) -> Result<String, CommandError> {
    let all = client.list_sso_providers().await?.providers;
    let wanted = (!wanted.is_empty()).then_some(wanted);
    let name = |name: &String| crate::context::Labels { id: name.clone(), names: vec![name.clone()] };
    crate::context::choose("provider", all, wanted, name)
}

/// No browser is started: which one, and where, people know better.
pub(super) fn ask_to_open(url: &str, output: &Output) {
    output.say(|text| {
        text.line("Open this in a browser on this machine:").gap().line(url);
    });
}
