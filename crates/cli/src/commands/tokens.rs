use clap::{Args, Subcommand, ValueEnum};
use pintle_api::{
    CreateTokenRequest, CreatedTokenResponse, Scope, TokenLifetime, TokenResponse, UpdateTokenRequest, client::Client,
};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::{Context, Labels, choose},
    moment::{parse_span_secs, show_moment_from},
    output::{Listing, Text},
    word::{parse_word, word},
};

/// Commands about API tokens.
#[derive(Subcommand, Clone, Debug)]
pub enum TokensCommand {
    /// Create a token, which is printed this once
    #[command(after_help = "\
A token never has more than the one you are signed in with: no other scope, no later end. What it does is what your \
account may do, cut down to its scopes and to the organization or project it is limited to.")]
    Create(CreateArgs),
    /// List your tokens; with --all those of every member that are limited to the organization
    List {
        /// Whosever they are
        #[arg(long)]
        all: bool,
    },
    /// Give a token another name
    Rename {
        /// Name or id, as listed
        token: String,
        /// The new name
        name: String,
    },
    /// End a token for good; with --all one of any member that is limited to the organization
    Revoke {
        /// Name or id, as listed
        token: String,
        /// Whosever it is
        #[arg(long)]
        all: bool,
    },
}

/// A token to be made.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// What it is for
    name: String,
    /// What it may do: `read`, `edit` drafts, `release`, `admin`; repeat it
    #[arg(long, value_name = "SCOPE", required = true, value_parser = ["read", "edit", "release", "admin"])]
    scope: Vec<String>,
    /// What it reaches: the `organization` or `project` in use, or whatever the `account` does
    #[arg(long, value_name = "WHAT", value_enum, hide_possible_values = true, default_value = "organization")]
    limit_to: Limit,
    /// When it ends by itself: after a span, as in 30d, or `never` [default: 90d]
    #[arg(long, value_name = "SPAN")]
    expires: Option<String>,
}

/// What a token reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Limit {
    /// One organization.
    Organization,
    /// One project.
    Project,
    /// Everything.
    Account,
}

pub(crate) async fn run(command: &TokensCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    match command {
        TokensCommand::Create(args) => {
            let created = client.create_token(&args.to_request(context, &client).await?).await?;
            context.output.show(&created, |created, text| write_secret(created, context.now, text))
        }
        TokensCommand::List { all } => {
            let items = if *all {
                client.list_organization_tokens(&context.find_organization(&client).await?.id).all().await?
            } else {
                client.list_tokens().all().await?
            };
            let list = Listing { items };
            context.output.show(&list, |list, text| write_rows(&list.items, context.now, text))
        }
        TokensCommand::Rename { token, name } => {
            let found = find_token(client.list_tokens().all().await?, token)?;
            let renamed = client.update_token(&found.id, &UpdateTokenRequest { name: name.clone() }).await?;
            context.output.show(&renamed, |renamed, text| write_rows(std::slice::from_ref(renamed), context.now, text))
        }
        TokensCommand::Revoke { token, all } => {
            let found = if *all {
                let organization = context.find_organization(&client).await?.id;
                let found = find_token(client.list_organization_tokens(&organization).all().await?, token)?;
                client.revoke_organization_token(&organization, &found.id).await?;
                found
            } else {
                let found = find_token(client.list_tokens().all().await?, token)?;
                client.revoke_token(&found.id).await?;
                found
            };
            context.output.show(&found, |found, text| {
                text.line(&format!("The token {} ({}) is revoked.", found.name, found.id));
            })
        }
    }
}

impl CreateArgs {
    async fn to_request(&self, context: &Context, client: &Client) -> Result<CreateTokenRequest, CommandError> {
        let scopes = self.scope.iter().map(|scope| parse_word::<Scope>(scope, "scope_invalid", "a scope"));
        let (organization_id, project_id) = match self.limit_to {
            Limit::Account => (None, None),
            Limit::Organization => (Some(context.find_organization(client).await?.id), None),
            Limit::Project => {
                let project = context.find_project(client).await?.response;
                (Some(project.organization_id), Some(project.id))
            }
        };
        Ok(CreateTokenRequest {
            name: self.name.clone(),
            scopes: scopes.collect::<Result<_, _>>()?,
            organization_id,
            project_id,
            lifetime: match self.expires.as_deref() {
                None => TokenLifetime::Default,
                Some("never") => TokenLifetime::Never,
                Some(span) => TokenLifetime::Secs(parse_span_secs(span)?),
            },
        })
    }
}

fn find_token(all: Vec<TokenResponse>, name: &str) -> Result<TokenResponse, CommandError> {
    choose("token", all, Some(name), |token| Labels { id: token.id.clone(), names: vec![token.name.clone()] })
}

fn show_end(token: &TokenResponse, now: UnixTime) -> String {
    token.expires_at.map_or_else(|| "never".to_owned(), |at| show_moment_from(UnixTime::from_secs(at), now))
}

fn show_reach(token: &TokenResponse) -> String {
    let reach = token.project_id.as_ref().or(token.organization_id.as_ref());
    reach.cloned().unwrap_or_else(|| "account".to_owned())
}

fn show_scopes(token: &TokenResponse) -> String {
    token.scopes.iter().map(word).collect::<Vec<_>>().join(", ")
}

fn write_rows(tokens: &[TokenResponse], now: UnixTime, text: &mut Text) {
    let row = |token: &TokenResponse| {
        let used = token.last_used_at.map(|at| show_moment_from(UnixTime::from_secs(at), now));
        vec![
            token.name.clone(),
            token.id.clone(),
            token.account_name.clone().unwrap_or_else(|| token.account_id.clone()),
            show_scopes(token),
            show_reach(token),
            used.unwrap_or_else(|| "never".to_owned()),
            show_end(token, now),
        ]
    };
    let rows: Vec<_> = tokens.iter().map(row).collect();
    let empty = "No token. Create one: pintle tokens create NAME --scope read";
    text.table(&["NAME", "ID", "ACCOUNT", "SCOPES", "REACHES", "LAST USED", "ENDS"], &rows, empty);
}

fn write_secret(created: &CreatedTokenResponse, now: UnixTime, text: &mut Text) {
    let token = &created.token;
    text.line("This is the only time that the token is shown:")
        .gap()
        .indented(|text| {
            text.line(created.secret.expose_secret());
        })
        .gap()
        .fields(&[
            ("name", token.name.clone()),
            ("id", token.id.clone()),
            ("scopes", show_scopes(token)),
            ("reaches", show_reach(token)),
            ("ends", show_end(token, now)),
        ]);
}
