//! Points in time for people. Always UTC.

use pintle_core::UnixTime;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// `2027-01-15`
pub(crate) fn write_day(at: UnixTime) -> String {
    write(at, format_description!("[year]-[month]-[day]"))
}

/// `2027-01-15 08:00 UTC`
pub(crate) fn write_minute(at: UnixTime) -> String {
    write(at, format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
}

/// `2027-01-15T08:00:00Z`
pub(crate) fn write_rfc3339(at: UnixTime) -> String {
    write(at, format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
}

/// A time after the year 9999 is as good as never.
fn write(at: UnixTime, format: &[BorrowedFormatItem<'_>]) -> String {
    let moment = i64::try_from(at.as_secs()).ok().and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
    moment.and_then(|moment| moment.format(format).ok()).unwrap_or_else(|| "never".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_minutes_are_those_of_utc() {
        let at = UnixTime::from_secs(1_800_000_000);
        assert_eq!((write_day(at), write_minute(at)), ("2027-01-15".to_owned(), "2027-01-15 08:00 UTC".to_owned()));
        assert_eq!(write_day(UnixTime::from_secs(u64::MAX)), "never");
    }
}
