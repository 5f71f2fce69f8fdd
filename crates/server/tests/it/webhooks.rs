//! Webhooks over real connections: what is slow, leads elsewhere or never ends costs one attempt, and nobody else anything.

use std::time::{Duration, Instant};

use pintle_api::{CreateWebhookRequest, SecretText, WebhookFormat};
use pintle_testkit::cdn::{Cdn, Reply};
use zeroize::Zeroizing;

use crate::support::{Server, http};

async fn start(receivers: &[&Cdn]) -> (Server, String) {
    let ports = receivers.iter().map(|cdn| cdn.url().rsplit(':').next().unwrap().parse().unwrap()).collect();
    let server = Server::start_changed(|config| {
        config.webhooks.networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.webhooks.ports = ports;
    })
    .await;
    let request = pintle_api::CreateOrganizationRequest { name: "Acme".into() };
    let organization = server.admin.create_organization(&request).await.unwrap().id;
    (server, organization)
}

async fn add(server: &Server, organization: &str, url: &str) -> String {
    let url: SecretText = Zeroizing::new(url.to_owned()).into();
    let request = CreateWebhookRequest { url, format: WebhookFormat::Standard, kinds: Vec::new() };
    server.admin.create_webhook(organization, &request).await.unwrap().webhook.id
}

async fn test(server: &Server, organization: &str, url: &str) -> Result<(), String> {
    let id = add(server, organization, url).await;
    let result = server.admin.test_webhook(organization, &id).await.unwrap();
    assert_eq!(result.delivered, result.error.is_none());
    result.error.map_or(Ok(()), Err)
}

#[tokio::test]
async fn an_attempt_is_signed_bounded_and_goes_nowhere_else() {
    let inside = Cdn::start(Reply::Status(200, Vec::new())).await;
    let receiver = Cdn::start(Reply::Status(204, Vec::new())).await;
    let (server, organization) = start(&[&receiver]).await;
    let url = format!("{}/pintle?key=1", receiver.url());

    test(&server, &organization, &url).await.unwrap();
    let request = receiver.requests().remove(0);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/pintle?key=1"));
    assert!(request.header("webhook-id").unwrap().starts_with("msg_"));
    assert!(request.header("webhook-signature").unwrap().starts_with("v1,"));
    assert!(request.header("webhook-timestamp").unwrap().parse::<u64>().is_ok());

    // A redirect, to where the policy would not let it go and to where it would, is an answer and no way.
    for to in [inside.url(), receiver.url()] {
        receiver.set(Reply::Status(307, vec![("Location", format!("{to}/secret"))]));
        let refused = test(&server, &organization, &url).await.unwrap_err();
        assert!(refused.contains("307") && refused.contains("redirects are not followed"), "{refused}");
    }
    assert!(inside.requests().is_empty());
    assert!(receiver.requests().iter().all(|request| request.path != "/secret"));

    // A body without an end is not read.
    receiver.set(Reply::Endless);
    let began = Instant::now();
    test(&server, &organization, &url).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));

    // A port that is not allowed, whatever listens there.
    let refused = test(&server, &organization, inside.url()).await.unwrap_err();
    assert!(refused.contains("port"), "{refused}");
    assert!(inside.requests().is_empty());
    receiver.set(Reply::Closed);
    let broken = test(&server, &organization, &url).await.unwrap_err();
    assert!(!broken.contains("127.0.0.1") && !broken.contains("key=1"), "{broken}");
    server.stop().await;
}

#[tokio::test]
async fn without_the_operators_word_nothing_goes_to_this_machine() {
    let inside = Cdn::start(Reply::Status(200, Vec::new())).await;
    let server = Server::start().await;
    let request = pintle_api::CreateOrganizationRequest { name: "Acme".into() };
    let organization = server.admin.create_organization(&request).await.unwrap().id;
    let port = inside.url().rsplit(':').next().unwrap();
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"] {
        let plain = CreateWebhookRequest {
            url: Zeroizing::new(format!("http://{host}:{port}/")).into(),
            format: WebhookFormat::Standard,
            kinds: Vec::new(),
        };
        let refused = server.admin.create_webhook(&organization, &plain).await.unwrap_err();
        assert_eq!(refused.code(), "webhook_url_invalid", "{host}");
        let refused = test(&server, &organization, &format!("https://{host}:{port}/")).await;
        assert!(refused.unwrap_err().contains("port"), "{host}");
        let refused = test(&server, &organization, &format!("https://{host}:8443/")).await.unwrap_err();
        assert!(refused.contains("public internet") || refused.contains("does not resolve"), "{host}: {refused}");
    }
    assert!(inside.requests().is_empty());
    server.stop().await;
}

/// The jobs of the server: a release is live, one receiver says nothing at all, the other is told all the same.
#[tokio::test]
async fn a_silent_receiver_holds_up_no_other() {
    let (silent, works) = (Cdn::start(Reply::Silent).await, Cdn::start(Reply::Status(200, Vec::new())).await);
    let (server, organization) = start(&[&silent, &works]).await;
    add(&server, &organization, silent.url()).await;
    add(&server, &organization, works.url()).await;
    let project = pintle_api::CreateProjectRequest { name: "App".into(), environment: "test".into(), key: None };
    let project = server.admin.create_project(&organization, &project).await.unwrap();
    let path = pintle_api::client::ProjectRef { organization: &organization, project: &project.id };
    server.admin.delete_project(path).await.unwrap();
    works.wait_for_requests(1).await;
    let body = works.requests().remove(0).body;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["type"], &body["data"]["kind"]), (&"alert.raised".into(), &"project_deleted".into()));
    server.stop().await;
}

#[tokio::test]
async fn a_calendar_is_served_to_whoever_knows_its_url_and_to_nobody_else() {
    let (server, organization) = start(&[]).await;
    let url = server.admin.create_calendar(&organization).await.unwrap().url;
    let answer = http().get(url.expose_secret()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers().get("content-type").unwrap(), "text/calendar; charset=utf-8");
    assert!(answer.text().await.unwrap().starts_with("BEGIN:VCALENDAR\r\n"));
    let status = server.admin.read_status(&organization, 30).await.unwrap();
    assert!(status.open.is_empty() && status.due.is_empty());
    server.admin.remove_calendar(&organization).await.unwrap();
    assert_eq!(http().get(url.expose_secret()).send().await.unwrap().status(), 404);
    server.stop().await;
}
