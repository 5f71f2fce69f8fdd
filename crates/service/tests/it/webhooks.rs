//! Webhooks: signed as the standard has it, tried again, given up, and never anybody else's.

use std::{
    collections::{BTreeMap, VecDeque},
    process::Command,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use pintle_api::{
    CreateWebhookRequest, CreatedWebhookResponse, ListQuery, Role, SecretText, UpdateNotificationsRequest,
    WebhookFormat, WebhookMessageResponse, WebhookResponse,
};
use pintle_core::UnixTime;
use pintle_service::{Actor, OutgoingMessage, Progress, SendError, ServiceError, WebhookSender};
use zeroize::Zeroizing;

use crate::{
    accounts::Letterbox,
    support::{NOW, Plane, code, pin},
};

const DAY: u64 = 86_400;

fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

/// Keeps messages instead of sending them; answers what it was told to, else that they were taken.
#[derive(Debug, Default)]
struct Receiver {
    messages: Mutex<Vec<OutgoingMessage>>,
    answers: Mutex<VecDeque<Result<(), SendError>>>,
    is_dead: Mutex<bool>,
    is_inside: Mutex<bool>,
}

#[async_trait]
impl WebhookSender for Receiver {
    fn takes_plain_http(&self) -> bool {
        *self.is_inside.lock().unwrap()
    }

    async fn send(&self, message: &OutgoingMessage) -> Result<(), SendError> {
        self.messages.lock().unwrap().push(message.clone());
        if *self.is_dead.lock().unwrap() {
            return Err(refusal("it answers 500"));
        }
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()))
    }
}

fn refusal(message: &str) -> SendError {
    SendError { message: message.into(), is_gone: message.contains("410"), retry_after_secs: None }
}

fn header(message: &OutgoingMessage, wanted: &str) -> String {
    message.headers.iter().find(|(name, _)| *name == wanted).unwrap().1.clone()
}

struct Hooked {
    plane: Plane,
    receiver: Arc<Receiver>,
}

impl Hooked {
    async fn new() -> Self {
        let receiver = Arc::new(Receiver::default());
        let plane = Plane::new().await.with_mailer(Arc::new(Letterbox::default())).with_webhooks(receiver.clone());
        Self { plane, receiver }
    }

    async fn try_add(&self, actor: &Actor, url: &str, kinds: &[&str]) -> Result<CreatedWebhookResponse, ServiceError> {
        let url: SecretText = Zeroizing::new(url.to_owned()).into();
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let request = CreateWebhookRequest { url, format: WebhookFormat::Standard, kinds };
        self.plane.service.create_webhook(actor, &self.plane.organization, &request, NOW).await
    }

    async fn add(&self, url: &str) -> CreatedWebhookResponse {
        self.try_add(&self.plane.owner, url, &["release_live", "webhook_disabled"]).await.unwrap()
    }

    /// Each release that is live is a message.
    async fn release(&self, now: UnixTime) {
        self.plane.release().await;
        while !matches!(self.plane.service.run_next_job(now).await.unwrap(), Progress::Idle { .. }) {}
    }

    async fn send_due(&self, now: UnixTime) -> Vec<OutgoingMessage> {
        for _ in 0..1000 {
            match self.plane.service.send_next_message(now).await.unwrap() {
                Progress::Idle { .. } => break,
                Progress::Done | Progress::Postponed => {}
            }
        }
        std::mem::take(&mut *self.receiver.messages.lock().unwrap())
    }

    async fn messages(&self, webhook: &str) -> Vec<WebhookMessageResponse> {
        let (service, organization) = (&self.plane.service, &self.plane.organization);
        let list = service.list_webhook_messages(&self.plane.owner, organization, webhook, &ListQuery::default()).await;
        list.unwrap().items
    }

    async fn webhook(&self, id: &str) -> WebhookResponse {
        let (service, organization) = (&self.plane.service, &self.plane.organization);
        let list = service.list_webhooks(&self.plane.owner, organization, &ListQuery::default(), NOW).await.unwrap();
        list.items.into_iter().find(|webhook| webhook.id == id).unwrap()
    }
}

const URL: &str = "https://hooks.example.com/services/hidden?token=hidden";

/// What the standard's own library makes of a message, in Python (`cargo xtask setup`).
fn verify(secret: &str, message: &OutgoingMessage, change: &str) -> String {
    const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/venv/bin/python");
    const SCRIPT: &str = "
import sys, json
from datetime import datetime, timezone
import standardwebhooks.webhooks as lib
given = json.load(sys.stdin)
class Then(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.fromtimestamp(given['now'], tz=timezone.utc)
lib.datetime = Then
try:
    lib.Webhook(given['secret']).verify(given['body'], given['headers'])
    print('genuine')
except lib.WebhookVerificationError as error:
    print('refused')
";
    let mut headers: BTreeMap<String, String> =
        message.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let mut body = message.body.clone();
    match change {
        "body" => body = body.replace("alert.raised", "alert.resolved"),
        "" | "late" => {}
        name => {
            let value = headers.get_mut(name).unwrap();
            *value = if name == "webhook-timestamp" { (NOW.as_secs() + 60).to_string() } else { format!("{value}0") };
        }
    }
    let now = NOW.as_secs() + if change == "late" { 600 } else { 30 };
    let given = serde_json::json!({ "secret": secret, "body": body, "headers": headers, "now": now }).to_string();
    let mut child = Command::new(PYTHON)
        .args(["-c", SCRIPT])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), given.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_standards_own_library_believes_a_message_and_no_changed_or_late_one() {
    let hooked = Hooked::new().await;
    let created = hooked.add(URL).await;
    let first = created.secret.expose_secret().to_owned();
    hooked.release(NOW).await;
    let sent = hooked.send_due(NOW).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].url.as_str(), URL);
    let body: serde_json::Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["kind"]), (&"alert.raised".into(), &"release_live".into()));
    assert_eq!(verify(&first, &sent[0], ""), "genuine");
    for change in ["body", "webhook-id", "webhook-timestamp", "late"] {
        assert_eq!(verify(&first, &sent[0], change), "refused", "{change}");
    }

    // While a secret is replaced, receivers with either believe it; afterwards those with the new one alone.
    let (service, plane) = (&hooked.plane.service, &hooked.plane);
    let rotated = service.rotate_webhook_secret(&plane.owner, &plane.organization, &created.webhook.id, NOW).await;
    let second = rotated.unwrap().secret.expose_secret().to_owned();
    assert_ne!(first, second);
    hooked.release(NOW).await;
    let sent = hooked.send_due(NOW).await;
    assert_eq!((verify(&first, &sent[0], "").as_str(), verify(&second, &sent[0], "").as_str()), ("genuine", "genuine"));
    let signatures = |sent: &[OutgoingMessage]| header(&sent[0], "webhook-signature").split(' ').count();
    assert_eq!(signatures(&sent), 2);
    hooked.release(NOW).await;
    assert_eq!(signatures(&hooked.send_due(at(DAY)).await), 1, "a day later the former secret is over");
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_with_the_same_id_later_and_later_and_given_up() {
    let hooked = Hooked::new().await;
    let id = hooked.add(URL).await.webhook.id;
    hooked.release(NOW).await;
    *hooked.receiver.is_dead.lock().unwrap() = true;
    let (mut attempts, mut secs) = (Vec::new(), 0);
    loop {
        let sent = hooked.send_due(at(secs)).await;
        assert_eq!(sent.len(), 1);
        attempts.push((secs, header(&sent[0], "webhook-id")));
        assert_eq!(header(&sent[0], "webhook-timestamp"), (NOW.as_secs() + secs).to_string());
        let Some(next) = hooked.messages(&id).await[0].next_attempt_at else { break };
        let wait = next - NOW.as_secs() - secs;
        assert!(hooked.send_due(at(secs + wait - 1)).await.is_empty(), "not before");
        secs += wait.max(60);
    }
    assert_eq!(attempts.len(), 10, "{attempts:?}");
    assert!(attempts.iter().all(|(_, message)| *message == attempts[0].1), "a receiver knows it");
    let waits: Vec<_> = attempts.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    // A fifth more or less may turn neighbours round.
    assert!(waits.windows(3).all(|of| of[0] < of[2]), "{waits:?}");
    assert!((DAY..3 * DAY).contains(&secs), "about two days in all: {secs}");
    let message = hooked.messages(&id).await.remove(0);
    assert_eq!((message.next_attempt_at, message.delivered_at), (None, None));
    assert_eq!(message.error.as_deref(), Some("it answers 500"));
    assert!(hooked.webhook(&id).await.failing_since.is_some());

    // Sent again once it works: the same message.
    *hooked.receiver.is_dead.lock().unwrap() = false;
    let plane = &hooked.plane;
    let replay = async |message: &str, now| {
        plane.service.replay_webhook_message(&plane.owner, &plane.organization, &id, message, now).await
    };
    replay(&message.id, at(4 * DAY)).await.unwrap();
    let sent = hooked.send_due(at(4 * DAY)).await;
    assert_eq!((sent.len(), header(&sent[0], "webhook-id")), (1, message.id.clone()));
    assert!(hooked.messages(&id).await[0].delivered_at.is_some());
    assert_eq!(hooked.webhook(&id).await.failing_since, None);
    assert_eq!(code(replay("msg_00000000000000000000000000", NOW).await), "not_found");
}

#[tokio::test]
async fn a_webhook_that_is_dead_for_days_is_disabled_with_one_alert_and_gets_no_more() {
    let hooked = Hooked::new().await;
    let id = hooked.add(URL).await.webhook.id;
    *hooked.receiver.is_dead.lock().unwrap() = true;
    for quarter in 0..(6 * 4) {
        hooked.release(NOW).await;
        hooked.send_due(at(quarter * DAY / 4)).await;
    }
    let webhook = hooked.webhook(&id).await;
    let disabled_at = webhook.disabled_at.unwrap();
    assert!((5 * DAY..=5 * DAY + DAY / 4).contains(&(disabled_at - NOW.as_secs())), "{disabled_at}");
    assert_eq!(webhook.waiting, 0, "what waited is given up, and can be sent again");
    let query = pintle_api::AlertQuery { kind: Some("webhook_disabled".into()), ..pintle_api::AlertQuery::default() };
    let plane = &hooked.plane;
    let alerts = plane.service.list_alerts(&plane.owner, &plane.organization, &query).await.unwrap().items;
    assert_eq!(alerts.len(), 1);
    assert!(alerts[0].detail.contains("https://hooks.example.com") && !alerts[0].detail.contains("hidden"));
    let before = hooked.messages(&id).await.len();
    hooked.release(NOW).await;
    assert!(hooked.send_due(at(7 * DAY)).await.is_empty());
    assert_eq!(hooked.messages(&id).await.len(), before);
}

#[tokio::test]
async fn a_receiver_that_wants_no_more_gets_no_more() {
    let hooked = Hooked::new().await;
    let (gone, other) = (hooked.add(URL).await.webhook.id, hooked.add("https://other.example/x").await.webhook.id);
    hooked.receiver.answers.lock().unwrap().push_back(Err(refusal("it answers 410")));
    hooked.release(NOW).await;
    let first = hooked.plane.service.send_next_message(NOW).await.unwrap();
    assert_eq!(first, Progress::Postponed);
    let (gone, other) = if hooked.webhook(&gone).await.disabled_at.is_some() { (gone, other) } else { (other, gone) };
    assert!(hooked.webhook(&gone).await.disabled_at.is_some());
    let told = hooked.send_due(at(60)).await;
    let types: Vec<_> = told.iter().filter(|message| message.body.contains("webhook_disabled")).collect();
    assert_eq!(types.len(), 1, "the other one is told");
    assert_eq!(hooked.webhook(&other).await.waiting, 0);
    hooked.release(NOW).await;
    assert_eq!(hooked.send_due(at(120)).await.len(), 1, "to the other one");

    let plane = &hooked.plane;
    let message = hooked.messages(&gone).await.remove(0).id;
    let replay = plane.service.replay_webhook_message(&plane.owner, &plane.organization, &gone, &message, NOW).await;
    assert_eq!(code(replay), "webhook_disabled");
    let tested = plane.service.test_webhook(&plane.owner, &plane.organization, &gone, at(200)).await.unwrap();
    assert!(tested.delivered);
    assert_eq!(hooked.webhook(&gone).await.disabled_at, None);
    hooked.receiver.messages.lock().unwrap().clear();
    let told = hooked.send_due(at(300)).await;
    assert!(told.iter().all(|message| message.body.contains("alert.resolved")), "its recovery is told");
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_gets_it_within_bounds() {
    for (asked, waited) in [(900, 900), (u64::MAX, 6 * 3600), (0, 60)] {
        let hooked = Hooked::new().await;
        hooked.add(URL).await;
        let busy = SendError { retry_after_secs: Some(asked), ..refusal("it answers 429") };
        hooked.receiver.answers.lock().unwrap().push_back(Err(busy));
        hooked.release(NOW).await;
        assert_eq!(hooked.send_due(NOW).await.len(), 1);
        // Not the message that was refused, and not another one.
        hooked.release(NOW).await;
        assert!(hooked.send_due(at(waited - 1)).await.is_empty(), "{asked}");
        assert_eq!(hooked.send_due(at(waited)).await.len(), 2, "{asked}");
    }
}

#[tokio::test]
async fn one_dead_webhook_costs_an_attempt_a_minute_whatever_waits_for_it() {
    let hooked = Hooked::new().await;
    hooked.add(URL).await;
    for _ in 0..20 {
        hooked.release(NOW).await;
    }
    *hooked.receiver.is_dead.lock().unwrap() = true;
    for minute in 0..5 {
        assert_eq!(hooked.send_due(at(minute * 60)).await.len(), 1, "minute {minute}");
        assert!(hooked.send_due(at(minute * 60 + 59)).await.is_empty());
    }
    *hooked.receiver.is_dead.lock().unwrap() = false;
    assert_eq!(hooked.send_due(at(3 * DAY)).await.len(), 20, "and nothing got lost");
}

#[tokio::test]
async fn two_instances_send_a_message_once() {
    let hooked = Hooked::new().await;
    hooked.add(URL).await;
    for _ in 0..10 {
        hooked.release(NOW).await;
    }
    let service = &hooked.plane.service;
    let work = || async {
        for _ in 0..20 {
            service.send_next_message(NOW).await.unwrap();
        }
    };
    tokio::join!(work(), work(), work());
    let mut ids: Vec<_> = hooked.send_due(at(61)).await.iter().map(|message| header(message, "webhook-id")).collect();
    let sent = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((sent, ids.len()), (10, 10));
}

#[tokio::test]
async fn neither_url_nor_secret_is_in_the_database_or_the_log_of_events() {
    let hooked = Hooked::new().await;
    let created = hooked.add(URL).await;
    assert_eq!(created.webhook.url, "https://hooks.example.com");
    let secret = created.secret.expose_secret().strip_prefix("whsec_").unwrap().to_owned();
    let tx = hooked.plane.store.read().await.unwrap();
    let scope = {
        let owner = pintle_store::AccountId::parse(hooked.plane.owner.account_id()).unwrap();
        let organization = pintle_store::OrganizationId::parse(&hooked.plane.organization).unwrap();
        tx.find_membership(&owner, &organization).await.unwrap().unwrap().scope
    };
    let rows = tx.list_webhooks(&scope, &pintle_store::Page { after: None, limit: 9 }).await.unwrap();
    let text = format!("{rows:?} {:?}", hooked.plane.audit().await);
    assert!(!text.contains("hidden") && !text.contains(&secret), "{text}");
    assert_eq!(hooked.plane.last_event().await.action, "webhook.added");
}

#[tokio::test]
async fn webhooks_are_for_those_who_manage_them_and_of_one_organization() {
    let hooked = Hooked::new().await;
    let id = hooked.add(URL).await.webhook.id;
    let plane = &hooked.plane;
    let publisher = plane.add_member(Role::Publisher).await;
    assert_eq!(code(hooked.try_add(&publisher, URL, &[]).await), "role_insufficient");
    let stranger = plane.add_account("read edit release admin").await;
    assert_eq!(code(hooked.try_add(&stranger, URL, &[]).await), "not_found");
    let request = pintle_api::CreateOrganizationRequest { name: "Other".into() };
    let other = plane.service.create_organization(&stranger, &request, NOW).await.unwrap().id;
    for foreign in [
        code(plane.service.remove_webhook(&stranger, &other, &id, NOW).await),
        code(plane.service.rotate_webhook_secret(&stranger, &other, &id, NOW).await),
        code(plane.service.test_webhook(&stranger, &other, &id, NOW).await),
        code(plane.service.list_webhook_messages(&stranger, &other, &id, &ListQuery::default()).await),
    ] {
        assert_eq!(foreign, "not_found");
    }
    let plain = "http://hooks.example.com/x";
    for url in ["", "ftp://a.example", "https://ann:pw@a.example/", "hooks.example.com", plain] {
        assert_eq!(code(hooked.try_add(&plane.owner, url, &[]).await), "webhook_url_invalid", "{url}");
    }
    *hooked.receiver.is_inside.lock().unwrap() = true;
    let inside = hooked.try_add(&plane.owner, plain, &[]).await.unwrap().webhook.id;
    plane.service.remove_webhook(&plane.owner, &plane.organization, &inside, NOW).await.unwrap();
    assert_eq!(code(hooked.try_add(&plane.owner, URL, &["nonsense"]).await), "value_invalid");
    for _ in 1..20 {
        hooked.add(URL).await;
    }
    assert_eq!(code(hooked.try_add(&plane.owner, URL, &[]).await), "webhooks_too_many");
    plane.service.remove_webhook(&plane.owner, &plane.organization, &id, NOW).await.unwrap();
    hooked.add(URL).await;
}

#[tokio::test]
async fn a_member_chooses_kinds_that_the_role_may_see() {
    let hooked = Hooked::new().await;
    let plane = &hooked.plane;
    let editor = plane.add_member(Role::Editor).await;
    let set = async |kind: &str, wanted: bool| {
        let kinds = BTreeMap::from([(kind.to_owned(), wanted)]);
        let request = UpdateNotificationsRequest { mail: None, kinds };
        plane.service.update_notifications(&editor, &plane.organization, &request, NOW).await
    };
    let wants = |answer: &pintle_api::NotificationsResponse, kind: &str| {
        answer.kinds.iter().find(|known| known.kind == kind).map(|known| known.wanted)
    };
    let before = plane.service.read_notifications(&editor, &plane.organization).await.unwrap();
    assert_eq!((wants(&before, "pin_expiring"), wants(&before, "release_live")), (Some(true), Some(false)));
    assert_eq!(wants(&before, "token_new_network"), None, "what the role may not see is not shown");
    assert_eq!(code(set("token_new_network", true).await), "value_invalid");
    set("pin_expiring", false).await.unwrap();
    let after = set("release_live", true).await.unwrap();
    assert_eq!((wants(&after, "pin_expiring"), wants(&after, "release_live")), (Some(false), Some(true)));
    assert_eq!(plane.last_event().await.action, "notifications.changed");
    let auditor = plane.add_member(Role::Auditor).await;
    let seen = plane.service.read_notifications(&auditor, &plane.organization).await.unwrap();
    assert_eq!(wants(&seen, "token_new_network"), Some(false), "an auditor sees it, and may ask for it");
}

/// What a parser of another language reads: summary and day of each entry.
fn parse_calendar(text: &str) -> Vec<(String, String)> {
    const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/venv/bin/python");
    const SCRIPT: &str = "
import sys, json
from icalendar import Calendar
calendar = Calendar.from_ical(sys.stdin.buffer.read())
assert not calendar.errors and calendar['VERSION'] == '2.0' and calendar['PRODID'].startswith('-//Pintle//'), calendar
entries = [e for e in calendar.walk('VEVENT')]
assert all(e['UID'] and e['DTSTAMP'].dt and not e.errors for e in entries)
print(json.dumps([[str(e['SUMMARY']), e['DTSTART'].dt.isoformat()] for e in entries]))
";
    let mut child = Command::new(PYTHON)
        .args(["-c", SCRIPT])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_calendar_is_read_with_its_secret_until_that_is_taken_back_or_the_member_leaves() {
    let hooked = Hooked::new().await;
    let plane = &hooked.plane;
    let domain = plane.add_domain("api.example.com").await.unwrap();
    let request = pintle_api::AddPinRequest { expires_at: Some(NOW.as_secs() + 100 * DAY), ..pin(1) };
    plane.service.add_pin(&plane.owner, plane.path(), &domain.id, &request, None, NOW).await.unwrap();
    plane.add_pin(&domain, 2).await.unwrap();
    hooked.release(NOW).await;
    plane.service.watch(NOW).await.unwrap();
    let editor = plane.add_member(Role::Editor).await;
    let create = async || {
        let created = plane.service.create_calendar(&editor, &plane.organization, NOW).await.unwrap();
        created.url.expose_secret().rsplit('/').next().unwrap().strip_suffix(".ics").unwrap().to_owned()
    };
    let read = async |secret: &str| plane.service.read_calendar(secret, NOW).await.unwrap();
    let first = create().await;
    let text = read(&first).await.unwrap();
    assert!(text.split("\r\n").all(|line| line.len() <= 75), "RFC 5545 §3.1");
    let entries = parse_calendar(&text);
    let pins: Vec<_> = entries.iter().filter(|(summary, _)| summary.starts_with("Pin ends: ")).collect();
    assert!(pins.len() == 1 && pins[0].0.starts_with("Pin ends: api.example.com spki-sha256"), "{entries:?}");
    assert_eq!(pins[0].1, "2027-04-25");
    assert!(entries.iter().any(|(summary, _)| summary == "Configuration ends: pins.jws"), "{entries:?}");
    assert_eq!(read(&format!("{first}.ics")).await, Some(text.clone()));

    let second = create().await;
    assert_eq!(read(&first).await, None, "the former one is over");
    assert!(read(&second).await.is_some());
    for wrong in ["", "pintle_cal_0", &second.replace('0', "1"), second.get(1..).unwrap()] {
        assert_eq!(read(wrong).await, None);
    }
    plane.service.remove_calendar(&editor, &plane.organization, NOW).await.unwrap();
    assert_eq!(read(&second).await, None);
    let third = create().await;
    plane.service.remove_member(&plane.owner, &plane.organization, editor.account_id(), NOW).await.unwrap();
    assert_eq!(read(&third).await, None);
}
