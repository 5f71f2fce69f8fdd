use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use pintle_api::{CtLogRequest, ReplaceCtLogsRequest};
use pintle_core::UnixTime;
use pintle_discover::{LogList, MAX_LOG_LIST_BYTES, parse_log_list};
use serde::Serialize;

use super::{show_end, write_age};
use crate::{
    CommandError,
    context::Context,
    file::read_file,
    moment::parse_moment,
    output::{GOOD, STRONG, Text},
};

/// Result of `ct import`.
#[derive(Serialize)]
struct ImportReport {
    /// The log list.
    file: PathBuf,
    /// When it was made; seconds since 1970 UTC.
    as_of: u64,
    /// Whether the draft has these logs now.
    imported: bool,
    accepted: Vec<AcceptedReport>,
    left_out: Vec<LeftOutReport>,
}

#[derive(Serialize)]
struct AcceptedReport {
    id: String,
    name: String,
    operator: String,
    usable_until: Option<u64>,
}

#[derive(Serialize)]
struct LeftOutReport {
    id: String,
    name: String,
    operator: String,
    /// Stable code of the reason.
    code: &'static str,
    /// The reason in words.
    reason: String,
}

pub(super) async fn run(
    file: &Path,
    as_of: Option<&str>,
    dry_run: bool,
    context: &Context,
) -> Result<(), CommandError> {
    let given = as_of.map(parse_moment).transpose()?;
    let list = parse_log_list(&read_file(file, MAX_LOG_LIST_BYTES as u64)?)
        .map_err(|error| CommandError::LogList { path: file.to_owned(), error })?;
    let as_of = match (list.as_of, given) {
        (Some(as_of), None) | (None, Some(as_of)) => as_of,
        (None, None) => return Err(CommandError::AsOfNeeded { path: file.to_owned() }),
        (Some(as_of), Some(_)) => return Err(CommandError::AsOfKnown { path: file.to_owned(), as_of }),
    };
    if !dry_run {
        let client = context.connect()?;
        let project = context.find_project(&client).await?;
        client.replace_ct_logs(project.reference(), &make_request(&list, as_of)).await?;
    }
    let report = ImportReport::new(file, &list, as_of, !dry_run);
    context.output.show(&report, |report, text| report.write_text(context.now, text))
}

fn make_request(list: &LogList, as_of: UnixTime) -> ReplaceCtLogsRequest {
    let logs = list.accepted.iter().map(|listed| CtLogRequest {
        key: listed.log.key().to_base64(),
        operator: listed.log.operator().to_owned(),
        name: listed.name.clone(),
        usable_until: listed.log.usable_until().map(UnixTime::as_secs),
    });
    ReplaceCtLogsRequest { as_of: as_of.as_secs(), logs: logs.collect() }
}

impl ImportReport {
    fn new(file: &Path, list: &LogList, as_of: UnixTime, imported: bool) -> Self {
        let accepted = list.accepted.iter().map(|listed| AcceptedReport {
            id: Base64::encode_string(listed.log.id()),
            name: listed.name.clone(),
            operator: listed.log.operator().to_owned(),
            usable_until: listed.log.usable_until().map(UnixTime::as_secs),
        });
        let left_out = list.left_out.iter().map(|log| LeftOutReport {
            id: Base64::encode_string(&log.id),
            name: log.name.clone(),
            operator: log.operator.clone(),
            code: log.reason.code(),
            reason: log.reason.to_string(),
        });
        Self {
            file: file.to_owned(),
            as_of: as_of.as_secs(),
            imported,
            accepted: accepted.collect(),
            left_out: left_out.collect(),
        }
    }

    fn write_text(&self, now: UnixTime, text: &mut Text) {
        write_age(UnixTime::from_secs(self.as_of), now, text);
        let rows: Vec<_> = self
            .accepted
            .iter()
            .map(|log| vec![log.operator.clone(), log.name.clone(), show_end(log.usable_until)])
            .collect();
        text.styled_line(STRONG, &format!("{} logs accepted", rows.len()));
        text.indented(|text| {
            text.table(&["OPERATOR", "LOG", "SCTS UNTIL"], &rows, "none");
        });
        let rows: Vec<_> =
            self.left_out.iter().map(|log| vec![log.operator.clone(), log.name.clone(), log.reason.clone()]).collect();
        text.gap().styled_line(STRONG, &format!("{} logs left out", rows.len()));
        text.indented(|text| {
            text.table(&["OPERATOR", "LOG", "WHY"], &rows, "none");
        });
        text.gap();
        if self.imported {
            text.styled_line(GOOD, "Imported into the draft. `pintle release` brings it to apps.");
        } else {
            text.line("Nothing was imported (--dry-run).");
        }
    }
}
