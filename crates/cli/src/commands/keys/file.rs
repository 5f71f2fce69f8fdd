//! Key files and their passwords.

use std::path::{Path, PathBuf};

use clap::Args;
use pintle_sign::{KeyFileError, KeyReference, Signer, SigningKey};
use serde::Serialize;
use zeroize::Zeroizing;

use super::custody;
use crate::{
    CommandError,
    context::Context,
    file::{Audience, Existing, write_file},
    key::KeyArgs,
    output::{CAREFUL, GOOD},
    secret::make_next_password,
};

/// Options of `keys export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// The file to write, readable by you alone; an existing one is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Read the exported file's password from the first line of FILE (else PINTLE_NEW_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// Do not encrypt it: whoever reads the file can sign for your apps
    #[arg(long, conflicts_with = "new_password_file")]
    plain: bool,
}

/// Options of `keys change-password`.
#[derive(Args, Clone, Debug)]
pub struct ChangePasswordArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Read the new password from the first line of FILE (else PINTLE_NEW_KEY_PASSWORD, else it is asked twice)
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
}

/// Result of `keys export` and `keys change-password`.
#[derive(Serialize)]
struct FileReport {
    /// The file that was written.
    file: PathBuf,
    /// RFC 7638 thumbprint of the key in it.
    kid: String,
    /// Whether a password opens it.
    encrypted: bool,
}

pub(super) async fn export(args: &ExportArgs, context: &Context) -> Result<(), CommandError> {
    if args.out.exists() {
        return Err(CommandError::Exists { path: args.out.clone() });
    }
    let key = args.key.open_in_memory(context).await?;
    let pem = if args.plain {
        key.to_pem()
    } else {
        key.to_encrypted_pem(&make_next_password(args.new_password_file.as_deref())?)
    };
    write_key(&args.out, pem, Existing::Keep)?;
    show(&args.out, &key, !args.plain, context)
}

pub(super) async fn change_password(args: &ChangePasswordArgs, context: &Context) -> Result<(), CommandError> {
    let path = match args.key.name() {
        KeyReference::File(path) => path,
        KeyReference::Server => return custody::store(&args.key, args.new_password_file.as_deref(), context).await,
        _ => return Err(CommandError::NotExportable { key: args.key.name().clone() }),
    };
    let key = args.key.open_in_memory(context).await?;
    let pem = key.to_encrypted_pem(&make_next_password(args.new_password_file.as_deref())?);
    write_key(path, pem, Existing::Replace)?;
    show(path, &key, true, context)
}

fn write_key(
    path: &Path,
    pem: Result<Zeroizing<String>, KeyFileError>,
    existing: Existing,
) -> Result<(), CommandError> {
    let name = KeyReference::File(path.to_owned());
    let pem = pem.map_err(|error| CommandError::Key { key: name, error: error.into() })?;
    write_file(path, pem.as_bytes(), Audience::Owner, existing)
}

fn show(path: &Path, key: &SigningKey, encrypted: bool, context: &Context) -> Result<(), CommandError> {
    let report = FileReport { file: path.to_owned(), kid: key.public_key().kid().to_string(), encrypted };
    context.output.show(&report, |report, text| {
        text.fields(&[("file", report.file.display().to_string()), ("kid", report.kid.clone())]);
    })?;
    context.output.say(|text| {
        text.gap();
        if encrypted {
            text.styled_line(GOOD, "Written, encrypted under the new password. Nothing left this machine.");
        } else {
            text.styled_line(CAREFUL, "Written, not encrypted: whoever reads the file can sign for your apps.");
        }
    });
    Ok(())
}
