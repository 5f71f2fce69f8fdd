use std::{cmp::Reverse, collections::BTreeMap};

use pintle_core::UnixTime;
use pintle_store::{
    AccountId, AlertChange, AlertRecipient, AlertRow, MailChoice, MailKind, MailRow, Membership, Notice, Page,
    ProjectId, ReadTx,
};

use super::send_mail::MAX_ATTEMPTS;
use crate::{
    OutgoingMail, Progress, Service, ServiceError,
    address::EmailAddress,
    alert::{Alert, AlertKind, Letter, Section, Telling, queue_alert_mail, raise, resolve, wants},
    day::write_day,
    mail::Mailer,
};

/// More open alerts than this are not listed one by one in a digest.
const MAX_OPEN: u64 = 200;
const MAX_DUE: u64 = 200;

/// A mail, and what it tells.
struct Written {
    mail: OutgoingMail,
    told: Vec<Notice>,
}

impl Service {
    /// Sends what an account is to be told. What it told is forgotten once the mail was handed over, so that a crash tells
    /// twice rather than never.
    pub(super) async fn send_alert_mail(
        &self,
        mailer: &dyn Mailer,
        mail: &MailRow,
        now: UnixTime,
    ) -> Result<Progress, ServiceError> {
        let Some(account) = mail.account_id.clone() else { return self.drop_mail(mail, now).await };
        let Some(Written { mail: outgoing, told }) = self.write_alert_mail(mail, &account, now).await? else {
            return self.drop_mail(mail, now).await;
        };
        let progress = self.deliver(mailer, mail, &outgoing, now).await?;
        let is_given_up = progress == Progress::Postponed && mail.attempts.value() >= MAX_ATTEMPTS;
        if progress != Progress::Done && !is_given_up {
            return Ok(progress);
        }
        let tx = self.begin_system_change(now).await?;
        for member in list_memberships(&tx, &account).await? {
            let detail = "The mail server did not take it, for about a day. It is tried again with the next alert.";
            let organization = &member.organization.id;
            let alert =
                Alert::of_organization(AlertKind::MailUndelivered, organization, account.as_str(), detail.into());
            if is_given_up { raise(&tx, alert, now).await? } else { resolve(&tx, &alert, now).await? }
        }
        if !is_given_up {
            tx.delete_notices(&told).await?;
            // Of what came while it was sent.
            if !tx.list_notices(&account, MailChoice::Immediate).await?.is_empty() {
                queue_alert_mail(&tx, &account, &EmailAddress::parse(&mail.address)?, now).await?;
            }
        }
        tx.commit_recorded().await?;
        Ok(progress)
    }

    async fn write_alert_mail(
        &self,
        mail: &MailRow,
        account: &AccountId,
        now: UnixTime,
    ) -> Result<Option<Written>, ServiceError> {
        let tx = self.store.read().await?;
        // Where mail reaches the account now, whatever it was when the mail was queued.
        let Some(email) = tx.find_email(account).await? else { return Ok(None) };
        let choice = if mail.kind == MailKind::Digest { MailChoice::Digest } else { MailChoice::Immediate };
        let mut reader = Reader { tx: &tx, members: list_memberships(&tx, account).await?, places: BTreeMap::new() };
        let told = tx.list_notices(account, choice).await?;
        let mut news = Vec::new();
        for notice in &told {
            news.extend(reader.tell(&notice.alert, notice.row.change).await?);
        }
        // Of many the last are counted, not listed.
        news.sort_by_key(|item| Reverse(item.tone));
        let mut sections = Vec::new();
        let count = news.len();
        let first = news.first().map(|item| item.title.clone()).unwrap_or_default();
        let is_over = news.iter().all(|item| item.label == "OVER");
        if !news.is_empty() {
            let heading = if choice == MailChoice::Digest { "Since the last digest" } else { "What happened" };
            sections.push(Section { heading: heading.to_owned(), items: news });
        }
        let subject = match (choice, count, is_over) {
            (MailChoice::Digest, ..) => {
                let open = reader.list_open(account).await?;
                let due = reader.list_due(account, now, self.alerts.horizon_secs()).await?;
                if sections.is_empty() && open.items.is_empty() && due.items.is_empty() {
                    return Ok(None);
                }
                let subject = format!("[Pintle] {}: {count} new, {} open", write_day(now), open.items.len());
                sections.extend([open, due].into_iter().filter(|section| !section.items.is_empty()));
                subject
            }
            (_, 0, _) => return Ok(None),
            (_, 1, true) => format!("[Pintle] Over: {first}"),
            (_, 1, false) => format!("[Pintle] {first}"),
            (_, _, true) => format!("[Pintle] {count} alerts are over"),
            (_, _, false) => format!("[Pintle] {count} alerts"),
        };
        let letter = Letter { subject, sections, server: self.accounts.settings.public_url.clone() };
        Ok(Some(Written { mail: letter.write(&email.address), told }))
    }

    async fn drop_mail(&self, mail: &MailRow, now: UnixTime) -> Result<Progress, ServiceError> {
        self.finish_mail(mail, None, now).await?;
        Ok(Progress::Done)
    }
}

/// What a member may read today, whatever it was when the alert was raised.
struct Reader<'a> {
    tx: &'a ReadTx,
    members: Vec<Membership>,
    /// Names of projects.
    places: BTreeMap<String, String>,
}

impl Reader<'_> {
    async fn tell(&mut self, alert: &AlertRow, change: AlertChange) -> Result<Option<Telling>, ServiceError> {
        let member = self.members.iter().find(|member| member.organization.id == alert.organization_id).cloned();
        let Some(member) = member else { return Ok(None) };
        let kind = AlertKind::parse(&alert.kind);
        if !kind.is_some_and(|kind| kind.permission().roles().contains(&member.role)) {
            return Ok(None);
        }
        let place = self.place(&member, alert.project_id.as_ref()).await?;
        Ok(Some(Telling::of(alert, change, place)))
    }

    /// What still holds where the member chose a digest.
    async fn list_open(&mut self, account: &AccountId) -> Result<Section, ServiceError> {
        let mut items = Vec::new();
        for member in self.members.clone() {
            let Some(recipient) = self.digest_reader(&member, account).await? else { continue };
            let kinds = AlertKind::ALL.iter().filter(|kind| wants(&recipient, **kind));
            let filter = pintle_store::AlertFilter {
                kinds: kinds.map(|kind| kind.as_str().to_owned()).collect(),
                is_open: true,
                project: None,
            };
            for alert in self.tx.list_alerts(&member.scope, &filter, &Page { after: None, limit: MAX_OPEN }).await? {
                items.extend(self.tell(&alert, AlertChange::Raised).await?);
            }
        }
        Ok(Section { heading: "Still open".to_owned(), items })
    }

    /// What ends soon there.
    async fn list_due(&mut self, account: &AccountId, now: UnixTime, within: u64) -> Result<Section, ServiceError> {
        let mut items = Vec::new();
        let until = now.saturating_add_secs(within).as_secs();
        for member in self.members.clone() {
            if self.digest_reader(&member, account).await?.is_none() {
                continue;
            }
            for due in self.tx.list_due_dates_until(&member.scope, until, MAX_DUE).await? {
                let place = self.place(&member, Some(&due.project_id)).await?;
                items.push(Telling::of_due(&due, place));
            }
        }
        Ok(Section { heading: "Due soon".to_owned(), items })
    }

    async fn digest_reader(
        &self,
        member: &Membership,
        account: &AccountId,
    ) -> Result<Option<AlertRecipient>, ServiceError> {
        let choice = self.tx.find_notification_choice(&member.scope, account).await?;
        let choice = choice.filter(|choice| choice.mail == MailChoice::Digest);
        Ok(choice.map(|choice| AlertRecipient {
            account_id: account.clone(),
            role: member.role,
            choice: Some(choice),
            address: None,
        }))
    }

    async fn place(&mut self, member: &Membership, project: Option<&ProjectId>) -> Result<String, ServiceError> {
        let Some(id) = project else { return Ok(member.organization.name.clone()) };
        if !self.places.contains_key(id.as_str()) {
            let name = match self.tx.load_project(id).await? {
                Some(project) => format!("{}/{}", project.row.name, project.row.environment),
                None => "a deleted project".to_owned(),
            };
            self.places.insert(id.to_string(), name);
        }
        let name = self.places.get(id.as_str()).map(String::as_str).unwrap_or_default();
        Ok(format!("{name}, {}", member.organization.name))
    }
}

async fn list_memberships(tx: &ReadTx, account: &AccountId) -> Result<Vec<Membership>, ServiceError> {
    Ok(tx.list_memberships(account, &Page { after: None, limit: u64::from(u32::MAX) }).await?)
}
