use std::path::PathBuf;

use clap::Subcommand;
use pintle_api::TotpCodeRequest;

use crate::{CommandError, context::Context, secret::load_second_factor};

/// Commands about the authenticator.
#[derive(Subcommand, Clone, Debug)]
pub enum TotpCommand {
    /// Show the secret to put into an authenticator
    #[command(after_help = "\
Put the secret, or the otpauth URL as a QR code, into an authenticator app; then run `pintle account totp confirm`. Until \
then nothing changes.")]
    Enable,
    /// Put the authenticator in force with a code of it, and show the recovery codes, once
    Confirm {
        /// Read the code from FILE, `-` for standard input
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
    },
    /// Sign in with the password alone again; the recovery codes are gone with that
    Disable,
}

pub(super) async fn run(command: &TotpCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        TotpCommand::Enable => {
            let answer = client.begin_totp().await?;
            context.output.say(|text| {
                text.line("Put this into an authenticator, then: pintle account totp confirm");
            });
            context.output.show(&answer, |answer, text| {
                text.fields(&[
                    ("secret", answer.secret.expose_secret().to_owned()),
                    ("url", answer.url.expose_secret().to_owned()),
                ]);
            })
        }
        TotpCommand::Confirm { code_file } => {
            let code = load_second_factor(code_file.as_deref())?;
            let answer = client.confirm_totp(&TotpCodeRequest { code }).await?;
            context.output.say(|text| {
                text.line("From now on a code is asked for at sign-in. Keep these recovery codes; each works once.");
            });
            context.output.show(&answer, |answer, text| {
                for code in &answer.recovery_codes {
                    text.line(code.expose_secret());
                }
            })
        }
        TotpCommand::Disable => {
            client.remove_totp().await?;
            context.output.say(|text| {
                text.line("The authenticator is removed.");
            });
            Ok(())
        }
    }
}
