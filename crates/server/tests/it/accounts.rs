//! Accounts over HTTP.

use std::time::SystemTime;

use pintle_api::{
    AddPasskeyRequest, AddressRequest, ConfirmRequest, Confirmed, CreateOrganizationRequest, CredentialKind, Delivery,
    PasskeySignInRequest, RenamePasskeyRequest, SecondFactorRequest, SecretText, SessionSecret, SetPasswordRequest,
    SignInRequest, SignInResponse, TotpCodeRequest, TotpResponse, client::Client,
};
use pintle_core::root::BaseUrl;
use pintle_server::admin::{self, LinkKind};
use pintle_testkit::authenticator::{Authenticator, Page};
use reqwest::StatusCode;

use crate::support::{Server, code, config, http};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "elf twigs hum so";

fn secret(text: &str) -> SecretText {
    serde_json::from_value(serde_json::json!(text)).unwrap()
}

fn credentials(password: &str) -> SignInRequest {
    SignInRequest { email: ADA.into(), password: secret(password) }
}

pub(crate) async fn add_ada(server: &Server) -> Client {
    let link = admin::make_link(&config(server.folder.path()), ADA, LinkKind::Address).await.unwrap();
    let client = Client::anonymous(&server.url).unwrap();
    let request = ConfirmRequest { code: secret(link.expose_secret()), name: None, password: Some(secret(PASSWORD)) };
    assert_eq!(client.confirm(&request).await.unwrap().confirmed, Confirmed::SignedUp);
    client
}

pub(crate) async fn sign_in(client: &Client, server: &Server) -> Client {
    let signed_in = match client.sign_in(&credentials(PASSWORD)).await.unwrap() {
        SignInResponse::Done(signed_in) => Some(signed_in),
        SignInResponse::SecondFactor(_) => None,
    };
    let secret = SessionSecret::parse(signed_in.unwrap().secret.expose_secret()).unwrap();
    Client::new(&server.url, secret).unwrap()
}

#[tokio::test]
async fn a_person_walks_every_route() {
    let server = Server::start().await;
    let stranger = add_ada(&server).await;
    let ada = sign_in(&stranger, &server).await;
    let who = ada.whoami().await.unwrap();
    assert_eq!((who.credential.kind, who.credential.name.as_str()), (CredentialKind::Session, "pintle-api"));
    ada.create_organization(&CreateOrganizationRequest { name: "Acme".into() }).await.unwrap();
    assert_eq!(ada.read_account().await.unwrap().email.as_deref(), Some(ADA));

    let other = sign_in(&stranger, &server).await;
    let sessions = ada.list_sessions().all().await.unwrap();
    assert_eq!(sessions.len(), 2);
    let other_id = &sessions.iter().find(|session| !session.is_current).unwrap().id;
    ada.end_session(other_id).await.unwrap();
    assert_eq!(code(other.whoami().await), "session_invalid");
    let other = sign_in(&stranger, &server).await;
    ada.end_other_sessions().await.unwrap();
    assert_eq!(code(other.whoami().await), "session_invalid");

    let again = sign_in(&ada, &server).await;
    assert_eq!(code(ada.whoami().await), "session_invalid", "signing in again replaces the session");
    let new_password = secret("snow owls rarely type");
    again.set_password(&SetPasswordRequest { new_password }).await.unwrap();
    assert_eq!(code(stranger.sign_in(&credentials(PASSWORD)).await), "sign_in_failed");
    // Without SMTP the server says so, and whom to ask.
    let address = AddressRequest { email: "ada@new.example".into() };
    assert_eq!(again.change_address(&address).await.unwrap().delivery, Delivery::Operator);
    assert_eq!(stranger.reset_password(&address).await.unwrap().delivery, Delivery::Operator);
    assert_eq!(code(stranger.sign_up(&address).await), "sign_up_closed");
    again.end_session("current").await.unwrap();
    assert_eq!(code(again.whoami().await), "session_invalid");
    server.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_refused_with_a_code_and_a_status() {
    let server = Server::start().await;
    let stranger = add_ada(&server).await;
    let wrong = stranger.sign_in(&credentials("some other words")).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.status()), ("sign_in_failed", Some(401)));
    let token = server.admin.set_password(&SetPasswordRequest { new_password: secret(PASSWORD) }).await.unwrap_err();
    assert_eq!((token.code(), token.status()), ("person_needed", Some(403)));
    let unknown = ConfirmRequest { code: secret("pintle_once_0"), name: None, password: None };
    assert_eq!(code(stranger.confirm(&unknown).await), "code_invalid");
    let unknown = Client::new(&server.url, SessionSecret::make(&[1; 32])).unwrap();
    assert_eq!(code(unknown.whoami().await), "session_invalid");
    let body = serde_json::json!({ "email": ADA, "password": "x", "remember": true });
    let answer = http().post(format!("{}/api/v1/sessions", server.url)).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    server.stop().await;
}

#[tokio::test]
async fn guessing_is_locked_and_told_how_long() {
    let server = Server::start().await;
    let stranger = add_ada(&server).await;
    let body = serde_json::json!({ "email": ADA, "password": "x".repeat(2000) });
    let try_it = || http().post(format!("{}/api/v1/sessions", server.url)).json(&body).send();
    for _ in 0..6 {
        assert_eq!(try_it().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let answer = try_it().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let secs: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=5).contains(&secs), "{secs}");
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["code"], "too_many_attempts");
    assert_eq!(code(stranger.sign_in(&credentials(PASSWORD)).await), "too_many_attempts");
    server.stop().await;
}

#[tokio::test]
async fn the_key_of_a_server_is_made_once_and_for_its_user_alone() {
    let server = Server::start().await;
    let path = server.folder.path().join("secret.key");
    let key = std::fs::read_to_string(&path).unwrap();
    assert_eq!(key.trim().len(), 43);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    add_ada(&server).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), key);
    server.stop().await;
}

fn read_totp(begun: &TotpResponse) -> totp_rs::Totp {
    let secret = totp_rs::Secret::try_from_base32(begun.secret.expose_secret()).unwrap();
    totp_rs::Builder::new().with_secret(secret).with_account_name("ada").build().unwrap()
}

/// The first step of signing in, with a password alone.
async fn begin_sign_in(client: &Client) -> SecretText {
    match client.sign_in(&credentials(PASSWORD)).await.unwrap() {
        SignInResponse::SecondFactor(step) => Some(step.pending),
        SignInResponse::Done(_) => None,
    }
    .unwrap()
}

#[tokio::test]
async fn an_authenticator_is_set_up_asked_for_and_removed() {
    let server = Server::start().await;
    let stranger = add_ada(&server).await;
    let ada = sign_in(&stranger, &server).await;
    let begun = ada.begin_totp().await.unwrap();
    let totp = read_totp(&begun);
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let wrong = TotpCodeRequest { code: secret(&totp.generate(now() - 3600).to_string()) };
    assert_eq!(code(ada.confirm_totp(&wrong).await), "second_factor_wrong");
    let right = TotpCodeRequest { code: secret(&totp.generate(now()).to_string()) };
    let recovery = ada.confirm_totp(&right).await.unwrap().recovery_codes;
    assert_eq!(recovery.len(), 10);
    assert_eq!(code(ada.begin_totp().await), "already_exists");
    assert_eq!(code(ada.confirm_totp(&right).await), "not_found", "it is in force already");

    let finish = async |code| {
        let pending = begin_sign_in(&stranger).await;
        stranger.finish_sign_in(&SecondFactorRequest { pending, code }).await
    };
    assert_eq!(code(finish(right.code.clone()).await), "second_factor_wrong", "replayed");
    let [first, second] = [&recovery[0], &recovery[1]];
    assert!(finish(first.clone()).await.is_ok());
    assert_eq!(code(finish(first.clone()).await), "second_factor_wrong", "each works once");
    let pending = begin_sign_in(&stranger).await;
    let request = SecondFactorRequest { pending, code: second.clone() };
    let signed_in = stranger.finish_sign_in(&request).await.unwrap();
    assert_eq!(signed_in.session.method, "password, second factor");
    assert_eq!(code(stranger.finish_sign_in(&request).await), "code_invalid", "what the first step hands out, too");
    let account = ada.read_account().await.unwrap();
    assert_eq!((account.has_totp, account.recovery_codes_left), (true, 8));
    ada.remove_totp().await.unwrap();
    assert_eq!(code(ada.remove_totp().await), "not_found");
    sign_in(&stranger, &server).await;
    server.stop().await;
}

#[tokio::test]
async fn a_passkey_is_added_and_signs_in_through_every_route() {
    let mut server = Server::start_changed(|config| {
        config.public_url = Some(BaseUrl::parse("https://pins.example.com").unwrap());
    })
    .await;
    let page = Page::of("https://pins.example.com");
    // Nobody stands before it here.
    server.url = format!("http://{}", server.address);
    let stranger = add_ada(&server).await;
    let ada = sign_in(&stranger, &server).await;
    let step = ada.begin_passkey().await.unwrap();
    let (mut phone, credential) = Authenticator::register(&step.options, &page, 1);
    let request = AddPasskeyRequest { name: "phone".into(), pending: step.pending, credential };
    let added = ada.finish_passkey(&request).await.unwrap();
    assert_eq!(code(ada.finish_passkey(&request).await), "passkey_attempt_invalid");

    let step = stranger.begin_passkey_sign_in().await.unwrap();
    let evil = phone.sign(&step.options, &Page { origin: "https://evil.example".into(), ..page.clone() });
    let refused = PasskeySignInRequest { pending: step.pending, credential: evil };
    let refused = stranger.finish_passkey_sign_in(&refused).await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("passkey_refused", Some(401)));
    let step = stranger.begin_passkey_sign_in().await.unwrap();
    let request = PasskeySignInRequest { pending: step.pending, credential: phone.sign(&step.options, &page) };
    let signed_in = stranger.finish_passkey_sign_in(&request).await.unwrap();
    let ada = Client::new(&server.url, SessionSecret::parse(signed_in.secret.expose_secret()).unwrap()).unwrap();

    let renamed = ada.rename_passkey(&added.id, &RenamePasskeyRequest { name: "old phone".into() }).await.unwrap();
    let [listed] = ada.list_passkeys().await.unwrap().passkeys.try_into().unwrap();
    assert_eq!((listed.name.as_str(), listed.id == renamed.id), ("old phone", true));
    assert!(listed.last_used_at.is_some());
    ada.remove_passkey(&added.id).await.unwrap();
    assert_eq!(code(ada.remove_passkey(&added.id).await), "not_found");
    server.stop().await;
}
