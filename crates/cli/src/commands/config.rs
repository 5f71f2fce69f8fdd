use std::path::{Path, PathBuf};

use clap::Subcommand;
use pintle_core::{State, VerifiedConfig, claims::Claims, limits::MAX_CONFIG_BYTES, verify};
use pintle_service::UnverifiedConfig;
use serde::Serialize;
use serde_json::Value;

use crate::{
    CommandError,
    context::Context,
    fetch::fetch_config,
    file::{Audience, Existing, read_file, write_file},
    output::{BAD, CAREFUL, GOOD, Text, write_stdout},
    review::write_claims,
    root::{load_bundle, load_root},
};

/// Commands about signed configurations. None of them needs the server.
#[derive(Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Fetch what is published, as an app would, and keep it if it is authentic
    Fetch {
        /// The bundle that says where, and whose signature counts
        #[arg(long, value_name = "FILE", default_value = "pintle.json")]
        bundle: PathBuf,
        /// Where to write the file; `-` is standard output
        #[arg(long, value_name = "FILE", default_value = "pins.jws")]
        out: PathBuf,
        /// Replace an existing file
        #[arg(long)]
        force: bool,
    },
    /// Verify a file against a bundle; needs no network
    Verify {
        /// The signed configuration; `-` is standard input
        file: PathBuf,
        /// The bundle whose signature counts
        #[arg(long, value_name = "FILE", default_value = "pintle.json")]
        bundle: PathBuf,
    },
    /// Show what a file says WITHOUT verifying who says it; needs no bundle
    Decode {
        /// The signed configuration; `-` is standard input
        file: PathBuf,
    },
}

/// Result of `config fetch`, `verify` and `decode`.
#[derive(Serialize)]
struct ConfigReport {
    /// The file.
    file: PathBuf,
    /// Whether the signature and everything else was verified.
    verified: bool,
    /// Whether `exp` has passed (with `on_stale: keep` devices go on using it).
    past_expiry: bool,
    /// The protected header as it stands there.
    header: Value,
    /// The claims as they stand there.
    claims: Value,
}

pub(crate) async fn run(command: &ConfigCommand, context: &Context) -> Result<(), CommandError> {
    match command {
        ConfigCommand::Fetch { bundle, out, force } => fetch(bundle, out, *force, context).await,
        ConfigCommand::Verify { file, bundle } => {
            let root = load_root(bundle)?;
            let bytes = read_config(file)?;
            let accepted = verify(&bytes, &root, &State::default(), context.now)
                .map_err(|error| CommandError::Config { source_name: file.display().to_string(), error })?;
            show_verified(file, &bytes, &accepted.config, context)
        }
        ConfigCommand::Decode { file } => decode(file, context),
    }
}

async fn fetch(bundle: &Path, out: &Path, force: bool, context: &Context) -> Result<(), CommandError> {
    let source_name = bundle.display().to_string();
    let fetched = fetch_config(&load_bundle(bundle)?, &source_name).await?;
    if out == Path::new("-") {
        return write_stdout(&fetched.bytes);
    }
    let existing = if force { Existing::Replace } else { Existing::Keep };
    write_file(out, &fetched.bytes, Audience::Everybody, existing)?;
    let accepted = verify(&fetched.bytes, &fetched.root, &State::default(), context.now)
        .map_err(|error| CommandError::Config { source_name: "the published configuration".to_owned(), error })?;
    show_verified(out, &fetched.bytes, &accepted.config, context)
}

fn show_verified(file: &Path, bytes: &[u8], config: &VerifiedConfig, context: &Context) -> Result<(), CommandError> {
    let past_expiry = config.is_past_expiry(context.now);
    let report = into_report(read_parts(bytes, file)?, file, true, past_expiry);
    context.output.show(&report, |_, text| {
        text.styled_line(GOOD, &format!("verified: signed by {}", config.kid()));
        write_expiry_note(past_expiry, text);
        text.gap();
        write_claims(config.claims(), context.now, text);
    })
}

fn decode(file: &Path, context: &Context) -> Result<(), CommandError> {
    let bytes = read_config(file)?;
    let parts = read_parts(&bytes, file)?;
    let claims = Claims::parse(&parts.payload);
    let past_expiry = parts.is_past_expiry(context.now);
    let kid = parts.header.get("kid").and_then(Value::as_str).unwrap_or("?").to_owned();
    let report = into_report(parts, file, false, past_expiry);
    context.output.show(&report, |_, text| {
        text.styled_line(CAREFUL, &format!("NOT verified: anybody may have written this (it names the key {kid})"));
        write_expiry_note(past_expiry, text);
        text.gap();
        match &claims {
            Ok(claims) => write_claims(claims, context.now, text),
            Err(error) => {
                text.styled_line(BAD, &format!("no app would accept it: {error} [{}]", error.code()));
            }
        }
    })
}

fn write_expiry_note(past_expiry: bool, text: &mut Text) {
    if past_expiry {
        text.styled_line(CAREFUL, "it is past its expiry");
    }
}

fn read_config(file: &Path) -> Result<Vec<u8>, CommandError> {
    read_file(file, MAX_CONFIG_BYTES as u64)
}

fn read_parts(bytes: &[u8], file: &Path) -> Result<UnverifiedConfig, CommandError> {
    UnverifiedConfig::parse_untrusted(bytes)
        .map_err(|error| CommandError::Config { source_name: file.display().to_string(), error })
}

fn into_report(parts: UnverifiedConfig, file: &Path, verified: bool, past_expiry: bool) -> ConfigReport {
    ConfigReport { file: file.to_owned(), verified, past_expiry, header: parts.header, claims: parts.claims }
}
