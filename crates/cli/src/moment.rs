//! Points in time and spans, as people write and read them. Always UTC.

use pintle_core::UnixTime;
use time::{
    Date, OffsetDateTime,
    format_description::well_known::{Rfc2822, Rfc3339},
    macros::format_description,
};

use crate::CommandError;

/// Parses `2027-06-30` (its first second), RFC 3339, or seconds since 1970 UTC.
pub(crate) fn parse_moment(text: &str) -> Result<UnixTime, CommandError> {
    let wrong = || CommandError::Value { code: "time_invalid", value: text.to_owned(), expected: "a point in time" };
    if let Ok(secs) = text.parse::<u64>() {
        return Ok(UnixTime::from_secs(secs));
    }
    let moment = Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map(|date| date.midnight().assume_utc())
        .or_else(|_| OffsetDateTime::parse(text, &Rfc3339))
        .map_err(|_| wrong())?;
    u64::try_from(moment.unix_timestamp()).map(UnixTime::from_secs).map_err(|_| wrong())
}

/// Parses the date of an HTTP answer (RFC 9110 §5.6.7).
pub(crate) fn parse_http_date(text: &str) -> Option<UnixTime> {
    let moment = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    u64::try_from(moment.unix_timestamp()).map(UnixTime::from_secs).ok()
}

/// Parses whole seconds, or a number with `s`, `m`, `h` or `d`, into seconds.
pub(crate) fn parse_span_secs(text: &str) -> Result<u64, CommandError> {
    let wrong = || CommandError::Value { code: "duration_invalid", value: text.to_owned(), expected: "a span of time" };
    let (number, unit_secs) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1),
        Some((at, 'm')) => (text.get(..at), 60),
        Some((at, 'h')) => (text.get(..at), 3600),
        Some((at, 'd')) => (text.get(..at), 86_400),
        _ => (Some(text), 1),
    };
    let number: u64 = number.and_then(|number| number.parse().ok()).ok_or_else(wrong)?;
    number.checked_mul(unit_secs).ok_or_else(wrong)
}

/// The day alone, as `2027-06-30`.
pub(crate) fn show_day(moment: UnixTime) -> String {
    show_moment(moment).chars().take_while(|character| *character != ' ').collect()
}

/// `2027-06-30 12:00 UTC`; to the second only where it is not a whole minute.
pub(crate) fn show_moment(moment: UnixTime) -> String {
    let minutes = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let seconds = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    let format = if moment.as_secs().is_multiple_of(60) { minutes } else { seconds };
    let shown = i64::try_from(moment.as_secs())
        .ok()
        .and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok())
        .and_then(|moment| moment.format(format).ok());
    shown.unwrap_or_else(|| format!("{moment} s"))
}

/// `2027-06-30 12:00 UTC (in 219 days)`; the distance is rounded.
pub(crate) fn show_moment_from(moment: UnixTime, now: UnixTime) -> String {
    let secs = moment.secs_since(now).max(now.secs_since(moment));
    let (unit_secs, _) = *UNITS.iter().find(|(unit_secs, _)| secs >= 2 * unit_secs).unwrap_or(&SECOND);
    let distance = show_span(secs.saturating_add(unit_secs / 2) / unit_secs * unit_secs);
    let relative = if moment > now { format!("in {distance}") } else { format!("{distance} ago") };
    format!("{} ({relative})", show_moment(moment))
}

const SECOND: (u64, &str) = (1, "second");
const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), SECOND];

/// Exactly, in the largest unit that divides it: `90 days`, `10 minutes`, `601 seconds`.
pub(crate) fn show_span(secs: u64) -> String {
    let divides = |unit_secs: u64| secs != 0 && secs.is_multiple_of(unit_secs);
    let (unit_secs, unit) = *UNITS.iter().find(|(unit_secs, _)| divides(*unit_secs)).unwrap_or(&SECOND);
    let number = secs / unit_secs;
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dates_instants_and_seconds() {
        for (text, secs) in
            [("1970-01-02", 86_400), ("1970-01-01T00:01:00Z", 60), ("1970-01-01T02:00:00+01:00", 3600), ("42", 42)]
        {
            assert_eq!(parse_moment(text).unwrap(), UnixTime::from_secs(secs), "{text}");
        }
        for text in ["", "soon", "2027-13-01", "1969-12-31", "-1", "2027-06-30 12:00"] {
            assert_eq!(parse_moment(text).unwrap_err().code(), "time_invalid", "{text}");
        }
    }

    #[test]
    fn reads_spans_with_and_without_unit() {
        for (text, secs) in [("600", 600), ("45s", 45), ("10m", 600), ("24h", 86_400), ("90d", 7_776_000)] {
            assert_eq!(parse_span_secs(text).unwrap(), secs, "{text}");
        }
        for text in ["", "d", "1.5h", "-1", "5 m", "1w", "ü", "18446744073709551615d"] {
            assert_eq!(parse_span_secs(text).unwrap_err().code(), "duration_invalid", "{text}");
        }
    }

    #[test]
    fn shows_moments_beside_the_distance_to_now() {
        let now = UnixTime::from_secs(1_800_000_000);
        assert_eq!(show_moment(now), "2027-01-15 08:00 UTC");
        assert_eq!(show_moment_from(now.saturating_add_secs(86_400 * 3), now), "2027-01-18 08:00 UTC (in 3 days)");
        assert_eq!(show_moment_from(now, now.saturating_add_secs(61)), "2027-01-15 08:00 UTC (61 seconds ago)");
    }
    #[test]
    fn shows_spans_exactly_and_distances_rounded() {
        for (secs, shown) in [(0, "0 seconds"), (601, "601 seconds"), (600, "10 minutes"), (86_400, "1 day")] {
            assert_eq!(show_span(secs), shown);
        }
        let now = UnixTime::from_secs(1_800_000_000);
        let almost = now.saturating_add_secs(86_400 * 90 - 1);
        assert_eq!(show_moment_from(almost, now), "2027-04-15 07:59:59 UTC (in 90 days)");
    }
}
