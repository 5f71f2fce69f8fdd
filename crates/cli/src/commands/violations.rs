use clap::Args;
use pintle_api::{ViolationSum, ViolationsQuery};
use pintle_core::UnixTime;

use crate::{CommandError, context::Context, moment::show_day, output::CAREFUL};

/// Options of `violations`.
#[derive(Args, Clone, Debug)]
pub struct ViolationsArgs {
    /// How many days back, today included: 1 to 90
    #[arg(long, value_name = "N", default_value_t = 7)]
    days: u64,
}

pub(crate) async fn run(args: &ViolationsArgs, context: &Context) -> Result<(), CommandError> {
    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let query = ViolationsQuery { days: Some(args.days) };
    let violations = client.list_violations(project.reference(), &query).await?;
    context.output.show(&violations, |violations, text| {
        let rows: Vec<_> = violations.sums.iter().map(write_row).collect();
        let headings = ["DAY", "DOMAIN", "CODE", "RELEASE", "REFUSED", "REPORTED", "REPORTS"];
        text.table(&headings, &rows, "No app reported a violation.");
        if violations.is_cut {
            text.labelled_line(CAREFUL, "cut", "there are more: ask for fewer days");
        }
    })
}

fn write_row(sum: &ViolationSum) -> Vec<String> {
    vec![
        show_day(UnixTime::from_secs(sum.day)),
        sum.domain.clone().unwrap_or_else(|| "(no entry)".to_owned()),
        sum.code.clone(),
        sum.version.map(|version| version.to_string()).unwrap_or_default(),
        sum.refused.to_string(),
        sum.reported.to_string(),
        sum.reports.to_string(),
    ]
}
