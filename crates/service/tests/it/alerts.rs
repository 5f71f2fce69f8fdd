//! Alerts: what members are told, once, and what they are told when it is over.

use std::{fs, sync::Arc};

use pintle_api::{AddTargetRequest, Approval, Role, UpdateProjectRequest};
use pintle_core::UnixTime;
use pintle_publish::{CredentialSource, Place};
use pintle_service::{Actor, Destination, Offer, OutgoingMail, Progress};
use pintle_store::{
    AccountId, AlertFilter, AlertRow, EmailRow, MailChoice, NotificationChoiceRow, OrganizationId, OrganizationScope,
    Page,
};

use crate::{
    accounts::Letterbox,
    support::{NOW, Plane, pin},
};

const DAY: u64 = 86_400;

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

/// A plane whose owner gets mail.
struct Watched {
    plane: Plane,
    letterbox: Arc<Letterbox>,
}

impl Watched {
    async fn new() -> Self {
        Self::around(Plane::new().await).await
    }

    async fn around(plane: Plane) -> Self {
        let letterbox = Arc::new(Letterbox::default());
        let plane = plane.with_mailer(letterbox.clone());
        let watched = Self { plane, letterbox };
        watched.give_address(&watched.plane.owner, "owner@example.com").await;
        watched
    }

    async fn give_address(&self, actor: &Actor, address: &str) {
        let tx = self.plane.store.write().await.unwrap();
        let account_id = AccountId::parse(actor.account_id()).unwrap();
        let row = EmailRow {
            account_id,
            address: address.into(),
            address_key: address.into(),
            verified_at: NOW.as_secs().into(),
        };
        tx.save_email(row).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn choose(&self, actor: &Actor, mail: MailChoice, wanted: &str, unwanted: &str) {
        let tx = self.plane.store.write().await.unwrap();
        tx.save_notification_choice(NotificationChoiceRow {
            organization_id: OrganizationId::parse(&self.plane.organization).unwrap(),
            account_id: AccountId::parse(actor.account_id()).unwrap(),
            mail,
            wanted: wanted.into(),
            unwanted: unwanted.into(),
            digest_at: Some(NOW.as_secs().into()),
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    async fn scope(&self) -> OrganizationScope {
        let tx = self.plane.store.read().await.unwrap();
        let owner = AccountId::parse(self.plane.owner.account_id()).unwrap();
        let organization = OrganizationId::parse(&self.plane.organization).unwrap();
        tx.find_membership(&owner, &organization).await.unwrap().unwrap().scope
    }

    /// Alerts of a kind, the newest first.
    async fn alerts(&self, kind: &str) -> Vec<AlertRow> {
        let filter = AlertFilter { kinds: vec![kind.into()], ..AlertFilter::default() };
        let tx = self.plane.store.read().await.unwrap();
        tx.list_alerts(&self.scope().await, &filter, &Page { after: None, limit: 1000 }).await.unwrap()
    }

    /// Sends what is due, and takes it out of the box.
    async fn mails(&self, now: UnixTime) -> Vec<OutgoingMail> {
        while !matches!(self.plane.service.send_next_mail(now).await.unwrap(), Progress::Idle { .. }) {}
        std::mem::take(&mut *self.letterbox.mails.lock().unwrap())
    }

    async fn subjects(&self, now: UnixTime) -> Vec<String> {
        self.mails(now).await.into_iter().map(|mail| mail.subject).collect()
    }

    async fn run_jobs(&self, now: UnixTime) {
        while !matches!(self.plane.service.run_next_job(now).await.unwrap(), Progress::Idle { .. }) {}
    }

    /// A release whose only pin ends so many seconds from now.
    async fn release_with_a_pin_that_ends(&self, secs: u64) {
        let domain = self.plane.add_domain("api.example.com").await.unwrap();
        let request = pintle_api::AddPinRequest { expires_at: Some(NOW.as_secs() + secs), ..pin(1) };
        self.plane
            .service
            .add_pin(&self.plane.owner, self.plane.path(), &domain.id, &request, None, NOW)
            .await
            .unwrap();
        self.plane.add_pin(&domain, 2).await.unwrap();
        self.plane.release().await;
        self.run_jobs(NOW).await;
    }
}

#[tokio::test]
async fn what_ends_is_told_at_30_14_7_and_1_days_and_when_it_ended_and_when_it_is_over() {
    let watched = Watched::new().await;
    watched.release_with_a_pin_that_ends(40 * DAY).await;
    let mut told = Vec::new();
    for day in 0..=45 {
        // From two instances, several times a day.
        for hour in [0, 1, 12] {
            watched.plane.service.watch(at(day * DAY + hour * 3600)).await.unwrap();
        }
        for mail in watched.mails(at(day * DAY + 13 * 3600)).await {
            assert!(mail.subject.contains("A pin expires soon: api.example.com spki-sha256"), "{}", mail.subject);
            assert!(mail.text.contains("What to do: ") && mail.html.contains("What to do: "));
            told.push((day, mail.text.split_ascii_whitespace().nth(2).unwrap().to_owned()));
        }
    }
    let words = [(10, "WARNING"), (26, "WARNING"), (33, "WARNING"), (39, "CRITICAL"), (40, "CRITICAL")];
    assert_eq!(told, words.map(|(day, word)| (day, word.to_owned())));
    let alerts = watched.alerts("pin_expiring").await;
    assert_eq!((alerts.len(), alerts[0].resolved_at), (1, None), "one alert, and it holds");

    let (owner, path, all) = (&watched.plane.owner, watched.plane.path(), pintle_api::ListQuery::default());
    let domain = watched.plane.service.list_domains(owner, path, &all).await.unwrap().items.remove(0);
    let ended = domain.pins.iter().find(|pin| pin.expires_at.is_some()).unwrap();
    let service = &watched.plane.service;
    service.remove_pin(&watched.plane.owner, watched.plane.path(), &domain.id, &ended.id, None, NOW).await.unwrap();
    watched.plane.release().await;
    watched.run_jobs(NOW).await;
    service.watch(at(46 * DAY)).await.unwrap();
    let over = watched.subjects(at(47 * DAY)).await;
    assert_eq!(over.len(), 1, "{over:?}");
    assert!(over[0].starts_with("[Pintle] Over: A pin expires soon: api.example.com"), "{over:?}");
    assert!(watched.alerts("pin_expiring").await[0].resolved_at.is_some());
}

#[tokio::test]
async fn a_target_that_takes_no_releases_is_told_once_and_so_is_its_recovery() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("www"), "a file, not a directory").unwrap();
    let place = format!("dir:{}", folder.path().join("www").display());
    let destination = Destination {
        name: "www".into(),
        place: place.parse::<Place>().unwrap(),
        credentials: CredentialSource::Environment,
        offer: Offer::Everybody,
        public_url: None,
        purge: None,
    };
    let watched = Watched::around(Plane::new().await.with_destinations(vec![destination])).await;
    let plane = &watched.plane;
    let request = AddTargetRequest { destination: "www".into() };
    plane.service.add_target(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    plane.release().await;
    watched.run_jobs(NOW).await;
    assert!(watched.alerts("target_failing").await.is_empty(), "it may only be slow to wake up");
    for minute in 1..120 {
        watched.run_jobs(at(minute * 60)).await;
    }
    let alerts = watched.alerts("target_failing").await;
    assert_eq!((alerts.len(), alerts[0].subject.as_str(), alerts[0].severity.as_str()), (1, "www", "critical"));
    let told = watched.subjects(at(2 * 3600)).await;
    assert_eq!(told, ["[Pintle] A publish target does not take releases: www"]);

    fs::remove_file(folder.path().join("www")).unwrap();
    watched.run_jobs(at(3 * 3600)).await;
    assert_eq!(watched.subjects(at(4 * 3600)).await, ["[Pintle] Over: A publish target does not take releases: www"]);
    assert_eq!(watched.alerts("release_live").await.len(), 1, "and is in the history, though nobody is mailed");
}

#[tokio::test]
async fn a_release_that_waits_calls_for_a_second_person_until_somebody_answers() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let colleague = plane.add_member(Role::Publisher).await;
    let (editor, former) = (plane.add_member(Role::Editor).await, plane.add_member(Role::Publisher).await);
    for (actor, address) in [(&colleague, "colleague"), (&editor, "editor"), (&former, "former")] {
        watched.give_address(actor, &format!("{address}@example.com")).await;
    }
    let request = UpdateProjectRequest { approval: Some(Approval::SecondPerson), ..UpdateProjectRequest::default() };
    plane.service.update_project(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    let release = plane.release().await;
    plane.service.remove_member(&plane.owner, &plane.organization, former.account_id(), NOW).await.unwrap();
    let mut to: Vec<_> = watched.mails(at(60)).await.into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["colleague@example.com", "owner@example.com"], "neither who cannot answer, nor who left");
    assert!(watched.alerts("approval_needed").await[0].resolved_at.is_none());
    let request = pintle_api::ApproveReleaseRequest { claims_sha256: release.claims_sha256 };
    plane.service.approve_release(&colleague, plane.path(), release.version, &request, NOW).await.unwrap();
    assert!(watched.alerts("approval_needed").await[0].resolved_at.is_some());
    assert_eq!(watched.subjects(at(600)).await.len(), 2);
}

#[tokio::test]
async fn lifting_approval_is_told_at_once() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    for approval in [Approval::SecondPerson, Approval::None] {
        let request = UpdateProjectRequest { approval: Some(approval), ..UpdateProjectRequest::default() };
        plane.service.update_project(&plane.owner, plane.path(), &request, NOW).await.unwrap();
    }
    let alerts = watched.alerts("approval_lifted").await;
    assert_eq!((alerts.len(), alerts[0].severity.as_str()), (1, "critical"));
}

#[tokio::test]
async fn a_member_gets_what_they_chose_at_once_once_a_day_or_never() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    let (daily, never) = (plane.add_member(Role::Editor).await, plane.add_member(Role::Admin).await);
    watched.give_address(&daily, "daily@example.com").await;
    watched.give_address(&never, "never@example.com").await;
    watched.choose(&daily, MailChoice::Digest, "release_live", "pin_expiring").await;
    watched.choose(&never, MailChoice::Off, "release_live", "").await;
    watched.choose(&plane.owner, MailChoice::Immediate, "release_live", "pin_expiring").await;
    watched.release_with_a_pin_that_ends(20 * DAY).await;
    plane.service.watch(at(60)).await.unwrap();
    let mails = watched.mails(at(60)).await;
    assert_eq!(mails.len(), 1, "{:?}", mails.iter().map(|mail| (&mail.to, &mail.subject)).collect::<Vec<_>>());
    assert_eq!(
        (mails[0].to.as_str(), mails[0].subject.as_str()),
        ("owner@example.com", "[Pintle] A release is live: 1")
    );

    let mut digests = Vec::new();
    for hour in 1..=48 {
        for _instance in 0..2 {
            plane.service.watch(at(hour * 3600)).await.unwrap();
        }
        digests.extend(watched.mails(at(hour * 3600 + 60)).await);
    }
    assert_eq!(digests.len(), 2, "one a day");
    assert!(digests.iter().all(|mail| mail.to == "daily@example.com"));
    assert!(digests[0].text.contains("A release is live: 1") && digests[0].text.contains("Due soon"));
    assert!(!digests[1].text.contains("A release is live: 1"), "what was told is not told again");
    assert!(!digests[0].text.contains("A pin expires soon"), "not wanted");
}

#[tokio::test]
async fn a_mail_server_that_refuses_is_told_once_and_nothing_gets_lost() {
    let watched = Watched::new().await;
    *watched.letterbox.is_closed.lock().unwrap() = true;
    watched.release_with_a_pin_that_ends(20 * DAY).await;
    watched.plane.service.watch(NOW).await.unwrap();
    for hour in 1..60 {
        assert!(watched.mails(at(hour * 3600)).await.is_empty());
    }
    assert_eq!(watched.alerts("mail_undelivered").await.len(), 1);
    let next = watched.plane.service.send_next_mail(at(60 * 3600)).await.unwrap();
    assert_eq!(next, Progress::Idle { next_at: None }, "given up, and nothing is stuck");

    *watched.letterbox.is_closed.lock().unwrap() = false;
    watched.plane.service.watch(at(7 * DAY)).await.unwrap();
    let mails = watched.mails(at(8 * DAY)).await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.contains("2 alerts"), "what was not told, too: {}", mails[0].subject);
    assert!(watched.alerts("mail_undelivered").await[0].resolved_at.is_some());
}

#[tokio::test]
async fn a_hundred_alerts_are_one_mail() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    for number in 0..100_u8 {
        let domain = plane.add_domain(&format!("host-{number}.example.com")).await.unwrap();
        let request = pintle_api::AddPinRequest { expires_at: Some(NOW.as_secs() + 5 * DAY), ..pin(number) };
        plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &request, None, NOW).await.unwrap();
        plane.add_pin(&domain, number.wrapping_add(100)).await.unwrap();
    }
    plane.release().await;
    watched.run_jobs(NOW).await;
    plane.service.watch(at(60)).await.unwrap();
    let mails = watched.mails(at(3600)).await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].subject, "[Pintle] 100 alerts");
    assert!(mails[0].text.contains("… and 75 more") && mails[0].html.contains("… and 75 more"));
}

#[tokio::test]
async fn a_deleted_project_alerts_nobody() {
    let watched = Watched::new().await;
    watched.release_with_a_pin_that_ends(5 * DAY).await;
    watched.plane.service.watch(NOW).await.unwrap();
    watched.plane.service.delete_project(&watched.plane.owner, watched.plane.path(), NOW).await.unwrap();
    assert!(watched.alerts("pin_expiring").await[0].resolved_at.is_some());
    watched.plane.service.watch(at(DAY)).await.unwrap();
    assert_eq!(watched.alerts("pin_expiring").await.len(), 1);
}

#[tokio::test]
async fn guessing_a_members_password_is_told_once_an_hour() {
    let watched = Watched::new().await;
    let plane = &watched.plane;
    for attempt in 0..40 {
        let request =
            pintle_api::SignInRequest { email: "owner@example.com".into(), password: crate::accounts::secret("x") };
        let network = format!("192.0.{attempt}.0/24");
        let refused = plane.service.sign_in(&request, None, &crate::accounts::from(&network), at(attempt)).await;
        assert!(refused.is_err());
        plane.service.record_security_events(at(attempt)).await.unwrap();
    }
    let alerts = watched.alerts("sign_ins_refused").await;
    assert_eq!(alerts.len(), 1);
    assert!(!alerts[0].detail.contains("example.com") && !alerts[0].detail.contains("192.0."), "{}", alerts[0].detail);
}
