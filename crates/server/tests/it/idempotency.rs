use pintle_api::CreateOrganizationRequest;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{ALL_SCOPES, Server, http};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

fn create(server: &Server, key: &str, name: &str) -> RequestBuilder {
    let request = http().post(format!("{}/api/v1/organizations", server.url));
    request.bearer_auth(server.token.expose_secret()).header("idempotency-key", key).json(&json!({ "name": name }))
}

async fn read(answer: Response) -> (u16, Value) {
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn code(request: RequestBuilder) -> (u16, String) {
    let (status, problem) = read(request.send().await.unwrap()).await;
    (status, problem.get("code").and_then(Value::as_str).unwrap_or_default().to_owned())
}

async fn count_organizations(server: &Server) -> usize {
    server.admin.list_organizations().all().await.unwrap().len()
}

#[tokio::test]
async fn a_repeated_request_is_carried_out_once_and_answered_as_before_even_by_the_next_server() {
    let server = Server::start().await;
    let first = read(create(&server, KEY, "Acme").send().await.unwrap()).await;
    assert_eq!(first.0, 201);
    // As a string of the draft or bare: the same key.
    let quoted = format!("\"{KEY}\"");
    let again = create(&server, &quoted, "Acme").send().await.unwrap();
    assert_eq!(again.headers().get("idempotency-replayed").unwrap(), "true");
    assert_eq!(again.headers().get("content-type").unwrap(), "application/json");
    assert_eq!(read(again).await, first);
    assert_eq!(count_organizations(&server).await, 1);

    let server = server.restart().await;
    assert_eq!(read(create(&server, KEY, "Acme").send().await.unwrap()).await, first);
    assert_eq!(count_organizations(&server).await, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_credential() {
    let server = Server::start().await;
    create(&server, KEY, "Acme").send().await.unwrap();
    let reused = (422, "idempotency_key_reused".to_owned());
    assert_eq!(code(create(&server, KEY, "Other")).await, reused);
    assert_eq!(code(create(&server, KEY, "Acme").header("if-match", "\"1\"")).await, reused);
    let other_token = server.add_admin_token(ALL_SCOPES).await;
    let same = http().post(format!("{}/api/v1/organizations", server.url)).bearer_auth(other_token.expose_secret());
    let same = same.header("idempotency-key", KEY).json(&json!({ "name": "Acme" }));
    assert_eq!(code(same).await, reused, "answers do not pass from token to token");
    // Another account's key is another key.
    let stranger = server.add_stranger().await;
    let theirs = http().post(format!("{}/api/v1/organizations", server.url)).bearer_auth(stranger.expose_secret());
    let theirs = theirs.header("idempotency-key", KEY).json(&json!({ "name": "Acme" })).send().await.unwrap();
    assert_eq!((theirs.status().as_u16(), theirs.headers().get("idempotency-replayed")), (201, None));
    assert_eq!(count_organizations(&server).await, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_unused() {
    let server = Server::start().await;
    assert_eq!(code(create(&server, KEY, "")).await, (422, "value_invalid".to_owned()));
    assert_eq!(create(&server, KEY, "Acme").send().await.unwrap().status(), 201);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let server = Server::start().await;
    for key in
        ["", "short", "has space in the middle", &"k".repeat(129), "\"unfinished-string", "two\"quotes\"in-it-here"]
    {
        assert_eq!(code(create(&server, key, "Acme")).await, (400, "idempotency_key_invalid".to_owned()), "{key}");
    }
    let twice = create(&server, KEY, "Acme").header("idempotency-key", "9e03978e-40d5-43dd-bc93-6894a57f9324");
    assert_eq!(code(twice).await, (400, "idempotency_key_invalid".to_owned()));
    assert_eq!(count_organizations(&server).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn of_many_at_the_same_time_one_is_carried_out() {
    let server = Server::start().await;
    let requests: Vec<_> = (0..8).map(|_| tokio::spawn(create(&server, KEY, "Acme").send())).collect();
    let mut made = Vec::new();
    for request in requests {
        let (status, body) = read(request.await.unwrap().unwrap()).await;
        match status {
            201 => made.push(body.get("id").unwrap().as_str().unwrap().to_owned()),
            _ => assert_eq!(body.get("code").unwrap(), "idempotency_in_progress"),
        }
    }
    made.dedup();
    assert_eq!((made.len(), count_organizations(&server).await), (1, 1));
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_away_gets_its_answer_when_it_comes_back() {
    let server = Server::start().await;
    let body = r#"{"name":"Acme"}"#;
    let head = format!(
        "POST /api/v1/organizations HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\nidempotency-key: {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        server.token.expose_secret(),
        body.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    // It may not even have been read: then this one is carried out. Never both.
    let answer = loop {
        let (status, body) = read(create(&server, KEY, "Acme").send().await.unwrap()).await;
        if status == 201 {
            break body;
        }
        assert_eq!(body.get("code").unwrap(), "idempotency_in_progress");
    };
    let all = server.admin.list_organizations().all().await.unwrap();
    assert_eq!(all.iter().map(|one| json!(one.id)).collect::<Vec<_>>(), [answer.get("id").unwrap().clone()]);
    server.stop().await;
}

#[tokio::test]
async fn the_key_is_not_in_the_database() {
    let server = Server::start_changed(|config| config.database = None).await;
    create(&server, KEY, "Acme").send().await.unwrap();
    let folder = server.stop().await;
    let database = std::fs::read(folder.path().join("pintle.db")).unwrap();
    let holds = |text: &str| database.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("Acme") && !holds(KEY));
}

/// A token is shown once: what was answered is not there to be answered again, nor to be read in the database.
#[tokio::test]
async fn an_answer_with_a_secret_is_not_kept_and_nothing_happens_twice() {
    let server = Server::start_changed(|config| config.database = None).await;
    let create = || {
        let request = http().post(format!("{}/api/v1/tokens", server.url)).bearer_auth(server.token.expose_secret());
        request.header("idempotency-key", KEY).json(&json!({ "name": "ci", "scopes": ["read"] }))
    };
    let (status, made) = read(create().send().await.unwrap()).await;
    let secret = made.get("secret").and_then(Value::as_str).unwrap_or_else(|| panic!("{status} {made}")).to_owned();
    assert_eq!(code(create()).await, (409, "idempotency_answer_not_kept".to_owned()));
    let url = format!("{}/api/v1/tokens", server.url);
    let (_, list) = read(http().get(url).bearer_auth(server.token.expose_secret()).send().await.unwrap()).await;
    let named =
        list.get("items").unwrap().as_array().unwrap().iter().filter(|token| token.get("name").unwrap() == "ci");
    assert_eq!(named.count(), 1);
    let folder = server.stop().await;
    let database = std::fs::read(folder.path().join("pintle.db")).unwrap();
    assert!(!database.windows(secret.len()).any(|window| window == secret.as_bytes()));
}

/// Between client and server: cuts the first connections after their requests were passed on, before the answer.
async fn cut_connections(server: &Server, cuts: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let target = server.address;
    tokio::spawn(async move {
        let mut left = cuts;
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut upstream = TcpStream::connect(target).await.unwrap();
            let mut request = vec![0; 64 * 1024];
            let read = client.read(&mut request).await.unwrap();
            upstream.write_all(request.get(..read).unwrap()).await.unwrap();
            let mut answer = vec![0; 64 * 1024];
            let read = upstream.read(&mut answer).await.unwrap();
            if left > 0 {
                left -= 1;
                continue;
            }
            client.write_all(answer.get(..read).unwrap()).await.unwrap();
            tokio::io::copy_bidirectional(&mut client, &mut upstream).await.ok();
        }
    });
    url
}

#[tokio::test]
async fn the_client_asks_again_when_the_answer_is_lost_and_nothing_happens_twice() {
    let server = Server::start().await;
    let url = cut_connections(&server, 2).await;
    let client = pintle_api::client::Client::new(&url, server.token.clone()).unwrap();
    let made = client.create_organization(&CreateOrganizationRequest { name: "Acme".into() }).await.unwrap();
    let all = server.admin.list_organizations().all().await.unwrap();
    assert_eq!(all.iter().map(|one| &one.id).collect::<Vec<_>>(), [&made.id]);
    server.stop().await;
}
