use std::path::{Path, PathBuf};

use clap::Args;
use pintle_core::root::BaseUrl;
use pintle_sign::KeyReference;
use serde::Serialize;

use crate::{
    CommandError,
    context::Context,
    file::{Audience, Existing, write_file},
    key::{KeyRole, open_key},
    output::write_stdout,
    root::parse_root,
};

/// Options of `bundle`.
#[derive(Args, Clone, Debug)]
pub struct BundleArgs {
    /// Where to write it; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "pintle.json")]
    out: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
    /// Refuse a bundle whose public key is not that of this key: a file or a URI
    #[arg(long, value_name = "KEY")]
    key: Option<KeyReference>,
    /// Read the key's password or PIN from the first line of FILE (else PINTLE_KEY_PASSWORD, else it is asked)
    #[arg(long, value_name = "FILE", requires = "key")]
    password_file: Option<PathBuf>,
}

/// Result of `bundle`.
#[derive(Serialize)]
struct BundleReport {
    file: PathBuf,
    organization: String,
    project: String,
    kid: String,
    urls: Vec<String>,
}

pub(crate) async fn run(args: &BundleArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let bytes = client.read_bundle(project.reference()).await?;
    let root = parse_root(&bytes, "the server's bundle")?;
    if let Some(name) = &args.key {
        let key = open_key(name, args.password_file.as_deref(), context).await?;
        key.check_is_registered(&root.public_key().kid().to_string(), KeyRole::Signing)?;
    }
    if args.out == Path::new("-") {
        return write_stdout(&bytes);
    }
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    write_file(&args.out, &bytes, Audience::Everybody, existing)?;
    let report = BundleReport {
        file: args.out.clone(),
        organization: root.organization().to_string(),
        project: root.project().to_string(),
        kid: root.public_key().kid().to_string(),
        urls: root.urls().iter().map(BaseUrl::to_string).collect(),
    };
    context.output.show(&report, |report, text| {
        text.fields(&[
            ("file", report.file.display().to_string()),
            ("project", format!("{}/{}", report.organization, report.project)),
            ("kid", report.kid.clone()),
            ("urls", report.urls.join(", ")),
        ]);
    })
}
