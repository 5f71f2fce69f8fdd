mod succession;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use pintle_api::RegisterKeyRequest;
use pintle_core::PublicKey;
use pintle_sign::{KeyFileError, Signer, SigningKey};
use serde::Serialize;

use self::succession::DEFAULT_RECOVERY_KEY_FILE;
pub use self::succession::{RecoverArgs, RotateArgs};
use crate::{
    CommandError,
    context::Context,
    file::{Audience, Existing, write_file},
    key_file::{DEFAULT_KEY_FILE, KeyFileArgs, load_public_key},
    output::Text,
    secret::make_key_password,
};

/// Commands about signing keys. The private key never leaves this machine.
#[derive(Subcommand, Clone, Debug)]
pub enum KeysCommand {
    /// Make a new signing key in a file; nothing is sent
    Generate(GenerateArgs),
    /// Show the public half of a key file
    Show {
        /// The key
        #[command(flatten)]
        key: KeyFileArgs,
    },
    /// Register the public half of a key file for the project; possible until the first release
    Register {
        /// The key
        #[command(flatten)]
        key: KeyFileArgs,
        /// Recovery key: its public half in base64 as `keys show` prints it, or its file; only before the first release
        ///
        /// Apps embed it (it is part of pintle.json), so one that is registered later would reach no app that is out there. A
        /// project that has released without one gets it by a new project: new builds embed its root, running apps take it up
        /// by the SDK's `reconfigure`.
        #[arg(long, value_name = "BASE64|FILE")]
        recovery_key: Option<String>,
    },
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
    /// Where to write the key (PKCS#8 in PEM, readable by you alone); an existing file is never overwritten
    #[arg(
        long,
        value_name = "FILE",
        default_value = DEFAULT_KEY_FILE,
        default_value_if("recovery", "true", DEFAULT_RECOVERY_KEY_FILE)
    )]
    out: PathBuf,
    /// Make a recovery key, to be kept offline, in pintle-recovery-key.pem; register it before the first release
    #[arg(long)]
    recovery: bool,
    /// Encrypt it under a password, which is asked for twice
    #[arg(long)]
    encrypt: bool,
    /// Read the password from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE", requires = "encrypt")]
    password_file: Option<PathBuf>,
}

/// Result of `keys generate` and `keys show`.
#[derive(Serialize)]
struct KeyReport {
    /// The key file.
    file: PathBuf,
    /// RFC 7638 thumbprint.
    kid: String,
    /// DER SubjectPublicKeyInfo in base64, as in `pintle.json`.
    public_key: String,
}

impl KeyReport {
    fn new(file: PathBuf, public_key: &PublicKey) -> Self {
        Self { file, kid: public_key.kid().to_string(), public_key: public_key.to_base64() }
    }

    fn write_text(&self, text: &mut Text) {
        text.fields(&[
            ("file", self.file.display().to_string()),
            ("kid", self.kid.clone()),
            ("public key", self.public_key.clone()),
        ]);
    }
}

pub(crate) async fn run(command: &KeysCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        KeysCommand::Generate(args) => generate(args, context),
        KeysCommand::Show { key } => {
            let report = KeyReport::new(key.path().to_owned(), &key.load(context.output)?.public_key());
            context.output.show(&report, KeyReport::write_text)
        }
        KeysCommand::Register { key, recovery_key } => register(key, recovery_key.as_deref(), context).await,
        KeysCommand::Rotate(args) => succession::rotate(args, context).await,
        KeysCommand::Recover(args) => succession::recover(args, context).await,
    }
}

fn generate(args: &GenerateArgs, context: &Context) -> Result<(), CommandError> {
    let key = make_key_file(&args.out, args.encrypt, args.password_file.as_deref())?;
    context.output.show(&KeyReport::new(args.out.clone(), &key.public_key()), KeyReport::write_text)?;
    context.output.say(|text| {
        text.gap();
        if args.recovery {
            text.line(&format!("Register it: pintle keys register --recovery-key {}", args.out.display()));
            text.line(
                "Then move it off this machine, to a safe place, with a copy in another: it is needed only if the",
            );
            text.line("signing key is stolen or lost, and whoever has it can take your apps over.");
        } else {
            text.line("Keep a copy of this file in a safe place: without it no release can be signed,");
            text.line("and whoever has it can sign for your apps.");
        }
    });
    Ok(())
}

/// Makes a key in a file of its own, which must not exist.
pub(super) fn make_key_file(
    path: &Path,
    encrypt: bool,
    password_file: Option<&Path>,
) -> Result<SigningKey, CommandError> {
    if path.exists() {
        return Err(CommandError::Exists { path: path.to_owned() });
    }
    let failed = |error: KeyFileError| CommandError::KeyFile { path: path.to_owned(), error };
    let password = if encrypt { Some(make_key_password(password_file)?) } else { None };
    let key = SigningKey::generate().map_err(failed)?;
    let pem = match &password {
        Some(password) => key.to_encrypted_pem(password),
        None => key.to_pem(),
    };
    // Whatever appeared since the look above still stays as it is.
    write_file(path, pem.map_err(failed)?.as_bytes(), Audience::Owner, Existing::Keep)?;
    Ok(key)
}

async fn register(key: &KeyFileArgs, recovery_key: Option<&str>, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let public_key = key.load(context.output)?.public_key();
    let recovery_key = recovery_key.map(|given| read_recovery_key(given, context)).transpose()?;
    let request = RegisterKeyRequest { public_key: public_key.to_base64(), recovery_key };
    let registered = client.register_key(project.reference(), &request).await?;
    context.output.show(&registered, |_, text| {
        text.line(&format!("Registered {} as the signing key of {}.", public_key.kid(), project.display_name()));
    })
}

/// The public half of a recovery key: given as such, or by the file of the key.
fn read_recovery_key(given: &str, context: &Context) -> Result<String, CommandError> {
    match PublicKey::parse_base64(given) {
        Ok(public_key) => Ok(public_key.to_base64()),
        Err(_) => Ok(load_public_key(Path::new(given), None, context.output)?.to_base64()),
    }
}
