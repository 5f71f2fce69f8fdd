//! The encrypted key that the server keeps.

use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use clap::Args;
use pintle_api::{KeyOpener, StoreKeyRequest};
use pintle_sign::{EncryptedKey, KeyFileError, KeyReference, Signer};
use secrecy::ExposeSecret;

use crate::{
    CommandError,
    commands::release::derive_root,
    context::Context,
    key::{KeyArgs, KeyRole},
    output::GOOD,
    secret::make_next_password,
};

/// Whoever steals the database guesses at home, as fast as they like. As for accounts.
const MIN_PASSWORD_CHARS: usize = 12;

/// Options of `keys upload`.
#[derive(Args, Clone, Debug)]
pub struct UploadArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Read the password that will open it, of 12 characters or more, from the first line of FILE (else
    /// PINTLE_NEW_KEY_PASSWORD, else it is asked twice)
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
}

pub(super) async fn upload(args: &UploadArgs, context: &Context) -> Result<(), CommandError> {
    store(&args.key, args.new_password_file.as_deref(), context).await?;
    context.output.say(|text| {
        text.line(
            "Whoever may release and knows the password signs on any machine, with `pintle release` or in a browser.",
        );
        text.line("Whoever steals the server's database can try passwords: choose a long one.");
    });
    Ok(())
}

/// Encrypts the project's key under a new password, and has the server keep that.
pub(super) async fn store(
    args: &KeyArgs,
    new_password_file: Option<&Path>,
    context: &Context,
) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    let key = args.open_in_memory(context).await?;
    let found = key.public_key().kid().to_string();
    if found != registered.kid {
        let (expected, role) = (registered.kid.clone(), KeyRole::Signing);
        return Err(CommandError::WrongKey { key: args.name().clone(), found, expected, role });
    }
    let password = make_next_password(new_password_file)?;
    if password.expose_secret().chars().count() < MIN_PASSWORD_CHARS {
        return Err(PASSWORD_SHORT);
    }
    // Encrypted anew: what the server gets meets its floor and opens in browsers, whatever the file was encrypted with.
    let failed = |error: KeyFileError| CommandError::Key { key: args.name().clone(), error: error.into() };
    let encrypted = EncryptedKey::seal(&key, &password).map_err(failed)?;
    let root = derive_root(&project.response, registered)?;
    let proof = key.sign(&encrypted.proof_message(root.organization(), root.project()))?;
    let request = StoreKeyRequest {
        pem: encrypted.as_pem().to_owned(),
        opened_by: KeyOpener::Password {},
        proof: Base64::encode_string(&proof),
    };
    let stored = client.store_key(project.reference(), &request).await?;
    context.output.show(&stored, |stored, text| {
        text.fields(&[("key", KeyReference::Server.to_string()), ("kid", stored.kid.clone())]);
    })?;
    context.output.say(|text| {
        text.gap().styled_line(GOOD, "The server keeps the key, encrypted. The password did not leave this machine.");
    });
    Ok(())
}

const PASSWORD_SHORT: CommandError = CommandError::Value {
    code: "password_short",
    value: String::new(),
    expected: "a password of at least 12 characters, for what others may steal",
};

pub(super) async fn discard(context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    client.discard_key(project.reference()).await?;
    context.output.say(|text| {
        text.line(
            "The server forgot the encrypted key. The project's key is the same: whoever has a copy signs with it.",
        );
    });
    Ok(())
}
