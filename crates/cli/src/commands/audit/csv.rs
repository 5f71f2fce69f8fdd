//! Comma-separated values (RFC 4180) that a spreadsheet shows and never executes.

use pintle_api::{AuditEventResponse, AuditRecord};
use pintle_core::UnixTime;

use crate::{moment::show_moment, word::word};

const HEADINGS: [&str; 16] = [
    "seq",
    "time",
    "action",
    "actor_kind",
    "actor_id",
    "actor_name",
    "credential",
    "network",
    "target_kind",
    "target_id",
    "target_name",
    "project",
    "before",
    "after",
    "request",
    "hash",
];

pub(super) fn write_headings() -> String {
    write(HEADINGS.map(str::to_owned))
}

pub(super) fn write_row(event: &AuditEventResponse, record: &AuditRecord) -> String {
    let personal = |field: &str| event.personal.get(field).map(|personal| personal.value.clone());
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    write([
        record.seq.to_string(),
        show_moment(UnixTime::from_secs(record.at)),
        record.action.clone(),
        word(&record.actor.kind),
        text(&record.actor.account_id),
        text(&personal("actor_name")),
        text(&record.actor.credential_id),
        text(&personal("network")),
        record.target.kind.clone(),
        text(&record.target.id),
        text(&record.target.name.clone().or_else(|| personal("target_name")).or_else(|| personal("target_email"))),
        text(&record.project_id),
        json(&record.before),
        json(&record.after),
        text(&record.request_id),
        event.hash.clone(),
    ])
}

fn write(cells: [String; HEADINGS.len()]) -> String {
    let mut line = cells.map(|cell| quote(&cell)).join(",");
    line.push_str("\r\n");
    line
}

/// Every cell in quotation marks. What a spreadsheet would take for a formula gets an apostrophe, which it takes for the
/// mark of a text: names come from strangers.
fn quote(cell: &str) -> String {
    let is_formula = cell.trim_start().starts_with(['=', '+', '-', '@']) || cell.starts_with(['\t', '\r', '\n']);
    let mark = if is_formula { "'" } else { "" };
    format!("\"{mark}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_early() {
        for (cell, quoted) in [
            ("plain", "\"plain\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            (" =1", "\"' =1\""),
            ("\t=1", "\"'\t=1\""),
            ("say \"hi\", twice\n", "\"say \"\"hi\"\", twice\n\""),
        ] {
            assert_eq!(quote(cell), quoted, "{cell:?}");
        }
    }
}
