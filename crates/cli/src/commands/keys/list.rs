//! Which keys there are: of the project, or in a token.

use std::path::{Path, PathBuf};

use clap::Args;
use pintle_api::{Custody, ProjectKeyResponse, StatementResponse};
use pintle_core::{PublicKey, UnixTime};
use pintle_sign::{KeyReference, TokenKey};
use serde::Serialize;

use crate::{
    CommandError,
    context::Context,
    key::list_token_keys,
    moment::show_moment,
    output::{Listing, Text},
    word::word,
};

/// Options of `keys list`.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// List the keys in this token instead, as `pkcs11:token=NAME`
    #[arg(long = "in", value_name = "URI")]
    token: Option<KeyReference>,
    /// Read the token's PIN from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE", requires = "token")]
    password_file: Option<PathBuf>,
}

/// A line of `keys list`.
#[derive(Serialize)]
struct ProjectKey {
    /// RFC 7638 thumbprint.
    kid: String,
    role: &'static str,
    /// Who holds the private half of the key that signs now; not known of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    custody: Option<Custody>,
    /// Since when it signs: seconds since 1970 UTC; none for the first one and the recovery key.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
}

/// A line of `keys list --in`.
#[derive(Serialize)]
struct ListedTokenKey {
    /// `object=…;id=…`, for a `pkcs11:` URI.
    name: String,
    /// None for one that is no P-256 key.
    kid: Option<String>,
}

pub(super) async fn run(args: &ListArgs, context: &Context) -> Result<(), CommandError> {
    match &args.token {
        Some(token) => list_token(token, args.password_file.as_deref(), context),
        None => list_project(context).await,
    }
}

fn list_token(token: &KeyReference, password_file: Option<&Path>, context: &Context) -> Result<(), CommandError> {
    let show =
        |key: TokenKey| ListedTokenKey { name: key.name, kid: key.public.map(|public| public.kid().to_string()) };
    let list = Listing { items: list_token_keys(token, password_file, context)?.into_iter().map(show).collect() };
    context.output.show(&list, |list, text| {
        let row = |key: &ListedTokenKey| {
            vec![key.name.clone(), key.kid.clone().unwrap_or_else(|| "no ECDSA P-256 key".to_owned())]
        };
        text.table(&["KEY", "KID"], &list.items.iter().map(row).collect::<Vec<_>>(), "The token shows no private key.");
    })
}

async fn list_project(context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    let statements = client.list_statements(project.reference()).all().await?;
    let list = Listing { items: line_up(registered, &statements) };
    context.output.show(&list, |list, text| write_keys(&list.items, text))
}

/// The first key, its successors, and the recovery key.
fn line_up(registered: &ProjectKeyResponse, statements: &[StatementResponse]) -> Vec<ProjectKey> {
    let kid = |text: &str| PublicKey::parse_base64(text).map_or_else(|_| text.to_owned(), |key| key.kid().to_string());
    let mut keys = vec![(kid(&registered.original_public_key), None)];
    keys.extend(statements.iter().map(|statement| (statement.kid.clone(), Some(statement.accepted_at))));
    let line = |(kid, since): (String, Option<u64>)| {
        let signs = kid == registered.kid;
        let role = if signs { "signs releases" } else { "replaced" };
        ProjectKey { kid, role, custody: signs.then_some(registered.custody), since }
    };
    let mut keys: Vec<_> = keys.into_iter().map(line).collect();
    let recovery_key = registered.recovery_key.as_deref().map(kid);
    keys.extend(recovery_key.map(|kid| ProjectKey { kid, role: "recovery key", custody: None, since: None }));
    keys
}

fn write_keys(keys: &[ProjectKey], text: &mut Text) {
    let row = |key: &ProjectKey| {
        vec![
            key.kid.clone(),
            key.role.to_owned(),
            key.custody.as_ref().map(word).unwrap_or_default(),
            key.since.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default(),
        ]
    };
    text.table(&["KID", "ROLE", "CUSTODY", "SINCE"], &keys.iter().map(row).collect::<Vec<_>>(), "");
}
