use clap::Args;
use pintle_api::DiffQuery;

use crate::{CommandError, context::Context, output::STRONG};

/// Options of `diff`.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// `draft` or the number of a release [default: the last accepted release]
    from: Option<String>,
    /// `draft` or the number of a release [default: the draft]
    to: Option<String>,
}

pub(crate) async fn run(args: &DiffArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let query = DiffQuery { from: args.from.clone(), to: args.to.clone() };
    let diff = client.diff(project.reference(), &query).await?;
    let name = |point: &str| if point == "draft" { "the draft".to_owned() } else { format!("release {point}") };
    context.output.show(&diff, |diff, text| {
        let from = diff.from.as_deref().map_or_else(|| "nothing".to_owned(), name);
        text.styled_line(STRONG, &format!("From {from} to {}", name(&diff.to)));
        text.indented(|text| {
            if diff.changes.is_empty() {
                text.line("No difference.");
            }
            for change in &diff.changes {
                text.line(&change.to_string());
            }
        });
    })
}
