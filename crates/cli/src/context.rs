use std::{env, path::PathBuf};

use clap::{Args, ValueEnum};
use pintle_api::{
    Bearer, OrganizationResponse, ProjectResponse,
    client::{Client, ProjectRef},
};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    output::{Format, Output},
    secret::load_given_token,
    settings::{Settings, SettingsDirectory},
};

/// Options that every command understands.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalArgs {
    /// Write results as `text` for people or `json` for programs [default: text]
    #[arg(long, value_name = "FORMAT", value_enum, hide_possible_values = true, global = true)]
    pub(crate) output: Option<Format>,
    /// The server [default: the one you are signed in to]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// Organization, by name or id [default: the configured one, or the only one]
    #[arg(long, visible_alias = "org", value_name = "NAME", global = true)]
    pub(crate) organization: Option<String>,
    /// Project, by NAME, NAME/ENVIRONMENT or id [default: the configured one, or the only one]
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) project: Option<String>,
    /// Read the API token from FILE, `-` for standard input [default: PINTLE_TOKEN, or from `login`]
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
}

impl GlobalArgs {
    /// The output format, as far as the command line says: for failures before the settings are read.
    #[must_use]
    pub fn format(&self) -> Format {
        self.output.unwrap_or_default()
    }
}

/// What a command works with.
pub(crate) struct Context {
    pub(crate) output: Output,
    pub(crate) now: UnixTime,
    pub(crate) directory: SettingsDirectory,
    pub(crate) settings: Settings,
    /// What the command line says.
    pub(crate) given: GlobalArgs,
    /// What counts: the command line, else the environment, else the settings.
    effective: Settings,
}

impl Context {
    pub(crate) fn load(given: GlobalArgs, now: UnixTime) -> Result<Self, CommandError> {
        let directory = SettingsDirectory::find();
        let settings = directory.load_settings()?;
        let pick = |given: &Option<String>, name, kept: &Option<String>| {
            given.clone().or_else(|| variable(name)).or_else(|| kept.clone())
        };
        let effective = Settings {
            server: pick(&given.server, "PINTLE_SERVER", &settings.server),
            organization: pick(&given.organization, "PINTLE_ORGANIZATION", &settings.organization),
            project: pick(&given.project, "PINTLE_PROJECT", &settings.project),
            output: given.output.or(output_variable()?).or(settings.output),
        };
        let output = Output { format: effective.output.unwrap_or_default() };
        Ok(Self { output, now, directory, settings, given, effective })
    }

    /// The server in use.
    pub(crate) fn server(&self) -> Result<&str, CommandError> {
        self.effective.server.as_deref().ok_or(CommandError::NoServer)
    }

    /// The token given for this run, if one is.
    pub(crate) fn given_token(&self) -> Result<Option<Bearer>, CommandError> {
        load_given_token(self.given.token_file.as_deref())
    }

    /// A client of the server in use that is nobody yet; with whatever is kept for the server, where something is.
    pub(crate) fn connect_anonymously(&self) -> Result<Client, CommandError> {
        let server = self.server()?;
        Ok(match self.directory.load_token(server)? {
            Some(kept) => Client::new(server, kept)?,
            None => Client::anonymous(server)?,
        })
    }

    /// Makes the server the default, and keeps what signs in to it.
    pub(crate) fn remember(&self, bearer: &Bearer) -> Result<(), CommandError> {
        let server = self.server()?;
        self.directory.save_token(server, bearer)?;
        let settings = Settings { server: Some(server.to_owned()), ..self.settings.clone() };
        self.directory.save_settings(&settings)
    }

    /// A client of the server in use.
    pub(crate) fn connect(&self) -> Result<Client, CommandError> {
        let server = self.server()?;
        let token = match self.given_token()? {
            Some(token) => Some(token),
            None => self.directory.load_token(server)?,
        };
        let token = token.ok_or_else(|| CommandError::NotSignedIn { server: server.to_owned() })?;
        Ok(Client::new(server, token)?)
    }

    /// The organization in use: the one named, the one configured, or the only one there is.
    pub(crate) async fn find_organization(&self, client: &Client) -> Result<OrganizationResponse, CommandError> {
        self.find_organization_named(client, None).await
    }

    /// The organization called `name`; the one in use without a name.
    pub(crate) async fn find_organization_named(
        &self,
        client: &Client,
        name: Option<&str>,
    ) -> Result<OrganizationResponse, CommandError> {
        let name = name.or(self.effective.organization.as_deref());
        let all = client.list_organizations().all().await?;
        choose("organization", all, name, |organization| Labels {
            id: organization.id.clone(),
            names: vec![organization.name.clone()],
        })
    }

    /// The project in use, found likewise in the organization in use.
    pub(crate) async fn find_project(&self, client: &Client) -> Result<Project, CommandError> {
        self.find_project_named(client, None).await
    }

    /// The project called `name`; the one in use without a name.
    pub(crate) async fn find_project_named(
        &self,
        client: &Client,
        name: Option<&str>,
    ) -> Result<Project, CommandError> {
        let name = name.or(self.effective.project.as_deref());
        let organization = self.find_organization(client).await?;
        let all = client.list_projects(&organization.id).all().await?;
        let response = choose("project", all, name, |project| Labels {
            id: project.id.clone(),
            names: vec![format!("{}/{}", project.name, project.environment), project.name.clone()],
        })?;
        Ok(Project { response })
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn output_variable() -> Result<Option<Format>, CommandError> {
    let parse = |text: String| {
        Format::from_str(&text, true).map_err(|_| CommandError::Value {
            code: "output_invalid",
            value: text,
            expected: "an output format for PINTLE_OUTPUT: `text` or `json`",
        })
    };
    variable("PINTLE_OUTPUT").map(parse).transpose()
}

/// The project that a command is about.
pub(crate) struct Project {
    pub(crate) response: ProjectResponse,
}

impl Project {
    /// For calls of the client.
    pub(crate) fn reference(&self) -> ProjectRef<'_> {
        ProjectRef { organization: &self.response.organization_id, project: &self.response.id }
    }

    /// `NAME/ENVIRONMENT`.
    pub(crate) fn display_name(&self) -> String {
        format!("{}/{}", self.response.name, self.response.environment)
    }
}

/// What a thing may be called by.
pub(crate) struct Labels {
    pub(crate) id: String,
    /// The one shown first.
    pub(crate) names: Vec<String>,
}

/// The one of `all` with the id or name `wanted`; the only one there is, if nothing is wanted.
pub(crate) fn choose<T>(
    kind: &'static str,
    all: Vec<T>,
    wanted: Option<&str>,
    labels: impl Fn(&T) -> Labels,
) -> Result<T, CommandError> {
    let show = |item: &T| labels(item).names.into_iter().next().unwrap_or_default();
    let nothing_wanted = wanted.is_none();
    let fits = |item: &T| {
        wanted.is_none_or(|wanted| {
            let labels = labels(item);
            labels.id == wanted || labels.names.iter().any(|name| name == wanted)
        })
    };
    let mut matches: Vec<T> = all.into_iter().filter(fits).collect();
    match (matches.len(), wanted) {
        (0, None) => Err(CommandError::NoneYet { kind }),
        (0, Some(name)) => Err(CommandError::NotFound { kind, name: name.to_owned() }),
        (1, _) => matches.pop().ok_or(CommandError::NoneYet { kind }),
        (_, _) if nothing_wanted => Err(CommandError::Unchosen { kind, names: matches.iter().map(show).collect() }),
        (_, name) => Err(CommandError::Ambiguous {
            kind,
            name: name.unwrap_or_default().to_owned(),
            matches: matches.iter().map(|item| format!("{} ({})", show(item), labels(item).id)).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose_one(all: &[(&str, &str)], wanted: Option<&str>) -> Result<String, String> {
        let all = all.iter().map(|(id, name)| ((*id).to_owned(), (*name).to_owned())).collect();
        choose("project", all, wanted, |(id, name): &(String, String)| Labels {
            id: id.clone(),
            names: vec![format!("{name}/production"), name.clone()],
        })
        .map(|(id, _)| id)
        .map_err(|error| error.code().to_owned())
    }

    #[test]
    fn a_name_an_id_or_being_the_only_one_chooses() {
        let all = [("prj_1", "shop"), ("prj_2", "bank")];
        for wanted in ["prj_2", "bank", "bank/production"] {
            assert_eq!(choose_one(&all, Some(wanted)).as_deref(), Ok("prj_2"), "{wanted}");
        }
        assert_eq!(choose_one(&all[..1], None).as_deref(), Ok("prj_1"));
    }

    #[test]
    fn never_guesses() {
        let all = [("prj_1", "shop"), ("prj_2", "shop")];
        assert_eq!(choose_one(&all, None), Err("choice_needed".to_owned()));
        assert_eq!(choose_one(&all, Some("shop")), Err("name_ambiguous".to_owned()));
        assert_eq!(choose_one(&all, Some("sho")), Err("not_found".to_owned()));
        assert_eq!(choose_one(&[], None), Err("not_found".to_owned()));
    }
}
