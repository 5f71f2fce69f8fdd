//! `pintle account`: what a person does with the account they sign in with.

mod identities;
mod passkeys;
mod sessions;
mod totp;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use pintle_api::{
    AccountResponse, AddressRequest, Bearer, ConfirmRequest, Confirmed, Delivery, MailedResponse, SecondFactorRequest,
    SessionSecret, SetPasswordRequest, SignInRequest, SignInResponse, SignedIn,
};
use pintle_core::UnixTime;

use super::orgs::write_deletion;
use crate::{
    CommandError,
    context::Context,
    moment::show_moment,
    output::Text,
    secret::{self, load_code, load_password, load_second_factor, make_password},
};

pub use identities::IdentitiesCommand;
pub use passkeys::PasskeysCommand;
pub use sessions::SessionsCommand;
pub use totp::TotpCommand;

/// Commands about the account of whoever is at the terminal.
#[derive(Subcommand, Clone, Debug)]
pub enum AccountCommand {
    /// Have a code sent to your address, which makes you an account
    #[command(after_help = "\
The server has to be open to new accounts. What it answers is the same whether or not you have one already: the mail \
says. Enter the code with `pintle account confirm`.")]
    SignUp(AddressArgs),
    /// Enter the code of a mail, or of the server's operator
    #[command(after_help = "\
A code makes an account, sets a new password, or makes a new address count; it works once. Code and password are asked \
for without echo, or taken from --code-file and --password-file. A password has at least 12 characters; four or five \
unrelated words are a good one.")]
    Confirm(ConfirmArgs),
    /// Sign in with address and password, and remember it
    #[command(after_help = "\
The password is asked for without echo, or taken from --password-file or PINTLE_PASSWORD. The session is kept in \
credentials.toml of the configuration directory in place of any token; it ends after 30 days, or 12 hours without use. \
Acts that a thief of the session must not do need a sign-in of the last 10 minutes: sign in again.")]
    SignIn(SignInArgs),
    /// End this session, and forget it
    SignOut,
    /// Show your account
    Show,
    /// Have a code sent to your address, which sets a new password: for one that is lost
    Reset(AddressArgs),
    /// Set another password; every other session ends
    Password(PasswordArgs),
    /// Have a code sent to a new address; with it the address counts
    Address(AddressArgs),
    /// Your authenticator, asked for at sign-in: enable, disable
    #[command(subcommand)]
    Totp(TotpCommand),
    /// Your passkeys: list, rename, remove
    ///
    /// A passkey is added, and signs in, in a browser: this program has no way to an authenticator.
    #[command(subcommand)]
    Passkeys(PasskeysCommand),
    /// What single sign-on signs in to your account: list, link, unlink
    #[command(subcommand)]
    Identities(IdentitiesCommand),
    /// Delete your account
    ///
    /// You are signed out everywhere, and your tokens, memberships, name and address are gone at once; what audit logs say of
    /// you is erased for good within 30 days. Organizations stay: whoever is the last owner of one makes somebody else an
    /// owner or deletes it first.
    Delete {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Where you are signed in: list, end
    #[command(subcommand)]
    Sessions(SessionsCommand),
}

/// Names an address.
#[derive(Args, Clone, Debug)]
pub struct AddressArgs {
    /// As in ada@example.com
    #[arg(value_name = "ADDRESS")]
    email: String,
}

/// Options of `account confirm`.
#[derive(Args, Clone, Debug)]
pub struct ConfirmArgs {
    /// Your name, where the code makes an account [default: the address]
    #[arg(long)]
    name: Option<String>,
    /// Read the code from FILE, `-` for standard input
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordArgs,
}

/// Options of `account sign-in`.
#[derive(Args, Clone, Debug)]
pub struct SignInArgs {
    #[command(flatten)]
    address: AddressArgs,
    #[command(flatten)]
    password: PasswordArgs,
    /// Read the code of the authenticator, or a recovery code, from FILE [default: asked for, where it is needed]
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
}

/// Where the password comes from.
#[derive(Args, Clone, Debug)]
pub struct PasswordArgs {
    /// Read the password from FILE [default: PINTLE_PASSWORD, or asked for]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(crate) async fn run(command: &AccountCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        AccountCommand::SignUp(args) => {
            let answer = context.connect_anonymously()?.sign_up(&args.request()).await?;
            show_delivery(&answer, context)
        }
        AccountCommand::Reset(args) => {
            let answer = context.connect_anonymously()?.reset_password(&args.request()).await?;
            show_delivery(&answer, context)
        }
        AccountCommand::Address(args) => {
            let answer = context.connect()?.change_address(&args.request()).await?;
            show_delivery(&answer, context)
        }
        AccountCommand::Confirm(args) => confirm(args, context).await,
        AccountCommand::SignIn(args) => sign_in(args, context).await,
        AccountCommand::SignOut => sign_out(context).await,
        AccountCommand::Show => {
            let account = context.connect()?.read_account().await?;
            context.output.show(&account, write_account)
        }
        AccountCommand::Delete { yes } => {
            let client = context.connect()?;
            let account = client.read_account().await?;
            if !yes
                && !secret::confirm(&format!(
                    "Delete the account {}?",
                    account.email.as_deref().unwrap_or(&account.name)
                ))?
            {
                return Err(CommandError::Declined { what: "deleted" });
            }
            let deleted = client.delete_account().await?;
            context.output.show(&deleted, write_deletion)
        }
        AccountCommand::Password(args) => {
            let new_password = make_password(args.password_file.as_deref())?;
            context.connect()?.set_password(&SetPasswordRequest { new_password }).await?;
            context.output.say(|text| {
                text.line("Your password is changed. Every other session has ended.");
            });
            Ok(())
        }
        AccountCommand::Identities(command) => identities::run(command, context).await,
        AccountCommand::Passkeys(command) => passkeys::run(command, context).await,
        AccountCommand::Totp(command) => totp::run(command, context).await,
        AccountCommand::Sessions(command) => sessions::run(command, context).await,
    }
}

impl AddressArgs {
    fn request(&self) -> AddressRequest {
        AddressRequest { email: self.email.clone() }
    }
}

/// Some codes ask for a password and some do not; only the server knows, so the code is tried without one first.
async fn confirm(args: &ConfirmArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect_anonymously()?;
    let code = load_code(args.code_file.as_deref())?;
    let mut request = ConfirmRequest { code, name: args.name.clone(), password: None };
    let answer = match client.confirm(&request).await {
        Err(error) if error.code() == "password_missing" => {
            request.password = Some(make_password(args.password.password_file.as_deref())?);
            client.confirm(&request).await?
        }
        answer => answer?,
    };
    context.output.say(|text| {
        text.line(match answer.confirmed {
            Confirmed::SignedUp => "You have an account. Sign in: pintle account sign-in ADDRESS",
            Confirmed::PasswordSet => "Your password is set. Sign in: pintle account sign-in ADDRESS",
            Confirmed::AddressChanged => "Your address is changed.",
        });
    });
    context.output.show(&answer, |answer, text| {
        text.fields(&[("email", answer.email.clone())]);
    })
}

async fn sign_in(args: &SignInArgs, context: &Context) -> Result<(), CommandError> {
    let password = load_password(args.password.password_file.as_deref())?;
    let request = SignInRequest { email: args.address.email.clone(), password };
    let answer = context.connect_anonymously()?.sign_in(&request).await?;
    finish_sign_in(answer, args.code_file.as_deref(), context).await
}

/// The second step, where it is asked for, and keeping the session.
pub(super) async fn finish_sign_in(
    answer: SignInResponse,
    code_file: Option<&Path>,
    context: &Context,
) -> Result<(), CommandError> {
    let SignedIn { secret, session } = match answer {
        SignInResponse::Done(signed_in) => signed_in,
        SignInResponse::SecondFactor(step) => {
            let code = load_second_factor(code_file)?;
            let client = context.connect_anonymously()?;
            client.finish_sign_in(&SecondFactorRequest { pending: step.pending, code }).await?
        }
    };
    let secret = SessionSecret::parse(secret.expose_secret())
        .map_err(|_| CommandError::Internal("the server's answer holds no session".to_owned()))?;
    context.remember(&Bearer::Session(secret))?;
    let server = context.server()?;
    context.output.say(|text| {
        text.line(&format!("Signed in to {server}."));
    });
    context.output.show(&session, |session, text| sessions::write_rows(std::slice::from_ref(session), text))
}

async fn sign_out(context: &Context) -> Result<(), CommandError> {
    context.connect()?.end_session("current").await?;
    context.directory.forget_token(context.server()?)?;
    context.output.say(|text| {
        text.line("Signed out.");
    });
    Ok(())
}

fn show_delivery(answer: &MailedResponse, context: &Context) -> Result<(), CommandError> {
    context.output.say(|text| {
        text.line(match answer.delivery {
            Delivery::Mail => {
                "A mail is on its way, unless one went there minutes ago. Enter its code: pintle account confirm"
            }
            Delivery::Operator => {
                "This server sends no mail. Ask its operator for a code, from: pintle admin link ADDRESS"
            }
        });
    });
    context.output.show(answer, |_, _| {})
}

fn write_account(account: &AccountResponse, text: &mut Text) {
    let moment = |secs: u64| show_moment(UnixTime::from_secs(secs));
    text.fields(&[
        ("account", format!("{} ({})", account.name, account.id)),
        ("email", account.email.clone().unwrap_or_else(|| "none".to_owned())),
        ("password", account.password_changed_at.map_or("none".to_owned(), |at| format!("set {}", moment(at)))),
        (
            "authenticator",
            if account.has_totp {
                format!("on, {} recovery codes left", account.recovery_codes_left)
            } else {
                "off".to_owned()
            },
        ),
        ("passkeys", account.passkeys.to_string()),
        ("created", moment(account.created_at)),
    ]);
}
