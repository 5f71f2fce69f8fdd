//! Accounts of people: from an address to a session, and what strangers and thieves do not get.

mod authenticator;
mod guessing;
mod sessions;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_api::{
    AcceptInvitationRequest, AddressRequest, Approval, ConfirmRequest, Confirmed, CreateInvitationRequest,
    CreateOrganizationRequest, CreateProjectRequest, CreateTokenRequest, CreatedInvitationResponse, Delivery,
    InvitationCode, ListQuery, Role, Scope, SecondFactorRequest, SecretText, SessionSecret, SetPasswordRequest,
    SignInRequest, SignInResponse, SignedIn, TokenLifetime, TotpCodeRequest, UpdateMemberRequest,
    UpdateOrganizationRequest, UpdateProjectRequest,
};
use pintle_core::UnixTime;
use pintle_service::{
    AccountSettings, Actor, LinkKind, Mailer, MailerError, OutgoingMail, Progress, ProjectPath, RequestContext,
    SecretKey, Service, ServiceError, SignUp,
};
use pintle_store::{AccountId, AccountRow, AuditChain, OrganizationId, SessionId, SessionRow, Store};
use pintle_testkit::database::database_in;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::support::{NOW, base_url, code};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "elf twigs hum so";

/// Keeps mails instead of sending them; refuses them while it is told to.
#[derive(Debug, Default)]
pub(crate) struct Letterbox {
    pub(crate) mails: Mutex<Vec<OutgoingMail>>,
    pub(crate) is_closed: Mutex<bool>,
}

#[async_trait]
impl Mailer for Letterbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailerError> {
        if *self.is_closed.lock().unwrap() {
            return Err(MailerError("closed".to_owned()));
        }
        self.mails.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// A service with accounts, and the mails it sends.
pub(crate) struct Town {
    pub(crate) service: Service,
    pub(crate) store: Store,
    letterbox: Arc<Letterbox>,
    _folder: TempDir,
}

pub(crate) fn secret(text: &str) -> SecretText {
    Zeroizing::new(text.to_owned()).into()
}

pub(crate) fn at(secs: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + secs)
}

fn address(email: &str) -> AddressRequest {
    AddressRequest { email: email.into() }
}

pub(crate) fn from(network: &str) -> RequestContext {
    RequestContext { network: Some(network.into()), client: Some("test".into()), ..RequestContext::default() }
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self::with(SignUp::Open).await
    }

    async fn with(sign_up: SignUp) -> Self {
        let public_url = "https://pins.example.com".into();
        Self::with_settings(AccountSettings { sign_up, public_url, ..AccountSettings::default() }).await
    }

    pub(crate) async fn with_settings(settings: AccountSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&database_in(folder.path()).parse().unwrap()).await.unwrap();
        let letterbox = Arc::new(Letterbox::default());
        let service = Service::new(store.clone(), Vec::new(), base_url()).with_accounts(
            settings,
            SecretKey::make().unwrap(),
            Some(letterbox.clone()),
        );
        Self { service, store, letterbox, _folder: folder }
    }

    /// The operator changes their mind, and starts the server again.
    pub(crate) fn require_sso(&mut self) {
        let public_url = "https://pins.example.com".into();
        let settings = AccountSettings { require_sso: true, public_url, ..AccountSettings::default() };
        let service = Service::new(self.store.clone(), Vec::new(), base_url());
        self.service = service.with_accounts(settings, SecretKey::make().unwrap(), None);
    }

    /// Sends what is due, and takes what was sent out of the box.
    pub(crate) async fn mails(&self, now: UnixTime) -> Vec<OutgoingMail> {
        while !matches!(self.service.send_next_mail(now).await.unwrap(), Progress::Idle { .. }) {}
        std::mem::take(&mut *self.letterbox.mails.lock().unwrap())
    }

    async fn confirm(&self, code: &str, password: Option<&str>, now: UnixTime) -> Result<Confirmed, ServiceError> {
        let request = ConfirmRequest { code: secret(code), name: Some("Ada".into()), password: password.map(secret) };
        self.service.confirm(&request, &RequestContext::default(), now).await.map(|answer| answer.confirmed)
    }

    /// Ada, with her password.
    pub(crate) async fn add_ada(&self) {
        let code = self.service.make_link(ADA, LinkKind::Address, NOW).await.unwrap();
        assert_eq!(self.confirm(code.expose_secret(), Some(PASSWORD), NOW).await.unwrap(), Confirmed::SignedUp);
    }

    /// Somebody else with the same password, signed in.
    pub(crate) async fn add(&self, email: &str, now: UnixTime) -> Actor {
        let code = self.service.make_link(email, LinkKind::Address, now).await.unwrap();
        self.confirm(code.expose_secret(), Some(PASSWORD), now).await.unwrap();
        let answer = self.try_sign_in(email, PASSWORD, "192.0.2.0/24", now).await.unwrap();
        self.actor(done(answer).unwrap().secret.expose_secret(), now).await.unwrap()
    }

    pub(crate) async fn try_sign_in(
        &self,
        email: &str,
        password: &str,
        network: &str,
        now: UnixTime,
    ) -> Result<SignInResponse, ServiceError> {
        let request = SignInRequest { email: email.into(), password: secret(password) };
        self.service.sign_in(&request, None, &from(network), now).await
    }

    /// Ada signs in; the secret of her session.
    pub(crate) async fn sign_in(&self, now: UnixTime) -> String {
        let answer = self.try_sign_in(ADA, PASSWORD, "192.0.2.0/24", now).await.unwrap();
        done(answer).unwrap().secret.expose_secret().to_owned()
    }

    pub(crate) async fn actor(&self, secret: &str, now: UnixTime) -> Result<Actor, ServiceError> {
        self.service.authenticate(secret, RequestContext::default(), now).await
    }

    /// The last record in the installation's chain.
    pub(crate) async fn last_record(&self) -> String {
        let chain = AuditChain::installation();
        let events = self.store.read().await.unwrap().list_audit_events(&chain, 0, 1000).await.unwrap();
        events.last().unwrap().record.clone()
    }

    /// Somebody who signed in, and never set a password.
    pub(crate) async fn add_without_password(&self) -> Actor {
        let (secret, now_secs) = (SessionSecret::make(&[1; 32]), NOW.as_secs());
        let account = AccountRow { id: AccountId::make(now_secs), name: "Bob".into(), created_at: now_secs.into() };
        let session = SessionRow {
            id: SessionId::make(now_secs),
            account_id: account.id.clone(),
            secret_sha256: secret.sha256().iter().map(|byte| format!("{byte:02x}")).collect(),
            method: "passkey".into(),
            client: "test".into(),
            network_tag: None,
            created_at: now_secs.into(),
            authenticated_at: now_secs.into(),
            last_used_at: now_secs.into(),
            expires_at: (now_secs + 1000).into(),
        };
        let tx = self.store.write().await.unwrap();
        tx.insert_account(account).await.unwrap();
        tx.insert_session(session).await.unwrap();
        tx.commit().await.unwrap();
        self.actor(secret.expose_secret(), NOW).await.unwrap()
    }

    /// The actions in the installation's chain, which is that of accounts without an organization.
    pub(crate) async fn events(&self) -> Vec<String> {
        let chain = AuditChain::installation();
        let events = self.store.read().await.unwrap().list_audit_events(&chain, 0, 1000).await.unwrap();
        events.into_iter().map(|event| event.action).collect()
    }
}

/// Who is signed in, if nothing is left to do.
pub(crate) fn done(answer: SignInResponse) -> Option<SignedIn> {
    match answer {
        SignInResponse::Done(signed_in) => Some(signed_in),
        SignInResponse::SecondFactor(_) => None,
    }
}

/// The code in a mail.
fn code_in(mail: &OutgoingMail) -> String {
    mail.text.lines().map(str::trim).find(|line| line.starts_with("pintle_once_")).unwrap().to_owned()
}

#[tokio::test]
async fn an_address_becomes_an_account_once_its_mail_was_read() {
    let town = Town::new().await;
    let answer = town.service.request_sign_up(&address("Ada@EXAMPLE.com"), &from("a"), NOW).await.unwrap();
    assert_eq!(answer.delivery, Delivery::Mail);
    let [mail] = town.mails(NOW).await.try_into().unwrap();
    assert_eq!(mail.to, "Ada@example.com");
    let code_of_mail = code_in(&mail);
    assert!(mail.html.contains(&code_of_mail));
    assert_eq!(code(town.confirm(&code_of_mail, None, NOW).await), "password_missing");
    assert_eq!(code(town.confirm(&code_of_mail, Some("too short"), NOW).await), "password_unfit");
    assert_eq!(town.confirm(&code_of_mail, Some(PASSWORD), NOW).await.unwrap(), Confirmed::SignedUp);
    assert_eq!(code(town.confirm(&code_of_mail, Some(PASSWORD), NOW).await), "code_invalid", "it works once");

    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let account = town.service.read_account(&ada).await.unwrap();
    assert_eq!((account.name.as_str(), account.email.as_deref()), ("Ada", Some("Ada@example.com")));
    let request = CreateOrganizationRequest { name: "Acme".into() };
    town.service.create_organization(&ada, &request, NOW).await.unwrap();
    assert_eq!(town.events().await, ["account.created", "session.began"]);
}

#[tokio::test]
async fn who_asks_does_not_learn_who_has_an_account() {
    let town = Town::new().await;
    town.add_ada().await;
    let ask = async |email: &str| {
        let sign_up = town.service.request_sign_up(&address(email), &from("a"), NOW).await.unwrap();
        let reset = town.service.request_reset(&address(email), &from("a"), NOW).await.unwrap();
        (sign_up, reset)
    };
    assert_eq!(ask(ADA).await, ask("eve@example.com").await);
    let mails = town.mails(NOW).await;
    let mut told: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.subject.as_str())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            (ADA, "A new password for Pintle"),
            (ADA, "You have an account on Pintle"),
            ("eve@example.com", "Your account on Pintle"),
        ]
    );
    let wrong = town.try_sign_in(ADA, "some other words", "a", NOW).await.unwrap_err();
    let nobody = town.try_sign_in("eve@example.com", "some other words", "a", NOW).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.to_string()), (nobody.code(), nobody.to_string()));
    assert_eq!(code(town.try_sign_in("no address", "some other words", "a", NOW).await), "sign_in_failed");
    town.service.record_security_events(NOW).await.unwrap();
    let refused = town.events().await.into_iter().filter(|action| action == "session.refused").count();
    assert_eq!(refused, 2, "one of Ada's account, one of whatever is unknown");
}

#[tokio::test]
async fn asking_again_and_again_sends_one_mail() {
    let town = Town::new().await;
    for secs in [0, 1, 599] {
        town.service.request_sign_up(&address("Ada@example.com"), &from("a"), at(secs)).await.unwrap();
        town.service.request_sign_up(&address("ada@example.com"), &from("b"), at(secs)).await.unwrap();
    }
    assert_eq!(town.mails(at(599)).await.len(), 1);
    town.service.request_sign_up(&address("ada@example.com"), &from("a"), at(601)).await.unwrap();
    assert_eq!(town.mails(at(601)).await.len(), 1);
}

#[tokio::test]
async fn a_mail_that_was_not_taken_is_tried_again_with_a_code_that_works() {
    let town = Town::new().await;
    *town.letterbox.is_closed.lock().unwrap() = true;
    town.service.request_sign_up(&address(ADA), &from("a"), NOW).await.unwrap();
    assert_eq!(town.service.send_next_mail(NOW).await.unwrap(), Progress::Postponed);
    let Progress::Idle { next_at: Some(again) } = town.service.send_next_mail(NOW).await.unwrap() else { panic!() };
    assert!(again > NOW);
    *town.letterbox.is_closed.lock().unwrap() = false;
    let [mail] = town.mails(again).await.try_into().unwrap();
    assert_eq!(town.confirm(&code_in(&mail), Some(PASSWORD), again).await.unwrap(), Confirmed::SignedUp);
}

#[tokio::test]
async fn a_closed_server_makes_accounts_with_codes_of_its_operator_alone() {
    let town = Town::with(SignUp::Closed).await;
    assert_eq!(code(town.service.request_sign_up(&address(ADA), &from("a"), NOW).await), "sign_up_closed");
    town.add_ada().await;
    town.sign_in(NOW).await;
    assert_eq!(town.events().await, ["account.code_made", "account.created", "session.began"]);
}

/// The owner of a new organization, who signed up with a code of the operator.
async fn add_owner(town: &Town) -> (Actor, String) {
    town.add_ada().await;
    let ada = town.actor(&town.sign_in(NOW).await, NOW).await.unwrap();
    let request = CreateOrganizationRequest { name: "Acme".into() };
    let organization = town.service.create_organization(&ada, &request, NOW).await.unwrap().id;
    (ada, organization)
}

async fn invite(town: &Town, by: &Actor, organization: &str, email: &str, now: UnixTime) -> CreatedInvitationResponse {
    let request = CreateInvitationRequest { role: Role::Editor, email: Some(email.into()) };
    town.service.create_invitation(by, organization, &request, now).await.unwrap()
}

#[tokio::test]
async fn an_invitation_goes_to_the_invited_address_and_to_nobody_else() {
    let town = Town::with(SignUp::Closed).await;
    let (ada, organization) = add_owner(&town).await;
    let created = invite(&town, &ada, &organization, "Bob@example.com", NOW).await;
    assert!(created.code.is_none(), "who invites does not get it");
    let [mail] = town.mails(NOW).await.try_into().unwrap();
    assert_eq!(mail.to, "Bob@example.com");
    let code_of_mail = mail.text.lines().map(str::trim).find(|line| line.starts_with("pintle_invite_")).unwrap();
    let request = AcceptInvitationRequest { code: InvitationCode::parse(code_of_mail).unwrap() };
    let bob = town.add("bob@example.com", NOW).await;
    assert_eq!(town.service.accept_invitation(&bob, &request, NOW).await.unwrap().role, Role::Editor);

    let revoked = invite(&town, &ada, &organization, "carol@example.com", NOW).await.invitation.id;
    town.service.revoke_invitation(&ada, &organization, &revoked, NOW).await.unwrap();
    assert!(town.mails(NOW).await.is_empty(), "an invitation taken back in time is not sent");
    for _ in 0..3 {
        invite(&town, &ada, &organization, "dave@example.com", NOW).await;
    }
    for (secs, due) in [(0, 1), (599, 0), (600, 1), (1199, 0), (1200, 1)] {
        assert_eq!(town.mails(at(secs)).await.len(), due, "one in ten minutes: {secs}");
    }
}

#[tokio::test]
async fn where_one_must_be_invited_others_sign_up_for_nothing_and_do_not_learn_it() {
    let town = Town::with(SignUp::Invited).await;
    let (ada, organization) = add_owner(&town).await;
    let invited = invite(&town, &ada, &organization, "Bob@example.com", NOW).await.invitation.id;
    town.mails(NOW).await;
    let mut answers = Vec::new();
    for email in ["bob@EXAMPLE.com", "eve@example.com", ADA] {
        answers.push(town.service.request_sign_up(&address(email), &from("a"), NOW).await.unwrap());
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    let mut mails = town.mails(NOW).await;
    mails.sort_by(|one, other| one.to.cmp(&other.to));
    let told: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.subject.as_str())).collect();
    assert_eq!(told, [(ADA, "You have an account on Pintle"), ("bob@example.com", "Your account on Pintle")]);
    assert_eq!(town.confirm(&code_in(&mails[1]), Some(PASSWORD), NOW).await.unwrap(), Confirmed::SignedUp);

    let carol = async |secs: u64| {
        town.service.request_sign_up(&address("carol@example.com"), &from("a"), at(secs)).await.unwrap();
        town.mails(at(secs)).await.len()
    };
    let other = invite(&town, &ada, &organization, "carol@example.com", NOW).await.invitation.id;
    town.mails(NOW).await;
    assert_eq!(carol(7 * 86_400).await, 0, "the invitation has expired");
    town.service.revoke_invitation(&ada, &organization, &other, at(1)).await.unwrap();
    assert_eq!(carol(1).await, 0, "it was taken back");
    assert_ne!(invited, other);
}

/// Ada with an authenticator: its secret, and her recovery codes.
pub(crate) async fn enable_totp(town: &Town, now: UnixTime) -> (totp_rs::Totp, Vec<SecretText>) {
    let ada = town.actor(&town.sign_in(now).await, now).await.unwrap();
    let begun = town.service.begin_totp(&ada, now).await.unwrap();
    let url = begun.url.expose_secret();
    assert!(url.starts_with("otpauth://totp/") && url.contains("Pintle") && url.contains("ada"), "{url}");
    let secret = totp_rs::Secret::try_from_base32(begun.secret.expose_secret()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).with_account_name("ada").build().unwrap();
    let wrong = TotpCodeRequest { code: secret_code(&totp, at(10_000)) };
    assert_eq!(code(town.service.confirm_totp(&ada, &wrong, now).await), "second_factor_wrong");
    let right = TotpCodeRequest { code: secret_code(&totp, now) };
    let codes = town.service.confirm_totp(&ada, &right, now).await.unwrap().recovery_codes;
    (totp, codes)
}

fn secret_code(totp: &totp_rs::Totp, now: UnixTime) -> SecretText {
    secret(&totp.generate(now.as_secs()).to_string())
}
