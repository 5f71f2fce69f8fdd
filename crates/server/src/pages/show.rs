//! How moments, texts and states are shown.

use askama::{Template, filters::HtmlSafe};
use pintle_api::{CtPolicy, CtResponse, DomainResponse, Enforce, EnforceWord, PinMatch, PinOrigin};
use time::OffsetDateTime;

const DAY_SECS: u64 = 86_400;

/// A moment: `<time>` with the exact second in UTC on hover.
#[derive(Template, Clone, Debug)]
#[template(source = r#"<time datetime="{{ machine }}" title="{{ exact }}">{{ text }}</time>"#, ext = "html")]
pub(super) struct Time {
    /// As in RFC 3339.
    pub(super) machine: String,
    exact: String,
    text: String,
}

impl HtmlSafe for Time {}

impl Time {
    pub(super) fn new(secs: u64) -> Self {
        let moment = i64::try_from(secs).ok().and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
        let Some(at) = moment else {
            return Self { machine: String::new(), exact: secs.to_string(), text: "far in the future".to_owned() };
        };
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = (at.hour(), at.minute(), at.second());
        let month_name = at.month().to_string();
        let short = month_name.get(..3).unwrap_or_default();
        Self {
            machine: format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
            exact: format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"),
            text: format!("{day} {short} {year}, {hour:02}:{minute:02} UTC"),
        }
    }
}

/// A moment to the minute in UTC, as in `15 Jan 2027, 08:00 UTC`.
pub(super) fn minute(secs: u64) -> String {
    Time::new(secs).text
}

/// The day of a moment in UTC, as in `15 Jan 2027`.
pub(super) fn date(secs: u64) -> String {
    let text = Time::new(secs).text;
    text.split_once(',').map_or(text.clone(), |(day, _)| day.to_owned())
}

/// How long until a moment, in a word or two, and how much that matters: `good`, `soon`, `bad`.
#[derive(Template, Clone, Debug)]
#[template(source = r#"<span class="state state-{{ mood }}">{{ text }}</span>"#, ext = "html")]
pub(super) struct Remaining {
    pub(super) mood: &'static str,
    pub(super) text: String,
}

impl HtmlSafe for Remaining {}

impl Remaining {
    pub(super) fn new(secs: u64, now: u64) -> Self {
        let Some(left) = secs.checked_sub(now).filter(|left| *left > 0) else {
            return Self { mood: "bad", text: format!("{} ago", span(now.saturating_sub(secs))) };
        };
        let mood = match left / DAY_SECS {
            0..14 => "bad",
            14..45 => "soon",
            _ => "good",
        };
        Self { mood, text: format!("in {}", span(left)) }
    }
}

/// The day of a moment (UTC) as a browser's field has it, `2027-06-30`.
pub(super) fn show_day(secs: u64) -> String {
    let mut text = Time::new(secs).machine;
    text.truncate(10);
    text
}

/// Midnight (UTC) of a day as a browser's field has it, `2027-06-30`; `None` where none was chosen.
///
/// # Errors
/// It is no day.
pub(super) fn parse_day(text: &str) -> Result<Option<u64>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut parts = text.splitn(3, '-');
    let mut next = || parts.next().and_then(|part| part.parse::<u16>().ok()).ok_or(());
    let (year, month, day) = (next()?, u8::try_from(next()?).map_err(drop)?, u8::try_from(next()?).map_err(drop)?);
    let month = time::Month::try_from(month).map_err(drop)?;
    let date = time::Date::from_calendar_date(year.into(), month, day).map_err(drop)?;
    u64::try_from(date.midnight().assume_utc().unix_timestamp()).map(Some).map_err(drop)
}

/// A minute (UTC) as a browser's field has it, `2027-06-30T08:30`; `None` where none was chosen.
///
/// # Errors
/// It is none.
pub(super) fn parse_minute(text: &str) -> Result<Option<u64>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    let (day, time) = text.split_once('T').ok_or(())?;
    let (hour, minute) = time.split_once(':').ok_or(())?;
    let time = time::Time::from_hms(hour.parse().map_err(drop)?, minute.parse().map_err(drop)?, 0).map_err(drop)?;
    let into_day = u64::from(time.hour()) * 3600 + u64::from(time.minute()) * 60;
    parse_day(day)?.ok_or(()).map(|midnight| Some(midnight + into_day))
}

/// A length of time in its largest useful unit.
pub(super) fn span(secs: u64) -> String {
    let (count, unit) = match secs {
        1 => return "1 second".to_owned(),
        0..60 => (secs, "seconds"),
        60..120 => return "a minute".to_owned(),
        120..7200 => (secs / 60, "minutes"),
        7200..172_800 => (secs / 3600, "hours"),
        _ => (secs / DAY_SECS, "days"),
    };
    format!("{count} {unit}")
}

/// The same, for templates.
pub(super) fn show_span(secs: &u64) -> String {
    span(*secs)
}

/// How often: `every minute`, `every 10 minutes`.
pub(super) fn every(secs: &u64) -> String {
    format!("every {}", span(*secs).trim_start_matches("a "))
}

/// With a capital first letter, and a full stop at the end.
pub(super) fn sentence(text: impl AsRef<str>) -> String {
    let text = text.as_ref().trim();
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return String::new() };
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), characters.as_str())
}

/// A text in which `code` stands between backticks.
#[derive(Template, Clone, Debug)]
#[template(
    source = "{% for (at, part) in text.split('`').enumerate() %}{% if at % 2 == 1 %}<code>{{ part }}</code>{% else %}{{ part }}{% endif %}{% endfor %}",
    ext = "html"
)]
pub(super) struct Prose<'a> {
    text: &'a str,
}

impl HtmlSafe for Prose<'_> {}

pub(super) fn prose(text: &str) -> Prose<'_> {
    Prose { text }
}

/// The word of a wire type, as JSON spells it.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// For templates, where one side is borrowed more than once.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other
}

/// The same for people: `awaiting_approval` is "awaiting approval".
pub(super) fn words(value: &impl serde::Serialize) -> String {
    word(value).replace('_', " ")
}

pub(super) fn show_enforce(enforce: &Enforce) -> String {
    match enforce {
        Enforce::Word(EnforceWord::Always) | Enforce::Percent(100) => "refuses what no pin matches".to_owned(),
        Enforce::Word(EnforceWord::Report) | Enforce::Percent(0) => "only reports".to_owned(),
        Enforce::Percent(percent) => format!("refuses in {percent} % of installations"),
    }
}

/// What a domain asks of Certificate Transparency, where it asks for anything.
pub(super) fn show_ct(ct: &CtResponse) -> Option<String> {
    let kind = match ct.policy {
        CtPolicy::Off => return None,
        CtPolicy::Declared => "names",
        CtPolicy::Verified => "has signed proofs of",
    };
    let logs = if ct.min == 1 { "log" } else { "logs" };
    let of = ct.logs.as_ref().map_or_else(String::new, |logs| format!(" of {} chosen", logs.len()));
    Some(format!("asks that the certificate {kind} {} CT {logs}{of}", ct.min))
}

pub(super) fn show_match(pin_match: &PinMatch) -> &'static str {
    match pin_match {
        PinMatch::Leaf => "the server's own certificate",
        PinMatch::Issuer => "a certificate above the server's",
        PinMatch::Any => "any certificate of the path",
    }
}

pub(super) fn show_source(source: &PinOrigin) -> &'static str {
    match source {
        PinOrigin::Fetched => "fetched from a server",
        PinOrigin::File => "read from a file",
        PinOrigin::Csr => "read from a signing request",
        PinOrigin::Ct => "found in CT logs",
        PinOrigin::ByHand => "entered by hand",
    }
}

/// How a domain stands at a glance: how many pins count, and when the last one ends.
pub(super) fn pin_state(domain: &DomainResponse, now: &u64) -> Remaining {
    let ends = |pin: &&pintle_api::PinResponse| pin.expires_at.is_none_or(|at| at > *now);
    let counting: Vec<_> = domain.pins.iter().filter(ends).collect();
    let last_end = counting.iter().map(|pin| pin.expires_at).max_by_key(|at| at.unwrap_or(u64::MAX)).flatten();
    match (counting.len(), last_end) {
        (0, _) => Remaining { mood: "bad", text: "no pin counts".to_owned() },
        (_, Some(at)) => {
            let left = Remaining::new(at, *now);
            Remaining { text: format!("last pin ends {}", left.text), ..left }
        }
        (1, None) => Remaining { mood: "soon", text: "1 pin, no backup".to_owned() },
        (count, None) => Remaining { mood: "good", text: format!("{count} pins") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_exact_for_programs_and_on_hover() {
        let shown = Time::new(1_800_000_000).render().unwrap();
        assert_eq!(
            shown,
            r#"<time datetime="2027-01-15T08:00:00Z" title="2027-01-15 08:00:00 UTC">15 Jan 2027, 08:00 UTC</time>"#
        );
    }

    #[test]
    fn a_day_is_read_as_a_browser_writes_it() {
        assert_eq!(parse_day("2027-01-15"), Ok(Some(1_800_000_000 - 8 * 3600)));
        assert_eq!(show_day(1_800_000_000), "2027-01-15");
        assert_eq!(parse_day(""), Ok(None));
        for wrong in ["2027-02-30", "2027-13-01", "15.01.2027", "tomorrow", "1969-12-31", "2027-01-15T00:00"] {
            assert_eq!(parse_day(wrong), Err(()), "{wrong}");
        }
        assert_eq!(parse_minute("2027-01-15T08:00"), Ok(Some(1_800_000_000)));
        for wrong in ["T", "2027-01-15", "2027-01-15T24:00", "2027-01-15T08", "2027-01-15T8:61"] {
            assert_eq!(parse_minute(wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn what_ends_soon_looks_so() {
        let mood = |days: u64| Remaining::new(1_000_000 + days * DAY_SECS, 1_000_000).mood;
        assert_eq!([mood(0), mood(13), mood(20), mood(60)], ["bad", "bad", "soon", "good"]);
        assert_eq!(Remaining::new(1_000_000, 1_000_000 + 3 * DAY_SECS).text, "3 days ago");
    }

    #[test]
    fn code_in_a_text_is_shown_as_code_and_nothing_becomes_markup() {
        let shown = prose("run `pintle <x>` & wait").render().unwrap();
        assert_eq!(shown, "run <code>pintle &#60;x&#62;</code> &#38; wait");
    }
}
