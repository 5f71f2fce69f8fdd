//! Another signing key without another build of the apps (section 5 of the protocol). Each step shows in what the server
//! has: run again after an interruption, a command goes on where it stopped.

use std::path::PathBuf;

use clap::Args;
use pintle_api::{
    AcceptStatementRequest, ProjectKeyResponse, ReleaseContent, ReleaseResponse, StatementResponse, Unchanged,
    client::Client,
};
use pintle_core::{ConfigError, Root, succession::Chain};
use pintle_sign::{KeyReference, make_statement};
use serde::Serialize;

use super::register::note_kms;
use crate::{
    CommandError,
    commands::release::{self, Consent, Intent, Plan, derive_root, find_published},
    context::{Context, Project},
    guarding::GuardArgs,
    key::{KeyArgs, KeyRole, OpenKey, make_key, open_key, open_key_if_there},
    moment::parse_span_secs,
    output::{GOOD, STRONG, Text},
    secret::confirm,
};

/// Where a recovery key is sought and put when nothing else is said.
pub(super) const DEFAULT_RECOVERY_KEY: &str = "pintle-recovery-key.pem";

/// Options of `keys rotate`.
#[derive(Args, Clone, Debug)]
pub struct RotateArgs {
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    next: NextKeyArgs,
}

/// Options of `keys recover`.
#[derive(Args, Clone, Debug)]
pub struct RecoverArgs {
    /// The project's private recovery key: a file or a URI; it stays where it is
    #[arg(long, value_name = "KEY", default_value = DEFAULT_RECOVERY_KEY)]
    recovery_key: KeyReference,
    /// Read the recovery key's password or PIN from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    next: NextKeyArgs,
}

/// The key that comes next, and how to get there.
#[derive(Args, Clone, Debug)]
struct NextKeyArgs {
    /// The next signing key: a file or a URI; where there is none yet, in a file or token, it is made
    #[arg(long, value_name = "KEY", default_value = "pintle-key-next.pem")]
    new_key: KeyReference,
    /// Encrypt a key that is made under a password, which is asked for twice
    #[arg(long)]
    encrypt: bool,
    /// Read the next key's password or PIN from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    #[command(flatten)]
    guard: GuardArgs,
    /// Go on without asking
    #[arg(long, short)]
    yes: bool,
    /// How long to wait until the release is live
    #[arg(long, value_name = "SPAN", default_value = "2m")]
    timeout: String,
}

/// Result of `keys rotate` and `keys recover`.
#[derive(Serialize)]
struct SuccessionReport {
    /// The key that signs from now on.
    key: String,
    /// Its RFC 7638 thumbprint.
    kid: String,
    /// The release it signed; none if it had signed the published one already.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<ReleaseResponse>,
}

/// A project on the way to its next key.
struct Succession<'a> {
    client: Client,
    project: Project,
    registered: ProjectKeyResponse,
    /// With the key the project began with.
    root: Root,
    wait_secs: u64,
    next: &'a NextKeyArgs,
    context: &'a Context,
}

pub(super) async fn rotate(args: &RotateArgs, context: &Context) -> Result<(), CommandError> {
    let succession = Succession::begin(&args.next, context).await?;
    let existing = succession.open_existing_key().await?;
    let new = match existing {
        Some(key) if succession.is_current(&key) => succession.check_is_successor(key)?,
        existing => {
            let old = args.key.open_registered(&succession.registered, context).await?;
            let title = format!("{} gets another signing key", succession.project.display_name());
            succession.explain(&title, &[
                "Apps follow by themselves, whatever key they were built with: the old key vouches for the new one,",
                "and every release from now on carries that statement. Their pins do not change.",
                "The old key signs nothing any more; this cannot be taken back, only rotated onwards.",
                "If the old key was stolen, stop here: its thief can make the same statement. Use `pintle keys recover`.",
            ])?;
            succession.succeed(&old, existing).await?
        }
    };
    succession.finish(&new).await
}

pub(super) async fn recover(args: &RecoverArgs, context: &Context) -> Result<(), CommandError> {
    let succession = Succession::begin(&args.next, context).await?;
    let registered = succession.root.recovery_key().ok_or(CommandError::NoRecoveryKey)?.kid().to_string();
    let existing = succession.open_existing_key().await?;
    let new = match existing {
        Some(key) if succession.is_current(&key) => succession.check_is_successor(key)?,
        existing => {
            let recovery_key = open_key(&args.recovery_key, args.password_file.as_deref(), context).await?;
            recovery_key.check_is_registered(&registered, KeyRole::Recovery)?;
            let title = format!("{} is recovered with another signing key", succession.project.display_name());
            succession.explain(&title, &[
                "Everything signed with any earlier key is void for every app that sees this: whatever number a thief's",
                "release had, whatever keys it named. Apps that do not see it yet still believe the stolen key.",
                "The release that follows holds the draft: look at what it changes, the thief may have had your token too.",
            ])?;
            succession.succeed(&recovery_key, existing).await?
        }
    };
    succession.finish(&new).await
}

impl<'a> Succession<'a> {
    async fn begin(next: &'a NextKeyArgs, context: &'a Context) -> Result<Self, CommandError> {
        let wait_secs = parse_span_secs(&next.timeout)?;
        let client = context.connect()?;
        let project = context.find_project(&client).await?;
        let registered = project.response.key.clone().ok_or(CommandError::NoProjectKey)?;
        let root = derive_root(&project.response, &registered)?;
        Ok(Self { client, project, registered, root, wait_secs, next, context })
    }

    /// The next key, if it is there: chosen beforehand, or made by a run that was interrupted.
    async fn open_existing_key(&self) -> Result<Option<OpenKey>, CommandError> {
        let password_file = self.next.new_password_file.as_deref();
        let Some(key) = open_key_if_there(&self.next.new_key, password_file, self.context).await? else {
            return Ok(None);
        };
        // P-5.2; refused here, before anything is signed.
        if self.root.recovery_key() == Some(&key.public_key()) {
            return Err(self.same_key(KeyRole::Recovery));
        }
        Ok(Some(key))
    }

    fn same_key(&self, role: KeyRole) -> CommandError {
        CommandError::SameKey { key: self.next.new_key.clone(), role }
    }

    fn is_current(&self, key: &OpenKey) -> bool {
        key.kid() == self.registered.kid
    }

    /// The current key is the next one of an earlier run, unless the project never had another.
    fn check_is_successor(&self, key: OpenKey) -> Result<OpenKey, CommandError> {
        if key.public_key() == *self.root.public_key() {
            return Err(self.same_key(KeyRole::Signing));
        }
        self.context.output.say(|text| {
            text.line(&format!("{} already is the project's signing key.", self.next.new_key));
        });
        Ok(key)
    }

    fn explain(&self, title: &str, lines: &[&str]) -> Result<(), CommandError> {
        self.context.output.say(|text| {
            text.styled_line(STRONG, title);
            text.indented(|text| {
                for line in lines {
                    text.line(line);
                }
            });
            text.gap();
        });
        if self.next.yes || confirm("Go on?")? { Ok(()) } else { Err(CommandError::Declined { what: "signed" }) }
    }

    /// Has `signer` vouch for the next key, which is made unless it exists.
    async fn succeed(&self, signer: &OpenKey, existing: Option<OpenKey>) -> Result<OpenKey, CommandError> {
        let refused = |error| CommandError::Config { source_name: "the project's succession".to_owned(), error };
        let accepted = self.client.list_statements(self.project.reference()).all().await?;
        let mut statements: Vec<String> = accepted.into_iter().map(|statement| statement.jws).collect();
        // The server says what came before; a number to sign comes from what verifies.
        let chain = Chain::evaluate(&statements, &self.root).map_err(refused)?;
        let seq = chain.links().last().map_or(0, |link| link.seq) + 1;
        let new = match existing {
            Some(key) => check_is_no_former_key(key, &chain)?,
            None => self.make_key()?,
        };
        let (organization, project) = (self.root.organization(), self.root.project());
        statements.push(make_statement(
            signer.signer(),
            organization,
            project,
            seq,
            self.context.now,
            &new.public_key(),
        )?);
        let chain = Chain::evaluate(&statements, &self.root).map_err(refused)?;
        if *chain.current_key() != new.public_key() {
            return Err(refused(ConfigError::SuccessionUntrusted { seq }));
        }
        let request = AcceptStatementRequest { jws: statements.pop().unwrap_or_default() };
        let accepted = self.client.accept_statement(self.project.reference(), &request).await?;
        self.context.output.say(|text| write_accepted(&accepted, text));
        if let KeyReference::Kms(_) = new.name() {
            note_kms(&self.client, &self.project).await?;
        }
        Ok(new)
    }

    fn make_key(&self) -> Result<OpenKey, CommandError> {
        let key =
            make_key(&self.next.new_key, self.next.encrypt, self.next.new_password_file.as_deref(), self.context)?;
        self.context.output.say(|text| {
            text.line(&format!("Made the key {} in {}.", key.kid(), self.next.new_key));
        });
        Ok(key)
    }

    /// Releases with the new key, unless what is published was signed with it already.
    async fn finish(&self, new: &OpenKey) -> Result<(), CommandError> {
        let published = find_published(&self.project.response, &self.root, self.context.now).await;
        let is_done = published.is_ok_and(|published| published.kid() == new.public_key().kid());
        let release = if is_done { None } else { Some(self.release(new).await?) };
        let report = SuccessionReport { key: new.name().to_string(), kid: new.kid(), release };
        self.context.output.show(&report, |report, text| {
            let version = report.release.as_ref().map(|release| release.version.to_string());
            text.fields(&[
                ("key", report.key.clone()),
                ("kid", report.kid.clone()),
                ("release", version.unwrap_or_else(|| "what is published is signed with it".to_owned())),
            ]);
        })?;
        self.context.output.say(|text| {
            text.gap();
            text.styled_line(GOOD, "Apps follow the new key with their next refresh.");
            text.line(&format!("From now on release with `--key {}` (or PINTLE_KEY),", report.key));
            text.line("keep a copy of it in a safe place, and let new builds embed a fresh `pintle bundle`.");
        });
        Ok(())
    }

    async fn release(&self, new: &OpenKey) -> Result<ReleaseResponse, CommandError> {
        let plan = Plan {
            key: new,
            intent: Intent { content: ReleaseContent::Draft, unchanged: Unchanged::Release, publish_at: None },
            guard: &self.next.guard,
            consent: if self.next.yes { Consent::Given } else { Consent::AskIfChanged },
            wait_secs: Some(self.wait_secs),
        };
        release::release(&plan, &self.client, &self.project, self.context).await
    }
}

/// P-5.2; refused here, before anything is signed.
fn check_is_no_former_key(key: OpenKey, chain: &Chain) -> Result<OpenKey, CommandError> {
    match chain.links().iter().find(|link| link.key == key.public_key()) {
        Some(link) => Err(CommandError::FormerKey { key: key.name().clone(), seq: link.seq }),
        None => Ok(key),
    }
}

fn write_accepted(statement: &StatementResponse, text: &mut Text) {
    text.line(&format!("The server accepted statement {}: {} signs from now on.", statement.seq, statement.kid)).gap();
}
