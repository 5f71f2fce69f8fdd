//! Pictures over time, made here: SVG that needs no script, with the same said in words for whoever does not see it.

use askama::{Template, filters::HtmlSafe};
use pintle_api::{Concern, DriftChangeResponse, DriftState, ViolationSum};

use super::show::date;

const DAY_SECS: u64 = 86_400;
/// Pictures are so many units wide, whatever that is on a screen.
pub(super) const WIDTH: u64 = 1000;
/// More is for the list of changes.
const MAX_SAID: usize = 6;
/// Less would be seen by nobody.
const MIN_WIDTH: u64 = 6;

/// What a state means for the eye.
pub(super) fn drift_mood(state: &DriftState) -> &'static str {
    match (state, state.concern()) {
        (DriftState::NotLookedAt, _) => "past",
        (_, Concern::None) => "good",
        (_, Concern::Warning) => "soon",
        (_, Concern::Error) => "bad",
    }
}

/// What was found at one domain or place, as a strip of time.
#[derive(Template, Clone, Debug, PartialEq, Eq)]
#[template(path = "part/strip.html")]
pub(super) struct Strip {
    /// In the order of time; what nobody knows is left out.
    pub(super) spans: Vec<Span>,
    /// The same in a sentence.
    pub(super) words: String,
}

impl HtmlSafe for Strip {}

/// A time in which one state held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) left: u64,
    pub(super) width: u64,
    pub(super) mood: &'static str,
    pub(super) says: String,
}

impl Strip {
    /// Of the last `days` until `now`. `changes` are those of one subject from one vantage point, newest first; `current` is
    /// what holds now and since when.
    pub(super) fn new<'a>(
        changes: impl Iterator<Item = &'a DriftChangeResponse>,
        current: Option<(DriftState, u64)>,
        days: u64,
        now: u64,
    ) -> Self {
        let start = now.saturating_sub(days * DAY_SECS);
        let mut spans = Vec::new();
        let mut until = now;
        let mut add = |state: DriftState, from: u64, until: u64| {
            let (left, right) = (place(from.max(start), start, now), place(until, start, now));
            let says =
                format!("{} from {} to {}", state.as_str().replace('_', " "), date(from.max(start)), date(until));
            let width = right.saturating_sub(left).max(MIN_WIDTH);
            spans.push(Span { left: left.min(WIDTH - MIN_WIDTH), width, mood: drift_mood(&state), says });
        };
        let mut before = None;
        for change in changes {
            if until <= start {
                break;
            }
            add(change.after, change.at, until);
            (until, before) = (change.at, Some(change.before));
        }
        match (before, current) {
            (Some(Some(state)), _) if until > start => add(state, start, until),
            (None, Some((state, since))) => add(state, since, now),
            _ => {}
        }
        spans.reverse();
        let words = match spans.as_slice() {
            [] => "nothing is known yet".to_owned(),
            [.., last] if spans.len() > MAX_SAID => format!("{} changes; {}", spans.len() - 1, last.says),
            spans => spans.iter().map(|span| span.says.as_str()).collect::<Vec<_>>().join("; "),
        };
        Self { spans, words: format!("Last {days} days: {words}") }
    }
}

fn place(at: u64, start: u64, end: u64) -> u64 {
    at.saturating_sub(start).saturating_mul(WIDTH) / end.saturating_sub(start).max(1)
}

/// What apps reported, a column for each day.
#[derive(Template, Clone, Debug, PartialEq, Eq)]
#[template(path = "part/columns.html")]
pub(super) struct Columns {
    pub(super) days: Vec<Day>,
    /// The highest column.
    pub(super) max: u64,
    pub(super) words: String,
}

impl HtmlSafe for Columns {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Day {
    /// In units from the left.
    pub(super) left: u64,
    pub(super) width: u64,
    /// In hundredths of the highest column.
    pub(super) refused: u64,
    pub(super) reported: u64,
    pub(super) says: String,
}

impl Columns {
    /// Of the last `days`, today included.
    pub(super) fn new(sums: &[ViolationSum], days: u64, now: u64) -> Self {
        let today = now - now % DAY_SECS;
        let first = today.saturating_sub((days - 1) * DAY_SECS);
        let total = |day: u64, count: fn(&ViolationSum) -> u64| -> u64 {
            sums.iter().filter(|sum| sum.day == day).map(count).fold(0, u64::saturating_add)
        };
        let counts: Vec<_> = (0..days)
            .map(|number| first + number * DAY_SECS)
            .map(|day| (day, total(day, |sum| sum.refused), total(day, |sum| sum.reported)))
            .collect();
        let max = counts.iter().map(|(_, refused, reported)| refused.saturating_add(*reported)).max().unwrap_or(0);
        // One connection among a million is still seen.
        let share = |count: u64| if count == 0 { 0 } else { (count.saturating_mul(100) / max.max(1)).max(2) };
        let step = WIDTH / days.max(1);
        let columns = counts.iter().zip(0..).map(|((day, refused, reported), number)| Day {
            left: number * step,
            width: step.saturating_sub(step / 5).max(1),
            refused: share(*refused),
            reported: share(*reported),
            says: format!("{}: {refused} refused, {reported} reported", date(*day)),
        });
        let sum = |at: fn(&(u64, u64, u64)) -> u64| counts.iter().map(at).fold(0, u64::saturating_add);
        let words =
            format!("In {days} days {} connections refused, {} only reported", sum(|day| day.1), sum(|day| day.2));
        let busiest = counts.iter().max_by_key(|(_, refused, reported)| refused.saturating_add(*reported));
        let busiest = busiest.filter(|_| max > 0).map(|(day, ..)| format!("; most on {}", date(*day)));
        Self { days: columns.collect(), max, words: words + &busiest.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use pintle_api::DriftKind;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn change(days_ago: u64, before: Option<DriftState>, after: DriftState) -> DriftChangeResponse {
        DriftChangeResponse {
            kind: DriftKind::Domain,
            subject: "a.example".to_owned(),
            vantage: "server".to_owned(),
            at: NOW - days_ago * DAY_SECS,
            before,
            after,
            detail: String::new(),
            release: 1,
        }
    }

    fn strip(changes: &[DriftChangeResponse], current: Option<(DriftState, u64)>) -> Vec<(u64, u64, &'static str)> {
        let strip = Strip::new(changes.iter(), current, 100, NOW);
        strip.spans.iter().map(|span| (span.left, span.width, span.mood)).collect()
    }

    #[test]
    fn a_strip_shows_what_held_when() {
        use DriftState::{Match, Mismatch};
        let changes = [change(10, Some(Mismatch), Match), change(20, Some(Match), Mismatch)];
        assert_eq!(strip(&changes, None), [(0, 800, "good"), (800, 100, "bad"), (900, 100, "good")]);
        let long_ago = [change(500, None, Match)];
        assert_eq!(strip(&long_ago, Some((Match, 0))), [(0, 1000, "good")], "what began before goes on");
        assert_eq!(strip(&[change(10, None, Match)], None), [(900, 100, "good")], "nothing was known before");
        assert_eq!(strip(&[], Some((Mismatch, NOW - 50 * DAY_SECS))), [(500, 500, "bad")]);
        assert_eq!(strip(&[], None), []);
        assert_eq!(strip(&[change(0, None, Mismatch)], None), [(994, 6, "bad")], "what began just now is seen");
    }

    #[test]
    fn a_change_of_before_the_strip_ends_it() {
        use DriftState::{Match, Stale};
        let changes = [change(200, Some(Stale), Match), change(300, None, Stale)];
        assert_eq!(strip(&changes, None), [(0, 1000, "good")]);
    }

    #[test]
    fn columns_keep_what_is_rare_in_sight() {
        let sum = |day, refused, reported| ViolationSum {
            day,
            domain: None,
            code: "pin_mismatch".to_owned(),
            version: None,
            refused,
            reported,
            reports: 1,
        };
        let today = NOW - NOW % DAY_SECS;
        let columns = Columns::new(&[sum(today, 1, 0), sum(today - DAY_SECS, 0, 1_000_000)], 10, NOW);
        let shares: Vec<_> = columns.days.iter().map(|day| (day.refused, day.reported)).collect();
        assert_eq!(shares[8..], [(0, 100), (2, 0)]);
        assert_eq!(columns.max, 1_000_000);
        assert!(columns.words.contains("1 connections refused, 1000000 only reported; most on"), "{}", columns.words);
        assert_eq!(Columns::new(&[], 10, NOW).max, 0);
    }
}
