use pintle_api::{
    BASE_PATH, CalendarSecret, CreatedCalendarResponse, MailChoice, NotificationKind, NotificationsResponse,
    UpdateNotificationsRequest,
};
use pintle_core::UnixTime;
use pintle_store::{AlertRecipient, CalendarFeedRow, Membership, NotificationChoiceRow, ReadTx};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    Actor, AlertKind, AuditAction, Permission, Service, ServiceError, access::find_organization, alert::wants,
    audit::Event, hex::write_hex, random::make_random,
};

impl Service {
    /// What the caller is told of in an organization.
    ///
    /// # Errors
    /// Those of access.
    pub async fn read_notifications(
        &self,
        actor: &Actor,
        organization: &str,
    ) -> Result<NotificationsResponse, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization(&tx, actor, organization, Permission::Read).await?;
        self.describe_notifications(&tx, actor, &member).await
    }

    /// Changes what the caller is told of.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], and those of access.
    pub async fn update_notifications(
        &self,
        actor: &Actor,
        organization: &str,
        request: &UpdateNotificationsRequest,
        now: UnixTime,
    ) -> Result<NotificationsResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ChooseNotifications).await?;
        let recipient = find_recipient(&tx, actor, &member).await?;
        let mail = request.mail.map(store_mail).or(recipient.choice.as_ref().map(|choice| choice.mail));
        let mut chosen = (Vec::new(), Vec::new());
        for word in request.kinds.keys() {
            if AlertKind::parse(word).is_none_or(|kind| !kind.permission().roles().contains(&member.role)) {
                let expected = "kinds of alerts that your role may see, as in `pin_expiring`";
                return Err(ServiceError::ValueInvalid { member: "kinds", expected });
            }
        }
        for kind in AlertKind::ALL {
            let wanted = request.kinds.get(kind.as_str()).copied().unwrap_or_else(|| wants(&recipient, *kind));
            match (wanted, kind.roles().contains(&member.role)) {
                (true, false) => chosen.0.push(kind.as_str()),
                (false, true) => chosen.1.push(kind.as_str()),
                _ => {}
            }
        }
        let row = NotificationChoiceRow {
            organization_id: member.organization.id.clone(),
            account_id: actor.account_id.clone(),
            mail: mail.unwrap_or_default(),
            wanted: chosen.0.join(" "),
            unwanted: chosen.1.join(" "),
            // The next one is due tomorrow.
            digest_at: recipient.choice.and_then(|choice| choice.digest_at).or(Some(now.as_secs().into())),
        };
        tx.save_notification_choice(row).await?;
        let answer = self.describe_notifications(&tx, actor, &member).await?;
        let event = Event::new(&member.scope, AuditAction::NotificationsChanged, "account", actor.account_id.as_str());
        tx.commit(event.after(json!({ "mail": answer.mail }))).await?;
        Ok(answer)
    }

    /// Gives the caller a calendar of what ends in an organization, under a secret URL that is shown once; the former one
    /// does not count any more.
    ///
    /// # Errors
    /// Those of access.
    pub async fn create_calendar(
        &self,
        actor: &Actor,
        organization: &str,
        now: UnixTime,
    ) -> Result<CreatedCalendarResponse, ServiceError> {
        let secret = CalendarSecret::make(&make_random()?);
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ChooseNotifications).await?;
        tx.save_calendar_feed(CalendarFeedRow {
            organization_id: member.organization.id.clone(),
            account_id: actor.account_id.clone(),
            secret_sha256: write_hex(&secret.sha256()),
            created_at: now.as_secs().into(),
        })
        .await?;
        tx.commit(Event::new(&member.scope, AuditAction::CalendarCreated, "account", actor.account_id.as_str()))
            .await?;
        let server = &self.accounts.settings.public_url;
        let url = Zeroizing::new(format!("{server}{BASE_PATH}/calendars/{}.ics", secret.expose_secret()));
        Ok(CreatedCalendarResponse { url: url.into(), created_at: now.as_secs() })
    }

    /// Takes the caller's calendar away, if there is one.
    ///
    /// # Errors
    /// Those of access.
    pub async fn remove_calendar(&self, actor: &Actor, organization: &str, now: UnixTime) -> Result<(), ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ChooseNotifications).await?;
        if !tx.delete_calendar_feed(&member.organization.id, &actor.account_id).await? {
            return Ok(());
        }
        tx.commit(Event::new(&member.scope, AuditAction::CalendarRemoved, "account", actor.account_id.as_str())).await
    }

    async fn describe_notifications(
        &self,
        tx: &ReadTx,
        actor: &Actor,
        member: &Membership,
    ) -> Result<NotificationsResponse, ServiceError> {
        let recipient = find_recipient(tx, actor, member).await?;
        let visible = AlertKind::ALL.iter().filter(|kind| kind.permission().roles().contains(&member.role));
        let calendar = tx.find_calendar_feed_of(&member.scope, &actor.account_id).await?;
        Ok(NotificationsResponse {
            mail: match recipient.choice.as_ref().map(|choice| choice.mail).unwrap_or_default() {
                pintle_store::MailChoice::Immediate => MailChoice::Immediate,
                pintle_store::MailChoice::Digest => MailChoice::Digest,
                pintle_store::MailChoice::Off => MailChoice::Off,
            },
            mail_arrives: recipient.address.is_some() && self.accounts.mailer.is_some(),
            kinds: visible
                .map(|kind| NotificationKind {
                    kind: kind.as_str().to_owned(),
                    severity: kind.severity(),
                    title: kind.title().to_owned(),
                    meaning: kind.meaning().to_owned(),
                    wanted: wants(&recipient, *kind),
                    suggested: kind.roles().contains(&member.role),
                })
                .collect(),
            calendar_created_at: calendar.map(|calendar| calendar.created_at.value()),
        })
    }
}

async fn find_recipient(tx: &ReadTx, actor: &Actor, member: &Membership) -> Result<AlertRecipient, ServiceError> {
    Ok(AlertRecipient {
        account_id: actor.account_id.clone(),
        role: member.role,
        choice: tx.find_notification_choice(&member.scope, &actor.account_id).await?,
        address: tx.find_email(&actor.account_id).await?.map(|email| email.address),
    })
}

const fn store_mail(mail: MailChoice) -> pintle_store::MailChoice {
    match mail {
        MailChoice::Immediate => pintle_store::MailChoice::Immediate,
        MailChoice::Digest => pintle_store::MailChoice::Digest,
        MailChoice::Off => pintle_store::MailChoice::Off,
    }
}
