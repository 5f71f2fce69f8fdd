//! The one binary of Pintle: `pintle serve`, `pintle demo` and every command of `pintle-cli`.

mod admin;
mod arguments;
mod config;
mod demo;
mod logging;
mod mirror;
mod serve;
mod settings;

use std::process::ExitCode;

use pintle_cli::ExitStatus;

use crate::{arguments::Command, config::ConfigCommand};

fn main() -> ExitCode {
    // The one place where a provider is chosen for code that asks for the process's default. It fails only where one is
    // installed already, and nothing ran before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = arguments::parse();
    let status = match &arguments.command {
        Command::Serve(args) => serve::run(args),
        Command::Admin(command) => admin::run(command, arguments.global.format()),
        Command::Mirror(args) => mirror::run(args, arguments.global.format()),
        Command::Demo => demo::run(),
        Command::Completions { shell } => {
            arguments::write_completions(*shell);
            ExitStatus::Success
        }
        Command::Man { directory } => arguments::write_manual(directory),
        Command::Config(ConfigCommand::Check(args)) => config::check(args, arguments.global.format()),
        Command::Config(ConfigCommand::Signed(command)) => {
            pintle_cli::run(&pintle_cli::Command::Config(command.clone()), arguments.global)
        }
        Command::Client(command) => pintle_cli::run(command, arguments.global),
    };
    status.into()
}
