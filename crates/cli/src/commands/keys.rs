mod custody;
mod file;
mod list;
mod probe;
mod register;
mod succession;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pintle_core::PublicKey;
use pintle_sign::KeyReference;
use serde::Serialize;

use self::succession::DEFAULT_RECOVERY_KEY;
pub use self::{
    custody::UploadArgs,
    file::{ChangePasswordArgs, ExportArgs},
    list::ListArgs,
    register::RegisterArgs,
    succession::{RecoverArgs, RotateArgs},
};
use crate::{
    CommandError,
    context::Context,
    key::{DEFAULT_KEY, KeyArgs, make_key},
    output::Text,
};

/// Commands about signing keys. The private key stays where it is.
#[derive(Subcommand, Clone, Debug)]
pub enum KeysCommand {
    /// Make a new signing key in a file or in a token; nothing is sent
    Generate(GenerateArgs),
    /// Show the project's keys since its first, or with `--in` those in a token
    List(ListArgs),
    /// Show the public half of a key
    Show {
        /// The key
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Sign a probe with a key and verify it, to see that key and password work; nothing is sent to the server
    Test {
        /// The key
        #[command(flatten)]
        key: KeyArgs,
    },
    /// Register the public half of a key for the project; possible until the first release
    ///
    /// The key signs a probe first, so that nobody registers one that cannot sign. The server gets the public half and how
    /// the key is kept: `external` for a file or token, `kms`.
    #[command(visible_alias = "import")]
    Register(RegisterArgs),
    /// Write a key into another file, encrypted under a password of its own; not for keys in tokens and KMS
    Export(ExportArgs),
    /// Encrypt a key file, or with `--key server:` what the server keeps, under another password
    ///
    /// It is replaced in one step. The key itself stays the same. Copies made before still open with the old password: if somebody knows it, use
    /// `pintle keys rotate`.
    ChangePassword(ChangePasswordArgs),
    /// Have the server keep the key, encrypted under a password that it never learns
    ///
    /// Where no key file is at hand, `pintle release` then asks for that password, and signs here; other commands take it as
    /// `--key server:`. The server refuses what is not encrypted well. Members who may release can fetch the ciphertext, which
    /// the audit log tells. Another signing key makes the server forget this one.
    Upload(UploadArgs),
    /// Have the server forget the encrypted key; the project's key stays the same
    Discard,
    /// Replace the signing key: the old key vouches for the new one, and apps follow without a new build
    ///
    /// Makes the new key, has the old one sign for it, and releases the draft with the new one. Run again after an
    /// interruption, it goes on where it stopped.
    Rotate(RotateArgs),
    /// Replace a stolen or lost signing key by the recovery key; what the stolen one signed is void
    ///
    /// As `rotate`, with the recovery key in the old key's place. Every app that sees the release drops whatever it accepted
    /// from the thief, for good.
    Recover(RecoverArgs),
}

/// Options of `keys generate`.
#[derive(Args, Clone, Debug)]
pub struct GenerateArgs {
    /// Where to make it: a file (PKCS#8 in PEM, readable by you alone) or `pkcs11:token=NAME;object=KEY`
    ///
    /// What exists is never overwritten. A key made in a token cannot leave it; its public half and its name are what you
    /// see here. Have a recovery key, or a token that can be backed up by its own means: a lost token takes the key with it.
    #[arg(
        long,
        value_name = "KEY",
        default_value = DEFAULT_KEY,
        default_value_if("recovery", "true", DEFAULT_RECOVERY_KEY)
    )]
    out: KeyReference,
    /// Make a recovery key, to be kept offline, in pintle-recovery-key.pem; register it before the first release
    #[arg(long)]
    recovery: bool,
    /// Encrypt the file under a password, which is asked for twice
    #[arg(long)]
    encrypt: bool,
    /// Read the password, or the token's PIN, from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// Result of `keys generate` and `keys show`.
#[derive(Serialize)]
struct KeyReport {
    /// As it is named on the command line.
    key: String,
    /// RFC 7638 thumbprint.
    kid: String,
    /// DER SubjectPublicKeyInfo in base64, as in `pintle.json`.
    public_key: String,
}

impl KeyReport {
    fn new(name: &KeyReference, public_key: &PublicKey) -> Self {
        Self { key: name.to_string(), kid: public_key.kid().to_string(), public_key: public_key.to_base64() }
    }

    fn write_text(&self, text: &mut Text) {
        text.fields(&[("key", self.key.clone()), ("kid", self.kid.clone()), ("public key", self.public_key.clone())]);
    }
}

pub(crate) async fn run(command: &KeysCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        KeysCommand::Generate(args) => generate(args, context),
        KeysCommand::List(args) => list::run(args, context).await,
        KeysCommand::Show { key } => {
            let key = key.open(context).await?;
            context.output.show(&KeyReport::new(key.name(), &key.public_key()), KeyReport::write_text)
        }
        KeysCommand::Test { key } => probe::run(key, context).await,
        KeysCommand::Register(args) => register::run(args, context).await,
        KeysCommand::Export(args) => file::export(args, context).await,
        KeysCommand::ChangePassword(args) => file::change_password(args, context).await,
        KeysCommand::Upload(args) => custody::upload(args, context).await,
        KeysCommand::Discard => custody::discard(context).await,
        KeysCommand::Rotate(args) => succession::rotate(args, context).await,
        KeysCommand::Recover(args) => succession::recover(args, context).await,
    }
}

fn generate(args: &GenerateArgs, context: &Context) -> Result<(), CommandError> {
    let key = make_key(&args.out, args.encrypt, args.password_file.as_deref(), context)?;
    context.output.show(&KeyReport::new(&args.out, &key.public_key()), KeyReport::write_text)?;
    let is_file = matches!(args.out, KeyReference::File(_));
    context.output.say(|text| {
        text.gap();
        match (args.recovery, is_file) {
            (true, _) => text
                .line(&format!("Register it: pintle keys register --recovery-key {}", args.out))
                .line(
                    "Then move it off this machine, to a safe place, with a copy in another: it is needed only if the",
                )
                .line("signing key is stolen or lost, and whoever has it can take your apps over."),
            (false, true) => text
                .line("Keep a copy of this file in a safe place: without it no release can be signed,")
                .line("and whoever has it can sign for your apps."),
            (false, false) => text
                .line("The key cannot leave the token: if the token is lost or breaks, so is the key.")
                .line("Register a recovery key before the first release: pintle keys generate --recovery"),
        };
    });
    Ok(())
}
