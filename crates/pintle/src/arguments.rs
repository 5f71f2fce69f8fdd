use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use pintle_cli::{ExitStatus, Failure, Format, GlobalArgs};

use crate::{admin::AdminCommand, config::ConfigCommand, serve::ServeArgs};

/// Dynamic TLS certificate pinning, self-hosted: the server, and the tool that manages, signs, verifies and checks pins
#[derive(Parser, Debug)]
#[command(name = "pintle", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the server: API, CDN origin and publisher
    #[command(after_help = "\
It runs until Ctrl-C or SIGTERM, then finishes what has begun; a second signal ends it at once. The first start makes \
an account and prints its token once. The server holds drafts, releases and public keys, never a private key. It speaks \
HTTP unless it is given a certificate: give it one, or put a TLS proxy before it, unless only this machine talks to it. \
Every option can be set in the file and, as in PINTLE_DATA_DIR for data_dir, in the environment; \
docs/operations/configuration.md lists them, `pintle config check` shows them. Options count before the environment, \
and that before the file.")]
    Serve(ServeArgs),
    /// The server's database, on its own machine: back up, restore, check; codes for people who cannot sign in
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Show it working: server, site, app and attackers, on this machine alone, in seconds
    #[command(after_help = "\
Starts the server, a CDN and an HTTPS site with its own CA on 127.0.0.1, in a temporary folder that is removed \
afterwards; makes project, key and pins, and releases. Then an app meets the true server, a forger, a stranger, a key \
rotation, a hostile CDN and an outage. Every line is a thing that just happened. The exit status is 1 if any did not go \
as promised.")]
    Demo,
    /// Configurations: check the server's; fetch, verify and decode signed ones
    #[command(subcommand)]
    Config(ConfigCommand),
    #[command(flatten)]
    Client(pintle_cli::Command),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages, one file per command
    #[command(after_help = "\
As in `pintle man ~/.local/share/man/man1`; then `man pintle-release`. Files of those names are replaced.")]
    Man {
        /// The directory to write them to, made if it is missing
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

const ROAD: &str = "\
From nothing to a protected app (`pintle demo` walks it by itself):
  pintle serve                                  start a server, see how to sign in
  pintle login --server http://127.0.0.1:8440
  pintle orgs create Acme
  pintle projects create shop
  pintle keys generate                          the signing key stays here
  pintle keys register                          its public half does not
  pintle domains add api.example.com
  pintle pins add api.example.com --from-host   look, and pin what is there
  pintle release                                review, sign here, go live
  pintle bundle                                 pintle.json, for the app
  pintle check api.example.com                  connect as the app would";

/// Reads the command line; on a mistake says so and ends the process.
pub(crate) fn parse() -> Arguments {
    let matches = make_command().get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

pub(crate) fn write_completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut make_command(), "pintle", &mut script);
    // A reader that went away needs no completions.
    let _ = anstream::stdout().lock().write_all(&script);
}

pub(crate) fn write_manual(directory: &Path) -> ExitStatus {
    // What `pintle help` shows is in the pages of the commands themselves.
    let command = dress(without_help(Arguments::command()));
    let written = fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(command, directory));
    match written {
        Ok(()) => ExitStatus::Success,
        Err(error) => {
            Failure {
                code: "file_unwritable".to_owned(),
                message: format!("the manual cannot be written to {}: {error}", directory.display()),
                hint: Some("choose a directory that you can write to".to_owned()),
            }
            .report(Format::Text);
            ExitStatus::Input
        }
    }
}

fn without_help(command: clap::Command) -> clap::Command {
    command.disable_help_subcommand(true).mut_subcommands(without_help)
}

fn make_command() -> clap::Command {
    dress(Arguments::command())
}

/// Gives the command its last words, and hides in each subcommand the options that mean nothing there.
fn dress(command: clap::Command) -> clap::Command {
    let mut command = command.after_help(make_after_help());
    // From here on the options of every command stand in each of them, and can be hidden where they mean nothing.
    command.build();
    let hidden = ["output", "server", "organization", "project", "token_file"];
    for local in ["serve", "demo", "completions", "man"] {
        command = command.mut_subcommand(local, |command| {
            command.mut_args(|argument| {
                let hide = hidden.contains(&argument.get_id().as_str());
                argument.hide(hide)
            })
        });
    }
    command
}

fn make_after_help() -> String {
    let mut text = format!("{ROAD}\n\nExit status:\n");
    for status in ExitStatus::ALL {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {:>2}  {}", *status as u8, status.meaning());
    }
    text.push_str(
        "\nErrors read `error[code]: what happened`, with a hint after them; codes are stable. Results go to standard \
         output, everything else to standard error. Defaults and tokens are kept in $PINTLE_CONFIG_DIR, else in \
         ~/.config/pintle. PINTLE_SERVER, PINTLE_ORGANIZATION, PINTLE_PROJECT, PINTLE_OUTPUT, PINTLE_TOKEN, \
         PINTLE_KEY and PINTLE_KEY_PASSWORD stand for the options of those names.",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
