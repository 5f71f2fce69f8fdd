use clap::{Args, ValueEnum};
use pintle_api::client::Client;

use crate::{CommandError, context::Context, settings::Settings, word::word};

/// Options of `configure`.
#[derive(Args, Clone, Debug)]
pub struct ConfigureArgs {
    /// Forget a default; may be repeated
    #[arg(long, value_name = "NAME", value_enum)]
    unset: Vec<Setting>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Setting {
    Server,
    Organization,
    Project,
    Output,
}

pub(crate) fn run(args: &ConfigureArgs, context: &Context) -> Result<(), CommandError> {
    let kept = context.settings.clone();
    let given = &context.given;
    let mut settings = Settings {
        server: given.server.clone().or(kept.server),
        organization: given.organization.clone().or(kept.organization),
        project: given.project.clone().or(kept.project),
        output: given.output.or(kept.output),
    };
    for unset in &args.unset {
        match unset {
            Setting::Server => settings.server = None,
            Setting::Organization => settings.organization = None,
            Setting::Project => settings.project = None,
            Setting::Output => settings.output = None,
        }
    }
    if let Some(server) = &given.server {
        let _usable = Client::anonymous(server)?;
    }
    if settings != context.settings {
        context.directory.save_settings(&settings)?;
    }
    context.output.show(&settings, |settings, text| {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        text.fields(&[
            ("file", context.directory.settings_path().display().to_string()),
            ("server", or_none(&settings.server)),
            ("organization", or_none(&settings.organization)),
            ("project", or_none(&settings.project)),
            ("output", settings.output.as_ref().map_or_else(|| "-".to_owned(), word)),
        ]);
    })
}
