//! The commands of `pintle`, one file each. Commands that manage a project talk to a server's API; signing, verifying
//! and checking happen here, through the same code as in an app.
//!
//! ```text
//! arguments ──► Command ──► commands/*.rs ──► API client · sign · core · SDK · discover
//!                               │
//!               data to stdout ─┴─ talk to stderr, exit status by kind ([`ExitStatus`])
//! ```
//!
//! What it does not do: it starts no server (the binary does), sends no private key anywhere, and has no rule of its
//! own about pins or configurations.
//!
//! # Example
//! ```no_run
//! use clap::Parser;
//!
//! #[derive(Parser)]
//! struct Arguments {
//!     #[command(flatten)]
//!     global: pintle_cli::GlobalArgs,
//!     #[command(subcommand)]
//!     command: pintle_cli::Command,
//! }
//!
//! let arguments = Arguments::parse();
//! let status = pintle_cli::run(&arguments.command, arguments.global);
//! std::process::exit(i32::from(status as u8));
//! ```

mod commands;
mod context;
mod error;
mod exit;
mod fetch;
mod file;
mod guarding;
mod key;
mod loopback;
mod moment;
mod output;
mod review;
mod root;
mod secret;
mod settings;
mod word;

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use pintle_core::UnixTime;

pub use commands::{
    account::{AccountCommand, IdentitiesCommand, PasskeysCommand, SessionsCommand, TotpCommand},
    alerts::AlertsCommand,
    audit::{AuditCommand, AuditFilter, ExportFormat},
    bundle::BundleArgs,
    certs::CertsArgs,
    check::CheckArgs,
    config::ConfigCommand,
    configure::ConfigureArgs,
    ct::{CtCommand, FillArgs, SctSource},
    diff::DiffArgs,
    doctor::DoctorArgs,
    domains::{DomainSettings, DomainsCommand},
    draft::{DraftCommand, DraftSettingsArgs},
    drift::{DriftArgs, DriftCommand},
    emergency::{
        EditArgs, EmergencyCommand, EmergencyExportArgs, EmergencyReleaseArgs, KnownArgs, ReconcileArgs, TargetArgs,
    },
    guard::GuardCommandArgs,
    hook::{CertbotArgs, HookCommand},
    invitations::InvitationsCommand,
    keys::{
        ChangePasswordArgs, ExportArgs, GenerateArgs, KeysCommand, ListArgs, RecoverArgs, RegisterArgs, RotateArgs,
        UploadArgs,
    },
    logged::CtArgs,
    login::LoginArgs,
    look::{CompleteArgs, WayArgs},
    members::MembersCommand,
    notifications::{CalendarCommand, NotificationsCommand, When},
    orgs::OrgsCommand,
    pins::{AddArgs, LoggedArgs, PinChanges, PinSource, PinsCommand, RefreshArgs, SyncArgs, SyncEndArgs},
    probe::{ProbeCommand, RunArgs},
    projects::{CopyArgs, ProjectChanges, ProjectsCommand},
    release::{ReleaseArgs, SigningArgs},
    releases::ReleasesCommand,
    rotate::{FinishArgs, NextKey, PlanArgs, RotateCommand, StartArgs, WatchArgs},
    status::StatusArgs,
    targets::TargetsCommand,
    tokens::{CreateArgs, TokensCommand},
    violations::ViolationsArgs,
    webhooks::{Format as WebhookFormat, WebhooksCommand},
    withdraw::RestoreArgs,
};
pub use context::GlobalArgs;
pub use error::{CommandError, EmergencyFailure};
pub use exit::ExitStatus;
pub use guarding::{GuardArgs, LookArgs};
pub use key::{KeyArgs, KeyRole};
pub use output::{Failure, Format, Output, Text, write_stdout};

use context::Context;

/// Every command that manages, signs, verifies or checks.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Sign in to a server with an API token, or with single sign-on, and remember it
    #[command(after_help = "\
The token is asked for without echo, or taken from --token-file or PINTLE_TOKEN. It is checked against the server and \
kept in credentials.toml of the configuration directory, readable by you alone. The server becomes the default. With --sso a URL \
is printed, to be opened in a browser on this machine; the answer comes back to a port of it. To sign in with address \
and password, use `pintle account sign-in`.")]
    Login(LoginArgs),
    /// Your account: sign up, sign in and out, password, authenticator, identities, address, sessions
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show or change the defaults: server, organization, project, output
    #[command(after_help = "\
--server, --organization, --project and --output become defaults; without any of them nothing changes. They are kept \
in config.toml in $PINTLE_CONFIG_DIR, else in $XDG_CONFIG_HOME/pintle, else in ~/.config/pintle.")]
    Configure(ConfigureArgs),
    /// Show who you are signed in as, and what you may do
    Whoami,
    /// Organizations: create, list, rename, leave, export, delete
    #[command(subcommand)]
    Orgs(OrgsCommand),
    /// Members of the organization: list, invite, role, remove
    #[command(subcommand)]
    Members(MembersCommand),
    /// Invitations into organizations: list, revoke, accept
    #[command(subcommand)]
    Invitations(InvitationsCommand),
    /// API tokens for programs: create, list, rename, revoke
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// The audit log: list, export, verify
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What is open in the organization, and what is due
    #[command(after_help = "\
What holds of alerts, with what to do, and every certificate, pin and configuration that ends within --days. Exit status: 0 \
if nothing is open but notes, 1 if something is, another number if that could not be found out.")]
    Status(StatusArgs),
    /// Alerts of the organization: list, show
    #[command(subcommand)]
    Alerts(AlertsCommand),
    /// What you are told of, by mail or in a calendar: show, set
    #[command(subcommand)]
    Notifications(NotificationsCommand),
    /// Places that are told of alerts: list, add, test, rotate the secret, replay, remove
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Projects, one per app and environment: create, list, show, set, copy, delete
    #[command(subcommand)]
    Projects(ProjectsCommand),
    /// Where releases go besides the built-in origin: list, add, test, remove
    #[command(subcommand)]
    Targets(TargetsCommand),
    /// Signing keys, in a file, a token or a KMS: generate, import, list, test, upload, rotate, recover
    #[command(
        subcommand,
        after_help = "\
A key is named by KEY, in every command:\n
  FILE                 a PKCS#8 file in PEM, plain or encrypted, as openssl reads and writes it
  pkcs11:token=NAME;object=KEY
                       a key in an HSM or smart card (RFC 7512); the module that came with it by
                       `?module-path=FILE` at the end or PINTLE_PKCS11_MODULE
  awskms:ARN           a key in AWS KMS; AWS_ACCESS_KEY_ID etc., or the machine's role
  gcpkms:projects/…    a key version in Google Cloud KMS; PINTLE_KMS_TOKEN, or the machine's account
  azurekms:https://…   a key in Azure Key Vault; PINTLE_KMS_TOKEN, or the machine's identity
  server:              the key that the server keeps, encrypted (`keys upload`); opened here\n
Whoever can use the key can sign for your apps, and nobody else can: not the server, not Pintle. A key in a file is \
used on this machine; one in a token or KMS never leaves it, and what goes there is a digest. Passwords and PINs are asked, or come by --password-file or \
PINTLE_KEY_PASSWORD, never by the command line; a PIN is tried once. docs/howto/keys.md helps to choose."
    )]
    Keys(KeysCommand),
    /// Domains of the draft: add, list, set, remove
    #[command(subcommand)]
    Domains(DomainsCommand),
    /// Pins of the draft: add from a host, a file or by hand; list, set, sync, remove
    #[command(subcommand)]
    Pins(PinsCommand),
    /// Change the key of a domain's servers without cutting an app off: start, plan, watch, finish
    #[command(subcommand)]
    Rotate(RotateCommand),
    /// Hooks for programs that renew certificates: certbot
    #[command(subcommand)]
    Hook(HookCommand),
    /// Certificate Transparency: import a log list, show it, declare the logs of a live certificate
    #[command(subcommand)]
    Ct(CtCommand),
    /// The draft, which is what the next release will say: show, set
    #[command(subcommand)]
    Draft(DraftCommand),
    /// Find out what a release would do to users, without making one: the draft, or a file
    #[command(after_help = "\
The server looks at the live servers of every entry, and so does this machine unless --no-probe: an installation that \
holds the new release decides, by the code that runs in apps. `pintle release` does the same before it signs, and refuses \
alike. With --file nothing but that file (and the live servers) is asked; with --no-probe as well, nothing at all. What \
each finding means stands in docs/spec/guard.md. Exit status: 0 if there is no error (with --fail-on warning: nor a \
warning), 7 if there is, another number if that could not be found out.")]
    Guard(GuardCommandArgs),
    /// Release the draft: review, sign here, submit, wait until it is live
    #[command(after_help = "\
The server prepares the exact bytes to sign. They are read here, compared with what apps have now, and shown; what you \
confirm is what is signed. The key stays here: the server gets the signature and checks it like an app.")]
    Release(ReleaseArgs),
    /// Compare releases with each other and with the draft
    Diff(DiffArgs),
    /// Releases: list, show, roll back, approve, cancel
    #[command(subcommand)]
    Releases(ReleasesCommand),
    /// Show what apps reported of refused connections, and of those they would refuse
    #[command(after_help = "\
Apps report where their SDK is told a collector, and the server takes reports where `reports.enabled` says so. Sums by day, \
entry, code and release: nothing about users. Anyone can send anything, so that a report is a question and proves nothing.")]
    Violations(ViolationsArgs),
    /// Tell every app to refuse every connection, by a signed release, until it is restored
    Withdraw(SigningArgs),
    /// Serve again what was served before a withdrawal
    Restore(RestoreArgs),
    /// The bad day: releases without a server, straight to the targets, and the way back
    #[command(subcommand)]
    Emergency(EmergencyCommand),
    /// Signed configurations, without a server: fetch, verify, decode. The binary has them beside its own `config check`.
    #[command(skip)]
    Config(ConfigCommand),
    /// Show the certificates that a host presents, at every address, with their pins
    #[command(after_help = "\
Every address is asked for elliptic curve and RSA keys, and for TLS 1.2: servers may answer each differently. No data is \
sent, no certificate is verified, and no Pintle server is needed.")]
    Certs(CertsArgs),
    /// Connect to a host as an app would, and say what is decided and why
    #[command(after_help = "\
The SDK fetches the configuration that the bundle leads to and decides the connection like in an app; no request is \
sent. Exit status: 0 if the app would connect, 7 if it would refuse, another number if that could not be found out.")]
    Check(CheckArgs),
    /// Show whether servers still serve what is pinned, and places the live release; what changed, and when
    #[command(after_help = "\
The server looks at every domain of the live release by itself, and probe agents report from inside other networks \
(`pintle probe`). What each state means stands in docs/howto/drift.md. Exit status: 0 if no state is an error (with \
--fail-on warning: nor a warning), 7 if one is, another number if that could not be found out.")]
    Drift(DriftArgs),
    /// Look from inside another network and report, signed: run, and manage who may
    #[command(subcommand)]
    Probe(ProbeCommand),
    /// Look at everything a release needs, from here to the CDN, and say what to do about what is wrong
    #[command(after_help = "\
Server, clock, sign-in, project, signing key, what is live beside what was accepted and what is staged, and what apps \
get from the CDN. Nothing is changed and no question is asked. Exit status: 0 if nothing failed, else 1.")]
    Doctor(DoctorArgs),
    /// Write pintle.json, which an app embeds
    #[command(after_help = "\
Nothing in it is secret, but its public key decides whose configurations the app believes. It comes from the server: \
compare its kid with the one that `pintle keys show` prints, or let --key FILE do it.")]
    Bundle(BundleArgs),
}

/// Runs a command and reports its failure, if it has one.
#[must_use]
pub fn run(command: &Command, global: GlobalArgs) -> ExitStatus {
    let mut format = global.format();
    run_reported(command, global, &mut format).unwrap_or_else(|error| {
        error.to_failure().report(format);
        error.exit_status()
    })
}

fn run_reported(command: &Command, global: GlobalArgs, format: &mut Format) -> Result<ExitStatus, CommandError> {
    let context = Context::load(global, read_clock())?;
    *format = context.output.format;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Internal(format!("the runtime cannot start: {error}")))?;
    runtime.block_on(dispatch(command, &context))
}

async fn dispatch(command: &Command, context: &Context) -> Result<ExitStatus, CommandError> {
    match command {
        Command::Login(args) => commands::login::run(args, context).await?,
        Command::Account(command) => commands::account::run(command, context).await?,
        Command::Configure(args) => commands::configure::run(args, context)?,
        Command::Whoami => commands::whoami::run(context).await?,
        Command::Orgs(command) => commands::orgs::run(command, context).await?,
        Command::Members(command) => commands::members::run(command, context).await?,
        Command::Targets(command) => commands::targets::run(command, context).await?,
        Command::Invitations(command) => commands::invitations::run(command, context).await?,
        Command::Tokens(command) => commands::tokens::run(command, context).await?,
        Command::Audit(command) => commands::audit::run(command, context).await?,
        Command::Status(args) => return commands::status::run(args, context).await,
        Command::Alerts(command) => commands::alerts::run(command, context).await?,
        Command::Notifications(command) => commands::notifications::run(command, context).await?,
        Command::Webhooks(command) => commands::webhooks::run(command, context).await?,
        Command::Projects(command) => commands::projects::run(command, context).await?,
        Command::Keys(command) => commands::keys::run(command, context).await?,
        Command::Domains(command) => commands::domains::run(command, context).await?,
        Command::Pins(command) => commands::pins::run(command, context).await?,
        Command::Rotate(command) => commands::rotate::run(command, context).await?,
        Command::Hook(command) => commands::hook::run(command, context).await?,
        Command::Ct(command) => commands::ct::run(command, context).await?,
        Command::Draft(command) => commands::draft::run(command, context).await?,
        Command::Guard(args) => return commands::guard::run(args, context).await,
        Command::Release(args) => commands::release::run(args, context).await?,
        Command::Diff(args) => commands::diff::run(args, context).await?,
        Command::Violations(args) => commands::violations::run(args, context).await?,
        Command::Withdraw(args) => commands::withdraw::withdraw(args, context).await?,
        Command::Restore(args) => commands::withdraw::restore(args, context).await?,
        Command::Emergency(command) => commands::emergency::run(command, context).await?,
        Command::Releases(command) => commands::releases::run(command, context).await?,
        Command::Config(command) => commands::config::run(command, context).await?,
        Command::Certs(args) => commands::certs::run(args, context).await?,
        Command::Drift(args) => return commands::drift::run(args, context).await,
        Command::Probe(command) => commands::probe::run(command, context).await?,
        Command::Check(args) => return commands::check::run(args, context).await,
        Command::Doctor(args) => return commands::doctor::run(args, context).await,
        Command::Bundle(args) => commands::bundle::run(args, context).await?,
    }
    Ok(ExitStatus::Success)
}

/// The outermost edge: from here on time is an argument. A clock before 1970 reads as 1970.
fn read_clock() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
