//! The encrypted key that the server keeps.

use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use clap::Args;
use pintle_api::StoreKeyRequest;
use pintle_sign::{EncryptedKey, KeyFileError, KeyReference, Signer};

use crate::{
    CommandError,
    commands::release::derive_root,
    context::Context,
    key::{KeyArgs, KeyRole},
    output::GOOD,
    secret::make_next_password,
};

/// Options of `keys upload`.
#[derive(Args, Clone, Debug)]
pub struct UploadArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Read the password that will open it from the first line of FILE (else PINTLE_NEW_KEY_PASSWORD, else it is asked twice)
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
}

pub(super) async fn upload(args: &UploadArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    let key = args.key.open_in_memory(context).await?;
    let found = key.public_key().kid().to_string();
    if found != registered.kid {
        let (expected, role) = (registered.kid.clone(), KeyRole::Signing);
        return Err(CommandError::WrongKey { key: args.key.name().clone(), found, expected, role });
    }
    let failed = |error: KeyFileError| CommandError::Key { key: args.key.name().clone(), error: error.into() };
    // Encrypted anew: what the server gets meets its floor, whatever the file was encrypted with.
    let pem = key.to_encrypted_pem(&make_next_password(args.new_password_file.as_deref())?).map_err(failed)?;
    let encrypted = EncryptedKey::parse_pem(&pem).map_err(|error| CommandError::Internal(error.to_string()))?;
    let root = derive_root(&project.response, registered)?;
    let proof = key.sign(&encrypted.proof_message(root.organization(), root.project()))?;
    let request = StoreKeyRequest { pem: encrypted.as_pem().to_owned(), proof: Base64::encode_string(&proof) };
    let stored = client.store_key(project.reference(), &request).await?;
    context.output.show(&stored, |stored, text| {
        text.fields(&[("key", KeyReference::Server.to_string()), ("kid", stored.kid.clone())]);
    })?;
    context.output.say(|text| {
        text.gap().styled_line(GOOD, "The server keeps the key, encrypted. The password did not leave this machine.");
        text.line("Whoever may release and knows the password signs with `--key server:`, on any machine.");
        text.line("Who steals the server's database can try passwords: choose a long one.");
    });
    Ok(())
}

pub(super) async fn discard(context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    client.discard_key(project.reference()).await?;
    context.output.say(|text| {
        text.line("The server forgot the encrypted key. The project's key is the same as before: who has a copy signs with it.");
    });
    Ok(())
}
