use clap::{Args, Subcommand};
use pintle_api::{DraftResponse, Expiry, OnStale, UpdateDraftRequest};
use pintle_core::UnixTime;

use crate::{
    CommandError,
    context::Context,
    guarding::write_findings,
    moment::{parse_span_secs, show_moment, show_span},
    output::{STRONG, Text},
    word::{parse_word, word},
};

/// Commands about the draft: what the next release will say.
#[derive(Subcommand, Clone, Debug)]
pub enum DraftCommand {
    /// Show the draft, and what differs from the last release
    Show,
    /// Change settings that hold for the whole configuration
    Set(DraftSettingsArgs),
}

/// Settings of the whole configuration; those not given stay as they are.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
pub struct DraftSettingsArgs {
    /// How long a fetched copy counts as fresh, from 60s to 7d
    #[arg(long, value_name = "SPAN")]
    refresh: Option<String>,
    /// What devices do with a copy past its expiry: `keep` it in use, or `fail` every connection
    #[arg(long, value_name = "WHAT", value_parser = ["keep", "fail"])]
    on_stale: Option<String>,
    /// How long a release is valid: a span as in 90d, or `never` for one that does not end
    #[arg(long, value_name = "SPAN")]
    expiry: Option<String>,
    /// Refuse this key (SPKI SHA-256 digest in base64) on every host; repeat it: the list replaces the old one
    #[arg(long, value_name = "DIGEST")]
    deny: Vec<String>,
    /// Deny no key any more
    #[arg(long, conflicts_with = "deny")]
    clear_deny: bool,
}

impl DraftSettingsArgs {
    fn parse(&self) -> Result<UpdateDraftRequest, CommandError> {
        let deny = (self.clear_deny || !self.deny.is_empty()).then(|| self.deny.clone());
        Ok(UpdateDraftRequest {
            refresh_secs: self.refresh.as_deref().map(parse_span_secs).transpose()?,
            on_stale: self
                .on_stale
                .as_deref()
                .map(|text| parse_word::<OnStale>(text, "on_stale_invalid", "`keep` or `fail`"))
                .transpose()?,
            expiry: self.expiry.as_deref().map(parse_expiry).transpose()?,
            deny,
        })
    }
}

fn parse_expiry(text: &str) -> Result<Expiry, CommandError> {
    match text {
        "never" => Ok(Expiry::Never),
        span => parse_span_secs(span).map(Expiry::AfterSecs),
    }
}

pub(crate) async fn run(command: &DraftCommand, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let draft = match command {
        DraftCommand::Show => client.read_draft(project.reference()).await?,
        DraftCommand::Set(settings) => client.update_draft(project.reference(), &settings.parse()?).await?,
    };
    context.output.show(&draft, |draft, text| {
        text.styled_line(STRONG, &format!("Draft of {}, revision {}", project.display_name(), draft.revision));
        write_text(draft, project.response.latest_release, text);
    })
}

fn write_text(draft: &DraftResponse, latest_release: Option<u64>, text: &mut Text) {
    let settings = &draft.settings;
    let expiry = match settings.expiry {
        Expiry::Never => "never".to_owned(),
        Expiry::AfterSecs(secs) => format!("{} after release", show_span(secs)),
    };
    text.fields(&[
        ("refresh", show_span(settings.refresh_secs)),
        ("expiry", expiry),
        ("on stale", word(&settings.on_stale)),
        ("denied keys", settings.deny.join(", ")),
        ("CT logs as of", settings.ct_logs_as_of.map(|at| show_moment(UnixTime::from_secs(at))).unwrap_or_default()),
    ]);
    text.gap();
    super::domains::write_rows(&draft.domains, text);
    text.gap();
    match (draft.changes.is_empty(), latest_release) {
        (true, _) => text.line("No changes since the last release."),
        (false, Some(version)) => text.styled_line(STRONG, &format!("Changes since release {version}")),
        (false, None) => text.styled_line(STRONG, "Changes (nothing was released yet)"),
    };
    text.indented(|text| {
        for change in &draft.changes {
            text.line(&change.to_string());
        }
    });
    write_findings(&draft.findings, text);
}
