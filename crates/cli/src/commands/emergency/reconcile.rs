use std::{path::PathBuf, time::Duration};

use clap::Args;
use pintle_api::{Approval, Change, ChangeKind, DraftOutcome, DraftPolicy, ReconcileRequest, ReconcileResponse};

use super::{DEFAULT_SIGNED, TargetArgs, load_signed, open_all, read_all};
use crate::{
    CommandError,
    commands::release::derive_root,
    context::Context,
    fetch::fetch_config,
    output::{BAD, CAREFUL, GOOD, Text},
    word::parse_word,
};

const READ_LIMIT: Duration = Duration::from_secs(30);

/// Options of `emergency reconcile`.
#[derive(Args, Clone, Debug)]
pub struct ReconcileArgs {
    /// A signed release; repeat it [default: pintle-emergency.jws, if it is there]
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    #[command(flatten)]
    targets: TargetArgs,
    /// What becomes of the draft: `follow` the release unless somebody had edited it, `replace` it all the same, `keep` it
    #[arg(long, value_name = "HOW", default_value = "follow", value_parser = ["follow", "replace", "keep"])]
    draft: String,
}

pub(crate) async fn run(args: &ReconcileArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let registered = project.response.key.as_ref().ok_or(CommandError::NoProjectKey)?;
    let root = derive_root(&project.response, registered)?;
    let mut found = Vec::new();
    let default = PathBuf::from(DEFAULT_SIGNED);
    let files = if args.file.is_empty() && default.exists() { std::slice::from_ref(&default) } else { &args.file };
    for path in files {
        found.push(load_signed(path)?);
    }
    // What the CDN cannot say, a target or a file may.
    if let Ok(fetched) = fetch_config(root.to_bundle_json().as_bytes(), "the project").await {
        found.push(fetched.bytes);
    }
    let targets = open_all(&args.targets.targets())?;
    found.extend(read_all(&targets, &root, READ_LIMIT).await?.into_iter().map(|sighting| sighting.bytes));
    let mut files: Vec<_> = found.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    files.sort();
    files.dedup();

    let draft: DraftPolicy = parse_word(&args.draft, "draft_policy_invalid", "`follow`, `replace` or `keep`")?;
    let answer = client.reconcile_releases(project.reference(), &ReconcileRequest { files, draft }).await?;
    let asks_second_person = project.response.approval == Approval::SecondPerson;
    context.output.show(&answer, |answer, text| write_answer(answer, asks_second_person, text))
}

fn write_answer(answer: &ReconcileResponse, asks_second_person: bool, text: &mut Text) {
    for release in &answer.imported {
        let version = release.version;
        text.styled_line(GOOD, &format!("release {version}: imported, verified; the server goes on from it"));
        if asks_second_person {
            text.styled_line(CAREFUL, &format!("  another person looks at it now: pintle releases approve {version}"));
        }
    }
    for version in &answer.known {
        text.line(&format!("release {version}: known already"));
    }
    for refused in &answer.refused {
        text.styled_line(BAD, &format!("{}: not imported [{}]: {}", refused.source, refused.code, refused.detail));
    }
    match answer.draft {
        DraftOutcome::Unchanged => {}
        DraftOutcome::Replaced => {
            text.line("The draft says what was released.");
        }
        DraftOutcome::Conflict => {
            text.styled_line(CAREFUL, "The draft was edited before, and stays. Released as it is, it would change:");
            text.indented(|text| {
                for change in &answer.draft_changes {
                    text.line(&describe_change(change));
                }
            });
            text.line("Correct it, or take over what was released: pintle emergency reconcile --draft replace");
        }
    }
}

fn describe_change(change: &Change) -> String {
    let sign = match change.kind {
        ChangeKind::Added => '+',
        ChangeKind::Removed => '-',
        ChangeKind::Changed => '~',
    };
    format!("{sign} {}", change.subject)
}
