//! Accounts over HTTP.

use pintle_api::{
    AddressRequest, ConfirmRequest, Confirmed, CreateOrganizationRequest, CredentialKind, Delivery, SecretText,
    SessionSecret, SetPasswordRequest, SignInRequest, SignInResponse, client::Client,
};
use pintle_server::admin::{self, LinkKind};
use reqwest::StatusCode;

use crate::support::{Server, code, config, http};

const ADA: &str = "ada@example.com";
const PASSWORD: &str = "elf twigs hum so";

fn secret(text: &str) -> SecretText {
    serde_json::from_value(serde_json::json!(text)).unwrap()
}

fn credentials(password: &str) -> SignInRequest {
    SignInRequest { email: ADA.into(), password: secret(password) }
}

async fn add_ada(server: &Server) -> Client {
    let link = admin::make_link(&config(server.folder.path()), ADA, LinkKind::Address).await.unwrap();
    let client = Client::anonymous(&server.url).unwrap();
    let request = ConfirmRequest { code: secret(link.expose_secret()), name: None, password: Some(secret(PASSWORD)) };
    assert_eq!(client.confirm(&request).await.unwrap().confirmed, Confirmed::SignedUp);
    client
}

async fn sign_in(client: &Client, server: &Server) -> Client {
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
