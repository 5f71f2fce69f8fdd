use std::path::PathBuf;

use clap::{Args, Subcommand};
use pintle_api::RegisterKeyRequest;
use pintle_core::PublicKey;
use pintle_sign::{KeyFileError, Signer, SigningKey};
use serde::Serialize;

use crate::{
    CommandError,
    context::Context,
    file::{Audience, Existing, write_file},
    key_file::{DEFAULT_KEY_FILE, KeyFileArgs},
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
        /// Public half of the offline recovery key, one line of base64 as `keys show` prints it
        #[arg(long, value_name = "BASE64")]
        recovery_key: Option<String>,
    },
}

/// Options of `keys generate`.
#[derive(Args, Clone, Debug)]
pub struct GenerateArgs {
    /// Where to write the key (PKCS#8 in PEM, readable by you alone); an existing file is never overwritten
    #[arg(long, value_name = "FILE", default_value = DEFAULT_KEY_FILE)]
    out: PathBuf,
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
        KeysCommand::Register { key, recovery_key } => register(key, recovery_key.clone(), context).await,
    }
}

fn generate(args: &GenerateArgs, context: &Context) -> Result<(), CommandError> {
    if args.out.exists() {
        return Err(CommandError::Exists { path: args.out.clone() });
    }
    let failed = |error: KeyFileError| CommandError::KeyFile { path: args.out.clone(), error };
    let password = if args.encrypt { Some(make_key_password(args.password_file.as_deref())?) } else { None };
    let key = SigningKey::generate().map_err(failed)?;
    let pem = match &password {
        Some(password) => key.to_encrypted_pem(password),
        None => key.to_pem(),
    };
    // Whatever appeared since the look above still stays as it is.
    write_file(&args.out, pem.map_err(failed)?.as_bytes(), Audience::Owner, Existing::Keep)?;
    context.output.show(&KeyReport::new(args.out.clone(), &key.public_key()), KeyReport::write_text)?;
    context.output.say(|text| {
        text.gap();
        text.line("Keep a copy of this file in a safe place: without it no release can be signed,");
        text.line("and whoever has it can sign for your apps.");
    });
    Ok(())
}

async fn register(key: &KeyFileArgs, recovery_key: Option<String>, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let public_key = key.load(context.output)?.public_key();
    let request = RegisterKeyRequest { public_key: public_key.to_base64(), recovery_key };
    let registered = client.register_key(project.reference(), &request).await?;
    context.output.show(&registered, |_, text| {
        text.line(&format!("Registered {} as the signing key of {}.", public_key.kid(), project.display_name()));
    })
}
