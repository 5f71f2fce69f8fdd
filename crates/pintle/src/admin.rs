//! `pintle admin`: what an operator does with the database, on the machine of the server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pintle_cli::{ExitStatus, Failure, Format, Output, Text, write_stdout};
use pintle_server::{
    ServerConfig, ServerError,
    admin::{self, AdminError, LinkKind, LostFactors},
};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{config, settings::SettingsArgs};

/// Commands of the operator.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum AdminCommand {
    /// Copy the SQLite database, as it is at one moment, to a new file; servers go on meanwhile
    #[command(after_help = "\
The copy is looked through before it gets its name, and is readable by you alone: it holds hashes of tokens and \
unreleased drafts. It is one file; nothing else needs a backup but signing keys, which the server does not have. For \
PostgreSQL, use pg_dump: docs/operations/backup.md.")]
    Backup(FileArgs),
    /// Put a backup in the place of the SQLite database; the one that was there is kept beside it
    #[command(after_help = "\
Stop the server first: a restore under a running one is refused. The backup is looked through, every release in it \
verified as an app would, and brought up to this version's schema; only then it takes the database's place, at once. \
Every project skips a thousand release numbers, because apps refuse a number they have seen. Release each project \
again afterwards. Tokens that were revoked since the backup are valid again: revoke them anew.")]
    Restore(FileArgs),
    /// Tell Pintle that pg_restore has restored its PostgreSQL database
    #[command(after_help = "\
Run it before the server starts again. Every project skips a thousand release numbers, because apps refuse a number \
they have seen.")]
    AfterRestore(DatabaseArgs),
    /// Look through the whole database and verify every release in it; changes nothing, and servers go on meanwhile
    Check(DatabaseArgs),
    /// Write the audit log of the installation to standard output, as JSON Lines
    #[command(after_help = "\
It holds what belongs to no organization: set-up, restores, sign-ins with unknown addresses, the operator's own acts. Prove \
it like any other export, and keep the head that is printed: pintle admin audit | pintle audit verify -")]
    Audit(DatabaseArgs),
    /// Make a code for an address: it makes an account, or sets the password of the one there is
    #[command(after_help = "\
Hand the code over by a way you trust; whoever has it enters it with `pintle account confirm`, once, within 24 hours. \
With --account the code gives that account the address and a password: the way to a first password for the account of a \
fresh installation, whose id `pintle whoami` shows. With --break-glass the new password signs in for 24 hours although \
single sign-on is required: the way in when that fails. Servers go on meanwhile, and the audit log says that it was made.")]
    Link(LinkArgs),
    /// Remove the authenticator of somebody who lost it and its recovery codes
    #[command(after_help = "\
Be sure that it is them: who can read their mailbox gets in afterwards. Every session of the account ends, a mail tells \
its owner, and the audit log of each of their organizations says it. The password stays; make another with `pintle admin \
link` where that may be lost, too. Servers go on meanwhile.")]
    RemoveFactors(RemoveFactorsArgs),
}

/// Options of `admin remove-factors`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RemoveFactorsArgs {
    /// As in ada@example.com, or acc_…
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// Remove the passkeys, too: the devices are lost
    #[arg(long)]
    passkeys: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Options of `admin link`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LinkArgs {
    /// As in ada@example.com
    #[arg(value_name = "ADDRESS")]
    email: String,
    /// The account that gets the address [default: the one that has it, or a new one]
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Have the new password sign in for 24 hours although single sign-on is required
    #[arg(long, conflicts_with = "account")]
    break_glass: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// A command about a file.
#[derive(Args, Clone, Debug)]
pub(crate) struct FileArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Where the database is: what `serve` would read.
#[derive(Args, Clone, Debug)]
pub(crate) struct DatabaseArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Read options from a TOML file [default: pintle.toml in this directory, if there is one]
    #[arg(long, value_name = "FILE", env = "PINTLE_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
}

/// Result of any of the commands; members that a command knows nothing of are left out.
#[derive(Default, Serialize)]
struct Report {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projects: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    releases: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipping_projects: Option<usize>,
    /// Opens an account: this is the one place it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Zeroizing<String>>,
}

/// What a command answers.
enum Answer {
    /// Shown in the format that was asked for.
    Report(Report),
    /// A file, as it is.
    Lines(String),
}

pub(crate) fn run(command: &AdminCommand, format: Format) -> ExitStatus {
    let (AdminCommand::Backup(FileArgs { database, .. })
    | AdminCommand::Restore(FileArgs { database, .. })
    | AdminCommand::AfterRestore(database)
    | AdminCommand::Audit(database)
    | AdminCommand::Link(LinkArgs { database, .. })
    | AdminCommand::RemoveFactors(RemoveFactorsArgs { database, .. })
    | AdminCommand::Check(database)) = command;
    let loaded = match database.settings.load(database.config.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            config::unreadable(&error).report(format);
            return ExitStatus::Input;
        }
    };
    config::tell(&loaded);
    let Ok(server) = loaded.into_config() else { return ExitStatus::Input };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let (code, message) = ("internal_error".to_owned(), format!("the runtime cannot start: {error}"));
            Failure { code, message, hint: None }.report(format);
            return ExitStatus::Internal;
        }
    };
    let shown = match runtime.block_on(perform(command, &server)) {
        Ok(Answer::Report(report)) => (Output { format }).show(&report, |report, text| describe(command, report, text)),
        Ok(Answer::Lines(lines)) => write_stdout(lines.as_bytes()),
        Err(error) => {
            let (code, hint) = (error.code().to_owned(), Some(error.hint().to_owned()));
            Failure { code, message: error.to_string(), hint }.report(format);
            return exit_status(&error);
        }
    };
    match shown {
        Ok(()) => ExitStatus::Success,
        Err(error) => {
            error.to_failure().report(format);
            error.exit_status()
        }
    }
}

async fn perform(command: &AdminCommand, server: &ServerConfig) -> Result<Answer, AdminError> {
    let report = match command {
        AdminCommand::Audit(_) => return Ok(Answer::Lines(admin::export_audit(server).await?)),
        AdminCommand::Backup(args) => {
            let backup = admin::back_up(server, &args.file).await?;
            let (bytes, schema_version) = (Some(backup.bytes), Some(backup.schema_version));
            Report { file: Some(backup.path), bytes, schema_version, ..Report::default() }
        }
        AdminCommand::Restore(args) => {
            let restored = admin::restore(server, &args.file).await?;
            let (kept, skipping_projects) = (restored.kept, Some(restored.skipping_projects));
            Report { file: Some(restored.path), kept, skipping_projects, ..Report::default() }
        }
        AdminCommand::AfterRestore(_) => {
            Report { skipping_projects: Some(admin::after_restore(server).await?), ..Report::default() }
        }
        AdminCommand::Link(args) => {
            let kind = match &args.account {
                Some(account) => LinkKind::Account(account),
                None if args.break_glass => LinkKind::BreakGlass,
                None => LinkKind::Address,
            };
            let secret = admin::make_link(server, &args.email, kind).await?;
            Report { code: Some(Zeroizing::new(secret.expose_secret().to_owned())), ..Report::default() }
        }
        AdminCommand::RemoveFactors(args) => {
            let lost = if args.passkeys { LostFactors::AuthenticatorAndPasskeys } else { LostFactors::Authenticator };
            admin::remove_lost_factors(server, &args.account, lost).await?;
            Report::default()
        }
        AdminCommand::Check(_) => {
            let checked = admin::check(server).await?;
            let (schema_version, projects) = (Some(checked.schema_version), Some(checked.projects));
            let (database, releases) = (Some(checked.database), Some(checked.releases));
            Report { database, schema_version, projects, releases, ..Report::default() }
        }
    };
    Ok(Answer::Report(report))
}

fn describe(command: &AdminCommand, report: &Report, text: &mut Text) {
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let number = |number: Option<usize>| number.unwrap_or_default();
    let skipping = format!("{} projects skip release numbers: release them again.", number(report.skipping_projects));
    match command {
        AdminCommand::Backup(_) => {
            let (bytes, schema) = (report.bytes.unwrap_or_default(), report.schema_version.unwrap_or_default());
            text.line(&format!("{}: {bytes} bytes, schema version {schema}, looked through.", path(&report.file)))
        }
        AdminCommand::Restore(_) => {
            text.line(&format!("{} is restored. {skipping}", path(&report.file)));
            match &report.kept {
                Some(_) => text.line(&format!("What was there is kept as {}", path(&report.kept))),
                None => text,
            }
        }
        AdminCommand::AfterRestore(_) => text.line(&skipping),
        AdminCommand::Audit(_) => text,
        AdminCommand::Link(_) => text.line(report.code.as_deref().map(String::as_str).unwrap_or_default()),
        AdminCommand::RemoveFactors(_) => text.line("Removed. Every session of the account has ended."),
        AdminCommand::Check(_) => text.line(&format!(
            "{}: schema version {}, {} projects, {} releases, all as they should be.",
            report.database.as_deref().unwrap_or_default(),
            report.schema_version.unwrap_or_default(),
            number(report.projects),
            number(report.releases),
        )),
    };
}

fn exit_status(error: &AdminError) -> ExitStatus {
    match error {
        AdminError::Exists { .. } | AdminError::Server(ServerError::DataDirLocked { .. }) => ExitStatus::Conflict,
        AdminError::Postgres { .. } => ExitStatus::Usage,
        AdminError::NoDatabase { .. } => ExitStatus::NotFound,
        AdminError::Service(_) if error.code() == "not_found" => ExitStatus::NotFound,
        AdminError::Service(_) => ExitStatus::Unavailable,
        _ => ExitStatus::Input,
    }
}
