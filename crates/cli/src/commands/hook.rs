//! Called by programs that renew certificates.

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use super::pins::{Others, Sync, SyncEndArgs, SyncReport, Wanted, load_wanted};
use crate::{
    CommandError,
    context::Context,
    output::{CAREFUL, STRONG},
};

/// Hooks for programs that renew certificates.
#[derive(Subcommand, Clone, Debug)]
pub enum HookCommand {
    /// Certbot's deploy hook: pin the key of the renewed certificate in the draft
    #[command(after_help = "\
Certbot tells the lineage and its names in RENEWED_LINEAGE and RENEWED_DOMAINS. Of the lineage only cert.pem is read (or \
fullchain.pem), never its private key. Every domain of the draft that covers a renewed name gets the pin of the new key; no \
pin is removed, so the next key and the backups stay. With --release the draft is released at once, but unasked only if it \
says what apps have, with these pins, and nothing else.\n\n\
Apps know the new key only after their next refresh: reload the web server later than that, or renew with --reuse-key; \
docs/howto/certbot.md shows both. A failure is told and does not count as one (exit status 0), unless --strict.")]
    Certbot(CertbotArgs),
}

/// Options of `hook certbot`.
#[derive(Args, Clone, Debug)]
pub struct CertbotArgs {
    /// End with the exit status of the failure if there is one
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    end: SyncEndArgs,
}

pub(crate) async fn run(command: &HookCommand, context: &Context) -> Result<(), CommandError> {
    let HookCommand::Certbot(args) = command;
    let lineage = PathBuf::from(read_variable("RENEWED_LINEAGE")?);
    let names: Vec<_> = read_variable("RENEWED_DOMAINS")?.split_whitespace().map(str::to_owned).collect();
    match pin_lineage(&lineage, names, &args.end, context).await {
        Err(error) if !args.strict => {
            error.to_failure().warn();
            context.output.say(|text| {
                text.styled_line(
                    CAREFUL,
                    "The certificate is renewed all the same. Apps may not know its key: see to it.",
                );
            });
            Ok(())
        }
        other => other,
    }
}

async fn pin_lineage(
    lineage: &Path,
    names: Vec<String>,
    end: &SyncEndArgs,
    context: &Context,
) -> Result<(), CommandError> {
    context.output.say(|text| {
        text.styled_line(STRONG, &format!("pintle: {} was renewed for {}", lineage.display(), names.join(", ")));
    });
    let certificate = lineage.join("cert.pem");
    let path = if certificate.exists() { certificate } else { lineage.join("fullchain.pem") };
    let wanted = [Wanted { names, ..load_wanted(&path)? }];
    let report = match (Sync { wanted: &wanted, domains: &[], others: Others::Keep, end }).run(context).await {
        // Certbot renews for others as well.
        Err(CommandError::NotFound { kind: "domain", .. }) => {
            context.output.say(|text| {
                text.line("No domain of the draft covers these names: nothing to pin.");
            });
            return Ok(());
        }
        other => other?,
    };
    context.output.show(&report, SyncReport::write_text)?;
    if report.is_pending() { Err(CommandError::StillPending) } else { Ok(()) }
}

/// Not lenient: without them this is no renewal.
fn read_variable(name: &'static str) -> Result<String, CommandError> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or(CommandError::NotFromHook { variable: name })
}
