//! What operators rely on: listeners, health, metrics, limits.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Method, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{ALL_SCOPES, Server, config_on_sqlite, http};

fn loopback() -> Option<SocketAddr> {
    Some("127.0.0.1:0".parse().unwrap())
}

async fn status(address: SocketAddr, path: &str) -> u16 {
    http().get(format!("http://{address}{path}")).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_listener_of_its_own_serves_files_and_nothing_else() {
    let server = Server::start_changed(|config| config.cdn_listen = loopback()).await;
    let cdn = server.cdn_address.unwrap();
    let project = server.add_project().await;
    project.release(&server.admin).await;
    let bundle = server.admin.read_bundle(project.id()).await.unwrap();
    let url = format!("http://{cdn}/cdn");
    assert!(String::from_utf8(bundle).unwrap().contains(&url), "apps are sent there");
    let file = format!("/cdn/{}/{}/pins.jws", project.organization, project.project);
    assert_eq!(status(cdn, &file).await, 200);
    assert_eq!(status(server.address, &file).await, 404);
    assert_eq!(status(cdn, "/api/v1/whoami").await, 404);
    assert_eq!(status(cdn, "/readyz").await, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_flooded_listener_takes_no_other_down() {
    let server = Server::start_changed(|config| {
        config.cdn_listen = loopback();
        config.http.connections = 4;
        config.http.connections_per_client = 4;
    })
    .await;
    let cdn = server.cdn_address.unwrap();
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(TcpStream::connect(cdn).await.unwrap());
    }
    // Full: a further one waits or is closed, but is not answered.
    let mut further = TcpStream::connect(cdn).await.unwrap();
    further.write_all(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut byte = [0];
    let answered = tokio::time::timeout(Duration::from_millis(300), further.read(&mut byte)).await;
    assert!(!matches!(answered, Ok(Ok(1))), "the flooded listener is full");
    assert_eq!(status(server.address, "/readyz").await, 200);
    server.admin.whoami().await.unwrap();
    drop(silent);
    server.stop().await;
}

#[tokio::test]
async fn one_client_leaves_room_for_others() {
    let server = Server::start_changed(|config| config.http.connections_per_client = 2).await;
    let _silent =
        [TcpStream::connect(server.address).await.unwrap(), TcpStream::connect(server.address).await.unwrap()];
    let mut third = TcpStream::connect(server.address).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(10), third.read(&mut [0])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)), "closed without an answer");
    server.stop().await;
}

#[tokio::test]
async fn a_stopping_server_is_not_ready_and_finishes() {
    let server = Server::start_changed(|config| config.stop.delay = Duration::from_secs(1)).await;
    let address = server.address;
    let (_folder, task) = server.begin_to_stop();
    let not_ready = async {
        loop {
            let answer = http().get(format!("http://{address}/readyz")).send().await.unwrap();
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                return answer.text().await.unwrap();
            }
        }
    };
    assert!(not_ready.await.contains("\"stopping\""));
    assert_eq!(status(address, "/healthz").await, 200, "it still serves, for load balancers to notice");
    task.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "new connections are refused");
}

#[tokio::test]
async fn metrics_count_by_route_and_tell_on_nobody() {
    let server = Server::start_changed(|config| {
        config.metrics_listen = loopback();
        config.proxy.trusted = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let metrics = server.metrics_address.unwrap();
    let project = server.add_project().await;
    project.release(&server.admin).await;
    let secret = format!("{}/api/v1/{}", server.url, server.token.expose_secret());
    http().get(&secret).header("x-forwarded-for", "203.0.113.77").send().await.unwrap();
    http().request(Method::from_bytes(b"BREW").unwrap(), format!("{}/tea", server.url)).send().await.unwrap();
    http().get(project.file(&server, "pins.jws")).send().await.unwrap();

    let answer = http().get(format!("http://{metrics}/metrics")).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text().await.unwrap();
    for line in [
        "pintle_http_requests_total{method=\"GET\",route=\"/cdn/{*path}\",status=\"200\"} 1",
        "pintle_http_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "pintle_http_requests_total{method=\"other\",route=\"none\",status=\"404\"} 1",
        "pintle_database_up 1",
        "pintle_jobs 0",
        "pintle_releases{state=\"live\"} 1",
        "pintle_releases{state=\"publishing\"} 0",
        "pintle_build_info{version=\"0.1.0\"} 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    let route = "pintle_http_request_duration_seconds_count{method=\"POST\",\
                 route=\"/api/v1/organizations/{organization}/projects\"} 1";
    assert!(text.contains(route), "{text}");
    for kept_out in [&project.organization, &project.project, server.token.expose_secret(), "203.0.113", "127.0.0"] {
        assert!(!text.contains(kept_out), "{kept_out} in\n{text}");
    }
    let main = http().get(format!("{}/metrics", server.url)).send().await.unwrap();
    assert_eq!(main.status(), StatusCode::NOT_FOUND, "only on their own listener");
    server.stop().await;
}

#[tokio::test]
async fn the_database_keeps_networks_and_no_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pintle.db");
    let mut config = config_on_sqlite(folder.path());
    config.proxy.trusted = vec!["127.0.0.1/32".parse().unwrap()];
    let server = Server::start_with(folder, config).await;
    for (number, address) in ["203.0.113.77", "2001:db8:77:77::77"].into_iter().enumerate() {
        let request = http().post(format!("{}/api/v1/organizations", server.url));
        let request = request.bearer_auth(server.token.expose_secret()).header("x-forwarded-for", address);
        let answer = request.json(&serde_json::json!({ "name": format!("Acme {number}") })).send().await.unwrap();
        assert!(answer.status().is_success());
    }
    let _folder = server.stop().await;
    let bytes = std::fs::read(path).unwrap();
    let kept = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(kept("203.0.113.0/24") && kept("2001:db8:77::/48"), "the audit log tells networks");
    assert!(!kept("203.0.113.77") && !kept("2001:db8:77:77"));
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let server = Server::start_changed(|config| {
        config.rate_limits.address_per_minute = 3;
        config.proxy.trusted = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let ask = async |from: &str| {
        let url = format!("{}/api/v1/whoami", server.url);
        http().get(url).header("x-forwarded-for", from).send().await.unwrap()
    };
    for remaining in [2, 1, 0] {
        let answer = ask("203.0.113.1").await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers()["ratelimit-policy"], "\"address\";q=3;w=60");
        let state = answer.headers()["ratelimit"].to_str().unwrap();
        assert!(state.starts_with(&format!("\"address\";r={remaining};t=")), "{state}");
    }
    let refused = ask("203.0.113.1").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    let problem: pintle_api::Problem = refused.json().await.unwrap();
    assert_eq!(problem.code, "rate_limited");
    assert_eq!(ask("203.0.113.2").await.status(), StatusCode::UNAUTHORIZED, "another client");
    // Whoever stands left of the nearest proxy's client was written by that client.
    assert_eq!(ask("198.51.100.1, 203.0.113.1").await.status(), StatusCode::TOO_MANY_REQUESTS);
    let file = http().get(format!("{}/cdn/o/p/pins.jws", server.url)).header("x-forwarded-for", "203.0.113.1");
    assert_eq!(file.send().await.unwrap().status(), StatusCode::NOT_FOUND, "files are not limited per address");
    server.stop().await;
}

#[tokio::test]
async fn a_token_and_an_account_have_limits_of_their_own() {
    let server = Server::start_changed(|config| {
        config.rate_limits.token_per_minute = 1;
        config.rate_limits.account_per_minute = 5;
    })
    .await;
    let url = format!("{}/api/v1/whoami", server.url);
    let ask = || http().get(&url).bearer_auth(server.token.expose_secret()).send();
    let first = ask().await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["ratelimit-policy"], "\"token\";q=1;w=60, \"account\";q=5;w=60");
    assert_eq!(ask().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    server.stop().await;
}

#[tokio::test]
async fn routes_that_anybody_may_use_count_who_says_who_they_are() {
    let server = Server::start_changed(|config| config.rate_limits.token_per_minute = 1).await;
    let account = server.add_account("somebody").await;
    let public = crate::permissions::routes().into_iter().filter(|route| route.is_public());
    let mut tried = 0;
    for route in public {
        let token = server.add_token(&account, ALL_SCOPES, None).await;
        let ids = crate::permissions::Ids::from([("calendar", "pintle_cal_none".to_owned())]);
        let first = crate::permissions::ask(&server, &route, &ids, Some(&token)).await;
        assert_ne!(first.1, "rate_limited", "{}", route.name);
        let second = crate::permissions::ask(&server, &route, &ids, Some(&token)).await;
        assert_eq!(second, (429, "rate_limited".to_owned()), "{}", route.name);
        tried += 1;
    }
    assert!(tried >= 8, "sign-up, reset, confirm, sign-in, second factor and single sign-on are among them: {tried}");
    server.stop().await;
}

#[tokio::test]
async fn a_request_id_is_taken_from_trusted_proxies_alone() {
    let id = async |server: &Server, given: &str| {
        let answer = http().get(format!("{}/healthz", server.url)).header("x-request-id", given).send().await.unwrap();
        answer.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    let proxied = Server::start_changed(|config| config.proxy.trusted = vec!["127.0.0.1/32".parse().unwrap()]).await;
    assert_eq!(id(&proxied, "trace-0123456789").await, "trace-0123456789");
    for odd in ["short", "with space in it", "\"quoted-01\"", &"x".repeat(65)] {
        assert_ne!(id(&proxied, odd).await, odd);
    }
    proxied.stop().await;
    let open = Server::start().await;
    assert_ne!(id(&open, "trace-0123456789").await, "trace-0123456789");
    open.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_gets_no_permission() {
    let server = Server::start().await;
    let preflight = http()
        .request(Method::OPTIONS, format!("{}/api/v1/organizations", server.url))
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = preflight.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    let cors = answer.headers().keys().filter(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(cors.count(), 0);
    server.stop().await;
}
