//! Mails about alerts: when they go, and how they look.

use std::fmt::Write as _;

use pintle_api::{AlertSeverity, replace_hostile};
use pintle_core::UnixTime;
use pintle_store::{
    AccountId, AlertChange, AlertRow, DueDateRow, DueKind, MailId, MailKind, MailRow, Unsigned, WriteTx,
};

use super::{AlertKind, parse_severity};
use crate::{OutgoingMail, ServiceError, address::EmailAddress, day::write_day};

/// What happens within this time goes into one mail.
const GATHER_SECS: u64 = 20;
/// And the next mail follows after this time at the earliest.
const PAUSE_SECS: u64 = 5 * 60;
/// More lines make no mail more useful.
const MAX_ITEMS: usize = 25;

/// Has an account mailed what it is to be told, unless a mail waits already.
pub(crate) async fn queue_alert_mail(
    tx: &WriteTx,
    account: &AccountId,
    address: &EmailAddress,
    now: UnixTime,
) -> Result<(), ServiceError> {
    queue(tx, MailKind::Alerts, account, address, now, GATHER_SECS).await
}

/// The same for the mail of the day.
pub(crate) async fn queue_digest(
    tx: &WriteTx,
    account: &AccountId,
    address: &EmailAddress,
    now: UnixTime,
) -> Result<(), ServiceError> {
    queue(tx, MailKind::Digest, account, address, now, 0).await
}

async fn queue(
    tx: &WriteTx,
    kind: MailKind,
    account: &AccountId,
    address: &EmailAddress,
    now: UnixTime,
    delay_secs: u64,
) -> Result<(), ServiceError> {
    let last = tx.find_last_mail(kind, account).await?;
    if last.as_ref().is_some_and(|mail| mail.run_at.is_some()) {
        return Ok(());
    }
    let pause_end = last.map_or(0, |mail| mail.created_at.value().saturating_add(PAUSE_SECS));
    let run_at = now.saturating_add_secs(delay_secs).as_secs().max(pause_end);
    let mail = MailRow {
        id: MailId::make(now.as_secs()),
        kind,
        address: address.as_str().to_owned(),
        address_key: address.key().to_owned(),
        account_id: Some(account.clone()),
        invitation_id: None,
        attempts: Unsigned::default(),
        run_at: Some(run_at.into()),
        lease: None,
        created_at: now.as_secs().into(),
    };
    Ok(tx.insert_mail(mail).await?)
}

/// One entry of a mail.
#[derive(Clone, Debug)]
pub(crate) struct Telling {
    /// `CRITICAL`, `OVER`, or a day.
    pub(crate) label: String,
    pub(crate) tone: Tone,
    pub(crate) title: String,
    /// Where: project and organization.
    pub(crate) place: String,
    pub(crate) lines: Vec<String>,
}

/// What it looks like besides its label, from the least urgent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    Calm,
    Good,
    Careful,
    Bad,
}

/// Entries under a heading.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) items: Vec<Telling>,
}

/// A mail in the making.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) sections: Vec<Section>,
    pub(crate) server: String,
}

impl Telling {
    pub(crate) fn of(alert: &AlertRow, change: AlertChange, place: String) -> Self {
        let severity = parse_severity(&alert.severity);
        let kind = AlertKind::parse(&alert.kind);
        let title = format!("{}: {}", kind.map_or("An alert", AlertKind::title), alert.subject);
        if change == AlertChange::Resolved {
            return Self { label: "OVER".to_owned(), tone: Tone::Good, title, place, lines: Vec::new() };
        }
        let tone = match severity {
            AlertSeverity::Info => Tone::Calm,
            AlertSeverity::Warning => Tone::Careful,
            AlertSeverity::Critical => Tone::Bad,
        };
        let runbook = kind.map(|kind| format!("What to do: {}", kind.runbook()));
        let lines = [Some(alert.detail.clone()), runbook].into_iter().flatten().collect();
        Self { label: severity.as_str().to_uppercase(), tone, title, place, lines }
    }
}

impl Telling {
    pub(crate) fn of_due(due: &DueDateRow, place: String) -> Self {
        let what = match due.kind {
            DueKind::Certificate => "certificate",
            DueKind::Pin => "pin",
            DueKind::Configuration => "configuration",
        };
        Self {
            label: write_day(UnixTime::from_secs(due.due_at.value())),
            tone: Tone::Calm,
            title: format!("End of the {what}: {}", due.subject),
            place,
            lines: Vec::new(),
        }
    }
}

impl Letter {
    pub(crate) fn write(&self, to: &str) -> OutgoingMail {
        let subject = replace_hostile(&self.subject);
        OutgoingMail { to: to.to_owned(), subject, text: self.to_text(), html: self.to_html() }
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            let _ = writeln!(text, "{}\n", section.heading);
            for item in section.items.iter().take(MAX_ITEMS) {
                let _ = writeln!(
                    text,
                    "{}  {}\n    {}",
                    item.label,
                    replace_hostile(&item.title),
                    replace_hostile(&item.place)
                );
                for line in &item.lines {
                    let _ = writeln!(text, "    {}", replace_hostile(line));
                }
                text.push('\n');
            }
            if let Some(more) = describe_rest(section) {
                let _ = writeln!(text, "{more}\n");
            }
        }
        let _ = write!(text, "-- \n{}\n{FOOTER}\n", self.server);
        text
    }

    fn to_html(&self) -> String {
        let mut body = String::new();
        for section in &self.sections {
            let _ = writeln!(body, "<h2 style=\"{HEADING}\">{}</h2>", escape(&section.heading));
            section.items.iter().take(MAX_ITEMS).for_each(|item| item.write_html(&mut body));
            if let Some(more) = describe_rest(section) {
                let _ = writeln!(body, "<p style=\"{SMALL}\">{}</p>", escape(&more));
            }
        }
        let title = escape(&self.subject);
        let server = escape(&self.server);
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light\">\
             <title>{title}</title></head>\n<body style=\"{PAGE}\">\n\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr><td align=\"center\">\n\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"{SHEET}\">\
             <tr><td style=\"{INNER}\">\n<p style=\"{BRAND}\">Pintle</p>\n{body}\
             <p style=\"{SMALL}\">{server}<br>{}</p>\n</td></tr></table>\n</td></tr></table>\n</body></html>\n",
            escape(FOOTER)
        )
    }
}

impl Telling {
    fn write_html(&self, body: &mut String) {
        let (ink, paper) = match self.tone {
            Tone::Calm => ("#1f4e79", "#eaf1f8"),
            Tone::Good => ("#1e5c36", "#e8f4ec"),
            Tone::Careful => ("#7a4b00", "#fdf3e0"),
            Tone::Bad => ("#8e1b1b", "#fcebeb"),
        };
        let lines = self.lines.iter().map(|line| format!("<p style=\"{LINE}\">{}</p>", mark_code(line)));
        let _ = writeln!(
            body,
            "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"{CARD}\"><tr>\
             <td style=\"border-left:4px solid {ink};padding:12px 16px\">\
             <span style=\"{LABEL};color:{ink};background:{paper}\">{}</span>\
             <p style=\"{TITLE}\">{}</p><p style=\"{PLACE}\">{}</p>{}</td></tr></table>",
            escape(&self.label),
            escape(&self.title),
            escape(&self.place),
            lines.collect::<String>()
        );
    }
}

fn describe_rest(section: &Section) -> Option<String> {
    let rest = section.items.len().saturating_sub(MAX_ITEMS);
    (rest > 0).then(|| format!("… and {rest} more: pintle alerts list"))
}

/// What stands between backticks, as code.
fn mark_code(line: &str) -> String {
    let parts = line.split('`').zip([false, true].into_iter().cycle());
    let mark = |(part, is_code)| match is_code {
        true => format!("<code style=\"{CODE}\">{}</code>", escape(part)),
        false => escape(part),
    };
    parts.map(mark).collect()
}

/// Names and details come from strangers.
fn escape(text: &str) -> String {
    let text = replace_hostile(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const FOOTER: &str = "You get this because you are a member there. To choose what you get: pintle notifications set";

const PAGE: &str = "margin:0;padding:24px 12px;background:#f3f4f6;\
                    font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#1c2430";
const SHEET: &str = "max-width:600px;background:#ffffff;border:1px solid #dde1e6;border-radius:8px";
const INNER: &str = "padding:24px";
const BRAND: &str = "margin:0 0 16px;font-size:14px;font-weight:600;letter-spacing:0.04em;color:#4a5563";
const HEADING: &str = "margin:24px 0 12px;font-size:18px;line-height:1.3";
const CARD: &str = "margin:0 0 12px;background:#fafbfc;border:1px solid #e5e8ec;border-left:0;border-radius:4px";
const LABEL: &str =
    "display:inline-block;padding:2px 8px;border-radius:3px;font-size:12px;font-weight:700;letter-spacing:0.03em";
const TITLE: &str = "margin:8px 0 2px;font-size:16px;font-weight:600;line-height:1.35;overflow-wrap:anywhere";
const PLACE: &str = "margin:0 0 8px;font-size:13px;color:#5b6573";
const LINE: &str = "margin:0 0 6px;font-size:14px;line-height:1.5;overflow-wrap:anywhere";
const CODE: &str = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;background:#eef0f3;padding:1px 4px;border-radius:3px";
const SMALL: &str = "margin:20px 0 0;font-size:12px;line-height:1.5;color:#5b6573";
