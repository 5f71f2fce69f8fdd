//! `pintle config`: the server's configuration here, signed configurations in `pintle-cli`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use pintle_cli::{ExitStatus, Failure, Format, Output};
use pintle_server::{ConfigProblem, EffectiveOption, LoadedConfig};
use serde::Serialize;

use crate::settings::SettingsArgs;

/// Commands about configurations, the server's and signed ones.
#[derive(Subcommand, Clone, Debug)]
pub(crate) enum ConfigCommand {
    /// Check the server's configuration: what is in force, where it comes from, what is wrong with it
    #[command(after_help = "\
It reads what `pintle serve` would read, with the same options, and starts nothing. Secrets are not shown. Exit status: \
0 if the server would start with it, 3 if not.")]
    Check(Box<CheckArgs>),
    #[command(flatten)]
    Signed(pintle_cli::ConfigCommand),
}

/// Options of `config check`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// The file [default: pintle.toml in this directory, if there is one]
    #[arg(value_name = "FILE", env = "PINTLE_CONFIG", hide_env_values = true)]
    file: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Result of `config check`.
#[derive(Serialize)]
struct CheckReport<'a> {
    usable: bool,
    options: Vec<OptionReport<'a>>,
    problems: Vec<Failure>,
    warnings: Vec<Failure>,
}

#[derive(Serialize)]
struct OptionReport<'a> {
    key: &'a str,
    variable: &'a str,
    value: &'a str,
    default: &'a str,
    /// `pintle.toml:3`, a variable, an option of the command line; `null`: the default holds.
    from: Option<&'a str>,
}

pub(crate) fn check(args: &CheckArgs, format: Format) -> ExitStatus {
    let loaded = match args.settings.load(args.file.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) => {
            unreadable(&error).report(format);
            return ExitStatus::Input;
        }
    };
    let report = CheckReport {
        usable: loaded.problems.is_empty(),
        options: loaded.options.iter().map(describe).collect(),
        problems: loaded.problems.iter().map(to_failure).collect(),
        warnings: loaded.warnings.iter().map(to_failure).collect(),
    };
    let shown = Output { format }.show(&report, |report, text| {
        let row = |option: &OptionReport<'_>| {
            vec![option.key.to_owned(), option.value.to_owned(), option.from.unwrap_or("default").to_owned()]
        };
        let rows: Vec<_> = report.options.iter().map(row).collect();
        text.table(&["OPTION", "VALUE", "FROM"], &rows, "no options");
    });
    if format == Format::Text {
        tell(&loaded);
    }
    match shown {
        Err(error) => {
            error.to_failure().report(format);
            error.exit_status()
        }
        Ok(()) if report.usable => ExitStatus::Success,
        Ok(()) => ExitStatus::Input,
    }
}

/// Says everything that is wrong, and what is odd.
pub(crate) fn tell(loaded: &LoadedConfig) {
    for warning in &loaded.warnings {
        to_failure(warning).warn();
    }
    for problem in &loaded.problems {
        to_failure(problem).report(Format::Text);
    }
}

pub(crate) fn unreadable(error: &crate::settings::FileError) -> Failure {
    Failure {
        code: "server_config_unreadable".to_owned(),
        message: error.to_string(),
        hint: Some("give a TOML file that this user can read".to_owned()),
    }
}

fn to_failure(problem: &ConfigProblem) -> Failure {
    let ConfigProblem { code, message, hint } = problem.clone();
    Failure { code: code.to_owned(), message, hint: Some(hint) }
}

fn describe(option: &EffectiveOption) -> OptionReport<'_> {
    let EffectiveOption { key, variable, default, value, place, .. } = option;
    OptionReport { key, variable, value, default, from: place.as_deref() }
}
