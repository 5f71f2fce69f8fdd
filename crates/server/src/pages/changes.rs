//! What differs, for the eye: what a reader looks for in it, a part at a time, and how much there is.

use askama::{Template, filters::HtmlSafe};
use pintle_api::{Change, ChangeKind};
use serde::Deserialize;

use super::{
    show::{every, minute, show_match, show_span},
    sign_in::form_encode,
};

/// So many are shown at once; a draft may change thousands of pins.
const MOST: usize = 50;

/// What the address of a page says of it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ChangesQuery {
    /// Shows those whose subject has this in it.
    find: Option<String>,
    /// Number of the first that is shown, from 0.
    from: Option<usize>,
}

/// A part of the changes.
#[derive(Template, Clone, Debug)]
#[template(path = "part/changes.html")]
pub(super) struct Portion {
    /// Of the page that shows them.
    path: String,
    find: String,
    total: usize,
    fitting: usize,
    from: usize,
    shown: Vec<Change>,
}

/// Its own template escapes what is in it.
impl HtmlSafe for Portion {}

impl Portion {
    pub(super) fn new(changes: &[Change], query: ChangesQuery, path: String) -> Self {
        let find = query.find.unwrap_or_default().trim().to_lowercase();
        let fitting: Vec<_> = changes.iter().filter(|change| change.subject.to_lowercase().contains(&find)).collect();
        // Whole parts, so that the way back and forth meets the same ones.
        let from = query.from.unwrap_or_default() / MOST * MOST;
        let from = if from < fitting.len() { from } else { 0 };
        let shown = fitting.iter().skip(from).take(MOST).map(|change| in_words(change)).collect();
        Self { path, find, total: changes.len(), fitting: fitting.len(), from, shown }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// As in `3 changes`.
    pub(super) fn counted(&self) -> String {
        format!("{} change{}", self.total, if self.total == 1 { "" } else { "s" })
    }

    fn is_long(&self) -> bool {
        self.total > MOST || !self.find.is_empty()
    }

    fn last(&self) -> usize {
        self.from + self.shown.len()
    }

    fn link(&self, from: usize) -> String {
        format!("{}?{}&from={from}#changes", self.path, form_encode("find", &self.find))
    }

    fn earlier(&self) -> Option<String> {
        Some(self.link(self.from.checked_sub(MOST)?))
    }

    fn later(&self) -> Option<String> {
        (self.last() < self.fitting).then(|| self.link(self.last()))
    }
}

/// What is settled of a domain, as its page says it.
fn settle_in_words(value: &str) -> String {
    let mut parts = value.splitn(3, ", ");
    let enforce = match parts.next().unwrap_or_default().trim_start_matches("enforce ") {
        "always" => "refuses what no pin matches".to_owned(),
        "report" => "only reports".to_owned(),
        percent => format!("refuses in {percent} of installations"),
    };
    let trust = if parts.next() == Some("trust pins") { ", by pins alone" } else { "" };
    let more = parts.next().map_or_else(String::new, |ct| format!(", {ct}"));
    format!("{enforce}{trust}{more}")
}

/// The same of a domain or of one of its pins: `NAME`, or `NAME pin TYPE:DIGEST (MATCH)`.
fn domain_in_words(change: &Change, subject: &str) -> Change {
    let Some((name, pin)) = subject.split_once(" pin ") else {
        let told = |value: &Option<String>| value.as_deref().map(settle_in_words);
        return Change {
            subject: format!("{subject}:"),
            before: told(&change.before),
            after: told(&change.after),
            kind: change.kind,
        };
    };
    let (digest, matches) = pin.strip_suffix(')').and_then(|pin| pin.rsplit_once(" (")).unwrap_or((pin, ""));
    let place = serde_json::from_value(matches.into()).as_ref().map_or("", show_match);
    let told =
        |value: &Option<String>| value.as_deref().map(|text| date_in_words(&text.replacen("expires at", "until", 1)));
    Change {
        subject: format!("{name}: pin {digest} on {place}"),
        before: told(&change.before),
        after: told(&change.after),
        kind: change.kind,
    }
}

/// A text that ends with a moment in seconds, with the moment as people read it.
fn date_in_words(text: &str) -> String {
    let (before, last) = text.rsplit_once(' ').map_or(("", text), |(before, last)| (before, last));
    match last.parse() {
        Ok(secs) => format!("{before} {}", minute(secs)).trim_start().to_owned(),
        Err(_) => text.to_owned(),
    }
}

/// A change of a setting or of a domain, as their pages call it.
fn in_words(change: &Change) -> Change {
    if let Some(subject) = change.subject.strip_prefix("domain ") {
        return domain_in_words(change, subject);
    }
    let seconds = |text: &str| text.trim_start_matches("after ").strip_suffix(" s")?.parse().ok();
    let (subject, value): (_, fn(u64) -> String) = match change.subject.as_str() {
        "refresh" => ("Apps ask for news", |secs| every(&secs)),
        "expiry" => ("A release is valid", |secs| format!("for {}", show_span(&secs))),
        "on_stale" => ("An app whose copy is older", |_| String::new()),
        subject if subject.starts_with("CT log") => (subject, |_| String::new()),
        _ => return change.clone(),
    };
    let told = |text: &String| match (text.as_str(), seconds(text)) {
        (_, Some(secs)) => value(secs),
        ("never", None) => "without end".to_owned(),
        ("keep", None) => "goes on enforcing it".to_owned(),
        ("fail", None) => "refuses every connection".to_owned(),
        (other, None) => date_in_words(other),
    };
    Change {
        kind: change.kind,
        subject: subject.to_owned(),
        before: change.before.as_ref().map(told),
        after: change.after.as_ref().map(told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(find: &str, from: usize) -> Portion {
        let change = |number: usize| Change {
            kind: ChangeKind::Added,
            subject: format!("domain Host{number}.example"),
            before: None,
            after: None,
        };
        let changes: Vec<_> = (0..450).map(change).collect();
        Portion::new(&changes, ChangesQuery { find: Some(find.to_owned()), from: Some(from) }, "/draft".to_owned())
    }

    #[test]
    fn every_change_is_reached_and_the_numbers_are_right() {
        let (mut from, mut seen) = (0, Vec::new());
        loop {
            let portion = make("", from);
            seen.extend(portion.shown.iter().map(|change| change.subject.clone()));
            let text = portion.render().unwrap();
            assert!(text.contains(&format!("{} to {} of 450", from + 1, portion.last())), "{text}");
            let Some(link) = portion.later() else { break };
            from = link.split("from=").nth(1).and_then(|rest| rest.split('#').next()).unwrap().parse().unwrap();
        }
        assert_eq!(seen.len(), 450);
        seen.dedup();
        assert_eq!(seen.len(), 450);
        assert_eq!(make("", 400).earlier().unwrap(), "/draft?find=&from=350#changes");
    }

    #[test]
    fn settings_are_told_in_words() {
        let told = |subject: &str, after: &str| {
            let change = Change {
                kind: ChangeKind::Added,
                subject: subject.to_owned(),
                before: None,
                after: Some(after.to_owned()),
            };
            let told = in_words(&change);
            format!("{} {}", told.subject, told.after.unwrap())
        };
        assert_eq!(told("refresh", "600 s"), "Apps ask for news every 10 minutes");
        assert_eq!(told("expiry", "after 7776000 s"), "A release is valid for 90 days");
        assert_eq!(told("expiry", "never"), "A release is valid without end");
        assert_eq!(told("on_stale", "fail"), "An app whose copy is older refuses every connection");
        assert_eq!(told("CT logs as of", "1800000000"), "CT logs as of 15 Jan 2027, 08:00 UTC");
        assert_eq!(
            told("CT log AA=", "Argon, SCTs until 1800000000"),
            "CT log AA= Argon, SCTs until 15 Jan 2027, 08:00 UTC"
        );
        let domain = "domain a.example";
        assert_eq!(told(domain, "enforce report, trust platform"), "a.example: only reports");
        assert_eq!(
            told(domain, "enforce 50 %, trust pins, CT verified by 2 of all logs"),
            "a.example: refuses in 50 % of installations, by pins alone, CT verified by 2 of all logs"
        );
        assert_eq!(
            told("domain a.example pin spki-sha256:AA= (leaf)", "expires at 1800000000"),
            "a.example: pin spki-sha256:AA= on the server's own certificate until 15 Jan 2027, 08:00 UTC"
        );
    }

    #[test]
    fn what_is_looked_for_is_found_beyond_the_first_part() {
        let portion = make("HOST449.", 0);
        assert_eq!((portion.fitting, portion.shown.len(), portion.total), (1, 1, 450));
        assert!(portion.earlier().is_none() && portion.later().is_none());
        assert!(make("no such", 0).render().unwrap().contains("No change names"));
        assert_eq!(make("", 9_999_999).from, 0, "beyond the end is the beginning");
        assert!(make("<b>", 0).render().unwrap().contains("&#60;b&#62;"));
    }
}
